//! How much of one vital of one client is kept, what of it rules see, and what is marked as implausible.

use std::collections::VecDeque;

use super::{LOOK_BACK, REACH, SAMPLES_MAX, Sample};
use crate::rule::implausible::Implausible;

/// Most that are kept for that; the oldest go first.
const KEPT_MAX: usize = 2 * SAMPLES_MAX;

/// Those of `samples` that rules see.
pub(super) fn seen(samples: &VecDeque<Sample>) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
    let first = samples.len().saturating_sub(SAMPLES_MAX);
    let is_old = |it: &&Sample| samples.back().is_some_and(|newest| LOOK_BACK < newest.after(it));
    let n_old = samples.range(first..).take_while(is_old).count();
    samples.range(first.saturating_add(n_old)..)
}

/// Whether `sample`, which is older than all of `samples`, is not worth keeping.
pub(super) fn is_out_of_reach(samples: &VecDeque<Sample>, sample: &Sample) -> bool {
    let is_old = samples.back().is_some_and(|newest| REACH < newest.after(sample));
    is_old || KEPT_MAX <= samples.len()
}

/// Marks the sample at `place` where it is implausible, and looks again at those after it that could
/// have been compared with it.
pub(super) fn mark(samples: &mut VecDeque<Sample>, place: usize, checks: &[Implausible]) {
    let Some(reach) = checks.iter().map(Implausible::reach).max() else { return };
    // What is before it ends a look back as it does itself, where it is too long ago.
    let neighbours = [place.checked_sub(1), Some(place)].map(|it| samples.get(it?).copied());
    let last = place.saturating_add(SAMPLES_MAX).min(samples.len().saturating_sub(1));
    for index in place..=last {
        let Some(sample) = samples.get(index).copied() else { return };
        let is_far = |it: &Sample| reach < sample.after(it);
        if index != place && neighbours.iter().flatten().all(is_far) {
            continue;
        }
        let before = || samples.range(index.saturating_sub(SAMPLES_MAX)..index);
        let is_suspect = checks.iter().any(|it| it.doubt(&sample, before()).is_some());
        if let Some(marked) = samples.get_mut(index) {
            marked.is_suspect = is_suspect;
        }
    }
}

/// Drops what is out of reach of the newest, and what is too much.
pub(super) fn forget(samples: &mut VecDeque<Sample>) {
    let Some(newest) = samples.back().copied() else { return };
    while samples.front().is_some_and(|oldest| REACH < newest.after(oldest)) {
        samples.pop_front();
    }
    while KEPT_MAX < samples.len() {
        samples.pop_front();
    }
}
