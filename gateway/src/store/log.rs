//! What the write-ahead log of a file that was not closed holds, before SQLite reads it.
//!
//! SQLite takes the first frame whose checksum does not fit for the end of the log, and drops what
//! follows without a word. After a power cut that is right: what was not flushed may be there or not,
//! sector by sector, in any order. But each commit that changes pages of records is flushed before
//! the next one begins, and each start begins the log anew, with other salts. So of one start's
//! frames a cut can tear those behind the last flushed commit alone: what the agency holds, and one
//! commit with records. Where a whole frame stands behind a commit with records, and that commit or
//! one before it does not fit, the log is damaged.
//!
//! Some damage cannot be told from a cut by what is in the log:
//!
//! - to the last commit with records, and to what was written without a flush behind it;
//! - to all frames from one of them on, and a log that is shorter than it was;
//! - to a log that is gone.
//!
//! The ledger is then as it was after an earlier commit. The agency's next receipt shows that, where
//! it covers a number that the ledger never gave: the hub goes on in a new epoch
//! (`gateway/src/hub/receipt.rs`). What the agency did not hold either is lost without a word.
//!
//! Damage is seen where there is none if two cuts came in a row, and the start between them could not
//! begin the log anew: because somebody read it, or because the disk was full. The hub then salvages
//! its ledger, and loses nothing.
//!
//! ```text
//! offset  size  header; all numbers are big-endian
//! 0       4     0x377f0682 or, where the checksums are over big-endian words, 0x377f0683
//! 4       12    version of the format, size of a page, number of the checkpoint
//! 16      8     salts, others each time that the log begins anew
//! 24      8     checksum of all before
//!
//! offset  size  frame
//! 0       4     number of the page
//! 4       4     pages of the database where the frame ends a commit, else 0
//! 8       8     salts of the header
//! 16      8     checksum of the first 8 bytes and the page, begun with that of the frame before
//! 24      1024  page
//! ```

use std::fs;
use std::path::Path;

use vitals::Sequence;

use super::StoreError;
use super::quarantine::beside;
use super::schema::PAGE_LEN_BYTES;

/// Size of a page in each ledger, in bytes.
const PAGE_LEN: usize = 1024;

const HEADER_LEN: usize = 32;

/// What stands before the page in a frame, in bytes.
const HEAD_LEN: usize = 24;

const FRAME_LEN: usize = HEAD_LEN + PAGE_LEN;

/// Begins a log whose checksums are over big-endian words.
const BIG_ENDIAN: u32 = 0x377f_0683;

/// Begins any other.
const LITTLE_ENDIAN: u32 = 0x377f_0682;

/// Version of the format.
const FORMAT: u32 = 3_007_000;

/// First byte of a page that has rows of a table.
const TABLE_LEAF: u8 = 0x0d;

type Sum = [u32; 2];

/// A log with its frames, whole or not.
#[derive(Debug)]
struct Log {
    words: Words,
    /// Whether the checksum of the header fits.
    is_sound: bool,
    salts: [u8; 8],
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    page_number: u32,
    /// 0 where it does not end a commit.
    n_pages: u32,
    salts: [u8; 8],
    checksum: [u8; 8],
    page: [u8; PAGE_LEN],
    /// Whether it is of this log.
    is_own: bool,
    /// Whether it fits, if the checksum of the frame before is what was written.
    is_whole: bool,
}

/// Looks whether the log of the database at `path` is damaged.
///
/// # Errors
///
/// Returns [`StoreError::Corrupt`] where it is, and that can be told from a power cut.
pub(super) fn sound(path: &Path) -> Result<(), StoreError> {
    let Some(log) = Log::read(path) else { return Ok(()) };
    match log.first_damaged() {
        Some(first) if log.has_flushed_commit_behind(first) => {
            let (nth, n_frames) = (first.saturating_add(1), log.frames.len());
            let cause = format!("frame {nth} of {n_frames} in its log does not fit, later ones do");
            Err(StoreError::Corrupt { path: path.to_owned(), cause })
        }
        Some(_) | None => Ok(()),
    }
}

/// The log of the database at `path` up to its last whole commit, with checksums by which SQLite
/// takes all of it; what its frames say is as it was.
pub(super) fn mended(path: &Path) -> Option<Vec<u8>> {
    let log = Log::read(path)?;
    let last = log.frames.iter().rposition(|it| it.is_whole && it.ends_commit())?;
    Some(log.written_anew(last))
}

impl Log {
    fn read(path: &Path) -> Option<Self> {
        Self::parse(&fs::read(beside(path, "-wal")).ok()?)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, frames) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let (said, checksum) = header.split_first_chunk::<24>()?;
        let is_big_endian = number(said.first_chunk()?) == BIG_ENDIAN;
        let is_sound = bytes_of(Words { is_big_endian }.sum([0; 2], said)) == *checksum;
        let words = Words { is_big_endian: is_sound && is_big_endian };
        let frames: Vec<_> = frames.chunks_exact(FRAME_LEN).filter_map(Frame::parse).collect();
        let salts = match is_sound {
            true => *said.last_chunk()?,
            // Those of the first frames that agree.
            false => frames.windows(2).find_map(|it| match it {
                [one, other] if one.salts == other.salts => Some(one.salts),
                _differ => None,
            })?,
        };
        let mut before = *checksum.first_chunk()?;
        let mut found = Vec::new();
        for mut frame in frames {
            // Where this log has not come to yet, there are frames of the one before.
            frame.is_own = frame.salts == salts;
            let fits = frame.fits(words, before, frame.numbers());
            frame.is_whole = frame.is_own && fits;
            if !fits {
                frame.mend_numbers(words, before);
            }
            before = frame.checksum;
            found.push(frame);
        }
        Some(Self { words, is_sound, salts, frames: found })
    }

    /// The first frame at which SQLite stops; all are behind a damaged header.
    fn first_damaged(&self) -> Option<usize> {
        match self.is_sound {
            true => self.frames.iter().position(|it| !it.is_whole),
            false => Some(0),
        }
    }

    /// Whether, from the commit of frame `first` on, one that appends a record has a whole frame
    /// behind it: that one was written when the commit was on the disk.
    fn has_flushed_commit_behind(&self, first: usize) -> bool {
        let committed = self.frames.iter().take(first).rposition(Frame::ends_commit);
        let begin = committed.map_or(0, |it| it.saturating_add(1)).min(self.frames.len());
        let (before, behind) = self.frames.split_at(begin);
        let mut last_seq = before.iter().filter_map(Frame::last_seq).max().unwrap_or(0);
        let (mut is_append, mut is_flushed) = (false, false);
        for frame in behind {
            if is_flushed && frame.is_whole {
                return true;
            }
            if let Some(seq) = frame.last_seq().filter(|it| last_seq < *it) {
                (last_seq, is_append) = (seq, true);
            }
            if frame.ends_commit() {
                is_flushed |= is_append;
                is_append = false;
            }
        }
        false
    }

    fn written_anew(&self, last: usize) -> Vec<u8> {
        let n_pages = self.frames.iter().filter(|it| it.is_whole).map(|it| it.n_pages).max();
        let magic = if self.words.is_big_endian { BIG_ENDIAN } else { LITTLE_ENDIAN };
        let numbers = [magic, FORMAT, PAGE_LEN_BYTES, 0].map(u32::to_be_bytes);
        let mut bytes = [&numbers.concat()[..], &self.salts].concat();
        let mut sum = self.words.sum([0; 2], &bytes);
        bytes.extend(bytes_of(sum));
        // A frame of no page, or of one that is not there, has nowhere to go.
        let has_place = |it: &&Frame| (1..=n_pages.unwrap_or(0)).contains(&it.page_number);
        for frame in self.frames.iter().take(last.saturating_add(1)).filter(has_place) {
            let ends = if frame.is_whole { frame.n_pages } else { 0 };
            let numbers = bytes_of([frame.page_number, ends]);
            sum = self.words.sum(self.words.sum(sum, &numbers), &frame.page);
            for part in [&numbers[..], &self.salts, &bytes_of(sum), &frame.page] {
                bytes.extend(part);
            }
        }
        bytes
    }
}

impl Frame {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, page) = bytes.split_first_chunk::<HEAD_LEN>()?;
        let (numbers, rest) = head.split_first_chunk::<8>()?;
        let (salts, checksum) = rest.split_first_chunk::<8>()?;
        let [page_number, n_pages] = numbers_of(*numbers);
        let (salts, checksum) = (*salts, *checksum.first_chunk()?);
        let page = *page.first_chunk()?;
        Some(Self { page_number, n_pages, salts, checksum, page, is_own: false, is_whole: false })
    }

    fn numbers(&self) -> [u8; 8] {
        bytes_of([self.page_number, self.n_pages])
    }

    /// Whether the checksum is that of the page with these numbers, behind a frame with the checksum
    /// `before`.
    fn fits(&self, words: Words, before: [u8; 8], numbers: [u8; 8]) -> bool {
        let sum = words.sum(words.sum(numbers_of(before), &numbers), &self.page);
        bytes_of(sum) == self.checksum
    }

    /// Where one bit of the numbers is wrong, puts it right: a page in the place of another one would
    /// hide that, too.
    fn mend_numbers(&mut self, words: Words, before: [u8; 8]) {
        let said = u64::from_be_bytes(self.numbers());
        let others = (0..u64::BITS).map(|bit| (said ^ 1 << bit).to_be_bytes());
        let mut fitting = others.filter(|it| self.fits(words, before, *it));
        if let Some(meant) = fitting.next() {
            [self.page_number, self.n_pages] = numbers_of(meant);
        }
    }

    const fn ends_commit(&self) -> bool {
        self.is_own && self.n_pages != 0
    }

    /// The last place of a record on this page, where it has records: rows of a place, bytes and a
    /// checksum.
    fn last_seq(&self) -> Option<Sequence> {
        let (kind, counts) = self.page.split_first()?;
        let n_rows = u16::from_be_bytes(*counts.get(2..)?.first_chunk()?);
        if *kind != TABLE_LEAF || n_rows == 0 {
            return None;
        }
        let last = usize::from(n_rows).checked_mul(2)?.checked_add(6)?;
        let at = u16::from_be_bytes(*self.page.get(last..)?.first_chunk()?);
        let (_len, row) = varint(self.page.get(usize::from(at)..)?)?;
        let (seq, row) = varint(row)?;
        let (_head_len, row) = varint(row)?;
        let (place, row) = varint(row)?;
        let (payload, _rest) = varint(row)?;
        (place == 0 && 12 <= payload && payload.is_multiple_of(2)).then_some(seq)
    }
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

const fn number(bytes: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*bytes)
}

const fn numbers_of([a, b, c, d, e, f, g, h]: [u8; 8]) -> Sum {
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

fn bytes_of([first, second]: Sum) -> [u8; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_be_bytes(), second.to_be_bytes());
    [a, b, c, d, e, f, g, h]
}

/// How the log's checksums read words.
#[derive(Debug, Clone, Copy)]
struct Words {
    is_big_endian: bool,
}

impl Words {
    /// Goes on with a checksum over `bytes`, a multiple of eight.
    fn sum(self, before: Sum, bytes: &[u8]) -> Sum {
        let word = |it: &[u8; 4]| match self.is_big_endian {
            true => u32::from_be_bytes(*it),
            false => u32::from_le_bytes(*it),
        };
        bytes.as_chunks::<8>().0.iter().fold(before, |[first, second], it| {
            let [a, b, c, d, e, f, g, h] = *it;
            let first = first.wrapping_add(word(&[a, b, c, d])).wrapping_add(second);
            let second = second.wrapping_add(word(&[e, f, g, h])).wrapping_add(first);
            [first, second]
        })
    }
}
