//! The memory of an Omron: what was never written reads as FF.
//!
//! ```text
//! user 1    place 0   place 1   ...   last place
//! user 2    place 0   place 1   ...   last place
//! ```
//!
//! The places of a user are a ring: after the last one the first one is written again.

use std::collections::BTreeMap;

use super::OmronModel;

/// A byte that was never written.
const BLANK: u8 = 0xFF;

/// What is in a memory.
#[derive(Debug, Default)]
pub(super) struct Image {
    bytes: BTreeMap<u16, u8>,
    /// How many records were kept of each user, by where they begin.
    n_kept: BTreeMap<u16, u16>,
}

impl Image {
    /// Returns so many bytes from an address on; none where the memory ends before.
    pub(super) fn read(&self, address: u16, n_bytes: u8) -> Option<Vec<u8>> {
        let at = |offset| address.checked_add(u16::from(offset));
        let byte = |offset| Some(self.bytes.get(&at(offset)?).copied().unwrap_or(BLANK));
        (0..n_bytes).map(byte).collect()
    }

    /// Writes bytes from an address on, as far as the memory goes.
    pub(super) fn write(&mut self, address: u16, bytes: &[u8]) {
        self.bytes.extend((address..=u16::MAX).zip(bytes.iter().copied()));
    }

    /// Puts a record into the next place of those that begin at `base`.
    pub(super) fn keep(&mut self, model: OmronModel, base: u16, record: &[u8]) {
        let n_kept = self.n_kept.entry(base).or_default();
        let place = n_kept.checked_rem(model.n_places()).unwrap_or_default();
        *n_kept = place.saturating_add(1);
        let len_bytes = u16::try_from(record.len()).unwrap_or_default();
        self.write(base.saturating_add(place.saturating_mul(len_bytes)), record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_written_is_ff() {
        let mut image = Image::default();
        image.write(0x0100, &[1, 2]);
        assert_eq!(image.read(0x00FF, 4), Some(vec![0xFF, 1, 2, 0xFF]));
        assert_eq!(image.read(0xFFFE, 2), Some(vec![0xFF, 0xFF]));
        assert_eq!(image.read(0xFFFE, 3), None);
    }

    #[test]
    fn records_of_a_user_stand_in_a_ring() {
        let mut image = Image::default();
        let model = OmronModel::Hem7530t;
        for number in 1..=91 {
            image.keep(model, 0x02E8, &[number; 14]);
        }
        assert_eq!(image.read(0x02E8, 14), Some(vec![91; 14]));
        assert_eq!(image.read(0x02E8 + 14, 14), Some(vec![2; 14]));
        assert_eq!(image.read(0x02E8 + 89 * 14, 14), Some(vec![90; 14]));
        assert_eq!(image.read(0x02E8 + 90 * 14, 14), Some(vec![0xFF; 14]));
    }

    #[test]
    fn users_do_not_write_over_each_other() {
        let mut image = Image::default();
        let model = OmronModel::Hem7322t;
        for _ in 0..=100 {
            image.keep(model, 0x02AC, &[1; 14]);
        }
        assert_eq!(image.read(0x0824, 14), Some(vec![0xFF; 14]));
        image.keep(model, 0x0824, &[2; 14]);
        assert_eq!(image.read(0x0824 - 14, 15).unwrap().last(), Some(&2));
    }
}
