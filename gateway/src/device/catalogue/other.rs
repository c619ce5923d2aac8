//! Rows of glucose meters, thermometers and heart rate sensors.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::pairing::{AS_ITS_MANUAL_SAYS, CABLE, WITHOUT_A_BOND};
use super::{
    AT_ONCE, Bonding, GattFormat, Line, Model, READS, SerialFormat, TimeWrite, Transport,
    characteristic, service, sig_uuid, taidoc,
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
            bonding: Bonding::Passkey,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: &[
            "Start its pairing mode as its manual says.",
            "Type the PIN that it shows, or that is on its label.",
        ],
        notes: "It keeps its records, and control solution is passed over.",
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
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
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
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "",
    },
    Model {
        key: "taidoc-glucose",
        name: "TaiDoc or Fora glucose meter (serial)",
        kind: DeviceKind::GlucoseMeter,
        transport: Transport::Serial {
            lines: &[Line { writes: taidoc::RECORDS, ..Line::usual(19_200, SerialFormat::TaiDoc) }],
        },
        pairing: CABLE,
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
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Biolight,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "A patch that is worn. Its service is that of many other things.",
    },
];
