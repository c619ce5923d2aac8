//! An alert on NEWS2, where all of its seven inputs are known.
//!
//! Each input is the latest measurement or observation of it, and no older than the plan says when the
//! reading that is judged was made. An input is missing where it was never measured, is too old, or
//! where the latest one is in doubt or implausible: then there is no score and nothing is said, least
//! of all that all is well. The limits of the plan on single values stand beside it.
//! A doubtful reading raises by its own values, and clears nothing. Exercise is not scored.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, ReadingId, Unit};

use crate::alert::{Alert, Degree, Evidence};
use crate::history::{History, Input};
use crate::news2::{Consciousness, Inputs, Parameter, Scale, Score};
use crate::rule::trust::{can_clear, doubts, is_at_rest, is_time_known, measured};
use crate::rule::{Finding, span};

/// Totals that alert, and a single 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News2 {
    pub(crate) scale: Scale,
    pub(crate) max_age: SignedDuration,
    /// Totals that alert, the lowest first; each is more urgent than the one before it.
    pub(crate) totals: Vec<(Priority, u8)>,
    /// How soon a person has to look at a single 3.
    pub(crate) single_three: Priority,
    /// A total of at most so much without a 3 clears.
    pub(crate) clear: u8,
}

/// The inputs with where they come from.
#[derive(Debug, Default)]
struct Gathered {
    inputs: Inputs,
    values: Vec<(Parameter, Quantity)>,
    readings: Vec<ReadingId>,
    oldest: SignedDuration,
}

impl News2 {
    /// The highest priority that it can have.
    pub(crate) fn priority(&self) -> Priority {
        let of_totals = self.totals.iter().map(|(priority, _total)| *priority);
        of_totals.min().map_or(self.single_three, |it| it.min(self.single_three))
    }

    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        if !is_time_known(reading) || !is_at_rest(reading.context.phase) {
            return Finding::Unknown;
        }
        let Some(gathered) = self.gather(reading, history) else { return Finding::Unknown };
        let Ok(score) = gathered.inputs.score(self.scale) else { return Finding::Unknown };
        match self.urgency(&score) {
            Some(priority) => {
                Finding::Present(self.evidence(reading, priority, &gathered, &score, late))
            }
            None if can_clear(reading) && score.total() <= self.clear => {
                let priority = self.priority();
                Finding::Gone(self.evidence(reading, priority, &gathered, &score, late))
            }
            None => Finding::Unknown,
        }
    }

    /// What is known when `reading` was made; `None` where it has no input, or comes out of order.
    fn gather(&self, reading: &Reading, history: &History) -> Option<Gathered> {
        if !Parameter::ALL.into_iter().any(|it| reading.value(it.vital()).is_some()) {
            return None;
        }
        let mut gathered = Gathered::default();
        for parameter in Parameter::ALL {
            match history.input(reading, parameter.vital()) {
                Input::Known { value, of, age } if age.abs() <= self.max_age => {
                    gathered.inputs.put(parameter, value);
                    gathered.values.push((parameter, value));
                    gathered.oldest = gathered.oldest.max(age);
                    if of != reading.id && !gathered.readings.contains(&of) {
                        gathered.readings.push(of);
                    }
                }
                Input::Known { .. } | Input::Missing => {}
                Input::OutOfOrder => return None,
            }
        }
        gathered.readings.push(reading.id);
        Some(gathered)
    }

    /// The total that `alert` stands on.
    pub(crate) fn stood_on(&self, alert: &Alert, history: &History) -> Option<Decimal> {
        let stands_on = alert.measured?;
        let (mut inputs, mut is_known) = (Inputs::default(), false);
        for parameter in Parameter::ALL {
            let sample = history.named(alert, parameter.vital()).next_back()?;
            is_known |= stands_on.order(&sample.when).is_eq();
            inputs.put(parameter, sample.value);
        }
        // A doubtful value counted in the total, and is in no history.
        is_known.then(|| inputs.score(self.scale).ok()).flatten().map(|it| it.total().into())
    }

    /// How soon a person has to look at `score`, if at all.
    fn urgency(&self, score: &Score) -> Option<Priority> {
        let reached = self.totals.iter().rev().find(|(_priority, total)| *total <= score.total());
        let three = score.single_three().map(|_parameter| self.single_three);
        reached.map(|it| it.0).into_iter().chain(three).min()
    }

    /// The total that `score` reached, or that a 3 is enough.
    fn limit(&self, score: &Score) -> String {
        let reached = self.totals.iter().rev().find(|(_priority, total)| *total <= score.total());
        reached.map_or("a 3 in one input".to_owned(), |(_priority, total)| total.to_string())
    }

    fn evidence(
        &self,
        reading: &Reading,
        priority: Priority,
        gathered: &Gathered,
        score: &Score,
        late: bool,
    ) -> Evidence {
        let points_of = |parameter: Parameter| {
            score.points().iter().find(|it| it.0 == parameter).map_or(0, |it| it.1)
        };
        let parts: Vec<String> = gathered
            .values
            .iter()
            .filter(|(parameter, _value)| 0 < points_of(*parameter))
            .map(|(parameter, value)| {
                format!("{} {}", told(*parameter, *value), points_of(*parameter))
            })
            .collect();
        let age = match gathered.oldest.as_mins() {
            ..=0 => String::new(),
            1.. => format!(", the oldest input is {} old", span(gathered.oldest)),
        };
        Evidence {
            priority,
            vital: None,
            value: None,
            limit: None,
            readings: gathered.readings.clone(),
            fact: format!(
                "NEWS2 is {} by {}, {} risk: {}{age}{} (limit {})",
                score.total(),
                self.scale,
                score.risk().label(),
                parts.join(", "),
                match doubts(reading).as_str() {
                    "" => String::new(),
                    doubts => format!(", the latest reading is in doubt{doubts}"),
                },
                self.limit(score)
            ),
            measured: measured(reading),
            late,
            degree: Degree::Own(score.total().into()),
        }
    }
}

/// An input as a person says it.
fn told(parameter: Parameter, value: Quantity) -> String {
    match parameter {
        Parameter::Consciousness => {
            let level = value.value_in(Unit::Acvpu).and_then(Consciousness::of_level);
            level.map_or("consciousness", Consciousness::label).to_owned()
        }
        // Air has no points, and is not told.
        Parameter::Breathing => format!("oxygen {value}"),
        Parameter::RespiratoryRate
        | Parameter::OxygenSaturation
        | Parameter::SystolicPressure
        | Parameter::Pulse
        | Parameter::Temperature => format!("{} {value}", parameter.label()),
    }
}

impl fmt::Display for News2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scale, max_age, totals, single_three, clear } = self;
        write!(f, "NEWS2 by {scale} at or above")?;
        for (n, (priority, total)) in totals.iter().enumerate() {
            let separator = if n == 0 { "" } else { "," };
            write!(f, "{separator} {total} ({priority})")?;
        }
        write!(
            f,
            ", a single 3 ({single_three}), inputs at most {} old, clears at or below {clear}",
            span(*max_age)
        )
    }
}

#[cfg(test)]
mod tests;
