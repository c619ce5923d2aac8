//! Deterministic CBOR (RFC 8949 §4.2.1): one message has one encoding.

use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A message could not be encoded; nothing was written.
#[derive(Debug, Error)]
#[error("failed to encode a message: {cause}")]
pub struct EncodeError {
    cause: String,
}

/// Bytes are not the message that was expected.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The bytes are no CBOR, or a key is missing or of another type.
    #[error("not the expected message: {cause}")]
    Malformed {
        /// What the decoder met.
        cause: String,
    },
    /// Bytes follow the message.
    #[error("{len_bytes} bytes follow the message")]
    Trailing {
        /// How many bytes follow.
        len_bytes: usize,
    },
    /// A word or number is outside the contract.
    #[error("key {key}: {cause}")]
    Value {
        /// Key of the value.
        key: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// Encodes `message` with the keys of every map in bytewise order of their encoding.
///
/// # Errors
///
/// Returns [`EncodeError`] where the message has no CBOR form; our wire types all have one.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
    let mut value =
        Value::serialized(message).map_err(|it| EncodeError { cause: it.to_string() })?;
    sort(&mut value)?;
    write(&value)
}

/// Decodes one message that fills `bytes`.
///
/// # Errors
///
/// Returns [`DecodeError`] for anything else. Unknown keys are ignored, as contract v1 asks.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut rest = bytes;
    let message = ciborium::de::from_reader_with_recursion_limit(&mut rest, 16)
        .map_err(|it| DecodeError::Malformed { cause: it.to_string() })?;
    if rest.is_empty() { Ok(message) } else { Err(DecodeError::Trailing { len_bytes: rest.len() }) }
}

fn write(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|it| EncodeError { cause: it.to_string() })?;
    Ok(bytes)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other CBOR item has no keys to sort")]
fn sort(value: &mut Value) -> Result<(), EncodeError> {
    match value {
        Value::Map(entries) => {
            let mut keyed = Vec::with_capacity(entries.len());
            for (key, mut item) in entries.drain(..) {
                sort(&mut item)?;
                keyed.push((write(&key)?, key, item));
            }
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            entries.extend(keyed.into_iter().map(|(_encoded, key, item)| (key, item)));
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(sort),
        Value::Tag(_tag, inner) => sort(inner),
        _scalar => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn shorter_keys_come_first_then_bytewise() {
        let map = BTreeMap::from([("recorded_at", 1), ("hub", 2), ("seq", 3), ("v", 4)]);
        assert_eq!(
            hex::encode(encode(&map).unwrap()),
            "a4".to_owned() + "617604" + "6368756202" + "6373657103" + "6b7265636f726465645f617401"
        );
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(matches!(decode::<u8>(&[1, 2]), Err(DecodeError::Trailing { len_bytes: 1 })));
    }

    #[test]
    fn deep_nesting_is_refused_instead_of_overflowing() {
        let bytes = [0x81; 4096];
        assert!(matches!(decode::<Value>(&bytes), Err(DecodeError::Malformed { .. })));
    }
}
