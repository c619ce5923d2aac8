//! Pairing by a person at the command line: what is on the air, making a bond and dropping one.
//!
//! All of it needs BlueZ and no running hub; one that runs is asked to keep its radio still
//! meanwhile, because BlueZ connects badly while somebody scans, and because a hub that subscribes
//! to a device that is being paired would hang up on it.
//!
//! An agent is registered only while a person has opened a window, for one device, and never asked
//! to be the default: outside of it nothing can be paired with this machine through the hub. Just
//! Works agrees by itself within the window; digits and comparisons go to the person.

mod agent;
mod bluez;
mod failure;
pub mod found;
mod introduction;
mod remote;

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use zbus::message::Message;

pub use self::agent::Prompt;
use self::agent::{Decision, Question, Reply};
pub use self::bluez::Bluez;
pub use self::failure::PairingFailure;
use self::failure::{Circumstances, failure};
use self::found::Found;
pub use self::remote::{Characteristic, Heard};
use crate::clock::Clock;

/// How often BlueZ is asked what it hears.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How long a device whose bond BlueZ keeps may take to be connected.
const PROOF_MAX: Duration = Duration::from_secs(25);

/// How long BlueZ may take for anything that a device has no part in.
const CALL_MAX: Duration = Duration::from_secs(10);

/// What the agent says that it can do; it decides how devices pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// A person reads and types: devices with digits use them, others are paired Just Works.
    KeyboardDisplay,
    /// Just Works alone, for devices that fail when they are offered more.
    NoInputNoOutput,
}

impl Capability {
    const fn as_str(self) -> &'static str {
        match self {
            Self::KeyboardDisplay => "KeyboardDisplay",
            Self::NoInputNoOutput => "NoInputNoOutput",
        }
    }
}

/// The person at the command line.
#[derive(Debug)]
pub struct Person {
    /// What they are asked and told.
    pub prompts: mpsc::Sender<Prompt>,
    /// The lines that they type; closed where nobody can.
    pub lines: mpsc::Receiver<String>,
}

/// The time that a person gave.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    clock: Clock,
    /// Time since boot at which it closes.
    closes_at: Duration,
}

impl Window {
    /// Opens one for that long.
    ///
    /// # Errors
    ///
    /// Fails where the clocks of the machine cannot be read.
    pub fn open(duration: Duration) -> anyhow::Result<Self> {
        let clock = Clock::start()?;
        Ok(Self { clock, closes_at: clock.now().since_boot.saturating_add(duration) })
    }

    /// What is left of it; nothing once it is closed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.closes_at.saturating_sub(self.now())
    }

    /// Time since boot.
    fn now(&self) -> Duration {
        self.clock.now().since_boot
    }
}

/// How a pairing went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paired {
    /// There is a new bond.
    New,
    /// There was one, and the device answers to it.
    Before,
}

/// Listens for `duration`; returns all that BlueZ knows then.
///
/// # Errors
///
/// Fails where BlueZ does not let us scan.
pub async fn scan(bluez: &mut Bluez, duration: Duration) -> anyhow::Result<Vec<Found>> {
    bluez.start_discovery().await?;
    sleep(duration).await;
    let found = bluez.devices().await;
    bluez.stop_discovery().await;
    Ok(found?)
}

/// Waits until a device that `wanted` names is heard; `None` where none is before the window closes.
///
/// # Errors
///
/// Fails where BlueZ does not let us scan, and where the name fits several devices.
pub async fn hear(
    bluez: &mut Bluez,
    wanted: &str,
    window: Window,
) -> anyhow::Result<Option<Found>> {
    bluez.start_discovery().await?;
    let heard = loop {
        let found = bluez.devices().await?;
        let called = found.into_iter().filter(|it| it.rssi_dbm.is_some() && it.is_called(wanted));
        let called: Vec<_> = called.collect();
        match called.as_slice() {
            [] if window.left().is_zero() => break None,
            [] => sleep(LOOK_INTERVAL).await,
            [found] => break Some(found.clone()),
            several => {
                let addresses: Vec<_> = several.iter().map(|it| it.address.to_string()).collect();
                bluez.stop_discovery().await;
                anyhow::bail!(
                    "{wanted:?} fits several: give an address of {}",
                    addresses.join(", ")
                );
            }
        }
    };
    bluez.stop_discovery().await;
    Ok(heard)
}

/// Makes a bond with a device that was just heard, before the window closes, and tells it what its
/// model has to be told.
///
/// What fails leaves no half of a bond behind: the device is disconnected and forgotten.
///
/// # Errors
///
/// Says what a person can do about it.
pub async fn pair(
    bluez: &mut Bluez,
    device: &Found,
    capability: Capability,
    person: &mut Person,
    window: Window,
) -> Result<Paired, PairingFailure> {
    if device.is_paired {
        return prove(bluez, device, window).await;
    }
    bluez.register_agent(capability.as_str()).await.map_err(|error| other(&error))?;
    let outcome = pair_with_agent(bluez, device, person, window).await;
    bluez.unregister_agent().await;
    let outcome = match outcome {
        Ok(paired) => introduction::introduce(bluez, device, window).await.map(|()| paired),
        failure => failure,
    };
    match &outcome {
        Ok(_paired) => bluez.trust(device.address).await,
        Err(_failure) => {
            bluez.disconnect(device.address).await;
            bluez.remove(device.address).await.ok();
        }
    }
    outcome
}

/// A bond is as good as the device's half of it. What its model has to be told may have been forgotten,
/// or told by somebody else since.
async fn prove(
    bluez: &mut Bluez,
    device: &Found,
    window: Window,
) -> Result<Paired, PairingFailure> {
    let connected = timeout(PROOF_MAX, bluez.connect(device.address)).await;
    let outcome = match connected {
        Ok(Ok(())) => introduction::introduce(bluez, device, window).await.map(|()| Paired::Before),
        Ok(Err(_)) | Err(_) => Err(PairingFailure::ForgotBond(device.address.to_string())),
    };
    bluez.disconnect(device.address).await;
    outcome
}

async fn pair_with_agent(
    bluez: &mut Bluez,
    device: &Found,
    person: &mut Person,
    window: Window,
) -> Result<Paired, PairingFailure> {
    let mut known =
        Circumstances { is_in_pairing_mode: device.is_in_pairing_mode, ..Circumstances::default() };
    let mut dialogue = Dialogue { path: bluez.path_of(device.address), waiting: None };
    let calls = bluez.calls();
    let mut call = std::pin::pin!(calls.pair(device.address));
    loop {
        let event = tokio::select! {
            biased;
            outcome = &mut call => return match outcome {
                Ok(()) => Ok(Paired::New),
                Err(zbus::Error::MethodError(name, text, _)) => {
                    Err(failure(name.as_str(), &text.unwrap_or_default(), known))
                }
                Err(error) => Err(other(&error)),
            },
            message = timeout(window.left(), bluez.next_call()) => match message {
                Ok(Some(message)) => dialogue.asked(message, person, &mut known).await,
                Ok(None) => return Err(PairingFailure::DaemonGone),
                Err(_elapsed) => {
                    calls.cancel_pairing(device.address).await;
                    return Err(PairingFailure::WindowClosed);
                }
            },
            line = person.lines.recv(), if dialogue.waiting.is_some() => {
                dialogue.typed(line, person, &mut known).await
            }
        };
        if let Some((question, reply)) = event {
            let is_unanswered = reply.is_none();
            calls.answer(&question, reply.unwrap_or(Reply::Rejected)).await;
            if is_unanswered {
                return Err(PairingFailure::Unanswered);
            }
        }
    }
}

fn other(error: &zbus::Error) -> PairingFailure {
    let zbus::Error::MethodError(name, text, _) = error else {
        return PairingFailure::Other(error.to_string());
    };
    failure(name.as_str(), text.as_deref().unwrap_or_default(), Circumstances::default())
}

/// What is asked of the person now.
#[derive(Debug)]
struct Dialogue {
    /// Object of the device that the window is open for.
    path: String,
    waiting: Option<(Message, Prompt)>,
}

/// A call of BlueZ and what to answer it; nothing where the person can not answer any more.
type Answered = Option<(Message, Option<Reply>)>;

impl Dialogue {
    /// BlueZ asked something.
    async fn asked(
        &mut self,
        message: Message,
        person: &Person,
        known: &mut Circumstances,
    ) -> Answered {
        let (path, request) = match agent::read(&message)? {
            Question::About(path, request) => (path, request),
            Question::Canceled | Question::Released => {
                self.waiting = None;
                return Some((message, Some(Reply::Agreed)));
            }
            Question::Unknown => return Some((message, Some(Reply::Rejected))),
        };
        match agent::decide(&self.path, &path, request) {
            Decision::Answer(reply) => Some((message, Some(reply))),
            Decision::Tell(prompt, reply) => {
                known.had_digits = true;
                person.prompts.send(prompt).await.ok();
                Some((message, Some(reply)))
            }
            Decision::Ask(prompt) => {
                known.had_digits = true;
                person.prompts.send(prompt.clone()).await.ok();
                self.waiting = Some((message, prompt));
                None
            }
        }
    }

    /// The person typed a line, or nobody can any more.
    async fn typed(
        &mut self,
        line: Option<String>,
        person: &Person,
        known: &mut Circumstances,
    ) -> Answered {
        let (message, prompt) = self.waiting.take()?;
        let Some(line) = line else { return Some((message, None)) };
        if let Some(reply) = prompt.reply(&line) {
            known.is_declined |= reply == Reply::Rejected;
            return Some((message, Some(reply)));
        }
        person.prompts.send(prompt.clone()).await.ok();
        self.waiting = Some((message, prompt));
        None
    }
}

/// Drops the bond with a device, with all that BlueZ knows of it.
///
/// # Errors
///
/// Fails where BlueZ knows no such device or does not answer.
pub async fn forget(bluez: &mut Bluez, wanted: &str) -> anyhow::Result<Found> {
    let known = bluez.devices().await?;
    let mut called = known.into_iter().filter(|it| it.is_called(wanted));
    let device = called.next().with_context(|| format!("no device {wanted:?} is known here"))?;
    anyhow::ensure!(called.next().is_none(), "{wanted:?} fits several: give the address");
    bluez.remove(device.address).await.context("the bond could not be dropped")?;
    Ok(device)
}
