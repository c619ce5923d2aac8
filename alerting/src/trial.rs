//! A draft plan beside what happened: how many alerts it would have made of a history, and which of those
//! that people were told of it would have missed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use vitals::wire::trial::{Missed, RuleCount, Summary};
use vitals::wire::v1;
use vitals::{LocalInstant, Priority, Reading};

use crate::alert::{Alert, Disposition, Standing};
use crate::plan::Plan;
use crate::replay::Replay;

/// How much sooner or later an alert on the same vital may be to be the same episode.
const NEAR: SignedDuration = SignedDuration::from_hours(1);

const DAY_S: i64 = 24 * 60 * 60;

/// A plan that is tried on a history.
#[derive(Debug)]
pub struct Trial {
    plan: Plan,
    replay: Replay,
    since: Timestamp,
    n_readings: u64,
    /// When the first and the last reading that count came.
    span: Option<(Timestamp, Timestamp)>,
    told: BTreeMap<String, Told>,
    /// Alerts that a person found to be none.
    mistakes: BTreeSet<String>,
}

/// An alert that people were told of.
#[derive(Debug)]
struct Told {
    priority: String,
    why: String,
    vital: Option<String>,
    readings: BTreeSet<String>,
    raised: LocalInstant,
    ended: Timestamp,
}

impl Trial {
    /// `plan` for a client who lives in `zone`; alerts before `since` do not count, though rules look
    /// back on what was measured before it.
    #[must_use]
    pub fn new(plan: Plan, zone: TimeZone, since: Timestamp) -> Self {
        Self {
            replay: Replay::new(plan.clone(), zone),
            plan,
            since,
            n_readings: 0,
            span: None,
            told: BTreeMap::new(),
            mistakes: BTreeSet::new(),
        }
    }

    /// Takes the next reading with its true times; one of somebody else changes nothing.
    pub fn read(&mut self, reading: &Reading) {
        let subject = self.plan.subject();
        if reading.subject.as_ref() != Some(subject)
            && !reading.subject_candidates.contains(subject)
        {
            return;
        }
        self.replay.read(reading);
        let at = reading.received_at.at;
        if self.since <= at {
            self.n_readings = self.n_readings.saturating_add(1);
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
    }

    /// Takes a transition of an alert that people were told of, with its true times, in the order of
    /// the ledger; one that is not clinical or of somebody else changes nothing.
    pub fn hear(&mut self, alert: v1::Alert) {
        let is_of_the_client = alert.subject.as_deref() == Some(self.plan.subject().as_str());
        if !is_of_the_client || alert.category != "clinical" {
            return;
        }
        if alert.disposition.as_deref().is_some_and(is_mistake) {
            self.mistakes.insert(alert.alert_id.clone());
        }
        let v1::Alert { alert_id, priority, why, vital, readings, standing, .. } = alert;
        let at = alert.recorded_at.0;
        if let Some(before) = self.told.get_mut(&alert_id) {
            before.readings.extend(readings);
            before.ended = at.at;
            before.priority = priority;
        } else if standing != Standing::Pending.as_str() && standing != Standing::Done.as_str() {
            let readings = readings.into_iter().collect();
            let told = Told { priority, why, vital, readings, raised: at, ended: at.at };
            self.told.insert(alert_id, told);
        }
    }

    /// What came of it so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let episodes = self.replay.episodes().filter(|it| self.since <= it.raised_at.at);
        let episodes: Vec<&Alert> = episodes.collect();
        let mut rules: BTreeMap<(Priority, &str), usize> = BTreeMap::new();
        for it in &episodes {
            let n = rules.entry((it.priority, &it.rule)).or_default();
            *n = n.saturating_add(1);
        }
        let days = self.days();
        let count = |((priority, rule), alerts): ((Priority, &str), usize)| RuleCount {
            rule: rule.to_owned(),
            priority: priority.as_str().to_owned(),
            alerts,
            per_day: Summary::per_day(alerts, days),
        };
        let mut known: Vec<_> = self
            .told
            .iter()
            .filter(|(id, it)| self.since <= it.raised.at && !self.mistakes.contains(*id))
            .collect();
        known.sort_by_key(|(_id, it)| it.raised.at);
        let missed = known.iter().filter(|(_id, it)| !it.is_found(&episodes));
        Summary {
            plan: self.plan.name().to_owned(),
            version: self.plan.version(),
            readings: self.n_readings,
            days,
            alerts: episodes.len(),
            rules: rules.into_iter().map(count).collect(),
            known: known.len(),
            missed: missed.map(|(id, it)| it.as_missed(id)).collect(),
        }
    }

    fn days(&self) -> Decimal {
        let span_s = self.span.map_or(0, |(first, last)| last.duration_since(first).as_secs());
        let days = Decimal::from(span_s) / Decimal::from(DAY_S);
        days.max(Decimal::ONE).round_dp(1)
    }
}

impl Told {
    /// Whether one of `episodes` stands on the same readings, or is about the same vital at that time.
    fn is_found(&self, episodes: &[&Alert]) -> bool {
        let from = self.raised.at.saturating_sub(NEAR).unwrap_or(Timestamp::MIN);
        let until = self.ended.saturating_add(NEAR).unwrap_or(Timestamp::MAX);
        episodes.iter().any(|it| {
            let shares = it.readings.iter().any(|id| self.readings.contains(&id.to_string()));
            let is_of_it = it.vital.map(|it| it.as_str()) == self.vital.as_deref();
            shares || is_of_it && (from..=until).contains(&it.raised_at.at)
        })
    }

    fn as_missed(&self, id: &str) -> Missed {
        Missed {
            alert_id: id.to_owned(),
            priority: self.priority.clone(),
            raised_at: self.raised.to_string(),
            why: self.why.clone(),
        }
    }
}

/// Whether a person who closed an alert with `word` found it to be none.
fn is_mistake(word: &str) -> bool {
    word.parse().is_ok_and(|it| match it {
        Disposition::TrueActioned | Disposition::TrueExpected => false,
        Disposition::FalseTechnique
        | Disposition::FalseDevice
        | Disposition::Duplicate
        | Disposition::WrongPerson
        | Disposition::Test => true,
    })
}

#[cfg(test)]
mod tests;
