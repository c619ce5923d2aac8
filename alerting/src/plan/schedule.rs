//! A `[[schedule]]` of a plan: when something is to be measured, and when it is told that it was not.

use jiff::SignedDuration;
use vitals::Priority;
use vitals::document::{Need, Section};

use crate::plan::value;
use crate::rule::missed::{DAYS_MAX, Missed, Window};

/// Longest grace in minutes: a day.
const GRACE_MIN_MAX: i64 = 24 * 60;

/// Most windows of a day.
const WINDOWS_MAX: usize = 12;

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<Missed> {
    let vital = section.text("vital", Need::Example("\"body-weight\""));
    let priority: Option<Priority> = section.text("priority", Need::Example("\"low\""));
    let grace = section.integer("grace_min", 0..=GRACE_MIN_MAX, Need::Example("60"));
    let in_a_row = section.integer("missed_in_a_row", 1..=DAYS_MAX, Need::Example("2"));
    let times: Option<Vec<value::TimeOfDay>> = match section.has("at") {
        true => section.list("at", Need::Optional),
        false => Some(Vec::new()),
    };
    let written: Option<Vec<value::DayWindow>> = match section.has("windows") {
        true => section.list("windows", Need::Optional),
        false => Some(Vec::new()),
    };
    if priority == Some(Priority::High) {
        let text =
            "a measurement that was missed is low or medium: nobody knows that anything is wrong";
        section.problem("priority", &text);
        return None;
    }
    let grace = SignedDuration::from_mins(grace?);
    let around = times?.into_iter().map(|it| Window::at(it.0, grace));
    let written = written?.into_iter().map(|it| Window { from: it.from, to: it.to });
    let mut windows: Vec<Window> = around.chain(written).collect();
    windows.sort();
    windows.dedup();
    if windows.is_empty() || WINDOWS_MAX < windows.len() {
        let text = format!(
            "1 to {WINDOWS_MAX} times a day are needed, as in at = [\"08:00\"] or windows = [\"06:00-10:00\"]"
        );
        section.problem("at", &text);
        return None;
    }
    let in_a_row = u32::try_from(in_a_row?).ok()?;
    Some(Missed { vital: vital?, priority: priority?, windows, grace, in_a_row })
}
