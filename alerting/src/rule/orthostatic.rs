//! A fall of the blood pressure on standing up, from two measurements that follow each other.
//!
//! No device says how a client stands or sits. So this is a rule for a client who was told to measure
//! sitting or lying and again after standing up: of two blood pressures that are `from` to `within`
//! apart the second is taken for the one on standing. Two measurements on a chair look the same, and
//! the second of these is often lower: give this rule to nobody else.
//!
//! A pair that begins a sitting clears it, where it shows no such fall. One that follows another
//! measurement closely does not: sitting down again after standing is no good news.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Alert, Degree, Evidence};
use crate::history::{History, Sample};
use crate::rule::{Finding, span};

/// A fall between two blood pressures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orthostatic {
    pub(crate) priority: Priority,
    /// A fall of the systolic pressure of so much alerts.
    pub(crate) systolic_by: Quantity,
    /// A fall of the diastolic pressure of so much alerts.
    pub(crate) diastolic_by: Quantity,
    /// Least time between the two.
    pub(crate) from: SignedDuration,
    /// Most time between the two.
    pub(crate) within: SignedDuration,
}

impl Orthostatic {
    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((standing, mut before)) = history.up_to(reading, Vital::SystolicPressure) else {
            return Finding::Unknown;
        };
        let Some(sitting) = before.next_back() else { return Finding::Unknown };
        let gap = standing.after(sitting);
        if gap < self.from || self.within < gap {
            return Finding::Unknown;
        }
        let systolic = fall(sitting, &standing, self.systolic_by);
        let diastolic =
            history.up_to(reading, Vital::DiastolicPressure).and_then(|(standing, mut before)| {
                let sitting = before.rfind(|it| it.reading == sitting.reading)?;
                fall(sitting, &standing, self.diastolic_by)
            });
        let is_reached =
            |fall: Option<Decimal>, by: Quantity| fall.is_some_and(|it| by.value() <= it);
        let begins = before.next_back().is_none_or(|it| self.within < sitting.after(it));
        let evidence = || self.evidence(sitting, &standing, systolic, diastolic, late);
        match is_reached(systolic, self.systolic_by) || is_reached(diastolic, self.diastolic_by) {
            true => Finding::Present(evidence()),
            false if begins && systolic.is_some() && diastolic.is_some() => {
                Finding::Gone(evidence())
            }
            false => Finding::Unknown,
        }
    }

    /// How many times its limit the larger fall is that `alert` stands on.
    pub(crate) fn stood_on(&self, alert: &Alert, history: &History) -> Option<Decimal> {
        let stands_on = alert.measured?;
        let fallen = |vital, by| {
            let mut pair = history.named(alert, vital).rev();
            let standing = pair.next().filter(|it| stands_on.order(&it.when).is_eq())?;
            fall(pair.next()?, standing, by)
        };
        let systolic = fallen(Vital::SystolicPressure, self.systolic_by);
        let diastolic = fallen(Vital::DiastolicPressure, self.diastolic_by);
        self.degree(systolic, diastolic)
    }

    fn degree(&self, systolic: Option<Decimal>, diastolic: Option<Decimal>) -> Option<Decimal> {
        let times = |fall: Option<Decimal>, by: Quantity| fall?.checked_div(by.value());
        times(systolic, self.systolic_by).max(times(diastolic, self.diastolic_by))
    }

    fn evidence(
        &self,
        sitting: &Sample,
        standing: &Sample,
        systolic: Option<Decimal>,
        diastolic: Option<Decimal>,
        late: bool,
    ) -> Evidence {
        let Self { priority, systolic_by, diastolic_by, .. } = self;
        let told = |fall: Option<Decimal>, by: &Quantity| match fall {
            Some(fall) => {
                format!("{} {} lower", super::told(fall, *by), by.unit().label())
            }
            None => "not known".to_owned(),
        };
        Evidence {
            priority: *priority,
            vital: Some(Vital::SystolicPressure),
            value: Some(standing.value),
            limit: None,
            readings: vec![sitting.reading, standing.reading],
            fact: format!(
                "{} after a blood pressure, as on standing up, the systolic pressure is {} and the \
                 diastolic {} (limits {systolic_by} and {diastolic_by})",
                span(standing.after(sitting)),
                told(systolic, systolic_by),
                told(diastolic, diastolic_by)
            ),
            measured: standing.when,
            late,
            degree: self.degree(systolic, diastolic).map_or(Degree::Alike, Degree::Own),
        }
    }
}

/// How much lower the second is, in the unit of the limit.
fn fall(sitting: &Sample, standing: &Sample, by: Quantity) -> Option<Decimal> {
    let unit = by.unit();
    Some(sitting.value.value_in(unit)? - standing.value.value_in(unit)?)
}

impl fmt::Display for Orthostatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priority, systolic_by, diastolic_by, from, within } = self;
        let (from, within) = (span(*from), span(*within));
        write!(
            f,
            "blood pressure falls by {systolic_by} systolic or {diastolic_by} diastolic {from} to \
             {within} after another ({priority})"
        )
    }
}

#[cfg(test)]
mod tests;
