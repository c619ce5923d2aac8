//! The frame of the page, its notices, and the board inside it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};
use vitals::LocalInstant;

use super::format::{clock, counted, time};
use super::{Page, alarms, charts, homes, oversights, viewer, worklist};
use crate::board::Board;
use crate::clock as station_clock;
use crate::config::Config;
use crate::core::NAME_LEN_MAX;

/// The whole page.
pub(super) async fn page(State(page): State<Page>, headers: HeaderMap) -> Markup {
    let viewer = viewer::remembered(&headers);
    let now = station_clock::now();
    let board = page.board();
    let here = LocalInstant::new(now, &station_clock::zone());
    document(&html! {
        header class="top" {
            h1 { "Worklist " span class="agency" { (page.config.agency.id) } }
            p id="live" class="live" role="status" {
                "As of " time datetime=(here) { (clock(here, now)) }
            }
            (name_form(viewer.as_deref()))
        }
        p id="lost" class="notice grave" role="alert" hidden {
            strong { "Not live" } " since " span id="lost-since" {}
            ". What you see may be out of date; new alerts do not appear."
        }
        noscript {
            p class="notice" { "This page does not renew itself without scripts. Reload it often." }
        }
        main id="board" { (fragment(&page.config, &board, viewer.as_deref(), now)) }
        footer {
            p {
                "Periodic spot checks for review by a nurse. Not an emergency service and not \
                 continuous monitoring."
            }
        }
        script src="/board.js" defer {}
    })
}

/// The part that changes.
pub(super) fn fragment(
    config: &Config,
    board: &Board,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    html! {
        (notices(config, board, viewer, now))
        div class="columns" {
            (worklist::section(config, board, viewer, now))
            div class="side" {
                (charts::section(config, board, viewer, now))
                (homes::section(config, board, now))
            }
        }
    }
}

/// A page that says why nothing was done.
pub(super) fn problem(status: StatusCode, text: &str) -> Response {
    let body = document(&html! {
        main class="problem" {
            p class="notice grave" role="alert" { (text) }
            p { a href="/" { "Back to the worklist" } }
        }
    });
    (status, body).into_response()
}

fn document(body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Worklist" }
                link rel="stylesheet" href="/board.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
            }
            body { (body) }
        }
    }
}

fn name_form(viewer: Option<&str>) -> Markup {
    html! {
        form class="viewer" method="post" action="/name" {
            @match viewer {
                Some(name) => {
                    span { "You sign as " strong { (name) } }
                    button class="plain" name="name" value="" { "Somebody else" }
                }
                None => {
                    label for="viewer-name" { "Your name" }
                    input id="viewer-name" name="name" required maxlength=(NAME_LEN_MAX)
                        autocomplete="off" placeholder="signs what you do";
                    button class="plain" { "Use" }
                }
            }
        }
    }
}

/// What keeps the board from being complete.
fn notices(config: &Config, board: &Board, viewer: Option<&str>, now: Timestamp) -> Markup {
    let here = |at| LocalInstant::new(at, &station_clock::zone());
    let unseen = n_unseen(config, board, now);
    html! {
        @if !board.broker.is_up {
            p class="notice grave" role="alert" {
                strong { "No connection to the homes" }
                ": this station cannot reach the broker since "
                (time(here(board.broker.since), now)) ". New alerts do not arrive."
                @if let Some(reason) = &board.broker.reason {
                    span class="cause" { " " (reason) "." }
                }
            }
        }
        (alarms::notices(config, board, now))
        (oversights::notices(config, board, viewer, now))
        @if let Some(fault) = &board.storage_fault {
            p class="notice grave" role="alert" {
                strong { "Nothing can be stored" } " since " (time(here(fault.since), now))
                ". The homes keep their readings until it can."
                span class="cause" { " " (fault.reason) "." }
            }
        }
        @if 0 < unseen {
            p class="notice" {
                strong { (counted(unseen, "home", "homes")) " cannot be seen" }
                ": offline or silent. No alert from there does not mean that all is well."
            }
        }
        @if 0 < board.n_refused + board.n_quarantined {
            p class="notice" {
                strong {
                    (counted(board.n_refused + board.n_quarantined, "message", "messages"))
                    " could not be read"
                }
                " and " @if board.n_refused + board.n_quarantined == 1 { "is" } @else { "are" }
                " kept for a technician."
            }
        }
        @if 0 < n_contested(board) {
            p class="notice grave" role="alert" {
                strong { (counted(n_contested(board), "record", "records")) " in doubt" }
                ": two came under one number, and only the first is shown. A hub was restored from a                  copy, or two hubs use one name."
            }
        }
        @if 0 < board.n_damaged {
            p class="notice grave" role="alert" {
                strong { (counted(board.n_damaged, "row", "rows")) " of the database damaged" }
                ". What was in them is not shown."
            }
        }
    }
}

/// Records whose number another record holds.
fn n_contested(board: &Board) -> u64 {
    let contested = board.hubs.values().flat_map(|home| home.contested.values());
    let ranges = contested.flat_map(|it| it.iter().collect::<Vec<_>>());
    ranges.map(|it| it.end().saturating_sub(*it.start()).saturating_add(1)).sum()
}

/// Homes that are offline or silent, or have never reported.
fn n_unseen(config: &Config, board: &Board, now: Timestamp) -> u64 {
    let limit = silence_limit(config);
    let is_unseen = |home: &crate::board::Home| {
        home.is_silent(now, limit) || home.presence.is_some_and(|it| !it.is_online)
    };
    let n = board.hubs.values().filter(|it| is_unseen(it)).count();
    let unheard = config.hubs.keys().filter(|it| !board.hubs.contains_key(*it)).count();
    u64::try_from(n.saturating_add(unheard)).unwrap_or(u64::MAX)
}

/// How long a hub may say nothing.
pub(super) fn silence_limit(config: &Config) -> SignedDuration {
    SignedDuration::try_from(config.watch.hub_silence_limit).unwrap_or(SignedDuration::MAX)
}
