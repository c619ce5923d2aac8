//! An `[[implausible]]` of a plan: what can be, what is usual, and how far a value may jump.

use jiff::SignedDuration;
use vitals::Vital;
use vitals::document::{Need, Section};

use crate::plan::{measurable, value};
use crate::rule::implausible::{Band, Bounds, Implausible, Jump};

/// Longest time in minutes over which a jump is one.
const JUMP_WITHIN_MIN_MAX: i64 = 24 * 60;

/// Widest band in percent of the usual weight.
const BAND_PERCENT_MAX: u32 = 30;

const NUMBER: Need = Need::Example("\"70 mmHg\"");

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<Implausible> {
    let priority = section.text("priority", Need::Example("\"low\""));
    let vital = section.text("vital", Need::Example("\"systolic-pressure\""));
    let possible = bounds(section, "possible_from", "possible_to", vital);
    let plausible = bounds(section, "plausible_from", "plausible_to", vital);
    let jump = jump(section, vital);
    let band = band(section, vital);
    let (possible, plausible) = (possible?, plausible?);
    for (key, end) in [("plausible_from", plausible.from), ("plausible_to", plausible.to)] {
        if !possible.holds(end) {
            let text = format!("{end} is outside what the rule calls possible");
            section.problem(key, &text);
            return None;
        }
    }
    Some(Implausible {
        vital: vital?,
        priority: priority?,
        possible,
        plausible,
        jump: jump?,
        band: band?,
    })
}

fn bounds(
    section: &Section<'_>,
    from_key: &'static str,
    to_key: &'static str,
    vital: Option<Vital>,
) -> Option<Bounds> {
    let level = |text: &str| {
        let level = value::quantity(text)?;
        vital.map_or(Ok(()), |vital| measurable::check_unit(vital, level)).map(|()| level)
    };
    let from = section.text_by(from_key, NUMBER, level);
    let to = section.text_by(to_key, NUMBER, level);
    let (from, to) = (from?, to?);
    match to.value_in(from.unit()) {
        Some(end) if from.value() < end => Some(Bounds { from, to }),
        _not_above => {
            section.problem(to_key, &format!("{to} is not above {from}"));
            None
        }
    }
}

/// What `vital` may not do from one value to the next; absent where the plan does not say it.
fn jump(section: &Section<'_>, vital: Option<Vital>) -> Option<Option<Jump>> {
    let (by_key, within_key) = ("jumps_by", "within_min");
    if ![by_key, within_key].map(|it| section.has(it)).contains(&true) {
        return Some(None);
    }
    if vital == Some(Vital::BodyWeight) {
        section.problem(by_key, &"a weight has a band_by and no jumps_by");
        return None;
    }
    let by = section.text_by(by_key, Need::Example("\"40 mmHg\""), |it| value::amount(vital, it));
    let within = section.integer(within_key, 1..=JUMP_WITHIN_MIN_MAX, Need::Example("10"));
    Some(Some(Jump { by: by?, within: SignedDuration::from_mins(within?) }))
}

/// How far a weight may be from the usual one; absent where the plan does not say it.
fn band(section: &Section<'_>, vital: Option<Vital>) -> Option<Option<Band>> {
    let (by_key, percent_key) = ("band_by", "band_percent");
    if ![by_key, percent_key].map(|it| section.has(it)).contains(&true) {
        return Some(None);
    }
    if vital.is_some_and(|it| it != Vital::BodyWeight) {
        section.problem(by_key, &"only a body-weight has a band around the usual one");
        return None;
    }
    let by = section.text_by(by_key, Need::Example("\"3 kg\""), |it| value::amount(vital, it));
    let percent = section.integer(percent_key, 1..=BAND_PERCENT_MAX, Need::Example("4"));
    Some(Some(Band { by: by?, percent: percent? }))
}
