mod copies;
mod look_back;
mod repeat;

use std::time::Duration;

use ed25519_dalek::SigningKey;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::sealed::{self, Purpose};
use vitals::wire::v1::{self, Command, Instruction, Receipt};
use vitals::{AlertId, Sequence, SubjectId};

use super::*;
use crate::clock::BootId;
use crate::device::StreamSettings;
use crate::device::catalogue::{self, sig_uuid};
use crate::link::{Frame, LinkName, Source};
use crate::store::Lane;

/// An A&D UA-651BLE, 125/80 mmHg and pulse 64, 2017-01-16T12:39:54 (a real capture).
pub(super) const NORMAL: &str = "167d0050006600e10701100c273640000000";
/// The same frame with 184 mmHg and another minute.
pub(super) const CRISIS: &str = "16b80050006600e10701100c283640000000";
/// A&D: "Err CUF", everything NaN (a real capture).
const FAILED: &str = "16ff07ff07ff07e80706170e2f3bff070000";

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
"#;

pub(super) struct Home {
    _directory: tempfile::TempDir,
    pub(super) path: std::path::PathBuf,
    pub(super) hub: Hub,
    pub(super) seconds: u64,
    plan: &'static str,
}

pub(super) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(super) fn settings() -> HubSettings {
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
        zone: TimeZone::UTC,
        earliest: "2016-01-01T00:00:00Z".parse().unwrap(),
        agency_keys: vec![key().verifying_key()],
        devices: vec![cuff, oximeter],
        plans: vec![Plan::parse(PLAN).unwrap()],
        watch: Watch::default(),
    }
}

pub(super) fn stamp(seconds: u64) -> Stamp {
    let start: Timestamp = "2017-01-16T12:40:00Z".parse().unwrap();
    Stamp {
        wall: start + Duration::from_secs(seconds),
        boot: BootId([1; 16]),
        since_boot: Duration::from_secs(seconds),
    }
}

impl Home {
    pub(super) fn new() -> Self {
        Self::watched_by(PLAN)
    }

    /// A home with `plan` in place of the usual one.
    pub(super) fn watched_by(plan: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.db");
        let settings = HubSettings { plans: vec![Plan::parse(plan).unwrap()], ..settings() };
        let hub = Hub::new(settings, Store::open(&path).unwrap(), stamp(0)).unwrap();
        Self { _directory: directory, path, hub, seconds: 0, plan }
    }

    /// A hub that may go on in memory.
    pub(super) fn with_memory(max_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.db");
        let store = Store::open_or_remember(&path, max_bytes).unwrap();
        let hub = Hub::new(settings(), store, stamp(0)).unwrap();
        Self { _directory: directory, path, hub, seconds: 0, plan: PLAN }
    }

    /// The same home after the hub has died, with whatever lies in its folder now.
    pub(super) fn start_with_memory(&mut self, max_bytes: u64) {
        let elsewhere = Store::open(&self.path.with_file_name("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(), elsewhere, stamp(self.seconds)).unwrap();
        let store = Store::open_or_remember(&self.path, max_bytes).unwrap();
        self.hub = Hub::new(settings(), store, stamp(self.seconds)).unwrap();
        self.step(Event::Started);
    }

    pub(super) fn step(&mut self, event: Event) {
        self.seconds += 1;
        self.hub.step(stamp(self.seconds), event).unwrap();
    }

    /// Lets time pass to `seconds`, with a step at each deadline, as the daemon does.
    pub(super) fn pass(&mut self, seconds: u64) {
        loop {
            let wait = self.hub.next_wait(stamp(self.seconds)).map_or(u64::MAX, |it| it.as_secs());
            let due = self.seconds.saturating_add(wait);
            if seconds < due {
                self.seconds = seconds;
                return;
            }
            self.seconds = due;
            self.hub.step(stamp(due), Event::Deadline).unwrap();
            let wait = self.hub.next_wait(stamp(due));
            assert!(wait.is_none_or(|it| !it.is_zero()), "a deadline that is met is over");
        }
    }

    pub(super) fn indicate(&mut self, hex_text: &str) {
        let frame = Frame {
            device: "cuff".parse().unwrap(),
            source: Source::Characteristic(sig_uuid(0x2A35)),
            bytes: hex::decode(hex_text).unwrap(),
            received: stamp(self.seconds + 1),
        };
        self.step(Event::Link(LinkEvent::Frame(frame)));
    }

    pub(super) fn restart(&mut self) {
        // The hub that ran lets go of its ledger first.
        let elsewhere = Store::open(&self.path.with_file_name("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(), elsewhere, stamp(self.seconds)).unwrap();
        let store = Store::open(&self.path).unwrap();
        let plans = vec![Plan::parse(self.plan).unwrap()];
        let settings = HubSettings { plans, ..settings() };
        self.hub = Hub::new(settings, store, stamp(self.seconds)).unwrap();
    }

    fn messages<T: serde::de::DeserializeOwned>(&self, lane: Lane) -> Vec<T> {
        let records = self.hub.store.pending(lane, 0, &SequenceRanges::new(), 1000).unwrap();
        records.iter().map(|it| canonical::decode(&it.payload).unwrap()).collect()
    }

    /// Numbers of the records of `lane` that the agency does not hold, as far as the hub knows.
    pub(super) fn pending(&self, lane: Lane) -> Vec<Sequence> {
        let records = self.hub.pending(lane, 0, &self.hub.ledger().held, 10).unwrap();
        records.iter().map(|it| it.seq).collect()
    }

    pub(super) fn alerts(&self) -> Vec<v1::Alert> {
        self.messages(Lane::Alert)
    }

    pub(super) fn readings(&self) -> Vec<v1::Reading> {
        self.messages(Lane::Reading)
    }

    pub(super) fn events(&self) -> Vec<v1::Event> {
        self.messages(Lane::Event)
    }

    pub(super) fn alert_id(&self) -> AlertId {
        self.alerts()[0].alert_id.parse().unwrap()
    }

    pub(super) fn command(&self, id: &str, instruction: Instruction, signer: &SigningKey) -> Event {
        let at = |seconds| Time(LocalInstant::utc(stamp(seconds).wall));
        let hub = "hub-1".parse().unwrap();
        let (issued, expires) = (at(self.seconds), at(self.seconds + 3600));
        let command = Command::new(&hub, id.to_owned(), issued, expires, instruction);
        let payload = canonical::encode(&command).unwrap();
        Event::Command(sealed::seal(&payload, Purpose::Command, signer).unwrap())
    }

    pub(super) fn acknowledge(&self, id: &str, by: &str) -> Event {
        let alert = self.alert_id();
        let instruction =
            Instruction::Acknowledge { alert, by: by.to_owned(), note: None, until: None };
        self.command(id, instruction, &key())
    }

    pub(super) fn receipt(
        &self,
        high_water: Sequence,
        missing: Vec<(Sequence, Sequence)>,
    ) -> Event {
        let receipt = Receipt {
            v: 1,
            hub: "hub-1".to_owned(),
            epoch: Bytes(self.hub.store.epoch().0.to_vec()),
            high_water,
            missing,
            issued_at: Time(LocalInstant::utc(stamp(self.seconds).wall)),
            checksum: None,
            contested: Vec::new(),
        };
        Event::Receipt(canonical::encode(&receipt).unwrap())
    }
}

#[test]
fn a_reading_becomes_one_record_with_its_bytes() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    let readings = home.readings();
    let [reading] = readings.as_slice() else { panic!("{readings:?}") };
    assert_eq!(hex::encode(&reading.raw.0), NORMAL);
    assert_eq!(reading.subject.as_deref(), Some("client-1"));
    assert_eq!(reading.values[0].vital, "systolic-pressure");
    assert_eq!(reading.values[0].value.0.to_string(), "125");
    assert_eq!((reading.seq, home.hub.store.last_seq()), (1, 1));
    assert!(home.alerts().is_empty());
}

#[test]
fn a_crisis_raises_its_alert_in_the_next_record() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let alerts = home.alerts();
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.state.as_str(), alert.standing.as_str()), ("raised", "active"));
    assert_eq!((alert.seq, alert.priority.as_str()), (2, "high"));
    assert_eq!(alert.readings, [home.readings()[0].id.clone()]);
    assert_eq!(alert.alert_id, format!("{}-2", home.hub.store.epoch()));
}

#[test]
fn a_replay_is_recorded_once_and_alerts_once_also_after_a_restart() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    home.indicate(CRISIS);
    home.restart();
    home.indicate(CRISIS);
    assert_eq!((home.readings().len(), home.alerts().len()), (1, 1));
}

#[test]
fn a_failed_measurement_is_an_event_with_advice_and_never_a_number() {
    let mut home = Home::new();
    home.indicate(FAILED);
    home.indicate(FAILED);
    assert!(home.readings().is_empty());
    let events = home.events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.kind, "measurement-failed");
    assert!(event.text.contains("measure again"), "{}", event.text);
}

#[test]
fn bytes_that_cannot_be_read_are_kept_with_the_reason() {
    let mut home = Home::new();
    home.indicate("1f0048");
    let events = home.events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.kind, "payload-quarantined");
    assert_eq!(hex::encode(&event.raw.as_ref().unwrap().0), "1f0048");
    assert!(home.readings().is_empty());
}

#[test]
fn an_acknowledgement_is_carried_out_once() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let acknowledge = home.acknowledge("c-1", "Nurse N.");
    home.step(acknowledge.clone());
    home.step(acknowledge.clone());
    home.restart();
    home.step(acknowledge);
    let alerts = home.alerts();
    let [_raised, acknowledged] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!(acknowledged.standing, "acknowledged");
    assert_eq!(acknowledged.by.as_deref(), Some("Nurse N."));
    assert_eq!((acknowledged.rev, home.events().len()), (2, 0));
}

#[test]
fn a_second_acknowledgement_is_refused_and_the_first_name_stays() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    home.step(home.acknowledge("c-1", "Nurse N."));
    home.step(home.acknowledge("c-2", "Nurse M."));
    home.step(home.acknowledge("c-2", "Nurse M."));
    assert_eq!(home.alerts().len(), 2);
    let events = home.events();
    let [refused] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(refused.kind, "command-refused");
    assert_eq!(refused.command_id.as_deref(), Some("c-2"));
}

#[test]
fn what_the_agency_did_not_sign_changes_nothing_and_leaves_no_trace() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let alert = home.alert_id();
    let instruction =
        Instruction::Acknowledge { alert, by: "Mallory".to_owned(), note: None, until: None };
    home.step(home.command("c-1", instruction, &SigningKey::from_bytes(&[8; 32])));
    home.step(Event::Command(vec![0xd2, 0x84]));
    assert_eq!((home.alerts().len(), home.events().len()), (1, 0));
}

#[test]
fn an_expired_command_is_refused() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let acknowledge = home.acknowledge("c-1", "Nurse N.");
    home.seconds += 7200;
    home.step(acknowledge);
    assert_eq!((home.alerts().len(), home.events().len()), (1, 1));
}

#[test]
fn open_alerts_survive_a_restart() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    home.restart();
    home.step(home.acknowledge("c-1", "Nurse N."));
    assert_eq!(home.alerts().last().unwrap().standing, "acknowledged");
}

#[test]
fn the_latest_receipt_says_what_is_sent_also_where_it_says_less() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    home.indicate(CRISIS);
    let waiting = |home: &Home| -> Vec<Sequence> {
        Lane::ALL.into_iter().flat_map(|lane| home.pending(lane)).collect()
    };
    assert_eq!(waiting(&home), [3, 1, 2]);
    home.step(home.receipt(3, vec![(2, 2)]));
    assert_eq!(waiting(&home), [2]);
    home.step(home.receipt(3, vec![]));
    assert_eq!(home.hub.records(&[1, 2, 3]).unwrap(), []);
    home.step(home.receipt(1, vec![]));
    assert_eq!(waiting(&home), [3, 2]);
}

#[test]
fn a_refused_value_that_a_device_offers_again_is_told_once() {
    let mut home = Home::new();
    home.indicate("1f0048");
    home.indicate("1f0048");
    assert_eq!(home.events().len(), 1);
}

#[test]
fn a_receipt_of_another_epoch_is_ignored() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    let Event::Receipt(payload) = home.receipt(1, vec![]) else { unreachable!() };
    let mut receipt: Receipt = canonical::decode(&payload).unwrap();
    receipt.epoch = Bytes(vec![9; 8]);
    home.step(Event::Receipt(canonical::encode(&receipt).unwrap()));
    home.step(Event::Receipt(vec![0xff]));
    assert_eq!(home.pending(Lane::Reading).len(), 1);
}

#[test]
fn what_the_agency_holds_is_in_the_ledger_at_once() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    home.step(home.receipt(1, vec![]));
    let beside = Store::open_read_only(&home.path).unwrap();
    assert_eq!(beside.held().unwrap().gaps(1).count(), 0);
    home.restart();
    assert!(home.pending(Lane::Reading).is_empty());
}

#[test]
fn asked_to_send_again_the_hub_does() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    home.step(home.receipt(1, vec![]));
    let epoch = home.hub.store.epoch();
    let instruction = Instruction::Resend { epoch, ranges: vec![(1, 1)] };
    home.step(home.command("c-1", instruction, &key()));
    assert_eq!(home.pending(Lane::Reading).len(), 1);
}

#[test]
fn a_lost_link_is_told_once_and_its_return_too() {
    let mut home = Home::new();
    let lost = LinkEvent::Lost(LinkName::Bluetooth, "the adapter is gone".to_owned());
    home.step(Event::Link(LinkEvent::Up(LinkName::Bluetooth)));
    home.step(Event::Link(lost.clone()));
    home.step(Event::Link(lost));
    home.step(Event::Link(LinkEvent::Up(LinkName::Bluetooth)));
    let kinds: Vec<_> = home.events().into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["link-lost", "link-restored"]);
    assert_eq!(home.alerts().len(), 0);
}

#[test]
fn a_link_that_stays_lost_is_an_alert_until_it_works_again_also_after_a_restart() {
    const MINUTE: u64 = 60;
    let mut home = Home::new();
    let lost = LinkEvent::Lost(LinkName::Bluetooth, "the adapter is gone".to_owned());
    let told = |home: &Home| -> Vec<(String, String)> {
        let about_it = home.alerts().into_iter().filter(|it| it.rule == "bluetooth-lost");
        about_it.map(|it| (it.rule, it.state)).collect()
    };
    let is = |state: &str| ("bluetooth-lost".to_owned(), state.to_owned());
    home.step(Event::Link(lost.clone()));
    home.pass(15 * MINUTE);
    assert_eq!(told(&home), []);
    home.pass(16 * MINUTE);
    assert_eq!(told(&home), [is("raised")]);
    let alerts = home.alerts();
    let alert = alerts.iter().find(|it| it.rule == "bluetooth-lost").unwrap();
    assert!(alert.why.contains("the adapter is gone"), "{}", alert.why);
    assert_eq!((alert.category.as_str(), alert.priority.as_str()), ("technical", "medium"));
    home.restart();
    home.step(Event::Link(lost));
    home.pass(40 * MINUTE);
    assert_eq!(told(&home), [is("raised")], "it stands already");
    home.restart();
    home.step(Event::Link(LinkEvent::Up(LinkName::Bluetooth)));
    assert_eq!(told(&home), [is("raised"), is("cleared")]);
}

#[test]
fn the_last_sample_of_a_stream_is_recorded_when_the_device_falls_silent() {
    let mut home = Home::new();
    // Nonin's lines of text: two samples, then the finger is out and the port says nothing.
    for line in [b"SPO2=097 HR=070\r\n", b"SPO2=096 HR=071\r\n"] {
        let frame = Frame {
            device: "oximeter".parse().unwrap(),
            source: Source::Serial,
            bytes: line.to_vec(),
            received: stamp(home.seconds + 1),
        };
        home.step(Event::Link(LinkEvent::Frame(frame)));
    }
    assert_eq!(home.readings().len(), 1);
    let wait = home.hub.next_wait(stamp(home.seconds)).unwrap();
    home.seconds += wait.as_secs();
    home.step(Event::Deadline);
    let readings = home.readings();
    assert_eq!(readings.last().unwrap().values[0].value.0.to_string(), "96");
    assert_eq!(readings.len(), 2);
    // What is left to wait for is the upkeep of the ledger.
    assert!(home.hub.roster.next_deadline().is_none());
}

#[test]
fn the_health_message_counts_what_waits() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    home.indicate(CRISIS);
    home.step(home.receipt(1, vec![]));
    let health: v1::Health = canonical::decode(&home.hub.health(stamp(9)).unwrap()).unwrap();
    assert_eq!((health.last_seq, health.unconfirmed, health.open_alerts), (3, 2, 1));
    assert!(health.devices[0].last_reading.is_some());
}
