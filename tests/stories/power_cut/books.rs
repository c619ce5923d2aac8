//! What a ledger has to hold after each commit, kept beside it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context as _, ensure};
use gateway::store::{Lane, Record, Store};
use vitals::{Epoch, Sequence, SequenceRanges};

/// So many of the contents and commands that a ledger remembers are looked up after a cut.
const LOOKED_UP: usize = 20;

/// What one commit writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commit {
    /// Records with the numbers that follow.
    pub(crate) records: Vec<(Lane, Vec<u8>)>,
    /// Alerts that are open, each with its last transition.
    pub(crate) opened: Vec<(Sequence, Sequence)>,
    pub(crate) ended: Vec<Sequence>,
    pub(crate) contents: Vec<(Vec<u8>, Sequence)>,
    pub(crate) commands: Vec<String>,
    /// What the agency holds; a commit of that alone, and not flushed.
    pub(crate) held: Option<SequenceRanges>,
    /// Old records that go; a commit of that alone.
    pub(crate) removed: Vec<Sequence>,
}

/// What a ledger holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) records: Vec<Record>,
    pub(crate) open: BTreeMap<Sequence, Sequence>,
    pub(crate) held: SequenceRanges,
    contents: BTreeSet<Vec<u8>>,
    commands: BTreeSet<String>,
}

impl Contents {
    pub(crate) fn last_seq(&self) -> Sequence {
        self.records.last().map_or(0, |it| it.seq)
    }

    fn apply(&mut self, commit: Commit) {
        for (lane, payload) in commit.records {
            let seq = self.last_seq() + 1;
            self.records.push(Record { seq, lane, payload });
        }
        self.open.extend(commit.opened);
        self.open.retain(|alert, _last| !commit.ended.contains(alert));
        self.contents.extend(commit.contents.into_iter().map(|(identity, _seq)| identity));
        self.commands.extend(commit.commands);
        if let Some(held) = commit.held {
            self.held = held;
        }
        self.records.retain(|it| !commit.removed.contains(&it.seq));
    }

    /// The open alerts with their last transitions, in the order of the alerts.
    fn open_alerts(&self) -> Vec<(Sequence, &Record)> {
        let find = |seq| self.records.binary_search_by_key(seq, |it| it.seq).ok();
        let open = self.open.iter();
        open.filter_map(|(alert, last)| Some((*alert, self.records.get(find(last)?)?))).collect()
    }
}

/// The books of one ledger: what is in it for certain, and what may be in it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    epoch: Option<Epoch>,
    certain: Contents,
    /// Commits since the last one that was flushed, and the one during which the power went.
    uncertain: VecDeque<Commit>,
}

/// How a ledger after a cut differs from what it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it was after the last certain commit or a later one.
    Intact,
    /// Committed records are not there any more.
    Lost(u64),
    /// Something else is wrong with it.
    Wrong(String),
}

impl Books {
    /// Writes down a commit that is about to be tried.
    pub(crate) fn begin(&mut self, commit: Commit) {
        self.uncertain.push_back(commit);
    }

    /// The last commit has returned and was flushed: it is certain, and so is all before it.
    pub(crate) fn flushed(&mut self) {
        for commit in self.uncertain.drain(..) {
            self.certain.apply(commit);
        }
    }

    /// Alerts that are open, with their last transitions.
    pub(crate) fn open(&self) -> &BTreeMap<Sequence, Sequence> {
        &self.certain.open
    }

    /// The oldest of `held` that the ledger may remove: neither its last record nor one of an alert
    /// that is open.
    pub(crate) fn oldest_of(&self, held: &SequenceRanges, n: usize) -> Vec<Sequence> {
        let Contents { records, open, .. } = &self.certain;
        let is_needed =
            |seq: &Sequence| open.contains_key(seq) || open.values().any(|last| last == seq);
        let seqs = records.iter().map(|it| it.seq).filter(|it| *it != self.last_seq());
        seqs.filter(|it| held.contains(*it) && !is_needed(it)).take(n).collect()
    }

    /// The number of the last record while the ledger is open.
    pub(crate) fn last_seq(&self) -> Sequence {
        self.certain.last_seq()
    }

    /// Compares a ledger that was opened again; what it holds is certain from then on.
    pub(crate) fn judge(&mut self, store: &mut Store) -> anyhow::Result<Verdict> {
        let last_seq = store.last_seq();
        let is_same = *self.epoch.get_or_insert(store.epoch()) == store.epoch();
        let lost = match is_same {
            true => self.certain.last_seq().saturating_sub(last_seq),
            false => self.certain.last_seq(),
        };
        if 0 < lost {
            return Ok(Verdict::Lost(lost));
        }
        if !is_same {
            return Ok(Verdict::Wrong("the ledger has another epoch".to_owned()));
        }
        let found = records(store)?;
        let held = store.held()?;
        // The ledger is as it was after one of the commits; which one, its contents say.
        let mut differences = Vec::new();
        let mut uncertain = std::mem::take(&mut self.uncertain);
        loop {
            match self.certain.difference(&found, &held, last_seq, store)? {
                None => return Ok(Verdict::Intact),
                Some(difference) => differences.push(difference),
            }
            match uncertain.pop_front() {
                Some(commit) => self.certain.apply(commit),
                None => return Ok(Verdict::Wrong(differences.join("; or else "))),
            }
        }
    }
}

/// Every record of the ledger, by its lane and by its number.
fn records(store: &Store) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for lane in Lane::ALL {
        records.append(&mut store.pending(lane, 0, &SequenceRanges::new(), usize::MAX)?);
    }
    records.sort_by_key(|it| it.seq);
    if let Some(last) = records.last() {
        let alone = store.record(last.seq)?.context("a record is not found by its number")?;
        ensure!(alone == *last, "a record is another one when it is asked for by its number");
    }
    Ok(records)
}

impl Contents {
    fn difference(
        &self,
        found: &[Record],
        held: &SequenceRanges,
        last_seq: Sequence,
        store: &mut Store,
    ) -> anyhow::Result<Option<String>> {
        if self.last_seq() != last_seq {
            return Ok(Some(format!("the last number is {last_seq}, not {}", self.last_seq())));
        }
        if let Some((expected, it)) = self.records.iter().zip(found).find(|(it, other)| it != other)
        {
            let (seq, other) = (expected.seq, it.seq);
            return Ok(Some(format!("record {other} stands where {seq} was written")));
        }
        if found.len() != self.records.len() {
            let (n, expected) = (found.len(), self.records.len());
            return Ok(Some(format!("{n} records are there, not {expected}")));
        }
        if *held != self.held {
            return Ok(Some(format!("held are {held:?}, not {:?}", self.held)));
        }
        let open = store.open_alerts()?;
        let found = open.iter().map(|it| (it.id.number, it.payload.as_deref()));
        let expected = self.open_alerts();
        if found.ne(expected.iter().map(|(alert, last)| (*alert, Some(last.payload.as_slice())))) {
            return Ok(Some(format!("{} alerts are open, not {}", open.len(), self.open.len())));
        }
        let ledger = store.begin()?;
        if ledger.next_seq() != last_seq + 1 {
            return Ok(Some(format!("the next number is {}", ledger.next_seq())));
        }
        for identity in self.contents.iter().rev().take(LOOKED_UP) {
            if !ledger.knows_content(identity)? {
                return Ok(Some("the content of a reading is forgotten".to_owned()));
            }
        }
        for id in self.commands.iter().rev().take(LOOKED_UP) {
            if !ledger.knows_command(id)? {
                return Ok(Some("a command is forgotten".to_owned()));
            }
        }
        Ok(None)
    }
}
