//! A threshold that asks for a repeated measurement before it raises an alert.
//!
//! A value out of range is measured again: where the repeat is out of range too, or the mean of the
//! two is, the alert is confirmed; a repeat that is normal ends it; and without a repeat it is raised
//! unconfirmed when the window ends. A value of high priority never waits.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Moment, Priority, Quantity, Reading, Unit, Vital};

use crate::alert::{Alert, Degree, Evidence};
use crate::rule::threshold::Threshold;
use crate::rule::trust::{can_clear, measured};
use crate::rule::{Finding, span};
use crate::timer;

/// How long a repeat is waited for, and when it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    within: SignedDuration,
    gap: SignedDuration,
}

/// What the reading after a value out of range says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It is out of range, too.
    Breach(Evidence),
    /// It is out of range, and is no other measurement, or one of long ago.
    Same(Evidence),
    /// It is not, but the mean of the two is.
    Mean(Evidence),
    /// It is normal.
    Normal(Evidence),
    /// Nothing: it is no repeat, or too doubtful for one.
    Nothing,
}

impl Confirm {
    /// A repeat counts where it was measured at least `gap` after the first value, and is waited for
    /// `within` that time; `None` where it could never come.
    #[must_use]
    pub fn new(within: SignedDuration, gap: SignedDuration) -> Option<Self> {
        (SignedDuration::ZERO <= gap && gap < within).then_some(Self { within, gap })
    }

    /// The shortest time between two measurements that are worth more than one.
    ///
    /// Source: blood pressure by the protocols for home measurement (AHA, NICE: a minute or more
    /// apart), a finger in the oximeter for a minute (NHS); for the others, that it is another one.
    #[must_use]
    pub const fn gap_of(vital: Vital) -> SignedDuration {
        match vital {
            Vital::SystolicPressure
            | Vital::DiastolicPressure
            | Vital::MeanArterialPressure
            | Vital::PulseRate
            | Vital::HeartRate
            | Vital::OxygenSaturation
            | Vital::PulseAmplitudeIndex => SignedDuration::from_secs(60),
            Vital::BodyWeight
            | Vital::BodyHeight
            | Vital::BodyMassIndex
            | Vital::BodyTemperature
            | Vital::RespiratoryRate
            | Vital::OxygenFlow
            | Vital::Consciousness
            | Vital::BodyFat
            | Vital::BodyMuscle
            | Vital::MuscleMass
            | Vital::FatFreeMass
            | Vital::SoftLeanMass
            | Vital::BodyWater
            | Vital::Glucose => SignedDuration::from_secs(5),
        }
    }

    /// How long a repeat is waited for.
    #[must_use]
    pub const fn within(&self) -> SignedDuration {
        self.within
    }

    /// Whether what was measured at `when` is another measurement than the one that `asked` for it,
    /// whatever came in between.
    fn is_after_asking(&self, asked: &Alert, when: &Moment) -> bool {
        let asked_at = asked.timers.repeat_by.map(|it| timer::after(&it, -self.within));
        asked_at.is_some_and(|it| self.gap <= apart(&it, when))
    }

    /// Whether what was measured at `when` is another measurement than the one at `first`, and none of
    /// long before.
    pub(crate) fn is_another(&self, first: &Moment, when: &Moment) -> bool {
        let apart = apart(first, when);
        self.gap <= apart.abs() && -self.within <= apart
    }
}

impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asks for a repeat within {} unless high", span(self.within))
    }
}

impl Threshold {
    /// What `reading`, in which `finding` was found, says about the value that `asked` stands on.
    pub(crate) fn judge_repeat(
        &self,
        confirm: Confirm,
        asked: &Alert,
        reading: &Reading,
        finding: Finding,
    ) -> Repeat {
        let when = measured(reading);
        let Some(first) = asked.measured else { return Repeat::Nothing };
        let is_another = confirm.is_another(&first, &when);
        if let Finding::Present(evidence) = finding {
            let is_repeat = is_another || confirm.is_after_asking(asked, &when);
            let is_breach = is_repeat && !evidence.late || evidence.priority < asked.priority;
            return if is_breach { Repeat::Breach(evidence) } else { Repeat::Same(evidence) };
        }
        // After the window only the clock has a say: it is raised unconfirmed.
        let is_in_time = asked.timers.repeat_by.is_some_and(|repeat_by| {
            !timer::left(&repeat_by, &when, SignedDuration::from_hours(24)).is_zero()
        });
        let is_repeat =
            is_another && is_in_time && when.order(&first).is_gt() && can_clear(reading);
        let mut values = reading.values.iter().filter(|it| it.vital == self.vital());
        let Some(last) = values.next_back().filter(|_it| is_repeat) else { return Repeat::Nothing };
        let evidence = |value, priority, limit, fact| Evidence {
            priority,
            vital: Some(self.vital()),
            value: Some(value),
            limit: Some(limit),
            readings: vec![reading.id],
            fact,
            measured: when,
            late: false,
            degree: Degree::Value(self.side().direction()),
        };
        let unit = self.first().level.unit();
        let mean = asked.value.and_then(|it| mean(it, last.quantity, unit));
        match mean.and_then(|mean| Some((mean, self.reached(mean)?))) {
            Some((mean, limit)) => {
                let fact = format!(
                    "The mean {mean} of two values of {} is {} the limit of {}",
                    self.vital().label(),
                    self.side().words(),
                    limit.level
                );
                Repeat::Mean(evidence(mean, limit.priority, limit.level, fact))
            }
            None => {
                let first = self.first();
                let fact = format!("The repeat of {} is {}", self.vital().label(), last.quantity);
                Repeat::Normal(evidence(last.quantity, first.priority, first.level, fact))
            }
        }
    }
}

/// How much later than `first` the moment `when` was.
fn apart(first: &Moment, when: &Moment) -> SignedDuration {
    let in_one_run = first.on.and_then(|anchor| when.since(anchor));
    in_one_run.unwrap_or_else(|| when.at.at.duration_since(first.at.at))
}

/// Whether a value with `evidence` can wait for a repeat: one that is urgent, or of long ago, cannot.
pub(crate) fn can_wait(evidence: &Evidence) -> bool {
    evidence.priority != Priority::High && !evidence.late
}

/// The mean of two values in `unit`.
fn mean(one: Quantity, other: Quantity, unit: Unit) -> Option<Quantity> {
    let sum = one.value_in(unit)?.checked_add(other.value_in(unit)?)?;
    Quantity::new(sum.checked_div(Decimal::TWO)?.normalize(), unit).ok()
}
