//! Numbers of Device Information: System ID (0x2A23) and `PnP ID` (0x2A50).
//!
//! ```text
//! 0x2A23                                      0x2A50
//! size  field                                 size  field
//! 5     manufacturer's number, little-endian  1     1 = Bluetooth SIG, 2 = USB gave the vendor
//! 3     organization (OUI), little-endian     2     vendor, little-endian
//!                                             2     product, little-endian
//!                                             2     version, little-endian, 0xJJMN
//! ```

use super::error::DecodeError;
use super::payload::Payload;

/// A decoded System ID, which is an EUI-64 where its maker keeps the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemId(pub u64);

/// A decoded `PnP ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PnpId {
    /// Who gave the vendor its number, as the code came.
    pub source: u8,
    /// Vendor.
    pub vendor: u16,
    /// Product of the vendor.
    pub product: u16,
    /// Version of the product: JJ.M.N is 0xJJMN.
    pub version: u16,
}

/// Decodes the value of a System ID characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has eight bytes.
pub fn decode_system_id(bytes: &[u8]) -> Result<SystemId, DecodeError> {
    let mut payload = Payload::new(bytes);
    let id = u64::from_le_bytes(payload.array("system id")?);
    payload.end()?;
    Ok(SystemId(id))
}

/// Decodes the value of a `PnP ID` characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has seven bytes.
pub fn decode_pnp_id(bytes: &[u8]) -> Result<PnpId, DecodeError> {
    let mut payload = Payload::new(bytes);
    let source = payload.byte("vendor id source")?;
    let vendor = payload.u16_le("vendor id")?;
    let product = payload.u16_le("product id")?;
    let version = payload.u16_le("product version")?;
    payload.end()?;
    Ok(PnpId { source, vendor, product, version })
}

impl SystemId {
    /// The number that the manufacturer gave, 40 bits.
    #[must_use]
    pub const fn manufacturer(self) -> u64 {
        self.0 & 0xFF_FFFF_FFFF
    }

    /// The number of the organization, 24 bits.
    #[must_use]
    pub const fn organization(self) -> u64 {
        self.0 >> 40
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    /// Example of the specification: OUI 12-34-56, made from an address by FF-FE.
    const SYSTEM_ID: &str = "debc9afeff563412";
    const PNP_ID: &str = "02ac0520020100";

    #[test]
    fn a_system_id_names_an_organization_and_a_number() {
        let id = decode_system_id(&bytes(SYSTEM_ID)).unwrap();
        assert_eq!(id, SystemId(0x1234_56FF_FE9A_BCDE));
        assert_eq!((id.organization(), id.manufacturer()), (0x12_3456, 0xFF_FE9A_BCDE));
    }

    #[test]
    fn a_pnp_id_names_a_product() {
        let id = decode_pnp_id(&bytes(PNP_ID)).unwrap();
        let expected = PnpId { source: 2, vendor: 0x05AC, product: 0x0220, version: 1 };
        assert_eq!(id, expected);
    }

    #[test]
    fn the_extremes_are_numbers_like_others() {
        assert_eq!(decode_system_id(&[0xFF; 8]), Ok(SystemId(u64::MAX)));
        assert_eq!(decode_pnp_id(&[0xFF; 7]).unwrap().version, u16::MAX);
        assert_eq!(decode_pnp_id(&[0; 7]).unwrap().source, 0);
    }

    #[test]
    fn every_cut_is_refused() {
        for prefix in prefixes(SYSTEM_ID) {
            let refused = decode_system_id(&prefix);
            assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        for prefix in prefixes(PNP_ID) {
            let refused = decode_pnp_id(&prefix);
            assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
    }

    #[test]
    fn every_surplus_is_refused() {
        assert!(matches!(decode_system_id(&[0; 9]), Err(DecodeError::Trailing { .. })));
        assert!(matches!(decode_pnp_id(&[0; 8]), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _system = decode_system_id(&bytes);
            let _pnp = decode_pnp_id(&bytes);
        }
    }
}
