use std::path::Path;

use alerting::Plan;
use jiff::tz::TimeZone;
use vitals::wire::canonical::encode;
use vitals::wire::primitive::Time;
use vitals::wire::topic::Channel;
use vitals::wire::v1::Assignment;
use vitals::{LocalInstant, Priority};

use super::*;
use crate::core::tests::{delivery, settings};
use crate::core::{Event, Settings};
use crate::sample;
use crate::store::Store;

const PLAN: &str = "name = \"copd\"\nversion = 4\nsubject = \"client-1\"\nlate_after_min = 60\n\
    [[threshold]]\nid = \"spo2-low\"\nvital = \"oxygen-saturation\"\npriority = \"high\"\n\
    at_or_below = \"88 %\"\nclear_at_or_above = \"90 %\"\n";

/// Asks for a repeat for ten minutes.
const ASKING: &str = "name = \"copd\"\nversion = 4\nsubject = \"client-1\"\nlate_after_min = 60\n\
    [[threshold]]\nid = \"spo2-low\"\nvital = \"oxygen-saturation\"\npriority = \"medium\"\n\
    at_or_below = \"88 %\"\nclear_at_or_above = \"90 %\"\nconfirm_within_min = 10\n";

/// Seconds after the samples were measured.
fn at(second: i64) -> Timestamp {
    sample::time("2026-03-01T08:15:00+01:00").0.at + SignedDuration::from_secs(second)
}

struct Agency {
    station: Station,
}

impl Agency {
    fn with(plan: &str, store: Store, second: i64) -> Self {
        let placed = PlacedPlan { plan: Plan::parse(plan).unwrap(), zone: TimeZone::UTC };
        let settings = Settings { plans: vec![placed], ..settings() };
        let mut station = Station::open(at(second), settings, store).unwrap();
        station.step(at(second), &Event::Connected).unwrap();
        Self { station }
    }

    fn new(plan: &str) -> Self {
        Self::with(plan, Store::in_memory().unwrap(), 0)
    }

    fn at(plan: &str, path: &Path) -> Self {
        Self::with(plan, Store::open(path).unwrap(), 0)
    }

    fn take(&mut self, second: i64, channel: Channel, payload: Vec<u8>) {
        let event = Event::Delivered(vec![delivery(channel, payload)]);
        self.station.step(at(second), &event).unwrap();
    }

    fn oximetry(&mut self, second: i64, seq: u64, percent: &str) {
        let reading = oximetry(seq, percent);
        self.take(second, Channel::Reading, encode(&reading).unwrap());
    }

    fn alert(&mut self, second: i64, alert: &v1::Alert) {
        self.take(second, Channel::Alert, encode(alert).unwrap());
    }

    /// Lets every deadline up to `second` pass.
    fn pass(&mut self, second: i64) {
        while let Some(due) = self.station.next_deadline().filter(|it| *it <= at(second)) {
            self.station.step(due, &Event::Elapsed).unwrap();
        }
        self.station.step(at(second), &Event::Elapsed).unwrap();
    }

    /// The readings with which something was found that no hub told of.
    fn oversights(&self) -> Vec<u64> {
        self.station.board().oversights.iter().map(|it| it.finding.reading.seq).collect()
    }

    fn see_to(&mut self, second: i64, by: &str) -> Option<Refusal> {
        let oversight = self.station.board().oversights.first().map_or(1, |it| it.id);
        let seen = Event::Seen(Seen { oversight, by: by.to_owned(), note: None });
        self.station.step(at(second), &seen).unwrap().refusal
    }
}

fn oximetry(seq: u64, percent: &str) -> v1::Reading {
    let minutes = SignedDuration::from_mins(i64::try_from(seq).unwrap());
    let time = Time(LocalInstant::utc(at(0) + minutes));
    let reading = sample::reading(seq, "oximetry", &[("oxygen-saturation", percent, "%")]);
    v1::Reading { recorded_at: time, measured_at: time, received_at: time, ..reading }
}

/// The alert that record `seq` raises on reading `reading`.
fn raised(seq: u64, reading: u64) -> v1::Alert {
    let readings = vec![format!("{}-{reading}", sample::EPOCH)];
    v1::Alert { readings, ..sample::alert(seq, seq, 1, "raised", "active") }
}

#[test]
fn what_a_hub_does_not_raise_is_noticed() {
    let mut agency = Agency::new(PLAN);
    agency.oximetry(60, 1, "86");
    agency.pass(60 + 119);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
    agency.pass(60 + 120);
    assert_eq!(agency.oversights(), [1]);
    let oversight = agency.station.board().oversights[0].clone();
    assert_eq!(oversight.finding.priority, Priority::High);
    assert!(oversight.finding.why.contains("86 %"), "{oversight:?}");
    // The same episode goes on: it is no other oversight.
    agency.oximetry(120, 2, "85");
    agency.oximetry(180, 3, "92");
    agency.pass(600);
    assert_eq!(agency.oversights(), [1]);
    agency.oximetry(700, 4, "87");
    agency.pass(900);
    assert_eq!(agency.oversights(), [1, 4]);
}

#[test]
fn what_a_hub_raises_is_none_before_or_after_the_reading() {
    let mut agency = Agency::new(PLAN);
    agency.alert(59, &raised(2, 1));
    agency.oximetry(60, 1, "86");
    agency.pass(600);
    agency.oximetry(600, 3, "92");
    agency.oximetry(660, 5, "87");
    agency.alert(779, &raised(6, 5));
    agency.pass(3600);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn an_alert_that_the_board_has_forgotten_was_told() {
    let mut agency = Agency::new(PLAN);
    let over = |seq: u64| {
        let raised = raised(seq, 1);
        v1::Alert {
            seq: seq + 1,
            rev: 2,
            state: "closed".to_owned(),
            standing: "done".to_owned(),
            ..raised
        }
    };
    let alert = raised(1000, 1);
    agency.alert(50, &alert);
    agency.alert(51, &over(1000));
    for seq in (2000..2100).step_by(2) {
        let other = Vec::new();
        agency.alert(52, &v1::Alert { readings: other.clone(), ..raised(seq, 1) });
        agency.alert(53, &v1::Alert { readings: other, ..over(seq) });
    }
    assert!(agency.station.board().alerts.values().all(|it| it.alert.seq != 1000));
    agency.oximetry(60, 1, "86");
    agency.pass(600);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn an_alert_that_comes_after_all_ends_it() {
    let mut agency = Agency::new(PLAN);
    agency.oximetry(60, 1, "86");
    agency.pass(600);
    agency.alert(700, &v1::Alert { priority: "medium".to_owned(), ..raised(2, 1) });
    assert_eq!(agency.oversights(), [1]);
    agency.alert(800, &raised(3, 1));
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn a_nurse_sees_to_it_once_and_signs_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let mut agency = Agency::at(PLAN, &path);
    agency.oximetry(60, 1, "86");
    agency.pass(600);
    assert_eq!(agency.see_to(601, " "), Some(Refusal::Name));
    assert_eq!(agency.oversights(), [1]);
    drop(agency);
    let mut agency = Agency::at(PLAN, &path);
    assert_eq!(agency.oversights(), [1]);
    assert_eq!(agency.see_to(602, "Nora"), None);
    assert_eq!(agency.see_to(603, "Otto"), Some(Refusal::UnknownOversight));
    drop(agency);
    let mut agency = Agency::at(PLAN, &path);
    agency.pass(3600);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn a_station_that_dies_before_it_looks_looks_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let mut agency = Agency::at(PLAN, &path);
    agency.oximetry(60, 1, "86");
    drop(agency);
    let mut agency = Agency::at(PLAN, &path);
    agency.pass(600);
    assert_eq!(agency.oversights(), [1]);
    agency.oximetry(700, 2, "85");
    agency.pass(900);
    assert_eq!(agency.oversights(), [1], "the episode goes on over the restart");
}

#[test]
fn a_hub_is_not_held_to_a_plan_that_came_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let laxer = PLAN.replace("88 %", "80 %");
    let mut agency = Agency::at(&laxer, &path);
    agency.oximetry(60, 1, "86");
    agency.pass(600);
    drop(agency);
    let stricter = PLAN.replace("version = 4", "version = 5");
    let mut agency = Agency::with(&stricter, Store::open(&path).unwrap(), 700);
    agency.pass(1000);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
    agency.oximetry(1100, 2, "92");
    agency.oximetry(1200, 3, "86");
    drop(agency);
    let mut agency = Agency::with(&stricter, Store::open(&path).unwrap(), 1210);
    agency.pass(1400);
    assert_eq!(agency.oversights(), [3]);
}

#[test]
fn an_alert_of_an_earlier_episode_tells_nothing_of_the_next() {
    let mut agency = Agency::new(PLAN);
    agency.oximetry(60, 1, "86");
    let told = raised(2, 1);
    agency.alert(61, &told);
    let closed = v1::Alert {
        seq: 3,
        rev: 2,
        state: "closed".to_owned(),
        standing: "done".to_owned(),
        disposition: Some("true-actioned".to_owned()),
        ..told
    };
    agency.alert(300, &closed);
    agency.oximetry(400, 4, "92");
    agency.oximetry(500, 5, "85");
    agency.pass(900);
    assert_eq!(agency.oversights(), [5]);
}

#[test]
fn what_arrives_out_of_order_is_judged_in_the_order_of_the_hub() {
    let mut agency = Agency::new(ASKING);
    agency.oximetry(60, 1, "86");
    // The normal repeat comes after a reading of an hour later.
    agency.oximetry(100, 62, "95");
    agency.pass(400);
    for seq in 3..62 {
        agency.oximetry(500, seq, "95");
    }
    agency.oximetry(501, 2, "95");
    agency.pass(900);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn a_gap_that_stands_holds_nothing_back_for_ever() {
    let mut agency = Agency::new(PLAN);
    agency.oximetry(60, 1, "95");
    agency.oximetry(100, 3, "85");
    agency.pass(100 + 900 + 119);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
    agency.pass(100 + 900 + 121);
    assert_eq!(agency.oversights(), [3]);
}

#[test]
fn a_wait_for_a_repeat_ends_by_the_clock_of_the_hub() {
    let mut agency = Agency::new(ASKING);
    agency.oximetry(60, 1, "86");
    agency.pass(3600);
    assert_eq!(agency.oversights(), [] as [u64; 0], "nothing is known of the home since then");
    let health = |minute: i64, last_seq: u64, unconfirmed: u64| {
        let now = Time(LocalInstant::utc(at(60 * minute)));
        encode(&Health { at: now, unconfirmed, ..sample::health(last_seq) }).unwrap()
    };
    // The hub has recorded more than is here: the repeat may be among it.
    agency.take(3700, Channel::Health, health(60, 2, 1));
    agency.take(3701, Channel::Health, health(11, 1, 0));
    agency.pass(3900);
    assert_eq!(agency.oversights(), [] as [u64; 0], "a minute may be lost on the way");
    agency.take(4000, Channel::Health, health(13, 1, 0));
    agency.pass(4200);
    assert_eq!(agency.oversights(), [1]);
}

#[test]
fn a_reading_that_may_be_of_the_client_is_judged_by_its_plan() {
    let mut agency = Agency::new(PLAN);
    let candidates = vec!["client-1".to_owned(), "client-2".to_owned()];
    let of_nobody =
        v1::Reading { subject: None, subject_candidates: candidates, ..oximetry(1, "86") };
    agency.take(60, Channel::Reading, encode(&of_nobody).unwrap());
    agency.pass(600);
    assert_eq!(agency.oversights(), [1]);
    assert!(agency.station.board().oversights[0].finding.is_of_unknown);
    let of_nobody = v1::Reading { seq: 2, ..of_nobody };
    agency.take(700, Channel::Reading, encode(&of_nobody).unwrap());
    agency.pass(900);
    assert_eq!(agency.oversights(), [1, 2], "nothing clears it, and each one counts");
}

#[test]
fn a_reading_of_somebody_without_a_plan_is_not_judged() {
    let mut agency = Agency::new(&PLAN.replace("client-1", "client-9"));
    agency.oximetry(60, 1, "80");
    agency.pass(600);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
}

#[test]
fn what_a_person_assigns_counts_for_what_follows() {
    let mut agency = Agency::new(PLAN);
    let of_another = v1::Reading { subject: Some("client-2".to_owned()), ..oximetry(1, "86") };
    agency.take(60, Channel::Reading, encode(&of_another).unwrap());
    let event: v1::Event =
        vitals::wire::canonical::decode(&sample::event(2, "reading-assigned")).unwrap();
    let assignment = Assignment {
        reading: format!("{}-1", sample::EPOCH),
        from: Some("client-2".to_owned()),
        to: Some("client-1".to_owned()),
        by: "Nora".to_owned(),
        note: None,
    };
    let event = v1::Event { assignment: Some(assignment), ..event };
    agency.take(70, Channel::Event, encode(&event).unwrap());
    agency.pass(600);
    assert_eq!(agency.oversights(), [] as [u64; 0], "its hub judges it as what comes late");
    // The episode of the assigned reading goes on.
    agency.oximetry(700, 3, "85");
    agency.pass(900);
    assert_eq!(agency.oversights(), [] as [u64; 0]);
    agency.oximetry(1000, 4, "93");
    agency.oximetry(1100, 5, "84");
    agency.pass(1300);
    assert_eq!(agency.oversights(), [5]);
}
