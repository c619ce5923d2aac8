//! Omron cuffs and scales that keep their records in a memory, which the host reads block by block.
//!
//! ```text
//! model            users at                 records  bytes  a block  record
//! HEM-7322T        02AC 0824                100      14     38       packed
//! HEM-7600T        02AC                     100      14     38       packed
//! HEM-6232T        02E8 0860                100      14     38       packed, two flags exchanged
//! HEM-7530T        02E8                      90      14     10       packed
//! HEM-7150T        0098                      60      16     10       packed, backwards
//! HEM-7155T        0098 0458                 60      16     10       packed, backwards
//! HEM-7342T/7361T  0098 06D8                100      16     10       packed, backwards
//! HEM-7142T2       02E8                      14      14     2C       classic
//! HBF-702T         02C0 0890 0E60 1430       30      48     10       scale
//! ```
//!
//! Addresses and blocks are hexadecimal. Frames are those of [`super::omron_wlp`], records those of
//! [`super::omron_eeprom`] and [`super::omron_scale`]. Nothing is ever written into the memory: a wrong
//! byte there spoils the settings of the device, and its records need no confirmation.
//! The block of the HBF-702T is not published; it is asked for the smallest that any model has.

mod pieces;
mod reader;
mod script;

use ::uuid::Uuid;

pub(crate) use self::reader::Reader;
pub use self::script::Introduction;
use super::error::DecodeError;
use super::report::Report;
use super::{omron_eeprom, omron_scale};

/// What the memory of a model is like, and how it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Where the records of each user begin.
    pub users: &'static [u16],
    /// How many records a user has room for.
    pub n_records: u16,
    /// How much is read at once, in bytes.
    pub block_len_bytes: u8,
    /// What a record is like.
    pub record: RecordFormat,
    /// How it is opened.
    pub lock: Lock,
}

/// What the records of a model are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFormat {
    /// 14 bytes, bit-packed.
    Packed,
    /// The same with the flags of an irregular pulse and of movement exchanged.
    PackedExchanged,
    /// 16 bytes, bit-packed and backwards.
    Backwards,
    /// 14 bytes, classic.
    Classic,
    /// 48 bytes of a body composition scale.
    Scale,
}

/// How the memory of a model is opened in each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// With a key that it was given while it was paired.
    Key,
    /// With any token, which it repeats.
    Token,
}

/// Service of the models with a key; those with a token have that of [`MODERN_SERVICE`].
pub const SERVICE: Uuid = Uuid::from_u128(0xECBE3980_C9A2_11E1_B1BD_0002A5D5C51B);
/// Service of the models with a token, which is registered for Omron.
pub const MODERN_SERVICE: Uuid = super::catalogue::sig_uuid(0xFE4A);
/// Takes keys and tokens, and says what it thinks of them.
pub const UNLOCK: Uuid = Uuid::from_u128(0xB305B680_AEE7_11E1_A730_0002A5D5C51B);
/// Takes questions; the first of four, and no question is longer than fits into one.
const QUESTIONS: Uuid = Uuid::from_u128(0xDB5B55E0_AEE7_11E1_965E_0002A5D5C51B);
/// Answers come by these, in pieces; those of the models with a token whole by the first.
pub const ANSWERS: [Uuid; 4] = [
    Uuid::from_u128(0x49123040_AEE8_11E1_A74D_0002A5D5C51B),
    Uuid::from_u128(0x4D0BF320_AEE8_11E1_A0D9_0002A5D5C51B),
    Uuid::from_u128(0x5128CE60_AEE8_11E1_B84B_0002A5D5C51B),
    Uuid::from_u128(0x560F1420_AEE8_11E1_8184_0002A5D5C51B),
];

const CUFF: Layout = Layout {
    users: &[],
    n_records: 100,
    block_len_bytes: 0x38,
    record: RecordFormat::Packed,
    lock: Lock::Key,
};

/// HEM-7322T.
pub const HEM_7322T: Layout = Layout { users: &[0x02AC, 0x0824], ..CUFF };
/// HEM-7600T.
pub const HEM_7600T: Layout = Layout { users: &[0x02AC], ..CUFF };
/// HEM-6232T.
pub const HEM_6232T: Layout =
    Layout { users: &[0x02E8, 0x0860], record: RecordFormat::PackedExchanged, ..CUFF };
/// HEM-7530T.
pub const HEM_7530T: Layout =
    Layout { users: &[0x02E8], n_records: 90, block_len_bytes: 0x10, ..CUFF };
/// HEM-7150T.
pub const HEM_7150T: Layout = Layout { users: &[0x0098], n_records: 60, ..HEM_7361T };
/// HEM-7155T.
pub const HEM_7155T: Layout = Layout { users: &[0x0098, 0x0458], n_records: 60, ..HEM_7361T };
/// HEM-7342T and HEM-7361T.
pub const HEM_7361T: Layout = Layout {
    users: &[0x0098, 0x06D8],
    block_len_bytes: 0x10,
    record: RecordFormat::Backwards,
    ..CUFF
};
/// HEM-7142T2.
pub const HEM_7142T2: Layout = Layout {
    users: &[0x02E8],
    n_records: 14,
    block_len_bytes: 0x2C,
    record: RecordFormat::Classic,
    lock: Lock::Token,
};
/// HBF-702T.
pub const HBF_702T: Layout = Layout {
    users: &[0x02C0, 0x0890, 0x0E60, 0x1430],
    n_records: 30,
    block_len_bytes: 0x10,
    record: RecordFormat::Scale,
    ..CUFF
};

impl RecordFormat {
    /// Length of a record in bytes.
    const fn len_bytes(self) -> u8 {
        match self {
            Self::Packed | Self::PackedExchanged | Self::Classic => 14,
            Self::Backwards => 16,
            Self::Scale => 48,
        }
    }

    /// What a record says.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::EmptySlot`] for a place without one, and what its values cannot be.
    fn report(self, bytes: &[u8]) -> Result<Report, DecodeError> {
        match self {
            Self::Packed => omron_eeprom::decode_packed_14(bytes)?.report(),
            Self::PackedExchanged => {
                let it = omron_eeprom::decode_packed_14(bytes)?;
                let (is_irregular, is_moved) = (it.is_moved, it.is_irregular);
                omron_eeprom::Record { is_irregular, is_moved, ..it }.report()
            }
            Self::Backwards => omron_eeprom::decode_packed_16(bytes)?.report(),
            Self::Classic => omron_eeprom::decode_classic(bytes)?.report(),
            Self::Scale => omron_scale::decode(bytes)?.report(),
        }
    }
}

impl Layout {
    /// Length of all records of a user in bytes.
    fn user_len_bytes(&self) -> u16 {
        self.n_records.saturating_mul(self.record.len_bytes().into())
    }

    /// The user whose records are at `address`, from 0, and how far in they are.
    fn place(&self, address: u16) -> Option<(usize, u16)> {
        self.users.iter().enumerate().find_map(|(user, begin)| {
            let into = address.checked_sub(*begin)?;
            (into < self.user_len_bytes()).then_some((user, into))
        })
    }

    /// The slot of a user, from 0; none where the device has one user alone, whom it does not ask for.
    fn slot(&self, user: usize) -> Option<u8> {
        if self.users.len() < 2 {
            return None;
        }
        u8::try_from(user.saturating_add(1)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUTS: [&Layout; 9] = [
        &HEM_7322T,
        &HEM_7600T,
        &HEM_6232T,
        &HEM_7530T,
        &HEM_7150T,
        &HEM_7155T,
        &HEM_7361T,
        &HEM_7142T2,
        &HBF_702T,
    ];

    #[test]
    fn the_records_of_two_users_have_no_place_in_common() {
        for layout in LAYOUTS {
            let begun: Vec<_> = layout.users.iter().map(|it| layout.place(*it)).collect();
            let expected: Vec<_> = (0..layout.users.len()).map(|user| Some((user, 0))).collect();
            assert_eq!(begun, expected, "{layout:?}");
            let last = layout.users.last().unwrap() + layout.user_len_bytes();
            assert_eq!(layout.place(last), None);
            assert!(layout.users.is_sorted());
            for (begin, next) in layout.users.iter().zip(layout.users.iter().skip(1)) {
                assert!(begin + layout.user_len_bytes() <= *next, "{layout:?}");
            }
        }
    }

    #[test]
    fn an_answer_fits_into_the_pieces_of_its_model() {
        for layout in LAYOUTS {
            let longest = usize::from(layout.block_len_bytes) + pieces::OVERHEAD_LEN_BYTES;
            assert!(longest <= pieces::FRAME_LEN_BYTES_MAX, "{layout:?}");
        }
    }

    #[test]
    fn one_user_alone_has_no_slot() {
        assert_eq!(
            (HEM_7600T.slot(0), HEM_7322T.slot(0), HBF_702T.slot(3)),
            (None, Some(1), Some(4))
        );
    }

    #[test]
    fn the_flags_of_one_model_are_exchanged() {
        use vitals::Flag;

        use crate::device::fixture::bytes;
        let moved = bytes("5b781a4899d71b42000014006996");
        let is = |format: RecordFormat, flag| format.report(&moved).unwrap().flags.contains(&flag);
        assert!(is(RecordFormat::Packed, Flag::BodyMovement));
        assert!(is(RecordFormat::PackedExchanged, Flag::IrregularPulse));
        assert!(!is(RecordFormat::PackedExchanged, Flag::BodyMovement));
    }
}
