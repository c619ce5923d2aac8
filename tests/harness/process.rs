//! A program under test: started, read line by line, waited for, killed.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Lines that a program is remembered by; older ones are dropped.
const LINES_MAX: usize = 100_000;

/// A running program; it is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    n_dropped: usize,
    n_closed_streams: usize,
}

/// A place in what a program says; the default is before everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark(usize);

impl Lines {
    fn push(&mut self, line: String) {
        if self.kept.len() == LINES_MAX {
            self.kept.pop_front();
            self.n_dropped = self.n_dropped.saturating_add(1);
        }
        self.kept.push_back(line);
    }

    fn end(&self) -> Mark {
        Mark(self.n_dropped.saturating_add(self.kept.len()))
    }

    fn after(&self, Mark(place): Mark) -> impl Iterator<Item = &String> {
        self.kept.iter().skip(place.saturating_sub(self.n_dropped))
    }

    fn text(&self) -> String {
        Vec::from_iter(self.kept.iter().map(String::as_str)).join("\n")
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collect(self: Arc<Self>, stream: impl Read + Send + 'static) {
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                self.lock().push(line);
                self.grown.notify_all();
            }
            self.lock().n_closed_streams += 1;
            self.grown.notify_all();
        });
    }
}

impl Process {
    /// Starts `command`; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// Fails where the program cannot be started.
    pub fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C reaches whoever started it, who then ends it in good order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to start {name}: {command:?}"))?;
        let output = Arc::new(Output::default());
        if let Some(stream) = child.stdout.take() {
            Arc::clone(&output).collect(stream);
        }
        if let Some(stream) = child.stderr.take() {
            Arc::clone(&output).collect(stream);
        }
        Ok(Self { name: name.to_owned(), child, output })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has had so far, in KiB, with the pages of its program.
    ///
    /// # Errors
    ///
    /// Fails where it has ended.
    pub fn peak_kib(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(path).context(self.name.clone())?;
        let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        Ok(peak.context("the kernel does not say")?.trim().trim_end_matches(" kB").parse()?)
    }

    /// Waits for a line of its output that contains `text`, also one that came before.
    ///
    /// # Errors
    ///
    /// Fails with what the program said where no such line comes within `limit`, or it ends.
    pub fn wait_for_line(&self, text: &str, limit: Duration) -> anyhow::Result<String> {
        let found = |lines: &Lines| lines.kept.iter().find(|it| it.contains(text)).cloned();
        let is_waiting = |lines: &mut Lines| found(lines).is_none() && lines.n_closed_streams < 2;
        let (lines, _timeout) = self
            .output
            .grown
            .wait_timeout_while(self.output.lock(), limit, is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        match found(&lines) {
            Some(line) => Ok(line),
            None => {
                bail!("{} did not say {text:?}; it said:\n{}", self.name, lines.text())
            }
        }
    }

    /// The place that its output has reached.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.output.lock().end()
    }

    /// Waits until `n` lines after `mark` contain `text`.
    ///
    /// # Errors
    ///
    /// Fails with what the program said where it does not say it in time, or ends.
    pub fn wait_for_lines(
        &self,
        mark: Mark,
        text: &str,
        n: usize,
        limit: Duration,
    ) -> anyhow::Result<()> {
        if self.says(mark, &vec![text; n], limit) {
            return Ok(());
        }
        bail!("{} did not say {text:?} {n} times; it said:\n{}", self.name, self.output())
    }

    /// Waits until lines after `mark` contain these texts, one after another; whether it came to
    /// that before `limit` and before the program's end.
    #[must_use]
    pub fn says(&self, mark: Mark, texts: &[&str], limit: Duration) -> bool {
        let (mut seen, mut left) = (mark, texts);
        let mut is_said = |lines: &Lines| {
            for line in lines.after(seen) {
                if let Some((text, rest)) = left.split_first()
                    && line.contains(text)
                {
                    left = rest;
                }
            }
            seen = lines.end();
            left.is_empty()
        };
        let is_waiting = |lines: &mut Lines| !is_said(lines) && lines.n_closed_streams < 2;
        let (lines, _timeout) = self
            .output
            .grown
            .wait_timeout_while(self.output.lock(), limit, is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        is_said(&lines)
    }

    /// What it said so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lock().text()
    }

    /// Ends it as a power cut would: without a word.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().with_context(|| format!("failed to kill {}", self.name))?;
        self.child.wait().with_context(|| format!("failed to wait for {}", self.name))?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be asked or waited for.
    pub fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, Signal::SIGTERM).with_context(|| format!("failed to stop {}", self.name))?;
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().with_context(|| format!("failed to wait for {}", self.name))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a program ended by itself and well.
#[must_use]
pub fn is_clean(status: ExitStatus) -> bool {
    status.success() && status.signal().is_none()
}
