//! The end of a session.

use btleplug::api::Peripheral as _;
use tokio::time::timeout;

use super::{AFTERMATH, Closed, Presence, Session, Wires};
use crate::link::bluetooth::ending::{Cause, Stage, verdict};
use crate::link::bluetooth::peer::{Peer, flush};

impl Session {
    /// Ends the session: link down, nothing left behind, verdict given.
    pub(super) async fn close(mut self, cause: Cause) -> Closed {
        let cause = self.recheck(cause).await;
        let is_radio_lost = matches!(cause, Cause::RadioLost(_));
        match cause {
            Cause::LinkLost | Cause::RadioLost(_) => {}
            Cause::Quiet | Cause::TimedOut | Cause::CallFailed(_) => self.disconnect().await,
        }
        self.take_leftovers(is_radio_lost).await;
        if self.stage == Stage::Asking && self.conversation.as_ref().is_some_and(|it| it.is_done())
        {
            // The last answer was among them.
            self.stage = Stage::SetUp;
        }
        if let Some(peer) = &mut self.peer {
            peer.may_be_polled = peer.is_named();
        }
        let end = verdict(self.stage, &cause, self.n_values);
        let Self { member, peer, is_limit, .. } = self;
        Closed { member, peer, end, is_radio_lost, is_limit }
    }

    /// A call can fail because the link just went down: then that is the cause.
    async fn recheck(&mut self, cause: Cause) -> Cause {
        let Cause::CallFailed(_) = cause else {
            return cause;
        };
        if self.stage <= Stage::Connecting {
            return cause;
        }
        let Wires { bluez, adapter_name, .. } = &self.wires;
        match timeout(AFTERMATH, bluez.is_connected(adapter_name, self.device.address)).await {
            Ok(Ok(false)) => Cause::LinkLost,
            Ok(Ok(true) | Err(_)) | Err(_) => cause,
        }
    }

    async fn disconnect(&mut self) {
        let Wires { bluez, adapter_name, .. } = &self.wires;
        let call = bluez.disconnect(adapter_name, self.device.address);
        match timeout(AFTERMATH, call).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(device = %self.device.id, %error, "nothing to disconnect");
            }
            Err(_elapsed) => {
                tracing::warn!(device = %self.device.id, "disconnecting takes too long");
            }
        }
        let is_down = |it: &Presence| !it.is_connected || it.radio_lost.is_some();
        if timeout(AFTERMATH, self.presence.wait_for(is_down)).await.is_err() {
            tracing::warn!(device = %self.device.id, "link stays up");
        }
    }

    /// Takes what the device said and nobody took: also what an indicating cuff said on a link
    /// that went down before its services were known.
    ///
    /// A cuff does not say it again, and without names it would be lost: their coming is worth a
    /// long wait, and if they do not come it stays in the stream for the next session.
    async fn take_leftovers(&mut self, is_radio_lost: bool) {
        self.hand_over().await;
        let Some((peripheral, is_named)) =
            self.peer.as_ref().map(|peer| (peer.peripheral.clone(), peer.is_named()))
        else {
            return;
        };
        if !is_named && !is_radio_lost {
            let limit = self.wires.settings.limits.resolve;
            match timeout(limit, peripheral.discover_services()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(device = %self.device.id, %error, "no services to read");
                }
                Err(_elapsed) => tracing::debug!(device = %self.device.id, "no services to read"),
            }
        }
        if timeout(AFTERMATH, flush(&peripheral)).await.is_err() {
            tracing::debug!(device = %self.device.id, "no answer behind the last value");
        }
        if !self.peer.as_ref().is_some_and(Peer::is_named) {
            return;
        }
        while let Some(value) = self.peer.as_mut().and_then(Peer::waiting_value) {
            self.take(value);
            self.hand_over().await;
        }
    }
}
