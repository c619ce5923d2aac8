//! A limit on the average of the blood pressures of several days.
//!
//! The protocol says which readings make the average ([`crate::average`]); only trusted ones count.
//! With too few of them nothing can be said.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Quantity, Reading, Unit, Vital};

use crate::alert::{Degree, Evidence, READINGS_MAX};
use crate::average::{Average, Extent, Preset};
use crate::history::{History, Sample};
use crate::rule::Finding;
use crate::rule::threshold::{Limit, Side, Threshold};

/// A threshold on the mean of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeAverage {
    pub(crate) preset: Preset,
    pub(crate) threshold: Threshold,
}

impl HomeAverage {
    /// The limits and the level at which they clear.
    #[must_use]
    pub const fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.up_to(reading, self.threshold.vital()) else {
            return Finding::Unknown;
        };
        let protocol = self.preset.protocol();
        // A day more than the days of the protocol: one of them may have 25 hours.
        let n_days = i64::from(protocol.days).saturating_add(1);
        let within = SignedDuration::from_hours(n_days.saturating_mul(24));
        let Some(pressures) = history.pressures_up_to(reading, within) else {
            return Finding::Unknown;
        };
        let Average::Mean { all, of, .. } = protocol.average(newest.day(), pressures) else {
            return Finding::Unknown;
        };
        let mean = match self.threshold.vital() == Vital::DiastolicPressure {
            true => all.diastolic,
            false => all.systolic,
        };
        let side = self.threshold.side();
        let exact = |side: Side| pressure(mean, 9, side);
        let Some((reached, cleared)) = exact(side).zip(exact(side.opposite())) else {
            return Finding::Unknown;
        };
        let first_day = protocol.first_day(newest.day());
        let recent = before.rev().take_while(|it| first_day <= it.day());
        let evidence = |limit: Limit| {
            let mut readings: Vec<_> =
                recent.take(READINGS_MAX.saturating_sub(1)).map(|it| it.reading).collect();
            readings.reverse();
            readings.push(newest.reading);
            let named = Named { mean, of, limit, late };
            self.evidence(&newest, readings, &named)
        };
        match self.threshold.reached(reached) {
            Some(limit) => Finding::Present(evidence(limit)),
            None if self.threshold.is_at_clear(cleared) => {
                Finding::Gone(evidence(self.threshold.first()))
            }
            None => Finding::Unknown,
        }
    }

    fn evidence(
        &self,
        newest: &Sample,
        readings: Vec<vitals::ReadingId>,
        named: &Named,
    ) -> Evidence {
        let Named { mean, of, limit, late } = named;
        let Extent { readings: n_readings, days } = of;
        let (vital, side) = (self.threshold.vital(), self.threshold.side().words());
        let Limit { priority, level } = limit;
        let places = self.threshold.limits().map(|it| it.level.value().scale()).max();
        let shown = pressure(*mean, places.unwrap_or_default().max(1), self.threshold.side());
        let told = shown.map(|it| it.to_string()).unwrap_or_default();
        Evidence {
            priority: *priority,
            vital: Some(vital),
            value: shown,
            limit: Some(*level),
            readings,
            fact: format!(
                "The {} home average of {} is {told}, from {n_readings} readings on {days} days, {side} \
                 the limit of {level}",
                self.preset,
                vital.label()
            ),
            measured: newest.when,
            late: *late,
            degree: Degree::Value(self.threshold.side().direction()),
        }
    }
}

/// What a sentence on an average needs.
#[derive(Debug, Clone, Copy)]
struct Named {
    mean: Decimal,
    of: Extent,
    limit: Limit,
    late: bool,
}

/// A mean, rounded so that it is beyond a limit of so many places on `side` only where it was before:
/// what is told is at a limit exactly where the mean is.
fn pressure(mean: Decimal, places: u32, side: Side) -> Option<Quantity> {
    let rounded = mean.round_dp_with_strategy(places, side.rounding()).normalize();
    Quantity::new(rounded, Unit::MillimetreOfMercury).ok()
}

impl fmt::Display for HomeAverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} home average: {}", self.preset, self.threshold)
    }
}

#[cfg(test)]
mod tests;
