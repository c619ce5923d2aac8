//! Disks that fail: real failures of SQLite, put into a database by a second connection.
//!
//! A trigger lets a statement fail; a deferred foreign key without its parent lets the commit fail.
//! Both are gone when the disk is well again, and neither leaves anything in the tables of the
//! program.

use std::path::Path;

use anyhow::Context as _;
use fastrand::Rng;
use rusqlite::Connection;

/// How writing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What is written when it fails: a table of the program.
    table: &'static str,
    /// Whether the statement goes well and the commit fails.
    at_commit: bool,
}

/// Tables of the hub's ledger whose writing can fail.
const OF_HUB: [&str; 7] = ["alert", "reading", "event", "content", "open_alert", "command", "held"];

/// Tables of the station's database whose writing can fail.
const OF_STATION: [&str; 4] = ["record", "transition", "command", "snapshot"];

const WELL: &str = "DROP TRIGGER IF EXISTS failing_disk; DROP TABLE IF EXISTS failing_child;
                    DROP TABLE IF EXISTS failing_parent;";

impl Failure {
    /// Whether a station can file records, and cannot keep the orders that follow from them, which
    /// are in transactions of their own.
    pub(crate) fn spares_records(self) -> bool {
        self.table == "command"
    }

    pub(crate) fn of_hub(random: &mut Rng) -> Self {
        Self::of(&OF_HUB, random)
    }

    pub(crate) fn of_station(random: &mut Rng) -> Self {
        Self::of(&OF_STATION, random)
    }

    fn of(tables: &[&'static str], random: &mut Rng) -> Self {
        let table = random.choice(tables).copied().unwrap_or("record");
        Self { table, at_commit: random.bool() }
    }

    /// From now on writing to the database at `path` fails.
    pub(crate) fn begin(self, path: &Path) -> anyhow::Result<()> {
        let Self { table, at_commit } = self;
        let fault = if at_commit {
            format!(
                "CREATE TABLE failing_parent (id INTEGER PRIMARY KEY);
                 CREATE TABLE failing_child (id INTEGER NOT NULL REFERENCES failing_parent (id)
                     DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER failing_disk AFTER INSERT ON {table}
                 BEGIN INSERT INTO failing_child (id) VALUES (1); END;"
            )
        } else {
            format!(
                "CREATE TRIGGER failing_disk BEFORE INSERT ON {table}
                 BEGIN SELECT RAISE(ABORT, 'the disk fails'); END;"
            )
        };
        run(path, &format!("{WELL} {fault}"))
    }

    /// The disk is well again.
    pub(crate) fn end(path: &Path) -> anyhow::Result<()> {
        run(path, WELL)
    }
}

fn run(path: &Path, sql: &str) -> anyhow::Result<()> {
    let connection = Connection::open(path)?;
    connection
        .execute_batch(&format!("BEGIN IMMEDIATE; {sql} COMMIT;"))
        .with_context(|| format!("failed to change how {} fails", path.display()))
}
