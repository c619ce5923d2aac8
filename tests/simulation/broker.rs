//! A broker as bad as the contract allows: it forgets in a crash, doubles, and changes the order of
//! topics, but it does what it acknowledged while it runs and its sessions live.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

/// Messages that wait for an absent station; more are dropped, as brokers do by default.
const QUEUE_MAX: usize = 1000;

/// Messages on their way to the station that it has not acknowledged.
const IN_FLIGHT_MAX: usize = 20;

/// How long the session of an absent station lives.
const SESSION_EXPIRY: Duration = Duration::from_secs(3600);

/// Messages that may be delivered once more, because an acknowledgement was lost.
const RECENT: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// It was kept for a later subscriber.
    pub(crate) is_retained: bool,
}

/// The session of a hub, which ends with its connection.
#[derive(Debug)]
pub(crate) struct HubSession {
    pub(crate) connection: u32,
    pub(crate) is_subscribed: bool,
    pub(crate) will: Message,
}

/// The session of the station, which outlives its connections.
#[derive(Debug, Default)]
pub(crate) struct StationSession {
    pub(crate) connection: Option<u32>,
    exists: bool,
    left_at: Duration,
    queue: VecDeque<Message>,
    in_flight: VecDeque<(u64, Message)>,
    recent: VecDeque<Message>,
}

/// What a broker wrote to its disk.
#[derive(Debug, Default, Clone)]
struct Saved {
    retained: BTreeMap<String, Vec<u8>>,
    queue: VecDeque<Message>,
    has_station: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Broker {
    pub(crate) is_up: bool,
    pub(crate) hubs: BTreeMap<usize, HubSession>,
    pub(crate) station: StationSession,
    retained: BTreeMap<String, Vec<u8>>,
    saved: Saved,
    n_sent: u64,
}

impl Broker {
    /// A broker that has just been installed.
    pub(crate) fn begin() -> Self {
        Self { is_up: true, ..Self::default() }
    }

    /// Takes a message that the station listens to.
    pub(crate) fn take_for_station(&mut self, now: Duration, message: Message, random: &mut Rng) {
        self.retain(&message);
        let station = &mut self.station;
        let is_gone = station.connection.is_none() && station.left_at + SESSION_EXPIRY < now;
        if !station.exists || is_gone || QUEUE_MAX <= station.queue.len() {
            return;
        }
        let message = Message { is_retained: false, ..message };
        let is_doubled = random.u32(0..150) == 0;
        let overtakes = random.u32(0..40) == 0
            && station.queue.back().is_some_and(|before| before.topic != message.topic);
        let place = station.queue.len().saturating_sub(usize::from(overtakes));
        if is_doubled {
            station.queue.insert(place, message.clone());
        }
        station.queue.insert(place, message);
    }

    /// Keeps a message that is to be retained.
    pub(crate) fn retain(&mut self, message: &Message) {
        if message.is_retained {
            self.retained.insert(message.topic.clone(), message.payload.clone());
        }
    }

    pub(crate) fn retained(&self, topic: &str) -> Option<Message> {
        let payload = self.retained.get(topic)?.clone();
        Some(Message { topic: topic.to_owned(), payload, is_retained: true })
    }

    /// The next message that goes to the station, with the number that its acknowledgement names.
    pub(crate) fn next_for_station(&mut self) -> Option<(u64, Message)> {
        if IN_FLIGHT_MAX <= self.station.in_flight.len() {
            return None;
        }
        let message = self.station.queue.pop_front()?;
        self.n_sent += 1;
        self.station.in_flight.push_back((self.n_sent, message.clone()));
        Some((self.n_sent, message))
    }

    /// The station acknowledged a message.
    pub(crate) fn acknowledged_by_station(&mut self, number: u64) {
        let station = &mut self.station;
        if let Some(place) = station.in_flight.iter().position(|(it, _message)| *it == number)
            && let Some((_number, message)) = station.in_flight.remove(place)
        {
            station.recent.push_back(message);
            if RECENT < station.recent.len() {
                station.recent.pop_front();
            }
        }
    }

    /// The station is connected; whether its session is still known.
    pub(crate) fn station_comes(&mut self, now: Duration, connection: u32, random: &mut Rng) {
        self.station_goes(now);
        let station = &mut self.station;
        if !station.exists || station.left_at + SESSION_EXPIRY < now {
            *station = StationSession::default();
        }
        station.exists = true;
        station.connection = Some(connection);
        for (_number, message) in station.in_flight.drain(..).rev() {
            station.queue.push_front(message);
        }
        if random.u32(0..3) == 0 {
            for message in station.recent.drain(..).rev() {
                station.queue.push_front(message);
            }
        }
    }

    /// What is retained for the station goes to it after it has subscribed.
    pub(crate) fn station_subscribes(&mut self, topics: &[String]) {
        let kept: Vec<_> = topics.iter().filter_map(|it| self.retained(it)).collect();
        self.station.queue.extend(kept);
    }

    /// The station's connection is gone.
    pub(crate) fn station_goes(&mut self, now: Duration) {
        if self.station.connection.take().is_some() {
            self.station.left_at = now;
        }
    }

    /// Writes everything to the disk.
    pub(crate) fn save(&mut self) {
        self.saved = Saved {
            retained: self.retained.clone(),
            queue: self.station.queue.clone(),
            has_station: self.station.exists,
        };
    }

    /// Dies: what it knows afterwards is what it knew, or what it wrote to its disk, or nothing.
    pub(crate) fn die(&mut self, now: Duration, random: &mut Rng) -> &'static str {
        let (what, kept) = match random.u32(0..3) {
            0 => {
                self.save();
                ("and knows everything", self.saved.clone())
            }
            1 => ("and knows what it saved", self.saved.clone()),
            _nothing => ("and knows nothing", Saved::default()),
        };
        let n_sent = self.n_sent;
        let station = StationSession {
            exists: kept.has_station,
            left_at: now,
            queue: kept.queue.clone(),
            ..StationSession::default()
        };
        let retained = kept.retained.clone();
        *self = Self { retained, station, saved: kept, n_sent, ..Self::default() };
        what
    }
}
