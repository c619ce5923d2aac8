#![expect(clippy::unwrap_in_result, reason = "a rig that fails is no verdict")]

use vitals::wire::canonical;
use vitals::wire::primitive::Bytes;
use vitals::wire::v1::{self, VERSION};

use super::super::tests::{settings, stamp};
use super::super::{Event, HubSettings, LinkEvent, SequenceRanges, Watch};
use super::*;
use crate::device::catalogue::sig_uuid;
use crate::link::{Frame, Source};
use crate::store::{Lane, Store, Upkeep};

/// The budget of a small ledger.
const SMALL_BYTES: u64 = 512 * 1024;

struct Home {
    _directory: tempfile::TempDir,
    hub: Hub,
    seconds: u64,
    n_measured: u64,
}

impl Home {
    fn small() -> Self {
        Self::with_budget(SMALL_BYTES)
    }

    fn with_budget(max_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(&directory.path().join("ledger.db")).unwrap();
        store.keep_within(Upkeep { max_bytes, ..Upkeep::default() }).unwrap();
        // Neither a silent agency nor a test alarm writes into the room that is measured here.
        let (agency_silence_limit, test_alarm_after) = (Duration::MAX, Duration::MAX);
        let watch = Watch { agency_silence_limit, test_alarm_after, ..Watch::default() };
        let hub = Hub::new(HubSettings { watch, ..settings() }, store, stamp(0)).unwrap();
        Self { _directory: directory, hub, seconds: 0, n_measured: 0 }
    }

    fn step(&mut self, event: Event) -> Result<(), HubError> {
        self.seconds += 1;
        self.hub.step(stamp(self.seconds), event)
    }

    /// A blood pressure that the cuff measured at a time of its own.
    fn measure(&mut self, systolic: u8) -> Result<(), HubError> {
        self.n_measured += 1;
        let at = |divisor: u64, modulus: u64| u8::try_from(self.n_measured / divisor % modulus);
        let (day, hour) = (at(86_400, 12).unwrap() + 16, at(3600, 24).unwrap());
        let (minute, second) = (at(60, 60).unwrap(), at(1, 60).unwrap());
        let bytes = vec![
            0x16, systolic, 0, 0x50, 0, 0x66, 0, 0xE1, 0x07, 1, day, hour, minute, second, 0x40, 0,
            0, 0,
        ];
        let received = stamp(self.seconds + 1);
        let source = Source::Characteristic(sig_uuid(0x2A35));
        let frame = Frame { device: "cuff".parse().unwrap(), source, bytes, received };
        self.step(Event::Link(LinkEvent::Frame(frame)))
    }

    /// Measures until there is no room; how many were recorded.
    fn fill(&mut self) -> u64 {
        let before = self.hub.ledger().last_seq;
        loop {
            match self.measure(120) {
                Ok(()) => {}
                Err(HubError::Store(StoreError::Full { .. })) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.hub.ledger().last_seq - before
    }

    /// The agency holds everything.
    fn receipt(&mut self) {
        let receipt = v1::Receipt {
            v: VERSION,
            hub: "hub-1".to_owned(),
            epoch: Bytes(self.hub.store.epoch().0.to_vec()),
            high_water: self.hub.ledger().last_seq,
            missing: vec![],
            issued_at: vitals::wire::primitive::Time(vitals::LocalInstant::utc(stamp(0).wall)),
            checksum: None,
            contested: vec![],
        };
        self.step(Event::Receipt(canonical::encode(&receipt).unwrap())).unwrap();
    }

    /// Lets the time pass until nothing is due any more.
    fn pass(&mut self, wait: Duration) {
        self.seconds += wait.as_secs();
        while self.hub.next_wait(stamp(self.seconds)).unwrap().is_zero() {
            self.hub.step(stamp(self.seconds), Event::Deadline).unwrap();
        }
    }

    fn alerts(&self) -> Vec<(String, String, String)> {
        let nothing = SequenceRanges::new();
        let records = self.hub.pending(Lane::Alert, 0, &nothing, 1000).unwrap();
        let alert = |it: &crate::store::Record| {
            let alert: v1::Alert = canonical::decode(&it.payload).unwrap();
            (alert.rule, alert.state, alert.priority)
        };
        records.iter().map(alert).collect()
    }
}

fn words(rule: &str, state: &str, priority: &str) -> (String, String, String) {
    (rule.to_owned(), state.to_owned(), priority.to_owned())
}

#[test]
fn alerts_are_committed_where_readings_are_refused() {
    let mut home = Home::small();
    let n_recorded = home.fill();
    assert!(200 < n_recorded, "{n_recorded}");
    let last_seq = home.hub.ledger().last_seq;
    // A reading with an alert, and the alarm about the ledger, find room in the reserve.
    home.measure(184).unwrap();
    home.pass(CHECK_EVERY);
    assert_eq!(home.hub.ledger().last_seq, last_seq + 3);
    assert_eq!(
        home.alerts(),
        [
            words("systolic-crisis", "raised", "high"),
            words("storage-nearly-full", "raised", "high"),
        ]
    );
    // So does the reading that clears the alert, and the next one does not.
    home.measure(120).unwrap();
    assert!(home.measure(120).is_err());
    // What the agency holds makes room at once.
    home.receipt();
    home.measure(120).unwrap();
    home.pass(CHECK_EVERY);
    assert_eq!(home.alerts().last().unwrap().1, "cleared");
    assert!(70 < home.fill());
}

#[test]
fn a_ledger_that_fills_is_told_at_80_and_at_95_percent_and_only_once() {
    let mut home = Home::small();
    let mut told = Vec::new();
    let mut told_at_bytes = Vec::new();
    while home.measure(120).is_ok() {
        if home.n_measured.is_multiple_of(5) {
            home.pass(CHECK_EVERY);
        }
        if told.len() < home.alerts().len() {
            told = home.alerts();
            told_at_bytes.push(home.hub.store.usage().unwrap().used_bytes * 100 / SMALL_BYTES);
        }
    }
    let rule = "storage-nearly-full";
    assert_eq!(told, [words(rule, "raised", "medium"), words(rule, "escalated", "high")]);
    assert!(matches!(told_at_bytes[..], [80..=82, 95..=97]), "{told_at_bytes:?}");
}

#[test]
fn old_records_go_with_time_and_those_of_an_open_alert_stay() {
    let mut home = Home::small();
    for _ in 0..100 {
        home.measure(120).unwrap();
    }
    home.measure(184).unwrap();
    for _ in 0..100 {
        home.measure(120).unwrap();
    }
    let day = Duration::from_secs(24 * 60 * 60);
    home.receipt();
    home.pass(day);
    assert_eq!(home.hub.store.oldest().unwrap().unwrap().seq, 1);
    home.pass(day * 90);
    // The crisis and its alert, which waits for a person; the reading that cleared it; and the
    // highest number.
    let kept: Vec<_> =
        (1..=300).filter(|&it| home.hub.store.record(it).unwrap().is_some()).collect();
    assert_eq!(kept, [101, 102, 103, 104, home.hub.ledger().last_seq]);
}

#[test]
fn a_level_stands_until_there_is_a_quarter_more_room() {
    let room = |left_bytes| Room {
        rule: "rule",
        left_bytes,
        little_bytes: 200,
        hardly_any_bytes: 50,
        little: "little",
        hardly_any: "hardly any",
    };
    let check = |left_bytes, told: Option<&str>, expected: Option<&str>| {
        let condition = room(left_bytes).condition(told);
        assert_eq!(condition.map(|it| it.why).as_deref(), expected, "{left_bytes} {told:?}");
    };
    check(201, None, None);
    check(200, None, Some("little"));
    check(250, Some("little"), Some("little"));
    check(251, Some("little"), None);
    check(50, Some("little"), Some("hardly any"));
    check(62, Some("hardly any"), Some("hardly any"));
    check(63, Some("hardly any"), Some("little"));
}

/// The measurement of `docs/reliability.md`.
#[test]
fn thirty_days_at_the_highest_load_fit_into_the_default_budget() {
    let mut home = Home::with_budget(Upkeep::default().max_bytes);
    let empty = home.hub.store.usage().unwrap().used_bytes;
    for _ in 0..500 {
        home.measure(120).unwrap();
    }
    let bytes_each = (home.hub.store.usage().unwrap().used_bytes - empty) / 500;
    // Five streams, a reading every 15 s each, and no agency; no other message is longer.
    let n_records = 5 * 30 * 24 * 60 * 60 / 15;
    let budget = Upkeep::default().max_bytes;
    println!(
        "{bytes_each} bytes a record, {n_records} records, {} MiB",
        n_records * bytes_each / 1024 / 1024
    );
    assert!(n_records * bytes_each < budget / 32 * 31, "{bytes_each} bytes a record");
}

/// What becomes of a changed record: the agency is told once, and sent nothing of it.
#[test]
fn the_scrub_tells_of_each_damaged_record_once() {
    let mut home = Home::small();
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    (0..30).for_each(|_| home.measure(120).unwrap());
    home.receipt();
    (0..30).for_each(|_| home.measure(120).unwrap());
    home.pass(week);
    assert_eq!(home.alerts(), []);
    let finished_at = home.hub.store.scrubbed().unwrap().finished_at.unwrap();

    // Behind the hub's back, as a failing disk does.
    let other = rusqlite::Connection::open(home.hub.store.path()).unwrap();
    other.execute("UPDATE reading SET payload = x'00' WHERE seq IN (5, 40, 41)", ()).unwrap();
    for _ in 0..3 {
        home.pass(week);
    }
    let last = home.hub.store.scrubbed().unwrap();
    assert!(finished_at < last.finished_at.unwrap());
    assert_eq!(last.n_damaged, 3);
    assert_eq!(home.alerts(), [words("record-damaged", "raised", "high")]);
    let held = home.hub.ledger().held;
    let sent = home.hub.pending(Lane::Reading, 0, &held, 100).unwrap();
    assert!(!sent.iter().any(|it| [40, 41].contains(&it.seq)));
    // Of the one that the agency has, nothing is left.
    assert_eq!(home.hub.store.record(5).unwrap(), None);
    assert!(home.hub.store.record(40).is_err());
    // A pass without damage ends it.
    other.execute("DELETE FROM reading WHERE seq IN (40, 41)", ()).unwrap();
    home.pass(week);
    assert_eq!(home.alerts().last().unwrap(), &words("record-damaged", "cleared", "high"));
}
