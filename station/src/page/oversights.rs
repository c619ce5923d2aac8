//! What hubs should have raised and did not: on the board, with a form, and as JSON.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Serialize;
use vitals::LocalInstant;

use super::api::{json, utc};
use super::format::time;
use super::{Page, client_name, hub_name};
use crate::board::Board;
use crate::clock as station_clock;
use crate::config::Config;
use crate::core::{NAME_LEN_MAX, NOTE_LEN_MAX};
use crate::oversight::Oversight;

/// Oversights that are written out on the board; the others come up as these are seen to.
const SHOWN_MAX: usize = 20;

#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    hub: String,
    subject: String,
    /// Whether the reading may be of somebody else.
    is_of_unknown: bool,
    /// Null where that is not known.
    measured_at: Option<String>,
    plan: String,
    rule: String,
    priority: String,
    reading: String,
    why: String,
    noticed_at: String,
}

/// Every oversight that nobody has seen to, the oldest first.
pub(super) async fn list(State(page): State<Page>) -> Response {
    let line = |Oversight { id, finding, noticed_at }: &Oversight| Line {
        id: *id,
        hub: finding.hub.to_string(),
        subject: finding.subject.as_str().to_owned(),
        is_of_unknown: finding.is_of_unknown,
        measured_at: finding.measured_at.map(utc),
        plan: finding.plan.clone(),
        rule: finding.rule.clone(),
        priority: finding.priority.as_str().to_owned(),
        reading: finding.reading.to_string(),
        why: finding.why.clone(),
        noticed_at: utc(*noticed_at),
    };
    json(&page.board().oversights.iter().map(line).collect::<Vec<_>>())
}

/// The oversights on the board, the most urgent first.
pub(super) fn notices(
    config: &Config,
    board: &Board,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    let mut oversights: Vec<_> = board.oversights.iter().collect();
    oversights.sort_by_key(|it| (it.finding.priority, it.id));
    let n_hidden = oversights.len().saturating_sub(SHOWN_MAX);
    html! {
        @for oversight in oversights.into_iter().take(SHOWN_MAX) {
            (notice(config, oversight, viewer, now))
        }
        @if 0 < n_hidden {
            p class="notice grave" role="alert" { "And " (n_hidden) " more like these." }
        }
    }
}

fn notice(config: &Config, oversight: &Oversight, viewer: Option<&str>, now: Timestamp) -> Markup {
    let Oversight { id, finding, noticed_at } = oversight;
    let here = |at| LocalInstant::new(at, &station_clock::zone());
    html! {
        div class="notice grave" role="alert" data-oversight=(id) {
            strong { "No alert from the home" } " (" (hub_name(config, &finding.hub)) ") where "
            (client_name(config, &finding.subject)) " needs one, "
            strong { (finding.priority.as_str()) } ": " (finding.why)
            @if finding.is_of_unknown {
                " It is not known whose this value is; it may be of somebody else."
            }
            @if let Some(at) = finding.measured_at { " Measured " (time(here(at), now)) "." }
            " Noticed " (time(here(*noticed_at), now)) ". Look after the client as with any alert, \
             and have a technician look at the hub and its care plan."
            form class="act" method="post" action=(format!("/oversights/{id}/seen")) {
                @if viewer.is_none() {
                    input name="by" id=(format!("by-oversight-{id}")) required
                        maxlength=(NAME_LEN_MAX) autocomplete="off" placeholder="Your name"
                        aria-label="Your name";
                }
                input name="note" id=(format!("note-oversight-{id}")) maxlength=(NOTE_LEN_MAX)
                    autocomplete="off" placeholder="Note (optional)" aria-label="Note";
                button class="main" { "I have seen to it" }
            }
        }
    }
}
