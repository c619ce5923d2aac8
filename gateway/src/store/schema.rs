//! The tables of the ledger, their versions, and how SQLite is set up.
//!
//! ```text
//! format       version                              one row, beside `user_version`
//! epoch        first, epoch, checksum               stretches of the sequence, the last one grows
//! unproven     after                                see `Store::unproven`; a row or none
//! reading      seq, payload, checksum               up/reading messages
//! alert        seq, payload, checksum               up/alert messages
//! event        seq, payload, checksum               up/event messages
//! open_alert   epoch, number, payload, checksum     last transition of each open alert
//! content      identity, seq                        content identities: replays are recognised by them
//! held         first, last, checksum                ranges that the agency holds
//! absent       first, last, checksum                ranges whose records are gone: damaged or lost
//!                                                   and told so, or written anew in a later epoch
//! command      id, expires_at_s                     commands that were carried out
//! incident     id, rule, priority, text             what a person has to be told
//! damaged      seq                                  records that were found to be damaged, each told once
//! scrub        finished_at_s                        when the last pass through all records ended
//! alive        place, at_ms                         until when the hub ran, see `alive`
//! ```
//!
//! `seq` is the place of a record in this file, which runs on over all epochs; its number on the wire
//! counts from the beginning of its epoch. In the first epoch of a file the two are the same.
//!
//! Pages of 1 KiB: a lone reading then touches a few KiB of the disk (bench in `docs/`).

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use vitals::{Epoch, Sequence};

use super::checksum::{column, fits, of_alert, of_epoch, of_record, of_span};
use super::query::{row_id, sequence};
use super::{StoreError, failed};

/// Latest version; `user_version` of the file.
pub(super) const VERSION: u32 = 2;

/// "vtal": marks the file as ours (`PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x7674_616c;

/// Small pages: a lone reading then writes little.
pub(super) const PAGE_LEN_BYTES: u32 = 1024;

/// Longest wait for another connection to the file.
pub(super) const BUSY_MAX: Duration = Duration::from_secs(5);

/// What both versions have.
const RECORDS: &str = "
    CREATE TABLE reading (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE alert (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE event (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE content (identity BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE command (id TEXT PRIMARY KEY, expires_at_s INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
";

/// What version 2 has besides; files of version 1 may have the tables of the scrub.
const BESIDES: &str = "
    CREATE TABLE format (version INTEGER NOT NULL) STRICT;
    CREATE TABLE epoch (first INTEGER PRIMARY KEY, epoch BLOB NOT NULL CHECK (length(epoch) = 8),
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE unproven (after INTEGER NOT NULL) STRICT;
    CREATE TABLE open_alert (epoch BLOB NOT NULL, number INTEGER NOT NULL, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL, PRIMARY KEY (epoch, number)) STRICT, WITHOUT ROWID;
    CREATE TABLE held (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE absent (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE incident (id INTEGER PRIMARY KEY, rule TEXT NOT NULL, priority TEXT NOT NULL,
        text TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS damaged (seq INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS scrub (finished_at_s INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS alive (place INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
    INSERT INTO format (version) VALUES (2);
";

/// `PRAGMA synchronous`: a commit returns when it is on the disk.
pub(super) const EACH_COMMIT: &str = "FULL";

/// `PRAGMA synchronous`: the log is flushed when it is copied into the database, or sooner.
pub(super) const LAZILY: &str = "NORMAL";

/// Sets up one connection. The page size counts only before the first table is made.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_LEN_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", EACH_COMMIT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.busy_timeout(BUSY_MAX)?;
    // Else SQLite plans a statement anew for each value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The version of a file of ours, 0 for a file without tables; refuses a file of a later version or
/// of another program, and notices a head that does not fit what it stands before.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let found: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(open)?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(open)?;
    let n_tables = count(connection, "SELECT count(*) FROM sqlite_schema").map_err(open)?;
    if n_tables == 0 {
        return Ok(0);
    }
    let ours = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
                AND name IN ('reading', 'alert', 'event', 'open_alert', 'content', 'held')";
    let is_ours = count(connection, ours).map_err(open)? == 6;
    let format = format(connection).map_err(open)?;
    let corrupt = |cause: String| StoreError::Corrupt { path: path.to_owned(), cause };
    match (application == APPLICATION_ID, is_ours) {
        (false, false) => Err(StoreError::Foreign { path: path.to_owned() }),
        (false, true) => Err(corrupt("its head is of another program".to_owned())),
        (true, _) if VERSION < found && format.is_none_or(|it| VERSION < it) => {
            Err(StoreError::TooNew { path: path.to_owned(), found, known: VERSION })
        }
        (true, true) if (found == 1 && format.is_none()) || format == Some(found) => Ok(found),
        (true, _) => Err(corrupt(format!("its head claims version {found}"))),
    }
}

/// The version that stands in the file besides that of its head; version 1 has none.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'format'";
    if count(connection, sql)? == 0 {
        return Ok(None);
    }
    connection.query_row("SELECT version FROM format", (), |row| row.get(0)).optional()
}

fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u32> {
    connection.query_row(sql, (), |row| row.get(0))
}

/// A new epoch: eight bytes that no other database has.
pub(super) fn random_epoch() -> Result<Epoch, StoreError> {
    let mut epoch = [0; 8];
    getrandom::fill(&mut epoch).map_err(|it| StoreError::Randomness { cause: it.to_string() })?;
    Ok(Epoch(epoch))
}

/// Brings a file of version `found` to the latest one, in one transaction.
pub(super) fn migrate(connection: &mut Connection, found: u32) -> Result<(), StoreError> {
    match found {
        0 => {
            let epoch = random_epoch()?;
            let made = make(connection, |transaction| note_epoch(transaction, 1, epoch));
            made.map_err(failed("make the tables of a new database"))
        }
        1 => from_version_1(connection).map_err(failed("migrate the database from version 1")),
        _latest => Ok(()),
    }
}

/// Makes the tables of a new file and fills them with `fill`, in one transaction.
pub(super) fn make(
    connection: &mut Connection,
    fill: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(RECORDS)?;
    transaction.execute_batch(BESIDES)?;
    fill(&transaction)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Notes that an epoch begins at `first`; one that began there has no record and gives way.
pub(super) fn note_epoch(
    connection: &Connection,
    first: Sequence,
    epoch: Epoch,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO epoch (first, epoch, checksum) VALUES (?1, ?2, ?3)";
    connection.execute(sql, (row_id(first), epoch.0, of_epoch(first, epoch)))?;
    Ok(())
}

/// Version 1 had one epoch, and an open alert was two references to rows of `alert`. One whose row
/// is damaged is told of.
fn from_version_1(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let epoch = Epoch(transaction.query_row("SELECT epoch FROM identity", (), |row| row.get(0))?);
    let spans = rows(&transaction, "SELECT first, last FROM held", |row| {
        Ok((sequence(row.get(0)?), sequence(row.get(1)?)))
    })?;
    let open = open_alerts_of_version_1(&transaction)?;
    transaction.execute_batch("DROP TABLE identity; DROP TABLE open_alert; DROP TABLE held;")?;
    transaction.execute_batch(BESIDES)?;
    note_epoch(&transaction, 1, epoch)?;
    for (first, last) in spans {
        let sql = "INSERT INTO held (first, last, checksum) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, (row_id(first), row_id(last), of_span(first, last)))?;
    }
    for alert in open {
        let (number, payload) = (alert.number, alert.payload.unwrap_or_default());
        let sql =
            "INSERT INTO open_alert (epoch, number, payload, checksum) VALUES (?1, ?2, ?3, ?4)";
        let checksum = match alert.is_sound {
            true => of_alert(epoch, number, &payload),
            // It stays, and does not fit: reading the open alerts looks for it elsewhere.
            false => !of_alert(epoch, number, &payload),
        };
        transaction.execute(sql, (epoch.0, row_id(number), payload, checksum))?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// An open alert of version 1 with the payload of its last transition.
pub(super) struct OpenAlert {
    pub(super) number: Sequence,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) is_sound: bool,
}

pub(super) fn open_alerts_of_version_1(
    connection: &Connection,
) -> rusqlite::Result<Vec<OpenAlert>> {
    let sql = "SELECT open_alert.alert, open_alert.last, alert.payload, alert.checksum
               FROM open_alert LEFT JOIN alert ON alert.seq = open_alert.last";
    rows(connection, sql, |row| {
        let (number, last) = (sequence(row.get(0)?), sequence(row.get(1)?));
        let payload: Option<Vec<u8>> = column(row, 2);
        let is_sound = payload.as_ref().is_some_and(|it| fits(row, 3, of_record(last, it)));
        Ok(OpenAlert { number, is_sound, payload })
    })
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    statement.query_map((), read)?.collect()
}
