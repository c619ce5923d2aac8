//! One connection to the broker: the only module that knows the MQTT client.
//!
//! The client's event loop runs in a task of its own, because polling it cannot be cancelled
//! safely; what it meets comes here by a bounded channel. The end of a session, for whatever
//! reason, throws the client away with everything that it still remembers.

mod connect;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ClientError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};
use vitals::wire::canonical;
use vitals::wire::primitive::Time;
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Presence, Status, VERSION};
use vitals::{LocalInstant, Sequence};

use self::connect::Happening;
use super::UplinkSettings;
use super::outcome::{Outcome, classify};
use super::window::{PAGE, Window};
use crate::clock::Clock;
use crate::hub::Event;
use crate::hub::inbox::{Ended, Inbox, Ledger};
use crate::store::Lane;
use crate::watchdog::Pulse;

/// Longest wait for the broker's acknowledgement of anything.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(20);

/// From the first health snapshot to the second: what waited has been received by then.
const HEALTH_INTERVAL_FIRST: Duration = Duration::from_secs(3);

/// Longest farewell.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Why a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The daemon stops.
    Stopped,
    /// The connection ended, or never stood.
    Lost {
        /// Whether records could be sent.
        was_connected: bool,
        /// Whether the agency confirmed something: the next failure is a new one.
        made_progress: bool,
        /// Whether the broker will go on refusing until a person has looked.
        is_refused: bool,
        /// One sentence.
        cause: String,
    },
}

impl End {
    pub(super) const fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped)
    }

    /// The session could not even be prepared.
    pub(super) fn unprepared(error: &anyhow::Error) -> Self {
        let cause = format!("{error:#}");
        Self::Lost { was_connected: false, made_progress: false, is_refused: true, cause }
    }

    pub(super) const fn made_progress(&self) -> bool {
        matches!(self, Self::Lost { made_progress: true, .. })
    }

    pub(super) const fn is_refused(&self) -> bool {
        matches!(self, Self::Lost { is_refused: true, .. })
    }

    pub(super) const fn was_connected(&self) -> bool {
        matches!(self, Self::Lost { was_connected: true, .. })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the daemon stops"),
            Self::Lost { cause, .. } => f.write_str(cause),
        }
    }
}

/// What was given to the client and has no packet number yet, or no acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Published {
    Record,
    Other,
}

/// One connection.
pub(super) struct Session<'settings> {
    settings: &'settings UplinkSettings,
    clock: Clock,
    inbox: Inbox,
    ledger: watch::Receiver<Ledger>,
    stop: watch::Receiver<bool>,
    pulse: &'settings Pulse,
    client: AsyncClient,
    happenings: mpsc::Receiver<Happening>,
    /// Runs the client's event loop; ends with the session.
    _poll: JoinSet<()>,
    window: Window,
    /// Of the ledger that the window goes by.
    turn: u64,
    /// Published and not yet numbered, in order.
    unnumbered: VecDeque<Published>,
    /// Numbered and not yet acknowledged, with the time of publication.
    unacknowledged: BTreeMap<u16, (Published, Duration)>,
    is_subscribed: bool,
    made_progress: bool,
    is_refused: bool,
    /// When the connection has to have led to a subscription.
    subscribe_by: Option<Duration>,
    next_health: Duration,
    health_interval: Duration,
}

impl<'settings> Session<'settings> {
    /// Prepares a connection; it is made when the session runs.
    pub(super) fn new(
        settings: &'settings UplinkSettings,
        clock: Clock,
        inbox: &Inbox,
        ledger: &watch::Receiver<Ledger>,
        stop: &watch::Receiver<bool>,
        pulse: &'settings Pulse,
    ) -> anyhow::Result<Self> {
        let since = LocalInstant::new(clock.now().wall, &settings.zone);
        let will = status(settings, Presence::Offline, since)?;
        let (client, event_loop) = connect::client(settings, will)?;
        let (sender, happenings) = mpsc::channel(512);
        let known = ledger.borrow().clone();
        let mut poll = JoinSet::new();
        poll.spawn(connect::poll(event_loop, sender));
        Ok(Self {
            settings,
            clock,
            inbox: inbox.clone(),
            ledger: ledger.clone(),
            stop: stop.clone(),
            pulse,
            client,
            happenings,
            _poll: poll,
            turn: known.turn,
            window: Window::new(known.held, known.last_seq, fastrand::Rng::new()),
            unnumbered: VecDeque::new(),
            unacknowledged: BTreeMap::new(),
            is_subscribed: false,
            made_progress: false,
            is_refused: false,
            subscribe_by: None,
            next_health: Duration::ZERO,
            health_interval: HEALTH_INTERVAL_FIRST.min(settings.heartbeat),
        })
    }

    /// Sends until the connection is lost or the daemon stops.
    pub(super) async fn run(mut self) -> anyhow::Result<End> {
        loop {
            if *self.stop.borrow() {
                self.say_farewell().await;
                return Ok(End::Stopped);
            }
            if self.is_subscribed
                && let Err(cause) = self.send_what_fits().await?
            {
                return Ok(self.lost(cause));
            }
            self.pulse.beat();
            let wait = self.next_deadline().saturating_sub(self.clock.now().since_boot);
            let wait = wait.min(self.pulse.round());
            tokio::select! {
                happening = self.happenings.recv() => {
                    let happening = happening.unwrap_or_else(Happening::poll_ended);
                    if let Some(cause) = self.take(happening).await? {
                        return Ok(self.lost(cause));
                    }
                }
                changed = self.ledger.changed() => {
                    changed.map_err(|_closed| Ended)?;
                    let ledger = self.ledger.borrow_and_update().clone();
                    if self.turn != ledger.turn {
                        self.turn = ledger.turn;
                        self.window.begin_anew(&ledger.held, ledger.last_seq);
                    }
                    self.made_progress |= self.window.receipt(&ledger.held);
                    let missing = self.window.missing();
                    self.send_again(missing).await?;
                }
                changed = self.stop.changed() => changed?,
                () = tokio::time::sleep(wait) => {
                    if let Some(cause) = self.on_deadline().await? {
                        return Ok(self.lost(cause));
                    }
                }
            }
        }
    }

    fn lost(&self, cause: String) -> End {
        End::Lost {
            was_connected: self.is_subscribed,
            made_progress: self.made_progress,
            is_refused: self.is_refused,
            cause,
        }
    }

    /// Takes what the client met; a text ends the session.
    async fn take(&mut self, happening: Happening) -> anyhow::Result<Option<String>> {
        match happening {
            Happening::Connected => {
                let now = self.clock.now().since_boot;
                self.subscribe_by = Some(now.saturating_add(ACKNOWLEDGEMENT_MAX));
                let topics = [Channel::Command, Channel::Receipt]
                    .map(|channel| self.settings.topics.of(&self.settings.hub, channel));
                for topic in topics {
                    self.client.subscribe(topic, QoS::AtLeastOnce).await?;
                }
                Ok(None)
            }
            Happening::Subscribed(codes) => self.subscribed(&codes),
            Happening::Numbered(packet) => {
                if let Some(published) = self.unnumbered.pop_front() {
                    let now = self.clock.now().since_boot;
                    self.unacknowledged.insert(packet, (published, now));
                }
                Ok(None)
            }
            Happening::Acknowledged(packet, reason) => Ok(self.acknowledged(packet, reason)),
            Happening::Received { topic, payload, is_retained } => {
                self.received(&topic, payload, is_retained).await?;
                Ok(None)
            }
            Happening::Lost(cause) => Ok(Some(cause)),
        }
    }

    fn subscribed(&mut self, codes: &[SubscribeReasonCode]) -> anyhow::Result<Option<String>> {
        let is_granted = |it: &SubscribeReasonCode| matches!(it, SubscribeReasonCode::Success(_));
        if !codes.iter().all(is_granted) {
            return Ok(Some(format!("the broker refused our subscription: {codes:?}")));
        }
        if self.is_subscribed {
            return Ok(None);
        }
        self.is_subscribed = true;
        self.subscribe_by = None;
        info!(broker = %self.settings.broker.host, "agency connection up");
        let since = LocalInstant::new(self.clock.now().wall, &self.settings.zone);
        let online = status(self.settings, Presence::Online, since)?;
        self.publish(Channel::Status, online, Published::Other)
    }

    fn acknowledged(&mut self, packet: u16, reason: PubAckReason) -> Option<String> {
        let (published, _sent_at) = self.unacknowledged.remove(&packet)?;
        if published == Published::Record {
            self.window.acknowledged();
        }
        let refusal = match classify(reason) {
            Outcome::Sent => return None,
            Outcome::Later(word) | Outcome::Refused(word) if published == Published::Other => {
                warn!(reason = word, "broker did not take presence or health");
                return None;
            }
            Outcome::Later(word) => format!("the broker does not take records now: {word}"),
            Outcome::Refused(word) => {
                self.is_refused = true;
                format!("the broker refuses this hub: {word}")
            }
        };
        Some(refusal)
    }

    async fn received(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        is_retained: bool,
    ) -> Result<(), Ended> {
        let ours = self.settings.topics.parse(topic).filter(|(hub, _it)| *hub == self.settings.hub);
        let is_of_the_agency = matches!(ours, Some((_, Channel::Receipt | Channel::Command)));
        if is_of_the_agency && !is_retained {
            self.window.heard(self.clock.now().since_boot);
            self.inbox.tell(Event::AgencyHeard).await?;
        }
        match self.settings.topics.parse(topic) {
            Some((hub, Channel::Receipt)) if hub == self.settings.hub => {
                self.inbox.tell(Event::Receipt(payload)).await
            }
            Some((hub, Channel::Command)) if hub == self.settings.hub => {
                self.inbox.tell(Event::Command(payload)).await
            }
            Some(_) | None => {
                debug!(len_bytes = payload.len(), "message of another topic ignored");
                Ok(())
            }
        }
    }

    /// Publishes until the window is closed or the ledger is drained; a text ends the session.
    async fn send_what_fits(&mut self) -> anyhow::Result<Result<(), String>> {
        loop {
            let last_seq = self.ledger.borrow().last_seq;
            if let Some((lane, after)) = self.window.wanted_page(last_seq) {
                let held = self.window.held().clone();
                let page = self.inbox.pending(lane, after, held, PAGE).await?;
                self.window.take_page(lane, after, page, last_seq);
                continue;
            }
            let now = self.clock.now().since_boot;
            let Some(record) = self.window.next_record(now) else { return Ok(Ok(())) };
            let channel = match record.lane {
                Lane::Alert => Channel::Alert,
                Lane::Reading => Channel::Reading,
                Lane::Event => Channel::Event,
            };
            if let Some(cause) = self.publish(channel, record.payload, Published::Record)? {
                return Ok(Err(cause));
            }
        }
    }

    async fn send_again(&mut self, seqs: Vec<Sequence>) -> Result<(), Ended> {
        if seqs.is_empty() {
            return Ok(());
        }
        debug!(queue_len = seqs.len(), "sending again");
        let records = self.inbox.records(seqs).await?;
        self.window.take_again(records);
        Ok(())
    }

    fn publish(
        &mut self,
        channel: Channel,
        payload: Vec<u8>,
        published: Published,
    ) -> anyhow::Result<Option<String>> {
        let topic = self.settings.topics.of(&self.settings.hub, channel);
        match self.client.try_publish(topic, QoS::AtLeastOnce, channel.is_retained(), payload) {
            Ok(()) => {
                self.unnumbered.push_back(published);
                Ok(None)
            }
            // The window is smaller than the client's queue: a full one does not move any more.
            Err(ClientError::TryRequest(_)) => Ok(Some("the client does not send".to_owned())),
            Err(error @ ClientError::Request(_)) => Err(error.into()),
        }
    }

    fn next_deadline(&self) -> Duration {
        let oldest = self.unacknowledged.values().map(|&(_published, sent_at)| sent_at).min();
        let acknowledgement = oldest.map(|it| it.saturating_add(ACKNOWLEDGEMENT_MAX));
        let health = self.is_subscribed.then_some(self.next_health);
        [acknowledgement, self.subscribe_by, health, self.window.next_overdue()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Duration::MAX)
    }

    /// Does what is due; a text ends the session.
    async fn on_deadline(&mut self) -> anyhow::Result<Option<String>> {
        let now = self.clock.now().since_boot;
        let is_late = |sent_at: Duration| sent_at.saturating_add(ACKNOWLEDGEMENT_MAX) <= now;
        if self.unacknowledged.values().any(|&(_published, sent_at)| is_late(sent_at)) {
            return Ok(Some("the broker does not acknowledge".to_owned()));
        }
        if self.subscribe_by.is_some_and(|it| it <= now) {
            return Ok(Some("the broker does not let this hub subscribe".to_owned()));
        }
        if let Some(probe) = self.window.overdue(now) {
            warn!(seq = probe, "receipts overdue, asking by a record that was sent before");
            self.send_again(vec![probe]).await?;
        }
        if self.is_subscribed && self.next_health <= now {
            self.next_health = now.saturating_add(self.health_interval);
            self.health_interval = self.settings.heartbeat;
            let health = self.inbox.health().await?;
            return self.publish(Channel::Health, health, Published::Other);
        }
        Ok(None)
    }

    /// Says "offline" and disconnects: a clean end suppresses the will.
    async fn say_farewell(mut self) {
        if !self.is_subscribed {
            return;
        }
        let farewell = async {
            let since = LocalInstant::new(self.clock.now().wall, &self.settings.zone);
            let offline = status(self.settings, Presence::Offline, since)?;
            self.publish(Channel::Status, offline, Published::Other)?;
            while !(self.unnumbered.is_empty() && self.unacknowledged.is_empty()) {
                let Some(happening) = self.happenings.recv().await else { break };
                if self.take(happening).await?.is_some() {
                    break;
                }
            }
            self.client.disconnect().await?;
            while self.happenings.recv().await.is_some_and(|it| !it.is_end()) {}
            anyhow::Ok(())
        };
        match tokio::time::timeout(FAREWELL_MAX, farewell).await {
            Ok(Ok(())) => debug!("agency connection closed"),
            Ok(Err(error)) => debug!(%error, "farewell failed"),
            Err(_elapsed) => debug!("farewell took too long"),
        }
    }
}

fn status(
    settings: &UplinkSettings,
    presence: Presence,
    since: LocalInstant,
) -> anyhow::Result<Vec<u8>> {
    let hub = settings.hub.as_str().to_owned();
    let state = presence.as_str().to_owned();
    Ok(canonical::encode(&Status { v: VERSION, hub, state, since: Time(since) })?)
}
