//! One hub: whether it is connected, when it last spoke, and what is held of its ledgers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use vitals::wire::v1::{self, Health, Status};
use vitals::{Epoch, LocalInstant, Sequence, SequenceRanges};

use crate::store::HubHolding;

/// A last will that names a connection so much older than the present one is of an earlier one.
const WILL_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// One hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Home {
    /// Whether it is connected; `None` until it said so.
    pub presence: Option<Presence>,
    /// When it last spoke itself.
    pub last_heard: Option<Timestamp>,
    /// Its latest health snapshot.
    pub health: Option<Health>,
    /// When the station first heard it.
    pub known_from: Option<Timestamp>,
    /// When its last test alarm arrived.
    pub test_alarm: Option<Timestamp>,
    /// Since when records are missing between those that are held.
    pub gap_since: Option<Timestamp>,
    /// When the station asked for them last, and how often.
    pub requests: Option<(Timestamp, u32)>,
    /// The numbers held of each epoch, in the order in which the epochs appeared.
    pub ledgers: Vec<(Epoch, SequenceRanges)>,
    /// The numbers under which two records came, the first of which is held.
    pub contested: BTreeMap<Epoch, SequenceRanges>,
}

/// Whether a hub is connected, as it or its last will said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Whether the connection stands.
    pub is_online: bool,
    /// When the connection began that says so.
    pub since: LocalInstant,
}

impl Home {
    /// The hub as the database knows it.
    #[must_use]
    pub fn from_holding(holding: HubHolding) -> Self {
        let mut home = Self {
            presence: None,
            last_heard: holding.last_heard,
            health: holding.health,
            known_from: holding.known_from,
            test_alarm: holding.test_alarm,
            gap_since: holding.gap_since,
            requests: None,
            ledgers: holding.ledgers,
            contested: holding.contested,
        };
        if let Some(status) = &holding.status {
            home.greet(status);
        }
        home
    }

    /// Takes in a status, and says whether the hub is online by it.
    ///
    /// The last will of an earlier connection can arrive after the hub is back. It is recognised by
    /// the age of its connection; in doubt a hub counts as offline.
    pub fn greet(&mut self, status: &Status) -> bool {
        let is_online = status.state == v1::Presence::Online.as_str();
        let since = status.since.0;
        let is_of_an_earlier_connection = self.presence.is_some_and(|present| {
            let latest = since.at.saturating_add(WILL_TOLERANCE).unwrap_or(Timestamp::MAX);
            present.is_online && latest < present.since.at
        });
        if is_online || !is_of_an_earlier_connection {
            self.presence = Some(Presence { is_online, since });
        }
        is_online
    }

    /// Notes that the hub itself spoke at `now`.
    pub fn hear(&mut self, now: Timestamp) {
        self.known_from.get_or_insert(now);
        self.last_heard = Some(now);
    }

    /// Notes that the station holds `seq` of `epoch`.
    pub fn hold(&mut self, epoch: Epoch, seq: Sequence) {
        match self.ledgers.iter_mut().find(|(it, _held)| *it == epoch) {
            Some((_epoch, held)) => held.insert(seq..=seq),
            None => {
                let mut held = SequenceRanges::new();
                held.insert(seq..=seq);
                self.ledgers.push((epoch, held));
            }
        }
    }

    /// Notes that another record than the one that is held came under `seq` of `epoch`.
    pub fn contest(&mut self, epoch: Epoch, seq: Sequence) {
        self.contested.entry(epoch).or_default().insert(seq..=seq);
    }

    /// Notes that the hub has the record that is held under `seq` of `epoch`.
    pub fn settle(&mut self, epoch: Epoch, seq: Sequence) {
        if let Some(contested) = self.contested.get_mut(&epoch) {
            contested.remove(seq..=seq);
        }
    }

    /// What is held of the epoch that the hub is in, as it said last, else of the newest.
    ///
    /// A hub that loses power while its ledger is in memory goes on in an epoch of before.
    #[must_use]
    pub fn present(&self) -> Option<&(Epoch, SequenceRanges)> {
        let epoch = self.health.as_ref().map(|it| it.epoch.0.as_slice());
        let told = self.ledgers.iter().find(|(it, _held)| epoch == Some(it.0.as_slice()));
        told.or_else(|| self.ledgers.last())
    }

    /// First and last of each range that is missing below the highest number of the present epoch.
    #[must_use]
    pub fn gaps(&self) -> Vec<(Sequence, Sequence)> {
        let Some((_epoch, held)) = self.present() else { return Vec::new() };
        held.gaps(held.max().unwrap_or(0)).map(std::ops::RangeInclusive::into_inner).collect()
    }

    /// Whether records are missing between those that are held of the present epoch.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        let held = self.present().map(|(_epoch, held)| held);
        held.is_some_and(|it| it.gaps(it.max().unwrap_or(0)).next().is_some())
    }

    /// How many records are missing there.
    #[must_use]
    pub fn n_missing(&self) -> u64 {
        let len =
            |&(first, last): &(Sequence, Sequence)| last.saturating_sub(first).saturating_add(1);
        self.gaps().iter().map(len).fold(0, u64::saturating_add)
    }

    /// Whether nothing came from it in the time `limit` before `now`.
    #[must_use]
    pub fn is_silent(&self, now: Timestamp, limit: SignedDuration) -> bool {
        self.last_heard.is_none_or(|at| limit < now.duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn status(state: &str, since: &str) -> Status {
        let since = sample::time(since);
        Status { v: 1, hub: "hub-1".to_owned(), state: state.to_owned(), since }
    }

    fn is_online(home: &Home) -> Option<bool> {
        home.presence.map(|it| it.is_online)
    }

    #[test]
    fn the_will_of_an_earlier_connection_does_not_hide_a_hub_that_is_back() {
        let mut home = Home::default();
        home.greet(&status("online", "2026-03-01T08:00:00Z"));
        home.greet(&status("online", "2026-03-01T09:30:00Z"));
        home.greet(&status("offline", "2026-03-01T08:00:00Z"));
        assert_eq!(is_online(&home), Some(true));
        home.greet(&status("offline", "2026-03-01T09:29:59Z"));
        assert_eq!(is_online(&home), Some(false));
    }

    #[test]
    fn a_hub_whose_clock_was_set_back_is_online() {
        let mut home = Home::default();
        home.greet(&status("online", "2026-03-01T08:00:00Z"));
        home.greet(&status("online", "2020-01-01T00:00:00Z"));
        home.greet(&status("offline", "2020-01-01T00:00:00Z"));
        assert_eq!(is_online(&home), Some(false));
    }

    #[test]
    fn gaps_are_those_of_the_newest_epoch() {
        let mut home = Home::default();
        home.hold(Epoch([1; 8]), 9);
        home.hold(Epoch([2; 8]), 1);
        home.hold(Epoch([2; 8]), 5);
        assert_eq!(home.gaps(), [(2, 4)]);
    }

    #[test]
    fn what_a_hub_lost_with_its_memory_is_no_gap_once_it_is_in_its_file_again() {
        let mut home = Home::default();
        home.hold(sample::EPOCH, 1);
        home.hold(Epoch([2; 8]), 3);
        assert_eq!(home.gaps(), [(1, 2)]);
        home.health = Some(sample::health(1));
        assert_eq!((home.gaps(), home.has_gap()), (Vec::new(), false));
    }
}
