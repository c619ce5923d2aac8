//! What is held of one client, in the order in which hubs recorded it.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use vitals::wire::topic::Channel;
use vitals::wire::v1;
use vitals::{Exercise, HubId, Reading, ReadingId, SubjectId};

use super::archive::Archive;
use super::{Store, StoreError, assignment, holdings, timeline};
use crate::board::of_whom_people_said;
use crate::inbound::{self, Body};

/// What is held of one client; damaged rows are left out.
#[derive(Debug, Default)]
pub struct History {
    /// The client's readings and those that may be the client's, as people said whose they are.
    pub readings: Vec<(HubId, Reading)>,
    /// The transitions of the client's alerts.
    pub alerts: Vec<v1::Alert>,
}

impl Archive {
    /// What arrived of `subject` since `since`, with its true times.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn history(&self, subject: &SubjectId, since: Timestamp) -> Result<History, StoreError> {
        let read = |connection: &Connection| {
            let timelines = timeline::latest(connection)?;
            let readings = readings(connection, subject, since)?.into_iter().map(|(hub, it)| {
                let timeline = timelines.get(&hub);
                let corrected = timeline.and_then(|timeline| it.corrected(timeline));
                (hub, corrected.unwrap_or(it))
            });
            let alerts = alerts(connection, subject, since)?.into_iter().map(|it| {
                let timeline = it.hub.parse().ok().and_then(|hub: HubId| timelines.get(&hub));
                timeline.and_then(|timeline| it.corrected(timeline)).unwrap_or(it)
            });
            Ok(History { readings: readings.collect(), alerts: alerts.collect() })
        };
        self.read(read).map_err(StoreError::failed("read what is held of a client"))
    }
}

impl Store {
    /// The readings of `subject`, and those that may be of `subject`, which arrived since `since`: as
    /// their hubs recorded them, in that order.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn readings_of(
        &self,
        subject: &SubjectId,
        since: Timestamp,
    ) -> Result<Vec<(HubId, Reading)>, StoreError> {
        readings(&self.connection, subject, since)
            .map_err(StoreError::failed("read the readings of a client"))
    }

    /// The transitions of alerts of `subject` that arrived since `since`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn alerts_of(
        &self,
        subject: &SubjectId,
        since: Timestamp,
    ) -> Result<Vec<v1::Alert>, StoreError> {
        alerts(&self.connection, subject, since)
            .map_err(StoreError::failed("read the alerts of a client"))
    }

    /// The transitions of alerts that `hub` recorded right behind `reading`, at most `n` numbers later.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn alerts_behind(
        &self,
        hub: &HubId,
        reading: ReadingId,
        n: u64,
    ) -> Result<Vec<v1::Alert>, StoreError> {
        let condition = "record.kind = 2 AND record.refusal IS NULL AND hub.name = ?1
             AND ledger.epoch = ?2 AND record.seq BETWEEN ?3 AND ?4";
        let number = |it| i64::try_from(it).unwrap_or(i64::MAX);
        let (first, last) = (number(reading.seq), number(reading.seq.saturating_add(n)));
        let parameters = params![hub.as_str(), reading.epoch.0, first, last];
        select_alerts(&self.connection, condition, parameters)
            .map_err(StoreError::failed("read the alerts behind a reading"))
    }
}

/// In the order of the ledgers; those that people assigned are tagged with the client's exercise.
fn readings(
    connection: &Connection,
    subject: &SubjectId,
    since: Timestamp,
) -> rusqlite::Result<Vec<(HubId, Reading)>> {
    let exercise = exercise(connection, subject, since)?;
    let condition = "record.kind = 1 AND record.refusal IS NULL AND record.received_ms >= ?2
         AND (record.subject = ?1 OR record.subject IS NULL AND record.kind = 1)
         ORDER BY record.ledger_id, record.seq";
    let parameters = params![subject.as_str(), since.as_millisecond()];
    let mut readings = Vec::new();
    for record in holdings::select(connection, condition, parameters, &mut 0)? {
        let Body::Reading(reading) = inbound::body(Channel::Reading, &record.payload) else {
            continue;
        };
        let said = assignment::said_at(connection, &record.hub, reading.id)?;
        let reading = match said.is_empty() {
            true => *reading,
            false => exercise.tagged(of_whom_people_said(*reading, &said)),
        };
        if reading.subject.as_ref() == Some(subject) || reading.subject_candidates.contains(subject)
        {
            readings.push((record.hub, reading));
        }
    }
    Ok(readings)
}

/// When the client exercised, by what arrived since `since`.
fn exercise(
    connection: &Connection,
    subject: &SubjectId,
    since: Timestamp,
) -> rusqlite::Result<Exercise> {
    let condition = "record.kind = 3 AND record.refusal IS NULL AND record.subject = ?1
         AND record.received_ms >= ?2 ORDER BY record.ledger_id, record.seq";
    let parameters = params![subject.as_str(), since.as_millisecond()];
    let mut exercise = Exercise::default();
    for record in holdings::select(connection, condition, parameters, &mut 0)? {
        if let Body::Event(event) = inbound::body(Channel::Event, &record.payload) {
            exercise.take(&event);
        }
    }
    Ok(exercise)
}

fn alerts(
    connection: &Connection,
    subject: &SubjectId,
    since: Timestamp,
) -> rusqlite::Result<Vec<v1::Alert>> {
    let condition = "record.kind = 2 AND record.refusal IS NULL AND record.subject = ?1
         AND record.received_ms >= ?2 ORDER BY record.ledger_id, record.seq";
    select_alerts(connection, condition, params![subject.as_str(), since.as_millisecond()])
}

fn select_alerts(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<v1::Alert>> {
    let records = holdings::select(connection, condition, parameters, &mut 0)?;
    let alert = |payload: &[u8]| match inbound::body(Channel::Alert, payload) {
        Body::Alert(_id, alert) => Some(*alert),
        Body::Reading(_) | Body::Event(_) | Body::Unread { .. } => None,
    };
    Ok(records.iter().filter_map(|it| alert(&it.payload)).collect())
}
