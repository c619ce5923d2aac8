#![expect(clippy::unwrap_in_result, reason = "a rig that fails is no verdict")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use vitals::LocalInstant;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::v1::VERSION;

use super::*;
use crate::clock::Clock;

const START: &str = "2026-03-01T00:00:00Z";

/// Room for about 1,000 records, of which 700 stay where the agency holds them all.
const SMALL: Upkeep = Upkeep {
    keep: SignedDuration::from_hours(90 * 24),
    max_bytes: 512 * 1024,
    scrub_every: SignedDuration::from_hours(24),
};

/// What can happen to a ledger.
#[derive(Debug, Clone)]
enum Act {
    Append {
        lane: u8,
        n_records: u16,
    },
    /// An alert that stays open, standing on the record before it.
    RaiseAlert,
    EndAlerts,
    /// The broker takes everything that there is, which promises nothing.
    Publish,
    /// The agency holds this share of all records, in percent, but not the first in `gaps`.
    Receipt {
        percent: u64,
        gaps: u64,
    },
    Wait {
        days: u8,
    },
    Remove,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0_u8..3, 1_u16..300).prop_map(|(lane, n_records)| Act::Append { lane, n_records }),
        1 => Just(Act::RaiseAlert),
        1 => Just(Act::EndAlerts),
        2 => Just(Act::Publish),
        2 => (0_u64..=100, 0_u64..4).prop_map(|(percent, gaps)| Act::Receipt { percent, gaps }),
        1 => (0_u8..60).prop_map(|days| Act::Wait { days }),
        3 => Just(Act::Remove),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..40)
}

/// A ledger, and what must be true of it.
struct World {
    _directory: TempDir,
    path: PathBuf,
    store: Option<Store>,
    now: Timestamp,
    recorded: BTreeMap<Sequence, Timestamp>,
    gone: BTreeSet<Sequence>,
    published: SequenceRanges,
    held: SequenceRanges,
    /// Number of each open alert, and of the record that it stands on.
    open: BTreeMap<Sequence, Sequence>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.db");
        let mut store = Store::open(&path).unwrap();
        store.upkeep = SMALL;
        Self {
            _directory: directory,
            path,
            store: Some(store),
            now: START.parse().unwrap(),
            recorded: BTreeMap::new(),
            gone: BTreeSet::new(),
            published: SequenceRanges::new(),
            held: SequenceRanges::new(),
            open: BTreeMap::new(),
        }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    /// Records one of each lane, the last of which may be an alert that stays open.
    fn append(&mut self, lanes: &[Lane], is_open: bool) -> Result<(), String> {
        let now = self.now;
        let first = u64::try_from(self.recorded.len()).unwrap() + 1;
        let mut ledger = self.store().begin().unwrap();
        for lane in lanes {
            let payload = envelope(ledger.next_seq(), now);
            ledger.append(*lane, &payload).unwrap();
        }
        let last = ledger.next_seq() - 1;
        if is_open {
            let id = ledger.key(last);
            ledger.keep_open(id, b"the last transition").unwrap();
        }
        match ledger.commit() {
            Ok(()) => {}
            Err(StoreError::Full { .. }) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        if last + 1 != first + u64::try_from(lanes.len()).unwrap() {
            return Err(format!("number {last} was given where {first} was the next"));
        }
        self.recorded.extend((first..=last).map(|it| (it, now)));
        if is_open {
            self.open.insert(last, last - 1);
        }
        Ok(())
    }

    /// Removes what may go; `believes_broker` is the mistake of taking a PUBACK for a receipt.
    fn remove(&mut self, believes_broker: bool) -> Result<(), String> {
        let held = if believes_broker { self.published.clone() } else { self.held.clone() };
        let needed: BTreeSet<_> = self.open.values().copied().collect();
        let before = self.now - SMALL.keep;
        let had_room =
            PageBytes::of(&self.store().connection).unwrap().used <= SMALL.purge_from_bytes();
        let removal = Removal { held: &held, needed: &needed, before, is_pressed: false };
        while 0 < self.store().remove_oldest(&removal).map_err(|it| it.to_string())? {}

        let mut newly_gone = BTreeSet::new();
        for seq in self.recorded.keys().filter(|it| !self.gone.contains(it)) {
            if self.store.as_ref().unwrap().record(*seq).map_err(|it| it.to_string())?.is_none() {
                newly_gone.insert(*seq);
            }
        }
        if let Some(young) = newly_gone.iter().find(|it| had_room && before <= self.recorded[it]) {
            return Err(format!("record {young} had to go though it is young and there is room"));
        }
        let last = self.recorded.last_key_value().map_or(0, |it| *it.0);
        let may_go = |it: &Sequence| {
            let is_needed = self.open.contains_key(it) || needed.contains(it);
            self.held.contains(*it) && !is_needed && *it != last
        };
        let kept = self
            .recorded
            .keys()
            .find(|it| may_go(it) && !self.gone.contains(it) && !newly_gone.contains(it));
        let verdict = match (kept, newly_gone.last()) {
            (Some(kept), Some(gone)) if kept < gone => {
                Err(format!("record {gone} went before the older {kept}"))
            }
            _order_is_right => Ok(()),
        };
        self.gone.append(&mut newly_gone);
        verdict
    }

    fn act(&mut self, act: &Act, believes_broker: bool) -> Result<(), String> {
        let last = self.store().last_seq();
        match act {
            Act::Append { lane, n_records } => {
                let lane = Lane::ALL[usize::from(*lane)];
                self.append(&vec![lane; usize::from(*n_records)], false)?;
            }
            Act::RaiseAlert => {
                self.append(&[Lane::Reading, Lane::Alert], true)?;
            }
            Act::EndAlerts => {
                let open = std::mem::take(&mut self.open);
                let now = self.now;
                let mut ledger = self.store().begin().unwrap();
                let payload = envelope(ledger.next_seq(), now);
                let seq = ledger.append(Lane::Alert, &payload).unwrap();
                open.keys().for_each(|it| ledger.end_alert(ledger.key(*it)).unwrap());
                ledger.commit().unwrap();
                self.recorded.insert(seq, now);
            }
            Act::Publish => self.published.insert(1..=last),
            Act::Receipt { percent, gaps } => {
                let (first, upto) = (self.held.max().unwrap_or(0) + 1 + gaps, last * percent / 100);
                self.held.insert(first..=upto);
                self.published.insert(first..=upto);
                let held = self.held.clone();
                self.store().note_held(&held).unwrap();
            }
            Act::Wait { days } => self.now += SignedDuration::from_hours(i64::from(*days) * 24),
            Act::Remove => self.remove(believes_broker)?,
            Act::Restart => {
                drop(self.store.take());
                self.store = Some(Store::open(&self.path).map_err(|it| it.to_string())?);
                self.store().upkeep = SMALL;
                if self.store().held().unwrap() != self.held {
                    return Err("a restart forgot what the agency holds".to_owned());
                }
            }
        }
        self.check()
    }

    fn check(&mut self) -> Result<(), String> {
        let n_recorded = u64::try_from(self.recorded.len()).unwrap();
        let last = self.store().last_seq();
        if last != n_recorded {
            return Err(format!("{last} is the last number after {n_recorded} records"));
        }
        if let Some(lost) = self.gone.iter().find(|it| !self.held.contains(**it)) {
            return Err(format!("record {lost} is gone, and the agency does not hold it"));
        }
        let open = self.store().open_alerts().map_err(|it| it.to_string())?;
        let open: Vec<_> = open.iter().map(|it| it.id.number).collect();
        if open != self.open.keys().copied().collect::<Vec<_>>() {
            return Err(format!("open alerts {open:?} instead of {:?}", self.open));
        }
        match self.open.values().find(|it| self.gone.contains(it)) {
            Some(lost) => Err(format!("record {lost} is gone, and an open alert stands on it")),
            None => Ok(()),
        }
    }
}

fn envelope(seq: Sequence, at: Timestamp) -> Vec<u8> {
    let envelope = Envelope {
        v: VERSION,
        epoch: Bytes(vec![7; 8]),
        seq,
        hub: "a hub whose name is as long as the rest of a reading is ".repeat(6),
        recorded_at: Time(LocalInstant::utc(at)),
    };
    canonical::encode(&envelope).unwrap()
}

fn live(acts: &[Act], believes_broker: bool) -> Result<(), String> {
    let mut world = World::new();
    acts.iter().try_for_each(|it| world.act(it, believes_broker))
}

proptest! {
    #![proptest_config(Config { cases: 32, ..Config::default() })]

    #[test]
    fn only_what_the_agency_holds_is_removed_and_the_oldest_first(acts in acts()) {
        live(&acts, false).map_err(TestCaseError::fail)?;
    }
}

/// The control: a ledger that takes a PUBACK for a receipt does not pass.
#[test]
fn removing_what_only_the_broker_took_is_noticed() {
    let config =
        Config { cases: 32, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let verdict = runner.run(&acts(), |acts| live(&acts, true).map_err(TestCaseError::fail));
    let failure = verdict.unwrap_err().to_string();
    assert!(failure.contains("is gone, and the agency does not hold it"), "{failure}");
}

/// A ledger with `n` records that were recorded at once.
fn filled(n: u64) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("ledger.db")).unwrap();
    let mut ledger = store.begin().unwrap();
    for seq in 1..=n {
        ledger.append(Lane::Reading, &envelope(seq, START.parse().unwrap())).unwrap();
    }
    ledger.commit().unwrap();
    (directory, store)
}

fn upto(last: Sequence) -> SequenceRanges {
    let mut ranges = SequenceRanges::new();
    ranges.insert(1..=last);
    ranges
}

/// The measurement of `docs/reliability.md`; the bound is one that no machine misses.
#[test]
fn ten_thousand_records_go_in_short_steps() {
    let (_directory, mut store) = filled(10_001);
    let held = upto(10_001);
    let removal = Removal {
        held: &held,
        needed: &BTreeSet::new(),
        before: Timestamp::MAX,
        is_pressed: false,
    };
    let clock = Clock::start().unwrap();
    let mut steps = Vec::new();
    loop {
        let began = clock.now().since_boot;
        let n = store.remove_oldest(&removal).unwrap();
        steps.push(clock.now().since_boot.saturating_sub(began));
        if n == 0 {
            break;
        }
    }
    let (longest, all) = (steps.iter().max().unwrap(), steps.iter().sum::<std::time::Duration>());
    println!("10,000 records removed in {all:?}, {} steps, the longest {longest:?}", steps.len());
    assert!(longest.as_millis() < 1000);
    assert_eq!((store.oldest().unwrap().unwrap().seq, store.last_seq()), (10_001, 10_001));
    // Their pages take the next records.
    let before = store.size_bytes().unwrap();
    let mut ledger = store.begin().unwrap();
    for _ in 0..9_000 {
        let payload = envelope(ledger.next_seq(), START.parse().unwrap());
        ledger.append(Lane::Reading, &payload).unwrap();
    }
    ledger.commit().unwrap();
    assert!(store.size_bytes().unwrap() <= before + 64 * 1024);
}

#[test]
fn on_a_full_disk_only_so_much_goes_as_is_needed() {
    let (_directory, mut store) = filled(10_000);
    let (held, needed) = (upto(10_000), BTreeSet::new());
    let removal =
        Removal { held: &held, needed: &needed, before: Timestamp::MIN, is_pressed: false };
    assert_eq!(store.remove_oldest(&removal).unwrap(), 0);
    let pressed = Removal { is_pressed: true, ..removal };
    while 0 < store.remove_oldest(&pressed).unwrap() {}
    let free_bytes = store.usage().unwrap().free_bytes;
    assert!((FREE_WANTED_BYTES..FREE_WANTED_BYTES * 2).contains(&free_bytes), "{free_bytes}");
    assert!(store.oldest().unwrap().unwrap().seq < 5_000);
}

#[test]
fn readings_are_refused_before_alerts_are() {
    let (_directory, mut store) = filled(0);
    let max_bytes = 256 * 1024;
    store.upkeep = Upkeep { max_bytes, ..SMALL };
    let pages = i64::try_from(max_bytes / 1024).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let append = |store: &mut Store, lane| {
        let mut ledger = store.begin()?;
        let payload = envelope(ledger.next_seq(), Timestamp::MIN);
        ledger.append(lane, &payload)?;
        ledger.commit()
    };
    let fill = |store: &mut Store, lane| {
        let is_full = |it| matches!(it, Err(StoreError::Full { .. }));
        (0..10_000).take_while(|_| !is_full(append(store, lane))).count()
    };
    assert!(300 < fill(&mut store, Lane::Reading));
    assert!(fill(&mut store, Lane::Event) < 3);
    let last = store.last_seq();
    let n_alerts = fill(&mut store, Lane::Alert);
    assert!(8 < n_alerts, "{n_alerts} alerts in the reserve");
    assert_eq!(store.last_seq(), last + u64::try_from(n_alerts).unwrap());
    assert!(store.usage().unwrap().used_bytes <= max_bytes);
    // What makes room is possible with nothing left, and then readings are taken again.
    let held = upto(last);
    store.note_held(&held).unwrap();
    let removal = Removal {
        held: &held,
        needed: &BTreeSet::new(),
        before: Timestamp::MIN,
        is_pressed: false,
    };
    while 0 < store.remove_oldest(&removal).unwrap() {}
    assert!(50 < fill(&mut store, Lane::Reading));
}

#[test]
fn content_is_remembered_longer_than_its_record_and_not_for_ever() {
    let (_directory, mut store) = filled(20);
    let ledger = store.begin().unwrap();
    for seq in 1..=20_u8 {
        ledger.remember_content(&[seq], seq.into()).unwrap();
    }
    ledger.commit().unwrap();
    // Their records are all here.
    assert_eq!(store.forget_contents_beyond(5).unwrap(), 0);
    let held = upto(20);
    let removal = Removal {
        held: &held,
        needed: &BTreeSet::new(),
        before: Timestamp::MAX,
        is_pressed: false,
    };
    assert_eq!(store.remove_oldest(&removal).unwrap(), 19);
    let knows = |store: &mut Store, n: u8| store.begin().unwrap().knows_content(&[n]).unwrap();
    assert!(knows(&mut store, 1));
    assert_eq!(store.forget_contents_beyond(5).unwrap(), 15);
    assert_eq!(store.forget_contents_beyond(5).unwrap(), 0);
    assert!(!knows(&mut store, 15) && knows(&mut store, 16));
}
