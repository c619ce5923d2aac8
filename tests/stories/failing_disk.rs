//! A disk that turns read-only: the hub starts, judges, alerts, answers and sends from memory, and
//! writes all of it down when the disk can be written again. A hub that dies first goes on with its
//! ledger as it was.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use firmware_sim::device::{Device, and_scale};
use gateway::store::{Lane, Store};
use harness::home::{HUB, Home, HomeDevice, Setting, TIME_ZONE};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers, weight_plan};
use harness::tool;
use rust_decimal::Decimal;
use vitals::SequenceRanges;
use vitals::wire::canonical;
use vitals::wire::v1::Reading;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// What the hub says when the agency holds everything.
const AT_REST: &str = " unconfirmed=0";

/// A command for which `data` is read-only, and for nobody else; `None` where the system does not let
/// everybody do so.
fn read_only(data: &Path) -> Option<Command> {
    let launcher = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(data);
        command
    };
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"";
    let trial = launcher(&format!("{mount} && ! touch \"$0/trial\"")).output();
    if !trial.is_ok_and(|it| it.status.success()) {
        tool::skip("unshare cannot make a folder read-only here");
        return None;
    }
    Some(launcher(&format!("{mount} && exec \"$@\"")))
}

/// A command that sees the folders as the process does.
fn beside(process: u32) -> Command {
    let mut command = Command::new("nsenter");
    command.arg("--target").arg(process.to_string());
    command.args(["--user", "--mount", "--preserve-credentials"]);
    command
}

/// The folder `data` of the process can be written again.
fn make_writable(process: u32, data: &Path) {
    let mut command = beside(process);
    let done = command.args(["mount", "-o", "remount,bind,rw"]).arg(data).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What `vitalgate status` says beside the hub.
fn status(program: &Program, home: &Home) -> String {
    let vitalgate = program.role("vitalgate");
    let mut command = beside(home.hub().unwrap().id());
    command.arg(vitalgate.get_program()).args(vitalgate.get_args());
    let config = home.ledger_path().parent().unwrap().with_file_name("gateway.toml");
    let done = command.args(["status", "--config"]).arg(config).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn weigh(home: &Home, weight_kg: u32) {
    let line = and_scale::line("ST", Decimal::from(weight_kg), "kg").unwrap().into_bytes();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.wait_until(|it| it.connected)).unwrap();
    home.perform(scale.replay(vec![line])).unwrap();
}

/// Weighs, and waits until the agency has it.
fn weigh_and_rest(home: &Home, weight_kg: u32) {
    let hub = home.hub().unwrap();
    let mark = hub.mark();
    weigh(home, weight_kg);
    hub.wait_for_lines(mark, AT_REST, 1, WAIT_MAX).unwrap();
}

/// Weights that the ledger has, oldest first, and the highest number of its newest epoch.
fn ledger(home: &Home) -> (Vec<String>, u64) {
    let store = Store::open_read_only(&home.ledger_path()).unwrap();
    let readings = store.pending(Lane::Reading, 0, &SequenceRanges::new(), 1000).unwrap();
    let weight = |payload: &[u8]| {
        let reading: Reading = canonical::decode(payload).unwrap();
        reading.values[0].value.0.normalize().to_string()
    };
    (readings.iter().map(|it| weight(&it.payload)).collect(), store.last_number())
}

/// Weights that the station shows, sorted by their text.
fn at_station(story: &Story) -> Vec<String> {
    let readings = story.agency.readings().unwrap();
    let weight = |it: &serde_json::Value| it["values"][0]["value"].as_str().map(str::to_owned);
    let mut weights: Vec<_> = readings.iter().filter_map(weight).collect();
    weights.sort();
    weights
}

#[test]
fn a_read_only_disk_stops_no_reading_no_alert_and_no_answer() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let Some(kind) = brokers().first().copied() else { return };
    let scale = Device::serial_replay("scale", "scale");
    let devices = [HomeDevice::serial(scale, "and-uc-321", "scale", CLIENT)];
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: weight_plan(100, 95) };
    let mut story = Story::set_in(&program, kind, &devices, &setting).unwrap();
    let data = story.home.ledger_path().parent().unwrap().to_owned();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();
    weigh_and_rest(&story.home, 70);
    weigh_and_rest(&story.home, 130);
    story.home.stop_hub().unwrap();
    let (before, last_number) = ledger(&story.home);

    // It starts, and the alert that was open is open.
    let Some(launcher) = read_only(&data) else { return };
    story.home.start_hub_under(launcher).unwrap();
    page.wait_until(|it| it.contains("held in memory only") && it.contains("cannot store"))
        .unwrap();
    weigh_and_rest(&story.home, 131);
    let alerts = story.agency.alerts().unwrap();
    let of_rule: Vec<_> = alerts.iter().filter(|it| it["rule"] == "weight-high").collect();
    assert_eq!(of_rule.len(), 1, "{alerts:?}");
    story.agency.acknowledge(HUB, of_rule[0]["alert"].as_str().unwrap(), "Nurse N.").unwrap();
    page.wait_until(|it| it.contains("Acknowledged by <strong>Nurse N.")).unwrap();
    let told = status(&program, &story.home);
    assert!(told.contains("in memory only"), "{told}");
    // The control: what is in memory is not in the ledger, and this check sees it.
    assert_eq!(ledger(&story.home), (before, last_number));

    // A hub that loses its memory goes on with its ledger, and gives no number twice.
    story.home.kill_hub().unwrap();
    story.home.start_hub().unwrap();
    weigh_and_rest(&story.home, 72);
    page.wait_until(|it| !it.contains("cannot store")).unwrap();
    story.home.stop_hub().unwrap();
    assert_eq!(ledger(&story.home).0, ["70", "130", "72"]);

    // The next one comes back by itself.
    let launcher = read_only(&data).unwrap();
    story.home.start_hub_under(launcher).unwrap();
    weigh_and_rest(&story.home, 73);
    let hub = story.home.hub().unwrap();
    let mark = hub.mark();
    make_writable(hub.id(), &data);
    hub.wait_for_lines(mark, "storage can be written again", 1, WAIT_MAX).unwrap();
    weigh_and_rest(&story.home, 74);
    story.home.stop_hub().unwrap();
    assert_eq!(ledger(&story.home).0, ["70", "130", "72", "73", "74"]);
    // Nothing is there twice, and nothing is missing; what died with the memory had arrived.
    assert_eq!(at_station(&story), ["130", "131", "70", "72", "73", "74"]);
    let hubs = story.agency.get("/api/hubs").unwrap();
    assert_eq!(hubs["hubs"][0]["gap_since"], serde_json::Value::Null, "{hubs}");
}
