use proptest::prelude::*;
use vitals::{Flag, Vital};

use super::catalogue::{model, models, sig_uuid};
use super::fixture::{at_ms, bytes};
use super::nonin_df2::tests::{packet, packet_with};
use super::*;

fn decoder(key: &str) -> Decoder {
    Decoder::new(model(key).unwrap(), StreamSettings::default())
}

fn characteristic(short: u16) -> Source {
    Source::Characteristic(sig_uuid(short))
}

/// Every item in one word and its numbers.
fn told(items: &[Item]) -> Vec<String> {
    let word = |item: &Item| match item {
        Item::Observation(it) => {
            let values: Vec<_> = it.values.iter().map(|it| it.quantity.to_string()).collect();
            values.join(", ")
        }
        Item::Failed(it) => format!("failed: {}", it.reasons.first().unwrap().as_str()),
        Item::Refused(it) => format!("refused: {}", it.error),
        Item::CuffPressure(it) => format!("cuff at {it}"),
        Item::Battery(it) => format!("battery {it} %"),
        Item::Clock(it) => format!("clock {it}"),
        Item::Information { subject, text } => format!("{} {text}", subject.as_str()),
    };
    items.iter().map(word).collect()
}

#[track_caller]
fn check(key: &str, short: u16, hex: &str, expected: &[&str]) {
    let items = decoder(key).push(at_ms(0), characteristic(short), &bytes(hex));
    assert_eq!(told(&items), expected);
}

#[test]
fn each_characteristic_has_its_decoder() {
    let any = "sig-blood-pressure";
    check(any, 0x2A35, "047d00500066004000", &["125 mmHg, 80 mmHg, 102 mmHg, 64 /min"]);
    check(any, 0x2A36, "00510000000000", &["cuff at 81 mmHg"]);
    check(any, 0x2A5E, "0063005000", &["99 %, 80 /min"]);
    check(any, 0x2A5F, "0063005000", &["99 %, 80 /min"]);
    check(any, 0x2A9D, "00b036", &["70.000 kg"]);
    check(any, 0x2A1C, "006a0100ff", &["36.2 °C"]);
    check(any, 0x2A37, "0055", &["85 /min"]);
    check(any, 0x2A19, "22", &["battery 34 %"]);
    check(any, 0x2A29, "4f4d524f4e00", &["manufacturer OMRON"]);
    check(any, 0x2A25, "0000", &[]);
}

/// What a serial device tells in whole, with all that it held back.
#[track_caller]
fn check_serial(key: &str, stream: &[u8], expected: &[&str]) {
    let mut decoder = decoder(key);
    let mut items = decoder.push(at_ms(0), Source::Serial, stream);
    items.extend(decoder.end());
    assert_eq!(told(&items), expected, "{key}");
}

#[test]
fn each_serial_format_has_its_framing() {
    check_serial("contec-5byte", &bytes("85320a4161"), &["97 %, 65 /min"]);
    check_serial("nonin-df1", &bytes("804861"), &["97 %, 72 /min"]);
    check_serial("nonin-df8", &bytes("80486120"), &["97 %, 72 /min"]);
    let spot_check = bytes("00020d0e141a0301080500000200004800610503");
    check_serial("nonin-df13", &spot_check, &["97 %, 72 /min"]);
    check_serial("suntech-nibp", &bytes("3e044b73"), &[]);
    let line = b"\n03/17/16 19:19:36 SPO2=098% BPM=123\r\n";
    check_serial("masimo-ascii-1", line, &["98 %, 123 /min"]);
    let line = b"\n2026,03,01,08,05,                4711,0,121, 79, 68,1\r\n";
    check_serial("omron-hbp-9030", line, &["121 mmHg, 79 mmHg, 68 /min"]);
}

#[test]
fn samples_of_a_stream_are_picked_and_measurements_are_all_told() {
    let frames = bytes("804861").repeat(5);
    check_serial("nonin-df1", &frames, &["97 %, 72 /min", "97 %, 72 /min"]);
    let checks = bytes("00020d0e141a0301080500000200004800610503").repeat(3);
    check_serial("nonin-df13", &checks, &["97 %, 72 /min"; 3]);
}

#[test]
fn half_a_line_is_passed_over_and_a_bad_one_is_told() {
    check_serial("masimo-ascii-1", b"SPO2=098% BPM=123\r\n", &[]);
    let refused = "refused: line is not of the form 03/17/16 19:19:36 SPO2=098% BPM=123 ...";
    check_serial("masimo-ascii-1", b"\nSPO2=098% BPM=123\r\n", &[refused]);
}

#[test]
fn the_profiles_of_scales_and_meters_have_theirs() {
    check("sig-body-composition", 0x2A9C, "00047800b036", &["70.000 kg, 12.0 %"]);
    check("sig-glucose", 0x2A18, "020100e40705150a1e2d6fb011", &["111 mg/dL"]);
    let too_high = "0a0100e40705150a1e2d6fb0112000";
    check("sig-glucose", 0x2A18, too_high, &["failed: above-range"]);
}

#[test]
fn what_is_no_measurement_gives_no_item() {
    check("sig-glucose", 0x2A18, "020100e40705150a1e2d6fb04a", &[]);
    check("sig-glucose", 0x2A34, "02010001", &[]);
    check("sig-glucose", 0x2A52, "06000101", &[]);
    check("sig-glucose", 0x2A52, "06000106", &[]);
    check("sig-thermometer", 0x2A1E, "006a0100ff", &[]);
    let withheld = "refused: the device answers request 1 for its records with code 8";
    check("sig-glucose", 0x2A52, "06000108", &[withheld]);
}

#[test]
fn a_too_high_glucose_tells_a_person_whom_to_call() {
    let items = decoder("sig-glucose").push(
        at_ms(0),
        characteristic(0x2A18),
        &bytes("0a0100e40705150a1e2d6fb0112000"),
    );
    let [Item::Failed(failed)] = items.as_slice() else { panic!("{items:?}") };
    assert!(failed.coaching().contains("call your nurse"), "{}", failed.coaching());
}

/// What a meter tells of record 1 with a context to come, and then of `values`.
#[track_caller]
fn check_meter(values: &[(u16, &str)], expected: &[&str]) {
    let mut meter = decoder("sig-glucose");
    let mut push = |short, hex: &str| meter.push(at_ms(0), characteristic(short), &bytes(hex));
    assert_eq!(push(0x2A18, "120100e40705150a1e2d05b011"), []);
    let items: Vec<_> = values.iter().flat_map(|(short, hex)| push(*short, hex)).collect();
    assert_eq!(told(&items), expected);
}

#[test]
fn a_ketone_is_never_a_very_low_glucose() {
    check_meter(&[(0x2A34, "02010006")], &["refused: record 1 is a ketone, not a glucose"]);
    check_meter(&[(0x2A34, "02010001")], &["5 mg/dL"]);
    check_meter(&[(0x2A34, "02020006")], &["5 mg/dL"]);
}

#[test]
fn a_record_without_its_context_is_told_and_doubted() {
    let next = (0x2A18, "020200e40705150a1e2d6fb011");
    check_meter(&[next], &["5 mg/dL", "111 mg/dL"]);
    check_meter(&[(0x2A52, "06000101")], &["5 mg/dL"]);
    let mut meter = decoder("sig-glucose");
    meter.push(at_ms(0), characteristic(0x2A18), &bytes("120100e40705150a1e2d05b011"));
    let items = meter.end();
    assert_eq!(told(&items), ["5 mg/dL"]);
    let [Item::Observation(it)] = items.as_slice() else { panic!("{items:?}") };
    assert!(it.flags.contains(&Flag::Questionable), "it may be a ketone: {:?}", it.flags);
    assert_eq!(meter.end(), []);
}

#[test]
fn what_is_not_understood_is_kept_as_it_came() {
    let source = characteristic(0x2A35);
    let items = decoder("sig-blood-pressure").push(at_ms(5), source, &[0x1F, 0x00, 0x48]);
    let error = DecodeError::Truncated { field: "diastolic", len_bytes: 3 };
    let refused =
        Refused { source, received: at_ms(5), raw: vec![0x1F, 0x00, 0x48], error, n_untold: 0 };
    assert_eq!(items, [Item::Refused(refused)]);
}

#[test]
fn bytes_from_nowhere_known_are_refused() {
    let mut monitor = decoder("sig-blood-pressure");
    let of_another_maker = Source::Characteristic(Uuid::from_u128(7));
    for source in [Source::Serial, characteristic(0x2A0F), of_another_maker] {
        let items = monitor.push(at_ms(0), source, &[1]);
        assert!(
            matches!(
                items.as_slice(),
                [Item::Refused(Refused { error: DecodeError::UnexpectedSource { .. }, .. })]
            ),
            "{items:?}"
        );
    }
    let items = decoder("nonin-df2").push(at_ms(0), characteristic(0x2A35), &[1]);
    assert_eq!(told(&items).len(), 1);
}

#[test]
fn every_stored_failure_is_told_each_time_with_its_own_identity() {
    let mut monitor = decoder("and-ua-651ble");
    let mut push = |hex: &str| monitor.push(at_ms(0), characteristic(0x2A35), &bytes(hex));
    let first = push("16ff07ff07ff07e1070110091f00ff070000");
    let replay = push("16ff07ff07ff07e1070110091f00ff070000");
    let other = push("16ff07ff07ff07e107010f00001bff070000");
    assert_eq!(first, replay);
    let identity = |items: &[Item]| match items {
        [Item::Failed(failed)] => failed.content_identity().unwrap(),
        _other => panic!("{items:?}"),
    };
    assert_ne!(identity(&first), identity(&other));
}

#[test]
fn a_record_of_a_memory_without_a_date_is_known_when_it_is_read_again() {
    let record = bytes("5b781a4800001b42000014006996");
    let mut block = [&bytes("40810002ac38")[..], &record, &[0xFF; 42], &[0]].concat();
    block.push(block.iter().fold(0, |sum, it| sum ^ it));
    let mut cuff = decoder("omron-hem-7322t");
    let mut identity = || {
        let pieces = block.chunks(16).zip(omron_memory::ANSWERS);
        let push = |(piece, at)| cuff.push(at_ms(0), Source::Characteristic(at), piece);
        let items: Vec<_> = pieces.flat_map(push).collect();
        cuff.end();
        match items.as_slice() {
            [Item::Observation(it)] => it.content_identity(),
            _other => panic!("{items:?}"),
        }
    };
    let first = identity();
    assert!(first.is_some());
    assert_eq!(identity(), first);
}

#[test]
fn failed_measurements_tell_a_person_what_to_do() {
    let items = decoder("sig-blood-pressure").push(
        at_ms(0),
        characteristic(0x2A35),
        &bytes("10ff07ff07ff070200"),
    );
    let [Item::Failed(failed)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(failed.reasons, [FailureReason::CuffLoose]);
    assert!(failed.coaching().starts_with("The cuff was too loose."));
}

#[test]
fn observations_carry_the_battery_that_was_read_before() {
    let mut scale = decoder("and-uc-352ble");
    let battery = |items: Vec<Item>| match items.as_slice() {
        [Item::Observation(it)] => it.battery_percent,
        _other => panic!("{items:?}"),
    };
    assert_eq!(battery(scale.push(at_ms(0), characteristic(0x2A9D), &bytes("00b036"))), None);
    scale.push(at_ms(0), characteristic(0x2A19), &[80]);
    scale.push(at_ms(0), characteristic(0x2A19), &[200]);
    assert_eq!(battery(scale.push(at_ms(0), characteristic(0x2A9D), &bytes("00b036"))), Some(80));
}

/// One packet a third of a second, from a finger in to the end of the port.
fn play(packets: &[Vec<u8>]) -> Vec<String> {
    let mut oximeter = decoder("nonin-df2");
    let mut items = Vec::new();
    for (at_ms_, packet) in (0..).step_by(333).zip(packets) {
        items.extend(oximeter.push(at_ms(at_ms_), Source::Serial, packet));
    }
    items.extend(oximeter.end());
    told(&items)
}

#[test]
fn a_finger_on_a_serial_oximeter_gives_some_readings() {
    let minute = vec![packet(97, 72); 180];
    assert_eq!(play(&minute), ["97 %, 72 /min"; 5]);
}

#[test]
fn a_fall_on_a_serial_oximeter_is_told_at_once() {
    let fall = [packet(97, 72), packet(96, 72), packet(91, 80), packet(97, 72)];
    assert_eq!(play(&fall), ["97 %, 72 /min", "91 %, 80 /min", "97 %, 72 /min"]);
}

#[test]
fn a_finger_that_leaves_gives_the_last_value() {
    let off = packet_with(127, 511, 0xC8, 0);
    let packets = [vec![packet(97, 72), packet(96, 74)], vec![off; 12]].concat();
    assert_eq!(play(&packets), ["97 %, 72 /min", "96 %, 74 /min"]);
}

#[test]
fn noise_on_a_serial_oximeter_is_told_once() {
    let noise: Vec<u8> = std::iter::repeat_n(0xFF, 10_000).collect();
    let told = play(&[packet(97, 72), noise]);
    assert_eq!(
        told,
        [
            "97 %, 72 /min",
            "refused: start byte of 0xff breaks the frame",
            "refused: no frame in 250 bytes"
        ]
    );
}

/// What `model` says when it tells `values` at `uuid`.
fn told_by(model: &str, uuid: u16, values: &[Vec<u8>]) -> Vec<Item> {
    let mut decoder = decoder(model);
    let source = Source::Characteristic(sig_uuid(uuid));
    let items = values.iter().flat_map(|it| decoder.push(at_ms(0), source, it));
    items.collect::<Vec<_>>().into_iter().chain(decoder.end()).collect()
}

#[test]
fn records_of_a_cuff_that_never_knew_the_date_are_known_again() {
    // Nobody set its clock; the second record cannot be read, and hides none of the others.
    let records: [[u8; 10]; 3] = [
        [134, 70, 68, 17, 0, 0, 0, 0, 0x80, 0],
        [0, 70, 68, 17, 0, 0, 0, 0, 0x80, 0],
        [128, 75, 60, 17, 0, 0, 0, 0, 0x80, 0],
    ];
    let mut frame = vec![0x4D, 0x3A, 0, 69, 0, 0, 0, 3];
    frame.resize(42, 0);
    frame.extend(records.concat());
    frame.push(frame.iter().fold(0_u8, |sum, it| sum.wrapping_add(*it)));
    let identities = || {
        let items = told_by("microlife-bluetooth", 0xFFF1, &[frame.clone()]);
        let [Item::Observation(first), Item::Refused(_), Item::Observation(last)] =
            items.as_slice()
        else {
            panic!("{items:?}")
        };
        [first.content_identity().unwrap(), last.content_identity().unwrap()]
    };
    let [first, last] = identities();
    assert_ne!(first, last);
    assert_eq!(identities(), [first, last]);
}

#[test]
fn a_sample_that_was_held_back_keeps_its_own_moment() {
    let mut oximeter = decoder("nonin-8500");
    oximeter.push(at_ms(0), Source::Serial, b"SPO2=097 HR=072\r\n");
    oximeter.push(at_ms(1_000), Source::Serial, b"SPO2=096 HR=073\r\n");
    let items = oximeter.end();
    let [Item::Observation(last)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(last.received, at_ms(1_000));
    assert!(last.is_live_stream);
    assert_eq!(last.raw, b"SPO2=096 HR=073");
    assert_eq!(last.content_identity(), None);
}

#[test]
fn text_lines_come_in_pieces_and_may_begin_in_the_middle() {
    let mut oximeter = decoder("nonin-8500");
    let mut push = |text: &str| told(&oximeter.push(at_ms(0), Source::Serial, text.as_bytes()));
    assert_eq!(push("7 HR=072\r\nSPO2=0"), [""; 0]);
    assert_eq!(push("97 HR=072\r"), ["97 %, 72 /min"]);
    assert_eq!(push("\nSPO2=0x7 HR=072\r\n"), ["refused: line is not of the form SPO2=099 HR=072"]);
    assert_eq!(push("SPO2=0x7 HR=072\r\n"), [""; 0]);
}

#[test]
fn a_scale_gives_one_weight_a_weighing() {
    let mut scale = decoder("and-uc-321");
    let mut push = |at, text: &str| told(&scale.push(at_ms(at), Source::Serial, text.as_bytes()));
    assert_eq!(push(0, "US,+00041.3 kg\r\nST,+00070.5 kg\r\nST,+00070.5 kg\r\n"), ["70.5 kg"]);
    assert_eq!(push(1_000, "ST,+00070.5 kg\r\nST,+00000.0 kg\r\n"), [""; 0]);
    assert_eq!(push(60_000, "ST,+00070.5 kg\r\n"), ["70.5 kg"]);
    assert_eq!(push(61_000, "OL,+9999999 kg\r\nOL,+9999999 kg\r\n"), ["failed: overload"]);
    let unit = push(62_000, "ST,+000123.4  %\r\n");
    assert_eq!(unit, ["refused: unit \"%\" is none of body weight"]);
}

#[test]
fn an_endless_line_is_refused() {
    let items = decoder("and-uc-321").push(at_ms(0), Source::Serial, &[b'S'; 1_000]);
    assert_eq!(told(&items), ["refused: line is longer than 320 bytes"]);
}

#[test]
fn the_end_forgets_half_a_frame() {
    let mut scale = decoder("and-uc-321");
    scale.push(at_ms(0), Source::Serial, b"ST,+0007");
    assert_eq!(scale.end(), []);
    let items = scale.push(at_ms(0), Source::Serial, b"0.5 kg\r\n");
    assert_eq!(items, []);
}

#[test]
fn demonstration_data_in_a_stream_is_refused_once() {
    let mut oximeter = decoder("sig-pulse-oximeter");
    let mut push = || oximeter.push(at_ms(0), characteristic(0x2A5F), &bytes("04620048000004"));
    assert_eq!(told(&push()), ["refused: demonstration data is not about a patient"]);
    assert_eq!(push(), []);
}

proptest! {
    #[test]
    fn no_bytes_panic_in_any_model(
        model in prop::sample::select(models().to_vec()),
        shorts: Vec<u16>,
        pieces: Vec<Vec<u8>>,
        step_ms in 0..10_000_u64,
    ) {
        let known = [0x2A08, 0x2A19, 0x2A1C, 0x2A2B, 0x2A24, 0x2A35, 0x2A36, 0x2A37, 0x2A5E, 0x2A5F, 0x2A9D];
        let mut decoder = Decoder::new(model, StreamSettings::default());
        for ((short, piece), at) in shorts.into_iter().chain(known).zip(pieces).zip(0..) {
            let received = at_ms(step_ms.saturating_mul(at));
            decoder.push(received, characteristic(short), &piece);
            decoder.push(received, Source::Serial, &piece);
        }
        decoder.end();
    }

    #[test]
    fn observations_have_values_and_keep_their_bytes(
        short in prop::sample::select(vec![0x2A1C_u16, 0x2A35, 0x2A37, 0x2A5E, 0x2A5F, 0x2A9D]),
        payload in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        for item in decoder("sig-blood-pressure").push(at_ms(0), characteristic(short), &payload) {
            if let Item::Observation(it) = item {
                prop_assert!(!it.values.is_empty());
                prop_assert_eq!(&it.raw, &payload);
                let main = it.values.first().map(|it| it.vital);
                prop_assert!(main.is_some_and(|it| it != Vital::PulseRate));
            }
        }
    }
}
