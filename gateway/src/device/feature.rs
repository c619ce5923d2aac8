//! What a device can do: the feature characteristics of the measuring services.
//!
//! ```text
//! 0x2A49  Blood Pressure Feature    16 bits: 0 body movement, 1 cuff fit, 2 irregular pulse,
//!                                   3 pulse rate range, 4 position, 5 multiple bonds, 6 E2E-CRC,
//!                                   7 user data, 8 user facing time
//! 0x2A51  Glucose Feature           16 bits: 0 low battery, 1 malfunction, 2 sample size,
//!                                   3 strip insertion, 4 strip type, 5 high and low result,
//!                                   6 high and low temperature, 7 read interrupt, 8 general fault,
//!                                   9 time fault, 10 multiple bonds
//! 0x2A60  PLX Features              16 bits: 0 measurement status, 1 device status, 2 storage,
//!                                   3 time stamp, 4 fast, 5 slow, 6 amplitude, 7 multiple bonds
//!         +0  2  bit 0: supported bits of the measurement status
//!         +0  3  bit 1: supported bits of the device and sensor status
//! 0x2A9B  Body Composition Feature  32 bits: 0 time, 1 users, 2 basal metabolism, 3 muscle
//!                                   percentage, 4 muscle mass, 5 fat-free mass, 6 soft lean mass,
//!                                   7 body water, 8 impedance, 9 weight, 10 height,
//!                                   11-14 mass resolution, 15-17 height resolution
//! 0x2A9E  Weight Scale Feature      32 bits: 0 time, 1 users, 2 body mass index,
//!                                   3-6 weight resolution, 7-9 height resolution
//!
//! mass    1 = 0.5 kg or 1 lb, 2 = 0.2 or 0.5, 3 = 0.1 or 0.2, 4 = 0.05 or 0.1, 5 = 0.02 or 0.05,
//!         6 = 0.01 or 0.02, 7 = 0.005 or 0.01; 0 = not said
//! height  1 = 0.01 m or 1 in, 2 = 0.005 or 0.5, 3 = 0.001 or 0.1; 0 = not said
//! ```
//!
//! All are little-endian. A resolution is that of the instrument: it multiplies no measurement.
//! Bits that are reserved are kept as they came.

use super::error::DecodeError;
use super::payload::Payload;

/// A decoded PLX Features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OximeterFeatures {
    /// Features, as the bits came.
    pub bits: u16,
    /// Bits of the measurement status that the device may set.
    pub measurement_status: Option<u16>,
    /// Bits of the device and sensor status that the device may set.
    pub device_status: Option<u32>,
}

/// A decoded Body Composition Feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCompositionFeatures(pub u32);

/// A decoded Weight Scale Feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleFeatures(pub u32);

/// Decodes the value of a Blood Pressure Feature or a Glucose Feature characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has two bytes.
pub fn decode(bytes: &[u8]) -> Result<u16, DecodeError> {
    let mut payload = Payload::new(bytes);
    let bits = payload.u16_le("features")?;
    payload.end()?;
    Ok(bits)
}

/// Decodes the value of a PLX Features characteristic.
///
/// Devices are known that promise both lists of supported bits and end before them.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is neither that of
/// the features alone nor what they promise.
pub fn decode_oximeter(bytes: &[u8]) -> Result<OximeterFeatures, DecodeError> {
    let mut payload = Payload::new(bytes);
    let bits = payload.u16_le("features")?;
    let has_lists = !payload.is_empty();
    let is = |bit: u16| has_lists && bits & bit != 0;

    let measurement_status =
        is(1 << 0).then(|| payload.u16_le("supported measurement status")).transpose()?;
    let device_status = is(1 << 1).then(|| device_status(&mut payload)).transpose()?;
    payload.end()?;
    Ok(OximeterFeatures { bits, measurement_status, device_status })
}

fn device_status(payload: &mut Payload<'_>) -> Result<u32, DecodeError> {
    let [low, middle, high] = payload.array("supported device and sensor status")?;
    Ok(u32::from_le_bytes([low, middle, high, 0]))
}

/// Decodes the value of a Body Composition Feature characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has four bytes.
pub fn decode_body_composition(bytes: &[u8]) -> Result<BodyCompositionFeatures, DecodeError> {
    four_bytes(bytes).map(BodyCompositionFeatures)
}

/// Decodes the value of a Weight Scale Feature characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has four bytes.
pub fn decode_scale(bytes: &[u8]) -> Result<ScaleFeatures, DecodeError> {
    four_bytes(bytes).map(ScaleFeatures)
}

fn four_bytes(bytes: &[u8]) -> Result<u32, DecodeError> {
    let mut payload = Payload::new(bytes);
    let bits = payload.u32_le("features")?;
    payload.end()?;
    Ok(bits)
}

impl BodyCompositionFeatures {
    /// What it measures, bits 0 to 10.
    #[must_use]
    pub const fn features(self) -> u32 {
        self.0 & 0x7FF
    }

    /// Code of the resolution of masses.
    #[must_use]
    pub const fn mass_resolution(self) -> u32 {
        (self.0 >> 11) & 0xF
    }

    /// Code of the resolution of the height.
    #[must_use]
    pub const fn height_resolution(self) -> u32 {
        (self.0 >> 15) & 0x7
    }
}

impl ScaleFeatures {
    /// Whether measurements have a time stamp.
    #[must_use]
    pub const fn has_time(self) -> bool {
        self.0 & (1 << 0) != 0
    }

    /// Whether it knows several users.
    #[must_use]
    pub const fn has_users(self) -> bool {
        self.0 & (1 << 1) != 0
    }

    /// Whether it gives a body mass index.
    #[must_use]
    pub const fn has_mass_index(self) -> bool {
        self.0 & (1 << 2) != 0
    }

    /// Code of the resolution of the weight.
    #[must_use]
    pub const fn weight_resolution(self) -> u32 {
        (self.0 >> 3) & 0xF
    }

    /// Code of the resolution of the height.
    #[must_use]
    pub const fn height_resolution(self) -> u32 {
        (self.0 >> 7) & 0x7
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check_oximeter(hex: &str, expected: (u16, Option<u16>, Option<u32>)) {
        let it = decode_oximeter(&bytes(hex)).unwrap();
        assert_eq!((it.bits, it.measurement_status, it.device_status), expected);
    }

    #[track_caller]
    fn check_resolutions(hex: &str, body_composition: (u32, u32), scale: (u32, u32)) {
        let it = decode_body_composition(&bytes(hex)).unwrap();
        assert_eq!((it.mass_resolution(), it.height_resolution()), body_composition);
        let it = decode_scale(&bytes(hex)).unwrap();
        assert_eq!((it.weight_resolution(), it.height_resolution()), scale);
    }

    #[test]
    fn features_are_bits() {
        assert_eq!(decode(&bytes("ff01")), Ok(511));
        assert_eq!(decode(&bytes("f003")), Ok(1008));
    }

    #[test]
    fn an_oximeter_lists_the_bits_that_it_may_set() {
        check_oximeter("a3004010800100", (163, Some(4160), Some(384)));
        check_oximeter("0200800100", (2, None, Some(384)));
        check_oximeter("01004010", (1, Some(4160), None));
        check_oximeter("0800", (8, None, None));
    }

    #[test]
    fn promised_lists_may_be_missing_but_not_cut() {
        check_oximeter("0300", (3, None, None));
        for len in [0, 1, 3, 4, 5, 6] {
            let cut: Vec<_> = bytes("a3004010800100").into_iter().take(len).collect();
            assert!(matches!(decode_oximeter(&cut), Err(DecodeError::Truncated { .. })), "{len}");
        }
        let longer = decode_oximeter(&bytes("000000"));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 3 }));
    }

    #[test]
    fn resolutions_stand_behind_the_features() {
        check_resolutions("00200100", (4, 2), (0, 0));
        check_resolutions("8f000000", (0, 0), (1, 1));
        check_resolutions("00000000", (0, 0), (0, 0));
        check_resolutions("ffffffff", (15, 7), (15, 7));
        assert_eq!(decode_body_composition(&bytes("ffff0100")).unwrap().features(), 0x7FF);
    }

    #[test]
    fn a_scale_says_what_it_adds_to_the_weight() {
        let it = decode_scale(&bytes("05000000")).unwrap();
        assert_eq!((it.has_time(), it.has_users(), it.has_mass_index()), (true, false, true));
    }

    #[test]
    fn every_other_length_is_refused() {
        for prefix in prefixes("ff01") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for prefix in prefixes("8f000000") {
            let refused = decode_scale(&prefix);
            assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
            assert!(decode_body_composition(&prefix).is_err());
        }
        assert!(matches!(decode(&bytes("ff0100")), Err(DecodeError::Trailing { .. })));
        assert!(matches!(decode_scale(&bytes("8f00000000")), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _features = decode(&bytes);
            let _oximeter = decode_oximeter(&bytes);
            let _scale = decode_scale(&bytes);
            let _body_composition = decode_body_composition(&bytes);
        }
    }
}
