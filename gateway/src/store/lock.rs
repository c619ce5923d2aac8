//! The lock beside the ledger: one process owns the file. Whoever dies lets go of it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;

fn beside(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Makes sure that no other process writes to the ledger at `path`.
///
/// Where no file can be made, that of an earlier run will do: a lock writes nothing.
pub(super) fn own(path: &Path) -> Result<File, StoreError> {
    let made = File::create(beside(path));
    let file = made.or_else(|error| File::open(beside(path)).map_err(|_none| error));
    let file = file.map_err(|source| StoreError::Lock { path: path.to_owned(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let source = io::Error::from(io::ErrorKind::WouldBlock);
            Err(StoreError::Owned { path: path.to_owned(), source })
        }
        Err(TryLockError::Error(source)) => Err(StoreError::Lock { path: path.to_owned(), source }),
    }
}

/// A lock in place of `present`, where that is none of the file that lies there by now: another disk
/// can have taken its place. Nothing where it still is.
pub(super) fn renew(path: &Path, present: Option<&File>) -> Result<Option<File>, StoreError> {
    let identity = |it: &fs::Metadata| (it.dev(), it.ino());
    let there = fs::metadata(beside(path)).ok();
    let ours = present.and_then(|it| it.metadata().ok());
    match (there, ours) {
        (Some(there), Some(ours)) if identity(&there) == identity(&ours) => Ok(None),
        _ => own(path).map(Some),
    }
}
