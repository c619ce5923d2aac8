//! User Data: which of its users a device thinks it measures, and its User Control Point.
//!
//! ```text
//! 0x2A9A  User Index                 1 byte; 255 = unknown user
//! 0x2A99  Database Change Increment  4 bytes, little-endian
//!
//! 0x2A9F  User Control Point
//! offset  size  field
//! 0       1     op code   1 register, 2 consent, 3 delete user data, 4 list users, 5 delete users
//!                         answer: 32 response
//! ------------  1 goes on
//! 1       2     consent   little-endian, 0 to 9999
//! ------------  2 goes on
//! 1       1     user index
//! 2       2     consent
//! ------------  5 goes on
//! 1       1     user index
//! ------------  32 goes on
//! 1       1     op code of the request
//! 2       1     1 success, 2 op code not supported, 3 invalid parameter, 4 operation failed,
//!               5 user not authorized
//! 3       any   answer to the request: the new user index for 1, the users for 4
//! ```

use rust_decimal::Decimal;

use super::error::DecodeError;
use super::payload::Payload;

/// Op code by which a user is chosen.
const CONSENT: u8 = 2;
/// A request that was carried out.
const SUCCESS: u8 = 1;

/// The highest consent code.
const CONSENT_MAX: u16 = 9999;

/// A decoded request to or answer of a User Control Point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserControl {
    /// Makes a new user.
    Register {
        /// The code that lets in, 0 to 9999.
        consent: u16,
    },
    /// Becomes a user.
    Consent {
        /// Which.
        user_index: u8,
        /// The code that lets in, 0 to 9999.
        consent: u16,
    },
    /// Deletes what is stored of the user.
    DeleteUserData,
    /// Asks for all users.
    ListUsers,
    /// Deletes a user; 255 stands for all of them.
    DeleteUsers {
        /// Which.
        user_index: u8,
    },
    /// How a request went.
    Response {
        /// Op code of the request, as it came.
        request: u8,
        /// How it went, as the code came.
        code: u8,
        /// The answer to the request, which some devices leave out.
        parameter: Vec<u8>,
    },
}

/// What to write so that a device delivers what it stored of a user.
#[must_use]
pub fn consent_request(user_index: u8, consent: u16) -> [u8; 4] {
    let [low, high] = consent.to_le_bytes();
    [CONSENT, user_index, low, high]
}

/// Decodes the value of a User Index characteristic; 255 stands for an unknown user.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it is one byte.
pub fn decode_index(bytes: &[u8]) -> Result<u8, DecodeError> {
    let mut payload = Payload::new(bytes);
    let index = payload.byte("user index")?;
    payload.end()?;
    Ok(index)
}

/// Decodes the value of a Database Change Increment characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has four bytes.
pub fn decode_change_increment(bytes: &[u8]) -> Result<u32, DecodeError> {
    let mut payload = Payload::new(bytes);
    let increment = payload.u32_le("change increment")?;
    payload.end()?;
    Ok(increment)
}

/// Decodes what is written to or indicated by a User Control Point.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not that of the
/// op code, and [`DecodeError::OutOfRange`] for op codes that are reserved and for consent codes
/// of more than four digits.
pub fn decode(bytes: &[u8]) -> Result<UserControl, DecodeError> {
    let mut payload = Payload::new(bytes);
    let control = match payload.byte("op code")? {
        1 => UserControl::Register { consent: consent(&mut payload)? },
        2 => {
            let user_index = payload.byte("user index")?;
            UserControl::Consent { user_index, consent: consent(&mut payload)? }
        }
        3 => UserControl::DeleteUserData,
        4 => UserControl::ListUsers,
        5 => UserControl::DeleteUsers { user_index: payload.byte("user index")? },
        32 => {
            let request = payload.byte("op code of the request")?;
            let code = payload.byte("response code")?;
            let parameter = payload.rest().to_vec();
            return Ok(UserControl::Response { request, code, parameter });
        }
        reserved => {
            let value = Decimal::from(reserved);
            return Err(DecodeError::OutOfRange { field: "op code", value });
        }
    };
    payload.end()?;
    Ok(control)
}

fn consent(payload: &mut Payload<'_>) -> Result<u16, DecodeError> {
    let consent = payload.u16_le("consent")?;
    if CONSENT_MAX < consent {
        let value = Decimal::from(consent);
        return Err(DecodeError::OutOfRange { field: "consent", value });
    }
    Ok(consent)
}

impl UserControl {
    /// How a request of the hub went.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::UserRefused`] where the device refused.
    pub fn outcome(&self) -> Result<(), DecodeError> {
        match self {
            Self::Response { request, code, .. } if *code != SUCCESS => {
                Err(DecodeError::UserRefused { request: *request, code: *code })
            }
            Self::Response { .. }
            | Self::Register { .. }
            | Self::Consent { .. }
            | Self::DeleteUserData
            | Self::ListUsers
            | Self::DeleteUsers { .. } => Ok(()),
        }
    }

    /// The new user, in a response that tells one.
    #[must_use]
    pub fn registered(&self) -> Option<u8> {
        match self {
            Self::Response { request: 1, code: 1, parameter } => parameter.first().copied(),
            Self::Response { .. }
            | Self::Register { .. }
            | Self::Consent { .. }
            | Self::DeleteUserData
            | Self::ListUsers
            | Self::DeleteUsers { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, expected: UserControl) {
        assert_eq!(decode(&bytes(hex)), Ok(expected));
    }

    #[test]
    fn a_user_is_registered_and_consents() {
        check("01d204", UserControl::Register { consent: 1234 });
        check("0201d204", UserControl::Consent { user_index: 1, consent: 1234 });
        check("03", UserControl::DeleteUserData);
        check("04", UserControl::ListUsers);
        check("05ff", UserControl::DeleteUsers { user_index: 255 });
    }

    #[test]
    fn a_response_may_tell_the_new_user() {
        let response = decode(&bytes("20010102")).unwrap();
        assert_eq!(response.registered(), Some(2));
        let response = decode(&bytes("200101")).unwrap();
        let parameter = Vec::new();
        assert_eq!(response, UserControl::Response { request: 1, code: 1, parameter });
        assert_eq!(response.registered(), None);
        assert_eq!(decode(&bytes("200105")).unwrap().registered(), None);
        let users = UserControl::Response { request: 4, code: 1, parameter: vec![2, 1, 3] };
        check("200401020103", users);
    }

    #[test]
    fn codes_that_do_not_exist_are_refused() {
        for (hex, field) in [("00", "op code"), ("06", "op code"), ("011027", "consent")] {
            let refused = decode(&bytes(hex)).unwrap_err();
            assert!(
                matches!(refused, DecodeError::OutOfRange { field: of, .. } if of == field),
                "{hex}"
            );
        }
    }

    #[test]
    fn every_cut_and_every_surplus_is_refused() {
        for prefix in prefixes("0201d204").into_iter().chain(prefixes("200101")) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        for hex in ["0201d20400", "01d20400", "0300", "0400", "05ff00"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Trailing { .. })), "{hex}");
        }
    }

    #[test]
    fn an_index_and_an_increment_have_one_length() {
        assert_eq!(decode_index(&[255]), Ok(255));
        assert!(decode_index(&[]).is_err() && decode_index(&[1, 2]).is_err());
        assert_eq!(decode_change_increment(&bytes("01020000")), Ok(0x0201));
        assert!(decode_change_increment(&bytes("010200")).is_err());
        assert!(decode_change_increment(&bytes("0102000000")).is_err());
    }

    #[test]
    fn a_refused_user_is_told_and_what_went_well_is_not() {
        assert_eq!(consent_request(1, 9999), [2, 1, 0x0F, 0x27]);
        let outcome = |hex: &str| decode(&bytes(hex)).unwrap().outcome();
        assert_eq!(outcome("200201"), Ok(()));
        assert_eq!(outcome("200205"), Err(DecodeError::UserRefused { request: 2, code: 5 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _index = decode_index(&bytes);
            let _increment = decode_change_increment(&bytes);
            if let Ok(control) = decode(&bytes) {
                let _user = control.registered();
            }
        }
    }
}
