//! Rows of pulse oximeters.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::{
    AT_ONCE, Model, Parity, READS, SerialFormat, TimeWrite, Transport, characteristic, service,
    sig_uuid,
};
use crate::link::Write;

const VALUES: &[Uuid] =
    &[sig_uuid(characteristic::PLX_SPOT_CHECK), sig_uuid(characteristic::PLX_CONTINUOUS)];
const VALUES_AND_RECORDS: &[Uuid] = &[
    sig_uuid(characteristic::PLX_SPOT_CHECK),
    sig_uuid(characteristic::PLX_CONTINUOUS),
    sig_uuid(characteristic::RECORD_ACCESS),
];

/// Starts the live stream: `7D`, high bits, and the command A1 with six bytes of nothing.
const CONTEC_START: [u8; 9] = [0x7D, 0x81, 0xA1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
/// Keeps it going; without it the device stops after some 5 s.
const CONTEC_KEEP_ALIVE: [u8; 9] = [0x7D, 0x81, 0xAF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "choicemmed-plx",
        name: "ChoiceMMed oximeter",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::PULSE_OXIMETER)],
            subscriptions: VALUES,
            reads: READS,
            time_write: None,
            settle: AT_ONCE,
            requests: &[],
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
            writes: &[],
        },
        notes: "CMS50E and CMS50F, too; newer units of the same name speak another format, and stay \
                silent here.",
    },
    Model {
        key: "contec-9byte",
        name: "Contec CMS50D+, CMS50E or CMS50F (serial, 9 bytes)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            baud: 115_200,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            format: SerialFormat::ContecNineByte,
            writes: &[Write::once(&CONTEC_START), Write::every(4, &CONTEC_KEEP_ALIVE)],
        },
        notes: "Newer units; older ones of the same name speak the format of 5 bytes, and stay silent \
                here. The hub starts it and keeps it awake.",
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
            writes: &[],
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
            writes: &[],
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
            writes: &[],
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
            writes: &[],
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
            writes: &[],
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
            writes: &[],
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
            writes: &[],
        },
        notes: "Data Format 8 has to be chosen on the device. It has no checksum.",
    },
    Model {
        key: "sig-pulse-oximeter",
        name: "Any pulse oximeter with the standard service",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::PULSE_OXIMETER)],
            subscriptions: VALUES_AND_RECORDS,
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            settle: AT_ONCE,
            requests: &[],
        },
        notes: "",
    },
];
