//! What a device is: which measurements it takes and how it writes them.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::blood_pressure::{self, CuffStyle};
use super::body_composition::{self, BodyCompositionStyle};
use super::cuff_line::CuffLine;
use super::glucose::{self, MeterStyle};
use super::line_setting::{LineSetting, Parity};
use super::measurement::{MeasureError, Measurement};
use super::omron::{self, Omron};
use super::oximeter_line::OximeterLine;
use super::plx::{self, OximeterStyle};
use super::temperature::{self, ThermometerStyle};
use super::vendor::{self, VendorCuff, VendorOximeter};
use super::weight::{self, ScaleStyle};
use super::xiaomi::{self, XiaomiScale};
use super::{
    and_scale, cuff_line, heart_rate, nonin_3230, nonin_ascii, nonin_df2, oximeter_line, taidoc,
    transtek,
};

/// Charge below which a device says that its battery is low, in percent.
pub(crate) const BATTERY_LOW_PERCENT: u8 = 20;

/// One record as it leaves the device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The characteristic that it flows out of; nil for a serial device.
    pub characteristic: Uuid,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Kept until a subscriber gets it; otherwise lost when nobody listens.
    pub stored: bool,
    /// How long after the beginning of the measurement it exists, in simulated time.
    pub after: Duration,
}

impl Record {
    /// A record that waits in the device.
    pub(crate) fn stored(characteristic: Uuid, payload: Vec<u8>) -> Self {
        Self { characteristic, payload, stored: true, after: Duration::ZERO }
    }

    /// A value of a stream.
    pub(crate) fn live(characteristic: Uuid, payload: Vec<u8>, after: Duration) -> Self {
        Self { characteristic, payload, stored: false, after }
    }

    /// A frame on a serial line.
    pub(super) fn sent(payload: Vec<u8>, after: Duration) -> Self {
        Self::live(Uuid::nil(), payload, after)
    }
}

/// What a device knows of its surroundings when it measures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    /// What its clock shows.
    pub(crate) clock: DateTime,
    pub(crate) battery_percent: u8,
    /// Measurements that it took so far.
    pub(crate) sequence: u16,
}

/// What a serial device makes of what a host writes to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hearing {
    /// Nothing.
    None,
    /// It talks when it is told to, as Contec's do.
    Contec,
    /// It answers, as those of `TaiDoc` do.
    TaiDoc,
}

/// What a device is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Cuff(CuffStyle),
    Oximeter(OximeterStyle),
    Scale(ScaleStyle),
    BodyCompositionScale(BodyCompositionStyle),
    GlucoseMeter(MeterStyle),
    Thermometer(ThermometerStyle),
    HeartRateBelt,
    NoninDf2,
    NoninAscii,
    AndScale,
    OximeterLine(OximeterLine),
    CuffLine(CuffLine),
    TaiDoc,
    TaiDocOnAir,
    TranstekScale,
    Omron(Omron),
    VendorOximeter(VendorOximeter),
    VendorCuff(VendorCuff),
    XiaomiScale(XiaomiScale),
    Replay { characteristic: Uuid },
    SerialReplay,
}

impl Kind {
    /// Returns what the device is, in words.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Omron(omron) if omron.model.is_scale() => "body composition scale",
            Self::Omron(_) => "blood pressure cuff",
            Self::Cuff(_) | Self::CuffLine(_) | Self::VendorCuff(_) => "blood pressure cuff",
            Self::Oximeter(_)
            | Self::NoninDf2
            | Self::NoninAscii
            | Self::OximeterLine(_)
            | Self::VendorOximeter(_) => "pulse oximeter",
            Self::Scale(_) | Self::AndScale | Self::TranstekScale | Self::XiaomiScale(_) => "scale",
            Self::BodyCompositionScale(_) => "body composition scale",
            Self::GlucoseMeter(_) => "glucose meter",
            Self::Thermometer(_) => "thermometer",
            Self::HeartRateBelt => "heart rate belt",
            Self::TaiDoc | Self::TaiDocOnAir => "meter",
            Self::Replay { .. } | Self::SerialReplay => "replay device",
        }
    }

    /// Returns what the device makes of what a host writes to it.
    pub(crate) fn hearing(&self) -> Hearing {
        match self {
            Self::OximeterLine(OximeterLine::ContecNineByte) => Hearing::Contec,
            Self::TaiDoc => Hearing::TaiDoc,
            Self::Cuff(_)
            | Self::Oximeter(_)
            | Self::Scale(_)
            | Self::BodyCompositionScale(_)
            | Self::GlucoseMeter(_)
            | Self::Thermometer(_)
            | Self::HeartRateBelt
            | Self::NoninDf2
            | Self::NoninAscii
            | Self::AndScale
            | Self::OximeterLine(_)
            | Self::CuffLine(_)
            | Self::TaiDocOnAir
            | Self::TranstekScale
            | Self::Omron(_)
            | Self::VendorOximeter(_)
            | Self::VendorCuff(_)
            | Self::XiaomiScale(_)
            | Self::Replay { .. }
            | Self::SerialReplay => Hearing::None,
        }
    }

    /// Returns how a serial device sets its end of the line, where it has one of its own.
    pub(crate) fn line_setting(&self) -> Option<LineSetting> {
        match self {
            Self::OximeterLine(line) => Some(line.setting()),
            Self::NoninDf2 | Self::NoninAscii | Self::CuffLine(_) => Some(LineSetting::usual(9600)),
            Self::AndScale => Some(LineSetting { baud: 2400, data_bits: 7, parity: Parity::Even }),
            Self::TaiDoc => Some(LineSetting::usual(19_200)),
            Self::Cuff(_)
            | Self::Oximeter(_)
            | Self::Scale(_)
            | Self::BodyCompositionScale(_)
            | Self::GlucoseMeter(_)
            | Self::Thermometer(_)
            | Self::HeartRateBelt
            | Self::TaiDocOnAir
            | Self::TranstekScale
            | Self::Omron(_)
            | Self::VendorOximeter(_)
            | Self::VendorCuff(_)
            | Self::XiaomiScale(_)
            | Self::Replay { .. }
            | Self::SerialReplay => None,
        }
    }

    /// Writes a measurement that begins now.
    pub(crate) fn records(
        &self,
        measurement: &Measurement,
        surroundings: Surroundings,
    ) -> Result<Vec<Record>, MeasureError> {
        let Surroundings { clock, battery_percent, sequence } = surroundings;
        let records = match (self, measurement) {
            (Self::Cuff(style), Measurement::BloodPressure(taken)) => {
                let payload = blood_pressure::encode(taken, *style, clock)?;
                vec![Record::stored(blood_pressure::MEASUREMENT, payload)]
            }
            (Self::Oximeter(OximeterStyle::Nonin3230), Measurement::Oximetry(oximetry)) => {
                nonin_3230::records(oximetry, surroundings)?
            }
            (Self::Oximeter(style), Measurement::Oximetry(oximetry)) => {
                plx::records(oximetry, *style, clock)?
            }
            (Self::Scale(style), Measurement::Weight(weight)) => {
                let payload = weight::encode(weight, *style, clock)?;
                vec![Record::stored(weight::MEASUREMENT, payload)]
            }
            (Self::BodyCompositionScale(style), Measurement::BodyComposition(taken)) => {
                let packets = body_composition::packets(taken, *style, clock)?;
                let record = |it| Record::stored(body_composition::MEASUREMENT, it);
                packets.into_iter().map(record).collect()
            }
            (Self::GlucoseMeter(style), Measurement::Glucose(taken)) => {
                let payload = glucose::encode(taken, *style, sequence, clock)?;
                vec![Record::stored(glucose::MEASUREMENT, payload)]
            }
            (Self::Thermometer(style), Measurement::Temperature(taken)) => {
                let payload = temperature::encode(taken, *style, clock)?;
                vec![Record::stored(temperature::MEASUREMENT, payload)]
            }
            (Self::HeartRateBelt, Measurement::HeartRate(taken)) => heart_rate::records(taken),
            (Self::NoninDf2, Measurement::Oximetry(oximetry)) => {
                nonin_df2::records(oximetry, battery_percent < BATTERY_LOW_PERCENT)?
            }
            (Self::NoninAscii, Measurement::Oximetry(oximetry)) => nonin_ascii::records(oximetry)?,
            (Self::OximeterLine(line), Measurement::Oximetry(oximetry)) => {
                oximeter_line::records(*line, oximetry, surroundings)?
            }
            (Self::CuffLine(line), Measurement::BloodPressure(taken)) => {
                cuff_line::records(*line, taken, clock)?
            }
            (Self::VendorOximeter(style), Measurement::Oximetry(oximetry)) => {
                vendor::oximetry(*style, oximetry)?
            }
            (Self::VendorCuff(style), Measurement::BloodPressure(taken)) => {
                vendor::pressure(*style, taken, clock)?
            }
            (Self::TranstekScale, Measurement::Weight(weight)) => {
                vec![Record::stored(transtek::WEIGHT, transtek::encode(weight, clock)?)]
            }
            // It is kept until somebody asks for it.
            (Self::TaiDoc | Self::TaiDocOnAir, _) => {
                taidoc::record(measurement, clock).map(|_kept| Vec::new())?
            }
            (Self::Omron(omron), _) => {
                omron.model.record(measurement, surroundings).map(|_kept| Vec::new())?
            }
            // It says that to everybody, see `advertised`.
            (Self::XiaomiScale(_), Measurement::Weight(_)) => Vec::new(),
            (Self::AndScale, Measurement::Weight(weight)) => and_scale::records(weight)?,
            (_, _) => {
                let (device, asked) = (self.word(), measurement.word());
                return Err(MeasureError::Unsuitable { device, asked });
            }
        };
        Ok(records)
    }

    /// Writes a measurement as data of a service in advertisements, where the device does that.
    pub(crate) fn advertised(
        &self,
        measurement: &Measurement,
        clock: DateTime,
    ) -> Result<Option<(Uuid, Vec<u8>)>, MeasureError> {
        match (self, measurement) {
            (Self::XiaomiScale(style), Measurement::Weight(weighed)) => {
                Ok(Some((style.service(), xiaomi::advertised(*style, weighed, clock)?)))
            }
            (_, _) => Ok(None),
        }
    }

    /// Returns which one it is and how it is set, where it is an Omron with a memory.
    pub(crate) fn omron(&self) -> Option<Omron> {
        if let Self::Omron(omron) = self { Some(*omron) } else { None }
    }

    /// Returns the characteristic that captured bytes leave by; nil for a serial device.
    pub(crate) fn stream(&self) -> Uuid {
        match self {
            Self::Cuff(_) => blood_pressure::MEASUREMENT,
            Self::Oximeter(style) => style.stream(),
            Self::Scale(_) => weight::MEASUREMENT,
            Self::BodyCompositionScale(_) => body_composition::MEASUREMENT,
            Self::GlucoseMeter(_) => glucose::MEASUREMENT,
            Self::Thermometer(_) => temperature::MEASUREMENT,
            Self::HeartRateBelt => heart_rate::MEASUREMENT,
            Self::VendorOximeter(style) => style.stream(),
            Self::VendorCuff(style) => style.stream(),
            Self::XiaomiScale(style) => style.service(),
            Self::TaiDocOnAir => taidoc::ANSWERS,
            Self::TranstekScale => transtek::WEIGHT,
            Self::Omron(_) => omron::ANSWERS[0],
            Self::Replay { characteristic } => *characteristic,
            Self::NoninDf2
            | Self::NoninAscii
            | Self::AndScale
            | Self::OximeterLine(_)
            | Self::CuffLine(_)
            | Self::TaiDoc
            | Self::SerialReplay => Uuid::nil(),
        }
    }

    /// Wraps captured bytes as records of this device, which wait for a subscriber.
    pub(crate) fn replayed(&self, frames: Vec<Vec<u8>>) -> Vec<Record> {
        frames.into_iter().map(|payload| Record::stored(self.stream(), payload)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_measures_what_it_is_made_for_alone() {
        let surroundings =
            Surroundings { clock: DateTime::ZERO, battery_percent: 100, sequence: 1 };
        let weight = Measurement::weight_kg(70);
        let refused = Kind::NoninDf2.records(&weight, surroundings).unwrap_err();
        assert_eq!(refused.to_string(), "a pulse oximeter does not measure weight");
        assert!(Kind::AndScale.records(&weight, surroundings).is_ok());
        assert!(Kind::Scale(ScaleStyle::And).records(&weight, surroundings).is_ok());
        assert!(Kind::SerialReplay.records(&weight, surroundings).is_err());
    }
}
