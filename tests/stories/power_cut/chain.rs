//! One ledger whose power is cut again and again.

use std::collections::BTreeSet;
use std::{fmt, fs};

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use gateway::store::{Lane, Removal, Store, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use vitals::SequenceRanges;

use crate::books::{Books, Commit, Verdict};
use crate::disk::{Disk, Flushes};
use crate::mounted::Mounted;

/// Cuts of one ledger; then another begins. Its longest lives make it copy its full log.
pub(crate) const CUTS_OF_A_CHAIN: u32 = 32;

/// Records that the ledger removes in one commit.
const REMOVED_AT_ONCE: usize = 64;

/// Longest message, in bytes; most are shorter.
const MESSAGE_LEN_MAX: usize = 2_500;

/// What became of the cuts of one chain.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Cuts after which the ledger was opened and looked at.
    pub(crate) n_judged: u32,
    /// Cuts after commits that had returned since the cut before: those can lose something.
    pub(crate) n_at_risk: u32,
    /// Cuts while the ledger was being opened: the next one follows at once.
    pub(crate) n_while_opening: u32,
    /// Cuts after which something was not as it has to be.
    pub(crate) n_failed: u32,
    /// Cuts after which committed records were gone.
    pub(crate) n_losing: u32,
    pub(crate) n_records_lost: u64,
    pub(crate) n_commits: u64,
    /// Why chains ended before their last cut.
    pub(crate) problems: Vec<String>,
}

/// The ledger of a chain.
struct Chain {
    mounted: Mounted,
    /// Where the ledger's lock lies, which is on no simulated disk.
    directory: TempDir,
    books: Books,
    random: Rng,
    /// Something was committed since the last cut.
    has_committed: bool,
    outcome: Outcome,
}

/// Whether the power went during what was tried.
enum Step {
    Done,
    Dark,
}

/// Cuts the power of a ledger `n` times, by `seed`; ends sooner where something is wrong.
pub(crate) fn run(seed: u64, n: u32, flushes: Flushes) -> anyhow::Result<Outcome> {
    let directory = tempfile::tempdir()?;
    let folder = directory.path().to_str().context("a folder has a name")?.to_owned();
    let mounted = Mounted::on(&folder, Disk::new(flushes));
    let (books, random) = (Books::default(), Rng::with_seed(seed));
    let outcome = Outcome::default();
    let mut chain = Chain { mounted, directory, books, random, has_committed: false, outcome };
    let done = chain.live(n);
    Mounted::unmount(&folder);
    done?;
    Ok(chain.outcome)
}

impl Chain {
    fn live(&mut self, n: u32) -> anyhow::Result<()> {
        for _cut in 0..n {
            self.live_until_cut()?;
            if !self.outcome.problems.is_empty() {
                return Ok(());
            }
        }
        // The last cut is judged like the others.
        drop(self.open());
        Ok(())
    }

    /// Opens the ledger, works with it until the power goes, and lets it come back.
    fn live_until_cut(&mut self) -> anyhow::Result<()> {
        let random = &mut self.random;
        // Opening takes about ten changes, a commit too, copying the log hundreds.
        let n = match random.u8(..10) {
            0 => random.u64(1..=12),
            1..=8 => random.u64(1..=200),
            _ => random.u64(1..=4_000),
        };
        self.mounted.look().disk.die_after(n);
        if let Some(store) = self.open() {
            self.work(store)?;
        } else if self.outcome.problems.is_empty() {
            self.outcome.n_while_opening += 1;
        }
        self.mounted.look().cut(&mut self.random);
        self.show_log()
    }

    /// Puts the log where the ledger looks for it before SQLite does: past the simulated disk.
    fn show_log(&self) -> anyhow::Result<()> {
        let log = self.mounted.look().disk.content("ledger.db-wal");
        fs::write(self.directory.path().join("ledger.db-wal"), log.unwrap_or_default())?;
        // What is empty counts as lost there.
        fs::write(self.directory.path().join("ledger.db"), b"on the simulated disk")?;
        Ok(())
    }

    /// Opens the ledger and judges it; `None` where the power goes meanwhile or it is not intact.
    fn open(&mut self) -> Option<Store> {
        let opened = Store::open(&self.directory.path().join("ledger.db"));
        // It may be open though the power went: not all that the start tries has to succeed.
        if self.mounted.look().disk.is_dead() {
            return None;
        }
        let judged = opened.map_err(anyhow::Error::from).and_then(|mut store| {
            let verdict = self.books.judge(&mut store)?;
            Ok((store, verdict))
        });
        self.outcome.n_judged += 1;
        let has_committed = std::mem::take(&mut self.has_committed);
        self.outcome.n_at_risk += u32::from(has_committed);
        let verdict = match judged {
            Ok((store, Verdict::Intact)) => match self.check_file() {
                Ok(()) => return Some(store),
                Err(error) => Verdict::Wrong(format!("{error:#}")),
            },
            Ok((_store, verdict)) => verdict,
            Err(error) => Verdict::Wrong(format!("{error:#}")),
        };
        self.outcome.n_failed += 1;
        if let Verdict::Lost(n) = &verdict {
            self.outcome.n_losing += 1;
            self.outcome.n_records_lost += n;
        }
        self.outcome.problems.push(format!("{verdict:?}"));
        None
    }

    /// SQLite's own check of a copy of the disk, so that the ledger's log is not touched.
    fn check_file(&self) -> anyhow::Result<()> {
        let folder = format!("{}/copy", self.directory.path().display());
        let mut disk = self.mounted.look().disk.clone();
        disk.die_after(u64::MAX >> 1);
        let _copy = Mounted::on(&folder, disk);
        let connection = Connection::open(format!("{folder}/ledger.db"))?;
        let answer: String =
            connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
        Mounted::unmount(&folder);
        ensure!(answer == "ok", "the file is not whole: {answer}");
        Ok(())
    }

    /// Commits until the power goes.
    fn work(&mut self, mut store: Store) -> anyhow::Result<()> {
        loop {
            let step = match self.random.u8(..40) {
                0 => {
                    drop(store);
                    match self.reopen()? {
                        Some(again) => store = again,
                        None => return Ok(()),
                    }
                    Step::Done
                }
                1..=12 => self.note_held(&mut store)?,
                13 => self.remove_oldest(&mut store)?,
                _ => self.record(&mut store)?,
            };
            match step {
                Step::Done => {}
                Step::Dark => return Ok(()),
            }
        }
    }

    /// The hub ends, which copies the log, and starts.
    fn reopen(&mut self) -> anyhow::Result<Option<Store>> {
        if self.mounted.look().disk.is_dead() {
            return Ok(None);
        }
        let opened = Store::open(&self.directory.path().join("ledger.db"));
        match self.dark(opened)? {
            None => Ok(None),
            Some(store) => {
                ensure!(store.last_seq() == self.books.last_seq(), "a restart lost a record");
                Ok(Some(store))
            }
        }
    }

    /// What a call returned, or nothing where it failed because the power went.
    fn dark<T>(&self, result: Result<T, StoreError>) -> anyhow::Result<Option<T>> {
        match result {
            Ok(it) => Ok(Some(it)),
            Err(_gone) if self.mounted.look().disk.is_dead() => Ok(None),
            Err(error) => Err(error).context("the ledger failed though the power was there"),
        }
    }

    fn note_held(&mut self, store: &mut Store) -> anyhow::Result<Step> {
        let mut held = SequenceRanges::new();
        let last_seq = self.books.last_seq();
        if 0 < last_seq {
            held.insert(1..=self.random.u64(1..=last_seq));
            for _gap in 0..self.random.u8(..3) {
                let seq = self.random.u64(1..=last_seq);
                held.remove(seq..=seq);
            }
        }
        self.books.begin(Commit { held: Some(held.clone()), ..Commit::default() });
        let noted = store.note_held(&held);
        Ok(self.dark(noted)?.map_or(Step::Dark, |()| Step::Done))
    }

    /// Removes what is old, one batch after another as the hub does.
    fn remove_oldest(&mut self, store: &mut Store) -> anyhow::Result<Step> {
        let (mut held, mut needed) = (SequenceRanges::new(), BTreeSet::new());
        held.insert(1..=self.random.u64(1..=self.books.last_seq().max(1)));
        needed.extend(self.books.open().values());
        let removal =
            Removal { held: &held, needed: &needed, before: Timestamp::MAX, is_pressed: false };
        for _batch in 0..2 {
            let removed = self.books.oldest_of(&held, REMOVED_AT_ONCE);
            let n_removed = removed.len();
            if 0 < n_removed {
                self.books.begin(Commit { removed, ..Commit::default() });
            }
            let done = store.remove_oldest(&removal);
            match self.dark(done)? {
                // Where nothing was removed, nothing was flushed.
                Some(0) if n_removed == 0 => return Ok(Step::Done),
                Some(n) => ensure!(n == n_removed, "{n} records were removed, not {n_removed}"),
                None => return Ok(Step::Dark),
            }
            self.books.flushed();
        }
        Ok(Step::Done)
    }

    /// A reading with what follows from it, or an event.
    fn record(&mut self, store: &mut Store) -> anyhow::Result<Step> {
        let commit = self.next_commit();
        self.books.begin(commit.clone());
        let done = write(store, &commit);
        match self.dark(done)? {
            Some(()) => {
                self.books.flushed();
                self.has_committed = true;
                self.outcome.n_commits += 1;
                Ok(Step::Done)
            }
            None => Ok(Step::Dark),
        }
    }

    fn next_commit(&mut self) -> Commit {
        let mut commit = Commit::default();
        let first = self.books.last_seq() + 1;
        if self.random.u8(..5) == 0 {
            commit.records.push((Lane::Event, self.message(first)));
            if self.random.bool() {
                commit.commands.push(format!("command {first}"));
            }
            return commit;
        }
        commit.records.push((Lane::Reading, self.message(first)));
        if self.random.bool() {
            commit.contents.push((format!("content of {first}").into_bytes(), first));
        }
        if self.random.u8(..4) == 0 {
            let seq = first + 1;
            commit.records.push((Lane::Alert, self.message(seq)));
            let open: Vec<_> = self.books.open().keys().copied().collect();
            match self.random.choice(open) {
                Some(alert) if self.random.bool() => commit.opened.push((alert, seq)),
                Some(alert) => commit.ended.push(alert),
                None => commit.opened.push((seq, seq)),
            }
        }
        commit
    }

    /// Bytes that no other record has.
    fn message(&mut self, seq: u64) -> Vec<u8> {
        let len_max = if self.random.u8(..20) == 0 { MESSAGE_LEN_MAX } else { 500 };
        let len = self.random.usize(150..=len_max);
        let mut noise = vec![0; len];
        self.random.fill(&mut noise);
        let mut message = format!("record {seq}: ").into_bytes();
        message.append(&mut noise);
        message
    }
}

/// Writes a commit as the hub does.
pub(crate) fn write(store: &mut Store, commit: &Commit) -> Result<(), StoreError> {
    let mut ledger = store.begin()?;
    for (lane, payload) in &commit.records {
        ledger.append(*lane, payload)?;
    }
    for (identity, seq) in &commit.contents {
        ledger.remember_content(identity, *seq)?;
    }
    // The transition that opened it is the last record of a commit.
    let last = commit.records.last().map(|(_lane, payload)| payload.as_slice()).unwrap_or_default();
    for (alert, _last) in &commit.opened {
        ledger.keep_open(ledger.key(*alert), last)?;
    }
    for alert in &commit.ended {
        ledger.end_alert(ledger.key(*alert))?;
    }
    for id in &commit.commands {
        ledger.remember_command(id, 0, 0)?;
    }
    ledger.commit()
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.n_judged += other.n_judged;
        self.n_at_risk += other.n_at_risk;
        self.n_while_opening += other.n_while_opening;
        self.n_failed += other.n_failed;
        self.n_losing += other.n_losing;
        self.n_records_lost += other.n_records_lost;
        self.n_commits += other.n_commits;
        self.problems.extend(other.problems);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commits; {} cuts judged, {} of them after commits, and {} while opening; {} failed, of \
             which {} lost {} records",
            self.n_commits,
            self.n_judged,
            self.n_at_risk,
            self.n_while_opening,
            self.n_failed,
            self.n_losing,
            self.n_records_lost,
        )
    }
}
