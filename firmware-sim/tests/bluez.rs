//! The simulated `org.bluez` as a zbus client sees it: pairing, and the daemon or bus going away.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use firmware_sim::bluez::{BluezCounters, Counters, Failure, LinkFault, PairingFault};
use firmware_sim::bus::{Broker, Bus};
use firmware_sim::device::blood_pressure::BloodPressure;
use firmware_sim::device::omron::OmronModel;
use firmware_sim::device::{Device, Measurement, Security, Timing};
use firmware_sim::gatt::Address;
use firmware_sim::simulator::{BluezHandle, DeviceHandle, Options, Simulator};
use tokio::sync::mpsc;
use zbus::{Connection, fdo};

const LIMIT: Duration = Duration::from_secs(20);
const CUFF: Address = Address([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x02]);
const ADAPTER: &str = "/org/bluez/hci0";
const DEVICE: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02";
const MEASUREMENT: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010/char0011";

/// An agent that answers all questions the same way.
struct Agent {
    passkey: u32,
    shown: mpsc::UnboundedSender<u32>,
}

#[zbus::interface(name = "org.bluez.Agent1")]
impl Agent {
    fn request_authorization(&self, _device: zbus::ObjectPath<'_>) {}

    fn request_passkey(&self, _device: zbus::ObjectPath<'_>) -> u32 {
        self.passkey
    }

    fn display_passkey(&self, _device: zbus::ObjectPath<'_>, digits: u32, _typed: u16) {
        self.shown.send(digits).unwrap();
    }

    fn request_confirmation(&self, _device: zbus::ObjectPath<'_>, digits: u32) -> fdo::Result<()> {
        if digits == self.passkey { Ok(()) } else { Err(fdo::Error::Failed("no".to_owned())) }
    }

    fn cancel(&self) {}
}

struct Home {
    bus: Bus,
    _sim: Simulator,
    bluez: BluezHandle,
    cuff: DeviceHandle,
    client: Connection,
    _ports: tempfile::TempDir,
}

impl Home {
    async fn new(broker: Broker, device: Device) -> Self {
        let bus = Bus::start(broker).await.unwrap();
        let ports = tempfile::tempdir().unwrap();
        let options = Options::new(ports.path()).on_bus(bus.address());
        let sim = Simulator::start(options, vec![device.timing(Timing::brisk())]).await.unwrap();
        let client = connect(&bus).await;
        let (bluez, cuff) = (sim.bluez(), sim.device("cuff").unwrap());
        Self { bus, _sim: sim, bluez, cuff, client, _ports: ports }
    }

    /// Serves an agent; what it is told to show comes out.
    async fn serve_agent(&self, capability: &str, passkey: u32) -> mpsc::UnboundedReceiver<u32> {
        let (shown, is_shown) = mpsc::unbounded_channel();
        self.client.object_server().at("/agent", Agent { passkey, shown }).await.unwrap();
        let path = zbus::ObjectPath::try_from("/agent").unwrap();
        let manager = Some("org.bluez.AgentManager1");
        let body = (path, capability);
        self.client
            .call_method(Some("org.bluez"), "/org/bluez", manager, "RegisterAgent", &body)
            .await
            .unwrap();
        is_shown
    }

    async fn call(&self, path: &str, interface: &str, member: &str) -> Result<(), String> {
        let call = self.client.call_method(Some("org.bluez"), path, Some(interface), member, &());
        match tokio::time::timeout(LIMIT, call).await.expect("the call is answered") {
            Ok(_) => Ok(()),
            Err(zbus::Error::MethodError(name, _, _)) => Err(name.to_string()),
            Err(other) => Err(other.to_string().split(':').next().unwrap().to_owned()),
        }
    }

    async fn device(&self, member: &str) -> Result<(), String> {
        self.call(DEVICE, "org.bluez.Device1", member).await
    }

    /// Takes a measurement and waits until the daemon has found the device.
    async fn measure_and_find(&self) {
        self.cuff
            .measure(Measurement::BloodPressure(BloodPressure::mmhg(120, 80, 64)))
            .await
            .unwrap();
        self.call(ADAPTER, "org.bluez.Adapter1", "StartDiscovery").await.unwrap();
        let found = async {
            while self
                .call(DEVICE, "org.freedesktop.DBus.Introspectable", "Introspect")
                .await
                .is_err()
            {}
        };
        tokio::time::timeout(LIMIT, found).await.expect("the device is found");
    }

    async fn until(&self, what: impl FnMut(&Counters) -> bool) -> Counters {
        tokio::time::timeout(LIMIT, self.cuff.wait_until(what)).await.expect("it happens").unwrap()
    }

    async fn until_bluez(&self, what: impl FnMut(&BluezCounters) -> bool) {
        tokio::time::timeout(LIMIT, self.bluez.wait_until(what))
            .await
            .expect("it happens")
            .unwrap();
    }
}

async fn connect(bus: &Bus) -> Connection {
    zbus::connection::Builder::address(bus.address().as_str()).build().await.unwrap()
}

#[tokio::test]
async fn a_just_works_pairing_ends_in_a_bond_that_lets_a_client_subscribe() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
    home.serve_agent("NoInputNoOutput", 0).await;
    home.measure_and_find().await;
    assert_eq!(home.device("Pair").await, Ok(()));
    home.until(|seen| seen.bonds == 1 && seen.resolutions == 1).await;
    let subscribed = home.call(MEASUREMENT, "org.bluez.GattCharacteristic1", "StartNotify").await;
    assert_eq!(subscribed, Ok(()));
    home.until(|seen| seen.indications == 1 && seen.hang_ups == 1).await;
}

#[tokio::test]
async fn an_omron_is_paired_by_a_subscription_then_takes_a_key_and_is_read() {
    const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
    let [key, request, answer] = ["0011", "0014", "001c"]
        .map(|handle| MEASUREMENT.replace("char0011", &format!("char{handle}")));
    let home = Home::new(Broker::Any, Device::omron("cuff", CUFF, OmronModel::Hem7361t)).await;
    home.serve_agent("NoInputNoOutput", 0).await;
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Ok(()));
    home.until(|seen| seen.resolutions == 1).await;
    assert_eq!(home.call(&answer, CHARACTERISTIC, "StartNotify").await, Ok(()));
    assert_eq!(home.cuff.counters().bonds, 1);
    assert_eq!(home.call(&key, CHARACTERISTIC, "StartNotify").await, Ok(()));

    let write = async |path: &str, bytes: &[u8]| {
        let body = (bytes, BTreeMap::<&str, zbus::OwnedVariant>::new());
        let bluez = Some("org.bluez");
        let call = home.client.call_method(bluez, path, Some(CHARACTERISTIC), "WriteValue", &body);
        call.await.unwrap();
    };
    write(&key, &[&[0x02][..], &[0; 16]].concat()).await;
    write(&key, &[&[0x00][..], &[0x5A; 16]].concat()).await;
    write(&request, &[0x08, 0, 0, 0, 0, 0x10, 0, 0x18]).await;
    home.until(|seen| seen.indications == 3).await;
    write(&request, &[0x08, 0x0F, 0, 0, 0, 0, 0, 0x07]).await;
    let seen = home.until(|seen| seen.hang_ups == 1).await;
    assert_eq!((seen.indications, seen.writes, seen.memory_writes), (4, 4, 0));
    let heads: Vec<_> = home.cuff.delivered().iter().map(|it| it.bytes[..2].to_vec()).collect();
    assert_eq!(heads, [[0x82, 0x00], [0x80, 0x00], [0x08, 0x80], [0x08, 0x8F]]);
}

#[tokio::test]
async fn a_value_that_left_the_device_names_the_generation_of_clients_that_was_there() {
    let mut home = Home::new(Broker::Any, Device::cuff("cuff", CUFF).bonded()).await;
    for n in 1..=2 {
        home.measure_and_find().await;
        assert_eq!(home.device("Connect").await, Ok(()));
        home.until(|seen| seen.indications == n && seen.hang_ups == n).await;
        let next = connect(&home.bus).await;
        std::mem::replace(&mut home.client, next).close().await.unwrap();
        home.until_bluez(|seen| !seen.discovering).await;
    }
    let delivered = home.cuff.delivered();
    let generations: Vec<_> = delivered.iter().map(|it| it.generation).collect();
    assert_eq!(generations, [Some(0), Some(1)]);
}

#[tokio::test]
async fn pairing_without_an_agent_fails() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
    home.measure_and_find().await;
    let failed = Err("org.bluez.Error.AuthenticationFailed".to_owned());
    assert_eq!(home.device("Pair").await, failed);
}

#[tokio::test]
async fn only_the_right_passkey_makes_a_bond() {
    let cuff = Device::cuff("cuff", CUFF).security(Security::Passkey(123_456));
    let home = Home::new(Broker::Any, cuff.clone()).await;
    home.serve_agent("KeyboardOnly", 123_456).await;
    home.measure_and_find().await;
    assert_eq!(home.device("Pair").await, Ok(()));

    let home = Home::new(Broker::Any, cuff).await;
    home.serve_agent("KeyboardOnly", 654_321).await;
    home.measure_and_find().await;
    let failed = Err("org.bluez.Error.AuthenticationFailed".to_owned());
    assert_eq!(home.device("Pair").await, failed);
    assert_eq!(home.cuff.counters().bonds, 0);
}

#[tokio::test]
async fn a_device_with_keys_bonds_once_the_right_digits_are_typed_at_it() {
    let cuff = Device::cuff("cuff", CUFF).security(Security::Keypad);
    for (error, outcome) in [(0, Ok(())), (1, Err("AuthenticationFailed"))] {
        let home = Home::new(Broker::Any, cuff.clone()).await;
        let mut shown = home.serve_agent("DisplayOnly", 0).await;
        home.measure_and_find().await;
        let typing = async {
            let digits = shown.recv().await.unwrap();
            home.cuff.type_passkey(digits ^ error).await.unwrap();
        };
        let (paired, ()) = tokio::join!(home.device("Pair"), typing);
        assert_eq!(paired, outcome.map_err(|it| format!("org.bluez.Error.{it}")));
    }
}

#[tokio::test]
async fn two_sides_that_show_different_digits_do_not_bond() {
    let cuff = Device::cuff("cuff", CUFF).security(Security::Comparison(123_456));
    let failed = Err("org.bluez.Error.AuthenticationFailed".to_owned());
    let cases = [
        ("DisplayYesNo", 123_456, Ok(())),
        ("DisplayYesNo", 123_457, failed.clone()),
        ("NoInputNoOutput", 123_456, failed),
    ];
    for (capability, passkey, expected) in cases {
        let home = Home::new(Broker::Any, cuff.clone()).await;
        home.serve_agent(capability, passkey).await;
        home.measure_and_find().await;
        assert_eq!(home.device("Pair").await, expected, "{capability}");
    }
}

#[tokio::test]
async fn a_pairing_fails_in_the_words_of_the_daemon() {
    let faults = [
        (PairingFault::Refused, "AuthenticationFailed"),
        (PairingFault::Rejected, "AuthenticationRejected"),
        (PairingFault::HangsUp, "AuthenticationCanceled"),
    ];
    for (fault, name) in faults {
        let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
        home.serve_agent("NoInputNoOutput", 0).await;
        home.cuff.fail_next_pairing(fault).await.unwrap();
        home.measure_and_find().await;
        assert_eq!(home.device("Pair").await, Err(format!("org.bluez.Error.{name}")));
        assert_eq!(home.cuff.counters().bonds, 0);
    }
}

#[tokio::test]
async fn a_device_that_is_not_in_pairing_mode_says_so_and_refuses() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
    home.serve_agent("NoInputNoOutput", 0).await;
    home.cuff.set_pairing_mode(false).await.unwrap();
    home.measure_and_find().await;
    let interface = Some("org.freedesktop.DBus.Properties");
    let property = ("org.bluez.Device1", "AdvertisingFlags");
    let call = home.client.call_method(Some("org.bluez"), DEVICE, interface, "Get", &property);
    let reply = call.await.unwrap();
    let flags: zbus::OwnedVariant = reply.body().deserialize().unwrap();
    assert_eq!(<Vec<u8>>::try_from(flags).unwrap(), [0x04]);
    let failed = Err("org.bluez.Error.AuthenticationFailed".to_owned());
    assert_eq!(home.device("Pair").await, failed);
}

#[tokio::test]
async fn a_device_that_lost_its_key_does_not_connect_and_stays_paired() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF).bonded()).await;
    home.cuff.forget_bond().await.unwrap();
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Err("org.bluez.Error.Failed".to_owned()));
    assert_eq!(home.device("Pair").await, Err("org.bluez.Error.AlreadyExists".to_owned()));
}

#[tokio::test]
async fn a_link_can_drop_before_its_services_are_resolved() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
    let fault = LinkFault::DroppedBeforeResolved(Duration::ZERO);
    home.cuff.fail_next_link(fault).await.unwrap();
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Ok(()));
    let seen = home.until(|seen| seen.disconnections == 1).await;
    assert_eq!((seen.connections, seen.resolutions, seen.hang_ups), (1, 0, 0));
    assert!(seen.advertising, "the wake window goes on, for the record was not fetched");
}

#[tokio::test]
async fn the_next_call_can_be_made_to_fail() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF)).await;
    let busy = Failure::new("org.bluez.Error.InProgress", "In Progress");
    home.bluez.fail_next("Connect", busy).await.unwrap();
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Err("org.bluez.Error.InProgress".to_owned()));
    assert_eq!(home.device("Connect").await, Ok(()));
}

#[tokio::test]
async fn an_unplugged_adapter_takes_its_devices_along() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF).bonded()).await;
    home.measure_and_find().await;
    home.bluez.unplug_adapter().await.unwrap();
    let unknown = Err("org.freedesktop.DBus.Error.UnknownObject".to_owned());
    assert_eq!(home.device("Connect").await, unknown);
    let discovery = home.call(ADAPTER, "org.bluez.Adapter1", "StartDiscovery").await;
    assert_eq!(discovery, unknown);
    home.bluez.plug_adapter().await.unwrap();
    assert_eq!(home.device("Connect").await, Ok(()));
}

#[tokio::test]
async fn the_daemon_can_exit_and_come_back() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF).bonded()).await;
    home.bluez.exit().await.unwrap();
    let unowned = home.device("Connect").await;
    assert_eq!(unowned, Err("org.freedesktop.DBus.Error.ServiceUnknown".to_owned()));
    home.bluez.start().await.unwrap();
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Ok(()));
}

async fn the_bus_dies_and_comes_back(broker: Broker) {
    let mut home = Home::new(broker, Device::cuff("cuff", CUFF).bonded()).await;
    assert_eq!(home.bus.broker(), broker);
    home.bus.kill().await;
    tokio::time::timeout(LIMIT, home.client.closed()).await.expect("clients lose their connection");
    home.until_bluez(|seen| !seen.running).await;
    assert!(home.bluez.start().await.is_err(), "there is no bus to start on");
    home.bus.restart().await.unwrap();
    home.client = connect(&home.bus).await;
    home.bluez.start().await.unwrap();
    home.measure_and_find().await;
    assert_eq!(home.device("Connect").await, Ok(()));
}

#[tokio::test]
async fn the_embedded_bus_dies_and_comes_back() {
    the_bus_dies_and_comes_back(Broker::Embedded).await;
}

#[tokio::test]
async fn a_dbus_daemon_dies_and_comes_back() {
    // Where none is installed the story is told by the embedded bus alone.
    if Bus::start(Broker::DbusDaemon).await.is_ok() {
        the_bus_dies_and_comes_back(Broker::DbusDaemon).await;
    }
}

#[tokio::test]
async fn a_connection_waits_for_a_device_that_sleeps() {
    let home = Home::new(Broker::Any, Device::cuff("cuff", CUFF).bonded()).await;
    let connecting = home.device("Connect");
    let measuring = async {
        home.until_bluez(|seen| seen.connection_attempts == 1).await;
        let reading = Measurement::BloodPressure(BloodPressure::failed());
        home.cuff.measure(reading).await.unwrap();
    };
    let (connected, ()) = tokio::join!(connecting, measuring);
    assert_eq!(connected, Ok(()));
}
