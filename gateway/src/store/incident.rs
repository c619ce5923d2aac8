//! What happened to the ledger and a person has to be told: kept in the file until an alert tells it,
//! so that no crash in between keeps it silent.

use rusqlite::Connection;
use vitals::Priority;

use super::checksum::column;
use super::{LedgerKey, Store, StoreError, failed};

/// The file was damaged and salvaged.
pub const LEDGER_DAMAGED: &str = "ledger-damaged";
/// Records did not stand the test of their checksum.
pub const RECORD_DAMAGED: &str = "record-damaged";
/// An open alert cannot be read.
pub const ALERT_LOST: &str = "open-alert-lost";
/// The file is an older copy of itself.
pub const LEDGER_RESTORED: &str = "ledger-restored";

/// The file could not be written or read, and was opened again.
pub const STORAGE_FAILED: &str = "storage-failed";

/// The file cannot be written, and the ledger is in memory.
pub const STORAGE_VOLATILE: &str = "storage-volatile";

/// Memory was used up before the file could be written again, or the file came back without them.
pub const READINGS_LOST: &str = "readings-lost";

/// Every rule of an incident.
const RULES: [&str; 7] = [
    LEDGER_DAMAGED,
    RECORD_DAMAGED,
    ALERT_LOST,
    LEDGER_RESTORED,
    STORAGE_FAILED,
    STORAGE_VOLATILE,
    READINGS_LOST,
];

/// What is to be told, before it has a place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Name of the technical alert.
    pub rule: &'static str,
    /// How soon a person has to look.
    pub priority: Priority,
    /// A sentence or two.
    pub text: String,
}

/// What has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// By which it is forgotten again.
    pub id: i64,
    /// What it says.
    pub news: News,
}

impl Store {
    /// Gives up an open alert that cannot be read anywhere, and notes that it has to be told.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be written.
    pub fn lose_alert(&mut self, id: LedgerKey) -> Result<(), StoreError> {
        let LedgerKey { epoch, number } = id;
        let text = format!(
            "The open alert {epoch}-{number} cannot be read any more: its condition may still stand."
        );
        let mut ledger = self.begin()?;
        ledger.end_alert(id)?;
        ledger.note_incident(&News { rule: ALERT_LOST, priority: Priority::High, text })?;
        ledger.commit()
    }

    /// What happened to the ledger and nobody was told of, oldest first.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        all(&self.connection)
    }
}

/// What nobody was told yet, oldest first; a word that is not known is taken for the gravest.
pub(super) fn all(connection: &Connection) -> Result<Vec<Incident>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Incident>> {
        let mut statement = connection
            .prepare_cached("SELECT id, rule, priority, text FROM incident ORDER BY id")?;
        let rows = statement.query_map((), |row| {
            let (rule, priority): (String, String) = (column(row, 1), column(row, 2));
            let rule = RULES.into_iter().find(|it| *it == rule).unwrap_or(LEDGER_DAMAGED);
            let priority = priority.parse().unwrap_or(Priority::High);
            Ok(Incident { id: row.get(0)?, news: News { rule, priority, text: column(row, 3) } })
        })?;
        rows.collect()
    };
    read().map_err(failed("read the incidents"))
}

/// Notes what has to be told.
pub(super) fn note(connection: &Connection, news: &News) -> rusqlite::Result<()> {
    let sql = "INSERT INTO incident (rule, priority, text) VALUES (?1, ?2, ?3)";
    connection.execute(sql, (news.rule, news.priority.as_str(), &news.text))?;
    Ok(())
}
