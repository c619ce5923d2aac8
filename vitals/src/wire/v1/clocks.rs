//! `clock`: what the hub's clocks were worth when it made a message.

use serde::{Deserialize, Serialize};

use crate::moment::{BootId, Moment, Uptime};
use crate::wire::primitive::{Bytes, Time};

/// What the hub's clocks were worth when it made a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Identity of the run of the machine, 16 bytes.
    pub boot: Bytes,
    /// Milliseconds since the start of the machine, suspended time included; negative for what was
    /// before.
    pub uptime_ms: i64,
    /// Whether the hub knew the wall time; else the times of the message are estimates.
    pub known: bool,
}

impl Clock {
    /// What `moment` says about the clocks; `None` where it says nothing.
    #[must_use]
    pub fn of(moment: &Moment) -> Option<Self> {
        let Uptime { boot, ms } = moment.on?;
        Some(Self { boot: Bytes(boot.0.to_vec()), uptime_ms: ms, known: moment.is_known })
    }

    /// The moment `at` as the message that carries `clock` shows it.
    ///
    /// An identity that does not have 16 bytes says nothing about the run.
    #[must_use]
    pub fn moment(at: Time, clock: Option<&Self>) -> Moment {
        let on = clock.and_then(|it| uptime(&it.boot, it.uptime_ms));
        Moment { at: at.0, on, is_known: clock.is_none_or(|it| it.known) }
    }

    /// The same clocks, where the times beside them have been corrected.
    pub(super) fn made_good(&self) -> Self {
        Self { known: true, ..self.clone() }
    }
}

fn uptime(boot: &Bytes, ms: i64) -> Option<Uptime> {
    let boot = BootId(<[u8; 16]>::try_from(boot.0.as_slice()).ok()?);
    Some(Uptime { boot, ms })
}

/// The keys of a sequenced message that say when it was made, enough to tell true times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// When the hub recorded it.
    pub recorded_at: Time,
    /// What the hub's clocks were worth then.
    #[serde(default)]
    pub clock: Option<Clock>,
}

impl Recorded {
    /// When the hub recorded it.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Clock::moment(self.recorded_at, self.clock.as_ref())
    }
}
