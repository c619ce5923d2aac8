//! Rows of blood pressure monitors.

use std::time::Duration;

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::pairing::{AS_ITS_MANUAL_SAYS, CABLE, WITHOUT_A_BOND};
use super::uuid::{JUMPER_AND_YONKER, JUMPER_AND_YONKER_VALUES};
use super::{
    AT_ONCE, Bonding, GattFormat, Line, Model, READS, SerialFormat, TimeWrite, Transport,
    characteristic, service, sig_uuid, taidoc,
};
use crate::link::{Request, Write};

const PRESSURES: &[Uuid] =
    &[sig_uuid(characteristic::BLOOD_PRESSURE), sig_uuid(characteristic::CUFF_PRESSURE)];

const TAIDOC: Uuid = Uuid::from_u128(0x00001523_1212_EFDE_1523_785FEABCD123);
const TAIDOC_VALUES: Uuid = Uuid::from_u128(0x00001524_1212_EFDE_1523_785FEABCD123);
/// Asks a Microlife for its memory: `4D FF`, length, a payload of zeros that ends with FD, and the sum.
const MICROLIFE_HISTORY: &[Request] = &[Request {
    characteristic: sig_uuid(0xFFF2),
    write: Write::once(&[0x4D, 0xFF, 0x00, 0x09, 0, 0, 0, 0, 0, 0, 0, 0xFD, 0x52]),
}];
const TAIDOC_RECORDS: &[Request] = &taidoc::requests(TAIDOC_VALUES);

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "and-ua-651ble",
        name: "A&D UA-651BLE",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &["A&D_UA-651BLE"],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            advertised: &[],
            subscriptions: &[sig_uuid(characteristic::BLOOD_PRESSURE)],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            bonding: Bonding::JustWorks,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: &["Hold START until \"Pr\" shows."],
        notes: "It stores failed measurements, too, and sends all it has stored.",
    },
    Model {
        key: "beurer-bm85",
        name: "Beurer BM85",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &["BM85"],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            advertised: &[],
            subscriptions: PRESSURES,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            bonding: Bonding::Passkey,
            settle: Duration::from_millis(500),
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: &["Start its Bluetooth pairing in its menu.", "Type the PIN that it shows."],
        notes: "It stays silent if it is subscribed to too fast.",
    },
    Model {
        key: "omron-hbp-9030",
        name: "Omron HBP-9030 (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial { lines: &[Line::usual(9600, SerialFormat::OmronHbp9030)] },
        pairing: CABLE,
        notes: "Choose output format 5 and the speed at the device.",
    },
    Model {
        key: "sig-blood-pressure",
        name: "Any blood pressure monitor with the standard service",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            advertised: &[],
            subscriptions: PRESSURES,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "",
    },
    Model {
        key: "suntech-nibp",
        name: "SunTech Advantage NIBP module (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial { lines: &[Line::usual(9600, SerialFormat::SunTech)] },
        pairing: CABLE,
        notes: "Results alone: another program starts the cuff and asks for them. The hub never moves a \
                cuff.",
    },
    Model {
        key: "taidoc-blood-pressure",
        name: "TaiDoc or Fora cuff (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial {
            lines: &[Line { writes: taidoc::RECORDS, ..Line::usual(19_200, SerialFormat::TaiDoc) }],
        },
        pairing: CABLE,
        notes: "It is asked for its last records every 15 s; the hub never starts it and never deletes one.",
    },
    Model {
        key: "jumper-jpd-ha120",
        name: "Jumper JPD-HA120",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(0xFFF0)],
            advertised: &[],
            subscriptions: &[sig_uuid(0xFFF1)],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::JumperHa120,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "It stores nothing: connect it before it measures. Its service is that of many other things.",
    },
    Model {
        key: "microlife-bluetooth",
        name: "Microlife BP A6 BT, B6 or BP3GY1",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(0xFFF0)],
            advertised: &[],
            subscriptions: &[sig_uuid(0xFFF1)],
            reads: READS,
            time_write: Some(TimeWrite::Microlife),
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Microlife,
            requests: MICROLIFE_HISTORY,
        },
        pairing: WITHOUT_A_BOND,
        notes: "It is asked for all it has stored at each connection, and its clock is set. Its service is that of many other things.",
    },
    Model {
        key: "taidoc-bluetooth",
        name: "TaiDoc or Fora TD-3128 (Bluetooth)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[TAIDOC],
            advertised: &[],
            subscriptions: &[TAIDOC_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::TaiDoc,
            requests: TAIDOC_RECORDS,
        },
        pairing: WITHOUT_A_BOND,
        notes: "It is asked for its last five records; the hub never starts it and never deletes one.",
    },
    Model {
        key: "yonker-cuff",
        name: "Yonker YK-IBPA1 or BPW5",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[JUMPER_AND_YONKER],
            advertised: &[],
            subscriptions: &[JUMPER_AND_YONKER_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Yonker,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "Oximeters of Jumper have the same service.",
    },
];
