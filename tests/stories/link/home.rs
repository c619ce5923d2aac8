//! A home with a private bus, simulated devices and the Bluetooth link in a child process.

use firmware_sim::bluez::Counters;
use firmware_sim::bus::{Broker, Bus};
use firmware_sim::device::blood_pressure::{self, BloodPressure};
use firmware_sim::device::{Device, Link as Radio, Measurement, Security, Timing};
use firmware_sim::gatt::{Address, short};
use firmware_sim::simulator::{BluezHandle, DeviceHandle, Options, Simulator};
use uuid::Uuid;

use super::child::{DeviceSettings, Link, PATIENCE, Settings, Told};

pub(crate) const CUFF: Address = Address([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x02]);
pub(crate) const OTHER: Address = Address([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x03]);
pub(crate) const MEASUREMENT: Uuid = blood_pressure::MEASUREMENT;
pub(crate) const DATE_TIME: Uuid = short(0x2A08);
pub(crate) const BATTERY: Uuid = short(0x2A19);

/// The brokers that can run here.
pub(crate) fn brokers() -> Vec<Broker> {
    let is_installed = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("dbus-daemon").is_file())
    });
    if is_installed { vec![Broker::DbusDaemon, Broker::Embedded] } else { vec![Broker::Embedded] }
}

/// A home.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) bus: Bus,
    pub(crate) sim: Simulator,
    pub(crate) link: Link,
    _ports: tempfile::TempDir,
}

impl Home {
    /// Starts everything; returns when the link is up.
    pub(crate) async fn start(broker: Broker, devices: Vec<Device>, settings: Settings) -> Self {
        let bus = Bus::start(broker).await.unwrap();
        let ports = tempfile::tempdir().unwrap();
        let options = Options::new(ports.path()).on_bus(bus.address());
        let sim = Simulator::start(options, devices).await.unwrap();
        let mut link = Link::start("the_link_of_a_story", &settings, Some(&bus.address()));
        link.up().await;
        Self { bus, sim, link, _ports: ports }
    }

    pub(crate) fn device(&self, name: &str) -> DeviceHandle {
        self.sim.device(name).unwrap()
    }

    pub(crate) fn bluez(&self) -> BluezHandle {
        self.sim.bluez()
    }

    /// Waits until the link does nothing but scan.
    pub(crate) async fn scanning(&self) {
        let bluez = self.bluez();
        let waited = tokio::time::timeout(PATIENCE, bluez.wait_until(|seen| seen.discovering));
        waited.await.unwrap_or_else(|_| panic!("{:#?}", bluez.counters())).unwrap();
    }

    /// The cuff measures, and the measurement arrives.
    pub(crate) async fn reading_arrives(&mut self, name: &str, systolic: u8) {
        self.device(name).measure(pressure(systolic)).await.unwrap();
        assert_eq!(self.systolic(name).await, systolic);
    }

    /// Waits for the next blood pressure and returns its systolic value, which the bytes carry in
    /// the low octet of an SFLOAT.
    pub(crate) async fn systolic(&mut self, name: &str) -> u8 {
        self.frame(name, MEASUREMENT).await[1]
    }

    /// Systolic values that arrived so far.
    pub(crate) fn systolics(&self, name: &str) -> Vec<u8> {
        self.frames(name, MEASUREMENT).iter().map(|bytes| bytes[1]).collect()
    }

    /// Waits for bytes of a characteristic and returns them.
    pub(crate) async fn frame(&mut self, name: &str, characteristic: Uuid) -> Vec<u8> {
        let is_it = |told: &Told| frame_of(told, name, characteristic).is_some();
        let told = self.link.until(is_it).await;
        frame_of(&told, name, characteristic).expect("it was waited for").to_vec()
    }

    /// All bytes of a characteristic that arrived so far.
    pub(crate) fn frames(&self, name: &str, characteristic: Uuid) -> Vec<Vec<u8>> {
        let of_it = self.link.told.iter().filter_map(|it| frame_of(it, name, characteristic));
        of_it.map(<[u8]>::to_vec).collect()
    }
}

fn frame_of<'t>(told: &'t Told, name: &str, characteristic: Uuid) -> Option<&'t [u8]> {
    let Told::Frame { device, source, bytes } = told else {
        return None;
    };
    (device == name && *source == Some(characteristic)).then_some(bytes)
}

/// Waits for counters of a device.
pub(crate) async fn until(device: &DeviceHandle, is_it: impl FnMut(&Counters) -> bool) -> Counters {
    let waited = tokio::time::timeout(PATIENCE, device.wait_until(is_it)).await;
    waited.unwrap_or_else(|_| panic!("{:#?}", device.counters())).unwrap()
}

/// A blood pressure that is told apart by its systolic value.
pub(crate) fn pressure(systolic: u8) -> Measurement {
    Measurement::BloodPressure(BloodPressure::mmhg(u16::from(systolic), 60, 64))
}

/// A cuff that was paired with this hub.
pub(crate) fn bonded_cuff(name: &str, address: Address) -> Device {
    Device::cuff(name, address).bonded().timing(Timing::brisk())
}

/// A cuff that needs no bond.
pub(crate) fn open_cuff(name: &str, address: Address) -> Device {
    Device::cuff(name, address).security(Security::Open).timing(Timing::brisk())
}

/// The same device with another radio.
pub(crate) fn with_radio(
    mut device: Device,
    change: impl FnOnce(&mut firmware_sim::device::Bluetooth),
) -> Device {
    if let Radio::Bluetooth(radio) = &mut device.link {
        change(radio);
    }
    device
}

/// How the hub treats a cuff.
pub(crate) fn cuff_settings(name: &str, address: Address) -> DeviceSettings {
    DeviceSettings {
        id: name.to_owned(),
        address: address.to_string(),
        services: vec![blood_pressure::SERVICE],
        subscriptions: vec![MEASUREMENT],
        reads: vec![BATTERY],
        clock: Some(DATE_TIME),
        first_value_ms: 10_000,
        quiet_ms: 5_000,
        rest_ms: 50,
    }
}

/// Settings for one cuff.
pub(crate) fn one_cuff() -> Settings {
    Settings { devices: vec![cuff_settings("cuff", CUFF)], ..Settings::default() }
}
