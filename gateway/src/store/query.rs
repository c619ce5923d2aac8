//! Reading from the ledger; nothing is handed out whose checksum does not fit.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params, Row};
use tracing::error;
use vitals::{Epoch, Sequence, SequenceRanges};

use super::checksum::{column, fits, of_alert, of_epoch, of_record, of_span};
use super::epochs::Epochs;
use super::{Lane, LedgerKey, StoreError, failed};

/// A record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the file.
    pub seq: Sequence,
    /// What it is about.
    pub lane: Lane,
    /// The message, as it travels.
    pub payload: Vec<u8>,
}

/// A number as SQLite keeps it; the sequence cannot reach 2^63 in the life of a disk.
pub(super) fn row_id(seq: Sequence) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn sequence(row_id: i64) -> Sequence {
    Sequence::try_from(row_id).unwrap_or(0)
}

pub(super) fn last_seq(connection: &Connection) -> Result<Sequence, StoreError> {
    let sql = "SELECT max(
        coalesce((SELECT max(seq) FROM reading), 0),
        coalesce((SELECT max(seq) FROM alert), 0),
        coalesce((SELECT max(seq) FROM event), 0))";
    connection
        .query_row(sql, (), |row| row.get(0))
        .map(sequence)
        .map_err(failed("find the last number"))
}

/// Whether the last record of each lane is what was written; the next number follows from them.
pub(super) fn is_last_sound(connection: &Connection) -> rusqlite::Result<bool> {
    for table in ["alert", "reading", "event"] {
        let sql = format!("SELECT seq, payload, checksum FROM {table} ORDER BY seq DESC LIMIT 1");
        let is_sound = connection
            .query_row(&sql, (), |row| Ok(verified(row, Lane::Event).is_ok()))
            .optional()?;
        if is_sound == Some(false) {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn select(lane: Lane) -> &'static str {
    match lane {
        Lane::Alert => {
            "SELECT seq, payload, checksum FROM alert WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq LIMIT ?3"
        }
        Lane::Reading => {
            "SELECT seq, payload, checksum FROM reading WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq LIMIT ?3"
        }
        Lane::Event => {
            "SELECT seq, payload, checksum FROM event WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq LIMIT ?3"
        }
    }
}

/// Records that wait, and the places of those that are damaged.
pub(super) fn pending(
    connection: &Connection,
    lane: Lane,
    after: Sequence,
    gaps: impl Iterator<Item = RangeInclusive<Sequence>>,
    limit: usize,
) -> Result<(Vec<Record>, Vec<Sequence>), StoreError> {
    let mut statement =
        connection.prepare_cached(select(lane)).map_err(failed("read records that wait"))?;
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    for gap in gaps {
        let first = (*gap.start()).max(after.saturating_add(1));
        let left = limit.saturating_sub(records.len());
        if left == 0 {
            break;
        }
        let range = (row_id(first), row_id(*gap.end()), i64::try_from(left).unwrap_or(i64::MAX));
        let (mut sound, mut unsound) = sound(&mut statement, lane, range)?;
        records.append(&mut sound);
        damaged.append(&mut unsound);
    }
    Ok((records, damaged))
}

pub(super) fn record(connection: &Connection, seq: Sequence) -> Result<Option<Record>, StoreError> {
    for lane in Lane::ALL {
        let mut statement =
            connection.prepare_cached(select(lane)).map_err(failed("read a record"))?;
        let found = all(&mut statement, lane, (row_id(seq), row_id(seq), 1))?;
        if let Some(record) = found.into_iter().next() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// An alert that is open, with the bytes of its last transition where they fit their checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// Its identity: the key of the transition that raised it.
    pub id: LedgerKey,
    /// Its last transition; `None` where the row is damaged.
    pub payload: Option<Vec<u8>>,
}

pub(super) fn open_alerts(connection: &Connection) -> Result<Vec<OpenAlert>, StoreError> {
    let read = || -> rusqlite::Result<Vec<OpenAlert>> {
        let mut statement =
            connection.prepare_cached("SELECT epoch, number, payload, checksum FROM open_alert")?;
        let rows = statement.query_map((), |row| {
            let (epoch, number) = (Epoch(column(row, 0)), sequence(column(row, 1)));
            let payload: Vec<u8> = column(row, 2);
            let is_sound = fits(row, 3, of_alert(epoch, number, &payload));
            let id = LedgerKey { epoch, number };
            Ok(OpenAlert { id, payload: is_sound.then_some(payload) })
        })?;
        rows.collect()
    };
    read().map_err(failed("read the open alerts"))
}

/// The stretches whose rows fit their checksum; nothing where there is none.
pub(super) fn epochs(connection: &Connection) -> rusqlite::Result<Option<Epochs>> {
    let mut statement = connection.prepare("SELECT first, epoch, checksum FROM epoch")?;
    let mut rows = statement.query(())?;
    let mut by_first = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (first, epoch) = (sequence(column(row, 0)), Epoch(column(row, 1)));
        if fits(row, 2, of_epoch(first, epoch)) {
            by_first.insert(first, epoch);
        }
    }
    Ok(Epochs::new(by_first))
}

/// Since which place no receipt has shown that this file is no older copy; since ever in doubt.
pub(super) fn unproven(connection: &Connection) -> Result<Option<Sequence>, StoreError> {
    connection
        .query_row("SELECT after FROM unproven", (), |row| Ok(column(row, 0)))
        .optional()
        .map(|it| it.map(sequence))
        .map_err(failed("read since when receipts are awaited"))
}

pub(super) fn latest_alerts(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let sql = "SELECT seq, payload, checksum FROM alert ORDER BY seq DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read the last alerts"))?;
    let limit = [i64::try_from(limit).unwrap_or(i64::MAX)];
    // A damaged one is found by the scrub.
    sound(&mut statement, Lane::Alert, limit).map(|(records, _damaged)| records)
}

/// Readings at places below `before`, the latest first, without those that are damaged.
pub(super) fn readings_before(
    connection: &Connection,
    before: Sequence,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let sql = "SELECT seq, payload, checksum FROM reading WHERE seq < ?1
               ORDER BY seq DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read the last readings"))?;
    let parameters = (row_id(before), i64::try_from(limit).unwrap_or(i64::MAX));
    // A damaged one is found by the scrub.
    sound(&mut statement, Lane::Reading, parameters).map(|(records, _damaged)| records)
}

pub(super) fn held(connection: &Connection) -> Result<SequenceRanges, StoreError> {
    spans(connection, "SELECT first, last, checksum FROM held")
        .map_err(failed("read what the agency holds"))
}

pub(super) fn absent(connection: &Connection) -> Result<SequenceRanges, StoreError> {
    spans(connection, "SELECT first, last, checksum FROM absent")
        .map_err(failed("read which records are gone"))
}

/// The ranges whose rows fit their checksum: what is not known to be held is sent once more.
fn spans(connection: &Connection, sql: &str) -> rusqlite::Result<SequenceRanges> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(())?;
    let mut spans = SequenceRanges::new();
    while let Some(row) = rows.next()? {
        let (first, last) = (sequence(column(row, 0)), sequence(column(row, 1)));
        match fits(row, 2, of_span(first, last)) {
            true => spans.insert(first..=last),
            false => error!(first, "damaged range is not believed"),
        }
    }
    Ok(spans)
}

/// The records whose checksum fits, and the places of those whose does not: these stay gaps at the
/// agency, and do not keep the others from being sent.
fn sound(
    statement: &mut CachedStatement<'_>,
    lane: Lane,
    parameters: impl Params,
) -> Result<(Vec<Record>, Vec<Sequence>), StoreError> {
    let mut rows = statement.query(parameters).map_err(failed("read records"))?;
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next().map_err(failed("read records"))? {
        match verified(row, lane) {
            Ok(record) => records.push(record),
            Err(StoreError::Damaged { seq }) => damaged.push(seq),
            Err(error) => return Err(error),
        }
    }
    Ok((records, damaged))
}

fn all(
    statement: &mut CachedStatement<'_>,
    lane: Lane,
    parameters: impl Params,
) -> Result<Vec<Record>, StoreError> {
    let mut rows = statement.query(parameters).map_err(failed("read records"))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed("read records"))? {
        records.push(verified(row, lane)?);
    }
    Ok(records)
}

pub(super) fn verified(row: &Row<'_>, lane: Lane) -> Result<Record, StoreError> {
    let (seq, payload) = (sequence(column(row, 0)), column::<Vec<u8>>(row, 1));
    if fits(row, 2, of_record(seq, &payload)) {
        Ok(Record { seq, lane, payload })
    } else {
        Err(StoreError::Damaged { seq })
    }
}
