//! The task that carries the simulated daemon: bus, clock and orders in, effects out.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, info};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::wire::DynamicType;
use zbus::{Connection, Message, MessageStream};

use super::effect::{AgentAnswer, CallId, Effect, QuestionId};
use super::host::BluezCounters;
use super::order::{BluezOrder, DeviceOrder, OrderError};
use super::peripheral::{Counters, Delivery};
use super::wire;
use super::world::World;
use crate::clock::Clock;

/// An order on its way to the task, and where to report that it is done.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) order: Order,
    pub(crate) done: oneshot::Sender<Result<(), OrderError>>,
}

/// An order for a device or for the daemon.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Device(String, DeviceOrder),
    Bluez(BluezOrder),
}

/// The daemon's place on the bus.
struct Attachment {
    connection: Connection,
    messages: MessageStream,
}

enum Event {
    Message(Option<Message>),
    Command(Command),
    AgentAnswered(QuestionId, AgentAnswer),
    Time,
}

/// The simulated daemon with its connection to the world outside.
pub(crate) struct Shell {
    world: World,
    clock: Clock,
    address: String,
    attachment: Option<Attachment>,
    commands: mpsc::Receiver<Command>,
    /// Calls that are not answered yet.
    calls: BTreeMap<CallId, Message>,
    next_call: CallId,
    asked: FuturesUnordered<BoxFuture<'static, (QuestionId, AgentAnswer)>>,
    watchers: BTreeMap<String, watch::Sender<Counters>>,
    delivered: BTreeMap<String, watch::Sender<Vec<Delivery>>>,
    totals: watch::Sender<BluezCounters>,
}

impl Shell {
    pub(crate) fn new(
        world: World,
        clock: Clock,
        address: String,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let delivered = world
            .counters()
            .map(|(name, _counters)| (name.to_owned(), watch::Sender::default()))
            .collect();
        let watchers = world
            .counters()
            .map(|(name, counters)| (name.to_owned(), watch::Sender::new(counters)))
            .collect();
        let totals = watch::Sender::new(world.bluez_counters());
        Self {
            world,
            clock,
            address,
            attachment: None,
            commands,
            calls: BTreeMap::new(),
            next_call: 0,
            asked: FuturesUnordered::new(),
            watchers,
            delivered,
            totals,
        }
    }

    pub(crate) fn watch_device(&self, name: &str) -> Option<watch::Receiver<Counters>> {
        self.watchers.get(name).map(watch::Sender::subscribe)
    }

    pub(crate) fn watch_delivered(&self, name: &str) -> Option<watch::Receiver<Vec<Delivery>>> {
        self.delivered.get(name).map(watch::Sender::subscribe)
    }

    pub(crate) fn watch_totals(&self) -> watch::Receiver<BluezCounters> {
        self.totals.subscribe()
    }

    /// Gets on the bus as `org.bluez`.
    pub(crate) async fn attach(&mut self) -> Result<(), OrderError> {
        let attachment = attach(&self.address)
            .await
            .map_err(|source| OrderError::Bus { address: self.address.clone(), source })?;
        self.attachment = Some(attachment);
        Ok(())
    }

    /// Runs until nobody can give orders any more.
    pub(crate) async fn run(mut self) {
        loop {
            let due = self.world.next_deadline();
            let event = tokio::select! {
                message = next_message(&mut self.attachment) => Event::Message(message),
                command = self.commands.recv() => match command {
                    Some(command) => Event::Command(command),
                    None => return,
                },
                Some((question, answer)) = self.asked.next(), if !self.asked.is_empty() => {
                    Event::AgentAnswered(question, answer)
                }
                () = self.clock.sleep_until(due) => Event::Time,
            };
            self.world.advance(self.clock.now(), self.clock.local_time());
            let done = match event {
                Event::Message(Some(message)) => {
                    self.on_message(message);
                    None
                }
                Event::Message(None) => {
                    debug!("bus is gone");
                    self.detach();
                    None
                }
                Event::Command(Command { order, done }) => Some((self.obey(order).await, done)),
                Event::AgentAnswered(question, answer) => {
                    self.world.agent_answered(question, &answer);
                    None
                }
                Event::Time => None,
            };
            self.perform().await;
            self.publish();
            if let Some((outcome, done)) = done {
                // Nobody waits any more when the caller gave up.
                done.send(outcome).ok();
            }
        }
    }

    fn on_message(&mut self, message: Message) {
        match message.message_type() {
            Type::MethodCall => {
                self.next_call = self.next_call.wrapping_add(1);
                let id = self.next_call;
                let read = wire::read_call(id, &message);
                self.calls.insert(id, message);
                match read {
                    Ok((call, member)) => self.world.call(call, &member),
                    Err(failure) => self.world.refuse(id, failure),
                }
            }
            Type::Signal => {
                if let Some(client) = wire::read_departure(&message) {
                    self.world.client_left(&client);
                }
            }
            Type::MethodReturn | Type::Error => {}
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), OrderError> {
        match order {
            Order::Device(name, order) => self.world.order_device(&name, order),
            Order::Bluez(BluezOrder::Exit) => {
                self.perform().await;
                if let Some(attachment) = self.attachment.take() {
                    leave(attachment.connection).await;
                }
                self.detach();
                Ok(())
            }
            Order::Bluez(BluezOrder::Start) => {
                if self.attachment.is_none() {
                    self.world.order_bluez(BluezOrder::Start);
                    if let Err(error) = self.attach().await {
                        self.detach();
                        return Err(error);
                    }
                }
                Ok(())
            }
            Order::Bluez(order) => {
                self.world.order_bluez(order);
                Ok(())
            }
        }
    }

    /// Leaves the bus as a daemon that exits does: its name, objects and unanswered calls go.
    fn detach(&mut self) {
        self.attachment = None;
        self.calls.clear();
        self.asked.clear();
        self.world.order_bluez(BluezOrder::Exit);
    }

    async fn perform(&mut self) {
        for effect in self.world.drain() {
            let Some(attachment) = &self.attachment else { continue };
            let connection = &attachment.connection;
            let sent = match effect {
                Effect::Ask { id, agent, device, question } => {
                    let asking = wire::ask(connection.clone(), agent, device, question);
                    self.asked.push(Box::pin(async move { (id, asking.await) }));
                    Ok(())
                }
                Effect::Answer(id, _) | Effect::Fail(id, _) => {
                    let call = self.calls.remove(&id);
                    wire::send(connection, call.as_ref(), effect).await
                }
                Effect::Changed { .. } | Effect::Added(..) | Effect::Removed(..) => {
                    wire::send(connection, None, effect).await
                }
            };
            if let Err(error) = sent {
                debug!(%error, "bus does not take messages");
                self.detach();
            }
        }
    }

    fn publish(&mut self) {
        for (name, more) in self.world.take_delivered() {
            if let Some(delivered) = self.delivered.get(name) {
                delivered.send_modify(|it| it.extend(more));
            }
        }
        for (name, counters) in self.world.counters() {
            if let Some(watcher) = self.watchers.get(name) {
                watcher.send_if_modified(|known| {
                    let changed = *known != counters;
                    narrate(name, known, &counters);
                    *known = counters;
                    changed
                });
            }
        }
        let totals = self.world.bluez_counters();
        self.totals.send_if_modified(|known| std::mem::replace(known, totals) != totals);
    }
}

/// Tells what a device did between two looks at its counters.
fn narrate(device: &str, before: &Counters, after: &Counters) {
    let happened = [
        (before.measurements != after.measurements, "measured"),
        (before.advertisements != after.advertisements, "advertises"),
        (before.connections != after.connections, "connected"),
        (before.bonds != after.bonds, "bonded"),
        (before.subscriptions != after.subscriptions, "subscribed"),
        (before.indications != after.indications, "sent a value"),
        (before.hang_ups != after.hang_ups, "hung up"),
        (before.disconnections != after.disconnections, "disconnected"),
    ];
    for (_, what) in happened.into_iter().filter(|(did, _)| *did) {
        info!(device, what, records_pending = after.records_pending, "device acted");
    }
}

async fn next_message(attachment: &mut Option<Attachment>) -> Option<Message> {
    match attachment {
        Some(attachment) => attachment.messages.next().await.and_then(Result::ok),
        None => std::future::pending().await,
    }
}

async fn attach(address: &str) -> zbus::Result<Attachment> {
    let messages = Builder::address(address).build_message_stream().await?;
    let connection = Connection::from(&messages);
    let departures = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";
    ask_bus(&connection, "AddMatch", &departures).await?;
    ask_bus(&connection, "RequestName", &("org.bluez", 0_u32)).await?;
    Ok(Attachment { connection, messages })
}

/// Gives the name up before the connection closes, so that no later call can reach it.
async fn leave(connection: Connection) {
    let released = ask_bus(&connection, "ReleaseName", &"org.bluez").await;
    if let Err(error) = released.and(connection.close().await) {
        debug!(%error, "bus was already gone");
    }
}

async fn ask_bus<B>(connection: &Connection, member: &str, body: &B) -> zbus::Result<()>
where
    B: serde::Serialize + DynamicType,
{
    let bus = "org.freedesktop.DBus";
    connection.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), member, body).await?;
    Ok(())
}
