//! Settings of a serial line.

use super::{Parity, SerialFormat};
use crate::link::Write;

/// A serial line, and what is spoken on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Speed in baud.
    pub baud: u32,
    /// Bits a character, 7 or 8.
    pub data_bits: u8,
    /// Parity.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
    /// What the bytes are.
    pub format: SerialFormat,
    /// What to write to it so that a device talks.
    pub writes: &'static [Write],
}

impl Line {
    /// A line as most devices have it, 8N1, of one that talks by itself.
    #[must_use]
    pub(super) const fn usual(baud: u32, format: SerialFormat) -> Self {
        Self { baud, data_bits: 8, parity: Parity::None, stop_bits: 1, format, writes: &[] }
    }

    /// Bits, parity and stop bits, as `8N1`.
    #[must_use]
    pub fn shape(&self) -> String {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        format!("{}{parity}{}", self.data_bits, self.stop_bits)
    }
}
