//! Whose a reading is: the queue of those that are nobody's, and the form with which a nurse says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};
use vitals::{HubId, SubjectId};

use super::format::clock;
use super::wish::NOBODY;
use super::{client_name, worklist};
use crate::board::{Board, Taken};
use crate::config::Config;
use crate::core::{NAME_LEN_MAX, NOTE_LEN_MAX};
use crate::order::Progress;
use crate::store::UNASSIGNED_READINGS;

/// The readings that are nobody's, newest first, by home.
pub(super) fn by_home(board: &Board) -> BTreeMap<&HubId, Vec<&Arc<Taken>>> {
    let mut queue: BTreeMap<&HubId, Vec<&Arc<Taken>>> = BTreeMap::new();
    for taken in &board.unassigned {
        queue.entry(&taken.hub).or_default().push(taken);
    }
    queue
}

/// Whether there may be more of them than the board has.
pub(super) fn is_full(board: &Board) -> bool {
    usize::try_from(UNASSIGNED_READINGS).is_ok_and(|it| it <= board.unassigned.len())
}

/// What people said about a reading: the last of it, and the rest on demand.
pub(super) fn said(config: &Config, board: &Board, taken: &Taken, now: Timestamp) -> Markup {
    let said = board.said.get(&(taken.hub.clone(), taken.reading.id));
    let said = said.map(Vec::as_slice).unwrap_or_default();
    let name = |subject: &Option<String>| match subject.as_ref().map(|it| it.parse()) {
        Some(Ok(subject)) => client_name(config, &subject).to_owned(),
        Some(Err(_unknown)) => "somebody".to_owned(),
        None => "nobody".to_owned(),
    };
    html! {
        @for event in said {
            @if let Some(it) = &event.assignment {
                div class="age" {
                    "from " (name(&it.from)) " to " (name(&it.to)) " by " (it.by) " at "
                    (clock(event.recorded_at.0, now))
                    @if let Some(note) = &it.note { " – “" (note) "”" }
                }
            }
        }
    }
}

/// The form, or how far what was asked is.
pub(super) fn form(
    config: &Config,
    board: &Board,
    taken: &Taken,
    label: &str,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    let key = (taken.hub.clone(), taken.reading.id);
    let order = board.claims.get(&key).and_then(|it| it.last());
    let offset = taken.reading.measured_at.offset();
    let is_on_its_way = order.is_some_and(|it| it.progress == Progress::OnItsWay);
    let id = format!("{}-{}-{}", taken.hub, taken.reading.id, label.replace(' ', "-"));
    let action = format!("/readings/{}/{}/assign", taken.hub, taken.reading.id);
    let subject = taken.reading.subject.as_ref();
    let candidates = taken.reading.subject_candidates.iter().cloned();
    let first: BTreeSet<SubjectId> = candidates.collect();
    let others = board.clients_at(&taken.hub);
    let others = others.into_iter().filter(|it| !first.contains(it));
    let choices: Vec<SubjectId> =
        first.iter().cloned().chain(others).filter(|it| Some(it) != subject).collect();
    html! {
        @if let Some(order) = order { (worklist::progress(order, offset, now)) }
        @if !is_on_its_way {
            details class="close" id=(format!("assign-{id}")) {
                summary {
                    @if subject.is_some() { "Not theirs?" } @else { "Whose is it?" }
                }
                form class="act" method="post" action=(action) {
                    select name="to" required aria-label="Whose it is" id=(format!("to-{id}")) {
                        option value="" { "Whose is it?" }
                        @for it in &choices {
                            option value=(it.as_str()) { (client_name(config, it)) }
                        }
                        option value=(NOBODY) { "None of the clients of this home" }
                    }
                    @if viewer.is_none() {
                        input name="by" id=(format!("by-{id}")) required maxlength=(NAME_LEN_MAX)
                            autocomplete="off" placeholder="Your name" aria-label="Your name";
                    }
                    input name="note" id=(format!("note-{id}")) maxlength=(NOTE_LEN_MAX)
                        autocomplete="off" placeholder="Note (optional)" aria-label="Note";
                    button { "Assign" }
                }
            }
        }
    }
}
