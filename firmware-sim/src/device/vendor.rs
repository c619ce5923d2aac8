//! Devices that speak formats of their vendors over Bluetooth.
//!
//! ```text
//! oximeters, one frame a second
//! jumper      CDEACB81   81 pulse SpO2 PI; none is 255 and 127; a wave 80 and seven bytes before it
//! jks50f      FFE1       69 bytes: FF 44 01, 00 finger, SpO2, pulse, PI 7 bits, PI 6 bits, 60 x 00,
//!                        sum and 1; none is 127
//! pc-60fw     6E400003   AA 55 0F 08 01, SpO2, pulse little-endian, PI x 10, 00, C0, CRC-8/MAXIM; none is 0;
//!                        before it a wave, AA 55 0F 07 02, and the battery, AA 55 F0 03 03
//! o2ring      0734594A   55 00 FF 00 00 0D 00, SpO2, pulse little-endian, 4 x 00, battery, 00, 00,
//!                        PI x 10, 01 worn, 00, CRC-8; 255 is no value; asked by AA 17 E8 ...
//! berry       49535343-1E4D  as contec-5byte: 80|signal, pleth, pulse bit 7 as 40, pulse, SpO2
//! cms50d-bt   FF02       EB 01 00 pulse SpO2 7F 00, sum without bit 7; none is 255 and 127
//!
//! cuffs, one result
//! yonker      CDEACB81   81 sys dia pulse 00 00 DD MM YY hh mm, 4 x 00
//! jpd-ha120   FFF1       FD FD FC sys dia pulse 0D 0A
//! microlife   FFF1       4D 3A length, head of 38 bytes with the number of records as fourth, a record:
//!                        sys dia pulse YY MM DD hh mm 80 00; sum; the whole memory in pieces
//! ```
//!
//! What is longer than 20 bytes leaves in pieces of 20.

use std::time::Duration;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::blood_pressure::BloodPressure;
use super::kind::Record;
use super::number::NotRepresentable;
use super::oximetry::Oximetry;
use crate::gatt::{Characteristic, Service, short};

/// What fits into one notification of a link whose MTU nobody raised.
const PIECE_LEN_BYTES: usize = 20;
const FORMAT: &str = "a vendor's format";

/// An oximeter of a vendor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VendorOximeter {
    /// Jumper JPD-500F.
    Jumper,
    /// JKS50F.
    Jks50f,
    /// Viatom PC-60FW.
    Pc60fw,
    /// Viatom `O2Ring`.
    Viatom,
    /// Berry BM1000C.
    Berry,
    /// Contec CMS50D-BT.
    Cms50dBt,
}

/// A cuff of a vendor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VendorCuff {
    /// Yonker YK-IBPA1.
    Yonker,
    /// Jumper JPD-HA120.
    JumperHa120,
    /// Microlife BP A6 BT.
    Microlife,
}

const fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

const CDEACB81: Uuid = uuid(0xCDEA_CB81_5235_4C07_8846_93A3_7EE6_B86D);
const CDEACB80: Uuid = uuid(0xCDEA_CB80_5235_4C07_8846_93A3_7EE6_B86D);

impl VendorOximeter {
    /// The name that it advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Jumper => "My Oximeter",
            Self::Jks50f => "JKS50F",
            Self::Pc60fw => "PC-60F_SN000001",
            Self::Viatom => "O2Ring 0001",
            Self::Berry => "BerryMed",
            Self::Cms50dBt => "SpO2",
        }
    }

    /// The characteristic that its values leave by.
    pub(super) fn stream(self) -> Uuid {
        match self {
            Self::Jumper => CDEACB81,
            Self::Jks50f => short(0xFFE1),
            Self::Pc60fw => uuid(0x6E40_0003_B5A3_F393_E0A9_E50E_24DC_CA9E),
            Self::Viatom => uuid(0x0734_594A_A8E7_4B1A_A6B1_CD52_4305_9A57),
            Self::Berry => uuid(0x4953_5343_1E4D_4BD9_BA61_23C6_4724_9616),
            Self::Cms50dBt => short(0xFF02),
        }
    }

    pub(super) fn services(self) -> Vec<Service> {
        let (service, command) = match self {
            Self::Jumper => (CDEACB80, None),
            Self::Jks50f => (short(0xFFE0), None),
            Self::Pc60fw => (
                uuid(0x6E40_0001_B5A3_F393_E0A9_E50E_24DC_CA9E),
                Some(uuid(0x6E40_0002_B5A3_F393_E0A9_E50E_24DC_CA9E)),
            ),
            Self::Viatom => (
                uuid(0x1483_9AC4_7D7E_415C_9A42_1673_40CF_2339),
                Some(uuid(0x8B00_ACE7_EB0B_49B0_BBE9_9AEE_0A26_E1A3)),
            ),
            Self::Berry => (uuid(0x4953_5343_FE7D_4AE5_8FA9_9FAF_D205_E455), None),
            Self::Cms50dBt => (short(0xFF12), Some(short(0xFF01))),
        };
        table(service, self.stream(), command)
    }
}

impl VendorCuff {
    /// The name that it advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Yonker => "YK-IBPA1",
            Self::JumperHa120 => "JPD-HA120",
            Self::Microlife => "BP A6 BT",
        }
    }

    /// The characteristic that its values leave by.
    pub(super) fn stream(self) -> Uuid {
        match self {
            Self::Yonker => CDEACB81,
            Self::JumperHa120 | Self::Microlife => short(0xFFF1),
        }
    }

    pub(super) fn services(self) -> Vec<Service> {
        match self {
            Self::Yonker => table(CDEACB80, CDEACB81, None),
            Self::JumperHa120 => table(short(0xFFF0), short(0xFFF1), None),
            Self::Microlife => table(short(0xFFF0), short(0xFFF1), Some(short(0xFFF2))),
        }
    }
}

fn table(service: Uuid, values: Uuid, command: Option<Uuid>) -> Vec<Service> {
    let values = Characteristic::notify(values);
    let characteristics = [values].into_iter().chain(command.map(Characteristic::sink)).collect();
    vec![Service { uuid: service, characteristics }]
}

/// Writes a stay of a finger.
///
/// # Errors
///
/// Fails where the format has no room for a value.
pub(super) fn oximetry(
    style: VendorOximeter,
    oximetry: &Oximetry,
) -> Result<Vec<Record>, NotRepresentable> {
    let whole = |value: Option<Decimal>| {
        let byte = |value: Decimal| {
            let whole = value.to_u8().filter(|whole| *whole < 255 && value.is_integer());
            whole.ok_or(NotRepresentable { value, format: FORMAT })
        };
        value.map(byte).transpose()
    };
    let (spo2, pulse) = (whole(oximetry.spo2_percent)?, whole(oximetry.pulse_bpm)?);
    let second = |second: u64| {
        let due = Duration::from_secs(second.saturating_add(1));
        values(style, spo2, pulse)
            .into_iter()
            .flat_map(|frame| pieces(&frame))
            .map(move |piece| Record::live(style.stream(), piece, due))
            .collect::<Vec<_>>()
    };
    Ok((0..oximetry.worn.as_secs()).flat_map(second).collect())
}

/// The frames of one second.
fn values(style: VendorOximeter, spo2: Option<u8>, pulse: Option<u8>) -> Vec<Vec<u8>> {
    /// Perfusion index, 2.0 %.
    const PI_X10: u8 = 20;
    match style {
        VendorOximeter::Jumper => {
            let values = vec![0x81, pulse.unwrap_or(255), spo2.unwrap_or(127), PI_X10];
            vec![vec![0x80, 10, 20, 30, 40, 30, 20, 10], values]
        }
        VendorOximeter::Jks50f => {
            let mut frame = vec![0xFF, 0x44, 0x01, 0, spo2.unwrap_or(127), pulse.unwrap_or(127)];
            frame.extend([200 & 0x7F, 200_u8 >> 7]);
            frame.resize(68, 0);
            frame.push(sum(&frame).wrapping_add(1));
            vec![frame]
        }
        VendorOximeter::Pc60fw => {
            let wave = closed(vec![0xAA, 0x55, 0x0F, 0x07, 0x02, 1, 2, 3, 4, 5], crc8_maxim);
            let [low, high] = u16::from(pulse.unwrap_or(0)).to_le_bytes();
            let frame = vec![
                0xAA,
                0x55,
                0x0F,
                0x08,
                0x01,
                spo2.unwrap_or(0),
                low,
                high,
                PI_X10,
                0x00,
                0xC0,
            ];
            // A word about itself in between: the battery is at 3 of 3.
            let battery = closed(vec![0xAA, 0x55, 0xF0, 0x03, 0x03, 3], crc8_maxim);
            vec![wave, battery, closed(frame, crc8_maxim)]
        }
        VendorOximeter::Viatom => {
            let [low, high] = u16::from(pulse.unwrap_or(0)).to_le_bytes();
            let mut frame = vec![0x55, 0x00, 0xFF, 0x00, 0x00, 13, 0x00];
            frame.extend([spo2.unwrap_or(0), low, high, 0, 0, 0, 0, 90, 0, 0, PI_X10, 1, 0]);
            vec![closed(frame, crc8)]
        }
        VendorOximeter::Berry => {
            let pulse = pulse.unwrap_or(255);
            let frame = [0x85, 50, 0x03 | (pulse & 0x80) >> 1, pulse & 0x7F, spo2.unwrap_or(127)];
            vec![frame.to_vec()]
        }
        VendorOximeter::Cms50dBt => {
            let low_sum = |bytes: &[u8]| sum(bytes) & 0x7F;
            let frame = vec![0xEB, 0x01, 0x00, pulse.unwrap_or(255), spo2.unwrap_or(127), 0x7F, 0];
            vec![closed(vec![0xEB, 0x00, 1, 2, 3], low_sum), closed(frame, low_sum)]
        }
    }
}

/// Writes one measurement of a cuff.
///
/// # Errors
///
/// Fails where the format has no room for a value, or for a measurement that failed.
pub(super) fn pressure(
    style: VendorCuff,
    taken: &BloodPressure,
    clock: DateTime,
) -> Result<Vec<Record>, NotRepresentable> {
    let byte = |value: Decimal| {
        let whole = value.to_u8().filter(|_| value.is_integer());
        whole.ok_or(NotRepresentable { value, format: FORMAT })
    };
    let Some(it) = taken.values else {
        // These say nothing of what failed.
        return Ok(Vec::new());
    };
    let said =
        [byte(it.systolic)?, byte(it.diastolic)?, byte(it.pulse_bpm.unwrap_or(Decimal::ZERO))?];
    let [systolic, diastolic, pulse] = said;
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let year = u8::try_from(clock.year().rem_euclid(100)).unwrap_or(0);
    let (month, day) = (part(clock.month()), part(clock.day()));
    let (hour, minute) = (part(clock.hour()), part(clock.minute()));
    let frame = match style {
        VendorCuff::Yonker => {
            let mut frame = vec![0x81, systolic, diastolic, pulse, 0, 0, day, month, year];
            frame.extend([hour, minute, 0, 0, 0, 0]);
            frame
        }
        VendorCuff::JumperHa120 => {
            vec![0xFD, 0xFD, 0xFC, systolic, diastolic, pulse, 0x0D, 0x0A]
        }
        VendorCuff::Microlife => {
            let mut contents = vec![0; 38];
            if let Some(n_records) = contents.get_mut(3) {
                *n_records = 1;
            }
            contents.extend([systolic, diastolic, pulse, year, month, day, hour, minute, 0x80, 0]);
            let length = u16::try_from(contents.len() + 1).unwrap_or(0).to_be_bytes();
            closed([&[0x4D, 0x3A][..], &length, &contents].concat(), sum)
        }
    };
    Ok(pieces(&frame).into_iter().map(|piece| Record::stored(style.stream(), piece)).collect())
}

fn pieces(frame: &[u8]) -> Vec<Vec<u8>> {
    frame.chunks(PIECE_LEN_BYTES).map(<[u8]>::to_vec).collect()
}

fn closed(mut frame: Vec<u8>, check: impl Fn(&[u8]) -> u8) -> Vec<u8> {
    frame.push(check(&frame));
    frame
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().copied().fold(0, u8::wrapping_add)
}

/// CRC-8 with polynomial x^8 + x^2 + x + 1, highest bit first.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ byte,
            |crc: u8, _bit| {
                if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 }
            },
        )
    })
}

/// CRC-8/MAXIM: polynomial x^8 + x^5 + x^4 + 1, lowest bit first.
fn crc8_maxim(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ byte,
            |crc: u8, _bit| {
                if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8C }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn frames(style: VendorOximeter) -> Vec<String> {
        values(style, Some(97), Some(130)).iter().map(hex::encode).collect()
    }

    #[test]
    fn the_checks_are_those_of_their_catalogue() {
        // "123456789", as catalogues of checks have it.
        assert_eq!((crc8(b"123456789"), crc8_maxim(b"123456789")), (0xF4, 0xA1));
        // A request as it was captured.
        assert_eq!(crc8(&[0xAA, 0x17, 0xE8, 0, 0, 0, 0]), 0x1B);
    }

    #[test]
    fn frames_are_those_of_their_texts() {
        assert_eq!(frames(VendorOximeter::Jumper).last().unwrap(), "81826114");
        assert_eq!(frames(VendorOximeter::Berry), ["8532430261"]);
        assert_eq!(frames(VendorOximeter::Cms50dBt).last().unwrap(), "eb010082617f004e");
        let [ref jks] = *frames(VendorOximeter::Jks50f) else { panic!() };
        assert!(jks.starts_with("ff440100618248 01".replace(' ', "").as_str()), "{jks}");
        assert_eq!(jks.len(), 2 * 69);
    }

    #[test]
    fn a_result_has_its_time_where_the_format_has_room_for_it() {
        let taken = BloodPressure::mmhg(131, 82, 70);
        let clock = date(2026, 3, 1).at(8, 5, 0, 0);
        let sent = |style| -> Vec<String> {
            let records = pressure(style, &taken, clock).unwrap();
            records.iter().map(|it| hex::encode(&it.payload)).collect()
        };
        assert_eq!(sent(VendorCuff::Yonker), ["8183524600000 1031a080500000000".replace(' ', "")]);
        assert_eq!(sent(VendorCuff::JumperHa120), ["fdfdfc8352460d0a"]);
        let pieces = sent(VendorCuff::Microlife);
        assert_eq!(pieces.iter().map(|it| it.len() / 2).collect::<Vec<_>>(), [20, 20, 13]);
        assert!(pieces[2].starts_with("00008352461a03010805"), "{pieces:?}");
    }
}
