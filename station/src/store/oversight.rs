//! Rows of `oversight`: what hubs should have raised and did not, until a nurse has seen to it or the
//! hub tells of it after all.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use vitals::SubjectId;

use super::{Store, StoreError};
use crate::oversight::{Finding, Oversight, Seen};

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS oversight (
    id         INTEGER PRIMARY KEY,
    hub        TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    is_of_unknown INTEGER NOT NULL,
    plan       TEXT    NOT NULL,
    rule       TEXT    NOT NULL,
    priority   TEXT    NOT NULL,
    reading    TEXT    NOT NULL,
    measured_ms INTEGER,
    why        TEXT    NOT NULL,
    noticed_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    ended_by   TEXT,
    note       TEXT,
    checksum   INTEGER NOT NULL,
    UNIQUE (hub, subject, plan, rule, priority, reading)
) STRICT;
CREATE INDEX IF NOT EXISTS oversight_open ON oversight (id) WHERE ended_ms IS NULL;
CREATE TABLE IF NOT EXISTS judged_by (
    subject  TEXT    NOT NULL,
    plan     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, plan, version)
) STRICT, WITHOUT ROWID;
";

/// Makes the table where it is not there; a station of an earlier version leaves it as it is.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLE)
}

impl Store {
    /// Keeps what hubs did not raise, and returns what is new; only after that it is shown.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when nothing was kept.
    pub fn note_oversights(
        &mut self,
        now: Timestamp,
        findings: Vec<Finding>,
    ) -> Result<Vec<Oversight>, StoreError> {
        let keep = || {
            let transaction = self.connection.transaction()?;
            let mut noted = Vec::new();
            for finding in findings {
                noted.extend(insert(&transaction, now, finding)?);
            }
            transaction.commit()?;
            Ok(noted)
        };
        keep().map_err(StoreError::failed("keep what a hub did not raise"))
    }

    /// Notes that nothing is to be shown of `oversights` any more.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when nothing was noted.
    pub fn end_oversights(
        &mut self,
        now: Timestamp,
        oversights: &[i64],
        seen: Option<&Seen>,
    ) -> Result<(), StoreError> {
        let mut update = || {
            let transaction = self.connection.transaction()?;
            let (by, note) = (seen.map(|it| &it.by), seen.and_then(|it| it.note.as_ref()));
            for id in oversights {
                transaction
                    .prepare_cached(
                        "UPDATE oversight SET ended_ms = ?2, ended_by = ?3, note = ?4
                         WHERE id = ?1 AND ended_ms IS NULL",
                    )?
                    .execute(params![id, now.as_millisecond(), by, note])?;
            }
            transaction.commit()
        };
        update().map_err(StoreError::failed("note that an oversight was seen to"))
    }
}

impl Store {
    /// Since when the station has judged `subject` by this version of the plan: now, where it never did.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite fails.
    pub fn judged_since(
        &mut self,
        now: Timestamp,
        subject: &SubjectId,
        (plan, version): (&str, u32),
    ) -> Result<Timestamp, StoreError> {
        let read = || -> rusqlite::Result<i64> {
            self.connection.execute(
                "INSERT OR IGNORE INTO judged_by (subject, plan, version, since_ms)
                 VALUES (?1, ?2, ?3, ?4)",
                params![subject.as_str(), plan, version, now.as_millisecond()],
            )?;
            self.connection.query_row(
                "SELECT since_ms FROM judged_by WHERE subject = ?1 AND plan = ?2 AND version = ?3",
                params![subject.as_str(), plan, version],
                |row| row.get(0),
            )
        };
        let since_ms = read().map_err(StoreError::failed("note by which plans is judged"))?;
        Ok(Timestamp::from_millisecond(since_ms).unwrap_or(now))
    }
}

/// Keeps a finding, or returns `None` where it was kept before.
fn insert(
    connection: &Connection,
    now: Timestamp,
    finding: Finding,
) -> rusqlite::Result<Option<Oversight>> {
    let noticed_ms = now.as_millisecond();
    let id = connection
        .prepare_cached(
            "INSERT INTO oversight
             (hub, subject, plan, rule, priority, reading, why, noticed_ms, checksum,
             is_of_unknown, measured_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (hub, subject, plan, rule, priority, reading) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                finding.hub.as_str(),
                finding.subject.as_str(),
                finding.plan,
                finding.rule,
                finding.priority.as_str(),
                finding.reading.to_string(),
                finding.why,
                noticed_ms,
                checksum(&finding, noticed_ms),
                finding.is_of_unknown,
                finding.measured_at.map(Timestamp::as_millisecond),
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(id.map(|id| Oversight { id, finding, noticed_at: now }))
}

/// Those that are open, the oldest first.
pub(super) fn open(
    connection: &Connection,
    n_damaged: &mut u64,
) -> rusqlite::Result<Vec<Oversight>> {
    let mut statement = connection.prepare(
        "SELECT id, hub, subject, plan, rule, priority, reading, why, noticed_ms, checksum,
         is_of_unknown, measured_ms FROM oversight WHERE ended_ms IS NULL ORDER BY id",
    )?;
    let rows: Vec<_> = statement.query_map([], oversight)?.collect::<rusqlite::Result<_>>()?;
    let n_rows = rows.len();
    let open: Vec<_> = rows.into_iter().flatten().collect();
    *n_damaged += u64::try_from(n_rows - open.len()).unwrap_or(u64::MAX);
    Ok(open)
}

/// The oversight of a row, or `None` where the row is damaged.
fn oversight(row: &Row<'_>) -> rusqlite::Result<Option<Oversight>> {
    let text = |column| row.get::<_, String>(column);
    let (hub, subject, priority, reading) = (text(1)?, text(2)?, text(5)?, text(6)?);
    let (plan, rule, why) = (text(3)?, text(4)?, text(7)?);
    let (id, noticed_ms): (i64, i64) = (row.get(0)?, row.get(8)?);
    let stored: u32 = row.get(9)?;
    let (is_of_unknown, measured_ms): (bool, Option<i64>) = (row.get(10)?, row.get(11)?);
    let restored = || {
        let measured_at = match measured_ms {
            Some(ms) => Some(Timestamp::from_millisecond(ms).ok()?),
            None => None,
        };
        let finding = Finding {
            hub: hub.parse().ok()?,
            subject: subject.parse().ok()?,
            is_of_unknown,
            plan,
            rule,
            priority: priority.parse().ok()?,
            reading: reading.parse().ok()?,
            measured_at,
            why,
        };
        let noticed_at = Timestamp::from_millisecond(noticed_ms).ok()?;
        let is_sound = stored == checksum(&finding, noticed_ms);
        is_sound.then_some(Oversight { id, finding, noticed_at })
    };
    Ok(restored())
}

fn checksum(finding: &Finding, noticed_ms: i64) -> u32 {
    let Finding { hub, subject, is_of_unknown, plan, rule, priority, reading, measured_at, why } =
        finding;
    let reading = reading.to_string();
    let mut hasher = crc32fast::Hasher::new();
    for text in [hub.as_str(), subject.as_str(), plan, rule, priority.as_str(), &reading, why] {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(&[u8::from(*is_of_unknown)]);
    let measured_ms = measured_at.map_or(i64::MIN, Timestamp::as_millisecond);
    hasher.update(&measured_ms.to_be_bytes());
    hasher.update(&noticed_ms.to_be_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use vitals::Priority;

    use super::*;
    use crate::sample;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    fn finding(seq: u64) -> Finding {
        Finding {
            hub: sample::HUB.parse().unwrap(),
            subject: sample::SUBJECT.parse().unwrap(),
            is_of_unknown: seq.is_multiple_of(2),
            measured_at: seq.is_multiple_of(2).then(|| at(1)),
            plan: "copd".to_owned(),
            rule: "spo2-low".to_owned(),
            priority: Priority::High,
            reading: format!("{}-{seq}", sample::EPOCH).parse().unwrap(),
            why: "SpO2 86 % is below 88 %".to_owned(),
        }
    }

    fn stored(store: &Store) -> Vec<Oversight> {
        store.holdings().unwrap().oversights
    }

    #[test]
    fn an_oversight_is_kept_once_and_ends_for_good() {
        let mut store = Store::in_memory().unwrap();
        let noted = store.note_oversights(at(0), vec![finding(1), finding(2), finding(1)]).unwrap();
        assert_eq!(
            noted.iter().map(|it| &it.finding).collect::<Vec<_>>(),
            [&finding(1), &finding(2)]
        );
        assert_eq!(stored(&store), noted);
        let seen = Seen { oversight: noted[0].id, by: "Nora".to_owned(), note: None };
        store.end_oversights(at(9), &[noted[0].id], Some(&seen)).unwrap();
        assert_eq!(stored(&store), noted[1..]);
        assert_eq!(store.note_oversights(at(10), vec![finding(1)]).unwrap(), []);
        let more_urgent = Finding { priority: Priority::Medium, ..finding(1) };
        assert_eq!(store.note_oversights(at(10), vec![more_urgent]).unwrap().len(), 1);
    }

    #[test]
    fn who_saw_to_it_first_stands() {
        let mut store = Store::in_memory().unwrap();
        let id = store.note_oversights(at(0), vec![finding(1)]).unwrap()[0].id;
        for by in ["Nora", "Otto"] {
            let note = Some("called".to_owned());
            let seen = Seen { oversight: id, by: by.to_owned(), note };
            store.end_oversights(at(9), &[id], Some(&seen)).unwrap();
        }
        let by: String = store
            .connection
            .query_row("SELECT ended_by FROM oversight", [], |it| it.get(0))
            .unwrap();
        assert_eq!(by, "Nora");
    }

    #[test]
    fn a_damaged_row_is_counted_and_not_shown() {
        let mut store = Store::in_memory().unwrap();
        store.note_oversights(at(0), vec![finding(1), finding(2)]).unwrap();
        store.connection.execute("UPDATE oversight SET why = 'x' WHERE id = 1", []).unwrap();
        let holdings = store.holdings().unwrap();
        assert_eq!((holdings.oversights.len(), holdings.n_damaged), (1, 1));
    }
}
