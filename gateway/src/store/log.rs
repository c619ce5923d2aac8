//! What the write-ahead log of a ledger that was not closed holds, before SQLite reads it.
//!
//! [`vitals::write_ahead`] says which damage can be told from a power cut. Here each commit that changes
//! pages of records is flushed before the next one begins, and each start begins the log anew. What
//! the agency holds is committed without a flush: of one start's frames a cut can tear those, in any
//! order, and one commit with records.
//!
//! After damage to that last commit, or to all from one of them on, the ledger is as it was after an
//! earlier commit. The agency's next receipt shows that, where it covers a number that the ledger
//! never gave: the hub goes on in a new epoch (`gateway/src/hub/receipt.rs`). What the agency did not
//! hold either is lost without a word.
//!
//! Damage is seen where there is none if two cuts came in a row, and the start between them could not
//! begin the log anew: because somebody read it, or because the disk was full. The hub then salvages
//! its ledger, and loses nothing.

use std::fs;
use std::path::Path;

use vitals::Sequence;
use vitals::write_ahead::Log;

use super::StoreError;
use super::quarantine::beside;
use super::schema::PAGE_LEN_BYTES;

/// First byte of a page that has rows of a table.
const TABLE_LEAF: u8 = 0x0d;

/// Looks whether the log of the database at `path` is damaged.
///
/// # Errors
///
/// Returns [`StoreError::Corrupt`] where it is, and that can be told from a power cut.
pub(super) fn sound(path: &Path) -> Result<(), StoreError> {
    let mut last = 0;
    let mut is_append = |page: &[u8]| {
        let seq = last_seq(page).filter(|it| last < *it);
        seq.inspect(|it| last = *it).is_some()
    };
    match read(path).and_then(|it| it.damage(&mut is_append)) {
        Some(damage) => {
            Err(StoreError::Corrupt { path: path.to_owned(), cause: damage.to_string() })
        }
        None => Ok(()),
    }
}

/// The log of the database at `path` up to its last whole commit, with checksums by which SQLite
/// takes all of it; what its frames say is as it was.
pub(super) fn mended(path: &Path) -> Option<Vec<u8>> {
    read(path)?.mended()
}

fn read(path: &Path) -> Option<Log> {
    Log::parse(&fs::read(beside(path, "-wal")).ok()?, PAGE_LEN_BYTES)
}

/// The last place of a record on a page, where it has records: rows of a place, bytes and a checksum.
fn last_seq(page: &[u8]) -> Option<Sequence> {
    let (kind, counts) = page.split_first()?;
    let n_rows = u16::from_be_bytes(*counts.get(2..)?.first_chunk()?);
    if *kind != TABLE_LEAF || n_rows == 0 {
        return None;
    }
    let last = usize::from(n_rows).checked_mul(2)?.checked_add(6)?;
    let at = u16::from_be_bytes(*page.get(last..)?.first_chunk()?);
    let (_len, row) = varint(page.get(usize::from(at)..)?)?;
    let (seq, row) = varint(row)?;
    let (_head_len, row) = varint(row)?;
    let (place, row) = varint(row)?;
    let (payload, _rest) = varint(row)?;
    (place == 0 && 12 <= payload && payload.is_multiple_of(2)).then_some(seq)
}

/// A number of SQLite's: seven bits a byte, the highest first, and eight in the ninth.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value: u64 = 0;
    for (nth, &byte) in bytes.iter().enumerate().take(9) {
        let rest = bytes.get(nth.checked_add(1)?..)?;
        if nth == 8 {
            return Some((value << 8 | u64::from(byte), rest));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}
