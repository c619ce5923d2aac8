//! What holds for any bytes of a device, beside that nothing panics. `tests/campaigns/fuzz` looks for
//! bytes for which it does not, and `gateway/tests/fuzz.rs` keeps those that were ever found.
//!
//! A target is one decoder. That of a format of `vitalgate device decode` takes the bytes as they are;
//! that of a model with a framing of its own takes a session of events, until the input ends:
//!
//! ```text
//! 0-239     a piece of so many bytes; of a Bluetooth model a byte that chooses its characteristic,
//!           of those that it sends and then of the standard ones, comes before them
//! 240-246   1 to 7 seconds pass without a word
//! 247-254   1 to 8 seconds pass, and the decoder is told so
//! 255       the session or the port ends
//! ```

use std::time::Duration;

use gateway::clock::{BootId, Stamp};
use gateway::command::decode::{self, Format};
use gateway::device::catalogue::{self, GattFormat, Model, Transport, characteristic, sig_uuid};
use gateway::device::xiaomi_s400::Secret;
use gateway::device::{Decoder, Item, Observation, StreamSettings};
use gateway::link::Source;
use jiff::Timestamp;
use uuid::Uuid;
use vitals::{ReadingKind, Vital};

/// Longest piece of a model, in bytes.
pub const PIECE_LEN_BYTES_MAX: u8 = 239;
/// Event that ends a session.
pub const END: u8 = u8::MAX;

/// Every characteristic that a decoder knows, and one that none does.
pub const CHARACTERISTICS: [u16; 20] = [
    characteristic::GLUCOSE,
    characteristic::GLUCOSE_CONTEXT,
    characteristic::RECORD_ACCESS,
    characteristic::BLOOD_PRESSURE,
    characteristic::CUFF_PRESSURE,
    characteristic::PLX_SPOT_CHECK,
    characteristic::PLX_CONTINUOUS,
    characteristic::WEIGHT,
    characteristic::BODY_COMPOSITION,
    characteristic::TEMPERATURE,
    characteristic::INTERMEDIATE_TEMPERATURE,
    characteristic::HEART_RATE,
    characteristic::BATTERY_LEVEL,
    characteristic::MANUFACTURER,
    characteristic::MODEL,
    characteristic::SERIAL_NUMBER,
    characteristic::FIRMWARE,
    characteristic::CURRENT_TIME,
    characteristic::USER_CONTROL,
    0xFFFF,
];

/// Highest number that any instrument shows: scales for very heavy people, in pounds.
const VALUE_MAX: u32 = 1544;
/// Highest number that is shown of a cuff at work.
const CUFF_MAX: u32 = 330;
/// What an SFLOAT holds in the place of a number (IEEE 11073-20601).
pub const SFLOAT_SPECIAL: [u16; 5] = [0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802];
/// What a FLOAT holds in the place of a number (IEEE 11073-20601).
pub const FLOAT_SPECIAL: [u32; 5] = [0x7F_FFFE, 0x7F_FFFF, 0x80_0000, 0x80_0001, 0x80_0002];
/// What a standard scale sends of a measurement that did not work.
const SCALE_UNSUCCESSFUL: u16 = 0xFFFF;
/// What Nonin's binary formats hold in the place of a pulse.
const NONIN_NO_PULSE: u32 = 511;
/// The model that stands for all whose values are those of the Bluetooth SIG: they share a decoder.
pub const STANDARD: &str = "sig-glucose";
/// Key and address of the device of the golden vectors that encrypts what it says.
const SECRET: Secret = Secret {
    key: 0x5830_5740_B64E_4B42_5E51_8AA1_F4E5_1339_u128.to_be_bytes(),
    address: [0x84, 0x46, 0x93, 0x64, 0xA5, 0xE6],
};

/// One decoder, and where its bytes come from.
#[derive(Debug)]
pub struct Target {
    /// Its name, as in `tests/fuzz/targets.txt`.
    pub name: String,
    pub subject: Subject,
    /// What a piece of a session may come from; empty for a format.
    pub sources: Vec<Source>,
}

/// What a target decodes.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    Format(&'static Format),
    Model(&'static Model),
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What the hub makes of the bytes.
    Short,
    /// That, whether it is the same again and in other pieces, what the command line shows, what errors
    /// say, and the identities of contents: several times the work.
    Whole,
}

impl Target {
    /// Every format, and every model that has a decoder of its own.
    pub fn all() -> Vec<Self> {
        let formats = decode::formats().map(|it| Self {
            name: plain(it.name),
            subject: Subject::Format(it),
            sources: Vec::new(),
        });
        let models = catalogue::models().iter().filter(|it| has_decoder(it)).map(|it| Self {
            name: it.key.to_owned(),
            subject: Subject::Model(it),
            sources: sources(it),
        });
        formats.chain(models).collect()
    }

    /// The target of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|it| it.name == name)
    }

    /// Panics where an input breaks a promise.
    pub fn check(&self, input: &[u8], look: Look) {
        match self.subject {
            Subject::Format(format) => self.format(format, input, look),
            Subject::Model(model) => self.session(model, input, look),
        }
    }

    fn format(&self, format: &Format, bytes: &[u8], look: Look) {
        let (decoded, items) = match (look, decode::items(format, bytes)) {
            (Look::Short, Some(items)) => (None, items),
            (Look::Short | Look::Whole, items) => {
                let decoded = decode::decode_sealed(format, bytes, &SECRET);
                (Some(decoded), items.unwrap_or_default())
            }
        };
        let is_standard = format.name.starts_with("2A");
        for item in &items {
            check(item, look);
            if is_standard {
                check_standard(item);
                check_scale(format.name, item);
            }
        }
        let Some(decoded) = decoded.filter(|_decoded| look == Look::Whole) else { return };
        let again = decode::decode_sealed(format, bytes, &SECRET);
        assert_eq!(decoded, again, "decoded twice: {}", format.name);
        match decoded {
            Ok(decoded) => assert_eq!(decoded.items, items, "{}", format.name),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    fn session(&self, model: &'static Model, events: &[u8], look: Look) {
        let items = self.items(model, events, false);
        if look == Look::Whole {
            // The value of a characteristic is never cut.
            let again = self.items(model, events, is_serial(model));
            assert_eq!(items, again, "in other pieces: {}", model.key);
        }
        for item in &items {
            check(item, look);
            if model.key == STANDARD {
                check_standard(item);
            }
            if model.key.starts_with("nonin-df") {
                check_nonin(item);
            }
        }
    }

    /// What the hub is told about `events`, with serial pieces cut into single bytes or not.
    pub fn items(&self, model: &'static Model, events: &[u8], is_cut: bool) -> Vec<Item> {
        let secret = model.transport.is_sealed().then_some(SECRET);
        let mut decoder = Decoder::new(model, StreamSettings::default()).with_secret(secret);
        let mut now = Stamp {
            wall: Timestamp::UNIX_EPOCH,
            boot: BootId([0; 16]),
            since_boot: Duration::from_secs(1),
        };
        let mut items = Vec::new();
        let mut rest = events;
        while let Some((&event, after)) = rest.split_first() {
            rest = after;
            match event {
                0..=PIECE_LEN_BYTES_MAX => {
                    let (source, after) = self.source(rest);
                    let (piece, after) = after.split_at(after.len().min(event.into()));
                    rest = after;
                    let len_bytes = if is_cut { 1 } else { piece.len().max(1) };
                    let pieces = piece.chunks(len_bytes);
                    items.extend(pieces.flat_map(|it| decoder.push(now, source, it)));
                }
                240..=246 => now = later(now, event - 239),
                247..=254 => {
                    now = later(now, event - 246);
                    items.extend(decoder.advance(now));
                    let is_ahead = decoder.next_deadline().is_none_or(|it| now.since_boot < it);
                    assert!(is_ahead, "what was due at {now:?} is still due");
                }
                END => end(&mut decoder, &mut items),
            }
        }
        end(&mut decoder, &mut items);
        items
    }

    /// Where a piece comes from: the byte at the front of `bytes` chooses, where there is a choice.
    fn source<'a>(&self, bytes: &'a [u8]) -> (Source, &'a [u8]) {
        if let [only] = *self.sources {
            return (only, bytes);
        }
        let (position, rest) = bytes.split_first().map_or((0, bytes), |(it, rest)| (*it, rest));
        let source = self.sources.get(usize::from(position)).copied();
        (source.unwrap_or(Source::Characteristic(Uuid::nil())), rest)
    }
}

/// A name for files and command lines: dashes in the place of all but letters and digits.
pub fn plain(name: &str) -> String {
    let words = name.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("-")
}

pub fn is_serial(model: &Model) -> bool {
    matches!(model.transport, Transport::Serial { .. })
}

/// Whether its bytes are read in a way that no row before it has: those of the Bluetooth SIG share one,
/// and memories of Omron with records of one kind.
fn has_decoder(model: &Model) -> bool {
    match &model.transport {
        Transport::Bluetooth { format: GattFormat::Standard, .. } => model.key == STANDARD,
        Transport::Bluetooth { format: GattFormat::OmronMemory(memory), .. } => {
            let mut of_its_kind = catalogue::models().iter().filter(|it| {
                matches!(
                    it.transport,
                    Transport::Bluetooth { format: GattFormat::OmronMemory(other), .. }
                        if other.record == memory.record
                )
            });
            of_its_kind.next().is_some_and(|it| it.key == model.key)
        }
        Transport::Bluetooth { .. } | Transport::Serial { .. } => true,
    }
}

/// The one serial line, or what the model sends and then what any device may send.
fn sources(model: &Model) -> Vec<Source> {
    let Transport::Bluetooth { subscriptions, advertised, .. } = &model.transport else {
        return vec![Source::Serial];
    };
    let own = subscriptions.iter().chain(*advertised).copied();
    own.chain(CHARACTERISTICS.map(sig_uuid)).map(Source::Characteristic).collect()
}

fn later(now: Stamp, seconds: u8) -> Stamp {
    Stamp { since_boot: now.since_boot + Duration::from_secs(seconds.into()), ..now }
}

fn end(decoder: &mut Decoder, items: &mut Vec<Item>) {
    items.extend(decoder.end());
    assert_eq!(decoder.end(), [], "an ended session ended again");
    assert_eq!(decoder.next_deadline(), None, "an ended session waits");
}

fn check(item: &Item, look: Look) {
    match item {
        Item::Observation(observation) => check_observation(observation),
        Item::Failed(failed) => assert!(!failed.reasons.is_empty(), "{failed:?}"),
        Item::Refused(_) => {}
        Item::CuffPressure(quantity) => {
            let value = quantity.value();
            assert!(value.is_sign_positive() && value <= CUFF_MAX.into(), "{quantity}");
        }
        Item::Battery(percent) => assert!(*percent <= 100, "{percent} %"),
        Item::Clock(shown) => assert!(shown.hour < 24, "{shown}"),
        Item::Information { text, .. } => assert!(!text.is_empty()),
    }
    if look == Look::Whole {
        check_words(item);
    }
}

/// What is said about an item, and by what it is known when it comes again.
fn check_words(item: &Item) {
    match item {
        Item::Observation(observation) => {
            assert_eq!(observation.content_identity(), observation.clone().content_identity());
        }
        Item::Failed(failed) => {
            assert!(!failed.coaching().is_empty(), "{failed:?}");
            assert_eq!(failed.content_identity(), failed.clone().content_identity());
        }
        Item::Refused(refused) => {
            assert!(!refused.error.to_string().is_empty(), "{refused:?}");
            assert_eq!(refused.content_identity(), refused.clone().content_identity());
        }
        Item::CuffPressure(quantity) => assert!(!quantity.to_string().is_empty()),
        Item::Battery(_) | Item::Clock(_) | Item::Information { .. } => {}
    }
}

fn check_observation(observation: &Observation) {
    let values = &observation.values;
    assert!(!values.is_empty(), "{observation:?}");
    for (position, value) in values.iter().enumerate() {
        let is_first = values.iter().take(position).all(|it| it.vital != value.vital);
        assert!(is_first, "{observation:?}");
    }
    assert!(!observation.raw.is_empty(), "{observation:?}");
    assert!(observation.battery_percent.is_none_or(|it| it <= 100), "{observation:?}");
    for value in observation.values.iter().map(|it| it.quantity.value()) {
        assert!(value.is_sign_positive() && !value.is_zero(), "{observation:?}");
        assert!(value <= VALUE_MAX.into(), "{observation:?}");
    }
    let saturation = observation.value(Vital::OxygenSaturation);
    assert!(saturation.is_none_or(|it| it.value() <= 100.into()), "{observation:?}");
}

/// No reading is made of a special value, where a standard characteristic has its numbers.
fn check_standard(item: &Item) {
    let Item::Observation(observation) = item else { return };
    let has_offset = observation.raw.first().is_some_and(|flags| flags & 1 != 0);
    let glucose = [(if has_offset { 12 } else { 10 }, Vital::Glucose)];
    let at: &[(usize, Vital)] = match observation.kind {
        ReadingKind::BloodPressure => &[
            (1, Vital::SystolicPressure),
            (3, Vital::DiastolicPressure),
            (5, Vital::MeanArterialPressure),
        ],
        ReadingKind::Oximetry => &[(1, Vital::OxygenSaturation), (3, Vital::PulseRate)],
        ReadingKind::Temperature => &[(1, Vital::BodyTemperature)],
        ReadingKind::Glucose => &glucose,
        ReadingKind::Weight | ReadingKind::HeartRate | ReadingKind::ManualObservation => &[],
    };
    for &(position, vital) in at.iter().filter(|it| observation.value(it.1).is_some()) {
        let bytes = observation.raw.get(position..).unwrap_or_default();
        let is_special = if observation.kind == ReadingKind::Temperature {
            let float = bytes.first_chunk().copied().map(u32::from_le_bytes);
            float.is_none_or(|it| FLOAT_SPECIAL.contains(&it))
        } else {
            let sfloat = bytes.first_chunk().copied().map(u16::from_le_bytes);
            sfloat.is_none_or(|it| SFLOAT_SPECIAL.contains(&it))
        };
        assert!(!is_special, "{vital:?} of {observation:?}");
    }
}

/// Nor is one made of a measurement of a standard scale that did not work.
fn check_scale(format: &str, item: &Item) {
    let Item::Observation(observation) = item else { return };
    let position = match format {
        "2A9C" => 2,
        "2A9D" => 1,
        _not_of_a_scale => return,
    };
    let value = observation.raw.get(position..).and_then(<[u8]>::first_chunk).copied();
    let is_made = value.map(u16::from_le_bytes).is_some_and(|it| it != SCALE_UNSUCCESSFUL);
    assert!(is_made, "{observation:?}");
}

fn check_nonin(item: &Item) {
    let Item::Observation(observation) = item else { return };
    let pulse = observation.value(Vital::PulseRate);
    assert!(pulse.is_none_or(|it| it.value() < NONIN_NO_PULSE.into()), "{observation:?}");
}
