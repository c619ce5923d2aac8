//! Links that stay lost: a condition of the hub that somebody has to look after.

use std::collections::BTreeMap;
use std::time::Duration;

use alerting::Condition;
use vitals::Priority;
use vitals::wire::v1::EventKind;

use super::record::Remark;
use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::link::LinkName;

/// A link that is lost for so long is not coming back by itself.
///
/// Source: ours; a restart of the Bluetooth daemon, or an adapter that is plugged in again, is over in
/// less.
const TOLD_AFTER: Duration = Duration::from_secs(15 * 60);

/// Which links are lost.
#[derive(Debug, Default)]
pub(super) struct Links {
    lost: BTreeMap<LinkName, Lost>,
}

#[derive(Debug)]
struct Lost {
    /// The alert about it; `None` once that is raised, and where there is none.
    to_tell: Option<ToTell>,
    cause: String,
}

/// An alert that is due unless the link comes back before.
#[derive(Debug, Clone, Copy)]
struct ToTell {
    rule: &'static str,
    /// Time since boot.
    due: Duration,
}

impl Links {
    /// When a lost link is to be told.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.lost.values().filter_map(|it| Some(it.to_tell?.due)).min()
    }

    /// The conditions to be told of, each of them once.
    fn take_due(&mut self, now: Stamp) -> Vec<Condition> {
        let due = self.lost.iter_mut().filter_map(|(link, lost)| {
            let told = lost.to_tell.take_if(|it| it.due <= now.since_boot)?;
            let why = format!(
                "The {} link of this hub does not work ({}): nothing that is measured over it is \
                 recorded.",
                link.as_str(),
                lost.cause
            );
            Some(Condition { rule: told.rule, priority: Priority::Medium, why })
        });
        due.collect()
    }
}

/// Rule of the alert about a link that is lost: a serial line has none, for people pull its plug.
const fn rule(link: LinkName) -> Option<&'static str> {
    match link {
        LinkName::Bluetooth => Some("bluetooth-lost"),
        LinkName::Serial => None,
    }
}

impl Hub {
    pub(super) fn on_link_up(&mut self, now: Stamp, link: LinkName) -> Result<(), HubError> {
        if self.links.lost.remove(&link).is_some() {
            let text = format!("The {} link works again.", link.as_str());
            self.remark(now, Remark::about_link(EventKind::LinkRestored, link, text))?;
        }
        // It may have been told before this start.
        rule(link).map_or(Ok(()), |rule| self.clear(now, rule))
    }

    pub(super) fn on_link_lost(
        &mut self,
        now: Stamp,
        link: LinkName,
        cause: String,
    ) -> Result<(), HubError> {
        if let Some(lost) = self.links.lost.get_mut(&link) {
            lost.cause = cause;
            return Ok(());
        }
        let text = format!("The {} link is lost: {cause}.", link.as_str());
        let due = now.since_boot.saturating_add(TOLD_AFTER);
        let to_tell = rule(link).map(|rule| ToTell { rule, due });
        self.links.lost.insert(link, Lost { to_tell, cause });
        self.remark(now, Remark::about_link(EventKind::LinkLost, link, text))
    }

    /// Raises the alert about a link that stays lost.
    pub(super) fn watch_links(&mut self, now: Stamp) -> Result<(), HubError> {
        let due = self.links.take_due(now);
        due.iter().try_for_each(|condition| self.raise_in_passing(now, condition))
    }
}
