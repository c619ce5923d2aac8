//! What one end of a serial line takes for characters that the other end sent with other settings.
//!
//! ```text
//! sent, one stop bit   1 1 0 d d d d d d d d p 1 1    idle, start, data from the lowest bit, parity,
//!                                                     stop, idle
//! taken                from the first 0 on, in the middle of each bit as long as it is here
//! wrong parity, or 0 in the place of the stop bit     taken for a character 00
//! ```

use crate::device::{LineSetting, Parity};

/// Takes `bytes` that were sent by an end set to `sent` as one that is set to `set` does.
pub(super) fn taken(bytes: &[u8], sent: LineSetting, set: LineSetting) -> Vec<u8> {
    if sent == set {
        return bytes.to_vec();
    }
    if sent.baud == 0 || set.baud == 0 {
        // A line that is hung up carries nothing.
        return Vec::new();
    }
    let wave = Wave {
        levels: bytes.iter().flat_map(|it| levels(*it, sent)).collect(),
        bit_ticks: 2 * u64::from(set.baud),
    };
    // Half a bit of either end is a whole number of ticks.
    let bit_ticks = 2 * u64::from(sent.baud);
    let mut taken = Vec::new();
    let mut now = 0;
    while let Some(start) = wave.next(false, now) {
        let middle = |n_bits: u64| start + bit_ticks / 2 + n_bits * bit_ticks;
        let data = (0..set.data_bits).filter(|bit| wave.level(middle(1 + u64::from(*bit))));
        let byte = data.fold(0, |byte, bit| byte | 1 << bit);
        let mut n_bits = 1 + u64::from(set.data_bits);
        let parity = parity(byte, set.parity);
        let is_right = parity.is_none_or(|it| it == wave.level(middle(n_bits)));
        n_bits += u64::from(parity.is_some());
        let is_stopped = wave.level(middle(n_bits));
        taken.push(if is_right && is_stopped { byte } else { 0 });
        match wave.next(true, middle(n_bits)) {
            Some(idle) => now = idle,
            None => break,
        }
    }
    taken
}

/// The level of a line over time; it is high after the last bit.
struct Wave {
    levels: Vec<bool>,
    /// How long each level lasts.
    bit_ticks: u64,
}

impl Wave {
    fn position(&self, now: u64) -> usize {
        usize::try_from(now / self.bit_ticks).unwrap_or(usize::MAX)
    }

    fn level(&self, now: u64) -> bool {
        self.levels.get(self.position(now)).copied().unwrap_or(true)
    }

    /// When the line has that level, from `now` on; `None` where that is after the last bit.
    fn next(&self, level: bool, now: u64) -> Option<u64> {
        let n_before = self.position(now);
        let position = self.levels.iter().skip(n_before).position(|it| *it == level)?;
        let begin = u64::try_from(n_before.saturating_add(position)).ok()? * self.bit_ticks;
        Some(begin.max(now))
    }
}

/// The bits of a character, as they follow each other.
fn levels(byte: u8, setting: LineSetting) -> Vec<bool> {
    let data = (0..setting.data_bits).map(|bit| byte >> bit & 1 == 1);
    let parity = parity(byte, setting.parity);
    std::iter::once(false).chain(data).chain(parity).chain([true]).collect()
}

fn parity(byte: u8, parity: Parity) -> Option<bool> {
    let is_odd = byte.count_ones() % 2 == 1;
    match parity {
        Parity::None => None,
        Parity::Even => Some(is_odd),
        Parity::Odd => Some(!is_odd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: LineSetting = LineSetting { baud: 19_200, data_bits: 8, parity: Parity::Odd };
    const FAST: LineSetting = LineSetting::usual(115_200);

    #[test]
    fn ends_that_are_set_alike_understand_each_other() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(taken(&all, SLOW, SLOW), all);
        // The same by way of the wave: an end that is 1 % too fast still samples every bit.
        let imprecise = LineSetting { baud: 19_392, ..SLOW };
        assert_eq!(taken(&all, SLOW, imprecise), all);
    }

    #[test]
    fn at_half_the_speed_two_bits_are_one() {
        // Low for nine bits, which are four and a half here: start, three bits, high.
        assert_eq!(taken(&[0x00], LineSetting::usual(19_200), LineSetting::usual(9600)), [0xF8]);
    }

    #[test]
    fn a_missing_parity_is_seen_where_it_should_be_high() {
        let none = LineSetting { parity: Parity::None, ..SLOW };
        // The parity bit of 03 is high, as a stop bit; that of 01 is low.
        assert_eq!(taken(&[0x03, 0x01], SLOW, none), [0x03, 0x00]);
    }

    #[test]
    fn frames_at_another_speed_are_garbage() {
        let nine = [0x01, 0xE0, 0x85, 0xB3, 0x96, 0xC1, 0xE1, 0xFF, 0xFF];
        let five = [0x85, 0x32, 0x0A, 0x41, 0x61];
        assert!(taken(&nine, FAST, SLOW).len() <= 2);
        let smeared = taken(&five, SLOW, FAST);
        assert!(five.len() < smeared.len() && !smeared.contains(&0x01), "{smeared:02X?}");
        let start = [0x7D, 0x81, 0xA1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
        assert!(!taken(&start, SLOW, FAST).contains(&0x7D));
        assert!(taken(&[], SLOW, FAST).is_empty());
        assert!(taken(&five, SLOW, LineSetting::usual(0)).is_empty());
    }
}
