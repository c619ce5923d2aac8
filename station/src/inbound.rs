//! What arrives from the broker, sorted: records for the ledger, snapshots, and what is refused.
//!
//! Nothing is lost here: a message that cannot be filed is refused with a reason and goes to the
//! quarantine. A record whose envelope is good but whose body is not keeps its place in the ledger,
//! so that the hub need not send it for ever.

use vitals::wire::canonical::{DecodeError, decode};
use vitals::wire::topic::{AgencyTopics, Channel};
use vitals::wire::v1::{self, Envelope, Health, Presence, Status};
use vitals::{AlertId, Epoch, HubId, Moment, Sequence, reading};

/// One message as the broker delivered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The topic.
    pub topic: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// The broker kept it for us: it says nothing about when the hub last spoke.
    pub is_retained: bool,
}

/// What a message turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A sequenced message: it takes its place in the ledger.
    Record(Box<Record>),
    /// The latest of its kind from a hub.
    Snapshot(Box<Snapshot>),
    /// It cannot be filed.
    Refused {
        /// What came.
        delivery: Delivery,
        /// Why it cannot be filed, without values.
        reason: String,
    },
}

/// A message that replaces the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The hub, as topic and payload say.
    pub hub: HubId,
    /// The bytes as received.
    pub payload: Vec<u8>,
    /// Whether the hub said it just now, and not the broker for it.
    pub is_live: bool,
    /// What it says.
    pub state: State,
}

/// What a snapshot says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// How the hub is.
    Health(Box<Health>),
    /// Whether the hub is connected.
    Status(Status),
}

/// A sequenced message of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The hub, as topic and payload say.
    pub hub: HubId,
    /// Epoch of its database.
    pub epoch: Epoch,
    /// Number in that epoch, from 1; it fits the signed integer of the database.
    pub seq: Sequence,
    /// The bytes as received.
    pub payload: Vec<u8>,
    /// What they say.
    pub body: Body,
}

/// What a sequenced message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A reading.
    Reading(Box<reading::Reading>),
    /// An alert transition.
    Alert(AlertId, Box<v1::Alert>),
    /// A technical event.
    Event(Box<v1::Event>),
    /// The envelope is good, the rest is not what the contract says.
    Unread {
        /// Where it came.
        channel: Channel,
        /// What is wrong, without values.
        reason: String,
    },
}

impl Body {
    /// When the hub recorded it; `None` where the body was not read.
    #[must_use]
    pub fn recorded(&self) -> Option<Moment> {
        match self {
            Self::Reading(reading) => Some(reading.recorded),
            Self::Alert(_id, alert) => Some(alert.recorded()),
            Self::Event(event) => Some(event.recorded()),
            Self::Unread { .. } => None,
        }
    }
}

/// Sorts one message.
#[must_use]
pub fn read(topics: &AgencyTopics, delivery: &Delivery) -> Inbound {
    match sorted(topics, delivery) {
        Ok(inbound) => inbound,
        Err(reason) => Inbound::Refused { delivery: delivery.clone(), reason },
    }
}

fn sorted(topics: &AgencyTopics, delivery: &Delivery) -> Result<Inbound, String> {
    let payload = &delivery.payload;
    let (hub, channel) =
        topics.parse(&delivery.topic).ok_or_else(|| "not a topic of this agency".to_owned())?;
    match channel {
        Channel::Reading | Channel::Alert | Channel::Event => {
            record(hub, channel, payload).map(|it| Inbound::Record(Box::new(it)))
        }
        Channel::Health => {
            let health: Health = decode(payload).map_err(|it| it.to_string())?;
            own(&hub, health.v, &health.hub)?;
            let (payload, is_live) = (payload.clone(), !delivery.is_retained);
            let state = State::Health(Box::new(health));
            Ok(Inbound::Snapshot(Box::new(Snapshot { hub, payload, is_live, state })))
        }
        Channel::Status => {
            let status: Status = decode(payload).map_err(|it| it.to_string())?;
            own(&hub, status.v, &status.hub)?;
            // The broker speaks the last will.
            let is_live = !delivery.is_retained && status.state == Presence::Online.as_str();
            let (payload, state) = (payload.clone(), State::Status(status));
            Ok(Inbound::Snapshot(Box::new(Snapshot { hub, payload, is_live, state })))
        }
        Channel::Plan | Channel::Command | Channel::Receipt => {
            Err("a message of the agency came back".to_owned())
        }
    }
}

fn record(hub: HubId, channel: Channel, payload: &[u8]) -> Result<Record, String> {
    let envelope: Envelope = decode(payload).map_err(|it| it.to_string())?;
    own(&hub, envelope.v, &envelope.hub)?;
    let epoch = envelope.epoch().map_err(|it| it.to_string())?;
    let seq = envelope.seq;
    if seq == 0 || i64::try_from(seq).is_err() {
        return Err("key seq: not a number that a hub gives".to_owned());
    }
    let body = body(channel, payload);
    Ok(Record { hub, epoch, seq, payload: payload.to_vec(), body })
}

/// A hub speaks for itself alone, in the version that this station reads.
fn own(hub: &HubId, version: u8, named: &str) -> Result<(), String> {
    if named != hub.as_str() {
        return Err("topic and payload name different hubs".to_owned());
    }
    if version != v1::VERSION {
        return Err(format!("contract version {version} is not read here"));
    }
    Ok(())
}

/// What the payload of a record says.
pub(crate) fn body(channel: Channel, payload: &[u8]) -> Body {
    let body = match channel {
        Channel::Reading => reading(payload),
        Channel::Alert => alert(payload),
        Channel::Event => decode(payload).map(|it| Body::Event(Box::new(it))),
        Channel::Health | Channel::Status | Channel::Plan | Channel::Command | Channel::Receipt => {
            Err(value_error("seq", "not a sequenced message"))
        }
    };
    body.unwrap_or_else(|error| Body::Unread { channel, reason: error.to_string() })
}

fn reading(payload: &[u8]) -> Result<Body, DecodeError> {
    let reading = decode::<v1::Reading>(payload)?.to_reading()?;
    if reading.values.is_empty() {
        return Err(value_error("values", "a reading without a value"));
    }
    Ok(Body::Reading(Box::new(reading)))
}

fn alert(payload: &[u8]) -> Result<Body, DecodeError> {
    let alert: v1::Alert = decode(payload)?;
    let id = alert.alert_id.parse().map_err(|_it| {
        value_error("alert_id", "not the ledger key of the transition that raised it")
    })?;
    if alert.rev == 0 {
        return Err(value_error("rev", "revisions count from 1"));
    }
    Ok(Body::Alert(id, Box::new(alert)))
}

fn value_error(key: &'static str, cause: &str) -> DecodeError {
    DecodeError::Value { key, cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn sort(topic: &str, payload: Vec<u8>) -> Inbound {
        read(&sample::topics(), &Delivery { topic: topic.to_owned(), payload, is_retained: false })
    }

    #[track_caller]
    fn refused(inbound: Inbound, expected: &str) {
        match inbound {
            Inbound::Refused { reason, .. } => assert!(reason.contains(expected), "{reason}"),
            other @ (Inbound::Record(_) | Inbound::Snapshot(_)) => panic!("{other:?}"),
        }
    }

    const READING: &str = "vitalgate/v1/north/hub-1/up/reading";

    #[test]
    fn a_reading_takes_its_place() {
        let Inbound::Record(record) = sort(READING, sample::weight(7, "81.4")) else { panic!() };
        assert_eq!((record.hub.as_str(), record.seq), ("hub-1", 7));
        assert!(matches!(record.body, Body::Reading(_)));
    }

    #[test]
    fn rubbish_and_foreign_topics_are_refused() {
        refused(sort(READING, vec![0xff, 0x00]), "not the expected message");
        refused(sort("elsewhere", vec![]), "not a topic");
        refused(sort("vitalgate/v1/north/hub-1/down/receipt", vec![]), "came back");
    }

    #[test]
    fn a_hub_cannot_speak_for_another() {
        let topic = "vitalgate/v1/north/hub-2/up/reading";
        refused(sort(topic, sample::weight(7, "81.4")), "different hubs");
    }

    #[test]
    fn a_number_that_no_hub_gives_is_refused() {
        refused(sort(READING, sample::weight(0, "81.4")), "key seq");
        refused(sort(READING, sample::weight(u64::MAX, "81.4")), "key seq");
    }

    #[test]
    fn a_bad_body_keeps_its_place() {
        let topic = "vitalgate/v1/north/hub-1/up/alert";
        let Inbound::Record(record) = sort(topic, sample::weight(7, "81.4")) else { panic!() };
        assert_eq!(record.seq, 7);
        assert!(matches!(record.body, Body::Unread { channel: Channel::Alert, .. }));
    }
}
