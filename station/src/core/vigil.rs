//! Noticing silence: of a hub, and of the broker; and the station's own sign of life.
//!
//! A hub that was heard before and says nothing for the limit is silent. It gets the limit anew from
//! the moment at which the broker is connected, because nobody could hear it before. While the broker
//! is away no hub is called silent: there is one reason, and one alarm for it.
//!
//! Deadlines are wall times. A clock that is set back gives each hub the limit once more, and no
//! more; a station that wakes long after its deadline slept itself, or its clock was set forward, and
//! gives the hubs the limit anew, because it did not listen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use vitals::HubId;

use super::deadlines::Deadlines;
use super::{Publication, Station, later};
use crate::alarm::{Alarm, Kind};
use crate::board::{Board, Home, Link};
use crate::store::StoreError;

/// A deadline that is met so much later was not waited for.
const OVERSLEPT: SignedDuration = SignedDuration::from_secs(30);

/// When silence is noticed, and how often the station gives a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// A hub from which nothing came for that long is silent.
    pub silence_limit: Duration,
    /// How often a connected hub gets its receipt again, at the latest.
    pub heartbeat: Duration,
    /// How long the alert of a hub may take to arrive after the reading that it stands on.
    pub alert_within: Duration,
    /// How much later than its deadline a hub may act, such as at the end of a wait for a repeat.
    pub deadline_lag: Duration,
}

impl Default for Watch {
    /// Three signs of life may be lost; the fourth is noticed.
    fn default() -> Self {
        Self {
            silence_limit: Duration::from_secs(90),
            heartbeat: Duration::from_secs(30),
            alert_within: Duration::from_secs(120),
            deadline_lag: Duration::from_secs(60),
        }
    }
}

/// Who has to be heard until when, and who gets a sign of life next.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    /// When each hub that is not silent yet will be.
    silence: Deadlines,
    /// When each connected hub gets its next sign of life.
    beats: Deadlines,
    /// When the test alarm of each hub that is heard will be missed.
    pub(super) test_alarms: Deadlines,
    /// When a broker that is away will have been away for too long.
    broker: Option<Timestamp>,
    /// The latest step.
    latest: Option<Timestamp>,
}

impl Vigil {
    /// A station that starts has not reached the broker yet.
    pub(super) fn starting(now: Timestamp, watch: Watch, board: &Board) -> Self {
        let is_told = board.alarms.find(Kind::BrokerUnreachable, None).is_some();
        let broker = (!is_told).then(|| later(now, watch.silence_limit));
        Self { broker, latest: Some(now), ..Self::default() }
    }

    /// When the next of it is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let hubs = [&self.silence, &self.beats, &self.test_alarms];
        hubs.into_iter().filter_map(Deadlines::next).chain(self.broker).min()
    }

    /// Notes that it is `now`, before anything else of a step.
    pub(super) fn wake(&mut self, now: Timestamp, watch: Watch) {
        let limit = later(now, watch.silence_limit);
        if self.latest.is_some_and(|latest| now < latest) {
            self.silence.cap(limit);
            self.beats.cap(later(now, watch.heartbeat));
            self.broker = self.broker.map(|at| at.min(limit));
        }
        let is_overslept = |at: Timestamp| OVERSLEPT < now.duration_since(at);
        if self.silence.next().is_some_and(is_overslept) {
            tracing::warn!("the station slept or its clock was set, every hub gets its time anew");
            for hub in self.silence.due(now) {
                self.silence.set(&hub, limit);
            }
        }
        self.latest = Some(now);
    }

    /// Notes that `hubs` got a sign of life.
    pub(super) fn note_beats<'h>(
        &mut self,
        now: Timestamp,
        watch: Watch,
        hubs: impl IntoIterator<Item = &'h HubId>,
    ) {
        hubs.into_iter().for_each(|hub| self.beats.set(hub, later(now, watch.heartbeat)));
    }
}

impl Station {
    /// The alarms that end because the hubs in `spoken` were heard.
    pub(super) fn broken_silences(&self, now: Timestamp, spoken: &BTreeSet<HubId>) -> Vec<Alarm> {
        let alarms = spoken.iter();
        let alarms = alarms.filter_map(|it| self.board.alarms.find(Kind::HubSilent, Some(it)));
        alarms.map(|it| it.ended(now)).collect()
    }

    /// Takes in that the hubs in `spoken` were heard.
    pub(super) fn hear(&mut self, now: Timestamp, spoken: &BTreeSet<HubId>) {
        if !self.board.broker.is_up {
            return;
        }
        let watch = self.settings.watch;
        for hub in spoken {
            self.vigil.silence.set(hub, later(now, watch.silence_limit));
            if !self.vigil.beats.contains(hub) {
                self.vigil.note_beats(now, watch, [hub]);
            }
        }
    }

    /// The broker delivers from now on: every hub gets its time anew.
    pub(super) fn join(&mut self, now: Timestamp) -> Result<Vec<Publication>, StoreError> {
        let told = self.board.alarms.find(Kind::BrokerUnreachable, None);
        let over: Vec<_> = told.into_iter().map(|it| it.ended(now)).collect();
        self.note(over)?;
        self.board.broker = Link { is_up: true, since: now, reason: None };
        self.vigil.broker = None;
        let watch = self.settings.watch;
        for (hub, home) in &self.board.hubs {
            let is_told = self.board.alarms.find(Kind::HubSilent, Some(hub)).is_some();
            if home.last_heard.is_some() && !is_told {
                self.vigil.silence.set(hub, later(now, watch.silence_limit));
            }
        }
        let hubs: Vec<_> = self.board.hubs.keys().cloned().collect();
        let heard = hubs.iter().filter(|it| self.vigil.silence.contains(it)).cloned();
        for hub in heard.collect::<Vec<_>>() {
            self.expect_test_alarm(now, &hub);
        }
        let mut publications = self.greetings(now);
        publications.extend(self.answer_test_alarms(now, |_any| true)?);
        // What follows the greetings is spread over the interval.
        for (hub, home) in &self.board.hubs {
            self.vigil.beats.remove(hub);
            if !is_offline(home) {
                self.vigil.beats.set(hub, later(now, phase(hub, watch.heartbeat)));
            }
        }
        Ok(publications)
    }

    /// The broker is away: nobody can be heard, and nobody is called silent for it.
    pub(super) fn part(&mut self, now: Timestamp, reason: &str) {
        let broker = &mut self.board.broker;
        let since = if broker.is_up { now } else { broker.since };
        *broker = Link { is_up: false, since, reason: Some(reason.to_owned()) };
        self.vigil.silence.clear();
        self.vigil.beats.clear();
        self.vigil.test_alarms.clear();
        self.gaps.looks.clear();
        let is_told = self.board.alarms.find(Kind::BrokerUnreachable, None).is_some();
        if !is_told && self.vigil.broker.is_none() {
            self.vigil.broker = Some(later(now, self.settings.watch.silence_limit));
        }
    }

    /// Raises what has been silent for too long, and gives the signs of life that are due.
    pub(super) fn watch(&mut self, now: Timestamp) -> Result<Vec<Publication>, StoreError> {
        let began = |kind, hub, since| Alarm { kind, hub, since, began_at: now, ended_at: None };
        let silent = self.vigil.silence.due(now);
        let mut alarms: Vec<_> = silent
            .iter()
            .map(|hub| {
                let heard = self.board.hubs.get(hub).and_then(|it| it.last_heard);
                began(Kind::HubSilent, Some(hub.clone()), heard.unwrap_or(now))
            })
            .collect();
        if self.vigil.broker.is_some_and(|at| at <= now) {
            alarms.push(began(Kind::BrokerUnreachable, None, self.board.broker.since));
        }
        // A hub that is silent owes more than a test alarm.
        let missed = self.missed_test_alarms(now);
        alarms.extend(
            missed
                .iter()
                .filter(|it| !silent.iter().any(|hub| it.hub.as_ref() == Some(hub)))
                .cloned(),
        );
        self.note(alarms)?;
        for hub in silent.iter().chain(missed.iter().filter_map(|it| it.hub.as_ref())) {
            self.vigil.test_alarms.remove(hub);
        }
        silent.iter().for_each(|hub| self.vigil.silence.remove(hub));
        self.vigil.broker = self.vigil.broker.filter(|&at| now < at);
        let none = BTreeSet::new();
        let due = self.vigil.beats.due(now);
        due.iter().for_each(|hub| self.vigil.beats.remove(hub));
        let is_offline = |hub: &&HubId| self.board.hubs.get(*hub).is_some_and(|it| is_offline(it));
        let connected: Vec<_> = due.iter().filter(|it| !is_offline(it)).collect();
        let mut signs: Vec<_> =
            connected.iter().flat_map(|hub| self.receipts(now, hub, &none)).collect();
        self.vigil.note_beats(now, self.settings.watch, connected);
        signs.extend(self.ask_for_gaps(now));
        Ok(signs)
    }

    /// Raises or ends the alarm about a log that was damaged, by whether its copies are there.
    pub(super) fn tell_damage(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let kind = Kind::DatabaseDamaged;
        let told = self.board.alarms.find(kind, None);
        let alarm = match (self.store.has_damaged_copies(), told) {
            (true, None) => Alarm { kind, hub: None, since: now, began_at: now, ended_at: None },
            (false, Some(told)) => told.ended(now),
            (true, Some(_)) | (false, None) => return Ok(()),
        };
        self.note(vec![alarm])
    }

    /// Keeps how alarms stand, and shows it.
    pub(super) fn note(&mut self, alarms: Vec<Alarm>) -> Result<(), StoreError> {
        if alarms.is_empty() {
            return Ok(());
        }
        self.store.note_alarms(&alarms)?;
        self.show(alarms);
        Ok(())
    }

    /// Shows alarms that were kept.
    pub(super) fn show(&mut self, alarms: Vec<Alarm>) {
        for alarm in alarms {
            let (kind, hub) =
                (alarm.kind.as_str(), alarm.hub.as_ref().map(tracing::field::display));
            if alarm.ended_at.is_none() {
                tracing::warn!(kind, hub, "alarm raised");
            } else {
                tracing::info!(kind, hub, "alarm over");
            }
            Arc::make_mut(&mut self.board.alarms).take(alarm);
        }
    }
}

/// Whether the hub or its last will said that it is not connected.
fn is_offline(home: &Home) -> bool {
    home.presence.is_some_and(|it| !it.is_online)
}

/// The place of `hub` in an interval, so that a thousand hubs do not get their signs at once.
fn phase(hub: &HubId, interval: Duration) -> Duration {
    let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    let place = u64::from(crc32fast::hash(hub.as_str().as_bytes()));
    Duration::from_millis(place.checked_rem(interval_ms).unwrap_or(0))
}

#[cfg(test)]
pub(super) mod tests;
