//! Identities: opaque names of agencies, hubs, devices and subjects, and the keys of the ledger.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest identity in bytes: short enough for a topic level and a certificate's common name.
pub const IDENTITY_LEN_MAX: usize = 64;

/// Why a text is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The text is empty or longer than [`IDENTITY_LEN_MAX`].
    #[error("an identity has 1 to {IDENTITY_LEN_MAX} characters, this one has {len_bytes}")]
    Length {
        /// Length of the refused text.
        len_bytes: usize,
    },
    /// The text has a character that is not allowed in a topic level.
    #[error(
        "character {character:?} is not allowed, use lower-case letters, digits and inner hyphens"
    )]
    Character {
        /// The first refused character.
        character: char,
    },
    /// An epoch is not 16 hexadecimal digits.
    #[error("an epoch has 16 hexadecimal digits")]
    Epoch,
    /// A ledger key is not `<epoch>-<sequence>`.
    #[error("a ledger key reads <epoch>-<sequence>, as in 00010203fcfdfeff-42")]
    LedgerKey,
}

/// The text, where it is well-formed as an identity.
pub(crate) fn checked(text: &str) -> Result<String, IdentityError> {
    if text.is_empty() || IDENTITY_LEN_MAX < text.len() {
        return Err(IdentityError::Length { len_bytes: text.len() });
    }
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let misplaced = text.starts_with('-') || text.ends_with('-');
    match text.chars().find(|&c| !is_allowed(c)) {
        Some(character) => Err(IdentityError::Character { character }),
        None if misplaced => Err(IdentityError::Character { character: '-' }),
        None => Ok(text.to_owned()),
    }
}

/// Name of an agency in topics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgencyId(String);

/// Name of a hub: certificate common name, MQTT user name and client id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubId(String);

/// Name that a hub gives to one of its devices; never the radio address or serial number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

/// Opaque name of a client. Names of people live only at the agency and on the home page.
///
/// It redacts itself: `Debug` never shows it, so that no log line can.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(String);

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectId(…)")
    }
}

impl fmt::Display for AgencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AgencyId {
    /// The identity as it stands in topics.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HubId {
    /// The identity as it stands in topics.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceId {
    /// Name in the place of a device where a person typed the value.
    #[must_use]
    pub fn person() -> Self {
        Self("person".to_owned())
    }

    /// The identity as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SubjectId {
    /// The identity as it stands on the wire; not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgencyId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        checked(text).map(Self)
    }
}

impl FromStr for HubId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        checked(text).map(Self)
    }
}

impl FromStr for DeviceId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        checked(text).map(Self)
    }
}

impl FromStr for SubjectId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        checked(text).map(Self)
    }
}

/// Eight random bytes made with a hub's database: a new database never reuses old numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub [u8; 8]);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Epoch {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(IdentityError::Epoch);
        }
        let number =
            u64::from_str_radix(text, 16).map_err(|_not_hexadecimal| IdentityError::Epoch)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Number of a record in its epoch: gap-free, from 1.
pub type Sequence = u64;

/// Identity of a reading: the ledger key of the record that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingId {
    /// Epoch of the hub's database.
    pub epoch: Epoch,
    /// Number in that epoch.
    pub seq: Sequence,
}

/// Identity of an alert: the ledger key of the transition that raised it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId {
    /// Epoch of the hub's database.
    pub epoch: Epoch,
    /// Number in that epoch.
    pub seq: Sequence,
}

impl fmt::Display for ReadingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for ReadingId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let (epoch, seq) = ledger_key(text)?;
        Ok(Self { epoch, seq })
    }
}

impl FromStr for AlertId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let (epoch, seq) = ledger_key(text)?;
        Ok(Self { epoch, seq })
    }
}

fn ledger_key(text: &str) -> Result<(Epoch, Sequence), IdentityError> {
    let (epoch, seq) = text.split_once('-').ok_or(IdentityError::LedgerKey)?;
    let seq = seq.parse().map_err(|_not_a_number| IdentityError::LedgerKey)?;
    Ok((epoch.parse()?, seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_wildcards_and_separators_are_refused() {
        for text in ["#", "+", "a/b", "Hub", "a b", "é", "-a", "a-"] {
            assert!(
                matches!(text.parse::<HubId>(), Err(IdentityError::Character { .. })),
                "{text}"
            );
        }
        assert_eq!("".parse::<HubId>(), Err(IdentityError::Length { len_bytes: 0 }));
        assert_eq!("hub-7f3a".parse::<HubId>().map(|hub| hub.to_string()), Ok("hub-7f3a".into()));
    }

    #[test]
    fn a_subject_never_shows_in_debug_output() {
        let subject: SubjectId = "client-4711".parse().unwrap();
        assert_eq!(format!("{subject:?}"), "SubjectId(…)");
    }

    #[test]
    fn ledger_keys_survive_their_text() {
        let id = ReadingId { epoch: Epoch([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]), seq: 42 };
        assert_eq!(id.to_string(), "00010203fcfdfeff-42");
        assert_eq!(id.to_string().parse::<ReadingId>(), Ok(id));
        assert_eq!("00010203fcfdfeff".parse::<AlertId>(), Err(IdentityError::LedgerKey));
        assert_eq!("+0010203fcfdfeff-1".parse::<AlertId>(), Err(IdentityError::Epoch));
    }
}
