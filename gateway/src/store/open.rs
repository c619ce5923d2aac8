//! Opening the ledger: nothing is written to a file before it is known to be sound, and a damaged one
//! is salvaged.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tracing::{debug, error, warn};
use vitals::{Priority, Sequence};

use super::incident::{News, STORAGE_FAILED};
use super::{
    Lane, Store, StoreError, lock, log, memory, quarantine, query, salvage, schema, scrub,
};

/// Closing the last connection does not copy the log into the database.
const KEEP_LOG: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

impl Store {
    /// Opens the ledger at `path`, making, migrating or salvaging it as needed.
    ///
    /// A damaged file is kept under another name, what can be read of it goes into a new ledger with
    /// a new epoch, and an incident tells of it.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be opened, is no ledger, or is of a later
    /// version; the file is then as it was.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        if let Some(directory) = directory {
            fs::create_dir_all(directory)
                .map_err(|source| StoreError::Directory { path: path.to_owned(), source })?;
        }
        let lock = lock::own(path)?;
        let mut store = Self::over(sound_or_salvaged(path)?, path, Some(lock))?;
        store.look_through()?;
        if store.unproven.is_none() {
            match store.note_unproven(Some(store.last_seq)) {
                // Known until the next start.
                Err(StoreError::Full { .. }) => store.unproven = Some(store.last_seq),
                noted => noted?,
            }
        }
        Ok(store)
    }

    /// Closes the file, which failed, opens it again and checks all of it. What was not committed
    /// is not there; what a commit that failed wrote may be.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where it cannot be opened again; the store must not be used then.
    pub fn reopen(&mut self, failure: &StoreError) -> Result<(), StoreError> {
        let closed = Connection::open_in_memory()
            .map_err(|source| StoreError::Open { path: self.path.clone(), source })?;
        self.keep_log();
        drop(std::mem::replace(&mut self.connection, closed));
        self.note_suspect();
        let file = Self::over(sound_or_salvaged(&self.path)?, &self.path, None)?;
        let (upkeep, lock) = (self.upkeep, self.lock.take());
        let memory = std::mem::take(&mut self.memory);
        *self = Self { lock, memory, ..file };
        self.keep_within(upkeep)?;
        self.look_through()?;
        let text = format!(
            "The storage of the hub failed ({}). Its file was opened again and checked; the storage \
             should be replaced if this happens again.",
            failure.cause()
        );
        let mut ledger = self.begin()?;
        ledger.note_incident(&News { rule: STORAGE_FAILED, priority: Priority::High, text })?;
        ledger.commit()
    }

    /// What is in the log stays there when the file is closed: pages that could not be written must
    /// not reach the file any more.
    pub(super) fn keep_log(&self) {
        if let Err(error) = self.connection.set_db_config(KEEP_LOG, true) {
            warn!(%error, "the log may be copied while the file is closed");
        }
    }

    /// Opens the ledger at `path` for reading, beside a daemon that may be writing.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where there is no ledger that this program can read.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let look = || -> Result<Self, StoreError> {
            let connection = Connection::open_with_flags(path, flags).map_err(open)?;
            match schema::check(&connection, path)? {
                schema::VERSION => Self::over(connection, path, None),
                found => Err(StoreError::TooOld { path: path.to_owned(), found }),
            }
        };
        match look() {
            // SQLite wants to write beside the file, and nobody can.
            Err(error @ (StoreError::Open { .. } | StoreError::Statement { .. })) => {
                let connection = memory::readable(path).map_err(|_unreadable| error)?;
                Self::over(connection, path, None)
            }
            found => found,
        }
    }

    /// Looks at every record that still has to be sent, and notices those that are damaged.
    fn look_through(&self) -> Result<(), StoreError> {
        const PAGE: usize = 512;
        let held = self.held()?;
        for lane in Lane::ALL {
            let mut after = 0;
            while let Some(last) = self.pending(lane, after, &held, PAGE)?.last() {
                after = last.seq;
            }
        }
        Ok(())
    }

    /// The damaged records that were noticed and not settled, until somebody asks.
    #[must_use]
    pub fn take_noticed(&self) -> Vec<(Lane, Sequence)> {
        self.noticed.take().into_iter().collect()
    }

    /// Whether a record turned out to be damaged that nobody was told of.
    #[must_use]
    pub fn has_noticed_damage(&self) -> bool {
        !self.noticed.borrow().is_empty()
    }
}

pub(super) fn sound_or_salvaged(path: &Path) -> Result<Connection, StoreError> {
    quarantine::finish(path)?;
    let damage = match quarantine::is_gutted(path) {
        true => "it is empty, or only its log is left".to_owned(),
        false => match log::sound(path).and_then(|()| sound(path)) {
            Err(error) if error.is_damage() => error.cause(),
            other => return other,
        },
    };
    error!(%damage, "ledger is damaged");
    salvage::replace(path, &damage)?;
    sound(path)
}

/// Opens the file and writes nothing, not even what its log says, before it is known to be sound.
fn sound(path: &Path) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(open)?;
    connection.set_db_config(KEEP_LOG, true).map_err(open)?;
    connection.busy_timeout(schema::BUSY_MAX).map_err(open)?;
    let found = schema::check(&connection, path)?;
    let is_suspect = quarantine::is_suspect(path);
    if 0 < found
        && let Some(cause) = scrub::structure(&connection, is_suspect)?
    {
        return Err(StoreError::Corrupt { path: path.to_owned(), cause });
    }
    if found == schema::VERSION && query::epochs(&connection).map_err(open)?.is_none() {
        let cause = "it has no epoch".to_owned();
        return Err(StoreError::Corrupt { path: path.to_owned(), cause });
    }
    // Whether a number above it was given, nobody can say then.
    if 0 < found && !query::is_last_sound(&connection).map_err(open)? {
        let cause = "its last record is damaged".to_owned();
        return Err(StoreError::Corrupt { path: path.to_owned(), cause });
    }
    if is_suspect {
        quarantine::note_suspect(path, false)
            .map_err(|source| StoreError::Replace { path: path.to_owned(), source })?;
    }
    // Before: SQLite refuses it right after a file without a log was made one with a log.
    begin_log_anew(&connection).map_err(open)?;
    schema::configure(&connection).map_err(open)?;
    schema::migrate(&mut connection, found)?;
    // On a full disk the hub does without.
    if let Err(error) = super::alive::prepare(&connection) {
        warn!(%error, "it will not be noted when the hub runs");
    }
    connection.set_db_config(KEEP_LOG, false).map_err(open)?;
    Ok(connection)
}

/// Copies what a cut left in the log into the file and begins the log anew, with other salts: SQLite
/// would go on behind the last whole commit, among frames of the one that the cut tore. After a
/// second cut these would stand behind a torn commit as if that had been flushed before them.
fn begin_log_anew(connection: &Connection) -> rusqlite::Result<()> {
    // Whoever reads beside is not waited for.
    connection.busy_timeout(Duration::ZERO)?;
    let is_busy =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
    connection.busy_timeout(schema::BUSY_MAX)?;
    match is_busy {
        Ok(false) => Ok(()),
        Ok(true) => {
            debug!("the log goes on where it ended, somebody reads it");
            Ok(())
        }
        // Alerts have a reserve, which is released later.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            warn!(%error, "the log goes on where it ended");
            Ok(())
        }
        failed => failed.map(drop),
    }
}
