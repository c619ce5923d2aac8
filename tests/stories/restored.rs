//! The broker loses its store, and the agency goes back to yesterday's backup: the hub gives it again
//! what it had since, and what a nurse had answered stays answered.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use firmware_sim::device::{Device, and_scale};
use harness::agency::Agency;
use harness::audit::{self, Books};
use harness::broker::Kind;
use harness::home::{HUB, HomeDevice, Setting, TIME_ZONE};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers, weight_plan};
use rust_decimal::Decimal;

/// Weighings before the backup, after it, and while the agency is away.
const BEFORE: u32 = 5;
const SINCE: u32 = 20;
const AWAY: u32 = 7;

/// What the hub says when the agency holds everything.
const AT_REST: &str = " unconfirmed=0";

const WAIT_MAX: Duration = Duration::from_secs(60);

fn weigh(story: &Story, kilograms: u32) {
    let line = and_scale::line("ST", Decimal::from(kilograms), "kg").unwrap().into_bytes();
    let scale = story.home.simulator().device("scale").unwrap();
    story.home.perform(scale.wait_until(|it| it.connected)).unwrap();
    story.home.perform(scale.replay(vec![line])).unwrap();
}

/// The station holds so many readings.
fn holds(agency: &Agency, n: u32) {
    let page = agency.watch().unwrap();
    page.wait_until(|_board| agency.readings().unwrap().len() == usize::try_from(n).unwrap())
        .unwrap();
}

/// The nurse's answer is at the agency as the hub's.
fn is_answered(agency: &Agency) -> bool {
    let alerts = agency.alerts().unwrap();
    alerts.iter().any(|it| it["standing"] == "acknowledged" && it["by"] == "Nurse A")
}

/// The database of a station that has ended, and the two files beside it that SQLite keeps.
fn database_files(agency: &Agency) -> [PathBuf; 3] {
    let path = agency.database_path();
    ["db", "db-wal", "db-shm"].map(|extension| path.with_extension(extension))
}

fn tell(kind: Kind) {
    let scale =
        HomeDevice::serial(Device::serial_replay("scale", "scale"), "and-uc-321", "scale", CLIENT);
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: weight_plan(110, 100) };
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let mut story = Story::set_in(&program, kind, &[scale], &setting).unwrap();
    story.agency.start_station().unwrap();
    let mut launcher = Command::new("env");
    launcher.arg("VITALGATE_LOG=info,gateway::hub=debug");
    story.home.start_hub_under(launcher).unwrap();
    (0..BEFORE).for_each(|nth| weigh(&story, 60 + nth));
    holds(&story.agency, BEFORE);

    story.agency.stop_station().unwrap();
    let backup = story.directory().join("yesterday.db");
    fs::copy(story.agency.database_path(), &backup).unwrap();
    story.agency.start_station().unwrap();
    (1..SINCE).for_each(|nth| weigh(&story, 70 + nth));
    weigh(&story, 120);
    holds(&story.agency, BEFORE + SINCE);
    let page = story.agency.watch().unwrap();
    page.wait_until(|board| board.contains("weight-high")).unwrap();
    let alerts = story.agency.alerts().unwrap();
    let alert = alerts[0]["alert"].as_str().unwrap();
    story.agency.acknowledge(HUB, alert, "Nurse A").unwrap();
    page.wait_until(|_board| is_answered(&story.agency)).unwrap();
    let mark = story.home.hub().unwrap().mark();

    story.agency.kill_station().unwrap();
    story.broker.lose().unwrap();
    for path in database_files(&story.agency) {
        drop(fs::remove_file(path));
    }
    fs::copy(&backup, story.agency.database_path()).unwrap();
    (0..AWAY).for_each(|nth| weigh(&story, 101 + nth));
    let hub = story.home.hub().unwrap();
    let n = usize::try_from(AWAY).unwrap();
    hub.wait_for_lines(mark, "reading recorded", n, WAIT_MAX).unwrap();

    let mark = hub.mark();
    story.broker.resume().unwrap();
    story.agency.start_station().unwrap();
    holds(&story.agency, BEFORE + SINCE + AWAY);
    let page = story.agency.watch().unwrap();
    page.wait_until(|_board| is_answered(&story.agency)).unwrap();
    assert!(story.home.hub().unwrap().says(mark, &[AT_REST], WAIT_MAX));
    story.home.stop_hub().unwrap();
    story.agency.stop_station().unwrap();

    let at_home = Books::of_hub(&story.home.ledger_path()).unwrap();
    let at_agency = Books::of_station(&story.agency.database_path(), HUB).unwrap();
    assert_eq!(audit::differences(&at_home, &at_agency), Vec::<String>::new());
}

#[test]
fn the_hub_fills_what_a_lost_broker_and_an_older_backup_left_open() {
    brokers().into_iter().for_each(tell);
}
