//! Which values a rule must not clear by: implausible ones are no good news.

use vitals::{Reading, Vital};

use crate::history::History;
use crate::news2::Parameter;
use crate::rule::Condition;

/// Whether a value of `reading` that `condition` looks at is implausible.
pub(super) fn is_in(condition: &Condition, reading: &Reading, history: &History) -> bool {
    let is_implausible = |vital: Vital| history.is_implausible(reading, vital);
    match condition {
        // It judges just that, and a schedule asks for no value.
        Condition::Implausible(_) | Condition::Missed(_) => false,
        Condition::News2(_) => Parameter::ALL.into_iter().any(|it| is_implausible(it.vital())),
        Condition::Threshold(it) => is_implausible(it.vital()),
        Condition::Repeated(it) => is_implausible(it.vital()),
        Condition::Change(it) => is_implausible(it.vital()),
        Condition::WeightChange(_) => is_implausible(Vital::BodyWeight),
        Condition::IrregularPulse(_) => is_implausible(Vital::PulseRate),
        Condition::PulsePressure(_) | Condition::Orthostatic(_) | Condition::HomeAverage(_) => {
            is_implausible(Vital::SystolicPressure) || is_implausible(Vital::DiastolicPressure)
        }
        Condition::Exercise(it) => is_implausible(it.threshold().vital()),
        Condition::ExerciseFall(it) => is_implausible(it.vital),
        Condition::Baseline(it) => is_implausible(it.vital),
    }
}
