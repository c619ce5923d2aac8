//! A `[[home_average]]` of a plan: a protocol, and a threshold on its mean.

use vitals::Vital;
use vitals::document::{Need, Section};

use crate::plan::threshold;
use crate::rule::home_average::HomeAverage;

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<HomeAverage> {
    let preset = section.text("preset", Need::Example("\"nice\""));
    let threshold = threshold::read(section)?;
    if ![Vital::SystolicPressure, Vital::DiastolicPressure].contains(&threshold.vital()) {
        let text = "a home average is one of systolic-pressure or diastolic-pressure";
        section.problem("vital", &text);
        return None;
    }
    Some(HomeAverage { preset: preset?, threshold })
}
