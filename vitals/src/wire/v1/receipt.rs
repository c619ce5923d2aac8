//! `down/receipt`: what the agency holds of a hub's ledger.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{VERSION, epoch};
use crate::identity::{Epoch, HubId, Sequence};
use crate::ranges::SequenceRanges;
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, Time};

/// Most ranges that one receipt names; the high-water mark stays below the next gap.
pub(super) const MISSING_MAX: usize = 256;

/// Most contested ranges that one receipt names: beside the missing ones they fit into a message.
const CONTESTED_MAX: usize = 64;

/// What the agency holds: every number up to the high-water mark, but for the missing ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Contract version.
    pub v: u8,
    /// The hub.
    pub hub: String,
    /// Epoch of its database, 8 bytes.
    pub epoch: Bytes,
    /// The highest number about which this receipt speaks.
    pub high_water: Sequence,
    /// First and last of each range up to there that the agency does not hold, ascending.
    pub missing: Vec<(Sequence, Sequence)>,
    /// When it was issued.
    pub issued_at: Time,
    /// CRC-32 of the record that the agency holds at the high-water mark: a hub whose own record
    /// there is another one goes on from an older copy of its database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u32>,
    /// First and last of each range under which the agency holds a record and was sent another one,
    /// ascending. They are not held: the other record has not arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contested: Vec<(Sequence, Sequence)>,
}

impl Receipt {
    /// The receipt for what is held of `epoch` of `hub`.
    #[must_use]
    pub fn new(hub: &HubId, in_epoch: Epoch, held: &SequenceRanges, issued_at: Time) -> Self {
        let highest = held.max().unwrap_or(0);
        let mut gaps = held.gaps(highest).map(RangeInclusive::into_inner);
        let missing: Vec<_> = gaps.by_ref().take(MISSING_MAX).collect();
        let high_water = gaps.next().map_or(highest, |(first, _last)| first.saturating_sub(1));
        Self {
            v: VERSION,
            hub: hub.as_str().to_owned(),
            epoch: Bytes(in_epoch.0.to_vec()),
            high_water,
            missing,
            issued_at,
            checksum: None,
            contested: Vec::new(),
        }
    }

    /// This receipt, naming the numbers under which the agency was sent two records.
    ///
    /// `held` of [`Self::new`] must not have them.
    #[must_use]
    pub fn with_contested(mut self, contested: &SequenceRanges) -> Self {
        self.contested =
            contested.iter().map(RangeInclusive::into_inner).take(CONTESTED_MAX).collect();
        self
    }

    /// The epoch that it speaks of.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] where it does not have 8 bytes.
    pub fn epoch(&self) -> Result<Epoch, DecodeError> {
        epoch(&self.epoch)
    }

    /// Every number that the agency holds by this receipt.
    #[must_use]
    pub fn held(&self) -> SequenceRanges {
        let mut held = SequenceRanges::new();
        let mut next = 1;
        for &(first, last) in &self.missing {
            held.insert(next..=first.saturating_sub(1).min(self.high_water));
            next = next.max(last.saturating_add(1));
        }
        held.insert(next..=self.high_water);
        held
    }

    /// Every number under which the agency holds another record than it was sent.
    #[must_use]
    pub fn contested(&self) -> SequenceRanges {
        let mut contested = SequenceRanges::new();
        self.contested.iter().for_each(|&(first, last)| contested.insert(first..=last));
        contested
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instant::LocalInstant;

    fn receipt(held: &SequenceRanges) -> Receipt {
        let now = Time(LocalInstant::parse("2026-01-02T03:04:05Z").unwrap());
        Receipt::new(&"hub-1".parse().unwrap(), Epoch([7; 8]), held, now)
    }

    #[test]
    fn nothing_held_is_a_receipt_for_nothing() {
        let receipt = receipt(&SequenceRanges::new());
        assert_eq!((receipt.high_water, receipt.missing.len()), (0, 0));
        assert_eq!(receipt.held(), SequenceRanges::new());
    }

    #[test]
    fn more_gaps_than_fit_lower_the_high_water_mark() {
        let mut held = SequenceRanges::new();
        (1..=600).for_each(|it| held.insert(it * 2..=it * 2));
        let receipt = receipt(&held);
        assert_eq!(receipt.missing.len(), MISSING_MAX);
        assert_eq!(receipt.high_water, 2 * 256);
        assert!(receipt.held().iter().flatten().all(|seq| held.contains(seq)));
    }

    #[test]
    fn the_largest_receipt_is_a_message() {
        let far = 1_u64 << 40;
        let every_other = |n: u64| {
            let mut ranges = SequenceRanges::new();
            (1..=n).for_each(|it| ranges.insert(far + it * 2..=far + it * 2));
            ranges
        };
        let mut largest = receipt(&every_other(600)).with_contested(&every_other(600));
        largest.checksum = Some(u32::MAX);
        let bytes = crate::wire::canonical::encode(&largest).unwrap();
        assert!(bytes.len() <= super::super::MESSAGE_LEN_BYTES_MAX, "{}", bytes.len());
        assert_eq!(largest.contested().iter().count(), CONTESTED_MAX);
    }

    proptest! {
        #[test]
        fn a_receipt_says_what_is_held(seqs in prop::collection::btree_set(1_u64..200, 0..80)) {
            let mut held = SequenceRanges::new();
            seqs.iter().for_each(|&seq| held.insert(seq..=seq));
            prop_assert_eq!(receipt(&held).held(), held);
        }
    }
}
