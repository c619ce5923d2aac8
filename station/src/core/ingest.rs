//! Taking in what the homes send, and answering with receipts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use vitals::wire::canonical::encode;
use vitals::wire::primitive::Time;
use vitals::wire::topic::Channel;
use vitals::wire::v1::Receipt;
use vitals::{AlertId, Epoch, HubId, LocalInstant, Sequence, SequenceRanges, SubjectId};

use super::{Publication, Station};
use crate::alert::is_test_alarm;
use crate::board::Home;
use crate::inbound::{self, Body, Delivery, Inbound, Record, Snapshot, State};
use crate::store::assignment::whose;
use crate::store::{Filed, RAISED, StoreError};

impl Station {
    pub(super) fn ingest(
        &mut self,
        now: Timestamp,
        deliveries: &[Delivery],
    ) -> Result<Vec<Publication>, StoreError> {
        let topics = &self.settings.topics;
        let batch: Vec<_> = deliveries.iter().map(|it| inbound::read(topics, it)).collect();
        let spoken = spoken(&batch);
        let over = self.broken_silences(now, &spoken);
        let filed = self.store.file(now, &batch, &over)?;
        self.board.storage_fault = None;
        self.show(over);
        let mut touched: BTreeMap<HubId, BTreeSet<Epoch>> = BTreeMap::new();
        let mut back: BTreeSet<HubId> = BTreeSet::new();
        let mut tests: BTreeSet<(HubId, AlertId)> = BTreeSet::new();
        let mut differences = Vec::new();
        for (inbound, filed) in batch.iter().zip(filed) {
            match inbound {
                Inbound::Record(record) => {
                    self.take(now, record, filed);
                    if let Body::Alert(id, _alert) = &record.body {
                        tests.insert((record.hub.clone(), *id));
                    }
                    touched.entry(record.hub.clone()).or_default().insert(record.epoch);
                }
                Inbound::Snapshot(snapshot) => {
                    if self.glance(now, snapshot) {
                        back.insert(snapshot.hub.clone());
                    }
                    if let (true, State::Health(health)) = (snapshot.is_live, &snapshot.state) {
                        differences.extend(self.compare(now, &snapshot.hub, health));
                        self.look_on(now, &snapshot.hub, health);
                    }
                }
                Inbound::Refused { reason, .. } => {
                    self.board.n_quarantined = self.board.n_quarantined.saturating_add(1);
                    tracing::warn!("message quarantined");
                    tracing::debug!(%reason, "why it was quarantined");
                }
            }
        }
        self.chart_assigned(now, &batch)?;
        self.catch_up(now)?;
        self.end_told(now)?;
        self.note_done();
        self.note(differences)?;
        self.hear(now, &spoken);
        self.note_test_alarms(now, &spoken)?;
        self.note_gaps(now, &spoken);
        back.iter().for_each(|hub| _ = touched.entry(hub.clone()).or_default());
        let mut publications: Vec<_> =
            touched.iter().flat_map(|(hub, epochs)| self.receipts(now, hub, epochs)).collect();
        self.vigil.note_beats(now, self.settings.watch, touched.keys());
        publications.extend(self.commands(now, |order| back.contains(&order.wish.hub)));
        publications.extend(self.answer_test_alarms(now, |key| tests.contains(key))?);
        Ok(publications)
    }

    fn take(&mut self, now: Timestamp, record: &Record, filed: Filed) {
        let home = self.board.home(&record.hub);
        home.hear(now);
        home.hold(record.epoch, record.seq);
        match filed {
            Filed::New { is_current, position: _ } => {
                if let Body::Reading(reading) = &record.body
                    && let Ok(said) = self.store.said(&record.hub, reading.id)
                    && !said.is_empty()
                {
                    self.board.said.insert((record.hub.clone(), reading.id), said);
                }
                if let Body::Unread { reason, .. } = &record.body {
                    tracing::warn!(hub = %record.hub, seq = record.seq, "record not read");
                    tracing::debug!(%reason, "why it was not read");
                }
                if let Body::Alert(_id, alert) = &record.body
                    && is_test_alarm(alert)
                    && alert.state == RAISED
                {
                    self.board.home(&record.hub).test_alarm = Some(now);
                }
                self.board.apply(&record.hub, &record.body, is_current);
                if let Body::Reading(reading) = &record.body {
                    self.look_at(now, &record.hub, reading);
                }
            }
            Filed::Conflict => {
                home.contest(record.epoch, record.seq);
                self.board.n_quarantined = self.board.n_quarantined.saturating_add(1);
                tracing::error!(
                    hub = %record.hub,
                    epoch = %record.epoch,
                    seq = record.seq,
                    "two records claim one place of the ledger, the first stays"
                );
            }
            Filed::Duplicate => home.settle(record.epoch, record.seq),
            Filed::Snapshot | Filed::Quarantined => {}
        }
    }

    /// Shows whose the readings are that people spoke of.
    fn chart_assigned(&mut self, now: Timestamp, batch: &[Inbound]) -> Result<(), StoreError> {
        let mut clients = BTreeSet::new();
        let mut is_changed = false;
        for inbound in batch {
            let Inbound::Record(record) = inbound else { continue };
            let Body::Event(event) = &record.body else { continue };
            let Some(assignment) = &event.assignment else { continue };
            is_changed = true;
            let named = [&assignment.from, &assignment.to].into_iter().flatten();
            clients.extend(named.filter_map(|it| it.parse::<SubjectId>().ok()));
            if let Ok(id) = assignment.reading() {
                let reading = self.store.reading(&record.hub, id)?;
                clients.extend(reading.and_then(|it| it.subject));
                clients.extend(whose(&self.store.said(&record.hub, id)?).flatten());
            }
        }
        if is_changed {
            let charted = self.store.charted(&clients)?;
            self.board.chart_anew(&clients, charted);
            self.look_back_on(now, &clients)?;
        }
        Ok(())
    }

    /// Takes in a snapshot, and says whether it tells that the hub is online.
    fn glance(&mut self, now: Timestamp, snapshot: &Snapshot) -> bool {
        let home = self.board.home(&snapshot.hub);
        if snapshot.is_live {
            home.hear(now);
        }
        match &snapshot.state {
            State::Health(health) => {
                home.health = Some((**health).clone());
                false
            }
            State::Status(status) => {
                let before = home.presence.map(|it| it.is_online);
                let is_online = home.greet(status);
                let after = home.presence.map(|it| it.is_online);
                if before != after {
                    tracing::info!(hub = %snapshot.hub, is_online, "hub changed its connection");
                }
                is_online
            }
        }
    }

    /// Receipts for `epochs` of a hub; the epoch that it is in comes last, because the broker keeps
    /// the last one.
    ///
    /// A number under which two records came is not held: the second one has not arrived, and its
    /// hub must not believe that it has.
    pub(super) fn receipts(
        &self,
        now: Timestamp,
        hub: &HubId,
        epochs: &BTreeSet<Epoch>,
    ) -> Vec<Publication> {
        let Some(home) = self.board.hubs.get(hub) else { return Vec::new() };
        let present = home.present();
        let is_other = |it: &&(Epoch, SequenceRanges)| {
            epochs.contains(&it.0) && present.is_none_or(|(epoch, _held)| *epoch != it.0)
        };
        let wanted = home.ledgers.iter().filter(is_other).chain(present);
        let receipt = |(epoch, held): &(Epoch, SequenceRanges)| {
            let issued_at = Time(LocalInstant::utc(now));
            let none = SequenceRanges::new();
            let contested = home.contested.get(epoch).unwrap_or(&none);
            let mut held = held.clone();
            contested.iter().for_each(|it| held.remove(it));
            let mut receipt = Receipt::new(hub, *epoch, &held, issued_at).with_contested(contested);
            receipt.checksum = self.checksum_at(hub, *epoch, receipt.high_water);
            let payload = encode(&receipt)
                .inspect_err(|error| tracing::error!(%hub, %error, "receipt not encoded"))
                .ok()?;
            let topic = self.settings.topics.of(hub, Channel::Receipt);
            let is_retained = Channel::Receipt.is_retained();
            Some(Publication { topic, payload, is_retained })
        };
        let nothing = self.unheard_epoch(home).map(|epoch| (epoch, SequenceRanges::new()));
        wanted.chain(nothing.as_ref()).filter_map(receipt).collect()
    }

    /// The epoch that the hub is in, where nothing is held of it: its receipt says so.
    fn unheard_epoch(&self, home: &Home) -> Option<Epoch> {
        let bytes = &home.health.as_ref()?.epoch.0;
        let epoch = Epoch(<[u8; 8]>::try_from(bytes.as_slice()).ok()?);
        home.ledgers.iter().all(|(it, _held)| *it != epoch).then_some(epoch)
    }

    /// Of the record at a high-water mark; a receipt without it is a receipt.
    fn checksum_at(&self, hub: &HubId, epoch: Epoch, seq: Sequence) -> Option<u32> {
        self.store
            .checksum_at(hub, epoch, seq)
            .inspect_err(|error| tracing::error!(%hub, %error, "record of a receipt not read"))
            .ok()?
    }

    /// What the homes may have missed while the broker was away.
    pub(super) fn greetings(&mut self, now: Timestamp) -> Vec<Publication> {
        let none = BTreeSet::new();
        let hubs: Vec<_> = self.board.hubs.keys().cloned().collect();
        let mut publications: Vec<_> =
            hubs.iter().flat_map(|hub| self.receipts(now, hub, &none)).collect();
        publications.extend(self.commands(now, |_order| true));
        publications
    }
}

/// The hubs that spoke themselves in `batch`.
fn spoken(batch: &[Inbound]) -> BTreeSet<HubId> {
    let spoken = |it: &Inbound| match it {
        Inbound::Record(record) => Some(record.hub.clone()),
        Inbound::Snapshot(snapshot) => snapshot.is_live.then(|| snapshot.hub.clone()),
        Inbound::Refused { .. } => None,
    };
    batch.iter().filter_map(spoken).collect()
}
