//! What a device let go, and what of it came to the ledger.
//!
//! A device that stores its measurements lets one go as soon as BlueZ has confirmed it, which is
//! before the hub has seen it (invariant 3). One that is not in the ledger is excused only where each
//! hub that was given it recorded nothing that it was given later: then that hub was killed first;
//! or where it left on the link of a hub that was killed, before the next one listened.

use std::collections::{BTreeMap, BTreeSet};

use firmware_sim::bluez::Delivery;
use vitals::wire::v1::Reading;

/// What of the measurements of a device is not in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many no hub lived to record.
    pub n_excused: usize,
    /// Those that were lost, and why that is certain.
    pub lost: Vec<String>,
}

/// Looks for what is `measured` among the readings of `device`; no two measurements are alike.
///
/// `delivered` is what left the device, `starts` are the numbers at which the lives of the hub began.
#[must_use]
pub fn missing(
    device: &str,
    measured: &[Vec<u8>],
    delivered: &[Delivery],
    readings: &BTreeMap<u64, Reading>,
    starts: &[u64],
) -> Missing {
    let life = |seq: &u64| starts.partition_point(|start| start < seq);
    let of_device = readings.iter().filter(|(_seq, it)| it.device.id == device);
    let lives = of_device.map(|(seq, it)| (it.raw.0.clone(), life(seq))).collect();
    missing_from(&lives, measured, delivered)
}

/// How many of what is `measured` are not among the readings of `device`.
#[must_use]
pub fn unrecorded(device: &str, measured: &[Vec<u8>], readings: &BTreeMap<u64, Reading>) -> usize {
    let recorded = recorded(device, readings);
    measured.iter().filter(|it| !recorded.contains(it.as_slice())).count()
}

/// What the ledger has of `device` and nobody measured.
#[must_use]
pub fn invented(
    device: &str,
    measured: &[Vec<u8>],
    readings: &BTreeMap<u64, Reading>,
) -> Vec<Vec<u8>> {
    let measured: BTreeSet<_> = measured.iter().map(Vec::as_slice).collect();
    let recorded = recorded(device, readings);
    recorded.difference(&measured).map(|it| it.to_vec()).collect()
}

fn recorded<'a>(device: &str, readings: &'a BTreeMap<u64, Reading>) -> BTreeSet<&'a [u8]> {
    let of_device = readings.values().filter(|it| it.device.id == device);
    of_device.map(|it| it.raw.0.as_slice()).collect()
}

/// In which life of the hub each measurement was recorded.
type Lives = BTreeMap<Vec<u8>, usize>;

fn missing_from(lives: &Lives, measured: &[Vec<u8>], delivered: &[Delivery]) -> Missing {
    let mut missing = Missing::default();
    let last_recorded = last_recorded(lives, delivered, &mut missing.lost);
    for bytes in measured.iter().filter(|it| !lives.contains_key(*it)) {
        let name = hex::encode(bytes);
        let given = || delivered.iter().enumerate().filter(|(_nth, it)| it.bytes == *bytes);
        let passed_over = given().find_map(|(nth, it)| {
            let generation = it.generation.filter(|_there| it.is_expected)?;
            (nth < *last_recorded.get(&generation)?).then_some((nth, generation))
        });
        match passed_over {
            Some((nth, generation)) => missing.lost.push(format!(
                "{name} left the device as its value {nth}, and generation {generation} of clients \
                 recorded later ones but not this one"
            )),
            None if given().next().is_none() => {
                missing.lost.push(format!("{name} never left the device"));
            }
            None => missing.n_excused = missing.n_excused.saturating_add(1),
        }
    }
    missing
}

/// Of each generation of clients the last value that it was given for the first time and recorded
/// itself: one that it was given again says nothing, it was there already.
fn last_recorded(
    lives: &Lives,
    delivered: &[Delivery],
    problems: &mut Vec<String>,
) -> BTreeMap<u64, usize> {
    let life_of = lives_of_generations(lives, delivered, problems);
    let mut given = BTreeSet::new();
    let recorded = delivered.iter().enumerate().filter_map(|(nth, it)| {
        let generation = it.generation?;
        if !given.insert((generation, &it.bytes)) {
            return None;
        }
        let is_own = lives.get(&it.bytes)? == life_of.get(&generation)?;
        is_own.then_some((generation, nth))
    });
    recorded.collect()
}

/// Which life of the hub each generation of clients was: somebody who was given a value recorded it,
/// and where only one can have been, it was that one.
fn lives_of_generations(
    lives: &Lives,
    delivered: &[Delivery],
    problems: &mut Vec<String>,
) -> BTreeMap<u64, usize> {
    let mut given: BTreeMap<&[u8], BTreeSet<u64>> = BTreeMap::new();
    for it in delivered {
        given.entry(&it.bytes).or_default().extend(it.generation);
    }
    let mut known: BTreeMap<u64, usize> = BTreeMap::new();
    loop {
        let n_known = known.len();
        for (bytes, life) in lives {
            let given = given.get(&**bytes).into_iter().flatten();
            let mut may_have = given.filter(|it| known.get(it).is_none_or(|it| it == life));
            if let (Some(only), None) = (may_have.next(), may_have.next()) {
                known.insert(*only, *life);
            }
        }
        if known.len() == n_known {
            break;
        }
    }
    for (bytes, life) in lives {
        let mut given = given.get(&**bytes).into_iter().flatten();
        if !given.any(|it| known.get(it).is_none_or(|it| it == life)) {
            let name = hex::encode(bytes);
            problems.push(format!("{name} was recorded in life {life}, which was not given it"));
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves the device before anybody listens.
    const UNEXPECTED: u8 = 0xff;

    /// Values by their first byte with the generation that was given them.
    fn delivered(values: &[(u8, Option<u64>)]) -> Vec<Delivery> {
        let delivery = |&(value, generation): &(u8, _)| {
            let is_expected = value != UNEXPECTED;
            Delivery { bytes: vec![value], generation, is_expected }
        };
        values.iter().map(delivery).collect()
    }

    #[track_caller]
    fn check(lives: &[(u8, usize)], values: &[(u8, Option<u64>)], expected: (usize, &[&str])) {
        let lives = lives.iter().map(|(value, life)| (vec![*value], *life)).collect();
        let measured: BTreeSet<_> = values.iter().map(|(value, _)| vec![*value]).collect();
        let measured: Vec<_> = measured.into_iter().collect();
        let missing = missing_from(&lives, &measured, &delivered(values));
        let starts: Vec<_> = missing.lost.iter().filter_map(|it| it.split(' ').next()).collect();
        assert_eq!((missing.n_excused, &starts[..]), expected, "{:?}", missing.lost);
    }

    /// What a campaign met: 5 was the last that a hub was given before it was killed, and the last
    /// of those that were sent once more before the next one was.
    const CUT_TWICE: [(u8, Option<u64>); 12] = [
        (1, Some(13)),
        (2, Some(13)),
        (3, Some(13)),
        (4, Some(13)),
        (5, Some(13)),
        (6, Some(14)),
        (2, Some(14)),
        (3, Some(14)),
        (4, Some(14)),
        (5, Some(14)),
        (7, Some(15)),
        (8, Some(15)),
    ];

    #[test]
    fn what_two_kills_cut_off_is_excused() {
        check(
            &[(1, 15), (2, 15), (3, 15), (4, 16), (6, 16), (7, 17), (8, 17)],
            &CUT_TWICE,
            (1, &[]),
        );
    }

    #[test]
    fn a_loss_beside_it_is_found() {
        check(&[(1, 15), (3, 15), (4, 16), (6, 16), (7, 17), (8, 17)], &CUT_TWICE, (1, &["02"]));
        check(&[(1, 15), (2, 15), (3, 15), (4, 16), (7, 17), (8, 17)], &CUT_TWICE, (1, &["06"]));
        check(&[(1, 15), (2, 15), (3, 15), (4, 16), (6, 16), (8, 17)], &CUT_TWICE, (1, &["07"]));
        // Had the second hub recorded anything after it, 5 would be one, too.
        let later: Vec<_> = CUT_TWICE[..10].iter().copied().chain([(9, Some(14))]).collect();
        check(&[(1, 15), (2, 15), (3, 15), (4, 16), (6, 16), (9, 16)], &later, (0, &["05"]));
    }

    #[test]
    fn what_was_sent_again_and_is_recorded_already_proves_no_loss_before_it() {
        let values = [(1, Some(0)), (2, Some(0)), (3, Some(0)), (1, Some(0)), (4, Some(1))];
        check(&[(1, 1), (2, 1), (4, 2)], &values, (1, &[]));
        check(&[(1, 1), (3, 1), (4, 2)], &values, (0, &["02"]));
    }

    #[test]
    fn what_left_on_the_link_of_a_dead_hub_may_be_recorded_or_not() {
        let values = [(1, Some(0)), (UNEXPECTED, Some(1)), (3, Some(1))];
        check(&[(1, 1), (3, 2)], &values, (1, &[]));
        check(&[(1, 1), (UNEXPECTED, 2), (3, 2)], &values, (0, &[]));
    }

    #[test]
    fn what_nobody_was_there_to_hear_is_excused_and_cannot_be_recorded() {
        let values = [(1, Some(0)), (2, None), (3, Some(1))];
        check(&[(1, 1), (3, 2)], &values, (1, &[]));
        check(&[(1, 1), (2, 2), (3, 2)], &values, (0, &["02"]));
    }
}
