//! Every kind of message keeps `docs/wire.cddl`, and what does not is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

#[path = "wire_v1/literal.rs"]
mod literal;
#[path = "../../tests/harness/wire.rs"]
pub mod wire;

use std::collections::BTreeSet;

use ciborium::Value;
use ed25519_dalek::SigningKey;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::sealed::{Purpose, seal};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{EventKind, MESSAGE_LEN_BYTES_MAX, Presence};
use vitals::{Category, DeviceKind, Flag, Phase, Priority, ReadingKind, TimeQuality, Unit, Vital};

/// Every pinned message but the envelopes, with a name and the channel that carries it.
///
/// A command is checked inside its envelope.
const MESSAGES: [(&str, Channel, &str); 30] = [
    ("reading", Channel::Reading, literal::BLOOD_PRESSURE),
    ("reading", Channel::Reading, literal::WEIGHT),
    ("alert", Channel::Alert, literal::ALERT_RAISED),
    ("alert", Channel::Alert, literal::ALERT_CLOSED),
    ("event", Channel::Event, literal::EVENT),
    ("event", Channel::Event, literal::EVENT_WITH_BYTES),
    ("health", Channel::Health, literal::HEALTH),
    ("reading", Channel::Reading, literal::WEIGHT_WITH_CLOCK),
    ("reading", Channel::Reading, literal::OBSERVATION),
    ("alert", Channel::Alert, literal::ALERT_WITH_CLOCK),
    ("event", Channel::Event, literal::EVENT_WITH_CLOCK),
    ("health", Channel::Health, literal::HEALTH_WITH_CLOCK),
    ("health", Channel::Health, literal::HEALTH_WITH_STORAGE),
    ("health", Channel::Health, literal::HEALTH_WITH_ALERTS),
    ("health", Channel::Health, literal::HEALTH_IN_MEMORY),
    ("status", Channel::Status, literal::STATUS_ONLINE),
    ("status", Channel::Status, literal::STATUS_OFFLINE),
    ("receipt", Channel::Receipt, literal::RECEIPT),
    ("receipt", Channel::Receipt, literal::RECEIPT_WITH_GAPS),
    ("receipt", Channel::Receipt, literal::RECEIPT_CONTESTED),
    ("acknowledge", Channel::Command, literal::COMMAND_ACKNOWLEDGE),
    ("alert", Channel::Alert, literal::ALERT_ASKED),
    ("alert", Channel::Alert, literal::ALERT_SNOOZED),
    ("acknowledge", Channel::Command, literal::COMMAND_SNOOZE),
    ("acknowledge", Channel::Command, literal::COMMAND_SEEN),
    ("close", Channel::Command, literal::COMMAND_CLOSE),
    ("resend", Channel::Command, literal::COMMAND_RESEND),
    ("event", Channel::Event, literal::EVENT_ASSIGNED),
    ("event", Channel::Event, literal::EVENT_REFUSED),
    ("assign", Channel::Command, literal::COMMAND_ASSIGN),
];

/// Keys that hold any text.
const FREE_TEXTS: &[&str] = &[
    "acknowledge.by",
    "acknowledge.command_id",
    "acknowledge.note",
    "alert.by",
    "alert.note",
    "alert.plan",
    "alert.rule",
    "alert.timers.escalated_to",
    "alert.why",
    "assign.by",
    "assign.command_id",
    "assign.note",
    "close.by",
    "close.command_id",
    "close.note",
    "event.assignment.by",
    "event.assignment.note",
    "event.command_id",
    "event.source",
    "event.text",
    "health.devices.last_error",
    "health.devices.model",
    "health.version",
    "reading.context.visit",
    "reading.device.model",
    "reading.device_time",
    "resend.command_id",
];

fn item(literal: &str) -> Value {
    decode(&literal::bytes(literal)).unwrap()
}

fn check(channel: Channel, message: &Value) -> Result<(), String> {
    let bytes = encode(message).map_err(|it| it.to_string())?;
    if channel == Channel::Command {
        let key = SigningKey::from_bytes(&[0x11; 32]);
        let sealed = seal(&bytes, Purpose::Command, &key).map_err(|it| it.to_string())?;
        return wire::check(channel, &sealed);
    }
    wire::check(channel, &bytes)
}

/// The item at `index` of `root`, counted from 0 with each item before its inner ones, and its name.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other item holds no item")]
fn place<'a>(
    root: &'a mut Value,
    name: &str,
    index: &mut usize,
) -> Option<(String, &'a mut Value)> {
    if *index == 0 {
        return Some((name.to_owned(), root));
    }
    *index -= 1;
    match root {
        Value::Map(entries) => entries.iter_mut().find_map(|(key, inner)| {
            place(inner, &format!("{name}.{}", key.as_text().unwrap()), index)
        }),
        Value::Array(items) => items.iter_mut().find_map(|inner| place(inner, name, index)),
        Value::Tag(number, inner) => place(inner, &format!("{name}#{number}"), index),
        _scalar => None,
    }
}

/// Names of the items of all messages that stay within the contract after `change`.
///
/// `change` returns whether it changed the item.
fn accepting(change: impl Fn(&mut Value) -> bool) -> BTreeSet<String> {
    let mut accepted = BTreeSet::new();
    for (name, channel, literal) in MESSAGES {
        for index in 0.. {
            let mut message = item(literal);
            let Some((name, inner)) = place(&mut message, name, &mut index.clone()) else { break };
            if change(inner) && check(channel, &message).is_ok() {
                accepted.insert(name);
            }
        }
    }
    accepted
}

#[track_caller]
fn check_accepting(substitute: &Value, expected: &[&str]) {
    let accepted = accepting(|inner| {
        let is_change = inner != substitute;
        *inner = substitute.clone();
        is_change
    });
    assert_eq!(accepted.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn every_message_keeps_the_contract() {
    for (name, channel, literal) in MESSAGES {
        assert_eq!(check(channel, &item(literal)), Ok(()), "{name}");
    }
    let sealed = literal::bytes(literal::SEALED_COMMAND);
    assert_eq!(wire::check(Channel::Command, &sealed), Ok(()));
    assert_eq!(wire::check(Channel::Plan, &literal::bytes(literal::SEALED_PLAN)), Ok(()));
}

#[test]
fn no_message_passes_for_another() {
    for (name, channel, literal) in MESSAGES {
        for other in Channel::ALL.into_iter().filter(|it| *it != channel) {
            assert!(check(other, &item(literal)).is_err(), "{name} on {}", other.as_str());
        }
    }
}

#[test]
fn no_key_may_be_missing_but_the_optional_ones() {
    let mut optional = BTreeSet::new();
    for (name, channel, literal) in MESSAGES {
        for index in 0.. {
            let mut message = item(literal);
            let Some((name, inner)) = place(&mut message, name, &mut index.clone()) else { break };
            for key in 0..inner.as_map().map_or(0, Vec::len) {
                let mut message = item(literal);
                let (_name, inner) = place(&mut message, "", &mut index.clone()).unwrap();
                let (key, _item) = inner.as_map_mut().unwrap().remove(key);
                if check(channel, &message).is_ok() {
                    optional.insert(format!("{name}.{}", key.as_text().unwrap()));
                }
            }
        }
    }
    let expected = [
        "acknowledge.note",
        "acknowledge.seen_priority",
        "acknowledge.until",
        "alert.clock",
        "alert.measured_clock",
        "alert.timers",
        "alert.timers.escalated_to",
        "alert.timers.quiet_until",
        "alert.timers.repeat_by",
        "alert.timers.repeat_by.clock",
        "alert.timers.rung",
        "alert.timers.stale",
        "alert.timers.until",
        "alert.timers.until.clock",
        "alert.timers.waits_since",
        "alert.timers.waits_since.clock",
        "assign.note",
        "assign.subject",
        "close.note",
        "event.assignment",
        "event.assignment.note",
        "event.clock",
        "event.command_id",
        "health.agency_silent_since",
        "health.alerts",
        "health.clock",
        "health.storage",
        "health.storage.memory_only_since",
        "reading.clock",
        "receipt.checksum",
        "receipt.contested",
    ];
    assert_eq!(optional.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn null_stands_only_where_something_may_be_unknown() {
    check_accepting(
        &Value::Null,
        &[
            "alert.by",
            "alert.cleared_at",
            "alert.disposition",
            "alert.limit",
            "alert.measured_at",
            "alert.note",
            "alert.subject",
            "alert.value",
            "alert.vital",
            "event.assignment.from",
            "event.assignment.to",
            "event.device",
            "event.raw",
            "event.source",
            "event.subject",
            "health.devices.last_error",
            "health.devices.last_reading",
            "health.devices.last_seen",
            "health.storage.oldest_at",
            "health.storage.scrubbed_at",
            "reading.context.visit",
            "reading.device.battery",
            "reading.device_time",
            "reading.subject",
        ],
    );
}

#[test]
fn any_text_stands_only_where_people_or_devices_write() {
    check_accepting(&"\u{7}".into(), FREE_TEXTS);
    check_accepting(&"".into(), FREE_TEXTS);
    check_accepting(&"client-4711\n".into(), FREE_TEXTS);
}

#[test]
fn a_time_is_a_text_with_tag_0() {
    let time = "2026-03-02T08:00:00Z";
    let times = [
        "acknowledge.expires_at",
        "acknowledge.issued_at",
        "acknowledge.until",
        "alert.cleared_at",
        "alert.measured_at",
        "alert.raised_at",
        "alert.recorded_at",
        "alert.timers.quiet_until.at",
        "alert.timers.repeat_by.at",
        "alert.timers.until.at",
        "alert.timers.waits_since.at",
        "assign.expires_at",
        "assign.issued_at",
        "close.expires_at",
        "close.issued_at",
        "event.recorded_at",
        "health.agency_silent_since",
        "health.at",
        "health.devices.last_reading",
        "health.devices.last_seen",
        "health.started_at",
        "health.storage.memory_only_since",
        "health.storage.oldest_at",
        "health.storage.scrubbed_at",
        "reading.measured_at",
        "reading.received_at",
        "reading.recorded_at",
        "receipt.issued_at",
        "resend.expires_at",
        "resend.issued_at",
        "status.since",
    ];
    let tagged = |number, text: &str| Value::Tag(number, Box::new(text.into()));
    check_accepting(&tagged(0, time), &times);
    check_accepting(&tagged(0, "2026-03-02T08:00:00.5+05:45"), &times);
    check_accepting(&tagged(1, time), &[]);
    for text in ["2026-03-02T08:00:00", "2026-03-02 08:00:00Z", "2026-03-02T08:00:00.1234Z", "now"]
    {
        check_accepting(&tagged(0, text), &[]);
    }
    check_accepting(&Value::Tag(1, Box::new(1_772_438_400.into())), &[]);
    check_accepting(&Value::Array(vec!["#6.0".into(), time.into()]), &[]);
}

#[test]
fn a_decimal_is_a_fraction_with_tag_4() {
    let fraction = |number, exponent: i64, mantissa: i64| {
        Value::Tag(number, Box::new(Value::Array(vec![exponent.into(), mantissa.into()])))
    };
    let decimals = ["alert.limit.value", "alert.value.value", "reading.values.value"];
    check_accepting(&fraction(4, -1, 971), &decimals);
    check_accepting(&fraction(4, -15, -971), &decimals);
    check_accepting(&fraction(4, 1, 971), &[]);
    check_accepting(&fraction(4, -16, 971), &[]);
    check_accepting(&fraction(5, -1, 971), &[]);
    let mut long = fraction(4, -1, 971);
    long.as_tag_mut().unwrap().1.as_array_mut().unwrap().push(0.into());
    check_accepting(&long, &[]);
    check_accepting(&Value::Float(97.1), &[]);
    check_accepting(&Value::Tag(4, Box::new("97.1".into())), &[]);
}

#[test]
fn numbers_stay_in_their_range() {
    let signed = [
        "alert.clock.uptime_ms",
        "alert.limit.value#4",
        "alert.measured_clock.uptime_ms",
        "alert.timers.repeat_by.clock.uptime_ms",
        "alert.timers.until.clock.uptime_ms",
        "alert.timers.waits_since.clock.uptime_ms",
        "alert.value.value#4",
        "event.clock.uptime_ms",
        "health.clock.uptime_ms",
        "reading.clock.uptime_ms",
        "reading.values.value#4",
    ];
    check_accepting(&(-77).into(), &signed);
    check_accepting(&(1_u64 << 63).into(), &[]);
    let from_0 = [
        "alert.clock.uptime_ms",
        "alert.limit.value#4",
        "alert.measured_clock.uptime_ms",
        "alert.timers.repeat_by.clock.uptime_ms",
        "alert.timers.until.clock.uptime_ms",
        "alert.timers.waits_since.clock.uptime_ms",
        "alert.value.value#4",
        "health.clock.uptime_ms",
        "health.database_bytes",
        "health.last_seq",
        "health.open_alerts",
        "health.storage.damaged",
        "health.storage.max_bytes",
        "health.storage.used_bytes",
        "health.unconfirmed",
        "reading.clock.uptime_ms",
        "reading.device.battery",
        "reading.values.code",
        "reading.values.value#4",
        "receipt.checksum",
        "receipt.high_water",
    ];
    check_accepting(&0.into(), &from_0);
    let above_percent = accepting(|inner| {
        *inner = 101.into();
        true
    });
    assert!(!above_percent.contains("reading.device.battery"));
    assert!(above_percent.contains("reading.seq") && above_percent.contains("alert.rev"));
    assert!(!above_percent.iter().any(|it| it.ends_with(".v")));
}

#[test]
fn other_types_stand_nowhere_else() {
    let yes_or_no = ["alert.confirmed", "alert.late", "health.clock.known", "reading.clock.known"];
    check_accepting(&true.into(), &yes_or_no);
    let raw = ["event.raw", "reading.raw"];
    check_accepting(&Value::Bytes(Vec::new()), &raw);
    check_accepting(&Value::Bytes(vec![1; 7]), &raw);
    check_accepting(&Value::Bytes(vec![1; 9]), &raw);
    let lists = [
        "alert.readings",
        "health.alerts",
        "health.devices",
        "reading.flags",
        "reading.subject_candidates",
        "receipt.missing",
    ];
    check_accepting(&Value::Array(Vec::new()), &lists);
    check_accepting(&Value::Array(vec![1.into()]), &[]);
    check_accepting(&Value::Map(Vec::new()), &["alert.timers"]);
    check_accepting(&Value::Float(1.5), &[]);
    check_accepting(&Value::Tag(18, Box::new(Value::Null)), &[]);
}

#[test]
fn keys_of_a_later_writer_stand_in_every_map() {
    for later in [Value::Null, 7.into(), "x".into(), Value::Array(vec![Value::Map(Vec::new())])] {
        for (name, channel, literal) in MESSAGES {
            for index in 0.. {
                let mut message = item(literal);
                let Some((name, inner)) = place(&mut message, name, &mut index.clone()) else {
                    break;
                };
                if let Some(entries) = inner.as_map_mut() {
                    entries.push(("later".into(), later.clone()));
                    assert_eq!(check(channel, &message), Ok(()), "{name}");
                }
            }
        }
    }
}

#[test]
fn words_of_a_later_writer_stand_in_open_lists_alone() {
    let open = [
        "alert.disposition",
        "alert.standing",
        "alert.state",
        "close.disposition",
        "event.kind",
        "health.alerts.standing",
        "reading.flags",
    ];
    let identities = [
        "acknowledge.hub",
        "alert.hub",
        "alert.subject",
        "assign.hub",
        "assign.subject",
        "close.hub",
        "event.assignment.from",
        "event.assignment.to",
        "event.device",
        "event.hub",
        "event.subject",
        "health.devices.id",
        "health.hub",
        "reading.device.id",
        "reading.hub",
        "reading.subject",
        "reading.subject_candidates",
        "receipt.hub",
        "resend.hub",
        "status.hub",
    ];
    let mut expected = [&open[..], &identities, FREE_TEXTS].concat();
    expected.sort_unstable();
    check_accepting(&"brand-new".into(), &expected);
}

#[test]
fn the_contract_and_the_code_have_the_same_words() {
    fn words<T: Copy>(all: &[T], as_str: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|&it| as_str(it)).collect()
    }

    #[track_caller]
    fn check(start: &str, expected: &[&str]) {
        let (_before, rest) = wire::CONTRACT.split_once(start).unwrap();
        let statement = rest.split("\n\n").next().unwrap().split(",\n").next().unwrap();
        let found: Vec<&str> = statement.split('"').skip(1).step_by(2).collect();
        assert_eq!(found, expected, "{start}");
    }

    check("\nvital-word =", &words(&Vital::ALL, Vital::as_str));
    check("\nunit-code =", &words(&Unit::ALL, Unit::ucum));
    check("\nreading-kind =", &words(&ReadingKind::ALL, ReadingKind::as_str));
    check("\ndevice-kind =", &words(&DeviceKind::ALL, DeviceKind::as_str));
    check("\ntime-quality =", &words(&TimeQuality::ALL, TimeQuality::as_str));
    check("\nflag =", &words(&Flag::ALL, Flag::as_str));
    check("phase:", &words(&Phase::ALL, Phase::as_str));
    check("\npriority =", &words(&Priority::ALL, Priority::as_str));
    check("category:", &words(&Category::ALL, Category::as_str));
    let kinds = [
        EventKind::HubStarted,
        EventKind::PayloadQuarantined,
        EventKind::MeasurementFailed,
        EventKind::LinkLost,
        EventKind::LinkRestored,
        EventKind::BatteryLow,
        EventKind::ClockStepped,
        EventKind::PlanApplied,
        EventKind::PlanRefused,
        EventKind::CommandRefused,
        EventKind::RepeatAsked,
        EventKind::MeasurementUnheard,
        EventKind::ReadingAssigned,
        EventKind::ExerciseStarted,
        EventKind::ExerciseEnded,
    ];
    check("\nevent-kind =", &words(&kinds, EventKind::as_str));
    check("\npresence =", &words(&[Presence::Online, Presence::Offline], Presence::as_str));
}

#[test]
fn another_encoding_of_the_same_message_is_refused() {
    let status = hex::encode(literal::bytes(literal::STATUS_ONLINE));
    for (from, to, what) in [
        ("617601", "61761801", "a number in more bytes than it needs"),
        ("61760163687562656875622d31", "63687562656875622d31617601", "keys in another order"),
        ("666f6e6c696e65", "7f666f6e6c696e65ff", "a text without its length"),
    ] {
        let bytes = hex::decode(status.replacen(from, to, 1)).unwrap();
        assert_ne!(bytes, literal::bytes(literal::STATUS_ONLINE), "{what}");
        assert!(decode::<Value>(&bytes).is_ok(), "{what}");
        assert!(wire::check(Channel::Status, &bytes).is_err(), "{what}");
    }
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let with_raw = |len_bytes| {
        let mut event = item(literal::EVENT_WITH_BYTES);
        let raw = event.as_map_mut().unwrap().iter_mut().find(|(key, _item)| *key == "raw".into());
        raw.unwrap().1 = Value::Bytes(vec![0; len_bytes]);
        check(Channel::Event, &event)
    };
    assert_eq!(with_raw(MESSAGE_LEN_BYTES_MAX - 400), Ok(()));
    assert!(with_raw(MESSAGE_LEN_BYTES_MAX).is_err());
}

#[test]
fn an_envelope_is_tagged_and_complete() {
    let Value::Tag(18, envelope) = item(literal::SEALED_PLAN) else { panic!("tag 18") };
    let check = |envelope: &Value| wire::check(Channel::Plan, &encode(envelope).unwrap());
    assert_eq!(check(&Value::Tag(18, envelope.clone())), Ok(()));
    assert!(check(&Value::Tag(17, envelope.clone())).is_err());
    assert!(check(&envelope).is_err());
    for (index, wrong) in [
        (0, Value::Bytes(Vec::new())),
        (0, Value::Bytes(hex::decode("a10126").unwrap())),
        (1, Value::Map(vec![(4.into(), Value::Bytes(vec![1]))])),
        (2, Value::Null),
        (2, Value::Bytes(Vec::new())),
        (2, "name = \"hypertension\"".into()),
        (3, Value::Bytes(vec![0; 63])),
        (3, Value::Null),
    ] {
        let mut envelope = envelope.clone();
        envelope.as_array_mut().unwrap()[index] = wrong;
        assert!(check(&Value::Tag(18, envelope)).is_err(), "{index}");
    }
}
