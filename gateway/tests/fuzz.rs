//! Replays what the fuzzer starts from and whatever it found, without any tool of it.
//!
//! The inputs are the golden vectors, some streams, and the lines of `tests/fuzz/found.txt`, whole and
//! cut at each byte. With `VITALGATE_SEEDS=FOLDER` they are also written to `FOLDER/TARGET`, for
//! `tests/campaigns/fuzz`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, iter};

use gateway::clock::{BootId, Stamp};
use gateway::device::catalogue::{GattFormat, Model, Transport, sig_uuid};
use gateway::device::omron_memory::{Layout, RecordFormat};
use gateway::device::{Decoder, StreamSettings};
use gateway::link::Source;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use self::properties::{
    END, FLOAT_SPECIAL, Look, PIECE_LEN_BYTES_MAX, SFLOAT_SPECIAL, STANDARD, Subject, Target,
};

#[path = "../../tests/fuzz/properties.rs"]
#[expect(unreachable_pub, reason = "it is a library for the fuzzer")]
mod properties;

const GOLDEN: &str = include_str!("../../tests/vectors/golden.jsonl");
/// The targets, each with the length of its longest input.
const TARGETS: &str = include_str!("../../tests/fuzz/targets.txt");
/// What was ever found, one input a line: its target, and its bytes in hexadecimal.
const FOUND: &str = include_str!("../../tests/fuzz/found.txt");

/// Event that lets 4 seconds pass, after which a stream has ended.
const SILENCE: u8 = 250;

/// Models whose bytes are among the golden vectors; those of Bluetooth send them from the first
/// characteristic that they are subscribed to.
const VECTORS_OF_MODELS: [(&str, &str); 20] = [
    ("A&D standard ASCII", "and-uc-321"),
    ("Biolight Temp Sitter FFE1", "biolight-temp-sitter"),
    ("CMS50D-BT EB 00", "contec-cms50d-bt"),
    ("CMS50D-BT EB 01", "contec-cms50d-bt"),
    ("Contec 5-byte realtime", "contec-5byte"),
    ("Contec 9-byte realtime", "contec-9byte"),
    ("JKS50F FFE1 69-byte", "jks50f"),
    ("Jumper JPD-500F CDEACB81", "jumper-jpd-500f"),
    ("Jumper JPD-HA120 FFF1", "jumper-jpd-ha120"),
    ("Masimo ASCII 1", "masimo-ascii-1"),
    ("Microlife history reply (B3/B6)", "microlife-bluetooth"),
    ("Nonin DF2 packet (25 frames)", "nonin-df2"),
    ("Nonin DF2 stream (30 frames, mid-packet start)", "nonin-df2"),
    ("SunTech NIBP reply", "suntech-nibp"),
    ("TaiDoc 8-byte (char 1524)", "taidoc-bluetooth"),
    ("Transtek 8A21/8A24 weight", "transtek-bs444"),
    ("Xiaomi S400 MiBeacon v5 AES-CCM (svcdata FE95)", "xiaomi-s400"),
    ("Xiaomi v1 svcdata 181D", "xiaomi-scale"),
    ("Xiaomi v2 svcdata 181B", "xiaomi-scale-2"),
    ("Yonker YK-IBPA1 CDEACB81", "yonker-cuff"),
];

/// Bytes of the other models, from the examples of their formats.
const STREAMS: [(&str, &[u8]); 14] = [
    ("berry-oximeter", b"\x85\x32\x0a\x41\x61"),
    ("detecto-scale", b"\x01\x30\x16"),
    ("nonin-3230", b"\0\x61\0\x48\0"),
    ("nonin-8500", b"SPO2=099 HR=072\r\n03/01/26 11:02:33 SPO2=--- HR=---\r\n"),
    ("nonin-df1", b"\x80\x48\x61\x83\x7f\x61\x8c\x48\x61"),
    ("nonin-df8", b"\x80\x48\x61\x20\x80\x48\x61\x09"),
    ("nonin-df13", b"\0\x02\r\x0e\x14\x1a\x03\x01\x08\x05\0\0\x02\0\0H\0a\x05\x03"),
    ("omron-hbp-9030", b"\n2026,03,01,08,05,                4711,0,121, 79, 68,1\r\n"),
    ("taidoc-blood-pressure", b"\x51\x25\x21\x26\x8e\x15\xa5\x05\x51\x26\x83\0\x52\x46\xa5\x37"),
    ("taidoc-bluetooth", b"\x51\x25\x21\x26\x8e\x15\xa5\x05\x51\x26\x83\0\x52\x46\xa5\x37"),
    ("taidoc-glucose", b"\x51\x25\x21\x26\x0e\x15\xa5\x85\x51\x26\x6e\0\0\x40\xa5\xca"),
    ("suntech-nibp", b"\x3e\x04\x4b\x73\x3e\x05\x02\x01\xba\x3e\x06\x01\x02\x03\xb6"),
    ("viatom-o2ring", b"\x55\0\xff\0\0\x0d\0\x60\x5d\0\0\0\0\0\x31\0\0\0\x01\0\xac"),
    ("viatom-pc-60fw", b"\xaa\x55\x0f\x08\x01\x60\x3e\0\x50\0\xc0\x08"),
];

struct Vector {
    format: String,
    bytes: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let vector = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line.get(key).unwrap().as_str().unwrap().to_owned();
        Vector { format: text("protocol"), bytes: hex::decode(text("hex")).unwrap() }
    };
    GOLDEN.lines().map(vector).collect()
}

/// What the fuzzer starts from.
fn seeds(target: &Target, vectors: &[Vector]) -> Vec<Vec<u8>> {
    match target.subject {
        Subject::Format(format) => {
            let of_it = vectors.iter().filter(|it| it.format == format.name);
            of_it.map(|it| it.bytes.clone()).collect()
        }
        Subject::Model(model) if model.key == STANDARD => values(target, vectors),
        Subject::Model(model) => {
            let formats: Vec<_> = VECTORS_OF_MODELS.iter().filter(|it| it.1 == model.key).collect();
            let of_it = vectors.iter().filter(|it| formats.iter().any(|one| one.0 == it.format));
            let streams = STREAMS.iter().filter(|it| it.0 == model.key);
            let data_format_7 =
                (model.key == "nonin-df7").then(|| packet_of_data_format_7(vectors));
            let answer = memory(model).map(|it| answer_of(it, vectors));
            let contec = (model.key == "contec-cms50").then(|| frames_in_a_row(vectors));
            let bytes = of_it.map(|it| it.bytes.clone()).chain(streams.map(|it| it.1.to_vec()));
            let bytes = bytes.chain(data_format_7).chain(answer);
            let bytes = bytes.chain(contec.into_iter().flatten());
            bytes.map(|it| session(target, &it)).collect()
        }
    }
}

/// A session for each standard characteristic, with its golden vectors.
fn values(target: &Target, vectors: &[Vector]) -> Vec<Vec<u8>> {
    let value = |position: u8, source: &Source| {
        let of_it = vectors.iter().filter(|it| is_of(&it.format, *source)).take(8);
        let pieces = of_it.flat_map(move |it| [&[len(&it.bytes), position], &*it.bytes].concat());
        pieces.chain([SILENCE, END]).collect()
    };
    (0..).zip(&target.sources).map(|(position, source)| value(position, source)).collect()
}

fn is_of(format: &str, source: Source) -> bool {
    let short = u16::from_str_radix(format, 16).ok();
    short.is_some_and(|it| source == Source::Characteristic(sig_uuid(it)))
}

/// `bytes` in pieces, on a serial line between two line ends.
fn session(target: &Target, bytes: &[u8]) -> Vec<u8> {
    let is_serial = target.sources == [Source::Serial];
    let (around, from): (&[u8], &[u8]) = if is_serial { (b"\n", &[]) } else { (&[], &[0]) };
    let stream = [around, bytes, around].concat();
    let pieces = stream.chunks(PIECE_LEN_BYTES_MAX.into());
    let events = pieces.flat_map(|it| [&[len(it)], from, it].concat());
    events.chain([SILENCE, END]).collect()
}

fn len(piece: &[u8]) -> u8 {
    u8::try_from(piece.len()).ok().filter(|it| *it <= PIECE_LEN_BYTES_MAX).unwrap()
}

/// The golden packet of Data Format 2, written in Data Format 7.
fn packet_of_data_format_7(vectors: &[Vector]) -> Vec<u8> {
    let packet = vectors.iter().find(|it| it.format == "Nonin DF2 packet (25 frames)").unwrap();
    let frame = |[_start, status, pleth, part, _sum]: &[u8; 5]| {
        let sum = [pleth, &0, part].into_iter().fold(*status, |sum, it| sum.wrapping_add(*it));
        [*status, *pleth, 0, *part, sum]
    };
    packet.bytes.as_chunks().0.iter().flat_map(frame).collect()
}

fn memory(model: &Model) -> Option<&'static Layout> {
    match &model.transport {
        Transport::Bluetooth { format: GattFormat::OmronMemory(layout), .. } => Some(*layout),
        Transport::Bluetooth { .. } | Transport::Serial { .. } => None,
    }
}

/// An answer of Omron with the first record of the first user, all of it by one characteristic.
fn answer_of(memory: &Layout, vectors: &[Vector]) -> Vec<u8> {
    let of_it = |format| vectors.iter().find(|it| it.format == format).unwrap().bytes.clone();
    let record = match memory.record {
        RecordFormat::Packed | RecordFormat::PackedExchanged => {
            of_it("Omron EEPROM record bitpacked-14 BE")
        }
        RecordFormat::Backwards => b"\x78\x5b\x48\x1a\xd7\x19\x42\x1b\0\0\0\0\0\0\0\0".to_vec(),
        RecordFormat::Classic => of_it("Omron EEPROM record classic-14 LE"),
        RecordFormat::Scale => of_it("Omron HBF/WLC 48-byte record"),
    };
    let len_bytes = u8::try_from(record.len()).unwrap();
    let [high, low] = memory.users.first().unwrap().to_be_bytes();
    let mut frame = vec![len_bytes + 8, 0x81, 0x00, high, low, len_bytes];
    frame.extend(record);
    frame.push(0);
    frame.push(frame.iter().fold(0, |sum, it| sum ^ it));
    frame
}

/// Golden frames of both formats of Contec, each so often that it is recognised, alone and after the
/// other format.
fn frames_in_a_row(vectors: &[Vector]) -> Vec<Vec<u8>> {
    let frame = |format: &str| {
        let mut of_it = vectors.iter().filter(|it| it.format == format);
        of_it.next().unwrap().bytes.repeat(9)
    };
    let (five, nine) = (frame("Contec 5-byte realtime"), frame("Contec 9-byte realtime"));
    vec![[five.clone(), nine.clone()].concat(), [nine, five].concat()]
}

/// Inputs that once broke a promise of `target`.
fn found(target: &str) -> Vec<Vec<u8>> {
    let lines = FOUND.lines().filter_map(|it| it.split_once(' '));
    lines.filter(|it| it.0 == target).map(|it| hex::decode(it.1).unwrap()).collect()
}

/// The names of the list, each with the longest input of it in bytes.
fn listed() -> Vec<(&'static str, usize)> {
    let lines = TARGETS.lines().filter(|it| !it.starts_with('#'));
    let columns = lines.map(|it| it.split_once(' ').unwrap());
    columns.map(|(name, len_bytes)| (name, len_bytes.parse().unwrap())).collect()
}

#[test]
fn what_the_fuzzer_starts_from_and_what_it_found_keeps_the_promises() {
    let (folder, vectors) = (env::var_os("VITALGATE_SEEDS"), vectors());
    for target in Target::all() {
        let inputs = [seeds(&target, &vectors), found(&target.name)].concat();
        for input in &inputs {
            for cut in (0..=input.len()).filter_map(|it| input.get(..it)) {
                target.check(cut, Look::Short);
                target.check(cut, Look::Whole);
            }
        }
        let Some(folder) = folder.as_ref().map(|it| Path::new(it).join(&target.name)) else {
            continue;
        };
        fs::create_dir_all(&folder).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input).unwrap();
        }
    }
}

/// What stands in the place of a number, in the bytes of an SFLOAT, a FLOAT and the values of scales.
fn special_values() -> Vec<Vec<u8>> {
    let short = SFLOAT_SPECIAL.map(|it| it.to_le_bytes().to_vec());
    let long = FLOAT_SPECIAL.map(|it| it.to_le_bytes().to_vec());
    short.into_iter().chain(long).chain([vec![0xFF, 0xFF]]).collect()
}

#[test]
fn no_reading_is_made_of_a_special_value_wherever_it_stands() {
    let (vectors, special) = (vectors(), special_values());
    for target in Target::all() {
        let seeds = seeds(&target, &vectors);
        let places = seeds.iter().flat_map(|it| (0..it.len()).map(move |position| (it, position)));
        for (seed, position) in places {
            for value in &special {
                let mut bytes = seed.clone();
                let place = bytes.iter_mut().skip(position);
                place.zip(value).for_each(|(place, it)| *place = *it);
                target.check(&bytes, Look::Short);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_keep_the_promises_of_every_decoder(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for target in Target::all() {
            target.check(&bytes, Look::Whole);
        }
    }
}

#[test]
fn every_decoder_is_a_target_of_the_list() {
    let listed = listed();
    let names: BTreeSet<_> = listed.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(names.len(), listed.len());
    assert_eq!(names, Target::all().into_iter().map(|it| it.name).collect());
}

#[test]
fn every_input_that_was_found_has_a_target() {
    for line in FOUND.lines().filter(|it| !it.starts_with('#')) {
        let (name, _hex) = line.split_once(' ').unwrap();
        assert!(Target::named(name).is_some(), "{name}");
    }
}

#[test]
fn every_seed_is_as_long_as_an_input_may_be() {
    let (vectors, listed) = (vectors(), listed());
    for target in Target::all() {
        let longest = listed.iter().find(|it| it.0 == target.name).unwrap().1;
        let seeds = seeds(&target, &vectors);
        assert!(seeds.iter().all(|it| it.len() <= longest), "{}", target.name);
    }
}

#[test]
fn every_model_has_a_seed_of_which_the_hub_makes_something() {
    let vectors = vectors();
    for target in Target::all() {
        let Subject::Model(model) = target.subject else { continue };
        let seeds = seeds(&target, &vectors);
        let has_items = seeds.iter().any(|it| !target.items(model, it, false).is_empty());
        assert!(has_items, "{}", target.name);
    }
}

/// Source of what reads bytes, or says what they mean.
fn sources() -> Vec<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![crates.join("gateway/src/device"), crates.join("vitals/src")];
    let mut files = vec![crates.join("gateway/src/device.rs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let is_folder = entry.file_type().unwrap().is_dir();
            if is_folder { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files
}

#[test]
fn no_float_is_on_the_way_from_bytes_to_a_value() {
    let files = sources();
    assert!(50 < files.len(), "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|it| !it.trim_start().starts_with("//"));
        let mut words = code.flat_map(|it| it.split(|it: char| !it.is_alphanumeric()));
        assert!(!words.any(|it| it == "f32" || it == "f64"), "{}", file.display());
    }
}

#[test]
fn a_session_without_end_takes_no_memory() {
    let now = Stamp {
        wall: Timestamp::UNIX_EPOCH,
        boot: BootId([0; 16]),
        since_boot: Duration::from_secs(1),
    };
    for target in Target::all() {
        let Subject::Model(model) = target.subject else { continue };
        let mut decoder = Decoder::new(model, StreamSettings::default());
        let mut pieces: Vec<_> = vectors().into_iter().map(|it| it.bytes).collect();
        pieces.extend((0..=u8::MAX).map(|it| vec![it; 255]));
        for piece in iter::repeat_n(&pieces, 5).flatten() {
            for source in &target.sources {
                drop(decoder.push(now, *source, piece));
            }
        }
        // Its text is longer than what it holds.
        let len_bytes = format!("{decoder:?}").len();
        assert!(len_bytes < 16 * 1024, "{} holds {len_bytes} bytes", model.key);
    }
}
