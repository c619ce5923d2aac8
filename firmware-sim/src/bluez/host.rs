//! The daemon's side that all devices share: adapter, discovery, agents, timers and what is due to
//! go out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::effect::{Agent, AgentAnswer, Answer, CallId, Effect, Properties, Property, Question};
use super::failure::Failure;
use super::path::Node;
use crate::gatt::Address;

pub(crate) const ADAPTER: &str = "org.bluez.Adapter1";

/// What a device's timer stands for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Due {
    /// Send the next advertisement.
    Advertise,
    /// The wake window ends.
    Sleep,
    /// The link that was asked for comes up.
    LinkUp,
    /// The device was not seen while a connection was asked for.
    ConnectTimeout,
    /// The services are known.
    Resolve,
    /// The link is lost before the services are known.
    DropLink,
    /// A measurement in progress brings its next value.
    Value,
    /// Send the next record.
    Send,
    /// The device ends the session.
    HangUp,
    /// The key exchange is over.
    PairingDone,
    /// The daemon forgets a device that it has not seen for long.
    Vanish,
}

/// How the next call of a method is spoiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Spoiled {
    /// It is answered with this error and has no effect.
    Fails(Failure),
    /// It is never answered and has no effect.
    Hangs,
}

/// Counts over all devices and all lives of the daemon.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BluezCounters {
    /// Method calls received.
    pub calls: u64,
    /// Times that discovery was started by a client.
    pub discoveries: u64,
    /// Calls of `Device1.Connect`.
    pub connection_attempts: u64,
    /// Links that came up, ever.
    pub connections: u64,
    /// Calls of `Device1.Pair`, and pairings that a subscription caused.
    pub pairing_attempts: u64,
    /// Values signalled while no client had a notify session for the characteristic.
    pub early_values: u64,
    /// Whether some client is discovering now.
    pub discovering: bool,
    /// Whether the adapter has power and is plugged in.
    pub powered: bool,
    /// Whether the daemon owns its name on the bus.
    pub running: bool,
    /// Agents registered now.
    pub agents: u64,
}

/// State of the daemon and of the air that all devices share.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) now: Duration,
    /// How far time has come while `now` catches up with it, timer by timer.
    pub(crate) latest: Duration,
    pub(crate) address: Address,
    pub(crate) plugged: bool,
    pub(crate) powered: bool,
    pub(crate) running: bool,
    pub(crate) alias: String,
    /// Clients that discover now, with the service UUIDs that they want (empty: all).
    pub(crate) discovering: BTreeMap<String, BTreeSet<String>>,
    pub(crate) filters: BTreeMap<String, BTreeSet<String>>,
    pub(crate) agents: BTreeMap<String, Agent>,
    pub(crate) default_agent: Option<String>,
    /// Clients that have called and not left the bus since.
    clients: BTreeSet<String>,
    /// How often the last of them left.
    n_generations: u64,
    /// Questions that agents have not answered, by the device they are about.
    pub(crate) questions: BTreeMap<u64, Address>,
    pub(crate) spoiled: BTreeMap<String, VecDeque<Spoiled>>,
    pub(crate) counters: BluezCounters,
    pub(crate) random: fastrand::Rng,
    /// A subscription that needs a bond waits for ever when no agent could agree to one, as real
    /// BlueZ lets it; otherwise it is refused at once.
    pub(crate) hangs_without_agent: bool,
    /// A value that leaves a device before a client has a notify session is not signalled.
    pub(crate) loses_early_values: bool,
    effects: Vec<Effect>,
    timers: BTreeMap<(Duration, u64), (Address, Due)>,
    next_number: u64,
}

impl Host {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            latest: Duration::ZERO,
            address: Address([0x00, 0x1A, 0x7D, 0xDA, 0x71, 0x13]),
            plugged: true,
            powered: true,
            running: true,
            alias: "simulated-adapter".to_owned(),
            discovering: BTreeMap::new(),
            filters: BTreeMap::new(),
            agents: BTreeMap::new(),
            default_agent: None,
            clients: BTreeSet::new(),
            n_generations: 0,
            questions: BTreeMap::new(),
            spoiled: BTreeMap::new(),
            counters: BluezCounters::default(),
            random: fastrand::Rng::with_seed(seed),
            hangs_without_agent: false,
            loses_early_values: false,
            effects: Vec::new(),
            timers: BTreeMap::new(),
            next_number: 0,
        }
    }

    /// Tells whether radio traffic can happen: the daemon runs on a powered adapter.
    pub(crate) fn is_on_air(&self) -> bool {
        self.running && self.plugged && self.powered
    }

    /// Tells whether a client discovers and would be told of a device with these services.
    pub(crate) fn wants(&self, advertised: &[String]) -> bool {
        self.is_on_air()
            && self.discovering.values().any(|wanted| {
                wanted.is_empty() || advertised.iter().any(|uuid| wanted.contains(uuid))
            })
    }

    pub(crate) fn client_called(&mut self, client: &str) {
        if !self.clients.contains(client) {
            self.clients.insert(client.to_owned());
        }
    }

    pub(crate) fn client_left(&mut self, client: &str) {
        if self.clients.remove(client) && self.clients.is_empty() {
            self.n_generations = self.n_generations.saturating_add(1);
        }
    }

    /// The generation of the clients that are there; none if there is no client.
    pub(crate) fn generation(&self) -> Option<u64> {
        (!self.clients.is_empty()).then_some(self.n_generations)
    }

    fn number(&mut self) -> u64 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    pub(crate) fn schedule(&mut self, address: Address, delay: Duration, due: Due) {
        let number = self.number();
        self.timers.insert((self.now.saturating_add(delay), number), (address, due));
    }

    /// Schedules what is not made up for when time has come further already.
    pub(crate) fn schedule_from_latest(&mut self, address: Address, delay: Duration, due: Due) {
        let behind = self.latest.saturating_sub(self.now);
        self.schedule(address, delay.saturating_add(behind), due);
    }

    pub(crate) fn cancel(&mut self, address: Address, dues: &[Due]) {
        self.timers.retain(|_when, (whose, due)| *whose != address || !dues.contains(due));
    }

    pub(crate) fn is_scheduled(&self, address: Address, due: Due) -> bool {
        self.timers.values().any(|timer| *timer == (address, due))
    }

    /// Returns how long it is until a timer fires.
    pub(crate) fn remaining(&self, address: Address, due: Due) -> Option<Duration> {
        let ((when, _number), _timer) =
            self.timers.iter().find(|(_when, timer)| **timer == (address, due))?;
        Some(when.saturating_sub(self.now))
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.timers.keys().next().map(|(when, _number)| *when)
    }

    /// Takes the oldest timer that is due at `until`.
    pub(crate) fn take_due(&mut self, until: Duration) -> Option<(Duration, Address, Due)> {
        let entry = self.timers.first_entry()?;
        let (when, _number) = *entry.key();
        if until < when {
            return None;
        }
        let (address, due) = entry.remove();
        Some((when, address, due))
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        if self.running {
            self.effects.push(effect);
        }
    }

    pub(crate) fn drain(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn answer(&mut self, call: CallId, answer: Answer) {
        self.emit(Effect::Answer(call, answer));
    }

    pub(crate) fn done(&mut self, call: CallId) {
        self.answer(call, Answer::Nothing);
    }

    pub(crate) fn fail(&mut self, call: CallId, failure: Failure) {
        self.emit(Effect::Fail(call, failure));
    }

    pub(crate) fn changed(
        &mut self,
        node: Node,
        interface: &'static str,
        changed: impl IntoIterator<Item = (&'static str, Property)>,
    ) {
        let changed: Properties = changed.into_iter().collect();
        self.emit(Effect::Changed { node, interface, changed, invalidated: Vec::new() });
    }

    /// Chooses the agent for a pairing: the caller's own, else the default agent.
    pub(crate) fn agent_for(&self, caller: &str) -> Option<&Agent> {
        self.agents.get(caller).or_else(|| self.agents.get(self.default_agent.as_ref()?))
    }

    /// Asks an agent about a device and returns the number of the question.
    pub(crate) fn ask(&mut self, agent: Agent, device: Address, question: Question) -> u64 {
        let id = self.number();
        match question {
            Question::Authorize | Question::Passkey | Question::Show(_) | Question::Compare(_) => {
                self.questions.insert(id, device);
            }
            Question::Cancel => {}
        }
        self.emit(Effect::Ask { id, agent, device: Node::Device(device), question });
        id
    }

    pub(crate) fn register_agent(
        &mut self,
        sender: &str,
        path: String,
        capability: String,
    ) -> Result<(), Failure> {
        let known = ["", "DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput"];
        if !known.contains(&capability.as_str()) && capability != "KeyboardDisplay" {
            return Err(Failure::invalid_arguments());
        }
        if self.agents.contains_key(sender) {
            return Err(Failure::already_exists());
        }
        let agent = Agent { owner: sender.to_owned(), path, capability };
        self.agents.insert(sender.to_owned(), agent);
        // BlueZ takes the first agent as the default until another one asks to be.
        self.default_agent.get_or_insert_with(|| sender.to_owned());
        Ok(())
    }

    pub(crate) fn unregister_agent(&mut self, sender: &str, path: &str) -> Result<(), Failure> {
        match self.agents.get(sender) {
            Some(agent) if agent.path == path => {
                self.forget_agent(sender);
                Ok(())
            }
            Some(_) | None => Err(Failure::does_not_exist()),
        }
    }

    pub(crate) fn request_default_agent(&mut self, sender: &str) -> Result<(), Failure> {
        if !self.agents.contains_key(sender) {
            return Err(Failure::does_not_exist());
        }
        self.default_agent = Some(sender.to_owned());
        Ok(())
    }

    pub(crate) fn forget_agent(&mut self, sender: &str) {
        self.agents.remove(sender);
        if self.default_agent.as_deref() == Some(sender) {
            self.default_agent = self.agents.keys().next().cloned();
        }
    }
}

/// Reads an agent's answer as leave to go on.
///
/// # Errors
///
/// Returns the failure that BlueZ answers to `Pair` when the agent says no.
pub(crate) fn consent(answer: &AgentAnswer, passkey: Option<u32>) -> Result<(), Failure> {
    match (answer, passkey) {
        (AgentAnswer::Agreed, None) => Ok(()),
        (AgentAnswer::Passkey(typed), Some(shown)) if *typed == shown => Ok(()),
        (AgentAnswer::Refused { error }, _) if error.ends_with("Canceled") => {
            Err(Failure::authentication("Canceled"))
        }
        (AgentAnswer::Refused { error }, _) if error.ends_with("Rejected") => {
            Err(Failure::authentication("Rejected"))
        }
        (AgentAnswer::Refused { .. } | AgentAnswer::Agreed | AgentAnswer::Passkey(_), _) => {
            Err(Failure::authentication("Failed"))
        }
    }
}
