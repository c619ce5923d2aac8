//! Alarms of the station itself: what it noticed about a home or about its own connection.
//!
//! An alarm is not an alert: no hub raised it, nobody acknowledges it, and it ends by itself when
//! what it says is no longer so.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;

use jiff::Timestamp;
use vitals::HubId;
use vitals::alert::UnknownWord;

/// Ended alarms that are kept in memory.
pub(crate) const ENDED_ALARMS: u8 = 20;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The station cannot reach the broker: every home is silent for this one reason.
    BrokerUnreachable,
    /// A hub that was heard before says nothing any more.
    HubSilent,
    /// The daily test alarm of a hub did not arrive.
    NoTestAlarm,
    /// A hub has other open alerts than the station shows, though all of its records are here.
    AlertsDiffer,
    /// The log of the station's database was damaged; the copies are still beside it.
    DatabaseDamaged,
}

impl Kind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::BrokerUnreachable,
        Self::HubSilent,
        Self::NoTestAlarm,
        Self::AlertsDiffer,
        Self::DatabaseDamaged,
    ];

    /// The word in the database and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrokerUnreachable => "broker-unreachable",
            Self::HubSilent => "hub-silent",
            Self::NoTestAlarm => "no-test-alarm",
            Self::AlertsDiffer => "alerts-differ",
            Self::DatabaseDamaged => "database-damaged",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or_else(|| UnknownWord {
            word: text.to_owned(),
            known: Self::ALL.iter().map(|it| it.as_str()).collect(),
        })
    }
}

/// One alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong.
    pub kind: Kind,
    /// The home that it is about; `None` where it is about the station.
    pub hub: Option<HubId>,
    /// Since when it is so, which is earlier than when it was noticed.
    pub since: Timestamp,
    /// When the station noticed it.
    pub began_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Alarm {
    /// The alarm after its end at `now`.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Self {
        Self { ended_at: Some(now), ..self.clone() }
    }
}

/// The alarms that stand, and the ones that ended last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    open: BTreeMap<(Kind, Option<HubId>), Alarm>,
    /// Newest first.
    ended: VecDeque<Alarm>,
}

impl Alarms {
    /// The alarms in the order in which they were noted.
    #[must_use]
    pub fn of(alarms: Vec<Alarm>) -> Self {
        let mut all = Self::default();
        alarms.into_iter().for_each(|it| all.take(it));
        all
    }

    /// Takes in how an alarm stands; one kind is open once for each home.
    pub fn take(&mut self, alarm: Alarm) {
        let key = (alarm.kind, alarm.hub.clone());
        if alarm.ended_at.is_none() {
            self.open.insert(key, alarm);
            return;
        }
        self.open.remove(&key);
        self.ended.push_front(alarm);
        self.ended.truncate(ENDED_ALARMS.into());
    }

    /// The open alarm of this kind about `hub`.
    #[must_use]
    pub fn find(&self, kind: Kind, hub: Option<&HubId>) -> Option<&Alarm> {
        self.open.get(&(kind, hub.cloned()))
    }

    /// The open alarms, by kind and home.
    pub fn open(&self) -> impl Iterator<Item = &Alarm> {
        self.open.values()
    }

    /// The alarms that ended last, newest first.
    pub fn ended(&self) -> impl Iterator<Item = &Alarm> {
        self.ended.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(second: i64) -> Alarm {
        let at = Timestamp::from_second(1_780_000_000 + second).unwrap();
        let hub = Some("hub-1".parse().unwrap());
        Alarm { kind: Kind::HubSilent, hub, since: at, began_at: at, ended_at: None }
    }

    #[test]
    fn one_kind_is_open_once_for_a_home_and_ends_once() {
        let mut alarms = Alarms::of(vec![alarm(1)]);
        assert_eq!(alarms.open().count(), 1);
        alarms.take(alarm(1).ended(alarm(9).began_at));
        assert_eq!((alarms.open().count(), alarms.ended().count()), (0, 1));
    }

    #[test]
    fn only_the_last_ended_ones_are_kept() {
        let ended = (0..30).map(|it| alarm(it).ended(alarm(it).began_at)).collect();
        let alarms = Alarms::of(ended);
        assert_eq!(alarms.ended().count(), usize::from(ENDED_ALARMS));
        assert_eq!(alarms.ended().next().unwrap().began_at, alarm(29).began_at);
    }

    #[test]
    fn every_kind_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }
}
