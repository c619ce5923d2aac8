//! Why the store did not do what it was asked.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;
use vitals::Sequence;

/// Why the store did not do what it was asked; the transaction at hand did not happen.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory of the file cannot be made.
    #[error("cannot make the directory of {}", path.display())]
    Directory {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be opened or is no database.
    #[error("cannot open {}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process owns the ledger.
    #[error("cannot own {}: is a hub running already?", path.display())]
    Owned {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file that keeps other processes away cannot be made or locked.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A ledger that is in memory finds another ledger where its file was; neither was changed.
    #[error("{} is another ledger than the one that was left", path.display())]
    OtherLedger {
        /// The database file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program; nothing was changed", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error(
        "{} has schema version {found}, this program knows {known}: install the newer program again",
        path.display()
    )]
    TooNew {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Latest version known here.
        known: u32,
    },
    /// A statement failed; retrying can help where the disk was full or busy.
    #[error("failed to {action}")]
    Statement {
        /// What was being done.
        action: &'static str,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by an earlier version of this program.
    #[error(
        "{} has schema version {found}: the hub brings it to the latest one when it starts",
        path.display()
    )]
    TooOld {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
    },
    /// The file is a ledger, and damaged.
    #[error("{} is damaged: {cause}", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// A salvaged ledger could not be put in the place of the damaged one.
    #[error("cannot replace the damaged {}", path.display())]
    Replace {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The budget is used up or the disk is full; what was written before is as it was, and making
    /// room can help.
    #[error("no room to {action}")]
    Full {
        /// What was being done.
        action: &'static str,
    },
    /// The system does not tell how full the disk is.
    #[error("cannot find out how full the disk of {} is", path.display())]
    Disk {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A record is not what was written; it must not be shown or sent.
    #[error("record {seq} is damaged: its checksum does not fit")]
    Damaged {
        /// Place of the record.
        seq: Sequence,
    },
    /// The operating system gave no randomness for a new epoch.
    #[error("no randomness for a new epoch: {cause}")]
    Randomness {
        /// What the system said.
        cause: String,
    },
}

/// Names a failed statement.
pub(super) fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { action },
        Some(_) | None => StoreError::Statement { action, source },
    }
}

/// SQLite could not read from the file (`SQLITE_IOERR_READ`, `SQLITE_IOERR_SHORT_READ`).
const READ_FAILED: [i32; 2] = [266, 522];

impl StoreError {
    /// Whether the file itself is damaged, so that it has to be salvaged.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let source = match self {
            Self::Corrupt { .. } => return true,
            Self::Open { source, .. } | Self::Statement { source, .. } => source,
            Self::Directory { .. }
            | Self::Owned { .. }
            | Self::Lock { .. }
            | Self::OtherLedger { .. }
            | Self::Foreign { .. }
            | Self::TooNew { .. }
            | Self::TooOld { .. }
            | Self::Replace { .. }
            | Self::Full { .. }
            | Self::Disk { .. }
            | Self::Damaged { .. }
            | Self::Randomness { .. } => return false,
        };
        let is_unreadable =
            source.sqlite_error().is_some_and(|error| READ_FAILED.contains(&error.extended_code));
        let code = source.sqlite_error_code();
        // A table or column that is missing while the file opens: its schema is damaged.
        is_unreadable
            || matches!(
                code,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
            )
    }

    /// Whether the open file cannot be trusted any more: after an error of the storage nobody knows
    /// what was written. It has to be opened again and checked.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        let Self::Statement { source, .. } = self else { return false };
        let code = source.sqlite_error_code();
        let is_of_storage = matches!(
            code,
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed
            )
        );
        is_of_storage || self.is_damage()
    }

    /// Whether a hub that starts with it can only go on in memory: the file may be sound, and cannot
    /// be read or written now.
    #[must_use]
    pub const fn is_of_storage(&self) -> bool {
        match self {
            Self::Directory { .. }
            | Self::Open { .. }
            | Self::Lock { .. }
            | Self::Statement { .. }
            | Self::Corrupt { .. }
            | Self::Replace { .. }
            | Self::Full { .. }
            | Self::Disk { .. }
            | Self::Damaged { .. } => true,
            Self::Owned { .. }
            | Self::OtherLedger { .. }
            | Self::Foreign { .. }
            | Self::TooNew { .. }
            | Self::TooOld { .. }
            | Self::Randomness { .. } => false,
        }
    }

    /// One clause on what is wrong, with its cause.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Corrupt { cause, .. } => cause.clone(),
            Self::Open { source, .. } | Self::Statement { source, .. } => source.to_string(),
            Self::Directory { source, .. }
            | Self::Lock { source, .. }
            | Self::Replace { source, .. }
            | Self::Disk { source, .. } => source.to_string(),
            Self::Owned { .. }
            | Self::OtherLedger { .. }
            | Self::Foreign { .. }
            | Self::TooNew { .. }
            | Self::TooOld { .. }
            | Self::Full { .. }
            | Self::Damaged { .. }
            | Self::Randomness { .. } => self.to_string(),
        }
    }
}
