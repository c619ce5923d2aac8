//! What is written to a serial device, and when: pure. Times are since boot.

use std::time::Duration;

use crate::link::Write;

/// Pause between two writes: meters answer one question at a time.
const GAP: Duration = Duration::from_millis(250);
/// Silence after which a device is told anew to talk.
const SILENCE: Duration = Duration::from_secs(10);

/// The writes of one port.
#[derive(Debug)]
pub(super) struct Talk {
    /// Each with the moment when it is due; `None` where it was written and does not repeat.
    writes: Vec<(Option<Duration>, Write)>,
    /// No write before this moment.
    not_before: Duration,
    heard_at: Duration,
}

impl Talk {
    /// Everything is due at once, in its order.
    pub(super) fn new(writes: &[Write], now: Duration) -> Self {
        let writes = writes.iter().map(|it| (Some(now), *it)).collect();
        Self { writes, not_before: now, heard_at: now }
    }

    /// Notes that the device said something.
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    /// When the device will have been silent for so long that it may be another.
    pub(super) const fn silence_deadline(&self) -> Duration {
        self.heard_at.saturating_add(SILENCE)
    }

    /// When there is something to write next.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let due = self.writes.iter().filter_map(|(due, _write)| *due).min();
        let anew = (!self.writes.is_empty()).then(|| self.silence_deadline());
        due.into_iter().chain(anew).min().map(|at| at.max(self.not_before))
    }

    /// What is to be written now.
    pub(super) fn advance(&mut self, now: Duration) -> Option<&'static [u8]> {
        if self.silence_deadline() <= now {
            self.heard_at = now;
            for (due, _write) in &mut self.writes {
                *due = Some(now);
            }
        }
        if now < self.not_before {
            return None;
        }
        let waiting =
            self.writes.iter_mut().filter(|(due, _write)| due.is_some_and(|it| it <= now));
        let (due, write) = waiting.min_by_key(|(due, _write)| *due)?;
        *due = write.every.map(|every| now.saturating_add(every));
        self.not_before = now.saturating_add(GAP);
        Some(write.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Write = Write::once(&[1]);
    const ALIVE: Write = Write::every(4, &[2]);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// What is written until `end`, and when, in milliseconds, while the device talks.
    fn written(writes: &[Write], end: u64, is_talking: bool) -> Vec<(u128, u8)> {
        let mut talk = Talk::new(writes, ms(0));
        let mut written = Vec::new();
        while let Some(at) = talk.next_deadline().filter(|at| *at <= ms(end)) {
            if is_talking {
                talk.heard(at);
            }
            if let Some(bytes) = talk.advance(at) {
                written.push((at.as_millis(), bytes[0]));
            }
        }
        written
    }

    #[test]
    fn a_device_is_told_to_talk_once_and_kept_alive() {
        let expected = [(0, 1), (250, 2), (4250, 2), (8250, 2)];
        assert_eq!(written(&[START, ALIVE], 12_000, true), expected);
    }

    #[test]
    fn a_device_that_fell_silent_is_told_anew() {
        let expected = [(0, 1), (250, 2), (4250, 2), (8250, 2), (10_000, 1), (10_250, 2)];
        assert_eq!(written(&[START, ALIVE], 11_000, false), expected);
    }

    #[test]
    fn nothing_is_written_to_a_device_that_talks_by_itself() {
        let mut talk = Talk::new(&[], ms(0));
        assert_eq!((talk.next_deadline(), talk.advance(ms(60_000))), (None, None));
    }
}
