//! Rows of pulse oximeters.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::pairing::{AS_ITS_MANUAL_SAYS, CABLE, WITHOUT_A_BOND};
use super::uuid::{JUMPER_AND_YONKER, JUMPER_AND_YONKER_VALUES};
use super::{
    AT_ONCE, Bonding, GattFormat, Line, Model, Parity, READS, SerialFormat, TimeWrite, Transport,
    characteristic, service, sig_uuid,
};
use crate::device::nonin_3230;
use crate::link::{Request, Write};

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
/// Contec's older firmware.
const CONTEC_FIVE_BYTE: Line =
    Line { parity: Parity::Odd, ..Line::usual(19_200, SerialFormat::ContecFiveByte) };
/// Contec's newer firmware.
const CONTEC_NINE_BYTE: Line = Line {
    writes: &[Write::once(&CONTEC_START), Write::every(4, &CONTEC_KEEP_ALIVE)],
    ..Line::usual(115_200, SerialFormat::ContecNineByte)
};

/// Service and notifications of serial lines of Microchip over Bluetooth.
const BERRY: Uuid = Uuid::from_u128(0x49535343_FE7D_4AE5_8FA9_9FAFD205E455);
const BERRY_VALUES: Uuid = Uuid::from_u128(0x49535343_1E4D_4BD9_BA61_23C647249616);
/// Service and notifications of serial lines of Nordic over Bluetooth.
const NORDIC_SERIAL: Uuid = Uuid::from_u128(0x6E400001_B5A3_F393_E0A9_E50E24DCCA9E);
const NORDIC_SERIAL_VALUES: Uuid = Uuid::from_u128(0x6E400003_B5A3_F393_E0A9_E50E24DCCA9E);
const VIATOM: Uuid = Uuid::from_u128(0x14839AC4_7D7E_415C_9A42_167340CF2339);
const VIATOM_VALUES: Uuid = Uuid::from_u128(0x0734594A_A8E7_4B1A_A6B1_CD5243059A57);
const VIATOM_REQUESTS: Uuid = Uuid::from_u128(0x8B00ACE7_EB0B_49B0_BBE9_9AEE0A26E1A3);
/// Command 17, what it measures now, every 2 s: `AA`, the command, its bits turned, packet 0 and no
/// payload, and the CRC-8.
const VIATOM_LIVE: &[Request] = &[Request {
    characteristic: VIATOM_REQUESTS,
    write: Write::every(2, &[0xAA, 0x17, 0xE8, 0x00, 0x00, 0x00, 0x00, 0x1B]),
}];
/// What starts a CMS50D-BT, and keeps it awake every 5 s; the last byte of each is its sum.
const CMS50D_BT: &[Request] = &[
    cms50d_bt(Write::once(&[0x81, 0x01])),
    cms50d_bt(Write::once(&[0x82, 0x02])),
    cms50d_bt(Write::once(&[0x9B, 0x00, 0x1B])),
    cms50d_bt(Write::once(&[0x9B, 0x01, 0x1C])),
    cms50d_bt(Write::every(4, &[0x9A, 0x1A])),
];

const fn cms50d_bt(write: Write) -> Request {
    Request { characteristic: sig_uuid(0xFF01), write }
}

pub(super) const ROWS: &[Model] = &[
    Model {
        key: "choicemmed-plx",
        name: "ChoiceMMed oximeter",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::PULSE_OXIMETER)],
            advertised: &[],
            subscriptions: VALUES,
            reads: READS,
            time_write: None,
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Standard,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "Units with the standard oximeter service alone. Its clock is never set.",
    },
    Model {
        key: "contec-5byte",
        name: "Contec CMS50D+ (serial, 5 bytes)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial { lines: &[CONTEC_FIVE_BYTE] },
        pairing: CABLE,
        notes: "CMS50E and CMS50F, too; newer units of the same name speak another format, and stay \
                silent here: `contec-cms50` reads both.",
    },
    Model {
        key: "contec-9byte",
        name: "Contec CMS50D+, CMS50E or CMS50F (serial, 9 bytes)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial { lines: &[CONTEC_NINE_BYTE] },
        pairing: CABLE,
        notes: "Newer units; older ones of the same name speak the format of 5 bytes, and stay silent \
                here: `contec-cms50` reads both. The hub starts it and keeps it awake.",
    },
    Model {
        key: "contec-cms50",
        name: "Contec CMS50D+, CMS50E or CMS50F (serial)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial { lines: &[CONTEC_FIVE_BYTE, CONTEC_NINE_BYTE] },
        pairing: CABLE,
        notes: "Which of the two formats its firmware speaks is told by listening, some 2 s to each in \
                turns. The hub starts newer units and keeps them awake.",
    },
    Model {
        key: "masimo-ascii-1",
        name: "Masimo Radical-7, Rad-8 or Radical-57 (serial, ASCII 1)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial { lines: &[Line::usual(9600, SerialFormat::MasimoAscii)] },
        pairing: CABLE,
        notes: "Choose ASCII 1 as the output of the serial port. Its clock is not used.",
    },
    Model {
        key: "nonin-8500",
        name: "Nonin 8500 (serial text)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial { lines: &[Line::usual(9600, SerialFormat::NoninAscii)] },
        pairing: CABLE,
        notes: "The Avant family in its text format is read the same way.",
    },
    Model {
        key: "nonin-df1",
        name: "Nonin OEM III or Xpod (serial, Data Format 1)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            lines: &[Line::usual(9600, SerialFormat::NoninDataFormat1)],
        },
        pairing: CABLE,
        notes: "Data Format 1 has to be chosen on the module. It has no checksum; choose Data Format 2 \
                where you can.",
    },
    Model {
        key: "nonin-df13",
        name: "Nonin 9560 or WristOx2 3150 (serial, Data Format 13)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            lines: &[Line::usual(9600, SerialFormat::NoninDataFormat13)],
        },
        pairing: CABLE,
        notes: "Spot checks with their time. The host has to bind its Bluetooth serial port first.",
    },
    Model {
        key: "nonin-df2",
        name: "Nonin OEM III or Xpod (serial, Data Format 2)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            lines: &[Line::usual(9600, SerialFormat::NoninDataFormat2)],
        },
        pairing: CABLE,
        notes: "Data Format 2 has to be chosen on the module; 8500 units with that option, too.",
    },
    Model {
        key: "nonin-df7",
        name: "Nonin OEM III or Xpod (serial, Data Format 7)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            lines: &[Line::usual(9600, SerialFormat::NoninDataFormat7)],
        },
        pairing: CABLE,
        notes: "Data Format 7 has to be chosen on the module.",
    },
    Model {
        key: "nonin-df8",
        name: "Nonin WristOx2 3150 (serial, Data Format 8)",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Serial {
            lines: &[Line::usual(9600, SerialFormat::NoninDataFormat8)],
        },
        pairing: CABLE,
        notes: "Data Format 8 has to be chosen on the device. It has no checksum.",
    },
    Model {
        key: "nonin-3230",
        name: "Nonin 3230",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &["Nonin3230"],
            services: &[sig_uuid(service::PULSE_OXIMETER), nonin_3230::SERVICE],
            advertised: &[],
            subscriptions: &[
                sig_uuid(characteristic::PLX_SPOT_CHECK),
                sig_uuid(characteristic::RECORD_ACCESS),
                nonin_3230::EACH_SECOND,
            ],
            reads: READS,
            time_write: Some(TimeWrite::CurrentTime),
            bonding: Bonding::AsAsked,
            settle: AT_ONCE,
            format: GattFormat::Nonin3230,
            requests: &[],
        },
        pairing: AS_ITS_MANUAL_SAYS,
        notes: "A spot check: keep the finger in until it says that the value is good. It hangs up when the finger \
                leaves.",
    },
    Model {
        key: "sig-pulse-oximeter",
        name: "Any pulse oximeter with the standard service",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(service::PULSE_OXIMETER)],
            advertised: &[],
            subscriptions: VALUES_AND_RECORDS,
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
        key: "berry-oximeter",
        name: "Berry BM1000C or another BCI oximeter",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[BERRY],
            advertised: &[],
            subscriptions: &[BERRY_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Berry,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "Its service is that of many other things with a serial line over Bluetooth.",
    },
    Model {
        key: "contec-cms50d-bt",
        name: "Contec CMS50D-BT",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[],
            advertised: &[],
            subscriptions: &[sig_uuid(0xFF02), sig_uuid(0xFF04)],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Cms50dBt,
            requests: CMS50D_BT,
        },
        pairing: WITHOUT_A_BOND,
        notes: "Give its address by its label: the scan does not know it by a service. The hub starts it and keeps it awake.",
    },
    Model {
        key: "jks50f",
        name: "JKS50F oximeter",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[sig_uuid(0xFFE0)],
            advertised: &[],
            subscriptions: &[sig_uuid(0xFFE1)],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Jks50f,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "Its service is that of many other things; go by its name.",
    },
    Model {
        key: "jumper-jpd-500f",
        name: "Jumper JPD-500F",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[JUMPER_AND_YONKER],
            advertised: &[],
            subscriptions: &[JUMPER_AND_YONKER_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Jumper,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "It has no checksum. Cuffs of Yonker have the same service.",
    },
    Model {
        key: "viatom-o2ring",
        name: "Wellue O2Ring or CheckMe O2",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &[],
            services: &[VIATOM],
            advertised: &[],
            subscriptions: &[VIATOM_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Viatom,
            requests: VIATOM_LIVE,
        },
        pairing: WITHOUT_A_BOND,
        notes: "The hub asks for live values; what it stored is left in it. O2Ring-S speaks another format.",
    },
    Model {
        key: "viatom-pc-60fw",
        name: "Viatom PC-60FW",
        kind: DeviceKind::PulseOximeter,
        transport: Transport::Bluetooth {
            names: &["PC-60F"],
            services: &[NORDIC_SERIAL],
            advertised: &[],
            subscriptions: &[NORDIC_SERIAL_VALUES],
            reads: READS,
            time_write: None,
            bonding: Bonding::Never,
            settle: AT_ONCE,
            format: GattFormat::Pc60fw,
            requests: &[],
        },
        pairing: WITHOUT_A_BOND,
        notes: "Its service is that of many other things; go by its name.",
    },
];
