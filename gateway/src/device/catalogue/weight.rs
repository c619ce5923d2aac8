//! Rows of scales.

use vitals::DeviceKind;

use super::{
    AT_ONCE, Model, Parity, READS, SerialFormat, TimeWrite, Transport, characteristic, service,
    sig_uuid,
};

pub(super) const ROWS: &[Model] = &[
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
            writes: &[],
        },
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
            subscriptions: &[sig_uuid(characteristic::WEIGHT)],
            reads: READS,
            time_write: Some(TimeWrite::DateTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "Press the button under the scale for pairing. Some units send no time.",
    },
    Model {
        key: "sig-body-composition",
        name: "Any body composition scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::BODY_COMPOSITION)],
            subscriptions: &[
                sig_uuid(characteristic::BODY_COMPOSITION),
                sig_uuid(characteristic::WEIGHT),
            ],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "Scales that want a user's consent first are not supported.",
    },
    Model {
        key: "sig-weight-scale",
        name: "Any scale with the standard service",
        kind: DeviceKind::WeighingScale,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::WEIGHT_SCALE)],
            subscriptions: &[sig_uuid(characteristic::WEIGHT)],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "Scales that want a user's consent first are not supported.",
    },
];
