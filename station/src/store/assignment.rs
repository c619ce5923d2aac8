//! Rows of `assignment`: which events say whose a reading is.
//!
//! They follow from the records alone, like the other index tables, and the place of a reading in the
//! index of its client follows from them. Events and readings come in any order; of several events the
//! last one of the hub's ledger counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Assignment, Event};
use vitals::{HubId, Reading, ReadingId, SubjectId};

use super::record::StoredRecord;
use super::{Store, StoreError, holdings, timeline};
use crate::inbound::{self, Body};

/// What people said about readings, oldest first.
pub type Said = BTreeMap<(HubId, ReadingId), Vec<Event>>;

/// `record.subject` of a reading of none of the clients.
const NOBODY: &str = "";

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS assignment (
    hub_id    INTEGER NOT NULL REFERENCES hub (id),
    epoch     BLOB    NOT NULL,
    seq       INTEGER NOT NULL,
    record_id INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (hub_id, epoch, seq, record_id)
) STRICT, WITHOUT ROWID;
";

/// Makes the table where it is not there; a station of an earlier version leaves it as it is.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLE)
}

/// Takes in that the event at `position` says whose a reading is.
pub(super) fn note(
    transaction: &Transaction<'_>,
    hub_id: i64,
    position: i64,
    assignment: &Assignment,
) -> rusqlite::Result<()> {
    let Ok(id) = assignment.reading() else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO assignment (hub_id, epoch, seq, record_id)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![hub_id, id.epoch.0, number(id), position])?;
    let found: Option<(i64, Vec<u8>, Option<String>)> = transaction
        .prepare_cached(
            "SELECT record.id, record.payload, record.subject FROM record
             JOIN ledger ON ledger.id = record.ledger_id
             WHERE ledger.hub_id = ?1 AND ledger.epoch = ?2 AND record.seq = ?3
             AND record.kind = 1 AND record.refusal IS NULL",
        )?
        .query_row(params![hub_id, id.epoch.0, number(id)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((position, payload, before)) = found else { return Ok(()) };
    let Body::Reading(reading) = inbound::body(Channel::Reading, &payload) else { return Ok(()) };
    if let Some(before) = before {
        let mut statement = transaction.prepare_cached(
            "DELETE FROM observation WHERE subject = ?1 AND vital = ?2 AND record_id = ?3",
        )?;
        for value in &reading.values {
            statement.execute(params![before, value.vital.as_str(), position])?;
        }
    }
    enter(transaction, hub_id, position, &reading)
}

/// Enters a reading in the index of whoever it is of, by what is known by now.
pub(super) fn enter(
    transaction: &Transaction<'_>,
    hub_id: i64,
    position: i64,
    reading: &Reading,
) -> rusqlite::Result<()> {
    let said = said(transaction, "ledger.hub_id = ?4", hub_id, reading.id)?;
    let subject = match whose(&said) {
        Some(to) => {
            let word = to.as_ref().map_or(NOBODY, SubjectId::as_str);
            transaction
                .prepare_cached("UPDATE record SET subject = ?2 WHERE id = ?1")?
                .execute(params![position, word])?;
            to
        }
        None => reading.subject.clone(),
    };
    let measured_ms = timeline::measured_ms(transaction, hub_id, reading, position)?;
    let Some(subject) = subject else { return Ok(()) };
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO observation (subject, vital, measured_ms, record_id)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for value in &reading.values {
        let vital = value.vital.as_str();
        statement.execute(params![subject.as_str(), vital, measured_ms, position])?;
    }
    Ok(())
}

/// Whose a reading is by the last event; `None` where nobody said anything.
pub(crate) fn whose(said: &[Event]) -> Option<Option<SubjectId>> {
    said.last()?.assignment.as_ref()?.to().ok()
}

/// What people said about a reading, oldest first; damaged rows are left out.
fn said(
    connection: &Connection,
    of_hub: &'static str,
    hub: impl rusqlite::ToSql,
    id: ReadingId,
) -> rusqlite::Result<Vec<Event>> {
    let condition = format!(
        "record.id IN (
             SELECT assignment.record_id FROM assignment
             WHERE assignment.hub_id = ledger.hub_id AND assignment.epoch = ?1
             AND assignment.seq = ?2
         ) AND record.kind = ?3 AND {of_hub} ORDER BY record.ledger_id, record.seq"
    );
    let parameters = params![id.epoch.0, number(id), 3, hub];
    let records = holdings::select(connection, &condition, parameters, &mut 0)?;
    let event = |it: StoredRecord| match inbound::body(Channel::Event, &it.payload) {
        Body::Event(event) => Some(*event),
        Body::Reading(_) | Body::Alert(..) | Body::Unread { .. } => None,
    };
    Ok(records.into_iter().filter_map(event).collect())
}

/// What people said about the readings among `records`.
pub(super) fn said_of<'r>(
    connection: &Connection,
    records: impl IntoIterator<Item = &'r StoredRecord>,
) -> rusqlite::Result<Said> {
    let mut all = Said::new();
    for record in records {
        let id = ReadingId { epoch: record.epoch, seq: record.seq };
        let said = said_at(connection, &record.hub, id)?;
        if !said.is_empty() {
            all.insert((record.hub.clone(), id), said);
        }
    }
    Ok(all)
}

/// What people said about a reading of `hub`, oldest first.
pub(super) fn said_at(
    connection: &Connection,
    hub: &HubId,
    id: ReadingId,
) -> rusqlite::Result<Vec<Event>> {
    let is_known: Option<i64> = connection
        .prepare_cached(
            "SELECT 1 FROM assignment JOIN hub ON hub.id = assignment.hub_id
             WHERE hub.name = ?1 AND assignment.epoch = ?2 AND assignment.seq = ?3 LIMIT 1",
        )?
        .query_row(params![hub.as_str(), id.epoch.0, number(id)], |row| row.get(0))
        .optional()?;
    match is_known {
        Some(_one) => said(connection, "hub.name = ?4", hub.as_str(), id),
        None => Ok(Vec::new()),
    }
}

fn number(id: ReadingId) -> i64 {
    i64::try_from(id.seq).unwrap_or(i64::MAX)
}

impl Store {
    /// What people said about a reading of `hub`, oldest first.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn said(&self, hub: &HubId, id: ReadingId) -> Result<Vec<Event>, StoreError> {
        said_at(&self.connection, hub, id).map_err(StoreError::failed("read whose a reading is"))
    }

    /// When a reading of `hub` arrived.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn arrival(&self, hub: &HubId, id: ReadingId) -> Result<Option<Timestamp>, StoreError> {
        let arrived_ms: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT record.received_ms FROM record JOIN ledger ON ledger.id = record.ledger_id
                 JOIN hub ON hub.id = ledger.hub_id
                 WHERE hub.name = ?1 AND ledger.epoch = ?2 AND record.seq = ?3",
            )
            .and_then(|mut it| {
                it.query_row(params![hub.as_str(), id.epoch.0, number(id)], |row| row.get(0))
                    .optional()
            })
            .map_err(StoreError::failed("look up when a reading arrived"))?;
        Ok(arrived_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }

    /// A reading of `hub` as it was recorded.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn reading(&self, hub: &HubId, id: ReadingId) -> Result<Option<Reading>, StoreError> {
        let condition = "record.kind = 1 AND record.refusal IS NULL AND hub.name = ?1
             AND ledger.epoch = ?2 AND record.seq = ?3";
        let parameters = params![hub.as_str(), id.epoch.0, number(id)];
        let records = holdings::select(&self.connection, condition, parameters, &mut 0)
            .map_err(StoreError::failed("look up a reading"))?;
        let body = records.first().map(|it| inbound::body(Channel::Reading, &it.payload));
        Ok(match body {
            Some(Body::Reading(reading)) => Some(*reading),
            Some(Body::Alert(..) | Body::Event(_) | Body::Unread { .. }) | None => None,
        })
    }
}
