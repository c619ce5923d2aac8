//! Making a client, and telling apart what its event loop meets.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, Outgoing, TlsConfiguration, Transport};
use tokio::sync::mpsc;
use vitals::wire::topic::Channel;
use vitals::wire::v1::MESSAGE_LEN_BYTES_MAX;

use crate::uplink::window::IN_FLIGHT_MAX;
use crate::uplink::{Tls, UplinkSettings};

/// Requests that the client queues: more than the window, so that a full queue means a stuck one.
const CLIENT_QUEUE: usize = 256;

/// Longest wait for a connection, in seconds.
const CONNECT_MAX_S: u64 = 10;

/// What the client's event loop met.
#[derive(Debug)]
pub(super) enum Happening {
    /// The broker accepted the connection.
    Connected,
    /// The broker answered a subscription.
    Subscribed(Vec<SubscribeReasonCode>),
    /// The next published message got a packet number and went out.
    Numbered(u16),
    /// The broker answered a published message.
    Acknowledged(u16, PubAckReason),
    /// A message came.
    Received {
        /// Its topic.
        topic: String,
        /// Its bytes.
        payload: Vec<u8>,
        /// The broker kept it, and nobody says it now.
        is_retained: bool,
    },
    /// The connection ended; one sentence.
    Lost(String),
}

impl Happening {
    pub(super) fn poll_ended() -> Self {
        Self::Lost("the client has ended".to_owned())
    }

    pub(super) const fn is_end(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

/// A client that will connect once, with `will` as its last message.
pub(super) fn client(
    settings: &UplinkSettings,
    will: Vec<u8>,
) -> anyhow::Result<(AsyncClient, EventLoop)> {
    let broker = &settings.broker;
    let mut options = MqttOptions::new(settings.hub.as_str(), &broker.host, broker.port);
    let topic = settings.topics.of(&settings.hub, Channel::Status);
    let retain = Channel::Status.is_retained();
    let quality = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
    options
        .set_keep_alive(broker.keep_alive)
        .set_clean_start(true)
        .set_connection_timeout(CONNECT_MAX_S)
        .set_outgoing_inflight_upper_limit(u16::try_from(IN_FLIGHT_MAX.saturating_add(4))?)
        .set_max_packet_size(Some(u32::try_from(MESSAGE_LEN_BYTES_MAX.saturating_add(1024))?))
        .set_last_will(LastWill::new(topic, will, quality, retain, None));
    if let Some(it) = &broker.credentials {
        options.set_credentials(&it.username, &it.password);
    }
    if let Some(files) = &broker.tls {
        options.set_transport(Transport::tls_with_config(tls(files)?));
    }
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    Ok(AsyncClient::new(options, CLIENT_QUEUE))
}

fn tls(files: &Tls) -> anyhow::Result<TlsConfiguration> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("failed to read {}", path.display()));
    let client_auth = match &files.client {
        Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
        None => None,
    };
    Ok(TlsConfiguration::Simple { ca: read(&files.ca_file)?, alpn: None, client_auth })
}

/// Runs the event loop until the connection ends, or nobody listens any more.
pub(super) async fn poll(mut event_loop: EventLoop, happenings: mpsc::Sender<Happening>) {
    loop {
        let (happening, is_end) = match event_loop.poll().await {
            Ok(event) => (from_event(event), false),
            Err(error) => (Some(Happening::Lost(error.to_string())), true),
        };
        let Some(happening) = happening else { continue };
        let is_end = is_end || happening.is_end();
        if happenings.send(happening).await.is_err() || is_end {
            return;
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other packet is the client's own business"
)]
fn from_event(event: rumqttc::v5::Event) -> Option<Happening> {
    use rumqttc::v5::Event::{Incoming, Outgoing as Sent};

    match event {
        Incoming(Packet::ConnAck(_)) => Some(Happening::Connected),
        Incoming(Packet::SubAck(it)) => Some(Happening::Subscribed(it.return_codes)),
        Incoming(Packet::PubAck(it)) => Some(Happening::Acknowledged(it.pkid, it.reason)),
        Incoming(Packet::Publish(it)) => Some(Happening::Received {
            topic: String::from_utf8_lossy(&it.topic).into_owned(),
            payload: it.payload.to_vec(),
            is_retained: it.retain,
        }),
        Incoming(Packet::Disconnect(it)) => {
            Some(Happening::Lost(format!("the broker disconnected: {:?}", it.reason_code)))
        }
        Sent(Outgoing::Publish(packet)) => Some(Happening::Numbered(packet)),
        _other => None,
    }
}
