//! What a failing disk changes in the ledger is neither shown nor sent.
//!
//! Each time one thing is damaged in a copy of a ledger, and the hub starts on it. `VITALGATE_FLIPS`
//! sets how often and `VITALGATE_SEED` repeats them; `tests/campaigns/bit-flip` sets both.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a story that cannot be told has failed"
)]

#[path = "bit_flip/damage.rs"]
mod damage;
#[path = "bit_flip/home.rs"]
mod home;
#[path = "bit_flip/trial.rs"]
mod trial;

use std::collections::BTreeMap;

use fastrand::Rng;

use self::damage::Damage;
use self::trial::{Finding, Original, Saved};

/// Damages in the suite.
const FLIPS: u32 = 300;

/// The worst that a damage may lead to: all behind it changes or loses something without a word.
const NOTICED_MAX: Finding = Finding::Caught;

/// Seed in the suite.
const SEED: u64 = 1;

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_error| format!("{name}={text} is no number")).unwrap(),
        Err(_unset) => default,
    }
}

/// A damage by its seed: to the database, or to its log where there is one. Also what it is called.
fn damage(original: &Original, seed: u64) -> (trial::Files, &'static str, Damage) {
    let mut random = Rng::with_seed(seed);
    let mut files = original.files().clone();
    let (name, file, aims) = match !files.log.is_empty() && random.bool() {
        true => ("log", &mut files.log, &[][..]),
        false => ("database", &mut files.database, original.small_tables()),
    };
    let damage = Damage::choose(file.len(), aims, &mut random);
    damage.happen(file);
    let kind = match (name, damage) {
        ("log", Damage::Flip { .. }) => "log, one bit",
        ("log", _) => "log, pages",
        (_, Damage::Flip { .. }) => "database, one bit",
        (_, _) => "database, pages",
    };
    (files, kind, damage)
}

#[test]
fn no_damage_of_the_file_is_shown_or_sent() {
    let n_flips: u32 = from_environment("VITALGATE_FLIPS", FLIPS);
    let first_seed: u64 = from_environment("VITALGATE_SEED", SEED);
    println!("{n_flips} damages, seed {first_seed}");
    let originals = Original::make().unwrap();
    let mut tally: BTreeMap<(&str, Finding), u32> = BTreeMap::new();
    let mut salvaged: BTreeMap<&str, Saved> = BTreeMap::new();
    let (mut n_failed, mut n_silent) = (0, 0);
    for seed in (first_seed..).take(n_flips.try_into().unwrap()) {
        let original = &originals[usize::from(seed % 2 == 1)];
        let (files, kind, damage) = damage(original, seed);
        let is_cut = matches!(damage, Damage::Truncate(_));
        let (finding, saved) = original.try_hub(&files, is_cut).unwrap();
        *tally.entry((kind, finding)).or_default() += 1;
        let sum = salvaged.entry(kind).or_default();
        *sum = Saved { n: sum.n + saved.n, of: sum.of + saved.of };
        if NOTICED_MAX < finding {
            println!("seed {seed}: {kind}: {damage}: {finding}");
            n_failed += 1;
        }
        n_silent += u32::from(original.passes_sqlite(&files).unwrap());
    }
    for ((kind, finding), n) in &tally {
        println!("{kind}: {finding}: {n}");
    }
    for (kind, Saved { n, of }) in &salvaged {
        println!("{kind}: {n} of {of} readings that the agency did not hold were salvaged");
    }
    println!("SQLite alone would not have noticed {n_silent}");
    println!("{} passed, {n_failed} failed", n_flips - n_failed);
    assert_eq!(n_failed, 0, "see above; VITALGATE_SEED repeats a damage");
    assert!(n_flips < 10 * n_silent, "the damages do not reach the records: {n_silent}");
}
