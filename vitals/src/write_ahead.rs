//! What a write-ahead log of SQLite holds, and whether it is damaged: bytes in, verdict out.
//!
//! SQLite takes the first frame whose checksum does not fit for the end of the log, and drops what
//! follows without a word. After a power cut that is right: what was not flushed may be there or not,
//! sector by sector, in any order. But where commits are flushed before the next one begins, a whole
//! frame behind one of them says that it was on the disk. If that commit or one before it does not
//! fit then, the log is damaged.
//!
//! That holds only where all frames of a log are of one life of its process: it has to begin the log
//! anew when it starts, with other salts. Else what one cut left behind the end of the log stands
//! behind what the next cut tears.
//!
//! Some damage cannot be told from a cut by what is in the log: to the last flushed commit and all
//! behind it, to all frames from one of them on, and a log that is shorter than it was, or gone.
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
//! 24            page
//! ```

use std::fmt;

const HEADER_LEN: usize = 32;

/// What stands before the page in a frame, in bytes.
const HEAD_LEN: usize = 24;

/// Begins a log whose checksums are over big-endian words.
const BIG_ENDIAN: u32 = 0x377f_0683;

/// Begins any other.
const LITTLE_ENDIAN: u32 = 0x377f_0682;

/// Version of the format.
const FORMAT: u32 = 3_007_000;

type Sum = [u32; 2];

/// A log with its frames, whole or not.
#[derive(Debug)]
pub struct Log {
    words: Words,
    page_len_bytes: u32,
    /// Whether the checksum of the header fits.
    is_sound: bool,
    salts: [u8; 8],
    frames: Vec<Frame>,
}

/// Damage that no power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The first frame that does not fit, from 1.
    pub nth: usize,
    /// Frames of the log.
    pub n_frames: usize,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nth, n_frames } = self;
        write!(f, "frame {nth} of {n_frames} in its log does not fit, later ones do")
    }
}

#[derive(Debug)]
struct Frame {
    page_number: u32,
    /// 0 where it does not end a commit.
    n_pages: u32,
    salts: [u8; 8],
    checksum: [u8; 8],
    page: Vec<u8>,
    /// Whether it is of this log.
    is_own: bool,
    /// Whether it fits, if the checksum of the frame before is what was written.
    is_whole: bool,
}

impl Log {
    /// Reads the log of a database with pages of `page_len_bytes`; `None` where nothing is in it.
    #[must_use]
    pub fn parse(bytes: &[u8], page_len_bytes: u32) -> Option<Self> {
        let (header, frames) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let (said, checksum) = header.split_first_chunk::<24>()?;
        let is_big_endian = number(said.first_chunk()?) == BIG_ENDIAN;
        let is_sound = bytes_of(Words { is_big_endian }.sum([0; 2], said)) == *checksum;
        let words = Words { is_big_endian: is_sound && is_big_endian };
        let frame_len = HEAD_LEN.checked_add(usize::try_from(page_len_bytes).ok()?)?;
        let frames: Vec<_> = frames.chunks_exact(frame_len).filter_map(Frame::parse).collect();
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
        Some(Self { words, page_len_bytes, is_sound, salts, frames: found })
    }

    /// The damage, where it can be told from a power cut.
    ///
    /// `has_to_be_flushed` is asked of each page in the order of the log, and says whether the commit
    /// that it is part of was flushed before the next one began.
    pub fn damage(&self, has_to_be_flushed: &mut dyn FnMut(&[u8]) -> bool) -> Option<Damage> {
        let first = self.first_damaged()?;
        let damage = Damage { nth: first.saturating_add(1), n_frames: self.frames.len() };
        self.has_flushed_commit_behind(first, has_to_be_flushed).then_some(damage)
    }

    /// The log up to its last whole commit, with checksums by which SQLite takes all of it; what its
    /// frames say is as it was.
    #[must_use]
    pub fn mended(&self) -> Option<Vec<u8>> {
        let last = self.frames.iter().rposition(|it| it.is_whole && it.ends_commit())?;
        Some(self.written_anew(last))
    }

    /// The first frame at which SQLite stops; all are behind a damaged header.
    fn first_damaged(&self) -> Option<usize> {
        match self.is_sound {
            true => self.frames.iter().position(|it| !it.is_whole),
            false => Some(0),
        }
    }

    /// Whether, from the commit of frame `first` on, one that has to be flushed has a whole frame
    /// behind it: that one was written when the commit was on the disk.
    fn has_flushed_commit_behind(
        &self,
        first: usize,
        has_to_be_flushed: &mut dyn FnMut(&[u8]) -> bool,
    ) -> bool {
        let committed = self.frames.iter().take(first).rposition(Frame::ends_commit);
        let begin = committed.map_or(0, |it| it.saturating_add(1)).min(self.frames.len());
        let (before, behind) = self.frames.split_at(begin);
        for frame in before {
            has_to_be_flushed(&frame.page);
        }
        let (mut has_to_be, mut is_flushed) = (false, false);
        for frame in behind {
            if is_flushed && frame.is_whole {
                return true;
            }
            has_to_be |= has_to_be_flushed(&frame.page);
            if frame.ends_commit() {
                is_flushed |= has_to_be;
                has_to_be = false;
            }
        }
        false
    }

    fn written_anew(&self, last: usize) -> Vec<u8> {
        let n_pages = self.frames.iter().filter(|it| it.is_whole).map(|it| it.n_pages).max();
        let magic = if self.words.is_big_endian { BIG_ENDIAN } else { LITTLE_ENDIAN };
        let numbers = [magic, FORMAT, self.page_len_bytes, 0].map(u32::to_be_bytes);
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
        let page = page.to_vec();
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

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_LEN: u32 = 512;
    const FRAME_LEN: usize = HEAD_LEN + 512;

    /// A log with commits of two pages each; the first byte of a page counts the commits.
    fn log(n_commits: u8) -> Vec<u8> {
        let frame = |commit, nth: u8| Frame {
            page_number: nth.into(),
            n_pages: if nth == 2 { 2 } else { 0 },
            salts: [5; 8],
            checksum: [0; 8],
            page: vec![commit; 512],
            is_own: true,
            is_whole: true,
        };
        let frames = (1..=n_commits).flat_map(|it| [frame(it, 1), frame(it, 2)]).collect();
        let words = Words { is_big_endian: false };
        let log = Log { words, page_len_bytes: PAGE_LEN, is_sound: true, salts: [5; 8], frames };
        log.written_anew(usize::from(n_commits) * 2 - 1)
    }

    /// What is found where every commit is flushed.
    fn check(bytes: &[u8], expected: Option<usize>) {
        let found = Log::parse(bytes, PAGE_LEN).and_then(|it| it.damage(&mut |_page| true));
        assert_eq!(found.map(|it| it.nth), expected);
    }

    #[test]
    fn a_sound_log_and_none_at_all_are_not_damaged() {
        check(&log(4), None);
        check(&[], None);
        check(&log(4)[..32], None);
        assert_eq!(Log::parse(&log(4), PAGE_LEN).unwrap().mended(), Some(log(4)));
    }

    #[test]
    fn a_log_that_is_cut_anywhere_is_not_damaged() {
        let log = log(3);
        for len in (0..log.len()).step_by(7) {
            check(&log[..len], None);
        }
    }

    #[test]
    fn a_flipped_bit_is_damage_where_a_later_commit_is_whole() {
        for at in 0..32 + 8 * FRAME_LEN {
            let mut log = log(4);
            log[at] ^= 0x10;
            let commit = (at.saturating_sub(32) / FRAME_LEN) / 2;
            let found = Log::parse(&log, PAGE_LEN).and_then(|it| it.damage(&mut |_page| true));
            match commit {
                0 | 1 => assert!(found.is_some(), "byte {at}"),
                2 => {}
                _last => assert_eq!(found, None, "byte {at}"),
            }
        }
    }

    #[test]
    fn commits_that_need_not_be_flushed_prove_nothing() {
        let mut bytes = log(4);
        bytes[32 + HEAD_LEN] ^= 1;
        let log = Log::parse(&bytes, PAGE_LEN).unwrap();
        assert_eq!(log.damage(&mut |_page| false), None);
        assert_eq!(log.damage(&mut |page| page[1] == 4), None);
        assert_eq!(log.damage(&mut |page| page[1] == 3), Some(Damage { nth: 1, n_frames: 8 }));
    }

    #[test]
    fn frames_of_an_earlier_log_are_none_of_this_one() {
        let mut bytes = log(4);
        let earlier = bytes[32 + 4 * FRAME_LEN..].to_vec();
        bytes.truncate(32 + 4 * FRAME_LEN);
        bytes.extend(earlier.chunks(FRAME_LEN).flat_map(|frame| {
            let mut frame = frame.to_vec();
            frame[8..16].fill(4);
            frame
        }));
        check(&bytes, None);
    }
}
