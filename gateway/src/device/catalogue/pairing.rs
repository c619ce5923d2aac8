//! What a person does once so that the hub reads a device: steps in words that many rows share.

/// A standard device, whose pairing mode differs from maker to maker.
pub(super) const AS_ITS_MANUAL_SAYS: &[&str] = &[
    "Start its pairing mode as its manual says: most blink, or show the Bluetooth sign.",
    "Where it shows a PIN or has one on its label, type that.",
];

/// A device that is connected whenever it is on, and that nobody saw ask for a bond.
pub(super) const WITHOUT_A_BOND: &[&str] = &[
    "Switch it on within reach of the hub, and end the connection to any phone.",
    "Write its address into the configuration. It is not known to want a bond; where it does, \
     `vitalgate device pair` makes one.",
];

/// A device that says everything in its advertisements.
pub(super) const ON_THE_AIR: &[&str] = &[
    "Step on it once: `vitalgate device scan` shows its address.",
    "Write the address into the configuration: it is never connected.",
];

/// A device with a cable.
pub(super) const CABLE: &[&str] = &[
    "Plug its cable into the hub.",
    "Write the path of its port below /dev/serial/by-id/ into the configuration: it stays the same \
     when another port is plugged in.",
];
