//! What nurses ask of the homes: taken, sent until the home shows the effect, and given up.

use std::collections::BTreeSet;

use alerting::Standing;
use alerting::timer::SNOOZE_HOURS_MAX;
use jiff::{SignedDuration, Timestamp};
use vitals::wire::topic::Channel;
use vitals::{AlertId, HubId, Priority, ReadingId, SubjectId};

use super::{Effects, NAME_LEN_MAX, NOTE_LEN_MAX, Publication, Refusal, Station, later};
use crate::board::Board;
use crate::order::{Aim, Deed, Order, Progress, Wish};
use crate::store::StoreError;
use crate::store::assignment::whose;

impl Station {
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        command_id: String,
        wish: Wish,
    ) -> Result<Effects, StoreError> {
        let (seen_rev, seen_priority) = match self.check(now, &wish)? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Effects::refusing(refusal)),
        };
        let expires_at = later(now, self.settings.expires_after);
        let key = &self.settings.key;
        let order =
            match Order::sign(command_id, wish, seen_rev, seen_priority, now, expires_at, key) {
                Ok(order) => order,
                Err(error) => {
                    tracing::error!(%error, "command not signed");
                    return Ok(Effects::refusing(Refusal::Signature));
                }
            };
        self.store.keep(&order)?;
        let id = order.id.clone();
        let (deed, about) = (order.wish.kind(), order.wish.about());
        tracing::info!(hub = %order.wish.hub, about, deed, "order kept");
        self.board.take_order(order);
        Ok(Effects::of(self.commands(now, |order| order.id == id)))
    }

    /// Revision and priority of the alert that the wish is about, if it can be granted.
    fn check(
        &self,
        now: Timestamp,
        wish: &Wish,
    ) -> Result<Result<(u32, Option<Priority>), Refusal>, StoreError> {
        match &wish.aim {
            Aim::Alert(alert, deed) => {
                let key = (wish.hub.clone(), *alert);
                Ok(self.check_alert(now, wish, &key, *deed))
            }
            Aim::Reading(id, to) => {
                let checked = self.check_reading(&wish.hub, *id, to.as_ref())?;
                Ok(signature(&wish.by, wish.note.as_deref()).and(checked).map(|()| (0, None)))
            }
        }
    }

    /// Whether a nurse can say whose a reading is.
    fn check_reading(
        &self,
        hub: &HubId,
        id: ReadingId,
        to: Option<&SubjectId>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let Some(reading) = self.store.reading(hub, id)? else {
            return Ok(Err(Refusal::UnknownReading));
        };
        let orders = self.board.claims.get(&(hub.clone(), id));
        let mut orders = orders.iter().flat_map(|it| it.iter());
        if let Some(order) = orders.find(|it| it.progress == Progress::OnItsWay) {
            return Ok(Err(Refusal::OnItsWay { by: order.wish.by.clone() }));
        }
        let said = self.store.said(hub, id)?;
        let known = whose(&said).or_else(|| reading.subject.map(Some));
        match known.is_some_and(|it| it.as_ref() == to) {
            true => Ok(Err(Refusal::AlreadySo)),
            false => Ok(Ok(())),
        }
    }

    fn check_alert(
        &self,
        now: Timestamp,
        wish: &Wish,
        key: &(HubId, AlertId),
        deed: Deed,
    ) -> Result<(u32, Option<Priority>), Refusal> {
        signature(&wish.by, wish.note.as_deref())?;
        if let Deed::Snooze(until) = deed {
            let longest = now.saturating_add(SignedDuration::from_hours(SNOOZE_HOURS_MAX));
            let is_bounded = now < until && longest.is_ok_and(|longest| until <= longest);
            if !is_bounded || wish.note.as_deref().is_none_or(|it| it.trim().is_empty()) {
                return Err(Refusal::Snooze);
            }
        }
        let episode = self.board.alerts.get(key).ok_or(Refusal::Unknown)?;
        if !episode.is_open() {
            return Err(Refusal::Over);
        }
        let on_its_way = episode.orders.iter().find(|order| {
            let is_same = order.wish.kind() == wish.kind();
            order.progress == Progress::OnItsWay && is_same
        });
        if let Some(order) = on_its_way {
            return Err(Refusal::OnItsWay { by: order.wish.by.clone() });
        }
        let takes_on = match deed {
            Deed::Acknowledge | Deed::Snooze(_) => true,
            Deed::Close(_disposition) => false,
        };
        if takes_on && !episode.waits_for_a_nurse() {
            let by = episode.current().by.clone().unwrap_or_else(|| "somebody".to_owned());
            return Err(match episode.standing() {
                Standing::Pending => Refusal::Pending,
                Standing::Active | Standing::Acknowledged | Standing::Latched | Standing::Done => {
                    Refusal::Acknowledged { by }
                }
            });
        }
        Ok((episode.current().rev, Some(episode.priority())))
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> Result<Vec<Publication>, StoreError> {
        let is_over = |order: &&Order| order.expires_at <= now;
        let expired: Vec<_> =
            outstanding(&self.board).filter(is_over).map(|it| it.id.clone()).collect();
        self.store.note_progress(&expired, Progress::Expired)?;
        if !expired.is_empty() {
            self.board.note_expired(&expired);
            self.repeats.retain(|id, _at| !expired.contains(id));
        }
        let repeat_after = self.settings.repeat_after;
        // A clock that was set back must not hold an order up.
        let due: BTreeSet<_> = self
            .repeats
            .iter()
            .filter(|&(_id, &at)| at <= now || later(now, repeat_after) < at)
            .map(|(id, _at)| id.clone())
            .collect();
        Ok(self.commands(now, |order| due.contains(&order.id)))
    }

    /// Sends the orders on their way that are `wanted`, and notes when to send them again.
    pub(super) fn commands(
        &mut self,
        now: Timestamp,
        wanted: impl Fn(&Order) -> bool,
    ) -> Vec<Publication> {
        if !self.board.broker.is_up {
            let waiting: Vec<_> =
                outstanding(&self.board).filter(|it| wanted(it)).map(|it| it.id.clone()).collect();
            self.repeats.extend(waiting.into_iter().map(|id| (id, now)));
            return Vec::new();
        }
        let again_at = later(now, self.settings.repeat_after);
        let mut publications = Vec::new();
        for order in outstanding(&self.board).filter(|it| wanted(it) && now < it.expires_at) {
            self.repeats.insert(order.id.clone(), again_at);
            publications.push(Publication {
                topic: self.settings.topics.of(&order.wish.hub, Channel::Command),
                payload: order.sealed.clone(),
                is_retained: Channel::Command.is_retained(),
            });
        }
        publications
    }

    /// Notes the orders whose effect has been seen; a failure is made good at the next start, when
    /// the transitions show it again.
    pub(super) fn note_done(&mut self) {
        let still: BTreeSet<_> = outstanding(&self.board).map(|it| it.id.clone()).collect();
        let done: Vec<_> = self.repeats.keys().filter(|id| !still.contains(*id)).cloned().collect();
        self.repeats.retain(|id, _at| still.contains(id));
        for progress in [Progress::Done, Progress::Overtaken, Progress::Refused] {
            let of_it =
                self.board.orders().filter(|it| it.progress == progress && done.contains(&it.id));
            let ids: Vec<_> = of_it.map(|it| it.id.clone()).collect();
            if !ids.is_empty()
                && let Err(error) = self.store.note_progress(&ids, progress)
            {
                tracing::warn!(%error, "orders that are done with not noted");
            }
        }
        self.board.forget_done_claims();
    }
}

/// Orders whose effect has not been seen.
pub(super) fn outstanding(board: &Board) -> impl Iterator<Item = &Order> {
    board.orders().filter(|it| it.progress == Progress::OnItsWay)
}

/// Whether somebody signs, with a note that is short enough.
pub(super) fn signature(by: &str, note: Option<&str>) -> Result<(), Refusal> {
    let n_characters = |text: &str| text.chars().count();
    if by.trim().is_empty() || NAME_LEN_MAX < n_characters(by) {
        return Err(Refusal::Name);
    }
    if note.is_some_and(|it| NOTE_LEN_MAX < n_characters(it)) {
        return Err(Refusal::Note);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
