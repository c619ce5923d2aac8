//! IEEE 11073-20601, the protocol of older devices on Bluetooth HDP, USB and NFC: a report of
//! measurements in fixed format.
//!
//! ```text
//! offset  size  field
//! 0       2     choice            0xE700 = presentation of data
//! 2       2     length            of everything that follows
//! 4       2     length            of everything that follows
//! 6       2     invoke id
//! 8       2     message           0x0101 = confirmed event report, 0x0100 = unconfirmed
//! 10      2     length            of everything that follows
//! 12      2     object            0 = the device
//! 14      4     event time        1/8 ms since some moment of the device
//! 18      2     event             0x0D1D = scan report in fixed format
//! 20      2     length            of everything that follows
//! 22      2     request id
//! 24      2     report number
//! 26      2     number of observations
//! 28      2     length            of everything that follows
//! ------------  each observation
//! +0      2     handle            which object of the device
//! +2      2     length            of everything that follows of it
//! +4      any   values            in the order of the device's configuration
//! ```
//!
//! Numbers are **big-endian**, SFLOAT and FLOAT too. What the values are stands in the configuration
//! that the device sent before. The standard configurations are told apart by their lengths:
//!
//! ```text
//! length  values
//! 2       SFLOAT                                              oximeter
//! 4       FLOAT
//! 10      SFLOAT, time                                        pulse of a cuff, oximeter, thermometer
//! 12      FLOAT, time                                         scale
//! 18      0x0003, 0x0006, three SFLOAT, time                  pressures of a cuff
//!
//! time    8     each byte two decimal digits: century, year, month, day, hour, minute, second,
//!               1/100 s
//! ```

use rust_decimal::Decimal;
use vitals::DeviceTime;

use super::date_time;
use super::error::DecodeError;
use super::medfloat::{self, Number};
use super::payload::Payload;

const PRESENTATION: u16 = 0xE700;
const UNCONFIRMED_REPORT: u16 = 0x0100;
const CONFIRMED_REPORT: u16 = 0x0101;
const SCAN_REPORT_FIXED: u16 = 0x0D1D;
/// Three values in six bytes: systolic, diastolic and mean pressure.
const THREE_SFLOATS: [u8; 4] = [0, 3, 0, 6];

/// A decoded scan report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanReport {
    /// Observations, in the order in which they came.
    pub observations: Vec<Observed>,
}

/// One observation of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Which object of the device.
    pub handle: u16,
    /// What it measured.
    pub values: Values,
    /// When.
    pub device_time: Option<DeviceTime>,
}

/// What an object measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Pressures of a cuff.
    Pressures {
        /// Systolic pressure.
        systolic: Number,
        /// Diastolic pressure.
        diastolic: Number,
        /// Mean arterial pressure.
        mean: Number,
    },
    /// A number of 16 bits.
    Short(Number),
    /// A number of 32 bits.
    Long(Number),
}

/// Decodes a FLOAT that stands alone, big-endian.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has four bytes, and
/// [`DecodeError::Exponent`] for powers of ten that no measurement has.
pub fn decode_float(bytes: &[u8]) -> Result<Number, DecodeError> {
    let mut payload = Payload::new(bytes);
    let number = float(&mut payload)?;
    payload.end()?;
    Ok(number)
}

/// Decodes a data message with a scan report in fixed format.
///
/// # Errors
///
/// Returns [`DecodeError::OutOfRange`] for other messages, for lengths that do not fit their bytes
/// and for values of an unknown shape, and [`DecodeError::Truncated`] or [`DecodeError::Trailing`]
/// if the bytes end too early or too late.
pub fn decode(bytes: &[u8]) -> Result<ScanReport, DecodeError> {
    let mut payload = Payload::new(bytes);
    expect(&mut payload, "choice", &[PRESENTATION])?;
    length(&mut payload, "length of the message")?;
    length(&mut payload, "length of the data")?;
    u16_be(&mut payload, "invoke id")?;
    expect(&mut payload, "message", &[CONFIRMED_REPORT, UNCONFIRMED_REPORT])?;
    length(&mut payload, "length of the event report")?;
    expect(&mut payload, "object", &[0])?;
    payload.array::<4>("event time")?;
    expect(&mut payload, "event", &[SCAN_REPORT_FIXED])?;
    length(&mut payload, "length of the event")?;
    u16_be(&mut payload, "request id")?;
    u16_be(&mut payload, "report number")?;
    let n_observations = u16_be(&mut payload, "number of observations")?;
    length(&mut payload, "length of the observations")?;

    let observations =
        (0..n_observations).map(|_nth| observed(&mut payload)).collect::<Result<_, _>>()?;
    payload.end()?;
    Ok(ScanReport { observations })
}

fn observed(payload: &mut Payload<'_>) -> Result<Observed, DecodeError> {
    let handle = u16_be(payload, "handle")?;
    let len_bytes = u16_be(payload, "length of an observation")?;
    let (values, device_time) = match len_bytes {
        2 => (Values::Short(sfloat(payload)?), None),
        4 => (Values::Long(float(payload)?), None),
        10 => (Values::Short(sfloat(payload)?), Some(time(payload)?)),
        12 => (Values::Long(float(payload)?), Some(time(payload)?)),
        18 => (pressures(payload)?, Some(time(payload)?)),
        _unknown => return Err(out_of_range("length of an observation", len_bytes)),
    };
    Ok(Observed { handle, values, device_time })
}

fn pressures(payload: &mut Payload<'_>) -> Result<Values, DecodeError> {
    let head = payload.array("compound of pressures")?;
    if head != THREE_SFLOATS {
        let [_zero, n_values, ..] = head;
        return Err(out_of_range("compound of pressures", n_values.into()));
    }
    let (systolic, diastolic) = (sfloat(payload)?, sfloat(payload)?);
    Ok(Values::Pressures { systolic, diastolic, mean: sfloat(payload)? })
}

fn sfloat(payload: &mut Payload<'_>) -> Result<Number, DecodeError> {
    let [high, low] = payload.array("value")?;
    medfloat::sfloat("value", [low, high])
}

fn float(payload: &mut Payload<'_>) -> Result<Number, DecodeError> {
    let [exponent, high, middle, low] = payload.array("value")?;
    medfloat::float("value", [low, middle, high, exponent])
}

fn time(payload: &mut Payload<'_>) -> Result<DeviceTime, DecodeError> {
    let [century, year, month, day, hour, minute, second, _hundredths] =
        payload.array("time stamp")?;
    let year =
        u16::from(digits(century)?).saturating_mul(100).saturating_add(u16::from(digits(year)?));
    date_time::shown(DeviceTime {
        year,
        month: digits(month)?,
        day: digits(day)?,
        hour: digits(hour)?,
        minute: digits(minute)?,
        second: digits(second)?,
    })
}

/// Two decimal digits in one byte.
fn digits(byte: u8) -> Result<u8, DecodeError> {
    let (tens, units) = (byte >> 4, byte & 0x0F);
    if 9 < tens || 9 < units {
        return Err(out_of_range("digits of the time stamp", byte.into()));
    }
    Ok(tens.saturating_mul(10).saturating_add(units))
}

fn u16_be(payload: &mut Payload<'_>, field: &'static str) -> Result<u16, DecodeError> {
    payload.array(field).map(u16::from_be_bytes)
}

fn expect(
    payload: &mut Payload<'_>,
    field: &'static str,
    known: &[u16],
) -> Result<(), DecodeError> {
    let found = u16_be(payload, field)?;
    if known.contains(&found) { Ok(()) } else { Err(out_of_range(field, found)) }
}

/// A length that counts everything behind it; shorter bytes are cut, longer ones have a surplus.
fn length(payload: &mut Payload<'_>, field: &'static str) -> Result<(), DecodeError> {
    let promised = usize::from(u16_be(payload, field)?);
    payload.promise(promised)
}

fn out_of_range(field: &'static str, value: u16) -> DecodeError {
    DecodeError::OutOfRange { field, value: Decimal::from(value) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::medfloat::NoValue;

    /// Example of IEEE 11073-10407, annex H.
    const CUFF: &str = "e700003e003c0054010100360000004900500d1d002cf000000000020024000100120003000600\
                        780050006420071206121000000002000af2582007120612100000";

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// A report of one observation with these values.
    fn report(values: &str) -> Vec<u8> {
        let values = bytes(values);
        let len =
            |rest: usize| u16::try_from(values.len().saturating_add(rest)).unwrap().to_be_bytes();
        let parts: [&[u8]; 16] = [
            &[0xE7, 0x00],
            &len(30),
            &len(28),
            &[0x00, 0x01, 0x01, 0x01],
            &len(22),
            &[0x00, 0x00],
            &[0x00, 0x00, 0x00, 0x00],
            &[0x0D, 0x1D],
            &len(12),
            &[0xF0, 0x00],
            &[0x00, 0x00],
            &[0x00, 0x01],
            &len(4),
            &[0x00, 0x01],
            &len(0),
            &values,
        ];
        parts.concat()
    }

    #[track_caller]
    fn check(values: &str, expected: Values) {
        let report = decode(&report(values)).unwrap();
        let found: Vec<_> = report.observations.iter().map(|it| it.values).collect();
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_cuff_reports_pressures_and_pulse() {
        let report = decode(&bytes(CUFF)).unwrap();
        let [pressures, pulse] = report.observations.as_slice() else { panic!("two observations") };
        let (systolic, diastolic, mean) =
            (Ok(decimal("120")), Ok(decimal("80")), Ok(decimal("100")));
        assert_eq!(pressures.values, Values::Pressures { systolic, diastolic, mean });
        assert_eq!((pulse.handle, pulse.values), (2, Values::Short(Ok(decimal("60.0")))));
        let time = pressures.device_time.unwrap();
        assert_eq!(time.to_string(), "2007-12-06T12:10:00");
        assert_eq!(pulse.device_time, Some(time));
    }

    #[test]
    fn numbers_are_big_endian() {
        assert_eq!(decode_float(&bytes("ff00031c")), Ok(Ok(decimal("79.6"))));
        check("ff00031c", Values::Long(Ok(decimal("79.6"))));
        check("ff00031c2007120612100000", Values::Long(Ok(decimal("79.6"))));
        check("0062", Values::Short(Ok(decimal("98"))));
    }

    #[test]
    fn special_codes_are_no_numbers() {
        assert_eq!(decode_float(&bytes("007fffff")), Ok(Err(NoValue::NotANumber)));
        check("07ff", Values::Short(Err(NoValue::NotANumber)));
        check("00800000", Values::Long(Err(NoValue::NotAtThisResolution)));
    }

    #[test]
    fn every_cut_and_every_surplus_is_refused() {
        for prefix in prefixes(CUFF) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let longer = decode(&bytes(&format!("{CUFF}00")));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 67 }));
        assert!(matches!(decode_float(&bytes("ff0003")), Err(DecodeError::Truncated { .. })));
        assert!(matches!(decode_float(&bytes("ff00031c00")), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn other_messages_and_shapes_are_refused() {
        let refuse = |bytes: &[u8], field: &str| {
            let refused = decode(bytes).unwrap_err();
            let is_so = matches!(refused, DecodeError::OutOfRange { field: of, .. } if of == field);
            assert!(is_so, "{refused}");
        };
        refuse(&bytes("e2000000"), "choice");
        refuse(&report("000000"), "length of an observation");
        refuse(&report("00020004007800502007120612100000aabb"), "compound of pressures");
        refuse(&report("0062200712061a100000"), "digits of the time stamp");
        refuse(&report("00622007130612100000"), "month");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, values: Vec<u8>) {
            let _number = decode_float(&bytes);
            let _report = decode(&bytes);
            let _observed = decode(&report(&hex::encode(&values)));
        }
    }
}
