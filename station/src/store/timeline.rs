//! Rows of `boot` and `estimate`: when a hub first knew the time in each run of its machine, and
//! which readings it recorded before.
//!
//! Both follow from the records alone, like the other index tables. A station of an earlier version
//! does not know them and leaves them as they are; what it files meanwhile has no place in them, and
//! keeps the times that the hub estimated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use vitals::timeline::{Anchor, BOOTS_MAX, Timeline};
use vitals::wire::topic::Channel;
use vitals::{BootId, HubId, Moment, Reading, Uptime};

use crate::inbound::{self, Body};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS boot (
    id        INTEGER PRIMARY KEY,
    hub_id    INTEGER NOT NULL REFERENCES hub (id),
    boot      BLOB    NOT NULL,
    uptime_ms INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    UNIQUE (hub_id, boot)
) STRICT;
CREATE TABLE IF NOT EXISTS estimate (
    hub_id    INTEGER NOT NULL REFERENCES hub (id),
    boot      BLOB    NOT NULL,
    record_id INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (hub_id, boot, record_id)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables where they are not there.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)
}

/// Takes in when the hub made a record; puts the times of earlier readings right where that tells
/// more than was known.
pub(super) fn note(
    transaction: &Transaction<'_>,
    hub_id: i64,
    moment: &Moment,
) -> rusqlite::Result<()> {
    let Some(Anchor { on, at }) = Anchor::of(moment) else { return Ok(()) };
    let n_changed = transaction
        .prepare_cached(
            "INSERT INTO boot (hub_id, boot, uptime_ms, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (hub_id, boot) DO UPDATE
             SET uptime_ms = excluded.uptime_ms, at_ms = excluded.at_ms
             WHERE excluded.uptime_ms < boot.uptime_ms",
        )?
        .execute(params![hub_id, on.boot.0, on.ms, at.as_millisecond()])?;
    if n_changed == 0 {
        return Ok(());
    }
    let mut statement = transaction
        .prepare_cached("SELECT record_id FROM estimate WHERE hub_id = ?1 AND boot = ?2")?;
    let positions: Vec<i64> = statement
        .query_map(params![hub_id, on.boot.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    positions.into_iter().try_for_each(|position| move_observation(transaction, hub_id, position))
}

/// Where the reading stands in the index by time: at its true time, as far as that can be told.
pub(super) fn measured_ms(
    transaction: &Transaction<'_>,
    hub_id: i64,
    reading: &Reading,
    position: i64,
) -> rusqlite::Result<i64> {
    let estimate_ms = reading.measured_at.at.as_millisecond();
    let Some(on) = reading.recorded.on.filter(|_on| !reading.recorded.is_known) else {
        return Ok(estimate_ms);
    };
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO estimate (hub_id, boot, record_id) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![hub_id, on.boot.0, position])?;
    let timeline = of_boot(transaction, hub_id, on.boot)?;
    let corrected = reading.corrected(&timeline);
    Ok(corrected.map_or(estimate_ms, |it| it.measured_at.at.as_millisecond()))
}

fn move_observation(
    transaction: &Transaction<'_>,
    hub_id: i64,
    position: i64,
) -> rusqlite::Result<()> {
    let found: Option<(Vec<u8>, Option<String>)> = transaction
        .prepare_cached("SELECT payload, subject FROM record WHERE id = ?1")?
        .query_row([position], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((payload, Some(subject))) = found else { return Ok(()) };
    let Body::Reading(reading) = inbound::body(Channel::Reading, &payload) else { return Ok(()) };
    let measured_ms = measured_ms(transaction, hub_id, &reading, position)?;
    let mut statement = transaction.prepare_cached(
        "UPDATE OR REPLACE observation SET measured_ms = ?4
         WHERE subject = ?1 AND vital = ?2 AND record_id = ?3",
    )?;
    reading.values.iter().try_for_each(|value| {
        let vital = value.vital.as_str();
        statement.execute(params![subject, vital, position, measured_ms]).map(|_n| ())
    })
}

/// When the hub first knew the time in one run of its machine.
fn of_boot(connection: &Connection, hub_id: i64, boot: BootId) -> rusqlite::Result<Timeline> {
    let mut timeline = Timeline::default();
    let anchor: Option<(i64, i64)> = connection
        .prepare_cached("SELECT uptime_ms, at_ms FROM boot WHERE hub_id = ?1 AND boot = ?2")?
        .query_row(params![hub_id, boot.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((uptime_ms, at_ms)) = anchor {
        put(&mut timeline, boot, uptime_ms, at_ms);
    }
    Ok(timeline)
}

/// When each hub first knew the time, for the latest runs of its machine.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<BTreeMap<HubId, Timeline>> {
    let mut timelines: BTreeMap<HubId, Timeline> = BTreeMap::new();
    let mut statement = connection.prepare(
        "SELECT name, boot, uptime_ms, at_ms FROM (
             SELECT hub.name, boot.boot, boot.uptime_ms, boot.at_ms, boot.id,
             row_number() OVER (PARTITION BY boot.hub_id ORDER BY boot.id DESC) AS place
             FROM boot JOIN hub ON hub.id = boot.hub_id
         ) WHERE place <= ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([i64::try_from(BOOTS_MAX).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let Ok(hub) = row.get::<_, String>(0)?.parse::<HubId>() else { continue };
        let boot = BootId(row.get(1)?);
        put(timelines.entry(hub).or_default(), boot, row.get(2)?, row.get(3)?);
    }
    Ok(timelines)
}

fn put(timeline: &mut Timeline, boot: BootId, uptime_ms: i64, at_ms: i64) {
    if let Ok(at) = Timestamp::from_millisecond(at_ms) {
        timeline.put(Anchor { on: Uptime { boot, ms: uptime_ms }, at });
    }
}
