//! The `[[step]]` tables of a story: what happens, and to whom.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::device::Entry;
use super::keys::{Keys, Place};
use super::{LONGEST, Step, measure};
use crate::device::{Link, Measurement};
use crate::fault::{ByteFault, Extent, Fault};

/// What happens in a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Somebody measures with the device.
    Measure(Measurement),
    /// The device sends captured bytes as they are.
    Replay(Vec<Vec<u8>>),
    /// Something goes wrong with the device.
    Fault(Fault),
    /// The serial device is plugged in.
    Plug,
    /// The serial device is pulled out.
    Unplug,
    /// The hub's Bluetooth adapter is pulled out.
    AdapterOff,
    /// The hub's Bluetooth adapter is plugged in again.
    AdapterOn,
    /// The hub's Bluetooth daemon ends and is started again.
    RestartBluetoothd,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measure(measurement) => write!(f, "measures {measurement}"),
            Self::Replay(frames) if frames.len() == 1 => write!(f, "replays 1 value"),
            Self::Replay(frames) => write!(f, "replays {} values", frames.len()),
            Self::Fault(fault) => fault.fmt(f),
            Self::Plug => write!(f, "is plugged in"),
            Self::Unplug => write!(f, "is pulled out"),
            Self::AdapterOff => write!(f, "adapter is pulled out"),
            Self::AdapterOn => write!(f, "adapter is plugged in"),
            Self::RestartBluetoothd => write!(f, "daemon is started again"),
        }
    }
}

const ADAPTER: [(&str, Action); 2] = [("off", Action::AdapterOff), ("on", Action::AdapterOn)];
const PORT: [(&str, Action); 2] = [("plug", Action::Plug), ("unplug", Action::Unplug)];
const BLUETOOTHD: [(&str, Action); 1] = [("restart", Action::RestartBluetoothd)];

const OF_DEVICES: [&str; 4] = ["measure", "replay", "fault", "port"];
const OF_BLUETOOTH: [&str; 2] = ["adapter", "bluetoothd"];

/// Reads one step; `None` if it cannot be told, which was reported then.
pub(super) fn read(mut keys: Keys<'_, '_>, devices: &[Entry]) -> Option<Step> {
    let place = keys.place();
    let at =
        keys.must("at_s", "seconds after the beginning").seconds("at_s", Duration::ZERO..=LONGEST);
    let all = OF_DEVICES.iter().chain(&OF_BLUETOOTH);
    let given: Vec<&str> = all.copied().filter(|action| keys.has(action)).collect();
    let [given] = given.as_slice() else {
        let known = [OF_DEVICES.as_slice(), &OF_BLUETOOTH].concat().join(", ");
        place.problem("", &format!("needs exactly one of: {known}"));
        return None;
    };
    if OF_BLUETOOTH.contains(given) {
        let adapter = choose(&mut keys, "adapter", &ADAPTER);
        let action = adapter.or_else(|| choose(&mut keys, "bluetoothd", &BLUETOOTHD));
        keys.refuse_the_rest();
        return Some(Step { at: at?, device: None, action: action? });
    }
    let name = keys.must("device", "the name of a [[device]]").text("device")?;
    let Some(entry) = devices.iter().find(|entry| entry.device.name == name) else {
        place.problem("device", &format!("no usable [[device]] is called {name:?}"));
        return None;
    };
    let action = match *given {
        "measure" => {
            keys.table("measure").and_then(|keys| measure::read(keys, entry)).map(Action::Measure)
        }
        "replay" => replay(&mut keys).map(Action::Replay),
        "fault" => keys.table("fault").and_then(|keys| fault(keys, entry)).map(Action::Fault),
        _port => {
            if matches!(entry.device.link, Link::Bluetooth(_)) {
                place.problem("port", &"only serial devices have a port");
            }
            choose(&mut keys, "port", &PORT)
        }
    };
    keys.refuse_the_rest();
    Some(Step { at: at?, device: Some(name), action: action? })
}

fn choose(
    keys: &mut Keys<'_, '_>,
    key: &'static str,
    actions: &[(&str, Action)],
) -> Option<Action> {
    let words: Vec<(&str, &Action)> =
        actions.iter().map(|(word, action)| (*word, action)).collect();
    keys.word(key, &words).cloned()
}

fn replay(keys: &mut Keys<'_, '_>) -> Option<Vec<Vec<u8>>> {
    let place = keys.place();
    let frames = keys.texts("replay")?;
    if frames.is_empty() {
        place.problem("replay", &"nothing to replay");
    }
    frames.iter().map(|text| bytes(&place, "replay", text)).collect()
}

fn bytes(place: &Place<'_, '_>, key: &str, text: &str) -> Option<Vec<u8>> {
    let spaceless: String = text.split_whitespace().collect();
    hex::decode(&spaceless)
        .map_err(|error| place.problem(key, &format!("{text:?} is not hexadecimal: {error}")))
        .ok()
}

#[derive(Clone, Copy, Debug)]
enum FaultWord {
    Bytes(ByteFault),
    BytesHeal,
    Clock,
    BondLoss,
    Battery,
    MissedWake,
    Flood,
    LinkLoss,
    UnplugInFrame,
}

const FAULTS: [(&str, FaultWord); 13] = [
    ("drop", FaultWord::Bytes(ByteFault::Drop)),
    ("duplicate", FaultWord::Bytes(ByteFault::Duplicate)),
    ("truncate", FaultWord::Bytes(ByteFault::Truncate)),
    ("bit-flip", FaultWord::Bytes(ByteFault::BitFlip)),
    ("reorder", FaultWord::Bytes(ByteFault::Reorder)),
    ("none", FaultWord::BytesHeal),
    ("clock", FaultWord::Clock),
    ("bond-loss", FaultWord::BondLoss),
    ("battery", FaultWord::Battery),
    ("missed-wake", FaultWord::MissedWake),
    ("flood", FaultWord::Flood),
    ("link-loss", FaultWord::LinkLoss),
    ("unplug-in-frame", FaultWord::UnplugInFrame),
];

fn fault(mut keys: Keys<'_, '_>, entry: &Entry) -> Option<Fault> {
    let place = keys.place();
    let word = keys.must("kind", "what goes wrong").word("kind", &FAULTS)?;
    let is_serial = matches!(entry.device.link, Link::Serial(_));
    let fits = match word {
        FaultWord::Bytes(_) | FaultWord::BytesHeal | FaultWord::Battery | FaultWord::Flood => true,
        FaultWord::UnplugInFrame => is_serial,
        FaultWord::Clock | FaultWord::BondLoss | FaultWord::MissedWake | FaultWord::LinkLoss => {
            !is_serial
        }
    };
    if !fits {
        place.problem("kind", &format!("{:?} has no such thing on its link", entry.device.name));
    }
    let fault = match word {
        FaultWord::Bytes(fault) => extent(&mut keys).map(|extent| Fault::Bytes { fault, extent }),
        FaultWord::BytesHeal => Some(Fault::BytesHeal),
        FaultWord::Clock => clock(&mut keys),
        FaultWord::BondLoss => Some(Fault::BondLoss),
        FaultWord::Battery => {
            let percent = keys.must("percent", "its charge").whole("percent", 0..=100);
            percent.and_then(|percent| u8::try_from(percent).ok()).map(Fault::Battery)
        }
        FaultWord::MissedWake => Some(Fault::MissedWake),
        FaultWord::Flood => flood(&mut keys),
        FaultWord::LinkLoss => Some(Fault::LinkLoss),
        FaultWord::UnplugInFrame => Some(Fault::UnplugInFrame),
    };
    keys.refuse_the_rest();
    fault
}

/// Reads which values a fault meets: the next one unless something else is said.
fn extent(keys: &mut Keys<'_, '_>) -> Option<Extent> {
    let place = keys.place();
    let next = keys.whole("next", 1..=1_000_000);
    let one_in = keys.whole("one_in", 1..=1_000_000).and_then(NonZeroU32::new);
    match (next, one_in) {
        (next, None) => Some(Extent::Next(next.unwrap_or(1))),
        (None, Some(chance)) => Some(Extent::OneIn(chance)),
        (Some(_), Some(_)) => {
            place.problem("one_in", &"either next or one_in");
            None
        }
    }
}

fn clock(keys: &mut Keys<'_, '_>) -> Option<Fault> {
    let place = keys.place();
    let shows = keys.parsed::<DateTime>("shows").map(Fault::ClockReset);
    // Up to ten years either way.
    let most = Decimal::from(10 * 366 * 24 * 60 * 60);
    let ahead_s = keys.decimal("ahead_s", -most..=most).and_then(|ahead| ahead.to_i64());
    let skew = ahead_s.map(|ahead| Fault::ClockSkew(SignedDuration::from_secs(ahead)));
    if place.has("shows") == place.has("ahead_s") {
        place.problem("", &"needs either shows or ahead_s");
    }
    shows.or(skew)
}

fn flood(keys: &mut Keys<'_, '_>) -> Option<Fault> {
    let place = keys.place();
    let frame = keys.must("hex", "the bytes of the value").text("hex");
    let frame = frame.and_then(|text| bytes(&place, "hex", &text));
    let per_second = keys.must("per_s", "values in a second").whole("per_s", 1..=2000);
    let longest = Duration::from_secs(60);
    let lasting =
        keys.must("for_s", "how long it lasts").seconds("for_s", Duration::from_secs(1)..=longest);
    let per_second = NonZeroU32::new(per_second?)?;
    Some(Fault::Flood { frame: frame?, per_second, lasting: lasting? })
}
