//! What becomes of readings, alerts and commands when the clock of the machine is wrong or is set.
//!
//! A story runs twice, on a machine with a right clock and on one with faults: the alerts must be
//! the same. The ledger is a real one.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use jiff::SignedDuration;
use proptest::prelude::*;
use vitals::wire::primitive::Time;
use vitals::wire::sealed::{self, Purpose};
use vitals::wire::v1::{self, Command, Instruction, Recorded};
use vitals::{BootId, SubjectId, Timeline};

use super::*;
use crate::device::StreamSettings;
use crate::device::catalogue::{self, sig_uuid};
use crate::link::{Frame, Source};
use crate::store::Lane;

const START: &str = "2026-03-02T08:00:00Z";
const HOUR_S: i64 = 3600;
const DECADE_S: i64 = 10 * 365 * 24 * HOUR_S;

const PLAN: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "systolic-crisis"
vital = "systolic-pressure"
priority = "high"
at_or_above = "180 mmHg"
clear_at_or_below = "175 mmHg"

[[threshold]]
id = "oxygen-low"
vital = "oxygen-saturation"
priority = "medium"
at_or_below = "90 %"
clear_at_or_above = "92 %"
"#;

/// A home whose machine has a clock that can be wrong.
struct Home {
    directory: tempfile::TempDir,
    hub: Hub,
    truth: Timestamp,
    since_boot: Duration,
    boot: u8,
    /// By how many seconds the wall clock is ahead of the truth.
    ahead_s: i64,
    zone: TimeZone,
    /// By how many seconds the clock of the cuff is ahead of that of the zone.
    cuff_ahead_s: i64,
    network: Synchronization,
    n_commands: u32,
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn settings(zone: TimeZone) -> HubSettings {
    let cuff = Device {
        id: "cuff".parse().unwrap(),
        model: catalogue::model("and-ua-651ble").unwrap(),
        owner: Owner::One("client-1".parse::<SubjectId>().unwrap()),
        stream: StreamSettings::default(),
        secret: None,
    };
    let oximeter = Device {
        id: "oximeter".parse().unwrap(),
        model: catalogue::model("nonin-8500").unwrap(),
        ..cuff.clone()
    };
    HubSettings {
        id: "hub-1".parse().unwrap(),
        zone,
        earliest: "2025-01-01T00:00:00Z".parse().unwrap(),
        agency_keys: vec![key().verifying_key()],
        devices: vec![cuff, oximeter],
        plans: vec![Plan::parse(PLAN).unwrap()],
        watch: Watch::default(),
    }
}

impl Home {
    fn new() -> Self {
        Self::in_zone(TimeZone::UTC)
    }

    fn in_zone(zone: TimeZone) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("ledger.db")).unwrap();
        let truth: Timestamp = START.parse().unwrap();
        let since_boot = Duration::from_secs(1000);
        let now = Stamp { wall: truth, boot: BootId([1; 16]), since_boot };
        let hub = Hub::new(settings(zone.clone()), store, now).unwrap();
        let network = Synchronization::NotInUse;
        let mut home = Self {
            directory,
            hub,
            truth,
            since_boot,
            boot: 1,
            ahead_s: 0,
            zone,
            cuff_ahead_s: 0,
            network,
            n_commands: 0,
        };
        home.step(Event::Started);
        home
    }

    fn now(&self) -> Stamp {
        let wall = self.truth.saturating_add(SignedDuration::from_secs(self.ahead_s)).unwrap();
        Stamp { wall, boot: BootId([self.boot; 16]), since_boot: self.since_boot }
    }

    fn step(&mut self, event: Event) {
        self.hub.step(self.now(), event).unwrap();
    }

    fn pass(&mut self, seconds: u64) {
        self.truth += Duration::from_secs(seconds);
        self.since_boot += Duration::from_secs(seconds);
        self.step(Event::Clock(self.network));
    }

    /// Sets the wall clock; the hub looks at it when it is told something next.
    fn set(&mut self, ahead_s: i64) {
        self.ahead_s = ahead_s;
    }

    fn restart(&mut self) {
        // The hub that ran lets go of its ledger first.
        let elsewhere = Store::open(&self.directory.path().join("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(self.zone.clone()), elsewhere, self.now()).unwrap();
        let store = Store::open(&self.directory.path().join("ledger.db")).unwrap();
        self.hub = Hub::new(settings(self.zone.clone()), store, self.now()).unwrap();
        self.step(Event::Clock(self.network));
        self.step(Event::Started);
    }

    /// The machine comes up again after a minute, with a clock that is so far ahead.
    fn reboot(&mut self, ahead_s: i64) {
        self.truth += Duration::from_secs(60);
        self.since_boot = Duration::from_secs(20);
        self.boot += 1;
        self.ahead_s = ahead_s;
        self.restart();
    }

    /// The machine comes up in 1970.
    fn reboot_in_1970(&mut self) {
        self.reboot(20 - self.truth.as_second() - 60);
    }

    /// The cuff measures; the wall clock is set between reading and commit.
    fn press(&mut self, mmhg: u8, ahead_s: i64) {
        self.pass(60);
        let shown = self.truth + SignedDuration::from_secs(self.cuff_ahead_s);
        let shown = self.zone.to_datetime(shown);
        let year = u16::try_from(shown.year()).unwrap().to_le_bytes();
        let part = |it: i8| u8::try_from(it).unwrap();
        let mut bytes = vec![0x16, mmhg, 0, 80, 0, 100, 0, year[0], year[1]];
        bytes.extend([part(shown.month()), part(shown.day()), part(shown.hour())]);
        bytes.extend([part(shown.minute()), part(shown.second()), 64, 0, 0, 0]);
        let source = Source::Characteristic(sig_uuid(0x2A35));
        self.indicate("cuff", source, bytes, ahead_s);
    }

    /// The oximeter, which has no clock, measures.
    fn saturate(&mut self, percent: u8, ahead_s: i64) {
        self.pass(60);
        let line = format!("SPO2={percent:03} HR=070\r\n").into_bytes();
        self.indicate("oximeter", Source::Serial, line, ahead_s);
    }

    fn indicate(&mut self, device: &str, source: Source, bytes: Vec<u8>, ahead_s: i64) {
        let received = self.now();
        self.ahead_s = ahead_s;
        let frame = Frame { device: device.parse().unwrap(), source, bytes, received };
        self.step(Event::Link(LinkEvent::Frame(frame)));
    }

    /// A nurse whose clock is right acknowledges the alert that is open.
    fn acknowledgement(&mut self, valid_s: u64) -> Option<Event> {
        let alert = self.hub.engine.open().next()?.id;
        self.n_commands += 1;
        let instruction =
            Instruction::Acknowledge { alert, by: "Nurse N.".to_owned(), note: None, until: None };
        let at = |it: Timestamp| Time(LocalInstant::utc(it));
        let (issued, expires) = (at(self.truth), at(self.truth + Duration::from_secs(valid_s)));
        let id = format!("c-{}", self.n_commands);
        let hub = "hub-1".parse().unwrap();
        let command = Command::new(&hub, id, issued, expires, instruction);
        let payload = canonical::encode(&command).unwrap();
        Some(Event::Command(sealed::seal(&payload, Purpose::Command, &key()).unwrap()))
    }

    fn messages<T: serde::de::DeserializeOwned>(&self, lane: Lane) -> Vec<T> {
        let records = self.hub.store.pending(lane, 0, &SequenceRanges::new(), 10_000).unwrap();
        records.iter().map(|it| canonical::decode(&it.payload).unwrap()).collect()
    }

    /// What happened to alerts, in order.
    fn alerts(&self) -> Vec<String> {
        let told = |it: v1::Alert| {
            let value = it.value.unwrap().value.0;
            format!(
                "{} {} {} {value} {} late {}",
                it.rule, it.state, it.standing, it.count, it.late
            )
        };
        self.messages(Lane::Alert).into_iter().map(told).collect()
    }

    fn events(&self, kind: &str) -> Vec<v1::Event> {
        let events = self.messages::<v1::Event>(Lane::Event);
        events.into_iter().filter(|it| it.kind == kind).collect()
    }

    fn readings(&self) -> Vec<v1::Reading> {
        self.messages(Lane::Reading)
    }

    /// The true times of measurement, as they can be told from the ledger.
    fn measured(&self) -> Vec<(String, Timestamp)> {
        let mut timeline = Timeline::default();
        for lane in Lane::ALL {
            for recorded in self.messages::<Recorded>(lane) {
                timeline.note(&recorded.moment());
            }
        }
        let told = |it: v1::Reading| {
            let reading = it.to_reading().unwrap();
            let shown = reading.corrected(&timeline).unwrap_or(reading);
            (shown.time_quality.as_str().to_owned(), shown.measured_at.at)
        };
        self.readings().into_iter().map(told).collect()
    }
}

#[test]
fn every_record_says_when_it_was_made_by_both_clocks() {
    let mut home = Home::new();
    home.press(184, 0);
    let clocks: Vec<v1::Clock> = Lane::ALL
        .into_iter()
        .flat_map(|lane| home.messages::<Recorded>(lane))
        .map(|it| it.clock.unwrap())
        .collect();
    let said: Vec<_> =
        clocks.iter().map(|it| (it.boot.0.clone(), it.uptime_ms, it.known)).collect();
    let boot = vec![1; 16];
    let at = |ms| (boot.clone(), ms, true);
    assert_eq!(said, [at(1_060_000), at(1_060_000), at(1_000_000)]);
}

#[test]
fn a_machine_that_comes_up_in_1970_alerts_at_once_and_learns_the_true_times() {
    let mut home = Home::new();
    home.press(120, 0);
    home.reboot_in_1970();
    home.saturate(86, home.ahead_s);
    let measured = home.truth;
    assert_eq!(home.alerts().len(), 1);
    let estimate = &home.readings()[1];
    assert_eq!(
        (estimate.time_quality.as_str(), estimate.clock.as_ref().unwrap().known),
        ("estimated", false)
    );
    assert!(home.readings()[0].recorded_at < estimate.recorded_at);
    home.set(0);
    home.pass(10);
    let learned = home.events("clock-stepped");
    assert_eq!(learned.len(), 1, "{learned:?}");
    assert_eq!(home.measured()[1], ("corrected".to_owned(), measured));
    home.pass(10);
    assert_eq!(home.events("clock-stepped").len(), 1);
}

#[test]
fn a_saved_clock_that_is_hours_behind_is_no_time_until_the_network_says_so() {
    let mut home = Home::new();
    home.press(120, 0);
    home.network = Synchronization::Awaited;
    home.pass(12 * 3600);
    home.reboot(-6 * HOUR_S);
    home.press(184, -6 * HOUR_S);
    let measured = home.truth;
    assert_eq!(home.alerts().len(), 1, "an unknown time holds no alert up");
    home.network = Synchronization::Reached;
    home.set(0);
    home.pass(10);
    // When it came is known now; when the device measured is not: its clock could not be judged.
    assert_eq!(home.measured()[1], ("fault".to_owned(), measured));
}

#[test]
fn a_clock_that_was_never_set_stays_unknown_and_says_so() {
    let mut home = Home::new();
    home.reboot_in_1970();
    home.saturate(86, home.ahead_s);
    home.restart();
    home.pass(3600);
    let health: v1::Health = canonical::decode(&home.hub.health(home.now()).unwrap()).unwrap();
    let clock = health.clock.unwrap();
    assert_eq!((clock.known, clock.uptime_ms), (false, 3_680_000));
    let times: Vec<_> =
        home.messages::<Recorded>(Lane::Event).into_iter().map(|it| it.recorded_at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_command_waits_until_the_time_is_known_and_is_judged_then() {
    for (passed_s, expected) in [(60, "acknowledged"), (7200, "active")] {
        let mut home = Home::new();
        home.saturate(86, 0);
        home.reboot_in_1970();
        let command = home.acknowledgement(3600).unwrap();
        home.step(command.clone());
        let refused = home.events("command-refused");
        assert_eq!((home.alerts().len(), refused.len()), (1, 0), "neither carried out nor refused");
        home.pass(passed_s);
        home.set(0);
        home.step(command);
        let alerts = home.messages::<v1::Alert>(Lane::Alert);
        assert_eq!(alerts.last().unwrap().standing, expected);
        assert_eq!(home.events("command-refused").len(), usize::from(expected == "active"));
    }
}

#[test]
fn a_clock_that_was_far_ahead_for_a_while_makes_no_command_new() {
    let mut home = Home::new();
    home.saturate(86, 0);
    let first = home.acknowledgement(u64::try_from(2 * DECADE_S).unwrap()).unwrap();
    home.step(first.clone());
    home.saturate(95, 0);
    home.saturate(85, 0);
    // Commands that are remembered here forget what expired long ago.
    home.set(DECADE_S);
    let second = home.acknowledgement(u64::try_from(2 * DECADE_S).unwrap()).unwrap();
    home.step(second.clone());
    home.set(0);
    let n_records = home.hub.store.last_seq();
    home.pass(10);
    home.step(first);
    home.step(second);
    assert_eq!(home.hub.store.last_seq(), n_records + 1, "only that the clock was set");
}

#[test]
fn a_setting_of_the_clock_is_told_and_the_order_of_what_was_measured_stays() {
    for ahead_s in [HOUR_S, -HOUR_S, DECADE_S, -DECADE_S] {
        let mut home = Home::new();
        home.press(184, 0);
        // Set between reading and commit, and back between the next reading and its commit.
        home.press(120, ahead_s);
        home.press(188, 0);
        home.press(121, 0);
        let states: Vec<_> =
            home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.state).collect();
        assert_eq!(states, ["raised", "cleared", "repeated", "cleared"], "{ahead_s}");
        // What is not believed is told once; that the clock is right again changes nothing then.
        let n_told = if ahead_s == -DECADE_S { 1 } else { 2 };
        assert_eq!(home.events("clock-stepped").len(), n_told, "{ahead_s}");
    }
}

#[test]
fn a_replay_is_recognised_whatever_the_clock_shows() {
    for ahead_s in [HOUR_S, -HOUR_S, DECADE_S, -DECADE_S] {
        let mut home = Home::new();
        home.press(184, 0);
        let shown = home.readings()[0].raw.0.clone();
        home.set(ahead_s);
        let source = Source::Characteristic(sig_uuid(0x2A35));
        home.indicate("cuff", source, shown.clone(), ahead_s);
        home.restart();
        home.indicate("cuff", source, shown, 0);
        assert_eq!((home.readings().len(), home.alerts().len()), (1, 1));
    }
}

/// One thing that happens in a story.
#[derive(Debug, Clone)]
enum Scene {
    /// The cuff measures; the clock is set before the commit.
    Press(u8, i64),
    /// The oximeter measures; the clock is set before the commit.
    Saturate(u8, i64),
    Acknowledge,
    Pass(u64),
    Set(i64),
    Restart,
    /// The machine comes up again, with a clock that is so far ahead.
    Reboot(i64),
}

fn ahead() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0),
        1 => prop::sample::select(vec![HOUR_S, -HOUR_S, DECADE_S, -DECADE_S, 3, -3]),
        1 => -2 * DECADE_S..2 * DECADE_S,
    ]
}

/// Plays `scenes`; where `is_right`, the clock always is.
fn play(scenes: &[Scene], is_right: bool) -> Home {
    let mut home = Home::new();
    let wrong = |ahead_s: i64| if is_right { 0 } else { ahead_s };
    for scene in scenes {
        match *scene {
            Scene::Press(mmhg, ahead_s) => home.press(mmhg, wrong(ahead_s)),
            Scene::Saturate(percent, ahead_s) => home.saturate(percent, wrong(ahead_s)),
            Scene::Acknowledge => {
                // Valid for so long that no clock of these stories is behind it.
                if let Some(command) = home.acknowledgement(1_500_000_000) {
                    home.step(command);
                }
            }
            Scene::Pass(seconds) => home.pass(seconds),
            Scene::Set(ahead_s) => home.set(wrong(ahead_s)),
            Scene::Restart => home.restart(),
            Scene::Reboot(ahead_s) => home.reboot(wrong(ahead_s)),
        }
    }
    home
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn setting_the_clock_loses_delays_and_doubles_no_alert(
        scenes in prop::collection::vec(prop_oneof![
            3 => (prop::sample::select(vec![120_u8, 177, 184]), ahead())
                .prop_map(|(mmhg, ahead_s)| Scene::Press(mmhg, ahead_s)),
            2 => (86_u8..96, ahead())
                .prop_map(|(percent, ahead_s)| Scene::Saturate(percent, ahead_s)),
            2 => Just(Scene::Acknowledge),
            1 => (1_u64..7200).prop_map(Scene::Pass),
            2 => ahead().prop_map(Scene::Set),
        ], 1..25)
    ) {
        let (right, wrong) = (play(&scenes, true), play(&scenes, false));
        prop_assert_eq!(right.alerts(), wrong.alerts());
    }

    #[test]
    fn whatever_the_clock_shows_when_the_machine_comes_up_no_alert_is_lost_or_doubled(
        scenes in prop::collection::vec(prop_oneof![
            5 => (86_u8..96, ahead())
                .prop_map(|(percent, ahead_s)| Scene::Saturate(percent, ahead_s)),
            1 => (1_u64..7200).prop_map(Scene::Pass),
            2 => ahead().prop_map(Scene::Set),
            2 => ahead().prop_map(Scene::Reboot),
            1 => Just(Scene::Restart),
        ], 1..25)
    ) {
        let (right, wrong) = (play(&scenes, true), play(&scenes, false));
        prop_assert_eq!(right.alerts(), wrong.alerts());
    }
}

mod device;
