//! What a reading says about the device that made it.

use std::fmt;
use std::str::FromStr;

use crate::alert::{UnknownWord, word};
use crate::identity::DeviceId;

/// Device specialisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// Blood pressure monitor.
    BloodPressureMonitor,
    /// Pulse oximeter.
    PulseOximeter,
    /// Weighing scale.
    WeighingScale,
    /// Thermometer.
    Thermometer,
    /// Heart rate sensor.
    HeartRateSensor,
    /// Glucose meter.
    GlucoseMeter,
    /// A person typed the value.
    Person,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::BloodPressureMonitor,
        Self::PulseOximeter,
        Self::WeighingScale,
        Self::Thermometer,
        Self::HeartRateSensor,
        Self::GlucoseMeter,
        Self::Person,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BloodPressureMonitor => "blood-pressure-monitor",
            Self::PulseOximeter => "pulse-oximeter",
            Self::WeighingScale => "weighing-scale",
            Self::Thermometer => "thermometer",
            Self::HeartRateSensor => "heart-rate-sensor",
            Self::GlucoseMeter => "glucose-meter",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// The device of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReference {
    /// Name that the hub gave it.
    pub id: DeviceId,
    /// What it measures.
    pub kind: DeviceKind,
    /// Catalogue key of its model.
    pub model: String,
    /// Battery level in percent, 0 to 100, where the device said one.
    pub battery_percent: Option<u8>,
}
