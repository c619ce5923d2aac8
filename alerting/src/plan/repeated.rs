//! A `[[repeated]]` of a plan: a threshold, and how often it has to be crossed.

use jiff::SignedDuration;
use vitals::document::{Need, Section};

use crate::plan::threshold;
use crate::rule::repeated::{OF_MAX, Repeated};

/// Longest time in days that a plan may look back on; the history keeps a little more.
pub(super) const WITHIN_DAYS_MAX: i64 = 30;

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<Repeated> {
    let threshold = threshold::read(section);
    let times = section.integer("times", 2..=OF_MAX, Need::Example("3"));
    let of = section.integer("of", 2..=OF_MAX, Need::Example("5"));
    let within_days = section.integer("within_days", 1..=WITHIN_DAYS_MAX, Need::Example("7"));
    let (threshold, times, of) = (threshold?, times?, of?);
    let within = SignedDuration::from_hours(within_days?.checked_mul(24)?);
    let repeated = Repeated::new(threshold, times, of, within);
    if repeated.is_none() {
        section.problem("times", &format!("{times} of {of} can never be; write at most {of}"));
    }
    repeated
}
