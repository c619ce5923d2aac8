//! What only the running daemon knows, for whoever asks on this machine.

use serde_json::{Value, json};
use vitals::LocalInstant;

use crate::clock::Stamp;
use crate::hub::{Exercising, Hub, Sight};

/// What only the running daemon knows.
#[derive(Debug, Clone)]
pub struct Live {
    /// Whether the agency can see the hub.
    pub(crate) sight: Sight,
    /// Since when new records are in memory only; `None` while they are in the file.
    pub(crate) in_memory_since: Option<LocalInstant>,
    /// Who exercises.
    pub(crate) exercising: Vec<Exercising>,
}

impl Live {
    /// As it is with `hub` at `now`.
    #[must_use]
    pub fn of(hub: &Hub, now: Stamp) -> Self {
        let (sight, in_memory_since) = (hub.sight(), hub.in_memory_since());
        Self { sight, in_memory_since, exercising: hub.exercising(now) }
    }

    /// The same as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { sight, in_memory_since, exercising } = self;
        let (word, heard_at, silent_since) = match *sight {
            Sight::NotYet => ("not-yet-heard", None, None),
            Sight::Seen { heard_at } => ("sees-this-hub", Some(heard_at), None),
            Sight::Unseen { since } => ("cannot-see-this-hub", None, Some(since)),
        };
        let text = |it: Option<LocalInstant>| it.map(|it| it.to_string());
        let exercise = |it: &Exercising| {
            let (since, until) = (it.since.to_string(), it.until.to_string());
            json!({ "subject": it.subject.as_str(), "since": since, "until": until })
        };
        json!({
            "agency": word,
            "heard_at": text(heard_at),
            "silent_since": text(silent_since),
            "in_memory_since": text(*in_memory_since),
            "exercising": exercising.iter().map(exercise).collect::<Vec<_>>(),
        })
    }
}
