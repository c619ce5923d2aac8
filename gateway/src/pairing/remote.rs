//! What a connected device has, and what it says, as BlueZ shows it.

use std::collections::BTreeMap;

use btleplug::api::BDAddr;
use uuid::Uuid;
use zbus::message::{Message, Type};
use zbus::{OwnedVariant, Variant};

use super::bluez::{Bluez, within};
use crate::link::bluetooth::signal::{
    BLUEZ, BUS, DEVICE, Interfaces, Objects, PROPERTIES, Properties, device_path, flag,
};

const SERVICE: &str = "org.bluez.GattService1";
const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// A characteristic of a connected device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characteristic {
    /// Its object.
    pub path: String,
    /// Its service.
    pub service: Uuid,
    /// What it is.
    pub uuid: Uuid,
    /// What can be done with it, in the words of BlueZ, such as `indicate`.
    pub flags: Vec<String>,
}

impl Characteristic {
    /// Whether that can be done with it.
    #[must_use]
    pub fn can(&self, flag: &str) -> bool {
        self.flags.iter().any(|it| it == flag)
    }
}

/// What a device that is watched did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The characteristic at that path has a value.
    Value(String, Vec<u8>),
    /// The link is down.
    HungUp,
}

impl Bluez {
    /// Has the bus tell what happens to a device.
    ///
    /// # Errors
    ///
    /// Fails where the bus has no room for that.
    pub async fn watch(&self, address: BDAddr) -> zbus::Result<()> {
        let path = device_path(&self.calls.adapter, address);
        let rule = format!(
            "type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',path_namespace='{path}'"
        );
        let connection = &self.calls.connection;
        within(connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "AddMatch", &rule))
            .await
            .map(drop)
    }

    /// Whether the services of a device are known.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ does not know the device.
    pub async fn is_resolved(&self, address: BDAddr) -> zbus::Result<bool> {
        let path = device_path(&self.calls.adapter, address);
        let property = (DEVICE, "ServicesResolved");
        let connection = &self.calls.connection;
        let call = connection.call_method(Some(BLUEZ), path, Some(PROPERTIES), "Get", &property);
        let reply = within(call).await?;
        Ok(matches!(reply.body().deserialize::<Variant<'_>>()?, Variant::Bool(true)))
    }

    /// What a device has, in the order of its table.
    ///
    /// # Errors
    ///
    /// Fails where BlueZ does not answer.
    pub async fn characteristics(&self, address: BDAddr) -> zbus::Result<Vec<Characteristic>> {
        let reply = self.calls.tree().await?;
        let body = reply.body();
        let objects: Objects<'_> = body.deserialize()?;
        let below = format!("{}/", device_path(&self.calls.adapter, address));
        let found = objects.iter().filter(|(path, _it)| path.as_str().starts_with(&below));
        Ok(found.filter_map(|(path, it)| characteristic(path.as_str(), it, &objects)).collect())
    }

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// Fails where the device does not let it be read.
    pub async fn read(&self, path: &str) -> zbus::Result<Vec<u8>> {
        let options: BTreeMap<&str, Variant<'_>> = BTreeMap::new();
        let connection = &self.calls.connection;
        let to = Some(CHARACTERISTIC);
        let reply = connection.call_method(Some(BLUEZ), path, to, "ReadValue", &options).await?;
        reply.body().deserialize()
    }

    /// Subscribes to a value.
    ///
    /// # Errors
    ///
    /// Fails where the device does not let itself be subscribed to.
    pub async fn subscribe(&self, path: &str) -> zbus::Result<()> {
        let connection = &self.calls.connection;
        let to = Some(CHARACTERISTIC);
        connection.call_method(Some(BLUEZ), path, to, "StartNotify", &()).await.map(drop)
    }

    /// Writes a value.
    ///
    /// # Errors
    ///
    /// Fails where the device does not take it.
    pub(super) async fn write(&self, path: &str, bytes: &[u8]) -> zbus::Result<()> {
        let options: BTreeMap<&str, Variant<'_>> = BTreeMap::new();
        let connection = &self.calls.connection;
        let to = Some(CHARACTERISTIC);
        let body = (bytes, options);
        within(connection.call_method(Some(BLUEZ), path, to, "WriteValue", &body)).await.map(drop)
    }

    /// What a watched device does next; `None` when the bus is dead.
    pub async fn next_heard(&mut self) -> Option<Heard> {
        loop {
            let message = self.next_call().await?;
            if let Some(heard) = heard(&message) {
                return Some(heard);
            }
        }
    }
}

fn characteristic(
    path: &str,
    interfaces: &Interfaces<'_>,
    objects: &Objects<'_>,
) -> Option<Characteristic> {
    let properties = interfaces.get(CHARACTERISTIC)?;
    let Some(Variant::ObjectPath(service)) = properties.get("Service") else { return None };
    let flags = properties.get("Flags")?.try_to_owned().ok()?;
    Some(Characteristic {
        path: path.to_owned(),
        service: uuid(objects.get(service)?.get(SERVICE)?)?,
        uuid: uuid(properties)?,
        flags: <Vec<String>>::try_from(flags).ok()?,
    })
}

fn uuid(properties: &Properties<'_>) -> Option<Uuid> {
    match properties.get("UUID") {
        Some(Variant::Str(text)) => text.as_str().parse().ok(),
        Some(_) | None => None,
    }
}

fn heard(message: &Message) -> Option<Heard> {
    let header = message.header();
    let is_change = message.message_type() == Type::Signal
        && header.member().is_some_and(|it| it.as_str() == "PropertiesChanged");
    if !is_change {
        return None;
    }
    let body = message.body();
    let (interface, changed, _invalidated): (String, BTreeMap<String, OwnedVariant>, Vec<String>) =
        body.deserialize().ok()?;
    match interface.as_str() {
        CHARACTERISTIC => {
            let value = <Vec<u8>>::try_from(changed.get("Value")?.clone()).ok()?;
            Some(Heard::Value(header.path()?.to_string(), value))
        }
        DEVICE => {
            let (_interface, changed, _invalidated): (String, Properties<'_>, Vec<String>) =
                body.deserialize().ok()?;
            (flag(&changed, "Connected") == Some(false)).then_some(Heard::HungUp)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUFF: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02";
    const VALUE: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010/char0011";

    fn changed(path: &str, interface: &str, name: &str, value: Variant<'_>) -> Message {
        let changed = BTreeMap::from([(name.to_owned(), value)]);
        Message::signal(path, PROPERTIES, "PropertiesChanged")
            .build(&(interface, changed, Vec::<String>::new()))
            .unwrap()
    }

    #[test]
    fn values_and_the_end_of_the_link_are_heard() {
        let value = changed(VALUE, CHARACTERISTIC, "Value", Variant::from(vec![1_u8, 2]));
        assert_eq!(heard(&value), Some(Heard::Value(VALUE.to_owned(), vec![1, 2])));
        let down = changed(CUFF, DEVICE, "Connected", Variant::Bool(false));
        assert_eq!(heard(&down), Some(Heard::HungUp));
        assert_eq!(heard(&changed(CUFF, DEVICE, "Connected", Variant::Bool(true))), None);
        let other = changed(VALUE, CHARACTERISTIC, "Notifying", Variant::Bool(true));
        assert_eq!(heard(&other), None);
    }
}
