//! The hub's ledger: one SQLite file, one owner, every commit durable when it returns.
//!
//! Constraints:
//!
//! - WAL with `synchronous=FULL`: a committed record survives a power cut.
//! - One gap-free sequence per database; the place is the row id, so that a record costs one page.
//! - An epoch is a stretch of that sequence; a new one begins where numbers may have been given that
//!   this file does not know of. A record keeps its epoch, number and bytes for ever.
//! - Records are stored as the very bytes that travel, so that a message is the same each time.
//! - Every record carries a CRC-32 of its place and bytes, verified whenever it is read.
//! - A damaged file is never used and never thrown away: what can be read of it is salvaged.
//! - What the agency holds is written without waiting for the disk: the next commit takes it along,
//!   and losing that knowledge only sends a record twice.

mod alive;
mod ballast;
mod budget;
mod checksum;
mod epochs;
mod error;
mod fork;
mod incident;
mod ledger;
mod lock;
mod log;
mod memory;
mod open;
mod quarantine;
mod query;
mod regain;
mod salvage;
mod schema;
mod scrub;
mod walk;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use tracing::error;
use vitals::wire::canonical;
use vitals::wire::v1::Envelope;
use vitals::{Epoch, Sequence, SequenceRanges};

use self::ballast::Ballast;
pub use self::ballast::Disk;
pub use self::budget::{Dated, KEEP_DAYS, MAX_MIB, Removal, SCRUB_DAYS, Upkeep, Usage};
use self::epochs::Epochs;
pub use self::error::StoreError;
use self::error::failed;
pub use self::fork::{Anew, Onward};
pub use self::incident::{
    ALERT_LOST, Incident, LEDGER_DAMAGED, LEDGER_RESTORED, News, READINGS_LOST, RECORD_DAMAGED,
    STORAGE_FAILED, STORAGE_VOLATILE,
};
pub use self::ledger::Ledger;
pub use self::memory::MEMORY_MAX_BYTES;
use self::memory::Memory;
pub use self::query::{OpenAlert, Record};
pub use self::scrub::{Position, Scrubbed};

/// What a record is about; each lane is a table, and lanes are sent in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Alert transitions.
    Alert,
    /// Readings.
    Reading,
    /// Technical events.
    Event,
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Alert, Self::Reading, Self::Event];
}

/// Identity of a record for ever: the epoch in which it was made, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerKey {
    /// The epoch.
    pub epoch: Epoch,
    /// Its number, from 1: what goes over the wire.
    pub number: Sequence,
}

/// The open ledger.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    epochs: Epochs,
    last_seq: Sequence,
    unproven: Option<Sequence>,
    absent: SequenceRanges,
    /// Damaged records that nobody was told of.
    noticed: RefCell<BTreeSet<(Lane, Sequence)>>,
    upkeep: Upkeep,
    /// Only where somebody limits the ledger.
    ballast: Option<Ballast>,
    memory: Memory,
    /// Held while this process owns the file.
    lock: Option<File>,
}

impl Store {
    fn over(connection: Connection, path: &Path, lock: Option<File>) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let epochs = query::epochs(&connection).map_err(open)?.ok_or_else(|| {
            StoreError::Corrupt { path: path.to_owned(), cause: "it has no epoch".to_owned() }
        })?;
        let absent = query::absent(&connection)?;
        // Whatever was taken away at the end of the file: no number is given twice.
        let given = [
            query::last_seq(&connection)?,
            epochs.first().saturating_sub(1),
            query::held(&connection)?.max().unwrap_or(0),
            absent.max().unwrap_or(0),
        ];
        Ok(Self {
            unproven: query::unproven(&connection)?,
            last_seq: given.into_iter().max().unwrap_or(0),
            connection,
            path: path.to_owned(),
            epochs,
            absent,
            noticed: RefCell::default(),
            upkeep: Upkeep::default(),
            ballast: None,
            memory: Memory::default(),
            lock,
        })
    }

    /// The epoch that is written in.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epochs.current()
    }

    /// The highest place given in this file, 0 for none; it counts the records of all epochs.
    #[must_use]
    pub const fn last_seq(&self) -> Sequence {
        self.last_seq
    }

    /// The highest number given in the current epoch, 0 for none.
    #[must_use]
    pub const fn last_number(&self) -> Sequence {
        self.last_seq.saturating_sub(self.epochs.first().saturating_sub(1))
    }

    /// The place that the next appended record gets.
    #[must_use]
    pub const fn next_place(&self) -> Sequence {
        self.last_seq.saturating_add(1)
    }

    /// The epoch and number that the next appended record gets.
    #[must_use]
    pub fn next_key(&self) -> LedgerKey {
        self.epochs.key(self.last_seq.saturating_add(1))
    }

    /// The number in the current epoch that the next appended record gets.
    #[must_use]
    pub const fn next_number(&self) -> Sequence {
        self.last_number().saturating_add(1)
    }

    /// The epoch and number of the record at the place `seq`.
    #[must_use]
    pub fn key(&self, seq: Sequence) -> LedgerKey {
        self.epochs.key(seq)
    }

    /// Where the record with this key is, if it is of this file.
    #[must_use]
    pub fn place(&self, key: LedgerKey) -> Option<Sequence> {
        let mut number = SequenceRanges::new();
        number.insert(key.number.max(1)..=key.number);
        self.places(key.epoch, &number).max()
    }

    /// Where the records with these numbers of `epoch` are, none for an epoch of another file.
    #[must_use]
    pub fn places(&self, epoch: Epoch, numbers: &SequenceRanges) -> SequenceRanges {
        let mut places = self.epochs.places(epoch, numbers);
        places.remove(self.last_seq.saturating_add(1)..=Sequence::MAX);
        places
    }

    /// Every place of the records of `epoch`, none for an epoch of another file.
    #[must_use]
    pub fn stretch(&self, epoch: Epoch) -> SequenceRanges {
        let mut stretch = SequenceRanges::new();
        if let Some(it) = self.epochs.stretch(epoch) {
            stretch.insert(*it.start()..=(*it.end()).min(self.last_seq));
        }
        stretch
    }

    /// The place after which no receipt has yet shown that this file is the only one that goes on:
    /// it could be an older copy, and its numbers taken. `None` once one has.
    #[must_use]
    pub const fn unproven(&self) -> Option<Sequence> {
        self.unproven
    }

    /// Notes what [`Self::unproven`] says, without waiting for the disk: a later commit that needs
    /// it takes it along.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be written.
    pub fn note_unproven(&mut self, after: Option<Sequence>) -> Result<(), StoreError> {
        self.lazily(|store| {
            let mut ledger = store.begin()?;
            ledger.note_unproven(after)?;
            ledger.commit()
        })?;
        self.unproven = after;
        Ok(())
    }

    /// Places whose records are gone: damaged or lost, or written anew in a later epoch.
    #[must_use]
    pub const fn absent(&self) -> &SequenceRanges {
        &self.absent
    }

    /// Begins the one transaction in which everything that belongs together is written.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be written.
    pub fn begin(&mut self) -> Result<Ledger<'_>, StoreError> {
        let max_bytes = self.max_bytes_without_alerts();
        Ledger::begin(&mut self.connection, &self.epochs, &mut self.last_seq, max_bytes)
    }

    /// Notes what the agency holds, in a commit that is not flushed.
    ///
    /// The flush of a later commit takes it along, and after a power cut the file is as it was
    /// before: what lies in the write-ahead log is never used without what lies before it.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be written; the store must not be
    /// used any more then.
    pub fn note_held(&mut self, held: &SequenceRanges) -> Result<(), StoreError> {
        self.lazily(|store| {
            let mut ledger = store.begin()?;
            ledger.note_held(held)?;
            ledger.commit()
        })
    }

    /// Writes without waiting for the disk; never what changes a page of records, for the check of the
    /// log takes that for flushed.
    fn lazily<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.flush(schema::LAZILY)?;
        let written = write(self);
        self.flush(schema::EACH_COMMIT)?;
        written
    }

    fn flush(&self, when: &'static str) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "synchronous", when)
            .map_err(failed("set when commits are flushed"))
    }

    /// Up to `limit` records of `lane` above `after` that are not in `held`, ascending.
    ///
    /// A damaged record is left out, and noticed until [`Self::take_noticed`]; it stays a gap at the
    /// agency.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn pending(
        &self,
        lane: Lane,
        after: Sequence,
        held: &SequenceRanges,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let gaps = held.gaps(self.last_seq);
        let (records, damaged) = query::pending(&self.connection, lane, after, gaps, limit)?;
        for seq in damaged.into_iter().filter(|&it| !self.absent.contains(it)) {
            error!(seq, "damaged record is not sent");
            self.noticed.borrow_mut().insert((lane, seq));
        }
        Ok(records)
    }

    /// The record at the place `seq`, whatever its lane.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Damaged`] where its checksum does not fit.
    pub fn record(&self, seq: Sequence) -> Result<Option<Record>, StoreError> {
        query::record(&self.connection, seq)
    }

    /// Every alert that is still open, with its last transition where that can be read.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn open_alerts(&self) -> Result<Vec<OpenAlert>, StoreError> {
        query::open_alerts(&self.connection)
    }

    /// Where the records are that lead to an open alert: those that raised one, and last changed it.
    fn open_places(&self) -> Result<BTreeSet<Sequence>, StoreError> {
        let mut places = BTreeSet::new();
        for OpenAlert { id, payload } in self.open_alerts()? {
            places.extend(self.place(id));
            let last = payload.and_then(|it| canonical::decode::<Envelope>(&it).ok());
            let key =
                last.and_then(|it| Some(LedgerKey { epoch: it.epoch().ok()?, number: it.seq }));
            places.extend(key.and_then(|it| self.place(it)));
        }
        Ok(places)
    }

    /// Readings at places below `before`, the latest first, at most `limit`; damaged ones are left out.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the ledger cannot be read.
    pub fn readings_before(
        &self,
        before: Sequence,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        query::readings_before(&self.connection, before, limit)
    }

    /// The last `limit` alert transitions, the latest first; a damaged one is left out.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn latest_alerts(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        query::latest_alerts(&self.connection, limit)
    }

    /// What the agency holds, as of the last commit that recorded it.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn held(&self) -> Result<SequenceRanges, StoreError> {
        query::held(&self.connection)
    }

    /// Has the next start check all of the file: damage was met in it.
    pub fn note_suspect(&self) {
        if let Err(error) = quarantine::note_suspect(&self.path, true) {
            error!(%error, "the next start does not know of the damage");
        }
    }

    /// Size of the database in bytes, without its journal.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        let pages: i64 = self.pragma("page_count")?;
        let page_len_bytes: i64 = self.pragma("page_size")?;
        Ok(u64::try_from(pages.saturating_mul(page_len_bytes)).unwrap_or(0))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn pragma(&self, name: &'static str) -> Result<i64, StoreError> {
        self.connection
            .pragma_query_value(None, name, |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(failed("read the size of the database"))
    }
}

#[cfg(test)]
impl Store {
    /// Has every write fail until the file is opened again.
    pub(crate) fn fail_writes(&self) {
        self.connection.pragma_update(None, "query_only", true).expect("a test has a ledger");
    }

    /// Lets somebody else write to the file for a while.
    pub(crate) fn forget_lock(&self) {
        let unlocked = self.lock.as_ref().map(File::unlock).transpose();
        unlocked.expect("a test has a lock");
    }
}

#[cfg(test)]
mod tests;
