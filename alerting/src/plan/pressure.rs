//! A `[[pulse_pressure]]` or `[[orthostatic]]` of a plan: what is derived from blood pressures.

use jiff::SignedDuration;
use vitals::document::{Need, Section};
use vitals::{Quantity, Vital};

use crate::plan::value;
use crate::rule::orthostatic::Orthostatic;
use crate::rule::pulse_pressure::{Limit, PulsePressure};

const WIDE: &str = "at_or_above";
const WIDE_CLEAR: &str = "clear_at_or_below";
const NARROW: &str = "at_or_below_percent";
const NARROW_CLEAR: &str = "clear_at_or_above_percent";

/// Longest time in minutes between sitting and standing.
const WITHIN_MIN_MAX: i64 = 10;

/// Reads the keys that a pulse pressure has beside those of every rule.
pub(super) fn read_pulse(section: &Section<'_>) -> Option<PulsePressure> {
    let priority = section.text("priority", Need::Example("\"low\""));
    let limit = match (section.has(WIDE), section.has(NARROW)) {
        (true, true) => {
            let text = "a rule has one limit; write a second [[pulse_pressure]] for the other";
            section.problem(NARROW, &text);
            // Both are read, so that the problems of both are found.
            let _both = (wide(section), narrow(section));
            None
        }
        (false, false) => {
            let text = "the limit is missing; add at_or_above for a wide or at_or_below_percent for \
                        a narrow one";
            section.problem(WIDE, &text);
            None
        }
        (true, false) => wide(section),
        (false, true) => narrow(section),
    };
    Some(PulsePressure { priority: priority?, limit: limit? })
}

fn wide(section: &Section<'_>) -> Option<Limit> {
    let limit = pressure(section, WIDE, "\"60 mmHg\"", Vital::SystolicPressure);
    let clear = pressure(section, WIDE_CLEAR, "\"55 mmHg\"", Vital::SystolicPressure);
    let (limit, clear) = (limit?, clear?);
    if clear.value_in(limit.unit()).is_some_and(|it| it < limit.value()) {
        return Some(Limit::Wide { limit, clear });
    }
    section.problem(WIDE_CLEAR, &format!("{clear} is not below the limit of {limit}"));
    None
}

fn narrow(section: &Section<'_>) -> Option<Limit> {
    let percent = section.integer(NARROW, 1..=99, Need::Example("25"));
    let clear_percent = section.integer(NARROW_CLEAR, 1..=99, Need::Example("30"));
    let (percent, clear_percent) = (percent?, clear_percent?);
    if percent < clear_percent {
        return Some(Limit::Narrow { percent, clear_percent });
    }
    let text = format!("{clear_percent} % is not above the limit of {percent} %");
    section.problem(NARROW_CLEAR, &text);
    None
}

/// Reads the keys that a fall on standing up has beside those of every rule.
pub(super) fn read_orthostatic(section: &Section<'_>) -> Option<Orthostatic> {
    let priority = section.text("priority", Need::Example("\"medium\""));
    let systolic_by =
        pressure(section, "systolic_falls_by", "\"20 mmHg\"", Vital::SystolicPressure);
    let diastolic_by =
        pressure(section, "diastolic_falls_by", "\"10 mmHg\"", Vital::DiastolicPressure);
    let from_min = section.integer("from_min", 0..=WITHIN_MIN_MAX, Need::Example("1"));
    let within_min = section.integer("within_min", 1..=WITHIN_MIN_MAX, Need::Example("3"));
    let (from_min, within_min) = (from_min?, within_min?);
    if within_min <= from_min {
        let text = format!("{within_min} min is not longer than {from_min} min");
        section.problem("within_min", &text);
        return None;
    }
    Some(Orthostatic {
        priority: priority?,
        systolic_by: systolic_by?,
        diastolic_by: diastolic_by?,
        from: SignedDuration::from_mins(from_min),
        within: SignedDuration::from_mins(within_min),
    })
}

fn pressure(
    section: &Section<'_>,
    key: &'static str,
    example: &'static str,
    vital: Vital,
) -> Option<Quantity> {
    section.text_by(key, Need::Example(example), |text| value::amount(Some(vital), text))
}
