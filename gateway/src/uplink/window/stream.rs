//! What waits to be sent, by urgency.

use serde::Deserialize;
use vitals::Priority;
use vitals::wire::canonical;

use crate::store::{Lane, Record};

/// A queue of the window, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stream {
    /// Transitions of alerts of high priority.
    HighAlert,
    /// Transitions of other alerts.
    Alert,
    /// What was sent before and did not arrive.
    Again,
    /// Readings of late.
    Fresh,
    /// Technical events.
    Event,
    /// Readings that waited for the connection.
    Backlog,
}

impl Stream {
    const ALL: [Self; 6] =
        [Self::HighAlert, Self::Alert, Self::Again, Self::Fresh, Self::Event, Self::Backlog];

    /// All streams, in order of urgency but for the `first`, which is counted round and round.
    pub(super) fn beginning_with(first: u64) -> [Self; 6] {
        let mut streams = Self::ALL;
        let first = usize::try_from(first % 6).unwrap_or(0);
        if let Some(front) = streams.get_mut(..=first) {
            front.rotate_right(1);
        }
        streams
    }

    /// Where a record of this part of the ledger waits.
    pub(super) fn of(part: Part, record: &Record) -> Self {
        match part.lane {
            Lane::Alert if is_high(record) => Self::HighAlert,
            Lane::Alert => Self::Alert,
            Lane::Reading if part.is_backlog => Self::Backlog,
            Lane::Reading => Self::Fresh,
            Lane::Event => Self::Event,
        }
    }
}

/// A part of the ledger that is read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) lane: Lane,
    pub(super) is_backlog: bool,
}

impl Part {
    /// In the order in which they are read.
    pub(super) const ALL: [Self; 6] = [
        Self { lane: Lane::Alert, is_backlog: false },
        Self { lane: Lane::Alert, is_backlog: true },
        Self { lane: Lane::Reading, is_backlog: false },
        Self { lane: Lane::Event, is_backlog: false },
        Self { lane: Lane::Event, is_backlog: true },
        Self { lane: Lane::Reading, is_backlog: true },
    ];

    /// Where its records wait; the next page is read when they are empty.
    pub(super) const fn streams(self) -> &'static [Stream] {
        match (self.lane, self.is_backlog) {
            (Lane::Alert, _any) => &[Stream::HighAlert, Stream::Alert],
            (Lane::Reading, false) => &[Stream::Fresh],
            (Lane::Reading, true) => &[Stream::Backlog],
            (Lane::Event, _any) => &[Stream::Event],
        }
    }
}

/// What a message about an alert says of its urgency.
#[derive(Debug, Deserialize)]
struct Urgency {
    priority: String,
}

/// A transition that cannot be read goes with the others: the agency will say that it cannot.
fn is_high(record: &Record) -> bool {
    canonical::decode::<Urgency>(&record.payload)
        .is_ok_and(|it| it.priority == Priority::High.as_str())
}
