//! Under systemd: ready within a second, ended within five, and the watchdog is fed only while the
//! pipeline moves.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::broker::Kind;
use harness::clock::StartOfTime;
use harness::notify::Manager;
use harness::process::Mark;
use harness::program::Program;
use harness::proxy::Proxy;
use harness::story::{Story, brokers};
use harness::tool;
use harness::traffic::{self, Traffic};
use rusqlite::Connection;

/// The promises.
const READY_MAX: Duration = Duration::from_secs(1);
const END_MAX: Duration = Duration::from_secs(5);

/// How long the first start may take, which also makes the databases.
const START_MAX: Duration = Duration::from_secs(30);

/// What the watchdog of the story gives; it is fed six times in that.
const WATCHDOG: Duration = Duration::from_millis(1200);

/// How long a daemon that moves may leave the watchdog without food on a busy machine.
const FED_MAX: Duration = Duration::from_secs(5);

/// What the hub says when a reading is in the ledger.
const RECORDED: &str = "reading recorded";

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_demo"))
}

/// A home and an agency that both reach the broker by a proxy, nothing running yet.
fn begin() -> (Story, Proxy, Manager) {
    let kind = brokers().first().copied().unwrap_or(Kind::Embedded);
    let story = Story::set(&program(), kind, &traffic::devices()).unwrap();
    let proxy = Proxy::start(story.broker.port()).unwrap();
    for part in ["home/gateway.toml", "agency/station.toml"] {
        let path = story.directory().join(part);
        let config = fs::read_to_string(&path).unwrap();
        let port = |port: u16| format!("port = {port}\n");
        fs::write(path, config.replace(&port(story.broker.port()), &port(proxy.port()))).unwrap();
    }
    let manager = Manager::listen(&story.directory().join("notify")).unwrap();
    (story, proxy, manager)
}

/// Starts the hub and says how long it took to be ready.
fn start_hub(story: &mut Story, manager: &Manager, watchdog: Option<Duration>) -> Duration {
    manager.forget();
    let start = StartOfTime::now();
    story.home.begin_hub_under(manager.launcher(watchdog)).unwrap();
    manager.wait_for("READY=1", START_MAX).unwrap();
    start.elapsed()
}

fn start_station(story: &mut Story, manager: &Manager, watchdog: Option<Duration>) -> Duration {
    manager.forget();
    let start = StartOfTime::now();
    story.agency.begin_station_under(manager.launcher(watchdog)).unwrap();
    manager.wait_for("READY=1", START_MAX).unwrap();
    start.elapsed()
}

#[track_caller]
#[expect(clippy::print_stdout, reason = "a figure for docs/reliability.md")]
fn check(what: &str, took: Duration, limit: Duration) {
    println!("{what}: {:.0} ms", took.as_secs_f64() * 1000.0);
    assert!(took < limit, "{what}: {took:?}");
}

fn let_readings_come(story: &Story) {
    let hub = story.home.hub().unwrap();
    assert!(hub.says(hub.mark(), &[RECORDED; 5], START_MAX), "{}", hub.output());
}

fn stop_both(story: &mut Story, state: &str) {
    let start = StartOfTime::now();
    story.home.stop_hub().unwrap();
    check(&format!("the hub ends, {state}"), start.elapsed(), END_MAX);
    let start = StartOfTime::now();
    story.agency.stop_station().unwrap();
    check(&format!("the station ends, {state}"), start.elapsed(), END_MAX);
}

fn start_both(story: &mut Story, manager: &Manager, state: &str) {
    check(&format!("the hub is ready, {state}"), start_hub(story, manager, None), READY_MAX);
    let took = start_station(story, manager, None);
    check(&format!("the station is ready, {state}"), took, READY_MAX);
}

#[test]
fn both_end_within_5_s_and_are_ready_again_within_1_s_whatever_the_network_does() {
    let (mut story, proxy, manager) = begin();
    // The first start makes the databases.
    start_hub(&mut story, &manager, None);
    start_station(&mut story, &manager, None);
    let traffic = Traffic::begin(story.home.simulator()).unwrap();
    let_readings_come(&story);
    stop_both(&mut story, "amid open sessions");
    start_both(&mut story, &manager, "again");
    let_readings_come(&story);

    proxy.fall_silent();
    let_readings_come(&story);
    stop_both(&mut story, "on a connection that has died silently");
    proxy.be_heard();

    story.broker.kill().unwrap();
    start_both(&mut story, &manager, "without a broker");
    let_readings_come(&story);
    stop_both(&mut story, "without a broker, on a backlog");

    story.broker.resume().unwrap();
    start_both(&mut story, &manager, "on a backlog");
    traffic.end().unwrap();
    let (hub, station) = (story.home.hub().unwrap(), story.agency.station().unwrap());
    let is_at_rest = hub.says(Mark::default(), &[" unconfirmed=0"], START_MAX);
    assert!(is_at_rest, "{}\n{}", hub.output(), station.output());
    stop_both(&mut story, "at rest");
}

#[test]
fn a_hub_whose_thread_hangs_does_not_feed_the_watchdog_and_feeds_it_again_afterwards() {
    let (mut story, _proxy, manager) = begin();
    start_hub(&mut story, &manager, Some(WATCHDOG));
    let traffic = Traffic::begin(story.home.simulator()).unwrap();
    let_readings_come(&story);
    for _ in 0..4 {
        manager.wait_for("WATCHDOG=1", FED_MAX).unwrap();
    }

    let ledger = Connection::open(story.home.ledger_path()).unwrap();
    ledger.busy_timeout(FED_MAX).unwrap();
    ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let hub = story.home.hub().unwrap();
    assert!(hub.says(hub.mark(), &["the watchdog is not fed"], FED_MAX), "{}", hub.output());
    manager.forget();
    // systemd's time is over before it is fed again.
    assert!(manager.wait_for("WATCHDOG=1", WATCHDOG).is_err());
    ledger.execute_batch("ROLLBACK").unwrap();
    manager.wait_for("WATCHDOG=1", FED_MAX).unwrap();
    let_readings_come(&story);
    traffic.end().unwrap();
    story.home.stop_hub().unwrap();
    manager.wait_for("STOPPING=1", FED_MAX).unwrap();
}

#[test]
fn a_stopped_station_does_not_feed_the_watchdog_and_a_running_one_does() {
    let (mut story, _proxy, manager) = begin();
    start_station(&mut story, &manager, Some(WATCHDOG));
    for _ in 0..4 {
        manager.wait_for("WATCHDOG=1", FED_MAX).unwrap();
    }
    let id = story.agency.station().unwrap().id().to_string();
    let signal = |name: &str| Command::new("kill").args([name, &id]).status().unwrap();
    assert!(signal("-STOP").success());
    manager.forget();
    assert!(manager.wait_for("WATCHDOG=1", WATCHDOG).is_err());
    assert!(signal("-CONT").success());
    manager.wait_for("WATCHDOG=1", FED_MAX).unwrap();
    story.agency.stop_station().unwrap();
}

/// Units, and the role of the test program that plays each.
const UNITS: [&str; 2] = ["vitalgate", "vitalstation"];

fn unit_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../config/systemd/{name}.service"))
}

/// Values of the section `[Service]` by their key.
fn service(name: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(unit_path(name)).unwrap();
    let (_before, section) = text.split_once("[Service]").unwrap();
    let section = section.split("\n[").next().unwrap();
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in section.lines().filter(|it| !it.starts_with('#')) {
        if let Some((key, value)) = line.split_once('=') {
            values.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    values
}

#[test]
fn the_units_fit_the_programs() {
    for name in UNITS {
        let unit = service(name);
        let only = |key: &str| match unit.get(key).map(Vec::as_slice) {
            Some([value]) => value.as_str(),
            other => panic!("{name}: {key} is {other:?}"),
        };
        let mut words = only("ExecStart").split(' ');
        assert_eq!(words.next(), Some(format!("/usr/bin/{name}").as_str()));
        let arguments: Vec<_> = words.collect();
        // The program knows this subcommand and these options.
        let help = program().role(name).args(&arguments).arg("--help").output().unwrap();
        assert!(help.status.success(), "{name} {arguments:?}");
        let config = Path::new(arguments.last().unwrap());
        assert_eq!(config.parent(), Some(Path::new("/etc").join(name).as_path()));

        // What the example configuration writes to is what the unit lets it write to.
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let example = example.join(config.file_name().unwrap());
        let example: toml::Table = fs::read_to_string(example).unwrap().parse().unwrap();
        let state = Path::new("/var/lib").join(only("StateDirectory"));
        let written = match name {
            "vitalgate" => vec![&example["hub"]["data_directory"]],
            _station => vec![&example["store"]["path"], &example["agency"]["signing_key_file"]],
        };
        for path in written {
            assert!(Path::new(path.as_str().unwrap()).starts_with(&state), "{name}: {path}");
        }

        assert_eq!((only("Type"), only("Restart")), ("notify", "always"));
        let watchdog: u64 = only("WatchdogSec").parse().unwrap();
        let stop: u64 = only("TimeoutStopSec").parse().unwrap();
        assert!(watchdog == 30 && END_MAX < Duration::from_secs(stop), "{watchdog} {stop}");
        for key in ["DynamicUser", "NoNewPrivileges", "PrivateUsers", "MemoryDenyWriteExecute"] {
            assert_eq!(only(key), "yes", "{name}: {key}");
        }
        assert_eq!((only("ProtectSystem"), only("CapabilityBoundingSet")), ("strict", ""));
        for family in ["AF_UNIX", "AF_INET", "AF_INET6"] {
            assert!(only("RestrictAddressFamilies").contains(family), "{name}");
        }
    }
    // The hub reads the identity of the boot from /proc/sys, and opens serial ports.
    let hub = service("vitalgate");
    assert!(!hub.contains_key("ProcSubset") && !hub.contains_key("PrivateDevices"));
    assert!(hub["DeviceAllow"].iter().any(|it| it == "char-ttyUSB rw"));
    assert!(hub["SupplementaryGroups"][0].contains("dialout"));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_little_exposed() {
    // Nothing but a machine with systemd has it.
    let Some(analyze) = tool::find("systemd-analyze") else { return };
    let directory = tempfile::tempdir().unwrap();
    for name in UNITS {
        let unit = fs::read_to_string(unit_path(name)).unwrap();
        // It has to be there, and need not be installed for that.
        let unit = unit.replace(&format!("/usr/bin/{name}"), env!("CARGO_BIN_EXE_demo"));
        let path = directory.path().join(format!("{name}.service"));
        fs::write(&path, unit).unwrap();
        for arguments in [&["verify"][..], &["security", "--offline=true", "--threshold=20"]] {
            let said = Command::new(&analyze).args(arguments).arg(&path).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success() && text.is_empty(), "{name} {arguments:?}: {text}");
        }
    }
}
