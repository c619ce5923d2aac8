//! The ledger in memory, for as long as its file cannot be written.
//!
//! ```text
//! places        1 .............. base | base + 1 ............
//! in the file   all of its records    | nothing, or a commit of which nobody knows what it wrote
//! in memory     what the agency does  | all that was recorded since, in an epoch of its own
//!               not hold, if it fits  |
//! ```
//!
//! It is the same ledger over another database: numbers, lanes, receipts and open alerts are what
//! they were. Its epoch is random and no number of the file is given in it, so that a hub that loses
//! power goes on with the file as if this had never been. When memory runs out, what the agency holds
//! goes first, then the oldest readings, then the oldest events; alerts stay.

mod cargo;

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};
use tracing::{error, warn};
use vitals::{Epoch, Priority, Sequence, SequenceRanges};

use self::cargo::Cargo;
pub(super) use self::cargo::{keep_open, note, put};
use super::budget::{self, PageBytes};
use super::incident::{News, STORAGE_VOLATILE};
use super::query::{row_id, sequence};
use super::{Lane, LedgerKey, OpenAlert, Store, StoreError, failed, lock, schema};

/// Memory that a ledger may take, in bytes.
pub const MEMORY_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Readings that are taken along at a start though the agency holds them: rules look back on them.
const HISTORY_MAX: usize = 8192;

/// Records that are removed at once.
const BATCH: usize = 64;

/// Locks nothing, so that a log can be read without a file of locks beside it.
const WITHOUT_LOCKS: &std::ffi::CStr = c"unix-none";

/// The memory of a ledger.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How much of it may be taken; `None` where the ledger has to be in its file.
    pub(super) max_bytes: Option<u64>,
    /// What is known of the file while the ledger is in memory.
    pub(super) stay: Option<Stay>,
    /// How often the ledger has changed its database.
    pub(super) turn: u64,
}

/// What is known of a file that was left.
#[derive(Debug, Default)]
pub(super) struct Stay {
    /// The last place in the file.
    pub(super) base: Sequence,
    /// Whether what lies above it can only be of a commit that failed.
    pub(super) is_base_certain: bool,
    /// Records that the agency does not hold, and that are only in the file.
    pub(super) left_behind: SequenceRanges,
    /// The alerts that were open.
    pub(super) carried: Vec<LedgerKey>,
    /// Records of this stay for which there was no memory left, and which the agency does not hold.
    pub(super) n_lost: u64,
    /// Whether the file is limited, with a reserve beside it.
    pub(super) is_limited: bool,
}

impl Store {
    /// Opens the ledger at `path` or, where its file cannot be used now, goes on in at most about
    /// `max_bytes` of memory with what can be read of it; also later, when writing fails.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where another process owns the file, or another program wrote it.
    pub fn open_or_remember(path: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        let failure = match Self::open(path) {
            Ok(mut store) => {
                store.memory.max_bytes = Some(max_bytes);
                return Ok(store);
            }
            Err(error) if error.is_of_storage() => error,
            Err(error) => return Err(error),
        };
        let owned = match lock::own(path) {
            Ok(lock) => Some(lock),
            Err(error @ StoreError::Owned { .. }) => return Err(error),
            // Where no file can be made, no other process can own the ledger either.
            Err(_none) => None,
        };
        let mut store = match readable(path) {
            Ok(connection) => Self::over(connection, path, owned)?,
            Err(error) => {
                error!(%error, "nothing of the ledger can be read");
                Self::over(empty(path)?, path, owned)?
            }
        };
        store.memory.max_bytes = Some(max_bytes);
        let held = store.held().unwrap_or_default();
        let open = store.open_alerts().unwrap_or_default();
        let sound = |it: OpenAlert| it.payload.map(|payload| (it.id, payload));
        let open: Vec<_> = open.into_iter().filter_map(sound).collect();
        store.go_on(&held, &open, &failure, HISTORY_MAX)?;
        if let Some(stay) = &mut store.memory.stay {
            stay.is_base_certain = false;
        }
        Ok(store)
    }

    /// Whether the ledger is in memory only.
    #[must_use]
    pub const fn is_in_memory(&self) -> bool {
        self.memory.stay.is_some()
    }

    /// Whether it can go on in memory, and is not there yet.
    #[must_use]
    pub const fn may_leave_file(&self) -> bool {
        self.memory.max_bytes.is_some() && self.memory.stay.is_none()
    }

    /// How often the ledger has changed its database: records have to be looked for anew then.
    #[must_use]
    pub const fn turn(&self) -> u64 {
        self.memory.turn
    }

    /// Goes on in memory, because of `failure`, with the `open` alerts, their last transitions, and
    /// what else can be read and fits. The agency has `held`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where there is no memory to go on in.
    pub fn leave_file(
        &mut self,
        held: &SequenceRanges,
        open: &[(LedgerKey, Vec<u8>)],
        failure: &StoreError,
    ) -> Result<(), StoreError> {
        self.go_on(held, open, failure, 0)
    }

    fn go_on(
        &mut self,
        held: &SequenceRanges,
        open: &[(LedgerKey, Vec<u8>)],
        failure: &StoreError,
        n_history: usize,
    ) -> Result<(), StoreError> {
        let max_bytes = self.memory.max_bytes.unwrap_or(MEMORY_MAX_BYTES);
        let is_open = self.connection.path().is_some_and(|it| !it.is_empty());
        let reader = if is_open { None } else { readable(&self.path).ok() };
        let source = reader.as_ref().unwrap_or(&self.connection);
        let mut settled = held.clone();
        self.absent.iter().for_each(|it| settled.insert(it));
        let mut cargo = Cargo { left_bytes: max_bytes / 4 * 3, carried: SequenceRanges::new() };
        let mut target = in_memory(&self.path)?;
        let (epochs, base) = (&self.epochs, self.last_seq);
        let own = schema::random_epoch()?;
        let mut absent = self.absent.clone();
        let mut left_behind = SequenceRanges::new();
        let make = |into: &Transaction<'_>| -> rusqlite::Result<()> {
            let known = epochs.iter().filter(|(first, _epoch)| *first <= base);
            let own = std::iter::once((base.saturating_add(1), own));
            known.chain(own).try_for_each(|(first, it)| schema::note_epoch(into, first, it))?;
            cargo.load(source, into, base, &settled)?;
            cargo.load_history(source, into, base, n_history)?;
            left_behind = without(&settled, &cargo.carried, base);
            left_behind.iter().for_each(|it| absent.insert(it));
            note(into, held, &absent, self.unproven)?;
            open.iter().try_for_each(|(id, payload)| keep_open(into, *id, payload))
        };
        schema::make(&mut target, make).map_err(failed("go on in memory"))?;
        drop(reader);
        self.keep_log();
        let stay = Stay {
            base,
            is_base_certain: self.lock.is_some(),
            left_behind,
            carried: open.iter().map(|(id, _payload)| *id).collect(),
            n_lost: 0,
            is_limited: self.ballast.is_some(),
        };
        let turn = self.memory.turn.saturating_add(1);
        let memory = Memory { max_bytes: Some(max_bytes), stay: Some(stay), turn };
        let (upkeep, lock) = (self.upkeep, self.lock.take());
        *self = Self { memory, upkeep, ..Self::over(target, &self.path, lock)? };
        self.tell_of_stay(failure)
    }

    fn tell_of_stay(&mut self, failure: &StoreError) -> Result<(), StoreError> {
        let waiting = self.memory.stay.as_ref().map(|it| it.left_behind.iter().flatten().count());
        let waiting = match waiting {
            None | Some(0) => String::new(),
            Some(n) => format!(" {n} older records wait in the storage until it works again."),
        };
        let text = format!(
            "The hub cannot write to its storage ({}). Readings are judged and sent, but new ones are \
             held in memory only: until the agency has them, they are lost when the hub loses \
             power.{waiting}",
            failure.cause()
        );
        let mut ledger = self.begin()?;
        ledger.note_incident(&News { rule: STORAGE_VOLATILE, priority: Priority::High, text })?;
        ledger.commit()
    }

    /// Keeps the ledger within its memory; how many records are lost by it that the agency does not
    /// hold, as it says in `held`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where memory itself fails.
    pub fn keep_within_memory(&mut self, held: &SequenceRanges) -> Result<u64, StoreError> {
        let before = self.memory.stay.as_ref().map_or(0, |it| it.n_lost);
        let max_bytes = self.memory.max_bytes.unwrap_or(MEMORY_MAX_BYTES);
        while self.is_in_memory() && max_bytes < PageBytes::of(&self.connection)?.used {
            if self.forget_contents()? == 0 && self.remove_from_memory(held)? == 0 {
                break;
            }
        }
        Ok(self.memory.stay.as_ref().map_or(0, |it| it.n_lost).saturating_sub(before))
    }

    /// Removes some of the oldest records that memory can spare; how many.
    fn remove_from_memory(&mut self, held: &SequenceRanges) -> Result<usize, StoreError> {
        let mut spare = held.clone();
        spare.remove(self.last_seq..=Sequence::MAX);
        let mut gone = budget::oldest_places(&self.connection, &spare, BATCH)?;
        for lane in [Lane::Reading, Lane::Event] {
            if gone.is_empty() {
                gone = oldest_of(&self.connection, lane, self.last_seq)
                    .map_err(failed("find the oldest records"))?;
            }
        }
        let mut absent = self.absent.clone();
        let unheld = gone.iter().filter(|(seq, _lane)| !held.contains(*seq));
        unheld.for_each(|(seq, _lane)| absent.insert(*seq..=*seq));
        let mut ledger = self.begin()?;
        gone.iter().try_for_each(|&(seq, lane)| ledger.take_away(seq, lane))?;
        ledger.note_absent(&absent)?;
        ledger.commit()?;
        self.absent = absent;
        for (seq, _lane) in gone.iter().filter(|(seq, _lane)| !held.contains(*seq)) {
            let Some(stay) = &mut self.memory.stay else { break };
            match *seq <= stay.base {
                true => stay.left_behind.insert(*seq..=*seq),
                false => stay.n_lost = stay.n_lost.saturating_add(1),
            }
        }
        Ok(gone.len())
    }
}

/// The places up to `last` that are in neither.
fn without(one: &SequenceRanges, other: &SequenceRanges, last: Sequence) -> SequenceRanges {
    let mut both = one.clone();
    other.iter().for_each(|it| both.insert(it));
    let mut rest = SequenceRanges::new();
    both.gaps(last).for_each(|it| rest.insert(it));
    rest
}

/// The oldest records of a lane, without the highest number of all.
fn oldest_of(
    connection: &Connection,
    lane: Lane,
    last: Sequence,
) -> rusqlite::Result<Vec<(Sequence, Lane)>> {
    let sql = match lane {
        Lane::Alert => "SELECT seq FROM alert WHERE seq < ?1 ORDER BY seq LIMIT ?2",
        Lane::Reading => "SELECT seq FROM reading WHERE seq < ?1 ORDER BY seq LIMIT ?2",
        Lane::Event => "SELECT seq FROM event WHERE seq < ?1 ORDER BY seq LIMIT ?2",
    };
    let mut statement = connection.prepare_cached(sql)?;
    let limits = (row_id(last), i64::try_from(BATCH).unwrap_or(i64::MAX));
    let rows = statement.query_map(limits, |row| Ok((sequence(row.get(0)?), lane)))?;
    rows.collect()
}

/// Opens a ledger of the latest version for reading, where nothing can be written beside it.
pub(super) fn readable(path: &Path) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags_and_vfs(path, flags, WITHOUT_LOCKS).map_err(open)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(open)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(open)?;
    match schema::check(&connection, path)? {
        schema::VERSION => {}
        found => return Err(StoreError::TooOld { path: path.to_owned(), found }),
    }
    // All that opening a ledger reads.
    if super::query::epochs(&connection).map_err(open)?.is_none() {
        let cause = "it has no epoch".to_owned();
        return Err(StoreError::Corrupt { path: path.to_owned(), cause });
    }
    super::query::last_seq(&connection)?;
    super::query::held(&connection)?;
    super::query::absent(&connection)?;
    super::query::unproven(&connection)?;
    Ok(connection)
}

fn in_memory(path: &Path) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let connection = Connection::open_in_memory().map_err(open)?;
    schema::configure(&connection).map_err(open)?;
    Ok(connection)
}

/// A ledger without a record, where nothing is known of that in the file.
fn empty(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = in_memory(path)?;
    let epoch: Epoch = schema::random_epoch()?;
    schema::make(&mut connection, |into| schema::note_epoch(into, 1, epoch))
        .map_err(failed("go on in memory"))?;
    warn!(path = %path.display(), "going on without what the ledger holds");
    Ok(connection)
}

#[cfg(test)]
mod tests;
