//! Temperature Measurement (0x2A1C).
//!
//! ```text
//! offset  size  field
//! 0       1     flags        bit 0 Fahrenheit, 1 time, 2 site
//! 1       4     temperature  FLOAT; NaN if the measurement failed
//! +0      7     Date Time    if bit 1
//! +0      1     site         if bit 2
//! ```

use std::fmt;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::number::{FLOAT_NAN, NotRepresentable, float};
use crate::gatt::{Characteristic, Service, short};

/// Health Thermometer Service.
pub const SERVICE: Uuid = short(0x1809);
/// Temperature Measurement.
pub const MEASUREMENT: Uuid = short(0x2A1C);

/// Where a temperature is taken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Site {
    /// Under the arm.
    Armpit,
    /// The body in general.
    #[default]
    Body,
    /// In the ear.
    Ear,
    /// A finger.
    Finger,
    /// In the mouth.
    Mouth,
}

impl Site {
    /// Returns the number of the Temperature Type characteristic.
    fn number(self) -> u8 {
        match self {
            Self::Armpit => 1,
            Self::Body => 2,
            Self::Ear => 3,
            Self::Finger => 4,
            Self::Mouth => 6,
        }
    }
}

/// One temperature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Temperature {
    /// In degrees Celsius; `None` is a failed measurement.
    pub celsius: Option<Decimal>,
    /// Where it was taken.
    pub site: Site,
}

impl Temperature {
    /// A temperature in degrees Celsius.
    #[must_use]
    pub fn celsius(temperature: impl Into<Decimal>) -> Self {
        Self { celsius: Some(temperature.into()), site: Site::default() }
    }

    /// A measurement that failed.
    #[must_use]
    pub fn failed() -> Self {
        Self { celsius: None, site: Site::default() }
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.celsius {
            Some(celsius) => write!(f, "{celsius} °C"),
            None => write!(f, "a temperature without success"),
        }
    }
}

/// How a thermometer writes a temperature.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ThermometerStyle {
    /// Degrees Celsius with time and site (flags 0x06).
    #[default]
    Celsius,
    /// Degrees Fahrenheit, one decimal, with time and site (flags 0x07).
    Fahrenheit,
    /// Degrees Celsius and nothing else (flags 0x00).
    Bare,
}

impl ThermometerStyle {
    fn flags(self) -> u8 {
        match self {
            Self::Celsius => 0x06,
            Self::Fahrenheit => 0x07,
            Self::Bare => 0x00,
        }
    }
}

/// The services of a thermometer besides those that every device has.
#[must_use]
pub fn services() -> Vec<Service> {
    let characteristics = vec![Characteristic::indicate(MEASUREMENT)];
    vec![Service { uuid: SERVICE, characteristics }, current_time_service()]
}

/// Writes one temperature taken when the thermometer's clock shows `clock`.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the temperature does not fit a FLOAT.
pub fn encode(
    temperature: &Temperature,
    style: ThermometerStyle,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let mut bytes = vec![style.flags()];
    let shown = match style {
        ThermometerStyle::Celsius | ThermometerStyle::Bare => temperature.celsius,
        ThermometerStyle::Fahrenheit => temperature.celsius.and_then(fahrenheit),
    };
    bytes.extend(shown.map_or(Ok(FLOAT_NAN), float)?);
    match style {
        ThermometerStyle::Celsius | ThermometerStyle::Fahrenheit => {
            bytes.extend(date_time(clock));
            bytes.push(temperature.site.number());
        }
        ThermometerStyle::Bare => {}
    }
    Ok(bytes)
}

fn fahrenheit(celsius: Decimal) -> Option<Decimal> {
    let degrees = celsius.checked_mul(Decimal::new(18, 1))?.checked_add(Decimal::from(32))?;
    Some(degrees.round_dp(1))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(temperature: Temperature, style: ThermometerStyle, clock: DateTime, expected: &str) {
        assert_eq!(encode(&temperature, style, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// A capture whose owner states 36.2; an answer copied from Stack Overflow (54834439).
    #[test]
    fn a_capture_with_tenths_is_reproduced() {
        let clock = date(2018, 3, 10).at(20, 20, 0, 0);
        let measured = Temperature::celsius(decimal("36.2"));
        check(measured, ThermometerStyle::Celsius, clock, "066a0100ffe207030a14140002");
    }

    /// A unit test of github:NordicSemiconductor/Android-BLE-Common-Library,
    /// `TemperatureMeasurementDataCallbackTest`.
    #[test]
    fn hundredths_and_the_site_are_kept() {
        let clock = date(2012, 12, 5).at(11, 50, 27, 0);
        let measured = Temperature { site: Site::Finger, ..Temperature::celsius(decimal("37.60")) };
        check(measured, ThermometerStyle::Celsius, clock, "06b00e00fedc070c050b321b04");
    }

    #[test]
    fn fahrenheit_has_one_decimal() {
        let clock = date(2018, 3, 10).at(20, 20, 0, 0);
        let measured = Temperature::celsius(decimal("37.0"));
        // 98.6 = 986 * 10^-1.
        check(measured, ThermometerStyle::Fahrenheit, clock, "07da0300ffe207030a14140002");
    }

    #[test]
    fn a_failed_measurement_is_not_a_number() {
        check(Temperature::failed(), ThermometerStyle::Bare, DateTime::ZERO, "00ffff7f00");
    }
}
