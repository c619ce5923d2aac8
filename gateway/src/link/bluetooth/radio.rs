//! The loop of the link: signals, deadlines and finished calls in, calls and link events out.
//!
//! It decides nothing by itself that can be decided without I/O: whose turn it is is
//! [`super::roster`], when to scan is [`super::scan`], what silence means is [`super::silence`].

mod ask;
mod hear;

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use btleplug::api::{Central as _, ValueNotification};
use btleplug::platform::{Adapter, Manager};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::sleep;

use super::BluetoothSettings;
use super::attach::{Attachment, Trouble, within};
use super::bus::{Bluez, Bus};
use super::ending::with_advice;
use super::peer::Peer;
use super::report::Report;
use super::roster::{Backoff, Member, Outcome, Roster};
use super::scan::{Discovery, Step, Wanted, next_step};
use super::session::{Closed, Presence, Session, Wires};
use super::signal::Signal;
use super::silence::{Remedy, Silence};
use crate::clock::Clock;
use crate::link::{LinkEvent, SessionEnd};

/// Why the radio is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    HubGone,
    BusDead,
    /// The bus refuses match rules.
    Exhausted,
}

/// Something that was asked for and is done. Numbers are those of the attachment it was for.
#[derive(Debug)]
enum Done {
    Attached(Result<Attachment, Trouble>),
    Started(u64, Result<(), Trouble>),
    Stopped(u64),
    SwitchedOff(u64),
    SetUp(Box<Session>),
    Closed(Closed),
}

#[derive(Debug)]
enum State {
    Detached { retry_at: Duration },
    Attaching,
    Attached(Wires),
}

type Work = FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>;

/// Everything that lives as long as one bus connection.
pub(super) struct Radio {
    settings: Arc<BluetoothSettings>,
    clock: Clock,
    bus: Bus,
    bluez: Bluez,
    manager: Manager,
    state: State,
    /// The adapter that was used last.
    adapter: Option<Adapter>,
    /// The adapter is being looked for, perhaps in vain since.
    is_attach_pending: bool,
    n_attachments: u64,
    n_outages: u32,
    n_sessions: usize,
    discovery: Discovery,
    /// A scan that ended by itself is not started again before this moment.
    scan_not_before: Duration,
    is_renewal_due: bool,
    is_power_cycle_due: bool,
    /// The adapter is off because we switched it off.
    is_cycling: bool,
    roster: Roster,
    silence: Silence,
    quiet_until: watch::Receiver<Duration>,
    presence: Vec<watch::Sender<Presence>>,
    /// Devices without a session; the others are with their sessions.
    peers: Vec<Option<Peer>>,
    /// Adapter that the peers belong to.
    peers_of: String,
    /// Signals that came while the tree was read.
    deferred: Vec<Signal>,
    work: Work,
    stop: Option<Stop>,
}

impl Radio {
    pub(super) fn new(
        settings: &Arc<BluetoothSettings>,
        clock: Clock,
        bus: Bus,
        bluez: Bluez,
        manager: Manager,
    ) -> Self {
        let now = clock.now().since_boot;
        let n_devices = settings.devices.len();
        Self {
            settings: Arc::clone(settings),
            clock,
            bus,
            bluez,
            manager,
            state: State::Detached { retry_at: now },
            adapter: None,
            is_attach_pending: false,
            n_attachments: 0,
            n_outages: 0,
            n_sessions: 0,
            discovery: Discovery::Off,
            scan_not_before: now,
            is_renewal_due: false,
            is_power_cycle_due: false,
            is_cycling: false,
            roster: Roster::new(n_devices, backoff(settings)),
            silence: Silence::new(settings.limits.radio_silence, now),
            quiet_until: settings.quiet_until.clone(),
            presence: (0..n_devices).map(|_| watch::Sender::new(Presence::default())).collect(),
            peers: (0..n_devices).map(|_| None).collect(),
            peers_of: String::new(),
            deferred: Vec::new(),
            work: Work::new(),
            stop: None,
        }
    }

    /// Runs until the bus is of no more use.
    pub(super) async fn serve(mut self, report: &mut Report) -> Stop {
        let events = report.events.clone();
        loop {
            self.advance(report).await;
            if let Some(stop) = self.stop
                && self.work.is_empty()
            {
                self.leave(stop).await;
                return stop;
            }
            let is_bus_alive = self.stop != Some(Stop::BusDead);
            let left = self.next_deadline().map(|at| at.saturating_sub(self.now()));
            tokio::select! {
                () = events.closed() => return Stop::HubGone,
                signal = self.bus.next(), if is_bus_alive => self.on_signal(signal, report).await,
                Some(done) = self.work.next() => self.on_done(done, report).await,
                (member, value) = next_value(&mut self.peers) => {
                    self.on_idle_value(member, value, report).await;
                }
                Ok(()) = self.quiet_until.changed() => {}
                () = wait(left) => {}
            }
        }
    }

    /// Gives up the value streams: of a dead bus without asking it anything.
    async fn leave(&mut self, stop: Stop) {
        if let (Stop::Exhausted, Some(adapter)) = (stop, self.adapter.take()) {
            let limit = self.settings.limits.call;
            // The daemon would end our scan with the connection, but btleplug keeps that.
            within(limit, "the scan does not stop", adapter.stop_scan()).await.ok();
        }
        if stop == Stop::BusDead {
            self.peers.drain(..).flatten().for_each(Peer::abandon);
        }
    }

    /// Does what is due.
    async fn advance(&mut self, report: &mut Report) {
        let now = self.now();
        self.roster.advance(now);
        let wires = match &self.state {
            State::Detached { retry_at } => {
                if *retry_at <= now && self.may_attach() {
                    self.begin_to_attach();
                }
                return;
            }
            State::Attaching => return,
            State::Attached(wires) => wires.clone(),
        };
        let is_quiet = now < *self.quiet_until.borrow_and_update();
        if is_quiet || self.roster.is_listening() {
            // Nobody scans, or a device is on the line: that nobody advertises says nothing.
            self.silence.restart(now);
        } else if let Some(remedy) = self.silence.advance(now) {
            self.treat(remedy, report).await;
        }
        let wanted = Wanted {
            candidate: self.roster.candidate(),
            is_setting_up: self.roster.is_setting_up(),
            is_renewal_due: self.is_renewal_due,
            is_power_cycle_due: self.is_power_cycle_due,
            is_quiet,
        };
        match next_step(self.discovery, wanted) {
            Step::Wait => {}
            Step::Start if now < self.scan_not_before => {}
            Step::Start => self.start_scan(wires),
            Step::Stop => self.stop_scan(wires),
            Step::Connect(member) => self.begin_session(member, wires),
            Step::SwitchOff => self.switch_off(wires),
        }
    }

    /// Sessions of the radio that was lost have to see it before it is tried again.
    fn may_attach(&self) -> bool {
        self.n_sessions == 0 && !self.is_attach_pending && self.stop.is_none()
    }

    async fn treat(&mut self, remedy: Remedy, report: &mut Report) {
        tracing::warn!(?remedy, attempt = self.silence.n_remedies(), "radio hears nothing");
        self.settings.remedies.send_modify(|it| it.count(remedy));
        match remedy {
            Remedy::OpenEar => self.is_renewal_due = true,
            Remedy::CyclePower => self.is_power_cycle_due = true,
            Remedy::TellDeaf => {
                self.is_power_cycle_due = true;
                report.lost("the radio hears nothing at all").await;
            }
        }
    }

    async fn on_done(&mut self, done: Done, report: &mut Report) {
        match done {
            Done::Attached(outcome) => {
                self.is_attach_pending = false;
                self.on_attach_ended(outcome, report).await;
            }
            Done::Started(number, outcome) if number == self.n_attachments => match outcome {
                Ok(()) => self.on_scanning(report).await,
                Err(trouble) => self.lose(trouble, report).await,
            },
            Done::Stopped(number) | Done::SwitchedOff(number) if number == self.n_attachments => {
                self.discovery = Discovery::Off;
            }
            // What was asked of an adapter that is gone.
            Done::Started(..) | Done::Stopped(_) | Done::SwitchedOff(_) => {}
            Done::SetUp(session) => {
                self.relieve(self.now(), report).await;
                self.roster.set_up(session.member());
                self.work.push(Box::pin(async move { Done::Closed(session.listen().await) }));
            }
            Done::Closed(closed) => self.on_closed(closed, report).await,
        }
    }

    async fn on_attach_ended(&mut self, outcome: Result<Attachment, Trouble>, report: &mut Report) {
        let is_current = matches!(self.state, State::Attaching);
        match outcome {
            Ok(attachment) => {
                let attachment = self.keep_peers(attachment);
                if is_current {
                    self.on_attached(attachment, report).await;
                }
            }
            Err(_why) if !is_current => {}
            Err(Trouble { is_limit, .. }) if !self.bus.has_bluez() => {
                let why = "the Bluetooth daemon is not running".to_owned();
                self.lose(Trouble { why, is_limit }, report).await;
            }
            Err(trouble) => self.lose(trouble, report).await,
        }
    }

    /// Keeps the value streams of an attachment, for they are not to be dropped.
    fn keep_peers(&mut self, mut attachment: Attachment) -> Attachment {
        if self.peers_of != attachment.name {
            self.peers.iter_mut().for_each(|peer| drop(peer.take()));
            self.peers_of.clone_from(&attachment.name);
        }
        for (member, peer) in attachment.peers.drain(..) {
            if let Some(place) = self.peers.get_mut(member) {
                *place = Some(peer);
            }
        }
        attachment
    }

    async fn on_attached(&mut self, attachment: Attachment, report: &mut Report) {
        let Attachment { adapter, name, tree, .. } = attachment;
        self.n_attachments = self.n_attachments.wrapping_add(1);
        self.adapter = Some(adapter.clone());
        self.state = State::Attached(Wires {
            settings: Arc::clone(&self.settings),
            clock: self.clock,
            events: report.events.clone(),
            bluez: self.bluez.clone(),
            adapter,
            adapter_name: name,
        });
        let deferred = std::mem::take(&mut self.deferred);
        for signal in tree.into_iter().chain(deferred) {
            if let Signal::Device(adapter, address, change) = signal {
                self.on_device(&adapter, address, change, report).await;
            }
        }
    }

    async fn on_scanning(&mut self, report: &mut Report) {
        self.discovery = Discovery::On;
        self.is_cycling = false;
        self.n_outages = 0;
        if !self.silence.is_deaf() {
            report.up().await;
        }
    }

    async fn on_closed(&mut self, closed: Closed, report: &mut Report) {
        let Closed { member, peer, end, is_radio_lost, is_limit } = closed;
        self.n_sessions = self.n_sessions.saturating_sub(1);
        if let Some(place) = self.peers.get_mut(member) {
            *place = peer;
        }
        let Some(device) = self.settings.devices.get(member) else {
            return;
        };
        let outcome = match &end {
            SessionEnd::Failed(_) if is_radio_lost => Outcome::RadioLost,
            SessionEnd::Failed(_) => Outcome::Failed,
            SessionEnd::ByHub => Outcome::ByHub { rest: device.rest },
            SessionEnd::ByDevice => Outcome::ByDevice,
        };
        let stamp = self.clock.now();
        let n_failures = self.roster.ended(member, outcome, stamp.since_boot);
        let is_bonded = self.presence.get(member).is_some_and(|it| it.borrow().is_bonded);
        let end = with_advice(end, n_failures, is_bonded);
        tracing::info!(device = %device.id, ?end, attempt = n_failures, "session ended");
        report.tell(LinkEvent::Ended(device.id.clone(), end, stamp)).await;
        if is_limit {
            let why = "the bus refuses match rules".to_owned();
            self.lose(Trouble { why, is_limit }, report).await;
        }
    }

    /// The radio cannot be used: sessions end by themselves when they see it.
    async fn lose(&mut self, trouble: Trouble, report: &mut Report) {
        let Trouble { why, is_limit } = trouble;
        if is_limit && self.stop.is_none() {
            self.stop = Some(Stop::Exhausted);
        }
        for presence in &self.presence {
            presence.send_modify(|it| {
                it.radio_lost = Some(why.clone());
                it.is_connected = false;
                it.is_resolved = false;
            });
        }
        let now = self.now();
        self.roster.restart();
        self.silence.restart(now);
        self.discovery = Discovery::Off;
        (self.is_renewal_due, self.is_power_cycle_due, self.is_cycling) = (false, false, false);
        self.deferred.clear();
        self.n_attachments = self.n_attachments.wrapping_add(1);
        self.n_outages = self.n_outages.saturating_add(1);
        let retry_at = now.saturating_add(backoff(&self.settings).pause(self.n_outages));
        self.state = State::Detached { retry_at };
        report.lost(&why).await;
    }

    fn next_deadline(&self) -> Option<Duration> {
        let own = match &self.state {
            State::Detached { retry_at } if self.may_attach() => Some(*retry_at),
            State::Detached { .. } | State::Attaching => None,
            State::Attached(_) => {
                let scan = (self.discovery == Discovery::Off && self.now() < self.scan_not_before)
                    .then_some(self.scan_not_before);
                let quiet = Some(*self.quiet_until.borrow()).filter(|it| self.now() < *it);
                [scan, quiet, self.silence.next_deadline()].into_iter().flatten().min()
            }
        };
        [own, self.roster.next_deadline()].into_iter().flatten().min()
    }

    fn now(&self) -> Duration {
        self.clock.now().since_boot
    }
}

/// The next value of a device without a session.
async fn next_value(peers: &mut [Option<Peer>]) -> (Member, ValueNotification) {
    std::future::poll_fn(|context| {
        for (member, peer) in peers.iter_mut().enumerate() {
            if let Some(peer) = peer.as_mut().filter(|peer| peer.may_be_polled)
                && let Poll::Ready(Some(value)) = peer.poll_value(context)
            {
                return Poll::Ready((member, value));
            }
        }
        Poll::Pending
    })
    .await
}

/// How pauses grow between failures, of devices and of the radio itself.
pub(super) fn backoff(settings: &BluetoothSettings) -> Backoff {
    Backoff { first: settings.limits.retry_first, longest: settings.limits.retry_longest }
}

async fn wait(left: Option<Duration>) {
    match left {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
    }
}
