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

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest).to_vec()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses bytes that no field has taken.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing { n_trailing: self.rest.len(), len_bytes: self.len_bytes })
    }
}
