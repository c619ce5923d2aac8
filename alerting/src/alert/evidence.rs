//! What an alert stands on: the newest evidence or the most urgent, and what is worse than that.

use rust_decimal::Decimal;
use vitals::Quantity;
use vitals::identity::ReadingId;

use super::{Alert, Degree, Evidence, Origin, READINGS_MAX};

impl Alert {
    /// Stands on `evidence` from now on, unless that is older.
    pub(super) fn take(&mut self, origin: &Origin<'_>, evidence: &Evidence) {
        let is_more_urgent = evidence.priority < self.priority;
        self.priority = self.priority.min(evidence.priority);
        if is_more_urgent || self.is_before(evidence) {
            self.stand_on(origin, evidence);
        }
        self.count_in(evidence);
    }

    pub(super) fn stand_on(&mut self, origin: &Origin<'_>, evidence: &Evidence) {
        let is_less_urgent = self.priority < evidence.priority;
        let fact = match is_less_urgent {
            true => format!("{}; an earlier value made it {}", evidence.fact, self.priority),
            false => evidence.fact.clone(),
        };
        self.why = origin.why(&fact);
        self.plan_version = origin.plan_version;
        (self.value, self.limit, self.late) = (evidence.value, evidence.limit, evidence.late);
    }

    pub(super) fn count_in(&mut self, evidence: &Evidence) {
        self.count = self.count.saturating_add(1);
        self.name_readings(&evidence.readings);
        // What clears it has to be newer than all that it was found in.
        if self.is_before(evidence) {
            self.measured = Some(evidence.measured);
        }
    }

    /// Whether all that it was found in is no newer than `evidence`.
    fn is_before(&self, evidence: &Evidence) -> bool {
        self.measured.is_none_or(|it| evidence.measured.order(&it).is_ge())
    }

    /// Whether `evidence` is worse than what the alert stands on; where that cannot be told it is.
    pub(super) fn is_worse(&self, evidence: &Evidence, stood_on: Option<Decimal>) -> bool {
        match evidence.degree {
            Degree::Value(direction) => {
                let unit = evidence.value.map(|it| it.unit());
                let number = |value: Option<Quantity>| value?.value_in(unit?);
                let values = number(self.value).zip(number(evidence.value));
                values.is_none_or(|(before, after)| Decimal::ZERO < direction.amount(before, after))
            }
            Degree::Own(number) => stood_on.is_none_or(|before| before < number),
            Degree::Alike => false,
        }
    }

    /// Names what it stands on now as the latest; the first reading of all stays the first.
    pub(super) fn name_readings(&mut self, readings: &[ReadingId]) {
        for reading in readings {
            match self.readings.iter().position(|it| it == reading) {
                Some(0) => continue,
                Some(place) => drop(self.readings.remove(place)),
                None if READINGS_MAX <= self.readings.len() => drop(self.readings.remove(1)),
                None => {}
            }
            self.readings.push(*reading);
        }
    }
}
