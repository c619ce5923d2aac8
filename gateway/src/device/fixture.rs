//! What the tests of the decoders share: bytes from hexadecimal text, and moments.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{BootId, Stamp};

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Every beginning of a payload that is shorter than it, the empty one included.
pub(crate) fn prefixes(text: &str) -> Vec<Vec<u8>> {
    let whole = bytes(text);
    (0..whole.len()).map(|len| whole.iter().copied().take(len).collect()).collect()
}

/// A moment so many milliseconds into a morning.
pub(crate) fn at_ms(since_boot_ms: u64) -> Stamp {
    let start: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    let since_boot = Duration::from_millis(since_boot_ms);
    Stamp { wall: start.checked_add(since_boot).unwrap(), boot: BootId([7; 16]), since_boot }
}
