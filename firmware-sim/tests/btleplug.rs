//! Unmodified btleplug against the simulated `org.bluez`, on both brokers.
//!
//! libdbus reads the bus address from the environment once per process, so every story runs in a
//! child process of its own: this program again, with `DBUS_SYSTEM_BUS_ADDRESS` set.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Stdio;
use std::time::Duration;

use btleplug::api::{
    Central, CentralEvent, Characteristic, Manager as _, Peripheral as _, ScanFilter,
    ValueNotification, WriteType,
};
use btleplug::platform::{Adapter, Manager, Peripheral};
use firmware_sim::bus::{Broker, Bus};
use firmware_sim::device::blood_pressure::{self, BloodPressure};
use firmware_sim::device::{Device, Measurement, Security, Timing};
use firmware_sim::gatt::{Address, short};
use firmware_sim::simulator::{DeviceHandle, Options, Simulator};
use futures::StreamExt;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(20);
const CUFF: Address = Address([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x02]);
const BROKER: &str = "SIM_TEST_BROKER";

/// Runs a test of this program again in a child process, on a bus of its own.
async fn in_child(story: &str, broker: Broker) {
    let bus = Bus::start(broker).await.unwrap();
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", story, "--nocapture", "--include-ignored"])
        .env("DBUS_SYSTEM_BUS_ADDRESS", bus.address())
        .env(BROKER, format!("{broker:?}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(LIMIT * 3, child.wait_with_output()).await.unwrap().unwrap();
    assert!(
        ended.status.success(),
        "{story} on {broker:?}: {}\n{}\n{}",
        ended.status,
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}

/// Tells the bus address when this is a child process.
fn child_bus() -> Option<String> {
    std::env::var_os(BROKER)?;
    std::env::var("DBUS_SYSTEM_BUS_ADDRESS").ok()
}

/// Starts the parent's part of a test: the same story on each broker.
async fn on_both_brokers(story: &str) {
    in_child(story, Broker::Embedded).await;
    let daemon = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("dbus-daemon").is_file())
    });
    if daemon {
        in_child(story, Broker::DbusDaemon).await;
    }
}

struct Home {
    sim: Simulator,
    adapter: Adapter,
    bus: String,
    _ports: tempfile::TempDir,
}

impl Home {
    async fn new(address: &str, device: Device) -> Self {
        let ports = tempfile::tempdir().unwrap();
        let options = Options::new(ports.path()).on_bus(address);
        let sim = Simulator::start(options, vec![device]).await.unwrap();
        let manager = Manager::new().await.unwrap();
        let adapter = manager.adapters().await.unwrap().remove(0);
        Self { sim, adapter, bus: address.to_owned(), _ports: ports }
    }

    /// Scans until the device is seen and returns it.
    async fn find(&self) -> Peripheral {
        let mut events = self.adapter.events().await.unwrap();
        self.adapter.start_scan(ScanFilter::default()).await.unwrap();
        let found = tokio::time::timeout(LIMIT, async {
            loop {
                let event = events.next().await.unwrap();
                if let CentralEvent::DeviceDiscovered(id) | CentralEvent::RssiUpdate { id, .. } =
                    event
                {
                    return self.adapter.peripheral(&id).await.unwrap();
                }
            }
        })
        .await
        .expect("the device is seen");
        self.adapter.stop_scan().await.unwrap();
        found
    }

    /// Connects and discovers.
    ///
    /// On the embedded broker without `Peripheral::connect`: busd 0.6 keeps a client's match rules
    /// as a set, so that the end of the stream inside `connect` also ends the equal rule of
    /// `notifications`.
    async fn connect(&self, peripheral: &Peripheral, device: &DeviceHandle) {
        if std::env::var(BROKER).unwrap() == "Embedded" {
            let before = device.counters().resolutions;
            let bus = zbus::connection::Builder::address(self.bus.as_str()).build().await.unwrap();
            let path = format!("/org/bluez/{}", peripheral.id());
            let device1 = Some("org.bluez.Device1");
            bus.call_method(Some("org.bluez"), path, device1, "Connect", &()).await.unwrap();
            until(device, |seen| before < seen.resolutions).await;
        } else {
            peripheral.connect().await.unwrap();
        }
        peripheral.discover_services().await.unwrap();
    }
}

fn characteristic(peripheral: &Peripheral, uuid: Uuid) -> Characteristic {
    peripheral.characteristics().into_iter().find(|it| it.uuid == uuid).unwrap()
}

async fn next(stream: &mut (impl StreamExt<Item = ValueNotification> + Unpin)) -> Vec<u8> {
    tokio::time::timeout(LIMIT, stream.next()).await.expect("a value arrives").unwrap().value
}

async fn until(device: &DeviceHandle, what: impl FnMut(&firmware_sim::bluez::Counters) -> bool) {
    tokio::time::timeout(LIMIT, device.wait_until(what)).await.expect("it happens").unwrap();
}

fn measured(systolic: u16) -> Measurement {
    Measurement::BloodPressure(BloodPressure::mmhg(systolic, 80, 64))
}

#[tokio::test]
async fn five_cycles_of_an_open_cuff() {
    let Some(address) = child_bus() else {
        return on_both_brokers("five_cycles_of_an_open_cuff").await;
    };
    let cuff = Device::cuff("cuff", CUFF).security(Security::Open).timing(Timing::brisk());
    let home = Home::new(&address, cuff).await;
    let cuff = home.sim.device("cuff").unwrap();

    for cycle in 1..=5_u16 {
        cuff.measure(measured(120 + cycle)).await.unwrap();
        cuff.measure(measured(130 + cycle)).await.unwrap();
        let peripheral = home.find().await;
        let mut values = peripheral.notifications().await.unwrap();
        home.connect(&peripheral, &cuff).await;
        let measurement = characteristic(&peripheral, blood_pressure::MEASUREMENT);
        let clock = characteristic(&peripheral, short(0x2A08));
        peripheral.subscribe(&measurement).await.unwrap();
        let set = [0xE8, 0x07, 1, 2, 3, 4, 5];
        peripheral.write(&clock, &set, WriteType::WithResponse).await.unwrap();

        let [first, second] = [next(&mut values).await, next(&mut values).await];
        assert_eq!(first.first_chunk::<2>(), Some(&[0x16, 120 + u8::try_from(cycle).unwrap()]));
        assert_eq!(second.first_chunk::<2>(), Some(&[0x16, 130 + u8::try_from(cycle).unwrap()]));
        until(&cuff, |seen| seen.hang_ups == u64::from(cycle) && !seen.connected).await;
    }

    let seen = cuff.counters();
    assert_eq!((seen.connections, seen.disconnections), (5, 5));
    assert_eq!((seen.indications, seen.records_pending), (10, 0));
    assert_eq!(home.sim.bluez().counters().connections, 5);
}

#[tokio::test]
async fn a_bonded_cuff_indicates_before_anyone_subscribes() {
    let Some(address) = child_bus() else {
        return on_both_brokers("a_bonded_cuff_indicates_before_anyone_subscribes").await;
    };
    let cuff = Device::cuff("cuff", CUFF).bonded().timing(Timing::brisk());
    let home = Home::new(&address, cuff).await;
    let cuff = home.sim.device("cuff").unwrap();

    for cycle in 1..=5_u8 {
        cuff.measure(measured(140 + u16::from(cycle))).await.unwrap();
        let peripheral = home.find().await;
        let mut values = peripheral.notifications().await.unwrap();
        home.connect(&peripheral, &cuff).await;
        assert_eq!(next(&mut values).await.first_chunk::<2>(), Some(&[0x16, 140 + cycle]));
        until(&cuff, |seen| seen.hang_ups == u64::from(cycle) && !seen.connected).await;
    }
    assert_eq!(cuff.counters().early_indications, 5);
    assert_eq!(cuff.counters().subscriptions, 0);
}

#[tokio::test]
async fn an_unbonded_cuff_refuses_a_subscription_without_an_agent() {
    let Some(address) = child_bus() else {
        return on_both_brokers("an_unbonded_cuff_refuses_a_subscription_without_an_agent").await;
    };
    let home = Home::new(&address, Device::cuff("cuff", CUFF).timing(Timing::brisk())).await;
    let cuff = home.sim.device("cuff").unwrap();
    cuff.measure(measured(120)).await.unwrap();
    let peripheral = home.find().await;
    peripheral.connect().await.unwrap();
    peripheral.discover_services().await.unwrap();
    let measurement = characteristic(&peripheral, blood_pressure::MEASUREMENT);
    let refused = peripheral.subscribe(&measurement).await.unwrap_err();
    assert!(refused.to_string().contains("Not paired"), "{refused}");
    assert_eq!(cuff.counters().records_pending, 1);
}

#[tokio::test]
async fn replayed_bytes_arrive_as_they_are() {
    let Some(address) = child_bus() else {
        return on_both_brokers("replayed_bytes_arrive_as_they_are").await;
    };
    let service: Uuid = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b".parse().unwrap();
    let stream: Uuid = "0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b".parse().unwrap();
    let device = Device::replay("capture", CUFF, service, stream, false).timing(Timing::brisk());
    let home = Home::new(&address, device).await;
    let capture = home.sim.device("capture").unwrap();
    let frames = vec![vec![0x00], vec![0xFF; 20], Vec::new()];
    capture.replay(frames.clone()).await.unwrap();
    let peripheral = home.find().await;
    let mut values = peripheral.notifications().await.unwrap();
    home.connect(&peripheral, &capture).await;
    peripheral.subscribe(&characteristic(&peripheral, stream)).await.unwrap();
    for frame in frames {
        assert_eq!(next(&mut values).await, frame);
    }
}
