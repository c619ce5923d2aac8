//! Contract v1, held by literal bytes: what a hub or a station of any later version must still write
//! and read.
//!
//! This file and its literals are never edited, only added to.
//! A key that joins contract v1 later is optional and is left out where it is absent, so that these
//! bytes stay; here it is then added as absent. Whatever cannot be said that way is a contract v2,
//! with a pinned file of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

#[path = "wire_v1/literal.rs"]
mod literal;

use std::fmt::Debug;

use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vitals::LocalInstant;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::primitive::{Bytes, DecimalFraction, Time};
use vitals::wire::sealed::{Purpose, open, seal};
use vitals::wire::v1::{
    Alert, Amount, Assignment, Clock, Command, Context, Deadline, Device, DeviceHealth, Envelope,
    Event, Health, Instruction, OpenAlert, Reading, Receipt, Recorded, Status, StorageHealth,
    Timers, Value,
};

#[track_caller]
fn check<T: Debug + PartialEq + Serialize + DeserializeOwned>(message: &T, literal: &str) {
    let bytes = literal::bytes(literal);
    assert_eq!(hex::encode(encode(message).unwrap()), hex::encode(&bytes));
    assert_eq!(&decode::<T>(&bytes).unwrap(), message);
}

fn at(text: &str) -> Time {
    Time(LocalInstant::parse(text).unwrap())
}

fn number(text: &str) -> DecimalFraction {
    DecimalFraction(text.parse().unwrap())
}

fn epoch() -> Bytes {
    Bytes(vec![0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef])
}

fn value(vital: &str, value: &str, unit: &str, code: u32) -> Value {
    Value { vital: vital.to_owned(), value: number(value), unit: unit.to_owned(), code }
}

/// A cuff's reading of a known client.
fn blood_pressure() -> Reading {
    Reading {
        v: 1,
        epoch: epoch(),
        seq: 42,
        hub: "hub-1".to_owned(),
        recorded_at: at("2026-03-02T08:15:04.250+01:00"),
        clock: None,
        id: "0123456789abcdef-42".to_owned(),
        subject: Some("client-4711".to_owned()),
        subject_candidates: Vec::new(),
        device: Device {
            id: "cuff".to_owned(),
            kind: "blood-pressure-monitor".to_owned(),
            model: "generic-blood-pressure".to_owned(),
            battery: Some(88),
        },
        kind: "blood-pressure".to_owned(),
        measured_at: at("2026-03-02T08:14:30+01:00"),
        received_at: at("2026-03-02T08:15:04.125+01:00"),
        time_quality: "corrected".to_owned(),
        device_time: Some("2026-03-02T08:09:30".to_owned()),
        values: vec![
            value("systolic-pressure", "183", "mm[Hg]", 150_021),
            value("diastolic-pressure", "97", "mm[Hg]", 150_022),
            value("pulse-rate", "71", "/min", 149_546),
        ],
        flags: vec!["body-movement".to_owned(), "irregular-pulse".to_owned()],
        context: Context { phase: "resting".to_owned(), visit: None },
        raw: Bytes(vec![0x1e, 0xb7, 0x00, 0x61, 0x00, 0x7e, 0x00]),
    }
}

/// A scale's reading that two people may have made.
fn weight() -> Reading {
    Reading {
        v: 1,
        epoch: epoch(),
        seq: 256,
        hub: "hub-1".to_owned(),
        recorded_at: at("2026-07-01T06:00:00Z"),
        clock: None,
        id: "0123456789abcdef-256".to_owned(),
        subject: None,
        subject_candidates: vec!["client-4711".to_owned(), "client-4712".to_owned()],
        device: Device {
            id: "scale".to_owned(),
            kind: "weighing-scale".to_owned(),
            model: "generic-weight-scale".to_owned(),
            battery: None,
        },
        kind: "weight".to_owned(),
        measured_at: at("2026-07-01T06:00:00Z"),
        received_at: at("2026-07-01T06:00:00Z"),
        time_quality: "estimated".to_owned(),
        device_time: None,
        values: vec![value("body-weight", "97.0", "kg", 188_736)],
        flags: Vec::new(),
        context: Context { phase: "before-exercise".to_owned(), visit: Some("visit-9".to_owned()) },
        raw: Bytes(Vec::new()),
    }
}

fn raised() -> Alert {
    Alert {
        v: 1,
        epoch: epoch(),
        seq: 43,
        hub: "hub-1".to_owned(),
        recorded_at: at("2026-03-02T08:15:04.250+01:00"),
        clock: None,
        alert_id: "0123456789abcdef-43".to_owned(),
        rev: 1,
        state: "raised".to_owned(),
        standing: "active".to_owned(),
        priority: "high".to_owned(),
        category: "clinical".to_owned(),
        rule: "systolic-crisis".to_owned(),
        plan: "hypertension".to_owned(),
        plan_version: 3,
        subject: Some("client-4711".to_owned()),
        vital: Some("systolic-pressure".to_owned()),
        value: Some(Amount { value: number("183"), unit: "mm[Hg]".to_owned() }),
        limit: Some(Amount { value: number("24.0"), unit: "kPa".to_owned() }),
        readings: vec!["0123456789abcdef-42".to_owned()],
        why: "systolic pressure 183 mmHg is at or above 24.0 kPa".to_owned(),
        measured_at: Some(at("2026-03-02T08:14:30+01:00")),
        measured_clock: None,
        raised_at: at("2026-03-02T08:15:04.125+01:00"),
        cleared_at: None,
        late: false,
        confirmed: false,
        count: 1,
        by: None,
        note: None,
        disposition: None,
        timers: None,
    }
}

fn closed() -> Alert {
    Alert {
        seq: 60,
        recorded_at: at("2026-03-02T10:00:00+01:00"),
        clock: None,
        rev: 4,
        state: "closed".to_owned(),
        standing: "done".to_owned(),
        readings: vec!["0123456789abcdef-42".to_owned(), "0123456789abcdef-50".to_owned()],
        cleared_at: Some(at("2026-03-02T09:30:00+01:00")),
        late: true,
        confirmed: true,
        count: 2,
        by: Some("Nurse N.".to_owned()),
        note: Some("called, sat down, measured again".to_owned()),
        disposition: Some("true-actioned".to_owned()),
        ..raised()
    }
}

fn event() -> Event {
    Event {
        v: 1,
        epoch: epoch(),
        seq: 1,
        hub: "hub-1".to_owned(),
        recorded_at: at("2026-03-02T08:00:00Z"),
        clock: None,
        kind: "hub-started".to_owned(),
        device: None,
        subject: None,
        text: "the hub started".to_owned(),
        source: None,
        raw: None,
        assignment: None,
        command_id: None,
    }
}

fn quarantined() -> Event {
    Event {
        seq: 70_000,
        kind: "payload-quarantined".to_owned(),
        device: Some("cuff".to_owned()),
        subject: Some("client-4711".to_owned()),
        text: "3 bytes are too few for a blood pressure".to_owned(),
        source: Some("2a35".to_owned()),
        raw: Some(Bytes(vec![0x1e, 0xb7, 0x00])),
        ..event()
    }
}

fn health() -> Health {
    Health {
        v: 1,
        hub: "hub-1".to_owned(),
        epoch: epoch(),
        at: at("2026-03-02T09:00:00+01:00"),
        clock: None,
        started_at: at("2026-03-02T08:00:00+01:00"),
        version: "0.1.0".to_owned(),
        last_seq: 70_000,
        unconfirmed: 3,
        database_bytes: 4_294_967_296,
        open_alerts: 1,
        devices: vec![
            DeviceHealth {
                id: "cuff".to_owned(),
                model: "generic-blood-pressure".to_owned(),
                last_seen: Some(at("2026-03-02T08:15:04+01:00")),
                last_reading: Some(at("2026-03-02T08:15:04+01:00")),
                last_error: Some("the bond was lost".to_owned()),
            },
            DeviceHealth {
                id: "scale".to_owned(),
                model: "generic-weight-scale".to_owned(),
                last_seen: None,
                last_reading: None,
                last_error: None,
            },
        ],
        storage: None,
        agency_silent_since: None,
        alerts: None,
    }
}

fn health_with_storage() -> Health {
    Health {
        devices: vec![],
        storage: Some(StorageHealth {
            used_bytes: 70_000_000,
            max_bytes: 1_073_741_824,
            oldest_at: Some(at("2026-03-01T12:00:00+01:00")),
            scrubbed_at: Some(at("2026-03-02T07:00:00+01:00")),
            damaged: 2,
            memory_only_since: None,
        }),
        ..health()
    }
}

fn health_of_a_hub_that_cannot_store() -> Health {
    let mut health = health_with_storage();
    if let Some(storage) = &mut health.storage {
        storage.memory_only_since = Some(at("2026-03-02T08:58:30+01:00"));
    }
    health
}

fn health_of_a_hub_that_hears_nothing() -> Health {
    let open = OpenAlert {
        alert_id: "0123456789abcdef-43".to_owned(),
        rev: 2,
        standing: "acknowledged".to_owned(),
    };
    Health {
        agency_silent_since: Some(at("2026-03-02T08:58:30+01:00")),
        alerts: Some(vec![open]),
        devices: Vec::new(),
        ..health()
    }
}

fn status(state: &str) -> Status {
    Status {
        v: 1,
        hub: "hub-1".to_owned(),
        state: state.to_owned(),
        since: at("2026-03-02T08:00:01.500Z"),
    }
}

fn receipt(high_water: u64, missing: Vec<(u64, u64)>) -> Receipt {
    Receipt {
        v: 1,
        hub: "hub-1".to_owned(),
        epoch: epoch(),
        high_water,
        missing,
        issued_at: at("2026-03-02T08:15:05Z"),
        checksum: None,
        contested: vec![],
    }
}

fn contested_receipt() -> Receipt {
    let (checksum, contested) = (Some(0xcbf4_3926), vec![(2, 2)]);
    Receipt { checksum, contested, ..receipt(3, vec![(2, 2)]) }
}

fn acknowledge() -> Command {
    Command {
        v: 1,
        hub: "hub-1".to_owned(),
        command_id: "c-1".to_owned(),
        issued_at: at("2026-03-02T08:20:00Z"),
        expires_at: at("2026-03-02T09:20:00Z"),
        kind: "acknowledge".to_owned(),
        alert_id: Some("0123456789abcdef-43".to_owned()),
        by: Some("Nurse N.".to_owned()),
        note: None,
        disposition: None,
        until: None,
        seen_priority: None,
        reading_id: None,
        subject: None,
        epoch: None,
        ranges: None,
    }
}

fn close() -> Command {
    Command {
        kind: "close".to_owned(),
        note: Some("called".to_owned()),
        disposition: Some("true-actioned".to_owned()),
        ..acknowledge()
    }
}

fn resend() -> Command {
    Command {
        kind: "resend".to_owned(),
        alert_id: None,
        by: None,
        epoch: Some(epoch()),
        ranges: Some(vec![(1, 1), (40, 65_536)]),
        ..acknowledge()
    }
}

/// A key for tests alone.
fn key() -> SigningKey {
    SigningKey::from_bytes(&[0x11; 32])
}

#[test]
fn a_blood_pressure_of_a_known_client() {
    check(&blood_pressure(), literal::BLOOD_PRESSURE);
    assert!(blood_pressure().to_reading().is_ok());
}

#[test]
fn a_weight_that_two_people_may_have_made() {
    check(&weight(), literal::WEIGHT);
    assert!(weight().to_reading().is_ok());
}

#[test]
fn an_alert_that_is_raised() {
    check(&raised(), literal::ALERT_RAISED);
}

#[test]
fn an_alert_that_a_nurse_closed() {
    check(&closed(), literal::ALERT_CLOSED);
}

#[test]
fn an_event_that_says_little() {
    check(&event(), literal::EVENT);
}

#[test]
fn an_event_that_carries_bytes() {
    check(&quarantined(), literal::EVENT_WITH_BYTES);
}

#[test]
fn the_health_of_a_hub_and_its_devices() {
    check(&health(), literal::HEALTH);
    check(&health_with_storage(), literal::HEALTH_WITH_STORAGE);
    check(&health_of_a_hub_that_cannot_store(), literal::HEALTH_IN_MEMORY);
}

#[test]
fn the_health_of_a_hub_that_hears_nothing_and_its_open_alerts() {
    check(&health_of_a_hub_that_hears_nothing(), literal::HEALTH_WITH_ALERTS);
}

#[test]
fn online_and_offline() {
    check(&status("online"), literal::STATUS_ONLINE);
    check(&status("offline"), literal::STATUS_OFFLINE);
}

#[test]
fn receipts_without_and_with_gaps() {
    check(&receipt(43, Vec::new()), literal::RECEIPT);
    check(&receipt(300, vec![(2, 2), (40, 255)]), literal::RECEIPT_WITH_GAPS);
    check(&contested_receipt(), literal::RECEIPT_CONTESTED);
}

#[test]
fn every_command() {
    for (command, literal) in [
        (acknowledge(), literal::COMMAND_ACKNOWLEDGE),
        (close(), literal::COMMAND_CLOSE),
        (resend(), literal::COMMAND_RESEND),
    ] {
        check(&command, literal);
        assert!(command.instruction().is_ok());
    }
}

#[test]
fn a_sealed_command() {
    let sealed = literal::bytes(literal::SEALED_COMMAND);
    let payload = encode(&acknowledge()).unwrap();
    assert_eq!(
        hex::encode(seal(&payload, Purpose::Command, &key()).unwrap()),
        hex::encode(&sealed)
    );
    let opened = open(&sealed, Purpose::Command, &[key().verifying_key()]).unwrap();
    assert_eq!(decode::<Command>(&opened).unwrap(), acknowledge());
}

#[test]
fn a_sealed_plan() {
    let sealed = literal::bytes(literal::SEALED_PLAN);
    let payload = b"name = \"hypertension\"\nversion = 3\n";
    assert_eq!(hex::encode(seal(payload, Purpose::Plan, &key()).unwrap()), hex::encode(&sealed));
    assert_eq!(open(&sealed, Purpose::Plan, &[key().verifying_key()]).unwrap(), payload);
    assert!(open(&sealed, Purpose::Command, &[key().verifying_key()]).is_err());
}

#[test]
fn every_sequenced_message_reads_as_an_envelope() {
    for (literal, seq) in [
        (literal::BLOOD_PRESSURE, 42),
        (literal::WEIGHT, 256),
        (literal::ALERT_RAISED, 43),
        (literal::ALERT_CLOSED, 60),
        (literal::EVENT, 1),
        (literal::EVENT_WITH_BYTES, 70_000),
    ] {
        let envelope: Envelope = decode(&literal::bytes(literal)).unwrap();
        assert_eq!((envelope.v, envelope.hub.as_str(), envelope.seq), (1, "hub-1", seq));
        assert_eq!(envelope.epoch().unwrap().to_string(), "0123456789abcdef");
    }
}

#[test]
fn unknown_keys_are_ignored() {
    check_later(&blood_pressure(), literal::BLOOD_PRESSURE);
    check_later(&weight(), literal::WEIGHT);
    check_later(&raised(), literal::ALERT_RAISED);
    check_later(&closed(), literal::ALERT_CLOSED);
    check_later(&event(), literal::EVENT);
    check_later(&quarantined(), literal::EVENT_WITH_BYTES);
    check_later(&health(), literal::HEALTH);
    check_later(&health_with_storage(), literal::HEALTH_WITH_STORAGE);
    check_later(&health_of_a_hub_that_cannot_store(), literal::HEALTH_IN_MEMORY);
    check_later(&health_of_a_hub_that_hears_nothing(), literal::HEALTH_WITH_ALERTS);
    check_later(&status("online"), literal::STATUS_ONLINE);
    check_later(&receipt(43, Vec::new()), literal::RECEIPT);
    check_later(&acknowledge(), literal::COMMAND_ACKNOWLEDGE);
    check_later(&close(), literal::COMMAND_CLOSE);
    check_later(&resend(), literal::COMMAND_RESEND);
}

/// Checks that `literal` still reads as `message` where every map of it has keys of a later writer.
#[track_caller]
fn check_later<T: Debug + PartialEq + DeserializeOwned>(message: &T, literal: &str) {
    let mut later: ciborium::Value = decode(&literal::bytes(literal)).unwrap();
    add_keys(&mut later);
    let bytes = encode(&later).unwrap();
    assert_ne!(bytes, literal::bytes(literal));
    assert_eq!(&decode::<T>(&bytes).unwrap(), message);
}

fn add_keys(value: &mut ciborium::Value) {
    if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(add_keys);
    }
    if let Some(entries) = value.as_map_mut() {
        entries.iter_mut().for_each(|(_key, item)| add_keys(item));
        let nested = ciborium::Value::Map(vec![("deep".into(), true.into())]);
        for (key, item) in [("zz_text", "later".into()), ("zz_map", nested), ("0", 7.into())] {
            entries.push((key.into(), item));
        }
    }
}

/// The clocks of a hub that has run for a bit more than a minute.
fn clock(uptime_ms: i64, known: bool) -> Clock {
    Clock { boot: Bytes((0..16).collect()), uptime_ms, known }
}

#[test]
fn a_record_says_what_the_clocks_of_the_hub_were_worth() {
    let reading = Reading { clock: Some(clock(65_250, false)), ..weight() };
    check(&reading, literal::WEIGHT_WITH_CLOCK);
    let measured_clock = Some(clock(-30_000, true));
    check(
        &Alert { clock: Some(clock(4250, true)), measured_clock, ..raised() },
        literal::ALERT_WITH_CLOCK,
    );
    check(&Event { clock: Some(clock(0, true)), ..event() }, literal::EVENT_WITH_CLOCK);
    check(
        &Health { clock: Some(clock(86_400_000, false)), ..health() },
        literal::HEALTH_WITH_CLOCK,
    );
    let recorded: Recorded = decode(&literal::bytes(literal::WEIGHT_WITH_CLOCK)).unwrap();
    assert_eq!(recorded.moment(), reading.to_reading().unwrap().recorded);
    assert!(!recorded.moment().is_known);
}

/// What a visitor observed, on air and alert.
fn observation() -> Reading {
    Reading {
        seq: 257,
        id: "0123456789abcdef-257".to_owned(),
        subject: Some("client-4711".to_owned()),
        subject_candidates: Vec::new(),
        device: Device {
            id: "visitor".to_owned(),
            kind: "person".to_owned(),
            model: "person".to_owned(),
            battery: None,
        },
        kind: "manual-observation".to_owned(),
        time_quality: "synced".to_owned(),
        values: vec![
            value("respiratory-rate", "18", "/min", 151_562),
            value("oxygen-flow", "0", "L/min", 192_512),
            value("consciousness", "0", "{ACVPU}", 192_513),
        ],
        context: Context { phase: "resting".to_owned(), visit: Some("visit-9".to_owned()) },
        ..weight()
    }
}

fn deadline(text: &str, uptime_ms: i64) -> Deadline {
    Deadline { at: at(text), clock: Some(clock(uptime_ms, true)) }
}

/// An alert that waits for a repeated measurement.
fn asked() -> Alert {
    let repeat_by = deadline("2026-03-02T08:25:04.250+01:00", 4_200_000);
    Alert {
        state: "asked".to_owned(),
        standing: "pending".to_owned(),
        priority: "medium".to_owned(),
        timers: Some(Timers { repeat_by: Some(repeat_by), ..Timers::default() }),
        ..raised()
    }
}

/// An alert that a nurse took on for two hours, after it had been passed on and before it was quiet.
fn snoozed() -> Alert {
    let timers = Timers {
        repeat_by: None,
        waits_since: Some(deadline("2026-03-02T08:15:04.250+01:00", 3_600_000)),
        rung: Some(2),
        escalated_to: Some("backup".to_owned()),
        until: Some(deadline("2026-03-02T10:15:04.250+01:00", 10_800_000)),
        quiet_until: Some(Deadline { at: at("2026-03-03T07:00:00+01:00"), clock: None }),
        stale: Some(true),
    };
    Alert {
        state: "acknowledged".to_owned(),
        by: Some("Nurse N.".to_owned()),
        timers: Some(timers),
        ..raised()
    }
}

#[test]
fn an_observation_of_a_visitor() {
    check(&observation(), literal::OBSERVATION);
    let reading = observation().to_reading().unwrap();
    let hub = "hub-1".parse().unwrap();
    assert_eq!(Reading::new(&reading, &hub), observation());
}

#[test]
fn alerts_that_wait_for_something_by_the_clock() {
    check(&asked(), literal::ALERT_ASKED);
    check(&snoozed(), literal::ALERT_SNOOZED);
}

#[test]
fn a_command_that_holds_for_a_while() {
    let snooze = Command {
        note: Some("called".to_owned()),
        until: Some(at("2026-03-02T10:20:00Z")),
        ..acknowledge()
    };
    check(&snooze, literal::COMMAND_SNOOZE);
    assert!(snooze.instruction().is_ok());
}

#[test]
fn a_command_of_somebody_who_saw_a_less_urgent_alert() {
    let seen = Command { seen_priority: Some("medium".to_owned()), ..acknowledge() };
    check(&seen, literal::COMMAND_SEEN);
    assert!(seen.instruction().is_ok());
}

#[test]
fn a_hub_refuses_a_command() {
    let refused = Event {
        kind: "command-refused".to_owned(),
        text: "A command of the agency was not carried out: it has expired.".to_owned(),
        command_id: Some("c-1".to_owned()),
        ..event()
    };
    check(&refused, literal::EVENT_REFUSED);
}

#[test]
fn a_person_says_whose_a_reading_is() {
    let assignment = Assignment {
        reading: "0123456789abcdef-42".to_owned(),
        from: Some("client-4712".to_owned()),
        to: Some("client-4711".to_owned()),
        by: "Nurse N.".to_owned(),
        note: Some("her own cuff".to_owned()),
    };
    let (reading, to) = (assignment.reading().unwrap(), assignment.to().unwrap());
    let assigned = Event {
        kind: "reading-assigned".to_owned(),
        subject: Some("client-4711".to_owned()),
        text: "A reading was assigned to a client.".to_owned(),
        assignment: Some(assignment),
        ..event()
    };
    check(&assigned, literal::EVENT_ASSIGNED);
    let assign = Command {
        kind: "assign".to_owned(),
        alert_id: None,
        note: Some("her own cuff".to_owned()),
        reading_id: Some("0123456789abcdef-42".to_owned()),
        subject: Some("client-4711".to_owned()),
        ..acknowledge()
    };
    check(&assign, literal::COMMAND_ASSIGN);
    let (by, note) = ("Nurse N.".to_owned(), Some("her own cuff".to_owned()));
    let expected = Instruction::Assign { reading, subject: to, by, note };
    assert_eq!(assign.instruction().unwrap(), expected);
}
