//! A `[[baseline]]` of a plan: how far from what is usual, and what that is.

use jiff::SignedDuration;
use vitals::document::{Need, Section};

use crate::plan::change;
use crate::rule::baseline::Baseline;

/// Shortest and longest time in days that says what is usual.
const DAYS: [i64; 2] = [14, 28];

/// Fewest and most points that a plan may ask for: a week of days, and two of each of 28 days.
const POINTS: [usize; 2] = [7, 56];

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<Baseline> {
    let priority = section.text("priority", Need::Example("\"low\""));
    let vital = section.text("vital", Need::Example("\"pulse-rate\""));
    let amounts = change::amounts(section, change::OF_VITAL, vital, Need::Example("\"15 /min\""));
    let spreads = section.integer("spreads", 1..=10, Need::Example("3"));
    let [least, most] = DAYS;
    let days = section.integer("days", least..=most, Need::Example("28"));
    let [least, most] = POINTS;
    let points_min = section.integer("points_min", least..=most, Need::Example("7"));
    let (direction, by, clear) = amounts?;
    Some(Baseline {
        vital: vital?,
        priority: priority?,
        direction,
        by,
        clear,
        spreads: spreads?,
        within: SignedDuration::from_hours(days?.checked_mul(24)?),
        points_min: points_min?,
    })
}
