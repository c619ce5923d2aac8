//! What devices do by themselves while a story is told, from their counters.

use std::fmt;
use std::time::Duration;

use futures::{StreamExt, stream};

use crate::bluez::Counters;
use crate::simulator::Simulator;

/// One thing that a device did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Happening {
    /// When it was noticed, in simulated time after the start of the simulation.
    pub at: Duration,
    /// The device that did it.
    pub device: String,
    /// What it did.
    pub what: &'static str,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.1} s  {}: {}", self.at.as_secs_f32(), self.device, self.what)
    }
}

/// Reports what devices do until the simulation ends.
pub async fn watch(simulator: &Simulator, mut report: impl FnMut(&Happening)) {
    let changes = simulator.devices().map(|device| {
        let on_port = simulator.ports().contains_key(device.name());
        let watched = (device.watch(), device.counters());
        let changes = stream::unfold(watched, move |(mut counters, before)| async move {
            counters.changed().await.ok()?;
            let after = *counters.borrow_and_update();
            Some((news(&before, &after, on_port), (counters, after)))
        });
        let name = device.name().to_owned();
        Box::pin(changes.map(move |news| (name.clone(), news)))
    });
    let mut changes = stream::select_all(changes);
    while let Some((device, news)) = changes.next().await {
        let at = simulator.clock().now();
        for what in news {
            report(&Happening { at, device: device.clone(), what });
        }
    }
}

/// Tells what a device did between two looks at its counters.
fn news(before: &Counters, after: &Counters, on_port: bool) -> Vec<&'static str> {
    let happened = if on_port { port_news(before, after) } else { air_news(before, after) };
    happened.into_iter().filter(|(did, _what)| *did).map(|(_did, what)| what).collect()
}

fn air_news(before: &Counters, after: &Counters) -> Vec<(bool, &'static str)> {
    vec![
        (before.missed_wakes != after.missed_wakes, "wakes unseen"),
        (before.advertisements != after.advertisements, "advertises"),
        (before.connections != after.connections, "is connected"),
        (before.bonds != after.bonds, "is bonded"),
        (before.subscriptions != after.subscriptions, "is subscribed to"),
        (before.indications != after.indications, "sends a value"),
        (before.hang_ups != after.hang_ups, "hangs up"),
        (
            before.disconnections != after.disconnections && before.hang_ups == after.hang_ups,
            "loses its link",
        ),
    ]
}

fn port_news(before: &Counters, after: &Counters) -> Vec<(bool, &'static str)> {
    let has_sent = before.serial_frames != after.serial_frames;
    let is_unheard = before.serial_frames_unheard != after.serial_frames_unheard;
    let is_done = 0 < before.records_pending && after.records_pending == 0;
    vec![
        (!before.connected && after.connected, "port is opened"),
        (before.connected && !after.connected, "port is closed"),
        (is_done && has_sent, "has sent all"),
        (is_done && is_unheard && !has_sent, "is not heard"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_ends_the_link_itself_did_not_lose_it() {
        let before = Counters::default();
        let after = Counters { disconnections: 1, hang_ups: 1, ..before };
        assert_eq!(news(&before, &after, false), ["hangs up"]);
        let after = Counters { disconnections: 1, ..before };
        assert_eq!(news(&before, &after, false), ["loses its link"]);
    }

    #[test]
    fn a_port_that_nobody_opened_is_not_heard() {
        let before = Counters { records_pending: 1, ..Counters::default() };
        let after = Counters { serial_frames_unheard: 1, ..Counters::default() };
        assert_eq!(news(&before, &after, true), ["is not heard"]);
    }
}
