//! What the page shows: the present state of every alert, client and home, kept beside the database.
//!
//! The board follows from the records alone. Records may come in any order and the board is the
//! same: the highest revision of an alert is how it stands, and readings are ordered by when they
//! were measured.

mod claim;
mod episode;
mod home;
mod truth;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alerting::Standing;
use jiff::Timestamp;
use vitals::reading::Reading;
use vitals::wire::topic::Channel;
use vitals::wire::v1::Event;
use vitals::{AlertId, Epoch, HubId, ReadingId, SubjectId, Timeline, Vital};

pub(crate) use self::claim::of_whom_people_said;
pub use self::episode::{Episode, Step};
pub use self::home::{Home, Presence};
use crate::alarm::{Alarm, Alarms, Kind as AlarmKind};
use crate::alert::is_test_alarm;
use crate::inbound::{self, Body};
use crate::order::Order;
use crate::oversight::Oversight;
use crate::store::{
    ENDED_ALERTS, EVENTS, Holdings, Kind, READINGS_OF_A_VITAL, Said, StoredRecord,
    UNASSIGNED_READINGS,
};

/// The present state; a clone shares what has not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Every open alert, and the ones that ended last.
    pub alerts: BTreeMap<(HubId, AlertId), Arc<Episode>>,
    /// The newest readings of each client.
    pub clients: BTreeMap<SubjectId, Arc<Chart>>,
    /// The newest readings that belong to nobody yet, newest first.
    pub unassigned: VecDeque<Arc<Taken>>,
    /// What people said about readings on the board, oldest first.
    pub said: Said,
    /// What nurses asked about readings, until a home shows that it was done.
    pub claims: BTreeMap<(HubId, ReadingId), Arc<Vec<Order>>>,
    /// Every hub that was ever heard.
    pub hubs: BTreeMap<HubId, Arc<Home>>,
    /// The newest technical events, newest first.
    pub events: VecDeque<Arc<Incident>>,
    /// What the station itself noticed.
    pub alarms: Arc<Alarms>,
    /// What hubs did not raise and nobody has seen to, the oldest first.
    pub oversights: Arc<Vec<Oversight>>,
    /// When each hub knew the time.
    pub timelines: BTreeMap<HubId, Arc<Timeline>>,
    /// The connection to the broker.
    pub broker: Link,
    /// Why nothing can be stored at present.
    pub storage_fault: Option<Fault>,
    /// Messages that could not be filed.
    pub n_quarantined: u64,
    /// Records whose body could not be read.
    pub n_refused: u64,
    /// Rows of the database that are not what was written.
    pub n_damaged: u64,
}

/// A reading with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The home.
    pub hub: HubId,
    /// The reading, with its true times, of whom people said last.
    pub reading: Reading,
    /// The reading as the home recorded it, where it did not know the time then.
    pub first: Option<Box<Reading>>,
}

/// The newest readings of each vital of a client, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// By vital.
    pub vitals: BTreeMap<Vital, VecDeque<Arc<Taken>>>,
}

/// A technical event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The home.
    pub hub: HubId,
    /// What it says.
    pub event: Event,
}

/// The connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whether messages can come in.
    pub is_up: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// Why it is down.
    pub reason: Option<String>,
}

/// Why nothing can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Since when.
    pub since: Timestamp,
    /// What the database says.
    pub reason: String,
}

impl Board {
    /// The board that follows from what the database holds at `now`.
    #[must_use]
    pub fn from_holdings(now: Timestamp, holdings: Holdings) -> Self {
        let mut board = Self {
            alerts: BTreeMap::new(),
            clients: BTreeMap::new(),
            unassigned: VecDeque::new(),
            said: holdings.said,
            claims: BTreeMap::new(),
            hubs: BTreeMap::new(),
            events: VecDeque::new(),
            alarms: Arc::new(Alarms::of(holdings.alarms)),
            oversights: Arc::new(holdings.oversights),
            timelines: holdings
                .timelines
                .into_iter()
                .map(|(hub, it)| (hub, Arc::new(it)))
                .collect(),
            broker: Link { is_up: false, since: now, reason: None },
            storage_fault: None,
            n_quarantined: holdings.n_quarantined,
            n_refused: holdings.n_refused,
            n_damaged: holdings.n_damaged,
        };
        for (hub, holding) in holdings.hubs {
            board.hubs.insert(hub, Arc::new(Home::from_holding(holding)));
        }
        let unassigned = holdings.unassigned.into_iter().rev();
        let readings = holdings.readings.into_iter().chain(unassigned);
        let transitions = holdings.alerts.into_iter().flat_map(|it| it.records);
        for record in readings.chain(transitions).chain(holdings.events) {
            let channel = channel(&record);
            board.apply(&record.hub, &inbound::body(channel, &record.payload), true);
        }
        for order in holdings.orders {
            board.take_order(order);
        }
        board
    }

    /// Takes in what a record of `hub` says.
    ///
    /// A transition that is not `is_current` adds to the history of an alert, and never makes one:
    /// an alert that the board does not know any more has ended.
    pub fn apply(&mut self, hub: &HubId, body: &Body, is_current: bool) {
        self.note_time(hub, body);
        let timeline = self.timeline(hub);
        match body {
            Body::Reading(reading) => self.take(hub, reading, &timeline),
            Body::Alert(id, alert) => {
                let key = (hub.clone(), *id);
                match self.alerts.get_mut(&key) {
                    Some(episode) => {
                        let episode = Arc::make_mut(episode);
                        episode.apply(alert);
                        episode.put_right(&timeline);
                    }
                    None if !is_current => {}
                    None => {
                        let mut episode = Episode::new(hub.clone(), *id, alert);
                        episode.put_right(&timeline);
                        self.alerts.insert(key, Arc::new(episode));
                    }
                }
                if is_test_alarm(alert) {
                    self.forget_test_alarms();
                }
                self.forget_ended();
            }
            Body::Event(event) => {
                let event = event.corrected(&timeline).unwrap_or_else(|| Event::clone(event));
                self.settle_claims(hub, &event);
                self.note_refused(hub, &event);
                self.events.push_front(Arc::new(Incident { hub: hub.clone(), event }));
                self.events.truncate(count(EVENTS));
            }
            Body::Unread { .. } => self.n_refused = self.n_refused.saturating_add(1),
        }
    }

    /// Whether `alarm` says nothing at present: while the broker is away no home can be heard, for
    /// that one reason.
    #[must_use]
    pub fn is_inhibited(&self, alarm: &Alarm) -> bool {
        let is_of_a_home = match alarm.kind {
            AlarmKind::HubSilent | AlarmKind::NoTestAlarm | AlarmKind::AlertsDiffer => true,
            AlarmKind::BrokerUnreachable | AlarmKind::DatabaseDamaged => false,
        };
        !self.broker.is_up && is_of_a_home
    }

    /// Every alert of `hub` that is on the board.
    pub fn alerts_of<'b>(&'b self, hub: &HubId) -> impl Iterator<Item = &'b Arc<Episode>> {
        let hub = hub.clone();
        let first = (hub.clone(), AlertId { epoch: Epoch([0; 8]), seq: 0 });
        let of_hub = self.alerts.range(first..).take_while(move |((it, _id), _alert)| *it == hub);
        of_hub.map(|(_key, episode)| episode)
    }

    /// How many alerts of `hub` are open, without its test alarm and without what waits for a repeated
    /// measurement.
    #[must_use]
    pub fn n_open_alerts(&self, hub: &HubId) -> u64 {
        let is_counted = |it: &&Arc<Episode>| {
            it.is_open() && it.standing() != Standing::Pending && !it.is_test_alarm()
        };
        let n = self.alerts_of(hub).filter(is_counted).count();
        u64::try_from(n).unwrap_or(u64::MAX)
    }

    /// The home of `hub`, made where it was never heard before.
    pub fn home(&mut self, hub: &HubId) -> &mut Home {
        Arc::make_mut(self.hubs.entry(hub.clone()).or_default())
    }

    fn take(&mut self, hub: &HubId, reading: &Reading, timeline: &Timeline) {
        let said = self.said.get(&(hub.clone(), reading.id)).map(Vec::as_slice);
        let reading = &of_whom_people_said(reading.clone(), said.unwrap_or_default());
        let taken = Arc::new(Taken::new(hub.clone(), reading.clone(), timeline));
        let Some(subject) = &taken.reading.subject else {
            if self.said.contains_key(&(hub.clone(), reading.id)) {
                return;
            }
            self.unassigned.push_front(taken);
            self.unassigned.truncate(count(UNASSIGNED_READINGS));
            return;
        };
        let chart = Arc::make_mut(self.clients.entry(subject.clone()).or_default());
        for value in &reading.values {
            let newest = chart.vitals.entry(value.vital).or_default();
            let key = |it: &Taken| (it.reading.measured_at.at, it.reading.id);
            let place = newest.iter().position(|it| key(it) <= key(&taken));
            let place = place.unwrap_or(newest.len());
            if newest.get(place).is_some_and(|it| it.reading.id == reading.id) {
                continue;
            }
            newest.insert(place, Arc::clone(&taken));
            newest.truncate(count(READINGS_OF_A_VITAL));
        }
    }

    /// Test alarms that are over are in the database, and in nobody's way.
    fn forget_test_alarms(&mut self) {
        self.alerts.retain(|_key, it| it.is_open() || !it.is_test_alarm());
    }

    /// The alerts that nurses see.
    pub fn worklist(&self) -> impl Iterator<Item = &Arc<Episode>> {
        self.alerts.values().filter(|it| !it.is_test_alarm())
    }

    /// Keeps only the ended alerts that changed last.
    fn forget_ended(&mut self) {
        let ended = || self.alerts.iter().filter(|(_key, it)| !it.is_open());
        let n_ended = ended().count();
        if n_ended <= count(ENDED_ALERTS) {
            return;
        }
        let oldest = ended().min_by_key(|(_key, it)| it.current().recorded_at);
        if let Some(key) = oldest.map(|(key, _episode)| key.clone()) {
            self.alerts.remove(&key);
        }
    }
}

/// The topic that brought a record.
const fn channel(record: &StoredRecord) -> Channel {
    match record.kind {
        Kind::Reading => Channel::Reading,
        Kind::Alert => Channel::Alert,
        Kind::Event => Channel::Event,
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
