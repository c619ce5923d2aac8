//! What holds for any bytes of a device, beside that nothing panics. `tests/campaigns/fuzz` looks for
//! bytes for which it does not, and `gateway/tests/fuzz.rs` keeps those that were ever found.
//!
//! ```text
//! formats                                    models
//! 0-1   format, by its selector              0-1   model, by its selector
//! 2..   bytes                                2..   events, until the input ends
//!
//! event of a model
//! 0-239     a piece of so many bytes; of a Bluetooth model the characteristic comes before them
//! 240-246   1 to 7 seconds pass without a word
//! 247-254   1 to 8 seconds pass, and the decoder is told so
//! 255       the session or the port ends
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use gateway::clock::{BootId, Stamp};
use gateway::command::decode;
use gateway::device::catalogue::{self, Model, Transport, characteristic, sig_uuid};
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
pub const CHARACTERISTICS: [u16; 19] = [
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
    0xFFFF,
];

/// Highest number that any instrument shows: scales for very heavy people, in pounds.
const VALUE_MAX: u32 = 1544;
/// What an SFLOAT holds in the place of a number (IEEE 11073-20601).
const SFLOAT_SPECIAL: [u16; 5] = [0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802];
/// What a FLOAT holds in the place of a number (IEEE 11073-20601).
const FLOAT_SPECIAL: [u32; 5] = [0x7F_FFFE, 0x7F_FFFF, 0x80_0000, 0x80_0001, 0x80_0002];
/// What Nonin's binary formats hold in the place of a pulse.
const NONIN_NO_PULSE: u32 = 511;

/// Decodes any bytes of any format.
pub fn formats(input: &[u8]) {
    let Some((selector, bytes)) = input.split_first_chunk() else { return };
    let Some(format) = chosen(*selector, decode::formats(), |it| it.name) else { return };
    let decoded = decode::decode(format, bytes);
    assert_eq!(decoded, decode::decode(format, bytes), "decoded twice: {}", format.name);
    match decoded {
        Ok(decoded) => {
            decoded.items.iter().for_each(check);
            if format.name.starts_with("2A") {
                decoded.items.iter().for_each(check_standard);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Lets a device of any model send anything, whole and in other pieces.
pub fn models(input: &[u8]) {
    let Some((selector, events)) = input.split_first_chunk() else { return };
    let Some(model) = chosen(*selector, catalogue::models().iter().copied(), |it| it.key) else {
        return;
    };
    let is_serial = is_serial(model);
    // The value of a characteristic is never cut.
    let items = session(model, events, false);
    assert_eq!(items, session(model, events, is_serial), "in other pieces: {}", model.key);
    items.iter().for_each(check);
    if !is_serial {
        items.iter().for_each(check_standard);
    }
    if model.key.starts_with("nonin-df") {
        items.iter().for_each(check_nonin);
    }
}

/// What chooses the format or model of that name; the same when others join.
pub fn selector(name: &str) -> [u8; 2] {
    name.bytes().fold(0_u16, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into())).to_be_bytes()
}

pub fn is_serial(model: &Model) -> bool {
    matches!(model.transport, Transport::Serial { .. })
}

/// The one whose selector this is, or the next one.
fn chosen<T>(
    wanted: [u8; 2],
    all: impl IntoIterator<Item = &'static T>,
    name: fn(&T) -> &str,
) -> Option<&'static T> {
    let number = u16::from_be_bytes;
    let distance = |it: &&T| number(selector(name(it))).wrapping_sub(number(wanted));
    all.into_iter().min_by_key(distance)
}

/// What the hub is told about `events`, with serial pieces cut into single bytes or not.
fn session(model: &'static Model, events: &[u8], is_cut: bool) -> Vec<Item> {
    let mut decoder = Decoder::new(model, StreamSettings::default());
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
                let (source, after) = source(model, rest);
                let (piece, after) = after.split_at(after.len().min(event.into()));
                rest = after;
                let len_bytes = if is_cut { 1 } else { piece.len().max(1) };
                items.extend(piece.chunks(len_bytes).flat_map(|it| decoder.push(now, source, it)));
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

/// Where a piece comes from; its characteristic stands at the front of `bytes`.
fn source<'a>(model: &Model, bytes: &'a [u8]) -> (Source, &'a [u8]) {
    if is_serial(model) {
        return (Source::Serial, bytes);
    }
    let (position, rest) = bytes.split_first().map_or((0, bytes), |(it, rest)| (*it, rest));
    let short = CHARACTERISTICS.get(usize::from(position)).copied();
    (Source::Characteristic(short.map_or(Uuid::nil(), sig_uuid)), rest)
}

fn later(now: Stamp, seconds: u8) -> Stamp {
    Stamp { since_boot: now.since_boot + Duration::from_secs(seconds.into()), ..now }
}

fn end(decoder: &mut Decoder, items: &mut Vec<Item>) {
    items.extend(decoder.end());
    assert_eq!(decoder.end(), [], "an ended session ended again");
    assert_eq!(decoder.next_deadline(), None, "an ended session waits");
}

fn check(item: &Item) {
    match item {
        Item::Observation(observation) => check_observation(observation),
        Item::Failed(failed) => {
            assert!(!failed.reasons.is_empty(), "{failed:?}");
            assert_eq!(failed.content_identity(), failed.clone().content_identity());
        }
        Item::Refused(refused) => assert!(!refused.error.to_string().is_empty(), "{refused:?}"),
        Item::CuffPressure(quantity) => assert!(!quantity.to_string().is_empty()),
        Item::Battery(percent) => assert!(*percent <= 100, "{percent} %"),
        Item::Information { text, .. } => assert!(!text.is_empty()),
    }
}

fn check_observation(observation: &Observation) {
    let vitals: BTreeSet<_> = observation.values.iter().map(|it| it.vital).collect();
    assert!(!vitals.is_empty() && vitals.len() == observation.values.len(), "{observation:?}");
    assert!(!observation.raw.is_empty(), "{observation:?}");
    assert!(observation.battery_percent.is_none_or(|it| it <= 100), "{observation:?}");
    for value in observation.values.iter().map(|it| it.quantity.value()) {
        assert!(value.is_sign_positive() && !value.is_zero(), "{observation:?}");
        assert!(value <= VALUE_MAX.into(), "{observation:?}");
    }
    let saturation = observation.value(Vital::OxygenSaturation);
    assert!(saturation.is_none_or(|it| it.value() <= 100.into()), "{observation:?}");
    assert_eq!(observation.content_identity(), observation.clone().content_identity());
}

/// No reading is made of a special value, where a standard characteristic has its numbers.
fn check_standard(item: &Item) {
    let Item::Observation(observation) = item else { return };
    let at: &[(usize, Vital)] = match observation.kind {
        ReadingKind::BloodPressure => &[
            (1, Vital::SystolicPressure),
            (3, Vital::DiastolicPressure),
            (5, Vital::MeanArterialPressure),
        ],
        ReadingKind::Oximetry => &[(1, Vital::OxygenSaturation), (3, Vital::PulseRate)],
        ReadingKind::Temperature => &[(1, Vital::BodyTemperature)],
        ReadingKind::Weight
        | ReadingKind::Glucose
        | ReadingKind::HeartRate
        | ReadingKind::ManualObservation => &[],
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

fn check_nonin(item: &Item) {
    let Item::Observation(observation) = item else { return };
    let pulse = observation.value(Vital::PulseRate);
    assert!(pulse.is_none_or(|it| it.value() < NONIN_NO_PULSE.into()), "{observation:?}");
}
