//! Messages as a hub sends them, for tests.

use vitals::wire::canonical::encode;
use vitals::wire::primitive::{Bytes, DecimalFraction, Time};
use vitals::wire::topic::{AgencyTopics, ROOT};
use vitals::wire::v1::{Alert, Amount, Context, Device, Event, Health, Reading, Status, Value};
use vitals::{Epoch, LocalInstant};

pub(crate) const EPOCH: Epoch = Epoch([0xe1, 2, 3, 4, 5, 6, 7, 8]);
pub(crate) const HUB: &str = "hub-1";
pub(crate) const SUBJECT: &str = "client-1";

pub(crate) fn topics() -> AgencyTopics {
    AgencyTopics::new(ROOT, "north".parse().unwrap()).unwrap()
}

pub(crate) fn time(text: &str) -> Time {
    Time(LocalInstant::parse(text).unwrap())
}

/// The reading `seq` as a message that a test may change before it is encoded.
pub(crate) fn reading(seq: u64, kind: &str, values: &[(&str, &str, &str)]) -> Reading {
    let at = time("2026-03-01T08:15:00+01:00");
    let value = |&(vital, value, unit): &(&str, &str, &str)| Value {
        vital: vital.to_owned(),
        value: DecimalFraction(value.parse().unwrap()),
        unit: unit.to_owned(),
        code: 0,
    };
    Reading {
        v: 1,
        epoch: Bytes(EPOCH.0.to_vec()),
        seq,
        hub: HUB.to_owned(),
        recorded_at: at,
        clock: None,
        id: format!("{EPOCH}-{seq}"),
        subject: Some(SUBJECT.to_owned()),
        subject_candidates: Vec::new(),
        device: Device {
            id: "device-1".to_owned(),
            kind: "weighing-scale".to_owned(),
            model: "synthetic".to_owned(),
            battery: Some(80),
        },
        kind: kind.to_owned(),
        measured_at: at,
        received_at: at,
        time_quality: "synced".to_owned(),
        device_time: None,
        values: values.iter().map(value).collect(),
        flags: Vec::new(),
        context: Context { phase: "resting".to_owned(), visit: None },
        raw: Bytes(vec![1, 2, 3]),
    }
}

pub(crate) fn weight(seq: u64, kilogram: &str) -> Vec<u8> {
    encode(&reading(seq, "weight", &[("body-weight", kilogram, "kg")])).unwrap()
}

/// Revision `rev` of the alert that record `raised` raised, as record `seq`.
pub(crate) fn alert(seq: u64, raised: u64, rev: u32, state: &str, standing: &str) -> Alert {
    let amount = |value: &str| Amount {
        value: DecimalFraction(value.parse().unwrap()),
        unit: "%".to_owned(),
    };
    let at = time("2026-03-01T08:16:00+01:00");
    Alert {
        v: 1,
        epoch: Bytes(EPOCH.0.to_vec()),
        seq,
        hub: HUB.to_owned(),
        recorded_at: at,
        clock: None,
        alert_id: format!("{EPOCH}-{raised}"),
        rev,
        state: state.to_owned(),
        standing: standing.to_owned(),
        priority: "high".to_owned(),
        category: "clinical".to_owned(),
        rule: "spo2-low".to_owned(),
        plan: "copd".to_owned(),
        plan_version: 3,
        subject: Some(SUBJECT.to_owned()),
        vital: Some("oxygen-saturation".to_owned()),
        value: Some(amount("86")),
        limit: Some(amount("88")),
        readings: vec![format!("{EPOCH}-1")],
        why: "SpO2 86 % is below 88 %".to_owned(),
        measured_at: Some(time("2026-03-01T08:15:00+01:00")),
        measured_clock: None,
        raised_at: at,
        cleared_at: None,
        late: false,
        confirmed: true,
        count: 1,
        by: None,
        note: None,
        disposition: None,
        timers: None,
    }
}

pub(crate) fn event(seq: u64, kind: &str) -> Vec<u8> {
    let event = Event {
        v: 1,
        epoch: Bytes(EPOCH.0.to_vec()),
        seq,
        hub: HUB.to_owned(),
        recorded_at: time("2026-03-01T08:00:00+01:00"),
        clock: None,
        kind: kind.to_owned(),
        device: Some("device-1".to_owned()),
        subject: None,
        text: "The battery of device-1 is low".to_owned(),
        source: None,
        raw: None,
        assignment: None,
        command_id: None,
    };
    encode(&event).unwrap()
}

pub(crate) fn status(state: &str) -> Vec<u8> {
    let since = time("2026-03-01T07:00:00+01:00");
    let status = Status { v: 1, hub: HUB.to_owned(), state: state.to_owned(), since };
    encode(&status).unwrap()
}

/// A health snapshot of a hub that has given `last_seq` numbers.
pub(crate) fn health(last_seq: u64) -> Health {
    let at = time("2026-03-01T08:16:00+01:00");
    Health {
        v: 1,
        hub: HUB.to_owned(),
        epoch: Bytes(EPOCH.0.to_vec()),
        at,
        started_at: at,
        version: "0.1.0".to_owned(),
        last_seq,
        unconfirmed: 0,
        database_bytes: 4096,
        open_alerts: 0,
        clock: None,
        storage: None,
        devices: Vec::new(),
        agency_silent_since: None,
        alerts: None,
    }
}
