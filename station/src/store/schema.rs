//! The tables of the station's database.
//!
//! ```text
//! hub          one row a hub, with when it was last heard
//! ledger       one row an epoch of a hub
//! record       every sequenced message, as received; (ledger, seq) is unique
//! observation  index: which record holds which vital of which client, by time of measurement
//! alert        index: which transition of an alert is the highest, and whether the alert is open
//! transition   index: which record holds which revision of an alert
//! snapshot     the latest health and status of a hub, as received
//! command      every order, signed as sent
//! quarantine   the newest messages that could not be filed
//! alarm        what the station itself noticed, from when to when
//! boot         index: when a hub first knew the time in a run of its machine, see `timeline`
//! estimate     index: which readings it recorded before
//! assignment   index: which events say whose a reading is
//! oversight    what hubs should have raised and did not
//! judged_by    since when the station has judged by each version of a care plan
//! ```
//!
//! `record.subject` of a reading is whose it is by now: null where nobody knows, empty where it is of
//! none of the clients. It is an index, too; what counts are reading and events.
//!
//! Rows with content carry a CRC-32 over it, verified whenever they are read.
//! The index tables hold no content of their own: what they lead to is verified.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::StoreError;

/// "VGst": marks the file as a database of the station.
const APPLICATION_ID: i32 = 0x5647_7374;
/// Version of the tables below.
const VERSION: i32 = 2;

const TABLES: &str = "
CREATE TABLE hub (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    last_heard_ms INTEGER
) STRICT;
CREATE TABLE ledger (
    id     INTEGER PRIMARY KEY,
    hub_id INTEGER NOT NULL REFERENCES hub (id),
    epoch  BLOB    NOT NULL,
    UNIQUE (hub_id, epoch)
) STRICT;
CREATE TABLE record (
    id          INTEGER PRIMARY KEY,
    ledger_id   INTEGER NOT NULL REFERENCES ledger (id),
    seq         INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    subject     TEXT,
    payload     BLOB    NOT NULL,
    refusal     TEXT,
    checksum    INTEGER NOT NULL,
    UNIQUE (ledger_id, seq)
) STRICT;
CREATE INDEX record_of_subject ON record (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX record_unassigned ON record (id) WHERE subject IS NULL AND kind = 1;
CREATE INDEX record_event ON record (id) WHERE kind = 3;
CREATE INDEX record_refused ON record (id) WHERE refusal IS NOT NULL;
CREATE TABLE observation (
    subject     TEXT    NOT NULL,
    vital       TEXT    NOT NULL,
    measured_ms INTEGER NOT NULL,
    record_id   INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (subject, vital, measured_ms, record_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
    hub_id  INTEGER NOT NULL REFERENCES hub (id),
    alert   TEXT    NOT NULL,
    rev     INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY (hub_id, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_open ON alert (hub_id, alert) WHERE is_open = 1;
CREATE INDEX alert_changed ON alert (changed_ms);
CREATE TABLE transition (
    hub_id    INTEGER NOT NULL REFERENCES hub (id),
    alert     TEXT    NOT NULL,
    rev       INTEGER NOT NULL,
    record_id INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (hub_id, alert, rev)
) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (
    hub_id      INTEGER NOT NULL REFERENCES hub (id),
    kind        INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    payload     BLOB    NOT NULL,
    checksum    INTEGER NOT NULL,
    PRIMARY KEY (hub_id, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE command (
    id         TEXT    NOT NULL PRIMARY KEY,
    hub        TEXT    NOT NULL,
    alert      TEXT    NOT NULL,
    seen_rev   INTEGER NOT NULL,
    issued_ms  INTEGER NOT NULL,
    progress   TEXT    NOT NULL,
    payload    BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    checksum   INTEGER NOT NULL
) STRICT;
CREATE INDEX command_of_alert ON command (hub, alert, issued_ms);
CREATE INDEX command_on_its_way ON command (id) WHERE progress = 'on-its-way';
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,
    topic       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    payload     BLOB    NOT NULL,
    checksum    INTEGER NOT NULL
) STRICT;
";

/// What version 2 added: alarms of the station, and when each hub's test alarm came last.
const SINCE_VERSION_1: &str = "
CREATE TABLE alarm (
    kind     TEXT    NOT NULL,
    hub      TEXT    NOT NULL,
    began_ms INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    checksum INTEGER NOT NULL,
    UNIQUE (kind, hub, began_ms)
) STRICT;
CREATE INDEX alarm_open ON alarm (kind, hub) WHERE ended_ms IS NULL;
CREATE INDEX alarm_ended ON alarm (ended_ms) WHERE ended_ms IS NOT NULL;
ALTER TABLE hub ADD COLUMN known_from_ms INTEGER;
ALTER TABLE hub ADD COLUMN test_alarm_ms INTEGER;
ALTER TABLE alert ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0;
";

/// Prepares a connection that writes, and makes the tables in a new file.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let read = |connection: &Connection, pragma| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
    };
    let application = read(connection, "application_id").map_err(StoreError::open)?;
    let version = read(connection, "user_version").map_err(StoreError::open)?;
    let n_tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(StoreError::open)?;
    match (application, version, n_tables) {
        (0, 0, 0) => create(connection).map_err(StoreError::open)?,
        (APPLICATION_ID, VERSION, _n) => {}
        (APPLICATION_ID, 1, _n) => migrate(connection).map_err(StoreError::open)?,
        (APPLICATION_ID, version, _n) => {
            return Err(StoreError::Version { found: version, known: VERSION });
        }
        (_foreign, _version, _n) => return Err(StoreError::Foreign),
    }
    let healthy: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(StoreError::open)?;
    if healthy == "ok" { Ok(()) } else { Err(StoreError::Corrupt { report: healthy }) }
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(SINCE_VERSION_1)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// A database of version 1 gets what it lacks; nothing of it changes.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SINCE_VERSION_1)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Refuses, for a connection that only reads, what another version of the station made.
pub(super) fn check_version(connection: &Connection) -> Result<(), StoreError> {
    let found = connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))
        .map_err(StoreError::open)?;
    if found == VERSION { Ok(()) } else { Err(StoreError::Version { found, known: VERSION }) }
}

/// Size of a page in bytes, what SQLite makes by itself.
pub(super) const PAGE_LEN_BYTES: u32 = 4096;

/// Settings of a connection that writes: one flush a commit, nothing lost when the power fails.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    // Counts only before the first table is made.
    connection.pragma_update(None, "page_size", PAGE_LEN_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Else SQLite plans a statement anew for each value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_database_of_version_1_keeps_what_it_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("station.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(TABLES).unwrap();
        old.execute_batch("INSERT INTO hub (name, last_heard_ms) VALUES ('hub-1', 7)").unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        for _start in 0..2 {
            let holdings = Store::open(&path).unwrap().holdings().unwrap();
            let hub = &holdings.hubs[&"hub-1".parse().unwrap()];
            assert_eq!(hub.last_heard.map(jiff::Timestamp::as_millisecond), Some(7));
            assert_eq!((hub.test_alarm, holdings.alarms.len()), (None, 0));
        }
    }
}
