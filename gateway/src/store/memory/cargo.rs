//! What goes from one database of the ledger to the other: records at their places, open alerts, what
//! the agency holds, and what replays and commands are recognised by.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, Transaction};
use vitals::{Sequence, SequenceRanges};

use crate::store::checksum::{of_alert, of_record};
use crate::store::ledger::span;
use crate::store::query::{row_id, verified};
use crate::store::{Lane, LedgerKey};

/// What is taken along from the file.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) left_bytes: u64,
    /// Places of the records that were taken along.
    pub(super) carried: SequenceRanges,
}

impl Cargo {
    /// Takes along what is not `settled`, alerts first and the newest of each lane first; the last
    /// record in any case; and what replays and commands are recognised by. What cannot be read stays
    /// behind.
    pub(super) fn load(
        &mut self,
        source: &Connection,
        into: &Transaction<'_>,
        base: Sequence,
        settled: &SequenceRanges,
    ) -> rusqlite::Result<()> {
        let gaps: Vec<_> = settled.gaps(base).collect();
        for lane in Lane::ALL {
            self.load_lane(source, into, lane, &gaps, usize::MAX)?;
        }
        if !self.carried.contains(base) {
            // The clock goes on from it.
            let last = Lane::ALL.into_iter();
            last.into_iter()
                .try_for_each(|it| self.load_lane(source, into, it, &[base..=base], 1))?;
        }
        copy(source, into, "SELECT identity, seq FROM content", |into, row| {
            let row = (row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?);
            into.prepare_cached("INSERT OR IGNORE INTO content (identity, seq) VALUES (?1, ?2)")?
                .execute(row)
        })?;
        copy(source, into, "SELECT id, expires_at_s FROM command", |into, row| {
            let row = (row.get::<_, String>(0)?, row.get::<_, i64>(1)?);
            into.execute("INSERT OR IGNORE INTO command (id, expires_at_s) VALUES (?1, ?2)", row)
        })?;
        copy(source, into, "SELECT seq FROM damaged", |into, row| {
            let row = [row.get::<_, i64>(0)?];
            into.execute("INSERT OR IGNORE INTO damaged (seq) VALUES (?1)", row)
        })?;
        copy(source, into, "SELECT finished_at_s FROM scrub", |into, row| {
            into.execute("INSERT INTO scrub (finished_at_s) VALUES (?1)", [row.get::<_, i64>(0)?])
        })
    }

    /// Takes along the latest `n_max` readings, also where the agency holds them.
    pub(super) fn load_history(
        &mut self,
        source: &Connection,
        into: &Transaction<'_>,
        base: Sequence,
        n_max: usize,
    ) -> rusqlite::Result<()> {
        self.load_lane(source, into, Lane::Reading, &[1..=base], n_max)
    }

    fn load_lane(
        &mut self,
        source: &Connection,
        into: &Transaction<'_>,
        lane: Lane,
        places: &[RangeInclusive<Sequence>],
        mut n_max: usize,
    ) -> rusqlite::Result<()> {
        let Ok(mut statement) = source.prepare(newest_first(lane)) else { return Ok(()) };
        for range in places.iter().rev() {
            let Ok(mut rows) = statement.query((row_id(*range.start()), row_id(*range.end())))
            else {
                return Ok(());
            };
            while 0 < n_max
                && let Ok(Some(row)) = rows.next()
            {
                n_max = n_max.saturating_sub(1);
                let Ok(record) = verified(row, lane) else { continue };
                if self.carried.contains(record.seq) {
                    continue;
                }
                let len_bytes = u64::try_from(record.payload.len()).unwrap_or(u64::MAX);
                let Some(left_bytes) = self.left_bytes.checked_sub(len_bytes) else {
                    return Ok(());
                };
                self.left_bytes = left_bytes;
                put(into, lane, record.seq, &record.payload)?;
                self.carried.insert(record.seq..=record.seq);
            }
        }
        Ok(())
    }
}

/// Copies rows up to the first that cannot be read.
fn copy(
    source: &Connection,
    into: &Transaction<'_>,
    sql: &str,
    mut write: impl FnMut(&Transaction<'_>, &Row<'_>) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    let Ok(mut statement) = source.prepare(sql) else { return Ok(()) };
    let Ok(mut rows) = statement.query(()) else { return Ok(()) };
    while let Ok(Some(row)) = rows.next() {
        write(into, row)?;
    }
    Ok(())
}

/// Writes a record to its place, where none is.
pub(in crate::store) fn put(
    into: &Transaction<'_>,
    lane: Lane,
    seq: Sequence,
    payload: &[u8],
) -> rusqlite::Result<()> {
    let sql = match lane {
        Lane::Alert => "INSERT OR IGNORE INTO alert (seq, payload, checksum) VALUES (?1, ?2, ?3)",
        Lane::Reading => {
            "INSERT OR IGNORE INTO reading (seq, payload, checksum) VALUES (?1, ?2, ?3)"
        }
        Lane::Event => "INSERT OR IGNORE INTO event (seq, payload, checksum) VALUES (?1, ?2, ?3)",
    };
    into.prepare_cached(sql)?.execute((row_id(seq), payload, of_record(seq, payload))).map(drop)
}

/// Notes an open alert, or its later transition.
pub(in crate::store) fn keep_open(
    into: &Transaction<'_>,
    id: LedgerKey,
    payload: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO open_alert (epoch, number, payload, checksum)
               VALUES (?1, ?2, ?3, ?4)";
    let checksum = of_alert(id.epoch, id.number, payload);
    into.execute(sql, (id.epoch.0, row_id(id.number), payload, checksum)).map(drop)
}

/// Notes, in place of what stands there, what the agency holds, what is gone, and what no receipt has
/// proven.
pub(in crate::store) fn note(
    into: &Transaction<'_>,
    held: &SequenceRanges,
    absent: &SequenceRanges,
    unproven: Option<Sequence>,
) -> rusqlite::Result<()> {
    into.execute_batch("DELETE FROM held; DELETE FROM absent; DELETE FROM unproven;")?;
    for it in held.iter() {
        let sql = "INSERT INTO held (first, last, checksum) VALUES (?1, ?2, ?3)";
        into.execute(sql, span(&it))?;
    }
    for it in absent.iter() {
        let sql = "INSERT INTO absent (first, last, checksum) VALUES (?1, ?2, ?3)";
        into.execute(sql, span(&it))?;
    }
    let sql = "INSERT INTO unproven (after) VALUES (?1)";
    unproven.map_or(Ok(0), |it| into.execute(sql, [row_id(it)])).map(drop)
}

fn newest_first(lane: Lane) -> &'static str {
    match lane {
        Lane::Alert => {
            "SELECT seq, payload, checksum FROM alert WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq DESC"
        }
        Lane::Reading => {
            "SELECT seq, payload, checksum FROM reading WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq DESC"
        }
        Lane::Event => {
            "SELECT seq, payload, checksum FROM event WHERE seq BETWEEN ?1 AND ?2
             ORDER BY seq DESC"
        }
    }
}
