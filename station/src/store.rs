//! The station's database: what the homes sent, kept as received, and the orders of the nurses.
//!
//! A batch is one transaction. What a caller learns from a method has been committed, or nothing
//! has changed. WAL with `synchronous=FULL` keeps it through a power cut.

mod alarm;
mod alert;
mod archive;
pub(crate) mod assignment;
mod command;
mod filing;
mod history;
mod holdings;
mod log;
mod oversight;
mod record;
mod schema;
mod timeline;

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use thiserror::Error;

pub use self::archive::{Archive, Listing, Query};
pub use self::assignment::Said;
pub use self::filing::Filed;
pub(crate) use self::filing::RAISED;
pub use self::history::History;
pub use self::holdings::{AlertHistory, Charted, Holdings, HubHolding};
pub(crate) use self::holdings::{ENDED_ALERTS, EVENTS, READINGS_OF_A_VITAL, UNASSIGNED_READINGS};
pub use self::record::{Kind, StoredRecord};

/// The database, opened for writing by this process alone.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// Held for as long as the store is open.
    _lock: Option<File>,
    /// Copies of a damaged log and its database lie beside the database.
    has_damaged_copies: bool,
}

/// The database did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be opened; nothing was changed.
    #[error("cannot open the database: {cause}")]
    Open {
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// Another station has it open; nothing was changed.
    #[error("another station has the database {} open", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The lock file beside it cannot be made; nothing was changed.
    #[error("cannot lock the database with {}: {cause}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The file is a database of something else; nothing was changed.
    #[error("the file is no database of a station")]
    Foreign,
    /// Another version of the station made it; nothing was changed.
    #[error("the database has schema version {found}, this station reads {known}")]
    Version {
        /// Version in the file.
        found: i32,
        /// Version that is read here.
        known: i32,
    },
    /// The file is damaged; it was not touched.
    #[error(
        "the database is damaged ({report}); move it aside, restore a copy or start an empty one, \
         and the homes send again what they still hold"
    )]
    Corrupt {
        /// The first finding of SQLite.
        report: String,
    },
    /// Its log is damaged and the copies that a person needs cannot be made; nothing was changed.
    #[error("the log of the database is damaged, and no copy can be kept of it: {cause}")]
    Keep {
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// A statement failed; the transaction was rolled back and may be tried again.
    #[error("cannot {what}: {cause}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
}

impl StoreError {
    fn open(cause: rusqlite::Error) -> Self {
        Self::Open { cause }
    }

    /// Whether the connection is to blame: nobody else may write, so a lock that is taken is one that
    /// a failed call has left behind, and opening the database anew is the answer.
    pub(crate) fn is_stuck(&self) -> bool {
        match self {
            Self::Failed { cause, .. } => matches!(
                cause.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed)
            ),
            Self::Open { .. }
            | Self::Locked { .. }
            | Self::Lock { .. }
            | Self::Foreign
            | Self::Version { .. }
            | Self::Corrupt { .. }
            | Self::Keep { .. } => false,
        }
    }

    fn failed(what: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |cause| Self::Failed { what, cause }
    }
}

impl Store {
    /// Opens the database at `path`, or makes it.
    ///
    /// Where its log is damaged, copies of both are kept beside it: SQLite drops what follows in the
    /// log, and the homes send again what they still hold.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where it is locked, foreign, damaged or cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        log::keep_damaged(path).map_err(|cause| StoreError::Keep { cause })?;
        let connection = Connection::open(path).map_err(StoreError::open)?;
        let mut store = Self::prepared(connection, Some(lock))?;
        log::begin_anew(&store.connection).map_err(StoreError::open)?;
        store.has_damaged_copies = log::has_copies(path);
        Ok(store)
    }

    /// Whether copies of a log that was damaged lie beside the database, for a person to look at.
    #[must_use]
    pub const fn has_damaged_copies(&self) -> bool {
        self.has_damaged_copies
    }

    /// A database that lives in memory, for simulations.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where SQLite fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepared(Connection::open_in_memory().map_err(StoreError::open)?, None)
    }

    fn prepared(mut connection: Connection, lock: Option<File>) -> Result<Self, StoreError> {
        schema::settle(&connection).map_err(StoreError::open)?;
        schema::prepare(&mut connection)?;
        timeline::prepare(&connection).map_err(StoreError::open)?;
        assignment::prepare(&connection).map_err(StoreError::open)?;
        oversight::prepare(&connection).map_err(StoreError::open)?;
        Ok(Self { connection, _lock: lock, has_damaged_copies: false })
    }
}

/// One station a database: the sequence ranges in memory must be those of the file.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let error = |cause| StoreError::Lock { path: lock_path.clone(), cause };
    let file =
        File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(cause)) => Err(error(cause)),
    }
}

#[cfg(test)]
mod tests;
