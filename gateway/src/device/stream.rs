//! Readings out of live streams: few enough to be looked at, and never without a fall.
//!
//! An oximeter on a finger says some values a second. Of those become readings
//!
//! - the first valid one, at once;
//! - then one an interval;
//! - inside an interval, at once, one whose SpO2 is 3 points or more below the last reading;
//! - the last valid one, when the stream ends.
//!
//! Samples are picked, never averaged: no fall is averaged away.

use std::time::Duration;

use rust_decimal::Decimal;
use vitals::Vital;

use super::item::{Observation, Refused};
use crate::clock::Stamp;

/// Fall of SpO2, in points, that becomes a reading at once.
///
/// Source: ours; a fall of 3 is what an alert on "4 or more" needs to be told in time.
const FALL: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

/// How long a stream may be without a valid sample before it has ended: a finger that slips for a
/// moment does not begin a new measurement.
const GAP_MAX: Duration = Duration::from_secs(3);

/// Time from one moment to a later one; `None` where nobody can tell, across a boot.
pub(crate) fn elapsed(from: Stamp, to: Stamp) -> Option<Duration> {
    (from.boot == to.boot).then(|| to.since_boot.saturating_sub(from.since_boot))
}

fn has_passed(duration: Duration, from: Stamp, to: Stamp) -> bool {
    elapsed(from, to).is_none_or(|it| duration <= it)
}

/// Picks readings out of the samples of one stream.
#[derive(Debug)]
pub(crate) struct Sampler {
    interval: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No valid sample since the stream began or ended.
    Idle,
    Running(Box<Running>),
}

#[derive(Debug)]
struct Running {
    /// When the last reading came, and its SpO2.
    read: (Stamp, Option<Decimal>),
    /// When the last valid sample came.
    valid: Stamp,
    /// The last valid sample, unless it became a reading.
    held: Option<Observation>,
}

impl Sampler {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, state: State::Idle }
    }

    /// Takes a valid sample; gives the readings that it leads to, in order.
    pub(crate) fn sample(&mut self, sample: Observation) -> Vec<Observation> {
        let at = sample.received;
        let ended = self.end_if_silent(at);
        let saturation = saturation(&sample);
        let picked = match &mut self.state {
            State::Running(running) if !running.is_due(self.interval, at, saturation) => {
                running.valid = at;
                running.held = Some(sample);
                None
            }
            State::Idle | State::Running(_) => {
                let running = Running { read: (at, saturation), valid: at, held: None };
                self.state = State::Running(Box::new(running));
                Some(sample)
            }
        };
        ended.into_iter().chain(picked).collect()
    }

    /// Takes word that there is no value at `received`.
    pub(crate) fn absent(&mut self, received: Stamp) -> Option<Observation> {
        self.end_if_silent(received)
    }

    /// When [`Self::absent`] gives the sample that is held, unless another comes before; since boot.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Running(running) if running.held.is_some() => {
                Some(running.valid.since_boot.saturating_add(GAP_MAX))
            }
            State::Idle | State::Running(_) => None,
        }
    }

    /// Ends the stream.
    pub(crate) fn end(&mut self) -> Option<Observation> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => None,
            State::Running(running) => running.held,
        }
    }

    fn end_if_silent(&mut self, now: Stamp) -> Option<Observation> {
        match &self.state {
            State::Running(running) if has_passed(GAP_MAX, running.valid, now) => self.end(),
            State::Idle | State::Running(_) => None,
        }
    }
}

impl Running {
    fn is_due(&self, interval: Duration, at: Stamp, saturation: Option<Decimal>) -> bool {
        let (read_at, read) = self.read;
        let has_fallen = match (read, saturation) {
            (Some(read), Some(now)) => read.checked_sub(now).is_some_and(|it| FALL <= it),
            (None, Some(_)) => true,
            (Some(_) | None, None) => false,
        };
        has_fallen || has_passed(interval, read_at, at)
    }
}

fn saturation(sample: &Observation) -> Option<Decimal> {
    sample.value(Vital::OxygenSaturation).map(|it| it.value())
}

/// Keeps a noisy line from flooding: of a burst of refusals the first is told, the rest counted.
///
/// A burst lasts until something good has come and the interval since the last word is over.
#[derive(Debug)]
pub(crate) struct Refusals {
    interval: Duration,
    /// When the last refusal was told, and whether something good has come since.
    told: Option<(Stamp, bool)>,
    n_untold: u64,
    last_untold: Option<Refused>,
}

impl Refusals {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, told: None, n_untold: 0, last_untold: None }
    }

    pub(crate) fn good(&mut self) {
        if let Some((_at, has_seen_good)) = &mut self.told {
            *has_seen_good = true;
        }
    }

    /// Whether, and with which count, `refused` is to be told.
    pub(crate) fn refuse(&mut self, refused: Refused) -> Option<Refused> {
        let is_over = self.told.is_none_or(|(at, has_seen_good)| {
            has_seen_good && has_passed(self.interval, at, refused.received)
        });
        if !is_over {
            self.n_untold = self.n_untold.saturating_add(1);
            self.last_untold = Some(refused);
            return None;
        }
        self.told = Some((refused.received, false));
        self.last_untold = None;
        Some(Refused { n_untold: std::mem::take(&mut self.n_untold), ..refused })
    }

    /// The last one that was not told, with how many there were besides it.
    pub(crate) fn end(&mut self) -> Option<Refused> {
        self.told = None;
        let n_untold = std::mem::take(&mut self.n_untold).saturating_sub(1);
        self.last_untold.take().map(|refused| Refused { n_untold, ..refused })
    }
}

#[cfg(test)]
mod tests;
