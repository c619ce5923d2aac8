//! What people and devices do in a home.

use std::time::Duration;

use firmware_sim::device::nonin_ascii;
use gateway::device::catalogue::sig_uuid;
use gateway::hub::Event;
use gateway::link::{Frame, LinkEvent, SessionEnd, Source};

use super::{DAY, World};
use crate::cuff::Stored;
use crate::happening::{Fault, Happening};
use crate::setting::{self, CUFF, LOW_OXYGEN_PERCENT, OXIMETER};
use crate::weather;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// From the last line of an oximeter to the deadline that makes it a reading, with a second to
/// spare: the hub waits for 3 seconds.
const STAY_OVER: Duration = Duration::from_secs(4);

impl World {
    pub(super) fn measures(&mut self, home: usize) -> anyhow::Result<()> {
        let interval = WEEK / self.extent.n_measured_a_week.max(1);
        let next = interval.mul_f64(0.5 + self.random.f64());
        self.after(next, Happening::Measures { home });
        if self.calm.is_some() {
            return Ok(());
        }
        let is_alarming = self.put_cuff_on(home)?;
        // A failing disk must not part a reading from its alert.
        if is_alarming && self.random.u32(0..4) == 0 {
            let fault = weather::failing_disk(home, &mut self.random);
            self.after(Duration::from_secs(1), Happening::Strikes(fault));
        }
        // A person whose pressure is high measures again.
        if self.random.u32(0..12) == 0 {
            self.put_cuff_on(home)?;
        }
        self.after(Duration::from_secs(2), Happening::CuffConnects { home });
        if self.random.u32(0..12) == 0 {
            let (delay, fault) = weather::mischief(home, &mut self.random);
            self.after(Duration::from_secs(2) + delay, Happening::Strikes(fault));
        }
        Ok(())
    }

    /// Somebody measures; whether an alert follows.
    fn put_cuff_on(&mut self, home: usize) -> anyhow::Result<bool> {
        let clock = setting::true_time(self.now)?.to_zoned(setting::zone()?).datetime();
        let random = &mut self.random;
        let is_alarming = self.homes[home].cuff.measure(clock, random)?;
        self.note(&format_args!("home {home} measures"));
        Ok(is_alarming)
    }

    /// The cuff sends what waits in it, and some of what it sent before.
    pub(super) fn cuff_connects(&mut self, home: usize) -> anyhow::Result<()> {
        if self.homes[home].hub.is_none() {
            return Ok(());
        }
        let begun = LinkEvent::Begun(CUFF.parse()?, self.homes[home].clock.stamp(self.now)?);
        self.hub_step(home, Event::Link(begun))?;
        for stored in self.homes[home].cuff.replay(&mut self.random) {
            self.note(&format_args!("the cuff of home {home} sends a record again"));
            if !self.indicate(home, stored)? {
                return Ok(());
            }
        }
        while let Some(stored) = self.homes[home].cuff.waiting.front().cloned() {
            if !self.indicate(home, stored)? {
                self.note(&format_args!("the cuff of home {home} keeps its records"));
                return Ok(());
            }
            self.homes[home].cuff.taken();
        }
        let at = self.homes[home].clock.stamp(self.now)?;
        let ended = LinkEvent::Ended(CUFF.parse()?, SessionEnd::ByDevice, at);
        self.hub_step(home, Event::Link(ended))?;
        Ok(())
    }

    /// Hands a value of the cuff to the hub; whether the hub has it now.
    fn indicate(&mut self, home: usize, stored: Stored) -> anyhow::Result<bool> {
        let Stored { bytes, is_reading } = stored;
        let frame = Frame {
            device: CUFF.parse()?,
            source: Source::Characteristic(sig_uuid(0x2A35)),
            bytes: bytes.clone(),
            received: self.homes[home].clock.stamp(self.now)?,
        };
        let is_taken = self.hub_step(home, Event::Link(LinkEvent::Frame(frame)))?;
        let books = self.homes[home].archive.current()?;
        anyhow::ensure!(
            !is_taken || !is_reading || books.has_measured(&bytes),
            "the hub took a measurement and has no reading of it"
        );
        Ok(is_taken)
    }

    pub(super) fn stay_begins(&mut self, home: usize) {
        let interval = 2 * WEEK / self.extent.n_measured_a_week.max(1);
        let interval = interval.mul_f64(0.5 + self.random.f64());
        self.after(interval, Happening::StayBegins { home });
        if self.calm.is_some() || self.homes[home].hub.is_none() {
            return;
        }
        self.note(&format_args!("a finger is in the oximeter of home {home}"));
        let left = self.random.u32(2..4);
        self.after(Duration::ZERO, Happening::Line { home, left });
        if self.random.u32(0..4) == 0 {
            let step = weather::clock_step(home, &mut self.random);
            // As likely as not in the wait behind the last line.
            let delay = self.within(Duration::from_secs(4));
            self.after(delay, Happening::Strikes(step));
        }
    }

    pub(super) fn line(&mut self, home: usize, left: u32) -> anyhow::Result<()> {
        if self.homes[home].hub.is_none() {
            return Ok(());
        }
        let low = self.random.u32(0..12) == 0;
        let spo2 = match low {
            true => self.random.u8(80..=LOW_OXYGEN_PERCENT),
            false => self.random.u8(91..100),
        };
        let pulse = self.random.u8(50..110);
        let line = nonin_ascii::line(Some(spo2.into()), Some(pulse.into()))?.into_bytes();
        let frame = Frame {
            device: OXIMETER.parse()?,
            source: Source::Serial,
            bytes: line.clone(),
            received: self.homes[home].clock.stamp(self.now)?,
        };
        self.hub_step(home, Event::Link(LinkEvent::Frame(frame)))?;
        let (at, life) = (self.now, self.homes[home].life);
        if left == 0 {
            self.after(STAY_OVER, Happening::StayIsOver { home, line, at, life });
        } else {
            self.after(Duration::from_secs(1), Happening::Line { home, left: left - 1 });
        }
        Ok(())
    }

    /// The last sample of a stream is a reading soon after the stream, whatever the wall clock did.
    pub(super) fn stay_is_over(
        &mut self,
        home: usize,
        line: &[u8],
        at: Duration,
        life: u32,
    ) -> anyhow::Result<()> {
        let since = self.homes[home].disturbed_at;
        let home_lived = self.homes[home].life == life && !self.homes[home].has_failing_disk;
        if !home_lived || at.saturating_sub(Duration::from_secs(10)) <= since {
            return Ok(());
        }
        let books = self.homes[home].archive.current()?;
        let is_there = books.last_line.as_ref().is_some_and(|(last, committed_at)| {
            last.trim_ascii() == line.trim_ascii() && at <= *committed_at
        });
        anyhow::ensure!(is_there, "the last sample of a stream is no reading: {books:?}");
        Ok(())
    }

    /// The cuff was away and comes back with `n` records.
    pub(super) fn holiday(&mut self, home: usize, n: u32) -> anyhow::Result<()> {
        for _n in 0..n {
            self.put_cuff_on(home)?;
        }
        let delay = self.within(DAY / 4);
        self.after(delay, Happening::CuffConnects { home });
        if self.random.bool() {
            let lasting = self.within(DAY);
            self.after(delay, Happening::Strikes(Fault::LinkFails { home, lasting }));
        }
        Ok(())
    }
}
