//! Jumper and Yonker devices: notifications without checksum over Bluetooth.
//!
//! ```text
//! Jumper JPD-500F, oximeter       Yonker YK-IBPA1, cuff       Jumper JPD-HA120, cuff
//! 0   0x81; 0x80 is a pulse wave  0      0x81                 0-2   0xFD 0xFD 0xFC
//! 1   pulse rate; 255 is none     1      systolic, mmHg       3     systolic, mmHg
//! 2   SpO2; 127 is none           2      diastolic            4     diastolic
//! 3   perfusion index, 0.1 %      3      pulse rate           5     pulse rate
//!                                 4-5    not used             6-7   0x0D 0x0A
//!                                 6-8    day, month, year since 2000
//!                                 9-10   hour, minute
//!                                 11-14  not used
//! ```
//!
//! Jumper's oximeter and Yonker's cuff share their service and their first byte: the length tells.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{DeviceTime, ReadingKind};

use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, whole};
use super::report::Report;

/// What an oximeter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oximeter {
    /// Values.
    Values(Oximetry),
    /// Samples of the pulse wave as they came.
    Wave(Vec<u8>),
}

/// The values of an oximeter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oximetry {
    /// Pulse rate per minute; `None` where it is missing.
    pub pulse: Option<u8>,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
    /// Perfusion index in percent.
    pub perfusion_index: Decimal,
}

/// What a cuff says; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuff {
    /// Systolic pressure.
    pub systolic: u8,
    /// Diastolic pressure.
    pub diastolic: u8,
    /// Pulse rate per minute.
    pub pulse: u8,
    /// When it was measured, where the device says it; without seconds.
    pub device_time: Option<DeviceTime>,
}

/// Decodes what a JPD-500F says.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are four bytes of values,
/// and [`DecodeError::Framing`] for something else than values and wave.
pub fn decode_jpd_500f(bytes: &[u8]) -> Result<Oximeter, DecodeError> {
    if let Some((0x80, wave)) = bytes.split_first() {
        return Ok(Oximeter::Wave(wave.to_vec()));
    }
    let mut payload = Payload::new(bytes);
    payload.fixed("flag", 0x81)?;
    let [pulse, saturation, perfusion] = payload.array("values")?;
    payload.end()?;
    Ok(Oximeter::Values(Oximetry {
        pulse: (pulse != 0xFF).then_some(pulse),
        saturation: (saturation != 0x7F).then_some(saturation),
        perfusion_index: Decimal::new(perfusion.into(), 1),
    }))
}

/// Decodes the result of a JPD-HA120.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are eight bytes, and
/// [`DecodeError::Framing`] for another byte in a fixed place.
pub fn decode_jpd_ha120(bytes: &[u8]) -> Result<Cuff, DecodeError> {
    let mut payload = Payload::new(bytes);
    for expected in [0xFD, 0xFD, 0xFC] {
        payload.fixed("start byte", expected)?;
    }
    let [systolic, diastolic, pulse] = payload.array("values")?;
    payload.fixed("end byte", 0x0D)?;
    payload.fixed("end byte", 0x0A)?;
    payload.end()?;
    Ok(Cuff { systolic, diastolic, pulse, device_time: None })
}

/// Decodes the result of a YK-IBPA1.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are fifteen bytes, and
/// [`DecodeError::Framing`] for something else than a result.
pub fn decode_yonker(bytes: &[u8]) -> Result<Cuff, DecodeError> {
    let [flag, systolic, diastolic, pulse, _, _, day, month, year, hour, minute, ..] =
        whole::<15>("the end", bytes)?;
    if flag != 0x81 {
        return Err(DecodeError::Framing { field: "flag", value: flag });
    }
    let year = u16::from(year).saturating_add(2000);
    let device_time = Some(DeviceTime { year, month, day, hour, minute, second: 0 });
    Ok(Cuff { systolic, diastolic, pulse, device_time })
}

impl Oximetry {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let (saturation, pulse) = (self.saturation.map(u16::from), self.pulse.map(u16::from));
        outcome::oximetry(saturation, pulse, BTreeSet::new())
    }
}

impl Cuff {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let pulse = Some(self.pulse.into());
        let values = outcome::pressures(self.systolic.into(), self.diastolic.into(), None, pulse)?;
        let report = outcome::report(ReadingKind::BloodPressure, Ok(values));
        Ok(Report { device_time: self.device_time, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::report::NoResult;

    const YONKER: &str = "818367510000190b18131200000000";

    fn shown(report: &Report) -> Vec<String> {
        report.result.iter().flatten().map(|it| it.quantity.to_string()).collect()
    }

    fn values_of(hex: &str) -> Oximetry {
        match decode_jpd_500f(&bytes(hex)).unwrap() {
            Oximeter::Values(values) => values,
            Oximeter::Wave(wave) => panic!("{wave:?}"),
        }
    }

    #[test]
    fn results_are_what_the_display_shows() {
        let oximetry = values_of("81386344");
        assert_eq!(shown(&oximetry.report().unwrap()), ["99 %", "56 /min"]);
        let cuff = decode_jpd_ha120(&bytes("fdfdfc6339430d0a")).unwrap();
        assert_eq!(shown(&cuff.report().unwrap()), ["99 mmHg", "57 mmHg", "67 /min"]);
        let cuff = decode_yonker(&bytes(YONKER)).unwrap();
        assert_eq!(shown(&cuff.report().unwrap()), ["131 mmHg", "103 mmHg", "81 /min"]);
        assert_eq!(cuff.device_time.unwrap().to_string(), "2024-11-25T19:18:00");
    }

    #[test]
    fn notifications_are_cut() {
        let is_cut = |it| matches!(it, Some(DecodeError::Truncated { .. }));
        assert!(prefixes("81386344").iter().all(|it| is_cut(decode_jpd_500f(it).err())));
        assert!(prefixes("fdfdfc6339430d0a").iter().all(|it| is_cut(decode_jpd_ha120(it).err())));
        assert!(prefixes(YONKER).iter().all(|it| is_cut(decode_yonker(it).err())));
    }

    #[test]
    fn the_two_that_share_a_service_are_told_apart_by_their_length() {
        assert!(matches!(decode_jpd_500f(&bytes(YONKER)), Err(DecodeError::Trailing { .. })));
        assert!(matches!(decode_yonker(&bytes("81386344")), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn a_pulse_wave_is_no_value() {
        assert_eq!(decode_jpd_500f(&bytes("80386344")), Ok(Oximeter::Wave(vec![0x38, 0x63, 0x44])));
    }

    #[test]
    fn fixed_bytes_are_verified() {
        let is_framing = |it| matches!(it, Some(DecodeError::Framing { .. }));
        assert!(is_framing(decode_jpd_500f(&bytes("82386344")).err()));
        assert!(is_framing(decode_jpd_ha120(&bytes("fdfdfb6339430d0a")).err()));
        assert!(is_framing(decode_jpd_ha120(&bytes("fdfdfc6339430d0b")).err()));
        assert!(is_framing(decode_yonker(&bytes("828367510000190b18131200000000")).err()));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let missing = values_of("81ff7f00");
        assert_eq!((missing.pulse, missing.saturation), (None, None));
        assert_eq!(missing.report().unwrap().result, Err(NoResult::Absent));
        let zero = decode_jpd_ha120(&bytes("fdfdfc0000000d0a")).unwrap();
        assert!(matches!(zero.report(), Err(DecodeError::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, yonker: [u8; 14]) {
            let _oximetry = decode_jpd_500f(&bytes);
            let _cuff = decode_jpd_ha120(&bytes);
            let framed = [vec![0x81], yonker.to_vec()].concat();
            let _report = decode_yonker(&framed).unwrap().report();
        }
    }
}
