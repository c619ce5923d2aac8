//! What follows from time alone: a repeat that did not come, an acknowledgement that ends, an alert
//! that nobody acknowledges, silence after an abnormal value.

use jiff::SignedDuration;
use vitals::Moment;
use vitals::identity::AlertId;

use super::Engine;
use crate::alert::{Alert, Standing, Transition};
use crate::plan::Plan;
use crate::timer::{self, SNOOZE_HOURS_MAX};

/// Longest time for which quiet hours or an acknowledgement hold anything back.
const DAY: SignedDuration = SignedDuration::from_hours(SNOOZE_HOURS_MAX);

/// What happens to an open alert when its time has come.
#[derive(Debug, Clone, Copy)]
enum Due<'a> {
    /// No repeat came within the window.
    Unconfirmed,
    /// The acknowledgement ends.
    Resumed,
    /// Nobody has acknowledged it: it goes to `to`.
    Climbed { to: &'a str, after: SignedDuration },
    /// Nothing fresh was measured.
    Stale,
}

impl Engine {
    /// What follows from it being `now`; `next` as in [`Engine::observe`].
    ///
    /// Call it when [`Engine::next_wait`] is over; earlier or twice is harmless. Each alert changes at
    /// most once: what is due beside that follows at the next call.
    #[must_use]
    pub fn advance(&self, now: Moment, next: AlertId) -> Vec<Transition> {
        // Windows first: what they raise takes the first numbers.
        let mut transitions = self.missed(&now, next);
        for alert in self.open() {
            let due = self.timers(alert, &now).find(|(_due, left)| left.is_zero());
            // One that has changed by its windows has its other changes at the next call.
            if transitions.iter().any(|it| it.alert.id == alert.id) {
                continue;
            }
            let changed = due.and_then(|(due, _left)| self.ring(alert, due, &now));
            transitions.extend(changed.map(Transition::from));
        }
        transitions
    }

    /// How long it is from `now` until [`Engine::advance`] finds something; zero where it does now.
    #[must_use]
    pub fn next_wait(&self, now: &Moment) -> Option<SignedDuration> {
        let timers = self.open().flat_map(|alert| self.timers(alert, now));
        timers.map(|(_due, left)| left).chain(self.missed_wait(now)).min()
    }

    /// What happens to `alert` by the clock, and how long it is until then.
    fn timers<'a>(
        &'a self,
        alert: &'a Alert,
        now: &Moment,
    ) -> impl Iterator<Item = (Due<'a>, SignedDuration)> {
        let timers = match alert.standing() {
            Standing::Pending => [self.window(alert, now), None],
            Standing::Active => [self.ladder(alert, now), self.staleness(alert, now)],
            Standing::Acknowledged => match alert.timers.until {
                Some(until) => [Some((Due::Resumed, timer::left(&until, now, DAY))), None],
                None => [self.staleness(alert, now), None],
            },
            Standing::Latched => [self.ladder(alert, now), None],
            Standing::Done => [None, None],
        };
        timers.into_iter().flatten()
    }

    fn window(&self, alert: &Alert, now: &Moment) -> Option<(Due<'_>, SignedDuration)> {
        let repeat_by = alert.timers.repeat_by?;
        // Of a plan that is gone, too, the window ends.
        Some((Due::Unconfirmed, timer::left(&repeat_by, now, DAY)))
    }

    fn ladder(&self, alert: &Alert, now: &Moment) -> Option<(Due<'_>, SignedDuration)> {
        let rung = self.plan_of(alert)?.lifecycle().rung(alert.priority, alert.timers.rung)?;
        let due = timer::after(&alert.timers.waits_since?, rung.after);
        let longest = rung.after.saturating_add(DAY);
        Some((Due::Climbed { to: &rung.to, after: rung.after }, timer::left(&due, now, longest)))
    }

    fn staleness(&self, alert: &Alert, now: &Moment) -> Option<(Due<'_>, SignedDuration)> {
        let stale_after = self.plan_of(alert)?.lifecycle().stale_after()?;
        let abnormal = alert.measured.filter(|_it| !alert.timers.is_stale)?;
        let (subject, vital) = (alert.subject.as_ref()?, alert.vital?);
        let newest = self.history.of(subject, vital).next_back().map(|it| it.when);
        let newest = newest.filter(|it| it.order(&abnormal).is_gt()).unwrap_or(abnormal);
        let due = timer::after(&newest, stale_after);
        Some((Due::Stale, timer::left(&due, now, stale_after)))
    }

    /// What becomes of `alert` when it is `due`.
    fn ring(&self, alert: &Alert, due: Due<'_>, now: &Moment) -> Option<Alert> {
        let quiet = self.plan_of(alert).and_then(|it| self.quiet_until(it, now));
        match due {
            Due::Unconfirmed => alert.unconfirmed(now).map(|it| it.hushed(quiet)),
            Due::Resumed => alert.resumed(now).map(|it| it.hushed(quiet)),
            Due::Climbed { to, after } => alert.climbed(now, to, after),
            Due::Stale if alert.by.is_some() => alert.gone_stale(now).map(|it| it.hushed(quiet)),
            Due::Stale => alert.gone_stale(now),
        }
    }

    /// The plan that `alert` is of, if it is still in force.
    fn plan_of(&self, alert: &Alert) -> Option<&Plan> {
        let subject = alert.subject.as_ref();
        self.plans.values().find(|plan| {
            plan.name() == alert.plan && subject.is_none_or(|subject| plan.subject() == subject)
        })
    }
}

#[cfg(test)]
mod tests;
