//! Requests to a memory and its answers, and the pieces of sixteen bytes in which they travel.
//!
//! ```text
//! offset  size  field
//! 0       1     length of the frame
//! 1       2     what it is, BE16
//! 3       2     address, BE16
//! 5       1     n: bytes that are asked for, written or answered
//! 6       n     data, where there is any
//! +0      1     0, or why not
//! +0      1     XOR of all bytes before
//! ```
//!
//! A piece of a request is as long as it is; one of an answer is filled with zeros.

use std::array;

/// Channels for each direction.
pub(super) const N_CHANNELS: usize = 4;

/// What one channel carries of a frame.
const PIECE_LEN_BYTES: usize = 16;

/// Bytes of a frame besides its data.
const BARE_LEN_BYTES: usize = 8;

/// A request or an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Frame {
    pub(super) what: u16,
    pub(super) address: u16,
    pub(super) n_bytes: u8,
    pub(super) contents: Vec<u8>,
    /// 0, or why a request is not carried out.
    pub(super) code: u8,
}

impl Frame {
    /// Reads a frame; `None` if its length or its check is wrong.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<6>()?;
        let (contents, &[code, _check]) = rest.split_last_chunk::<2>()?;
        let [length, w0, w1, a0, a1, n_bytes] = *head;
        let is_whole = usize::from(length) == bytes.len() && check(bytes) == 0;
        is_whole.then(|| Self {
            what: u16::from_be_bytes([w0, w1]),
            address: u16::from_be_bytes([a0, a1]),
            n_bytes,
            contents: contents.to_vec(),
            code,
        })
    }

    /// Writes the frame in pieces, one for each channel from 0 on.
    pub(super) fn pieces(&self) -> Vec<Vec<u8>> {
        let length = BARE_LEN_BYTES.saturating_add(self.contents.len());
        let [w0, w1] = self.what.to_be_bytes();
        let [a0, a1] = self.address.to_be_bytes();
        let mut bytes = vec![u8::try_from(length).unwrap_or_default(), w0, w1, a0, a1];
        bytes.push(self.n_bytes);
        bytes.extend(&self.contents);
        bytes.push(self.code);
        bytes.push(check(&bytes));
        bytes.resize(bytes.len().next_multiple_of(PIECE_LEN_BYTES), 0);
        bytes.chunks(PIECE_LEN_BYTES).map(<[u8]>::to_vec).collect()
    }
}

/// XOR of bytes; that of a whole frame is 0.
fn check(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |check, byte| check ^ byte)
}

/// The pieces of a request that came so far.
#[derive(Debug, Default)]
pub(super) struct Channels([Option<Vec<u8>>; N_CHANNELS]);

impl Channels {
    /// Takes a piece from a channel; returns the frame that it completes, in whatever order the
    /// pieces came.
    pub(super) fn take(&mut self, channel: usize, piece: &[u8]) -> Option<Vec<u8>> {
        if self.0.get(channel)?.is_some() {
            // The rest of another frame never came.
            self.0 = array::from_fn(|_channel| None);
        }
        *self.0.get_mut(channel)? = Some(piece.to_vec());
        let length = usize::from(*self.0.first()?.as_ref()?.first()?);
        let needed = self.0.get(..length.div_ceil(PIECE_LEN_BYTES))?;
        let pieces = needed.iter().map(Option::as_deref).collect::<Option<Vec<_>>>()?;
        let mut frame = pieces.concat();
        frame.truncate(length);
        self.0 = array::from_fn(|_channel| None);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    #[test]
    fn a_request_is_read_when_its_check_is_right() {
        let start = Frame::read(&hex("08 0000 0000 10 00 18")).unwrap();
        assert_eq!((start.what, start.address, start.n_bytes), (0x0000, 0x0000, 0x10));
        let read = Frame::read(&hex("08 0100 0260 26 00 4d")).unwrap();
        assert_eq!((read.what, read.address, read.n_bytes), (0x0100, 0x0260, 0x26));
        let write = Frame::read(&hex("0a 01c0 0102 02 aabb 00 db")).unwrap();
        assert_eq!((write.address, write.contents), (0x0102, vec![0xAA, 0xBB]));
        for wrong in ["", "08", "08 0000 0000 10 00 19", "09 0000 0000 10 00 19"] {
            assert_eq!(Frame::read(&hex(wrong)), None, "{wrong}");
        }
    }

    /// A capture of a HEM-6232T that answers the beginning of a session.
    #[test]
    fn an_answer_is_written_in_whole_pieces() {
        let contents = hex("0000 0094 0244 ffff ffff ffff ffff ffff");
        let answer = Frame { what: 0x8000, address: 0, n_bytes: 16, contents, code: 0 };
        let pieces = answer.pieces();
        let expected =
            ["18 8000 0000 10 0000 0094 0244 ffff ffff", "ffff ffff ffff 00 5a 00000000 00000000"];
        assert_eq!(pieces, expected.map(hex));
    }

    #[test]
    fn a_frame_is_put_together_from_its_channels_in_any_order() {
        let frame: Vec<u8> = (0..40).map(|at| if at == 0 { 40 } else { at }).collect();
        let pieces: Vec<_> = frame.chunks(16).collect();
        let mut channels = Channels::default();
        assert_eq!(channels.take(2, pieces[2]), None);
        assert_eq!(channels.take(0, pieces[0]), None);
        assert_eq!(channels.take(1, pieces[1]), Some(frame.clone()));
        // The first two thirds of another one are forgotten.
        assert_eq!(channels.take(1, &[0; 16]), None);
        assert_eq!(channels.take(0, pieces[0]), None);
        assert_eq!(channels.take(0, pieces[0]), None);
        assert_eq!(channels.take(1, pieces[1]), None);
        assert_eq!(channels.take(2, pieces[2]), Some(frame));
        assert_eq!(channels.take(4, &[8]), None);
    }
}
