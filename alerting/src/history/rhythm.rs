//! What a blood pressure says about the rhythm of the pulse.

use jiff::SignedDuration;
use vitals::identity::ReadingId;
use vitals::{Flag, Moment, Reading, ReadingKind};

use crate::history::{after, is_at_once};
use crate::rule::trust::{is_at_rest, is_time_known, measured};

/// Whether a blood pressure showed an irregular pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// The reading that it belongs to.
    pub reading: ReadingId,
    /// When it was measured.
    pub when: Moment,
    /// Whether the device found the pulse irregular.
    pub is_irregular: bool,
}

impl Rhythm {
    /// What `reading` says about the rhythm; nothing where it is no blood pressure at rest of a known
    /// client at a known time, or where a flag spoils it.
    pub(super) fn of(reading: &Reading) -> Option<Self> {
        let counts = reading.kind == ReadingKind::BloodPressure
            && reading.subject.is_some()
            && is_time_known(reading)
            && is_at_rest(reading.context.phase)
            && !reading.flags.iter().copied().any(spoils_rhythm);
        let is_irregular = reading.flags.contains(&Flag::IrregularPulse);
        counts.then(|| Self { reading: reading.id, when: measured(reading), is_irregular })
    }

    /// Whether it is `other` under another number.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.reading == other.reading
            || is_at_once(&self.when, &other.when) && self.is_irregular == other.is_irregular
    }

    /// How much later than `earlier` it was measured.
    pub(crate) fn after(&self, earlier: &Self) -> SignedDuration {
        after(&self.when, &earlier.when)
    }
}

/// Whether `flag` says that the rhythm was not heard well.
const fn spoils_rhythm(flag: Flag) -> bool {
    match flag {
        Flag::BodyMovement
        | Flag::CuffLoose
        | Flag::PoorSignal
        | Flag::Questionable
        | Flag::EarlyEstimate
        | Flag::SensorContactLost
        | Flag::EquipmentMalfunction => true,
        Flag::IrregularPulse
        | Flag::PulseRateAboveRange
        | Flag::PulseRateBelowRange
        | Flag::ImproperPosition
        | Flag::LowPerfusion
        | Flag::FullyQualified
        | Flag::FromStorage
        | Flag::DeviceClockNotSet
        | Flag::BatteryLow => false,
    }
}
