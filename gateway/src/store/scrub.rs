//! The scrub: every record is read and verified from time to time, before somebody needs it.
//!
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use vitals::Sequence;

use super::budget::PageBytes;
use super::incident::News;
use super::query::{row_id, select, sequence, verified};
use super::{Lane, Store, StoreError, failed};

/// Records that are fetched at once; a slice ends earlier at its bytes.
const FETCH_MAX: i64 = 256;

/// What a damaged record counts, whatever it claims, so that a slice has an end.
const DAMAGED_LEN_BYTES: usize = 1024;

/// A database up to this size is checked whole at the start: 64 MiB take less than 100 ms.
const WHOLE_CHECK_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The tables that a start needs.
const NEEDED: [&str; 7] =
    ["format", "epoch", "unproven", "open_alert", "held", "absent", "incident"];

/// What is wrong with the structure of a file; of a large one with what a start needs, unless all
/// of it `is_suspect`.
pub(super) fn structure(
    connection: &Connection,
    is_suspect: bool,
) -> Result<Option<String>, StoreError> {
    let is_small = PageBytes::of(connection)?.used <= WHOLE_CHECK_BYTES_MAX;
    let whole = ["PRAGMA quick_check(1)".to_owned()];
    let is_first_version =
        super::schema::format(connection).map_err(failed("check the database"))?.is_none();
    let parts = NEEDED.map(|table| format!("PRAGMA quick_check('{table}')"));
    let checks = if is_small || is_suspect || is_first_version { &whole[..] } else { &parts[..] };
    for sql in checks {
        let finding: String = connection
            .query_row(sql, (), |row| row.get(0))
            .map_err(failed("check the database"))?;
        if finding != "ok" {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

/// Where a pass is: what was read of which lane. A pass that a restart cuts off begins anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    lane: usize,
    after: Sequence,
}

/// What one slice of a pass found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Bytes of the records in it.
    pub len_bytes: usize,
    /// Records that are not what was written.
    pub damaged: Vec<(Lane, Sequence)>,
    /// Whether the pass is over.
    pub is_last: bool,
}

/// The last pass that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrubbed {
    /// When it ended; not there before the first end.
    pub finished_at: Option<Timestamp>,
    /// Records that were found to be damaged since the ledger was made.
    pub n_damaged: u64,
}

impl Store {
    /// Reads on from `position`, which moves, until about `max_bytes` of records were verified.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read; `position` stays.
    pub fn scrub(&self, position: &mut Position, max_bytes: usize) -> Result<Slice, StoreError> {
        let mut slice = Slice::default();
        let mut at = *position;
        while slice.len_bytes < max_bytes {
            let Some(&lane) = Lane::ALL.get(at.lane) else {
                slice.is_last = true;
                break;
            };
            at = match self.scrub_lane(lane, at.after, max_bytes, &mut slice)? {
                Some(after) => Position { after, ..at },
                None => Position { lane: at.lane.saturating_add(1), after: 0 },
            };
        }
        *position = at;
        Ok(slice)
    }

    /// Verifies records of one lane; after which one to go on, nothing where the lane is over.
    fn scrub_lane(
        &self,
        lane: Lane,
        mut after: Sequence,
        max_bytes: usize,
        slice: &mut Slice,
    ) -> Result<Option<Sequence>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(select(lane)).map_err(failed("verify records"))?;
        let range = (row_id(after.saturating_add(1)), i64::MAX, FETCH_MAX);
        let mut rows = statement.query(range).map_err(failed("verify records"))?;
        let mut is_over = true;
        while let Some(row) = rows.next().map_err(failed("verify records"))? {
            is_over = false;
            after = row.get(0).map(sequence).map_err(failed("verify records"))?;
            let len_bytes = match verified(row, lane) {
                Ok(record) => record.payload.len(),
                Err(StoreError::Damaged { seq }) => {
                    slice.damaged.push((lane, seq));
                    DAMAGED_LEN_BYTES
                }
                Err(error) => return Err(error),
            };
            slice.len_bytes = slice.len_bytes.saturating_add(len_bytes);
            if max_bytes <= slice.len_bytes {
                break;
            }
        }
        Ok((!is_over).then_some(after))
    }

    /// Notes damaged records with what `tell` says of those that were not known to be damaged, and
    /// removes those for which `is_held`: the agency has sound copies.
    ///
    /// What leads to an open alert stays in any case, and the highest number.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be written; nothing is noted or removed then.
    pub fn settle_damaged(
        &mut self,
        damaged: &[(Lane, Sequence)],
        is_held: impl Fn(Sequence) -> bool,
        tell: impl FnOnce(&[Sequence]) -> Option<News>,
    ) -> Result<(), StoreError> {
        let mut needed = self.open_places()?;
        needed.insert(self.last_seq);
        let mut absent = self.absent.clone();
        let mut news = Vec::new();
        let mut ledger = self.begin()?;
        for &(lane, seq) in damaged {
            if ledger.note_damaged(seq)? {
                news.push(seq);
            }
            if !is_held(seq) {
                absent.insert(seq..=seq);
            } else if !needed.contains(&seq) {
                ledger.take_away(seq, lane)?;
            }
        }
        ledger.note_absent(&absent)?;
        tell(&news).map_or(Ok(()), |it| ledger.note_incident(&it))?;
        ledger.commit()?;
        self.absent = absent;
        Ok(())
    }

    /// Notes that a pass came to its end.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be written; nothing is noted then.
    pub fn note_scrubbed(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.lazily(|store| {
            let mut note = || -> rusqlite::Result<()> {
                let transaction = store.connection.transaction()?;
                transaction.execute("DELETE FROM scrub", ())?;
                let sql = "INSERT INTO scrub (finished_at_s) VALUES (?1)";
                transaction.execute(sql, [now.as_second()])?;
                transaction.commit()
            };
            note().map_err(failed("note the end of the scrub"))
        })
    }

    /// What the scrub has found so far.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn scrubbed(&self) -> Result<Scrubbed, StoreError> {
        let read = || -> rusqlite::Result<Scrubbed> {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('scrub', 'damaged')";
            let n_tables: i64 = self.connection.query_row(sql, (), |row| row.get(0))?;
            if n_tables < 2 {
                return Ok(Scrubbed { finished_at: None, n_damaged: 0 });
            }
            let sql = "SELECT finished_at_s FROM scrub";
            let finished_at_s: Option<i64> =
                self.connection.query_row(sql, (), |row| row.get(0)).optional()?;
            let sql = "SELECT count(*) FROM damaged";
            let n_damaged: i64 = self.connection.query_row(sql, (), |row| row.get(0))?;
            Ok(Scrubbed {
                finished_at: finished_at_s.and_then(|it| Timestamp::from_second(it).ok()),
                n_damaged: u64::try_from(n_damaged).unwrap_or(0),
            })
        };
        read().map_err(failed("read what the scrub found"))
    }
}

#[cfg(test)]
mod tests {
    use vitals::SequenceRanges;

    use super::*;

    fn filled(n_each: u64) -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(&directory.path().join("ledger.db")).unwrap();
        let mut ledger = store.begin().unwrap();
        for _ in 0..n_each {
            for lane in Lane::ALL {
                ledger.append(lane, &[7; 100]).unwrap();
            }
        }
        ledger.commit().unwrap();
        (directory, store)
    }

    fn pass(store: &Store) -> (usize, Slice) {
        let mut position = Position::default();
        let mut all = Slice::default();
        for n in 1.. {
            let slice = store.scrub(&mut position, 1000).unwrap();
            assert!(slice.len_bytes <= 2100);
            all.len_bytes += slice.len_bytes;
            all.damaged.extend(slice.damaged);
            if slice.is_last {
                return (n, all);
            }
        }
        unreachable!("a pass has an end")
    }

    fn spoil(store: &Store, seq: u64) {
        for table in ["alert", "reading", "event"] {
            let sql = format!("UPDATE {table} SET payload = x'00' WHERE seq = {seq}");
            store.connection.execute(&sql, ()).unwrap();
        }
    }

    #[test]
    fn a_pass_reads_every_record_in_slices() {
        let (_directory, store) = filled(50);
        let (n_slices, all) = pass(&store);
        assert_eq!((n_slices, all.len_bytes, all.damaged), (16, 15_000, vec![]));
    }

    #[test]
    fn damage_is_news_once_and_goes_where_the_agency_has_a_sound_copy() {
        let (_directory, mut store) = filled(10);
        let ledger = store.begin().unwrap();
        ledger.keep_open(ledger.key(7), b"the last transition").unwrap();
        ledger.commit().unwrap();
        [2, 7, 9, 20, 30].iter().for_each(|it| spoil(&store, *it));
        let (_n, all) = pass(&store);
        let mut found: Vec<_> = all.damaged.iter().map(|it| it.1).collect();
        found.sort_unstable();
        assert_eq!(found, [2, 7, 9, 20, 30]);
        let mut held = SequenceRanges::new();
        held.insert(1..=10);
        held.insert(25..=30);
        let settle = |store: &mut Store| {
            let mut n_new = 0;
            let tell = |new: &[Sequence]| {
                n_new = new.len();
                None
            };
            store.settle_damaged(&all.damaged, |it| held.contains(it), tell).unwrap();
            n_new
        };
        assert_eq!(settle(&mut store), 5);
        assert_eq!(settle(&mut store), 0);
        // 7 leads to an open alert, 20 is with nobody else, 30 is the highest number.
        let mut left: Vec<_> = pass(&store).1.damaged.iter().map(|it| it.1).collect();
        left.sort_unstable();
        assert_eq!(left, [7, 20, 30]);
        assert_eq!(store.scrubbed().unwrap(), Scrubbed { finished_at: None, n_damaged: 5 });
    }

    #[test]
    fn the_end_of_a_pass_is_remembered() {
        let (_directory, mut store) = filled(1);
        let end = Timestamp::from_second(1_790_000_000).unwrap();
        store.note_scrubbed(Timestamp::UNIX_EPOCH).unwrap();
        store.note_scrubbed(end).unwrap();
        let reader = Store::open_read_only(store.path()).unwrap();
        assert_eq!(reader.scrubbed().unwrap(), Scrubbed { finished_at: Some(end), n_damaged: 0 });
    }
}
