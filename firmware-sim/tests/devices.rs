//! Bluetooth devices of every kind, and what goes wrong with them, as a D-Bus client sees them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use firmware_sim::bluez::Counters;
use firmware_sim::bus::{Broker, Bus};
use firmware_sim::device::oximetry::Oximetry;
use firmware_sim::device::plx::OximeterStyle;
use firmware_sim::device::temperature::ThermometerStyle;
use firmware_sim::device::weight::ScaleStyle;
use firmware_sim::device::{Device, Measurement, Security, Timing, heart_rate};
use firmware_sim::fault::{ByteFault, Extent, Fault};
use firmware_sim::gatt::Address;
use firmware_sim::simulator::{DeviceHandle, Options, Simulator};
use futures::StreamExt;
use rust_decimal::Decimal;
use zbus::{Connection, Message, MessageStream, OwnedVariant};

const LIMIT: Duration = Duration::from_secs(20);
const ADDRESS: Address = Address([0xC0, 0xFF, 0xEE, 0x00, 0x00, 0x01]);
const ADAPTER: &str = "/org/bluez/hci0";
const DEVICE: &str = "/org/bluez/hci0/dev_C0_FF_EE_00_00_01";
/// The first characteristic of the first service.
const FIRST: &str = "/org/bluez/hci0/dev_C0_FF_EE_00_00_01/service0010/char0011";

struct Home {
    device: DeviceHandle,
    client: Connection,
    signals: MessageStream,
    _sim: Simulator,
    _bus: Bus,
    _ports: tempfile::TempDir,
}

impl Home {
    /// A device that was used before, and a client that looks for devices.
    async fn new(device: Device, speed: u32) -> Self {
        let bus = Bus::start(Broker::Any).await.unwrap();
        let ports = tempfile::tempdir().unwrap();
        let mut options = Options::new(ports.path()).on_bus(bus.address());
        options.speed = speed.try_into().unwrap();
        let device = device.security(Security::Open).bonded().timing(Timing::brisk());
        let sim = Simulator::start(options, vec![device]).await.unwrap();
        let client =
            zbus::connection::Builder::address(bus.address().as_str()).build().await.unwrap();
        // Nothing but the values: a stream that nobody drains stops the whole connection.
        let rule = format!("type='signal',path='{FIRST}'");
        let signals = MessageStream::for_match_rule(rule.as_str(), &client, None).await.unwrap();
        let device = sim.devices().next().unwrap().clone();
        let home = Self { device, client, signals, _sim: sim, _bus: bus, _ports: ports };
        home.call(ADAPTER, "org.bluez.Adapter1", "StartDiscovery").await;
        home
    }

    async fn call(&self, path: &str, interface: &str, member: &str) -> Message {
        let bluez = Some("org.bluez");
        let call = self.client.call_method(bluez, path, Some(interface), member, &());
        tokio::time::timeout(LIMIT, call).await.expect("the call is answered").unwrap()
    }

    /// Connects: to a device that was used before, its values flow from then on.
    async fn connect(&self) {
        self.call(DEVICE, "org.bluez.Device1", "Connect").await;
    }

    async fn until(&self, what: impl FnMut(&Counters) -> bool) -> Counters {
        let waiting = self.device.wait_until(what);
        tokio::time::timeout(LIMIT, waiting).await.expect("it happens").unwrap()
    }

    /// Returns the next value that the daemon signals, in hexadecimal.
    async fn value(&mut self) -> String {
        let next = async {
            loop {
                let signal = self.signals.next().await.unwrap().unwrap();
                let changed: (String, BTreeMap<String, OwnedVariant>, Vec<String>) =
                    signal.body().deserialize().unwrap();
                if let Some(value) = changed.1.get("Value") {
                    let bytes = Vec::<u8>::try_from(value.clone()).unwrap();
                    return hex::encode(bytes);
                }
            }
        };
        tokio::time::timeout(LIMIT, next).await.expect("a value arrives")
    }

    async fn values<const N: usize>(&mut self) -> [String; N] {
        let mut values = [const { String::new() }; N];
        for value in &mut values {
            *value = self.value().await;
        }
        values
    }

    async fn spoil(&self, fault: ByteFault, n_values: u32) {
        let fault = Fault::Bytes { fault, extent: Extent::Next(n_values) };
        self.device.fault(fault).await.unwrap();
    }
}

fn bare_thermometer() -> Device {
    Device::thermometer("thermometer", ADDRESS, ThermometerStyle::Bare)
}

/// A temperature in tenths of a degree, which a bare thermometer sends as `00 xx 01 00 FF`.
fn tenths(tenths: i64) -> Measurement {
    Measurement::temperature_c(Decimal::new(tenths, 1))
}

#[tokio::test]
async fn a_thermometer_indicates_what_it_measured() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.device.measure(tenths(366)).await.unwrap();
    home.connect().await;
    assert_eq!(home.value().await, "006e0100ff");
    home.until(|seen| seen.hang_ups == 1).await;
}

#[tokio::test]
async fn a_scale_indicates_the_weight_of_its_user() {
    let mut home = Home::new(Device::scale("scale", ADDRESS, ScaleStyle::Metric), 1).await;
    home.device.measure(Measurement::weight_kg(70).by_user(2)).await.unwrap();
    home.connect().await;
    let value = home.value().await;
    assert!(value.starts_with("06b036") && value.ends_with("02"), "{value}");
}

#[tokio::test]
async fn a_worn_oximeter_notifies_once_a_second_and_hangs_up_when_the_finger_is_out() {
    let oximeter = Device::oximeter("oximeter", ADDRESS, OximeterStyle::Continuous);
    let mut home = Home::new(oximeter, 20).await;
    let worn = Duration::from_secs(80);
    home.device.measure(Measurement::oximetry(98, 78).lasting(worn)).await.unwrap();
    home.connect().await;
    assert_eq!(home.values::<3>().await, ["0c62004e002000000000"; 3]);
    let seen = home.until(|seen| seen.hang_ups == 1).await;
    // The first seconds may pass before there is a link.
    assert_eq!(seen.indications + seen.values_unheard, 80);
    assert_eq!((seen.connections, seen.records_pending), (1, 0));
}

#[tokio::test]
async fn values_of_a_belt_that_nobody_listens_to_are_lost() {
    let belt = Device::heart_rate_belt("belt", ADDRESS);
    let mut home = Home::new(belt, 100).await;
    let worn = Duration::from_secs(5);
    home.device.measure(Measurement::heart_rate(60).lasting(worn)).await.unwrap();
    let seen = home.until(|seen| seen.values_unheard == 5).await;
    assert_eq!((seen.indications, seen.records_pending), (0, 0));

    let worn = Duration::from_secs(3600);
    home.device.measure(Measurement::heart_rate(120).lasting(worn)).await.unwrap();
    home.connect().await;
    let half_a_second = hex::encode(heart_rate::encode(120, Some(true), &[512]));
    assert_eq!(home.value().await, half_a_second);
}

#[tokio::test]
async fn a_lost_link_does_not_end_what_is_worn() {
    let oximeter = Device::oximeter("oximeter", ADDRESS, OximeterStyle::Continuous);
    let mut home = Home::new(oximeter, 20).await;
    let worn = Duration::from_secs(3600);
    home.device.measure(Measurement::oximetry(98, 78).lasting(worn)).await.unwrap();
    home.connect().await;
    home.value().await;
    home.device.fault(Fault::LinkLoss).await.unwrap();
    let seen = home.until(|seen| seen.disconnections == 1).await;
    assert!(seen.advertising);
    home.connect().await;
    home.value().await;
}

#[tokio::test]
async fn a_choicemmed_ends_with_a_stored_record() {
    let oximeter = Device::oximeter("oximeter", ADDRESS, OximeterStyle::ChoiceMmed);
    let mut home = Home::new(oximeter, 20).await;
    let oximetry = Oximetry { worn: Duration::from_secs(3), ..Oximetry::new(97, 71) };
    home.device.measure(Measurement::Oximetry(oximetry)).await.unwrap();
    home.connect().await;
    let value = home.value().await;
    assert!(value.starts_with("1761004700") && value.ends_with("0001000000"), "{value}");
}

#[tokio::test]
async fn a_dropped_value_leaves_the_device_and_does_not_arrive() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.spoil(ByteFault::Drop, 1).await;
    home.device.measure(tenths(366)).await.unwrap();
    home.device.measure(tenths(367)).await.unwrap();
    home.connect().await;
    assert_eq!(home.value().await, "006f0100ff");
    let seen = home.until(|seen| seen.hang_ups == 1).await;
    assert_eq!((seen.indications, seen.spoiled, seen.records_pending), (2, 1, 0));
}

#[tokio::test]
async fn a_duplicated_value_arrives_twice() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.spoil(ByteFault::Duplicate, 1).await;
    home.device.measure(tenths(366)).await.unwrap();
    home.device.measure(tenths(367)).await.unwrap();
    home.connect().await;
    assert_eq!(home.values().await, ["006e0100ff", "006e0100ff", "006f0100ff"]);
}

#[tokio::test]
async fn reordered_values_change_places() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.spoil(ByteFault::Reorder, 1).await;
    for value in [366, 367, 368] {
        home.device.measure(tenths(value)).await.unwrap();
    }
    home.connect().await;
    assert_eq!(home.values().await, ["006f0100ff", "006e0100ff", "00700100ff"]);
}

#[tokio::test]
async fn a_truncated_value_is_shorter_and_the_next_one_whole() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.spoil(ByteFault::Truncate, 1).await;
    home.device.measure(tenths(366)).await.unwrap();
    home.device.measure(tenths(366)).await.unwrap();
    home.connect().await;
    let [cut, whole] = home.values().await;
    assert!(cut.len() < whole.len() && whole.starts_with(&cut), "{cut}");
    assert_eq!(whole, "006e0100ff");
}

#[tokio::test]
async fn healed_bytes_are_as_they_are() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    let always = Extent::OneIn(NonZeroU32::MIN);
    home.device.fault(Fault::Bytes { fault: ByteFault::BitFlip, extent: always }).await.unwrap();
    home.device.fault(Fault::BytesHeal).await.unwrap();
    home.device.measure(tenths(366)).await.unwrap();
    home.connect().await;
    assert_eq!(home.value().await, "006e0100ff");
}

#[tokio::test]
async fn a_missed_wake_window_is_made_up_for_by_the_next_one() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    home.device.fault(Fault::MissedWake).await.unwrap();
    home.device.measure(tenths(366)).await.unwrap();
    let seen = home.device.counters();
    assert_eq!((seen.missed_wakes, seen.advertisements), (1, 0));
    home.device.measure(tenths(367)).await.unwrap();
    home.connect().await;
    assert_eq!(home.values().await, ["006e0100ff", "006f0100ff"]);
}

#[tokio::test]
async fn a_clock_that_fell_back_shows_in_what_is_measured() {
    let scale = Device::scale("scale", ADDRESS, ScaleStyle::Metric);
    let mut home = Home::new(scale, 1).await;
    let reset = "2010-01-01T00:00:00".parse().unwrap();
    home.device.fault(Fault::ClockReset(reset)).await.unwrap();
    home.device.measure(Measurement::weight_kg(70)).await.unwrap();
    home.connect().await;
    let value = home.value().await;
    assert!(value.starts_with("06b036da070101"), "{value}");
}

#[tokio::test]
async fn a_flood_sends_one_value_at_its_rate() {
    let mut home = Home::new(bare_thermometer(), 1).await;
    let per_second = NonZeroU32::new(500).unwrap();
    let lasting = Duration::from_secs(60);
    home.device.wake().await.unwrap();
    home.connect().await;
    let flood = Fault::Flood { frame: vec![0xFF, 0x00], per_second, lasting };
    home.device.fault(flood).await.unwrap();
    assert_eq!(home.values().await, ["ff00"; 100].map(str::to_owned));
    assert_eq!(home.device.counters().values_unheard, 0);
}
