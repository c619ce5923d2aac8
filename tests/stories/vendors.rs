//! Devices that speak formats of their vendors over Bluetooth are connected, started where they want
//! that, put together out of their pieces, and recorded.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::panic, reason = "helpers of tests")]

use std::thread::park_timeout;
use std::time::Duration;

use firmware_sim::device::body_composition::BodyCompositionStyle;
use firmware_sim::device::plx::OximeterStyle;
use firmware_sim::device::vendor::{VendorCuff, VendorOximeter};
use firmware_sim::device::weight::{ScaleStyle, Weight};
use firmware_sim::device::xiaomi::XiaomiScale;
use firmware_sim::device::{Device, Measurement, Security, Timing};
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story};
use rust_decimal::Decimal;

/// Longest wait for what must come.
const LOOKS: usize = 240;
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

const OXIMETERS: [(VendorOximeter, &str); 6] = [
    (VendorOximeter::Jumper, "jumper-jpd-500f"),
    (VendorOximeter::Jks50f, "jks50f"),
    (VendorOximeter::Pc60fw, "viatom-pc-60fw"),
    (VendorOximeter::Viatom, "viatom-o2ring"),
    (VendorOximeter::Berry, "berry-oximeter"),
    (VendorOximeter::Cms50dBt, "contec-cms50d-bt"),
];
const CUFFS: [(VendorCuff, &str); 3] = [
    (VendorCuff::Yonker, "yonker-cuff"),
    (VendorCuff::JumperHa120, "jumper-jpd-ha120"),
    (VendorCuff::Microlife, "microlife-bluetooth"),
];

/// The values of the first reading of a device, once there is one.
fn values(story: &Story, device: &str) -> Vec<String> {
    for _look in 0..LOOKS {
        let all = story.home.list(&["readings"]).unwrap();
        if let Some(reading) = all.iter().find(|it| it["device"] == device) {
            let values = reading["values"].as_array().unwrap();
            return values.iter().map(|it| it["value"].as_str().unwrap().to_owned()).collect();
        }
        park_timeout(LOOK_INTERVAL);
    }
    panic!("no reading of {device} ever came");
}

#[test]
fn every_vendor_is_heard() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let address = |number: usize| format!("C0:FF:EE:00:02:{number:02X}");
    let oximeters = OXIMETERS.iter().enumerate().map(|(number, (style, model))| {
        let address = address(number);
        let device = Device::vendor_oximeter(model, address.parse().unwrap(), *style);
        HomeDevice::bluetooth(device.timing(Timing::brisk()), model, &address, CLIENT)
    });
    let cuffs = CUFFS.iter().zip(OXIMETERS.len()..).map(|((style, model), number)| {
        let address = address(number);
        let device = Device::vendor_cuff(model, address.parse().unwrap(), *style);
        HomeDevice::bluetooth(device.timing(Timing::brisk()), model, &address, CLIENT)
    });
    let devices: Vec<_> = oximeters.chain(cuffs).collect();
    let story = Story::begin(&program, Kind::Embedded, &devices).unwrap();
    for (_style, model) in OXIMETERS {
        let device = story.home.simulator().device(model).unwrap();
        let finger = Measurement::oximetry(97, 72).lasting(Duration::from_secs(90));
        story.home.perform(device.measure(finger)).unwrap();
    }
    for (_style, model) in CUFFS {
        let device = story.home.simulator().device(model).unwrap();
        story.home.perform(device.measure(Measurement::blood_pressure(131, 82, 70))).unwrap();
    }
    for (_style, model) in OXIMETERS {
        assert_eq!(values(&story, model), ["97", "72"], "{model}");
    }
    for (_style, model) in CUFFS {
        assert_eq!(values(&story, model), ["131", "82", "70"], "{model}");
    }
    let writes = |model: &str| story.home.simulator().device(model).unwrap().counters().writes;
    assert!(1 <= writes("viatom-o2ring") && 5 <= writes("contec-cms50d-bt"));
    assert_eq!(writes("microlife-bluetooth"), 2, "the clock, and the question for its memory");
}

#[test]
fn a_meter_that_is_asked_and_a_scale_that_waits_for_the_time_are_heard() {
    const METER: &str = "C0:FF:EE:00:05:01";
    const SCALE: &str = "C0:FF:EE:00:05:02";
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let meter = Device::taidoc_on_air("meter", METER.parse().unwrap()).timing(Timing::brisk());
    let scale = Device::transtek_scale("scale", SCALE.parse().unwrap()).timing(Timing::brisk());
    let devices = [
        HomeDevice::bluetooth(meter, "taidoc-bluetooth", METER, CLIENT),
        HomeDevice::bluetooth(scale, "transtek-bs444", SCALE, CLIENT),
    ];
    let story = Story::begin(&program, Kind::Embedded, &devices).unwrap();
    let measure = |name: &str, measured| {
        let device = story.home.simulator().device(name).unwrap();
        story.home.perform(device.measure(measured)).unwrap();
    };
    measure("meter", Measurement::blood_pressure(131, 82, 70));
    assert_eq!(values(&story, "meter"), ["131", "82", "70"]);
    measure("scale", Measurement::weight_kg(Decimal::new(705, 1)));
    assert_eq!(values(&story, "scale"), ["70.5"]);
    let readings = story.home.list(&["readings"]).unwrap();
    let qualities: Vec<_> = readings.iter().map(|it| &it["time_quality"]).collect();
    assert_eq!(qualities, ["synced", "synced"], "{readings:?}");
    let scale = story.home.simulator().device("scale").unwrap();
    assert_eq!((scale.counters().writes, scale.counters().records_pending), (1, 0));
}

#[test]
fn a_scale_that_wants_a_consent_and_sends_two_packets_is_read_as_one_measurement() {
    const SCALE: &str = "C0:FF:EE:00:03:01";
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let style = BodyCompositionStyle::TwoPackets;
    let device = Device::body_composition_scale("scale", SCALE.parse().unwrap(), style);
    let device = device.security(Security::Open).timing(Timing::brisk());
    let mut scale = HomeDevice::bluetooth(device, "sig-body-composition", SCALE, CLIENT);
    let user = format!("[[device.user]]\nslot = 1\nsubject = \"{CLIENT}\"\nconsent = 1234\n");
    scale.table = scale.table.replace(&format!("subject = \"{CLIENT}\"\n"), &user);
    let story = Story::begin(&program, Kind::Embedded, &[scale]).unwrap();
    let device = story.home.simulator().device("scale").unwrap();
    let weighed = Measurement::body_composition(Decimal::new(215, 1), Decimal::new(705, 1));
    story.home.perform(device.measure(weighed)).unwrap();
    assert_eq!(values(&story, "scale"), ["70.500", "21.5"]);
    assert_eq!(device.counters().indications, 3, "two packets and the answer to the consent");
}

#[test]
fn scales_that_advertise_their_weight_are_heard_once_and_never_connected() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let address = |number: usize| format!("C0:FF:EE:00:04:{number:02X}");
    let s400 = XiaomiScale::S400 { key: [0x5A; 16], address: address(2).parse().unwrap() };
    let styles = [
        (XiaomiScale::One, "xiaomi-scale", "72.000"),
        (XiaomiScale::Two, "xiaomi-scale-2", "72.000"),
        (s400, "xiaomi-s400", "72.0"),
    ];
    let scales = styles.iter().enumerate().map(|(number, (style, model, _shown))| {
        let address = address(number);
        let device = Device::xiaomi_scale(model, address.parse().unwrap(), *style);
        HomeDevice::bluetooth(device.timing(Timing::brisk()), model, &address, CLIENT)
    });
    let mut scales: Vec<_> = scales.collect();
    scales[2].table = format!("{}bind_key = \"{}\"\n", scales[2].table, "5a".repeat(16));
    let story = Story::begin(&program, Kind::Embedded, &scales).unwrap();
    for (_style, model, shown) in styles {
        let device = story.home.simulator().device(model).unwrap();
        story.home.perform(device.measure(Measurement::weight_kg(72))).unwrap();
        assert_eq!(values(&story, model), [shown], "{model}");
        assert_eq!(device.counters().connections, 0);
    }
    let readings = story.home.list(&["readings"]).unwrap();
    assert_eq!(readings.len(), styles.len(), "{readings:?}");
}

#[test]
fn a_spot_check_that_was_passed_is_read_once_and_one_that_was_not_is_nothing() {
    const OXIMETER: &str = "C0:FF:EE:00:07:01";
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let style = OximeterStyle::Nonin3230;
    let device = Device::oximeter("oximeter", OXIMETER.parse().unwrap(), style);
    let device = device.security(Security::Open).timing(Timing::brisk());
    let device = HomeDevice::bluetooth(device, "nonin-3230", OXIMETER, CLIENT);
    let story = Story::begin(&program, Kind::Embedded, &[device]).unwrap();
    let oximeter = story.home.simulator().device("oximeter").unwrap();
    for (seconds, spo2) in [(4, 91), (15, 97), (15, 96)] {
        let n_before = oximeter.counters().hang_ups;
        let finger = Measurement::oximetry(spo2, 72).lasting(Duration::from_secs(seconds));
        story.home.perform(oximeter.measure(finger)).unwrap();
        story.home.perform(oximeter.wait_until(|it| n_before < it.hang_ups)).unwrap();
    }
    let hub = story.home.hub().unwrap();
    hub.wait_for_lines(Mark::default(), "session ended", 3, Duration::from_secs(30)).unwrap();
    let readings = story.home.list(&["readings"]).unwrap();
    let told: Vec<_> = readings.iter().map(|it| &it["values"][0]["value"]).collect();
    assert_eq!(told, ["97", "96"], "{readings:?}");
    let kept = oximeter.counters();
    assert!(0 < kept.writes, "it was asked for its records: {kept:?}");
}

#[test]
fn a_load_below_zero_is_a_failed_measurement() {
    const SCALE: &str = "C0:FF:EE:00:07:02";
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::scale("scale", SCALE.parse().unwrap(), ScaleStyle::Detecto);
    let device = device.security(Security::Open).timing(Timing::brisk());
    let device = HomeDevice::bluetooth(device, "detecto-scale", SCALE, CLIENT);
    let story = Story::begin(&program, Kind::Embedded, &[device]).unwrap();
    let scale = story.home.simulator().device("scale").unwrap();
    story.home.perform(scale.measure(Measurement::Weight(Weight::below_zero()))).unwrap();
    let hub = story.home.hub().unwrap();
    let failed = "kind=\"measurement-failed\"";
    hub.wait_for_lines(Mark::default(), failed, 1, Duration::from_secs(30)).unwrap();
    let pounds = Weight::pounds(Decimal::new(1502, 1));
    story.home.perform(scale.measure(Measurement::Weight(pounds))).unwrap();
    assert_eq!(values(&story, "scale"), ["150.20"]);
    assert_eq!(story.home.list(&["readings"]).unwrap().len(), 1);
}
