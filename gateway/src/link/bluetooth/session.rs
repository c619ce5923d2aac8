//! One session with one device, from the request for a link to what is left to do after it.
//!
//! ```text
//! connect -> services resolved -> services read -> settle -> subscribe, in order
//!         -> read -> set the clock -> make it talk -> ask what follows from its answers
//!         -> listen until quiet or hung up
//!         -> disconnect unless hung up -> take what is left -> verdict
//! ```
//!
//! From the moment the services are read, values are passed on whatever else is going on.

mod close;
mod converse;
mod talk;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use btleplug::api::{Characteristic, Peripheral as _, ValueNotification};
use btleplug::platform::{Adapter, Peripheral};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::bus::Bluez;
use super::echo::Echoes;
use super::ending::{Cause, Stage, silence};
use super::peer::{Peer, is_limit};
use super::roster::Member;
use super::{BluetoothDevice, BluetoothSettings, Limits, USER_CONTROL};
use crate::clock::Clock;
use crate::link::dialogue::Conversation;
use crate::link::{Frame, LinkEvent, SessionEnd, Source};

/// How long the daemon may take to say that a link is down which it was told to end, and to
/// answer behind the last value.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What BlueZ signalled about a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) is_connected: bool,
    pub(super) is_resolved: bool,
    pub(super) is_bonded: bool,
    /// Links that went down since the start: a link that is up again is another link.
    pub(super) n_hang_ups: u64,
    /// Why there is no radio.
    pub(super) radio_lost: Option<String>,
}

/// What every session needs.
#[derive(Debug, Clone)]
pub(super) struct Wires {
    pub(super) settings: Arc<BluetoothSettings>,
    pub(super) clock: Clock,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) bluez: Bluez,
    pub(super) adapter: Adapter,
    pub(super) adapter_name: String,
}

/// A session that is over.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) member: Member,
    pub(super) peer: Option<Peer>,
    pub(super) end: SessionEnd,
    pub(super) is_radio_lost: bool,
    /// The bus refused a match rule.
    pub(super) is_limit: bool,
}

/// A session that is on.
#[derive(Debug)]
pub(super) struct Session {
    member: Member,
    device: BluetoothDevice,
    wires: Wires,
    presence: watch::Receiver<Presence>,
    n_hang_ups_before: u64,
    peer: Option<Peer>,
    stage: Stage,
    n_values: u64,
    /// When the last value came, since boot.
    value_at: Duration,
    /// A value that is not given to the hub yet.
    held: Option<Frame>,
    echoes: Echoes,
    /// What it is asked for, where it has to be.
    conversation: Option<Conversation>,
    /// An answer came.
    answered: Arc<Notify>,
    /// A request that makes it talk could not be written.
    is_unasked: bool,
    is_limit: bool,
}

impl Session {
    pub(super) fn new(
        member: Member,
        device: BluetoothDevice,
        wires: Wires,
        presence: watch::Receiver<Presence>,
        peer: Option<Peer>,
    ) -> Self {
        let n_hang_ups_before = presence.borrow().n_hang_ups;
        let conversation = device.script.map(Conversation::begin);
        Self {
            member,
            device,
            wires,
            presence,
            n_hang_ups_before,
            peer,
            stage: Stage::Connecting,
            n_values: 0,
            value_at: Duration::ZERO,
            held: None,
            echoes: Echoes::default(),
            conversation,
            answered: Arc::default(),
            is_unasked: false,
            is_limit: false,
        }
    }

    pub(super) fn member(&self) -> Member {
        self.member
    }

    /// Connects and subscribes.
    pub(super) async fn set_up(mut self) -> Result<Box<Self>, Closed> {
        match self.try_set_up().await {
            Ok(()) => Ok(Box::new(self)),
            Err(cause) => Err(self.close(cause).await),
        }
    }

    /// Passes values on until the session ends.
    pub(super) async fn listen(mut self) -> Closed {
        let begun = self.now();
        let mut again = self.repeated();
        let cause = loop {
            let asked = match self.say(&mut again).await {
                Ok(asked) => asked,
                Err(cause) => break cause,
            };
            let quiet_at = if self.n_values == 0 {
                begun.saturating_add(self.device.first_value)
            } else {
                self.value_at.max(begun).saturating_add(self.device.quiet)
            };
            let now = self.now();
            if asked.is_none() && quiet_at <= now {
                break silence(self.is_unasked, self.n_values);
            }
            let until = asked.unwrap_or(quiet_at);
            let due = again.iter().map(|(due, _request)| *due).fold(until, Duration::min);
            let left = due.saturating_sub(now);
            let answered = Arc::clone(&self.answered);
            let answer = async {
                answered.notified().await;
                Ok::<(), Infallible>(())
            };
            match self.guarded(left, answer).await {
                Ok(()) | Err(Cause::TimedOut) => {}
                Err(cause) => break cause,
            }
        };
        self.close(cause).await
    }

    async fn try_set_up(&mut self) -> Result<(), Cause> {
        let Limits { connect, resolve, call, .. } = self.wires.settings.limits;
        let address = self.device.address;
        let (adapter, name) = (self.wires.adapter.clone(), self.wires.adapter_name.clone());
        self.tell(LinkEvent::Begun(self.device.id.clone(), self.wires.clock.now())).await;

        if self.peer.is_none() {
            self.peer = self.guarded(call, Peer::open(&adapter, address)).await?;
        }
        let Some(peer) = &self.peer else {
            return Err(Cause::CallFailed("BlueZ does not know it any more".to_owned()));
        };
        let peripheral = peer.peripheral.clone();

        let bluez = self.wires.bluez.clone();
        self.guarded(connect, bluez.connect(&name, address)).await?;
        self.stage = Stage::Resolving;
        let mut presence = self.presence.clone();
        let resolved = async { presence.wait_for(|it| it.is_resolved).await.map(drop) };
        self.guarded(resolve, resolved).await?;
        self.stage = Stage::Discovering;
        self.guarded(call, peripheral.discover_services()).await?;
        self.stage = Stage::Subscribing;
        self.settle().await?;
        self.subscribe(&peripheral).await?;
        self.stage = if self.conversation.is_some() { Stage::Asking } else { Stage::SetUp };
        for uuid in self.device.reads.clone() {
            self.read(&peripheral, uuid).await?;
        }
        if let Some(write) = self.device.clock {
            self.set_clock(&peripheral, write).await?;
        }
        for consent in self.device.consents.clone() {
            self.consent(&peripheral, consent).await?;
        }
        for request in self.device.requests.clone() {
            self.ask(&peripheral, request).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Cause> {
        let pause = self.device.settle;
        match self.guarded(pause, std::future::pending::<Result<Infallible, Infallible>>()).await {
            Err(Cause::TimedOut) => Ok(()),
            Err(cause) => Err(cause),
            Ok(never) => match never {},
        }
    }

    async fn subscribe(&mut self, peripheral: &Peripheral) -> Result<(), Cause> {
        let limit = self.wires.settings.limits.call;
        let mut n_subscribed = 0_usize;
        for uuid in self.device.subscriptions.clone() {
            let Some(characteristic) = self.characteristic(uuid) else {
                tracing::debug!(device = %self.device.id, %uuid, "device has no such value");
                continue;
            };
            self.guarded(limit, peripheral.subscribe(&characteristic)).await?;
            n_subscribed = n_subscribed.saturating_add(1);
        }
        if n_subscribed == 0 && !self.device.subscriptions.is_empty() {
            return Err(Cause::CallFailed("it has none of the values to subscribe to".to_owned()));
        }
        Ok(())
    }

    /// Waits for a call as long as there is a link and time, and passes values on meanwhile.
    async fn guarded<T, E: fmt::Display + fmt::Debug>(
        &mut self,
        limit: Duration,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        let mut presence = self.presence.clone();
        let n_before = self.n_hang_ups_before;
        let outcome = tokio::select! {
            biased;
            cause = lost(&mut presence, n_before) => return Err(cause),
            outcome = timeout(limit, call) => outcome,
            never = self.forward() => match never {},
        };
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.is_limit |= is_limit(&error);
                Err(Cause::CallFailed(error.to_string()))
            }
            Err(_elapsed) => Err(Cause::TimedOut),
        }
    }

    /// Passes values on for ever. May be dropped at any time: a value in hand stays in `held`.
    async fn forward(&mut self) -> Infallible {
        loop {
            self.hand_over().await;
            match &mut self.peer {
                Some(peer) if Stage::Subscribing <= self.stage => match peer.next_value().await {
                    Some(value) => self.take(value),
                    None => std::future::pending().await,
                },
                Some(_) | None => std::future::pending().await,
            }
        }
    }

    fn take(&mut self, value: ValueNotification) {
        let ValueNotification { uuid, value: bytes, .. } = value;
        if self.device.subscriptions.contains(&uuid) && !self.echoes.is_echo(uuid, &bytes) {
            // That it takes somebody for its user is no measurement, which may still be going on.
            if uuid != USER_CONTROL {
                self.n_values = self.n_values.saturating_add(1);
                self.value_at = self.now();
            }
            self.hear(uuid, &bytes);
            self.held = Some(self.frame(uuid, bytes));
        }
    }

    /// Gives the value in hand to the hub, as soon as the hub has room for it.
    async fn hand_over(&mut self) {
        if self.held.is_none() {
            return;
        }
        match self.wires.events.reserve().await {
            Ok(room) => {
                if let Some(frame) = self.held.take() {
                    room.send(LinkEvent::Frame(frame));
                }
            }
            Err(_hub_gone) => std::future::pending().await,
        }
    }

    fn characteristic(&self, uuid: Uuid) -> Option<Characteristic> {
        self.peer.as_ref()?.characteristic(&self.device, uuid)
    }

    fn frame(&self, uuid: Uuid, bytes: Vec<u8>) -> Frame {
        Frame {
            device: self.device.id.clone(),
            source: Source::Characteristic(uuid),
            bytes,
            received: self.wires.clock.now(),
        }
    }

    async fn tell(&mut self, event: LinkEvent) {
        if self.wires.events.send(event).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn now(&self) -> Duration {
        self.wires.clock.now().since_boot
    }
}

/// Waits until the link or the radio is lost.
async fn lost(presence: &mut watch::Receiver<Presence>, n_hang_ups_before: u64) -> Cause {
    let is_lost = |it: &Presence| it.radio_lost.is_some() || n_hang_ups_before < it.n_hang_ups;
    match presence.wait_for(is_lost).await {
        Ok(presence) => match &presence.radio_lost {
            Some(why) => Cause::RadioLost(why.clone()),
            None => Cause::LinkLost,
        },
        Err(_closed) => Cause::RadioLost("the link was stopped".to_owned()),
    }
}
