//! The pieces of an answer, which come by up to four characteristics and in any order.

use ::uuid::Uuid;

use super::ANSWERS;
use crate::device::error::DecodeError;
use crate::device::omron_wlp::{self, Frame};

/// Longest frame: four pieces of 16 bytes.
pub(super) const FRAME_LEN_BYTES_MAX: usize = 64;
/// What a frame has besides its data: six bytes before, two after.
pub(super) const OVERHEAD_LEN_BYTES: usize = 8;

/// Puts frames together.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: [Option<Piece>; 4],
    /// Those of the frame before, where it was a good one.
    last: [Option<Piece>; 4],
}

#[derive(Debug, Clone)]
struct Piece {
    bytes: Vec<u8>,
    /// The frame before had the same one there: it may be that one once more.
    is_doubtful: bool,
}

/// A frame, with its bytes as they came.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) raw: Vec<u8>,
    pub(super) frame: Result<Frame, DecodeError>,
}

impl Pieces {
    /// Takes a piece; gives the frame that it makes whole. A piece for a place that is filled begins
    /// another frame, and what was there is dropped. One that comes twice counts once, also behind
    /// the frame that it made whole: there it gives way to whatever fits better.
    pub(super) fn push(&mut self, characteristic: Uuid, piece: &[u8]) -> Option<Whole> {
        let channel = ANSWERS.iter().position(|it| *it == characteristic)?;
        // Nothing that a frame has room for is lost by that.
        let bytes: Vec<u8> = piece.iter().copied().take(FRAME_LEN_BYTES_MAX).collect();
        match self.pieces.get(channel)? {
            Some(known) if known.bytes == bytes => return None,
            Some(known) if !known.is_doubtful => self.pieces = Default::default(),
            Some(_) | None => {}
        }
        let is_doubtful = self.last.get(channel)?.as_ref().is_some_and(|it| it.bytes == bytes);
        if let Some(place) = self.pieces.get_mut(channel) {
            *place = Some(Piece { bytes, is_doubtful });
        }
        self.whole()
    }

    /// Whether there is a part of a frame.
    pub(super) fn is_begun(&self) -> bool {
        self.pieces.iter().any(Option::is_some)
    }

    fn whole(&mut self) -> Option<Whole> {
        let declared = usize::from(*self.pieces.first()?.as_ref()?.bytes.first()?);
        let mut raw: Vec<u8> = Vec::new();
        for piece in self.pieces.iter().map_while(Option::as_ref) {
            raw.extend(&piece.bytes);
            if declared <= raw.len() {
                break;
            }
        }
        let is_possible = (OVERHEAD_LEN_BYTES..=FRAME_LEN_BYTES_MAX).contains(&declared);
        let is_full = self.pieces.iter().all(Option::is_some);
        if is_possible && raw.len() < declared && !is_full {
            return None;
        }
        // The last piece may be filled up.
        raw.truncate(if is_possible { declared } else { raw.len() });
        let frame = omron_wlp::decode(&raw);
        let is_doubtful = |it: &Option<Piece>| it.as_ref().is_some_and(|it| it.is_doubtful);
        if frame.is_err() && self.pieces.iter().any(is_doubtful) {
            self.pieces.iter_mut().filter(|it| is_doubtful(it)).for_each(|it| *it = None);
            return None;
        }
        let made = std::mem::take(&mut self.pieces);
        // A frame that is broken is asked for again, and comes again in the same pieces.
        self.last = if frame.is_ok() { made } else { Default::default() };
        Some(Whole { raw, frame })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::bytes;

    /// An answer to a read of 32 bytes at 02AC, in pieces.
    fn answer() -> [Vec<u8>; 3] {
        let mut frame = bytes("28810002ac20");
        frame.extend(1..=32);
        frame.push(0);
        frame.push(frame.iter().fold(0, |sum, it| sum ^ it));
        let (first, rest) = frame.split_at(16);
        let (second, third) = rest.split_at(16);
        [first.to_vec(), second.to_vec(), third.to_vec()]
    }

    /// The frames that pieces make in that order.
    fn made(order: &[usize]) -> Vec<Result<u16, DecodeError>> {
        let answer = answer();
        let mut pieces = Pieces::default();
        let piece = |it: &usize| (*ANSWERS.get(*it).unwrap(), answer.get(*it).unwrap());
        let whole = order.iter().map(piece).filter_map(|(at, piece)| pieces.push(at, piece));
        whole.map(|it| it.frame.map(|it| it.address)).collect()
    }

    #[test]
    fn pieces_make_a_frame_in_any_order() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert_eq!(made(&order), [Ok(0x02AC)], "{order:?}");
        }
    }

    #[test]
    fn half_a_frame_is_dropped_for_the_next_one() {
        assert_eq!(made(&[0, 1, 0, 1, 2]), [Ok(0x02AC)]);
        assert_eq!(made(&[0, 1]), []);
    }

    #[test]
    fn a_piece_that_comes_twice_counts_once() {
        assert_eq!(made(&[0, 0, 1, 1, 2, 2]), [Ok(0x02AC)]);
        let mut pieces = Pieces::default();
        let next = bytes("0a810002cc02555500");
        let next = [&*next, &[next.iter().fold(0, |sum, it| sum ^ it)]].concat();
        let [first, second, third] = answer();
        let said = [(0, &first), (1, &second), (2, &third), (2, &third), (1, &second), (0, &next)];
        let made = said.map(|(at, piece)| {
            let whole = pieces.push(*ANSWERS.get(at).unwrap(), piece)?;
            Some(whole.frame.unwrap().address)
        });
        assert_eq!(made, [None, None, Some(0x02AC), None, None, Some(0x02CC)]);
    }

    #[test]
    fn pieces_that_a_frame_has_in_common_with_the_one_before_come_in_any_order() {
        // Two blocks of an empty part of the memory.
        let [first, second] = ["02ac", "02cc"].map(|address| {
            let mut frame = bytes(&format!("288100{address}20"));
            frame.extend([0xFF; 32]);
            frame.push(0);
            frame.push(frame.iter().fold(0, |sum, it| sum ^ it));
            frame
        });
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1]] {
            let mut pieces = Pieces::default();
            let mut made = Vec::new();
            for frame in [&first, &second] {
                let parts: Vec<_> = frame.chunks(16).zip(ANSWERS).collect();
                for (part, channel) in order.iter().filter_map(|it| parts.get(*it)) {
                    let whole = pieces.push(*channel, part);
                    made.extend(whole.map(|it| it.frame.unwrap().address));
                }
            }
            assert_eq!(made, [0x02AC, 0x02CC], "{order:?}");
        }
    }

    #[test]
    fn a_broken_frame_comes_again_in_the_same_pieces() {
        let [first, second, third] = answer();
        let mut broken = second.clone();
        broken.iter_mut().take(1).for_each(|it| *it ^= 1);
        let mut pieces = Pieces::default();
        let said = [(0, &first), (1, &broken), (2, &third), (0, &first), (1, &second), (2, &third)];
        let made = said.map(|(at, piece)| {
            pieces.push(*ANSWERS.get(at).unwrap(), piece).map(|it| it.frame.is_ok())
        });
        assert_eq!(made, [None, None, Some(false), None, None, Some(true)]);
    }

    #[test]
    fn a_short_frame_is_whole_at_once_and_may_be_filled_up() {
        for filled in ["0880000000100098", "0880000000100098ffffffffffffffff"] {
            let whole = Pieces::default().push(ANSWERS[0], &bytes(filled)).unwrap();
            assert_eq!(whole.raw.len(), 8);
            assert_eq!(whole.frame.unwrap().kind, [0x80, 0x00]);
        }
    }

    #[test]
    fn a_whole_frame_may_come_by_one_characteristic() {
        let whole = Pieces::default().push(ANSWERS[0], &answer().concat()).unwrap();
        assert_eq!(whole.frame.unwrap().data_len_bytes, 32);
    }

    #[test]
    fn a_length_that_no_frame_has_is_refused_at_once() {
        for len in [0, 7, 65, 255] {
            let whole = Pieces::default().push(ANSWERS[0], &[len; 16]).unwrap();
            assert!(whole.frame.is_err(), "{len}");
        }
        assert!(Pieces::default().push(ANSWERS[0], &[]).is_none());
        assert!(Pieces::default().push(super::super::UNLOCK, &[8; 8]).is_none());
    }

    #[test]
    fn four_pieces_that_are_too_short_are_refused() {
        let mut pieces = Pieces::default();
        for channel in &ANSWERS[..3] {
            assert!(pieces.push(*channel, &[64; 4]).is_none());
        }
        assert!(pieces.push(ANSWERS[3], &[64; 4]).unwrap().frame.is_err());
    }

    proptest! {
        #[test]
        fn no_pieces_panic_and_few_bytes_are_kept(
            said in prop::collection::vec((prop::sample::select(&ANSWERS), any::<Vec<u8>>()), 0..32)
        ) {
            let mut pieces = Pieces::default();
            for (channel, piece) in said {
                let _whole = pieces.push(channel, &piece);
                let kept: usize = pieces.pieces.iter().flatten().map(|it| it.bytes.len()).sum();
                prop_assert!(kept <= 4 * FRAME_LEN_BYTES_MAX);
            }
        }
    }
}
