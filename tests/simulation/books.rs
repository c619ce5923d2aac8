//! What has been committed, written down independently, and what must always be true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gateway::store::Lane;
use rust_decimal::Decimal;
use vitals::wire::canonical;
use vitals::wire::v1::{Alert, Event, EventKind, Reading};
use vitals::{Epoch, Sequence, SequenceRanges};

use crate::beside::Committed;
use crate::cuff::{CRISIS_MMHG, HIGH_MMHG};
use crate::setting::{CUFF, LOW_OXYGEN_PERCENT, OXIMETER};

/// The books of one ledger: of one card in one hub.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Every committed record; the first has number 1.
    pub(crate) records: Vec<Kept>,
    pub(crate) alerts: BTreeMap<Sequence, Episode>,
    pub(crate) alert_seqs: BTreeSet<Sequence>,
    /// The last transition of each alert.
    last_of: BTreeMap<Sequence, Sequence>,
    /// How often the hub did what a command asked for, or said that it does not.
    pub(crate) n_answers: u64,
    /// Everything that a receipt of the station ever covered.
    pub(crate) receipted: SequenceRanges,
    /// What the station holds.
    pub(crate) at_station: SequenceRanges,
    /// What the station held before it was put back to an older copy.
    pub(crate) lost_with_copy: SequenceRanges,
    /// What the hub had removed, because it was confirmed, when the station lost it.
    pub(crate) gone: SequenceRanges,
    /// Bytes of the cuff with the reading that has them.
    measured: BTreeMap<Vec<u8>, Sequence>,
    /// The last line of the oximeter that became a reading, and when.
    pub(crate) last_line: Option<(Vec<u8>, Duration)>,
    /// The hub lost its card with this ledger.
    pub(crate) is_abandoned: bool,
}

/// A committed record.
#[derive(Debug)]
pub(crate) struct Kept {
    /// When it was committed.
    pub(crate) at: Duration,
    pub(crate) lane: Lane,
    pub(crate) payload: Vec<u8>,
}

/// How an alert stands by its last transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Episode {
    pub(crate) rev: u32,
    pub(crate) state: String,
    pub(crate) standing: String,
    pub(crate) by: Option<String>,
    priority: String,
    /// Plan, rule and client: at most one open alert has the same.
    about: (String, String, Option<String>),
}

impl Episode {
    pub(crate) fn of(alert: &Alert) -> Self {
        Self {
            rev: alert.rev,
            state: alert.state.clone(),
            standing: alert.standing.clone(),
            by: alert.by.clone(),
            priority: alert.priority.clone(),
            about: (alert.plan.clone(), alert.rule.clone(), alert.subject.clone()),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.standing != "done"
    }

    pub(crate) fn is_high(&self) -> bool {
        self.priority == "high"
    }
}

impl Books {
    /// The highest number.
    pub(crate) fn last_seq(&self) -> Sequence {
        Sequence::try_from(self.records.len()).unwrap_or(Sequence::MAX)
    }

    pub(crate) fn record(&self, seq: Sequence) -> Option<&Kept> {
        self.records.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    pub(crate) fn n_open(&self) -> usize {
        self.alerts.values().filter(|it| it.is_open()).count()
    }

    /// Takes in what one step of the hub has committed, and checks it.
    pub(crate) fn commit(&mut self, now: Duration, news: Vec<Committed>) -> anyhow::Result<()> {
        let mut expected: BTreeSet<&'static str> = BTreeSet::new();
        let mut reading_id = String::new();
        for Committed { seq, lane, payload } in news {
            let next = self.last_seq().saturating_add(1);
            ensure!(seq == next, "the ledger gave the number {seq} where {next} is next");
            if lane != Lane::Alert {
                ensure!(
                    expected.is_empty(),
                    "reading {reading_id} raised no alert of {expected:?}"
                );
            }
            match lane {
                Lane::Reading => {
                    let reading: Reading = canonical::decode(&payload)?;
                    expected = findings(&reading);
                    // What waits for a repeat may find that this is none.
                    expected.retain(|rule| !self.is_pending(rule));
                    reading_id.clone_from(&reading.id);
                    self.measured(now, seq, reading)?;
                }
                Lane::Alert => {
                    let alert: Alert = canonical::decode(&payload)?;
                    if alert.readings.contains(&reading_id) {
                        expected.remove(alert.rule.as_str());
                    }
                    self.transition(seq, &alert)?;
                }
                Lane::Event => {
                    let event: Event = canonical::decode(&payload)?;
                    let is_answer = event.kind == EventKind::CommandRefused.as_str();
                    self.n_answers += u64::from(is_answer);
                }
            }
            self.records.push(Kept { at: now, lane, payload });
        }
        ensure!(expected.is_empty(), "reading {reading_id} raised no alert of {expected:?}");
        Ok(())
    }

    fn is_pending(&self, rule: &str) -> bool {
        self.alerts.values().any(|it| it.standing == "pending" && it.about.1 == rule)
    }

    fn measured(&mut self, now: Duration, seq: Sequence, reading: Reading) -> anyhow::Result<()> {
        match reading.device.id.as_str() {
            CUFF => {
                let first = self.measured.insert(reading.raw.0, seq);
                ensure!(first.is_none(), "readings {first:?} and {seq} are one measurement");
            }
            OXIMETER => self.last_line = Some((reading.raw.0, now)),
            other => anyhow::bail!("nobody has a device {other}"),
        }
        Ok(())
    }

    fn transition(&mut self, seq: Sequence, alert: &Alert) -> anyhow::Result<()> {
        let (_epoch, first) = alert.alert_id.split_once('-').context("not a ledger key")?;
        let first: Sequence = first.parse()?;
        let after = Episode::of(alert);
        match self.alerts.get(&first) {
            None => {
                ensure!(first == seq, "transition {seq} is of alert {first}, which never began");
                let begins = matches!(after.state.as_str(), "raised" | "asked");
                ensure!(after.rev == 1 && begins, "alert {seq} begins {after:?}");
                let mut open = self.alerts.iter().filter(|(_seq, it)| it.is_open());
                let other = open.find(|(_seq, it)| it.about == after.about);
                ensure!(other.is_none(), "alert {seq} doubles {other:?}");
            }
            Some(before) => {
                let is_next = before.rev.checked_add(1) == Some(after.rev);
                ensure!(is_next, "alert {first} goes from {before:?} to {after:?}");
                ensure!(before.is_open(), "alert {first} was over, and goes on with {after:?}");
                let is_answer = matches!(after.state.as_str(), "acknowledged" | "closed");
                let asks_anew = matches!(after.state.as_str(), "escalated" | "resumed" | "stale");
                let keeps_its_name = after.by == before.by || is_answer;
                ensure!(
                    keeps_its_name || asks_anew,
                    "alert {first} forgot its acknowledgement: from {before:?} to {after:?}"
                );
            }
        }
        let is_unanswered = after.by.is_none();
        ensure!(
            after.is_open() || !after.is_high() || !is_unanswered,
            "high alert {first} disappeared without an answer: {after:?}"
        );
        let is_answer = matches!(after.state.as_str(), "acknowledged" | "closed");
        self.n_answers += u64::from(is_answer);
        self.alerts.insert(first, after);
        self.alert_seqs.insert(seq);
        self.last_of.insert(first, seq);
        Ok(())
    }

    /// Whether the bytes of a measurement are in a reading.
    pub(crate) fn has_measured(&self, bytes: &[u8]) -> bool {
        self.measured.contains_key(bytes)
    }

    /// First number that the station lacks and that is somewhere else.
    pub(crate) fn first_missing(&self) -> Option<Sequence> {
        let missing = self.at_station.gaps(self.last_seq()).flatten();
        missing.into_iter().find(|it| !self.gone.contains(*it))
    }

    /// Whether nobody has the last transition of an alert any more: its hub had removed it when the
    /// station was put back to a copy that is older than it.
    pub(crate) fn has_lost_the_last_of(&self, alert: Sequence) -> bool {
        self.last_of.get(&alert).is_some_and(|it| self.gone.contains(*it))
    }

    /// Takes in what is left in the ledger; what is missing there and at the station is gone.
    pub(crate) fn ledger_has(&mut self, kept: &BTreeSet<Sequence>) -> anyhow::Result<()> {
        let missing: Vec<_> = self.at_station.gaps(self.last_seq()).flatten().collect();
        for seq in missing.into_iter().filter(|it| !kept.contains(it)) {
            ensure!(
                self.lost_with_copy.contains(seq),
                "record {seq} is neither in the ledger nor at the station"
            );
            self.gone.insert(seq..=seq);
        }
        Ok(())
    }

    /// The station is about to forget: what it holds now may be gone.
    pub(crate) fn station_forgets(&mut self) {
        for range in self.at_station.iter() {
            self.lost_with_copy.insert(range);
        }
    }

    /// Takes in a record that the station has committed, and checks it.
    pub(crate) fn filed(&mut self, record: &Committed) -> anyhow::Result<()> {
        let seq = record.seq;
        let kept = self.record(seq);
        let kept =
            kept.with_context(|| format!("the station holds {seq}, which no hub committed"))?;
        let is_same = kept.lane == record.lane && kept.payload == record.payload;
        ensure!(is_same, "record {seq} is not the same at the station");
        ensure!(!self.at_station.contains(seq), "the station holds record {seq} twice");
        self.at_station.insert(seq..=seq);
        Ok(())
    }
}

/// Rules of the care plan that find something in a reading.
fn findings(reading: &Reading) -> BTreeSet<&'static str> {
    let value = |vital: &str| reading.values.iter().find(|it| it.vital == vital);
    let mut found = BTreeSet::new();
    if let Some(systolic) = value("systolic-pressure") {
        if Decimal::from(CRISIS_MMHG) <= systolic.value.0 {
            found.insert("systolic-crisis");
        }
        if Decimal::from(HIGH_MMHG) <= systolic.value.0 {
            found.insert("systolic-high");
        }
    }
    if let Some(oxygen) = value("oxygen-saturation")
        && oxygen.value.0 <= Decimal::from(LOW_OXYGEN_PERCENT)
    {
        found.insert("oxygen-low");
    }
    found
}

/// The books of everything that a home ever wrote down, card after card.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    cards: Vec<(Epoch, Books)>,
}

impl Archive {
    /// Begins the books of a new card.
    pub(crate) fn begin(&mut self, epoch: Epoch) {
        if let Some((_epoch, last)) = self.cards.last_mut() {
            last.is_abandoned = true;
        }
        self.cards.push((epoch, Books::default()));
    }

    /// The books of the card in use, with its number from 0.
    pub(crate) fn current(&mut self) -> anyhow::Result<&mut Books> {
        self.cards.last_mut().map(|(_epoch, books)| books).context("the home has no ledger yet")
    }

    pub(crate) fn of(&mut self, epoch: Epoch) -> Option<&mut Books> {
        self.cards.iter_mut().find(|it| it.0 == epoch).map(|it| &mut it.1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Epoch, Books)> {
        self.cards.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (Epoch, Books)> {
        self.cards.iter_mut()
    }
}
