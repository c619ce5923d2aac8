//! Xiaomi S400 and S200 scales: encrypted service data (0xFE95, `MiBeacon` version 5).
//!
//! ```text
//! offset  size  field
//! 0       2     0x95 0xFE, where the UUID is part of it
//! 0       2     control      bit 3: encrypted, bit 4: address, bit 5: capability
//! 2       2     product
//! 4       1     counter
//! +       6     address, backwards, by bit 4
//! +       1     capability, by bit 5
//! ..      12    encrypted by AES-128 in CCM mode
//! last-7  3     more of the counter
//! last-4  4     tag
//!
//! nonce: address backwards, product, counter, more of the counter; 0x11 is authenticated, too
//!
//! what was encrypted
//! 0       2     0x6E16, the object      4       4     bits 0-10: weight, 0.1 kg
//! 2       1     9, its length                         bits 11-17: heart rate - 50; 0 and 127 none
//! 3       1     profile                               bits 18-31: impedance, 0.1 ohm; 0 is none
//!                                       8       4     seconds since 1970
//! ```
//!
//! A report without weight carries the impedance at a low frequency.

use aes::Aes128;
use ccm::aead::AeadInOut as _;
use ccm::consts::{U4, U12};
use ccm::{Ccm, KeyInit as _};
use rust_decimal::Decimal;
use vitals::{ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::outcome;
use super::payload::Payload;
use super::report::{NoResult, Report};

/// Service data with its UUID in front.
const UUID: [u8; 2] = [0x95, 0xFE];
const ENCRYPTED: u16 = 1 << 3;
const HAS_ADDRESS: u16 = 1 << 4;
const HAS_CAPABILITY: u16 = 1 << 5;

/// What reads the encrypted bytes of one device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// The key, from the maker's cloud.
    pub key: [u8; 16],
    /// The address, as it is written.
    pub address: [u8; 6],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What a scale says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighing {
    /// Profile that the scale chose.
    pub profile: u8,
    /// Weight in kg; 0 in a report of the impedance at a low frequency.
    pub weight: Decimal,
    /// Heart rate per minute, where it was measured.
    pub heart_rate: Option<u8>,
    /// Impedance in ohm, where it was measured.
    pub impedance: Option<Decimal>,
    /// When it was measured by the clock of the scale, in seconds since 1970.
    pub at_s: u32,
}

impl Weighing {
    /// What it says about the measurement: the weight alone.
    ///
    /// Its time is that of its reception: the clock of the scale is set by the app of its maker, and
    /// nobody here can tell whether it was.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a weight that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = if self.weight.is_zero() {
            Err(NoResult::Absent)
        } else {
            Ok(vec![measurement(Vital::BodyWeight, self.weight, Unit::Kilogram)?])
        };
        Ok(outcome::report(ReadingKind::Weight, result))
    }
}

/// Decodes the service data, with or without its UUID.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] for another length,
/// [`DecodeError::Framing`] for something that is not encrypted or no weighing, and
/// [`DecodeError::Sealed`] for another key or address, or damaged bytes.
pub fn decode(secret: &Secret, bytes: &[u8]) -> Result<Weighing, DecodeError> {
    let mut payload = Payload::new(bytes.strip_prefix(&UUID).unwrap_or(bytes));
    let control = payload.u16_le("control")?;
    if control & ENCRYPTED == 0 {
        let [low, _high] = control.to_le_bytes();
        return Err(DecodeError::Framing { field: "control", value: low });
    }
    let product: [u8; 2] = payload.array("product")?;
    let counter = payload.byte("counter")?;
    if control & HAS_ADDRESS != 0 {
        let _address = payload.array::<6>("address")?;
    }
    if control & HAS_CAPABILITY != 0 {
        let _capability = payload.byte("capability")?;
    }
    let encrypted = payload.array::<12>("encrypted part")?;
    let more: [u8; 3] = payload.array("counter")?;
    let tag: [u8; 4] = payload.array("tag")?;
    payload.end()?;
    let [a0, a1, a2, a3, a4, a5] = secret.address;
    let ([p0, p1], [m0, m1, m2]) = (product, more);
    let nonce = [a5, a4, a3, a2, a1, a0, p0, p1, counter, m0, m1, m2];
    weighing(opened(secret.key, nonce, encrypted, tag)?)
}

fn opened(
    key: [u8; 16],
    nonce: [u8; 12],
    encrypted: [u8; 12],
    tag: [u8; 4],
) -> Result<[u8; 12], DecodeError> {
    let cipher = Ccm::<Aes128, U4, U12>::new(&key.into());
    let mut buffer = encrypted;
    cipher
        .decrypt_inout_detached(&nonce.into(), &[0x11], buffer.as_mut_slice().into(), &tag.into())
        .map_err(|_cause| DecodeError::Sealed)?;
    Ok(buffer)
}

fn weighing(plain: [u8; 12]) -> Result<Weighing, DecodeError> {
    let [object_0, object_1, len, profile, values @ .., t0, t1, t2, t3] = plain;
    for (field, value, expected) in
        [("object", object_0, 0x16), ("object", object_1, 0x6E), ("object length", len, 9)]
    {
        if value != expected {
            return Err(DecodeError::Framing { field, value });
        }
    }
    let values = u32::from_le_bytes(values);
    let [_, _, _, heart_rate] = (values >> 11 & 0x7F).to_be_bytes();
    let impedance = values >> 18;
    Ok(Weighing {
        profile,
        weight: Decimal::new((values & 0x7FF).into(), 1),
        heart_rate: (1..127).contains(&heart_rate).then(|| heart_rate.saturating_add(50)),
        impedance: (impedance != 0).then(|| Decimal::new(impedance.into(), 1)),
        at_s: u32::from_le_bytes([t0, t1, t2, t3]),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const SCALE: Secret = Secret {
        key: [
            0x58, 0x30, 0x57, 0x40, 0xB6, 0x4E, 0x4B, 0x42, 0x5E, 0x51, 0x8A, 0xA1, 0xF4, 0xE5,
            0x13, 0x39,
        ],
        address: [0x84, 0x46, 0x93, 0x64, 0xA5, 0xE6],
    };
    const WEIGHING: &str = "4859d53b2d3314943c58b133638c7457a4000000c3e670dc";

    #[test]
    fn a_weighing_is_read_with_its_key() {
        let weighing = decode(&SCALE, &bytes(WEIGHING)).unwrap();
        assert_eq!(weighing.weight, Decimal::new(742, 1));
        // 2025-07-07 19:01:13 UTC.
        assert_eq!(weighing.at_s, 1_751_914_873);
        let report = weighing.report().unwrap();
        assert_eq!((report.result.unwrap().len(), report.device_time), (1, None));
    }

    #[test]
    fn the_uuid_may_be_part_of_it() {
        let with = decode(&SCALE, &bytes("95fe4859d53b3bde6bc8d05b51c0cdfd9021c9000000925c5039"));
        assert_eq!(with.map(|it| it.weight), Ok(Decimal::new(732, 1)));
    }

    #[test]
    fn a_weighing_is_cut_or_too_long() {
        for prefix in prefixes(WEIGHING) {
            let refused = decode(&SCALE, &prefix);
            assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = decode(&SCALE, &bytes(&format!("{WEIGHING}00")));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn another_key_address_or_bit_is_refused() {
        let key = Secret { key: [0; 16], ..SCALE };
        let address = Secret { address: [0; 6], ..SCALE };
        for secret in [key, address] {
            assert_eq!(decode(&secret, &bytes(WEIGHING)), Err(DecodeError::Sealed));
        }
        for position in 2..24 {
            let mut damaged = bytes(WEIGHING);
            if let Some(byte) = damaged.get_mut(position) {
                *byte ^= 1;
            }
            assert_eq!(decode(&SCALE, &damaged), Err(DecodeError::Sealed), "{position}");
        }
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let plain = |values: u32| {
            let [v0, v1, v2, v3] = values.to_le_bytes();
            weighing([0x16, 0x6E, 9, 1, v0, v1, v2, v3, 0, 0, 0, 0]).unwrap()
        };
        assert_eq!((plain(742).heart_rate, plain(742).impedance), (None, None));
        assert_eq!(plain(742 | 127 << 11).heart_rate, None);
        assert_eq!(plain(742 | 20 << 11).heart_rate, Some(70));
        assert_eq!(plain(4976 << 18).impedance, Some(Decimal::new(4976, 1)));
        assert!(weighing([0; 12]).is_err());
    }

    #[test]
    fn what_is_not_encrypted_is_refused() {
        let open = decode(&SCALE, &bytes("4059d53b2d"));
        assert_eq!(open, Err(DecodeError::Framing { field: "control", value: 0x40 }));
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{SCALE:?}"), "Secret(…)");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, plain: [u8; 12]) {
            let _weighing = decode(&SCALE, &bytes);
            let _weighing = weighing(plain);
        }
    }
}
