//! The cuff of a home: it measures by habit, stores what it measured, and sends some of it again.

use std::collections::VecDeque;

use anyhow::Context as _;
use fastrand::Rng;
use firmware_sim::device::blood_pressure::{self, BloodPressure, CuffStyle};
use jiff::civil::DateTime;

/// Systolic pressure in mmHg at which the care plan knows a crisis.
pub(crate) const CRISIS_MMHG: u16 = 180;

/// Systolic pressure in mmHg that the care plan calls high.
pub(crate) const HIGH_MMHG: u16 = 160;

/// Records that a cuff sends again at most.
const REPLAYED_MAX: usize = 5;

/// Sent records that a cuff still knows.
const SENT_MAX: usize = 20;

/// What a cuff has stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    /// It is a measurement with values, and came whole.
    pub(crate) is_reading: bool,
}

/// A cuff.
#[derive(Debug, Default)]
pub(crate) struct Cuff {
    /// What no hub has taken.
    pub(crate) waiting: VecDeque<Stored>,
    /// What a hub has taken, the latest last.
    sent: VecDeque<Stored>,
    n_measured: u32,
    /// Measurements for which a crisis goes on.
    crisis_left: u32,
}

impl Cuff {
    /// Measures when its clock shows `clock`; whether the care plan raises an alert about it.
    ///
    /// No two measurements of a cuff have the same values, so that a record which is there twice
    /// is known by its bytes.
    pub(crate) fn measure(&mut self, clock: DateTime, random: &mut Rng) -> anyhow::Result<bool> {
        let n = self.n_measured;
        self.n_measured = n.wrapping_add(1);
        let diastolic = u16::try_from(50 + n % 45)?;
        let pulse = u16::try_from(45 + n / 45 % 130)?;
        if self.crisis_left == 0 && random.u32(0..60) == 0 {
            self.crisis_left = random.u32(1..=3);
        }
        let systolic = match self.crisis_left {
            0 if random.u32(0..25) == 0 => random.u16(HIGH_MMHG..CRISIS_MMHG),
            0 => random.u16(110..155),
            _crisis => random.u16(CRISIS_MMHG..220),
        };
        self.crisis_left = self.crisis_left.saturating_sub(1);
        let measured = match random.u32(0..50) {
            0 => BloodPressure::failed(),
            1 => BloodPressure::mmhg(systolic, diastolic, pulse)
                .with_status(blood_pressure::BODY_MOVEMENT),
            _good => BloodPressure::mmhg(systolic, diastolic, pulse),
        };
        let mut is_reading = measured.values.is_some();
        let mut bytes = blood_pressure::encode(&measured, CuffStyle::And, clock)
            .context("a measurement does not fit")?;
        if random.u32(0..60) == 0 {
            // A bad moment on the air: what comes is no measurement.
            bytes.truncate(random.usize(0..bytes.len()));
            bytes.push(random.u8(..));
            is_reading = false;
        }
        self.waiting.push_back(Stored { bytes, is_reading });
        Ok(is_reading && HIGH_MMHG <= systolic)
    }

    /// What it sends again although a hub has taken it.
    pub(crate) fn replay(&self, random: &mut Rng) -> Vec<Stored> {
        if random.u32(0..12) != 0 {
            return Vec::new();
        }
        let n = random.usize(1..=REPLAYED_MAX);
        self.sent.iter().skip(self.sent.len().saturating_sub(n)).cloned().collect()
    }

    /// A hub has taken the first waiting record.
    pub(crate) fn taken(&mut self) {
        self.sent.extend(self.waiting.pop_front());
        if SENT_MAX < self.sent.len() {
            self.sent.pop_front();
        }
    }
}
