//! Xiaomi Mi scales: service data of an advertisement, for as long as the scale is awake.
//!
//! ```text
//! scale 1, 0x181D   control, weight x 200 little-endian, Date Time
//!                   control 22: stabilized, kilograms
//! scale 2, 0x181B   02 26: a person, stabilized, impedance, kilograms; Date Time, impedance
//!                   little-endian in ohm, weight x 200 little-endian
//! S400, 0xFE95      48 59 D5 3B counter, 12 sealed bytes, three zeros, tag of 4 bytes
//!                   sealed: 16 6E 09, profile, 4 bytes: weight x 10 in bits 0-10, impedance x 10 in
//!                   bits 18-31; seconds since 1970, 4 bytes; all little-endian
//!                   by AES-128 in CCM mode with the address backwards, D5 3B, counter and zeros as
//!                   nonce, and 11 beside it
//! ```

use aes::Aes128;
use ccm::aead::AeadInOut as _;
use ccm::consts::{U4, U12};
use ccm::{Ccm, KeyInit as _};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::date_time::date_time;
use super::number::NotRepresentable;
use super::weight::{Weight, WeightUnit};
use crate::gatt::{Address, short};

/// Impedance of somebody barefoot in ohm.
const IMPEDANCE_OHM: u16 = 503;
/// Steps in a kilogram.
const STEPS: u32 = 200;

/// A scale that says what it weighs in its advertisements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum XiaomiScale {
    /// Without impedance.
    One,
    /// With impedance.
    Two,
    /// S400: sealed with the key that the cloud of its maker gave the scale.
    S400 {
        /// The key.
        key: [u8; 16],
        /// The address, which is a part of the seal.
        address: Address,
    },
}

impl XiaomiScale {
    /// The service whose data it advertises.
    pub(super) fn service(self) -> Uuid {
        match self {
            Self::One => short(0x181D),
            Self::Two => short(0x181B),
            Self::S400 { .. } => short(0xFE95),
        }
    }

    /// The name that it advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::One => "MI_SCALE",
            Self::Two => "MIBFS",
            Self::S400 { .. } => "Xiaomi Scale S400 0001",
        }
    }

    /// The services that it advertises besides their data.
    pub(super) fn advertised(self) -> Vec<Uuid> {
        match self {
            Self::One | Self::Two => vec![self.service()],
            Self::S400 { .. } => Vec::new(),
        }
    }
}

/// Writes a weight as the data of a service.
///
/// # Errors
///
/// Fails where the format has no room for the weight.
pub(crate) fn advertised(
    style: XiaomiScale,
    weighed: &Weight,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let value = weighed.shown_in(WeightUnit::Kilogram).unwrap_or_default();
    let refused = NotRepresentable { value, format: "a Xiaomi scale" };
    let in_steps = |steps: u32| {
        let whole = value.checked_mul(Decimal::from(steps)).filter(Decimal::is_integer);
        whole.and_then(|it| it.to_u16()).ok_or_else(|| refused.clone())
    };
    if let XiaomiScale::S400 { key, address } = style {
        let tenths = Some(in_steps(10)?).filter(|it| *it < 1 << 11).ok_or(refused)?;
        return Ok(sealed(key, address, tenths, clock));
    }
    let weight = in_steps(STEPS)?.to_le_bytes();
    let time = date_time(clock);
    Ok(match style {
        XiaomiScale::One => [&[0x22][..], &weight, &time].concat(),
        XiaomiScale::Two => {
            [&[0x02, 0x26][..], &time, &IMPEDANCE_OHM.to_le_bytes(), &weight].concat()
        }
        XiaomiScale::S400 { .. } => Vec::new(),
    })
}

/// Seals a weight in tenths of a kilogram.
fn sealed(key: [u8; 16], Address(address): Address, tenths: u16, clock: DateTime) -> Vec<u8> {
    const PRODUCT: [u8; 2] = [0xD5, 0x3B];
    const PROFILE: u8 = 1;
    let unix_s = TimeZone::UTC.to_timestamp(clock).map_or(0, |it| it.as_second());
    let time = u32::try_from(unix_s).unwrap_or(0).to_le_bytes();
    let [counter, ..] = time;
    let values = u32::from(tenths) | u32::from(IMPEDANCE_OHM * 10) << 18;
    let mut sealed = [0x16, 0x6E, 9, PROFILE].to_vec();
    sealed.extend(values.to_le_bytes());
    sealed.extend(time);
    let [a0, a1, a2, a3, a4, a5] = address;
    let [p0, p1] = PRODUCT;
    let nonce = [a5, a4, a3, a2, a1, a0, p0, p1, counter, 0, 0, 0];
    let cipher = Ccm::<Aes128, U4, U12>::new(&key.into());
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &[0x11], sealed.as_mut_slice().into());
    // CCM refuses nothing this short.
    let tag = tag.map(|it| it.to_vec()).unwrap_or_default();
    [&[0x48, 0x59, p0, p1, counter][..], &sealed, &[0, 0, 0], &tag].concat()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_weight_is_the_data_of_its_service() {
        let clock = date(2022, 2, 14).at(16, 41, 58, 0);
        let said = |style, kg: i64| {
            let weighed = Weight::kilograms(Decimal::new(kg, 3));
            hex::encode(advertised(style, &weighed, clock).unwrap())
        };
        assert_eq!(said(XiaomiScale::One, 9550), "227607e607020e10293a");
        assert_eq!(said(XiaomiScale::Two, 72_450), "0226e607020e10293af7019a38");
    }

    #[test]
    fn a_sealed_weight_shows_no_more_than_its_frame() {
        let address = Address([0x84, 0x46, 0x93, 0x64, 0xA5, 0xE6]);
        let style = XiaomiScale::S400 { key: [7; 16], address };
        let clock = date(2022, 2, 14).at(16, 41, 58, 0);
        let said = |tenths| advertised(style, &Weight::kilograms(Decimal::new(tenths, 1)), clock);
        let frame = said(742).unwrap();
        assert_eq!(frame.len(), 24);
        assert!(frame.starts_with(&[0x48, 0x59, 0xD5, 0x3B]));
        assert_ne!(frame, said(743).unwrap());
        assert!(said(2048).is_err(), "no room");
    }
}
