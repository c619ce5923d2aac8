//! A set of sequence numbers kept as ranges: what has arrived, and what is missing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::identity::Sequence;

/// A set of sequence numbers, stored as disjoint, non-adjacent ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceRanges {
    /// First number of each range, with its last.
    last_by_first: BTreeMap<Sequence, Sequence>,
}

impl SequenceRanges {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every number of `range`; an empty range adds none.
    pub fn insert(&mut self, range: RangeInclusive<Sequence>) {
        let (mut first, mut last) = range.into_inner();
        if last < first {
            return;
        }
        if let Some((&before, &before_last)) = self.last_by_first.range(..=first).next_back()
            && first <= before_last.saturating_add(1)
        {
            first = before;
            last = last.max(before_last);
        }
        while let Some((&next, &next_last)) = self.last_by_first.range(first..).next()
            && next <= last.saturating_add(1)
        {
            last = last.max(next_last);
            self.last_by_first.remove(&next);
        }
        self.last_by_first.insert(first, last);
    }

    /// Takes every number of `range` out; an empty range takes none.
    pub fn remove(&mut self, range: RangeInclusive<Sequence>) {
        let (first, last) = range.into_inner();
        if last < first {
            return;
        }
        let touched: Vec<_> =
            self.iter().filter(|it| *it.start() <= last && first <= *it.end()).collect();
        for range in touched {
            let (start, end) = range.into_inner();
            self.last_by_first.remove(&start);
            if start < first {
                self.last_by_first.insert(start, first.saturating_sub(1));
            }
            if last < end {
                self.last_by_first.insert(last.saturating_add(1), end);
            }
        }
    }

    /// Whether `seq` is in the set.
    #[must_use]
    pub fn contains(&self, seq: Sequence) -> bool {
        self.last_by_first.range(..=seq).next_back().is_some_and(|(_first, &last)| seq <= last)
    }

    /// Whether every number of `other` is in this set.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|range| {
            let before = self.last_by_first.range(..=*range.start()).next_back();
            before.is_some_and(|(_first, last)| range.end() <= last)
        })
    }

    /// The highest number in the set.
    #[must_use]
    pub fn max(&self) -> Option<Sequence> {
        self.last_by_first.last_key_value().map(|(_first, &last)| last)
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<Sequence>> {
        self.last_by_first.iter().map(|(&first, &last)| first..=last)
    }

    /// The numbers from 1 to `upto` that are not in the set, as ranges, ascending.
    pub fn gaps(&self, upto: Sequence) -> impl Iterator<Item = RangeInclusive<Sequence>> {
        let ends = self.iter().chain(std::iter::once(Sequence::MAX..=Sequence::MAX));
        ends.scan(1, |next: &mut Sequence, range| {
            let gap = *next..=range.start().saturating_sub(1);
            *next = range.end().saturating_add(1);
            Some(gap)
        })
        .map(move |gap| *gap.start()..=(*gap.end()).min(upto))
        .filter(|gap| !gap.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(inserted: &[RangeInclusive<u64>], expected: &[RangeInclusive<u64>]) {
        let mut ranges = SequenceRanges::new();
        inserted.iter().for_each(|range| ranges.insert(range.clone()));
        assert_eq!(ranges.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn adjacent_and_overlapping_ranges_become_one() {
        check(&[1..=3, 4..=6], &[1..=6]);
        check(&[4..=6, 1..=3], &[1..=6]);
        check(&[1..=2, 5..=6, 2..=5], &[1..=6]);
        check(&[1..=9, 3..=4], &[1..=9]);
    }

    #[test]
    fn distant_ranges_stay_apart() {
        check(&[5..=6, 1..=3], &[1..=3, 5..=6]);
    }

    #[test]
    fn an_empty_set_misses_everything() {
        assert_eq!(SequenceRanges::new().gaps(3).collect::<Vec<_>>(), [1..=3]);
        assert_eq!(SequenceRanges::new().gaps(0).count(), 0);
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            changes in prop::collection::vec((any::<bool>(), 1_u64..60, 0_u64..6), 0..40)
        ) {
            let mut ranges = SequenceRanges::new();
            let mut model = BTreeSet::new();
            for (is_insertion, first, len) in changes {
                if is_insertion {
                    ranges.insert(first..=first + len);
                    model.extend(first..=first + len);
                } else {
                    ranges.remove(first..=first + len);
                    model.retain(|seq| !(first..=first + len).contains(seq));
                }
            }
            for seq in 0..70 {
                prop_assert_eq!(ranges.contains(seq), model.contains(&seq));
            }
            let mut larger = ranges.clone();
            larger.insert(20..=30);
            prop_assert!(larger.covers(&ranges));
            prop_assert_eq!(ranges.covers(&larger), ranges == larger);
            let missing: Vec<u64> = ranges.gaps(64).flatten().collect();
            let expected: Vec<u64> = (1..=64).filter(|seq| !model.contains(seq)).collect();
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(ranges.max(), model.last().copied());
        }
    }
}
