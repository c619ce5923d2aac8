//! The way between the hubs and the broker.

use std::time::Duration;

use anyhow::Context as _;
use gateway::hub::Event;
use gateway::store::Lane;
use vitals::LocalInstant;
use vitals::wire::canonical;
use vitals::wire::primitive::Time;
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Presence, Status, VERSION};

use super::World;
use crate::broker::{HubSession, Message};
use crate::connection::{Connection, Published};
use crate::happening::{Down, Happening, Up};
use crate::setting;

/// Longest wait before the next connection.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

impl World {
    /// The hub will dial within `longest`, or when the broker can be reached again.
    pub(super) fn hub_will_dial(&mut self, home: usize, longest: Duration) {
        let delay = self.within(longest);
        let here = &mut self.homes[home];
        here.n_attempts += 1;
        let attempt = here.n_attempts;
        self.after(delay, Happening::HubDials { home, attempt });
    }

    pub(super) fn hub_dials(&mut self, home: usize, attempt: u32) -> anyhow::Result<()> {
        let here = &self.homes[home];
        let is_current = here.n_attempts == attempt && here.connection.is_none();
        // Without a way to the broker nothing happens until there is one.
        if !is_current || here.hub.is_none() || !self.is_broker_reached(here) {
            return Ok(());
        }
        let will = self.status(home, Presence::Offline)?;
        let since_boot = self.homes[home].clock.since_boot(self.now);
        let random = self.random.fork();
        let here = &mut self.homes[home];
        here.n_connections += 1;
        let id = here.n_connections;
        let ledger = here.hub()?.ledger();
        here.connection = Some(Connection::new(id, ledger, since_boot, random));
        self.note(&format_args!("hub {home} connects"));
        if let Some(before) = self.broker.hubs.get(&home).map(|it| it.connection) {
            self.broker_loses_hub(home, before, true);
        }
        let session = HubSession { connection: id, is_subscribed: false, will };
        self.broker.hubs.insert(home, session);
        self.send_up(home, Up::Subscribe);
        self.uplink_turn(home)
    }

    fn status(&self, home: usize, presence: Presence) -> anyhow::Result<Message> {
        let here = &self.homes[home];
        let since = LocalInstant::new(here.clock.stamp(self.now)?.wall, &here.settings.zone);
        let hub = here.settings.id.as_str().to_owned();
        let state = presence.as_str().to_owned();
        let status = Status { v: VERSION, hub, state, since: Time(since) };
        let topic = setting::topics()?.of(&here.settings.id, Channel::Status);
        Ok(Message { topic, payload: canonical::encode(&status)?, is_retained: true })
    }

    /// Sends what fits, and looks after the deadlines of the connection.
    pub(super) fn uplink_turn(&mut self, home: usize) -> anyhow::Result<()> {
        let since_boot = self.homes[home].clock.since_boot(self.now);
        let mut records = Vec::new();
        let here = &mut self.homes[home];
        let Some(connection) = here.connection.as_mut() else { return Ok(()) };
        let hub = here.hub.as_ref().context("a connection without a hub")?;
        let missing = connection.ledger_is(hub.ledger());
        connection.take_again(hub.records(&missing)?);
        if connection.is_subscribed {
            let books = here.archive.current()?;
            while let Some(record) = connection.next_record(since_boot, hub, books)? {
                let packet = connection.publish(Published::Record, since_boot);
                records.push((packet, record));
            }
        }
        if let Some(at) = connection.next_deadline() {
            let at = here.clock.moment(at).max(self.now);
            if connection.due_at.is_none_or(|due| at < due) {
                connection.due_at = Some(at);
                let connection = connection.id;
                self.at(at, Happening::UplinkDue { home, connection });
            }
        }
        for (packet, record) in records {
            let channel = match record.lane {
                Lane::Alert => Channel::Alert,
                Lane::Reading => Channel::Reading,
                Lane::Event => Channel::Event,
            };
            self.note(&format_args!("hub {home} sends {}", record.seq));
            let topic = setting::topics()?.of(&self.homes[home].settings.id, channel);
            let message = Message { topic, payload: record.payload, is_retained: false };
            self.send_up(home, Up::Publish { packet, message });
        }
        Ok(())
    }

    pub(super) fn uplink_due(&mut self, home: usize, connection: u32) -> anyhow::Result<()> {
        let since_boot = self.homes[home].clock.since_boot(self.now);
        let here = &mut self.homes[home];
        let is_current = |it: &&mut Connection| it.id == connection && it.due_at == Some(self.now);
        let Some(current) = here.connection.as_mut().filter(is_current) else { return Ok(()) };
        current.due_at = None;
        let due = current.due(since_boot);
        if let Some(cause) = due.end {
            self.end_connection(home, connection, cause);
            return Ok(());
        }
        if let Some(seq) = due.overdue {
            let records = here.hub.as_ref().context("no hub")?.records(&[seq])?;
            current.take_again(records);
            self.note(&format_args!("hub {home} asks for a receipt with {seq}"));
        }
        if due.health {
            self.publish_health(home)?;
        }
        self.uplink_turn(home)
    }

    fn publish_health(&mut self, home: usize) -> anyhow::Result<()> {
        let stamp = self.homes[home].clock.stamp(self.now)?;
        let here = &mut self.homes[home];
        let payload = here.hub()?.health(stamp)?;
        let topic = setting::topics()?.of(&here.settings.id, Channel::Health);
        self.publish_other(home, Message { topic, payload, is_retained: true });
        Ok(())
    }

    fn publish_other(&mut self, home: usize, message: Message) {
        let since_boot = self.homes[home].clock.since_boot(self.now);
        let Some(connection) = self.homes[home].connection.as_mut() else { return };
        let packet = connection.publish(Published::Other, since_boot);
        self.send_up(home, Up::Publish { packet, message });
    }

    fn send_up(&mut self, home: usize, packet: Up) {
        let arrival = self.now + self.latency();
        let Some(connection) = self.homes[home].connection.as_mut() else { return };
        connection.last_up = connection.last_up.max(arrival);
        let (at, connection) = (connection.last_up, connection.id);
        self.at(at, Happening::Up { home, connection, packet });
    }

    fn send_down(&mut self, home: usize, connection: u32, packet: Down) {
        let mut at = self.now + self.latency();
        if let Some(open) = self.homes[home].connection.as_mut().filter(|it| it.id == connection) {
            open.last_down = open.last_down.max(at);
            at = open.last_down;
        }
        self.at(at, Happening::Down { home, connection, packet });
    }

    /// A packet reaches the broker, unless it is lost with its connection.
    pub(super) fn packet_up(&mut self, home: usize, connection: u32, packet: Up) {
        let is_cut = connection <= self.homes[home].cut_upto;
        let session = self.broker.hubs.get_mut(&home).filter(|it| it.connection == connection);
        let Some(session) = session.filter(|_it| !is_cut) else { return };
        match packet {
            Up::Subscribe => {
                session.is_subscribed = true;
                self.send_down(home, connection, Down::Subscribed);
                let id = self.homes[home].settings.id.clone();
                let kept = setting::topics()
                    .ok()
                    .and_then(|it| self.broker.retained(&it.of(&id, Channel::Receipt)));
                if let Some(message) = kept {
                    self.send_down(home, connection, Down::Publish(message));
                }
            }
            Up::Publish { packet, message } => {
                self.broker.take_for_station(self.now, message, &mut self.random);
                self.pump_station();
                self.send_down(home, connection, Down::Acknowledged { packet });
            }
            Up::Disconnect => self.broker_loses_hub(home, connection, false),
        }
    }

    /// A packet reaches the hub, unless it is lost with its connection.
    pub(super) fn packet_down(
        &mut self,
        home: usize,
        connection: u32,
        packet: Down,
    ) -> anyhow::Result<()> {
        let since_boot = self.homes[home].clock.since_boot(self.now);
        let here = &mut self.homes[home];
        let is_cut = connection <= here.cut_upto;
        let current = here.connection.as_mut().filter(|it| it.id == connection && !is_cut);
        let Some(current) = current else { return Ok(()) };
        match packet {
            Down::Subscribed => {
                current.subscribed(since_boot);
                self.note(&format_args!("hub {home} is subscribed"));
                let online = self.status(home, Presence::Online)?;
                self.publish_other(home, online);
                self.uplink_turn(home)
            }
            Down::Acknowledged { packet } => {
                current.acknowledged(packet);
                self.uplink_turn(home)
            }
            Down::Publish(message) => {
                if !message.is_retained {
                    self.hub_step(home, Event::AgencyHeard)?;
                }
                self.message_comes(home, message)
            }
        }
    }

    fn message_comes(&mut self, home: usize, message: Message) -> anyhow::Result<()> {
        match setting::topics()?.parse(&message.topic) {
            Some((_hub, Channel::Receipt)) => {
                self.note(&format_args!("hub {home} has a receipt"));
                self.hub_step(home, Event::Receipt(message.payload))?;
                Ok(())
            }
            Some((_hub, Channel::Command)) => self.command_comes(home, message.payload),
            other => anyhow::bail!("nobody subscribed to this: {other:?}"),
        }
    }

    /// The hub gives a connection up.
    pub(super) fn end_connection(&mut self, home: usize, connection: u32, cause: &str) {
        let is_current = self.homes[home].connection.as_ref().is_some_and(|it| it.id == connection);
        if !is_current {
            return;
        }
        self.note(&format_args!("hub {home} gives its connection up: {cause}"));
        self.homes[home].connection = None;
        let delay = self.within(Duration::from_secs(90));
        self.after(delay, Happening::BrokerNotices { home, connection });
        self.hub_will_dial(home, BACKOFF_MAX);
    }

    /// The broker knows that a connection is over; it speaks the will unless the hub said goodbye.
    pub(super) fn broker_loses_hub(&mut self, home: usize, connection: u32, is_unclean: bool) {
        if self.broker.hubs.get(&home).is_none_or(|it| it.connection != connection) {
            return;
        }
        if let Some(session) = self.broker.hubs.remove(&home)
            && is_unclean
        {
            self.broker.take_for_station(self.now, session.will, &mut self.random);
            self.pump_station();
        }
    }

    /// The hub stops as it should: what it held back is recorded, and it says goodbye.
    pub(super) fn stop_hub(&mut self, home: usize) -> anyhow::Result<()> {
        if self.homes[home].hub.is_none() {
            return Ok(());
        }
        self.note(&format_args!("hub {home} is stopped"));
        if !self.hub_step(home, Event::Stopping)? {
            return Ok(());
        }
        if self.homes[home].connection.as_ref().is_some_and(|it| it.is_subscribed) {
            let offline = self.status(home, Presence::Offline)?;
            self.publish_other(home, offline);
            self.send_up(home, Up::Disconnect);
        }
        self.kill_hub(home, Duration::from_secs(2), true);
        Ok(())
    }

    /// A message of the station goes to the hub that listens.
    pub(super) fn route_down(&mut self, home: usize, message: Message) {
        let listens = self.broker.hubs.get(&home).filter(|it| it.is_subscribed);
        if let Some(connection) = listens.map(|it| it.connection) {
            self.send_down(home, connection, Down::Publish(message));
        }
    }
}
