//! A rule of a care plan: what it looks for, and which readings it believes.

pub mod baseline;
pub mod change;
pub mod confirm;
mod doubt;
pub mod exercise;
pub mod home_average;
pub mod implausible;
pub mod irregular_pulse;
pub mod missed;
pub mod news2;
pub mod orthostatic;
pub mod pulse_pressure;
pub mod repeated;
pub mod threshold;
pub(crate) mod trust;
pub mod weight;

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Category, Priority, Quantity, Reading, Vital};

use self::baseline::Baseline;
use self::change::Change;
use self::confirm::Confirm;
use self::exercise::{Exercise, ExerciseFall};
use self::home_average::HomeAverage;
use self::implausible::Implausible;
use self::irregular_pulse::IrregularPulse;
use self::missed::Missed;
use self::news2::News2;
use self::orthostatic::Orthostatic;
use self::pulse_pressure::PulsePressure;
use self::repeated::Repeated;
use self::threshold::{Side, Threshold};
use self::weight::WeightChange;
use crate::alert::{Alert, Evidence};
use crate::history::History;

/// One rule of a care plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) condition: Condition,
}

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A single value beyond a limit, or several limits of rising urgency.
    Threshold(Threshold),
    /// Several values beyond a limit among the last ones.
    Repeated(Repeated),
    /// A rise or fall of one vital within some hours.
    Change(Change),
    /// A gain or loss of body weight over some days.
    WeightChange(WeightChange),
    /// A value that is hardly one of the client.
    Implausible(Implausible),
    /// An irregular pulse in several of the last blood pressures.
    IrregularPulse(IrregularPulse),
    /// A wide or narrow pulse pressure.
    PulsePressure(PulsePressure),
    /// A fall of the blood pressure on standing up.
    Orthostatic(Orthostatic),
    /// A floor or ceiling during and after exercise.
    Exercise(Exercise),
    /// A fall during or after exercise, against rest.
    ExerciseFall(ExerciseFall),
    /// A value far from what is usual for the client.
    Baseline(Baseline),
    /// The National Early Warning Score 2.
    News2(News2),
    /// The average of the blood pressures of several days.
    HomeAverage(HomeAverage),
    /// A measurement that was due and was not made.
    Missed(Missed),
}

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Up.
    Rise,
    /// Down.
    Fall,
}

impl Direction {
    /// How far it is from `from` to `to` in this direction; negative where it goes the other way.
    pub(crate) fn amount(self, from: Decimal, to: Decimal) -> Decimal {
        match self {
            Self::Rise => to - from,
            Self::Fall => from - to,
        }
    }

    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Rise => "rises",
            Self::Fall => "falls",
        }
    }

    pub(crate) const fn relation(self) -> &'static str {
        match self {
            Self::Rise => "above",
            Self::Fall => "below",
        }
    }
}

/// What a rule makes of a reading, or of time that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The condition stands.
    Present(Evidence),
    /// The condition has gone, and the evidence is good enough to say so.
    Gone(Evidence),
    /// Nothing can be said: an open alert stays as it is.
    Unknown,
}

impl Finding {
    /// It as the finding of a value of the past, which is of low priority.
    pub(crate) fn of_the_past(self) -> Self {
        match self {
            Self::Present(evidence) => {
                Self::Present(Evidence { priority: Priority::Low, ..evidence })
            }
            Self::Gone(_) | Self::Unknown => self,
        }
    }
}

impl Rule {
    /// The same rule, where the values of exercise have the limits of `exercise` beside it.
    pub(crate) fn beside(mut self, exercise: &[(Vital, Side)]) -> Self {
        if let Condition::Threshold(it) = &mut self.condition
            && exercise.contains(&(it.vital(), it.side()))
        {
            it.leave_exercise();
        }
        self
    }

    /// Its id in the plan.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The highest priority that an alert of it can have.
    #[must_use]
    pub fn priority(&self) -> Priority {
        match &self.condition {
            Condition::Threshold(it) => it.priority(),
            Condition::Repeated(it) => it.threshold().priority(),
            Condition::Change(it) => it.priority,
            Condition::WeightChange(it) => it.priority,
            Condition::Implausible(it) => it.priority,
            Condition::IrregularPulse(it) => it.priority(),
            Condition::PulsePressure(it) => it.priority,
            Condition::Orthostatic(it) => it.priority,
            Condition::Exercise(it) => it.threshold().priority(),
            Condition::ExerciseFall(it) => it.priority,
            Condition::Baseline(it) => it.priority,
            Condition::News2(it) => it.priority(),
            Condition::HomeAverage(it) => it.threshold().priority(),
            Condition::Missed(it) => it.priority,
        }
    }

    /// What it looks for.
    #[must_use]
    pub const fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Whether it judges a reading by what was measured before it, or compares the two.
    #[must_use]
    pub const fn looks_back(&self) -> bool {
        match self.condition {
            Condition::Threshold(_) | Condition::Exercise(_) => false,
            Condition::Repeated(_)
            | Condition::Change(_)
            | Condition::WeightChange(_)
            | Condition::Implausible(_)
            | Condition::IrregularPulse(_)
            | Condition::PulsePressure(_)
            | Condition::Orthostatic(_)
            | Condition::ExerciseFall(_)
            | Condition::Baseline(_)
            | Condition::News2(_)
            | Condition::HomeAverage(_)
            | Condition::Missed(_) => true,
        }
    }

    /// The queue of its alerts.
    #[must_use]
    pub const fn category(&self) -> Category {
        match self.condition {
            Condition::Threshold(_)
            | Condition::Repeated(_)
            | Condition::Change(_)
            | Condition::WeightChange(_)
            | Condition::Implausible(_)
            | Condition::IrregularPulse(_)
            | Condition::PulsePressure(_)
            | Condition::Orthostatic(_)
            | Condition::Exercise(_)
            | Condition::ExerciseFall(_)
            | Condition::Baseline(_)
            | Condition::News2(_)
            | Condition::HomeAverage(_) => Category::Clinical,
            Condition::Missed(_) => Category::Adherence,
        }
    }

    /// The vital that its alerts are about; a score is about several.
    #[must_use]
    pub const fn vital(&self) -> Option<Vital> {
        match &self.condition {
            Condition::Threshold(it) => Some(it.vital()),
            Condition::Repeated(it) => Some(it.vital()),
            Condition::Change(it) => Some(it.vital()),
            Condition::WeightChange(_) => Some(Vital::BodyWeight),
            Condition::Implausible(it) => Some(it.vital()),
            Condition::IrregularPulse(_) => Some(Vital::PulseRate),
            Condition::PulsePressure(_) | Condition::Orthostatic(_) => {
                Some(Vital::SystolicPressure)
            }
            Condition::Exercise(it) => Some(it.threshold().vital()),
            Condition::ExerciseFall(it) => Some(it.vital),
            Condition::Baseline(it) => Some(it.vital),
            Condition::HomeAverage(it) => Some(it.threshold().vital()),
            Condition::Missed(it) => Some(it.vital),
            Condition::News2(_) => None,
        }
    }

    /// What it finds in `reading`, which came `late` by the plan's measure, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        match self.find(reading, late, history) {
            Finding::Gone(_) if doubt::is_in(&self.condition, reading, history) => Finding::Unknown,
            found @ (Finding::Present(_) | Finding::Gone(_) | Finding::Unknown) => found,
        }
    }

    /// The number of the rule's own that `alert` stands on, where it has one and `history` knows it.
    pub(crate) fn stood_on(&self, alert: &Alert, history: &History) -> Option<Decimal> {
        match &self.condition {
            Condition::News2(it) => it.stood_on(alert, history),
            Condition::PulsePressure(it) => it.stood_on(alert, history),
            Condition::Orthostatic(it) => it.stood_on(alert, history),
            Condition::Threshold(_)
            | Condition::Repeated(_)
            | Condition::Change(_)
            | Condition::WeightChange(_)
            | Condition::Implausible(_)
            | Condition::IrregularPulse(_)
            | Condition::Exercise(_)
            | Condition::ExerciseFall(_)
            | Condition::Baseline(_)
            | Condition::HomeAverage(_)
            | Condition::Missed(_) => None,
        }
    }

    fn find(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        match &self.condition {
            Condition::Threshold(it) => it.judge(reading, late),
            Condition::Repeated(it) => it.judge(reading, late, history),
            Condition::Change(it) => it.judge(reading, late, history),
            Condition::WeightChange(it) => it.judge(reading, late, history),
            Condition::Implausible(it) => it.judge(reading, late, history),
            Condition::IrregularPulse(it) => it.judge(reading, late, history),
            Condition::PulsePressure(it) => it.judge(reading, late),
            Condition::Orthostatic(it) => it.judge(reading, late, history),
            Condition::Exercise(it) => it.judge(reading, late),
            Condition::ExerciseFall(it) => it.judge(reading, late, history),
            Condition::Baseline(it) => it.judge(reading, late, history),
            Condition::News2(it) => it.judge(reading, late, history),
            Condition::HomeAverage(it) => it.judge(reading, late, history),
            // Whether something was measured is no question of its value: see `engine/schedule.rs`.
            Condition::Missed(_) => Finding::Unknown,
        }
    }

    /// What clears its alerts, after the word "clears".
    pub(crate) fn clears(&self) -> Option<String> {
        match &self.condition {
            Condition::Threshold(it) => Some(it.clears()),
            Condition::Repeated(it) => Some(it.clears()),
            Condition::Change(it) => Some(format!("at a change of {} or less", it.clear)),
            Condition::WeightChange(it) => {
                Some(format!("on a later day at a change of {} or less", it.clear))
            }
            Condition::Implausible(_) => Some("with the next plausible value".to_owned()),
            Condition::IrregularPulse(it) => Some(it.clears()),
            Condition::PulsePressure(it) => Some(it.limit.clears()),
            Condition::Orthostatic(_) => {
                Some("with a pair that begins a sitting and shows no such fall".to_owned())
            }
            Condition::Exercise(it) => Some(it.threshold().clears()),
            Condition::ExerciseFall(it) => Some(format!("at a fall of {} or less", it.clear)),
            Condition::Baseline(it) => Some(format!("at a deviation of {} or less", it.clear)),
            Condition::News2(it) => Some(format!("at {} or less without a 3", it.clear)),
            Condition::HomeAverage(it) => Some(format!("with a mean {}", it.threshold().clears())),
            // Only a measurement does, which its fact says is missing.
            Condition::Missed(_) => None,
        }
    }

    /// The schedule of which it tells what was missed.
    #[must_use]
    pub fn schedule(&self) -> Option<&Missed> {
        let Condition::Missed(missed) = &self.condition else { return None };
        Some(missed)
    }

    /// The threshold that asks for a repeated measurement, and how.
    pub(crate) fn confirm(&self) -> Option<(&Threshold, Confirm)> {
        let Condition::Threshold(threshold) = &self.condition else { return None };
        threshold.confirm().map(|it| (threshold, it))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Condition::Threshold(it) => write!(f, "{}: {it}", self.id),
            Condition::Repeated(it) => write!(f, "{}: {it}", self.id),
            Condition::Change(it) => write!(f, "{}: {it}", self.id),
            Condition::WeightChange(it) => write!(f, "{}: {it}", self.id),
            Condition::Implausible(it) => write!(f, "{}: {it}", self.id),
            Condition::IrregularPulse(it) => write!(f, "{}: {it}", self.id),
            Condition::PulsePressure(it) => write!(f, "{}: {it}", self.id),
            Condition::Orthostatic(it) => write!(f, "{}: {it}", self.id),
            Condition::Exercise(it) => write!(f, "{}: {it}", self.id),
            Condition::ExerciseFall(it) => write!(f, "{}: {it}", self.id),
            Condition::Baseline(it) => write!(f, "{}: {it}", self.id),
            Condition::News2(it) => write!(f, "{}: {it}", self.id),
            Condition::HomeAverage(it) => write!(f, "{}: {it}", self.id),
            Condition::Missed(it) => write!(f, "{}: {it}", self.id),
        }
    }
}

/// `amount` as it is told beside `limit`: by as many places as that, and at least one, so that what is
/// beyond the limit looks so.
pub(crate) fn told(amount: Decimal, limit: Quantity) -> Decimal {
    amount.round_dp(limit.value().scale().max(1)).normalize()
}

/// A label at the beginning of a sentence.
pub(crate) fn capitalised(label: &str) -> String {
    let mut rest = label.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

/// A length of time as a person says it: in whole days, else in hours or minutes.
pub(crate) fn span(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    match minutes {
        2880.. if minutes % 1440 == 0 => format!("{} days", minutes / 1440),
        60.. if minutes % 60 == 0 || 600 <= minutes => format!("{} h", minutes / 60),
        60.. => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{minutes} min"),
    }
}

/// The median of `values`, of an even number the mean of the two in the middle; it sorts them.
pub(crate) fn median(values: &mut [Decimal]) -> Option<Decimal> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = values.get(middle)?;
    match values.len() % 2 {
        0 => Some((*values.get(middle.checked_sub(1)?)? + *upper) / Decimal::TWO),
        _odd => Some(*upper),
    }
}

#[cfg(test)]
mod tests;
