//! The system bus as the link uses it besides btleplug: what BlueZ signals, and the few calls
//! that btleplug 0.13.5 has no safe way to make.
//!
//! It adds five match rules when it is opened and never another one.

use std::num::NonZeroUsize;

use anyhow::Context as _;
use btleplug::api::BDAddr;
use futures::StreamExt as _;
use zbus::message::Message;
use zbus::{Connection, MessageStream, Variant};

use super::signal::{self, ADAPTER, BATTERY, BLUEZ, BUS, DEVICE, OBJECTS, PROPERTIES, Signal};

const BUS_PATH: &str = "/org/freedesktop/DBus";
/// Messages that may wait while the hub is busy; then the bus waits.
const QUEUE_LEN: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");

/// The stream of signals of one bus connection.
#[derive(Debug)]
pub(super) struct Bus {
    messages: MessageStream,
    /// Signals of a message that are not given out yet.
    waiting: std::vec::IntoIter<Signal>,
    /// Unique name of BlueZ: who else sends such signals is not believed.
    owner: Option<String>,
}

/// Calls to BlueZ.
#[derive(Debug, Clone)]
pub(super) struct Bluez(Connection);

/// Connects to the system bus and begins to listen.
///
/// # Errors
///
/// Fails where there is no bus or where it has no room for five more match rules.
pub(super) async fn open() -> anyhow::Result<(Bus, Bluez)> {
    let connection = Connection::system().await.context("the system bus cannot be reached")?;
    let mut messages = MessageStream::from(&connection);
    messages.set_max_queued(QUEUE_LEN);
    let bluez = Bluez(connection);
    let mut rules = vec![format!(
        "type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'"
    )];
    rules.push(format!("type='signal',sender='{BLUEZ}',interface='{OBJECTS}'"));
    rules.extend([ADAPTER, DEVICE, BATTERY].map(|interface| {
        format!(
            "type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',\
             member='PropertiesChanged',arg0='{interface}'"
        )
    }));
    for rule in rules {
        bluez.ask_bus("AddMatch", &rule).await.context("the system bus refused a match rule")?;
    }
    // No owner is an answer like any other: the daemon is not there yet.
    let owner = match bluez.ask_bus("GetNameOwner", BLUEZ).await {
        Ok(reply) => reply.body().deserialize::<String>().ok(),
        Err(_not_there) => None,
    };
    Ok((Bus { messages, waiting: Vec::new().into_iter(), owner }, bluez))
}

impl Bus {
    /// The next signal of BlueZ; `None` when the bus is dead.
    pub(super) async fn next(&mut self) -> Option<Signal> {
        loop {
            if let Some(signal) = self.waiting.next() {
                return Some(signal);
            }
            match self.messages.next().await? {
                Ok(message) => self.take(&message),
                Err(error) => {
                    tracing::warn!(%error, "system bus lost");
                    return None;
                }
            }
        }
    }

    fn take(&mut self, message: &Message) {
        let header = message.header();
        let Some(sender) = header.sender() else {
            return;
        };
        let is_bus = sender.as_str() == BUS;
        let is_bluez = self.owner.as_deref() == Some(sender.as_str());
        let mut signals = signal::read(message);
        signals.retain(|signal| match signal {
            Signal::Owner(_) => is_bus,
            Signal::Adapter(..) | Signal::Device(..) | Signal::ServiceData(..) => is_bluez,
        });
        for signal in &signals {
            if let Signal::Owner(owner) = signal {
                self.owner.clone_from(owner);
            }
        }
        self.waiting = signals.into_iter();
    }

    /// Tells whether the daemon is on the bus.
    pub(super) fn has_bluez(&self) -> bool {
        self.owner.is_some()
    }
}

impl Bluez {
    /// The whole tree as signals: what is there now.
    pub(super) async fn tree(&self) -> zbus::Result<Vec<Signal>> {
        let reply =
            self.0.call_method(Some(BLUEZ), "/", Some(OBJECTS), "GetManagedObjects", &()).await?;
        let body = reply.body();
        Ok(signal::read_tree(&body.deserialize::<signal::Objects<'_>>()?))
    }

    /// Asks for a link. Ends when it is up; its services are resolved later.
    pub(super) async fn connect(&self, adapter: &str, address: BDAddr) -> zbus::Result<()> {
        self.device(adapter, address, "Connect").await
    }

    /// Ends a link, or the attempt to make one.
    pub(super) async fn disconnect(&self, adapter: &str, address: BDAddr) -> zbus::Result<()> {
        self.device(adapter, address, "Disconnect").await
    }

    /// Asks whether a link is up.
    pub(super) async fn is_connected(&self, adapter: &str, address: BDAddr) -> zbus::Result<bool> {
        let path = signal::device_path(adapter, address);
        let property = (DEVICE, "Connected");
        let reply =
            self.0.call_method(Some(BLUEZ), path, Some(PROPERTIES), "Get", &property).await?;
        Ok(matches!(reply.body().deserialize::<Variant<'_>>()?, Variant::Bool(true)))
    }

    async fn device(&self, adapter: &str, address: BDAddr, method: &str) -> zbus::Result<()> {
        let path = signal::device_path(adapter, address);
        self.0.call_method(Some(BLUEZ), path, Some(DEVICE), method, &()).await?;
        Ok(())
    }

    /// Switches an adapter off; to start discovery switches it on again.
    pub(super) async fn switch_off(&self, adapter: &str) -> zbus::Result<()> {
        let path = format!("/org/bluez/{adapter}");
        let change = (ADAPTER, "Powered", Variant::Bool(false));
        self.0.call_method(Some(BLUEZ), path, Some(PROPERTIES), "Set", &change).await?;
        Ok(())
    }

    async fn ask_bus(&self, method: &str, argument: &str) -> zbus::Result<Message> {
        self.0.call_method(Some(BUS), BUS_PATH, Some(BUS), method, &argument).await
    }
}
