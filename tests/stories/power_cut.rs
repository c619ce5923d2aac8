//! A power cut at any moment, on a disk that keeps for certain only what was flushed, loses no
//! committed record and shows no other, and leaves the alerts as they were after a commit.
//!
//! The hub's own ledger and the real SQLite run on simulated disks. `VITALGATE_CUTS` sets how many
//! cuts there are and `VITALGATE_SEED` repeats them; `tests/campaigns/power-cut` sets both.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a story that cannot be told has failed"
)]

#[path = "power_cut/books.rs"]
mod books;
#[path = "power_cut/chain.rs"]
mod chain;
#[path = "power_cut/disk.rs"]
mod disk;
#[path = "power_cut/mounted.rs"]
mod mounted;

use std::slice::from_ref;

use gateway::store::{Lane, Store};
use harness::clock::StartOfTime;
use vitals::SequenceRanges;

use self::books::{Books, Commit, Verdict};
use self::chain::{CUTS_OF_A_CHAIN, Outcome};
use self::disk::{Disk, Flushes};
use self::mounted::Mounted;

/// Cuts in the suite.
const CUTS: u32 = 1_000;

/// Cuts of each control in the suite.
const CUTS_OF_A_CONTROL: u32 = 200;

/// Seed in the suite.
const SEED: u64 = 1;

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_error| format!("{name}={text} is no number")).unwrap(),
        Err(_unset) => default,
    }
}

/// Chains of cuts, one seed after another.
fn campaign(first_seed: u64, n_cuts: u32, flushes: Flushes) -> Outcome {
    let mut total = Outcome::default();
    let mut left = n_cuts;
    for seed in first_seed.. {
        let n = left.min(CUTS_OF_A_CHAIN);
        if n == 0 {
            break;
        }
        let mut outcome = chain::run(seed, n, flushes).unwrap_or_else(|error| Outcome {
            n_judged: 1,
            n_failed: 1,
            problems: vec![format!("{error:#}")],
            ..Outcome::default()
        });
        outcome.problems.iter_mut().for_each(|it| *it = format!("seed {seed}: {it}"));
        // A chain that broke has had fewer cuts; others take their place.
        left -= (outcome.n_judged + outcome.n_while_opening).clamp(1, n);
        total.add(outcome);
    }
    total
}

#[test]
fn power_cuts_lose_no_committed_record_and_show_no_other() {
    let n_cuts: u32 = from_environment("VITALGATE_CUTS", CUTS);
    let seed: u64 = from_environment("VITALGATE_SEED", SEED);
    println!("{n_cuts} cuts, seed {seed}");
    let start = StartOfTime::now();
    let total = campaign(seed, n_cuts, Flushes::Honoured);
    println!("{}", total.problems.join("\n"));
    println!("{total} in {:.1?}", start.elapsed());
    println!("{} passed, {} failed", n_cuts - total.n_failed, total.n_failed);
    assert_eq!(total.n_failed, 0, "see above; VITALGATE_SEED repeats a chain");
}

/// The rig is worth something only where a disk that is not flushed loses records.
#[test]
fn a_disk_that_is_not_flushed_loses_committed_records() {
    for flushes in [Flushes::NotOfCommits, Flushes::NotOfTheLog, Flushes::Never] {
        let total = campaign(SEED, CUTS_OF_A_CONTROL, flushes);
        println!("{flushes:?}: {total}");
        assert!(total.n_at_risk < 2 * total.n_losing, "{flushes:?} passes too often: {total}");
    }
}

/// The check can fail: what was not written, or not so, does not pass.
#[test]
fn a_lost_changed_or_foreign_record_does_not_pass() {
    let directory = tempfile::tempdir().unwrap();
    let _mounted = Mounted::on(directory.path().to_str().unwrap(), Disk::new(Flushes::Honoured));
    let reading = |text: &str| Commit {
        records: vec![(Lane::Reading, text.as_bytes().to_vec())],
        ..Commit::default()
    };
    let held = |upto| {
        let mut held = SequenceRanges::new();
        held.insert(1..=upto);
        Commit { held: Some(held), ..Commit::default() }
    };
    let mut store = Store::open(&directory.path().join("ledger.db")).unwrap();
    chain::write(&mut store, &reading("one")).unwrap();
    chain::write(&mut store, &reading("two")).unwrap();
    store.note_held(&held(1).held.unwrap()).unwrap();

    // What was flushed has to be there; what was not, or was going on, may be.
    let mut judge = |flushed: &[Commit], tried: &[Commit]| {
        let mut books = Books::default();
        flushed.iter().for_each(|commit| books.begin(commit.clone()));
        books.flushed();
        tried.iter().for_each(|commit| books.begin(commit.clone()));
        books.judge(&mut store).unwrap()
    };
    let (one, two, three) = (reading("one"), reading("two"), reading("three"));
    let is_wrong = |verdict| matches!(verdict, Verdict::Wrong(_difference));
    assert_eq!(judge(&[one.clone(), two.clone()], &[held(1)]), Verdict::Intact);
    assert_eq!(judge(from_ref(&one), &[two.clone(), held(1), three.clone()]), Verdict::Intact);
    assert_eq!(judge(&[one.clone(), two.clone(), three.clone()], &[]), Verdict::Lost(1));
    assert!(is_wrong(judge(&[one.clone(), three], &[held(1)])), "another record");
    assert!(is_wrong(judge(from_ref(&one), &[held(1)])), "a record that nobody offered");
    assert!(is_wrong(judge(&[one.clone(), two.clone()], &[])), "more is held than was told");
    assert!(is_wrong(judge(&[one.clone(), two.clone()], &[held(2)])), "something else is held");
    let opened = Commit { opened: vec![(2, 2)], ..two };
    assert!(is_wrong(judge(&[one, opened, held(1)], &[])), "an alert is not open");
}
