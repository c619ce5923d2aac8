//! BlueZ as pairing uses it, over a bus connection of its own.

use anyhow::{Context as _, bail};
use btleplug::api::BDAddr;
use futures::StreamExt as _;
use tokio::time::timeout;
use zbus::message::Message;
use zbus::{Connection, MessageStream, ObjectPath, Variant};

use super::CALL_MAX;
use super::agent::{AGENT_PATH, REJECTED, Reply};
use super::found::Found;
use crate::link::bluetooth::signal::{
    ADAPTER, BLUEZ, DEVICE, OBJECTS, Objects, PROPERTIES, device_path, place,
};

const MANAGER: &str = "org.bluez.AgentManager1";
const MANAGER_PATH: &str = "/org/bluez";

/// BlueZ and one of its adapters.
#[derive(Debug)]
pub struct Bluez {
    pub(super) calls: Calls,
    messages: MessageStream,
    /// Unique name of the daemon: nobody else is answered.
    owner: String,
}

/// Calls to BlueZ.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    pub(super) connection: Connection,
    /// Name of the adapter, such as `hci0`.
    pub(super) adapter: String,
}

impl Bluez {
    /// Connects to the system bus and finds the adapter: the one of that name, or the first.
    ///
    /// # Errors
    ///
    /// Fails where there is no bus, no daemon, or no such adapter, or where it is switched off and
    /// cannot be switched on.
    pub async fn open(adapter: Option<&str>) -> anyhow::Result<Self> {
        let connection = within(Connection::system())
            .await
            .context("the system bus cannot be reached, on which the Bluetooth daemon is")?;
        let messages = MessageStream::from(&connection);
        let bus = "org.freedesktop.DBus";
        let path = "/org/freedesktop/DBus";
        let reply =
            within(connection.call_method(Some(bus), path, Some(bus), "GetNameOwner", &BLUEZ))
                .await
                .context("the Bluetooth daemon does not run")?;
        let owner = reply.body().deserialize::<String>().context("the bus answers nonsense")?;
        let mut calls = Calls { connection, adapter: String::new() };
        let adapters = calls.adapters().await.context("the Bluetooth daemon does not answer")?;
        calls.adapter = match adapter {
            Some(wanted) if adapters.iter().any(|it| it == wanted) => wanted.to_owned(),
            Some(wanted) => bail!("there is no adapter {wanted}"),
            None => adapters.into_iter().min().context("there is no Bluetooth adapter")?,
        };
        calls.power_on().await.context("the Bluetooth adapter cannot be switched on")?;
        Ok(Self { calls, messages, owner })
    }

    pub(super) fn calls(&self) -> Calls {
        self.calls.clone()
    }

    pub(super) fn path_of(&self, address: BDAddr) -> String {
        device_path(&self.calls.adapter, address)
    }

    /// Every device that BlueZ knows or has just heard.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ does not answer.
    pub async fn devices(&self) -> zbus::Result<Vec<Found>> {
        let reply = self.calls.tree().await?;
        let body = reply.body();
        let objects: Objects<'_> = body.deserialize()?;
        let found = objects.iter().filter_map(|(path, interfaces)| {
            Found::read(&self.calls.adapter, path.as_str(), interfaces.get(DEVICE)?)
        });
        Ok(found.collect())
    }

    /// Begins to listen to every Bluetooth LE device.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ does not let us.
    pub(super) async fn start_discovery(&self) -> anyhow::Result<()> {
        let filter = std::collections::BTreeMap::from([("Transport", Variant::from("le"))]);
        let calls = &self.calls;
        within(calls.on_adapter("SetDiscoveryFilter", &filter))
            .await
            .context("the Bluetooth daemon refuses the way of scanning")?;
        match within(calls.on_adapter("StartDiscovery", &())).await {
            Err(zbus::Error::MethodError(name, ..)) if name.ends_with(".InProgress") => Ok(()),
            outcome => outcome.map(drop).context("the Bluetooth daemon does not scan"),
        }
    }

    /// Stops to listen; a scan that is not on is stopped well enough.
    pub(super) async fn stop_discovery(&self) {
        within(self.calls.on_adapter("StopDiscovery", &())).await.ok();
    }

    /// Makes a link.
    ///
    /// # Errors
    ///
    /// Fails where the device does not answer.
    pub async fn connect(&self, address: BDAddr) -> zbus::Result<()> {
        self.calls.on_device(address, "Connect").await
    }

    /// Ends a link, or the attempt to make one; without any there is nothing to end.
    pub(super) async fn disconnect(&self, address: BDAddr) {
        within(self.calls.on_device(address, "Disconnect")).await.ok();
    }

    /// Lets go of a device that was paired: it says nothing to anybody until it is read.
    pub async fn release(&self, device: &Found) {
        self.disconnect(device.address).await;
    }

    /// Forgets a device with its bond.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ does not know it.
    pub(super) async fn remove(&self, address: BDAddr) -> zbus::Result<()> {
        let path = ObjectPath::try_from(self.path_of(address))?;
        within(self.calls.on_adapter("RemoveDevice", &path)).await.map(drop)
    }

    /// Lets a bonded device use what it is bonded for without asking an agent.
    pub(super) async fn trust(&self, address: BDAddr) {
        let change = (DEVICE, "Trusted", Variant::Bool(true));
        let path = self.path_of(address);
        let connection = &self.calls.connection;
        let call = connection.call_method(Some(BLUEZ), path, Some(PROPERTIES), "Set", &change);
        if let Err(error) = within(call).await {
            tracing::debug!(%error, "device not trusted");
        }
    }

    /// Registers the agent, for calls of this connection alone.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ has none of it.
    pub(super) async fn register_agent(&self, capability: &str) -> zbus::Result<()> {
        let body = (ObjectPath::try_from(AGENT_PATH)?, capability);
        self.calls.on_manager("RegisterAgent", &body).await
    }

    pub(super) async fn unregister_agent(&self) {
        if let Ok(path) = ObjectPath::try_from(AGENT_PATH)
            && let Err(error) = self.calls.on_manager("UnregisterAgent", &path).await
        {
            tracing::debug!(%error, "agent not unregistered");
        }
    }

    /// The next message of BlueZ itself; `None` when the bus is dead.
    pub(super) async fn next_call(&mut self) -> Option<Message> {
        loop {
            let message = self.messages.next().await?.ok()?;
            if message.header().sender().is_some_and(|it| it.as_str() == self.owner) {
                return Some(message);
            }
        }
    }
}

impl Calls {
    pub(super) async fn tree(&self) -> zbus::Result<Message> {
        let connection = &self.connection;
        within(connection.call_method(Some(BLUEZ), "/", Some(OBJECTS), "GetManagedObjects", &()))
            .await
    }

    async fn adapters(&self) -> zbus::Result<Vec<String>> {
        let reply = self.tree().await?;
        let body = reply.body();
        let objects: Objects<'_> = body.deserialize()?;
        let adapters =
            objects.iter().filter(|(_path, interfaces)| interfaces.contains_key(ADAPTER));
        Ok(adapters
            .filter_map(|(path, _interfaces)| Some(place(path.as_str())?.0.to_owned()))
            .collect())
    }

    async fn power_on(&self) -> zbus::Result<()> {
        let path = format!("/org/bluez/{}", self.adapter);
        let change = (ADAPTER, "Powered", Variant::Bool(true));
        let call = self.connection.call_method(Some(BLUEZ), path, Some(PROPERTIES), "Set", &change);
        within(call).await.map(drop)
    }

    async fn on_adapter(
        &self,
        method: &str,
        body: &(impl serde::Serialize + zbus::DynamicType),
    ) -> zbus::Result<Message> {
        let path = format!("/org/bluez/{}", self.adapter);
        self.connection.call_method(Some(BLUEZ), path, Some(ADAPTER), method, body).await
    }

    async fn on_manager(
        &self,
        method: &str,
        body: &(impl serde::Serialize + zbus::DynamicType),
    ) -> zbus::Result<()> {
        let connection = &self.connection;
        within(connection.call_method(Some(BLUEZ), MANAGER_PATH, Some(MANAGER), method, body))
            .await
            .map(drop)
    }

    async fn on_device(&self, address: BDAddr, method: &str) -> zbus::Result<()> {
        let path = device_path(&self.adapter, address);
        self.connection.call_method(Some(BLUEZ), path, Some(DEVICE), method, &()).await.map(drop)
    }

    /// Asks for a bond; BlueZ asks the agent meanwhile.
    pub(super) async fn pair(&self, address: BDAddr) -> zbus::Result<()> {
        self.on_device(address, "Pair").await
    }

    /// Gives a pairing up.
    pub(super) async fn cancel_pairing(&self, address: BDAddr) {
        within(self.on_device(address, "CancelPairing")).await.ok();
    }

    /// Answers what BlueZ asked the agent.
    pub(super) async fn answer(&self, question: &Message, reply: Reply) {
        let (connection, header) = (&self.connection, question.header());
        let sent = match reply {
            Reply::Agreed => connection.reply(&header, &()).await,
            Reply::Passkey(digits) => connection.reply(&header, &digits).await,
            Reply::Pin(pin) => connection.reply(&header, &pin).await,
            Reply::Rejected => {
                connection.reply_error(&header, REJECTED, &"nobody agreed to that").await
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "answer of the agent not sent");
        }
    }
}

/// Waits for a call that no device has a part in, but not for ever.
pub(super) async fn within<T>(call: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    timeout(CALL_MAX, call).await.unwrap_or_else(|_elapsed| {
        Err(zbus::Error::Failure(format!("no answer within {} s", CALL_MAX.as_secs())))
    })
}
