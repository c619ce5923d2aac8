//! Rows of glucose meters, thermometers and heart rate sensors.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::{
    AT_ONCE, GattFormat, Model, Parity, READS, SerialFormat, TimeWrite, Transport, characteristic,
    service, sig_uuid, taidoc,
};

const GLUCOSE: &[Uuid] = &[
    sig_uuid(characteristic::GLUCOSE),
    sig_uuid(characteristic::GLUCOSE_CONTEXT),
    sig_uuid(characteristic::RECORD_ACCESS),
];

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "sig-glucose",
        name: "Any glucose meter with the standard service",
        kind: DeviceKind::GlucoseMeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::GLUCOSE)],
            advertised: &[],
            subscriptions: GLUCOSE,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        notes: "It shows a PIN when it is paired, or has it on its label. It keeps its records, and \
                control solution is passed over.",
    },
    Model {
        key: "sig-heart-rate",
        name: "Any heart rate sensor with the standard service",
        kind: DeviceKind::HeartRateSensor,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::HEART_RATE)],
            advertised: &[],
            subscriptions: &[sig_uuid(characteristic::HEART_RATE)],
            reads: READS,
            time_write: None,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        notes: "",
    },
    Model {
        key: "sig-thermometer",
        name: "Any thermometer with the standard service",
        kind: DeviceKind::Thermometer,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::HEALTH_THERMOMETER)],
            advertised: &[],
            subscriptions: &[sig_uuid(characteristic::TEMPERATURE)],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        notes: "",
    },
    Model {
        key: "taidoc-glucose",
        name: "TaiDoc or Fora glucose meter (serial)",
        kind: DeviceKind::GlucoseMeter,
        transport: Transport::Serial {
            baud: 19_200,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::TaiDoc,
            writes: taidoc::RECORDS,
        },
        notes: "It is asked for its last records every 15 s; records of meters with a cuff are told apart.",
    },
    Model {
        key: "biolight-temp-sitter",
        name: "Biolight Temp Sitter",
        kind: DeviceKind::Thermometer,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(0xFFE0)],
            advertised: &[],
            subscriptions: &[sig_uuid(0xFFE1)],
            reads: READS,
            time_write: None,
            settle: AT_ONCE,
            format: GattFormat::Biolight,
            requests: &[],
        },
        notes: "A patch that is worn. Its service is that of many other things.",
    },
];
