//! A cohort of clients with habits, illness episodes, bad technique and clocks that are wrong, over
//! months, by the example plans: how many alerts there are, how many belong to an illness, and what is
//! missed. The engine is the one of the hub; the bodies are a model of this project and nobody's data.
//!
//! `VITALGATE_CLIENTS` sets how many clients each plan has, `VITALGATE_DAYS` for how long, and
//! `VITALGATE_SEED` who they are; `tests/campaigns/cohort` sets them. A seed tells the same each time.

#![expect(
    clippy::expect_used,
    reason = "a cohort that cannot be lived has failed, and says which client repeats it"
)]

mod body;
mod client;
mod faults;
mod habits;
mod illness;
mod life;
mod preset;
mod record;
mod table;

use std::str::FromStr;
use std::sync::Mutex;

use fastrand::Rng;

use self::client::Client;
use self::life::Life;
use self::preset::{Preset, Variant};
use self::table::{Table, Tally};

/// Clients of each plan in the suite.
const CLIENTS: u64 = 12;

/// Days in the suite.
const DAYS: i64 = 90;

/// First seed in the suite.
const SEED: u64 = 1;

fn from_environment<T: FromStr>(name: &str, default: T) -> T {
    let text = std::env::var(name).ok();
    text.map_or(default, |it| it.parse().ok().expect("the number in the environment is one"))
}

/// One client by each variant of its plan.
///
/// # Errors
///
/// Says which promise of the engine was not kept.
fn live(preset: Preset, seed: u64, days: i64) -> Result<[Tally; 3], String> {
    let mut rng = Rng::with_seed(seed);
    let client = Client::new(preset, &mut rng);
    let life = Life::live(&client, days, &mut rng);
    let [as_it_is, without_confirm, without_implausible] =
        Variant::ALL.map(|it| life.judge(&preset.plan(it)));
    let tallies = [as_it_is?, without_confirm?, without_implausible?];
    let (with, without) = (tallies[0].n_alerts(), tallies[1].n_alerts());
    if without < with {
        return Err(format!("{without} alerts without asking for repeats, and {with} with it"));
    }
    Ok(tallies)
}

/// The rows of the table, and what went wrong with which client.
fn cohort(
    n_clients: u64,
    days: i64,
    seed: u64,
) -> (Vec<(&'static str, &'static str, Tally)>, Vec<String>) {
    let clients = (0..).zip(Preset::ALL).flat_map(|(nth, preset): (usize, _)| {
        (0..n_clients).map(move |it| (nth, preset, seed.wrapping_add(it)))
    });
    let clients = Mutex::new(clients);
    let lived = Mutex::new((vec![<[Tally; 3]>::default(); Preset::ALL.len()], Vec::new()));
    let next = || clients.lock().expect("no thread panics here").next();
    let n_threads = std::thread::available_parallelism().map_or(1, |it| it.get().min(8));
    std::thread::scope(|scope| {
        for _thread in 0..n_threads {
            scope.spawn(|| {
                while let Some((nth, preset, seed)) = next() {
                    let told = live(preset, seed, days);
                    let (tallies, failures) = &mut *lived.lock().expect("no thread panics here");
                    match told {
                        Ok(told) => {
                            tallies[nth].iter_mut().zip(told).for_each(|(it, told)| it.add(told));
                        }
                        Err(what) => failures.push(format!("{} {seed}: {what}", preset.name())),
                    }
                }
            });
        }
    });
    let (tallies, failures) = lived.into_inner().expect("no thread panics here");
    let rows = Preset::ALL.into_iter().zip(tallies).flat_map(|(preset, of_variants)| {
        let of_variant =
            move |(variant, tally): (Variant, _)| (preset.name(), variant.label(), tally);
        Variant::ALL.into_iter().zip(of_variants).map(of_variant)
    });
    (rows.collect(), failures)
}

#[test]
fn no_high_value_is_missed_and_asking_for_repeats_adds_no_alert() {
    let n_clients = from_environment("VITALGATE_CLIENTS", CLIENTS);
    let days = from_environment("VITALGATE_DAYS", DAYS);
    let seed = from_environment("VITALGATE_SEED", SEED);
    let (rows, failures) = cohort(n_clients, days, seed);
    println!(
        "{n_clients} clients of each plan, {days} days, seed {seed}\n\n{}",
        Table { rows: &rows }
    );
    failures.iter().for_each(|it| println!("{it}"));
    let n_all = usize::try_from(n_clients).expect("some clients") * Preset::ALL.len();
    println!("{} passed, {} failed", n_all - failures.len(), failures.len());
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn the_same_seed_tells_the_same() {
    let tell = |seed| Table { rows: &cohort(2, 60, seed).0 }.to_string();
    assert_eq!(tell(7), tell(7));
    assert_ne!(tell(7), tell(8));
}

#[test]
fn a_client_without_an_abnormal_value_who_measures_what_is_due_has_no_alert() {
    for preset in Preset::ALL {
        let client = Client::steady(preset);
        let life = Life::live(&client, 120, &mut Rng::with_seed(1));
        let tally = life.judge(&preset.plan(Variant::AsItIs)).expect("nothing is high");
        assert_eq!((tally.n_all(), tally.n_episodes()), (0, 0), "{}: {tally:?}", preset.name());
    }
}
