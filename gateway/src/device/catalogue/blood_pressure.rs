//! Rows of blood pressure monitors.

use std::time::Duration;

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::{
    AT_ONCE, Model, Parity, READS, SerialFormat, TimeWrite, Transport, characteristic, service,
    sig_uuid, taidoc,
};

const PRESSURES: &[Uuid] =
    &[sig_uuid(characteristic::BLOOD_PRESSURE), sig_uuid(characteristic::CUFF_PRESSURE)];

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "and-ua-651ble",
        name: "A&D UA-651BLE",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &["A&D_UA-651BLE"],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            subscriptions: &[sig_uuid(characteristic::BLOOD_PRESSURE)],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "Hold START for pairing until \"Pr\" shows. It stores failed measurements, too, and \
                sends all it has stored.",
    },
    Model {
        key: "beurer-bm85",
        name: "Beurer BM85",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &["BM85"],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            subscriptions: PRESSURES,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: Duration::from_millis(500),
            requests: &[],
        },
        notes: "It shows a PIN when it is paired. It stays silent if it is subscribed to too fast.",
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
            writes: &[],
        },
        notes: "Choose output format 5 and the speed at the device.",
    },
    Model {
        key: "sig-blood-pressure",
        name: "Any blood pressure monitor with the standard service",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::BLOOD_PRESSURE)],
            subscriptions: PRESSURES,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "",
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
            writes: &[],
        },
        notes: "Results alone: another program starts the cuff and asks for them. The hub never moves a \
                cuff.",
    },
    Model {
        key: "taidoc-blood-pressure",
        name: "TaiDoc or Fora cuff (serial)",
        kind: DeviceKind::BloodPressureMonitor,
        transport: Transport::Serial {
            baud: 19_200,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::TaiDoc,
            writes: taidoc::RECORDS,
        },
        notes: "It is asked for its last records every 15 s; the hub never starts it and never deletes one.",
    },
];
