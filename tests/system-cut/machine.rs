//! The machine: a Linux as a process, whose power goes when its processes are killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context as _, bail, ensure};
use fastrand::Rng;
use harness::clock::{StartOfTime, pass};
use harness::tool;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::wait;
use nix::unistd::Pid;

use crate::{Writer, guest};

/// Size of the machine's disk, in bytes; the file is sparse.
const DISK_LEN_BYTES: u64 = 256 * 1024 * 1024;

/// Longest time for a boot and the check of the ledger.
const BOOT_MAX: Duration = Duration::from_secs(120);

/// Longest random wait from the start of the machine for a cut while it boots.
const BOOT_MS: u64 = 2_000;

/// Longest random wait for a cut while the ledger is written to.
const WORK_MS: u64 = 700;

/// One of so many cuts falls while the machine boots, which replays journal and log.
const CUTS_OF_A_BOOT_CUT: u32 = 5;

/// Where the disk is in the machine: a folder that every Debian has.
const MOUNT_POINT: &str = "/mnt";

/// When the power goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// So long after the machine started.
    AfterStart(Duration),
    /// So long after the ledger was found to be whole or not.
    AfterCheck(Duration),
}

impl Moment {
    pub(crate) fn choose(random: &mut Rng) -> Self {
        match random.u32(..CUTS_OF_A_BOOT_CUT) {
            0 => Self::AfterStart(Duration::from_millis(random.u64(50..BOOT_MS))),
            _ => Self::AfterCheck(Duration::from_millis(random.u64(..WORK_MS))),
        }
    }
}

/// What the machine found on its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Everything up to this number, and nothing else.
    Whole(u64),
    Wrong(String),
}

/// From a boot to a cut.
#[derive(Debug, Default)]
pub(crate) struct Life {
    pub(crate) found: Option<Found>,
    /// The last number that it said is committed.
    pub(crate) committed: Option<u64>,
}

/// A machine with its disk.
pub(crate) struct Machine {
    linux: PathBuf,
    disk: PathBuf,
    directory: PathBuf,
    seed: u64,
    writer: Writer,
}

/// What a killed machine leaves behind are processes of ours, so that [`Machine`] can await them.
pub(crate) fn adopt_orphans() -> anyhow::Result<()> {
    set_child_subreaper(true).context("orphans cannot be adopted")
}

impl Machine {
    /// Makes a disk with an empty file system in `directory`.
    pub(crate) fn new(directory: &Path, seed: u64, writer: Writer) -> anyhow::Result<Self> {
        let linux = tool::find("linux.uml").context("install the package user-mode-linux")?;
        let disk = directory.join("disk");
        fs::File::create(&disk)?.set_len(DISK_LEN_BYTES)?;
        run(Command::new(program("mkfs.ext4")?).args(["-q", "-F"]).arg(&disk))?;
        let directory = directory.to_owned();
        Ok(Self { linux, disk, directory, seed, writer })
    }

    /// Boots, works, and loses its power.
    pub(crate) fn live(&self, moment: Moment) -> anyhow::Result<Life> {
        let running = self.boot(false)?;
        let mut life = Life::default();
        match moment {
            Moment::AfterStart(wait) => pass(wait),
            Moment::AfterCheck(wait) => {
                life.read_until(&running.lines, |life| life.found.is_some())?;
                pass(wait);
            }
        }
        life.read_rest(running)?;
        Ok(life)
    }

    /// Boots, checks the ledger, and takes the disk away in order.
    pub(crate) fn check(&self) -> anyhow::Result<Life> {
        let running = self.boot(true)?;
        let mut life = Life::default();
        let mut is_unmounted = false;
        life.read_until_line(&running.lines, |_life, line| {
            is_unmounted |= line == guest::UNMOUNTED;
            is_unmounted
        })?;
        life.read_rest(running)?;
        Ok(life)
    }

    /// The file system is whole, by its own tool.
    pub(crate) fn check_file_system(&self) -> anyhow::Result<()> {
        run(Command::new(program("e2fsck")?).args(["-f", "-n"]).arg(&self.disk))
    }

    fn boot(&self, check_only: bool) -> anyhow::Result<Running> {
        let init = self.directory.join("init");
        let program = std::env::current_exe()?;
        let writer = match self.writer {
            Writer::Hub => "hub",
            Writer::Control => "control",
        };
        let option = if check_only { "--check-only" } else { "" };
        let (program, seed) = (program.display(), self.seed);
        let script = format!(
            "#!/bin/sh\nmount -t proc proc /proc\n\
             mount -t ext4 /dev/ubda {MOUNT_POINT} || echo '{} the disk cannot be mounted'\n\
             {program} guest {option} {MOUNT_POINT} {seed} {writer}\n\
             umount {MOUNT_POINT} && echo {}\nwhile :; do read nothing; done\n",
            guest::WRONG,
            guest::UNMOUNTED,
        );
        fs::write(&init, script)?;
        run(Command::new("chmod").arg("+x").arg(&init))?;
        let mut command = Command::new(&self.linux);
        command.args(["mem=160M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"]);
        command.args(["quiet", "con=null", "con0=null,fd:1"]);
        command.arg(format!("ubd0={}", self.disk.display()));
        command.arg(format!("init={}", init.display()));
        command.arg(format!("uml_dir={}", self.directory.display()));
        // What the host would tell its own programs is nothing for those of the machine.
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().context("the machine does not start")?;
        let output = child.stdout.take().context("the machine has an output")?;
        let (sender, lines) = mpsc::channel();
        // It ends with the output, which ends with the machine.
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    break;
                }
            }
        });
        Ok(Running { child, lines, reader })
    }
}

/// A machine with power.
struct Running {
    child: Child,
    lines: Receiver<String>,
    reader: thread::JoinHandle<()>,
}

impl Running {
    /// The power goes: every process of the machine is killed and awaited.
    fn cut(&self) -> anyhow::Result<()> {
        let group = Pid::from_raw(self.child.id().try_into()?);
        killpg(group, Signal::SIGKILL).context("the machine cannot be killed")?;
        loop {
            match wait() {
                Ok(_ended) => {}
                Err(Errno::ECHILD) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => bail!("the processes of the machine cannot be awaited: {error}"),
            }
        }
    }
}

impl Life {
    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        if let Some(number) = line.strip_prefix(guest::FOUND) {
            self.found = Some(Found::Whole(number.trim().parse()?));
        } else if let Some(number) = line.strip_prefix(guest::COMMITTED) {
            // The last line may be cut off.
            if let Some(number) = number.trim().strip_suffix('.') {
                self.committed = Some(number.parse()?);
            }
        } else if line.starts_with(guest::WRONG) {
            self.found = Some(Found::Wrong(line.to_owned()));
        }
        Ok(())
    }

    fn read_until(
        &mut self,
        lines: &Receiver<String>,
        is_enough: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<()> {
        self.read_until_line(lines, |life, _line| is_enough(life))
    }

    fn read_until_line(
        &mut self,
        lines: &Receiver<String>,
        mut is_enough: impl FnMut(&Self, &str) -> bool,
    ) -> anyhow::Result<()> {
        let start = StartOfTime::now();
        loop {
            let left = BOOT_MAX.saturating_sub(start.elapsed());
            let line = lines.recv_timeout(left).context("the machine says nothing more")?;
            self.take(&line)?;
            if is_enough(self, &line) {
                return Ok(());
            }
        }
    }

    /// Cuts the power and takes in what the machine had said until then.
    fn read_rest(&mut self, running: Running) -> anyhow::Result<()> {
        running.cut()?;
        let reader = running.reader.join();
        ensure!(reader.is_ok(), "the output of the machine cannot be read");
        running.lines.try_iter().try_for_each(|line| self.take(&line))
    }
}

fn program(name: &str) -> anyhow::Result<PathBuf> {
    tool::find(name).with_context(|| format!("{name} is missing: install the package e2fsprogs"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?} does not start"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}
