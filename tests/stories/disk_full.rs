//! A disk that another program fills: alerts still get through, and the reserve comes back. Where it
//! is filled to the last byte, the hub goes on in memory.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use firmware_sim::device::{Device, and_scale};
use gateway::store::{Lane, Store};
use harness::broker::Kind;
use harness::home::{HUB, Home, HomeDevice, Setting, TIME_ZONE};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers, weight_plan};
use harness::tool;
use rust_decimal::Decimal;
use vitals::SequenceRanges;
use vitals::wire::canonical;
use vitals::wire::v1::Reading;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// Size of the disk, whose reserve is 4 MiB.
const DISK: &str = "size=24m";

/// What the hub says when the agency holds everything.
const AT_REST: &str = " unconfirmed=0";

/// Bytes that are free at first where alerts have room and readings no more.
const ALMOST_NOTHING: u64 = 1024 * 1024;

/// A command that mounts a small disk at `data`, for nobody but the program whose name and
/// arguments follow; `None` where the system does not let everybody do so.
fn on_a_small_disk(data: &Path) -> Option<Command> {
    let launcher = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(data);
        command
    };
    let mount = format!("mount -t tmpfs -o {DISK} disk \"$0\"");
    let trial = launcher(&mount).output();
    if !trial.is_ok_and(|it| it.status.success()) {
        tool::skip("unshare cannot mount a small disk here");
        return None;
    }
    Some(launcher(&format!("{mount} && exec \"$@\"")))
}

/// Takes the room on the disk that `folder` is on, all but `left_bytes`.
fn fill(folder: &Path, name: &str, left_bytes: u64) {
    let chunk = vec![1; 64 * 1024];
    let mut file = fs::File::create(folder.join(name)).unwrap();
    while left_bytes < free_bytes(folder) && file.write_all(&chunk).is_ok() {}
    if left_bytes == 0 {
        while file.write_all(&[1; 512]).is_ok() {}
    }
}

fn free_bytes(folder: &Path) -> u64 {
    let disk = nix::sys::statvfs::statvfs(folder).unwrap();
    disk.blocks_available() * disk.fragment_size()
}

fn weigh(home: &Home, weight_kg: u32) {
    let line = and_scale::line("ST", Decimal::from(weight_kg), "kg").unwrap().into_bytes();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.replay(vec![line])).unwrap();
}

/// A home with a scale, whose hub has a small disk for itself.
fn home_with_a_small_disk() -> Option<Story> {
    let story = home_with_a_scale(brokers().first().copied()?);
    let launcher = on_a_small_disk(&story.home.ledger_path().with_file_name(""))?;
    Some(started(story, launcher))
}

fn home_with_a_scale(kind: Kind) -> Story {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let scale = Device::serial_replay("scale", "scale");
    let devices = [HomeDevice::serial(scale, "and-uc-321", "scale", CLIENT)];
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: weight_plan(100, 95) };
    let story = Story::set_in(&program, kind, &devices, &setting).unwrap();
    fs::create_dir(story.home.ledger_path().parent().unwrap()).unwrap();
    story
}

fn started(mut story: Story, launcher: Command) -> Story {
    story.agency.start_station().unwrap();
    story.home.start_hub_under(launcher).unwrap();
    story.home.hub().unwrap().wait_for_line("ballast put aside", WAIT_MAX).unwrap();
    story
}

/// The disk as the hub sees it.
fn disk(home: &Home) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", home.hub().unwrap().id()));
    root.join(home.ledger_path().parent().unwrap().strip_prefix("/").unwrap())
}

/// Weights that the ledger in `folder` has, oldest first.
fn weights(folder: &Path) -> Vec<String> {
    // A copy: paths of another process are not for SQLite.
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        let copied = fs::copy(folder.join(name), copy.path().join(name));
        assert!(copied.is_ok() || name == "ledger.db-wal", "{copied:?}");
    }
    let store = Store::open_read_only(&copy.path().join("ledger.db")).unwrap();
    let readings = store.pending(Lane::Reading, 0, &SequenceRanges::new(), 1000).unwrap();
    let weight = |payload: &[u8]| {
        let reading: Reading = canonical::decode(payload).unwrap();
        reading.values[0].value.0.normalize().to_string()
    };
    readings.iter().map(|it| weight(&it.payload)).collect()
}

#[test]
fn alerts_get_through_with_a_full_disk() {
    let Some(mut story) = home_with_a_small_disk() else { return };
    let home = &story.home;
    let hub = home.hub().unwrap();
    let page = story.agency.watch().unwrap();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.wait_until(|it| it.connected)).unwrap();
    let weigh_and_rest = |weight_kg| {
        let mark = hub.mark();
        weigh(home, weight_kg);
        hub.wait_for_lines(mark, AT_REST, 1, WAIT_MAX).unwrap();
    };
    weigh_and_rest(70);

    let disk = disk(home);
    assert!(disk.join("ledger.ballast").is_file());
    fill(&disk, "filler", 0);
    for n in 0..100 {
        weigh_and_rest(60 + n % 20);
        if !disk.join("ledger.ballast").exists() {
            break;
        }
    }
    hub.wait_for_line("ballast released", WAIT_MAX).unwrap();
    page.wait_until(|it| it.contains("The disk of the hub")).unwrap();
    // What the ballast freed is taken by somebody else again, but for room in which alerts fit.
    fill(&disk, "more", ALMOST_NOTHING);
    weigh_and_rest(130);
    page.wait_until(|it| it.contains("130")).unwrap();
    let alerts = story.agency.alerts().unwrap();
    let rules: Vec<_> = alerts.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"weight-high") && rules.contains(&"disk-nearly-full"), "{rules:?}");

    let mark = hub.mark();
    fs::remove_file(disk.join("filler")).unwrap();
    hub.wait_for_lines(mark, "ballast put aside", 1, WAIT_MAX).unwrap();
    assert!(disk.join("ledger.ballast").is_file());
    weigh_and_rest(71);
    story.home.stop_hub().unwrap();
}

#[test]
fn with_no_byte_left_the_hub_goes_on_in_memory_until_the_disk_has_room() {
    let Some(mut story) = home_with_a_small_disk() else { return };
    let home = &story.home;
    let hub = home.hub().unwrap();
    let page = story.agency.watch().unwrap();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.wait_until(|it| it.connected)).unwrap();
    let weigh_and_rest = |weight_kg| {
        let mark = hub.mark();
        weigh(home, weight_kg);
        hub.wait_for_lines(mark, AT_REST, 1, WAIT_MAX).unwrap();
    };
    weigh_and_rest(70);
    let disk = disk(home);
    let mark = hub.mark();
    fill(&disk, "filler", 0);
    let mut first_in_memory = 0;
    for n in 0..200 {
        first_in_memory = 60 + n % 20;
        weigh_and_rest(first_in_memory);
        // What the ballast frees is taken by somebody else again.
        fill(&disk, &format!("filler-{n}"), 0);
        if hub.says(mark, &["in memory only"], Duration::ZERO) {
            break;
        }
    }
    assert!(hub.says(mark, &["in memory only"], Duration::ZERO), "the disk was never full");
    page.wait_until(|it| it.contains("held in memory only") && it.contains("cannot store"))
        .unwrap();
    weigh_and_rest(130);
    page.wait_until(|it| it.contains("130")).unwrap();
    let alerts = story.agency.alerts().unwrap();
    let alert = alerts.iter().find(|it| it["rule"] == "weight-high").unwrap();
    let id = alert["alert"].as_str().unwrap();
    story.agency.acknowledge(HUB, id, "Nurse N.").unwrap();
    page.wait_until(|it| it.contains("Acknowledged by <strong>Nurse N.")).unwrap();
    // The control: the ledger on the disk does not have it, and this check sees that.
    let of_memory = [first_in_memory.to_string(), "130".to_owned()];
    let has_all = || weights(&disk).ends_with(&of_memory);
    assert!(!has_all());

    let mark = hub.mark();
    for file in fs::read_dir(&disk).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().starts_with("filler") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    hub.wait_for_lines(mark, "storage can be written again", 1, WAIT_MAX).unwrap();
    assert!(has_all(), "{:?}", weights(&disk));
    weigh_and_rest(71);
    page.wait_until(|it| !it.contains("cannot store")).unwrap();
    story.home.stop_hub().unwrap();
}
