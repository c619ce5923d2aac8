//! JSON for scripts and tests: the same as the board shows, with ids instead of names beside them.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{self, Amount, Event};
use vitals::{HubId, LocalInstant, ReadingId, Sequence, SubjectId, Timeline};

use super::{Page, client_name, hub_name};
use crate::board::{Episode, of_whom_people_said};
use crate::clock;
use crate::config::Config;
use crate::inbound::{self, Body};
use crate::store::{self, StoredRecord};
use crate::supervise::off_thread;

/// Most readings of one answer.
const READINGS_MAX: u32 = 5000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadingsQuery {
    hub: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Readings {
    readings: Vec<Reading>,
    /// `after` of the next page, or null where there is none.
    next: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Reading {
    position: i64,
    id: String,
    hub: String,
    epoch: String,
    seq: Sequence,
    subject: Option<String>,
    client: Option<String>,
    subject_candidates: Vec<String>,
    /// What people said about whose it is, oldest first.
    assigned: Vec<Assigned>,
    kind: String,
    values: Vec<Value>,
    measured_at: String,
    /// What the home took it for before it knew the time, where that was corrected.
    measured_at_first: Option<String>,
    received_at: String,
    time_quality: String,
    flags: Vec<String>,
    phase: String,
    device: Device,
    /// When the station received it.
    stored_at: String,
}

#[derive(Debug, Serialize)]
struct Assigned {
    from: Option<String>,
    to: Option<String>,
    by: String,
    note: Option<String>,
    at: String,
}

#[derive(Debug, Serialize)]
struct Value {
    vital: Option<String>,
    /// A decimal as text, in the device's own precision.
    value: String,
    /// UCUM code.
    unit: String,
}

#[derive(Debug, Serialize)]
struct Device {
    id: String,
    kind: String,
    model: String,
    battery_percent: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsQuery {
    /// `open`, or `all` with the ones that ended last.
    state: Option<String>,
}

#[derive(Debug, Serialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Debug, Serialize)]
struct Alert {
    hub: String,
    alert: String,
    rev: u32,
    state: String,
    standing: String,
    priority: String,
    category: String,
    rule: String,
    plan: String,
    plan_version: u32,
    subject: Option<String>,
    client: Option<String>,
    vital: Option<String>,
    value: Option<Value>,
    limit: Option<Value>,
    why: String,
    readings: Vec<String>,
    measured_at: Option<String>,
    raised_at: String,
    cleared_at: Option<String>,
    recorded_at: String,
    /// Its times are not those that the home recorded before it knew the time.
    time_corrected: bool,
    late: bool,
    confirmed: bool,
    count: u32,
    by: Option<String>,
    note: Option<String>,
    disposition: Option<String>,
    timers: Option<Timers>,
    transitions: Vec<Transition>,
    order: Option<Order>,
}

/// What it waits for by the clock.
#[derive(Debug, Serialize)]
struct Timers {
    /// A repeated measurement is awaited until then.
    repeat_by: Option<String>,
    /// It waits for a person since then; the rungs of the plan's ladder count from there.
    waits_since: Option<String>,
    /// So many rungs it has climbed.
    rung: u32,
    escalated_to: Option<String>,
    /// The acknowledgement holds until then.
    until: Option<String>,
    /// Nobody is disturbed by it before that.
    quiet_until: Option<String>,
    /// Nothing fresh was measured for long after its value.
    stale: bool,
}

#[derive(Debug, Serialize)]
struct Transition {
    rev: u32,
    state: String,
    by: Option<String>,
    at: String,
}

#[derive(Debug, Serialize)]
struct Order {
    command: String,
    kind: String,
    by: String,
    progress: String,
    /// Why the home refused it.
    refusal: Option<String>,
    issued_at: String,
    expires_at: String,
}

#[derive(Debug, Serialize)]
struct Hubs {
    broker: Broker,
    hubs: Vec<Hub>,
    /// Messages that could not be filed.
    quarantined: u64,
    /// Records whose body could not be read.
    unread: u64,
    /// Rows of the database that are not what was written.
    damaged: u64,
    /// Why nothing can be stored at present.
    storage_fault: Option<String>,
}

#[derive(Debug, Serialize)]
struct Broker {
    connected: bool,
    since: String,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Hub {
    hub: String,
    name: String,
    /// online, offline, or null where it never said.
    presence: Option<String>,
    since: Option<String>,
    last_heard: Option<String>,
    silent: bool,
    /// When its daily test alarm arrived last.
    test_alarm: Option<String>,
    /// Since when records are missing between those that are held.
    gap_since: Option<String>,
    /// How often the station asked for them.
    gap_requests: u32,
    /// Since when the hub hears nothing of this station, as it says itself.
    agency_silent_since: Option<String>,
    ledgers: Vec<Ledger>,
    unconfirmed: Option<u64>,
    version: Option<String>,
}

#[derive(Debug, Serialize)]
struct Ledger {
    epoch: String,
    high_water: Sequence,
    held: u64,
    missing: Vec<(Sequence, Sequence)>,
}

/// Readings in the order in which they arrived.
pub(super) async fn readings(
    State(page): State<Page>,
    Query(query): Query<ReadingsQuery>,
) -> Response {
    let hub = query.hub.map(|it| it.parse::<HubId>()).transpose();
    let subject = query.subject.map(|it| it.parse::<SubjectId>()).transpose();
    let (Ok(hub), Ok(subject)) = (hub, subject) else {
        return (StatusCode::BAD_REQUEST, "hub or subject is no identity").into_response();
    };
    let limit = query.limit.unwrap_or(READINGS_MAX).clamp(1, READINGS_MAX);
    let wanted = store::Query { hub, subject, after: query.after, limit };
    let archive = page.archive.clone();
    let found = match off_thread(move || archive.readings(&wanted)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return failed(&error),
        Err(error) => return failed(&error),
    };
    let board = page.board();
    let none = Vec::new();
    let shown = |it: &StoredRecord| {
        let id = ReadingId { epoch: it.epoch, seq: it.seq };
        let said = found.said.get(&(it.hub.clone(), id)).unwrap_or(&none);
        reading(&page.config, &board.timeline(&it.hub), it, said)
    };
    let readings = found.records.iter().filter_map(shown).collect();
    json(&Readings { readings, next: found.next })
}

/// Alerts, worst first.
pub(super) async fn alerts(State(page): State<Page>, Query(query): Query<AlertsQuery>) -> Response {
    let with_ended = match query.state.as_deref() {
        None | Some("open") => false,
        Some("all") => true,
        Some(_other) => {
            return (StatusCode::BAD_REQUEST, "state is open or all").into_response();
        }
    };
    let board = page.board();
    let mut episodes: Vec<_> = board.worklist().filter(|it| with_ended || it.is_open()).collect();
    episodes.sort_by_key(|it| (!it.is_open(), it.urgency()));
    json(&Alerts { alerts: episodes.into_iter().map(|it| alert(&page.config, it)).collect() })
}

/// The broker, the hubs and what is held of them.
pub(super) async fn hubs(State(page): State<Page>) -> Response {
    let board = page.board();
    let (config, now) = (&page.config, clock::now());
    let hub = |(id, home): (&HubId, &std::sync::Arc<crate::board::Home>)| {
        let word = |is_online| if is_online { "online" } else { "offline" };
        let ledger = |(epoch, held): &(vitals::Epoch, vitals::SequenceRanges)| {
            let high_water = held.max().unwrap_or(0);
            let len = |it: std::ops::RangeInclusive<u64>| {
                it.end().saturating_sub(*it.start()).saturating_add(1)
            };
            Ledger {
                epoch: epoch.to_string(),
                high_water,
                held: held.iter().map(len).sum(),
                missing: held.gaps(high_water).map(std::ops::RangeInclusive::into_inner).collect(),
            }
        };
        Hub {
            hub: id.to_string(),
            name: hub_name(config, id).to_owned(),
            presence: home.presence.map(|it| word(it.is_online).to_owned()),
            since: home.presence.map(|it| it.since.to_string()),
            last_heard: home.last_heard.map(utc),
            silent: home.is_silent(now, super::layout::silence_limit(config)),
            test_alarm: home.test_alarm.map(utc),
            gap_since: home.gap_since.map(utc),
            gap_requests: home.requests.map_or(0, |(_at, n)| n),
            agency_silent_since: home
                .health
                .as_ref()
                .and_then(|it| it.agency_silent_since)
                .map(|it| it.0.to_string()),
            ledgers: home.ledgers.iter().map(ledger).collect(),
            unconfirmed: home.health.as_ref().map(|it| it.unconfirmed),
            version: home.health.as_ref().map(|it| it.version.clone()),
        }
    };
    json(&Hubs {
        broker: Broker {
            connected: board.broker.is_up,
            since: utc(board.broker.since),
            reason: board.broker.reason.clone(),
        },
        hubs: board.hubs.iter().map(hub).collect(),
        quarantined: board.n_quarantined,
        unread: board.n_refused,
        damaged: board.n_damaged,
        storage_fault: board.storage_fault.as_ref().map(|it| it.reason.clone()),
    })
}

fn reading(
    config: &Config,
    timeline: &Timeline,
    record: &StoredRecord,
    said: &[Event],
) -> Option<Reading> {
    let Body::Reading(recorded) = inbound::body(Channel::Reading, &record.payload) else {
        return None;
    };
    let corrected = recorded.corrected(timeline);
    let measured_at_first = corrected.as_ref().map(|_it| recorded.measured_at.to_string());
    let reading = of_whom_people_said(corrected.unwrap_or(*recorded), said);
    let assigned = |event: &Event| {
        let it = event.assignment.clone()?;
        let at = event.recorded_at.0.to_string();
        Some(Assigned { from: it.from, to: it.to, by: it.by, note: it.note, at })
    };
    let value = |it: &vitals::Measurement| Value {
        vital: Some(it.vital.as_str().to_owned()),
        value: it.quantity.value().to_string(),
        unit: it.quantity.unit().ucum().to_owned(),
    };
    Some(Reading {
        position: record.position,
        id: reading.id.to_string(),
        hub: record.hub.to_string(),
        epoch: record.epoch.to_string(),
        seq: record.seq,
        subject: reading.subject.as_ref().map(|it| it.as_str().to_owned()),
        client: reading.subject.as_ref().map(|it| client_name(config, it).to_owned()),
        subject_candidates: reading
            .subject_candidates
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect(),
        assigned: said.iter().filter_map(assigned).collect(),
        kind: reading.kind.as_str().to_owned(),
        values: reading.values.iter().map(value).collect(),
        measured_at: reading.measured_at.to_string(),
        measured_at_first,
        received_at: reading.received_at.to_string(),
        time_quality: reading.time_quality.as_str().to_owned(),
        flags: reading.flags.iter().map(|it| it.as_str().to_owned()).collect(),
        phase: reading.context.phase.as_str().to_owned(),
        device: Device {
            id: reading.device.id.to_string(),
            kind: reading.device.kind.as_str().to_owned(),
            model: reading.device.model.clone(),
            battery_percent: reading.device.battery_percent,
        },
        stored_at: utc(record.received_at),
    })
}

fn alert(config: &Config, episode: &Episode) -> Alert {
    let it = episode.current().clone();
    let amount = |it: Amount| Value { vital: None, value: it.value.0.to_string(), unit: it.unit };
    let subject = it.subject.as_ref().and_then(|it| it.parse::<SubjectId>().ok());
    Alert {
        hub: episode.hub.to_string(),
        alert: episode.alert.to_string(),
        rev: it.rev,
        state: it.state,
        standing: it.standing,
        priority: it.priority,
        category: it.category,
        rule: it.rule,
        plan: it.plan,
        plan_version: it.plan_version,
        client: subject.map(|it| client_name(config, &it).to_owned()),
        subject: it.subject,
        vital: it.vital,
        value: it.value.map(amount),
        limit: it.limit.map(amount),
        why: it.why,
        readings: it.readings,
        measured_at: it.measured_at.map(|it| it.0.to_string()),
        raised_at: it.raised_at.0.to_string(),
        cleared_at: it.cleared_at.map(|it| it.0.to_string()),
        recorded_at: it.recorded_at.0.to_string(),
        time_corrected: episode.is_corrected(),
        late: it.late,
        confirmed: it.confirmed,
        count: it.count,
        by: it.by,
        note: it.note,
        disposition: it.disposition,
        timers: it.timers.as_ref().map(timers),
        transitions: episode
            .steps
            .iter()
            .map(|(&rev, step)| Transition {
                rev,
                state: step.state.clone(),
                by: step.by.clone(),
                at: step.at.0.to_string(),
            })
            .collect(),
        order: episode.order().map(|order| Order {
            command: order.id.clone(),
            kind: order.wish.kind().to_owned(),
            by: order.wish.by.clone(),
            progress: order.progress.as_str().to_owned(),
            refusal: order.refusal.clone(),
            issued_at: utc(order.issued_at),
            expires_at: utc(order.expires_at),
        }),
    }
}

fn timers(timers: &v1::Timers) -> Timers {
    let at = |it: &Option<v1::Deadline>| it.as_ref().map(|it| it.at.0.to_string());
    Timers {
        repeat_by: at(&timers.repeat_by),
        waits_since: at(&timers.waits_since),
        rung: timers.rung.unwrap_or(0),
        escalated_to: timers.escalated_to.clone(),
        until: at(&timers.until),
        quiet_until: at(&timers.quiet_until),
        stale: timers.stale.unwrap_or(false),
    }
}

/// A time of the station, in UTC to the millisecond like every other time.
pub(super) fn utc(at: Timestamp) -> String {
    LocalInstant::utc(at).to_string()
}

pub(super) fn json(answer: &impl Serialize) -> Response {
    match serde_json::to_string(answer) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &impl std::fmt::Display) -> Response {
    tracing::error!(%error, "request not answered");
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}
