//! A `[[threshold]]` of a plan: one limit with its priority, or a table of limits by priority.

use jiff::SignedDuration;
use vitals::document::{Need, Section};
use vitals::{Priority, Quantity, Vital};

use crate::plan::{measurable, value};
use crate::rule::confirm::Confirm;
use crate::rule::threshold::{Limit, Side, Threshold, ThresholdError};

const LIMIT: Need = Need::Example("\"180 mmHg\"");
const CLEAR: Need = Need::Example("\"175 mmHg\"");

/// What a table of limits lacks in which there is none.
const NO_LIMIT: &str =
    "a table of limits needs at least one, as in { medium = \"150 mmHg\", high = \"180 mmHg\" }";

/// Why a table of limits has no priority beside it.
const TWO_PRIORITIES: &str =
    "each limit of the table has a priority of its own; leave this one out";

/// Keys of a limit and of its clear level.
const fn keys(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::AtOrAbove => ("at_or_above", "clear_at_or_below"),
        Side::AtOrBelow => ("at_or_below", "clear_at_or_above"),
    }
}

/// Longest time in minutes for which a repeat is waited for: a day.
const CONFIRM_WITHIN_MIN_MAX: i64 = 24 * 60;

/// Longest time in seconds that has to pass before a repeat counts: an hour.
const CONFIRM_AFTER_S_MAX: i64 = 3600;

/// Reads the keys that a `[[threshold]]` has beside those of every rule.
pub(super) fn read_confirmed(section: &Section<'_>) -> Option<Threshold> {
    const WITHIN: &str = "confirm_within_min";
    const AFTER: &str = "confirm_after_s";
    let threshold = read(section);
    let within = match section.has(WITHIN) {
        true => section.integer(WITHIN, 1..=CONFIRM_WITHIN_MIN_MAX, Need::Optional).map(Some),
        false => Some(None),
    };
    let after = match section.has(AFTER) {
        true => section.integer(AFTER, 0..=CONFIRM_AFTER_S_MAX, Need::Optional).map(Some),
        false => Some(None),
    };
    let (threshold, within, after) = (threshold?, within?, after?);
    let Some(within) = within.map(SignedDuration::from_mins) else {
        if after.is_some() {
            section.problem(AFTER, &"nothing asks for a repeat; add confirm_within_min");
            return None;
        }
        return Some(threshold);
    };
    if threshold.first().priority == Priority::High {
        let text =
            "a value of high priority never waits; leave this out, or add a less urgent limit";
        section.problem(WITHIN, &text);
        return None;
    }
    let after = after.map_or_else(|| Confirm::gap_of(threshold.vital()), SignedDuration::from_secs);
    let Some(confirm) = Confirm::new(within, after) else {
        section.problem(AFTER, &"a repeat has to be possible within confirm_within_min");
        return None;
    };
    Some(threshold.confirmed_by(confirm))
}

/// Reads the limits of a threshold.
pub(super) fn read(section: &Section<'_>) -> Option<Threshold> {
    let has_priority = section.has("priority");
    let is_table = Side::ALL.iter().any(|&side| section.is_section(keys(side).0));
    if is_table && has_priority {
        section.problem("priority", &TWO_PRIORITIES);
    }
    let priority =
        if is_table { None } else { section.text("priority", Need::Example("\"high\"")) };
    let vital = section.text("vital", Need::Example("\"systolic-pressure\""));
    let Some(side) = side(section) else {
        refuse_levels(section);
        return None;
    };
    let (limit_key, clear_key) = keys(side);
    let limits = match is_table {
        false => section
            .text_by(limit_key, LIMIT, |text| level(vital, text))
            .map(|level| Some(vec![Limit { priority: priority?, level }])),
        true => limits(&section.section(limit_key), vital).map(Some),
    };
    let clear = section.text_by(clear_key, CLEAR, |text| level(vital, text));
    let (vital, limits, clear) = (vital?, limits??, clear?);
    let (&first, further) = limits.split_first()?;
    Threshold::new(vital, side, first, further.to_vec(), clear)
        .map_err(|error| match &error {
            ThresholdError::NotFurther { .. } => section.problem(limit_key, &error),
            ThresholdError::LimitUnit { .. }
            | ThresholdError::ClearUnit { .. }
            | ThresholdError::NotInside { .. } => {
                let inside = match side {
                    Side::AtOrAbove => "below",
                    Side::AtOrBelow => "above",
                };
                let text = format!("{error}; write a level {inside} the limit");
                section.problem(clear_key, &text);
            }
        })
        .ok()
}

/// The limits of a table, the least urgent first.
fn limits(table: &Section<'_>, vital: Option<Vital>) -> Option<Vec<Limit>> {
    let by_urgency = [Priority::Low, Priority::Medium, Priority::High];
    let present: Vec<_> = by_urgency.into_iter().filter(|it| table.has(it.as_str())).collect();
    if present.is_empty() {
        table.problem("", &NO_LIMIT);
    }
    let limit = |priority: Priority| {
        let level = table.text_by(priority.as_str(), LIMIT, |text| level(vital, text))?;
        Some(Limit { priority, level })
    };
    // Each is read, so that the problems of all are found.
    let limits: Vec<_> = present.into_iter().map(limit).collect();
    table.refuse_the_rest();
    limits.into_iter().collect()
}

/// A level that can be measured of `vital`.
fn level(vital: Option<Vital>, text: &str) -> Result<Quantity, String> {
    let level = value::quantity(text)?;
    match vital {
        Some(vital) => measurable::check(vital, level).map(|()| level),
        None => Ok(level),
    }
}

/// Reports the levels that cannot be read, where it is not clear which of them count.
fn refuse_levels(section: &Section<'_>) {
    for (limit_key, clear_key) in Side::ALL.map(keys) {
        for key in [limit_key, clear_key] {
            if section.has(key) && !section.is_section(key) {
                let _level = section.text_by(key, LIMIT, value::quantity);
            }
        }
    }
}

/// The side of the limit, where the keys say just one.
fn side(section: &Section<'_>) -> Option<Side> {
    let [has_above, has_below] = Side::ALL.map(|side| section.has(keys(side).0));
    let side = match (has_above, has_below) {
        (true, false) => Side::AtOrAbove,
        (false, true) => Side::AtOrBelow,
        (true, true) => {
            let text = "a rule has one limit; write a second [[threshold]] for the other side";
            section.problem("at_or_below", &text);
            return None;
        }
        (false, false) => {
            let text = "the limit is missing; add at_or_above or at_or_below, as in \
                        at_or_above = \"180 mmHg\"";
            section.problem("at_or_above", &text);
            return None;
        }
    };
    let (limit_key, clear_key) = keys(side);
    for (_limit_key, other) in Side::ALL.map(keys) {
        if other != clear_key && section.has(other) {
            section.problem(other, &format!("a limit {limit_key} clears with {clear_key}"));
        }
    }
    Some(side)
}
