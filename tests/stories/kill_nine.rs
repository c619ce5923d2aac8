//! `kill -9` of hub, station or broker, at random moments and with traffic running, loses no
//! committed reading and shows none twice.
//!
//! `VITALGATE_CYCLES` sets how many kills there are, `VITALGATE_SEED` repeats their schedule,
//! `VITALGATE_JOBS` how many homes run at a time, and `VITALGATE_BROKER=embedded` takes the other
//! broker; `tests/campaigns/kill-9` sets them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a story that cannot be told has failed, and says which seed repeats it"
)]

#[path = "kill_nine/campaign.rs"]
mod campaign;
#[path = "kill_nine/outcome.rs"]
mod outcome;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use harness::audit::{self, Books, Lane};
use harness::broker::Kind;
use harness::delivery;
use harness::home::HUB;
use harness::program::Program;
use harness::story::{Story, brokers};
use harness::traffic::{self, CUFF, Traffic};
use rusqlite::Connection;

use self::campaign::Campaign;
use self::outcome::Outcome;

/// Kills in the suite.
const CYCLES: u32 = 50;

/// Kills on one pair of databases; a campaign of more begins anew after so many.
const CYCLES_OF_A_ROUND: u32 = 50;

/// Seed in the suite.
const SEED: u64 = 1;

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_error| format!("{name}={text} is no number")).unwrap(),
        Err(_unset) => default,
    }
}

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_demo"))
}

/// mosquitto with Debian's persistence where it is installed, unless the embedded one is asked for.
fn broker() -> Kind {
    match std::env::var("VITALGATE_BROKER").as_deref() {
        Ok("embedded") => Kind::Embedded,
        Ok(_) | Err(_) => brokers().first().copied().unwrap_or(Kind::Embedded),
    }
}

#[test]
fn kills_lose_no_committed_reading_and_show_none_twice() {
    let cycles: u32 = from_environment("VITALGATE_CYCLES", CYCLES);
    let seed: u64 = from_environment("VITALGATE_SEED", SEED);
    println!("{cycles} kills, seed {seed}, broker {:?}", broker());
    let n_jobs: u32 = from_environment("VITALGATE_JOBS", 1);
    let n_rounds = cycles.div_ceil(CYCLES_OF_A_ROUND);
    let next_round = AtomicU32::new(0);
    let sum = Mutex::new(Sum::default());
    thread::scope(|scope| {
        for _job in 0..n_jobs {
            scope.spawn(|| {
                loop {
                    let round = next_round.fetch_add(1, Ordering::Relaxed);
                    if n_rounds <= round {
                        break;
                    }
                    let n = (cycles - round * CYCLES_OF_A_ROUND).min(CYCLES_OF_A_ROUND);
                    play_round(seed + u64::from(round), n, &sum);
                }
            });
        }
    });
    let Sum { n_passed, n_failed, total } = sum.into_inner().unwrap();
    println!("all: {total}");
    println!("{n_passed} passed, {n_failed} failed");
    assert_eq!(n_failed, 0, "see above; VITALGATE_SEED and VITALGATE_CYCLES repeat a round");
}

/// What became of all rounds.
#[derive(Default)]
struct Sum {
    n_passed: u32,
    n_failed: u32,
    total: Outcome,
}

/// Plays the round of one seed, which is a home of its own, and adds what became of it.
fn play_round(seed: u64, n: u32, sum: &Mutex<Sum>) {
    let outcome = Campaign::begin(&program(), broker(), seed).and_then(|it| it.run(n));
    let mut sum = sum.lock().unwrap();
    match outcome {
        Ok(outcome) if outcome.problems.is_empty() => {
            println!("seed {seed}: {outcome}");
            sum.n_passed += n;
            sum.total.add(&outcome);
        }
        Ok(outcome) => {
            println!("seed {seed}: {outcome}\n{}", outcome.problems.join("\n"));
            sum.n_failed += n;
        }
        Err(error) => {
            println!("seed {seed}: {error:#}");
            sum.n_failed += n;
        }
    }
}

/// The check can fail: each way to lose, change or double a record is found in a copy.
#[test]
fn a_lost_changed_or_doubled_record_does_not_pass_the_audit() {
    let story = Story::begin(&program(), broker(), &traffic::devices()).unwrap();
    let Story { mut home, mut agency, broker, directory } = story;
    let page = agency.watch().unwrap();
    let traffic = Traffic::begin(home.simulator()).unwrap();
    page.wait_until(|_board| 20 < agency.readings().unwrap().len()).unwrap();
    let taken = traffic.end().unwrap();
    page.wait_until(|_board| campaign::is_at_rest(&taken, &home, &agency).unwrap()).unwrap();
    let at_home = home.list(&["readings"]).unwrap();
    let at_agency = agency.readings().unwrap();
    home.stop_hub().unwrap();
    agency.stop_station().unwrap();

    let hub = Books::of_hub(&home.ledger_path()).unwrap();
    let station = Books::of_station(&agency.database_path(), HUB).unwrap();
    assert_eq!(audit::differences(&hub, &station), Vec::<String>::new());
    assert_eq!(audit::listed_differently(&at_home, &at_agency), Vec::<String>::new());
    assert_eq!(audit::shown_twice(&hub.readings().unwrap()), Vec::<String>::new());

    let (place, _record) =
        station.records.iter().find(|(_place, it)| it.lane == Lane::Reading).unwrap();
    let seq = place.1;
    let mut changed = station.clone();
    changed.records.get_mut(place).unwrap().payload.push(0);
    let expected = format!("reading {seq} is not the same at the agency");
    assert_eq!(audit::differences(&hub, &changed), [expected]);
    let mut doubled = station.clone();
    doubled.records.insert((place.0.clone(), 1_000_000), station.records[place].clone());
    assert_eq!(audit::differences(&hub, &doubled).len(), 1);
    let mut torn = hub.clone();
    torn.records.remove(place);
    assert_eq!(audit::differences(&torn, &station).len(), 2);
    let mut readings = hub.readings().unwrap();
    let starts = hub.starts().unwrap();
    let lost = |readings| delivery::missing(CUFF, &taken.cuff, &taken.delivered, readings, &starts);
    assert_eq!(lost(&readings), delivery::Missing::default());
    let (of_cuff, _) = readings.iter().find(|(_seq, it)| it.device.id == CUFF).unwrap();
    let mut fewer = readings.clone();
    fewer.remove(of_cuff);
    assert_eq!(lost(&fewer).lost.len(), 1);
    let again = readings[&seq].clone();
    readings.insert(1_000_000, again);
    assert_eq!(audit::shown_twice(&readings).len(), 1);
    let fewer = &at_agency[1..];
    assert_eq!(audit::listed_differently(&at_home, fewer).len(), 1);
    let twice: Vec<_> = at_agency.iter().chain(&at_agency[..1]).cloned().collect();
    assert_eq!(audit::listed_differently(&at_home, &twice).len(), 1);

    lose(&agency.database_path(), seq);
    let station = Books::of_station(&agency.database_path(), HUB).unwrap();
    let expected = format!("reading {seq} was lost on the way");
    assert_eq!(audit::differences(&hub, &station), [expected]);

    // Though the broker acknowledged that record long ago, the receipt brings it back.
    agency.start_station().unwrap();
    home.start_hub().unwrap();
    let page = agency.watch().unwrap();
    page.wait_until(|_board| campaign::is_all_held(&home, &agency).unwrap()).unwrap();
    home.stop_hub().unwrap();
    agency.stop_station().unwrap();
    let hub = Books::of_hub(&home.ledger_path()).unwrap();
    let station = Books::of_station(&agency.database_path(), HUB).unwrap();
    assert_eq!(audit::differences(&hub, &station), Vec::<String>::new());
    drop((broker, directory));
}

/// Deletes the record of number `seq` from a station's database.
fn lose(database: &std::path::Path, seq: u64) {
    let connection = Connection::open(database).unwrap();
    let seq = i64::try_from(seq).unwrap();
    let mine = "(SELECT id FROM record WHERE seq = ?1)";
    let sql = format!("DELETE FROM observation WHERE record_id IN {mine}");
    connection.execute(&sql, [seq]).unwrap();
    assert_eq!(connection.execute("DELETE FROM record WHERE seq = ?1", [seq]).unwrap(), 1);
}

/// Alerts by their id, as the hub lists them.
pub(crate) fn by_id(alerts: &[serde_json::Value]) -> BTreeMap<String, serde_json::Value> {
    let id = |it: &serde_json::Value| it["alert_id"].as_str().unwrap().to_owned();
    alerts.iter().map(|it| (id(it), it.clone())).collect()
}
