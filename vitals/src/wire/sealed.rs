//! Signed downlink: a payload in a COSE_Sign1 envelope (RFC 9052) with Ed25519.
//!
//! The purpose goes into the signature as external data, so that a signed plan can never be played
//! as a command. The hub is named inside the payload.

use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable, iana,
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use thiserror::Error;

/// What a signed payload may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A command.
    Command,
    /// A care plan.
    Plan,
}

impl Purpose {
    const fn external_data(self) -> &'static [u8] {
        match self {
            Self::Command => b"vitalgate/v1/command",
            Self::Plan => b"vitalgate/v1/plan",
        }
    }
}

/// A payload could not be signed.
#[derive(Debug, Error)]
#[error("failed to encode the signed envelope: {cause}")]
pub struct SealError {
    cause: String,
}

/// A signed payload was refused; it must not be acted upon.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The bytes are no COSE_Sign1 envelope.
    #[error("not a COSE_Sign1 envelope: {cause}")]
    Malformed {
        /// What the decoder met.
        cause: String,
    },
    /// The envelope carries no payload.
    #[error("the envelope has no payload")]
    Empty,
    /// The algorithm is not EdDSA.
    #[error("the envelope is not signed with EdDSA")]
    Algorithm,
    /// No known key made the signature for this purpose.
    #[error("no known agency key made this signature")]
    Signature,
}

/// Signs `payload` for `purpose`.
///
/// # Errors
///
/// Returns [`SealError`] where the envelope cannot be encoded, which no payload of ours causes.
pub fn seal(payload: &[u8], purpose: Purpose, key: &SigningKey) -> Result<Vec<u8>, SealError> {
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).build();
    let sign = |data: &[u8]| key.sign(data).to_bytes().to_vec();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(payload.to_vec())
        .create_signature(purpose.external_data(), sign)
        .build()
        .to_tagged_vec()
        .map_err(|it| SealError { cause: it.to_string() })
}

/// Verifies an envelope and returns its payload.
///
/// # Errors
///
/// Returns [`OpenError`] unless one of `keys` signed exactly this payload for `purpose`.
pub fn open(bytes: &[u8], purpose: Purpose, keys: &[VerifyingKey]) -> Result<Vec<u8>, OpenError> {
    let envelope = CoseSign1::from_tagged_slice(bytes)
        .or_else(|_untagged| CoseSign1::from_slice(bytes))
        .map_err(|it| OpenError::Malformed { cause: it.to_string() })?;
    let eddsa = coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA);
    if envelope.protected.header.alg != Some(eddsa) {
        return Err(OpenError::Algorithm);
    }
    let verify = |signature: &[u8], data: &[u8]| {
        let signature =
            Signature::from_slice(signature).map_err(|_wrong_length| OpenError::Signature)?;
        keys.iter()
            .any(|key| key.verify_strict(data, &signature).is_ok())
            .then_some(())
            .ok_or(OpenError::Signature)
    };
    if envelope.payload.is_none() {
        return Err(OpenError::Empty);
    }
    envelope.verify_signature(purpose.external_data(), verify)?;
    envelope.payload.ok_or(OpenError::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn a_sealed_payload_opens_with_its_key_and_purpose() {
        let sealed = seal(b"payload", Purpose::Command, &key(1)).unwrap();
        let keys = [key(2).verifying_key(), key(1).verifying_key()];
        assert_eq!(open(&sealed, Purpose::Command, &keys), Ok(b"payload".to_vec()));
        assert_eq!(open(&sealed, Purpose::Plan, &keys), Err(OpenError::Signature));
        assert_eq!(open(&sealed, Purpose::Command, &keys[..1]), Err(OpenError::Signature));
        assert_eq!(open(&sealed, Purpose::Command, &[]), Err(OpenError::Signature));
    }

    #[test]
    fn no_changed_byte_is_accepted() {
        let sealed = seal(b"payload", Purpose::Command, &key(1)).unwrap();
        for index in 0..sealed.len() {
            for bit in 0..8 {
                let mut forged = sealed.clone();
                forged[index] ^= 1 << bit;
                let opened = open(&forged, Purpose::Command, &[key(1).verifying_key()]);
                assert!(opened.is_err() || opened == Ok(b"payload".to_vec()), "{index}.{bit}");
            }
        }
    }

    #[test]
    fn rubbish_is_malformed() {
        assert!(matches!(open(b"\x00", Purpose::Plan, &[]), Err(OpenError::Malformed { .. })));
    }
}
