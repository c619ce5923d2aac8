//! The worklist: open alerts, worst first; what waits for a repeated measurement stands apart.

use std::sync::Arc;

use alerting::Standing;
use jiff::Timestamp;
use jiff::tz::Offset;
use maud::{Markup, html};
use vitals::wire::v1::Amount;
use vitals::{LocalInstant, Priority, SubjectId, Vital};

use super::answer::actions;
use super::format::{clock, counted, time, words};
use super::{client_name, hub_name, shape};
use crate::board::{Board, Episode, Step};
use crate::config::Config;
use crate::order::{Aim, Deed, Order, Progress};

/// Earlier values of the same vital that are shown beside an alert.
const EARLIER_VALUES: usize = 5;

/// The column of alerts.
pub(super) fn section(
    config: &Config,
    board: &Board,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    let (open, ended) = sorted(board);
    let is_pending = |it: &&Arc<Episode>| it.standing() == Standing::Pending;
    let (pending, open): (Vec<_>, Vec<_>) = open.into_iter().partition(is_pending);
    let is_waiting = |it: &&&Arc<Episode>| it.waits_for_a_nurse() && !it.is_quiet(now);
    let count = |n| u64::try_from(n).unwrap_or(u64::MAX);
    let asked = count(open.iter().filter(is_waiting).filter(|it| is_asked(it)).count());
    let waiting = count(open.iter().filter(is_waiting).count()).saturating_sub(asked);
    html! {
        section class="worklist" id="worklist" data-waiting=(waiting) {
            h2 {
                @match waiting {
                    0 if !board.oversights.is_empty() => "No alert from a home waits; see the notice above",
                    0 if board.broker.is_up => "No alert waits for a nurse",
                    0 => "No alert waits, as far as is known",
                    n => { (counted(n, "alert waits", "alerts wait")) " for a nurse" },
                }
                @if 0 < asked {
                    span class="age" {
                        ", " (counted(asked, "answer", "answers")) " on the way to a home"
                    }
                }
            }
            @if open.is_empty() && board.broker.is_up && board.oversights.is_empty() {
                p class="empty" { "Nothing is open." }
            }
            @for episode in open { (card(config, board, episode, viewer, now)) }
            @if !pending.is_empty() {
                h3 { "A repeated measurement is awaited (" (pending.len()) ")" }
                ul class="ended" { @for episode in pending { (awaited(config, episode, viewer, now)) } }
            }
            @if !ended.is_empty() {
                details id="ended" {
                    summary { "Ended lately (" (ended.len()) ")" }
                    ul class="ended" { @for episode in ended { (line(config, episode, now)) } }
                }
            }
        }
    }
}

/// Open alerts, worst first, and ended ones, newest first.
fn sorted(board: &Board) -> (Vec<&Arc<Episode>>, Vec<&Arc<Episode>>) {
    let (mut open, mut ended): (Vec<_>, Vec<_>) = board.worklist().partition(|it| it.is_open());
    open.sort_by_key(|it| it.urgency());
    ended.sort_by_key(|it| std::cmp::Reverse(it.current().recorded_at));
    (open, ended)
}

fn card(
    config: &Config,
    board: &Board,
    episode: &Episode,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    let alert = episode.current();
    let priority = episode.priority();
    let is_taken = !episode.waits_for_a_nurse();
    let class = format!("alert {priority}{}", if is_taken { " taken" } else { "" });
    html! {
        article class=(class) id=(anchor(episode)) {
            header {
                span class="priority" { (shape::priority(priority)) (priority_word(priority)) }
                h3 { (who(config, episode)) }
                span class="raised" { "raised " (time(alert.raised_at.0, now)) }
            }
            p class="why" { (alert.why) }
            div class="measure" {
                @if let Some(value) = &alert.value {
                    span class="value" { (amount(value)) }
                    span class="against" {
                        @if let Some(vital) = &alert.vital { (vital_label(vital)) }
                        @if let Some(limit) = &alert.limit { ", limit " (amount(limit)) }
                    }
                }
                (earlier(board, episode))
            }
            (marks(episode, now))
            (facts(config, episode, now))
            (history(episode, now))
            (state(episode, now))
            (actions(episode, viewer))
        }
    }
}

/// Whether an answer of a nurse is on its way to the home.
fn is_asked(episode: &Episode) -> bool {
    episode.orders.iter().any(|it| it.progress == Progress::OnItsWay)
}

fn who(config: &Config, episode: &Episode) -> String {
    let subject = episode.current().subject.as_ref().and_then(|it| it.parse::<SubjectId>().ok());
    subject.map_or_else(
        || format!("{} – client not known", hub_name(config, &episode.hub)),
        |subject| client_name(config, &subject).to_owned(),
    )
}

const fn priority_word(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "High",
        Priority::Medium => "Medium",
        Priority::Low => "Low",
    }
}

fn vital_label(word: &str) -> String {
    word.parse::<Vital>().map_or_else(|_unknown| words(word), |it| it.label().to_owned())
}

fn amount(amount: &Amount) -> Markup {
    match amount.to_quantity() {
        Ok(quantity) => {
            html! { (quantity.value()) " " span class="unit" { (quantity.unit().label()) } }
        }
        Err(_unknown) => html! { (amount.value.0) " " span class="unit" { (amount.unit) } },
    }
}

/// Values of the same vital before the one that raised the alert.
fn earlier(board: &Board, episode: &Episode) -> Markup {
    let alert = episode.current();
    let subject = alert.subject.as_ref().and_then(|it| it.parse::<SubjectId>().ok());
    let vital = alert.vital.as_ref().and_then(|it| it.parse::<Vital>().ok());
    let newest = subject.zip(vital).and_then(|(subject, vital)| {
        board.clients.get(&subject)?.vitals.get(&vital).map(|newest| (vital, newest))
    });
    let before = alert.measured_at.map(|it| it.0.at);
    let values: Vec<String> = newest.map_or_else(Vec::new, |(vital, newest)| {
        let is_earlier = |at: Timestamp| before.is_some_and(|before| at < before);
        let earlier = newest.iter().filter(|it| is_earlier(it.reading.measured_at.at));
        let value = |it: &Arc<crate::board::Taken>| it.reading.value(vital);
        earlier.take(EARLIER_VALUES).filter_map(value).map(|it| it.value().to_string()).collect()
    });
    html! {
        @if !values.is_empty() {
            span class="earlier" { "before: " (values.join(" · ")) }
        }
    }
}

/// What makes the alert more or less certain, in words.
fn marks(episode: &Episode, now: Timestamp) -> Markup {
    let alert = episode.current();
    html! {
        ul class="marks" {
            @if alert.confirmed {
                li class="mark firm" { "confirmed" }
            } @else if alert.value.is_some() {
                li class="mark" { "not confirmed yet" }
            }
            @if let Some(to) = alert.timers.as_ref().and_then(|it| it.escalated_to.as_ref()) {
                li class="mark warn" { "nobody answered, passed on to " (to) }
            }
            @if episode.is_stale() {
                li class="mark warn" { "no fresh value since" }
            }
            @if let Some(until) = episode.quiet_until().filter(|_| episode.is_quiet(now)) {
                li class="mark" { "quiet until " (clock(until.0, now)) }
            }
            @if episode.is_corrected() { li class="mark" { "times corrected" } }
            @else if episode.is_estimated() { li class="mark warn" { "times estimated" } }
            @if alert.late { li class="mark warn" { "late: measured long before it came" } }
            @if 1 < alert.count {
                li class="mark" { "found " (alert.count) " times" }
            }
            @if episode.standing() == Standing::Latched {
                li class="mark" { "value is back in range, still to be seen" }
            }
            @if alert.category != "clinical" { li class="mark" { (words(&alert.category)) } }
        }
    }
}

fn facts(config: &Config, episode: &Episode, now: Timestamp) -> Markup {
    let alert = episode.current();
    html! {
        dl class="facts" {
            @if let Some(measured_at) = alert.measured_at {
                div { dt { "Measured" } dd { (time(measured_at.0, now)) } }
            }
            div { dt { "Reported" } dd { (time(alert.recorded_at.0, now)) } }
            div { dt { "Rule" } dd {
                (alert.rule) ", plan " (alert.plan) " version " (alert.plan_version)
            } }
            div { dt { "Home" } dd { (hub_name(config, &episode.hub)) } }
        }
    }
}

fn history(episode: &Episode, now: Timestamp) -> Markup {
    let id = format!("history-{}", anchor(episode));
    let repetitions = episode.steps.iter().filter(|(_rev, it)| it.is_repetition());
    let last = repetitions.map(|(rev, _it)| rev).next_back();
    let n_repetitions = episode.n_repetitions();
    let n_others = episode.steps.values().filter(|it| !it.is_repetition()).count();
    let n_others = u64::try_from(n_others).unwrap_or(u64::MAX);
    let is_shown = |rev: &u32, step: &Step| !step.is_repetition() || Some(rev) == last;
    let steps = episode.steps.iter().filter(|&(rev, it)| is_shown(rev, it));
    html! {
        @if 1 < episode.steps.len() {
            details class="history" id=(id) {
                summary { "History (" (n_others.saturating_add(n_repetitions)) ")" }
                ol {
                    @for (rev, step) in steps {
                        li {
                            @if Some(rev) == last && 1 < n_repetitions {
                                "repeated " (n_repetitions) " times, last at "
                                (clock(step.at.0, now))
                            } @else {
                                (clock(step.at.0, now)) " " (step.state)
                            }
                            @if let Some(by) = step.by.as_ref().filter(|_| has_actor(&step.state)) {
                                " by " (by)
                            }
                            @if let Some(note) = &step.note { " – “" (note) "”" }
                        }
                    }
                }
            }
        }
    }
}

fn has_actor(state: &str) -> bool {
    matches!(state, "acknowledged" | "closed")
}

/// How far the alert and what was asked about it are.
fn state(episode: &Episode, now: Timestamp) -> Markup {
    let acknowledgement = episode.acknowledgement();
    let pending = episode.order().filter(|it| it.progress != Progress::Done);
    html! {
        @if let Some(step) = acknowledgement {
            p class="state done" {
                "Acknowledged by " strong { (step.by.as_deref().unwrap_or("somebody")) } " at "
                (clock(step.at.0, now))
                @if let Some(until) = episode.acknowledged_until() {
                    ", until " (clock(until.0, now))
                }
                @if let Some(note) = &step.note { " – “" (note) "”" }
            }
        }
        @if let Some(order) = pending {
            (progress(order, episode.current().recorded_at.0.offset(), now))
        }
    }
}

/// How far an order is, in the time of the home like everything else about the alert.
pub(super) fn progress(order: &Order, offset: Offset, now: Timestamp) -> Markup {
    let here = LocalInstant::new(order.issued_at, &offset.to_time_zone());
    let deed = match order.wish.aim {
        Aim::Alert(_alert, Deed::Acknowledge | Deed::Snooze(_)) => "Acknowledgement",
        Aim::Alert(_alert, Deed::Close(_disposition)) => "Closing",
        Aim::Reading(..) => "Assignment",
    };
    html! {
        @match order.progress {
            Progress::OnItsWay => p class="state way" {
                strong { (deed) " on its way to the home" }
                " – asked by " (order.wish.by) " at " (time(here, now))
            },
            Progress::Expired => p class="state failed" role="alert" {
                strong { (deed) " did not reach the home" }
                " – asked by " (order.wish.by) " at " (time(here, now))
                ". Ask again, or call the home."
            },
            Progress::Overtaken => p class="state failed" role="alert" {
                strong { (deed) " was too late: the alert has become more urgent since" }
                " – asked by " (order.wish.by) " at " (time(here, now)) ". Look at it again."
            },
            Progress::Refused => p class="state failed" role="alert" {
                strong { (deed) " was refused by the home" }
                " – asked by " (order.wish.by) " at " (time(here, now)) ". "
                @if let Some(refusal) = &order.refusal { (refusal) }
            },
            Progress::Done => {},
        }
    }
}

pub(super) fn anchor(episode: &Episode) -> String {
    format!("alert-{}-{}", episode.hub, episode.alert)
}

/// A value out of range of which another measurement is to tell whether it is one.
fn awaited(config: &Config, episode: &Episode, viewer: Option<&str>, now: Timestamp) -> Markup {
    let alert = episode.current();
    html! {
        li id=(anchor(episode)) {
            (clock(alert.recorded_at.0, now)) " " strong { (who(config, episode)) } " – " (alert.why)
            @if let Some(until) = episode.repeat_by() {
                span class="age" { " (repeat asked for until " (clock(until.0, now)) ")" }
            }
            (actions(episode, viewer))
        }
    }
}

fn line(config: &Config, episode: &Episode, now: Timestamp) -> Markup {
    let alert = episode.current();
    html! {
        li {
            (clock(alert.recorded_at.0, now)) " " strong { (who(config, episode)) } " – " (alert.why)
            span class="age" {
                " (" (alert.state)
                @if let Some(by) = &alert.by { " by " (by) }
                @if let Some(disposition) = &alert.disposition { ", " (words(disposition)) }
                ")"
            }
        }
    }
}
