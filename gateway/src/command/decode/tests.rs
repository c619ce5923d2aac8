use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    decode: DecodeArguments,
}

/// The code, standard output and standard error.
fn ask(format: &str, hex: &str, is_json: bool) -> (u8, String, String) {
    let (format, hex) = (Some(format.to_owned()), vec![hex.to_owned()]);
    let arguments =
        DecodeArguments { format, hex, key: None, mac: None, list: false, json: is_json };
    answer_to(&arguments)
}

fn answer_to(arguments: &DecodeArguments) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = answer(arguments, &mut out, &mut err).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn every_format_names_a_model_and_is_found_by_its_name() {
    for it in formats() {
        assert!(it.origin.is_none_or(|origin| model(origin.model).is_some()), "{}", it.name);
        assert_eq!(format(it.name).map(|it| it.name), Some(it.name));
    }
    assert_eq!(format("2a35").map(|it| it.name), Some("2A35"));
}

#[test]
fn bytes_are_shown_field_by_field() {
    let (code, out, err) = ask("2A9D", "02 b0:36 e7-07 0c 19 0e 1e 2d", false);
    let expected = "unit                     kg\n\
                    weight                   70.000\n\
                    timestamp                2023-12-25T14:30:45\n\
                    reading: weight weight 70.000 kg\n";
    assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn json_keeps_the_precision() {
    let (code, out, _err) = ask("2A1C", "00100e00fe", true);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(out.pointer("/fields/temperature"), Some(&json!("36.00")));
    assert_eq!(out.pointer("/items/0/values/0/value"), Some(&json!("36.00")));
    assert_eq!(out.pointer("/items/0/values/0/unit"), Some(&json!("Cel")));
}

#[test]
fn refused_bytes_say_why() {
    let (code, out, err) = ask("2A35", "1f0048", false);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, "refused: 3 bytes end before diastolic\n");
    let (code, out, _err) = ask("2A35", "1f0048", true);
    assert_eq!((code, out.as_str()), (1, "{\"refused\":\"3 bytes end before diastolic\"}\n"));
}

#[test]
fn values_that_the_hub_refuses_are_shown_and_refused() {
    let (code, out, _err) = ask("2A5F", "04620048000004", false);
    assert_eq!(code, 1);
    assert!(out.contains("measurement_status       1024\n"), "{out}");
    assert!(out.ends_with("refused: demonstration data is not about a patient\n"), "{out}");
}

#[test]
fn bytes_whose_value_nobody_believes_are_decoded_all_the_same() {
    let (code, out, _err) = ask("2A18", "1f0200e40705150a1e2d00005100140000", false);
    assert_eq!(code, 0);
    assert!(out.contains("concentration            81\n"), "{out}");
    assert!(out.ends_with("refused: glucose of 81000 is out of range\n"), "{out}");
}

#[test]
fn a_time_that_no_clock_shows_is_none() {
    let (code, out, _err) = ask("2A35", "167c0056006100ffffffffffffff3c001800", false);
    assert_eq!(code, 0);
    assert!(out.contains("timestamp                none\n"), "{out}");
    assert!(out.contains("status.pulse_rate_range  reserved\n"), "{out}");
    let (code, out, _err) = ask("TaiDoc 8-byte", "5125ffffffffa517", false);
    assert_eq!(code, 0);
    assert!(out.contains("data                     ffffffff\n"), "{out}");
}

#[test]
fn a_stream_with_a_lost_frame_is_decoded() {
    let stream = "Nonin DF2 stream (30 frames, mid-packet start)";
    let (first, next) = ("0181000082", "0180000081");
    let hex = [first.to_owned(), next.repeat(9), first.to_owned(), next.repeat(24)].concat();
    let (code, out, _err) = ask(stream, &hex, false);
    assert_eq!(code, 0);
    assert!(out.contains("packets                  1\n"), "{out}");
}

#[test]
fn control_solution_is_shown_and_gives_no_reading() {
    let (code, out, _err) = ask("2A18", "020100d00701020304056fb01a", true);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, out.pointer("/fields/type")), (0, Some(&json!(10))));
    assert_eq!(out.pointer("/items"), Some(&json!([])));
}

#[test]
fn observations_of_a_standard_configuration_have_names() {
    let oximeter = "e7000036003400010101002e0000000000000d1d0024f00000000002001c0001\
                    000a00622026030108000000000a000a00482026030108000000";
    let (code, out, err) = ask("IEEE 11073-20601 APDU (fixed format scan report)", oximeter, true);
    assert_eq!((code, err.as_str()), (0, ""));
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out.pointer("/fields/spo2"), Some(&json!("98")));
    assert_eq!(out.pointer("/fields/pulse"), Some(&json!("72")));
    assert_eq!(out.pointer("/fields/timestamp"), Some(&json!("2026-03-01T08:00:00")));
}

#[test]
fn a_failed_measurement_is_an_answer() {
    let (code, out, _err) = ask("2A35", "16ff07ff07ff07e1070110091f00ff070000", false);
    assert_eq!(code, 0);
    assert!(out.contains("systolic                 NaN\n"), "{out}");
    assert!(out.contains("failed measurement: blood-pressure no-value: The measurement"), "{out}");
}

#[test]
fn lines_may_come_without_their_end() {
    for hex in ["53542c2b30303037302e35206b67", "53542c2b30303037302e35206b670d0a"] {
        let (code, out, _err) = ask("A&D standard ASCII", hex, false);
        assert_eq!(code, 0);
        assert!(out.ends_with("reading: weight weight 70.5 kg\n"), "{out}");
    }
}

#[test]
fn encrypted_bytes_need_their_key_and_address() {
    let ask = |key: Option<&str>, mac: Option<&str>| {
        answer_to(&DecodeArguments {
            format: Some(SEALED.to_owned()),
            hex: vec!["4859d53b2d3314943c58b133638c7457a4000000c3e670dc".to_owned()],
            key: key.map(str::to_owned),
            mac: mac.map(str::to_owned),
            list: false,
            json: false,
        })
    };
    let (key, mac) = ("58305740b64e4b425e518aa1f4e51339", "84:46:93:64:A5:E6");
    let (code, out, _err) = ask(Some(key), Some(mac));
    assert_eq!(code, 0);
    assert!(out.starts_with("weight_kg                74.2\n"), "{out}");
    assert_eq!(ask(None, None).0, 1);
    assert_eq!(ask(Some(key), Some("84:46:93:64:A5:E7")).0, 1);
    assert_eq!(ask(Some("58"), Some(mac)).0, 2);
    assert_eq!(ask(Some(key), Some("84")).0, 2);
}

#[test]
fn wrong_usage_is_told_apart() {
    assert_eq!(ask("2AFF", "00", false).0, 2);
    let (code, _out, err) = ask("2A35", "0g", false);
    assert_eq!((code, err.as_str()), (2, "\"0g\" is not hexadecimal, two digits for each byte\n"));
}

#[test]
fn the_list_names_every_format() {
    let list = |json| DecodeArguments {
        format: None,
        hex: Vec::new(),
        key: None,
        mac: None,
        list: true,
        json,
    };
    let (code, out, _err) = answer_to(&list(false));
    assert_eq!((code, out.lines().count()), (0, formats().count()));
    let (_code, out, _err) = answer_to(&list(true));
    let names: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(names.len(), formats().count());
}

#[test]
fn a_command_line_has_a_format_and_bytes_or_asks_for_the_list() {
    let parsed = |line: &str| CommandLine::try_parse_from(line.split(' ')).ok();
    let bytes = parsed("decode --format 2A9D 00 b036 --json").unwrap().decode;
    assert_eq!((bytes.hex.concat().as_str(), bytes.json), ("00b036", true));
    assert!(parsed("decode --list").is_some());
    assert!(parsed("decode 00b036").is_none());
    assert!(parsed("decode --format 2A9D").is_none());
}
