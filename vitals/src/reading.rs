//! A reading: what one measurement on one client gave, and how far it can be trusted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::alert::{UnknownWord, word};
use crate::device::DeviceReference;
use crate::identity::{ReadingId, SubjectId};
use crate::instant::LocalInstant;
use crate::moment::Moment;
use crate::quantity::{Quantity, Vital};
use crate::timeline::{Timeline, corrected};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadingKind {
    /// Blood pressure, often with a pulse.
    BloodPressure,
    /// Oxygen saturation with a pulse.
    Oximetry,
    /// Body weight.
    Weight,
    /// Body temperature.
    Temperature,
    /// Blood glucose.
    Glucose,
    /// Heart rate.
    HeartRate,
    /// What a person observed and typed.
    ManualObservation,
}

impl ReadingKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::BloodPressure,
        Self::Oximetry,
        Self::Weight,
        Self::Temperature,
        Self::Glucose,
        Self::HeartRate,
        Self::ManualObservation,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood-pressure",
            Self::Oximetry => "oximetry",
            Self::Weight => "weight",
            Self::Temperature => "temperature",
            Self::Glucose => "glucose",
            Self::HeartRate => "heart-rate",
            Self::ManualObservation => "manual-observation",
        }
    }
}

impl fmt::Display for ReadingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReadingKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// How `measured_at` came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeQuality {
    /// The device's own time, from a clock that agrees with the hub's.
    Synced,
    /// The device's own time, corrected by the offset between the two clocks.
    Corrected,
    /// The time of reception: the device said none, or none that can be used.
    Estimated,
    /// No time can be given; `measured_at` is the time of reception.
    Fault,
}

impl TimeQuality {
    /// Every quality.
    pub const ALL: [Self; 4] = [Self::Synced, Self::Corrected, Self::Estimated, Self::Fault];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Corrected => "corrected",
            Self::Estimated => "estimated",
            Self::Fault => "fault",
        }
    }
}

impl FromStr for TimeQuality {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// A remark on the quality of a measurement, made by the device or by the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// The body moved during the measurement.
    BodyMovement,
    /// The cuff was too loose.
    CuffLoose,
    /// An irregular pulse was detected.
    IrregularPulse,
    /// The pulse rate is above the range of the device.
    PulseRateAboveRange,
    /// The pulse rate is below the range of the device.
    PulseRateBelowRange,
    /// The measurement position was improper.
    ImproperPosition,
    /// Low perfusion.
    LowPerfusion,
    /// Poor or inadequate signal.
    PoorSignal,
    /// The device marks the value as questionable.
    Questionable,
    /// An early estimate, before averaging settled.
    EarlyEstimate,
    /// The device averaged the whole measurement: its own gate for a spot check.
    FullyQualified,
    /// The value comes from the memory of the device.
    FromStorage,
    /// The clock of the device was never set.
    DeviceClockNotSet,
    /// The battery of the device is low.
    BatteryLow,
    /// The sensor has no contact with the skin.
    SensorContactLost,
    /// The equipment reports a malfunction.
    EquipmentMalfunction,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 16] = [
        Self::BodyMovement,
        Self::CuffLoose,
        Self::IrregularPulse,
        Self::PulseRateAboveRange,
        Self::PulseRateBelowRange,
        Self::ImproperPosition,
        Self::LowPerfusion,
        Self::PoorSignal,
        Self::Questionable,
        Self::EarlyEstimate,
        Self::FullyQualified,
        Self::FromStorage,
        Self::DeviceClockNotSet,
        Self::BatteryLow,
        Self::SensorContactLost,
        Self::EquipmentMalfunction,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyMovement => "body-movement",
            Self::CuffLoose => "cuff-loose",
            Self::IrregularPulse => "irregular-pulse",
            Self::PulseRateAboveRange => "pulse-rate-above-range",
            Self::PulseRateBelowRange => "pulse-rate-below-range",
            Self::ImproperPosition => "improper-position",
            Self::LowPerfusion => "low-perfusion",
            Self::PoorSignal => "poor-signal",
            Self::Questionable => "questionable",
            Self::EarlyEstimate => "early-estimate",
            Self::FullyQualified => "fully-qualified",
            Self::FromStorage => "from-storage",
            Self::DeviceClockNotSet => "device-clock-not-set",
            Self::BatteryLow => "battery-low",
            Self::SensorContactLost => "sensor-contact-lost",
            Self::EquipmentMalfunction => "equipment-malfunction",
        }
    }
}

impl FromStr for Flag {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// In which situation a reading was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Rest, or a part of an exercise session.
    pub phase: Phase,
    /// The visit during which it was taken.
    pub visit: Option<String>,
}

/// Rest, or a part of an exercise session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// At rest.
    #[default]
    Resting,
    /// At rest, right before exercise.
    BeforeExercise,
    /// During exercise.
    DuringExercise,
    /// Recovering after exercise.
    AfterExercise,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] =
        [Self::Resting, Self::BeforeExercise, Self::DuringExercise, Self::AfterExercise];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::BeforeExercise => "before-exercise",
            Self::DuringExercise => "during-exercise",
            Self::AfterExercise => "after-exercise",
        }
    }
}

impl FromStr for Phase {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// One value of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Measurement {
    /// What was measured.
    pub vital: Vital,
    /// The value in the unit in which the device gave it.
    pub quantity: Quantity,
}

/// What one measurement on one client gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its place in the hub's ledger.
    pub id: ReadingId,
    /// Whose it is, or `None` until a person says so.
    pub subject: Option<SubjectId>,
    /// Whose it may be, where `subject` is `None`.
    pub subject_candidates: Vec<SubjectId>,
    /// What measured it.
    pub device: DeviceReference,
    /// What was measured.
    pub kind: ReadingKind,
    /// When it was measured, as well as is known.
    pub measured_at: LocalInstant,
    /// When the hub received it.
    pub received_at: LocalInstant,
    /// How `measured_at` came about.
    pub time_quality: TimeQuality,
    /// The time as the device said it.
    pub device_time: Option<String>,
    /// The values; at least one.
    pub values: Vec<Measurement>,
    /// Remarks on the quality.
    pub flags: BTreeSet<Flag>,
    /// The situation.
    pub context: Context,
    /// The bytes as received.
    pub raw: Vec<u8>,
    /// When the hub recorded it, and whether it knew the time then.
    pub recorded: Moment,
}

impl Reading {
    /// The value of `vital` in this reading.
    #[must_use]
    pub fn value(&self, vital: Vital) -> Option<Quantity> {
        self.values.iter().find(|it| it.vital == vital).map(|it| it.quantity)
    }

    /// This reading with its true times, where they were estimates and `timeline` can tell them.
    ///
    /// A reading whose device said a time that could not be used keeps its fault: when it came is
    /// known then, when it was measured is not.
    #[must_use]
    pub fn corrected(&self, timeline: &Timeline) -> Option<Self> {
        let correction = timeline.correction(&self.recorded)?;
        let moved = |at| corrected(at, correction);
        Some(Self {
            measured_at: moved(self.measured_at),
            received_at: moved(self.received_at),
            time_quality: match self.time_quality {
                TimeQuality::Fault => TimeQuality::Fault,
                TimeQuality::Synced | TimeQuality::Corrected | TimeQuality::Estimated => {
                    TimeQuality::Corrected
                }
            },
            recorded: Moment { at: moved(self.recorded.at), is_known: true, ..self.recorded },
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        for kind in ReadingKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for flag in Flag::ALL {
            assert_eq!(flag.as_str().parse(), Ok(flag));
        }
        for quality in TimeQuality::ALL {
            assert_eq!(quality.as_str().parse(), Ok(quality));
        }
        for phase in Phase::ALL {
            assert_eq!(phase.as_str().parse(), Ok(phase));
        }
    }
}
