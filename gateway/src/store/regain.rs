//! Back into the file: what was held in memory is written there in one transaction, and only then the
//! ledger leaves memory.
//!
//! ```text
//! what lies at the path now                what is done
//! the file that was left                   the records of the stay follow at their places; a commit
//!                                          that failed, and left something, is taken away
//! an older copy of it, or an empty disk    the same; what is on neither side is told to be gone
//! a file that could not be read at first   the records of the stay follow behind all of its own
//! another ledger                           nothing; the hub stays in memory
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior};
use tracing::{error, info};
use vitals::{Priority, Sequence, SequenceRanges};

use super::budget::PageBytes;
use super::epochs::Epochs;
use super::incident::{self, News, READINGS_LOST, STORAGE_VOLATILE};
use super::memory::{Memory, Stay, keep_open, note, put};
use super::open::sound_or_salvaged;
use super::query::row_id;
use super::{Lane, Removal, Store, StoreError, failed, lock, schema};

/// Removals, of 64 records each, in one attempt.
const REMOVALS_AT_ONCE: usize = 64;

/// Records that are read at once.
const PAGE: usize = 256;

/// Where the records of the stay come to lie.
#[derive(Debug)]
struct Landing {
    base: Sequence,
    /// The last place of the file that stays.
    file_last: Sequence,
    /// By how much the places of the stay move.
    shift: Sequence,
}

impl Landing {
    const fn of(&self, seq: Sequence) -> Sequence {
        if seq <= self.base { seq } else { seq.saturating_add(self.shift) }
    }

    fn moved(&self, places: &SequenceRanges) -> SequenceRanges {
        let mut own = places.clone();
        own.remove(1..=self.base);
        let mut moved = upto(places, self.base);
        own.iter().for_each(|it| moved.insert(self.of(*it.start())..=self.of(*it.end())));
        moved
    }

    /// What memory knows of the places that it took over, and what the file says of its others.
    fn merged(&self, file: &SequenceRanges, memory: &SequenceRanges) -> SequenceRanges {
        let common = self.base.min(self.file_last);
        let mut merged = upto(file, self.file_last);
        merged.remove(1..=common);
        upto(memory, common).iter().for_each(|it| merged.insert(it));
        merged
    }
}

/// The places of `of` up to `last`.
fn upto(of: &SequenceRanges, last: Sequence) -> SequenceRanges {
    let mut low = of.clone();
    low.remove(last.saturating_add(1)..=Sequence::MAX);
    low
}

impl Store {
    /// Goes back into the file, with all that memory has. The agency has `held`; readings that open
    /// alerts stand on are `needed`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be written yet, has no room for more than this,
    /// or is of another ledger. The ledger is in memory then, as before.
    pub fn regain_file(
        &mut self,
        held: &SequenceRanges,
        needed: &BTreeSet<Sequence>,
    ) -> Result<(), StoreError> {
        let Some(stay) = &self.memory.stay else { return Ok(()) };
        probe(&self.path)
            .map_err(|source| StoreError::Replace { path: self.path.clone(), source })?;
        let lock = lock::renew(&self.path, self.lock.as_ref())?;
        let mut file = Self::over(sound_or_salvaged(&self.path)?, &self.path, None)?;
        if stay.is_limited {
            file.keep_within(self.upkeep)?;
        }
        let landing = self.landing(stay, &file)?;
        file.make_room(&landing, held, needed)?;
        let (epochs, last_seq, absent, unproven) = self.land(stay, &landing, &mut file, held)?;
        info!(last_seq, "the ledger is in its file again");
        let turn = self.memory.turn.saturating_add(1);
        file.memory = Memory { max_bytes: self.memory.max_bytes, stay: None, turn };
        file.lock = lock.or(self.lock.take());
        (file.epochs, file.last_seq, file.absent, file.unproven) =
            (epochs, last_seq, absent, unproven);
        *self = file;
        Ok(())
    }

    /// Where the stay goes in `file`, if that is the ledger that was left, or an older copy of it.
    fn landing(&self, stay: &Stay, file: &Self) -> Result<Landing, StoreError> {
        let base = stay.base;
        let common = base.min(file.last_seq);
        let known = |of: &Epochs| -> Vec<_> { of.iter().filter(|it| it.0 <= common).collect() };
        if known(&self.epochs) != known(&file.epochs) {
            return Err(StoreError::OtherLedger { path: self.path.clone() });
        }
        // A failed commit wrote in the epoch of the file, and nobody else can have.
        let is_of_failed_commit = stay.is_base_certain
            && base < file.last_seq
            && file.epochs.key(file.last_seq).epoch == file.epochs.key(base).epoch;
        let file_last = if is_of_failed_commit { base } else { file.last_seq };
        Ok(Landing { base, file_last, shift: file_last.saturating_sub(base) })
    }

    /// Removes what the agency holds by now, as far as the budget wants it.
    fn make_room(
        &mut self,
        landing: &Landing,
        held: &SequenceRanges,
        needed: &BTreeSet<Sequence>,
    ) -> Result<(), StoreError> {
        let held = landing.merged(&self.held()?, held);
        self.note_held(&held)?;
        let needed = needed.iter().copied().filter(|it| *it <= landing.base).collect();
        let is_pressed = self.is_ballast_spent();
        let removal = Removal { held: &held, needed: &needed, before: Timestamp::MIN, is_pressed };
        for _ in 0..REMOVALS_AT_ONCE {
            if self.remove_oldest(&removal)? == 0 {
                break;
            }
        }
        self.renew_ballast();
        match self.has_room_for_more() {
            true => Ok(()),
            false => Err(StoreError::Full { action: "go back into the file" }),
        }
    }

    /// Writes all of it in one transaction; says what the store then knows of the file.
    fn land(
        &self,
        stay: &Stay,
        landing: &Landing,
        file: &mut Self,
        held: &SequenceRanges,
    ) -> Result<(Epochs, Sequence, SequenceRanges, Option<Sequence>), StoreError> {
        const ACTION: &str = "write what was held in memory";
        let of_file = landing.merged(&file.held()?, held);
        let of_memory = held;
        let mut held = landing.moved(held);
        of_file.iter().for_each(|it| held.insert(it));
        let (absent, n_gone) = self.absent_after(stay, landing, file, &of_file);
        let last_seq = landing.of(self.last_seq).max(landing.file_last);
        let mut by_first: Vec<_> =
            file.epochs.iter().filter(|(first, _epoch)| *first <= landing.file_last).collect();
        by_first.extend(
            self.epochs
                .iter()
                .filter(|(first, _epoch)| landing.file_last < landing.of(*first))
                .map(|(first, epoch)| (landing.of(first), epoch)),
        );
        if 0 < stay.n_lost {
            // Nobody asks for what is gone of an epoch that is over.
            by_first.push((last_seq.saturating_add(1), schema::random_epoch()?));
        }
        let unproven = match stay.is_base_certain {
            true => self.unproven.map(|it| landing.of(it)),
            false => Some(file.unproven.unwrap_or(landing.file_last)),
        };
        let upkeep = file.upkeep;
        let news = lost(stay.n_lost, n_gone);
        let transaction = file
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(ACTION))?;
        self.unload(stay, landing, &transaction, of_memory)?;
        let write = || -> rusqlite::Result<()> {
            transaction
                .execute("DELETE FROM epoch WHERE first > ?1", [row_id(landing.file_last)])?;
            by_first
                .iter()
                .try_for_each(|&(first, it)| schema::note_epoch(&transaction, first, it))?;
            note(&transaction, &held, &absent, unproven)?;
            news.map_or(Ok(()), |it| incident::note(&transaction, &it))
        };
        write().map_err(failed(ACTION))?;
        if upkeep.max_bytes_on_return() < PageBytes::of(&transaction)?.used {
            return Err(StoreError::Full { action: ACTION });
        }
        transaction.commit().map_err(failed(ACTION))?;
        let epochs = Epochs::new(by_first.into_iter().collect());
        let epochs = epochs.ok_or_else(|| StoreError::Corrupt {
            path: self.path.clone(),
            cause: "it has no epoch".to_owned(),
        })?;
        Ok((epochs, last_seq, absent, unproven))
    }

    /// What is gone of the file that will be, and how many records of it are newly known to be.
    fn absent_after(
        &self,
        stay: &Stay,
        landing: &Landing,
        file: &Self,
        held: &SequenceRanges,
    ) -> (SequenceRanges, u64) {
        let mut newly = self.absent.clone();
        stay.left_behind.iter().for_each(|it| newly.remove(it));
        let mut absent = landing.moved(&newly);
        upto(&file.absent, landing.file_last).iter().for_each(|it| absent.insert(it));
        // What an older copy does not have, and memory neither.
        let mut n_gone: u64 = 0;
        for seq in stay.left_behind.iter().flatten().filter(|it| landing.file_last < *it) {
            if !held.contains(seq) {
                absent.insert(seq..=seq);
                n_gone = n_gone.saturating_add(1);
            }
        }
        (absent, n_gone)
    }

    /// Copies the records, the open alerts, and what replays and commands are recognised by.
    fn unload(
        &self,
        stay: &Stay,
        landing: &Landing,
        into: &Transaction<'_>,
        held: &SequenceRanges,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "write what was held in memory";
        let own = self.epochs.key(landing.base.max(1));
        let clear = || -> rusqlite::Result<()> {
            for table in ["alert", "reading", "event", "content"] {
                let sql = format!("DELETE FROM {table} WHERE seq > ?1");
                let n = into.execute(&sql, [row_id(landing.file_last)])?;
                if 0 < n {
                    error!(table, n, "what a failed commit left is written again");
                }
            }
            let sql = "DELETE FROM open_alert WHERE epoch = ?1 AND number > ?2";
            if stay.is_base_certain && 0 < landing.base {
                into.execute(sql, (own.epoch.0, row_id(own.number)))?;
            }
            for id in &stay.carried {
                let sql = "DELETE FROM open_alert WHERE epoch = ?1 AND number = ?2";
                into.execute(sql, (id.epoch.0, row_id(id.number)))?;
            }
            Ok(())
        };
        clear().map_err(failed(ACTION))?;
        // What the agency holds by now is in the file already, or was removed from it.
        let settled = upto(held, landing.base);
        for lane in Lane::ALL {
            let mut after = 0;
            loop {
                let page = self.pending(lane, after, &settled, PAGE)?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                page.iter()
                    .try_for_each(|it| put(into, lane, landing.of(it.seq), &it.payload))
                    .map_err(failed(ACTION))?;
            }
        }
        for open in self.open_alerts()? {
            let Some(payload) = open.payload else { continue };
            keep_open(into, open.id, &payload).map_err(failed(ACTION))?;
        }
        self.unload_memory(landing, into).map_err(failed(ACTION))?;
        let told = self.incidents()?;
        let untold = told.iter().filter(|it| it.news.rule != STORAGE_VOLATILE);
        untold
            .map(|it| &it.news)
            .try_for_each(|it| incident::note(into, it))
            .map_err(failed(ACTION))
    }

    fn unload_memory(&self, landing: &Landing, into: &Transaction<'_>) -> rusqlite::Result<()> {
        let sql = "SELECT identity, seq FROM content WHERE seq > ?1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([row_id(landing.base)])?;
        while let Some(row) = rows.next()? {
            let seq = landing.of(super::query::sequence(row.get(1)?));
            into.prepare_cached("INSERT OR IGNORE INTO content (identity, seq) VALUES (?1, ?2)")?
                .execute((row.get::<_, Vec<u8>>(0)?, row_id(seq)))?;
        }
        let mut statement = self.connection.prepare("SELECT id, expires_at_s FROM command")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let sql = "INSERT OR IGNORE INTO command (id, expires_at_s) VALUES (?1, ?2)";
            into.execute(sql, (row.get::<_, String>(0)?, row.get::<_, i64>(1)?))?;
        }
        Ok(())
    }
}

/// Whether the disk lets files be made, written, flushed and removed.
fn probe(path: &Path) -> io::Result<()> {
    const LEN: usize = 4096;
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let trial = path.with_extension("probe");
    let written = File::create(&trial).and_then(|mut file| {
        file.write_all(&[0x42; LEN])?;
        file.sync_all()
    });
    let removed = match fs::remove_file(&trial) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    written.and(removed)
}

/// What a person has to be told about records that are nowhere any more.
fn lost(n_lost: u64, n_gone: u64) -> Option<News> {
    if n_lost == 0 && n_gone == 0 {
        return None;
    }
    let text = format!(
        "The storage of the hub can be written again. {n_lost} records of the time when it could not \
         are lost, because memory was used up; {n_gone} older ones that the agency did not have are \
         not in it any more."
    );
    Some(News { rule: READINGS_LOST, priority: Priority::High, text })
}
