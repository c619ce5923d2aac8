//! After an outage of 30 days the whole backlog arrives, and the first new alert does not wait for it.
//!
//! `VITALGATE_READINGS` sets how many readings wait, `VITALGATE_SEED` what they are;
//! `tests/campaigns/outage` sets them.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use firmware_sim::device::{Device, and_scale};
use harness::audit::{self, Books};
use harness::backlog;
use harness::broker::Kind;
use harness::clock::StartOfTime;
use harness::home::{HUB, Home, HomeDevice, Setting, TIME_ZONE};
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers, weight_plan};
use rust_decimal::Decimal;

/// Readings that wait, in the suite.
const READINGS: u32 = 5_000;

/// Longest time from the scale to the agency's list of alerts.
const ALERT_MAX: Duration = Duration::from_secs(2);

/// Most memory that a backlog costs.
const GROWTH_MAX_KIB: u64 = 5 * 1024;

/// Longest wait for the start of anything, and for the whole backlog.
const START_MAX: Duration = Duration::from_secs(60);
const DRAIN_MAX: Duration = Duration::from_secs(1800);

/// What the station says when it can hear.
const AGENCY_UP: &str = "broker connection up";

/// What the hub says when it can send, and when the agency holds everything.
const UP: &str = "agency connection up";
const AT_REST: &str = " unconfirmed=0";

fn from_environment<T: std::str::FromStr<Err: std::fmt::Debug>>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |it| it.parse().unwrap())
}

/// Starts the hub with just the lines of its log that the story waits for.
fn start_hub(home: &mut Home) {
    let mut launcher = Command::new("env");
    launcher.arg("VITALGATE_LOG=info,gateway::hub=debug");
    home.start_hub_under(launcher).unwrap();
}

fn weigh(home: &Home, weight: Decimal) {
    let line = and_scale::line("ST", weight, "kg").unwrap().into_bytes();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.wait_until(|it| it.connected)).unwrap();
    home.perform(scale.replay(vec![line])).unwrap();
}

#[test]
fn a_month_of_backlog_arrives_whole_and_the_first_alert_overtakes_it() {
    let n = from_environment("VITALGATE_READINGS", READINGS);
    let seed = from_environment("VITALGATE_SEED", 1_u64);
    let scale =
        HomeDevice::serial(Device::serial_replay("scale", "scale"), "and-uc-321", "scale", CLIENT);
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: weight_plan(110, 100) };
    let kind = brokers().first().copied().unwrap_or(Kind::Embedded);
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let mut story = Story::set_in(&program, kind, &[scale], &setting).unwrap();
    story.agency.start_station().unwrap();
    start_hub(&mut story.home);
    weigh(&story.home, Decimal::from(60));
    let hub = story.home.hub().unwrap();
    assert!(hub.says(Mark::default(), &["reading recorded", AT_REST], START_MAX));
    let idle_kib = story.home.hub().unwrap().peak_kib().unwrap();
    story.home.stop_hub().unwrap();
    story.broker.kill().unwrap();

    backlog::make(&story.home.ledger_path(), n, Rng::with_seed(seed)).unwrap();
    let station = story.agency.station().unwrap();
    let mark = station.mark();
    story.broker.resume().unwrap();
    station.wait_for_lines(mark, AGENCY_UP, 1, START_MAX).unwrap();
    let starting = StartOfTime::now();
    start_hub(&mut story.home);
    let ready = starting.elapsed();
    let hub = story.home.hub().unwrap();
    hub.wait_for_line(UP, START_MAX).unwrap();
    let up = StartOfTime::now();
    let mark = hub.mark();
    weigh(&story.home, Decimal::from(120));
    let weighed = StartOfTime::now();
    while story.agency.alerts().unwrap().is_empty() && weighed.elapsed() < START_MAX {}
    let alert = weighed.elapsed();
    let is_overtaking = !hub.says(mark, &[AT_REST], Duration::ZERO);
    assert!(hub.says(mark, &[AT_REST], DRAIN_MAX), "{}", hub.output());
    let drained = up.elapsed();
    if ALERT_MAX <= alert {
        let said = hub.output();
        let is_telling = |it: &&str| !it.contains("receipt taken in");
        println!("{}", said.lines().filter(is_telling).collect::<Vec<_>>().join("\n"));
    }
    let peak_kib = story.home.hub().unwrap().peak_kib().unwrap();
    story.home.stop_hub().unwrap();
    story.agency.stop_station().unwrap();

    let at_home = Books::of_hub(&story.home.ledger_path()).unwrap();
    let at_agency = Books::of_station(&story.agency.database_path(), HUB).unwrap();
    let problems = audit::differences(&at_home, &at_agency);
    let rate = f64::from(n) / drained.as_secs_f64();
    println!(
        "{n} readings of 30 days, seed {seed}: hub running after {:.0} ms, drained in {:.1} s, \
         {rate:.0} a second; alert at the agency after {:.0} ms, before the backlog: \
         {is_overtaking}; peak of the hub {peak_kib} KiB, idle {idle_kib} KiB",
        ready.as_secs_f64() * 1000.0,
        drained.as_secs_f64(),
        alert.as_secs_f64() * 1000.0,
    );
    let is_good = problems.is_empty() && alert < ALERT_MAX && peak_kib <= idle_kib + GROWTH_MAX_KIB;
    let n_failed = if is_good { 0 } else { n };
    println!("{} passed, {n_failed} failed", n - n_failed);
    assert_eq!(problems, Vec::<String>::new());
    assert!(alert < ALERT_MAX, "{alert:?}");
    assert!(peak_kib <= idle_kib + GROWTH_MAX_KIB, "{peak_kib} KiB, idle {idle_kib} KiB");
}
