//! What the true time of a record is that a hub made before it knew the time.
//!
//! A later record of the same run of the machine, made when the hub knew the time, fixes the times
//! of all earlier ones: true time = its time - (its time since the start - theirs).
//! Of several such records the first counts: between it and the estimates there was no other step.
//! The order in which records are noted does not matter.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::instant::LocalInstant;
use crate::moment::{BootId, Moment, Uptime};

/// Most runs of a machine of which is remembered when its hub knew the time.
pub const BOOTS_MAX: usize = 64;

/// The first moment of a run of the machine at which its hub knew the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// By the time since the start.
    pub on: Uptime,
    /// By the wall clock.
    pub at: Timestamp,
}

/// When one hub knew the time, for its latest runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    anchors: VecDeque<Anchor>,
}

impl Anchor {
    /// What `moment` tells about its run, if its hub knew the time.
    #[must_use]
    pub fn of(moment: &Moment) -> Option<Self> {
        let on = moment.on.filter(|_on| moment.is_known)?;
        Some(Self { on, at: moment.at.at })
    }

    /// How far the wall time of `moment` is behind the true time, where it is an estimate that this
    /// anchor can replace.
    #[must_use]
    pub fn correction(&self, moment: &Moment) -> Option<SignedDuration> {
        let since = moment.since(self.on).filter(|_since| !moment.is_known)?;
        let at = self.at.checked_add(since).ok()?;
        Some(at.duration_since(moment.at.at))
    }
}

impl Timeline {
    /// Takes in a record's moment; whether more can be corrected now than before.
    pub fn note(&mut self, moment: &Moment) -> bool {
        Anchor::of(moment).is_some_and(|anchor| self.put(anchor))
    }

    /// Takes in an anchor; whether more can be corrected now than before.
    pub fn put(&mut self, anchor: Anchor) -> bool {
        match self.anchors.iter_mut().find(|it| it.on.boot == anchor.on.boot) {
            Some(known) if known.on.ms <= anchor.on.ms => false,
            Some(known) => {
                *known = anchor;
                true
            }
            None => {
                self.anchors.truncate(BOOTS_MAX.saturating_sub(1));
                self.anchors.push_front(anchor);
                true
            }
        }
    }

    /// Whether a record made at `moment` tells more than is known.
    #[must_use]
    pub fn is_news(&self, moment: &Moment) -> bool {
        Anchor::of(moment)
            .is_some_and(|it| self.anchor(it.on.boot).is_none_or(|known| it.on.ms < known.on.ms))
    }

    /// When the hub first knew the time in the run `boot`.
    #[must_use]
    pub fn anchor(&self, boot: BootId) -> Option<&Anchor> {
        self.anchors.iter().find(|it| it.on.boot == boot)
    }

    /// How far the wall time of `moment` is behind the true time, where that can be told.
    #[must_use]
    pub fn correction(&self, moment: &Moment) -> Option<SignedDuration> {
        self.anchor(moment.on?.boot)?.correction(moment)
    }
}

/// `at`, moved by `correction`, with the offset that stood beside it.
#[must_use]
pub fn corrected(at: LocalInstant, correction: SignedDuration) -> LocalInstant {
    let zone = at.offset().to_time_zone();
    let moved = at.at.saturating_add(correction).unwrap_or(at.at);
    LocalInstant::new(moved, &zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at: &str, boot: u8, ms: i64, is_known: bool) -> Moment {
        let at = LocalInstant::parse(at).unwrap();
        Moment { at, on: Some(Uptime { boot: BootId([boot; 16]), ms }), is_known }
    }

    fn true_time(timeline: &Timeline, moment: &Moment) -> Option<String> {
        let correction = timeline.correction(moment)?;
        Some(corrected(moment.at, correction).to_string())
    }

    #[test]
    fn a_later_record_fixes_the_time_of_an_earlier_one() {
        let mut timeline = Timeline::default();
        let estimate = moment("2026-03-01T18:00:05+01:00", 1, 65_000, false);
        assert_eq!(true_time(&timeline, &estimate), None);
        assert!(timeline.note(&moment("2026-03-02T08:00:00+01:00", 1, 125_000, true)));
        let expected = "2026-03-02T07:59:00.000+01:00";
        assert_eq!(true_time(&timeline, &estimate).as_deref(), Some(expected));
        assert_eq!(true_time(&timeline, &moment("2026-03-01T18:00:05Z", 2, 65_000, false)), None);
    }

    #[test]
    fn what_was_known_is_left_alone() {
        let mut timeline = Timeline::default();
        timeline.note(&moment("2026-03-02T08:00:00Z", 1, 125_000, true));
        let known = moment("2026-03-02T09:00:00Z", 1, 65_000, true);
        assert_eq!(true_time(&timeline, &known), None);
        assert!(!timeline.note(&moment("2026-03-02T08:00:00Z", 1, 5000, false)));
    }

    #[test]
    fn the_first_that_was_known_counts_in_whatever_order_they_come() {
        let first = moment("2026-03-02T08:00:00Z", 1, 100_000, true);
        let later = moment("2036-03-02T08:01:00Z", 1, 160_000, true);
        let (mut one, mut other) = (Timeline::default(), Timeline::default());
        assert_eq!((one.note(&first), one.note(&later)), (true, false));
        assert_eq!((other.note(&later), other.note(&first)), (true, true));
        assert_eq!(one, other);
    }

    #[test]
    fn only_the_latest_runs_are_remembered() {
        let mut timeline = Timeline::default();
        for boot in 0..=u8::MAX {
            timeline.note(&moment("2026-03-02T08:00:00Z", boot, 5, true));
        }
        assert!(timeline.anchor(BootId([u8::MAX; 16])).is_some());
        assert!(timeline.anchor(BootId([0; 16])).is_none());
        assert_eq!(timeline.anchors.len(), BOOTS_MAX);
    }
}
