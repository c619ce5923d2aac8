//! Rows of Omron cuffs and scales whose memory is read.

use ::uuid::Uuid;
use vitals::DeviceKind;

use super::{AT_ONCE, Bonding, GattFormat, Model, READS, Transport};
use crate::device::omron_memory::{self as memory, ANSWERS, Layout, Lock, UNLOCK};

const KEY_SUBSCRIPTIONS: &[Uuid] = &[ANSWERS[0], ANSWERS[1], ANSWERS[2], ANSWERS[3], UNLOCK];
const TOKEN_SUBSCRIPTIONS: &[Uuid] = &[ANSWERS[0], UNLOCK];

/// The name says whether it is a cuff or a scale; cuffs with the standard service bear it, too.
const CUFF_NAMES: &[&str] = &["BLEsmart_0000"];
const SCALE_NAMES: &[&str] = &["BLEsmart_0001"];

const KEY_PAIRING: &[&str] = &[
    "Hold its Bluetooth button until \"-P-\" blinks.",
    "It takes the hub's key while it is paired: a telephone that read it has to be paired with it again.",
];
const TOKEN_PAIRING: &[&str] = &[
    "Look at its label: other models bear the same name on the air and keep their records in another \
     way; they cannot be read so.",
    "Hold its Bluetooth button until \"-P-\" blinks.",
];

const NOTES: &str = "Its label says which model it is, its name on the air does not. The hub reads all it has stored at each \
                     connection and never writes into its memory: set its clock at the device.";

pub(super) const ROWS: &[Model] = &[
    row("omron-hem-7322t", "Omron HEM-7322T", DeviceKind::BloodPressureMonitor, &memory::HEM_7322T),
    row("omron-hem-7600t", "Omron HEM-7600T", DeviceKind::BloodPressureMonitor, &memory::HEM_7600T),
    row("omron-hem-6232t", "Omron HEM-6232T", DeviceKind::BloodPressureMonitor, &memory::HEM_6232T),
    row("omron-hem-7530t", "Omron HEM-7530T", DeviceKind::BloodPressureMonitor, &memory::HEM_7530T),
    row("omron-hem-7150t", "Omron HEM-7150T", DeviceKind::BloodPressureMonitor, &memory::HEM_7150T),
    row("omron-hem-7155t", "Omron HEM-7155T", DeviceKind::BloodPressureMonitor, &memory::HEM_7155T),
    row(
        "omron-hem-7361t",
        "Omron HEM-7342T or HEM-7361T",
        DeviceKind::BloodPressureMonitor,
        &memory::HEM_7361T,
    ),
    row(
        "omron-hem-7142t2",
        "Omron HEM-7142T2",
        DeviceKind::BloodPressureMonitor,
        &memory::HEM_7142T2,
    ),
    row("omron-hbf-702t", "Omron HBF-702T", DeviceKind::WeighingScale, &memory::HBF_702T),
];

const fn row(
    key: &'static str,
    name: &'static str,
    kind: DeviceKind,
    layout: &'static Layout,
) -> Model {
    let (service, subscriptions, pairing): (&'static [Uuid], _, _) = match layout.lock {
        Lock::Key => (&[memory::SERVICE], KEY_SUBSCRIPTIONS, KEY_PAIRING),
        Lock::Token => (&[memory::MODERN_SERVICE], TOKEN_SUBSCRIPTIONS, TOKEN_PAIRING),
    };
    Model {
        key,
        name,
        kind,
        transport: Transport::Bluetooth {
            names: if matches!(kind, DeviceKind::WeighingScale) { SCALE_NAMES } else { CUFF_NAMES },
            services: service,
            advertised: &[],
            subscriptions,
            reads: READS,
            time_write: None,
            bonding: Bonding::JustWorks,
            settle: AT_ONCE,
            format: GattFormat::OmronMemory(layout),
            requests: &[],
        },
        pairing,
        notes: NOTES,
    }
}
