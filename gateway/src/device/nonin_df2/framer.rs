//! Finds frames and packets in the pieces of a serial stream, from any byte on.
//!
//! A window of five bytes slides over the stream until it is a frame; then it jumps. So the frame
//! after garbage is the first one that is found, and a packet counts only with 25 frames in a row.

use super::{FRAME_LEN_BYTES, Frame, PACKET_N_FRAMES, Packet};
use crate::device::error::DecodeError;

/// Bytes without any frame after which the stream is no Data Format 2: the length of two packets.
const NO_FRAME_LEN_BYTES: usize = 250;

/// Reads one frame.
pub(crate) type Read = fn([u8; FRAME_LEN_BYTES]) -> Result<Frame, DecodeError>;

/// Puts a stream together.
#[derive(Debug)]
pub struct Framer {
    read: Read,
    window: Vec<u8>,
    packet: Vec<Frame>,
    packet_raw: Vec<u8>,
    /// Bytes that slid out of the window since the last frame.
    n_skipped: usize,
    /// Whether the last bytes were a frame: only then is the next bad one worth a word.
    is_locked: bool,
}

/// A packet with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The packet.
    pub packet: Packet,
    /// Its 125 bytes.
    pub raw: Vec<u8>,
}

/// What was in the place of a frame or a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why it is none.
    pub error: DecodeError,
    /// The bytes.
    pub raw: Vec<u8>,
}

impl Default for Framer {
    /// A framer of Data Format 2.
    fn default() -> Self {
        Self::new(Frame::decode)
    }
}

impl Framer {
    /// A framer of a format whose packets are those of Data Format 2.
    pub(crate) const fn new(read: Read) -> Self {
        Self {
            read,
            window: Vec::new(),
            packet: Vec::new(),
            packet_raw: Vec::new(),
            n_skipped: 0,
            is_locked: false,
        }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<Whole, Fault>> {
        bytes.iter().filter_map(|byte| self.push_byte(*byte)).collect()
    }

    fn push_byte(&mut self, byte: u8) -> Option<Result<Whole, Fault>> {
        self.window.push(byte);
        let &window = self.window.first_chunk::<FRAME_LEN_BYTES>()?;
        match (self.read)(window) {
            Ok(frame) => {
                self.window.clear();
                self.n_skipped = 0;
                self.is_locked = true;
                self.push_frame(frame, window)
            }
            Err(error) => {
                self.window.remove(0);
                self.skip(error, window).map(Err)
            }
        }
    }

    fn push_frame(
        &mut self,
        frame: Frame,
        raw: [u8; FRAME_LEN_BYTES],
    ) -> Option<Result<Whole, Fault>> {
        if frame.status.is_first() {
            let cut = self.cut();
            self.packet.push(frame);
            self.packet_raw.extend(raw);
            return cut.map(Err);
        }
        if self.packet.is_empty() {
            return None;
        }
        self.packet.push(frame);
        self.packet_raw.extend(raw);
        let packet = self.packet.as_slice().try_into().map(Packet::new).ok()?;
        self.packet.clear();
        Some(Ok(Whole { packet, raw: std::mem::take(&mut self.packet_raw) }))
    }

    /// Gives up the packet that was under way.
    fn cut(&mut self) -> Option<Fault> {
        let n_frames = self.packet.len();
        self.packet.clear();
        let raw = std::mem::take(&mut self.packet_raw);
        let error = DecodeError::ShortPacket { n_frames, n_frames_expected: PACKET_N_FRAMES };
        (n_frames != 0).then_some(Fault { error, raw })
    }

    fn skip(&mut self, error: DecodeError, window: [u8; FRAME_LEN_BYTES]) -> Option<Fault> {
        let was_locked = std::mem::replace(&mut self.is_locked, false);
        self.n_skipped = self.n_skipped.saturating_add(1);
        self.packet.clear();
        self.packet_raw.clear();
        if was_locked {
            return Some(Fault { error, raw: window.to_vec() });
        }
        if self.n_skipped < NO_FRAME_LEN_BYTES {
            return None;
        }
        let error = DecodeError::NoFrame { len_bytes: std::mem::take(&mut self.n_skipped) };
        Some(Fault { error, raw: window.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::nonin_df2::tests::{frame, packet};

    #[derive(Debug, PartialEq, Eq)]
    enum Seen {
        Packet(Option<u8>),
        Fault(DecodeError),
    }

    fn seen(framer: &mut Framer, bytes: &[u8]) -> Vec<Seen> {
        let outcome = |it| match it {
            Ok(Whole { packet, raw }) => {
                assert_eq!(Packet::decode(&raw).as_ref(), Ok(&packet));
                Seen::Packet(packet.display.saturation)
            }
            Err(Fault { error, .. }) => Seen::Fault(error),
        };
        framer.push(bytes).into_iter().map(outcome).collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &[Seen]) {
        assert_eq!(seen(&mut Framer::default(), bytes), expected);
        let mut framer = Framer::default();
        let one_by_one: Vec<_> =
            bytes.iter().flat_map(|byte| seen(&mut framer, &[*byte])).collect();
        assert_eq!(one_by_one, expected);
    }

    fn from_byte(bytes: &[u8], start: usize) -> Vec<u8> {
        bytes.iter().copied().skip(start).collect()
    }

    #[test]
    fn a_packet_is_whole_with_its_last_byte() {
        check(&packet(97, 72), &[Seen::Packet(Some(97))]);
        let whole = Framer::default().push(&packet(97, 72));
        assert_eq!(whole.first().unwrap().as_ref().unwrap().raw, packet(97, 72));
    }

    #[test]
    fn a_stream_may_start_anywhere() {
        for start in 1..125 {
            let stream = [from_byte(&packet(97, 72), start), packet(96, 74)].concat();
            check(&stream, &[Seen::Packet(Some(96))]);
        }
    }

    #[test]
    fn the_frame_after_garbage_is_found() {
        let stream = [packet(97, 72), vec![0xFF, 0x01, 0x00], packet(96, 74)].concat();
        let expected = [
            Seen::Packet(Some(97)),
            Seen::Fault(DecodeError::Framing { field: "start byte", value: 0xFF }),
            Seen::Packet(Some(96)),
        ];
        check(&stream, &expected);
    }

    #[test]
    fn a_flipped_bit_costs_one_packet() {
        let mut damaged = packet(97, 72);
        if let Some(byte) = damaged.get_mut(42) {
            *byte ^= 0x08;
        }
        let stream = [damaged, packet(96, 74)].concat();
        let outcomes = seen(&mut Framer::default(), &stream);
        assert!(
            matches!(
                outcomes.as_slice(),
                [Seen::Fault(DecodeError::Checksum { .. }), Seen::Packet(Some(96))]
            ),
            "{outcomes:?}"
        );
    }

    #[test]
    fn a_lost_frame_costs_one_packet() {
        let whole = packet(97, 72);
        let lost = [whole.iter().copied().take(50).collect(), from_byte(&whole, 55)].concat();
        let short = DecodeError::ShortPacket { n_frames: 24, n_frames_expected: 25 };
        let expected = [Seen::Fault(short), Seen::Packet(Some(96))];
        check(&[lost, packet(96, 74)].concat(), &expected);
    }

    #[test]
    fn frames_outside_a_packet_are_waited_through() {
        check(&frame(0x80, 0, 5), &[]);
    }

    #[test]
    fn another_protocol_is_told_once_in_two_packets() {
        let expected = Seen::Fault(DecodeError::NoFrame { len_bytes: 250 });
        check(&[0x55; 254], &[expected]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces: Vec<Vec<u8>>) {
            let mut framer = Framer::default();
            for piece in pieces {
                framer.push(&piece);
            }
        }

        #[test]
        fn any_garbage_costs_at_most_the_packet_after_it(garbage: Vec<u8>) {
            let stream = [garbage, packet(96, 74), packet(95, 75)].concat();
            let outcomes = seen(&mut Framer::default(), &stream);
            prop_assert_eq!(outcomes.last(), Some(&Seen::Packet(Some(95))));
        }
    }
}
