//! Which record goes next on one connection: streams by urgency, a bounded window, and patience with
//! receipts.
//!
//! What is lost on the way shows in receipts: the agency has what was sent later in the same lane.
//! Where no receipt comes at all, one record asks for it, and the rest follows when it has come: an
//! agency that is away for long is not sent the same again and again.

mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use vitals::{Sequence, SequenceRanges};

use self::stream::{Part, Stream};
use crate::store::{Lane, Record};

/// Most records that are published and not yet acknowledged by the broker.
pub const IN_FLIGHT_MAX: usize = 96;

/// Most records that are sent and not yet covered by a receipt.
///
/// Less than the 1,000 messages that a broker keeps for an absent consumer by default.
const UNCONFIRMED_MAX: usize = 768;

/// How many more may be unconfirmed where the next record is an alert.
const ALERT_HEADROOM: usize = 128;

/// Most records fetched from the ledger at once.
pub const PAGE: usize = 256;

/// Entries of the order of sending, most of which are settled, before it is tidied.
const SENT_IN_ORDER_MAX: usize = 4 * UNCONFIRMED_MAX;

/// How often receipts alone make a record be sent again, before it has to wait like an unanswered one.
const OVERTAKEN_MAX: u32 = 3;

/// Every so many records the next one is of the stream whose turn it is, however urgent: none waits
/// for ever.
const FAIR_EVERY: u64 = 16;

/// How long a receipt may take before one is asked for, and up to a quarter more; doubled each time
/// in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a sign of the agency may leave open what it holds, before it is asked.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// Longest patience.
const PATIENCE_MAX: Duration = Duration::from_secs(300);

/// The state of one connection's sending. Times are since boot.
#[derive(Debug, Default)]
pub struct Window {
    /// Up to here the ledger's readings are backlog, and what is above is fresh.
    backlog_upto: Sequence,
    /// Number up to which the ledger was asked.
    asked_upto: BTreeMap<Part, Sequence>,
    waiting: BTreeMap<Stream, VecDeque<Record>>,
    in_flight: usize,
    /// How many records were published.
    n_sent: u64,
    unconfirmed: BTreeMap<Sequence, Sent>,
    /// When each was sent, the oldest first; an entry counts while it is also in `unconfirmed`.
    sent_in_order: VecDeque<(Duration, Sequence)>,
    /// What receipts say was lost.
    missing: Vec<Sequence>,
    /// The record that was sent again to ask for a receipt.
    probe: Option<Sequence>,
    held: SequenceRanges,
    patience_doublings: u32,
    /// When to ask an agency that has just said something, and confirmed nothing.
    ask_at: Option<Duration>,
    /// Keeps homes from asking in step.
    random: Rng,
    /// What is added to the patience, in quarters of a thousandth of it.
    jitter: u32,
}

/// A record that was published and is not covered by a receipt.
#[derive(Debug, Clone, Copy)]
struct Sent {
    lane: Lane,
    at: Duration,
    /// The how-manieth publication it was.
    turn: u64,
    n_overtaken: u32,
}

impl Window {
    /// The state of a new connection, on which nothing that is `held` needs to be sent, while the
    /// ledger's highest number is `last_seq`.
    #[must_use]
    pub fn new(held: SequenceRanges, last_seq: Sequence, mut random: Rng) -> Self {
        let page = Sequence::try_from(PAGE).unwrap_or(Sequence::MAX);
        let jitter = random.u32(0..=1000);
        let backlog_upto = last_seq.saturating_sub(page);
        Self { held, backlog_upto, random, jitter, ..Self::default() }
    }

    /// What the agency holds, as far as this connection knows: pages leave that out.
    ///
    /// Pages and [`Self::receipt`] must go by the same knowledge. Else what the agency lost between
    /// the two is never asked for.
    #[must_use]
    pub const fn held(&self) -> &SequenceRanges {
        &self.held
    }

    /// Which page of the ledger is needed next, given its highest number: a lane, and after which
    /// number.
    #[must_use]
    pub fn wanted_page(&self, last_seq: Sequence) -> Option<(Lane, Sequence)> {
        let is_empty = |it: &Stream| self.waiting.get(it).is_none_or(VecDeque::is_empty);
        Part::ALL.into_iter().find_map(|part| {
            let asked_upto = self.asked_upto(part);
            let end = if part.is_backlog { self.backlog_upto.min(last_seq) } else { last_seq };
            let is_wanted = asked_upto < end && part.streams().iter().all(is_empty);
            is_wanted.then_some((part.lane, asked_upto))
        })
    }

    fn asked_upto(&self, part: Part) -> Sequence {
        let start = if part.is_backlog { 0 } else { self.backlog_upto };
        self.asked_upto.get(&part).copied().unwrap_or(start)
    }

    /// Takes a page that was fetched after the number `after`, while the ledger's highest number was
    /// `last_seq`.
    pub fn take_page(
        &mut self,
        lane: Lane,
        after: Sequence,
        page: Vec<Record>,
        last_seq: Sequence,
    ) {
        let part = Part { lane, is_backlog: after < self.backlog_upto };
        let end = if part.is_backlog { self.backlog_upto } else { last_seq };
        // Only an empty page is the last: a damaged record leaves a page short.
        let upto = page.last().map_or(end, |it| it.seq).min(end);
        let asked_upto = upto.max(self.asked_upto(part));
        self.asked_upto.insert(part, asked_upto);
        for record in page.into_iter().filter(|it| it.seq <= end) {
            if !self.unconfirmed.contains_key(&record.seq) {
                let stream = Stream::of(part, &record);
                self.waiting.entry(stream).or_default().push_back(record);
            }
        }
    }

    /// Takes records that are to be sent again.
    pub fn take_again(&mut self, records: Vec<Record>) {
        let (alerts, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|it| it.lane == Lane::Alert);
        let again = self.waiting.entry(Stream::Again).or_default();
        for alert in alerts.into_iter().rev() {
            again.push_front(alert);
        }
        again.extend(others);
    }

    /// The next record to publish at `now`, or `None` where the window is closed or nothing waits.
    pub fn next_record(&mut self, now: Duration) -> Option<Record> {
        if IN_FLIGHT_MAX <= self.in_flight {
            return None;
        }
        let record = self.take_next()?;
        self.in_flight = self.in_flight.saturating_add(1);
        let turn = self.n_sent;
        self.n_sent = turn.saturating_add(1);
        let n_overtaken = self.unconfirmed.get(&record.seq).map_or(0, |it| it.n_overtaken);
        let sent = Sent { lane: record.lane, at: now, turn, n_overtaken };
        self.unconfirmed.insert(record.seq, sent);
        self.sent_in_order.push_back((now, record.seq));
        Some(record)
    }

    fn take_next(&mut self) -> Option<Record> {
        let n_unconfirmed = self.unconfirmed.len();
        let fits = |stream: &Stream| match stream {
            Stream::HighAlert | Stream::Alert => {
                n_unconfirmed < UNCONFIRMED_MAX.saturating_add(ALERT_HEADROOM)
            }
            // It is counted already.
            Stream::Again => true,
            Stream::Fresh | Stream::Event | Stream::Backlog => n_unconfirmed < UNCONFIRMED_MAX,
        };
        let is_fair_turn = self.n_sent % FAIR_EVERY == FAIR_EVERY - 1;
        let first = if is_fair_turn { self.n_sent / FAIR_EVERY } else { 0 };
        let streams = Stream::beginning_with(first).into_iter().filter(fits);
        let mut streams = streams.filter_map(|it| self.waiting.get_mut(&it)?.pop_front());
        streams.next()
    }

    /// The places mean other records than before, or more: everything is looked for anew in a ledger
    /// whose highest number is `last_seq` and of which the agency has `held`.
    pub fn begin_anew(&mut self, held: &SequenceRanges, last_seq: Sequence) {
        let anew = Self::new(held.clone(), last_seq, self.random.clone());
        // What the broker has not acknowledged is on its way all the same.
        *self = Self { in_flight: self.in_flight, n_sent: self.n_sent, ..anew };
    }

    /// The broker acknowledged one record.
    pub fn acknowledged(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The agency says what it holds; where that is less than before, the ledger is asked anew.
    ///
    /// Returns whether it confirms something that was sent.
    pub fn receipt(&mut self, held: &SequenceRanges) -> bool {
        if !held.covers(&self.held) {
            self.asked_upto.clear();
            self.waiting.clear();
        }
        self.held.clone_from(held);
        let confirmed: Vec<_> =
            self.unconfirmed.extract_if(.., |seq, _sent| held.contains(*seq)).collect();
        for waiting in self.waiting.values_mut() {
            waiting.retain(|it| !held.contains(it.seq));
        }
        if confirmed.is_empty() {
            return false;
        }
        self.forget_settled();
        self.patience_doublings = 0;
        self.ask_at = None;
        self.find_missing(&confirmed);
        true
    }

    /// What was sent before something of its lane that has arrived, or before an answered question,
    /// is lost.
    fn find_missing(&mut self, confirmed: &[(Sequence, Sent)]) {
        let answered = confirmed.iter().find(|(seq, _sent)| self.probe == Some(*seq));
        if answered.is_some() {
            self.probe = None;
        }
        let answered_turn = answered.map_or(0, |(_seq, sent)| sent.turn);
        let mut latest: BTreeMap<Lane, u64> = BTreeMap::new();
        for (_seq, sent) in confirmed {
            let turn = latest.entry(sent.lane).or_default();
            *turn = sent.turn.max(*turn);
        }
        for (seq, sent) in &mut self.unconfirmed {
            let arrived = latest.get(&sent.lane).copied().unwrap_or(0).max(answered_turn);
            if sent.turn < arrived && sent.n_overtaken < OVERTAKEN_MAX {
                sent.n_overtaken = sent.n_overtaken.saturating_add(1);
                sent.turn = self.n_sent;
                self.missing.push(*seq);
            }
        }
    }

    /// Records of which receipts say that they were lost; they are to be fetched and sent again.
    #[must_use]
    pub fn missing(&mut self) -> Vec<Sequence> {
        std::mem::take(&mut self.missing)
    }

    /// The agency is there, at `now`: what it does not confirm soon, it may never have got.
    pub fn heard(&mut self, now: Duration) {
        if !self.unconfirmed.is_empty() {
            self.ask_at.get_or_insert(now.saturating_add(ANSWER_MAX));
        }
    }

    /// The record to send again at `now`, because receipts are overdue: the answer to it will tell
    /// what became of the others.
    pub fn overdue(&mut self, now: Duration) -> Option<Sequence> {
        let is_asked = self.ask_at.take_if(|it| *it <= now).is_some();
        let patience = if is_asked { ANSWER_MAX } else { self.patience() };
        let is_overdue = |it: &Sent| it.at.saturating_add(patience) <= now;
        let overdue = self.unconfirmed.iter().filter(|(_seq, sent)| is_overdue(sent));
        let probe =
            overdue.min_by_key(|(seq, sent)| (sent.lane, **seq)).map(|(seq, _sent)| *seq)?;
        for (seq, sent) in self.unconfirmed.iter_mut().filter(|(_seq, sent)| is_overdue(sent)) {
            sent.at = now;
            self.sent_in_order.push_back((now, *seq));
        }
        self.forget_settled();
        self.patience_doublings = self.patience_doublings.saturating_add(1);
        self.jitter = self.random.u32(0..=1000);
        self.probe = Some(probe);
        Some(probe)
    }

    /// When the next receipt is overdue.
    #[must_use]
    pub fn next_overdue(&self) -> Option<Duration> {
        let (oldest, _seq) = self.sent_in_order.iter().find(|it| self.is_unsettled(it))?;
        let overdue = oldest.saturating_add(self.patience());
        Some(self.ask_at.map_or(overdue, |it| it.min(overdue)))
    }

    /// Whether the latest time at which a record was sent is this one, and no receipt covers it.
    fn is_unsettled(&self, (at, seq): &(Duration, Sequence)) -> bool {
        self.unconfirmed.get(seq).is_some_and(|it| it.at == *at)
    }

    /// Drops from the front what receipts cover, or what was sent again since; and all of it where
    /// too much has gathered behind one record that no receipt covers.
    fn forget_settled(&mut self) {
        while self.sent_in_order.front().is_some_and(|it| !self.is_unsettled(it)) {
            self.sent_in_order.pop_front();
        }
        if SENT_IN_ORDER_MAX < self.sent_in_order.len() {
            let mut sent_in_order = std::mem::take(&mut self.sent_in_order);
            sent_in_order.retain(|it| self.is_unsettled(it));
            self.sent_in_order = sent_in_order;
        }
    }

    fn patience(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.patience_doublings.min(16)).unwrap_or(u32::MAX);
        let patience = PATIENCE.saturating_mul(factor).min(PATIENCE_MAX);
        patience.saturating_add(patience.saturating_mul(self.jitter) / 4000)
    }
}

#[cfg(test)]
mod tests;
