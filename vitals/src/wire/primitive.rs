//! The primitives of the wire: times (tag 0), decimal fractions (tag 4) and byte strings.

use std::fmt;

use ciborium::tag::Required;
use rust_decimal::Decimal;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::instant::LocalInstant;

/// A time as RFC 3339 text with offset, CBOR tag 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub LocalInstant);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Required::<String, 0>(self.0.to_string()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Required::<String, 0>::deserialize(deserializer)?.0;
        LocalInstant::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A decimal fraction, CBOR tag 4: exponent and mantissa, so that "97.0" stays "97.0".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecimalFraction(pub Decimal);

impl Serialize for DecimalFraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let exponent = i64::from(self.0.scale()).wrapping_neg();
        let mantissa = i64::try_from(self.0.mantissa()).map_err(S::Error::custom)?;
        Required::<(i64, i64), 4>((exponent, mantissa)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DecimalFraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (exponent, mantissa) = Required::<(i64, i64), 4>::deserialize(deserializer)?.0;
        let scale = u32::try_from(exponent.saturating_neg())
            .map_err(|_positive| D::Error::custom("exponent is above 0"))?;
        Decimal::try_new(mantissa, scale).map(Self).map_err(D::Error::custom)
    }
}

/// A byte string.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByteString;

        impl Visitor<'_> for ByteString {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(ByteString)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::canonical::{decode, encode};

    #[test]
    fn a_decimal_keeps_its_zeros() {
        let value = DecimalFraction("97.0".parse().unwrap());
        let bytes = encode(&value).unwrap();
        assert_eq!(hex::encode(&bytes), "c482201903ca");
        assert_eq!(decode::<DecimalFraction>(&bytes).unwrap().0.to_string(), "97.0");
    }

    #[test]
    fn a_negative_decimal_survives() {
        let value = DecimalFraction("-51.1".parse().unwrap());
        assert_eq!(decode::<DecimalFraction>(&encode(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn a_decimal_with_an_absurd_exponent_is_refused() {
        for hex_text in ["c4823903e701", "c4820101"] {
            let bytes = hex::decode(hex_text).unwrap();
            assert!(decode::<DecimalFraction>(&bytes).is_err(), "{hex_text}");
        }
    }

    #[test]
    fn a_time_is_tagged_text() {
        let time = Time(LocalInstant::parse("2026-03-29T08:15:00.250+02:00").unwrap());
        let bytes = encode(&time).unwrap();
        assert_eq!(bytes.first(), Some(&0xc0));
        assert_eq!(decode::<Time>(&bytes).unwrap(), time);
        assert!(decode::<Time>(&encode(&"2026-03-29T08:15:00Z").unwrap()).is_err());
    }

    #[test]
    fn bytes_are_a_byte_string() {
        assert_eq!(hex::encode(encode(&Bytes(vec![1, 2])).unwrap()), "420102");
    }
}
