//! The messages of the pinned bytes.

use ed25519_dalek::SigningKey;
use vitals::LocalInstant;
use vitals::wire::primitive::{Bytes, DecimalFraction, Time};
use vitals::wire::v1::{
    Alert, Amount, Clock, Command, Context, Deadline, Device, DeviceHealth, Event, Health,
    OpenAlert, Reading, Receipt, Status, StorageHealth, Timers, Value,
};

pub(crate) fn at(text: &str) -> Time {
    Time(LocalInstant::parse(text).unwrap())
}

pub(crate) fn number(text: &str) -> DecimalFraction {
    DecimalFraction(text.parse().unwrap())
}

pub(crate) fn epoch() -> Bytes {
    Bytes(vec![0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef])
}

pub(crate) fn value(vital: &str, value: &str, unit: &str, code: u32) -> Value {
    Value { vital: vital.to_owned(), value: number(value), unit: unit.to_owned(), code }
}

/// A cuff's reading of a known client.
pub(crate) fn blood_pressure() -> Reading {
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
pub(crate) fn weight() -> Reading {
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

pub(crate) fn raised() -> Alert {
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

pub(crate) fn closed() -> Alert {
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

pub(crate) fn event() -> Event {
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

pub(crate) fn quarantined() -> Event {
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

pub(crate) fn health() -> Health {
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

pub(crate) fn health_with_storage() -> Health {
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

pub(crate) fn health_of_a_hub_that_cannot_store() -> Health {
    let mut health = health_with_storage();
    if let Some(storage) = &mut health.storage {
        storage.memory_only_since = Some(at("2026-03-02T08:58:30+01:00"));
    }
    health
}

pub(crate) fn health_of_a_hub_that_hears_nothing() -> Health {
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

pub(crate) fn status(state: &str) -> Status {
    Status {
        v: 1,
        hub: "hub-1".to_owned(),
        state: state.to_owned(),
        since: at("2026-03-02T08:00:01.500Z"),
    }
}

pub(crate) fn receipt(high_water: u64, missing: Vec<(u64, u64)>) -> Receipt {
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

pub(crate) fn contested_receipt() -> Receipt {
    let (checksum, contested) = (Some(0xcbf4_3926), vec![(2, 2)]);
    Receipt { checksum, contested, ..receipt(3, vec![(2, 2)]) }
}

pub(crate) fn acknowledge() -> Command {
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

pub(crate) fn close() -> Command {
    Command {
        kind: "close".to_owned(),
        note: Some("called".to_owned()),
        disposition: Some("true-actioned".to_owned()),
        ..acknowledge()
    }
}

pub(crate) fn resend() -> Command {
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
pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[0x11; 32])
}

/// The clocks of a hub that has run for a bit more than a minute.
pub(crate) fn clock(uptime_ms: i64, known: bool) -> Clock {
    Clock { boot: Bytes((0..16).collect()), uptime_ms, known }
}

/// What a visitor observed, on air and alert.
pub(crate) fn observation() -> Reading {
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

pub(crate) fn deadline(text: &str, uptime_ms: i64) -> Deadline {
    Deadline { at: at(text), clock: Some(clock(uptime_ms, true)) }
}

/// An alert that waits for a repeated measurement.
pub(crate) fn asked() -> Alert {
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
pub(crate) fn snoozed() -> Alert {
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
