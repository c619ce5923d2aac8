//! Stories about a home: which devices it has and what happens to them when, read from TOML.

mod action;
mod device;
mod keys;
mod measure;
mod problem;
mod run;
mod timeline;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

pub use self::action::Action;
use self::device::Entry;
use self::keys::Keys;
pub use self::problem::{Problem, Problems};
pub use self::run::{RunError, run};
pub use self::timeline::{Event, Rounds};
pub use self::watch::{Happening, watch};
use crate::device::{Device, Link};

/// The longest that a story may be, and the longest that it may repeat after.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// One story, checked as a whole.
#[derive(Clone, Debug)]
pub struct Scenario {
    title: String,
    devices: Vec<Device>,
    steps: Vec<Step>,
    repeat: Option<Repeat>,
}

/// One thing that happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// When, after the beginning of the story.
    pub at: Duration,
    /// The device that it happens to; none for what happens to the hub's Bluetooth.
    pub device: Option<String>,
    /// What happens.
    pub action: Action,
}

/// How a story goes on when it is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Repeat {
    /// Steps from here on happen again and again.
    from: Duration,
    /// How long one round of them takes.
    every: Duration,
    /// Whether measured values vary from round to round.
    is_varied: bool,
}

impl Scenario {
    /// Reads a story.
    ///
    /// # Errors
    ///
    /// Returns every problem of the text, each with its line and key.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        keys::read(text, |page, mut root| {
            let title = root.must("title", "what the story is about").text("title");
            let devices = read_devices(&mut root);
            let steps = read_steps(&mut root, &devices);
            let repeat = root.table("repeat").and_then(|keys| read_repeat(keys, &steps));
            root.refuse_the_rest();
            page.is_clean().then_some(Self {
                title: title?,
                devices: devices.into_iter().map(|entry| entry.device).collect(),
                steps,
                repeat,
            })
        })
    }

    /// Returns what the story is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the devices to start a simulation with.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        self.devices.clone()
    }

    /// Returns what happens, in order, as it is written.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Tells whether some device needs a bus.
    #[must_use]
    pub fn has_bluetooth(&self) -> bool {
        self.devices.iter().any(|device| matches!(device.link, Link::Bluetooth(_)))
    }
}

fn read_devices(root: &mut Keys<'_, '_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = BTreeSet::new();
    let tables = root.must("device", "at least one [[device]]").tables("device");
    for keys in tables {
        let page = keys.place();
        let Some(entry) = device::read(keys) else { continue };
        let (key, place) = match &entry.device.link {
            Link::Bluetooth(radio) => ("address", radio.address.to_string()),
            Link::Serial(settings) => ("port", settings.port.clone()),
        };
        for (key, value) in [("name", entry.device.name.clone()), (key, place)] {
            if !seen.insert((key, value.clone())) {
                page.problem(key, &format!("another device has {value:?}"));
            }
        }
        entries.push(entry);
    }
    entries
}

fn read_steps(root: &mut Keys<'_, '_>, devices: &[Entry]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let tables = root.must("step", "at least one [[step]]").tables("step");
    for keys in tables {
        let page = keys.place();
        let Some(step) = action::read(keys, devices) else { continue };
        if steps.last().is_some_and(|before| step.at < before.at) {
            page.problem("at_s", &"earlier than the step before it");
        }
        steps.push(step);
    }
    steps
}

fn read_repeat(mut keys: Keys<'_, '_>, steps: &[Step]) -> Option<Repeat> {
    let place = keys.place();
    let from = keys.seconds("from_s", Duration::ZERO..=LONGEST).unwrap_or_default();
    let every = keys
        .must("every_s", "how long one round takes")
        .seconds("every_s", Duration::from_secs(1)..=LONGEST);
    let is_varied = keys.flag("varied").unwrap_or(true);
    keys.refuse_the_rest();
    let every = every?;
    let last = steps.last().map_or(Duration::ZERO, |step| step.at);
    if last < from {
        place.problem("from_s", &"no step is left to repeat");
    } else if every <= last.saturating_sub(from) {
        let text = format!("the steps from from_s on take {:?}", last.saturating_sub(from));
        place.problem("every_s", &text);
    }
    Some(Repeat { from, every, is_varied })
}

#[cfg(test)]
mod tests;
