//! The hub's core: something happened, at a time; what follows is durable when `step` returns.
//!
//! It does no I/O but on its ledger, and reads no clock, so that a simulation can drive it through
//! years. Rules see a reading only in the transaction that records it, and their transitions are
//! applied only after the commit: no effect leaves before its cause is durable.

pub mod inbox;

mod absence;
mod anew;
pub(crate) mod assign;
mod at_home;
mod command;
mod device_clock;
pub(crate) mod exercise;
mod frame;
mod health;
mod links;
mod owner;
mod prompt;
pub(crate) mod recall;
mod receipt;
mod record;
mod rehearsal;
mod roster;
mod scrub;
mod time;
mod translate;
mod upkeep;
mod vigil;
mod volatile;

use std::time::Duration;

use alerting::{Engine, Plan};
use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;
use vitals::wire::canonical;
use vitals::wire::v1::EventKind;
use vitals::{Exercise, HubId, LocalInstant, Moment, Sequence, SequenceRanges};

use self::assign::Assignments;
pub use self::at_home::{Kept, NotDone};
use self::device_clock::SessionClock;
pub use self::exercise::Exercising;
use self::links::Links;
pub use self::owner::{Band, Owner, User};
use self::record::Remark;
use self::rehearsal::Rehearsal;
pub use self::roster::Device;
use self::roster::Roster;
pub use self::time::ClockReport;
use self::time::HubTime;
use self::upkeep::Schedule;
use self::vigil::Vigil;
pub use self::vigil::{Sight, Watch};
use self::volatile::Exile;
use crate::clock::{Stamp, Synchronization};
use crate::link::{LinkEvent, SessionEnd};
use crate::store::{Store, StoreError};

/// Most changes of one alert by time alone at one deadline; what is left is due at once.
const CHANGES_AT_ONCE_MAX: usize = 16;

/// What can happen to a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The daemon starts.
    Started,
    /// A link has news.
    Link(LinkEvent),
    /// The agency said something itself, which the broker did not keep for it.
    AgencyHeard,
    /// The agency says what it holds: an encoded receipt.
    Receipt(Vec<u8>),
    /// The agency asks for something: a signed command.
    Command(Vec<u8>),
    /// What the machine says about its clock; said again at least each ten seconds, so that a clock
    /// that is set while nothing else happens is noticed.
    Clock(Synchronization),
    /// A rule's deadline is there, or a device has been silent for long enough.
    Deadline,
    /// The daemon stops: sessions end.
    Stopping,
}

/// Why the hub stops: it cannot record, or what it recorded is not what it wrote.
#[derive(Debug, Error)]
pub enum HubError {
    /// The ledger failed.
    #[error("the ledger failed")]
    Store(#[from] StoreError),
    /// A message of ours has no encoding.
    #[error("a message cannot be encoded")]
    Encode(#[from] canonical::EncodeError),
}

/// What a hub is told before it starts.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// Its name.
    pub id: HubId,
    /// Where it stands.
    pub zone: TimeZone,
    /// No wall time before this is believed.
    pub earliest: Timestamp,
    /// Keys of the agency that may sign commands.
    pub agency_keys: Vec<VerifyingKey>,
    /// The devices of the home.
    pub devices: Vec<Device>,
    /// The care plans in force.
    pub plans: Vec<Plan>,
    /// How hub and agency watch each other.
    pub watch: Watch,
}

/// The hub.
#[derive(Debug)]
pub struct Hub {
    id: HubId,
    zone: TimeZone,
    time: HubTime,
    agency_keys: Vec<VerifyingKey>,
    store: Store,
    engine: Engine,
    roster: Roster,
    links: Links,
    assignments: Assignments,
    exercise: Exercise,
    /// Where the record is with which this run began, or the clock was set.
    run_began: Sequence,
    /// When it is noted next that the hub runs; time since boot.
    alive_at: Option<Duration>,
    held: SequenceRanges,
    /// Whether something happened to the ledger that is to be told when nothing else is at hand.
    has_news: bool,
    started_at: Stamp,
    schedule: Schedule,
    vigil: Vigil,
    rehearsal: Rehearsal,
    /// Only while the ledger is in memory.
    exile: Option<Exile>,
}

impl Hub {
    /// A hub that goes on where its ledger ended.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read or is damaged.
    pub fn new(settings: HubSettings, store: Store, now: Stamp) -> Result<Self, HubError> {
        let mut store = store;
        let alerts = recall::open_alerts(&mut store)?;
        let held = store.held()?;
        let mut engine = Engine::new(settings.plans, alerts).in_zone(settings.zone.clone());
        let time = HubTime::start(now, translate::last_recorded(&store), settings.earliest);
        let hub_now = Stamp { wall: time.moment(now, &settings.zone).at.at, ..now };
        let known_now = time.is_known().then_some(hub_now.wall);
        let (assignments, exercise) = recall::people(&store)?;
        let limit = (recall::OF_A_KIND_MAX, recall::LOOKED_THROUGH_MAX);
        recall::look_back(&store, &mut engine, (&assignments, &exercise), limit, known_now)?;
        let scrub_wait = scrub::wait(&store, now)?;
        let rehearsal = Rehearsal::new(&settings.id, settings.watch, &store, hub_now)?;
        let mut hub = Self {
            id: settings.id,
            zone: settings.zone,
            time,
            agency_keys: settings.agency_keys,
            engine,
            roster: Roster::new(settings.devices),
            links: Links::default(),
            assignments,
            exercise,
            run_began: store.last_seq(),
            alive_at: None,
            held,
            exile: store.is_in_memory().then(|| Exile::new(now)),
            store,
            has_news: false,
            started_at: now,
            schedule: Schedule::new(now, scrub_wait),
            vigil: Vigil::new(settings.watch, now),
            rehearsal,
        };
        hub.recall_absences(hub_now.wall)?;
        hub.recall_settled()?;
        Ok(hub)
    }

    /// Takes in what happened; all that follows from it is durable when this returns.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory; what happened is then not
    /// recorded.
    pub fn step(&mut self, now: Stamp, event: Event) -> Result<(), HubError> {
        if let Event::Clock(synchronization) = event {
            self.time.note(synchronization);
        }
        // First of all: what happened is recorded by the clock as it is set now.
        if let Some(step) = self.time.observe(now) {
            self.remark(now, step.remark())?;
        }
        match event {
            Event::Started => {
                let text = format!("Hub software {} started.", env!("CARGO_PKG_VERSION"));
                self.remark(now, Remark::about_hub(EventKind::HubStarted, text))?;
                self.apply_plans(now)?;
                self.past_failures(now, |hub| hub.settle_noticed(now))?;
                self.past_failures(now, |hub| hub.tell_incidents(now))?;
                self.end_rehearsal(now)
            }
            Event::Link(event) => self.on_link(now, event),
            Event::AgencyHeard => self.on_agency_heard(now),
            Event::Receipt(payload) => self.past_failures(now, |hub| hub.on_receipt(now, &payload)),
            Event::Command(envelope) => {
                self.past_failures(now, |hub| hub.on_command(now, &envelope))
            }
            Event::Clock(_noted) => self.past_failures(now, |hub| Ok(hub.note_alive(now)?)),
            Event::Deadline => self.past_failures(now, |hub| hub.on_deadline(now)),
            Event::Stopping => self.on_stop(now),
        }
    }

    /// How long it is until [`Event::Deadline`] is due; nothing where nothing is awaited.
    #[must_use]
    pub fn next_wait(&self, now: Stamp) -> Option<Duration> {
        if self.has_news || self.store.has_noticed_damage() {
            return Some(Duration::ZERO);
        }
        let silence = self.roster.next_deadline().map(|due| due.saturating_sub(now.since_boot));
        let rule = self.engine.next_wait(&self.moment(now));
        let rule = rule.map(|left| Duration::try_from(left).unwrap_or(Duration::ZERO));
        let upkeep = self.exile.map(|it| it.next_deadline());
        let upkeep = upkeep.or_else(|| Some(self.schedule.next_deadline()));
        let vigil = self.vigil.next_deadline();
        let rehearsal = Some(self.rehearsal.next_deadline(self.hub_now(now), &self.zone));
        let links = self.links.next_deadline();
        let own = [upkeep, vigil, rehearsal, links].into_iter().flatten();
        let own = own.map(|due| due.saturating_sub(now.since_boot));
        silence.into_iter().chain(rule).chain(own).min()
    }

    fn on_link(&mut self, now: Stamp, event: LinkEvent) -> Result<(), HubError> {
        match event {
            LinkEvent::Up(link) => self.on_link_up(now, link),
            LinkEvent::Lost(link, cause) => self.on_link_lost(now, link, cause),
            LinkEvent::Seen(device, at) => {
                self.roster.seen(&device, at);
                Ok(())
            }
            LinkEvent::Begun(device, at) => {
                self.roster.seen(&device, at);
                self.roster.session(&device, SessionClock::begin(at));
                Ok(())
            }
            LinkEvent::Ended(device, end, at) => {
                if let SessionEnd::Failed(cause) = end {
                    self.roster.failed(&device, cause);
                }
                let items = self.roster.end_session(&device);
                self.take_items(at, &device, items)?;
                self.roster.session(&device, SessionClock::default());
                Ok(())
            }
            LinkEvent::Frame(frame) => {
                let items = self.roster.decode(&frame);
                self.take_items(frame.received, &frame.device, items)
            }
        }
    }

    /// A stream's last sample is not lost with the process.
    fn on_stop(&mut self, now: Stamp) -> Result<(), HubError> {
        let devices: Vec<_> = self.roster.members().map(|it| it.device.id.clone()).collect();
        devices.into_iter().try_for_each(|device| {
            let items = self.roster.end_session(&device);
            self.take_items(now, &device, items)
        })?;
        self.alive_at = None;
        self.past_failures(now, |hub| Ok(hub.note_alive(now)?))?;
        match self.exile {
            Some(_) => self.regain_file(now),
            None => Ok(()),
        }
    }

    fn on_deadline(&mut self, now: Stamp) -> Result<(), HubError> {
        if self.store.has_noticed_damage() {
            self.settle_noticed(now)?;
        }
        self.watch_agency(now)?;
        self.watch_links(now)?;
        self.rehearse(now)?;
        if self.has_news {
            self.has_news = false;
            self.tell_incidents(now)?;
        }
        for (device, items) in self.roster.advance(now) {
            self.take_items(now, &device, items)?;
        }
        self.look_after_ledger(now)?;
        self.note_hints();
        // Of an alert of which two things are due the second follows from the first.
        for _change in 0..CHANGES_AT_ONCE_MAX {
            match self.engine.next_wait(&self.moment(now)) {
                Some(left) if left.is_zero() => self.advance(now)?,
                Some(_) | None => break,
            }
        }
        Ok(())
    }

    /// When the machine was switched on, by the time of the hub; `None` while it does not know the time.
    #[must_use]
    pub fn booted_at(&self) -> Option<Timestamp> {
        self.time.is_known().then(|| self.time.at(Duration::ZERO))
    }

    /// When `stamp` was, by the hub's time as it is known now.
    fn moment(&self, stamp: Stamp) -> Moment {
        self.time.moment(stamp, &self.zone)
    }

    fn local(&self, stamp: Stamp) -> LocalInstant {
        self.moment(stamp).at
    }

    /// The same moment with the hub's time in place of what the machine's clock shows.
    fn hub_now(&self, stamp: Stamp) -> Stamp {
        Stamp { wall: self.local(stamp).at, ..stamp }
    }
}

#[cfg(test)]
mod clock_story;
#[cfg(test)]
mod tests;
