//! CRC-32 of what a row says and where it stands: a row that moved is as wrong as one that changed.

use rusqlite::Row;
use rusqlite::types::FromSql;
use vitals::{Epoch, Sequence};

fn over(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|it| hasher.update(it));
    hasher.finalize()
}

/// Of a record: its place, then its bytes.
pub(super) fn of_record(seq: Sequence, payload: &[u8]) -> u32 {
    over(&[&seq.to_be_bytes(), payload])
}

/// Of an open alert: its identity, then the bytes of its last transition.
pub(super) fn of_alert(epoch: Epoch, number: Sequence, payload: &[u8]) -> u32 {
    over(&[&epoch.0, &number.to_be_bytes(), payload])
}

/// Of an epoch: where it begins, then itself.
pub(super) fn of_epoch(first: Sequence, epoch: Epoch) -> u32 {
    over(&[&first.to_be_bytes(), &epoch.0])
}

/// Of a range: both ends.
pub(super) fn of_span(first: Sequence, last: Sequence) -> u32 {
    over(&[&first.to_be_bytes(), &last.to_be_bytes()])
}

/// Whether the column `index` holds `checksum`; what is no checksum any more does not.
pub(super) fn fits(row: &Row<'_>, index: usize, checksum: u32) -> bool {
    row.get::<_, i64>(index).is_ok_and(|it| it == i64::from(checksum))
}

/// A column whose row has a checksum: what cannot be what was written is read as nothing, and does
/// not fit then.
pub(super) fn column<T: FromSql + Default>(row: &Row<'_>, index: usize) -> T {
    row.get(index).unwrap_or_default()
}
