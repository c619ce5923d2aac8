//! When the hub was last known to run, where no record says so: a quiet hub is not one that was off.
//!
//! Each row begins with the record that began a run, a start or a clock that was set, and says until
//! when the hub ran by that clock. Losing the last of it only makes a quiet time look like one off.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use vitals::Sequence;

use super::query::{row_id, sequence};
use super::{Store, StoreError, failed};

/// Most runs that are remembered: the latest ones.
const RUNS_MAX: i64 = 256;

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS alive (place INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
";

/// Makes the table where it is not there; an earlier version leaves it as it is.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLE)
}

impl Store {
    /// Notes that the hub ran at `at`, in the run that began with the record at `place`, without
    /// waiting for the disk.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be written; nothing is noted then.
    pub fn note_alive(&mut self, place: Sequence, at: Timestamp) -> Result<(), StoreError> {
        self.lazily(|store| {
            let mut note = || -> rusqlite::Result<()> {
                let transaction = store.connection.transaction()?;
                let sql = "INSERT OR REPLACE INTO alive (place, at_ms) VALUES (?1, ?2)";
                transaction.execute(sql, (row_id(place), at.as_millisecond()))?;
                let sql = "DELETE FROM alive WHERE place NOT IN
                           (SELECT place FROM alive ORDER BY place DESC LIMIT ?1)";
                transaction.execute(sql, [RUNS_MAX])?;
                transaction.commit()
            };
            note().map_err(failed("note that the hub runs"))
        })
    }

    /// Until when the hub is known to have run before the record at `place`, with the record that
    /// began that run.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn alive_before(
        &self,
        place: Sequence,
    ) -> Result<Option<(Sequence, Timestamp)>, StoreError> {
        let read = || -> rusqlite::Result<Option<(i64, i64)>> {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'alive'";
            let n_tables: i64 = self.connection.query_row(sql, (), |row| row.get(0))?;
            if n_tables == 0 {
                return Ok(None);
            }
            let sql = "SELECT place, at_ms FROM alive WHERE place < ?1 ORDER BY place DESC LIMIT 1";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row([row_id(place)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        };
        let found = read().map_err(failed("read when the hub ran"))?;
        Ok(found.and_then(|(place, at_ms)| {
            Some((sequence(place), Timestamp::from_millisecond(at_ms).ok()?))
        }))
    }
}
