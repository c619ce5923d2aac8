//! An `[[exercise]]` or `[[exercise_fall]]` of a plan: limits for values of exercise.

use jiff::SignedDuration;
use vitals::document::{Need, Section};
use vitals::{Quantity, Vital};

use crate::plan::{threshold, value};
use crate::rule::exercise::{Exercise, ExerciseFall};

/// Longest time in minutes between rest and exercise.
const REST_WITHIN_MIN_MAX: i64 = 24 * 60;

/// Reads the keys of a threshold, which holds in exercise alone.
pub(super) fn read(section: &Section<'_>) -> Option<Exercise> {
    threshold::read(section).map(|threshold| Exercise { threshold })
}

/// Reads the keys that a fall has beside those of every rule.
pub(super) fn read_fall(section: &Section<'_>) -> Option<ExerciseFall> {
    let priority = section.text("priority", Need::Example("\"medium\""));
    let vital = section.text("vital", Need::Example("\"oxygen-saturation\""));
    let by = amount(section, "falls_by", "\"4 %\"", vital);
    let clear = amount(section, "clears_at", "\"2 %\"", vital);
    let minutes = 1..=REST_WITHIN_MIN_MAX;
    let rest_within_min = section.integer("rest_within_min", minutes, Need::Example("60"));
    let (by, clear) = (by?, clear?);
    if clear.value_in(by.unit()).is_none_or(|it| by.value() <= it) {
        let text = format!("{clear} is not smaller than the fall of {by} that alerts");
        section.problem("clears_at", &text);
        return None;
    }
    let rest_within = SignedDuration::from_mins(rest_within_min?);
    Some(ExerciseFall { vital: vital?, priority: priority?, by, clear, rest_within })
}

fn amount(
    section: &Section<'_>,
    key: &'static str,
    example: &'static str,
    vital: Option<Vital>,
) -> Option<Quantity> {
    section.text_by(key, Need::Example(example), |text| value::amount(vital, text))
}
