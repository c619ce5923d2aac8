//! A configured device as btleplug sees it: one `Peripheral` and one stream of its values.
//!
//! The stream is opened once a bus connection and kept. Opening it adds a match rule for all that
//! is below the device's path, which stays the same over links, services and even a removal;
//! dropping it is what panics in bluez-async 0.9 and leaks the rule. It names values with the
//! services read last and drops those without a name, so it is not polled from the request for a
//! link until they are read, nor after a session that never read them: what a bonded device indicates
//! in between waits in the stream and comes out with its name.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use btleplug::api::{
    BDAddr, Central as _, CharPropFlags, Characteristic, Peripheral as _, ValueNotification,
    WriteType,
};
use btleplug::platform::{Adapter, Peripheral};
use futures::{FutureExt as _, Stream, StreamExt as _};
use uuid::Uuid;

use super::BluetoothDevice;

/// A device and its values.
pub(super) struct Peer {
    pub(super) peripheral: Peripheral,
    values: Pin<Box<dyn Stream<Item = ValueNotification> + Send>>,
    /// A session has learnt the names of its values: the stream may be polled while there is none.
    pub(super) may_be_polled: bool,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("peripheral", &self.peripheral).finish_non_exhaustive()
    }
}

impl Peer {
    /// Finds a device among those that BlueZ knows and begins to collect its values.
    ///
    /// # Errors
    ///
    /// Fails when BlueZ does not know the device or the bus has no room for a match rule.
    pub(super) async fn open(
        adapter: &Adapter,
        address: BDAddr,
    ) -> Result<Option<Self>, btleplug::Error> {
        let known = adapter.peripherals().await?;
        let Some(peripheral) = known.into_iter().find(|known| known.address() == address) else {
            return Ok(None);
        };
        let values = peripheral.notifications().await?;
        Ok(Some(Self { peripheral, values, may_be_polled: false }))
    }

    /// The next value; pending for ever when the bus is dead.
    pub(super) async fn next_value(&mut self) -> Option<ValueNotification> {
        self.values.next().await
    }

    /// The next value, for whoever polls several devices.
    pub(super) fn poll_value(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<ValueNotification>> {
        self.values.poll_next_unpin(context)
    }

    /// A value that is there already.
    pub(super) fn waiting_value(&mut self) -> Option<ValueNotification> {
        self.values.next().now_or_never().flatten()
    }

    /// Whether the services are known, now or from an earlier link.
    pub(super) fn is_named(&self) -> bool {
        !self.peripheral.services().is_empty()
    }

    /// Gives up a stream whose bus is dead.
    ///
    /// Dropping it would ask the dead bus to forget its match rule, which panics in a task of
    /// bluez-async 0.9. The few hundred bytes are lost once for each death of the system bus.
    pub(super) fn abandon(self) {
        std::mem::forget(self.values);
    }

    /// Finds a characteristic, best in one of the services that the device is known for.
    pub(super) fn characteristic(
        &self,
        device: &BluetoothDevice,
        uuid: Uuid,
    ) -> Option<Characteristic> {
        let services = self.peripheral.services();
        let mut found: Vec<(bool, Characteristic)> = services
            .into_iter()
            .flat_map(|service| service.characteristics)
            .filter(|characteristic| characteristic.uuid == uuid)
            .map(|found| (!device.services.contains(&found.service_uuid), found))
            .collect();
        found.sort();
        found.into_iter().next().map(|(_is_foreign, found)| found)
    }
}

/// Waits until all that BlueZ signalled so far is in the stream: its answer comes behind it.
pub(super) async fn flush(peripheral: &Peripheral) {
    // An error came the same way as an answer.
    peripheral.is_connected().await.ok();
}

/// How a characteristic wants to be written.
pub(super) fn write_type(characteristic: &Characteristic) -> WriteType {
    if characteristic.properties.contains(CharPropFlags::WRITE) {
        WriteType::WithResponse
    } else {
        WriteType::WithoutResponse
    }
}

/// Tells whether an error says that the bus connection has used up what the bus allows it.
///
/// btleplug wraps the error of bluez-async, whose type is not public there, so the name is looked
/// up in its debug text, which prints it last.
pub(super) fn is_limit(error: &impl fmt::Debug) -> bool {
    format!("{error:?}").contains("org.freedesktop.DBus.Error.LimitsExceeded")
}

/// Tells whether an error says that what was asked for is going on already.
pub(super) fn is_in_progress(error: &impl fmt::Debug) -> bool {
    format!("{error:?}").contains("org.bluez.Error.InProgress")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_name_and_not_by_text() {
        let error = |name: &str| {
            btleplug::Error::Other(Box::new(dbus::Error::new_custom(name, "some text")))
        };
        assert!(is_limit(&error("org.freedesktop.DBus.Error.LimitsExceeded")));
        assert!(!is_limit(&error("org.bluez.Error.Failed")));
        assert!(is_in_progress(&error("org.bluez.Error.InProgress")));
    }
}
