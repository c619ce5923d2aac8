//! An `[[irregular_pulse]]` of a plan: in how many of how many blood pressures.

use jiff::SignedDuration;
use vitals::document::{Need, Section};

use crate::plan::repeated;
use crate::rule::irregular_pulse::{IrregularPulse, OF_MAX};

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<IrregularPulse> {
    let priority = section.text("priority", Need::Example("\"medium\""));
    let times = section.integer("times", 2..=OF_MAX, Need::Example("2"));
    let of = section.integer("of", 2..=OF_MAX, Need::Example("3"));
    let days = 1..=repeated::WITHIN_DAYS_MAX;
    let within_days = section.integer("within_days", days, Need::Example("7"));
    let (times, of) = (times?, of?);
    let within = SignedDuration::from_hours(within_days?.checked_mul(24)?);
    let rule = IrregularPulse::new(priority?, times, of, within);
    if rule.is_none() {
        section.problem("times", &format!("{times} of {of} can never be; write at most {of}"));
    }
    rule
}
