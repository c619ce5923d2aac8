//! Removing what names a device or its owner from what it said: pure.
//!
//! ```text
//! removed whole      Device Name 2A00, System ID 2A23, Serial Number 2A25, and what the User Data
//!                    Service knows of a person: names, e-mail, date of birth
//! overwritten        the address of the device and of the adapter, as bytes in both orders, with the
//!                    two bytes that make an EUI-64 of it, and as digits, whole and its last half;
//!                    serial number and name as text; whatever else the person names
//! ```
//!
//! Overwritten bytes are zeros, overwritten text is `x`: lengths and places stay what they are.

use uuid::Uuid;

use super::{Origin, Utterance};
use crate::device::catalogue::short_uuid;

/// Characteristics that are nothing but identity.
const NAMING: [u16; 8] = [
    0x2A00, // Device Name
    0x2A23, // System ID
    0x2A25, // Serial Number String
    0x2A85, // Date of Birth
    0x2A87, // Email Address
    0x2A8A, // First Name
    0x2A90, // Last Name
    0x2B48, // Middle Name
];

/// A shorter text is in too much by chance.
const TEXT_LEN_MIN: usize = 4;

/// What is to be removed.
#[derive(Debug, Default)]
pub struct Identity {
    patterns: Vec<(Vec<u8>, u8)>,
}

impl Identity {
    /// Notes an address.
    pub fn address(&mut self, address: [u8; 6]) {
        let [a, b, c, d, e, f] = address;
        for whole in [vec![a, b, c, d, e, f], vec![a, b, c, 0xFF, 0xFE, d, e, f]] {
            let reversed: Vec<u8> = whole.iter().rev().copied().collect();
            self.patterns.push((whole, 0));
            self.patterns.push((reversed, 0));
        }
        let digits = hex::encode_upper(address);
        let pairs: Vec<_> = address.iter().map(|it| format!("{it:02X}")).collect();
        self.text(&pairs.join(":"));
        if let Some(half) = digits.get(6..) {
            self.text(half);
        }
        self.text(&digits);
    }

    /// Notes a text, such as a serial number or a name.
    pub fn text(&mut self, text: &str) {
        let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0');
        if TEXT_LEN_MIN <= text.len() {
            self.patterns.push((text.as_bytes().to_vec(), b'x'));
        }
    }

    /// Notes what a device says its serial number and its name are.
    pub fn learn(&mut self, said: &Utterance) {
        let (Origin::Read { characteristic, .. } | Origin::Sent { characteristic, .. }) =
            &said.origin
        else {
            return;
        };
        if short_uuid(*characteristic).is_some_and(|it| NAMING.contains(&it)) {
            self.text(&String::from_utf8_lossy(&said.bytes));
        }
    }

    /// What is left of the bytes of `characteristic`; `None` where that is nothing but identity.
    #[must_use]
    pub fn removed_from(&self, characteristic: Option<Uuid>, bytes: &[u8]) -> Option<Vec<u8>> {
        if characteristic.and_then(short_uuid).is_some_and(|it| NAMING.contains(&it)) {
            return None;
        }
        let mut left = bytes.to_vec();
        for (pattern, filler) in &self.patterns {
            let places: Vec<_> = bytes
                .windows(pattern.len())
                .enumerate()
                .filter(|(_at, window)| window.eq_ignore_ascii_case(pattern))
                .map(|(at, _window)| at)
                .collect();
            for at in places {
                left.iter_mut().skip(at).take(pattern.len()).for_each(|it| *it = *filler);
            }
        }
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::catalogue::sig_uuid;

    fn identity() -> Identity {
        let mut identity = Identity::default();
        identity.address([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x0C]);
        identity.text("5160700123\0");
        identity
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &[u8]) {
        assert_eq!(identity().removed_from(None, bytes).as_deref(), Some(expected));
    }

    #[test]
    fn an_address_is_removed_in_every_way_of_writing_it() {
        check(&[7, 0x00, 0x09, 0x1F, 0x8A, 0x01, 0x0C, 7], &[7, 0, 0, 0, 0, 0, 0, 7]);
        check(&[0x0C, 0x01, 0x8A, 0x1F, 0x09, 0x00], &[0; 6]);
        check(&[0x0C, 0x01, 0x8A, 0xFE, 0xFF, 0x1F, 0x09, 0x00], &[0; 8]);
        check(b"A&D_8a010c", b"A&D_xxxxxx");
        check(b"00:09:1f:8a:01:0c", b"xxxxxxxxxxxxxxxxx");
    }

    #[test]
    fn a_serial_number_is_removed_and_lengths_stay() {
        check(b"SN 5160700123 ok", b"SN xxxxxxxxxx ok");
        check(&[0x16, 0x78, 0x00], &[0x16, 0x78, 0x00]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_nothing_but_identity_is_left_out() {
        for naming in NAMING {
            assert_eq!(identity().removed_from(Some(sig_uuid(naming)), b"any"), None);
        }
        let kept = identity().removed_from(Some(sig_uuid(0x2A24)), b"UA-651BLE");
        assert_eq!(kept.as_deref(), Some(b"UA-651BLE".as_slice()));
    }

    #[test]
    fn a_short_text_is_no_reason_to_spoil_numbers() {
        let mut identity = Identity::default();
        identity.text("12");
        identity.text("");
        assert_eq!(identity.removed_from(None, b"1212").as_deref(), Some(b"1212".as_slice()));
    }
}
