//! One connection of a hub to the broker, by the rules of `gateway/src/uplink/session.rs` and with
//! its real window.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use fastrand::Rng;
use gateway::hub::Hub;
use gateway::hub::inbox::Ledger;
use gateway::store::{Lane, Record};
use gateway::uplink::window::{IN_FLIGHT_MAX, PAGE, Window};
use vitals::Sequence;

use crate::books::Books;

/// Longest wait for an acknowledgement of the broker.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(20);

/// From the subscription to the first health snapshot.
const HEALTH_AFTER: Duration = Duration::from_secs(3);

/// From one health snapshot to the next. The hub sends one a minute; a year has too many minutes.
const HEALTH_INTERVAL: Duration = Duration::from_secs(86_400);

/// Most records that are sent and not receipted, alerts included.
const UNCONFIRMED_MAX: usize = 896;

/// Every so many records another stream may go before alerts.
const FAIR_EVERY: u64 = 16;

/// What was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    Record,
    Other,
}

/// What is due on a connection.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Why the connection ends.
    pub(crate) end: Option<&'static str>,
    /// The record that is to be fetched and sent again, to ask for a receipt.
    pub(crate) overdue: Option<Sequence>,
    /// A health snapshot is to be sent.
    pub(crate) health: bool,
}

/// A connection; times are since boot.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: u32,
    window: Window,
    ledger: Ledger,
    pub(crate) is_subscribed: bool,
    subscribe_by: Option<Duration>,
    n_packets: u64,
    unacknowledged: BTreeMap<u64, (Published, Duration)>,
    next_health: Option<Duration>,
    /// Sent on this connection and not held: what the window has to remember.
    sent: BTreeSet<Sequence>,
    n_sent: u64,
    /// How often something else went before an alert that waited.
    n_before_alerts: u64,
    pub(crate) due_at: Option<Duration>,
    /// When the last packet of each direction arrives: a connection keeps the order.
    pub(crate) last_up: Duration,
    pub(crate) last_down: Duration,
}

impl Connection {
    pub(crate) fn new(id: u32, ledger: Ledger, since_boot: Duration, random: Rng) -> Self {
        Self {
            id,
            window: Window::new(ledger.held.clone(), ledger.last_seq, random),
            ledger,
            is_subscribed: false,
            subscribe_by: Some(since_boot.saturating_add(ACKNOWLEDGEMENT_MAX)),
            n_packets: 0,
            unacknowledged: BTreeMap::new(),
            next_health: None,
            sent: BTreeSet::new(),
            n_sent: 0,
            n_before_alerts: 0,
            due_at: None,
            last_up: Duration::ZERO,
            last_down: Duration::ZERO,
        }
    }

    pub(crate) fn subscribed(&mut self, since_boot: Duration) {
        self.is_subscribed = true;
        self.subscribe_by = None;
        self.next_health = Some(since_boot.saturating_add(HEALTH_AFTER));
    }

    /// Takes in how the ledger is now; what receipts say was lost is to be sent again.
    pub(crate) fn ledger_is(&mut self, ledger: Ledger) -> Vec<Sequence> {
        if self.ledger == ledger {
            return Vec::new();
        }
        self.window.receipt(&ledger.held);
        self.sent.retain(|seq| !ledger.held.contains(*seq));
        self.ledger = ledger;
        self.window.missing()
    }

    /// A new packet is published.
    pub(crate) fn publish(&mut self, published: Published, since_boot: Duration) -> u64 {
        self.n_packets += 1;
        self.unacknowledged.insert(self.n_packets, (published, since_boot));
        self.n_packets
    }

    pub(crate) fn acknowledged(&mut self, packet: u64) {
        if let Some((Published::Record, _at)) = self.unacknowledged.remove(&packet) {
            self.window.acknowledged();
        }
    }

    /// The next record to publish, or `None` where the window is closed or nothing waits.
    pub(crate) fn next_record(
        &mut self,
        since_boot: Duration,
        hub: &Hub,
        books: &Books,
    ) -> anyhow::Result<Option<Record>> {
        let last_seq = self.ledger.last_seq;
        while let Some((lane, after)) = self.window.wanted_page(last_seq) {
            let held = self.window.held().clone();
            let page = hub.pending(lane, after, &held, PAGE)?;
            self.window.take_page(lane, after, page, last_seq);
        }
        let Some(record) = self.window.next_record(since_boot) else { return Ok(None) };
        let seq = record.seq;
        let is_known = books.record(seq).is_some_and(|it| it.payload == record.payload);
        ensure!(is_known, "record {seq} is published, and was never committed like this");
        self.sent.insert(seq);
        self.n_sent += 1;
        if record.lane != Lane::Alert && self.sent.len() < UNCONFIRMED_MAX {
            let unheld = self.ledger.held.gaps(last_seq);
            let alerts = unheld.flat_map(|gap| books.alert_seqs.range(gap)).copied();
            let waiting: Vec<_> = alerts.filter(|it| !self.sent.contains(it)).collect();
            // What was confirmed once may have been removed since.
            let waiting = hub.records(&waiting)?;
            self.n_before_alerts += u64::from(!waiting.is_empty());
            ensure!(
                self.n_before_alerts <= 1 + self.n_sent / FAIR_EVERY,
                "record {seq} is sent while alerts wait: {waiting:?}"
            );
        }
        let records = self.unacknowledged.values().filter(|it| it.0 == Published::Record);
        ensure!(records.count() < IN_FLIGHT_MAX, "more is published than the window allows");
        ensure!(self.sent.len() <= UNCONFIRMED_MAX, "more is sent than receipts are awaited for");
        Ok(Some(record))
    }

    pub(crate) fn take_again(&mut self, records: Vec<Record>) {
        self.window.take_again(records);
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let oldest = self.unacknowledged.values().map(|&(_published, sent_at)| sent_at).min();
        let acknowledgement = oldest.map(|it| it.saturating_add(ACKNOWLEDGEMENT_MAX));
        [acknowledgement, self.subscribe_by, self.next_health, self.window.next_overdue()]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is due at `since_boot`.
    pub(crate) fn due(&mut self, since_boot: Duration) -> Due {
        let is_late = |at: Duration| at.saturating_add(ACKNOWLEDGEMENT_MAX) <= since_boot;
        if self.unacknowledged.values().any(|&(_published, at)| is_late(at)) {
            return Due { end: Some("the broker does not acknowledge"), ..Due::default() };
        }
        if self.subscribe_by.is_some_and(|it| it <= since_boot) {
            return Due { end: Some("no subscription"), ..Due::default() };
        }
        let health = self.next_health.is_some_and(|it| it <= since_boot);
        if health {
            self.next_health = Some(since_boot.saturating_add(HEALTH_INTERVAL));
        }
        Due { end: None, overdue: self.window.overdue(since_boot), health }
    }
}
