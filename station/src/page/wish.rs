//! Forms about an alert: acknowledge it, for good or for a while, and close it; whose a reading is; and that
//! a nurse has seen to what a hub did not raise.

use std::time::Duration;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{Page, layout, viewer};
use crate::clock;
use crate::core::Refusal;
use crate::desk::{Act, Asked};
use crate::order::{Aim, Deed, Wish};
use crate::oversight::Seen;

/// Longest wait for the commit: a database that cannot store is tried again for as long as it takes.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// In the place of a client: none of the clients of the home.
pub(super) const NOBODY: &str = "-";

#[derive(Debug, Deserialize)]
pub(super) struct WishForm {
    by: Option<String>,
    note: Option<String>,
    disposition: Option<String>,
    /// For how many hours an acknowledgement holds.
    hours: Option<String>,
}

/// Hands a wish to the desk and answers after its commit.
pub(super) async fn ask(
    State(page): State<Page>,
    Path((hub, alert, deed)): Path<(String, String, String)>,
    headers: HeaderMap,
    Form(form): Form<WishForm>,
) -> Response {
    let (by, note) = signature(&headers, form.by, form.note);
    let (Ok(hub), Ok(alert)) = (hub.parse(), alert.parse()) else {
        return layout::problem(StatusCode::NOT_FOUND, "This alert is not known here.");
    };
    let deed = match (deed.as_str(), form.disposition.unwrap_or_default().parse()) {
        ("acknowledge", _none) => Deed::Acknowledge,
        ("snooze", _none) => {
            let hours = form.hours.and_then(|it| it.trim().parse::<u8>().ok());
            let now = clock::now();
            let length = hours.map(|it| SignedDuration::from_hours(it.into()));
            match length.and_then(|it| now.checked_add(it).ok()) {
                Some(until) => Deed::Snooze(until),
                None => {
                    let text = "Choose for how long you take it on.";
                    return layout::problem(StatusCode::BAD_REQUEST, text);
                }
            }
        }
        ("close", Ok(disposition)) => Deed::Close(disposition),
        ("close", Err(_unknown)) => {
            let text = "Choose how the alert ended before you close it.";
            return layout::problem(StatusCode::BAD_REQUEST, text);
        }
        (_other, _none) => {
            return layout::problem(StatusCode::NOT_FOUND, "There is nothing here.");
        }
    };
    let wish = Wish { hub, aim: Aim::Alert(alert, deed), by, note };
    hand_over(&page, Act::Wish(wish)).await
}

#[derive(Debug, Deserialize)]
pub(super) struct ClaimForm {
    by: Option<String>,
    note: Option<String>,
    /// The client, or [`NOBODY`].
    #[serde(default)]
    to: String,
}

/// Hands over whose a reading is and answers after the commit.
pub(super) async fn assign(
    State(page): State<Page>,
    Path((hub, reading)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<ClaimForm>,
) -> Response {
    let (by, note) = signature(&headers, form.by, form.note);
    let (Ok(hub), Ok(reading)) = (hub.parse(), reading.parse()) else {
        return layout::problem(StatusCode::NOT_FOUND, "This reading is not known here.");
    };
    let to = match (form.to.as_str(), form.to.parse()) {
        (NOBODY, _none) => None,
        (_subject, Ok(subject)) => Some(subject),
        (_other, Err(_unknown)) => {
            return layout::problem(StatusCode::BAD_REQUEST, "Choose whose the reading is.");
        }
    };
    let wish = Wish { hub, aim: Aim::Reading(reading, to), by, note };
    hand_over(&page, Act::Wish(wish)).await
}

#[derive(Debug, Deserialize)]
pub(super) struct SeenForm {
    by: Option<String>,
    note: Option<String>,
}

/// Hands over that a nurse has seen to what a hub did not raise.
pub(super) async fn see_to(
    State(page): State<Page>,
    Path(oversight): Path<i64>,
    headers: HeaderMap,
    Form(form): Form<SeenForm>,
) -> Response {
    let (by, note) = signature(&headers, form.by, form.note);
    hand_over(&page, Act::Seen(Seen { oversight, by, note })).await
}

/// Who asks, and what they wrote.
fn signature(
    headers: &HeaderMap,
    by: Option<String>,
    note: Option<String>,
) -> (String, Option<String>) {
    let typed = by.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let by = typed.or_else(|| viewer::remembered(headers)).unwrap_or_default();
    (by, note.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()))
}

async fn hand_over(page: &Page, act: Act) -> Response {
    let by = act.by().to_owned();
    let (answer, answered) = oneshot::channel();
    if page.wishes.try_send(Asked { act, answer }).is_err() {
        return busy();
    }
    let Ok(answer) = tokio::time::timeout(ANSWER_MAX, answered).await else {
        let text = "The station does not answer yet. Look at the worklist before you ask again.";
        return layout::problem(StatusCode::GATEWAY_TIMEOUT, text);
    };
    match answer {
        Ok(Ok(())) => viewer::remember(&by, Redirect::to("/").into_response()),
        Ok(Err(refusal)) => {
            let text = format!("Nothing was done: {refusal}.");
            layout::problem(status(&refusal), &text)
        }
        Err(_gone) => busy(),
    }
}

fn busy() -> Response {
    let text = "The station is busy or stopping. Nothing was sent, please try again.";
    layout::problem(StatusCode::SERVICE_UNAVAILABLE, text)
}

const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unknown | Refusal::UnknownReading | Refusal::UnknownOversight => {
            StatusCode::NOT_FOUND
        }
        Refusal::Over
        | Refusal::AlreadySo
        | Refusal::Acknowledged { .. }
        | Refusal::OnItsWay { .. }
        | Refusal::Pending => StatusCode::CONFLICT,
        Refusal::Name | Refusal::Note | Refusal::Snooze => StatusCode::BAD_REQUEST,
        Refusal::Signature => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
