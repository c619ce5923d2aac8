//! The budget of the ledger: how much it keeps, what goes first, what is kept back for alerts.
//!
//! ```text
//! share of the budget   what happens from there on
//! 70 %                  the oldest records that the agency holds are removed
//! 31/32                 readings and events are refused; transitions of alerts are not
//! all of it             the file grows no more (`PRAGMA max_page_count`)
//! ```
//!
//! Pages in use count, not the length of the file: a page that a removal has freed takes the next
//! record, and the file is never rewritten to become shorter. Only what the agency holds is removed,
//! never a record that it lacks, and never the highest number, from which the next one follows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use vitals::wire::canonical;
use vitals::wire::v1::Envelope;
use vitals::{Sequence, SequenceRanges};

use super::ballast::Ballast;
use super::query::{row_id, sequence};
use super::{Lane, Store, StoreError, failed};

/// How long a record that the agency holds is kept, in days, unless the configuration says more.
pub const KEEP_DAYS: u32 = 90;

/// Size of the ledger, in MiB, unless the configuration says something else.
pub const MAX_MIB: u64 = 1024;

/// The ledger is read through so often, in days, unless the configuration says something else.
pub const SCRUB_DAYS: u32 = 7;

/// Records of one removal: it has to be over before the next reading notices (bench in
/// `docs/reliability.md`).
const BATCH: usize = 64;

/// Content identities that are remembered: of 100 stored measurements a day those of 655 days, in
/// about 5 MiB. Devices repeat what they stored months ago.
const CONTENTS_MAX: u64 = 65_536;

/// Bytes for which free pages are wanted where the disk is full and the file cannot grow.
const FREE_WANTED_BYTES: u64 = 1024 * 1024;

/// How the ledger is looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    /// How long a record is kept that the agency holds.
    pub keep: SignedDuration,
    /// Size that the ledger may have, in bytes, without its journal.
    pub max_bytes: u64,
    /// The whole ledger is read through so often.
    pub scrub_every: SignedDuration,
}

impl Upkeep {
    /// Upkeep in the units of the configuration.
    #[must_use]
    pub fn new(keep_days: u32, max_mib: u64, scrub_days: u32) -> Self {
        let days = |it: u32| SignedDuration::from_hours(i64::from(it).saturating_mul(24));
        Self {
            keep: days(keep_days),
            max_bytes: max_mib.saturating_mul(1024 * 1024),
            scrub_every: days(scrub_days),
        }
    }

    /// Bytes from which on readings and events are refused.
    pub(super) const fn max_bytes_without_alerts(&self) -> u64 {
        self.max_bytes - self.max_bytes / 32
    }

    /// Bytes up to which a ledger that was in memory goes back: there has to be room for more.
    pub(super) const fn max_bytes_on_return(&self) -> u64 {
        self.max_bytes_without_alerts() - self.max_bytes / 64
    }

    /// Bytes from which on the oldest records are removed that the agency holds.
    const fn purge_from_bytes(&self) -> u64 {
        self.max_bytes / 10 * 7
    }
}

impl Default for Upkeep {
    fn default() -> Self {
        Self::new(KEEP_DAYS, MAX_MIB, SCRUB_DAYS)
    }
}

/// How much of its file the ledger uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of the pages in use.
    pub used_bytes: u64,
    /// Bytes of the pages that later records will take.
    pub free_bytes: u64,
    /// Size that the ledger may have.
    pub max_bytes: u64,
}

/// What may be removed from the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Removal<'a> {
    /// What the agency holds: nothing else is removed.
    pub held: &'a SequenceRanges,
    /// What is still needed here, as the readings that an open alert stands on.
    pub needed: &'a BTreeSet<Sequence>,
    /// What was recorded before goes also where there is room.
    pub before: Timestamp,
    /// The disk is full: the pages have to come from inside the file.
    pub is_pressed: bool,
}

/// A record with its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// Its number.
    pub seq: Sequence,
    /// When it was recorded; not known where it is damaged.
    pub recorded_at: Option<Timestamp>,
}

/// A record that could be removed.
#[derive(Debug)]
struct Removable {
    seq: Sequence,
    lane: Lane,
    payload: Vec<u8>,
}

impl Removable {
    /// When it was recorded; not known where the record is damaged, of which the agency has a sound
    /// copy.
    fn recorded_at(&self) -> Option<Timestamp> {
        let envelope = canonical::decode::<Envelope>(&self.payload);
        envelope.ok().map(|it| it.recorded_at.0.at)
    }

    fn dated(&self) -> Dated {
        Dated { seq: self.seq, recorded_at: self.recorded_at() }
    }
}

/// Bytes of pages, read from the file or from the transaction at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageBytes {
    pub(super) used: u64,
    free: u64,
}

impl PageBytes {
    pub(super) fn of(connection: &Connection) -> Result<Self, StoreError> {
        // One statement over the three would have SQLite prepare each of them anew, at each commit.
        let read = |sql| connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, i64>(0));
        let size = |sql| read(sql).map_err(failed("read the size of the database"));
        let page_len = size("PRAGMA page_size")?;
        let (all, free) = (size("PRAGMA page_count")?, size("PRAGMA freelist_count")?);
        let bytes = |pages: i64| u64::try_from(pages.saturating_mul(page_len)).unwrap_or(0);
        Ok(Self { used: bytes(all.saturating_sub(free)), free: bytes(free) })
    }
}

impl Store {
    /// Keeps the ledger within `upkeep` from now on, and puts a reserve on the disk aside.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn keep_within(&mut self, upkeep: Upkeep) -> Result<(), StoreError> {
        self.upkeep = upkeep;
        if let Some(stay) = &mut self.memory.stay {
            stay.is_limited = true;
            return Ok(());
        }
        let page_len_bytes = u64::try_from(self.pragma("page_size")?).unwrap_or(0).max(1);
        let pages = i64::try_from(upkeep.max_bytes / page_len_bytes).unwrap_or(i64::MAX);
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(failed("limit the size of the database"))?;
        self.ballast = Some(Ballast::beside(&self.path));
        self.renew_ballast();
        Ok(())
    }

    /// How the ledger is looked after.
    #[must_use]
    pub const fn upkeep(&self) -> Upkeep {
        self.upkeep
    }

    /// How much of its file the ledger uses.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let PageBytes { used, free } = PageBytes::of(&self.connection)?;
        let of_memory = self.memory.max_bytes.filter(|_| self.is_in_memory());
        let max_bytes = of_memory.unwrap_or(self.upkeep.max_bytes);
        Ok(Usage { used_bytes: used, free_bytes: free, max_bytes })
    }

    /// Removes some of the oldest records that may go, at most 64; how many: 0 where nothing is
    /// left to remove.
    ///
    /// The commit is flushed like every one that changes pages of records, which the check of the
    /// log relies on: one flush for 64 records.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be read or written; nothing is removed then.
    pub fn remove_oldest(&mut self, removal: &Removal<'_>) -> Result<usize, StoreError> {
        let size = PageBytes::of(&self.connection)?;
        let is_over = self.upkeep.purge_from_bytes() < size.used
            || (removal.is_pressed && size.free < FREE_WANTED_BYTES);
        let mut removable = removal.held.clone();
        removable.remove(self.last_seq..=Sequence::MAX);
        for seq in self.open_places()?.iter().chain(removal.needed) {
            removable.remove(*seq..=*seq);
        }
        let is_old = |it: &Removable| it.recorded_at().is_none_or(|at| at < removal.before);
        let may_go = |it: &Removable| is_over || is_old(it);
        // Mostly there is nothing to do, which the first of them says.
        if !oldest(&self.connection, &removable, 1)?.iter().any(may_go) {
            return Ok(0);
        }
        let oldest = oldest(&self.connection, &removable, BATCH)?;
        let gone: Vec<_> = oldest.into_iter().take_while(may_go).collect();
        remove(&mut self.connection, &gone)?;
        Ok(gone.len())
    }

    /// Forgets some of the oldest content identities beyond those that are remembered, at most 64,
    /// and never one whose record is still here; how many.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be read or written; nothing is forgotten then.
    pub fn forget_contents(&mut self) -> Result<usize, StoreError> {
        self.forget_contents_beyond(CONTENTS_MAX)
    }

    fn forget_contents_beyond(&mut self, n_max: u64) -> Result<usize, StoreError> {
        let count = || -> rusqlite::Result<i64> {
            let sql = "SELECT count(*) FROM content";
            self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))
        };
        let n_contents = count().map_err(failed("count the contents"))?;
        let n_beyond = u64::try_from(n_contents).unwrap_or(0).saturating_sub(n_max);
        let n = n_beyond.min(u64::try_from(BATCH).unwrap_or(u64::MAX));
        if n == 0 {
            return Ok(0);
        }
        let sql = "DELETE FROM content WHERE identity IN (
                       SELECT identity FROM content
                       WHERE seq < coalesce((SELECT min(seq) FROM reading), 0x7fffffffffffffff)
                       ORDER BY seq LIMIT ?1)";
        self.lazily(|store| {
            store.connection.execute(sql, [row_id(n)]).map_err(failed("forget old contents"))
        })
    }

    /// The record with the lowest number.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn oldest(&self) -> Result<Option<Dated>, StoreError> {
        let mut all = SequenceRanges::new();
        all.insert(1..=self.last_seq);
        let oldest = oldest(&self.connection, &all, 1)?;
        Ok(oldest.first().map(Removable::dated))
    }

    /// The record with the highest number.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn newest(&self) -> Result<Option<Dated>, StoreError> {
        let mut last = SequenceRanges::new();
        last.insert(self.last_seq..=self.last_seq);
        let newest = oldest(&self.connection, &last, 1)?;
        Ok(newest.first().map(Removable::dated))
    }
}

/// Places and lanes of up to `limit` records of `ranges`, ascending.
pub(super) fn oldest_places(
    connection: &Connection,
    ranges: &SequenceRanges,
    limit: usize,
) -> Result<Vec<(Sequence, Lane)>, StoreError> {
    let oldest = oldest(connection, ranges, limit)?;
    Ok(oldest.iter().map(|it| (it.seq, it.lane)).collect())
}

/// Up to `limit` records of `ranges`, whatever their lane, ascending.
fn oldest(
    connection: &Connection,
    ranges: &SequenceRanges,
    limit: usize,
) -> Result<Vec<Removable>, StoreError> {
    let sql = "SELECT seq, payload, 0 FROM alert WHERE seq BETWEEN ?1 AND ?2
               UNION ALL SELECT seq, payload, 1 FROM reading WHERE seq BETWEEN ?1 AND ?2
               UNION ALL SELECT seq, payload, 2 FROM event WHERE seq BETWEEN ?1 AND ?2
               ORDER BY seq LIMIT ?3";
    let read = || -> rusqlite::Result<Vec<Removable>> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = Vec::new();
        for range in ranges.iter() {
            let n_left = i64::try_from(limit.saturating_sub(found.len())).unwrap_or(i64::MAX);
            if n_left == 0 {
                break;
            }
            let limits = (row_id(*range.start()), row_id(*range.end()), n_left);
            let mut rows = statement.query(limits)?;
            while let Some(row) = rows.next()? {
                let lane = Lane::ALL.get(usize::from(row.get::<_, u8>(2)?)).copied();
                found.push(Removable {
                    seq: sequence(row.get(0)?),
                    lane: lane.unwrap_or(Lane::Event),
                    payload: row.get(1)?,
                });
            }
        }
        Ok(found)
    };
    read().map_err(failed("find the oldest records"))
}

/// The statement that removes a record of `lane` by its number.
pub(super) fn delete(lane: Lane) -> &'static str {
    match lane {
        Lane::Alert => "DELETE FROM alert WHERE seq = ?1",
        Lane::Reading => "DELETE FROM reading WHERE seq = ?1",
        Lane::Event => "DELETE FROM event WHERE seq = ?1",
    }
}

fn remove(connection: &mut Connection, gone: &[Removable]) -> Result<(), StoreError> {
    let mut delete = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for Removable { seq, lane, .. } in gone {
            transaction.prepare_cached(delete(*lane))?.execute([row_id(*seq)])?;
        }
        transaction.commit()
    };
    delete().map_err(failed("remove the oldest records"))
}

#[cfg(test)]
mod tests;
