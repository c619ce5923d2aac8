//! Transtek scales, as Medisana sells them: what is weighed is kept until the clock has been set.
//!
//! ```text
//! 8A24 indicates a weight: flags 09, kilograms as FLOAT, time, user
//!      flags: bit 0 time, 1 difference, 2 impedance, 3 user, 4 status, 5 and 6 unit shown, 0 is kg
//! 8A81 takes commands: 02 and the time sets the clock
//! time: seconds since the beginning of 2010, four bytes little-endian
//! ```
//!
//! What was delivered is forgotten; the latest comes first.

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::number::{FLOAT_NAN, NotRepresentable, float};
use super::weight::{Weight, WeightUnit};
use crate::gatt::{Characteristic, ClockLayout, Content, Service, short};

/// What indicates a weight.
pub(super) const WEIGHT: Uuid = short(0x8A24);

const TIME_AND_USER: u8 = 1 << 0 | 1 << 3;
const SET_TIME: u8 = 0x02;

/// The services of a scale besides those that every device has.
pub(super) fn services() -> Vec<Service> {
    let clock = Content::Clock(ClockLayout::Transtek);
    let characteristics = vec![
        Characteristic::indicate(WEIGHT),
        Characteristic::indicate(short(0x8A22)),
        Characteristic { uuid: short(0x8A81), flags: vec!["write"], content: clock },
        Characteristic::indicate(short(0x8A82)),
    ];
    vec![Service { uuid: short(0x78B2), characteristics }]
}

/// Writes a weight that was found when the clock of the scale showed `clock`.
///
/// # Errors
///
/// Fails where the format has no room for the weight.
pub(super) fn encode(weighed: &Weight, clock: DateTime) -> Result<Vec<u8>, NotRepresentable> {
    let kilograms: Option<Decimal> = weighed.shown_in(WeightUnit::Kilogram);
    let kilograms = kilograms.map_or(Ok(FLOAT_NAN), float)?;
    Ok([&[TIME_AND_USER][..], &kilograms, &seconds(clock), &[weighed.user]].concat())
}

/// Writes the command that sets a clock.
pub(super) fn set_time(clock: DateTime) -> Vec<u8> {
    [&[SET_TIME][..], &seconds(clock)].concat()
}

/// Reads the command that sets a clock; `None` if it is another one.
pub(super) fn read_set_time(command: &[u8]) -> Option<DateTime> {
    let [SET_TIME, s0, s1, s2, s3] = *command else { return None };
    let seconds = u32::from_le_bytes([s0, s1, s2, s3]);
    epoch().checked_add(jiff::SignedDuration::from_secs(seconds.into())).ok()
}

fn seconds(clock: DateTime) -> [u8; 4] {
    let since = clock.duration_since(epoch()).as_secs();
    u32::try_from(since).unwrap_or(0).to_le_bytes()
}

const fn epoch() -> DateTime {
    DateTime::constant(2010, 1, 1, 0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A time that a BS444 said in a public capture.
    const TIME: &str = "800ff40d";

    fn clock() -> DateTime {
        date(2017, 6, 2).at(11, 22, 40, 0)
    }

    #[test]
    fn a_weight_has_its_time_and_its_user() {
        let weighed = Weight::kilograms(Decimal::new(705, 1));
        let frame = hex::encode(encode(&weighed, clock()).unwrap());
        assert_eq!(frame, format!("09c10200ff{TIME}01"));
        let failed = hex::encode(encode(&Weight::failed(), clock()).unwrap());
        assert_eq!(failed, format!("09ffff7f00{TIME}01"));
    }

    #[test]
    fn a_clock_is_set_by_its_own_command_alone() {
        let command = set_time(clock());
        assert_eq!(hex::encode(&command), format!("02{TIME}"));
        assert_eq!(read_set_time(&command), Some(clock()));
        for other in ["03", "0200", "02000000000000", "2000000000"] {
            assert_eq!(read_set_time(&hex::decode(other).unwrap()), None);
        }
    }
}
