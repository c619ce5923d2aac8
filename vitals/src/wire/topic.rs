//! Topics: which path carries which message between a hub and its agency.

use std::fmt;

use crate::identity::{AgencyId, HubId};

/// Root of the topics where the configuration names no other.
pub const ROOT: &str = "vitalgate/v1";

/// What a topic below a hub carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// One reading, up.
    Reading,
    /// One alert transition, up.
    Alert,
    /// One technical event, up.
    Event,
    /// The latest health snapshot, up, retained.
    Health,
    /// Whether the hub is connected, up, retained, and the last will.
    Status,
    /// A signed care plan, down, retained.
    Plan,
    /// A signed command, down.
    Command,
    /// The station's receipt, down, retained.
    Receipt,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 8] = [
        Self::Reading,
        Self::Alert,
        Self::Event,
        Self::Health,
        Self::Status,
        Self::Plan,
        Self::Command,
        Self::Receipt,
    ];

    /// The last levels of the topic.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "up/reading",
            Self::Alert => "up/alert",
            Self::Event => "up/event",
            Self::Health => "up/health",
            Self::Status => "status",
            Self::Plan => "down/plan",
            Self::Command => "down/command",
            Self::Receipt => "down/receipt",
        }
    }

    /// Whether the broker keeps the last message for later subscribers.
    #[must_use]
    pub const fn is_retained(self) -> bool {
        match self {
            Self::Health | Self::Status | Self::Plan | Self::Receipt => true,
            Self::Reading | Self::Alert | Self::Event | Self::Command => false,
        }
    }
}

/// The topics of one agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyTopics {
    root: String,
    agency: AgencyId,
}

/// Why a text cannot be the root of topics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{root:?} cannot be a topic root: no empty level, no '#', '+' or control character")]
pub struct RootError {
    root: String,
}

impl AgencyTopics {
    /// The topics of `agency` below `root`, which has one or more levels.
    ///
    /// # Errors
    ///
    /// Returns [`RootError`] where `root` has an empty level or a wildcard.
    pub fn new(root: &str, agency: AgencyId) -> Result<Self, RootError> {
        let is_level = |level: &str| {
            !level.is_empty() && !level.contains(|c: char| "#+".contains(c) || c.is_control())
        };
        if root.split('/').all(is_level) {
            Ok(Self { root: root.to_owned(), agency })
        } else {
            Err(RootError { root: root.to_owned() })
        }
    }

    /// The topic that carries `channel` of `hub`.
    #[must_use]
    pub fn of(&self, hub: &HubId, channel: Channel) -> String {
        format!("{}/{}/{hub}/{}", self.root, self.agency, channel.as_str())
    }

    /// The filter that matches `channel` of every hub.
    #[must_use]
    pub fn filter(&self, channel: Channel) -> String {
        format!("{}/{}/+/{}", self.root, self.agency, channel.as_str())
    }

    /// Which hub and channel a topic of this agency names.
    #[must_use]
    pub fn parse(&self, topic: &str) -> Option<(HubId, Channel)> {
        let below = topic.strip_prefix(&self.root)?.strip_prefix('/')?;
        let (agency, below) = below.split_once('/')?;
        let (hub, channel) = below.split_once('/')?;
        let channel = Channel::ALL.into_iter().find(|it| it.as_str() == channel)?;
        (agency == self.agency.as_str()).then_some((hub.parse().ok()?, channel))
    }
}

impl fmt::Display for AgencyTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.root, self.agency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> AgencyTopics {
        AgencyTopics::new(ROOT, "north".parse().unwrap()).unwrap()
    }

    #[test]
    fn every_channel_reads_back() {
        let hub: HubId = "hub-1".parse().unwrap();
        for channel in Channel::ALL {
            assert_eq!(topics().parse(&topics().of(&hub, channel)), Some((hub.clone(), channel)));
        }
        assert_eq!(topics().of(&hub, Channel::Reading), "vitalgate/v1/north/hub-1/up/reading");
    }

    #[test]
    fn topics_of_others_are_not_ours() {
        for topic in [
            "vitalgate/v1/south/hub-1/up/reading",
            "vitalgate/v1/north/hub-1/up/unknown",
            "vitalgate/v1/north/Hub/up/reading",
            "vitalgate/v1/north",
            "vitalgate/v11/north/hub-1/status",
        ] {
            assert_eq!(topics().parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn a_root_with_wildcards_is_refused() {
        for root in ["", "a//b", "/a", "a/#", "+"] {
            assert!(AgencyTopics::new(root, "north".parse().unwrap()).is_err(), "{root:?}");
        }
    }
}
