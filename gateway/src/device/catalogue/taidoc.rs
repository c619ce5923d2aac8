//! What `TaiDoc` meters are asked: the latest records at first, and then the latest one.
//!
//! Each question is `51`, the command (25 time, 26 values), the index of the record in two bytes
//! little-endian, two zeros, `A3`, and the sum of it all. Nothing that starts a cuff or deletes a
//! record is ever written.

use uuid::Uuid;

use crate::link::{Request, Write};

/// The last 5 records, oldest first, and the latest one every 15 s.
pub(super) const RECORDS: &[Write; 10] = &[
    Write::once(&[0x51, 0x25, 4, 0, 0, 0, 0xA3, 0x1D]),
    Write::once(&[0x51, 0x26, 4, 0, 0, 0, 0xA3, 0x1E]),
    Write::once(&[0x51, 0x25, 3, 0, 0, 0, 0xA3, 0x1C]),
    Write::once(&[0x51, 0x26, 3, 0, 0, 0, 0xA3, 0x1D]),
    Write::once(&[0x51, 0x25, 2, 0, 0, 0, 0xA3, 0x1B]),
    Write::once(&[0x51, 0x26, 2, 0, 0, 0, 0xA3, 0x1C]),
    Write::once(&[0x51, 0x25, 1, 0, 0, 0, 0xA3, 0x1A]),
    Write::once(&[0x51, 0x26, 1, 0, 0, 0, 0xA3, 0x1B]),
    Write::every(15, &[0x51, 0x25, 0, 0, 0, 0, 0xA3, 0x19]),
    Write::every(15, &[0x51, 0x26, 0, 0, 0, 0, 0xA3, 0x1A]),
];

/// The same over Bluetooth, where one characteristic takes questions and gives answers.
pub(super) const fn requests(characteristic: Uuid) -> [Request; 10] {
    let [a, b, c, d, e, f, g, h, i, j] = *RECORDS;
    [
        Request { characteristic, write: a },
        Request { characteristic, write: b },
        Request { characteristic, write: c },
        Request { characteristic, write: d },
        Request { characteristic, write: e },
        Request { characteristic, write: f },
        Request { characteristic, write: g },
        Request { characteristic, write: h },
        Request { characteristic, write: i },
        Request { characteristic, write: j },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::taidoc::{Direction, decode};

    #[test]
    fn every_question_is_one_for_a_record_and_has_its_sum() {
        for (number, write) in RECORDS.iter().enumerate() {
            let frame = decode(write.bytes).unwrap();
            assert_eq!(frame.direction, Direction::Host);
            assert_eq!(frame.command, if number % 2 == 0 { 0x25 } else { 0x26 });
            let index = u8::try_from((RECORDS.len() - 1 - number) / 2).unwrap();
            assert_eq!(frame.parameters, [index, 0, 0, 0]);
            assert_eq!(write.every.is_some(), index == 0);
        }
    }
}
