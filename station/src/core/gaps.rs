//! What is missing of a hub's ledger, and whether both ends have the same open alerts.
//!
//! A hub sends by itself whatever no receipt covers. A gap that stands nevertheless while the hub is
//! heard is asked for with a signed command, ever more rarely.
//!
//! Where every record of a hub is here, its open alerts and those of the board follow from the same
//! records. Do they differ, no record can mend it: it is shown, until they agree again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use vitals::wire::canonical::encode;
use vitals::wire::primitive::Time;
use vitals::wire::sealed::{Purpose, seal};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Command, Health, Instruction};
use vitals::{Epoch, HubId, LocalInstant, Sequence, SequenceRanges};

use super::deadlines::Deadlines;
use super::{Publication, Station, later};
use crate::alarm::{Alarm, Kind};
use crate::board::{Episode, Home};

/// How long a gap may stand before it is asked for; doubled each time in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest patience.
const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A hub refuses a request that is older: the next one names what is still missing.
const REQUEST_EXPIRES_AFTER: Duration = Duration::from_secs(600);

/// Most ranges that one request names; the next one names the others.
const RANGES_MAX: usize = 64;

/// Gaps that are waited for, and differences that were seen once.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// When the gaps of each hub that is heard are looked at next.
    pub(super) looks: Deadlines,
    /// What was missing at the last look, and how often it was asked for in vain.
    asked: BTreeMap<HubId, (u64, u32)>,
    /// Hubs whose last snapshot had other open alerts.
    differing: BTreeSet<HubId>,
}

impl Station {
    /// Notes the gaps of hubs that were heard.
    pub(super) fn note_gaps(&mut self, now: Timestamp, spoken: &BTreeSet<HubId>) {
        for hub in spoken {
            if !self.board.hubs.get(hub).is_some_and(|it| it.has_gap() || it.gap_since.is_some()) {
                continue;
            }
            let home = self.board.home(hub);
            if !home.has_gap() {
                home.gap_since = None;
                home.requests = None;
                self.gaps.looks.remove(hub);
                self.gaps.asked.remove(hub);
                continue;
            }
            home.gap_since.get_or_insert(now);
            let n_missing = home.n_missing();
            self.gaps.asked.entry(hub.clone()).or_insert((n_missing, 0));
            if !self.gaps.looks.contains(hub) {
                self.gaps.looks.set(hub, later(now, PATIENCE));
            }
        }
    }

    /// Asks for the gaps that have stood for long enough.
    pub(super) fn ask_for_gaps(&mut self, now: Timestamp) -> Vec<Publication> {
        let mut requests = Vec::new();
        for hub in self.gaps.looks.due(now) {
            self.gaps.looks.remove(&hub);
            let is_silent = self.board.alarms.find(Kind::HubSilent, Some(&hub)).is_some();
            let Some(home) = self.board.hubs.get(&hub).filter(|it| it.has_gap()) else { continue };
            // A hub that is away is looked at again when it is heard.
            if is_silent || home.presence.is_some_and(|it| !it.is_online) {
                continue;
            }
            let n_missing = home.n_missing();
            let (before, n_asked) = self.gaps.asked.get(&hub).copied().unwrap_or((n_missing, 0));
            // What shrinks by itself is on its way.
            let is_stuck = before <= n_missing;
            let n_asked = if is_stuck { n_asked.saturating_add(1) } else { 0 };
            self.gaps.asked.insert(hub.clone(), (n_missing, n_asked));
            self.gaps.looks.set(&hub, later(now, patience(n_asked)));
            if is_stuck && let Some(request) = self.request(now, &hub) {
                tracing::warn!(%hub, n_missing, n_asked, "gap stands, records asked for");
                self.board.home(&hub).requests = Some((now, n_asked));
                requests.push(request);
            }
        }
        requests
    }

    /// The signed command that asks `hub` for what is missing.
    fn request(&self, now: Timestamp, hub: &HubId) -> Option<Publication> {
        let (epoch, ranges) = missing(self.board.hubs.get(hub)?)?;
        let time = |at| Time(LocalInstant::utc(at));
        let id = format!("resend-{epoch}-{}", now.as_millisecond());
        let expires_at = time(later(now, REQUEST_EXPIRES_AFTER));
        let command =
            Command::new(hub, id, time(now), expires_at, Instruction::Resend { epoch, ranges });
        let sealed = encode(&command).map_err(|it| it.to_string()).and_then(|payload| {
            seal(&payload, Purpose::Command, &self.settings.key).map_err(|it| it.to_string())
        });
        let payload =
            sealed.inspect_err(|error| tracing::error!(%hub, %error, "request not signed")).ok()?;
        let topic = self.settings.topics.of(hub, Channel::Command);
        Some(Publication { topic, payload, is_retained: Channel::Command.is_retained() })
    }

    /// Compares the open alerts of a hub with those of the board; twice different is an alarm.
    pub(super) fn compare(
        &mut self,
        now: Timestamp,
        hub: &HubId,
        health: &Health,
    ) -> Option<Alarm> {
        let agree = self.agree(hub, health)?;
        let told = self.board.alarms.find(Kind::AlertsDiffer, Some(hub));
        if agree {
            self.gaps.differing.remove(hub);
            return told.map(|it| it.ended(now));
        }
        let is_first = self.gaps.differing.insert(hub.clone());
        (!is_first && told.is_none()).then(|| Alarm {
            kind: Kind::AlertsDiffer,
            hub: Some(hub.clone()),
            since: now,
            began_at: now,
            ended_at: None,
        })
    }

    /// Whether everything is here that `hub` has recorded by `health`.
    pub(super) fn is_all_here(&self, hub: &HubId, health: &Health) -> bool {
        let Ok(epoch) = <[u8; 8]>::try_from(health.epoch.0.as_slice()).map(Epoch) else {
            return false;
        };
        let home = self.board.hubs.get(hub);
        let mut ledgers = home.into_iter().flat_map(|it| &it.ledgers);
        let is_whole = |held: &SequenceRanges| {
            held.max() == Some(health.last_seq) && held.gaps(health.last_seq).next().is_none()
        };
        health.unconfirmed == 0 && ledgers.any(|(it, held)| *it == epoch && is_whole(held))
    }

    /// Whether both ends have the same open alerts; `None` where that cannot be told.
    fn agree(&self, hub: &HubId, health: &Health) -> Option<bool> {
        let listed = health.alerts.as_ref()?;
        let epoch = Epoch(<[u8; 8]>::try_from(health.epoch.0.as_slice()).ok()?);
        if !self.is_all_here(hub, health) {
            return None;
        }
        let theirs: BTreeSet<_> =
            listed.iter().map(|it| (it.alert_id.clone(), it.rev, it.standing.clone())).collect();
        // Those of an earlier database of the hub count where it still has them.
        let is_theirs = |it: &Episode| {
            let id = it.alert.to_string();
            it.alert.epoch == epoch || listed.iter().any(|other| other.alert_id == id)
        };
        let open = self.board.alerts_of(hub).filter(|it| it.is_open() && is_theirs(it));
        let ours: BTreeSet<_> = open
            .map(|it| (it.alert.to_string(), it.current().rev, it.current().standing.clone()))
            .collect();
        Some(theirs == ours)
    }
}

/// What is missing of the present epoch.
fn missing(home: &Home) -> Option<(Epoch, Vec<(Sequence, Sequence)>)> {
    let (epoch, _held) = home.present()?;
    let ranges: Vec<_> = home.gaps().into_iter().take(RANGES_MAX).collect();
    (!ranges.is_empty()).then_some((*epoch, ranges))
}

fn patience(n_asked: u32) -> Duration {
    let factor = 1_u32.checked_shl(n_asked).unwrap_or(u32::MAX);
    PATIENCE.saturating_mul(factor).min(PATIENCE_MAX)
}

#[cfg(test)]
mod tests;
