//! Nonin 3230: the standard service, and a service of its own that tells each second.
//!
//! ```text
//! service 46A970E0-0D5F-11E2-8B5E-0002A5D5C51B
//! 0AAD7EA0   notify, once a second, big-endian
//! 1447AF80   control point; taken and not answered here
//!
//! offset  size  field
//! 0       1     length, 10
//! 1       1     bit 1 weak signal, 2 SmartPoint passed, 3 searching, 4 finger in, 5 battery is low,
//!               6 link is encrypted
//! 2       1     battery, 0.1 V
//! 3       2     amplitude, 0.01 %
//! 5       2     second
//! 7       1     SpO2; 127 missing
//! 8       2     pulse; 511 missing
//! ```
//!
//! `SmartPoint` is passed when a value is good enough to be taken: here in the last five seconds of a
//! stay. Then a spot check is kept, which is asked for at the Record Access Control Point.

use std::time::Duration;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::kind::{BATTERY_LOW_PERCENT, Record, Surroundings};
use super::number::{NotRepresentable, steps};
use super::oximetry::{LOW_PERFUSION, Oximetry, QUESTIONABLE};
use super::plx;
use crate::gatt::{Characteristic, Service};

/// The name that it advertises.
pub(super) const MODEL: &str = "Nonin3230_500000001";

const SERVICE: Uuid = Uuid::from_u128(0x46A9_70E0_0D5F_11E2_8B5E_0002_A5D5_C51B);
const EACH_SECOND: Uuid = Uuid::from_u128(0x0AAD_7EA0_0D60_11E2_8E3C_0002_A5D5_C51B);
const CONTROL_POINT: Uuid = Uuid::from_u128(0x1447_AF80_0D60_11E2_88B6_0002_A5D5_C51B);

/// How long a finger is in at least for `SmartPoint` to pass.
const LEAST_WORN: Duration = Duration::from_secs(10);
/// How long before the end of a stay it passes.
const PASSED_BEFORE: Duration = Duration::from_secs(5);

const WEAK: u8 = 1 << 1;
const PASSED: u8 = 1 << 2;
const SEARCHING: u8 = 1 << 3;
const FINGER_IN: u8 = 1 << 4;
const BATTERY_LOW: u8 = 1 << 5;
const ENCRYPTED: u8 = 1 << 6;

const FORMAT: &str = "the format of a Nonin 3230";
const LEN_BYTES: u8 = 10;
const NO_SPO2: u16 = 127;
const NO_PULSE: u16 = 511;
/// Amplitude of a finger of which nobody says another.
const AMPLITUDE_PERCENT: Decimal = Decimal::TWO;

/// The service of its own.
pub(super) fn service() -> Service {
    let characteristics =
        vec![Characteristic::notify(EACH_SECOND), Characteristic::sink(CONTROL_POINT)];
    Service { uuid: SERVICE, characteristics }
}

/// Writes a stay of a finger.
///
/// # Errors
///
/// Fails where a format has no room for a value.
pub(super) fn records(
    oximetry: &Oximetry,
    surroundings: Surroundings,
) -> Result<Vec<Record>, NotRepresentable> {
    let good = is_good(oximetry).then(|| oximetry.worn.saturating_sub(PASSED_BEFORE));
    let second = |after: Duration| {
        let is_passed = good.is_some_and(|passed| passed < after);
        let frame = encode(oximetry, after, is_passed, surroundings.battery_percent)?;
        Ok(Record::live(EACH_SECOND, frame, after))
    };
    let mut records = oximetry.seconds().map(second).collect::<Result<Vec<_>, _>>()?;
    if let Some(after) = good {
        records.push(Record {
            after,
            ..plx::taken(oximetry, plx::SPOT_CHECK_FLAGS, surroundings.clock)?
        });
    }
    Ok(records)
}

/// Whether `SmartPoint` passes at all.
fn is_good(oximetry: &Oximetry) -> bool {
    let has_values = oximetry.spo2_percent.is_some() && oximetry.pulse_bpm.is_some();
    has_values && oximetry.status & QUESTIONABLE == 0 && LEAST_WORN <= oximetry.worn
}

fn encode(
    oximetry: &Oximetry,
    second: Duration,
    is_passed: bool,
    battery_percent: u8,
) -> Result<Vec<u8>, NotRepresentable> {
    let whole = |value: Option<Decimal>, missing: u16| match value {
        Some(value) => steps(value, Decimal::ONE, missing - 1, FORMAT),
        None => Ok(missing),
    };
    let is_searching = oximetry.spo2_percent.is_none() || oximetry.pulse_bpm.is_none();
    let status = [
        (oximetry.sensor & LOW_PERFUSION != 0, WEAK),
        (is_passed, PASSED),
        (is_searching, SEARCHING),
        (true, FINGER_IN),
        (battery_percent < BATTERY_LOW_PERCENT, BATTERY_LOW),
        // It talks to nobody without a bond.
        (true, ENCRYPTED),
    ];
    let status = status.into_iter().filter(|(is_so, _bit)| *is_so).map(|(_is_so, bit)| bit);
    let amplitude = oximetry.amplitude_percent.unwrap_or(AMPLITUDE_PERCENT);
    let amplitude = steps(amplitude, Decimal::ONE_HUNDRED, u16::MAX, FORMAT)?;
    let [_zero, spo2] = whole(oximetry.spo2_percent, NO_SPO2)?.to_be_bytes();
    // Two cells: 3.0 V when they are new, 2.0 V when they are empty.
    let mut frame =
        vec![LEN_BYTES, status.fold(0, |all, bit| all | bit), 20 + battery_percent / 10];
    frame.extend(amplitude.to_be_bytes());
    frame.extend(u16::try_from(second.as_secs()).unwrap_or(u16::MAX).to_be_bytes());
    frame.push(spo2);
    frame.extend(whole(oximetry.pulse_bpm, NO_PULSE)?.to_be_bytes());
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn told(oximetry: &Oximetry, battery_percent: u8) -> Vec<Record> {
        let clock = date(2026, 3, 1).at(8, 5, 0, 0);
        records(oximetry, Surroundings { clock, battery_percent, sequence: 1 }).unwrap()
    }

    #[track_caller]
    fn check(record: &Record, expected: &str) {
        assert_eq!(hex::encode(&record.payload), expected.replace(' ', ""));
        assert!(!record.stored);
    }

    #[test]
    fn smart_point_passes_in_the_last_five_seconds_and_a_spot_check_is_kept_then() {
        let records = told(&Oximetry::new(97, 300), 100);
        assert_eq!(records.len(), 21);
        check(&records[0], "0a 50 1e 00c8 0001 61 012c");
        check(&records[14], "0a 50 1e 00c8 000f 61 012c");
        check(&records[15], "0a 54 1e 00c8 0010 61 012c");
        check(&records[19], "0a 54 1e 00c8 0014 61 012c");
        let kept = &records[20];
        // Flags, 97 %, 300 a minute, the time, fully qualified, nothing with the sensor.
        let expected = "07 6100 2c01 ea070301080500 0001 000000";
        assert_eq!(hex::encode(&kept.payload), expected.replace(' ', ""));
        assert_eq!((kept.characteristic, kept.stored), (plx::SPOT_CHECK, true));
        assert_eq!(kept.after, Duration::from_secs(15));
    }

    #[test]
    fn a_short_a_questionable_and_a_vain_stay_leave_no_spot_check() {
        let short = Oximetry { worn: Duration::from_secs(9), ..Oximetry::new(97, 72) };
        let questionable = Oximetry { status: QUESTIONABLE, ..Oximetry::new(97, 72) };
        for stay in [short, questionable, Oximetry::without_pulse()] {
            assert!(told(&stay, 100).iter().all(|it| it.payload[1] & PASSED == 0 && !it.stored));
        }
        check(&told(&Oximetry::without_pulse(), 100)[0], "0a 58 1e 00c8 0001 7f 01ff");
    }

    #[test]
    fn a_weak_signal_and_a_low_battery_are_told() {
        let weak = Oximetry {
            sensor: LOW_PERFUSION,
            amplitude_percent: Some(Decimal::new(25, 2)),
            ..Oximetry::new(97, 72)
        };
        check(&told(&weak, 19)[0], "0a 72 15 0019 0001 61 0048");
    }

    #[test]
    fn a_value_that_would_read_as_missing_is_refused() {
        let surroundings = Surroundings {
            clock: date(2026, 3, 1).at(8, 5, 0, 0),
            battery_percent: 100,
            sequence: 1,
        };
        assert!(records(&Oximetry::new(127, 72), surroundings).is_err());
        assert!(records(&Oximetry::new(97, 511), surroundings).is_err());
    }
}
