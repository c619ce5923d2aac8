use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::topic::Channel;
use vitals::wire::v1;

use super::*;
use crate::core::{Event, Settings, Station, Watch};
use crate::inbound::Delivery;
use crate::order::{Aim, Deed, Wish};
use crate::sample;
use crate::store::Store;

/// A few minutes after the samples were measured.
fn now() -> Timestamp {
    sample::time("2026-03-01T08:20:00+01:00").0.at
}

fn config() -> Config {
    let text = "[agency]\nid = \"north\"\n[[client]]\nsubject = \"client-1\"\nname = \"Ada <Byron>\"\n\
                [[hub]]\nid = \"hub-1\"\nname = \"Mill Lane 3\"\n";
    Config::parse(text, Path::new("station.toml")).unwrap()
}

fn settings() -> Settings {
    Settings {
        topics: sample::topics(),
        key: SigningKey::from_bytes(&[7; 32]),
        repeat_after: Duration::from_secs(15),
        expires_after: Duration::from_secs(3600),
        watch: Watch::default(),
        plans: Vec::new(),
    }
}

fn station() -> Station {
    let mut station = Station::open(now(), settings(), Store::in_memory().unwrap()).unwrap();
    station.step(now(), &Event::Connected).unwrap();
    station
}

fn deliver(station: &mut Station, channel: Channel, payload: Vec<u8>) {
    let topic = sample::topics().of(&sample::HUB.parse().unwrap(), channel);
    let delivery = Delivery { topic, payload, is_retained: false };
    station.step(now(), &Event::Delivered(vec![delivery])).unwrap();
}

fn alert(station: &mut Station, alert: &v1::Alert) {
    deliver(station, Channel::Alert, encode(alert).unwrap());
}

fn board_at(station: &Station, viewer: Option<&str>, now: Timestamp) -> String {
    layout::fragment(&config(), station.board(), viewer, now).into_string()
}

fn board(station: &Station) -> String {
    board_at(station, None, now())
}

/// The places of `texts` in the board ascend.
#[track_caller]
fn check_order(board: &str, texts: &[&str]) {
    let mut rest = board;
    for text in texts {
        let found = rest.split_once(text);
        assert!(found.is_some(), "{text:?} is not there, or not after the one before: {board}");
        rest = found.unwrap_or_default().1;
    }
}

#[test]
fn an_alert_says_who_what_why_and_how_sure() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    check_order(
        &board(&station),
        &[
            "1 alert waits for a nurse",
            "High",
            "Ada &lt;Byron&gt;",
            "08:16",
            "SpO2 86 % is below 88 %",
            "86",
            "SpO2, limit 88",
            "confirmed",
            "Measured",
            "08:15",
            "5 min ago",
            "spo2-low, plan copd version 3",
            "Mill Lane 3",
            "Acknowledge",
        ],
    );
}

#[test]
fn repetitions_are_one_line_of_the_history() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    for rev in 2..=9 {
        let mut repeated = sample::alert(rev.into(), 1, rev, "repeated", "active");
        repeated.recorded_at = sample::time(&format!("2026-03-01T08:1{rev}:00+01:00"));
        alert(&mut station, &repeated);
    }
    let board = board(&station);
    check_order(&board, &["History (9)", "08:16", "raised", "repeated 8 times, last at", "08:19"]);
    assert_eq!(board.matches("repeated").count(), 1);
}

#[test]
fn the_worst_comes_first_then_what_nobody_has_then_the_oldest() {
    let mut station = station();
    let mut raise = |seq, priority: &str, standing: &str, minute: u8, why: &str| {
        let mut it = sample::alert(seq, seq, 1, "raised", standing);
        it.priority = priority.to_owned();
        it.raised_at = sample::time(&format!("2026-03-01T08:{minute:02}:00+01:00"));
        it.why = why.to_owned();
        alert(&mut station, &it);
    };
    raise(1, "low", "active", 1, "sixth");
    raise(2, "medium", "acknowledged", 2, "fifth");
    raise(3, "medium", "latched", 9, "fourth");
    raise(4, "medium", "active", 3, "third");
    raise(5, "high", "active", 12, "second");
    raise(6, "utmost", "active", 11, "a word of a later contract is first");
    let order = ["is first", "second", "third", "fourth", "fifth", "sixth"];
    check_order(&board(&station), &order);
}

fn deadline(text: &str) -> v1::Deadline {
    v1::Deadline { at: sample::time(text), clock: None }
}

#[test]
fn what_waits_for_a_repeated_measurement_stands_apart_and_cannot_be_taken_on() {
    let mut station = station();
    let repeat_by = Some(deadline("2026-03-01T08:26:00+01:00"));
    let timers = v1::Timers { repeat_by, ..v1::Timers::default() };
    let asked = sample::alert(1, 1, 1, "asked", "pending");
    alert(&mut station, &v1::Alert { timers: Some(timers), confirmed: false, ..asked });
    let shown = board(&station);
    let title = "A repeated measurement is awaited (1)";
    check_order(&shown, &["No alert waits for a nurse", title, "repeat asked for until 08:26"]);
    assert!(shown.contains("Close this alert") && !shown.contains("Take it on"), "{shown}");
    alert(&mut station, &sample::alert(2, 1, 2, "raised", "active"));
    assert!(!board(&station).contains(title));
}

#[test]
fn an_alert_says_to_whom_it_was_passed_on_and_until_when_it_is_taken_on() {
    let mut station = station();
    let escalated_to = Some("backup".to_owned());
    let timers =
        v1::Timers { escalated_to, rung: Some(1), stale: Some(true), ..v1::Timers::default() };
    let escalated = sample::alert(1, 1, 2, "escalated", "active");
    alert(&mut station, &v1::Alert { timers: Some(timers), ..escalated });
    let marks =
        ["nobody answered, passed on to backup", "no fresh value since", "Take it on for a while"];
    check_order(&board(&station), &marks);

    let timers =
        v1::Timers { until: Some(deadline("2026-03-01T10:16:00+01:00")), ..v1::Timers::default() };
    let mut taken_on = sample::alert(2, 1, 3, "acknowledged", "acknowledged");
    (taken_on.by, taken_on.note) = (Some("Nora".to_owned()), Some("called".to_owned()));
    alert(&mut station, &v1::Alert { timers: Some(timers), ..taken_on });
    check_order(&board(&station), &["Acknowledged by", "Nora", "08:16, until 10:16", "called"]);
}

#[test]
fn what_is_quiet_waits_uncounted_until_the_morning_and_high_is_never_quiet() {
    let mut station = station();
    let quiet_until = Some(deadline("2026-03-01T09:00:00+01:00"));
    let timers = v1::Timers { quiet_until, ..v1::Timers::default() };
    let mut low = sample::alert(1, 1, 1, "raised", "active");
    (low.priority, low.timers) = ("low".to_owned(), Some(timers.clone()));
    alert(&mut station, &low);
    let shown = board(&station);
    check_order(&shown, &["No alert waits for a nurse", "quiet until 09:00", "Acknowledge"]);
    let later = now() + jiff::SignedDuration::from_hours(1);
    assert!(board_at(&station, None, later).contains("1 alert waits"));
    let high = v1::Alert { timers: Some(timers), ..sample::alert(2, 2, 1, "raised", "active") };
    alert(&mut station, &high);
    check_order(&board(&station), &["1 alert waits for a nurse"]);
}

#[test]
fn earlier_values_stand_beside_the_alert() {
    let mut station = station();
    for (seq, (minute, percent)) in (1..).zip([("05", "93"), ("10", "91"), ("15", "86")]) {
        let mut reading = sample::reading(seq, "oximetry", &[("oxygen-saturation", percent, "%")]);
        reading.measured_at = sample::time(&format!("2026-03-01T08:{minute}:00+01:00"));
        deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    }
    alert(&mut station, &sample::alert(4, 4, 1, "raised", "active"));
    assert!(board(&station).contains("before: 91 · 93<"), "{}", board(&station));
}

#[test]
fn what_people_wrote_is_text_and_never_markup() {
    let mut station = station();
    let mut it = sample::alert(1, 1, 2, "acknowledged", "acknowledged");
    it.why = "<script>alert(1)</script>".to_owned();
    it.by = Some("<b>Nora</b>".to_owned());
    it.note = Some("\"><img src=x>".to_owned());
    alert(&mut station, &it);
    let board = board(&station);
    assert!(!board.contains("<script") && !board.contains("<b>") && !board.contains("<img"));
    assert!(board.contains("Acknowledged by <strong>&lt;b&gt;Nora&lt;/b&gt;</strong> at 08:16"));
}

#[test]
fn an_order_is_shown_until_the_home_answers_or_it_expires() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    let wish = Wish {
        hub: sample::HUB.parse().unwrap(),
        aim: Aim::Alert(format!("{}-1", sample::EPOCH).parse().unwrap(), Deed::Acknowledge),
        by: "Nora".to_owned(),
        note: None,
    };
    station.step(now(), &Event::Asked { command_id: "c".to_owned(), wish }).unwrap();
    let shown = board(&station);
    check_order(&shown, &["No alert waits for a nurse", "1 answer on the way to a home"]);
    check_order(&shown, &["Acknowledgement on its way to the home", "asked by Nora at", "08:20"]);
    assert!(!shown.contains("<button"), "nothing to ask twice: {shown}");

    let later = now() + jiff::SignedDuration::from_hours(1);
    station.step(later, &Event::Elapsed).unwrap();
    let shown = board_at(&station, None, later);
    check_order(&shown, &["1 alert waits", "Acknowledgement did not reach the home", "<button"]);
}

#[test]
fn a_refused_order_says_why_and_lets_a_nurse_ask_again() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    let wish = Wish {
        hub: sample::HUB.parse().unwrap(),
        aim: Aim::Alert(format!("{}-1", sample::EPOCH).parse().unwrap(), Deed::Acknowledge),
        by: "Nora".to_owned(),
        note: None,
    };
    station.step(now(), &Event::Asked { command_id: "c".to_owned(), wish }).unwrap();
    let event: v1::Event = decode(&sample::event(2, "command-refused")).unwrap();
    let text = "A command of the agency was not carried out: it has expired.".to_owned();
    let event = v1::Event { text, command_id: Some("c".to_owned()), ..event };
    deliver(&mut station, Channel::Event, encode(&event).unwrap());
    let shown = board(&station);
    check_order(&shown, &["Acknowledgement was refused", "asked by Nora at", "it has expired"]);
    assert!(shown.contains("<button"), "she can ask again: {shown}");
}

#[test]
fn a_name_that_is_known_is_not_asked_for() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    assert!(board(&station).contains("name=\"by\""));
    assert!(!board_at(&station, Some("Nora"), now()).contains("name=\"by\""));
}

#[test]
fn a_reading_shows_what_a_reader_has_to_know() {
    let mut station = station();
    let pressure =
        [("systolic-pressure", "138", "mm[Hg]"), ("diastolic-pressure", "86.0", "mm[Hg]")];
    let mut reading = sample::reading(1, "blood-pressure", &pressure);
    reading.flags = vec!["irregular-pulse".to_owned()];
    reading.time_quality = "estimated".to_owned();
    deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    let fresh = board(&station);
    check_order(
        &fresh,
        &["blood pressure", "138/86.0", "mmHg", "time estimated", "irregular pulse"],
    );
    assert!(!fresh.contains(">old<"));
    let tomorrow = now() + jiff::SignedDuration::from_hours(25);
    assert!(board_at(&station, None, tomorrow).contains(">old<"));
}

#[test]
fn clients_with_the_worst_alert_come_first() {
    let mut station = station();
    for (seq, subject) in (1..).zip(["client-3", "client-1", "client-2"]) {
        let mut reading = sample::reading(seq, "weight", &[("body-weight", "80", "kg")]);
        reading.subject = Some(subject.to_owned());
        deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    }
    let mut low = sample::alert(4, 4, 1, "raised", "active");
    (low.subject, low.priority) = (Some("client-3".to_owned()), "low".to_owned());
    alert(&mut station, &low);
    let order = ["<caption>client-3", "<caption>Ada &lt;Byron&gt;", "<caption>client-2"];
    check_order(&board(&station), &order);
}

#[test]
fn a_reading_of_nobody_asks_whose_it_is() {
    let mut station = station();
    let mut reading = sample::reading(1, "weight", &[("body-weight", "81.4", "kg")]);
    reading.subject = None;
    reading.subject_candidates = vec!["client-1".to_owned(), "client-2".to_owned()];
    deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    let board = board(&station);
    check_order(
        &board,
        &[
            "Not assigned to a client – Mill Lane 3 (1)",
            "81.4",
            "Ada &lt;Byron&gt; or client-2?",
            "Whose is it?",
            "/readings/hub-1/",
            "/assign",
            "Ada &lt;Byron&gt;</option>",
            "client-2</option>",
            "None of the clients of this home",
            "Your name",
        ],
    );
}

#[test]
fn calm_is_not_claimed_where_nothing_can_arrive() {
    let mut station = station();
    deliver(&mut station, Channel::Status, sample::status("online"));
    assert!(!board(&station).contains("class=\"notice"), "{}", board(&station));
    let later = now() + jiff::SignedDuration::from_mins(16);
    let silent = board_at(&station, None, later);
    check_order(&silent, &["1 home cannot be seen", "Mill Lane 3", "silent"]);
    let reason = "the broker does not answer".to_owned();
    station.step(later, &Event::Disconnected { reason }).unwrap();
    let lost = board_at(&station, None, later);
    check_order(&lost, &["No connection to the homes", "No alert waits, as far as is known"]);
}

#[test]
fn a_home_that_never_reported_cannot_be_seen() {
    let board = board(&station());
    check_order(&board, &["1 home cannot be seen", "Mill Lane 3", "Has never reported"]);
}

#[test]
fn a_gap_is_shown_as_a_gap() {
    let mut station = station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    deliver(&mut station, Channel::Reading, sample::weight(5, "80"));
    check_order(&board(&station), &["3 records missing", "number 2–4 since", "awaited"]);
    let event = Event::Elapsed;
    station.step(now() + jiff::SignedDuration::from_secs(60), &event).unwrap();
    check_order(&board(&station), &["3 records missing", "asked for 1 time, last at"]);
}

#[test]
fn a_silent_home_is_a_sentence_with_what_is_known() {
    let mut station = station();
    alert(&mut station, &sample::alert(1, 1, 1, "raised", "active"));
    deliver(&mut station, Channel::Status, sample::status("online"));
    let later = now() + jiff::SignedDuration::from_secs(90);
    assert!(!board_at(&station, None, later).contains("data-alarm"));
    station.step(later, &Event::Elapsed).unwrap();
    let known = [
        "data-alarm=\"hub-silent\"",
        "Mill Lane 3: nothing heard of this home since",
        "The broker knows of no end of its connection",
        "1 alert of this home is open",
    ];
    check_order(&board_at(&station, None, later), &known);
    deliver(&mut station, Channel::Status, sample::status("offline"));
    let known = ["nothing heard of this home since", "no internet or no power there"];
    check_order(&board_at(&station, None, later), &known);
}

#[test]
fn without_the_broker_the_board_says_one_thing_and_not_one_for_each_home() {
    let mut station = station();
    deliver(&mut station, Channel::Status, sample::status("online"));
    let later = now() + jiff::SignedDuration::from_secs(90);
    station.step(later, &Event::Elapsed).unwrap();
    station.step(later, &Event::Disconnected { reason: "gone".to_owned() }).unwrap();
    let much_later = later + jiff::SignedDuration::from_secs(90);
    station.step(much_later, &Event::Elapsed).unwrap();
    let board = board_at(&station, None, much_later);
    check_order(&board, &["this station cannot reach the broker since"]);
    assert!(!board.contains("data-alarm"), "{board}");
}

#[test]
fn a_home_that_does_not_hear_the_station_is_marked() {
    let mut station = station();
    let mut health = sample::health(0);
    health.agency_silent_since = Some(sample::time("2026-03-01T08:10:00+01:00"));
    deliver(&mut station, Channel::Health, encode(&health).unwrap());
    check_order(&board(&station), &["No test alarm yet", "does not hear this station", "08:10"]);
}

#[test]
fn a_home_that_holds_its_readings_in_memory_only_is_marked() {
    let mut station = station();
    let mut health = sample::health(0);
    health.storage = Some(v1::StorageHealth {
        used_bytes: 1,
        max_bytes: 2,
        oldest_at: None,
        scrubbed_at: None,
        damaged: 0,
        memory_only_since: Some(sample::time("2026-03-01T08:10:00+01:00")),
    });
    deliver(&mut station, Channel::Health, encode(&health).unwrap());
    check_order(&board(&station), &["cannot store", "08:10", "in its memory only"]);
}

#[test]
fn a_time_that_was_estimated_or_corrected_says_so() {
    let clock = |uptime_ms, known| {
        let boot = vitals::wire::primitive::Bytes(vec![5; 16]);
        Some(v1::Clock { boot, uptime_ms, known })
    };
    let mut station = station();
    let raised = sample::alert(2, 2, 1, "raised", "active");
    let measured_clock = clock(0, false);
    alert(&mut station, &v1::Alert { clock: clock(0, false), measured_clock, ..raised });
    let mut reading = sample::reading(1, "weight", &[("body-weight", "82", "kg")]);
    reading.time_quality = "estimated".to_owned();
    reading.clock = clock(0, false);
    deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    let estimated = board(&station);
    assert!(estimated.contains("times estimated") && estimated.contains("time estimated"));
    let mut known = sample::reading(3, "weight", &[("body-weight", "82", "kg")]);
    known.recorded_at = sample::time("2026-03-01T08:19:00+01:00");
    known.clock = clock(60_000, true);
    deliver(&mut station, Channel::Reading, encode(&known).unwrap());
    let corrected = board(&station);
    assert!(corrected.contains("times corrected") && corrected.contains("time corrected"));
    assert!(!corrected.contains("estimated"));
}

#[test]
fn what_a_hub_did_not_raise_is_shown_with_its_client_until_a_nurse_has_seen_to_it() {
    let plan = "name = \"copd\"\nversion = 4\nsubject = \"client-1\"\nlate_after_min = 60\n\
                [[threshold]]\nid = \"spo2-low\"\nvital = \"oxygen-saturation\"\n\
                priority = \"high\"\nat_or_below = \"88 %\"\nclear_at_or_above = \"90 %\"\n";
    let plan = alerting::Plan::parse(plan).unwrap();
    let placed = crate::plans::PlacedPlan { plan, zone: jiff::tz::TimeZone::UTC };
    let settings = Settings { plans: vec![placed], ..settings() };
    let mut station = Station::open(now(), settings, Store::in_memory().unwrap()).unwrap();
    station.step(now(), &Event::Connected).unwrap();
    let reading = sample::reading(1, "oximetry", &[("oxygen-saturation", "86", "%")]);
    deliver(&mut station, Channel::Reading, encode(&reading).unwrap());
    let later = now() + jiff::SignedDuration::from_secs(120);
    station.step(later, &Event::Elapsed).unwrap();
    let shown = board_at(&station, Some("Nora"), later);
    assert!(
        shown.contains("No alert from the home</strong> (Mill Lane 3) where Ada &lt;Byron&gt;")
    );
    assert!(shown.contains("86 %") && shown.contains("action=\"/oversights/1/seen\""), "{shown}");
    assert!(!shown.contains("by-oversight-1"), "who signs is known");
    assert!(board_at(&station, None, later).contains("id=\"by-oversight-1\""));
}
