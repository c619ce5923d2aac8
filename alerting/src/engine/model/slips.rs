//! The naive model: what a careful person would write on a slip of paper for each rule.

use std::collections::BTreeMap;

use vitals::{Priority, Vital};

/// Rule, vital, limits from the most urgent one inwards, clear level, whether high values alert.
pub(super) type Watched = (&'static str, Vital, &'static [(u32, Priority)], u32, bool);

pub(super) const RULES: [Watched; 4] = [
    ("systolic-crisis", Vital::SystolicPressure, &[(180, Priority::High)], 175, true),
    ("systolic-high", Vital::SystolicPressure, &[(160, Priority::Medium)], 155, true),
    ("oxygen-low", Vital::OxygenSaturation, &[(90, Priority::High)], 92, false),
    ("pulse-high", Vital::PulseRate, &[(131, Priority::High), (111, Priority::Medium)], 106, true),
];

/// How long a repeat of the pulse is waited for, when it counts, and when an alert is passed on.
pub(super) const WITHIN_MIN: i64 = 30;
pub(super) const GAP_MIN: i64 = 1;
pub(super) const LADDER_MIN: [i64; 2] = [60, 180];
pub(super) const STALE_MIN: i64 = 48 * 60;

/// What is written down about an open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slip {
    pub(super) priority: Priority,
    pub(super) count: u32,
    pub(super) is_acknowledged: bool,
    pub(super) is_cleared: bool,
    pub(super) is_confirmed: bool,
    pub(super) is_stale: bool,
    pub(super) newest_bad_minute: i64,
    pub(super) newest_bad: u32,
    /// Since when and until which minute a repeat is waited for.
    pub(super) asked_at: i64,
    pub(super) repeat_by: Option<i64>,
    /// Since which minute nobody has answered, and how often it was passed on.
    pub(super) unanswered: Option<(i64, usize)>,
    /// Until which minute an answer holds.
    pub(super) holds_until: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) slips: BTreeMap<&'static str, Slip>,
    /// The newest undoubted measurement of each vital.
    newest: BTreeMap<Vital, i64>,
}

/// A measurement, as the one who keeps the slips hears of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) now: i64,
    pub(super) measured: i64,
    pub(super) value: u32,
    pub(super) is_doubtful: bool,
}

impl Slip {
    fn new(priority: Priority, it: Heard, can_wait: bool) -> Self {
        let must_wait = can_wait && priority != Priority::High && it.now - it.measured <= 60;
        Self {
            priority,
            count: 1,
            is_acknowledged: false,
            is_cleared: false,
            is_confirmed: !can_wait || priority == Priority::High,
            is_stale: false,
            newest_bad_minute: it.measured,
            newest_bad: it.value,
            asked_at: it.now,
            repeat_by: must_wait.then_some(it.now + WITHIN_MIN),
            unanswered: (!must_wait).then_some((it.now, 0)),
            holds_until: None,
        }
    }

    fn ask_anew(&mut self, now: i64) {
        (self.is_acknowledged, self.holds_until) = (false, None);
        (self.repeat_by, self.unanswered) = (None, Some((now, 0)));
    }

    fn is_another(&self, it: Heard) -> bool {
        let apart = it.measured - self.newest_bad_minute;
        GAP_MIN <= apart.abs() && -WITHIN_MIN <= apart
    }

    /// Found again: what that changes but for the count.
    fn found(&mut self, priority: Priority, it: Heard, can_wait: bool, is_high: bool) {
        let (before, after) = (self.newest_bad, it.value);
        let is_worse = if is_high { before < after } else { after < before };
        let breaks = self.holds_until.is_some() && is_worse;
        let confirms = !can_wait || self.is_another(it) || priority == Priority::High;
        if self.repeat_by.is_some() || priority < self.priority || breaks {
            self.ask_anew(it.now);
        }
        self.is_confirmed |= confirms;
        // An older value that is more urgent stands on the slip too, beside the time of the newest.
        if priority < self.priority || self.newest_bad_minute <= it.measured {
            self.newest_bad = it.value;
        }
        self.newest_bad_minute = self.newest_bad_minute.max(it.measured);
        self.priority = self.priority.min(priority);
        (self.is_cleared, self.is_stale) = (false, false);
        self.count += 1;
    }
}

impl Model {
    pub(super) fn measure(&mut self, vital: Vital, it: Heard) {
        for (rule, of, limits, clear, is_high) in RULES {
            if of == vital {
                self.judge(rule, limits, clear, is_high, it);
            }
        }
        if !it.is_doubtful {
            let newest = self.newest.entry(vital).or_insert(it.measured);
            *newest = it.measured.max(*newest);
        }
    }

    fn judge(
        &mut self,
        rule: &'static str,
        limits: &[(u32, Priority)],
        clear: u32,
        is_high: bool,
        it: Heard,
    ) {
        let can_wait = rule == "pulse-high";
        let is_reached = |limit: u32, value: u32| {
            if is_high { limit <= value } else { value <= limit }
        };
        let reached = limits.iter().find(|(limit, _priority)| is_reached(*limit, it.value));
        let is_good = if is_high { it.value <= clear } else { clear <= it.value };
        let Some(slip) = self.slips.get_mut(rule) else {
            if let Some(&(_limit, priority)) = reached {
                self.slips.insert(rule, Slip::new(priority, it, can_wait));
            }
            return;
        };
        match reached {
            Some(&(_limit, priority)) => {
                let is_late = 60 < it.now - it.measured;
                let is_another = slip.is_another(it) || GAP_MIN <= it.measured - slip.asked_at;
                let is_repeat = is_another && !is_late || priority < slip.priority;
                if slip.repeat_by.is_none() || is_repeat {
                    slip.found(priority, it, can_wait, is_high);
                } else {
                    slip.count += 1;
                    let worse = if is_high { u32::max } else { u32::min };
                    slip.newest_bad = worse(slip.newest_bad, it.value);
                    slip.newest_bad_minute = slip.newest_bad_minute.max(it.measured);
                }
            }
            None if it.is_doubtful || it.measured <= slip.newest_bad_minute => {}
            None if slip.repeat_by.is_some() => {
                // Twice the mean of the two, so that no half is lost.
                let both = slip.newest_bad + it.value;
                let limit = limits.iter().find(|(limit, _priority)| is_reached(2 * limit, both));
                match limit {
                    _ if !slip.is_another(it) => {}
                    Some(&(_limit, priority)) => {
                        slip.found(priority, it, can_wait, is_high);
                        slip.newest_bad = both / 2;
                    }
                    None => drop(self.slips.remove(rule)),
                }
            }
            None if is_good => {
                (slip.is_cleared, slip.is_stale) = (true, false);
                if slip.is_acknowledged || slip.priority != Priority::High {
                    self.slips.remove(rule);
                }
            }
            None => {}
        }
    }

    pub(super) fn acknowledge(&mut self, rule: &str, holds_until: Option<i64>) {
        let Some(slip) = self.slips.get_mut(rule) else { return };
        if slip.repeat_by.is_some() || slip.is_acknowledged {
            return;
        }
        if slip.is_cleared {
            self.slips.remove(rule);
        } else {
            (slip.is_acknowledged, slip.holds_until, slip.unanswered) = (true, holds_until, None);
        }
    }

    /// Reads the slips at `now`, and does what is due.
    pub(super) fn wait(&mut self, now: i64) {
        for (rule, of, _limits, _clear, _is_high) in RULES {
            let fresh = self.newest.get(&of).copied().unwrap_or(i64::MIN);
            let Some(slip) = self.slips.get_mut(rule) else { continue };
            if slip.repeat_by.is_some_and(|due| due <= now)
                || slip.holds_until.is_some_and(|due| due <= now)
            {
                slip.ask_anew(now);
            }
            let rungs: &[i64] =
                if slip.priority == Priority::High { &LADDER_MIN } else { &LADDER_MIN[1..] };
            if let Some((since, n_passed_on)) = &mut slip.unanswered {
                while rungs.get(*n_passed_on).is_some_and(|after| *since + after <= now) {
                    *n_passed_on += 1;
                }
            }
            let is_held = slip.holds_until.is_some() || slip.repeat_by.is_some() || slip.is_cleared;
            if !slip.is_stale && !is_held && slip.newest_bad_minute.max(fresh) + STALE_MIN <= now {
                slip.is_stale = true;
                if slip.is_acknowledged {
                    slip.ask_anew(now);
                }
            }
        }
    }
}
