//! Nonin serial Data Format 7: as Data Format 2, with a pulse wave of 16 bits, 9600 baud 8N1.
//!
//! ```text
//! frame, 5 bytes
//! offset  field
//! 0       status    as in Data Format 2: bit 7 always set, bit 0 in the first frame of a packet
//! 1-2     pleth, big-endian
//! 3       one byte of the packet, as in Data Format 2
//! 4       checksum  sum of the four bytes before
//! ```

use super::error::DecodeError;
use super::nonin_df2::framer::Framer;
use super::nonin_df2::{self, FRAME_LEN_BYTES, FrameStatus, Packet};

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Status byte.
    pub status: FrameStatus,
    /// Pulse wave, 0 to 65535.
    pub pleth: u16,
    /// This frame's byte of the packet.
    pub part: u8,
}

impl Frame {
    /// Decodes one frame.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Framing`] if bit 7 of the status is clear, and
    /// [`DecodeError::Checksum`] if the sum does not fit.
    pub fn decode(bytes: [u8; FRAME_LEN_BYTES]) -> Result<Self, DecodeError> {
        let [status, high, low, part, checksum] = bytes;
        if status & 0x80 == 0 {
            return Err(DecodeError::Framing { field: "status", value: status });
        }
        let computed = status.wrapping_add(high).wrapping_add(low).wrapping_add(part);
        if checksum != computed {
            return Err(DecodeError::Checksum { found: checksum, computed });
        }
        Ok(Self { status: FrameStatus(status), pleth: u16::from_be_bytes([high, low]), part })
    }
}

/// Decodes the 125 bytes of one packet.
///
/// # Errors
///
/// As [`Packet::decode`].
pub fn decode(bytes: &[u8]) -> Result<Packet, DecodeError> {
    Packet::decode_with(read, bytes)
}

/// A framer of this format.
#[must_use]
pub fn framer() -> Framer {
    Framer::new(read)
}

/// The frame as one of Data Format 2: the high byte of the pulse wave is all that it keeps of it.
fn read(bytes: [u8; FRAME_LEN_BYTES]) -> Result<nonin_df2::Frame, DecodeError> {
    let Frame { status, pleth, part } = Frame::decode(bytes)?;
    let [pleth, _low] = pleth.to_be_bytes();
    Ok(nonin_df2::Frame { status, pleth, part })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::nonin_df2::tests::packet;

    /// A packet of Data Format 2 in this format.
    fn packet_7(saturation: u8, heart_rate: u16) -> Vec<u8> {
        let packet = packet(saturation, heart_rate);
        let (frames, _rest) = packet.as_chunks::<5>();
        let frame = |[_start, status, pleth, part, _sum]: &[u8; 5]| {
            let (status, pleth, part) = (*status, *pleth, *part);
            let sum = status.wrapping_add(pleth).wrapping_add(0x55).wrapping_add(part);
            [status, pleth, 0x55, part, sum]
        };
        frames.iter().flat_map(frame).collect()
    }

    #[test]
    fn a_frame_is_checked() {
        let frame = Frame::decode([0x81, 0x3C, 0x55, 0x48, 0x5A]).unwrap();
        assert_eq!((frame.pleth, frame.part), (0x3C55, 0x48));
        let bad = DecodeError::Checksum { found: 0x5B, computed: 0x5A };
        assert_eq!(Frame::decode([0x81, 0x3C, 0x55, 0x48, 0x5B]), Err(bad));
        let bad = DecodeError::Framing { field: "status", value: 1 };
        assert_eq!(Frame::decode([0x01, 0x3C, 0x55, 0x48, 0xDA]), Err(bad));
    }

    #[test]
    fn a_packet_means_what_it_means_in_data_format_2() {
        let decoded = decode(&packet_7(97, 300)).unwrap();
        assert_eq!(decoded, Packet::decode(&packet(97, 300)).unwrap());
    }

    #[test]
    fn a_packet_is_cut_or_too_long() {
        let whole = packet_7(97, 72);
        for len in 0..whole.len() {
            let cut: Vec<_> = whole.iter().copied().take(len).collect();
            assert!(matches!(decode(&cut), Err(DecodeError::Truncated { .. })), "{len}");
        }
        let long = [whole, vec![0]].concat();
        assert!(matches!(decode(&long), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let decoded = decode(&packet_7(127, 511)).unwrap();
        assert_eq!((decoded.display.saturation, decoded.display.heart_rate), (None, None));
    }

    #[test]
    fn packets_are_found_from_any_byte_on() {
        for start in 1..125 {
            let stream: Vec<_> =
                [packet_7(97, 72), packet_7(96, 74)].concat().into_iter().skip(start).collect();
            let found: Vec<_> = framer().push(&stream).into_iter().flatten().collect();
            let found: Vec<_> = found.iter().map(|it| it.packet.display.saturation).collect();
            assert_eq!(found, [Some(96)], "{start}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _packet = decode(&bytes);
            framer().push(&bytes);
        }

        #[test]
        fn any_garbage_costs_at_most_one_packet(garbage: Vec<u8>) {
            let stream = [garbage, packet_7(96, 74), packet_7(95, 75)].concat();
            let found: Vec<_> = framer().push(&stream).into_iter().flatten().collect();
            let last = found.last().map(|it| it.packet.display.saturation);
            prop_assert_eq!(last, Some(Some(95)));
        }
    }
}
