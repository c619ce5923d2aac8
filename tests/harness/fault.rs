//! A fault at one system call of a real program, which `strace` injects from outside.
//!
//! What a program does to its file, its connection and its log is a system call; so "kill it before
//! its third `pwrite64`" names a point between two steps, in the program as it is shipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fmt, fs};

use anyhow::Context as _;

use crate::process::Process;
use crate::tool;

/// How long `strace` may take to get hold of a running program.
const ATTACH_MAX: Duration = Duration::from_secs(20);

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The program is killed, and the call does not happen.
    Kill,
    /// The call does not happen and fails with this error.
    Error(&'static str),
    /// Neither this call nor a later one happens, and each says that it wrote this many bytes.
    Lie(u32),
}

/// Which threads of a program are meant; each counts its own calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thread {
    /// Whichever makes the call that often first.
    Any,
    /// The one with this name.
    Named(&'static str),
    /// The first one.
    Main,
}

/// A call of a program, and what happens there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Whose call.
    pub thread: Thread,
    /// Name of the system call.
    pub call: String,
    /// Which of them, from 1.
    pub nth: usize,
    /// What happens.
    pub fault: Fault,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, call, nth, fault } = self;
        match fault {
            Fault::Kill => write!(f, "kill before {call} {nth}")?,
            Fault::Error(error) => write!(f, "{error} from {call} {nth}")?,
            Fault::Lie(len_bytes) => write!(f, "{call} from {nth} on lies of {len_bytes} bytes")?,
        }
        match thread {
            Thread::Any => Ok(()),
            Thread::Named(name) => write!(f, " of the thread {name}"),
            Thread::Main => f.write_str(" of the main thread"),
        }
    }
}

/// `strace` at work on a program.
#[derive(Debug)]
pub struct Watch {
    strace: Option<Process>,
    report: PathBuf,
}

impl Watch {
    /// Counts the calls of a running program from now on; `report` is a new file.
    ///
    /// # Errors
    ///
    /// Fails where the program cannot be traced.
    pub fn count(process: u32, thread: Thread, report: &Path) -> anyhow::Result<Self> {
        Self::attach(process, thread, &["-e", "trace=all"], report)
    }

    /// Lies in wait for `point` in a running program.
    ///
    /// # Errors
    ///
    /// Fails where the program cannot be traced.
    pub fn lie_in_wait(process: u32, point: &Point, report: &Path) -> anyhow::Result<Self> {
        Self::attach(process, point.thread, &point.arguments(), report)
    }

    /// A command that runs another one, whose name and arguments follow, and counts its calls, or
    /// lies in wait for `point` among them.
    ///
    /// # Errors
    ///
    /// Fails where `strace` is not installed.
    pub fn launcher(point: Option<&Point>, report: &Path) -> anyhow::Result<(Self, Command)> {
        let mut command = Command::new(tool::find("strace").context("strace is not installed")?);
        let arguments =
            point.map_or_else(|| vec!["-e".into(), "trace=all".into()], Point::arguments);
        command.args(["-D", "-f", "-qq"]).args(arguments).arg("-o").arg(report);
        Ok((Self { strace: None, report: report.to_owned() }, command))
    }

    fn attach(
        process: u32,
        thread: Thread,
        arguments: &[impl AsRef<std::ffi::OsStr>],
        report: &Path,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(tool::find("strace").context("strace is not installed")?);
        command.args(arguments).arg("-o").arg(report);
        match thread {
            Thread::Any => command.arg("-f").arg("-p").arg(process.to_string()),
            Thread::Main => command.arg("-p").arg(process.to_string()),
            Thread::Named(name) => command.arg("-p").arg(thread_id(process, name)?),
        };
        let strace = Process::start("strace", &mut command)?;
        strace.wait_for_line("attached", ATTACH_MAX)?;
        Ok(Self { strace: Some(strace), report: report.to_owned() })
    }

    /// Lets go of the program, and says what it did.
    ///
    /// # Errors
    ///
    /// Fails where there is no report.
    pub fn end(self) -> anyhow::Result<Report> {
        if let Some(strace) = self.strace {
            strace.stop()?;
        }
        let text = fs::read(&self.report).context("strace left no report")?;
        Ok(Report(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// Identity of the thread of `process` with this name.
fn thread_id(process: u32, name: &str) -> anyhow::Result<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).context("it does not run")?;
    let mut ids = threads.filter_map(|it| it.ok()?.file_name().into_string().ok());
    let is_meant = |id: &String| {
        let named = fs::read_to_string(format!("/proc/{process}/task/{id}/comm"));
        named.is_ok_and(|it| it.trim() == name)
    };
    ids.find(is_meant).with_context(|| format!("it has no thread {name}"))
}

impl Point {
    fn arguments(&self) -> Vec<String> {
        let Self { call, nth, fault, .. } = self;
        let fault = match fault {
            Fault::Kill => format!("signal=KILL:when={nth}"),
            Fault::Error(error) => format!("error={error}:when={nth}"),
            Fault::Lie(len_bytes) => format!("retval={len_bytes}:when={nth}+"),
        };
        ["-e", &format!("trace={call}"), "-e", &format!("inject={call}:{fault}")]
            .map(str::to_owned)
            .to_vec()
    }
}

/// What `strace` saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(String);

impl Report {
    /// Whether the program came to the point.
    #[must_use]
    pub fn was_reached(&self) -> bool {
        self.0.contains("(INJECTED") || self.0.contains("+++ killed by SIGKILL +++")
    }

    /// How often one thread made each call, at most.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for line in self.0.lines() {
            // With more threads than one, the thread comes first.
            let (thread, call) = match line.split_once(' ') {
                Some((id, rest)) if id.bytes().all(|it| it.is_ascii_digit()) => (id, rest),
                Some(_) | None => ("", line),
            };
            let Some((name, _arguments)) = call.trim_start().split_once('(') else { continue };
            if name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
                let count = counts.entry((thread, name)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut most = BTreeMap::new();
        for ((_thread, name), count) in counts {
            let known = most.entry(name.to_owned()).or_default();
            *known = count.max(*known);
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_thread() {
        let text = "7 pwrite64(9, \"a\", 1, 0) = 1\n8 pwrite64(9, \"b\", 1, 1 <unfinished ...>\n\
                    7 pwrite64(9, \"c\", 1, 2) = 1\n8 <... pwrite64 resumed>) = 1\n\
                    7 futex(0x1, FUTEX_WAIT) = 0\n7 +++ exited with 0 +++\n";
        let counts = Report(text.to_owned()).counts();
        assert_eq!(counts, BTreeMap::from([("futex".to_owned(), 1), ("pwrite64".to_owned(), 2)]));
    }

    #[test]
    fn a_point_that_was_reached_is_told_from_one_that_was_not() {
        let report = |text: &str| Report(text.to_owned()).was_reached();
        assert!(report("7 fdatasync(9) = -1 EIO (Input/output error) (INJECTED)\n"));
        assert!(report("fdatasync(9) = ?\n+++ killed by SIGKILL +++\n"));
        assert!(!report("7 fdatasync(9) = 0\n+++ exited with 0 +++\n"));
    }
}
