//! A world: some homes, one agency, one broker, one seed, and virtual time that jumps from one
//! happening to the next.

mod calm;
mod fault;
mod hub;
mod order;
mod station;
mod traffic;
mod uplink;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use vitals::{Epoch, HubId};

use crate::agency::Agency;
use crate::broker::Broker;
use crate::happening::{Fault, Happening, Part};
use crate::home::Home;
use crate::outcome::Outcome;
use crate::trace::Trace;
use crate::{setting, weather};

/// A day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// From one calm to the next.
const CALM_EVERY: Duration = Duration::from_secs(35 * 86_400);

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) seed: u64,
    pub(crate) n_homes: usize,
    pub(crate) length: Duration,
    /// Measurements with the cuff in a week, on average.
    pub(crate) n_measured_a_week: u32,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct World {
    now: Duration,
    random: Rng,
    queue: BTreeMap<(Duration, u64), Happening>,
    n_scheduled: u64,
    extent: Extent,
    homes: Vec<Home>,
    names: BTreeMap<HubId, usize>,
    agency: Agency,
    broker: Broker,
    broker_down_until: Duration,
    trace: Trace,
    outcome: Outcome,
    /// When the present calm began.
    calm: Option<Duration>,
}

impl World {
    /// A world whose files lie in `directory`.
    pub(crate) fn new(extent: Extent, directory: &Path) -> anyhow::Result<Self> {
        let homes = (0..extent.n_homes).map(|home| Home::new(home, directory));
        let mut world = Self {
            now: Duration::ZERO,
            random: Rng::with_seed(extent.seed),
            queue: BTreeMap::new(),
            n_scheduled: 0,
            extent,
            homes: homes.collect::<Result<_, _>>()?,
            names: setting::homes(extent.n_homes)?,
            agency: Agency::new(extent.n_homes, directory)?,
            broker: Broker::begin(),
            broker_down_until: Duration::ZERO,
            trace: Trace::begin(),
            outcome: Outcome::default(),
            calm: None,
        };
        let faults = weather::forecast(extent.n_homes, extent.length, &mut world.random);
        for (at, fault) in faults {
            world.at(at, Happening::Strikes(fault));
        }
        let mut calm = CALM_EVERY.mul_f64(0.3 + world.random.f64());
        while calm < extent.length {
            world.at(calm, Happening::CalmBegins);
            calm = calm.saturating_add(CALM_EVERY);
        }
        world.at(extent.length, Happening::CalmBegins);
        for home in 0..extent.n_homes {
            let epoch = world.epoch();
            world.homes[home].insert_card(epoch)?;
            world.after(Duration::ZERO, Happening::Heals(Part::Hub(home)));
            let begin = DAY.mul_f64(world.random.f64());
            world.after(begin, Happening::Measures { home });
            world.after(begin, Happening::StayBegins { home });
        }
        world.after(Duration::ZERO, Happening::Heals(Part::Station));
        world.after(DAY / 4, Happening::NursesLook);
        Ok(world)
    }

    /// Runs to the end; what went wrong is told with the last that happened.
    pub(crate) fn run(mut self) -> Result<Outcome, String> {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return Ok(self.outcome),
                Err(error) => {
                    let n = self.trace.n_lines();
                    return Err(format!("step {n}: {error:#}; before it:\n{}", self.trace));
                }
            }
        }
    }

    fn step(&mut self) -> anyhow::Result<bool> {
        let ((at, _number), happening) = self.queue.pop_first().context("nothing happens")?;
        self.now = at;
        self.outcome.n_steps += 1;
        self.happens(happening)?;
        let is_over = self.calm.is_some() && self.end_calm()? && self.extent.length <= self.now;
        if is_over {
            self.outcome.digest = self.trace.digest();
        }
        Ok(!is_over)
    }

    fn happens(&mut self, happening: Happening) -> anyhow::Result<()> {
        match happening {
            Happening::Measures { home } => self.measures(home),
            Happening::CuffConnects { home } => self.cuff_connects(home),
            Happening::StayBegins { home } => {
                self.stay_begins(home);
                Ok(())
            }
            Happening::Line { home, left } => self.line(home, left),
            Happening::StayIsOver { home, line, at, life } => {
                self.stay_is_over(home, &line, at, life)
            }
            Happening::HubDue { home, life } => self.hub_due(home, life),
            Happening::HubDials { home, attempt } => self.hub_dials(home, attempt),
            Happening::UplinkDue { home, connection } => self.uplink_due(home, connection),
            Happening::HubNotices { home, connection } => {
                self.end_connection(home, connection, "it is dead");
                Ok(())
            }
            Happening::BrokerNotices { home, connection } => {
                self.broker_loses_hub(home, connection, true);
                Ok(())
            }
            Happening::Up { home, connection, packet } => {
                self.packet_up(home, connection, packet);
                Ok(())
            }
            Happening::Down { home, connection, packet } => {
                self.packet_down(home, connection, packet)
            }
            Happening::StationDials { attempt } => {
                self.station_dials(attempt);
                Ok(())
            }
            Happening::StationNotices { connection } => {
                self.station_notices(connection);
                Ok(())
            }
            Happening::StationSubscribes { connection } => self.station_subscribes(connection),
            Happening::ToStation { connection, number, message } => {
                self.message_to_station(connection, number, message);
                Ok(())
            }
            Happening::FromStation { connection, message } => {
                self.message_from_station(connection, message);
                Ok(())
            }
            Happening::DeskDue { life } => self.desk_due(life),
            Happening::StationDue { life } => {
                self.station_due(life);
                Ok(())
            }
            Happening::NursesLook => {
                self.nurses_look();
                Ok(())
            }
            Happening::Strikes(fault) => self.strikes(fault),
            Happening::Heals(part) => self.heals(part),
            Happening::AlertCheck { home, seq, card } => self.check_alert(home, seq, card),
            Happening::ArrivalCheck { home } => self.check_arrival(home),
            Happening::OrderCheck { command } => self.check_order(&command),
            Happening::CalmBegins => self.begin_calm(),
            Happening::CalmIsOver => self.calm_is_over(),
        }
    }

    fn at(&mut self, at: Duration, happening: Happening) {
        self.n_scheduled += 1;
        self.queue.insert((at.max(self.now), self.n_scheduled), happening);
    }

    fn after(&mut self, wait: Duration, happening: Happening) {
        self.at(self.now.saturating_add(wait), happening);
    }

    fn note(&mut self, line: &fmt::Arguments<'_>) {
        self.trace.note(self.now, line);
    }

    /// How long a packet is on its way: mostly a moment, sometimes far too long.
    fn latency(&mut self) -> Duration {
        let millis = match self.random.u32(0..2000) {
            0 => self.random.u64(15_000..40_000),
            1..=10 => self.random.u64(1000..8000),
            _usual => self.random.u64(3..60),
        };
        Duration::from_millis(millis)
    }

    /// A time within `longest`.
    fn within(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.f64())
    }

    fn epoch(&mut self) -> Epoch {
        Epoch(self.random.u64(..).to_be_bytes())
    }

    fn disturb(&mut self, fault: &Fault) {
        match fault {
            Fault::HubDies { home, .. }
            | Fault::PowerFails { home, .. }
            | Fault::HubIsRestarted { home }
            | Fault::LinkFails { home, .. }
            | Fault::HubDiskFails { home, .. }
            | Fault::CardIsReplaced { home } => self.homes[*home].disturbed_at = self.now,
            Fault::StationDies { .. }
            | Fault::StationLinkFails { .. }
            | Fault::StationDiskFails { .. }
            | Fault::StationIsRestored
            | Fault::BrokerDies { .. } => self.agency.disturbed_at = self.now,
            Fault::ClockSteps { .. }
            | Fault::Holiday { .. }
            | Fault::StationIsSaved
            | Fault::BrokerSaves
            | Fault::NursesAreSilent { .. } => {}
        }
    }

    /// Since when nothing has been in the way from `home` to the nurses.
    fn clear_since(&self, home: usize) -> Duration {
        let home = &self.homes[home];
        let is_clear = self.is_broker_reached(home) && self.is_broker_reached_by_station();
        let works = home.hub.is_some() && !home.has_failing_disk;
        let station_works = self.agency.station.is_some() && !self.agency.has_failing_disk;
        if is_clear && works && station_works {
            home.disturbed_at.max(self.agency.disturbed_at)
        } else {
            self.now
        }
    }

    fn is_broker_reached(&self, home: &Home) -> bool {
        self.broker.is_up && home.link_down_until <= self.now
    }

    fn is_broker_reached_by_station(&self) -> bool {
        self.broker.is_up && self.agency.link_down_until <= self.now
    }
}
