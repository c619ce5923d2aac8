//! Nonin serial Data Format 2: 75 frames a second, 25 frames a packet, 9600 baud 8N1.
//!
//! ```text
//! frame, 5 bytes
//! offset  field
//! 0       0x01
//! 1       status    bit 7: always set
//!                   bit 6: sensor disconnected
//!                   bit 5: artifact
//!                   bit 4: out of track
//!                   bit 3: sensor alarm
//!                   bits 1-2: perfusion 1 = green, 2 = red, 3 = yellow
//!                   bit 0: first frame of a packet
//! 2       pleth
//! 3       one byte of the packet, see below
//! 4       checksum  sum of the four bytes before
//!
//! packet, byte 3 of its 25 frames
//! 0-1     heart rate, 4 beats     13-14   heart rate, extended
//! 2       SpO2, 4 beats           15      SpO2, extended
//! 3       firmware revision       16      SpO2, extended, for display
//! 4-6     reserved, timer         17-18   reserved
//! 7       bit 5: SmartPoint       19-20   heart rate, for display
//!         bit 0: low battery      21-22   heart rate, extended, for display
//! 8       SpO2, for display       23-24   reserved
//! 9       SpO2, fast
//! 10      SpO2, beat to beat      heart rate: bits 0-1 of the first byte are bits 7-8
//! 11-12   reserved                missing: heart rate 511, SpO2 127
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{Flag, Measurement, ReadingKind, Unit, Vital};

use self::framer::Read;
use super::error::DecodeError;
use super::measurement::measurement;
use super::payload::Payload;
use super::report::{NoResult, Report};

pub mod framer;

/// Length of a frame in bytes.
pub const FRAME_LEN_BYTES: usize = 5;
/// Frames in a packet.
pub const PACKET_N_FRAMES: usize = 25;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Status byte.
    pub status: FrameStatus,
    /// Pulse wave, 0 to 255.
    pub pleth: u8,
    /// This frame's byte of the packet.
    pub part: u8,
}

/// Status byte of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameStatus(pub u8);

/// Strength of the pulse signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Perfusion {
    /// High.
    Green,
    /// Marginal.
    Yellow,
    /// Low.
    Red,
}

impl FrameStatus {
    /// Whether the sensor is disconnected.
    #[must_use]
    pub const fn is_disconnected(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Whether the pulse wave is disturbed.
    #[must_use]
    pub const fn is_artifact(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// Whether good pulses have been missing for a while.
    #[must_use]
    pub const fn is_out_of_track(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// Whether the sensor gives nothing to be used, most often without a finger.
    #[must_use]
    pub const fn is_sensor_alarm(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// Strength of the pulse signal, where there is a pulse in this frame.
    #[must_use]
    pub const fn perfusion(self) -> Option<Perfusion> {
        match (self.0 >> 1) & 0b11 {
            1 => Some(Perfusion::Green),
            2 => Some(Perfusion::Red),
            3 => Some(Perfusion::Yellow),
            _none => None,
        }
    }

    /// Whether the frame is the first of a packet.
    #[must_use]
    pub const fn is_first(self) -> bool {
        self.0 & 0x01 != 0
    }
}

impl Frame {
    /// Decodes one frame.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Framing`] if a fixed bit has the other value, and
    /// [`DecodeError::Checksum`] if the sum does not fit.
    pub fn decode(bytes: [u8; FRAME_LEN_BYTES]) -> Result<Self, DecodeError> {
        let [start, status, pleth, part, checksum] = bytes;
        if start != 0x01 {
            return Err(DecodeError::Framing { field: "start byte", value: start });
        }
        if status & 0x80 == 0 {
            return Err(DecodeError::Framing { field: "status", value: status });
        }
        let computed = start.wrapping_add(status).wrapping_add(pleth).wrapping_add(part);
        if checksum != computed {
            return Err(DecodeError::Checksum { found: checksum, computed });
        }
        Ok(Self { status: FrameStatus(status), pleth, part })
    }
}

/// One packet: a third of a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Status of each frame, the first one first.
    pub statuses: [FrameStatus; PACKET_N_FRAMES],
    /// Averaged over 4 beats.
    pub beats: Values,
    /// Averaged over 4 beats, held for display: what the device's own screen shows.
    pub display: Values,
    /// Averaged over 8 beats.
    pub extended: Values,
    /// Averaged over 8 beats, held for display.
    pub extended_display: Values,
    /// SpO2 with fast response.
    pub saturation_fast: Option<u8>,
    /// SpO2 of single beats.
    pub saturation_beat_to_beat: Option<u8>,
    /// Firmware revision.
    pub revision: u8,
    /// Whether the device's own gate says that the values are good for a spot check.
    pub is_smart_point: bool,
    /// Whether the battery is low.
    pub is_battery_low: bool,
}

/// A saturation and a heart rate of one averaging; `None` where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// SpO2 in percent, as it came.
    pub saturation: Option<u8>,
    /// Heart rate per minute, 0 to 510.
    pub heart_rate: Option<u16>,
}

impl Values {
    fn new(saturation_byte: u8, heart_rate: [u8; 2]) -> Self {
        let [high, low] = heart_rate;
        let rate = u16::from_be_bytes([high & 0b11, low << 1]) >> 1;
        Self { saturation: saturation(saturation_byte), heart_rate: (rate != 511).then_some(rate) }
    }
}

fn saturation(byte: u8) -> Option<u8> {
    (byte & 0x7F != 127).then_some(byte)
}

impl Packet {
    /// Decodes the 125 bytes of one packet.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] for another length, the
    /// error of the first bad frame, and [`DecodeError::ShortPacket`] if a packet begins anywhere
    /// but in the first frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Frame::decode, bytes)
    }

    /// Decodes the 125 bytes of one packet whose frames `read` reads.
    pub(crate) fn decode_with(read: Read, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut payload = Payload::new(bytes);
        let mut frames = [Frame { status: FrameStatus(0), pleth: 0, part: 0 }; PACKET_N_FRAMES];
        for (position, frame) in frames.iter_mut().enumerate() {
            *frame = read(payload.array("frame")?)?;
            if frame.status.is_first() != (position == 0) {
                return Err(DecodeError::ShortPacket {
                    n_frames: position,
                    n_frames_expected: PACKET_N_FRAMES,
                });
            }
        }
        payload.end()?;
        Ok(Self::new(&frames))
    }

    /// The packet of 25 frames.
    fn new(frames: &[Frame; PACKET_N_FRAMES]) -> Self {
        let parts = frames.each_ref().map(|it| it.part);
        let [rate_0, rate_1, spo2, revision, _, _, _, status_2, parts @ ..] = parts;
        let [spo2_d, spo2_fast, spo2_beat, _, _, e_rate_0, e_rate_1, parts @ ..] = parts;
        let [e_spo2, e_spo2_d, _, _, d_rate_0, d_rate_1, ed_rate_0, ed_rate_1, _, _] = parts;
        Self {
            statuses: frames.each_ref().map(|it| it.status),
            beats: Values::new(spo2, [rate_0, rate_1]),
            display: Values::new(spo2_d, [d_rate_0, d_rate_1]),
            extended: Values::new(e_spo2, [e_rate_0, e_rate_1]),
            extended_display: Values::new(e_spo2_d, [ed_rate_0, ed_rate_1]),
            saturation_fast: saturation(spo2_fast),
            saturation_beat_to_beat: saturation(spo2_beat),
            revision,
            is_smart_point: status_2 & 0x20 != 0,
            is_battery_low: status_2 & 0x01 != 0,
        }
    }

    /// What it says about the measurement, by the values for display.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a saturation above 100 %.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let any = |test: fn(FrameStatus) -> bool| self.statuses.iter().copied().any(test);
        let is_off = any(FrameStatus::is_disconnected) || any(FrameStatus::is_sensor_alarm);
        let saturation = self.display.saturation.filter(|it| *it != 0);
        let result = match saturation {
            Some(saturation) if !is_off => Ok(self.values(saturation)?),
            Some(_) | None => Err(NoResult::Absent),
        };
        Ok(Report {
            kind: ReadingKind::Oximetry,
            device_time: None,
            user_slot: None,
            flags: self.flags(),
            result,
        })
    }

    fn values(&self, saturation: u8) -> Result<Vec<Measurement>, DecodeError> {
        let saturation =
            measurement(Vital::OxygenSaturation, Decimal::from(saturation), Unit::Percent)?;
        let pulse = self.display.heart_rate.filter(|it| *it != 0);
        let pulse = pulse
            .map(|it| measurement(Vital::PulseRate, Decimal::from(it), Unit::PerMinute))
            .transpose()?;
        Ok([saturation].into_iter().chain(pulse).collect())
    }

    fn flags(&self) -> BTreeSet<Flag> {
        let of_status = |status: &FrameStatus| {
            let perfusion = match status.perfusion() {
                Some(Perfusion::Red) => Some(Flag::LowPerfusion),
                Some(Perfusion::Yellow) => Some(Flag::PoorSignal),
                Some(Perfusion::Green) | None => None,
            };
            let artifact = status.is_artifact().then_some(Flag::PoorSignal);
            let held = status.is_out_of_track().then_some(Flag::Questionable);
            perfusion.into_iter().chain(artifact).chain(held)
        };
        let smart_point = self.is_smart_point.then_some(Flag::FullyQualified);
        let battery = self.is_battery_low.then_some(Flag::BatteryLow);
        self.statuses.iter().flat_map(of_status).chain(smart_point).chain(battery).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
