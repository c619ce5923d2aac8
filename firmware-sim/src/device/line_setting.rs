//! Speed and shape of the characters that a device sends on a serial line.

/// A bit that makes the number of set bits of a character even or odd.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Parity {
    None,
    Even,
    Odd,
}

/// How one end of a serial line is set; every device here sends one stop bit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LineSetting {
    /// Bits a second.
    pub(crate) baud: u32,
    /// Bits of a character, 7 or 8.
    pub(crate) data_bits: u8,
    pub(crate) parity: Parity,
}

impl LineSetting {
    /// What most devices have: 8N1.
    pub(crate) const fn usual(baud: u32) -> Self {
        Self { baud, data_bits: 8, parity: Parity::None }
    }
}
