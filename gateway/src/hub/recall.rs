//! What a hub remembers from its ledger when it starts: the open alerts, and what a person has to be
//! told. A damaged row must not stop the start.

use std::collections::BTreeMap;

use alerting::history::REACH;
use alerting::{Alert, Condition, Engine};
use jiff::Timestamp;
use tracing::error;
use vitals::wire::canonical;
use vitals::wire::v1::{self, EventKind};
use vitals::{AlertId, Exercise, ReadingKind, Sequence, SequenceRanges};

use super::assign::Assignments;
use super::{Hub, HubError, translate};
use crate::clock::Stamp;
use crate::store::{Lane, LedgerKey, News, Store, StoreError};

/// Records read at once.
const PAGE: usize = 256;

/// Most readings of one kind that are told to the rules at a start: a week of nights with an oximeter on,
/// and far more than 35 days of spot checks.
pub(super) const OF_A_KIND_MAX: usize = 8192;

/// Most readings of all kinds that are looked through for them: months of such nights.
pub(super) const LOOKED_THROUGH_MAX: usize = 256 * 1024;

/// The open alerts. One whose row is damaged is looked for among the records; where it is not there
/// either, it is given up and told of.
pub(super) fn open_alerts(store: &mut Store) -> Result<Vec<Alert>, StoreError> {
    let mut alerts = Vec::new();
    let mut damaged = Vec::new();
    for open in store.open_alerts()? {
        match open.payload.and_then(|it| translate::alert_of(&it).ok()) {
            Some(alert) => alerts.push(alert),
            None => damaged.push(open.id),
        }
    }
    if damaged.is_empty() {
        return Ok(alerts);
    }
    let mut told = told(store)?;
    for LedgerKey { epoch, number } in damaged {
        error!(%epoch, number, "open alert is damaged");
        match told.remove(&AlertId { epoch, seq: number }) {
            Some(alert) => alerts.push(alert),
            None => store.lose_alert(LedgerKey { epoch, number })?,
        }
    }
    Ok(alerts)
}

/// The alerts of which records tell, as they were after the latest of these.
fn told(store: &Store) -> Result<BTreeMap<AlertId, Alert>, StoreError> {
    let mut told: BTreeMap<AlertId, Alert> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.pending(Lane::Alert, after, &SequenceRanges::new(), PAGE)?;
        let Some(last) = page.last() else { return Ok(told) };
        after = last.seq;
        for alert in page.iter().filter_map(|it| translate::alert_of(&it.payload).ok()) {
            if told.get(&alert.id).is_none_or(|known| known.rev < alert.rev) {
                told.insert(alert.id, alert);
            }
        }
    }
}

/// Tells the engine of the latest readings, at most so many of a kind and out of so many, that its rules can
/// look back on; whose they are, `assignments` has the last word.
///
/// A stream of one kind does not hide the spot checks of another, which lie far behind it.
///
/// Where it is known to be `now`, the search ends at a page that is all too old; no reading ends it by
/// itself, because its clock may have been wrong.
pub(super) fn look_back(
    store: &Store,
    engine: &mut Engine,
    (assignments, exercise): (&Assignments, &Exercise),
    (of_a_kind, of_all): (usize, usize),
    now: Option<Timestamp>,
) -> Result<(), HubError> {
    if !engine.looks_back() {
        return Ok(());
    }
    let kinds = encoded_kinds()?;
    let mut n_told: BTreeMap<Option<ReadingKind>, usize> = BTreeMap::new();
    let (mut before, mut left) = (Sequence::MAX, of_all);
    let oldest = now.and_then(|it| it.checked_sub(REACH).ok()).unwrap_or(Timestamp::MIN);
    while 0 < left {
        let page = store.readings_before(before, PAGE.min(left))?;
        let Some(last) = page.last() else { break };
        before = last.seq;
        left = left.saturating_sub(page.len());
        let mut is_too_old = true;
        for record in page {
            let kind = kinds.iter().find(|(_kind, bytes)| has(&record.payload, bytes));
            let n_told = n_told.entry(kind.map(|(kind, _bytes)| *kind)).or_default();
            if of_a_kind <= *n_told {
                // How old it is, is not looked at.
                is_too_old = false;
                continue;
            }
            *n_told = n_told.saturating_add(1);
            let Ok(reading) = translate::reading_of(&record.payload) else { continue };
            is_too_old &= reading.received_at.at < oldest;
            engine.remember(&assignments.applied(reading, exercise));
        }
        if is_too_old {
            break;
        }
    }
    Ok(())
}

/// How the record of a reading says what kind it is: most need not be decoded.
fn encoded_kinds() -> Result<Vec<(ReadingKind, Vec<u8>)>, HubError> {
    let encoded = |kind: ReadingKind| {
        let (key, word) = (canonical::encode(&"kind")?, canonical::encode(&kind.as_str())?);
        Ok((kind, [key, word].concat()))
    };
    ReadingKind::ALL.into_iter().map(encoded).collect()
}

pub(super) fn has(payload: &[u8], bytes: &[u8]) -> bool {
    payload.windows(bytes.len()).any(|it| it == bytes)
}

/// What people said: whose readings are, and when clients exercised.
pub(crate) fn people(store: &Store) -> Result<(Assignments, Exercise), StoreError> {
    let kinds = [EventKind::ReadingAssigned, EventKind::ExerciseStarted, EventKind::ExerciseEnded];
    let is_wanted =
        |payload: &[u8]| kinds.iter().any(|kind| has(payload, kind.as_str().as_bytes()));
    let (mut assignments, mut exercise) = (Assignments::default(), Exercise::default());
    let mut after = 0;
    loop {
        let page = store.pending(Lane::Event, after, &SequenceRanges::new(), PAGE)?;
        let Some(last) = page.last() else { return Ok((assignments, exercise)) };
        after = last.seq;
        // Most events are of another kind, and need not be decoded.
        for record in page.iter().filter(|it| is_wanted(&it.payload)) {
            let Ok(event) = canonical::decode::<v1::Event>(&record.payload) else { continue };
            assignments.take(&event);
            exercise.take(&event);
        }
    }
}

impl Hub {
    /// Takes back into memory what the ledger says after it changed under the hub.
    pub(super) fn recall(&mut self) -> Result<(), HubError> {
        self.engine = self.engine.reopened(open_alerts(&mut self.store)?);
        // The last reading may be there though its commit failed.
        (self.assignments, self.exercise) = people(&self.store)?;
        let said = (&self.assignments, &self.exercise);
        look_back(&self.store, &mut self.engine, said, (PAGE, PAGE), None)?;
        self.held = self.store.held()?;
        Ok(())
    }

    /// Raises an alert about everything that happened to the ledger and nobody was told of.
    pub(super) fn tell_incidents(&mut self, now: Stamp) -> Result<(), HubError> {
        let turn = self.store.turn();
        for incident in self.store.incidents()? {
            let News { rule, priority, text: why } = incident.news;
            self.raise(now, &Condition { rule, priority, why })?;
            self.with_room(now, |hub| {
                if hub.store.turn() != turn {
                    return Ok(());
                }
                let mut ledger = hub.store.begin()?;
                ledger.forget_incident(incident.id)?;
                Ok(ledger.commit()?)
            })?;
            if self.store.turn() != turn {
                // Another database has others.
                self.has_news = true;
                break;
            }
        }
        Ok(())
    }
}
