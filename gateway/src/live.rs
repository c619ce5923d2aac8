//! What only the running daemon knows, for whoever asks on this machine.

use serde_json::{Value, json};
use vitals::LocalInstant;

use crate::hub::{Hub, Sight};

/// What only the running daemon knows.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Whether the agency can see the hub.
    pub(crate) sight: Sight,
    /// Since when new records are in memory only; `None` while they are in the file.
    pub(crate) in_memory_since: Option<LocalInstant>,
}

impl Live {
    /// As it is with `hub` now.
    #[must_use]
    pub fn of(hub: &Hub) -> Self {
        Self { sight: hub.sight(), in_memory_since: hub.in_memory_since() }
    }

    /// The same as a JSON object.
    #[must_use]
    pub fn to_json(self) -> Value {
        let Self { sight, in_memory_since } = self;
        let (word, heard_at, silent_since) = match sight {
            Sight::NotYet => ("not-yet-heard", None, None),
            Sight::Seen { heard_at } => ("sees-this-hub", Some(heard_at), None),
            Sight::Unseen { since } => ("cannot-see-this-hub", None, Some(since)),
        };
        let text = |it: Option<LocalInstant>| it.map(|it| it.to_string());
        json!({
            "agency": word,
            "heard_at": text(heard_at),
            "silent_since": text(silent_since),
            "in_memory_since": text(in_memory_since),
        })
    }
}
