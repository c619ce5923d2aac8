//! Transtek scales (Medisana BS430 to BS444, Trisa, Weight Gurus A3): indications and the challenge.
//!
//! ```text
//! weight (0x8A21, 0x8A24)                     body (0x8A22)
//! 0   flags                                   0   flags
//! 1   weight, FLOAT, kg                       1   time, 4 bytes
//! +   bit 0: time, 4 bytes                    +   bit 0: user
//! +   bit 1: difference, FLOAT                +   bit 1: energy, kcal, 2 bytes
//! +   bit 2: impedance, FLOAT, ohm            +   bit 2: body fat, SFLOAT, %
//! +   bit 3: user                             +   bit 3: body water, SFLOAT, %
//! +   bit 4: status, bit 4 of it: a body      +   bit 4: visceral fat, SFLOAT
//!     frame follows                           +   bit 5: muscle, SFLOAT, %
//!     bits 5-6: unit that the scale shows     +   bit 6: bone, SFLOAT, kg
//!     0 = kg, 1 = lb, 2 = st                  +   bit 7: battery, %
//!
//! time: seconds since 2010-01-01 00:00 UTC, where the hub sets it of the wall clock; zeros fill the frame up to 19 bytes
//! all little-endian
//!
//! challenge: a password of 4 bytes (told once, by 0xA0) and 4 random bytes (0xA1);
//! the answer is 0x20 and one byte of each by exclusive or
//! ```

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use vitals::{DeviceTime, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::medfloat::{Number, float, given, sfloat};
use super::outcome;
use super::payload::{Payload, whole};
use super::report::{NoResult, Report, reason, user_slot};

/// 2010-01-01 00:00 UTC in seconds since 1970.
const EPOCH_UNIX_S: u32 = 1_262_304_000;

const SET_TIME: u8 = 0x02;

/// A decoded weight frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// Flags as they came.
    pub flags: u8,
    /// Weight in kg.
    pub weight: Number,
    /// When it was measured.
    pub measured: Option<Timestamp>,
    /// Difference to the weight before, in kg.
    pub difference: Option<Number>,
    /// Impedance in ohm.
    pub impedance: Option<Number>,
    /// User.
    pub user: Option<u8>,
    /// Status as it came.
    pub status: Option<u8>,
}

/// A decoded body frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// When it was measured.
    pub measured: Timestamp,
    /// User.
    pub user: Option<u8>,
    /// Energy in kcal a day.
    pub energy_kcal: Option<u16>,
    /// Body fat in percent.
    pub fat: Option<Number>,
    /// Body water in percent.
    pub water: Option<Number>,
    /// Visceral fat.
    pub visceral: Option<Number>,
    /// Muscle in percent.
    pub muscle: Option<Number>,
    /// Bone in kg.
    pub bone: Option<Number>,
    /// Battery in percent.
    pub battery_percent: Option<u8>,
}

/// Decodes a weight frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise, zeros at the end apart.
pub fn decode_weight(bytes: &[u8]) -> Result<Weight, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;
    let weight = float("weight", payload.array("weight")?)?;
    let measured = is(1 << 0).then(|| time(&mut payload)).transpose()?;
    let difference =
        is(1 << 1).then(|| float("difference", payload.array("difference")?)).transpose()?;
    let impedance =
        is(1 << 2).then(|| float("impedance", payload.array("impedance")?)).transpose()?;
    let user = is(1 << 3).then(|| payload.byte("user")).transpose()?;
    let status = is(1 << 4).then(|| payload.byte("status")).transpose()?;
    end(payload)?;
    Ok(Weight { flags, weight, measured, difference, impedance, user, status })
}

/// Decodes a body frame.
///
/// # Errors
///
/// As [`decode_weight`].
pub fn decode_body(bytes: &[u8]) -> Result<Body, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;
    let measured = time(&mut payload)?;
    let user = is(1 << 0).then(|| payload.byte("user")).transpose()?;
    let energy_kcal = is(1 << 1).then(|| payload.u16_le("energy")).transpose()?;
    let mut number = |bit, field| {
        is(bit).then(|| payload.array(field).and_then(|it| sfloat(field, it))).transpose()
    };
    let fat = number(1 << 2, "body fat")?;
    let water = number(1 << 3, "body water")?;
    let visceral = number(1 << 4, "visceral fat")?;
    let muscle = number(1 << 5, "muscle")?;
    let bone = number(1 << 6, "bone")?;
    let battery_percent = is(1 << 7).then(|| payload.byte("battery")).transpose()?;
    end(payload)?;
    Ok(Body { measured, user, energy_kcal, fat, water, visceral, muscle, bone, battery_percent })
}

/// The answer to a challenge: the password and the random bytes, four of each.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are eight bytes.
pub fn answer(bytes: &[u8]) -> Result<[u8; 4], DecodeError> {
    let [p0, p1, p2, p3, r0, r1, r2, r3] = whole("challenge", bytes)?;
    Ok([p0 ^ r0, p1 ^ r1, p2 ^ r2, p3 ^ r3])
}

/// The command that sets the clock to `now`, as if that were UTC.
pub(crate) fn set_time(now: civil::DateTime) -> Vec<u8> {
    let unix_s = TimeZone::UTC.to_timestamp(now).map_or(0, Timestamp::as_second);
    let since_epoch_s = u32::try_from(unix_s.saturating_sub(EPOCH_UNIX_S.into())).unwrap_or(0);
    [&[SET_TIME][..], &since_epoch_s.to_le_bytes()].concat()
}

/// A time as the clock of the scale shows it.
fn shown(measured: Timestamp) -> DeviceTime {
    let shown = TimeZone::UTC.to_datetime(measured);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    DeviceTime {
        year: u16::try_from(shown.year()).unwrap_or(0),
        month: part(shown.month()),
        day: part(shown.day()),
        hour: part(shown.hour()),
        minute: part(shown.minute()),
        second: part(shown.second()),
    }
}

fn time(payload: &mut Payload<'_>) -> Result<Timestamp, DecodeError> {
    let since_epoch_s = payload.u32_le("time")?;
    let unix_s = i64::from(since_epoch_s).saturating_add(EPOCH_UNIX_S.into());
    Timestamp::from_second(unix_s).map_err(|_cause| DecodeError::OutOfRange {
        field: "time",
        value: Decimal::from(since_epoch_s),
    })
}

/// Refuses bytes that no field has taken, unless they only fill the frame.
fn end(payload: Payload<'_>) -> Result<(), DecodeError> {
    if payload.rest().iter().all(|it| *it == 0) { Ok(()) } else { payload.end() }
}

impl Weight {
    /// The unit that the scale shows.
    #[must_use]
    pub const fn shown_unit(&self) -> &'static str {
        match self.flags >> 5 & 0b11 {
            0 => "kg",
            1 => "lb",
            2 => "st",
            _reserved => "unknown",
        }
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a weight that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = match (given(self.weight), self.weight) {
            (Some(weight), _) => Ok(vec![measurement(Vital::BodyWeight, weight, Unit::Kilogram)?]),
            (None, Err(no_value)) => Err(NoResult::Failed(vec![reason(no_value)])),
            (None, Ok(_zero)) => Err(NoResult::Absent),
        };
        let report = outcome::report(ReadingKind::Weight, result);
        let device_time = self.measured.map(shown);
        Ok(Report { user_slot: user_slot(self.user), device_time, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const WEIGHT: &str = "1d802500fe800ff40d6a1700ff0109";
    const BODY: &str = "6f800ff40d01210c57f1e3f15bf123f0";

    #[test]
    fn a_weight_has_time_impedance_and_user() {
        let weight = decode_weight(&bytes(WEIGHT)).unwrap();
        assert_eq!(weight.weight, Ok(Decimal::new(9600, 2)));
        assert_eq!(weight.impedance, Some(Ok(Decimal::new(5994, 1))));
        assert_eq!(weight.measured.unwrap().to_string(), "2017-06-02T11:22:40Z");
        assert_eq!((weight.user, weight.shown_unit()), (Some(1), "kg"));
        let report = weight.report().unwrap();
        assert_eq!(report.device_time.unwrap().to_string(), "2017-06-02T11:22:40");
        assert_eq!((report.user_slot, report.result.unwrap().len()), (Some(1), 1));
    }

    #[test]
    fn a_body_has_what_its_flags_promise() {
        let body = decode_body(&bytes(BODY)).unwrap();
        assert_eq!((body.user, body.energy_kcal, body.visceral), (Some(1), Some(3105), None));
        assert_eq!(body.fat, Some(Ok(Decimal::new(343, 1))));
        assert_eq!(body.bone, Some(Ok(Decimal::new(35, 1))));
    }

    #[test]
    fn frames_are_cut_or_too_long() {
        for prefix in prefixes(WEIGHT) {
            assert!(matches!(decode_weight(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for prefix in prefixes(BODY) {
            assert!(matches!(decode_body(&prefix), Err(DecodeError::Truncated { .. })));
        }
        let long = decode_weight(&bytes(&format!("{WEIGHT}0001")));
        assert!(matches!(long, Err(DecodeError::Trailing { n_trailing: 2, .. })));
        assert!(decode_weight(&bytes(&format!("{WEIGHT}00000000"))).is_ok());
    }

    #[test]
    fn special_values_are_no_numbers() {
        let weight = decode_weight(&bytes("00ffff7f00")).unwrap();
        assert!(matches!(weight.report().unwrap().result, Err(NoResult::Failed(_))));
        let zero = decode_weight(&bytes("0000000000")).unwrap();
        assert_eq!(zero.report().unwrap().result, Err(NoResult::Absent));
        let absurd = decode_weight(&bytes("00ffff7e00")).unwrap();
        assert!(matches!(absurd.report(), Err(DecodeError::OutOfRange { .. })));
    }

    #[test]
    fn a_challenge_is_answered() {
        assert_eq!(answer(&bytes("1234567811111111")), Ok([0x03, 0x25, 0x47, 0x69]));
        assert!(matches!(answer(&bytes("12345678")), Err(DecodeError::Truncated { .. })));
        assert!(matches!(answer(&[0; 9]), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(weight) = decode_weight(&bytes) {
                let _report = weight.report();
            }
            let _body = decode_body(&bytes);
            let _answer = answer(&bytes);
        }
    }
}
