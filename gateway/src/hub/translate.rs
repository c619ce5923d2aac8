//! Between alerts as the rules know them and alerts as they travel.

use std::str::FromStr;

use alerting::{Alert, Change, Timers};
use tracing::warn;
use vitals::wire::canonical::{self, DecodeError};
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::v1::{self, Amount, Clock, Deadline, Recorded, VERSION};
use vitals::{Epoch, HubId, Moment, Reading, Sequence};

use crate::store::Store;

/// The message of a transition.
pub(super) fn alert_message(
    change: Change,
    alert: &Alert,
    hub: &HubId,
    epoch: Epoch,
    seq: Sequence,
    recorded: Moment,
) -> v1::Alert {
    v1::Alert {
        v: VERSION,
        epoch: Bytes(epoch.0.to_vec()),
        seq,
        hub: hub.as_str().to_owned(),
        recorded_at: Time(recorded.at),
        clock: Clock::of(&recorded),
        alert_id: alert.id.to_string(),
        rev: alert.rev,
        state: change.as_str().to_owned(),
        standing: alert.standing().as_str().to_owned(),
        priority: alert.priority.as_str().to_owned(),
        category: alert.category.as_str().to_owned(),
        rule: alert.rule.clone(),
        plan: alert.plan.clone(),
        plan_version: alert.plan_version,
        subject: alert.subject.as_ref().map(|it| it.as_str().to_owned()),
        vital: alert.vital.map(|it| it.as_str().to_owned()),
        value: alert.value.map(Amount::from),
        limit: alert.limit.map(Amount::from),
        readings: alert.readings.iter().map(ToString::to_string).collect(),
        why: alert.why.clone(),
        measured_at: alert.measured.map(|it| Time(it.at)),
        measured_clock: alert.measured.and_then(|it| Clock::of(&it)),
        raised_at: Time(alert.raised_at),
        cleared_at: alert.cleared_at.map(Time),
        late: alert.late,
        confirmed: alert.confirmed,
        count: alert.count,
        by: alert.by.clone(),
        note: alert.note.clone(),
        disposition: alert.disposition.map(|it| it.as_str().to_owned()),
        timers: (alert.timers != Timers::default()).then(|| timers_message(&alert.timers)),
    }
}

fn timers_message(timers: &Timers) -> v1::Timers {
    v1::Timers {
        repeat_by: timers.repeat_by.map(Deadline::from),
        waits_since: timers.waits_since.map(Deadline::from),
        rung: (0 < timers.rung).then_some(timers.rung),
        escalated_to: timers.escalated_to.clone(),
        until: timers.until.map(Deadline::from),
        quiet_until: timers.quiet_until.map(Deadline::from),
        stale: timers.is_stale.then_some(true),
    }
}

fn timers_of(message: &v1::Timers) -> Timers {
    let moment = |it: &Option<Deadline>| it.as_ref().map(Deadline::moment);
    Timers {
        repeat_by: moment(&message.repeat_by),
        waits_since: moment(&message.waits_since),
        rung: message.rung.unwrap_or(0),
        escalated_to: message.escalated_to.clone(),
        until: moment(&message.until),
        quiet_until: moment(&message.quiet_until),
        is_stale: message.stale.unwrap_or(false),
    }
}

/// When the last record of the ledger was made; `None` where there is none that can be read.
///
/// A damaged one must not keep the hub from starting: it then has no floor for its clock.
pub(super) fn last_recorded(store: &Store) -> Option<Moment> {
    let record = store
        .record(store.last_seq())
        .inspect_err(|error| warn!(%error, "the last record does not say when it was made"))
        .ok()??;
    let recorded: Recorded = canonical::decode(&record.payload).ok()?;
    Some(recorded.moment())
}

/// The reading that a record in the ledger carries.
pub(super) fn reading_of(payload: &[u8]) -> Result<Reading, DecodeError> {
    canonical::decode::<v1::Reading>(payload)?.to_reading()
}

/// The alert that a transition in the ledger left behind.
pub(super) fn alert_of(payload: &[u8]) -> Result<Alert, DecodeError> {
    canonical::decode(payload).and_then(|message| from_message(&message))
}

fn from_message(message: &v1::Alert) -> Result<Alert, DecodeError> {
    let amount = |it: &Option<Amount>| it.as_ref().map(Amount::to_quantity).transpose();
    let readings = message.readings.iter().map(|it| parsed("readings", it));
    Ok(Alert {
        id: parsed("alert_id", &message.alert_id)?,
        rev: message.rev,
        state: parsed("state", &message.state)?,
        priority: parsed("priority", &message.priority)?,
        category: parsed("category", &message.category)?,
        rule: message.rule.clone(),
        plan: message.plan.clone(),
        plan_version: message.plan_version,
        subject: message.subject.as_ref().map(|it| parsed("subject", it)).transpose()?,
        vital: message.vital.as_ref().map(|it| parsed("vital", it)).transpose()?,
        value: amount(&message.value)?,
        limit: amount(&message.limit)?,
        readings: readings.collect::<Result<_, _>>()?,
        why: message.why.clone(),
        measured: message.measured(),
        raised_at: message.raised_at.0,
        changed_at: message.recorded_at.0,
        cleared_at: message.cleared_at.map(|it| it.0),
        late: message.late,
        confirmed: message.confirmed,
        count: message.count,
        by: message.by.clone(),
        note: message.note.clone(),
        disposition: message
            .disposition
            .as_ref()
            .map(|it| parsed("disposition", it))
            .transpose()?,
        timers: message.timers.as_ref().map(timers_of).unwrap_or_default(),
    })
}

fn parsed<T>(key: &'static str, text: &str) -> Result<T, DecodeError>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse().map_err(|it: T::Err| DecodeError::Value { key, cause: it.to_string() })
}
