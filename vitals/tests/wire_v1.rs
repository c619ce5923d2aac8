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
#[path = "wire_v1/message.rs"]
mod message;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::sealed::{Purpose, open, seal};
use vitals::wire::v1::{
    Alert, Assignment, Command, Envelope, Event, Health, Instruction, Reading, Recorded,
};

use self::message::{
    acknowledge, asked, at, blood_pressure, clock, close, closed, contested_receipt, event, health,
    health_of_a_hub_that_cannot_store, health_of_a_hub_that_hears_nothing, health_with_storage,
    key, observation, quarantined, raised, receipt, resend, snoozed, status, weight,
};

#[track_caller]
fn check<T: Debug + PartialEq + Serialize + DeserializeOwned>(message: &T, literal: &str) {
    let bytes = literal::bytes(literal);
    assert_eq!(hex::encode(encode(message).unwrap()), hex::encode(&bytes));
    assert_eq!(&decode::<T>(&bytes).unwrap(), message);
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
