//! One Bluetooth device: its own side, and what the daemon knows of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::effect::CallId;
use super::failure::Failure;
use super::path::Node;
use crate::device::{Bluetooth, Kind, Record, Surroundings, Timing, omron, taidoc};
use crate::fault::Spoiler;
use crate::gatt::{Address, Handle, Table};

pub(crate) const DEVICE: &str = "org.bluez.Device1";
pub(crate) const SERVICE: &str = "org.bluez.GattService1";
pub(crate) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
pub(crate) const DESCRIPTOR: &str = "org.bluez.GattDescriptor1";
pub(crate) const BATTERY: &str = "org.bluez.Battery1";

/// What a device did and what was done to it, since the simulation started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Measurements taken.
    pub measurements: u64,
    /// Times that the device began to advertise.
    pub advertisements: u64,
    /// Links that came up.
    pub connections: u64,
    /// Links whose services were resolved.
    pub resolutions: u64,
    /// Links that ended, for any reason.
    pub disconnections: u64,
    /// Links that the device ended by itself.
    pub hang_ups: u64,
    /// Subscriptions that a client made.
    pub subscriptions: u64,
    /// Values that left the device, indicated or notified.
    pub indications: u64,
    /// Those of them that left before a client had a notify session.
    pub early_indications: u64,
    /// Values of a stream that were lost because no central was subscribed.
    pub values_unheard: u64,
    /// Values or frames that a byte fault met.
    pub spoiled: u64,
    /// Wake windows that the hub did not see.
    pub missed_wakes: u64,
    /// Records that wait in the device.
    pub records_pending: u64,
    /// Values read by clients.
    pub reads: u64,
    /// Values written by clients.
    pub writes: u64,
    /// Requests to write into a memory that came, carried out or not.
    pub memory_writes: u64,
    /// Bonds made.
    pub bonds: u64,
    /// Bytes written to the serial port.
    pub serial_bytes: u64,
    /// Frames written to the serial port whole.
    pub serial_frames: u64,
    /// Frames lost because no program had the serial port open.
    pub serial_frames_unheard: u64,
    /// Frames that left as garbage: the other side of the serial port was set to another speed.
    pub serial_frames_garbled: u64,
    /// Bytes that the other side wrote to the serial port.
    pub serial_bytes_received: u64,
    /// Whether the device can be found now, or its serial port is plugged in.
    pub advertising: bool,
    /// Whether a central is connected, or a program has the serial port open.
    pub connected: bool,
    /// Whether a client has a notify session now.
    pub subscribed: bool,
}

/// A stored value that left a device, and whom the daemon signalled it to.
///
/// A device keeps what it stored until the daemon confirms it, and no longer: whether a client lived
/// to take it in is not the device's business.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// The bytes as they left the device.
    pub bytes: Vec<u8>,
    /// The generation of clients that was there, from 0; none if no client was.
    ///
    /// A generation ends when the last client has left the bus.
    pub generation: Option<u64>,
    /// Whether it had a notify session or had asked for the link. On the link of an earlier one a
    /// value can leave before anybody listens.
    pub is_expected: bool,
}

/// How the next link goes wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LinkFault {
    /// The link does not come up, and `Connect` is answered with this error.
    Refused(Failure),
    /// The link comes up, and its services are never resolved.
    NeverResolved,
    /// The services are resolved this much later than usual.
    ResolvedLate(Duration),
    /// The link is lost this long after it came up, if the services are not resolved by then.
    DroppedBeforeResolved(Duration),
    /// The link is lost once this many values have left the device.
    DroppedAfter {
        /// How many values leave the device first.
        n_values: usize,
    },
    /// The device never ends this session by itself.
    Lingers,
}

/// How the next pairing goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PairingFault {
    /// The device refuses, as one does that keeps a bond with another central and has room for one.
    Refused,
    /// The daemon says that the pairing was rejected.
    Rejected,
    /// The device ends the link in the middle.
    HangsUp,
    /// The device stops answering: nothing happens until the caller gives up.
    Silent,
}

/// What a device does on the air.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Idle,
    Advertising { until: Option<Duration> },
    Linked,
}

/// A pairing in progress.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pairing {
    /// The call of `Pair` to answer; none if a subscription caused the pairing.
    pub(crate) call: Option<CallId>,
    pub(crate) caller: String,
    /// The question to the agent that is not answered.
    pub(crate) question: Option<u64>,
    /// The digits that are to be typed at the device.
    pub(crate) to_type: Option<u32>,
}

/// A subscription that waits for a bond.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WaitingSubscription {
    pub(crate) call: CallId,
    pub(crate) client: String,
    pub(crate) handle: Handle,
}

/// What the daemon knows of a device.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The device object is in the tree.
    pub(crate) listed: bool,
    /// The objects of its services are in the tree.
    pub(crate) exported: bool,
    /// The daemon keeps a key for it.
    pub(crate) bonded: bool,
    /// The services were resolved once and kept with the bond.
    pub(crate) cached: bool,
    pub(crate) resolved: bool,
    pub(crate) trusted: bool,
    pub(crate) alias: Option<String>,
    pub(crate) rssi: Option<i16>,
    /// Clients with a notify session, by characteristic.
    pub(crate) notifying: BTreeMap<Handle, BTreeSet<String>>,
    pub(crate) values: BTreeMap<Handle, Vec<u8>>,
    pub(crate) connecting: Option<CallId>,
    /// The generation of clients that last asked for a link.
    pub(crate) asked_by: Option<u64>,
    pub(crate) pairing: Option<Pairing>,
    pub(crate) waiting: Vec<WaitingSubscription>,
}

/// A simulated Bluetooth device.
#[derive(Debug)]
pub(crate) struct Peripheral {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) radio: Bluetooth,
    pub(crate) table: Table,
    pub(crate) phase: Phase,
    pub(crate) store: VecDeque<Record>,
    /// What a device with a Record Access Control Point keeps, however often it is sent.
    pub(crate) memory: Vec<Record>,
    /// What a meter keeps that is asked for each record, newest first.
    pub(crate) meter: Vec<taidoc::Record>,
    /// The memory of an Omron.
    pub(crate) omron: Option<omron::Unit>,
    /// What a measurement in progress brings, by the time when it exists.
    pub(crate) coming: VecDeque<(Duration, Record)>,
    pub(crate) spoiler: Spoiler,
    /// Wake windows to come that the hub does not see.
    pub(crate) n_wakes_to_miss: u32,
    /// The device keeps a key for the hub.
    pub(crate) bonded: bool,
    /// A user's consent was given in this session.
    pub(crate) is_let_in: bool,
    /// Accepts new bonds.
    pub(crate) pairing_mode: bool,
    /// Characteristics with an enabled CCCD; kept over links only with a bond.
    pub(crate) enabled: BTreeSet<Handle>,
    /// Values that left the device in this session.
    pub(crate) n_sent: usize,
    pub(crate) battery_percent: u8,
    /// How far the device's clock is from local time.
    pub(crate) clock_error: SignedDuration,
    pub(crate) link_faults: VecDeque<LinkFault>,
    /// The fault of the link that is up.
    pub(crate) fault: Option<LinkFault>,
    pub(crate) pairing_faults: VecDeque<PairingFault>,
    /// What clients wrote to command characteristics.
    pub(crate) written: Vec<(Handle, Vec<u8>)>,
    pub(crate) known: Known,
    pub(crate) counters: Counters,
    /// What left the device since somebody looked last.
    pub(crate) delivered: Vec<Delivery>,
}

impl Peripheral {
    pub(crate) fn new(name: String, kind: Kind, radio: Bluetooth, seed: u64) -> Self {
        let table = Table::place(radio.services.clone());
        let bonded = radio.bonded;
        let enabled = if bonded { table.streams().collect() } else { BTreeSet::new() };
        let omron = kind.omron().map(omron::Unit::new);
        let spoiler = Spoiler::new(seed, &name);
        let known = Known { listed: bonded, bonded, cached: bonded, ..Known::default() };
        Self {
            name,
            kind,
            radio,
            table,
            phase: Phase::Idle,
            store: VecDeque::new(),
            memory: Vec::new(),
            meter: Vec::new(),
            omron,
            coming: VecDeque::new(),
            spoiler,
            n_wakes_to_miss: 0,
            bonded,
            is_let_in: false,
            pairing_mode: true,
            enabled,
            n_sent: 0,
            battery_percent: 100,
            clock_error: SignedDuration::ZERO,
            link_faults: VecDeque::new(),
            fault: None,
            pairing_faults: VecDeque::new(),
            written: Vec::new(),
            known,
            counters: Counters::default(),
            delivered: Vec::new(),
        }
    }

    pub(crate) fn address(&self) -> Address {
        self.radio.address
    }

    pub(crate) fn node(&self) -> Node {
        Node::Device(self.radio.address)
    }

    pub(crate) fn timing(&self) -> Timing {
        self.radio.timing
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.phase == Phase::Linked
    }

    /// Tells whether both sides keep a key, so that a link is encrypted as soon as it is up.
    pub(crate) fn is_secured(&self) -> bool {
        self.bonded && self.known.bonded
    }

    /// Returns what the device knows of its surroundings when the local time is `local`.
    pub(crate) fn surroundings(&self, local: DateTime) -> Surroundings {
        Surroundings {
            clock: self.clock(local),
            battery_percent: self.battery_percent,
            // Counters of records go round.
            sequence: u16::try_from(self.counters.measurements & 0xFFFF).unwrap_or_default(),
        }
    }

    /// Returns the advertised services in BlueZ's spelling.
    pub(crate) fn advertised(&self) -> Vec<String> {
        self.radio.advertised.iter().map(ToString::to_string).collect()
    }

    /// Returns the counters with the parts that follow from the state.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            spoiled: self.spoiler.n_spoiled,
            memory_writes: self.omron.as_ref().map_or(0, |unit| unit.n_writes),
            records_pending: u64::try_from(self.store.len()).unwrap_or(u64::MAX),
            advertising: matches!(self.phase, Phase::Advertising { .. }),
            connected: self.is_linked(),
            subscribed: self.known.notifying.values().any(|clients| !clients.is_empty()),
            ..self.counters
        }
    }
}
