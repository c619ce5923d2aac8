//! Whether the radio has gone deaf: pure.
//!
//! A home can be silent for good reason, because the scan asks only for health devices. So the
//! first step opens the ear: it scans without a filter, and any phone or light bulb that is heard
//! says that the radio works. Only a radio that hears nothing at all goes down the ladder.
//!
//! ```text
//! silent for one more limit    next step                        on hearing anything
//! listening                    scan anew, without a filter      listening
//! ear open                     switch the adapter off and on    listening
//! switched                     tell that the radio is deaf      listening
//! deaf                         switch it off and on again       listening, and tell
//! ```

use std::time::Duration;

/// What to do about a silent radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Stop discovery and start it again without a filter.
    OpenEar,
    /// Switch the adapter off and on.
    CyclePower,
    /// Tell that the radio is deaf, and switch the adapter off and on.
    TellDeaf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rung {
    Listening,
    EarOpen,
    Switched,
    Deaf,
}

/// Remedies since the daemon started, each kind counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remedies {
    /// Scans that were begun anew because nothing was heard.
    pub n_scans: u64,
    /// Times that the adapter was switched off and on.
    pub n_power_cycles: u64,
    /// Times that the radio was told to be deaf.
    pub n_deaf: u64,
}

impl Remedies {
    /// Counts a remedy.
    pub(super) fn count(&mut self, remedy: Remedy) {
        let Self { n_scans, n_power_cycles, n_deaf } = self;
        let counted = match remedy {
            Remedy::OpenEar => n_scans,
            Remedy::CyclePower => n_power_cycles,
            Remedy::TellDeaf => {
                *n_deaf = n_deaf.saturating_add(1);
                n_power_cycles
            }
        };
        *counted = counted.saturating_add(1);
    }
}

/// What was to be told when the radio heard something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relief {
    /// It was fine.
    None,
    /// The ear was open: the filter can come back.
    CloseEar,
    /// It was deaf.
    TellUp,
}

/// The ladder of remedies. Times are since boot.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Option<Duration>,
    since: Duration,
    rung: Rung,
    /// Remedies since the start.
    n_remedies: u64,
}

impl Silence {
    /// Starts to listen; without a limit silence is never suspicious.
    pub(super) fn new(limit: Option<Duration>, now: Duration) -> Self {
        Self { limit, since: now, rung: Rung::Listening, n_remedies: 0 }
    }

    /// Notes that something was heard.
    pub(super) fn heard(&mut self, now: Duration) -> Relief {
        self.since = now;
        match std::mem::replace(&mut self.rung, Rung::Listening) {
            Rung::Listening => Relief::None,
            Rung::EarOpen | Rung::Switched => Relief::CloseEar,
            Rung::Deaf => Relief::TellUp,
        }
    }

    /// Notes that listening starts anew, as after an outage: only from now on silence counts.
    pub(super) fn restart(&mut self, now: Duration) {
        self.since = now;
        self.rung = Rung::Listening;
    }

    /// The remedy that is due, if any.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Remedy> {
        if now < self.next_deadline()? {
            return None;
        }
        self.since = now;
        self.n_remedies = self.n_remedies.saturating_add(1);
        let (rung, remedy) = match self.rung {
            Rung::Listening => (Rung::EarOpen, Remedy::OpenEar),
            Rung::EarOpen => (Rung::Switched, Remedy::CyclePower),
            Rung::Switched => (Rung::Deaf, Remedy::TellDeaf),
            Rung::Deaf => (Rung::Deaf, Remedy::CyclePower),
        };
        self.rung = rung;
        Some(remedy)
    }

    /// When the next remedy is due.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.limit.map(|limit| self.since.saturating_add(limit))
    }

    /// Tells whether the scan goes without a filter.
    pub(super) fn is_ear_open(&self) -> bool {
        self.rung != Rung::Listening
    }

    /// Tells whether the hub was told that the radio is deaf.
    pub(super) fn is_deaf(&self) -> bool {
        self.rung == Rung::Deaf
    }

    /// Remedies since the start.
    pub(super) fn n_remedies(&self) -> u64 {
        self.n_remedies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn min(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_silent_radio_goes_down_the_ladder() {
        let mut silence = Silence::new(Some(min(30)), min(0));
        assert_eq!(silence.advance(min(29)), None);
        assert_eq!(silence.advance(min(30)), Some(Remedy::OpenEar));
        assert!(silence.is_ear_open());
        assert_eq!(silence.advance(min(59)), None);
        assert_eq!(silence.advance(min(60)), Some(Remedy::CyclePower));
        assert_eq!(silence.advance(min(90)), Some(Remedy::TellDeaf));
        assert_eq!(silence.advance(min(120)), Some(Remedy::CyclePower));
        assert_eq!(silence.heard(min(121)), Relief::TellUp);
        assert_eq!(silence.n_remedies(), 4);
    }

    #[test]
    fn each_remedy_is_counted() {
        let mut remedies = Remedies::default();
        for it in [Remedy::OpenEar, Remedy::CyclePower, Remedy::TellDeaf] {
            remedies.count(it);
        }
        assert_eq!(remedies, Remedies { n_scans: 1, n_power_cycles: 2, n_deaf: 1 });
    }

    #[test]
    fn a_light_bulb_proves_that_the_radio_works() {
        let mut silence = Silence::new(Some(min(30)), min(0));
        assert_eq!(silence.advance(min(30)), Some(Remedy::OpenEar));
        assert_eq!(silence.heard(min(31)), Relief::CloseEar);
        assert!(!silence.is_ear_open());
        assert_eq!(silence.next_deadline(), Some(min(61)));
    }

    #[test]
    fn without_a_limit_silence_is_never_suspicious() {
        let mut silence = Silence::new(None, min(0));
        assert_eq!(silence.next_deadline(), None);
        assert_eq!(silence.advance(min(10_000)), None);
    }
}
