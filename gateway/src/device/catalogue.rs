//! The device models that the hub knows: one row a model, with how to talk to it.

use std::time::Duration;

use jiff::civil;
use uuid::Uuid;
use vitals::DeviceKind;

use super::{date_time, record_access};

/// A device model.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name in configuration, on the wire and in the store; never changes.
    pub key: &'static str,
    /// What a person calls it.
    pub name: &'static str,
    /// What it measures.
    pub kind: DeviceKind,
    /// How it talks.
    pub transport: Transport,
    /// What an installer has to know about it.
    pub notes: &'static str,
}

/// How a model talks.
#[derive(Debug, PartialEq, Eq)]
pub enum Transport {
    /// Bluetooth LE.
    Bluetooth {
        /// Services that it advertises, as 16-bit UUIDs; any of them is enough.
        services: &'static [u16],
        /// Characteristics to subscribe to, in this order; those that it does not have are left out.
        subscriptions: &'static [u16],
        /// Characteristics to read once a session, after subscribing.
        reads: &'static [u16],
        /// How its clock is set, where it offers that.
        time_write: Option<TimeWrite>,
        /// How long to wait between finding its characteristics and subscribing.
        settle: Duration,
    },
    /// A serial line.
    Serial {
        /// Speed in baud.
        baud: u32,
        /// Bits a character, 7 or 8.
        data_bits: u8,
        /// Parity.
        parity: Parity,
        /// Stop bits, 1 or 2.
        stop_bits: u8,
        /// What the bytes are.
        format: SerialFormat,
    },
}

/// How the clock of a device is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeWrite {
    /// Date Time (0x2A08) in the measurement service.
    DateTime,
    /// Current Time (0x2A2B) in the Current Time Service.
    CurrentTime,
}

impl TimeWrite {
    /// The characteristic to write.
    #[must_use]
    pub const fn characteristic(self) -> u16 {
        match self {
            Self::DateTime => characteristic::DATE_TIME,
            Self::CurrentTime => characteristic::CURRENT_TIME,
        }
    }

    /// What to write so that the device shows `now`, the wall clock of its client.
    #[must_use]
    pub fn value(self, now: civil::DateTime) -> Vec<u8> {
        match self {
            Self::DateTime => date_time::date_time(now).to_vec(),
            Self::CurrentTime => date_time::current_time(now).to_vec(),
        }
    }
}

impl Transport {
    /// What to write once a session, and where, so that a device sends what it stored.
    ///
    /// A device whose Record Access Control Point (0x2A52) is subscribed to waits for that. It is
    /// asked for every record, and none is ever deleted.
    #[must_use]
    pub fn records_request(&self) -> Option<(u16, &'static [u8])> {
        match self {
            Self::Bluetooth { subscriptions, .. } => subscriptions
                .contains(&characteristic::RECORD_ACCESS)
                .then_some((characteristic::RECORD_ACCESS, &record_access::REPORT_ALL)),
            Self::Serial { .. } => None,
        }
    }
}

/// Parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// An even number of set bits.
    Even,
    /// An odd number of set bits.
    Odd,
}

/// What the bytes of a serial line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialFormat {
    /// Nonin Data Format 2.
    NoninDataFormat2,
    /// Nonin 8500 and Avant, lines of text.
    NoninAscii,
    /// A&D standard ASCII.
    AndScale,
    /// Contec, 5 bytes a frame.
    ContecFiveByte,
    /// Masimo ASCII 1, lines of text.
    MasimoAscii,
    /// Nonin Data Format 1.
    NoninDataFormat1,
    /// Nonin Data Format 7.
    NoninDataFormat7,
    /// Nonin Data Format 8.
    NoninDataFormat8,
    /// Nonin Data Format 13.
    NoninDataFormat13,
    /// Omron HBP-9030, lines of text.
    OmronHbp9030,
    /// `SunTech` NIBP modules.
    SunTech,
}

/// Characteristics of the Bluetooth SIG, by their 16-bit UUIDs.
pub mod characteristic {
    /// Date Time.
    pub const DATE_TIME: u16 = 0x2A08;
    /// Glucose Measurement.
    pub const GLUCOSE: u16 = 0x2A18;
    /// Battery Level.
    pub const BATTERY_LEVEL: u16 = 0x2A19;
    /// Temperature Measurement.
    pub const TEMPERATURE: u16 = 0x2A1C;
    /// Intermediate Temperature.
    pub const INTERMEDIATE_TEMPERATURE: u16 = 0x2A1E;
    /// Model Number String.
    pub const MODEL: u16 = 0x2A24;
    /// Serial Number String.
    pub const SERIAL_NUMBER: u16 = 0x2A25;
    /// Firmware Revision String.
    pub const FIRMWARE: u16 = 0x2A26;
    /// Manufacturer Name String.
    pub const MANUFACTURER: u16 = 0x2A29;
    /// Current Time.
    pub const CURRENT_TIME: u16 = 0x2A2B;
    /// Glucose Measurement Context.
    pub const GLUCOSE_CONTEXT: u16 = 0x2A34;
    /// Blood Pressure Measurement.
    pub const BLOOD_PRESSURE: u16 = 0x2A35;
    /// Intermediate Cuff Pressure.
    pub const CUFF_PRESSURE: u16 = 0x2A36;
    /// Heart Rate Measurement.
    pub const HEART_RATE: u16 = 0x2A37;
    /// Record Access Control Point.
    pub const RECORD_ACCESS: u16 = 0x2A52;
    /// PLX Spot-check Measurement.
    pub const PLX_SPOT_CHECK: u16 = 0x2A5E;
    /// PLX Continuous Measurement.
    pub const PLX_CONTINUOUS: u16 = 0x2A5F;
    /// Body Composition Measurement.
    pub const BODY_COMPOSITION: u16 = 0x2A9C;
    /// Weight Measurement.
    pub const WEIGHT: u16 = 0x2A9D;
}

/// Services of the Bluetooth SIG, by their 16-bit UUIDs.
pub mod service {
    /// Glucose.
    pub const GLUCOSE: u16 = 0x1808;
    /// Health Thermometer.
    pub const HEALTH_THERMOMETER: u16 = 0x1809;
    /// Heart Rate.
    pub const HEART_RATE: u16 = 0x180D;
    /// Blood Pressure.
    pub const BLOOD_PRESSURE: u16 = 0x1810;
    /// Body Composition.
    pub const BODY_COMPOSITION: u16 = 0x181B;
    /// Weight Scale.
    pub const WEIGHT_SCALE: u16 = 0x181D;
    /// Pulse Oximeter.
    pub const PULSE_OXIMETER: u16 = 0x1822;
}

/// The full UUID of a 16-bit one, which goes into the Bluetooth base UUID.
#[must_use]
pub const fn sig_uuid(short: u16) -> Uuid {
    let [high, low] = short.to_be_bytes();
    Uuid::from_bytes([0, 0, high, low, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5F, 0x9B, 0x34, 0xFB])
}

/// The 16-bit UUID of a full one, where it has one.
#[must_use]
pub fn short_uuid(uuid: Uuid) -> Option<u16> {
    let short = u16::try_from(uuid.as_u128() >> 96).ok()?;
    (sig_uuid(short) == uuid).then_some(short)
}

/// Every model, in the order of their keys.
#[must_use]
pub const fn models() -> &'static [Model] {
    MODELS
}

/// The model of that key.
#[must_use]
pub fn model(key: &str) -> Option<&'static Model> {
    MODELS.iter().find(|it| it.key == key)
}

/// What every Bluetooth device is asked about itself.
const READS: &[u16] = &[
    characteristic::BATTERY_LEVEL,
    characteristic::MANUFACTURER,
    characteristic::MODEL,
    characteristic::SERIAL_NUMBER,
    characteristic::FIRMWARE,
];
const AT_ONCE: Duration = Duration::ZERO;

const BLOOD_PRESSURE: &[u16] = &[characteristic::BLOOD_PRESSURE, characteristic::CUFF_PRESSURE];
const GLUCOSE: &[u16] =
    &[characteristic::GLUCOSE, characteristic::GLUCOSE_CONTEXT, characteristic::RECORD_ACCESS];
const OXIMETRY: &[u16] = &[characteristic::PLX_SPOT_CHECK, characteristic::PLX_CONTINUOUS];
const OXIMETRY_WITH_RECORDS: &[u16] = &[
    characteristic::PLX_SPOT_CHECK,
    characteristic::PLX_CONTINUOUS,
    characteristic::RECORD_ACCESS,
];

const MODELS: &[Model] = &[
    Model {
        key: "and-ua-651ble",
        name: "A&D UA-651BLE",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            services: &[service::BLOOD_PRESSURE],
            subscriptions: &[characteristic::BLOOD_PRESSURE],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            settle: AT_ONCE,
        },
        notes: "Hold START for pairing until \"Pr\" shows. It stores failed measurements, too, and \
                sends all it has stored.",
    },
    Model {
        key: "and-uc-321",
        name: "A&D UC-321 (serial)",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Serial {
            baud: 2400,
            data_bits: 7,
            parity: Parity::Even,
            stop_bits: 1,
            format: SerialFormat::AndScale,
        },
        notes: "Speed and parity can be set in the scale; these are the usual ones. Set it to \
                print by itself when the weight is stable.",
    },
    Model {
        key: "and-uc-352ble",
        name: "A&D UC-352BLE",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            services: &[service::WEIGHT_SCALE],
            subscriptions: &[characteristic::WEIGHT],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            settle: AT_ONCE,
        },
        notes: "Press the button under the scale for pairing. Some units send no time.",
    },
    Model {
        key: "beurer-bm85",
        name: "Beurer BM85",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            services: &[service::BLOOD_PRESSURE],
            subscriptions: BLOOD_PRESSURE,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: Duration::from_millis(500),
        },
        notes: "It shows a PIN when it is paired. It stays silent if it is subscribed to too fast.",
    },
    Model {
        key: "choicemmed-plx",
        name: "ChoiceMMed oximeter",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            services: &[service::PULSE_OXIMETER],
            subscriptions: OXIMETRY,
            reads: READS,
            time_write: None,
            settle: AT_ONCE,
        },
        notes: "Units with the standard oximeter service alone. Its clock is never set.",
    },
    Model {
        key: "contec-5byte",
        name: "Contec CMS50D+ (serial, 5 bytes)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 19_200,
            data_bits: 8,
            parity: Parity::Odd,
            stop_bits: 1,
            format: SerialFormat::ContecFiveByte,
        },
        notes: "CMS50E and CMS50F, too; newer units of the same name speak another format, and stay \
                silent here.",
    },
    Model {
        key: "masimo-ascii-1",
        name: "Masimo Radical-7, Rad-8 or Radical-57 (serial, ASCII 1)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::MasimoAscii,
        },
        notes: "Choose ASCII 1 as the output of the serial port. Its clock is not used.",
    },
    Model {
        key: "nonin-8500",
        name: "Nonin 8500 (serial text)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninAscii,
        },
        notes: "The Avant family in its text format is read the same way.",
    },
    Model {
        key: "nonin-df1",
        name: "Nonin OEM III or Xpod (serial, Data Format 1)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninDataFormat1,
        },
        notes: "Data Format 1 has to be chosen on the module. It has no checksum; choose Data Format 2 \
                where you can.",
    },
    Model {
        key: "nonin-df13",
        name: "Nonin 9560 or WristOx2 3150 (serial, Data Format 13)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninDataFormat13,
        },
        notes: "Spot checks with their time. The host has to bind its Bluetooth serial port first.",
    },
    Model {
        key: "nonin-df2",
        name: "Nonin OEM III or Xpod (serial, Data Format 2)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninDataFormat2,
        },
        notes: "Data Format 2 has to be chosen on the module; 8500 units with that option, too.",
    },
    Model {
        key: "nonin-df7",
        name: "Nonin OEM III or Xpod (serial, Data Format 7)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninDataFormat7,
        },
        notes: "Data Format 7 has to be chosen on the module.",
    },
    Model {
        key: "nonin-df8",
        name: "Nonin WristOx2 3150 (serial, Data Format 8)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::NoninDataFormat8,
        },
        notes: "Data Format 8 has to be chosen on the device. It has no checksum.",
    },
    Model {
        key: "omron-hbp-9030",
        name: "Omron HBP-9030 (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::OmronHbp9030,
        },
        notes: "Choose output format 5 and the speed at the device.",
    },
    Model {
        key: "sig-blood-pressure",
        name: "Any blood pressure monitor with the standard service",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            services: &[service::BLOOD_PRESSURE],
            subscriptions: BLOOD_PRESSURE,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "",
    },
    Model {
        key: "sig-body-composition",
        name: "Any body composition scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            services: &[service::BODY_COMPOSITION],
            subscriptions: &[characteristic::BODY_COMPOSITION, characteristic::WEIGHT],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "Scales that want a user's consent first are not supported.",
    },
    Model {
        key: "sig-glucose",
        name: "Any glucose meter with the standard service",
        kind: DeviceKind::GlucoseMeter,
        transport: Transport::Bluetooth {
            services: &[service::GLUCOSE],
            subscriptions: GLUCOSE,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "It shows a PIN when it is paired, or has it on its label. It keeps its records, and \
                control solution is passed over.",
    },
    Model {
        key: "sig-heart-rate",
        name: "Any heart rate sensor with the standard service",
        kind: DeviceKind::HeartRateSensor,
        transport: Transport::Bluetooth {
            services: &[service::HEART_RATE],
            subscriptions: &[characteristic::HEART_RATE],
            reads: READS,
            time_write: None,
            settle: AT_ONCE,
        },
        notes: "",
    },
    Model {
        key: "sig-pulse-oximeter",
        name: "Any pulse oximeter with the standard service",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            services: &[service::PULSE_OXIMETER],
            subscriptions: OXIMETRY_WITH_RECORDS,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "",
    },
    Model {
        key: "sig-thermometer",
        name: "Any thermometer with the standard service",
        kind: DeviceKind::Thermometer,
        transport: Transport::Bluetooth {
            services: &[service::HEALTH_THERMOMETER],
            subscriptions: &[characteristic::TEMPERATURE],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "",
    },
    Model {
        key: "sig-weight-scale",
        name: "Any scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            services: &[service::WEIGHT_SCALE],
            subscriptions: &[characteristic::WEIGHT],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
        },
        notes: "Scales that want a user's consent first are not supported.",
    },
    Model {
        key: "suntech-nibp",
        name: "SunTech Advantage NIBP module (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::SunTech,
        },
        notes: "Results alone: another program starts the cuff and asks for them. The hub never moves a \
                cuff.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_their_keys() {
        for it in models() {
            assert_eq!(model(it.key), Some(it));
        }
        assert_eq!(model("and-ua-651"), None);
    }

    #[test]
    fn keys_are_in_order_and_fit_for_files_and_topics() {
        assert!(models().is_sorted_by(|one, other| one.key < other.key));
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        assert!(models().iter().all(|it| it.key.chars().all(is_plain)));
    }

    #[test]
    fn short_uuids_go_into_the_base_and_come_back() {
        let uuid = sig_uuid(0x2A35);
        assert_eq!(uuid.to_string(), "00002a35-0000-1000-8000-00805f9b34fb");
        assert_eq!(short_uuid(uuid), Some(0x2A35));
        assert_eq!(short_uuid(Uuid::from_u128(uuid.as_u128() ^ 1)), None);
        assert_eq!(short_uuid(Uuid::from_u128(u128::MAX)), None);
    }

    #[test]
    fn meters_and_oximeters_are_asked_for_every_record() {
        let request = |key: &str| model(key).unwrap().transport.records_request();
        assert_eq!(request("sig-glucose"), Some((0x2A52, [0x01, 0x01].as_slice())));
        assert_eq!(request("sig-pulse-oximeter"), request("sig-glucose"));
        assert_eq!((request("sig-blood-pressure"), request("nonin-df2")), (None, None));
    }

    #[test]
    fn clocks_are_set_in_the_words_of_the_model() {
        let now = civil::date(2026, 3, 1).at(8, 0, 0, 0);
        assert_eq!(TimeWrite::DateTime.value(now).len(), 7);
        assert_eq!(TimeWrite::CurrentTime.value(now).len(), 10);
        assert_eq!(sig_uuid(TimeWrite::DateTime.characteristic()), sig_uuid(0x2A08));
    }
}
