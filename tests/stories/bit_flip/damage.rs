//! What happens to a file on a failing disk.

use std::fmt;

use fastrand::Rng;

/// Page of the ledger, in bytes.
const PAGE_LEN: usize = 1024;

/// One damage; positions are those of the file that it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damage {
    Flip { at: usize, bit: u8 },
    ZeroPage(usize),
    SwapPages(usize, usize),
    Truncate(usize),
}

impl Damage {
    /// Mostly a flip, sometimes in one of the pages `aims`, which count from 1, or something worse.
    pub(crate) fn choose(len: usize, aims: &[usize], random: &mut Rng) -> Self {
        let n_pages = len / PAGE_LEN;
        let bit = random.u8(..8);
        match (random.u8(..10), random.choice(aims)) {
            (1 | 2, Some(page)) => {
                return Self::Flip { at: page * PAGE_LEN - random.usize(1..=PAGE_LEN), bit };
            }
            (1.., _) => return Self::Flip { at: random.usize(..len), bit },
            (0, _) => {}
        }
        match random.u8(..3) {
            0 => Self::ZeroPage(random.usize(..n_pages)),
            1 => Self::SwapPages(random.usize(..n_pages), random.usize(..n_pages)),
            _ => Self::Truncate(random.usize(..len)),
        }
    }

    pub(crate) fn happen(self, file: &mut Vec<u8>) {
        match self {
            Self::Flip { at, bit } => file[at] ^= 1 << bit,
            Self::ZeroPage(page) => file[page * PAGE_LEN..][..PAGE_LEN].fill(0),
            Self::SwapPages(one, other) => {
                for byte in 0..PAGE_LEN {
                    file.swap(one * PAGE_LEN + byte, other * PAGE_LEN + byte);
                }
            }
            Self::Truncate(len) => file.truncate(len),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flip { at, bit } => write!(f, "bit {bit} of byte {at} flipped"),
            Self::ZeroPage(page) => write!(f, "page {page} zeroed"),
            Self::SwapPages(one, other) => write!(f, "pages {one} and {other} swapped"),
            Self::Truncate(len) => write!(f, "cut off after {len} bytes"),
        }
    }
}
