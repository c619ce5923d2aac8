//! Things going wrong, and being well again.

use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;

use super::World;
use crate::disk::Failure;
use crate::happening::{Fault, Happening, Part};

/// Longest time until somebody notices that a connection is dead: keep-alives that are missed.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);

impl World {
    pub(super) fn strikes(&mut self, fault: Fault) -> anyhow::Result<()> {
        if self.calm.is_some() {
            return Ok(());
        }
        self.outcome.count(&fault);
        self.note(&format_args!("{fault:?}"));
        self.disturb(&fault);
        match fault {
            Fault::HubDies { home, lasting } => {
                self.kill_hub(home, lasting, false);
                Ok(())
            }
            Fault::PowerFails { home, lasting } => {
                self.power_fails(home, lasting);
                Ok(())
            }
            Fault::HubIsRestarted { home } => self.stop_hub(home),
            Fault::LinkFails { home, lasting } => {
                self.link_fails(home, lasting);
                Ok(())
            }
            Fault::ClockSteps { home, by_s, lasting } => {
                let here = &mut self.homes[home];
                here.clock.step(SignedDuration::from_secs(by_s));
                here.clock_wrong_until = here.clock_wrong_until.max(self.now + lasting);
                self.after(lasting, Happening::Heals(Part::HubClock(home)));
                Ok(())
            }
            Fault::HubDiskFails { home, failure, lasting } => {
                self.hub_disk_fails(home, failure, lasting)
            }
            Fault::CardIsReplaced { home } => self.card_is_replaced(home),
            Fault::Holiday { home, n } => self.holiday(home, n),
            Fault::StationDies { lasting } => {
                self.kill_station(lasting);
                Ok(())
            }
            Fault::StationLinkFails { lasting } => {
                self.station_link_fails(lasting);
                Ok(())
            }
            Fault::StationDiskFails { failure, lasting } => {
                self.station_disk_fails(failure, lasting)
            }
            Fault::StationIsSaved => match self.agency.has_failing_disk {
                true => Ok(()),
                false => self.agency.save(self.now),
            },
            Fault::StationIsRestored => {
                self.kill_station(Duration::from_secs(60));
                self.agency.has_failing_disk = false;
                let homes = self.homes.iter_mut().flat_map(|it| it.archive.iter_mut());
                homes.for_each(|(_epoch, books)| books.station_forgets());
                self.agency.restore()
            }
            Fault::BrokerDies { lasting } => {
                self.broker_dies(lasting);
                Ok(())
            }
            Fault::BrokerSaves => {
                self.broker.save();
                Ok(())
            }
            Fault::NursesAreSilent { lasting } => {
                let until = self.now + lasting;
                self.agency.nurses_silent_until = self.agency.nurses_silent_until.max(until);
                Ok(())
            }
        }
    }

    fn hub_disk_fails(
        &mut self,
        home: usize,
        failure: Failure,
        lasting: Duration,
    ) -> anyhow::Result<()> {
        let here = &mut self.homes[home];
        failure.begin(&here.path())?;
        here.has_failing_disk = true;
        here.disk_fails_until = here.disk_fails_until.max(self.now + lasting);
        self.after(lasting, Happening::Heals(Part::HubDisk(home)));
        Ok(())
    }

    fn station_disk_fails(&mut self, failure: Failure, lasting: Duration) -> anyhow::Result<()> {
        failure.begin(&self.agency.path())?;
        self.agency.has_failing_disk = true;
        self.agency.failure = Some(failure);
        let until = self.now + lasting;
        self.agency.disk_fails_until = self.agency.disk_fails_until.max(until);
        self.after(lasting, Happening::Heals(Part::StationDisk));
        Ok(())
    }

    fn power_fails(&mut self, home: usize, lasting: Duration) {
        self.kill_hub(home, lasting, true);
        let (now, random) = (self.now, &mut self.random);
        let here = &mut self.homes[home];
        here.clock.shut_down();
        if random.u32(0..3) == 0 {
            let years = SignedDuration::from_hours(random.i64(-24 * 365 * 20..0));
            here.clock.start_at(years);
            let wrong = lasting + Duration::from_secs(random.u64(1..86_400));
            here.clock_wrong_until = here.clock_wrong_until.max(now + wrong);
            self.after(wrong, Happening::Heals(Part::HubClock(home)));
        }
    }

    fn link_fails(&mut self, home: usize, lasting: Duration) {
        let noticed = self.within(NOTICED_WITHIN);
        let here = &mut self.homes[home];
        here.link_down_until = here.link_down_until.max(self.now + lasting);
        here.cut_upto = here.n_connections;
        let connection = here.n_connections;
        self.after(noticed, Happening::HubNotices { home, connection });
        let noticed = self.within(NOTICED_WITHIN + NOTICED_WITHIN);
        self.after(noticed, Happening::BrokerNotices { home, connection });
        self.after(lasting, Happening::Heals(Part::HubLink(home)));
    }

    fn card_is_replaced(&mut self, home: usize) -> anyhow::Result<()> {
        self.kill_hub(home, Duration::from_secs(600), true);
        self.homes[home].has_failing_disk = false;
        // The new card knows of no answer, and of no alert that it could change once more.
        let orders = self.agency.orders.values_mut().filter(|it| it.home == home);
        orders.for_each(|it| it.n_effects = 0);
        let epoch = self.epoch();
        self.homes[home].insert_card(epoch)
    }

    fn kill_station(&mut self, lasting: Duration) {
        self.note(&format_args!("the station dies"));
        if self.agency.end_station().is_some() {
            self.broker.station_goes(self.now);
        }
        self.agency.down_until = self.agency.down_until.max(self.now + lasting);
        self.after(lasting, Happening::Heals(Part::Station));
    }

    fn station_link_fails(&mut self, lasting: Duration) {
        let noticed = self.within(NOTICED_WITHIN);
        let agency = &mut self.agency;
        agency.link_down_until = agency.link_down_until.max(self.now + lasting);
        agency.cut_upto = agency.n_connections;
        let connection = agency.n_connections;
        self.after(noticed, Happening::StationNotices { connection });
        self.after(lasting, Happening::Heals(Part::StationLink));
    }

    fn broker_dies(&mut self, lasting: Duration) {
        let kept = self.broker.die(self.now, &mut self.random);
        self.note(&format_args!("the broker dies {kept}"));
        for home in 0..self.homes.len() {
            let here = &mut self.homes[home];
            here.cut_upto = here.n_connections;
            let connection = here.n_connections;
            let noticed = self.within(Duration::from_secs(1));
            self.after(noticed, Happening::HubNotices { home, connection });
        }
        self.agency.cut_upto = self.agency.n_connections;
        let connection = self.agency.n_connections;
        self.after(Duration::from_millis(5), Happening::StationNotices { connection });
        let until = self.now + lasting;
        self.broker_down_until = self.broker_down_until.max(until);
        self.after(lasting, Happening::Heals(Part::Broker));
    }

    /// Something is well again, unless something else keeps it from that.
    pub(super) fn heals(&mut self, part: Part) -> anyhow::Result<()> {
        match part {
            Part::Hub(home) => {
                let here = &self.homes[home];
                if here.hub.is_none() && here.down_until <= self.now {
                    self.homes[home].disturbed_at = self.now;
                    self.begin_hub(home)?;
                }
            }
            Part::HubLink(home) => {
                if self.homes[home].link_down_until <= self.now {
                    self.homes[home].disturbed_at = self.now;
                    self.hub_will_dial(home, NOTICED_WITHIN);
                }
            }
            Part::HubClock(home) => {
                let here = &mut self.homes[home];
                if here.clock_wrong_until <= self.now && !here.clock.is_right() {
                    here.clock.start_at(SignedDuration::ZERO);
                    self.note(&format_args!("the clock of home {home} is right"));
                }
            }
            Part::HubDisk(home) => {
                let here = &mut self.homes[home];
                if here.disk_fails_until <= self.now && here.has_failing_disk {
                    Failure::end(&here.path()).context("the disk does not heal")?;
                    here.has_failing_disk = false;
                    here.disturbed_at = self.now;
                    self.note(&format_args!("the disk of home {home} is well"));
                }
            }
            Part::Station => {
                if self.agency.station.is_none() && self.agency.down_until <= self.now {
                    self.agency.disturbed_at = self.now;
                    self.begin_station()?;
                }
            }
            Part::StationLink => {
                if self.agency.link_down_until <= self.now {
                    self.agency.disturbed_at = self.now;
                    self.station_will_dial(NOTICED_WITHIN / 2);
                }
            }
            Part::StationDisk => {
                if self.agency.disk_fails_until <= self.now && self.agency.has_failing_disk {
                    Failure::end(&self.agency.path())?;
                    self.agency.has_failing_disk = false;
                    self.agency.disturbed_at = self.now;
                    self.note(&format_args!("the disk of the station is well"));
                }
            }
            Part::Broker => self.broker_heals(),
        }
        Ok(())
    }

    fn broker_heals(&mut self) {
        if self.broker.is_up || self.now < self.broker_down_until {
            return;
        }
        self.broker.is_up = true;
        self.agency.disturbed_at = self.now;
        self.note(&format_args!("the broker is back"));
        for home in 0..self.homes.len() {
            self.hub_will_dial(home, NOTICED_WITHIN);
        }
        self.station_will_dial(NOTICED_WITHIN / 2);
    }
}
