//! Replays what the fuzzer starts from and whatever it found, without any tool of it.
//!
//! The inputs are the golden vectors, some streams, and the lines of `tests/fuzz/found/TARGET.txt`,
//! whole and cut at each byte. With `VITALGATE_SEEDS=FOLDER` they are also written to `FOLDER/TARGET`,
//! for `tests/campaigns/fuzz`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, iter};

use gateway::clock::{BootId, Stamp};
use gateway::command::decode;
use gateway::device::catalogue::{self, sig_uuid};
use gateway::device::{Decoder, StreamSettings};
use gateway::link::Source;
use jiff::Timestamp;
use serde_json::Value;

use self::properties::{CHARACTERISTICS, END, PIECE_LEN_BYTES_MAX, selector};

#[path = "../../tests/fuzz/properties.rs"]
#[expect(unreachable_pub, reason = "it is a library for the fuzzer")]
mod properties;

const GOLDEN: &str = include_str!("../../tests/vectors/golden.jsonl");

/// A target of the fuzzer.
struct Target {
    name: &'static str,
    /// Panics where an input breaks a promise.
    check: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    /// What was ever found, one input a line in hexadecimal.
    found: &'static str,
}

const TARGETS: [Target; 2] = [
    Target {
        name: "formats",
        check: properties::formats,
        seeds: formats,
        found: include_str!("../../tests/fuzz/found/formats.txt"),
    },
    Target {
        name: "models",
        check: properties::models,
        seeds: models,
        found: include_str!("../../tests/fuzz/found/models.txt"),
    },
];

/// Event that lets 4 seconds pass, after which a stream has ended.
const SILENCE: u8 = 250;

/// Serial models whose bytes are among the golden vectors.
const VECTORS_OF_MODELS: [(&str, &str); 7] = [
    ("A&D standard ASCII", "and-uc-321"),
    ("Contec 5-byte realtime", "contec-5byte"),
    ("Contec 9-byte realtime", "contec-9byte"),
    ("Masimo ASCII 1", "masimo-ascii-1"),
    ("Nonin DF2 packet (25 frames)", "nonin-df2"),
    ("Nonin DF2 stream (30 frames, mid-packet start)", "nonin-df2"),
    ("SunTech NIBP reply", "suntech-nibp"),
];

/// Bytes of the other serial models, from the examples of their formats.
const STREAMS: [(&str, &[u8]); 8] = [
    ("nonin-8500", b"SPO2=099 HR=072\r\n03/01/26 11:02:33 SPO2=--- HR=---\r\n"),
    ("nonin-df1", b"\x80\x48\x61\x83\x7f\x61\x8c\x48\x61"),
    ("nonin-df8", b"\x80\x48\x61\x20\x80\x48\x61\x09"),
    ("nonin-df13", b"\0\x02\r\x0e\x14\x1a\x03\x01\x08\x05\0\0\x02\0\0H\0a\x05\x03"),
    ("omron-hbp-9030", b"\n2026,03,01,08,05,                4711,0,121, 79, 68,1\r\n"),
    ("taidoc-blood-pressure", b"\x51\x25\x21\x26\x8e\x15\xa5\x05\x51\x26\x83\0\x52\x46\xa5\x37"),
    ("taidoc-glucose", b"\x51\x25\x21\x26\x0e\x15\xa5\x85\x51\x26\x6e\0\0\x40\xa5\xca"),
    ("suntech-nibp", b"\x3e\x04\x4b\x73\x3e\x05\x02\x01\xba\x3e\x06\x01\x02\x03\xb6"),
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

/// Each golden vector as an input of `formats`.
fn formats() -> Vec<Vec<u8>> {
    vectors().into_iter().map(|it| [&selector(&it.format), &*it.bytes].concat()).collect()
}

/// The values and streams of each model as inputs of `models`.
fn models() -> Vec<Vec<u8>> {
    let (mut inputs, vectors) = (Vec::new(), vectors());
    for (position, short) in (0..).zip(CHARACTERISTICS) {
        let format = format!("{short:04X}");
        let of_it = vectors.iter().filter(|it| it.format == format);
        let pieces = of_it.flat_map(|it| [&[len(&it.bytes), position], &*it.bytes].concat());
        inputs.push(input("sig-glucose", pieces));
    }
    for (format, model) in VECTORS_OF_MODELS {
        let of_it = vectors.iter().filter(|it| it.format == format);
        inputs.extend(of_it.map(|it| stream(model, &it.bytes)));
    }
    inputs.extend(STREAMS.map(|(model, bytes)| stream(model, bytes)));
    inputs.push(stream("nonin-df7", &packet_of_data_format_7(&vectors)));
    inputs
}

fn stream(model: &str, bytes: &[u8]) -> Vec<u8> {
    let line = [b"\n", bytes, b"\n"].concat();
    let pieces = line.chunks(PIECE_LEN_BYTES_MAX.into());
    input(model, pieces.flat_map(|it| [&[len(it)], it].concat()))
}

fn input(model: &str, pieces: impl Iterator<Item = u8>) -> Vec<u8> {
    selector(model).into_iter().chain(pieces).chain([SILENCE, END]).collect()
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

#[test]
fn what_the_fuzzer_starts_from_and_what_it_found_keeps_the_promises() {
    let folder = env::var_os("VITALGATE_SEEDS");
    for Target { name, check, seeds, found } in TARGETS {
        let found = found.lines().filter(|it| !it.starts_with('#'));
        let found: Vec<_> = found.map(|it| hex::decode(it).unwrap()).collect();
        let inputs = [seeds(), found].concat();
        for input in &inputs {
            (0..=input.len()).filter_map(|it| input.get(..it)).for_each(check);
        }
        let Some(folder) = folder.as_ref().map(|it| Path::new(it).join(name)) else { continue };
        fs::create_dir_all(&folder).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input).unwrap();
        }
    }
}

#[test]
fn every_format_and_model_can_be_chosen() {
    let formats: Vec<_> = decode::formats().map(|it| selector(it.name)).collect();
    let models: Vec<_> = catalogue::models().iter().map(|it| selector(it.key)).collect();
    for selectors in [formats, models] {
        assert_eq!(selectors.iter().collect::<BTreeSet<_>>().len(), selectors.len());
    }
}

#[test]
fn every_serial_model_has_a_seed() {
    let inputs = models();
    for model in catalogue::models().iter().filter(|it| properties::is_serial(it)) {
        assert!(inputs.iter().any(|it| it.starts_with(&selector(model.key))), "{}", model.key);
    }
}

#[test]
fn a_session_without_end_takes_no_memory() {
    let now = Stamp {
        wall: Timestamp::UNIX_EPOCH,
        boot: BootId([0; 16]),
        since_boot: Duration::from_secs(1),
    };
    for model in catalogue::models() {
        let mut decoder = Decoder::new(model, StreamSettings::default());
        let sources: Vec<_> = if properties::is_serial(model) {
            vec![Source::Serial]
        } else {
            CHARACTERISTICS.into_iter().map(|it| Source::Characteristic(sig_uuid(it))).collect()
        };
        let mut pieces: Vec<_> = vectors().into_iter().map(|it| it.bytes).collect();
        pieces.extend((0..=u8::MAX).map(|it| vec![it; 255]));
        for piece in iter::repeat_n(&pieces, 5).flatten() {
            for source in &sources {
                drop(decoder.push(now, *source, piece));
            }
        }
        // Its text is longer than what it holds.
        let len_bytes = format!("{decoder:?}").len();
        assert!(len_bytes < 16 * 1024, "{} holds {len_bytes} bytes", model.key);
    }
}
