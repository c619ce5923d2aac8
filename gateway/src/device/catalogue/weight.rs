//! Rows of scales.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::pairing::{AS_ITS_MANUAL_SAYS, CABLE, ON_THE_AIR, WITHOUT_A_BOND};
use super::{
    AT_ONCE, Bonding, GattFormat, Line, Model, Parity, READS, SerialFormat, TimeWrite, Transport,
    characteristic, service, sig_uuid,
};

/// Weights of two generations, body values, and events.
const TRANSTEK: &[Uuid] = &[sig_uuid(0x8A21), sig_uuid(0x8A24), sig_uuid(0x8A22), sig_uuid(0x8A82)];

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "and-uc-321",
        name: "A&D UC-321 (serial)",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Serial {
            lines: &[Line {
                data_bits: 7,
                parity: Parity::Even,
                ..Line::usual(2400, SerialFormat::AndScale)
            }],
        },
        pairing: CABLE,
        notes: "Speed and parity can be set in the scale; these are the usual ones. Set it to \
                print by itself when the weight is stable.",
    },
    Model {
        key: "and-uc-352ble",
        name: "A&D UC-352BLE",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &["A&D_UC-352BLE"],
            services: &[sig_uuid(service::WEIGHT_SCALE)],
            advertised: &[],
            subscriptions: &[sig_uuid(characteristic::WEIGHT)],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            bonding: Bonding::JustWorks,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: &["Press the button under the scale."],
        notes: "Some units send no time.",
    },
    Model {
        key: "sig-body-composition",
        name: "Any body composition scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::BODY_COMPOSITION)],
            advertised: &[],
            subscriptions: &[
                sig_uuid(characteristic::BODY_COMPOSITION),
                sig_uuid(characteristic::WEIGHT),
                sig_uuid(characteristic::USER_CONTROL),
            ],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "A scale that wants its user's consent first needs the slot and the code of the user in the \
                configuration.",
    },
    Model {
        key: "detecto-scale",
        name: "Detecto 6880 or 7550",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::WEIGHT_SCALE)],
            advertised: &[],
            subscriptions: &[sig_uuid(characteristic::WEIGHT)],
            reads: READS,
            time_write: None,
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Detecto,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "It has no clock. Weigh something known once: its manual says other steps than the standard, in \
                which it is read.",
    },
    Model {
        key: "sig-weight-scale",
        name: "Any scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::WEIGHT_SCALE)],
            advertised: &[],
            subscriptions: &[
                sig_uuid(characteristic::WEIGHT),
                sig_uuid(characteristic::USER_CONTROL),
            ],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "A scale that wants its user's consent first needs the slot and the code of the user in the \
                configuration.",
    },
    Model {
        key: "transtek-bs444",
        name: "Medisana BS430, BS440 or BS444",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(0x78B2)],
            advertised: &[],
            subscriptions: TRANSTEK,
            reads: READS,
            time_write: Some(TimeWrite::Transtek),
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Transtek,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "The scale forgets a weight once it has delivered it. Its clock is set, which makes it deliver.",
    },
    Model {
        key: "xiaomi-s400",
        name: "Xiaomi body composition scale S400 (MJTZC01YM)",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &["Xiaomi Scale S400"],
            // It advertises the data of its service, and not the service.
            services: &[],
            advertised: &[sig_uuid(0xFE95)],
            subscriptions: &[],
            reads: &[],
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::XiaomiS400,
            requests: &[],
        },
        pairing: ON_THE_AIR,
        notes: "It is read with its key, `bind_key` in the configuration, which its maker's cloud has once the scale was added to their app. It is never connected. Its weight alone is taken.",
    },
    Model {
        key: "xiaomi-scale",
        name: "Xiaomi Mi scale (XMTZC01HM, XMTZC04HM)",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &["MI SCALE", "MI_SCALE"],
            services: &[sig_uuid(service::WEIGHT_SCALE)],
            advertised: &[sig_uuid(service::WEIGHT_SCALE)],
            subscriptions: &[],
            reads: &[],
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::XiaomiScale1,
            requests: &[],
        },
        pairing: ON_THE_AIR,
        notes: "It says its weight to everybody and is never connected: anybody can imitate it. Its clock is not set.",
    },
    Model {
        key: "xiaomi-scale-2",
        name: "Xiaomi Mi body composition scale 2 (XMTZC02HM, XMTZC05HM)",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &["MIBCS", "MIBFS"],
            services: &[sig_uuid(service::BODY_COMPOSITION)],
            advertised: &[sig_uuid(service::BODY_COMPOSITION)],
            subscriptions: &[],
            reads: &[],
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::XiaomiScale2,
            requests: &[],
        },
        pairing: ON_THE_AIR,
        notes: "It says its weight to everybody and is never connected: anybody can imitate it. Its clock is not set. Its weight alone is taken.",
    },
];
