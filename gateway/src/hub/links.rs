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
    /// When it is told; time since boot, `None` once that is done or where it never is.
    due: Option<Duration>,
    cause: String,
}

impl Links {
    /// When a lost link is to be told.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.lost.values().filter_map(|it| it.due).min()
    }

    /// The links to be told of, and why they are lost; each of them once.
    fn take_due(&mut self, now: Stamp) -> Vec<(LinkName, String)> {
        let due = self.lost.iter_mut().filter_map(|(link, lost)| {
            lost.due.take_if(|due| *due <= now.since_boot)?;
            Some((*link, lost.cause.clone()))
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
        let due = rule(link).map(|_told| now.since_boot.saturating_add(TOLD_AFTER));
        self.links.lost.insert(link, Lost { due, cause });
        self.remark(now, Remark::about_link(EventKind::LinkLost, link, text))
    }

    /// Raises the alert about a link that stays lost.
    pub(super) fn watch_links(&mut self, now: Stamp) -> Result<(), HubError> {
        for (link, cause) in self.links.take_due(now) {
            let Some(rule) = rule(link) else { continue };
            let why = format!(
                "The {} link of this hub does not work ({cause}): nothing that is measured over it \
                 is recorded.",
                link.as_str()
            );
            let condition = Condition { rule, priority: Priority::Medium, why };
            self.raise_in_passing(now, &condition)?;
        }
        Ok(())
    }
}
