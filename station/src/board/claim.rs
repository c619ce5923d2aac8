//! Whose readings are, as people said, and what nurses asked about that.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitals::wire::topic::Channel;
use vitals::wire::v1::Event;
use vitals::{HubId, Reading, ReadingId, SubjectId};

use super::{Board, Taken};
use crate::inbound::{self, Body};
use crate::order::{Aim, Order, Progress};
use crate::store::Charted;
use crate::store::assignment::whose;

/// The reading as one of whom people `said` last.
pub(crate) fn of_whom_people_said(reading: Reading, said: &[Event]) -> Reading {
    match whose(said) {
        Some(subject) => Reading { subject, subject_candidates: Vec::new(), ..reading },
        None => reading,
    }
}

impl Board {
    /// Takes in an order about an alert or a reading.
    pub(crate) fn take_order(&mut self, order: Order) {
        let hub = order.wish.hub.clone();
        match order.wish.aim {
            Aim::Alert(alert, _deed) => {
                if let Some(episode) = self.alerts.get_mut(&(hub, alert)) {
                    Arc::make_mut(episode).take(order);
                }
            }
            Aim::Reading(id, ref to) => {
                let key = (hub, id);
                let said = self.said.get(&key).map(Vec::as_slice).unwrap_or_default();
                let is_done = whose(said).as_ref() == Some(to);
                let progress = if is_done { Progress::Done } else { order.progress };
                let orders = Arc::make_mut(self.claims.entry(key).or_default());
                orders.push(Order { progress, ..order });
            }
        }
    }

    /// Every order on the board.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        let of_alerts = self.alerts.values().flat_map(|it| &it.orders);
        of_alerts.chain(self.claims.values().flat_map(|it| it.iter()))
    }

    /// Notes which orders did not reach their home in time.
    pub(crate) fn note_expired(&mut self, expired: &[String]) {
        self.change_orders(|it| expired.contains(&it.id), |it| it.progress = Progress::Expired);
    }

    /// Notes that `hub` refused an order, where an event says so.
    pub(super) fn note_refused(&mut self, hub: &HubId, event: &Event) {
        let Some(id) = &event.command_id else { return };
        let is_it = |it: &Order| it.id == *id && it.wish.hub == *hub;
        self.change_orders(is_it, |it| it.refuse(&event.text));
    }

    /// Changes the orders that are `wanted`; what is around the others stays shared.
    fn change_orders(&mut self, wanted: impl Fn(&Order) -> bool, change: impl FnMut(&mut Order)) {
        let episodes = self.alerts.values_mut().filter(|it| it.orders.iter().any(&wanted));
        let of_alerts = episodes.flat_map(|it| Arc::make_mut(it).orders.iter_mut());
        let claims = self.claims.values_mut().filter(|it| it.iter().any(&wanted));
        let of_readings = claims.flat_map(|it| Arc::make_mut(it).iter_mut());
        of_alerts.chain(of_readings).filter(|it| wanted(it)).for_each(change);
    }

    /// The orders about readings that are done with need not be shown any more.
    pub(crate) fn forget_done_claims(&mut self) {
        for orders in self.claims.values_mut() {
            if orders.iter().any(|it| it.progress == Progress::Done) {
                Arc::make_mut(orders).retain(|it| it.progress != Progress::Done);
            }
        }
        self.claims.retain(|_key, it| !it.is_empty());
    }

    /// Marks the orders as done whose effect an event of `hub` shows; of the others about the same
    /// reading, those that did not reach the home are no news any more.
    pub(super) fn settle_claims(&mut self, hub: &HubId, event: &Event) {
        let Some(assignment) = &event.assignment else { return };
        let (Ok(id), Ok(to)) = (assignment.reading(), assignment.to()) else { return };
        let Some(orders) = self.claims.get_mut(&(hub.clone(), id)) else { return };
        for order in Arc::make_mut(orders) {
            let is_same = matches!(&order.wish.aim, Aim::Reading(_id, it) if *it == to);
            if is_same || matches!(order.progress, Progress::Expired | Progress::Refused) {
                order.progress = Progress::Done;
            }
        }
    }

    /// Shows what `clients` have after people said whose readings are.
    pub(crate) fn chart_anew(&mut self, clients: &BTreeSet<SubjectId>, charted: Charted) {
        self.clients.retain(|client, _chart| !clients.contains(client));
        self.unassigned.clear();
        self.said.extend(charted.said);
        for record in charted.readings.iter().chain(charted.unassigned.iter().rev()) {
            if let Body::Reading(reading) = inbound::body(Channel::Reading, &record.payload) {
                let timeline = self.timeline(&record.hub);
                self.take(&record.hub, &reading, &timeline);
            }
        }
        let shown: BTreeSet<(HubId, ReadingId)> =
            self.readings().map(|it| (it.hub.clone(), it.reading.id)).collect();
        self.said.retain(|key, _said| shown.contains(key));
    }

    /// Every reading on the board, some of them several times.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Arc<Taken>> {
        let of_clients = self.clients.values().flat_map(|it| it.vitals.values().flatten());
        of_clients.chain(&self.unassigned)
    }

    /// Who may have measured at the home of `hub`: everybody of whom it has readings or asks.
    #[must_use]
    pub(crate) fn clients_at(&self, hub: &HubId) -> BTreeSet<SubjectId> {
        let here = self.readings().filter(|it| it.hub == *hub).map(|it| &it.reading);
        let of_readings = here.flat_map(|it| it.subject.iter().chain(&it.subject_candidates));
        let of_alerts = self.alerts_of(hub).filter_map(|it| it.current().subject.as_ref());
        let of_alerts = of_alerts.filter_map(|it| it.parse().ok());
        of_readings.cloned().chain(of_alerts).collect()
    }
}
