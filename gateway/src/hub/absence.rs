//! When a measurement that is due cannot be heard: the hub is off, a link is gone, the clock was set.
//!
//! What was due then is told with its cause, and never counted as missed. After a restart it is read
//! from the events of the ledger:
//!
//! ```text
//! event          nothing was heard
//! hub-started    since the record before it, or since the hub is known to have run
//! clock-stepped  the same
//! link-lost      until its link-restored, of what only devices of that link measure
//! plan-applied   what the plan asks for is due from then on
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alerting::{Change, Outage};
use jiff::{SignedDuration, Timestamp};
use vitals::wire::canonical;
use vitals::wire::v1::{self, EventKind};
use vitals::{DeviceKind, SequenceRanges, Vital};

use super::record::Remark;
use super::roster::Member;
use super::{Hub, HubError, translate};
use crate::clock::Stamp;
use crate::device::catalogue::Transport;
use crate::hub::frame::BATTERY_LOW_PERCENT;
use crate::link::LinkName;
use crate::store::{Lane, Store, StoreError};

/// From one note that the hub runs to the next: a window that it misses may be so much longer.
const ALIVE_EVERY: Duration = Duration::from_secs(5 * 60);

/// Events read at once.
const PAGE: usize = 256;

/// How long before now events matter: rules count missed windows over two weeks.
const REACH: SignedDuration = SignedDuration::from_hours(16 * 24);

impl Hub {
    /// Reads from the ledger when nothing could be heard, and from when plans are in force.
    pub(super) fn recall_absences(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !self.engine.has_schedule() {
            return Ok(());
        }
        // A plan of which the ledger does not know is in force from now on.
        let plans: Vec<_> =
            self.engine.plans().map(|it| (it.subject().clone(), it.name().to_owned())).collect();
        plans.into_iter().for_each(|(subject, plan)| self.engine.note_in_force(subject, plan, now));
        let oldest = now.checked_sub(REACH).unwrap_or(Timestamp::MIN);
        let mut after = 0;
        loop {
            let page = self.store.pending(Lane::Event, after, &SequenceRanges::new(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            for record in page {
                let Ok(event) = canonical::decode::<v1::Event>(&record.payload) else { continue };
                let is_of_interest = oldest <= event.recorded_at.0.at
                    || event.kind == EventKind::PlanApplied.as_str();
                if is_of_interest {
                    let before = before(&self.store, record.seq)?;
                    self.note_absence(&event, before);
                }
            }
        }
    }

    /// Takes in what an event says about what could not be heard; `before` is when the record before
    /// it was made. Returns what has ended with it.
    pub(super) fn note_absence(
        &mut self,
        event: &v1::Event,
        before: Option<Timestamp>,
    ) -> Option<Outage> {
        if !self.engine.has_schedule() {
            return None;
        }
        let at = event.recorded_at.0.at;
        let is = |kind: EventKind| event.kind == kind.as_str();
        if is(EventKind::HubStarted) || is(EventKind::ClockStepped) {
            let cause = if is(EventKind::HubStarted) {
                "the hub was off"
            } else {
                "the clock of the hub was set"
            };
            let vitals = Vital::ALL.into_iter().collect();
            if is(EventKind::HubStarted) {
                // A link that is still lost is told of anew.
                self.engine.end_outages(at);
            }
            let from = before.filter(|it| *it < at)?;
            let outage = Outage { from, until: Some(at), cause: cause.to_owned(), vitals };
            self.engine.note_outage(outage.clone());
            return Some(outage);
        }
        if is(EventKind::PlanApplied) {
            let plan = event.source.as_deref()?.rsplit_once(' ')?.0.to_owned();
            let subject = event.subject.as_ref()?.parse().ok()?;
            self.engine.note_in_force(subject, plan, at);
            return None;
        }
        let link = [LinkName::Bluetooth, LinkName::Serial]
            .into_iter()
            .find(|it| event.source.as_deref() == Some(it.as_str()))?;
        let cause = format!("the {} link was lost", link.as_str());
        if is(EventKind::LinkRestored) {
            return self.engine.end_outage(&cause, at);
        }
        if is(EventKind::LinkLost) {
            let vitals = self.only_by(link);
            self.engine.note_outage(Outage { from: at, until: None, cause, vitals });
        }
        None
    }

    /// When the last record was made, or the hub is known to have run after it, where that matters.
    pub(super) fn last_heard(&self) -> Result<Option<Timestamp>, StoreError> {
        if !self.engine.has_schedule() {
            return Ok(None);
        }
        let last = translate::last_recorded(&self.store).map(|it| it.at.at);
        let alive = self.store.alive_before(self.store.next_place())?;
        Ok(later(last, alive.map(|(_place, at)| at)))
    }

    /// Notes from time to time that the hub runs: it may hear nothing for days, and was not off.
    pub(super) fn note_alive(&mut self, now: Stamp) -> Result<(), StoreError> {
        let is_due = self.alive_at.is_none_or(|it| it <= now.since_boot);
        if !is_due || self.store.is_in_memory() || !self.engine.has_schedule() {
            return Ok(());
        }
        self.alive_at = Some(now.since_boot.saturating_add(ALIVE_EVERY));
        self.store.note_alive(self.run_began, self.local(now).at)
    }

    /// Takes back which missed measurements a person has closed the alert about.
    pub(super) fn recall_settled(&mut self) -> Result<(), StoreError> {
        if !self.engine.has_schedule() {
            return Ok(());
        }
        let mut after = 0;
        loop {
            let page = self.store.pending(Lane::Alert, after, &SequenceRanges::new(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            let alerts = page.iter().filter_map(|it| translate::alert_of(&it.payload).ok());
            let closed = alerts.filter(|it| it.state == Change::Closed);
            closed.for_each(|it| self.engine.recall_closed(&it));
        }
    }

    /// Tells what was due while nothing could be heard, with the cause in place of a missed one.
    pub(super) fn tell_unheard(&mut self, now: Stamp, outage: &Outage) -> Result<(), HubError> {
        for unheard in self.engine.unheard(outage, &self.moment(now)) {
            let windows = match unheard.n_windows {
                1 => "1 window".to_owned(),
                n => format!("{n} windows"),
            };
            let vital = unheard.vital.label();
            let text = format!(
                "A measurement of {vital} was due in {windows} in which it may not have been heard: {}. \
                 It does not count as missed.",
                outage.cause
            );
            let about_hub = Remark::about_hub(EventKind::MeasurementUnheard, text);
            self.remark(now, Remark { subject: Some(unheard.subject), ..about_hub })?;
        }
        Ok(())
    }

    /// Records from when each plan with a schedule is in force, once for each of its versions.
    pub(super) fn apply_plans(&mut self, now: Stamp) -> Result<(), HubError> {
        if !self.engine.has_schedule() {
            return Ok(());
        }
        let known = applied(&self.store)?;
        let plans: Vec<_> = self
            .engine
            .plans()
            .filter(|it| it.has_schedule())
            .map(|it| (it.subject().clone(), format!("{} {}", it.name(), it.version())))
            .filter(|(subject, plan)| !known.contains(&(subject.as_str().to_owned(), plan.clone())))
            .collect();
        for (subject, plan) in plans {
            let text = format!("The care plan {plan} is in force.");
            let about_hub = Remark::about_hub(EventKind::PlanApplied, text);
            self.remark(now, Remark { subject: Some(subject), source: Some(plan), ..about_hub })?;
        }
        Ok(())
    }

    /// Says to the rules what may be the cause that something is not measured.
    pub(super) fn note_hints(&mut self) {
        if !self.engine.has_schedule() {
            return;
        }
        let mut hints = BTreeMap::new();
        for vital in Vital::ALL {
            let mut members = self.roster.members().filter(|it| measures(it, vital));
            if let Some(hint) = members.find_map(hint) {
                hints.insert(vital, hint);
            }
        }
        self.engine.note_hints(hints);
    }

    /// What is measured by devices of `link` alone.
    fn only_by(&self, link: LinkName) -> BTreeSet<Vital> {
        let is_only = |vital: &Vital| {
            let mut members = self.roster.members().filter(|it| measures(it, *vital)).peekable();
            members.peek().is_some() && members.all(|it| link_of(it) == link)
        };
        Vital::ALL.into_iter().filter(is_only).collect()
    }
}

/// What speaks against a measurement with this device.
fn hint(member: &Member) -> Option<String> {
    let id = &member.device.id;
    match (member.battery_percent, member.last_seen) {
        (Some(percent), _) if percent <= BATTERY_LOW_PERCENT => {
            Some(format!("the battery of {id} is at {percent} %"))
        }
        (_, None) => Some(format!("{id} was not heard since the hub started")),
        (_, Some(_)) => None,
    }
}

fn link_of(member: &Member) -> LinkName {
    match member.device.model.transport {
        Transport::Bluetooth { .. } => LinkName::Bluetooth,
        Transport::Serial { .. } => LinkName::Serial,
    }
}

/// Whether a device of its kind measures `vital`.
fn measures(member: &Member, vital: Vital) -> bool {
    let measured: &[Vital] = match member.device.model.kind {
        DeviceKind::BloodPressureMonitor => &[
            Vital::SystolicPressure,
            Vital::DiastolicPressure,
            Vital::MeanArterialPressure,
            Vital::PulseRate,
        ],
        DeviceKind::PulseOximeter => {
            &[Vital::OxygenSaturation, Vital::PulseAmplitudeIndex, Vital::PulseRate]
        }
        DeviceKind::WeighingScale => &[Vital::BodyWeight, Vital::BodyHeight, Vital::BodyMassIndex],
        DeviceKind::Thermometer => &[Vital::BodyTemperature],
        DeviceKind::HeartRateSensor => &[Vital::HeartRate],
        DeviceKind::GlucoseMeter | DeviceKind::Person => &[],
    };
    measured.contains(&vital)
}

/// When the record before the one at `seq` was made, or the hub is known to have run after that.
fn before(store: &Store, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let record = seq.checked_sub(1).and_then(|it| store.record(it).ok().flatten());
    let recorded = record.and_then(|it| canonical::decode::<v1::Recorded>(&it.payload).ok());
    let alive = store.alive_before(seq)?.map(|(_place, at)| at);
    Ok(later(recorded.map(|it| it.moment().at.at), alive))
}

/// The later one of what is known.
fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).max()
}

/// The plans whose beginning the ledger knows: client, and name with version.
fn applied(store: &Store) -> Result<BTreeSet<(String, String)>, StoreError> {
    let mut applied = BTreeSet::new();
    let mut after = 0;
    loop {
        let page = store.pending(Lane::Event, after, &SequenceRanges::new(), PAGE)?;
        let Some(last) = page.last() else { return Ok(applied) };
        after = last.seq;
        let events = page.iter().filter_map(|it| canonical::decode::<v1::Event>(&it.payload).ok());
        let events = events.filter(|it| it.kind == EventKind::PlanApplied.as_str());
        applied.extend(events.filter_map(|it| Some((it.subject?, it.source?))));
    }
}

#[cfg(test)]
mod tests;
