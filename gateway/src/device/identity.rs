//! What is known again when a device tells it once more.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use vitals::{DeviceTime, Measurement, ReadingKind};

/// What makes a measurement, or one that failed, the same one.
pub(super) struct Content<'a> {
    /// The word for what it is.
    pub what: &'a str,
    /// When it was measured, as the device says it.
    pub device_time: Option<DeviceTime>,
    /// The user whom the device thinks it measured.
    pub user_slot: Option<u8>,
    /// What was measured.
    pub kind: ReadingKind,
    /// The values; none where it failed.
    pub values: &'a [Measurement],
    /// The bytes of a record of a memory, which comes again in each session.
    pub record: Option<&'a [u8]>,
}

impl Content<'_> {
    /// It names rows on disk, so it never changes; `None` without a date, unless it is a record of
    /// a memory: that one is known by its bytes.
    pub(super) fn identity(&self) -> Option<[u8; 16]> {
        let Self { what, kind, .. } = self;
        let slot = self.user_slot.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let Some(device_time) = self.device_time.filter(|it| it.civil().is_some()) else {
            return cut_digest(&format!("{what} without a date 1\n{slot}\n"), self.record?);
        };
        let mut lines = format!("{what} 1\n{device_time}\n{slot}\n{kind}\n");
        for Measurement { vital, quantity } in self.values {
            let (value, unit) = (quantity.value().normalize(), quantity.unit().ucum());
            writeln!(lines, "{vital} {value} {unit}").ok()?;
        }
        cut_digest(&lines, &[])
    }
}

/// SHA-256 over `lines` and `raw`, cut to 16 bytes; it always is some.
pub(super) fn cut_digest(lines: &str, raw: &[u8]) -> Option<[u8; 16]> {
    let digest: [u8; 32] = Sha256::new().chain_update(lines).chain_update(raw).finalize().into();
    digest.first_chunk().copied()
}
