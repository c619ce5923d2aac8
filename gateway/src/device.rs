//! Devices: what each model is, and what its bytes mean. Nowhere else are bytes of devices read.
//!
//! Everything here is pure: bytes and the moment of their arrival in, items out. A [`Decoder`] holds
//! only what a format itself makes it hold: a frame that has not ended, a stream to pick from.

#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;
use vitals::Flag;

use self::body_composition::parts::{Parts, Taken};
use self::catalogue::{Model, characteristic, short_uuid, sig_uuid};
pub use self::error::DecodeError;
use self::framing::{Framing, Said, Telling};
use self::glucose::Glucose;
pub use self::item::{FailedMeasurement, FailureReason, Information, Item, Observation, Refused};
use self::lines::{LINE_LEN_BYTES_MAX, Line};
use self::meter::Meter;
use self::nonin_df2::framer::{Fault, Whole};
pub use self::report::{NoResult, Report};
use self::stream::{Refusals, Sampler};
pub use self::xiaomi_s400::Secret;
use crate::clock::Stamp;
use crate::link::Source;

pub mod advertisement;
pub mod and_scale;
pub mod biolight;
pub mod blood_pressure;
pub mod body_composition;
pub mod caresens;
pub mod catalogue;
pub mod cms50d_bt;
pub mod contec_five;
pub mod contec_nine;
mod crc8;
pub mod current_time;
pub mod date_time;
pub mod detecto;
pub mod elapsed_time;
mod error;
pub mod feature;
#[cfg(test)]
mod fixture;
mod frames;
mod framing;
pub mod glucose;
pub mod heart_rate;
pub mod identification;
mod identity;
pub mod information;
mod item;
pub mod jks50f;
pub mod jumper;
pub mod lepu;
mod lines;
pub mod local_time;
pub mod masimo_ascii;
mod measurement;
pub mod medfloat;
mod meter;
pub mod microlife;
pub mod nonin_3230;
pub mod nonin_ascii;
pub mod nonin_df13;
pub mod nonin_df2;
pub mod nonin_df7;
pub mod nonin_live;
pub mod omron_790it;
pub mod omron_eeprom;
pub mod omron_hbp9030;
pub mod omron_memory;
pub mod omron_scale;
pub mod omron_wlp;
mod outcome;
mod payload;
pub mod pc60fw;
pub mod personal_health;
pub mod plx;
pub mod record_access;
mod report;
mod standard;
mod stream;
pub mod suntech;
pub mod taidoc;
pub mod thermometer;
pub mod time;
pub mod transtek;
pub mod user_data;
pub mod viatom;
pub mod visomat;
pub mod weight;
pub mod xiaomi_s400;
pub mod xiaomi_scale;

/// How readings are picked out of live streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    /// Time between two readings of a steady stream.
    pub interval: Duration,
}

impl Default for StreamSettings {
    /// Every 15 seconds.
    fn default() -> Self {
        Self { interval: Duration::from_secs(15) }
    }
}

/// Decodes what one device sends.
#[derive(Debug)]
pub struct Decoder {
    model: &'static Model,
    framing: Framing,
    sampler: Sampler,
    refusals: Refusals,
    meter: Meter,
    parts: Parts,
    /// What opens sealed values.
    secret: Option<Secret>,
    battery_percent: Option<u8>,
}

/// Bytes of one value or frame, with where and when they came.
#[derive(Debug, Clone, Copy)]
struct Arrival<'a> {
    received: Stamp,
    source: Source,
    raw: &'a [u8],
}

impl Decoder {
    /// A decoder for one device of `model`.
    #[must_use]
    pub fn new(model: &'static Model, settings: StreamSettings) -> Self {
        Self {
            model,
            framing: Framing::of(model),
            sampler: Sampler::new(settings.interval),
            refusals: Refusals::new(settings.interval),
            meter: Meter::default(),
            parts: Parts::default(),
            secret: None,
            battery_percent: None,
        }
    }

    /// The same with what opens the sealed values of its device.
    #[must_use]
    pub fn with_secret(self, secret: Option<Secret>) -> Self {
        Self { secret, ..self }
    }

    /// Takes the value of a characteristic, or the next piece of a serial stream.
    pub fn push(&mut self, received: Stamp, source: Source, bytes: &[u8]) -> Vec<Item> {
        let arrival = Arrival { received, source, raw: bytes };
        match source {
            Source::Characteristic(uuid) => self.value(arrival, uuid),
            Source::Serial => self.stream(arrival),
        }
    }

    /// The value of a characteristic.
    fn value(&mut self, arrival: Arrival<'_>, uuid: Uuid) -> Vec<Item> {
        let (is_own, raw) = (self.model.transport.sends(uuid), arrival.raw);
        match &mut self.framing {
            Framing::Vendor(vendor) if is_own => {
                let (said, is_stream) = (vendor.push(uuid, raw), vendor.is_stream);
                said.into_iter().flat_map(|it| self.vendor(arrival, is_stream, it)).collect()
            }
            Framing::Memory(reader) if is_own => {
                let said = reader.push(uuid, raw);
                said.into_iter().flat_map(|it| self.vendor(arrival, false, it)).collect()
            }
            Framing::Sealed(sealed) if is_own => {
                let opened = sealed.push(self.secret.as_ref(), raw).transpose();
                opened.map_or_else(Vec::new, |report| self.weighed(arrival, report))
            }
            Framing::TaiDoc(frames, _records) if is_own => {
                let found = frames.push(raw);
                found.into_iter().flat_map(|it| self.record(arrival, it)).collect()
            }
            Framing::SpotCheck(_) => self.spot_check(arrival, uuid),
            Framing::None
            | Framing::Vendor(_)
            | Framing::Memory(_)
            | Framing::Sealed(_)
            | Framing::TaiDoc(..) => self.characteristic(arrival, uuid),
            Framing::NoninPackets(_)
            | Framing::NoninAscii(_)
            | Framing::AndScale(..)
            | Framing::Frames(..)
            | Framing::Heard(_)
            | Framing::Lines(..) => {
                vec![arrival.unexpected("characteristic of a serial device".to_owned())]
            }
        }
    }

    /// The next piece of a serial stream.
    fn stream(&mut self, arrival: Arrival<'_>) -> Vec<Item> {
        let raw = arrival.raw;
        match &mut self.framing {
            Framing::NoninPackets(framer) => {
                let found = framer.push(raw);
                found.into_iter().flat_map(|it| self.packet(arrival, it)).collect()
            }
            Framing::Frames(frames, telling) => {
                let (found, telling) = (frames.push(raw), *telling);
                found.into_iter().flat_map(|it| self.frame(arrival, telling, it)).collect()
            }
            Framing::Heard(heard) => {
                let found = heard.push(raw).into_iter();
                found.flat_map(|(telling, it)| self.frame(arrival, telling, it)).collect()
            }
            Framing::TaiDoc(frames, _records) => {
                let found = frames.push(raw);
                found.into_iter().flat_map(|it| self.record(arrival, it)).collect()
            }
            Framing::NoninAscii(lines) | Framing::AndScale(lines, _) | Framing::Lines(lines, _) => {
                let lines = lines.push(raw);
                lines.into_iter().flat_map(|it| self.line(arrival, it)).collect()
            }
            Framing::None
            | Framing::Vendor(_)
            | Framing::Sealed(_)
            | Framing::Memory(_)
            | Framing::SpotCheck(_) => {
                vec![arrival.unexpected("serial line of a Bluetooth device".to_owned())]
            }
        }
    }

    /// When [`Self::advance`] has something to give, unless bytes come before; time since boot.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.sampler.deadline()
    }

    /// Takes word that nothing came until `now`: a stream that fell silent has ended.
    pub fn advance(&mut self, now: Stamp) -> Vec<Item> {
        self.sampler.absent(now).map(Item::Observation).into_iter().collect()
    }

    /// Ends a session or a port: gives what a stream had held back, and forgets half a frame.
    pub fn end(&mut self) -> Vec<Item> {
        let mut held = Vec::new();
        if let Framing::SpotCheck(check) = &mut self.framing {
            if let Some(passed) = check.release() {
                let source = Source::Characteristic(nonin_3230::EACH_SECOND);
                let arrival = Arrival { received: passed.received, source, raw: &passed.raw };
                held.extend(self.item(arrival, passed.report, false));
            }
        } else {
            self.framing = Framing::of(self.model);
        }
        if let Some(part) = self.parts.release() {
            let source = Source::Characteristic(sig_uuid(characteristic::BODY_COMPOSITION));
            let arrival = Arrival { received: part.received, source, raw: &part.raw };
            held.extend(self.composition(arrival, &part));
        }
        held.extend(self.meter.release());
        held.extend(self.sampler.end().map(Item::Observation));
        held.extend(self.refusals.end().map(Item::Refused));
        held
    }

    fn packet(&mut self, arrival: Arrival<'_>, found: Result<Whole, Fault>) -> Vec<Item> {
        match found {
            Ok(Whole { packet, raw }) => {
                self.sampled(Arrival { raw: &raw, ..arrival }, packet.report())
            }
            Err(Fault { error, raw }) => self.noise(Arrival { raw: &raw, ..arrival }, error),
        }
    }

    fn frame(
        &mut self,
        arrival: Arrival<'_>,
        telling: Telling,
        found: Result<Vec<u8>, frames::Fault>,
    ) -> Vec<Item> {
        match found {
            Ok(raw) => self.told(Arrival { raw: &raw, ..arrival }, telling, telling.report(&raw)),
            Err(frames::Fault { error, raw }) => {
                self.noise(Arrival { raw: &raw, ..arrival }, error)
            }
        }
    }

    /// One reply of a meter that is asked for its records.
    fn record(&mut self, arrival: Arrival<'_>, found: Result<Vec<u8>, frames::Fault>) -> Vec<Item> {
        let raw = match found {
            Ok(raw) => raw,
            Err(frames::Fault { error, raw }) => {
                return self.noise(Arrival { raw: &raw, ..arrival }, error);
            }
        };
        let Framing::TaiDoc(_frames, records) = &mut self.framing else { return Vec::new() };
        match records.push(&raw) {
            None => Vec::new(),
            Some((raw, report)) => self.weighed(Arrival { raw: &raw, ..arrival }, report),
        }
    }

    /// A value of an oximeter that says when it has a record.
    fn spot_check(&mut self, arrival: Arrival<'_>, uuid: Uuid) -> Vec<Item> {
        if uuid != nonin_3230::EACH_SECOND {
            let items = self.characteristic(arrival, uuid);
            let Framing::SpotCheck(check) = &mut self.framing else { return items };
            if short_uuid(uuid) == Some(characteristic::RECORD_ACCESS) {
                check.controlled(arrival.raw);
            }
            let is_repeated = |it: &Item| {
                let Item::Observation(record) = it else { return false };
                !check.recorded(record)
            };
            return if items.iter().any(is_repeated) { Vec::new() } else { items };
        }
        match nonin_3230::decode(arrival.raw).and_then(|it| Ok((it, it.report()?))) {
            Ok((second, report)) => {
                if let Framing::SpotCheck(check) = &mut self.framing {
                    check.second(second, arrival.received, arrival.raw, report);
                }
                Vec::new()
            }
            Err(error) => self.noise(arrival, error),
        }
    }

    /// A whole value of a vendor's characteristic.
    fn vendor(&mut self, arrival: Arrival<'_>, is_stream: bool, said: Said) -> Vec<Item> {
        let Said { raw, reports } = said;
        let arrival = Arrival { raw: &raw, ..arrival };
        let reports = match reports {
            Ok(reports) => reports,
            Err(error) => return self.noise(arrival, error),
        };
        let mut items = Vec::new();
        for report in reports {
            items.extend(match is_stream {
                true => self.sampled(arrival, Ok(report)),
                false => self.weighed(arrival, Ok(report)),
            });
        }
        items
    }

    fn told(
        &mut self,
        arrival: Arrival<'_>,
        telling: Telling,
        report: Result<Report, DecodeError>,
    ) -> Vec<Item> {
        match telling {
            Telling::Sample(_) => self.sampled(arrival, report),
            Telling::Measurement(_) => self.weighed(arrival, report),
        }
    }

    fn line(&mut self, arrival: Arrival<'_>, line: Line) -> Vec<Item> {
        let (raw, is_first) = match line {
            Line::Whole(raw) => (raw, false),
            Line::First(raw) => (raw, true),
            Line::TooLong(raw) => {
                let error = DecodeError::LineTooLong { len_bytes_max: LINE_LEN_BYTES_MAX };
                return self.noise(Arrival { raw: &raw, ..arrival }, error);
            }
        };
        let arrival = Arrival { raw: &raw, ..arrival };
        let items = match &mut self.framing {
            Framing::AndScale(_lines, weighings) => match and_scale::decode(&raw) {
                Ok(load) if weighings.is_repeated(arrival.received, &load) => Ok(Vec::new()),
                decoded => decoded.map(|it| self.weighed(arrival, it.report())),
            },
            Framing::Lines(_lines, telling) => match (*telling, telling.report(&raw)) {
                (_, Err(error @ DecodeError::Line { .. })) => Err(error),
                (telling, report) => Ok(self.told(arrival, telling, report)),
            },
            Framing::NoninAscii(_)
            | Framing::NoninPackets(_)
            | Framing::Frames(..)
            | Framing::Heard(_)
            | Framing::TaiDoc(..)
            | Framing::Memory(_)
            | Framing::SpotCheck(_)
            | Framing::Sealed(_)
            | Framing::Vendor(_)
            | Framing::None => {
                nonin_ascii::decode(&raw).map(|it| self.sampled(arrival, it.report()))
            }
        };
        match items {
            Ok(items) => items,
            // The stream may have begun in the middle of a line.
            Err(_half_a_line) if is_first => Vec::new(),
            Err(error) => self.noise(arrival, error),
        }
    }

    /// A measurement of its own: every one of them is told.
    fn measured(&self, arrival: Arrival<'_>, report: Result<Report, DecodeError>) -> Vec<Item> {
        arrival.told(report.map(|it| self.item(arrival, it, false)))
    }

    /// A measurement of its own on a line that may repeat and be noisy.
    fn weighed(&mut self, arrival: Arrival<'_>, report: Result<Report, DecodeError>) -> Vec<Item> {
        match report {
            Ok(report) => {
                self.refusals.good();
                self.item(arrival, report, false).into_iter().collect()
            }
            Err(error) => self.noise(arrival, error),
        }
    }

    /// A body composition, in however many packets it came.
    fn composition(&self, arrival: Arrival<'_>, taken: &Taken) -> Vec<Item> {
        let Taken { measured, received, raw } = taken;
        self.measured(Arrival { received: *received, raw, ..arrival }, measured.report())
    }

    /// A record of a glucose meter, which may have to wait for its context.
    fn glucose(&mut self, arrival: Arrival<'_>, glucose: &Glucose) -> Vec<Item> {
        let items = self.measured(arrival, glucose.report());
        let (sequence, has_context) = (glucose.sequence, glucose.has_context);
        items.into_iter().flat_map(|it| self.meter.record(sequence, has_context, it)).collect()
    }

    /// A sample of a live stream: readings are picked, and a missing value is no news.
    fn sampled(&mut self, arrival: Arrival<'_>, report: Result<Report, DecodeError>) -> Vec<Item> {
        let report = match report {
            Ok(report) => report,
            Err(error) => return self.noise(arrival, error),
        };
        self.refusals.good();
        match self.item(arrival, report, true) {
            Some(Item::Observation(sample)) => {
                self.sampler.sample(sample).into_iter().map(Item::Observation).collect()
            }
            Some(_) | None => {
                self.sampler.absent(arrival.received).map(Item::Observation).into_iter().collect()
            }
        }
    }

    /// Bytes of a stream that are no value.
    fn noise(&mut self, arrival: Arrival<'_>, error: DecodeError) -> Vec<Item> {
        self.refusals.refuse(arrival.refused(error)).map(Item::Refused).into_iter().collect()
    }

    /// Whether a measurement may stand in a memory that is read anew in each session.
    fn is_of_a_memory(&self, source: Source, flags: &BTreeSet<Flag>) -> bool {
        let is_numbered = matches!(
            source,
            Source::Characteristic(uuid) if short_uuid(uuid) == Some(characteristic::GLUCOSE)
        );
        let is_asked_for = match &self.framing {
            Framing::Memory(_) | Framing::TaiDoc(..) => true,
            Framing::Vendor(vendor) => vendor.is_memory(),
            Framing::None
            | Framing::NoninPackets(_)
            | Framing::NoninAscii(_)
            | Framing::AndScale(..)
            | Framing::Frames(..)
            | Framing::Heard(_)
            | Framing::SpotCheck(_)
            | Framing::Sealed(_)
            | Framing::Lines(..) => false,
        };
        is_numbered || is_asked_for || flags.contains(&Flag::FromStorage)
    }

    fn item(&self, arrival: Arrival<'_>, report: Report, is_live_stream: bool) -> Option<Item> {
        let Report { kind, device_time, user_slot, flags, result } = report;
        let (received, raw) = (arrival.received, arrival.raw.to_vec());
        let is_of_a_memory = self.is_of_a_memory(arrival.source, &flags);
        match result {
            Ok(values) => Some(Item::Observation(Observation {
                kind,
                values,
                flags,
                device_time,
                user_slot,
                battery_percent: self.battery_percent,
                received,
                raw,
                is_live_stream,
                is_of_a_memory,
            })),
            Err(NoResult::Failed(reasons)) => Some(Item::Failed(FailedMeasurement {
                kind,
                reasons,
                flags,
                device_time,
                user_slot,
                received,
                raw,
                is_of_a_memory,
            })),
            Err(NoResult::Absent) => None,
        }
    }
}

impl Arrival<'_> {
    fn told(self, item: Result<Option<Item>, DecodeError>) -> Vec<Item> {
        let item = item.unwrap_or_else(|error| Some(Item::Refused(self.refused(error))));
        item.into_iter().collect()
    }

    fn text(self, subject: Information) -> Vec<Item> {
        let text = information::text(subject.as_str(), self.raw);
        let item = |text: String| Item::Information { subject, text };
        self.told(text.map(|it| Some(it).filter(|it| !it.is_empty()).map(item)))
    }

    fn unexpected(self, origin: String) -> Item {
        Item::Refused(self.refused(DecodeError::UnexpectedSource { origin }))
    }

    fn refused(self, error: DecodeError) -> Refused {
        let Self { received, source, raw } = self;
        Refused { source, received, raw: raw.to_vec(), error, n_untold: 0 }
    }
}

#[cfg(test)]
mod tests;
