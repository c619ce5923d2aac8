//! Simulated years: the real cores of hubs and station over their real databases, driven by one
//! seed through crashes, outages, failing disks, wrong clocks and silent nurses.
//!
//! `VITALGATE_YEARS` sets how many hub-years there are, `VITALGATE_SEED` the first world, and
//! `VITALGATE_MEASURED_A_WEEK` how busy the homes are; `tests/campaigns/hub-years` sets them. A seed
//! tells the same story each time, with `VITALGATE_LINES` of it where it ends badly.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a simulation that cannot be run has failed, and says which seed repeats it"
)]

mod agency;
mod beside;
mod books;
mod broker;
mod connection;
mod cuff;
mod disk;
mod happening;
mod home;
mod known_bugs;
mod outcome;
mod setting;
mod trace;
mod weather;
mod world;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use self::outcome::Outcome;
use self::world::{Extent, World};

/// Hub-years in the suite.
const YEARS: u64 = 100;

/// First seed in the suite.
const SEED: u64 = 1;

/// Measurements with the cuff in a week in the suite, and with the oximeter half as many: sparse, so
/// that years pass quickly.
const MEASURED_A_WEEK: u32 = 3;

/// A year of 52 weeks.
const YEAR: Duration = Duration::from_secs(52 * 7 * 86_400);

fn from_environment<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_error| format!("{name}={text} is no number")).unwrap(),
        Err(_unset) => default,
    }
}

/// One hub-year: a world with one home for a year, with two for half a year, with three for a third.
fn hub_year(seed: u64) -> Extent {
    let n_homes = 1 + usize::try_from(seed % 3).unwrap();
    let length = YEAR / u32::try_from(n_homes).unwrap();
    let n_measured_a_week = from_environment("VITALGATE_MEASURED_A_WEEK", MEASURED_A_WEEK);
    Extent { seed, n_homes, length, n_measured_a_week }
}

/// Where files live in memory, if there is such a place: the files are real, the flushes cost
/// nothing.
fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn run(extent: Extent) -> Result<Outcome, String> {
    let directory = tempfile::tempdir_in(scratch()).map_err(|it| it.to_string())?;
    let told = catch_unwind(|| {
        World::new(extent, directory.path()).map_err(|it| format!("{it:#}")).and_then(World::run)
    });
    told.unwrap_or_else(|_panic| Err("a panic, see above".to_owned()))
}

#[derive(Default)]
struct Tally {
    n_passed: u64,
    n_failed: u64,
    all: Outcome,
}

#[test]
fn simulated_years_lose_nothing() {
    let years: u64 = from_environment("VITALGATE_YEARS", YEARS);
    let seed: u64 = from_environment("VITALGATE_SEED", SEED);
    let failures_max: u64 = from_environment("VITALGATE_FAILURES_MAX", u64::MAX);
    let n_threads = std::thread::available_parallelism().map_or(1, |it| it.get().min(8));
    println!("{years} hub-years, seeds from {seed}, {n_threads} threads");
    let seeds = Mutex::new(seed..seed + years);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _thread in 0..n_threads {
            scope.spawn(|| {
                while let Some(seed) = { seeds.lock().unwrap().next() } {
                    let told = run(hub_year(seed));
                    let n_failed = tally.lock().unwrap().add(seed, told);
                    if failures_max <= n_failed {
                        return;
                    }
                }
            });
        }
    });
    let Tally { n_passed, n_failed, all } = tally.into_inner().unwrap();
    println!("{all}");
    println!("{n_passed} passed, {n_failed} failed");
    assert_eq!(
        n_failed, 0,
        "see above; VITALGATE_SEED, VITALGATE_YEARS=1 and VITALGATE_MEASURED_A_WEEK repeat a world"
    );
}

impl Tally {
    /// Adds what a world came to; how many have failed.
    fn add(&mut self, seed: u64, told: Result<Outcome, String>) -> u64 {
        match told {
            Ok(outcome) => {
                self.n_passed += 1;
                self.all.add(&outcome);
            }
            Err(violation) => {
                self.n_failed += 1;
                println!("seed {seed}: {violation}");
            }
        }
        self.n_failed
    }
}

/// A world that is told again is the same world.
#[test]
fn a_seed_tells_the_same_story_each_time() {
    let extent = Extent { length: YEAR / 12, n_homes: 3, ..hub_year(SEED) };
    let first = run(extent).unwrap();
    assert_eq!(run(extent), Ok(first));
    let other = run(Extent { seed: SEED + 1, ..extent }).unwrap();
    assert_ne!(other.digest, first.digest);
    assert!(0 < first.n_records && 0 < first.n_faults() && 0 < first.n_calms, "{first:?}");
}
