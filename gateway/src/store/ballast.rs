//! The disk under the ledger, and the ballast: a file that holds room on it, given back when a
//! write finds none.
//!
//! A full disk refuses everything, removals too, because they go through the journal. What the
//! ballast frees is room for the alerts that say so, and for the removal of what the agency holds.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::{FsFlags, statvfs};
use tracing::{info, warn};

use super::{Store, StoreError, failed};

/// The file system that the ledger is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that this process can still write.
    pub free_bytes: u64,
    /// All bytes.
    pub total_bytes: u64,
    /// Whether nobody can write to it.
    pub is_read_only: bool,
}

impl Disk {
    /// The disk that `path` is on.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Disk`] where the system does not tell.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        let found = statvfs(directory.unwrap_or(Path::new(".")))
            .map_err(|source| StoreError::Disk { path: path.to_owned(), source: source.into() })?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        Ok(Self {
            free_bytes: bytes(found.blocks_available()),
            total_bytes: bytes(found.blocks()),
            is_read_only: found.flags().contains(FsFlags::ST_RDONLY),
        })
    }
}

/// Size in bytes: a journal (1 MiB) that was not yet written, and some thousand alerts.
const LEN_BYTES: u64 = 4 * 1024 * 1024;

/// The ballast of a ledger, whether it is on the disk or spent.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    is_there: bool,
}

impl Ballast {
    /// The ballast of the ledger at `path`, which an earlier run may have spent.
    pub(super) fn beside(path: &Path) -> Self {
        let path = path.with_extension("ballast");
        let is_there = fs::metadata(&path).is_ok_and(|it| it.len() == LEN_BYTES);
        Self { path, is_there }
    }

    pub(super) const fn is_there(&self) -> bool {
        self.is_there
    }

    /// Puts room aside; where that fails, nothing is put aside.
    pub(super) fn put_aside(&mut self) {
        if self.is_there {
            return;
        }
        match occupy(&self.path) {
            Ok(()) => {
                self.is_there = true;
                info!(len_bytes = LEN_BYTES, "ballast put aside");
            }
            Err(error) => {
                warn!(%error, "no ballast can be put aside");
                remove(&self.path);
            }
        }
    }

    /// Gives the room back.
    pub(super) fn release(&mut self) {
        if self.is_there {
            warn!(len_bytes = LEN_BYTES, "the disk is full, ballast released");
            remove(&self.path);
            self.is_there = false;
        }
    }
}

impl Store {
    /// The disk that the ledger is on.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Disk`] where the system does not tell.
    pub fn disk(&self) -> Result<Disk, StoreError> {
        Disk::of(&self.path)
    }

    /// Bytes of pages up to which a transaction without an alert may go: what is left of the
    /// ballast's room on a full disk is for alerts.
    pub(super) fn max_bytes_without_alerts(&self) -> u64 {
        if self.is_in_memory() {
            return u64::MAX;
        }
        // Where the system does not tell, the write itself will.
        let is_short = || self.disk().is_ok_and(|it| it.free_bytes < LEN_BYTES / 2);
        if self.is_ballast_spent() && is_short() {
            return 0;
        }
        self.upkeep.max_bytes_without_alerts()
    }

    /// Whether there is room for more than the next readings.
    pub(super) fn has_room_for_more(&self) -> bool {
        !self.is_ballast_spent() || self.disk().is_ok_and(|it| LEN_BYTES <= it.free_bytes)
    }

    /// Whether the ballast was given back to the disk and not put aside again.
    #[must_use]
    pub fn is_ballast_spent(&self) -> bool {
        self.ballast.as_ref().is_some_and(|it| !it.is_there())
    }

    /// Gives the ballast back to the disk, where that is what a write lacked.
    pub fn release_ballast(&mut self) {
        let is_short = self.disk().is_ok_and(|it| it.free_bytes < LEN_BYTES);
        if let Some(ballast) = self.ballast.as_mut().filter(|_| is_short) {
            ballast.release();
        }
    }

    /// Puts the ballast aside again, where the disk has room for it twice.
    pub fn renew_ballast(&mut self) {
        let has_room = self.disk().is_ok_and(|it| LEN_BYTES * 2 <= it.free_bytes);
        if let Some(ballast) = self.ballast.as_mut().filter(|_| has_room) {
            ballast.put_aside();
        }
    }

    /// Copies the journal into the database, so that the next commits reuse its space.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where that failed; nothing is lost by it.
    pub fn reuse_journal(&self) -> Result<(), StoreError> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", (), |_row| Ok(()))
            .map_err(failed("copy the journal into the database"))
    }
}

/// Makes a file whose blocks are really on the disk.
fn occupy(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let len = nix::libc::off_t::try_from(LEN_BYTES).unwrap_or(nix::libc::off_t::MAX);
    match posix_fallocate(&file, 0, len) {
        Ok(()) => Ok(()),
        Err(Errno::EOPNOTSUPP | Errno::EINVAL) => {
            file.rewind()?;
            io::copy(&mut io::Read::take(io::repeat(0x42), LEN_BYTES), &mut file)?;
            file.flush()
        }
        Err(error) => Err(error.into()),
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => warn!(%error, "the ballast cannot be removed"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn ballast_takes_room_on_the_disk_and_gives_it_back() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = directory.path().join("ledger.db");
        let mut ballast = Ballast::beside(&ledger);
        assert!(!ballast.is_there());
        ballast.put_aside();
        let file = fs::metadata(directory.path().join("ledger.ballast")).unwrap();
        assert_eq!(file.len(), LEN_BYTES);
        assert!(LEN_BYTES <= file.blocks() * 512, "{} blocks are no room", file.blocks());
        // The next run finds it.
        let mut ballast = Ballast::beside(&ledger);
        assert!(ballast.is_there());
        ballast.release();
        assert!(!ballast.is_there() && !Ballast::beside(&ledger).is_there());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
