//! What a session reads from a device and writes to it; none of that ends a session but a lost link.

use std::time::Duration;

use btleplug::api::{CharPropFlags, Peripheral as _};
use btleplug::platform::Peripheral;
use uuid::Uuid;

use super::Session;
use crate::clock::Stamp;
use crate::link::Request;
use crate::link::bluetooth::ending::Cause;
use crate::link::bluetooth::peer::write_type;
use crate::link::bluetooth::{BATTERY_LEVEL, ClockWrite, USER_CONTROL};

impl Session {
    /// Reads a value; that one cannot be read is no reason to end a session.
    pub(super) async fn read(&mut self, peripheral: &Peripheral, uuid: Uuid) -> Result<(), Cause> {
        let device = &self.device.id;
        let Some(characteristic) = self.characteristic(uuid) else {
            if uuid != BATTERY_LEVEL {
                tracing::debug!(device = %device, %uuid, "device has no such value");
            }
            return Ok(());
        };
        if !characteristic.properties.contains(CharPropFlags::READ) {
            tracing::debug!(device = %device, %uuid, "device does not tell it");
            return Ok(());
        }
        self.echoes.begin(uuid);
        let limit = self.wires.settings.limits.call;
        match self.guarded(limit, peripheral.read(&characteristic)).await {
            Ok(bytes) => {
                let is_subscribed = self.device.subscriptions.contains(&uuid);
                if !is_subscribed || self.echoes.end(uuid, &bytes) {
                    let frame = self.frame(uuid, bytes);
                    self.hand_over().await;
                    self.held = Some(frame);
                    self.hand_over().await;
                }
                Ok(())
            }
            Err(cause) => self.tolerate(cause, "a value could not be read"),
        }
    }

    pub(super) async fn set_clock(
        &mut self,
        peripheral: &Peripheral,
        write: ClockWrite,
    ) -> Result<(), Cause> {
        let now = self.wires.clock.now();
        let booted_at = *self.wires.settings.booted_at.borrow();
        let Some(wall) = booted_at.and_then(|it| it.checked_add(now.since_boot).ok()) else {
            tracing::debug!(device = %self.device.id, "hub has no time to set the clock to");
            return Ok(());
        };
        let now = Stamp { wall, ..now };
        let zone = self.wires.settings.zone.borrow().clone();
        let bytes = (write.encode)(now, &zone);
        self.write(peripheral, write.characteristic, &bytes, "its clock could not be set").await?;
        Ok(())
    }

    /// Lets the hub in as one of the device's users, which sends what it stored of that one then.
    pub(super) async fn consent(
        &mut self,
        peripheral: &Peripheral,
        consent: [u8; 4],
    ) -> Result<(), Cause> {
        self.write(peripheral, USER_CONTROL, &consent, "it did not take a user's consent").await?;
        Ok(())
    }

    /// Writes what makes a device talk: it may send what it stored, or measure from then on.
    pub(super) async fn ask(
        &mut self,
        peripheral: &Peripheral,
        request: Request,
    ) -> Result<(), Cause> {
        let Request { characteristic, write } = request;
        let what = "it could not be asked to talk";
        self.is_unasked |= !self.write(peripheral, characteristic, write.bytes, what).await?;
        Ok(())
    }

    /// Writes what is due again, and notes when it is due next.
    pub(super) async fn repeat(&mut self, again: &mut [(Duration, Request)]) -> Result<(), Cause> {
        let Some(peripheral) = self.peer.as_ref().map(|peer| peer.peripheral.clone()) else {
            return Ok(());
        };
        let now = self.now();
        for (due, request) in again.iter_mut().filter(|(due, _request)| *due <= now) {
            *due = now.saturating_add(request.write.every.unwrap_or(Duration::MAX));
            self.ask(&peripheral, *request).await?;
        }
        Ok(())
    }

    /// What is to be written again and again, and when it is due.
    pub(super) fn repeated(&self) -> Vec<(Duration, Request)> {
        let due =
            |request: &Request| Some((self.now().saturating_add(request.write.every?), *request));
        self.device.requests.iter().filter_map(due).collect()
    }

    /// Writes a value; that one cannot be written is no reason to end a session. Whether nothing failed.
    async fn write(
        &mut self,
        peripheral: &Peripheral,
        uuid: Uuid,
        bytes: &[u8],
        otherwise: &'static str,
    ) -> Result<bool, Cause> {
        let Some(characteristic) = self.characteristic(uuid) else {
            tracing::debug!(device = %self.device.id, %uuid, "device has nothing to write it to");
            return Ok(true);
        };
        let call = peripheral.write(&characteristic, bytes, write_type(&characteristic));
        let limit = self.wires.settings.limits.call;
        match self.guarded(limit, call).await {
            Ok(()) => Ok(true),
            Err(cause) => self.tolerate(cause, otherwise).map(|()| false),
        }
    }

    /// Goes on after a failure of what is not essential.
    fn tolerate(&self, cause: Cause, what: &'static str) -> Result<(), Cause> {
        match cause {
            Cause::CallFailed(error) => {
                tracing::warn!(device = %self.device.id, what, error, "session goes on");
                Ok(())
            }
            Cause::TimedOut => {
                tracing::warn!(device = %self.device.id, what, "session goes on");
                Ok(())
            }
            cause @ (Cause::LinkLost | Cause::Quiet | Cause::RadioLost(_)) => Err(cause),
        }
    }
}
