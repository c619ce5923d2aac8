//! Oximeters on serial lines besides those with a file of their own.
//!
//! ```text
//! contec-5byte    60 a second  80|beep|..., pleth, bar|pulse bit 7 as 40, pulse, SpO2
//! contec-9byte    60 a second  01, high bits, signal|beep, pleth, bar, pulse, SpO2, PI x 0.01 twice
//!                              each with 80, and its own bit 7 among the high bits
//! masimo-ascii-1  1 a second   MM/DD/YY hh:mm:ss SN=... SPO2=097% BPM=072 PI=05.00 ... EXC=000000
//! nonin-df1       1 a second   status|pulse bits 8-7, pulse bits 6-0, SpO2
//! nonin-df7       75 a second  status, pleth high, pleth low, part of the packet, sum
//! nonin-df8       1 a second   as nonin-df1, and a second status
//! nonin-df13      1 a stay     00 02 0D len CC YY MM DD hh mm ss ff, status, pulse, 00, SpO2, sum, 03
//! ```
//!
//! All at 9600 baud 8N1 but Contec: 5 bytes at 19200 baud 8O1, 9 bytes at 115200 baud 8N1.
//!
//! A value that is missing is 127 for SpO2, 511 for the pulse of Nonin, 255 for that of Contec, and
//! dashes for Masimo.

use std::time::Duration;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::kind::{BATTERY_LOW_PERCENT, Record, Surroundings};
use super::line_setting::{LineSetting, Parity};
use super::nonin_df2;
use super::number::NotRepresentable;
use super::oximetry::Oximetry;

/// How long an oximeter looks for a pulse, and how long it goes on after the finger is out.
const SEARCH_S: u64 = 2;
/// Frames of one second of Contec.
const CONTEC_N_FRAMES: u32 = 60;

/// How an oximeter on a serial line writes what it finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OximeterLine {
    /// Contec CMS50D+, 5 bytes a frame.
    ContecFiveByte,
    /// Contec CMS50D+ with newer firmware, 9 bytes a frame; it talks when it is told to.
    ContecNineByte,
    /// Masimo, lines of text.
    MasimoAscii,
    /// Nonin Data Format 1.
    NoninDf1,
    /// Nonin Data Format 7.
    NoninDf7,
    /// Nonin Data Format 8.
    NoninDf8,
    /// Nonin Data Format 13, one spot check when the finger is out.
    NoninDf13,
}

impl OximeterLine {
    /// How its end of the line is set.
    pub(super) const fn setting(self) -> LineSetting {
        match self {
            Self::ContecFiveByte => {
                LineSetting { parity: Parity::Odd, ..LineSetting::usual(19_200) }
            }
            Self::ContecNineByte => LineSetting::usual(115_200),
            Self::MasimoAscii
            | Self::NoninDf1
            | Self::NoninDf7
            | Self::NoninDf8
            | Self::NoninDf13 => LineSetting::usual(9600),
        }
    }
}

/// What an oximeter finds in one second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Second {
    Searching,
    Values { spo2: Option<u8>, pulse: Option<u16> },
    Out,
}

/// Writes one stay of a finger: the search for a pulse, values, and the finger that is out.
pub(super) fn records(
    line: OximeterLine,
    oximetry: &Oximetry,
    surroundings: Surroundings,
) -> Result<Vec<Record>, NotRepresentable> {
    let battery_is_low = surroundings.battery_percent < BATTERY_LOW_PERCENT;
    if line == OximeterLine::NoninDf7 {
        return nonin_df7(oximetry, battery_is_low);
    }
    let values = Second::Values {
        spo2: whole(oximetry.spo2_percent, 100)?.and_then(|it| it.to_u8()),
        pulse: whole(oximetry.pulse_bpm, if is_contec(line) { 254 } else { 510 })?,
    };
    if line == OximeterLine::NoninDf13 {
        let spot_check = nonin_df13(values, battery_is_low, surroundings.clock);
        return Ok(vec![Record::sent(spot_check, oximetry.worn)]);
    }
    let search = (0..SEARCH_S).map(|_second| Second::Searching);
    let out = (0..SEARCH_S).map(|_second| Second::Out);
    let seconds = search.chain(oximetry.seconds().map(|_second| values)).chain(out).zip(1..);
    Ok(seconds
        .flat_map(|(second, number)| {
            let due = Duration::from_secs(number);
            match line {
                OximeterLine::ContecFiveByte => contec(second, number, five_bytes),
                OximeterLine::ContecNineByte => contec(second, number, nine_bytes),
                OximeterLine::MasimoAscii => {
                    let shown = surroundings.clock.saturating_add(due);
                    vec![Record::sent(masimo(second, shown).into_bytes(), due)]
                }
                OximeterLine::NoninDf1 => vec![Record::sent(nonin_df1(second).to_vec(), due)],
                OximeterLine::NoninDf8 | OximeterLine::NoninDf7 | OximeterLine::NoninDf13 => {
                    let [status, pulse, spo2] = nonin_df1(second);
                    let frame = vec![status, pulse, spo2, status_2(second, battery_is_low)];
                    vec![Record::sent(frame, due)]
                }
            }
        })
        .collect())
}

/// Returns a value as a whole number up to `most`.
fn whole(value: Option<Decimal>, most: u16) -> Result<Option<u16>, NotRepresentable> {
    let Some(value) = value else { return Ok(None) };
    value
        .to_u16()
        .filter(|whole| *whole <= most && value.is_integer())
        .map(Some)
        .ok_or(NotRepresentable { value, format: "a serial oximeter" })
}

/// Writes the 60 frames of a second of Contec.
fn contec(second: Second, number: u64, frame: fn(Second, u32) -> Vec<u8>) -> Vec<Record> {
    let record = |index: u32| {
        let due = Duration::from_secs(number) + Duration::from_secs(index.into()) / CONTEC_N_FRAMES;
        Record::sent(frame(second, index), due)
    };
    (0..CONTEC_N_FRAMES).map(record).collect()
}

fn is_contec(line: OximeterLine) -> bool {
    matches!(line, OximeterLine::ContecFiveByte | OximeterLine::ContecNineByte)
}

fn five_bytes(second: Second, index: u32) -> Vec<u8> {
    let (signal, state, pulse, spo2) = match second {
        Second::Searching => (0, 0x20, 255, 127),
        Second::Values { spo2, pulse } => {
            let pulse = pulse.and_then(|it| it.to_u8()).unwrap_or(255);
            (5, 0, pulse, spo2.unwrap_or(127))
        }
        Second::Out => (0, 0x10, 255, 127),
    };
    let pleth = u8::try_from(index).unwrap_or(0);
    let state = state | (pulse & 0x80) >> 1 | 0x03;
    vec![0x80 | signal, pleth, state, pulse & 0x7F, spo2]
}

fn nine_bytes(second: Second, index: u32) -> Vec<u8> {
    let (signal, searching, pulse, spo2) = match second {
        Second::Searching => (0, 0x80, 255, 127),
        Second::Values { spo2, pulse } => {
            let pulse = pulse.and_then(|it| it.to_u8()).unwrap_or(255);
            (5, 0, pulse, spo2.unwrap_or(127))
        }
        Second::Out => (0x80, 0, 255, 127),
    };
    let pleth = u8::try_from(index).unwrap_or(0);
    let said = [signal, searching | pleth, 3, pulse, spo2, 0xFF, 0xFF];
    let high = said.iter().zip(0..).fold(0x80, |high, (byte, place)| high | (byte >> 7) << place);
    [0x01, high].into_iter().chain(said.map(|byte| byte | 0x80)).collect()
}

/// Writes one line of Masimo.
fn masimo(second: Second, shown: DateTime) -> String {
    let (spo2, pulse, exceptions) = match second {
        Second::Searching => (None, None, 0x008),
        Second::Values { spo2, pulse } => (spo2, pulse, 0),
        Second::Out => (None, None, 0x020),
    };
    let spo2 = spo2.map_or("---".to_owned(), |it| format!("{it:03}"));
    let pulse = pulse.map_or("---".to_owned(), |it| format!("{it:03}"));
    let (year, month, day) = (shown.year().rem_euclid(100), shown.month(), shown.day());
    let (hour, minute, second) = (shown.hour(), shown.minute(), shown.second());
    format!(
        "{month:02}/{day:02}/{year:02} {hour:02}:{minute:02}:{second:02} SN=0000070986 \
         SPO2={spo2}% BPM={pulse} PI=--.--% SPCO=--.-% SPMET=--.-% DESAT=-- PIDELTA=+-- PVI=--- \
         ALARM=0000 EXC={exceptions:06X}\r\n"
    )
}

/// Writes one frame of Data Format 1.
fn nonin_df1(second: Second) -> [u8; 3] {
    let (status, pulse, spo2) = match second {
        Second::Searching => (0x20, 511, 127),
        Second::Values { spo2, pulse } => (0, pulse.unwrap_or(511), spo2.unwrap_or(127)),
        Second::Out => (0x60, 511, 127),
    };
    let [high, low] = [pulse >> 7, pulse & 0x7F].map(|part| u8::try_from(part).unwrap_or(0));
    [0x80 | status | high, low, spo2]
}

fn status_2(second: Second, battery_is_low: bool) -> u8 {
    let told = match second {
        Second::Searching => 0,
        Second::Values { .. } => 0x20,
        Second::Out => 0x08,
    };
    told | u8::from(battery_is_low)
}

/// Writes a stay of a finger in Data Format 7: Data Format 2 with a wider pulse wave.
fn nonin_df7(oximetry: &Oximetry, battery_is_low: bool) -> Result<Vec<Record>, NotRepresentable> {
    let mut records = nonin_df2::records(oximetry, battery_is_low)?;
    for record in &mut records {
        if let [_start, status, pleth, part, _sum] = *record.payload.as_slice() {
            let sum = [status, pleth, part].into_iter().fold(0, u8::wrapping_add);
            record.payload = vec![status, pleth, 0, part, sum];
        }
    }
    Ok(records)
}

/// Writes one spot check of Data Format 13.
fn nonin_df13(second: Second, battery_is_low: bool, clock: DateTime) -> Vec<u8> {
    let (spo2, pulse) = match second {
        Second::Values { spo2, pulse } => (spo2, pulse),
        Second::Searching | Second::Out => (None, None),
    };
    let told: u16 = if spo2.is_some() { 0x0200 } else { 0x0100 };
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let century = u8::try_from(clock.year().div_euclid(100)).unwrap_or(0);
    let year = u8::try_from(clock.year().rem_euclid(100)).unwrap_or(0);
    let mut summed = vec![0x0D, 14, century, year, part(clock.month()), part(clock.day())];
    summed.extend([part(clock.hour()), part(clock.minute()), part(clock.second()), 0]);
    summed.extend((told | u16::from(battery_is_low)).to_be_bytes());
    summed.extend(pulse.unwrap_or(511).to_be_bytes());
    summed.extend([0, spo2.unwrap_or(127)]);
    let sum = summed.iter().copied().fold(0, u8::wrapping_add);
    [&[0x00, 0x02], summed.as_slice(), &[sum, 0x03]].concat()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn stay(line: OximeterLine, oximetry: &Oximetry) -> Vec<Record> {
        let clock = date(2026, 3, 1).at(8, 5, 0, 0);
        let surroundings = Surroundings { clock, battery_percent: 100, sequence: 1 };
        let oximetry = Oximetry { worn: Duration::from_secs(1), ..*oximetry };
        records(line, &oximetry, surroundings).unwrap()
    }

    /// The bytes of each second's first record.
    fn payloads(line: OximeterLine, oximetry: &Oximetry) -> Vec<String> {
        stay(line, oximetry).iter().map(|it| hex::encode(&it.payload)).collect()
    }

    #[test]
    fn contec_sends_sixty_frames_a_second() {
        let frames = payloads(OximeterLine::ContecFiveByte, &Oximetry::new(97, 130));
        assert_eq!(frames.len(), 5 * 60);
        assert_eq!(frames[0], "8000637f7f");
        assert_eq!(frames[2 * 60], "8500430261");
        assert_eq!(frames[3 * 60], "8000537f7f");
    }

    #[test]
    fn nine_bytes_have_their_high_bits_in_the_second() {
        let frames = payloads(OximeterLine::ContecNineByte, &Oximetry::new(97, 130));
        assert_eq!(frames.len(), 5 * 60);
        assert_eq!(frames[0], "01ea808083ffffffff");
        assert_eq!(frames[2 * 60], "01e8858083 82e1ffff".replace(' ', ""));
    }

    #[test]
    fn masimo_sends_a_line_a_second() {
        let lines = stay(OximeterLine::MasimoAscii, &Oximetry::new(97, 72));
        let text = String::from_utf8(lines[2].payload.clone()).unwrap();
        assert!(text.starts_with("03/01/26 08:05:03 SN=0000070986 SPO2=097% BPM=072 "), "{text}");
        assert!(text.ends_with("EXC=000000\r\n"), "{text}");
    }

    #[test]
    fn nonin_sends_a_short_frame_a_second() {
        let frames = payloads(OximeterLine::NoninDf1, &Oximetry::new(97, 300));
        assert_eq!(frames, ["a37f7f", "a37f7f", "822c61", "e37f7f", "e37f7f"]);
        let frames = payloads(OximeterLine::NoninDf8, &Oximetry::new(97, 72));
        assert_eq!(frames, ["a37f7f00", "a37f7f00", "80486120", "e37f7f08", "e37f7f08"]);
    }

    #[test]
    fn data_format_7_has_no_start_byte_and_a_sum() {
        let frames = stay(OximeterLine::NoninDf7, &Oximetry::new(97, 72));
        assert_eq!(frames.len(), 5 * 75);
        for frame in frames {
            let [status, high, low, part, sum] = *frame.payload.as_slice() else { panic!() };
            let expected = [status, high, low, part].into_iter().fold(0, u8::wrapping_add);
            assert_eq!((status & 0x80, sum), (0x80, expected));
        }
    }

    #[test]
    fn a_spot_check_has_the_time_of_the_clock() {
        let checks = payloads(OximeterLine::NoninDf13, &Oximetry::new(97, 72));
        assert_eq!(checks, ["00020d0e141a0301080500000200004800610503"]);
        let checks = payloads(OximeterLine::NoninDf13, &Oximetry::without_pulse());
        assert_eq!(checks, ["00020d0e141a030108050000010001ff007fda03"]);
    }

    #[test]
    fn what_the_formats_cannot_hold_is_refused() {
        let surroundings =
            Surroundings { clock: DateTime::ZERO, battery_percent: 100, sequence: 1 };
        for (line, oximetry) in [
            (OximeterLine::ContecFiveByte, Oximetry::new(97, 255)),
            (OximeterLine::NoninDf1, Oximetry::new(97, 511)),
            (OximeterLine::MasimoAscii, Oximetry::new(Decimal::new(975, 1), 72)),
        ] {
            assert!(records(line, &oximetry, surroundings).is_err(), "{line:?}");
        }
    }
}
