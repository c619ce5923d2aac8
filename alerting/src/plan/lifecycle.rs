//! The keys of a plan on the life of its alerts: who is called when nobody answers, when low and
//! medium alerts disturb nobody, and when silence after an abnormal value is told.

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use vitals::document::{Need, Section};
use vitals::{Moment, Priority};

use crate::plan::value;

/// Longest time in minutes until a rung of the ladder: a day.
const AFTER_MIN_MAX: i64 = 24 * 60;

/// Longest time in hours until silence after an abnormal value is told: 30 days.
const STALE_AFTER_H_MAX: i64 = 30 * 24;

/// What a plan says about the life of its alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    ladder: Vec<Rung>,
    quiet_hours: Option<QuietHours>,
    stale_after: Option<SignedDuration>,
}

/// Whom an alert goes to when nobody has acknowledged it for so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// After how long.
    pub after: SignedDuration,
    /// Whom: a name of the agency's own, such as `backup`.
    pub to: String,
    /// The least urgent priority that climbs to it.
    pub priority: Priority,
}

/// Hours of each day in which alerts of low and medium priority disturb nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// When they begin.
    pub from: Time,
    /// When they end; on the day after where that is not later.
    pub to: Time,
}

impl Lifecycle {
    /// The rungs, the earliest first.
    pub fn ladder(&self) -> impl Iterator<Item = &Rung> {
        self.ladder.iter()
    }

    /// The hours in which low and medium alerts disturb nobody.
    #[must_use]
    pub const fn quiet_hours(&self) -> Option<QuietHours> {
        self.quiet_hours
    }

    /// For how long nothing fresh may come after an abnormal value until that is told.
    #[must_use]
    pub const fn stale_after(&self) -> Option<SignedDuration> {
        self.stale_after
    }

    /// The rung that an alert of `priority` climbs to after `n_climbed` of them.
    pub(crate) fn rung(&self, priority: Priority, n_climbed: u32) -> Option<&Rung> {
        let n_climbed = usize::try_from(n_climbed).ok()?;
        self.ladder.iter().filter(|it| priority <= it.priority).nth(n_climbed)
    }
}

impl QuietHours {
    /// When the quiet hours end in which `now` lies; `None` where it lies in none.
    pub(crate) fn end(&self, now: &Moment, zone: &TimeZone) -> Option<Moment> {
        let civil = zone.to_datetime(now.at.at);
        let (date, time) = (civil.date(), civil.time());
        let is_over_midnight = self.to <= self.from;
        let last_day = match (is_over_midnight, self.from <= time, time < self.to) {
            (false, true, true) | (true, false, true) => date,
            (true, true, _) => date.tomorrow().ok()?,
            (false, _, _) | (true, false, false) => return None,
        };
        let end = zone.to_ambiguous_zoned(last_day.to_datetime(self.to)).compatible().ok()?;
        Some(now.when(vitals::LocalInstant::new(end.timestamp(), zone)))
    }
}

/// Reads the keys.
pub(super) fn read(root: &Section<'_>) -> Option<Lifecycle> {
    let rungs: Vec<_> = root.sections("escalation").iter().map(rung).collect();
    let quiet_hours = match root.has("quiet_hours") {
        true => quiet_hours(&root.section("quiet_hours")).map(Some),
        false => Some(None),
    };
    let stale_after = match root.has("stale_after_h") {
        true => root.integer("stale_after_h", 1..=STALE_AFTER_H_MAX, Need::Optional).map(Some),
        false => Some(None),
    };
    let ladder = rungs.into_iter().collect::<Option<Vec<Rung>>>()?;
    let is_rising =
        ladder.iter().zip(ladder.iter().skip(1)).all(|(it, next)| it.after < next.after);
    if !is_rising {
        let text = "the rungs are not in the order of their times; write the earliest first";
        root.problem("escalation", &text);
        return None;
    }
    let stale_after = stale_after?.map(SignedDuration::from_hours);
    Some(Lifecycle { ladder, quiet_hours: quiet_hours?, stale_after })
}

fn rung(section: &Section<'_>) -> Option<Rung> {
    let after_min = section.integer("after_min", 1..=AFTER_MIN_MAX, Need::Example("15"));
    let to = section.text_by("to", Need::Example("\"backup\""), value::identifier);
    let priority = match section.has("priority") {
        true => section.text("priority", Need::Optional),
        false => Some(Priority::High),
    };
    section.refuse_the_rest();
    Some(Rung { after: SignedDuration::from_mins(after_min?), to: to?, priority: priority? })
}

fn quiet_hours(section: &Section<'_>) -> Option<QuietHours> {
    let from = section.text_by("from", Need::Example("\"22:00\""), value::time_of_day);
    let to = section.text_by("to", Need::Example("\"07:00\""), value::time_of_day);
    section.refuse_the_rest();
    let (from, to) = (from?, to?);
    if from == to {
        section.problem("to", &"they end when they begin; leave them out, or write a later end");
        return None;
    }
    Some(QuietHours { from, to })
}

#[cfg(test)]
mod tests;
