//! The life of one client: its readings as they come in, with the repeats that its plan asks for, and
//! what a plan makes of them.

use std::collections::BTreeMap;

use alerting::rule::Condition;
use alerting::rule::threshold::{Side, Threshold};
use alerting::{Plan, Replay};
use fastrand::Rng;
use jiff::Timestamp;
use vitals::{AlertId, Category, Phase, Priority, Quantity, Reading};

use crate::body::Body;
use crate::client::Client;
use crate::faults::{self, Clock};
use crate::habits::{self, Kind, Planned};
use crate::illness::{DAY_MIN, Illness};
use crate::preset::Variant;
use crate::record::{self, Calendar};
use crate::table::Tally;

/// When a device that was away from the hub tells what it has stored: half past seven on the next day.
const TOLD_AT_MIN: i64 = DAY_MIN + 450;

/// The readings of a client in the order in which they were recorded, and what was true.
pub(crate) struct Life {
    calendar: Calendar,
    readings: Vec<Reading>,
    illnesses: Vec<Illness>,
    days: i64,
}

/// An illness, and whether the plan has told it.
struct Watch {
    illness: Illness,
    /// What was open when it began.
    before: Option<BTreeMap<AlertId, Priority>>,
    n_measured: u32,
    found_at: Option<i64>,
    is_over: bool,
}

/// What became of an illness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// After so many minutes.
    Found(i64),
    /// Nothing new: an alert on one of its vitals was open already.
    OpenBefore,
    /// It was measured, and nothing said so.
    Missed,
    /// Nothing that it moves was measured in it.
    NotMeasured,
}

impl Life {
    /// Lives `days` days by the preset as it is, which is what asks for repeats.
    pub(crate) fn live(client: &Client, days: i64, rng: &mut Rng) -> Self {
        let calendar = Calendar::new();
        let body = Body::new(client, days, rng);
        let mut replay = Replay::new(client.preset.plan(Variant::AsItIs), calendar.zone.clone());
        let mut readings = Vec::new();
        let clock = if client.is_of_this_world { Clock::of(rng) } else { Clock::Right };
        let mut told_later: Vec<(i64, Planned)> = Vec::new();
        for day in 0..days {
            let is_away = client.is_of_this_world && faults::is_hub_away(rng);
            let mut queue: Vec<(i64, Planned)> = std::mem::take(&mut told_later);
            for planned in habits::of_day(client, &body, day, rng) {
                // What a person enters or a therapist watches does not wait in a device.
                match is_away && !matches!(planned.kind, Kind::Visit | Kind::Exercise) {
                    true => {
                        let tells = if faults::tells_twice(rng) { 2 } else { 1 };
                        let told = (day * DAY_MIN + TOLD_AT_MIN, planned);
                        told_later.extend(std::iter::repeat_n(told, tells));
                    }
                    false => queue.push((planned.minute, planned)),
                }
            }
            let mut stored: Option<(i64, Reading)> = None;
            sort(&mut queue);
            while let Some((received, planned)) = queue.pop() {
                let is_twice = stored.as_ref().is_some_and(|it| it.0 == planned.minute);
                let mut reading = match stored.take().filter(|_it| is_twice) {
                    Some((_minute, reading)) => reading,
                    None => measure(client, &calendar, &body, &planned, clock, received, rng),
                };
                reading.id.seq = u64::try_from(readings.len()).unwrap_or(u64::MAX) + 1;
                stored = (received != planned.minute).then(|| (planned.minute, reading.clone()));
                replay.read(&reading);
                let is_asked = replay.asked().any(|it| it.readings.contains(&reading.id));
                readings.push(reading);
                if is_asked && let Some(repeat) = planned.repeat(client, rng) {
                    queue.push((repeat.minute, repeat));
                    sort(&mut queue);
                }
            }
        }
        Self { calendar, readings, illnesses: body.illnesses, days }
    }

    /// What `plan` makes of it.
    ///
    /// # Errors
    ///
    /// Says which value at or beyond a high limit was in no high episode when it was recorded.
    pub(crate) fn judge(&self, plan: &Plan) -> Result<Tally, String> {
        let mut replay = Replay::new(plan.clone(), self.calendar.zone.clone());
        let mut watches: Vec<Watch> = self.illnesses.iter().map(Watch::new).collect();
        for reading in &self.readings {
            let minute = self.calendar.minute(reading.recorded.at.at);
            for watch in &mut watches {
                watch.begin(minute, &replay);
            }
            replay.read(reading);
            hold_high(plan, &replay, reading)?;
            for watch in &mut watches {
                watch.look(minute, reading, &replay, &self.calendar);
            }
        }
        replay.pass(self.calendar.instant(self.days * DAY_MIN).into());
        for watch in &mut watches {
            watch.find(&replay, &self.calendar);
        }
        Ok(self.tally(&replay, &watches))
    }

    fn tally(&self, replay: &Replay, watches: &[Watch]) -> Tally {
        let mut tally = Tally::new(self.days, self.readings.len());
        for alert in replay.episodes() {
            let minute = self.calendar.minute(alert.raised_at.at);
            let is_ill = self.illnesses.iter().any(|it| it.owns(alert.vital, minute));
            tally.alert(alert, is_ill && alert.category == Category::Clinical);
        }
        tally.n_taken_back = replay.taken_back().count();
        // What has no two days left to be found in is not counted.
        let whole = watches.iter().filter(|it| !it.illness.is_watched(self.days * DAY_MIN));
        whole.for_each(|it| tally.outcome(it.outcome()));
        tally
    }
}

/// The next one to be told last; of those that are told at once the one that was measured first.
fn sort(queue: &mut [(i64, Planned)]) {
    queue.sort_by_key(|(received, planned)| std::cmp::Reverse((*received, planned.minute)));
}

/// Measures `planned`, told at `received`.
fn measure(
    client: &Client,
    calendar: &Calendar,
    body: &Body,
    planned: &Planned,
    clock: Clock,
    received: i64,
    rng: &mut Rng,
) -> Reading {
    let technique = match client.is_of_this_world {
        true => faults::technique(planned.kind, 0 < planned.n_asked, rng),
        false => faults::Technique::default(),
    };
    let found = body.measure(planned.minute, rng);
    record::reading(calendar, 1, planned, found, &technique, clock, received)
}

impl Watch {
    fn new(illness: &Illness) -> Self {
        let illness = *illness;
        Self { illness, before: None, n_measured: 0, found_at: None, is_over: false }
    }

    /// Notes what is open before the first reading in it.
    fn begin(&mut self, minute: i64, replay: &Replay) {
        if self.before.is_none() && self.illness.is_watched(minute) {
            let open = replay.episodes().filter(|it| it.is_open());
            let mine = open.filter(|it| it.vital.is_some_and(|it| self.illness.moves(it)));
            self.before = Some(mine.map(|it| (it.id, it.priority)).collect());
        }
    }

    fn look(&mut self, minute: i64, reading: &Reading, replay: &Replay, calendar: &Calendar) {
        if self.before.is_none() || self.is_over {
            return;
        }
        let is_mine = reading.values.iter().any(|it| self.illness.moves(it.vital));
        let measured = calendar.minute(reading.measured_at.at);
        if is_mine && self.illness.onset <= measured && measured < self.illness.end {
            self.n_measured += 1;
        }
        self.find(replay, calendar);
        self.is_over = self.found_at.is_some() || !self.illness.is_watched(minute);
    }

    /// Finds the first alert that began or got more urgent in it.
    fn find(&mut self, replay: &Replay, calendar: &Calendar) {
        let Some(before) = self.before.as_ref().filter(|_it| !self.is_over) else { return };
        let minute = |at: Timestamp| calendar.minute(at);
        let clinical = replay.episodes().filter(|it| it.category == Category::Clinical);
        let told = clinical.filter_map(|alert| {
            let at = match before.get(&alert.id) {
                Some(priority) if alert.priority < *priority => alert.changed_at,
                Some(_as_before) => return None,
                None => alert.raised_at,
            };
            let at = minute(at.at);
            self.illness.owns(alert.vital, at).then_some(at)
        });
        self.found_at = told.min();
    }

    fn outcome(&self) -> Outcome {
        let was_open = self.before.as_ref().is_some_and(|it| !it.is_empty());
        match (self.found_at, self.n_measured) {
            // What alerts then is chance.
            (_, 0) => Outcome::NotMeasured,
            (Some(at), _) => Outcome::Found(at - self.illness.onset),
            (None, _) if was_open => Outcome::OpenBefore,
            (None, _) => Outcome::Missed,
        }
    }
}

/// Whether each value of `reading` at or beyond a high limit of `plan` is in a high episode now.
fn hold_high(plan: &Plan, replay: &Replay, reading: &Reading) -> Result<(), String> {
    let is_at_rest = matches!(reading.context.phase, Phase::Resting | Phase::BeforeExercise);
    let limits = || plan.rules().filter_map(|rule| Some((rule, limits_of(rule.condition())?)));
    for (rule, (threshold, is_of_exercise)) in limits() {
        let is_beside = limits().any(|(_rule, (other, is_of_exercise))| {
            is_of_exercise && (other.vital(), other.side()) == (threshold.vital(), threshold.side())
        });
        let judges = if is_of_exercise { !is_at_rest } else { is_at_rest || !is_beside };
        let mut mine = reading.values.iter().filter(|it| it.vital == threshold.vital());
        let is_high = judges && mine.any(|it| is_beyond_high(threshold, it.quantity));
        let is_told = || {
            let mut mine = replay.episodes().filter(|it| it.rule == rule.id());
            mine.any(|it| it.priority == Priority::High && it.is_open())
        };
        if is_high && !is_told() {
            return Err(format!("{}: not told: {reading:?}", rule.id()));
        }
    }
    Ok(())
}

/// The limits of `condition`, and whether they are those of exercise.
fn limits_of(condition: &Condition) -> Option<(&Threshold, bool)> {
    if let Condition::Exercise(it) = condition {
        return Some((it.threshold(), true));
    }
    let Condition::Threshold(it) = condition else { return None };
    Some((it, false))
}

/// Whether `value` is at a high limit or beyond: said here once more, for the engine not to judge itself.
fn is_beyond_high(threshold: &Threshold, value: Quantity) -> bool {
    let mut high = threshold.limits().filter(|it| it.priority == Priority::High);
    high.any(|limit| {
        let number = value.value_in(limit.level.unit()).expect("the units of a vital convert");
        match threshold.side() {
            Side::AtOrAbove => limit.level.value() <= number,
            Side::AtOrBelow => number <= limit.level.value(),
        }
    })
}
