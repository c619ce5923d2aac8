//! A `[[change]]` or `[[weight_change]]` of a plan: how far a value may go, and in which time.

use jiff::SignedDuration;
use vitals::document::{Need, Section};
use vitals::{Quantity, Vital};

use crate::plan::{repeated, value};
use crate::rule::Direction;
use crate::rule::change::Change;
use crate::rule::weight::WeightChange;

/// Keys of a change that alerts: upwards, and downwards.
pub(super) type Keys = [(&'static str, Direction); 2];

pub(super) const OF_VITAL: Keys = [("rises_by", Direction::Rise), ("falls_by", Direction::Fall)];
const OF_WEIGHT: Keys = [("gains", Direction::Rise), ("loses", Direction::Fall)];

/// Longest time in days over which a weight may be compared.
const OVER_DAYS_MAX: i32 = 21;

const CLEARS_AT: &str = "clears_at";

/// Reads the keys that a change has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<Change> {
    let priority = section.text("priority", Need::Example("\"medium\""));
    let vital = section.text("vital", Need::Example("\"systolic-pressure\""));
    let amounts = amounts(section, OF_VITAL, vital, Need::Example("\"20 mmHg\""));
    let hours = 1..=repeated::WITHIN_DAYS_MAX.saturating_mul(24);
    let within_hours = section.integer("within_hours", hours, Need::Example("24"));
    let (direction, by, clear) = amounts?;
    let within = SignedDuration::from_hours(within_hours?);
    Some(Change { vital: vital?, priority: priority?, direction, by, clear, within })
}

/// Reads the keys that a change of weight has beside those of every rule.
pub(super) fn read_weight(section: &Section<'_>) -> Option<WeightChange> {
    let priority = section.text("priority", Need::Example("\"medium\""));
    let amounts = amounts(section, OF_WEIGHT, Some(Vital::BodyWeight), Need::Example("\"3 lb\""));
    let over_days = section.integer("over_days", 1..=OVER_DAYS_MAX, Need::Example("1"));
    let (direction, by, clear) = amounts?;
    Some(WeightChange { priority: priority?, direction, by, clear, over_days: over_days? })
}

/// The direction, the change that alerts, and the one at which that clears.
pub(super) fn amounts(
    section: &Section<'_>,
    keys: Keys,
    vital: Option<Vital>,
    need: Need,
) -> Option<(Direction, Quantity, Quantity)> {
    let [(up, _rise), (down, _fall)] = keys;
    let chosen = match (section.has(up), section.has(down)) {
        (true, true) => {
            let text = format!("a rule goes one way; write a second one for {down}");
            section.problem(down, &text);
            None
        }
        (false, false) => {
            section.problem(up, &format!("the change is missing; add {up} or {down}"));
            None
        }
        (is_up, _) => keys.into_iter().nth(usize::from(!is_up)),
    };
    let clear = section.text_by(CLEARS_AT, need, |text| value::amount(vital, text));
    let (key, direction) = chosen?;
    let by = section.text_by(key, need, |text| value::amount(vital, text))?;
    let clear = clear?;
    match clear.value_in(by.unit()) {
        Some(level) if level < by.value() => Some((direction, by, clear)),
        _not_smaller => {
            let text = format!("{clear} is not smaller than the change of {by} that alerts");
            section.problem(CLEARS_AT, &text);
            None
        }
    }
}
