//! Rows of `alarm`: what the station itself noticed, from when to when.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use vitals::HubId;

use super::{Store, StoreError};
use crate::alarm::{Alarm, ENDED_ALARMS};

impl Store {
    /// Keeps how alarms stand; only after that they are shown.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when nothing was kept.
    pub fn note_alarms(&mut self, alarms: &[Alarm]) -> Result<(), StoreError> {
        let mut keep = || {
            let transaction = self.connection.transaction()?;
            alarms.iter().try_for_each(|it| put(&transaction, it))?;
            transaction.commit()
        };
        keep().map_err(StoreError::failed("keep an alarm"))
    }
}

/// Writes how an alarm stands; it is known by its kind, its home and its beginning.
pub(super) fn put(connection: &Connection, alarm: &Alarm) -> rusqlite::Result<()> {
    let ended_ms = alarm.ended_at.map(Timestamp::as_millisecond);
    let (since_ms, began_ms) = (alarm.since.as_millisecond(), alarm.began_at.as_millisecond());
    let (kind, hub) = (alarm.kind.as_str(), alarm.hub.as_ref().map_or("", HubId::as_str));
    connection
        .prepare_cached(
            "INSERT INTO alarm (kind, hub, began_ms, since_ms, ended_ms, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (kind, hub, began_ms) DO UPDATE SET ended_ms = excluded.ended_ms,
             checksum = excluded.checksum",
        )?
        .execute(params![
            kind,
            hub,
            began_ms,
            since_ms,
            ended_ms,
            checksum(kind, hub, began_ms, since_ms, ended_ms)
        ])?;
    Ok(())
}

/// The open alarms and the ones that ended last, in the order of their ends, the open ones last.
pub(super) fn latest(connection: &Connection, n_damaged: &mut u64) -> rusqlite::Result<Vec<Alarm>> {
    let mut statement = connection.prepare(
        "SELECT kind, hub, began_ms, since_ms, ended_ms, checksum FROM alarm
         WHERE ended_ms IS NULL OR rowid IN (
             SELECT rowid FROM alarm WHERE ended_ms IS NOT NULL
             ORDER BY ended_ms DESC, rowid DESC LIMIT ?1
         ) ORDER BY ended_ms NULLS LAST, rowid",
    )?;
    let rows = statement.query_map([ENDED_ALARMS], alarm)?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut alarms = Vec::with_capacity(rows.len());
    for row in rows {
        match row {
            Some(alarm) => alarms.push(alarm),
            None => *n_damaged += 1,
        }
    }
    Ok(alarms)
}

/// The alarm of a row, or `None` where the row is damaged.
fn alarm(row: &Row<'_>) -> rusqlite::Result<Option<Alarm>> {
    let kind: String = row.get(0)?;
    let hub: String = row.get(1)?;
    let (began_ms, since_ms): (i64, i64) = (row.get(2)?, row.get(3)?);
    let ended_ms: Option<i64> = row.get(4)?;
    let sound = row.get::<_, u32>(5)? == checksum(&kind, &hub, began_ms, since_ms, ended_ms);
    let restored = || {
        let at = |ms| Timestamp::from_millisecond(ms).ok();
        let hub = if hub.is_empty() { None } else { Some(hub.parse().ok()?) };
        let ended_at = match ended_ms {
            Some(ms) => Some(at(ms)?),
            None => None,
        };
        let (since, began_at) = (at(since_ms)?, at(began_ms)?);
        Some(Alarm { kind: kind.parse().ok()?, hub, since, began_at, ended_at })
    };
    Ok(Some(()).filter(|()| sound).and_then(|()| restored()))
}

fn checksum(kind: &str, hub: &str, began_ms: i64, since_ms: i64, ended_ms: Option<i64>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for text in [kind, hub] {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    }
    for ms in [began_ms, since_ms, ended_ms.unwrap_or(i64::MIN)] {
        hasher.update(&ms.to_be_bytes());
    }
    hasher.finalize()
}
