//! Steps of the station, each followed by the checks that hold after every step, and its way to the
//! broker.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use station::core::{Effects, Event, Publication};
use station::inbound::Delivery;
use vitals::wire::canonical;
use vitals::wire::topic::Channel;
use vitals::wire::v1::Receipt;

use super::World;
use crate::agency::{Signal, StationConnection};
use crate::broker::Message;
use crate::disk::Failure;
use crate::happening::Happening;
use crate::setting;

/// Most messages of one transaction, as `station/src/desk.rs` has it.
const BATCH_MAX: usize = 512;

/// Wait before a failed transaction is tried again, as `station/src/desk.rs` has it.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Longest wait before the next connection.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

impl World {
    /// One step of the station; what the database did not take is tried again.
    fn station_step(&mut self, event: Event) -> anyhow::Result<()> {
        let now = setting::true_time(self.now)?;
        let Some(station) = self.agency.station.as_mut() else { return Ok(()) };
        match station.step(now, &event) {
            Ok(effects) => {
                self.file()?;
                self.asked(&event, &effects)?;
                self.publish(effects)?;
            }
            Err(error) => {
                ensure!(self.agency.has_failing_disk, "the station failed: {error}");
                station.note_fault(now, &error);
                self.note(&format_args!("the station cannot write"));
                let n_before = self.n_held();
                self.file()?;
                // What a batch holds is filed before the test alarms in it are answered.
                let may_have_filed = matches!(event, Event::Delivered(_))
                    && self.agency.failure.is_some_and(Failure::spares_records);
                ensure!(
                    may_have_filed || n_before == self.n_held(),
                    "a step that failed has left something"
                );
                self.agency.retry = Some(event);
                self.agency.is_desk_called = true;
                let life = self.agency.life;
                self.after(STORE_RETRY_AFTER, Happening::DeskDue { life });
            }
        }
        self.schedule_station();
        Ok(())
    }

    /// How many records the station holds.
    fn n_held(&self) -> u64 {
        let books = self.homes.iter().flat_map(|it| it.archive.iter());
        let ranges = books.flat_map(|(_epoch, it)| it.at_station.iter());
        ranges.map(|it| it.end().saturating_sub(*it.start()).saturating_add(1)).sum()
    }

    /// Writes down what the station has committed.
    pub(super) fn file(&mut self) -> anyhow::Result<()> {
        let beside = self.agency.beside.as_mut().context("no reader")?;
        for filed in beside.news()? {
            let home = self.names.get(&filed.hub.parse()?);
            let home = *home.with_context(|| format!("there is no home {}", filed.hub))?;
            let books = self.homes[home].archive.of(filed.epoch);
            let books = books.context("the station holds an epoch that never was")?;
            books.filed(&filed.record)?;
        }
        Ok(())
    }

    /// Sends what the station wants to be sent, after a look at its receipts.
    fn publish(&mut self, effects: Effects) -> anyhow::Result<()> {
        for Publication { topic, payload, is_retained } in effects.publications {
            let (hub, channel) = setting::topics()?.parse(&topic).context("no such topic")?;
            let home = *self.names.get(&hub).context("a message for nobody")?;
            if channel == Channel::Receipt {
                self.check_receipt(home, &payload)?;
            }
            let arrival = self.now + self.latency();
            let Some(connection) = self.agency.connection.as_mut() else { continue };
            connection.last_up = connection.last_up.max(arrival);
            let (at, connection) = (connection.last_up, connection.id);
            self.note(&format_args!("the station sends {} to home {home}", channel.as_str()));
            let message = Message { topic, payload, is_retained };
            self.at(at, Happening::FromStation { connection, message });
        }
        Ok(())
    }

    /// No receipt covers what the station has not committed.
    fn check_receipt(&mut self, home: usize, payload: &[u8]) -> anyhow::Result<()> {
        let receipt: Receipt = canonical::decode(payload)?;
        let covered = receipt.held();
        let books = self.homes[home].archive.of(receipt.epoch()?);
        let books = books.context("a receipt for an epoch that never was")?;
        let held = &books.at_station;
        ensure!(held.covers(&covered), "a receipt covers {covered:?}, committed is {held:?}");
        for range in covered.iter() {
            books.receipted.insert(range);
        }
        Ok(())
    }

    fn schedule_station(&mut self) {
        let Some(station) = self.agency.station.as_ref() else { return };
        let (Some(due), Ok(now)) = (station.next_deadline(), setting::true_time(self.now)) else {
            return;
        };
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
        let at = self.now + wait.max(Duration::from_millis(1));
        if self.agency.due_at.is_none_or(|it| at < it) {
            self.agency.due_at = Some(at);
            let life = self.agency.life;
            self.at(at, Happening::StationDue { life });
        }
    }

    pub(super) fn station_due(&mut self, life: u32) {
        let is_current = self.agency.life == life && self.agency.due_at == Some(self.now);
        if is_current && self.agency.station.is_some() {
            self.agency.due_at = None;
            self.call_desk(Signal::Elapsed);
        }
    }

    /// Puts a signal before the desk.
    pub(super) fn call_desk(&mut self, signal: Signal) {
        if self.agency.station.is_none() {
            return;
        }
        self.agency.inbox.push_back(signal);
        if !self.agency.is_desk_called {
            self.agency.is_desk_called = true;
            let delay = Duration::from_millis(self.random.u64(1..30));
            let life = self.agency.life;
            self.after(delay, Happening::DeskDue { life });
        }
    }

    pub(super) fn desk_due(&mut self, life: u32) -> anyhow::Result<()> {
        if self.agency.life != life {
            return Ok(());
        }
        self.agency.is_desk_called = false;
        let event = match self.agency.retry.take() {
            Some(event) => Some(event),
            None => self.next_event(),
        };
        if let Some(event) = event {
            self.station_step(event)?;
        }
        if !self.agency.inbox.is_empty() && !self.agency.is_desk_called {
            self.agency.is_desk_called = true;
            let life = self.agency.life;
            self.after(Duration::from_millis(1), Happening::DeskDue { life });
        }
        Ok(())
    }

    /// The next signal as an event; deliveries that lie together are one.
    fn next_event(&mut self) -> Option<Event> {
        let inbox = &mut self.agency.inbox;
        Some(match inbox.pop_front()? {
            Signal::Subscribed => Event::Connected,
            Signal::Lost => Event::Disconnected { reason: "the line is dead".to_owned() },
            Signal::Asked { command, wish } => Event::Asked { command_id: command, wish },
            Signal::Elapsed => Event::Elapsed,
            Signal::Delivered(first) => {
                let mut batch = vec![first];
                while batch.len() < BATCH_MAX
                    && let Some(Signal::Delivered(next)) =
                        inbox.pop_front_if(|it| matches!(it, Signal::Delivered(_)))
                {
                    batch.push(next);
                }
                Event::Delivered(batch)
            }
        })
    }

    /// The station will dial within `longest`, or when the broker can be reached again.
    pub(super) fn station_will_dial(&mut self, longest: Duration) {
        let delay = self.within(longest);
        self.agency.n_attempts += 1;
        let attempt = self.agency.n_attempts;
        self.after(delay, Happening::StationDials { attempt });
    }

    pub(super) fn station_dials(&mut self, attempt: u32) {
        let agency = &mut self.agency;
        let is_current = agency.n_attempts == attempt && agency.connection.is_none();
        if !is_current || agency.station.is_none() || !self.is_broker_reached_by_station() {
            return;
        }
        let agency = &mut self.agency;
        agency.n_connections += 1;
        let connection = agency.n_connections;
        agency.connection = Some(StationConnection {
            id: connection,
            last_up: Duration::ZERO,
            last_down: Duration::ZERO,
        });
        self.note(&format_args!("the station connects"));
        self.broker.station_comes(self.now, connection, &mut self.random);
        let delay = self.latency();
        self.after(delay, Happening::StationSubscribes { connection });
    }

    /// The broker has the subscription: what is retained follows what waited.
    pub(super) fn station_subscribes(&mut self, connection: u32) -> anyhow::Result<()> {
        if self.broker.station.connection != Some(connection)
            || connection <= self.agency.cut_upto
            || self.agency.connection.is_none()
        {
            return Ok(());
        }
        let topics = setting::topics()?;
        let kept = self.homes.iter().flat_map(|home| {
            [Channel::Health, Channel::Status].map(|it| topics.of(&home.settings.id, it))
        });
        let kept: Vec<_> = kept.collect();
        self.broker.station_subscribes(&kept);
        self.note(&format_args!("the station is subscribed"));
        self.call_desk(Signal::Subscribed);
        self.pump_station();
        Ok(())
    }

    /// The broker sends to the station what it may.
    pub(super) fn pump_station(&mut self) {
        let Some(id) = self.broker.station.connection else { return };
        while let Some((number, message)) = self.broker.next_for_station() {
            let mut at = self.now + self.latency();
            if let Some(open) = self.agency.connection.as_mut().filter(|it| it.id == id) {
                open.last_down = open.last_down.max(at);
                at = open.last_down;
            }
            self.at(at, Happening::ToStation { connection: id, number, message });
        }
    }

    /// A message reaches the station, which acknowledges it to the broker at once.
    pub(super) fn message_to_station(&mut self, connection: u32, number: u64, message: Message) {
        let is_open = self.agency.connection.as_ref().is_some_and(|it| it.id == connection);
        if !is_open || connection <= self.agency.cut_upto {
            return;
        }
        self.broker.acknowledged_by_station(number);
        let Message { topic, payload, is_retained } = message;
        self.call_desk(Signal::Delivered(Delivery { topic, payload, is_retained }));
        self.pump_station();
    }

    /// A message of the station reaches the broker, unless it is lost with its connection.
    pub(super) fn message_from_station(&mut self, connection: u32, message: Message) {
        let is_open = self.broker.station.connection == Some(connection);
        if !is_open || connection <= self.agency.cut_upto {
            return;
        }
        self.broker.retain(&message);
        let hub = setting::topics().ok().and_then(|it| it.parse(&message.topic));
        let home = hub.and_then(|(hub, _channel)| self.names.get(&hub).copied());
        if let Some(home) = home {
            self.route_down(home, Message { is_retained: false, ..message });
        }
    }

    /// The station notices that its connection is dead.
    pub(super) fn station_notices(&mut self, connection: u32) {
        if self.agency.connection.as_ref().is_none_or(|it| it.id != connection) {
            return;
        }
        self.note(&format_args!("the station lost its connection"));
        self.agency.connection = None;
        self.call_desk(Signal::Lost);
        self.station_will_dial(BACKOFF_MAX);
    }

    pub(super) fn begin_station(&mut self) -> anyhow::Result<()> {
        self.note(&format_args!("the station starts"));
        for home in &mut self.homes {
            for (_epoch, books) in home.archive.iter_mut() {
                books.at_station = vitals::SequenceRanges::new();
            }
        }
        self.agency.begin_station(setting::true_time(self.now)?)?;
        self.file()?;
        self.station_will_dial(Duration::from_secs(1));
        self.schedule_station();
        Ok(())
    }
}
