//! One deadline for each hub, the earliest at hand: a thousand hubs cost no search.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use vitals::HubId;

/// At most one deadline for each hub.
#[derive(Debug, Clone, Default)]
pub(super) struct Deadlines {
    by_hub: BTreeMap<HubId, Timestamp>,
    in_order: BTreeSet<(Timestamp, HubId)>,
}

impl Deadlines {
    /// Gives `hub` the deadline `at`, in place of the one that it had.
    pub(super) fn set(&mut self, hub: &HubId, at: Timestamp) {
        self.remove(hub);
        self.by_hub.insert(hub.clone(), at);
        self.in_order.insert((at, hub.clone()));
    }

    /// Takes the deadline of `hub` away.
    pub(super) fn remove(&mut self, hub: &HubId) {
        if let Some(at) = self.by_hub.remove(hub) {
            self.in_order.remove(&(at, hub.clone()));
        }
    }

    /// Takes every deadline away.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether `hub` has a deadline.
    pub(super) fn contains(&self, hub: &HubId) -> bool {
        self.by_hub.contains_key(hub)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.in_order.first().map(|(at, _hub)| *at)
    }

    /// The hubs whose deadline has come, the earliest first.
    pub(super) fn due(&self, now: Timestamp) -> Vec<HubId> {
        let due = self.in_order.iter().take_while(|(at, _hub)| *at <= now);
        due.map(|(_at, hub)| hub.clone()).collect()
    }

    /// Brings deadlines that are later than `latest` forward to it.
    pub(super) fn cap(&mut self, latest: Timestamp) {
        let late: Vec<_> =
            self.in_order.iter().rev().take_while(|(at, _hub)| latest < *at).cloned().collect();
        for (_at, hub) in late {
            self.set(&hub, latest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hub(number: u8) -> HubId {
        format!("hub-{number}").parse().unwrap()
    }

    #[test]
    fn a_hub_has_one_deadline_and_the_earliest_comes_first() {
        let mut deadlines = Deadlines::default();
        deadlines.set(&hub(1), at(10));
        deadlines.set(&hub(2), at(5));
        deadlines.set(&hub(2), at(20));
        assert_eq!(deadlines.next(), Some(at(10)));
        assert_eq!(deadlines.due(at(9)), []);
        assert_eq!(deadlines.due(at(20)), [hub(1), hub(2)]);
        deadlines.remove(&hub(1));
        assert_eq!(deadlines.next(), Some(at(20)));
    }

    #[test]
    fn deadlines_that_are_too_late_come_forward() {
        let mut deadlines = Deadlines::default();
        deadlines.set(&hub(1), at(10));
        deadlines.set(&hub(2), at(500));
        deadlines.cap(at(60));
        assert_eq!(deadlines.due(at(60)), [hub(1), hub(2)]);
    }
}
