//! The homes: connected or not, last heard, what is missing, and what their technicians should know.

use jiff::Timestamp;
use maud::{Markup, html};
use vitals::wire::primitive::Time;
use vitals::wire::v1::DeviceHealth;
use vitals::{HubId, LocalInstant, Sequence};

use super::format::{age, clock, counted, time};
use super::{hub_name, layout, shape};
use crate::board::{Board, Home};
use crate::clock as station_clock;
use crate::config::Config;

/// Gaps that are written out.
const GAPS_MAX: usize = 3;
/// Technical events that are shown.
const EVENTS_MAX: usize = 12;

/// The column of homes and what happened there.
pub(super) fn section(config: &Config, board: &Board, now: Timestamp) -> Markup {
    let unheard = config.hubs.keys().filter(|it| !board.hubs.contains_key(*it));
    html! {
        section class="homes" id="homes" {
            h2 { "Homes" }
            @if board.hubs.is_empty() && config.hubs.is_empty() {
                p class="empty" { "No home has reported yet." }
            }
            @for (hub, home) in &board.hubs { (card(config, hub, home, now)) }
            @for hub in unheard {
                div class="home unseen" {
                    h3 { (shape::connection(false)) (hub_name(config, hub)) }
                    p { "Has never reported." }
                }
            }
        }
        @if !board.events.is_empty() {
            section class="events" id="events" {
                h2 { "Technical events" }
                ul {
                    @for incident in board.events.iter().take(EVENTS_MAX) {
                        li {
                            (clock(incident.event.recorded_at.0, now)) " "
                            strong { (hub_name(config, &incident.hub)) } " – " (incident.event.text)
                        }
                    }
                }
            }
        }
    }
}

fn card(config: &Config, hub: &HubId, home: &Home, now: Timestamp) -> Markup {
    let is_silent = home.is_silent(now, layout::silence_limit(config));
    let is_online = home.presence.is_some_and(|it| it.is_online);
    let class = if is_online && !is_silent { "home" } else { "home unseen" };
    let heard = home.last_heard.and_then(|at| age(at, now));
    html! {
        div class=(class) {
            h3 { (shape::connection(is_online)) (hub_name(config, hub)) }
            p {
                @match home.presence {
                    Some(presence) => {
                        strong { @if presence.is_online { "Online" } @else { "Offline" } }
                        @if presence.is_online {
                            " since " (time(presence.since, now))
                        }
                    }
                    None => strong { "Connection not known" },
                }
                @match (heard, home.last_heard) {
                    (Some(age), _) => { ", last heard " (age) },
                    (None, Some(at)) => {
                        ", last heard " (clock(here(at), now))
                    }
                    (None, None) => ", never heard",
                }
                @if is_silent && is_online { " " span class="mark warn" { "silent" } }
            }
            (missing(home, now))
            (test_alarm(home, now))
            @if let Some(since) = home.health.as_ref().and_then(|it| it.agency_silent_since) {
                p {
                    span class="mark warn" { "does not hear this station" } " since "
                    (time(since.0, now)) ": answers may not reach it"
                }
            }
            @if let Some(since) = memory_only_since(home) {
                p {
                    span class="mark warn" { "cannot store" } " since " (time(since.0, now))
                    ": what is new is in its memory only, and lost with its power until it is here"
                }
            }
            @if let Some(health) = &home.health {
                @if health.clock.as_ref().is_some_and(|it| !it.known) {
                    p {
                        span class="mark warn" { "time not known" }
                        " – times from this home are estimated, and orders wait until it knows the time"
                    }
                }
                @if 0 < health.unconfirmed {
                    p { (counted(health.unconfirmed, "record waits", "records wait")) " at the home" }
                }
                @if !health.devices.is_empty() {
                    details id=(format!("devices-{hub}")) {
                        summary {
                            "Devices (" (health.devices.len()) "), hub version " (health.version)
                        }
                        ul { @for it in &health.devices { (device(it, now)) } }
                    }
                }
            }
        }
    }
}

/// Since when the hub has new records in memory only.
fn memory_only_since(home: &Home) -> Option<Time> {
    home.health.as_ref()?.storage.as_ref()?.memory_only_since
}

/// The wall clock of the agency.
fn here(at: Timestamp) -> LocalInstant {
    LocalInstant::new(at, &station_clock::zone())
}

fn missing(home: &Home, now: Timestamp) -> Markup {
    let (gaps, n_missing) = (home.gaps(), home.n_missing());
    let range = |&(first, last): &(Sequence, Sequence)| {
        if first == last { first.to_string() } else { format!("{first}–{last}") }
    };
    let named: Vec<_> = gaps.iter().take(GAPS_MAX).map(range).collect();
    html! {
        @if 0_u64 < n_missing {
            p {
                span class="mark warn" { (counted(n_missing, "record", "records")) " missing" }
                " number " (named.join(", "))
                @if GAPS_MAX < gaps.len() { " and others" }
                @if let Some(since) = home.gap_since { " since " (time(here(since), now)) }
                @if let Some((at, n_asked)) = home.requests {
                    ", asked for " (counted(n_asked.into(), "time", "times")) ", last at "
                    (clock(here(at), now))
                } @else {
                    ", awaited"
                }
            }
        }
    }
}

/// Whether the daily test alarm came.
fn test_alarm(home: &Home, now: Timestamp) -> Markup {
    html! {
        p class="age" {
            @match home.test_alarm {
                Some(at) => { "Test alarm arrived " (time(here(at), now)) },
                None => "No test alarm yet",
            }
        }
    }
}

fn device(device: &DeviceHealth, now: Timestamp) -> Markup {
    html! {
        li {
            strong { (device.id) } " " (device.model)
            @match device.last_reading {
                Some(at) => { ", last reading " (time(at.0, now)) },
                None => ", no reading yet",
            }
            @if let Some(error) = &device.last_error {
                " " span class="mark warn" { (error) }
            }
        }
    }
}
