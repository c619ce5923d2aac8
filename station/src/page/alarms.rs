//! The alarms of the station itself, in plain sentences: on the board and as JSON.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Serialize;
use vitals::{HubId, LocalInstant};

use super::api::{json, utc};
use super::format::{age, clock, counted};
use super::{Page, hub_name};
use crate::alarm::{Alarm, Kind};
use crate::board::Board;
use crate::clock as station_clock;
use crate::config::Config;

/// Alarms that are written out on the board; there can be one for each home.
const SHOWN_MAX: usize = 20;

#[derive(Debug, Serialize)]
struct List {
    /// Those that stand.
    open: Vec<Line>,
    /// Those that ended last, newest first.
    ended: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    /// broker-unreachable, hub-silent, no-test-alarm, alerts-differ or database-damaged.
    kind: String,
    /// Null where it is about the station.
    hub: Option<String>,
    name: Option<String>,
    since: String,
    began_at: String,
    ended_at: Option<String>,
    /// Whether it says nothing at present, because the station cannot reach the broker.
    inhibited: bool,
    /// Alerts of that home that are open.
    open_alerts: Option<u64>,
    text: String,
}

/// What the station noticed, and when.
pub(super) async fn list(State(page): State<Page>) -> Response {
    let (board, now) = (page.board(), station_clock::now());
    let line = |alarm: &Alarm| line(&page.config, &board, alarm, now);
    json(&List {
        open: board.alarms.open().map(line).collect(),
        ended: board.alarms.ended().map(line).collect(),
    })
}

fn line(config: &Config, board: &Board, alarm: &Alarm, now: Timestamp) -> Line {
    let hub = alarm.hub.as_ref();
    Line {
        kind: alarm.kind.as_str().to_owned(),
        hub: hub.map(ToString::to_string),
        name: hub.map(|it| hub_name(config, it).to_owned()),
        since: utc(alarm.since),
        began_at: utc(alarm.began_at),
        ended_at: alarm.ended_at.map(utc),
        inhibited: board.is_inhibited(alarm),
        open_alerts: hub.map(|it| board.n_open_alerts(it)),
        text: sentence(config, board, alarm, now),
    }
}

/// The alarms on the board. That the broker is away has a notice of its own, from the first moment.
pub(super) fn notices(config: &Config, board: &Board, now: Timestamp) -> Markup {
    let is_shown = |it: &&Alarm| !board.is_inhibited(it) && it.kind != Kind::BrokerUnreachable;
    let alarms: Vec<_> = board.alarms.open().filter(is_shown).collect();
    let n_hidden = u64::try_from(alarms.len().saturating_sub(SHOWN_MAX)).unwrap_or(u64::MAX);
    html! {
        @for alarm in alarms.iter().take(SHOWN_MAX) {
            p class="notice grave" role="alert" data-alarm=(alarm.kind.as_str()) {
                (sentence(config, board, alarm, now))
            }
        }
        @if 0 < n_hidden {
            p class="notice grave" role="alert" {
                "And " (counted(n_hidden, "other alarm", "other alarms")) " like these."
            }
        }
    }
}

/// What is known, in one or a few plain sentences.
fn sentence(config: &Config, board: &Board, alarm: &Alarm, now: Timestamp) -> String {
    let since = since(alarm.since, now);
    if alarm.kind == Kind::DatabaseDamaged {
        return format!(
            "The database of this station was damaged, which was noticed at its start, {since}. What \
             it stored last may be missing: the homes send their records again, but what a nurse \
             asked for just before may be lost, so look at each open alert. Copies of the damaged \
             files are beside the database; this ends at the first start without them."
        );
    }
    let Some(hub) = &alarm.hub else {
        let cause = board.broker.reason.as_ref().filter(|_reason| alarm.ended_at.is_none());
        let cause = cause.map_or_else(String::new, |it| format!(" ({it})"));
        return format!("This station cannot reach the broker since {since}{cause}.");
    };
    let name = hub_name(config, hub);
    match alarm.kind {
        // These are about the station and have no home.
        Kind::BrokerUnreachable | Kind::DatabaseDamaged => {
            format!("{name}: no connection since {since}.")
        }
        Kind::HubSilent => format!(
            "{name}: nothing heard of this home since {since}. {} {}",
            connection(board, hub),
            open_alerts(board, hub)
        ),
        Kind::NoTestAlarm => format!(
            "{name}: no test alarm arrived since {since}, though the hub is heard. An alert from \
             there may not arrive either: have a technician look."
        ),
        Kind::AlertsDiffer => format!(
            "{name}: since {since} the hub has other open alerts than this page shows, though all \
             of its records are here. Ask the home how things are, and have a technician look."
        ),
    }
}

/// `09:12 (4 min ago)`, on the wall clock of the agency.
fn since(at: Timestamp, now: Timestamp) -> String {
    let here = LocalInstant::new(at, &station_clock::zone());
    let age = age(at, now).map_or_else(String::new, |it| format!(" ({it})"));
    format!("{}{age}", clock(here, now))
}

/// What the broker knows of the connection of a silent hub.
fn connection(board: &Board, hub: &HubId) -> &'static str {
    let presence = board.hubs.get(hub).and_then(|it| it.presence);
    match presence.map(|it| it.is_online) {
        Some(false) => {
            "Its connection has ended: no internet or no power there, or the hub was stopped."
        }
        Some(true) => "The broker knows of no end of its connection, and yet it says nothing.",
        None => "It never said whether it is connected.",
    }
}

fn open_alerts(board: &Board, hub: &HubId) -> String {
    match board.n_open_alerts(hub) {
        0 => "No alert of this home is open; new ones would not arrive.".to_owned(),
        n => {
            let counted = counted(n, "alert of this home is", "alerts of this home are");
            format!("{counted} open; new ones would not arrive.")
        }
    }
}
