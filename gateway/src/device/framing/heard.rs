//! Frames of the one of several formats that is spoken on a line: which, is heard.
//!
//! ```text
//! nothing spoken yet     the last bytes are kept until they end with frames in a row of a format:
//!                        that is spoken, and its frames are told from the first of them on
//! a format is spoken     its frames are told; what stands in the place of one is told once, and
//!                        frames in a row have to come again, of this format or another
//! ```
//!
//! So bytes that a line at another speed makes of frames are hardly taken for some, be it before a
//! device was heard or when another is plugged to the same adapter.

use super::Telling;
use crate::device::catalogue::SerialFormat;
use crate::device::frames::{Fault, Frames, Look, RUN_N_FRAMES, is_run};
use crate::device::{contec_five, contec_nine};
use crate::link::Recognise;

/// Most bytes that are kept: a run of the longest frames.
const KEPT_LEN_BYTES_MAX: usize = RUN_N_FRAMES * contec_nine::LIVE_LEN_BYTES;

/// A format that is told from others by listening.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken {
    recognise: Recognise,
    look: Look,
    /// Length of the frames in a row by which it is known, which all have the same.
    run_len_bytes: usize,
    pub(super) telling: Telling,
}

impl Spoken {
    pub(super) const CONTEC_FIVE_BYTE: Self = Self {
        recognise: contec_five::heard,
        look: contec_five::look,
        run_len_bytes: RUN_N_FRAMES * contec_five::FRAME_LEN_BYTES,
        telling: Telling::Sample(|frame| contec_five::decode(frame)?.report()),
    };
    pub(super) const CONTEC_NINE_BYTE: Self = Self {
        recognise: contec_nine::heard,
        look: contec_nine::look,
        run_len_bytes: RUN_N_FRAMES * contec_nine::LIVE_LEN_BYTES,
        telling: Telling::Sample(|frame| contec_nine::decode(frame)?.report()),
    };

    /// The format, where its frames can be told from garbage.
    const fn of(format: SerialFormat) -> Option<Self> {
        match format {
            SerialFormat::ContecFiveByte => Some(Self::CONTEC_FIVE_BYTE),
            SerialFormat::ContecNineByte => Some(Self::CONTEC_NINE_BYTE),
            SerialFormat::NoninDataFormat2
            | SerialFormat::NoninAscii
            | SerialFormat::AndScale
            | SerialFormat::MasimoAscii
            | SerialFormat::NoninDataFormat1
            | SerialFormat::NoninDataFormat7
            | SerialFormat::NoninDataFormat8
            | SerialFormat::NoninDataFormat13
            | SerialFormat::OmronHbp9030
            | SerialFormat::SunTech
            | SerialFormat::TaiDoc => None,
        }
    }
}

impl SerialFormat {
    /// What knows the format when it is heard; `None` where it cannot be told from garbage.
    pub(crate) fn recognise(self) -> Option<Recognise> {
        Spoken::of(self).map(|it| it.recognise)
    }
}

/// Puts the stream of a line together.
#[derive(Debug)]
pub(crate) struct Heard {
    formats: Vec<Spoken>,
    /// What is spoken, while its frames follow each other.
    spoken: Option<(Frames, Telling)>,
    /// The last bytes while nothing is.
    kept: Vec<u8>,
}

/// A frame, or what stands in its place.
pub(crate) type Found = (Telling, Result<Vec<u8>, Fault>);

impl Heard {
    pub(super) fn of(formats: impl Iterator<Item = SerialFormat>) -> Self {
        Self { formats: formats.filter_map(Spoken::of).collect(), spoken: None, kept: Vec::new() }
    }

    /// Takes the next piece of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        for byte in bytes {
            found.extend(self.step(*byte));
        }
        found
    }

    fn step(&mut self, byte: u8) -> Vec<Found> {
        let Some((frames, telling)) = &mut self.spoken else {
            self.kept.push(byte);
            return self.listen();
        };
        let (found, telling) = (frames.push(&[byte]), *telling);
        if let Some(Err(Fault { raw, .. })) = found.last() {
            // A frame of another format may begin there.
            self.kept.extend(raw);
            self.spoken = None;
        }
        found.into_iter().map(|it| (telling, it)).collect()
    }

    fn listen(&mut self) -> Vec<Found> {
        let heard = |it: &Spoken| {
            let begin = self.kept.len().checked_sub(it.run_len_bytes)?;
            is_run(it.look, self.kept.get(begin..)?).then_some((*it, begin))
        };
        let Some((spoken, begin)) = self.formats.iter().find_map(heard) else {
            let n_old = self.kept.len().saturating_sub(KEPT_LEN_BYTES_MAX);
            self.kept.drain(..n_old);
            return Vec::new();
        };
        let mut frames = Frames::new(spoken.look);
        let found = frames.push(self.kept.get(begin..).unwrap_or_default());
        self.kept.clear();
        self.spoken = Some((frames, spoken.telling));
        found.into_iter().map(|it| (spoken.telling, it)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::catalogue::{Transport, models};
    use crate::device::fixture::bytes;

    const FIVE: &str = "85320a4161";
    const NINE: &str = "01e085b396c1e1ffff";

    fn contec() -> Heard {
        Heard::of([SerialFormat::ContecFiveByte, SerialFormat::ContecNineByte].into_iter())
    }

    /// Lengths of the frames, and 0 for what stands in the place of one.
    fn lengths(found: &[Found]) -> Vec<usize> {
        found.iter().map(|(_telling, it)| it.as_ref().map_or(0, Vec::len)).collect()
    }

    #[test]
    fn whichever_format_is_spoken_is_heard_from_its_first_frame() {
        assert_eq!(lengths(&contec().push(&bytes(FIVE).repeat(9))), [5; 9]);
        assert_eq!(lengths(&contec().push(&bytes(NINE).repeat(9))), [9; 9]);
    }

    #[test]
    fn fewer_frames_than_a_run_are_not_told() {
        let mut heard = contec();
        assert!(heard.push(&bytes(FIVE).repeat(7)).is_empty());
        assert_eq!(lengths(&heard.push(&bytes(FIVE))), [5; 8]);
    }

    #[test]
    fn garbage_before_a_run_is_passed_over() {
        let mut heard = contec();
        assert!(heard.push(&[0x80, 0x00, 0xE0].repeat(1000)).is_empty());
        assert_eq!(lengths(&heard.push(&bytes(NINE).repeat(8))), [9; 8]);
    }

    #[test]
    fn a_broken_frame_costs_no_other() {
        let mut heard = contec();
        heard.push(&bytes(FIVE).repeat(8));
        assert!(heard.push(&bytes("85320a")).is_empty());
        let again = heard.push(&bytes(FIVE).repeat(8));
        assert_eq!(lengths(&again), [&[0][..], &[5; 8]].concat());
    }

    #[test]
    fn another_format_is_heard_after_the_first() {
        let mut heard = contec();
        for (hex, len_bytes) in [(FIVE, 5), (NINE, 9), (FIVE, 5)] {
            let found = lengths(&heard.push(&bytes(hex).repeat(10)));
            let frames: Vec<_> = found.iter().filter(|it| **it != 0).collect();
            assert_eq!(frames, vec![&len_bytes; 10], "{hex}");
            assert!(found.len() <= 11, "told more than once: {found:?}");
        }
    }

    #[test]
    fn every_format_of_a_row_with_several_lines_can_be_told_by_listening() {
        for model in models() {
            let Transport::Serial { lines: lines @ [_, _, ..] } = &model.transport else {
                continue;
            };
            for line in *lines {
                assert!(line.format.recognise().is_some(), "{}: {:?}", model.key, line.format);
            }
        }
    }

    /// Frames of a format with any values.
    fn frames(len_bytes: usize) -> impl Strategy<Value = Vec<u8>> {
        let frame = prop::collection::vec(0..=0x7F_u8, len_bytes).prop_map(move |mut frame| {
            match frame.as_mut_slice() {
                [first, _, _, _, _] => *first |= 0x80,
                [first, rest @ ..] => {
                    *first = 0x01;
                    rest.iter_mut().for_each(|it| *it |= 0x80);
                }
                [] => {}
            }
            frame
        });
        prop::collection::vec(frame, 8..40).prop_map(|frames| frames.concat())
    }

    proptest! {
        #[test]
        fn garbage_is_no_format(garbage in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(contec_five::heard(&garbage), None);
            prop_assert_eq!(contec_nine::heard(&garbage), None);
        }

        #[test]
        fn frames_of_one_format_are_none_of_the_other(
            five in frames(5), nine in frames(9), cut in 0..9_usize,
        ) {
            let [five, nine] = [five, nine].map(|it| it.into_iter().skip(cut).collect::<Vec<_>>());
            prop_assert_eq!(contec_nine::heard(&five), None);
            prop_assert_eq!(contec_five::heard(&nine), None);
        }

        #[test]
        fn a_run_is_heard_after_any_garbage(
            garbage in prop::collection::vec(any::<u8>(), 0..200), five in frames(5), nine in frames(9),
        ) {
            for frames in [five, nine] {
                let found = contec().push(&[garbage.as_slice(), &frames].concat());
                let told: Vec<_> = found.into_iter().filter_map(|it| it.1.ok()).collect();
                prop_assert!(told.concat().ends_with(&frames), "{told:?}");
            }
        }
    }
}
