//! Omron: the frames in which the host reads the memory of a cuff or a scale.
//!
//! ```text
//! offset  size  field
//! 0       1     length of the whole frame
//! 1       2     type      0x0000 begin, 0x0100 read, 0x01C0 write, 0x0F00 end;
//!                         bit 15 in the answers to them
//! 3       2     address, big-endian
//! 5       1     length of the data, or how much is to be read
//! 6       ..    data
//! last-1  1     0, or how it ended
//! last    1     checksum  exclusive or of everything is 0
//! ```
//!
//! A frame comes in pieces of 16 bytes over up to four characteristics; the last piece is filled up
//! with zeros.

use super::error::DecodeError;
use super::payload::{Payload, checked, exclusive_or};

/// Type of an answer to a read.
pub(crate) const READ_ANSWER: [u8; 2] = [0x81, 0x00];

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The type.
    pub kind: [u8; 2],
    /// Address in the memory.
    pub address: u16,
    /// Length of the data as the frame says it.
    pub data_len_bytes: u8,
    /// The data; none in questions.
    pub contents: Vec<u8>,
    /// How it ended; 0 for well.
    pub outcome: u8,
}

/// Length of a piece in bytes.
const PIECE_LEN_BYTES: usize = 16;

/// Decodes one frame, of which the last piece may be filled up.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than eight bytes, [`DecodeError::Length`] if it has
/// another length than it says, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let bytes = unfilled(bytes);
    let mut payload = Payload::new(bytes);
    let declared = usize::from(payload.byte("length")?);
    let kind = payload.array("type")?;
    let address = payload.u16_be("address")?;
    let data_len_bytes = payload.byte("data length")?;
    let (rest, len_bytes) = (payload.rest(), bytes.len());
    let [contents @ .., outcome, _checksum] = rest else {
        return Err(DecodeError::Truncated { field: "checksum", len_bytes });
    };
    if declared != len_bytes {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    checked(bytes, exclusive_or)?;
    if !contents.is_empty() && contents.len() != usize::from(data_len_bytes) {
        return Err(DecodeError::Length { declared: data_len_bytes.into(), len_bytes });
    }
    Ok(Frame { kind, address, data_len_bytes, contents: contents.to_vec(), outcome: *outcome })
}

/// The bytes without the zeros behind the frame in its last piece.
fn unfilled(bytes: &[u8]) -> &[u8] {
    let declared = bytes.first().map_or(0, |it| usize::from(*it));
    match bytes.split_at_checked(declared) {
        Some((frame, filling))
            if bytes.len() == declared.next_multiple_of(PIECE_LEN_BYTES)
                && filling.iter().all(|it| *it == 0) =>
        {
            frame
        }
        Some(_) | None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const READ: &str = "080100026026004d";

    fn framed(before: &[u8]) -> Vec<u8> {
        let mut bytes = before.to_vec();
        bytes.push(exclusive_or(before));
        bytes
    }

    #[test]
    fn a_question_has_no_data() {
        let frame = decode(&bytes(READ)).unwrap();
        assert_eq!((frame.kind, frame.address, frame.data_len_bytes), ([1, 0], 0x0260, 38));
        assert_eq!(frame.contents, Vec::<u8>::new());
    }

    #[test]
    fn an_answer_has_data() {
        let frame = decode(&framed(&[10, 0x81, 0x00, 0x02, 0x60, 2, 0xAA, 0x55, 0])).unwrap();
        assert_eq!((frame.contents, frame.outcome), (vec![0xAA, 0x55], 0));
        let ended = decode(&framed(&[8, 0x8F, 0, 0, 0, 0, 3])).unwrap();
        assert_eq!(ended.outcome, 3);
    }

    #[test]
    fn frames_are_cut_or_too_long() {
        for prefix in prefixes(READ) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = decode(&bytes(&format!("{READ}00")));
        assert_eq!(long, Err(DecodeError::Length { declared: 8, len_bytes: 9 }));
    }

    #[test]
    fn the_last_piece_may_be_filled_up_with_zeros_alone() {
        let filled = format!("{READ}{}", "00".repeat(8));
        assert_eq!(decode(&bytes(&filled)), decode(&bytes(READ)));
        let another = decode(&bytes(&format!("{READ}{}01", "00".repeat(7))));
        assert_eq!(another, Err(DecodeError::Length { declared: 8, len_bytes: 16 }));
        let two = decode(&bytes(&format!("{READ}{}", "00".repeat(24))));
        assert_eq!(two, Err(DecodeError::Length { declared: 8, len_bytes: 32 }));
    }

    #[test]
    fn the_checksum_is_verified() {
        let bad = DecodeError::Checksum { found: 0x4C, computed: 0x4D };
        assert_eq!(decode(&bytes("080100026026004c")), Err(bad));
    }

    #[test]
    fn less_data_than_the_frame_says_is_refused() {
        let frame = decode(&framed(&[10, 0x81, 0x00, 0x02, 0x60, 3, 0xAA, 0x55, 0]));
        assert_eq!(frame, Err(DecodeError::Length { declared: 3, len_bytes: 10 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _frame = decode(&bytes);
            let _frame = decode(&framed(&bytes));
        }
    }
}
