//! The MQTT 5 session with the broker: the only module that knows the client library.
//!
//! The station keeps a persistent session (`clean_start = false`, expiry one hour): what arrives
//! while it restarts waits at the broker. A message is acknowledged to the broker when it is read,
//! not when it is stored, because an acknowledgement to the broker promises nothing here: only the
//! receipt after the commit does. What the broker loses, or what is lost with a killed station,
//! shows as a gap in the next receipt, or as a record without one, and the hub sends it again.
//! A station that is stopped takes its leave of the broker first and stores what it has read.
//!
//! Every connection has a client and event loop of its own, because the library's queue of the last
//! one is not to be trusted; what was published and not confirmed is published again by the core:
//! receipts and commands on every connect.
//!
//! Queues and what happens when they are full:
//!
//! ```text
//! session -> desk     SIGNALS_MAX; reading stops, the broker keeps what comes, TCP holds it back
//! desk -> broker      REQUESTS_MAX; the connection is given up, the core publishes again
//! ```
//!
//! The window of MQTT 5 (receive maximum) is not relied upon: mosquitto 2.0.11 was seen to exceed it.

mod options;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, Filter, Packet, PubAck, PubAckReason, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use tokio::sync::{Notify, mpsc, watch};
use vitals::wire::topic::{AgencyTopics, Channel};

pub use self::options::{OptionsError, options};
use crate::core::Publication;
use crate::inbound::Delivery;

/// Signals that may wait for the desk: two batches.
pub const SIGNALS_MAX: usize = 2 * 512;
/// Requests that may wait for the connection.
const REQUESTS_MAX: usize = 8 * 512;
/// Shortest and longest wait before the next connection.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(250);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
/// Longest wait for the farewell to the broker.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// What the station listens to.
const CHANNELS: [Channel; 5] =
    [Channel::Reading, Channel::Alert, Channel::Event, Channel::Health, Channel::Status];

/// What the session says.
#[derive(Debug)]
pub enum Signal {
    /// A connection stands; nothing is subscribed yet.
    Connected(Link),
    /// The broker will deliver everything from now on.
    Subscribed,
    /// A message.
    Delivered(Delivery),
    /// The connection is gone.
    Lost {
        /// Why.
        reason: String,
    },
}

/// One connection, for sending.
#[derive(Debug, Clone)]
pub struct Link {
    client: AsyncClient,
    hang_up: Arc<Notify>,
}

impl Link {
    /// Publishes at least once; a connection that cannot take it is given up.
    pub fn publish(&self, publication: Publication) {
        let Publication { topic, payload, is_retained } = publication;
        if self.client.try_publish(topic, QoS::AtLeastOnce, is_retained, payload).is_err() {
            self.hang_up.notify_one();
        }
    }
}

/// Keeps a session with the broker until told to end, or until nobody listens to `signals`.
pub async fn run(
    options: MqttOptions,
    topics: AgencyTopics,
    signals: mpsc::Sender<Signal>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut retry_after = RETRY_AFTER_MIN;
    loop {
        let (client, mut events) = AsyncClient::new(options.clone(), REQUESTS_MAX);
        let hang_up = Arc::new(Notify::new());
        let link = Link { client: client.clone(), hang_up: Arc::clone(&hang_up) };
        let mut connection = Connection { events: &mut events, link, signals: &signals };
        let end = tokio::select! {
            end = connection.attend(&topics) => end,
            () = hang_up.notified() => End::after("the connection was too slow", true),
            () = farewell(&client, &mut shutdown) => End::after("no farewell to the broker", true),
        };
        // Dropping the event loop first frees whoever waits for it.
        drop(events);
        if *shutdown.borrow() {
            return;
        }
        tracing::warn!(error = %end.reason, "broker connection lost");
        if end.was_subscribed {
            retry_after = RETRY_AFTER_MIN;
        }
        if signals.send(Signal::Lost { reason: end.reason }).await.is_err() {
            return;
        }
        let jittered = retry_after.mul_f64(0.5 + fastrand::f64() / 2.0);
        retry_after = retry_after.saturating_mul(2).min(RETRY_AFTER_MAX);
        tokio::select! {
            () = tokio::time::sleep(jittered) => {}
            _told = shutdown.wait_for(|it| *it) => return,
        }
    }
}

/// When told to end, says goodbye, so that the broker does not take the silence for a failure; the
/// connection is attended meanwhile, so that what was read is stored.
async fn farewell(client: &AsyncClient, shutdown: &mut watch::Receiver<bool>) {
    // An end without a word is an end as well.
    drop(shutdown.wait_for(|it| *it).await);
    if client.try_disconnect().is_ok() {
        tokio::time::sleep(FAREWELL_MAX).await;
    }
}

/// How a connection ended.
struct End {
    reason: String,
    was_subscribed: bool,
}

impl End {
    fn after(reason: impl Into<String>, was_subscribed: bool) -> Self {
        Self { reason: reason.into(), was_subscribed }
    }
}

/// One connection.
struct Connection<'s> {
    events: &'s mut EventLoop,
    link: Link,
    signals: &'s mpsc::Sender<Signal>,
}

impl Connection<'_> {
    /// Polls until the connection ends; `poll` is never cancelled while the connection is used.
    async fn attend(&mut self, topics: &AgencyTopics) -> End {
        let mut is_subscribed = false;
        // The library has no time-out for a blocked write; its pings make it poll more often.
        let patience = self.events.options.keep_alive().saturating_mul(3);
        loop {
            let event = match tokio::time::timeout(patience, self.events.poll()).await {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => return End::after(sentence(&error), is_subscribed),
                Err(_elapsed) => return End::after("the broker does not answer", is_subscribed),
            };
            let handled = match event {
                Event::Incoming(Packet::ConnAck(_ack)) => self.greet(topics).await,
                Event::Incoming(Packet::SubAck(ack)) => match granted(&ack) {
                    Ok(()) => {
                        is_subscribed = true;
                        tracing::info!("broker connection up");
                        self.signal(Signal::Subscribed).await
                    }
                    Err(reason) => Err(reason),
                },
                Event::Incoming(Packet::Publish(publish)) => self.deliver(&publish).await,
                Event::Outgoing(Outgoing::Disconnect) => Err("the station left"),
                Event::Incoming(Packet::PubAck(ack)) => {
                    complain(&ack);
                    Ok(())
                }
                Event::Incoming(_) | Event::Outgoing(_) => Ok(()),
            };
            if let Err(reason) = handled {
                return End::after(reason, is_subscribed);
            }
        }
    }

    async fn greet(&mut self, topics: &AgencyTopics) -> Result<(), &'static str> {
        self.signal(Signal::Connected(self.link.clone())).await?;
        let filters = CHANNELS.map(|it| Filter::new(topics.filter(it), QoS::AtLeastOnce));
        let subscribed = self.link.client.try_subscribe_many(filters);
        subscribed.map_err(|_full| "the subscription could not be sent")
    }

    async fn deliver(&mut self, publish: &Publish) -> Result<(), &'static str> {
        let delivery = Delivery {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload.to_vec(),
            is_retained: publish.retain,
        };
        self.signal(Signal::Delivered(delivery)).await
    }

    /// Waits for the desk, which never waits for the connection.
    async fn signal(&mut self, signal: Signal) -> Result<(), &'static str> {
        self.signals.send(signal).await.map_err(|_gone| "the station stopped")
    }
}

fn granted(ack: &SubAck) -> Result<(), &'static str> {
    let is_granted = |code: &SubscribeReasonCode| {
        matches!(code, SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce))
    };
    if ack.return_codes.iter().all(is_granted) {
        Ok(())
    } else {
        Err("the broker refused a subscription, check its access list")
    }
}

/// A refused publication is not repeated here: receipts and commands come again by themselves.
fn complain(ack: &PubAck) {
    let is_taken =
        matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
    if !is_taken {
        tracing::error!(reason = ?ack.reason, "the broker refused a publication");
    }
}

/// What a person can do something with.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library words the other errors itself")]
fn sentence(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::NotAuthorized | ConnectReturnCode::BadUserNamePassword => {
                "the broker refused the login".to_owned()
            }
            other => format!("the broker refused the connection ({other:?})"),
        },
        ConnectionError::Io(error) => format!("the broker cannot be reached: {error}"),
        ConnectionError::Timeout(_elapsed) => "the broker does not answer".to_owned(),
        other => other.to_string(),
    }
}
