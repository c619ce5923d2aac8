//! Putting a salvaged ledger in the place of a damaged one, which is kept under another name.
//!
//! ```text
//! ledger.db.partial       a ledger that is being made, worthless after a crash
//! ledger.db.mended        the damaged file by another name, with a log that can be read; as worthless
//! ledger.db.salvaged      it is complete; from here on everything can be finished
//! ledger.db.damaged-N     the damaged file, with -wal and -shm behind it; N is the first free number
//! ```
//!
//! Each step is one renaming. While the damaged file has its name, the work begins anew after a
//! crash; once it has not, only the rest of the renaming is left.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;

/// What SQLite puts beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// One step; it is done where `from` is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    from: PathBuf,
    to: PathBuf,
}

/// `path` with `suffix` behind its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

fn suspicion(path: &Path) -> PathBuf {
    beside(path, ".suspect")
}

/// Whether somebody met damage in the file: the next start checks all of it, however large.
pub(super) fn is_suspect(path: &Path) -> bool {
    fs::symlink_metadata(suspicion(path)).is_ok()
}

/// Has the next start check all of the file, or no longer.
pub(super) fn note_suspect(path: &Path, is_suspect: bool) -> io::Result<()> {
    match is_suspect {
        true => File::create(suspicion(path)).map(drop),
        false => remove(&suspicion(path)),
    }
}

/// Where a new ledger is made.
pub(super) fn partial(path: &Path) -> PathBuf {
    beside(path, ".partial")
}

/// Where the damaged file gets a log that can be read.
pub(super) fn mended(path: &Path) -> PathBuf {
    beside(path, ".mended")
}

fn salvaged(path: &Path) -> PathBuf {
    beside(path, ".salvaged")
}

/// Whether the file is there and empty, or only its log is: SQLite would begin a new one silently.
pub(super) fn is_gutted(path: &Path) -> bool {
    let len_bytes = |path: &Path| fs::metadata(path).ok().map(|it| it.len());
    let log_len_bytes = len_bytes(&beside(path, "-wal")).unwrap_or(0);
    match len_bytes(path) {
        Some(len_bytes) => len_bytes == 0,
        None => 0 < log_len_bytes,
    }
}

/// The name under which the damaged file at `path` will be kept.
pub(super) fn kept_as(path: &Path) -> PathBuf {
    let is_free = |name: &Path| {
        let companions = COMPANIONS.iter().map(|it| beside(name, it));
        companions.chain([name.to_owned()]).all(|it| fs::symlink_metadata(it).is_err())
    };
    let names = (1_u32..).map(|n| beside(path, &format!(".damaged-{n}")));
    names.into_iter().find(|it| is_free(it)).unwrap_or_else(|| beside(path, ".damaged"))
}

/// Puts the ledger at [`partial`], which is complete and flushed, in the place of the damaged one,
/// which becomes `kept`.
pub(super) fn replace(path: &Path, kept: &Path) -> Result<(), StoreError> {
    take(path, all_steps(path, kept).into_iter())
}

fn all_steps(path: &Path, kept: &Path) -> Vec<Step> {
    let complete = Step { from: partial(path), to: salvaged(path) };
    std::iter::once(complete).chain(steps(path, kept)).collect()
}

/// Finishes what a crash interrupted, or clears it away where the damaged file is still in place.
pub(super) fn finish(path: &Path) -> Result<(), StoreError> {
    let error = |source| StoreError::Replace { path: path.to_owned(), source };
    for worthless in [partial(path), mended(path)] {
        remove(&worthless).map_err(error)?;
    }
    if fs::symlink_metadata(salvaged(path)).is_err() {
        return Ok(());
    }
    if fs::symlink_metadata(path).is_ok() {
        return remove(&salvaged(path)).map_err(error);
    }
    take(path, steps(path, &last_kept(path)).into_iter())
}

/// The name that the damaged file has by now, where its companions may still need theirs.
fn last_kept(path: &Path) -> PathBuf {
    let is_there = |name: &Path| fs::symlink_metadata(name).is_ok();
    let names = (1_u32..).map(|n| beside(path, &format!(".damaged-{n}")));
    let last = names.take_while(|it| is_there(it)).last();
    let has_room = |name: &PathBuf| !COMPANIONS.iter().any(|it| is_there(&beside(name, it)));
    last.filter(has_room).unwrap_or_else(|| kept_as(path))
}

fn steps(path: &Path, kept: &Path) -> Vec<Step> {
    let away = |suffix: &str| Step { from: beside(path, suffix), to: beside(kept, suffix) };
    let companions = COMPANIONS.into_iter().map(away);
    let put = Step { from: salvaged(path), to: path.to_owned() };
    std::iter::once(away("")).chain(companions).chain([put]).collect()
}

fn take(path: &Path, steps: impl Iterator<Item = Step>) -> Result<(), StoreError> {
    let error = |source| StoreError::Replace { path: path.to_owned(), source };
    for step in steps {
        match fs::rename(&step.from, &step.to) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(error)?,
        }
        flush_directory(path).map_err(error)?;
    }
    Ok(())
}

fn flush_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Removes a file of ours with what SQLite put beside it.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    let companions = ["-journal", "-wal", "-shm"].iter().map(|it| beside(file, it));
    for name in companions.chain([file.to_owned()]) {
        match fs::remove_file(name) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// Does the first `n` steps of a replacement, as if the process was killed then.
#[cfg(test)]
pub(super) fn crash_after(n: usize, path: &Path) {
    let steps = all_steps(path, &kept_as(path));
    take(path, steps.into_iter().take(n)).expect("a test has a disk");
}
