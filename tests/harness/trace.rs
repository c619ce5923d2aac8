//! What a program wrote to a file, by the system calls that `strace` saw.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::tool;

/// The system calls by which a database gets to the disk, and what the program says meanwhile.
const CALLS: &str = "trace=write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,\
                     sync_file_range,msync,sync,syncfs";

/// Longest text of a program that a trace keeps, in bytes.
const TEXT_LEN_MAX: usize = 300;

/// A trace that is being taken.
#[derive(Debug)]
pub struct Trace(PathBuf);

/// What a program did to the files that it was asked about, between two things that it said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// Calls of `fdatasync`.
    pub n_fdatasync: usize,
    /// Calls of `fsync`, and of others that flush.
    pub n_fsync: usize,
    /// Calls that write.
    pub n_writes: usize,
    /// Bytes that they wrote.
    pub len_bytes: u64,
}

impl Trace {
    /// A command that runs another one, whose name and arguments follow, and traces it to `path`;
    /// `None` where `strace` is not installed.
    ///
    /// The traced program is the child, and `strace` watches it from aside.
    #[must_use]
    pub fn launcher(path: &Path) -> Option<(Self, Command)> {
        let mut command = Command::new(tool::find_or_skip("strace")?);
        command.args(["-D", "-f", "-y", "-e", CALLS, "-s"]).arg(TEXT_LEN_MAX.to_string());
        command.arg("-o").arg(path);
        Some((Self(path.to_owned()), command))
    }

    /// What was done to files whose path contains `file`, in spans that end where the program says
    /// `mark`; what comes after the last one is left out.
    ///
    /// # Errors
    ///
    /// Fails where the trace cannot be read.
    pub fn writes(&self, file: &str, mark: &str) -> anyhow::Result<Vec<Writes>> {
        let text = fs::read(&self.0).context("there is no trace")?;
        Ok(spans(&String::from_utf8_lossy(&text), file, mark))
    }
}

/// The writes to `file`, in spans that end where the program says `mark`.
fn spans(trace: &str, file: &str, mark: &str) -> Vec<Writes> {
    let mut spans = Vec::new();
    let mut span = Writes::default();
    let mut unfinished: BTreeMap<&str, String> = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some((begun, _rest)) = call.split_once(" <unfinished ...>") {
            unfinished.insert(thread, begun.to_owned());
            continue;
        }
        let begun = call.starts_with("<... ").then(|| unfinished.remove(thread)).flatten();
        let rest = call.split_once(" resumed>").map_or(call, |(_begun, rest)| rest);
        let whole = begun.unwrap_or_default() + rest;
        span.take(&whole, file);
        if whole.contains(mark) {
            spans.push(std::mem::take(&mut span));
        }
    }
    spans
}

impl Writes {
    fn take(&mut self, call: &str, file: &str) {
        let Some((name, arguments)) = call.split_once('(') else { return };
        // The first argument is the open file with its path.
        let is_wanted = arguments.split(',').next().is_some_and(|it| it.contains(file));
        if !is_wanted {
            return;
        }
        match name {
            "fdatasync" => self.n_fdatasync = self.n_fdatasync.saturating_add(1),
            "fsync" | "sync_file_range" | "syncfs" => {
                self.n_fsync = self.n_fsync.saturating_add(1);
            }
            _write => {
                let result = call.rsplit_once(" = ").and_then(|(_call, it)| it.parse().ok());
                self.n_writes = self.n_writes.saturating_add(1);
                self.len_bytes = self.len_bytes.saturating_add(result.unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"
7 pwrite64(9</d/ledger.db-wal>, "\0\0"..., 24, 32) = 24
7 pwrite64(9</d/ledger.db-wal>, "\r\0"..., 1024, 56 <unfinished ...>
8 write(2<pipe:[1]>, "INFO other\n", 11) = 11
7 <... pwrite64 resumed>) = 1024
7 fdatasync(9</d/ledger.db-wal> <unfinished ...>
8 write(12<socket:[3]>, "ledger.db", 9) = 9
7 <... fdatasync resumed>) = 0
7 write(2<pipe:[1]>, "DEBUG reading recorded seq=4\n", 29) = 29
7 pwrite64(9</d/ledger.db-wal>, "\r\0"..., 1024, 56) = 1024
7 fsync(9</d/ledger.db>) = 0
7 write(2<pipe:[1]>, "DEBUG reading recorded seq=5\n", 29 <unfinished ...>
8 write(12<socket:[3]>, "ledger.db", 9) = 9
7 <... write resumed>) = 29
"#;

    #[test]
    fn writes_are_told_apart_by_file_and_by_what_the_program_says() {
        let first = Writes { n_fdatasync: 1, n_fsync: 0, n_writes: 2, len_bytes: 1048 };
        let second = Writes { n_fdatasync: 0, n_fsync: 1, n_writes: 1, len_bytes: 1024 };
        assert_eq!(spans(TRACE, "ledger.db", "reading recorded"), [first, second]);
        assert_eq!(spans(TRACE, "ledger.db", "seq=5").len(), 1);
    }
}
