//! What an oximeter finds on a finger, before any format.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;

/// How long a finger is in unless a measurement says otherwise.
pub(super) const USUALLY_WORN: Duration = Duration::from_secs(20);

/// Sensor status bit of the profile: low perfusion.
pub const LOW_PERFUSION: u32 = 1 << 5;

/// Status bit of the profile: questionable measurement.
pub const QUESTIONABLE: u16 = 1 << 14;

/// One stay of a finger in an oximeter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Oximetry {
    /// Oxygen saturation in percent; none is told as missing.
    pub spo2_percent: Option<Decimal>,
    /// Pulse rate per minute; none is told as missing.
    pub pulse_bpm: Option<Decimal>,
    /// Pulse amplitude index in percent, for formats that tell it.
    pub amplitude_percent: Option<Decimal>,
    /// Measurement status bits of the profile, besides those that the device sets by itself.
    pub status: u16,
    /// Device and sensor status bits of the profile, 24 bits.
    pub sensor: u32,
    /// How long the finger is in, in simulated time.
    pub worn: Duration,
}

impl Oximetry {
    /// A saturation in percent with the pulse rate per minute; the finger is in for 20 s.
    #[must_use]
    pub fn new(spo2: impl Into<Decimal>, pulse: impl Into<Decimal>) -> Self {
        Self {
            spo2_percent: Some(spo2.into()),
            pulse_bpm: Some(pulse.into()),
            amplitude_percent: None,
            status: 0,
            sensor: 0,
            worn: USUALLY_WORN,
        }
    }

    /// A finger on which the device finds no pulse.
    #[must_use]
    pub fn without_pulse() -> Self {
        Self { spo2_percent: None, pulse_bpm: None, ..Self::new(0, 0) }
    }

    /// Returns the whole seconds of it, each of which brings one sample.
    pub(super) fn seconds(&self) -> impl Iterator<Item = Duration> + use<> {
        (1..=self.worn.as_secs()).map(Duration::from_secs)
    }
}

impl fmt::Display for Oximetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.spo2_percent, self.pulse_bpm) {
            (Some(spo2), Some(pulse)) => write!(f, "SpO2 {spo2} %, pulse {pulse}"),
            (Some(spo2), None) => write!(f, "SpO2 {spo2} %, no pulse rate"),
            (None, Some(pulse)) => write!(f, "no SpO2, pulse {pulse}"),
            (None, None) => write!(f, "no pulse found"),
        }
    }
}
