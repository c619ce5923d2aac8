//! Where a device command works: the adapter, the devices that are configured, the running hub.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use btleplug::api::BDAddr;
use vitals::DeviceId;

use crate::command::{ConfigArguments, Failure};
use crate::local;
use crate::pairing::Bluez;

/// Where a device command works.
///
/// Devices are paired before they are configured, and a kit before the hub is: without a
/// configuration file the first adapter is used.
#[derive(Debug, Default)]
pub(super) struct Place {
    adapter: Option<String>,
    socket: Option<PathBuf>,
    /// The Bluetooth devices of the home.
    devices: Vec<(DeviceId, BDAddr)>,
    /// Its serial devices.
    ports: Vec<(DeviceId, PathBuf)>,
}

impl Place {
    /// Reads what the configuration says, if there is one.
    ///
    /// # Errors
    ///
    /// Fails where there is one that cannot be used.
    pub(super) fn read(arguments: &ConfigArguments) -> Result<Self, Failure> {
        if !arguments.config.exists() {
            return Ok(Self::default());
        }
        let config = arguments.load()?;
        let bluetooth = config.bluetooth.as_ref();
        let devices = bluetooth.map(|it| it.devices.as_slice()).unwrap_or_default();
        Ok(Self {
            adapter: bluetooth.and_then(|it| it.adapter.clone()),
            socket: Some(config.socket_path()),
            devices: devices.iter().map(|it| (it.id.clone(), it.address)).collect(),
            ports: config.serial.iter().map(|it| (it.device.clone(), it.path.clone())).collect(),
        })
    }

    /// The name of the configured device at that address.
    pub(super) fn id_of(&self, address: BDAddr) -> Option<&str> {
        self.devices.iter().find(|(_id, at)| *at == address).map(|(id, _at)| id.as_str())
    }

    /// What a person called it, as an address where that is the name of a configured device.
    ///
    /// # Errors
    ///
    /// Fails where that is a serial device, which has neither bond nor name on the air.
    pub(super) fn called(&self, wanted: &str) -> anyhow::Result<String> {
        if let Some((id, path)) = self.ports.iter().find(|(id, _path)| id.as_str() == wanted) {
            let path = path.display();
            anyhow::bail!(
                "{id} is on the serial port {path}: there is nothing to pair or forget; what it says is \
                 written down by `vitalgate device record --port {path}` while the hub is stopped"
            );
        }
        let configured = self.devices.iter().find(|(id, _at)| id.as_str() == wanted);
        Ok(configured.map_or_else(|| wanted.to_owned(), |(_id, address)| address.to_string()))
    }

    /// Has a running hub leave the radio alone until the answer is dropped.
    ///
    /// # Errors
    ///
    /// Fails where one runs and does not answer.
    pub(super) fn quiet(&self, duration: Duration) -> anyhow::Result<Quiet<'_>> {
        let Some(path) = self.socket.as_deref() else { return Ok(Quiet(None)) };
        let seconds = u16::try_from(duration.as_secs()).unwrap_or(u16::MAX);
        let is_running = local::keep_quiet(path, seconds)?;
        Ok(Quiet(is_running.then_some(path)))
    }

    /// Does what needs the Bluetooth daemon.
    ///
    /// # Errors
    ///
    /// Fails where that cannot be reached, and where `act` does.
    pub(super) fn with_bluez<T>(
        &self,
        act: impl AsyncFnOnce(&mut Bluez) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        block_on(async {
            let mut bluez = Bluez::open(self.adapter.as_deref()).await?;
            act(&mut bluez).await
        })
    }
}

/// Runs the one thing that a command waits for.
///
/// # Errors
///
/// Fails where that does.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    runtime.block_on(work)
}

/// A hub that leaves the radio alone for as long as this is there.
#[derive(Debug)]
pub(super) struct Quiet<'a>(Option<&'a Path>);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A hub that has ended meanwhile needs no word; another takes its radio back by itself.
        if let Some(path) = self.0
            && let Err(error) = local::keep_quiet(path, 0)
        {
            tracing::debug!(%error, "hub not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_device_is_neither_paired_nor_forgotten() {
        let port = ("oximeter".parse().unwrap(), PathBuf::from("/dev/ttyUSB0"));
        let place = Place { ports: vec![port], ..Place::default() };
        let error = place.called("oximeter").unwrap_err().to_string();
        assert!(error.contains("device record --port /dev/ttyUSB0"), "{error}");
        assert_eq!(place.called("A&D_UA-651BLE").unwrap(), "A&D_UA-651BLE");
    }
}
