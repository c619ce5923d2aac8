//! Everything that the station keeps in memory, read from the database at its start.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use vitals::wire::canonical::decode;
use vitals::wire::v1::{Health, Status};
use vitals::{AlertId, Epoch, HubId, Sequence, SequenceRanges, SubjectId, Timeline, Vital};

use super::filing::{CONTESTED, HEALTH, STATUS};
use super::record::{self, COLUMNS, Damaged, StoredRecord, TABLES};
use super::{Said, Store, StoreError, alarm, assignment, oversight, timeline};
use crate::alarm::Alarm;
use crate::order::{Aim, Order};
use crate::oversight::Oversight;

/// What the database holds, as far as it is needed in memory.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Every hub that was ever heard.
    pub hubs: BTreeMap<HubId, HubHolding>,
    /// Every alert that is open, and the ones that ended last.
    pub alerts: Vec<AlertHistory>,
    /// The newest readings of each vital of each client.
    pub readings: Vec<StoredRecord>,
    /// The newest readings that belong to nobody yet.
    pub unassigned: Vec<StoredRecord>,
    /// What people said about these readings, and those that orders are about.
    pub said: Said,
    /// The newest technical events, oldest first.
    pub events: Vec<StoredRecord>,
    /// When each hub knew the time, for the latest runs of its machine.
    pub timelines: BTreeMap<HubId, Timeline>,
    /// Orders on their way, and those of open alerts.
    pub orders: Vec<Order>,
    /// Alarms of the station that are open, and the ones that ended last.
    pub alarms: Vec<Alarm>,
    /// What hubs did not raise and nobody has seen to.
    pub oversights: Vec<Oversight>,
    /// Messages in the quarantine.
    pub n_quarantined: u64,
    /// Records whose body could not be read.
    pub n_refused: u64,
    /// Rows that are not what was written.
    pub n_damaged: u64,
}

/// What the database holds of one hub.
#[derive(Debug, Default, Clone)]
pub struct HubHolding {
    /// The numbers held of each epoch, in the order in which the epochs appeared.
    pub ledgers: Vec<(Epoch, SequenceRanges)>,
    /// The numbers under which another record than the held one came, as far as the quarantine
    /// still has it.
    pub contested: BTreeMap<Epoch, SequenceRanges>,
    /// When it last spoke.
    pub last_heard: Option<Timestamp>,
    /// When the station first heard it.
    pub known_from: Option<Timestamp>,
    /// When its last test alarm arrived.
    pub test_alarm: Option<Timestamp>,
    /// Since when records are missing between those that are held of the newest epoch.
    pub gap_since: Option<Timestamp>,
    /// Its latest health snapshot.
    pub health: Option<Health>,
    /// Its latest status.
    pub status: Option<Status>,
}

/// The transitions of one alert.
#[derive(Debug, Clone)]
pub struct AlertHistory {
    /// The home.
    pub hub: HubId,
    /// The alert.
    pub alert: AlertId,
    /// Its transitions by revision.
    pub records: Vec<StoredRecord>,
}

/// Readings that are kept in memory of each vital of a client.
pub(crate) const READINGS_OF_A_VITAL: u32 = 6;
/// Readings of nobody that are kept in memory.
pub(crate) const UNASSIGNED_READINGS: u32 = 100;
/// Technical events that are kept in memory.
pub(crate) const EVENTS: u32 = 40;
/// Ended alerts that are kept in memory.
pub(crate) const ENDED_ALERTS: u32 = 20;

impl Store {
    /// Reads what the station needs in memory; damaged rows are counted and left out.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn holdings(&self) -> Result<Holdings, StoreError> {
        self.read_holdings().map_err(StoreError::failed("read what the database holds"))
    }

    fn read_holdings(&self) -> rusqlite::Result<Holdings> {
        let connection = &self.connection;
        let mut n_damaged = 0;
        let alerts = alerts(connection, &mut n_damaged)?;
        let readings = readings(connection, &mut n_damaged)?;
        let unassigned = unassigned(connection, &mut n_damaged)?;
        let mut said = assignment::said_of(connection, readings.iter().chain(&unassigned))?;
        let mut events = records(
            connection,
            "record.kind = 3 AND record.refusal IS NULL ORDER BY record.id DESC LIMIT ?1",
            EVENTS,
            &mut n_damaged,
        )?;
        events.reverse();
        let (orders, n_damaged_orders) = self.orders()?;
        for order in &orders {
            if let Aim::Reading(id, _to) = &order.wish.aim {
                let it = assignment::said_at(connection, &order.wish.hub, *id)?;
                said.insert((order.wish.hub.clone(), *id), it);
            }
        }
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).map(u64::from);
        Ok(Holdings {
            hubs: hubs(connection, &mut n_damaged)?,
            alerts,
            readings,
            unassigned,
            said,
            events,
            timelines: timeline::latest(connection)?,
            orders,
            alarms: alarm::latest(connection, &mut n_damaged)?,
            oversights: oversight::open(connection, &mut n_damaged)?,
            n_quarantined: count("SELECT count(*) FROM quarantine")?,
            n_refused: count("SELECT count(*) FROM record WHERE refusal IS NOT NULL")?,
            n_damaged: n_damaged + n_damaged_orders,
        })
    }
}

/// The newest readings that belong to nobody yet, newest first.
fn unassigned(connection: &Connection, n_damaged: &mut u64) -> rusqlite::Result<Vec<StoredRecord>> {
    let condition = "record.subject IS NULL AND record.kind = 1 AND record.refusal IS NULL
         ORDER BY record.id DESC LIMIT ?1";
    records(connection, condition, UNASSIGNED_READINGS, n_damaged)
}

/// The readings that some clients have by now, and those of nobody.
#[derive(Debug, Default)]
pub struct Charted {
    /// The newest readings of each vital of these clients.
    pub readings: Vec<StoredRecord>,
    /// The newest readings that belong to nobody yet, newest first.
    pub unassigned: Vec<StoredRecord>,
    /// What people said about these readings.
    pub said: Said,
}

impl Store {
    /// What `clients` have after people said whose readings are; damaged rows are left out.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn charted<'s>(
        &self,
        clients: impl IntoIterator<Item = &'s SubjectId>,
    ) -> Result<Charted, StoreError> {
        let mut n_damaged = 0;
        let read = || -> rusqlite::Result<Charted> {
            let connection = &self.connection;
            let mut readings = Vec::new();
            for client in clients {
                let mut positions = BTreeSet::new();
                for vital in Vital::ALL {
                    positions.extend(newest(connection, client.as_str(), vital.as_str())?);
                }
                for position in positions {
                    let record = records(connection, "record.id = ?1", position, &mut n_damaged)?;
                    readings.extend(record);
                }
            }
            let unassigned = unassigned(connection, &mut n_damaged)?;
            let said = assignment::said_of(connection, readings.iter().chain(&unassigned))?;
            Ok(Charted { readings, unassigned, said })
        };
        read().map_err(StoreError::failed("read the readings of a client"))
    }
}

/// The hubs of a database with what is held of them.
pub(super) fn hubs(
    connection: &Connection,
    n_damaged: &mut u64,
) -> rusqlite::Result<BTreeMap<HubId, HubHolding>> {
    let mut hubs = BTreeMap::new();
    let mut statement = connection
        .prepare("SELECT id, name, last_heard_ms, known_from_ms, test_alarm_ms FROM hub")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let Ok(hub) = row.get::<_, String>(1)?.parse::<HubId>() else {
            *n_damaged += 1;
            continue;
        };
        let at = |ms: Option<i64>| ms.and_then(|it| Timestamp::from_millisecond(it).ok());
        let ledgers = ledgers(connection, id)?;
        let health: Option<Health> =
            snapshot(connection, id, HEALTH, n_damaged)?.and_then(|payload| decode(&payload).ok());
        let epoch = health.as_ref().map(|it| it.epoch.0.as_slice());
        let told = ledgers.iter().find(|(it, _held)| epoch == Some(it.0.as_slice()));
        let present = told.or_else(|| ledgers.last());
        let holding = HubHolding {
            gap_since: at(gap_since_ms(connection, id, present)?),
            ledgers,
            contested: contested(connection, &hub)?,
            last_heard: at(row.get(2)?),
            known_from: at(row.get(3)?),
            test_alarm: at(row.get(4)?),
            health,
            status: snapshot(connection, id, STATUS, n_damaged)?
                .and_then(|payload| decode(&payload).ok()),
        };
        hubs.insert(hub, holding);
    }
    Ok(hubs)
}

fn ledgers(connection: &Connection, hub_id: i64) -> rusqlite::Result<Vec<(Epoch, SequenceRanges)>> {
    let mut ledgers = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT id, epoch FROM ledger WHERE hub_id = ?1 ORDER BY id")?;
    let mut rows = statement.query([hub_id])?;
    while let Some(row) = rows.next()? {
        let (id, epoch): (i64, [u8; 8]) = (row.get(0)?, row.get(1)?);
        ledgers.push((Epoch(epoch), held(connection, id)?));
    }
    Ok(ledgers)
}

/// The numbers of the records of `hub` that are in the quarantine because their places are taken.
fn contested(
    connection: &Connection,
    hub: &HubId,
) -> rusqlite::Result<BTreeMap<Epoch, SequenceRanges>> {
    let mut contested: BTreeMap<Epoch, SequenceRanges> = BTreeMap::new();
    let mut statement =
        connection.prepare_cached("SELECT topic FROM quarantine WHERE reason = ?1")?;
    let mut rows = statement.query([CONTESTED])?;
    while let Some(row) = rows.next()? {
        let place: String = row.get(0)?;
        let mut parts = place.split('/');
        let is_ours = parts.next() == Some(hub.as_str());
        let epoch = parts.next().and_then(|it| it.parse::<Epoch>().ok());
        let seq = parts.next().and_then(|it| it.parse::<Sequence>().ok());
        if let (true, Some(epoch), Some(seq)) = (is_ours, epoch, seq) {
            contested.entry(epoch).or_default().insert(seq..=seq);
        }
    }
    Ok(contested)
}

/// When the record behind the lowest gap of the present epoch came.
fn gap_since_ms(
    connection: &Connection,
    hub_id: i64,
    present: Option<&(Epoch, SequenceRanges)>,
) -> rusqlite::Result<Option<i64>> {
    let Some((epoch, held)) = present else { return Ok(None) };
    let Some(gap) = held.gaps(held.max().unwrap_or(0)).next() else { return Ok(None) };
    let behind = i64::try_from(gap.end().saturating_add(1)).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT record.received_ms FROM record JOIN ledger ON ledger.id = record.ledger_id
             WHERE ledger.hub_id = ?1 AND ledger.epoch = ?2 AND record.seq = ?3",
        )?
        .query_row(params![hub_id, epoch.0, behind], |row| row.get(0))
        .optional()
}

/// The numbers of a ledger, read from the unique index alone.
fn held(connection: &Connection, ledger_id: i64) -> rusqlite::Result<SequenceRanges> {
    let mut held = SequenceRanges::new();
    let mut range: Option<(Sequence, Sequence)> = None;
    let mut statement =
        connection.prepare_cached("SELECT seq FROM record WHERE ledger_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([ledger_id])?;
    while let Some(row) = rows.next()? {
        let seq = Sequence::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        range = match range {
            Some((first, last)) if last.saturating_add(1) == seq => Some((first, seq)),
            Some((first, last)) => {
                held.insert(first..=last);
                Some((seq, seq))
            }
            None => Some((seq, seq)),
        };
    }
    if let Some((first, last)) = range {
        held.insert(first..=last);
    }
    Ok(held)
}

fn snapshot(
    connection: &Connection,
    hub_id: i64,
    kind: u8,
    n_damaged: &mut u64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>, u32)> = connection
        .prepare_cached("SELECT payload, checksum FROM snapshot WHERE hub_id = ?1 AND kind = ?2")?
        .query_row(params![hub_id, kind], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.and_then(|(payload, checksum)| {
        if crc32fast::hash(&payload) == checksum {
            Some(payload)
        } else {
            *n_damaged += 1;
            None
        }
    }))
}

/// The newest readings of each vital of each client, found by skipping along the index.
fn readings(connection: &Connection, n_damaged: &mut u64) -> rusqlite::Result<Vec<StoredRecord>> {
    let mut positions = BTreeSet::new();
    let mut next = connection.prepare(
        "SELECT subject, vital FROM observation WHERE (subject, vital) > (?1, ?2)
         ORDER BY subject, vital LIMIT 1",
    )?;
    let mut at = (String::new(), String::new());
    while let Some(pair) =
        next.query_row(params![at.0, at.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
    {
        at = pair;
        positions.extend(newest(connection, &at.0, &at.1)?);
    }
    let mut readings = Vec::with_capacity(positions.len());
    for position in positions {
        readings.extend(records(connection, "record.id = ?1", position, n_damaged)?);
    }
    Ok(readings)
}

/// Where the newest readings of a vital of a client are.
fn newest(connection: &Connection, subject: &str, vital: &str) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT record_id FROM observation WHERE subject = ?1 AND vital = ?2
             ORDER BY measured_ms DESC, record_id DESC LIMIT ?3",
        )?
        .query_map(params![subject, vital, READINGS_OF_A_VITAL], |row| row.get(0))?
        .collect()
}

fn alerts(connection: &Connection, n_damaged: &mut u64) -> rusqlite::Result<Vec<AlertHistory>> {
    let mut statement = connection.prepare(
        "SELECT hub.id, hub.name, alert.alert FROM alert JOIN hub ON hub.id = alert.hub_id
         WHERE alert.is_open = 1 OR (alert.hub_id, alert.alert) IN (
             SELECT hub_id, alert FROM alert WHERE is_open = 0 AND is_test = 0
             ORDER BY changed_ms DESC LIMIT ?1
         )",
    )?;
    let mut rows = statement.query([ENDED_ALERTS])?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        let (hub_id, hub, alert): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (Ok(hub), Ok(id)) = (hub.parse(), alert.parse()) else {
            *n_damaged += 1;
            continue;
        };
        let condition = "record.id IN (
             SELECT record_id FROM transition WHERE hub_id = ?1 AND alert = ?2
         ) ORDER BY record.id";
        let transitions = select(connection, condition, params![hub_id, alert], n_damaged)?;
        alerts.push(AlertHistory { hub, alert: id, records: transitions });
    }
    Ok(alerts)
}

fn records(
    connection: &Connection,
    condition: &str,
    parameter: impl rusqlite::ToSql,
    n_damaged: &mut u64,
) -> rusqlite::Result<Vec<StoredRecord>> {
    select(connection, condition, params![parameter], n_damaged)
}

/// Reads the records that fulfil `condition`; damaged ones are counted and left out.
pub(super) fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
    n_damaged: &mut u64,
) -> rusqlite::Result<Vec<StoredRecord>> {
    let mut found = Vec::new();
    for row in rows(connection, condition, parameters)? {
        match row {
            Ok(record) => found.push(record),
            Err(Damaged { .. }) => *n_damaged += 1,
        }
    }
    Ok(found)
}

/// Reads the rows that fulfil `condition`; damaged ones are logged and stand in their places.
pub(super) fn rows(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Result<StoredRecord, Damaged>>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows: Vec<_> =
        statement.query_map(parameters, record::read)?.collect::<rusqlite::Result<_>>()?;
    for Damaged { position } in rows.iter().filter_map(|it| it.as_ref().err()) {
        tracing::error!(position, "damaged record");
    }
    Ok(rows)
}
