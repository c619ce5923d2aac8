//! Which stretch of the file's sequence belongs to which epoch.
//!
//! ```text
//! seq in the file   1 ...................... 105  106 ......... 140  141 ...
//! epoch             a (copied, then restored)     b (damaged)        c
//! number on wire    1 ...................... 105    1 ......... 35     1 ...
//! ```
//!
//! A record keeps its place in the file, its epoch, its number and its bytes for ever. A new epoch
//! begins where numbers may have been given that this file does not know of.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use vitals::{Epoch, Sequence, SequenceRanges};

use super::LedgerKey;

/// The stretches, ascending; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Epochs {
    earlier: BTreeMap<Sequence, Epoch>,
    first: Sequence,
    current: Epoch,
}

impl Epochs {
    /// The stretches by their first place; nothing where there is none.
    pub(super) fn new(mut by_first: BTreeMap<Sequence, Epoch>) -> Option<Self> {
        let (first, current) = by_first.pop_last()?;
        Some(Self { earlier: by_first, first, current })
    }

    /// The epoch that is written in.
    pub(super) const fn current(&self) -> Epoch {
        self.current
    }

    /// Where the current epoch begins.
    pub(super) const fn first(&self) -> Sequence {
        self.first
    }

    /// The stretches by their first place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, Epoch)> {
        let earlier = self.earlier.iter().map(|(&first, &epoch)| (first, epoch));
        earlier.chain(std::iter::once((self.first, self.current)))
    }

    /// These stretches with another one, which begins at `first`; an empty one gives way to it.
    pub(super) fn with(&self, first: Sequence, epoch: Epoch) -> Self {
        let mut earlier = self.earlier.clone();
        if self.first < first {
            earlier.insert(self.first, self.current);
        }
        Self { earlier, first, current: epoch }
    }

    /// The ledger key of the record at `seq`.
    pub(super) fn key(&self, seq: Sequence) -> LedgerKey {
        let earlier = || self.earlier.range(..=seq).next_back().map(|(&first, &it)| (first, it));
        let (first, epoch) = match self.first <= seq {
            true => (self.first, self.current),
            false => earlier().unwrap_or((1, self.current)),
        };
        LedgerKey { epoch, number: seq.saturating_sub(first).saturating_add(1) }
    }

    /// The places of `epoch`; the current one has no end.
    pub(super) fn stretch(&self, epoch: Epoch) -> Option<RangeInclusive<Sequence>> {
        if epoch == self.current {
            return Some(self.first..=Sequence::MAX);
        }
        let (&first, _epoch) = self.earlier.iter().find(|&(_first, &it)| it == epoch)?;
        let after = first.saturating_add(1);
        let next = self.earlier.range(after..).next().map_or(self.first, |(&next, _epoch)| next);
        Some(first..=next.saturating_sub(1))
    }

    /// Where the records with these numbers of `epoch` are; numbers that this file never gave are
    /// left out.
    pub(super) fn places(&self, epoch: Epoch, numbers: &SequenceRanges) -> SequenceRanges {
        let mut places = SequenceRanges::new();
        let Some(stretch) = self.stretch(epoch) else { return places };
        let place = |number: Sequence| stretch.start().saturating_add(number.saturating_sub(1));
        for range in numbers.iter() {
            places.insert(place(*range.start())..=place(*range.end()).min(*stretch.end()));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Epoch = Epoch([1; 8]);
    const B: Epoch = Epoch([2; 8]);
    const C: Epoch = Epoch([3; 8]);

    fn ranges(of: &[RangeInclusive<Sequence>]) -> SequenceRanges {
        let mut ranges = SequenceRanges::new();
        of.iter().for_each(|it| ranges.insert(it.clone()));
        ranges
    }

    fn three() -> Epochs {
        Epochs::new(BTreeMap::from([(1, A)])).unwrap().with(106, B).with(141, C)
    }

    #[test]
    fn each_place_has_its_epoch_and_number() {
        let epochs = three();
        for (seq, epoch, number) in [(1, A, 1), (105, A, 105), (106, B, 1), (140, B, 35)] {
            assert_eq!(epochs.key(seq), LedgerKey { epoch, number });
        }
        assert_eq!(epochs.key(150), LedgerKey { epoch: C, number: 10 });
        assert_eq!(Epochs::new(epochs.iter().collect()), Some(epochs));
    }

    #[test]
    fn numbers_that_the_file_never_gave_are_nowhere() {
        let epochs = three();
        let claimed = ranges(&[100..=150]);
        assert_eq!(epochs.places(A, &claimed), ranges(&[100..=105]));
        assert_eq!(epochs.places(B, &ranges(&[1..=2, 30..=99])), ranges(&[106..=107, 135..=140]));
        assert_eq!(epochs.places(C, &ranges(&[2..=3])), ranges(&[142..=143]));
        assert_eq!(epochs.places(Epoch([9; 8]), &claimed), SequenceRanges::new());
    }

    #[test]
    fn an_epoch_without_a_record_gives_way() {
        let epochs = three().with(141, Epoch([4; 8]));
        assert_eq!((epochs.current(), epochs.first()), (Epoch([4; 8]), 141));
        assert_eq!(epochs.stretch(C), None);
    }
}
