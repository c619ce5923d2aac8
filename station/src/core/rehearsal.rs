//! The daily test alarms of the hubs: answered by the station itself, and missed when none comes.
//!
//! A hub raises one each day. No nurse sees it; the station signs an acknowledgement, which ends it.
//! One that does not come from a hub that is heard means that an alert would not come either.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use vitals::{AlertId, HubId};

use super::{Publication, Station};
use crate::alarm::{Alarm, Kind};
use crate::board::Episode;
use crate::order::{Aim, Deed, Progress, Wish};
use crate::store::StoreError;

/// Who answers test alarms.
const ANSWERS_TEST_ALARMS: &str = "vitalstation";

/// A hub makes its test alarm after 25 h at the latest.
const MISSED_AFTER: SignedDuration = SignedDuration::from_hours(26);

/// What a hub that was away may take to make up for a test alarm.
const MAKE_UP_MAX: SignedDuration = SignedDuration::from_hours(1);

impl Station {
    /// Expects the test alarm of `hub`, which is heard since `now` or since before.
    pub(super) fn expect_test_alarm(&mut self, now: Timestamp, hub: &HubId) {
        let is_told = self.board.alarms.find(Kind::NoTestAlarm, Some(hub)).is_some();
        let Some(home) = self.board.hubs.get(hub).filter(|_home| !is_told) else { return };
        let latest = home.test_alarm.or(home.known_from).unwrap_or(now);
        let plus = |at: Timestamp, by| at.saturating_add(by).unwrap_or(Timestamp::MAX);
        let due = plus(latest.min(now), MISSED_AFTER).max(plus(now, MAKE_UP_MAX));
        self.vigil.test_alarms.set(hub, due);
    }

    /// Notes which test alarms came, for hubs that were heard.
    pub(super) fn note_test_alarms(
        &mut self,
        now: Timestamp,
        spoken: &BTreeSet<HubId>,
    ) -> Result<(), StoreError> {
        let mut over = Vec::new();
        for hub in spoken {
            let arrived = self.board.hubs.get(hub).and_then(|it| it.test_alarm);
            let told = self.board.alarms.find(Kind::NoTestAlarm, Some(hub));
            over.extend(told.filter(|it| Some(it.began_at) < arrived).map(|it| it.ended(now)));
        }
        self.note(over)?;
        for hub in spoken {
            let arrived = self.board.hubs.get(hub).and_then(|it| it.test_alarm);
            if arrived == Some(now) || !self.vigil.test_alarms.contains(hub) {
                self.expect_test_alarm(now, hub);
            }
        }
        Ok(())
    }

    /// The alarms about hubs whose test alarm did not come.
    pub(super) fn missed_test_alarms(&self, now: Timestamp) -> Vec<Alarm> {
        let alarm = |hub: HubId| {
            let home = self.board.hubs.get(&hub);
            let since = home.and_then(|it| it.test_alarm.or(it.known_from)).unwrap_or(now);
            let (kind, hub) = (Kind::NoTestAlarm, Some(hub));
            Alarm { kind, hub, since, began_at: now, ended_at: None }
        };
        self.vigil.test_alarms.due(now).into_iter().map(alarm).collect()
    }

    /// Answers the open test alarms that are `wanted` and have no answer on its way.
    pub(super) fn answer_test_alarms(
        &mut self,
        now: Timestamp,
        wanted: impl Fn(&(HubId, AlertId)) -> bool,
    ) -> Result<Vec<Publication>, StoreError> {
        let is_answered =
            |it: &Episode| it.orders.iter().any(|it| it.progress == Progress::OnItsWay);
        let waits = |it: &Episode| it.is_test_alarm() && it.waits_for_a_nurse() && !is_answered(it);
        let alerts = self.board.alerts.iter();
        let waiting = alerts.filter(|(key, it)| wanted(key) && waits(it));
        let waiting: Vec<_> = waiting.map(|(key, _episode)| key.clone()).collect();
        let mut publications = Vec::new();
        for (hub, alert) in waiting {
            let id = format!("test-alarm-{alert}-{}", now.as_millisecond());
            let by = ANSWERS_TEST_ALARMS.to_owned();
            let wish = Wish { hub, aim: Aim::Alert(alert, Deed::Acknowledge), by, note: None };
            publications.extend(self.ask(now, id, wish)?.publications);
        }
        Ok(publications)
    }
}

#[cfg(test)]
mod tests;
