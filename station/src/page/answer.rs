//! What a nurse can do about an alert: take it on, for good or for a while, and close it.

use alerting::{Disposition, Standing};
use maud::{Markup, html};

use super::worklist::anchor;
use crate::board::Episode;
use crate::core::{NAME_LEN_MAX, NOTE_LEN_MAX};
use crate::order::{Order, Progress};

/// For how many hours an alert can be taken on; a hub lets none hold longer than 24 h.
const SNOOZE_HOURS: [u8; 6] = [1, 2, 4, 8, 12, 24];

pub(super) fn actions(episode: &Episode, viewer: Option<&str>) -> Markup {
    let on_its_way = |deed: &str| {
        let is_same = |it: &&Order| it.wish.kind() == deed;
        episode.orders.iter().filter(is_same).any(|it| it.progress == Progress::OnItsWay)
    };
    let waits = episode.waits_for_a_nurse();
    let snooze_id = format!("snooze-{}", anchor(episode));
    let close_id = format!("close-{}", anchor(episode));
    let can_be_taken_on = waits && !on_its_way("acknowledge") && !on_its_way("close");
    html! {
        @if can_be_taken_on {
            form class="act" method="post" action=(action(episode, "acknowledge")) {
                (signature(episode, "acknowledge", viewer))
                button class="main" { "Acknowledge" }
            }
            @if can_be_taken_on && episode.standing() == Standing::Active {
                details class="close" id=(snooze_id) {
                    summary { "Take it on for a while" }
                    form class="act" method="post" action=(action(episode, "snooze")) {
                        select name="hours" required aria-label="For how long"
                            id=(format!("hours-{}", anchor(episode))) {
                            option value="" { "For how long?" }
                            @for it in SNOOZE_HOURS { option value=(it) { (it) " h" } }
                        }
                        (reason(episode, viewer))
                        button { "Acknowledge for a while" }
                    }
                }
            }
        }
        @if !waits && !on_its_way("close") {
            details class="close" id=(close_id) {
                summary { "Close this alert" }
                form class="act" method="post" action=(action(episode, "close")) {
                    select name="disposition" required aria-label="How it ended"
                        id=(format!("disposition-{}", anchor(episode))) {
                        option value="" { "How did it end?" }
                        @for it in Disposition::ALL {
                            option value=(it) { (disposition_label(it)) }
                        }
                    }
                    (signature(episode, "close", viewer))
                    button { "Close" }
                }
            }
        }
    }
}

/// Why it is taken on for a while only, and by whom.
fn reason(episode: &Episode, viewer: Option<&str>) -> Markup {
    html! {
        @if viewer.is_none() { (name(episode, "snooze")) }
        input name="note" id=(format!("note-snooze-{}", anchor(episode))) required
            maxlength=(NOTE_LEN_MAX) autocomplete="off" placeholder="Why" aria-label="Why";
    }
}

/// Note, and name where the browser does not remember one.
fn signature(episode: &Episode, deed: &str, viewer: Option<&str>) -> Markup {
    html! {
        @if viewer.is_none() { (name(episode, deed)) }
        input name="note" id=(format!("note-{deed}-{}", anchor(episode)))
            maxlength=(NOTE_LEN_MAX) autocomplete="off" placeholder="Note (optional)"
            aria-label="Note";
    }
}

fn name(episode: &Episode, deed: &str) -> Markup {
    html! {
        input name="by" id=(format!("by-{deed}-{}", anchor(episode))) required
            maxlength=(NAME_LEN_MAX) autocomplete="off" placeholder="Your name"
            aria-label="Your name";
    }
}

fn action(episode: &Episode, deed: &str) -> String {
    format!("/alerts/{}/{}/{deed}", episode.hub, episode.alert)
}

const fn disposition_label(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::TrueActioned => "Real – something was done",
        Disposition::TrueExpected => "Real – expected for this client",
        Disposition::FalseTechnique => "Not real – measured badly",
        Disposition::FalseDevice => "Not real – device at fault",
        Disposition::Duplicate => "Same as another alert",
        Disposition::WrongPerson => "Value of another person",
        Disposition::Test => "Test",
    }
}
