//! The Bluetooth link: hears configured devices, connects to them, and passes on their values.
//!
//! btleplug scans, reads services, reads, writes, subscribes and receives values; [`bus`] does
//! what btleplug 0.13.5 with bluez-async 0.9 cannot do safely: make and end links, and notice that
//! links, adapters, the daemon or the bus are gone.
//!
//! ```text
//! trap                                                  answer
//! connect() panics in a task and leaks match rules      Device1.Connect by zbus; value streams are
//!                                                       opened once a device and never dropped
//! connect() waits 30 s for a link that is down          wait for ServicesResolved, raced against
//!                                                       Connected=false and a time-out of our own
//! bonded cuffs indicate before anyone listens           the value stream is opened before Connect
//!                                                       and polled as soon as values have names
//! streams never end                                     the bus is watched for links, objects and
//!                                                       the daemon's name
//! own reads come back as values                         only subscribed characteristics pass, and
//!                                                       the echo of a read does not
//! no connection while scanning                          the scan is stopped first
//! a second scan is "in progress"                        taken as success
//! a Battery Service is hidden by BlueZ                  Battery1.Percentage becomes a frame
//! a forgotten bond shows in many texts                  no text decides; advice after 3 failures
//! a scan goes deaf after hours                          a ladder of remedies
//! each Manager leaks a bus connection                   one a bus; a new one only when the bus
//!                                                       died or its limits are used up, and after
//!                                                       eight of the latter the link ends with an
//!                                                       error, for a new process
//! ```
//!
//! A bus that comes back is used again by the same process: libdbus keeps only the address, and a
//! new `Manager` has a private connection. The story `link_bluetooth` proves it.
//!
//! Overflow policy: the hub's bounded channel makes the link wait; meanwhile values wait in
//! btleplug's stream and signals on the bus. Nothing is dropped.

mod attach;
mod bus;
mod buses;
mod echo;
mod ending;
mod peer;
mod radio;
mod report;
mod roster;
mod scan;
mod session;
pub(crate) mod signal;
mod silence;

use std::sync::Arc;
use std::time::Duration;

use btleplug::api::BDAddr;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;
use vitals::DeviceId;

pub use self::silence::Remedies;
use super::dialogue::Script;
use super::{LinkEvent, Request};
use crate::clock::{Clock, Stamp};

/// Battery Level (0x2A19): BlueZ answers for it with its own interface.
const BATTERY_LEVEL: Uuid = Uuid::from_u128(0x0000_2A19_0000_1000_8000_0080_5F9B_34FB);

/// User Control Point (0x2A9F).
const USER_CONTROL: Uuid = Uuid::from_u128(0x0000_2A9F_0000_1000_8000_0080_5F9B_34FB);

/// What the link needs to know.
#[derive(Debug, Clone)]
pub struct BluetoothSettings {
    /// Name of the adapter, such as `hci0`; without one the first that is there.
    pub adapter: Option<String>,
    /// The devices to connect to.
    pub devices: Vec<BluetoothDevice>,
    /// Advertised services that make the scan report a device; those of the devices are added.
    /// Without any, and while a device of the list has none, the scan reports all.
    pub scan_services: Vec<Uuid>,
    /// The zone whose local time is written to clocks.
    pub zone: watch::Receiver<TimeZone>,
    /// When the machine was switched on by the time of the hub, which is the time that clocks are set to;
    /// `None` while the hub does not know the time.
    pub booted_at: watch::Receiver<Option<Timestamp>>,
    /// Until when the radio is left to a person who pairs a device, since boot.
    pub quiet_until: watch::Receiver<Duration>,
    /// Where it is counted what was done about a radio that hears nothing.
    pub remedies: watch::Sender<Remedies>,
    /// How long things may take.
    pub limits: Limits,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the request for a link until it is up. BlueZ gives up by itself after 20 to 40 s.
    pub connect: Duration,
    /// From a link until its services are known; cuffs without a cache take up to 8 s.
    pub resolve: Duration,
    /// Any other call to BlueZ or to a device.
    pub call: Duration,
    /// Pause after the first failure of a device or of the radio. A cuff's wake window is as
    /// short as 10 s.
    pub retry_first: Duration,
    /// Longest pause between failures.
    pub retry_longest: Duration,
    /// How long the radio may hear nothing at all before it is taken for deaf; `None`: for ever.
    pub radio_silence: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(25),
            resolve: Duration::from_secs(15),
            call: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_longest: Duration::from_secs(60),
            radio_silence: Some(Duration::from_secs(30 * 60)),
        }
    }
}

/// A device to connect to.
#[derive(Debug, Clone)]
pub struct BluetoothDevice {
    /// The device.
    pub id: DeviceId,
    /// Its address, as it advertises; for a bonded device with a private address its identity.
    pub address: BDAddr,
    /// The services that it is known for.
    pub services: Vec<Uuid>,
    /// Services whose data in its advertisements is what it says; with any it is never connected.
    pub advertised: Vec<Uuid>,
    /// Characteristics to subscribe to, in this order; those that it does not have are skipped.
    pub subscriptions: Vec<Uuid>,
    /// Characteristics to read once subscribed.
    pub reads: Vec<Uuid>,
    /// How its clock is set, after the reads.
    pub clock: Option<ClockWrite>,
    /// What lets the hub in as one of its users, each written to the User Control Point before
    /// anything else is asked.
    pub consents: Vec<[u8; 4]>,
    /// What makes it talk, written in this order after everything else.
    pub requests: Vec<Request>,
    /// How it is asked for what it stores, where each question follows from an answer; after the
    /// requests.
    pub script: Option<&'static dyn Script>,
    /// Pause before the first subscription: some devices stay silent without one.
    pub settle: Duration,
    /// How long it may take to its first value once it is set up.
    pub first_value: Duration,
    /// How long it may be quiet after a value before the hub lets it go: 0.5 to 5 s for a device
    /// that delivers what it stored, longer for one that is worn and talks all the time.
    pub quiet: Duration,
    /// How long it is left in peace after the hub let it go.
    pub rest: Duration,
}

/// How a device's clock is set.
#[derive(Debug, Clone, Copy)]
pub struct ClockWrite {
    /// What is written.
    pub characteristic: Uuid,
    /// Makes its bytes of the present moment and the zone of the home.
    pub encode: fn(Stamp, &TimeZone) -> Vec<u8>,
}

/// Runs the link for as long as the hub listens.
///
/// # Errors
///
/// Fails when the bus refuses match rules again and again: then only a new process helps. Whatever
/// else goes wrong is told as [`LinkEvent::Lost`] and tried again.
pub async fn run(
    settings: BluetoothSettings,
    clock: Clock,
    events: mpsc::Sender<LinkEvent>,
) -> anyhow::Result<()> {
    buses::run(Arc::new(settings), clock, events).await
}
