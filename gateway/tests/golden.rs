//! Every golden vector means to us what its source says, through the decoders of the daemon.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::process::Command;

use gateway::command::decode::{Decoded, decode, decode_sealed, format};
use gateway::device::nonin_df2::Frame;
use gateway::device::xiaomi_s400::Secret;
use gateway::device::{DecodeError, Item};
use rust_decimal::Decimal;
use serde_json::Value;

const GOLDEN: &str = include_str!("../../tests/vectors/golden.jsonl");

/// Vectors that mean something else to us, and why.
const DISAGREEMENTS: &[(&str, &str)] = &[(
    "bpm-beurer-bm85-naive",
    "what a decoder without the Beurer layout makes of a BM85: a pulse of -256000; we know the \
     layout by its length and give 63, as bpm-beurer-bm85-1 says of the same bytes",
)];

/// How many vectors there are of each format: none is lost by a wrong filter.
const N_VECTORS: &[(&str, usize)] = &[
    ("2A08", 6),
    ("2A0F", 2),
    ("2A18", 7),
    ("2A19", 5),
    ("2A1C", 9),
    ("2A23", 1),
    ("2A29", 1),
    ("2A2B", 10),
    ("2A34", 1),
    ("2A35", 15),
    ("2A35+quirk:beurer_be", 3),
    ("2A36", 5),
    ("2A37", 16),
    ("2A49", 3),
    ("2A50", 2),
    ("2A51", 1),
    ("2A52", 11),
    ("2A5E", 2),
    ("2A5F", 3),
    ("2A60", 6),
    ("2A9B", 2),
    ("2A9C", 8),
    ("2A9D", 8),
    ("2A9E", 3),
    ("2A9F", 1),
    ("2BF2", 3),
    ("A&D standard ASCII", 3),
    ("Biolight Temp Sitter FFE1", 1),
    ("CMS50D-BT EB 00", 1),
    ("CMS50D-BT EB 01", 1),
    ("CMS50D-BT command", 4),
    ("CareSens custom time write", 1),
    ("Contec 5-byte realtime", 8),
    ("Contec 9-byte command", 1),
    ("Contec 9-byte realtime", 3),
    ("Contec storage 0x0F", 2),
    ("FLOAT-LE", 8),
    ("HCI LE adv: Laica", 1),
    ("HCI LE adv: Senssun IF_B7", 1),
    ("HCI LE adv: Xiaogui TZC4", 2),
    ("HCI LE advertising report (legacy)", 2),
    ("IEEE 11073-20601 (HDP/USB PHDC) FLOAT BE", 2),
    ("IEEE 11073-20601 APDU (fixed format scan report)", 1),
    ("JKS50F FFE1 69-byte", 2),
    ("Jumper JPD-500F CDEACB81", 1),
    ("Jumper JPD-HA120 FFF1", 1),
    ("Lepu V2 (A5) request", 1),
    ("Masimo ASCII 1", 2),
    ("Microlife ack", 2),
    ("Microlife disconnect", 1),
    ("Microlife history reply (B3/B6)", 1),
    ("Microlife request", 1),
    ("Microlife set time", 1),
    ("Nonin DF2 frame", 6),
    ("Nonin DF2 packet (25 frames)", 2),
    ("Nonin DF2 stream (30 frames, mid-packet start)", 1),
    ("Omron 790IT GDC reply payload", 1),
    ("Omron 790IT HID/GME reply payload", 1),
    ("Omron 790IT weekly average payload", 1),
    ("Omron EEPROM record bitpacked-14 BE", 1),
    ("Omron EEPROM record classic-14 LE", 5),
    ("Omron EEPROM time section (modern, offset 8)", 2),
    ("Omron HBF/WLC 48-byte record", 1),
    ("Omron WLP frame", 5),
    ("PC-60FW NUS frame (CRC omitted in source)", 1),
    ("SFLOAT-LE", 12),
    ("SunTech NIBP command", 3),
    ("SunTech NIBP reply", 3),
    ("TaiDoc 8-byte (char 1524)", 2),
    ("TaiDoc 8-byte", 1),
    ("TaiDoc datetime d0..d3", 2),
    ("Transtek 8A21/8A24 weight", 3),
    ("Transtek 8A22 body", 3),
    ("Transtek A3 challenge (0x20 reply = password XOR random)", 1),
    ("Viatom 0x17 reply (first 20-byte notification)", 1),
    ("Viatom request 0x17", 1),
    ("Visomat R00 response payload", 2),
    ("Xiaomi S400 MiBeacon v5 AES-CCM (svcdata FE95)", 3),
    ("Xiaomi v1 svcdata 181D", 8),
    ("Xiaomi v2 over GATT 181B/2A9C", 2),
    ("Xiaomi v2 svcdata 181B / GATT 2A9C", 1),
    ("Xiaomi v2 svcdata 181B", 9),
    ("Yonker YK-IBPA1 CDEACB81", 2),
];

struct Vector {
    id: String,
    protocol: String,
    bytes: Vec<u8>,
    secret: Option<Secret>,
    expected: BTreeMap<String, Value>,
}

fn vectors() -> Vec<Vector> {
    let vector = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line.get(key).unwrap().as_str().unwrap().to_owned();
        let expected = line.get("expected").unwrap().as_object().unwrap();
        assert!(!text("source").is_empty());
        let secret = line.get("key").map(|_key| Secret {
            key: hex::decode(text("key")).unwrap().try_into().unwrap(),
            address: hex::decode(text("mac").replace(':', "")).unwrap().try_into().unwrap(),
        });
        Vector {
            id: text("id"),
            protocol: text("protocol"),
            bytes: hex::decode(text("hex")).unwrap(),
            secret,
            expected: expected.clone().into_iter().collect(),
        }
    };
    GOLDEN.lines().map(vector).collect()
}

fn is_disputed(id: &str) -> bool {
    DISAGREEMENTS.iter().any(|(disputed, _why)| *disputed == id)
}

fn decoded(vector: &Vector) -> Result<Decoded, DecodeError> {
    let format = format(&vector.protocol).unwrap();
    match &vector.secret {
        Some(secret) => decode_sealed(format, &vector.bytes, secret),
        None => decode(format, &vector.bytes),
    }
}

/// Everything that is wrong with our reading of `vector`.
fn differences(vector: &Vector) -> Vec<String> {
    let decoded = decoded(vector);
    if let Some(error) = vector.expected.get("error") {
        return match decoded {
            Err(refusal) if is_refusal(error.as_str().unwrap(), &refusal) => Vec::new(),
            other => vec![format!("{error} expected, not {other:?}")],
        };
    }
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(refusal) => return vec![format!("refused: {refusal}")],
    };
    let expected = vector.expected.iter();
    expected.filter_map(|(key, value)| difference(vector, &decoded, key, value)).collect()
}

/// Whether `refusal` is what the source of a vector calls `error`.
fn is_refusal(error: &str, refusal: &DecodeError) -> bool {
    match error {
        "length" | "too short" | "type flagged but absent" | "incomplete" | "offset missing" => {
            matches!(refusal, DecodeError::Truncated { .. } | DecodeError::Length { .. })
        }
        "empty slot" => *refusal == DecodeError::EmptySlot,
        "flag" => matches!(refusal, DecodeError::Framing { field: "flag", .. }),
        ">100" | "year>9999" | "hour 24" | "minute 60" | "operator" => {
            matches!(refusal, DecodeError::OutOfRange { .. })
        }
        "checksum" => matches!(refusal, DecodeError::Checksum { .. }),
        "header bit7" => matches!(refusal, DecodeError::Framing { field: "status", .. }),
        _unknown => false,
    }
}

fn difference(vector: &Vector, decoded: &Decoded, key: &str, expected: &Value) -> Option<String> {
    let is_same = match key {
        "_frames" => expected.as_u64() == Some(frames(vector).len().try_into().unwrap()),
        "_sync_at" => {
            let is_first = |(position, frame): (usize, Frame)| {
                frame.status.is_first().then(|| Value::from(position))
            };
            let at: Vec<_> = frames(vector).into_iter().enumerate().filter_map(is_first).collect();
            *expected == Value::from(at)
        }
        "_records_sample" => has_records(decoded, expected),
        // What is left over is refused, so that there is never any.
        "trailing" => expected.as_u64() == Some(0),
        _field => {
            let name = our_name(&vector.protocol, key);
            let field = decoded.fields.iter().find(|(field, _value)| *field == name);
            field.is_some_and(|(_name, value)| is_equal(value, expected))
        }
    };
    (!is_same).then(|| format!("{key} of {expected} expected in {:?}", decoded.fields))
}

/// Whether all of `expected` are among the records.
fn has_records(decoded: &Decoded, expected: &Value) -> bool {
    let records = decoded.fields.iter().find(|(field, _value)| *field == "records");
    let records = records.unwrap().1.as_array().unwrap();
    expected.as_array().unwrap().iter().all(|it| records.contains(it))
}

fn frames(vector: &Vector) -> Vec<Frame> {
    let (frames, rest) = vector.bytes.as_chunks::<5>();
    assert!(rest.is_empty());
    frames.iter().map(|it| Frame::decode(*it).unwrap()).collect()
}

/// Our name for a field of the vectors.
fn our_name<'a>(protocol: &str, key: &'a str) -> &'a str {
    match (protocol, key) {
        // These name a FLOAT by the report that it was cut out of.
        ("IEEE 11073-20601 (HDP/USB PHDC) FLOAT BE", "bmi" | "weight_kg") => "value",
        (_any, "_meaning") => "meaning",
        (_any, "_time") => "time",
        (_any, same) => same,
    }
}

/// Whether a field of ours says what a vector says: numbers as numbers, whatever their precision.
fn is_equal(ours: &Value, expected: &Value) -> bool {
    match (ours, expected) {
        (Value::Array(ours), Value::Array(expected)) => ours == expected,
        (ours, Value::Number(number)) => number_of(ours) == Some(decimal(&number.to_string())),
        (ours, expected) => ours == expected,
    }
}

fn number_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Some(decimal(&number.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().or_else(|_plain| Decimal::from_scientific(text)).unwrap()
}

#[test]
fn every_vector_means_what_its_source_says() {
    let mut n_passed: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for vector in vectors() {
        let differences = differences(&vector);
        if differences.is_empty() != is_disputed(&vector.id) {
            *n_passed.entry(vector.protocol).or_default() += 1;
        } else {
            problems.push(format!("{}: {differences:?}", vector.id));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    let expected: BTreeMap<_, _> =
        N_VECTORS.iter().map(|(protocol, n)| ((*protocol).to_owned(), *n)).collect();
    assert_eq!(n_passed, expected);
}

#[test]
fn the_command_refuses_what_a_source_calls_an_error_and_nothing_else() {
    for vector in vectors() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vitalgate"));
        command.args(["device", "decode", "--json", "--format", &vector.protocol]);
        if let Some(Secret { key, address }) = &vector.secret {
            command.args(["--key", &hex::encode(key), "--mac", &hex::encode(address)]);
        }
        let output = command.arg(hex::encode(&vector.bytes)).output().unwrap();
        let is_error = vector.expected.contains_key("error");
        assert_eq!(output.status.code(), Some(i32::from(is_error)), "{}: {output:?}", vector.id);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer.get("refused").is_some(), is_error, "{}: {answer}", vector.id);
    }
}

#[test]
fn what_the_hub_takes_over_is_what_the_fields_say() {
    for vector in vectors() {
        let Ok(decoded) = decoded(&vector) else {
            continue;
        };
        let field = |name: &str| {
            let found = decoded.fields.iter().find(|(field, _value)| *field == name);
            found.and_then(|(_name, value)| number_of(value)).filter(|it| !it.is_zero())
        };
        for item in &decoded.items {
            let Item::Observation(observation) = item else { continue };
            for measured in &observation.values {
                let names: &[_] = match measured.vital.as_str() {
                    "systolic-pressure" => &["systolic"],
                    "diastolic-pressure" => &["diastolic"],
                    "mean-arterial-pressure" => &["mean"],
                    "pulse-rate" => &["hr_d", "pulse", "hr", "pr", "bpm"],
                    "oxygen-saturation" => &["spo2_d", "spo2"],
                    "pulse-amplitude-index" => &["pai"],
                    "body-weight" => &["weight", "value", "weight_kg"],
                    "body-height" => &["height"],
                    "body-mass-index" => &["bmi"],
                    "body-temperature" => &["temperature"],
                    "body-fat" => &["body_fat_pct"],
                    "body-muscle" => &["muscle_pct"],
                    "muscle-mass" => &["muscle_mass"],
                    "fat-free-mass" => &["fat_free_mass"],
                    "soft-lean-mass" => &["soft_lean_mass"],
                    "body-water" => &["body_water_mass"],
                    "glucose" => &["concentration"],
                    _heart_rate => &["hr"],
                };
                let said = names.iter().find_map(|it| field(it));
                let said = said.expect(&vector.id);
                let is_unit = |unit: &str| decoded.fields.contains(&("unit", Value::from(unit)));
                let scale = match () {
                    () if is_unit("g") => Decimal::new(1, 3),
                    () if is_unit("kg/L") => Decimal::from(100_000),
                    () if is_unit("mol/L") => Decimal::from(1000),
                    () => Decimal::ONE,
                };
                assert_eq!(measured.quantity.value(), said * scale, "{}", vector.id);
            }
        }
    }
}

#[test]
fn failed_measurements_and_cuffs_at_work_become_no_readings() {
    let outcome = |item: &Item| match item {
        Item::Observation(_) => "observation",
        Item::Failed(_) => "failed",
        Item::Refused(_) => "refused",
        Item::CuffPressure(_) => "cuff-pressure",
        Item::Battery(_) => "battery",
        Item::Clock(_) => "clock",
        Item::Information { .. } => "information",
    };
    let mut n_outcomes: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for vector in vectors() {
        let Ok(decoded) = decoded(&vector) else {
            continue;
        };
        for item in &decoded.items {
            *n_outcomes.entry((vector.protocol.clone(), outcome(item))).or_default() += 1;
        }
    }
    let n = |protocol: &str, outcome| {
        n_outcomes.get(&(protocol.to_owned(), outcome)).copied().unwrap_or_default()
    };
    assert_eq!((n("2A35", "failed"), n("2A35", "refused")), (5, 0));
    assert_eq!((n("2A36", "cuff-pressure"), n("2A36", "refused")), (5, 0));
    assert_eq!(n("2A36", "observation"), 0);
    assert_eq!((n("A&D standard ASCII", "failed"), n("A&D standard ASCII", "refused")), (1, 1));
}
