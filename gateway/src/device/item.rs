//! What decoding gives: observations, failed measurements, refusals, and words about the device.

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, Measurement, Quantity, ReadingKind, Vital};

use super::error::DecodeError;
use super::identity::{Content, cut_digest};
use crate::clock::Stamp;
use crate::link::Source;

/// One thing that a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A measurement with its values.
    Observation(Observation),
    /// A measurement that did not work.
    Failed(FailedMeasurement),
    /// Bytes that could not be decoded.
    Refused(Refused),
    /// The pressure in the cuff while it measures: to be shown, never a reading.
    CuffPressure(Quantity),
    /// Battery level in percent, 0 to 100.
    Battery(u8),
    /// What its clock shows now.
    Clock(DeviceTime),
    /// A word of the device about itself.
    Information {
        /// What the word is about.
        subject: Information,
        /// The word, without padding; never empty.
        text: String,
    },
}

/// What a device says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Information {
    /// Its maker.
    Manufacturer,
    /// Its model.
    Model,
    /// Its serial number.
    SerialNumber,
    /// Its firmware.
    Firmware,
}

impl Information {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::SerialNumber => "serial-number",
            Self::Firmware => "firmware",
        }
    }
}

/// A measurement with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What was measured.
    pub kind: ReadingKind,
    /// The values, the main ones first; at least one.
    pub values: Vec<Measurement>,
    /// Remarks on the quality.
    pub flags: BTreeSet<Flag>,
    /// When it was measured, as the device says it.
    pub device_time: Option<DeviceTime>,
    /// The user whom the device thinks it measured; `None` where it does not know.
    pub user_slot: Option<u8>,
    /// Battery level in percent, 0 to 100, where the device said one before.
    pub battery_percent: Option<u8>,
    /// When its bytes came: earlier than now where a stream was held back until its end.
    pub received: Stamp,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Whether it is one sample of a live stream; else it is a measurement of its own.
    pub is_live_stream: bool,
    /// Whether it stands in a memory that is read anew in each session.
    pub is_of_a_memory: bool,
}

impl Observation {
    /// Identity of the content, the same for each replay of a stored record.
    ///
    /// It covers the time that the device says, its user slot, the kind and the values, not the
    /// time of reception. A measurement of which the device does not know the date has none: two
    /// of those with the same values may well be two measurements. Only one of a memory is known by
    /// its bytes then: it comes again in each session.
    #[must_use]
    pub fn content_identity(&self) -> Option<[u8; 16]> {
        Content {
            what: "observation",
            device_time: self.device_time,
            user_slot: self.user_slot,
            kind: self.kind,
            values: &self.values,
            record: self.is_of_a_memory.then_some(self.raw.as_slice()),
        }
        .identity()
    }

    /// The value of `vital`.
    #[must_use]
    pub fn value(&self, vital: Vital) -> Option<Quantity> {
        self.values.iter().find(|it| it.vital == vital).map(|it| it.quantity)
    }
}

/// A measurement that did not work, by the device's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedMeasurement {
    /// What should have been measured.
    pub kind: ReadingKind,
    /// Why it failed; at least one reason, the most telling first.
    pub reasons: Vec<FailureReason>,
    /// Remarks on the quality.
    pub flags: BTreeSet<Flag>,
    /// When it failed, as the device says it.
    pub device_time: Option<DeviceTime>,
    /// The user whom the device thinks it measured; `None` where it does not know.
    pub user_slot: Option<u8>,
    /// When its bytes came.
    pub received: Stamp,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Whether it stands in a memory that is read anew in each session.
    pub is_of_a_memory: bool,
}

impl FailedMeasurement {
    /// What to tell the person who measured, in plain sentences.
    #[must_use]
    pub fn coaching(&self) -> &'static str {
        self.reasons.first().copied().unwrap_or(FailureReason::NoValue).coaching(self.kind)
    }

    /// Identity of the content, as [`Observation::content_identity`]: devices store failures, too,
    /// and replay them.
    #[must_use]
    pub fn content_identity(&self) -> Option<[u8; 16]> {
        Content {
            what: "failed",
            device_time: self.device_time,
            user_slot: self.user_slot,
            kind: self.kind,
            values: &[],
            record: self.is_of_a_memory.then_some(self.raw.as_slice()),
        }
        .identity()
    }
}

/// Why a measurement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureReason {
    /// The device gave no value and no reason.
    NoValue,
    /// The body moved.
    BodyMovement,
    /// The cuff was too loose.
    CuffLoose,
    /// The position was improper.
    ImproperPosition,
    /// The value is above the range of the device.
    AboveRange,
    /// The value is below the range of the device.
    BelowRange,
    /// The sensor is not on the body.
    SensorOff,
    /// The device marks its own result as invalid.
    Invalid,
    /// The device could not measure.
    Unavailable,
    /// The load on the scale is above its capacity.
    Overload,
    /// The drop on the strip was too small.
    SampleTooSmall,
    /// The strip was pulled before the measurement was done.
    StripPulled,
    /// The strip was not put in well.
    StripInsertion,
    /// The strip is not one for this device.
    StripUnsuitable,
    /// It is too warm for the device.
    TooWarm,
    /// It is too cold for the device.
    TooCold,
    /// The device is broken.
    Malfunction,
}

impl FailureReason {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoValue => "no-value",
            Self::BodyMovement => "body-movement",
            Self::CuffLoose => "cuff-loose",
            Self::ImproperPosition => "improper-position",
            Self::AboveRange => "above-range",
            Self::BelowRange => "below-range",
            Self::SensorOff => "sensor-off",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Overload => "overload",
            Self::SampleTooSmall => "sample-too-small",
            Self::StripPulled => "strip-pulled",
            Self::StripInsertion => "strip-insertion",
            Self::StripUnsuitable => "strip-unsuitable",
            Self::TooWarm => "too-warm",
            Self::TooCold => "too-cold",
            Self::Malfunction => "malfunction",
        }
    }

    const fn coaching(self, kind: ReadingKind) -> &'static str {
        match self {
            Self::BodyMovement => "There was too much movement. Sit still and measure again.",
            Self::CuffLoose => {
                "The cuff was too loose. Wrap it snugly, one finger should fit under it, and \
                 measure again."
            }
            Self::ImproperPosition => {
                "The arm was not at the right height. Keep the cuff level with the heart and \
                 measure again."
            }
            Self::AboveRange => {
                "The value is above what this device can show. Measure again, and call your nurse \
                 if it stays so."
            }
            Self::BelowRange => {
                "The value is below what this device can show. Measure again, and call your nurse \
                 if it stays so."
            }
            Self::SensorOff => "The sensor is not in place. Put it on and measure again.",
            Self::Overload => {
                "The scale is overloaded. Step off, put nothing on it, and try again."
            }
            Self::SampleTooSmall => {
                "There was too little blood on the strip. Measure again with a new strip and a \
                 larger drop."
            }
            Self::StripPulled => {
                "The strip was pulled out too early. Measure again with a new strip, and leave it \
                 in until the value shows."
            }
            Self::StripInsertion => {
                "The strip was not put in well. Measure again with a new strip."
            }
            Self::StripUnsuitable => {
                "The strip does not fit this device. Check the strips, and measure again with a \
                 new one."
            }
            Self::TooWarm => "It is too warm for this device. Let it cool down and measure again.",
            Self::TooCold => "It is too cold for this device. Let it warm up and measure again.",
            Self::Malfunction => {
                "The device reports a fault. Measure again, and call your nurse if it stays so."
            }
            Self::NoValue | Self::Invalid | Self::Unavailable => unexplained(kind),
        }
    }
}

const fn unexplained(kind: ReadingKind) -> &'static str {
    match kind {
        ReadingKind::BloodPressure => {
            "The measurement did not work. Check the cuff, sit still with the arm at rest, and \
             measure again after one minute."
        }
        ReadingKind::Oximetry | ReadingKind::HeartRate => {
            "The measurement did not work. Warm the hand, keep the finger still, and measure again."
        }
        ReadingKind::Weight => {
            "The measurement did not work. Step off the scale, then stand still on it again."
        }
        ReadingKind::Temperature | ReadingKind::Glucose | ReadingKind::ManualObservation => {
            "The measurement did not work. Please measure again."
        }
    }
}

/// Bytes that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where in the device they came from.
    pub source: Source,
    /// When they came.
    pub received: Stamp,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Why they are no value.
    pub error: DecodeError,
    /// How many refusals of the same stream came before this one and were not told.
    pub n_untold: u64,
}

impl Refused {
    /// Identity of a refused value of a characteristic: a device that offers the same value again
    /// and again is told once. Pieces of a serial stream have none; those are counted.
    #[must_use]
    pub fn content_identity(&self) -> Option<[u8; 16]> {
        let Source::Characteristic(uuid) = self.source else { return None };
        cut_digest(&format!("refused 1\n{uuid}\n"), &self.raw)
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use vitals::Unit;

    use super::*;
    use crate::device::fixture::at_ms;

    const NOON: DeviceTime =
        DeviceTime { year: 2026, month: 3, day: 1, hour: 12, minute: 0, second: 0 };

    fn weight(value: &str) -> Observation {
        let value: Decimal = value.parse().unwrap();
        let quantity = Quantity::new(value, Unit::Kilogram).unwrap();
        Observation {
            kind: ReadingKind::Weight,
            values: vec![Measurement { vital: Vital::BodyWeight, quantity }],
            flags: BTreeSet::new(),
            device_time: Some(NOON),
            user_slot: Some(1),
            battery_percent: None,
            received: at_ms(0),
            raw: Vec::new(),
            is_live_stream: false,
            is_of_a_memory: false,
        }
    }

    #[test]
    fn a_replay_has_the_identity_of_the_first() {
        let first = weight("70.5").content_identity();
        let replay =
            Observation { received: at_ms(60_000), battery_percent: Some(80), ..weight("70.50") };
        assert_eq!(replay.content_identity(), first);
        assert_eq!(hex::encode(first.unwrap()), "437e49f012cb4b7a46170fab82710365");
    }

    #[test]
    fn another_time_user_or_value_is_another_measurement() {
        let first = weight("70.5").content_identity();
        let later = DeviceTime { second: 1, ..NOON };
        for other in [
            weight("70.6"),
            Observation { device_time: Some(later), ..weight("70.5") },
            Observation { user_slot: Some(2), ..weight("70.5") },
            Observation { user_slot: None, ..weight("70.5") },
            Observation { kind: ReadingKind::Temperature, ..weight("70.5") },
        ] {
            assert_ne!(other.content_identity(), first, "{other:?}");
        }
    }

    #[test]
    fn without_a_known_date_there_is_no_identity() {
        let undated = DeviceTime { year: 0, ..NOON };
        for device_time in [None, Some(undated)] {
            let observation = Observation { device_time, ..weight("70.5") };
            assert_eq!(observation.content_identity(), None);
            let stored = Observation { is_of_a_memory: true, ..observation };
            let other = Observation { raw: vec![2], ..stored.clone() };
            let identity = stored.content_identity().expect("it comes again in each session");
            assert_eq!(hex::encode(identity), "c9d02688dfcadb7a836d4d5644874958");
            assert_ne!(stored.content_identity(), other.content_identity());
        }
    }
}
