//! Frames out of the pieces of a serial stream, from any byte on.
//!
//! A window slides over the stream, byte for byte, until a frame stands at its front; then it jumps
//! behind the frame. So no garbage hides the frame after it, unless it looks like a frame itself.

use super::error::DecodeError;

/// Bytes without any frame after which the stream is of another format.
const NO_FRAME_LEN_BYTES: usize = 250;
/// Frames in a row by which a format is known. The shortest that is told by listening has five bits in
/// their places in each frame, which chance puts there eight times in a row at one place in 2^40.
pub(crate) const RUN_N_FRAMES: usize = 8;

/// What stands at the front of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Front {
    /// A whole frame of so many bytes, at least one.
    Frame(usize),
    /// What may become a frame.
    Part,
    /// No frame, and why.
    None(DecodeError),
}

/// Looks at the front of a window.
pub(crate) type Look = fn(&[u8]) -> Front;

/// Puts a stream together.
#[derive(Debug)]
pub(crate) struct Frames {
    look: Look,
    window: Vec<u8>,
    /// Bytes that slid out of the window since the last frame.
    n_skipped: usize,
    /// Whether the last bytes were a frame: only then is the next bad one worth a word.
    is_locked: bool,
}

/// What was in the place of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Why it is none.
    pub(crate) error: DecodeError,
    /// The bytes.
    pub(crate) raw: Vec<u8>,
}

impl Frames {
    pub(crate) const fn new(look: Look) -> Self {
        Self { look, window: Vec::new(), n_skipped: 0, is_locked: false }
    }

    /// Takes the next piece of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Result<Vec<u8>, Fault>> {
        let mut found = Vec::new();
        for byte in bytes {
            self.window.push(*byte);
            while let Some(outcome) = self.slide() {
                found.extend(outcome);
            }
        }
        found
    }

    /// Moves the window by a frame or a byte; `None` where more bytes are needed.
    fn slide(&mut self) -> Option<Option<Result<Vec<u8>, Fault>>> {
        if self.window.is_empty() {
            return None;
        }
        match (self.look)(&self.window) {
            Front::Part => None,
            Front::Frame(len_bytes) => {
                let rest = self.window.split_off(len_bytes.clamp(1, self.window.len()));
                self.n_skipped = 0;
                self.is_locked = true;
                Some(Some(Ok(std::mem::replace(&mut self.window, rest))))
            }
            Front::None(error) => {
                let fault = self.skip(error);
                self.window.remove(0);
                Some(fault.map(Err))
            }
        }
    }

    fn skip(&mut self, error: DecodeError) -> Option<Fault> {
        let was_locked = std::mem::replace(&mut self.is_locked, false);
        self.n_skipped = self.n_skipped.saturating_add(1);
        if was_locked {
            return Some(Fault { error, raw: self.window.clone() });
        }
        if self.n_skipped < NO_FRAME_LEN_BYTES {
            return None;
        }
        let error = DecodeError::NoFrame { len_bytes: std::mem::take(&mut self.n_skipped) };
        Some(Fault { error, raw: self.window.clone() })
    }
}

/// Where so many frames in a row begin that it is no chance; `None` where there are none yet.
pub(crate) fn run(look: Look, bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|begin| is_run(look, bytes.get(*begin..).unwrap_or_default()))
}

/// Whether so many frames in a row stand at the front.
pub(crate) fn is_run(look: Look, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    (0..RUN_N_FRAMES).all(|_frame| match look(rest) {
        Front::Frame(len_bytes) => {
            rest = rest.get(len_bytes..).unwrap_or_default();
            true
        }
        Front::Part | Front::None(_) => false,
    })
}

/// Looks for frames that all have the same length.
pub(crate) fn fixed<T>(
    window: &[u8],
    len_bytes: usize,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
) -> Front {
    match window.get(..len_bytes).map(decode) {
        None => Front::Part,
        Some(Ok(_frame)) => Front::Frame(len_bytes),
        Some(Err(error)) => Front::None(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::bytes;
    use crate::device::{contec_five, contec_nine, nonin_df13, nonin_live, suntech, taidoc};

    const TAIDOC: Look = |window| fixed(window, 8, taidoc::decode);

    fn whole(look: Look, stream: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Frames::new(look);
        let at_once: Vec<_> = frames.push(stream).into_iter().flatten().collect();
        let mut frames = Frames::new(look);
        let one_by_one: Vec<_> =
            stream.iter().flat_map(|it| frames.push(&[*it])).flatten().collect();
        assert_eq!(at_once, one_by_one);
        at_once
    }

    /// Each format with a frame of it.
    fn formats() -> Vec<(Look, Vec<u8>)> {
        vec![
            (contec_five::look, bytes("85320a4161")),
            (contec_nine::look, bytes("01e085b396c1e1ffff")),
            (nonin_live::look_df1, bytes("804861")),
            (nonin_live::look_df8, bytes("80486120")),
            (nonin_df13::look, bytes("00020d0e141a0301080500000200004800610503")),
            (suntech::look, bytes("3e050201ba")),
            (TAIDOC, bytes("512200000000a316")),
        ]
    }

    #[test]
    fn frames_follow_each_other() {
        for (look, frame) in formats() {
            let stream = frame.repeat(5);
            assert_eq!(whole(look, &stream), vec![frame; 5]);
        }
    }

    #[test]
    fn a_stream_may_start_anywhere() {
        for (look, frame) in formats() {
            for start in 1..frame.len() {
                let stream: Vec<_> = frame.repeat(3).into_iter().skip(start).collect();
                assert_eq!(whole(look, &stream), vec![frame.clone(); 2], "{frame:?} from {start}");
            }
        }
    }

    #[test]
    fn a_bad_frame_is_told_once() {
        let mut frames = Frames::new(TAIDOC);
        let good = bytes("512200000000a316");
        let bad = bytes("512200000000a317");
        let found = frames.push(&[good.clone(), bad.clone(), good.clone()].concat());
        let error = DecodeError::Checksum { found: 0x17, computed: 0x16 };
        assert_eq!(found, [Ok(good.clone()), Err(Fault { error, raw: bad }), Ok(good)]);
    }

    #[test]
    fn another_protocol_is_told_once_in_many_bytes() {
        let found = Frames::new(TAIDOC).push(&[0x55; 257]);
        assert_eq!(found.len(), 1);
        assert!(matches!(
            found.first(),
            Some(Err(Fault { error: DecodeError::NoFrame { len_bytes: 250 }, .. }))
        ));
    }

    #[test]
    fn eight_frames_in_a_row_are_no_chance() {
        for (look, frame) in formats() {
            let stream = |n_frames| [vec![0xFE; 3], frame.repeat(n_frames), vec![0xFE]].concat();
            assert_eq!(run(look, &stream(7)), None, "{frame:?}");
            assert_eq!(run(look, &stream(8)), Some(3), "{frame:?}");
            let mut broken = stream(15);
            broken.insert(3 + 7 * frame.len(), 0xFE);
            assert_eq!(run(look, &broken), Some(4 + 7 * frame.len()), "{frame:?}");
        }
        assert_eq!(run(TAIDOC, &[]), None);
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Frames::new(TAIDOC).push(&[]), []);
    }

    proptest! {
        #[test]
        fn any_garbage_costs_at_most_one_frame(garbage: Vec<u8>) {
            for (look, frame) in formats() {
                let stream = [garbage.clone(), frame.repeat(6)].concat();
                let found = whole(look, &stream);
                let n_found = found.iter().filter(|it| **it == frame).count();
                prop_assert!(5 <= n_found, "{frame:?} after {garbage:?}: {found:?}");
            }
        }
    }
}
