//! What goes in and out of the simulated daemon: calls, answers, signals and questions to agents.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::path::Node;

/// Identifies a method call until it is answered.
pub(crate) type CallId = u64;

/// Identifies a question to an agent until it is answered.
pub(crate) type QuestionId = u64;

/// The value of a D-Bus property.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Property {
    Flag(bool),
    Text(String),
    Byte(u8),
    Unsigned16(u16),
    Signed16(i16),
    Unsigned32(u32),
    Path(Node),
    Texts(Vec<String>),
    Bytes(Vec<u8>),
    ManufacturerData(BTreeMap<u16, Vec<u8>>),
    ServiceData(BTreeMap<String, Vec<u8>>),
}

/// Properties of one interface by name.
pub(crate) type Properties = BTreeMap<&'static str, Property>;

/// Interfaces of one object with their properties.
pub(crate) type Interfaces = BTreeMap<&'static str, Properties>;

/// A method call on an object of the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    /// The caller's unique bus name.
    pub(crate) sender: String,
    pub(crate) node: Node,
    pub(crate) method: Method,
}

/// The methods that the daemon understands, with their arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Introspect,
    GetManagedObjects,
    Get { interface: String, property: String },
    GetAll { interface: String },
    SetFlag { property: String, value: bool },
    SetText { property: String, value: String },
    Adapter(AdapterMethod),
    Device(DeviceMethod),
    RegisterAgent { path: String, capability: String },
    UnregisterAgent { path: String },
    RequestDefaultAgent { path: String },
}

/// The methods of the adapter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AdapterMethod {
    StartDiscovery,
    StopDiscovery,
    SetDiscoveryFilter { uuids: Vec<String> },
    RemoveDevice { path: String },
}

/// The methods of a device and of what is below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum DeviceMethod {
    Connect,
    Disconnect,
    Pair,
    CancelPairing,
    ReadValue { offset: usize },
    WriteValue { bytes: Vec<u8> },
    StartNotify,
    StopNotify,
}

/// What a successful call returns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Bytes(Vec<u8>),
    Text(String),
    Property(Property),
    Properties(Properties),
    Objects(BTreeMap<Node, Interfaces>),
}

/// An `org.bluez.Agent1` that a client serves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Agent {
    pub(crate) owner: String,
    pub(crate) path: String,
    pub(crate) capability: String,
}

/// What the daemon asks or tells an agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Question {
    Authorize,
    Passkey,
    /// Show these digits, to be typed at the device.
    Show(u32),
    /// Find out whether the device shows these digits.
    Compare(u32),
    Cancel,
}

/// What an agent answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AgentAnswer {
    Agreed,
    Passkey(u32),
    Refused { error: String },
}

/// What the shell does for the simulation, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Answer(CallId, Answer),
    Fail(CallId, Failure),
    Changed {
        node: Node,
        interface: &'static str,
        changed: Properties,
        invalidated: Vec<&'static str>,
    },
    Added(Node, Interfaces),
    Removed(Node, Vec<&'static str>),
    Ask {
        id: QuestionId,
        agent: Agent,
        device: Node,
        question: Question,
    },
}
