//! Fields off the front of the value of a characteristic; no index, so that no length can panic.

use super::error::DecodeError;

/// The part of a payload that is not decoded yet.
#[derive(Debug, Clone)]
pub(crate) struct Payload<'a> {
    rest: &'a [u8],
    len_bytes: usize,
}

impl<'a> Payload<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len_bytes: bytes.len() }
    }

    /// The next `N` bytes, which are `field`.
    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let Some((&bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated { field, len_bytes: self.len_bytes });
        };
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(crate) fn u16_le(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u16_be(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Refuses bytes that are not as many as a length before them says.
    pub(crate) const fn promise(&self, n_promised: usize) -> Result<(), DecodeError> {
        let (n_left, len_bytes) = (self.rest.len(), self.len_bytes);
        if n_left < n_promised {
            return Err(DecodeError::Truncated { field: "the promised end", len_bytes });
        }
        match n_left.saturating_sub(n_promised) {
            0 => Ok(()),
            n_trailing => Err(DecodeError::Trailing { n_trailing, len_bytes }),
        }
    }

    /// Everything that no field has taken.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A byte that has to be `expected`.
    pub(crate) fn fixed(&mut self, field: &'static str, expected: u8) -> Result<(), DecodeError> {
        let value = self.byte(field)?;
        if value == expected { Ok(()) } else { Err(DecodeError::Framing { field, value }) }
    }

    /// Refuses bytes that no field has taken.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing { n_trailing: self.rest.len(), len_bytes: self.len_bytes })
    }
}

/// The bytes before the last one, which is their checksum, after it was found to be `sum` of them.
pub(crate) fn checked(bytes: &[u8], sum: impl Fn(&[u8]) -> u8) -> Result<&[u8], DecodeError> {
    let Some((&found, before)) = bytes.split_last() else {
        return Err(DecodeError::Truncated { field: "checksum", len_bytes: 0 });
    };
    let computed = sum(before);
    if found == computed { Ok(before) } else { Err(DecodeError::Checksum { found, computed }) }
}

/// The sum of `bytes` in eight bits, the commonest checksum.
pub(crate) fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, it| it.wrapping_add(sum))
}

/// All of `bytes` by exclusive or.
pub(crate) fn exclusive_or(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, it| it ^ sum)
}

/// Exactly `N` bytes, called `field` where some are missing.
pub(crate) fn whole<const N: usize>(
    field: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], DecodeError> {
    let mut payload = Payload::new(bytes);
    let whole = payload.array(field)?;
    payload.end()?;
    Ok(whole)
}
