//! What a serial device makes of what the host writes to it.
//!
//! ```text
//! most devices   nothing
//! Contec, 9 bytes  7D 81 A1 and six 80: talks from now on
//!                  7D 81 AF and six 80: goes on for 8 s more; without it falls silent
//! TaiDoc           51 25 index: time of a record    51 26 index: its values    51 2B: how many
//!                  answers with its sum, and A5 for A3; another sum is not answered
//! ```

use std::time::Duration;

use jiff::civil::DateTime;

use crate::device::{Kind, MeasureError, Measurement, taidoc};

/// How long a Contec talks after it was told to.
const ALIVE: Duration = Duration::from_secs(8);
/// Length of what hosts write.
const CONTEC_LEN_BYTES: usize = 9;
const TAIDOC_LEN_BYTES: usize = 8;

/// What a device heard and knows by that.
#[derive(Debug)]
pub(super) enum Ear {
    /// Talks whatever it is told.
    Deaf,
    /// Talks as long as it is told to.
    Contec { heard: Vec<u8>, alive_until: Duration },
    /// Answers.
    Meter { heard: Vec<u8>, records: Vec<taidoc::Record> },
}

impl Ear {
    pub(super) fn of(kind: &Kind) -> Self {
        match kind.hearing() {
            crate::device::Hearing::None => Self::Deaf,
            crate::device::Hearing::Contec => {
                Self::Contec { heard: Vec::new(), alive_until: Duration::ZERO }
            }
            crate::device::Hearing::TaiDoc => {
                Self::Meter { heard: Vec::new(), records: Vec::new() }
            }
        }
    }

    /// Whether frames leave the device now.
    pub(super) fn is_talking(&self, now: Duration) -> bool {
        match self {
            Self::Deaf | Self::Meter { .. } => true,
            Self::Contec { alive_until, .. } => now < *alive_until,
        }
    }

    /// Keeps a measurement until it is asked for, where the device does that.
    ///
    /// # Errors
    ///
    /// Fails where the device cannot measure that.
    pub(super) fn keep(
        &mut self,
        measurement: &Measurement,
        clock: DateTime,
    ) -> Result<bool, MeasureError> {
        let Self::Meter { records, .. } = self else { return Ok(false) };
        records.insert(0, taidoc::record(measurement, clock)?);
        Ok(true)
    }

    /// Takes what the host wrote; returns what the device answers.
    pub(super) fn hear(&mut self, bytes: &[u8], now: Duration) -> Vec<Vec<u8>> {
        match self {
            Self::Deaf => Vec::new(),
            Self::Contec { heard, alive_until } => {
                heard.extend_from_slice(bytes);
                while let Some(command) = next(heard, 0x7D, CONTEC_LEN_BYTES) {
                    match command.as_slice() {
                        [0x7D, 0x81, 0xA1, rest @ ..] if rest.iter().all(|it| *it == 0x80) => {
                            *alive_until = now.saturating_add(ALIVE);
                        }
                        [0x7D, 0x81, 0xAF, ..] if now < *alive_until => {
                            *alive_until = now.saturating_add(ALIVE);
                        }
                        _ => {}
                    }
                }
                Vec::new()
            }
            Self::Meter { heard, records } => {
                heard.extend_from_slice(bytes);
                let mut answers = Vec::new();
                while let Some(question) = next(heard, 0x51, TAIDOC_LEN_BYTES) {
                    answers.extend(taidoc::answer(&question, records));
                }
                answers
            }
        }
    }
}

/// Takes the next whole command, which begins with `start`.
fn next(heard: &mut Vec<u8>, start: u8, len_bytes: usize) -> Option<Vec<u8>> {
    let begin = heard.iter().position(|it| *it == start).unwrap_or(heard.len());
    heard.drain(..begin);
    (len_bytes <= heard.len()).then(|| heard.drain(..len_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::oximeter_line::OximeterLine;

    const START: [u8; 9] = [0x7D, 0x81, 0xA1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
    const ALIVE_TOO: [u8; 9] = [0x7D, 0x81, 0xAF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];

    #[test]
    fn a_contec_talks_while_it_is_told_to() {
        let s = Duration::from_secs;
        let mut ear = Ear::of(&Kind::OximeterLine(OximeterLine::ContecNineByte));
        ear.hear(&ALIVE_TOO, s(1));
        assert!(!ear.is_talking(s(1)), "it was not started");
        let (first, last) = START.split_at(4);
        ear.hear(first, s(1));
        ear.hear(last, s(1));
        assert!(ear.is_talking(s(8)) && !ear.is_talking(s(9)));
        ear.hear(&ALIVE_TOO, s(8));
        assert!(ear.is_talking(s(15)) && !ear.is_talking(s(16)));
    }
}
