//! Nonin serial Data Format 2: 75 frames a second, 25 frames a packet.
//!
//! ```text
//! frame   01, status, pleth, part of the packet, sum of the four before
//! status  bit 7 always, 6 sensor disconnected, 5 artifact, 4 out of track, 3 sensor alarm,
//!         2-1 perfusion (01 green, 10 red, 11 yellow), 0 first frame of a packet
//!
//! packet, the parts of its 25 frames
//! 0-1     pulse, 4 beats       9       SpO2, fast               17-18  reserved
//! 2       SpO2, 4 beats        10      SpO2, beat to beat       19-20  pulse, for display
//! 3       firmware revision    11-12   reserved                 21-22  pulse, extended, display
//! 4       reserved             13-14   pulse, extended          23-24  reserved
//! 5-6     packets sent         15      SpO2, extended
//! 7       bit 5 SmartPoint, bit 0 low battery
//! 8       SpO2, for display    16      SpO2, extended, for display
//! pulse: bits 8-7, then bits 6-0; 511 missing. SpO2: 127 missing.
//! ```

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::kind::Record;
use super::number::NotRepresentable;
use super::oximetry::Oximetry;

/// Frames of one packet.
pub const PACKET_N_FRAMES: u32 = 25;
/// Packets of one second.
const PACKETS_PER_SECOND: u32 = 3;
/// Frames of one second.
const FRAMES_PER_SECOND: u32 = PACKET_N_FRAMES * PACKETS_PER_SECOND;

/// "No value" for a pulse rate.
const PULSE_MISSING: u16 = 511;
/// "No value" for a saturation.
const SPO2_MISSING: u8 = 127;

/// How long the module looks for a pulse, and how long it goes on after the finger is out.
const SEARCH_S: u32 = 2;
/// From this second of values on the module calls them good enough for a spot check.
const SMART_POINT_AFTER_S: u32 = 4;

/// Firmware revision as the module writes it.
const REVISION: u8 = 48;

const ALWAYS: u8 = 1 << 7;
const OUT_OF_TRACK: u8 = 1 << 4;
const SENSOR_ALARM: u8 = 1 << 3;
const GREEN_PERFUSION: u8 = 0b01 << 1;
const SYNC: u8 = 1 << 0;

const SMART_POINT: u8 = 1 << 5;
const LOW_BATTERY: u8 = 1 << 0;

/// What one packet tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Pulse rate per minute, 0 to 511.
    pub pulse: u16,
    /// Saturation in percent, 0 to 127.
    pub spo2: u8,
    /// Status bits of all its frames besides the first frame's mark.
    pub status: u8,
    /// The second status byte.
    pub status2: u8,
    /// Packets sent before this one.
    pub n_before: u32,
}

/// Writes one frame.
#[must_use]
pub fn frame(status: u8, pleth: u8, part: u8) -> [u8; 5] {
    let sum = [0x01, status, pleth, part].into_iter().fold(0, u8::wrapping_add);
    [0x01, status, pleth, part, sum]
}

impl Packet {
    /// Returns the parts of the packet that its frames carry.
    fn parts(&self) -> [u8; 25] {
        let [high, low] = seven_bits(u32::from(self.pulse));
        let [timer_high, timer_low] = seven_bits(self.n_before);
        let spo2 = self.spo2;
        [
            high,
            low,
            spo2,
            REVISION,
            0,
            timer_high,
            timer_low,
            self.status2,
            spo2,
            spo2,
            spo2,
            0,
            0,
            high,
            low,
            spo2,
            spo2,
            0,
            0,
            high,
            low,
            high,
            low,
            0,
            0,
        ]
    }

    /// Writes the 25 frames of the packet, with the pulse wave that fits its pulse rate.
    #[must_use]
    pub fn frames(&self) -> Vec<[u8; 5]> {
        let first = self.n_before.wrapping_mul(PACKET_N_FRAMES);
        self.parts()
            .into_iter()
            .zip(first..)
            .enumerate()
            .map(|(index, (part, number))| {
                let sync = if index == 0 { SYNC } else { 0 };
                if self.pulse == PULSE_MISSING {
                    return frame(self.status | sync, 0, part);
                }
                let (pleth, is_beat) = wave(number, self.pulse);
                let perfusion = if is_beat { GREEN_PERFUSION } else { 0 };
                frame(self.status | sync | perfusion, pleth, part)
            })
            .collect()
    }
}

/// Splits a number into bits 13-7 and 6-0.
fn seven_bits(number: u32) -> [u8; 2] {
    [number >> 7, number].map(|part| u8::try_from(part & 0x7F).unwrap_or(0))
}

/// Returns the pulse wave at a frame, and whether the frame lies in the beat: up in the first
/// fifth of each period, slowly down in the rest.
fn wave(frame_number: u32, pulse: u16) -> (u8, bool) {
    let period = u64::from(FRAMES_PER_SECOND) * 60;
    let phase = (u64::from(frame_number) * u64::from(pulse)) % period;
    let rise = period / 5;
    let is_beat = phase < rise;
    let height =
        if is_beat { phase * 200 / rise } else { (period - phase) * 200 / (period - rise) };
    (u8::try_from(height).unwrap_or(u8::MAX), is_beat)
}

/// Writes one stay of a finger: the search for a pulse, values, and the finger that is out.
pub(super) fn records(
    oximetry: &Oximetry,
    battery_is_low: bool,
) -> Result<Vec<Record>, NotRepresentable> {
    let pulse = whole(oximetry.pulse_bpm, u32::from(PULSE_MISSING))?;
    let spo2 = whole(oximetry.spo2_percent, u32::from(SPO2_MISSING))?;
    let pulse = pulse.unwrap_or(PULSE_MISSING);
    let spo2 = spo2.and_then(|spo2| u8::try_from(spo2).ok()).unwrap_or(SPO2_MISSING);
    let battery = if battery_is_low { LOW_BATTERY } else { 0 };

    let worn_s = u32::try_from(oximetry.worn.as_secs()).unwrap_or(u32::MAX);
    let missing = |status, n_before| Packet {
        pulse: PULSE_MISSING,
        spo2: SPO2_MISSING,
        status: ALWAYS | OUT_OF_TRACK | status,
        status2: battery,
        n_before,
    };
    let packets = (0..SEARCH_S + worn_s + SEARCH_S).flat_map(|second| [second; 3]).zip(0..).map(
        |(second, n_before)| {
            if second < SEARCH_S {
                return missing(0, n_before);
            }
            if SEARCH_S + worn_s <= second {
                return missing(SENSOR_ALARM, n_before);
            }
            let is_settled = SEARCH_S + SMART_POINT_AFTER_S <= second;
            let smart_point = if is_settled { SMART_POINT } else { 0 };
            Packet { pulse, spo2, status: ALWAYS, status2: battery | smart_point, n_before }
        },
    );
    let frames = packets.flat_map(|packet| packet.frames());
    Ok(frames.zip(0..).map(|(bytes, number)| Record::sent(bytes.to_vec(), due(number))).collect())
}

/// Returns when a frame is sent after the finger went in.
fn due(frame_number: u32) -> Duration {
    Duration::from_secs(u64::from(frame_number)) / FRAMES_PER_SECOND
}

/// Returns a value as the whole number that the format has, below its "no value".
fn whole(value: Option<Decimal>, missing: u32) -> Result<Option<u16>, NotRepresentable> {
    let Some(value) = value else { return Ok(None) };
    value
        .to_u16()
        .filter(|whole| u32::from(*whole) < missing && value.is_integer())
        .map(Some)
        .ok_or(NotRepresentable { value, format: "Nonin Data Format 2" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of a capture with pulse 74 and SpO2 96; github:mattjlewis/NoninPulseOx,
    /// `DataFormat2FrameSerialiser.java`.
    const CAPTURE: &str = "01814300c50180434a0e0180436024018043945801804300c401804100c201803e17d6\
                           01803c04c1018039601a0180366017018035601601803400b501803400b501803400b5\
                           0180354a000180366017018037601801803a00bb01804000c101804a00cb0180574a22\
                           01806900ea01807c4a4701809000110180a10022";

    fn values(oximetry: &Oximetry, second: usize) -> Vec<Vec<u8>> {
        let records = records(oximetry, false).unwrap();
        records.into_iter().skip(second * 75).take(75).map(|record| record.payload).collect()
    }

    #[test]
    fn the_frames_of_a_capture_are_reproduced() {
        for captured in hex::decode(CAPTURE).unwrap().as_chunks::<5>().0 {
            let [_start, status, pleth, part, _sum] = *captured;
            assert_eq!(frame(status, pleth, part), *captured);
        }
    }

    #[test]
    fn values_stand_where_the_capture_has_them() {
        let packet = Packet { pulse: 74, spo2: 96, status: ALWAYS, status2: 0, n_before: 0 };
        let captured = hex::decode(CAPTURE).unwrap();
        let captured: Vec<u8> = captured.as_chunks::<5>().0.iter().map(|frame| frame[3]).collect();
        let parts = packet.parts();
        for index in [0, 1, 2, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24] {
            assert_eq!(parts[index], captured[index], "part {index}");
        }
    }

    /// A unit test of github:pez-globo/pufferfish-software, `TestPacketReceiver.cpp`.
    #[test]
    fn checksums_are_those_of_others() {
        assert_eq!(hex::encode(frame(0xC0, 0x01, 0x00)), "01c00100c2");
        assert_eq!(hex::encode(frame(0x80, 0x01, 0xB2)), "018001b234");
    }

    #[test]
    fn a_pulse_above_127_uses_both_bytes() {
        let frames = values(&Oximetry::new(97, 130), 3);
        assert_eq!([frames[0][3], frames[1][3]], [0x01, 0x02]);
        assert_eq!([frames[19][3], frames[20][3]], [0x01, 0x02]);
    }

    #[test]
    fn one_frame_in_25_is_marked() {
        let frames = values(&Oximetry::new(97, 72), 3);
        let marked: Vec<usize> =
            (0..frames.len()).filter(|index| frames[*index][1] & SYNC != 0).collect();
        assert_eq!(marked, [0, 25, 50]);
    }

    #[test]
    fn values_are_missing_until_a_pulse_is_found_and_after_the_finger_is_out() {
        let oximetry = Oximetry { worn: Duration::from_secs(10), ..Oximetry::new(97, 72) };
        for (second, status) in [(0, ALWAYS | OUT_OF_TRACK), (13, 0x98)] {
            let frames = values(&oximetry, second);
            assert_eq!([frames[0][3], frames[1][3], frames[2][3]], [0x03, 0x7F, 127]);
            assert_eq!(frames[1][1], status);
        }
        assert!(values(&oximetry, 14).is_empty());
        let frames = values(&oximetry, 2);
        assert_eq!([frames[0][3], frames[1][3], frames[2][3]], [0x00, 72, 97]);
    }

    #[test]
    fn a_spot_check_is_good_enough_after_four_seconds_of_values() {
        assert_eq!(values(&Oximetry::new(97, 72), 5)[7][3], 0x00);
        assert_eq!(values(&Oximetry::new(97, 72), 6)[7][3], SMART_POINT);
    }

    #[test]
    fn a_low_battery_is_told() {
        let records = records(&Oximetry::new(97, 72), true).unwrap();
        assert_eq!(records[7].payload[3], LOW_BATTERY);
    }

    #[test]
    fn values_that_read_as_missing_are_refused() {
        assert!(records(&Oximetry::new(97, 511), false).is_err());
        assert!(records(&Oximetry::new(127, 72), false).is_err());
        assert!(records(&Oximetry::new(Decimal::new(975, 1), 72), false).is_err());
    }

    #[test]
    fn frames_go_out_75_times_a_second() {
        let records = records(&Oximetry::new(97, 72), false).unwrap();
        assert_eq!(records.len(), 24 * 75);
        assert_eq!(records[75].after, Duration::from_secs(1));
    }
}
