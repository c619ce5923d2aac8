//! Silence is an alarm at both ends: on the nurses' page when a home says nothing, and at home when
//! the agency does not.
//!
//! The times of this story are short; the defaults are a sign of life every 30 s and 90 s of silence.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::time::Duration;

use harness::clock::StartOfTime;
use harness::process::{Mark, Process};
use harness::program::Program;
use harness::story::{Story, brokers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Silence that both ends bear in this story.
const LIMIT: Duration = Duration::from_secs(3);

/// How much later than that it may be noticed on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

const STATION: &str = "[watch]\nhub_silence_limit_s = 3\nheartbeat_s = 1\n";
const HUB: &str = "[watch]\nheartbeat_s = 1\nagency_silence_limit_s = 3\ntest_alarm_after_s = 1\n";

fn append(path: &std::path::Path, text: &str) {
    let config = fs::read_to_string(path).unwrap();
    // Before the first table of a list, as people write it.
    fs::write(path, format!("{text}{config}")).unwrap();
}

fn signal(process: &Process, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
}

/// Waits until the hub has said `text` after `mark`.
#[track_caller]
fn hear(story: &Story, mark: Mark, text: &str) {
    story.home.hub().unwrap().wait_for_lines(mark, text, 1, 2 * (LIMIT + SLACK)).unwrap();
}

fn open_alarms(story: &Story) -> Vec<Value> {
    story.agency.get("/api/alarms").unwrap()["open"].as_array().unwrap().clone()
}

fn agency_in_the_eyes_of_the_hub(story: &Story) -> Value {
    story.home.list(&["status"]).unwrap()[0]["live"]["agency"].clone()
}

#[test]
fn silence_is_an_alarm_at_both_ends_and_ends_by_itself() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    for kind in brokers() {
        let mut story = Story::set(&program, kind, &[]).unwrap();
        append(&story.directory().join("agency/station.toml"), STATION);
        append(&story.directory().join("home/gateway.toml"), HUB);
        story.agency.start_station().unwrap();
        let page = story.agency.watch().unwrap();
        assert_eq!(open_alarms(&story), [] as [Value; 0], "a home that was never heard");
        story.home.start_hub().unwrap();

        // The test alarm goes the whole way and back.
        hear(&story, Mark::default(), "rule=test-alarm state=\"cleared\"");
        let alerts = story.home.list(&["alerts"]).unwrap();
        let test_alarm = alerts.iter().find(|it| it["rule"] == "test-alarm").unwrap();
        assert_eq!(
            (&test_alarm["standing"], &test_alarm["by"]),
            (&"done".into(), &"vitalstation".into())
        );
        page.wait_until(|board| board.contains("Test alarm arrived")).unwrap();
        assert_eq!(story.agency.alerts().unwrap(), [] as [Value; 0], "no nurse has to see it");
        assert_eq!(agency_in_the_eyes_of_the_hub(&story), "sees-this-hub");

        // The hub dies.
        let dead = StartOfTime::now();
        story.home.kill_hub().unwrap();
        page.wait_until(|board| board.contains("data-alarm=\"hub-silent\"")).unwrap();
        let noticed = dead.elapsed();
        println!("{kind:?}: a dead hub is an alarm after {:.1} s", noticed.as_secs_f64());
        assert!(noticed < LIMIT + SLACK, "{noticed:?}");
        let alarms = open_alarms(&story);
        let [alarm] = alarms.as_slice() else { panic!("{alarms:?}") };
        assert_eq!((&alarm["kind"], &alarm["hub"]), (&"hub-silent".into(), &"hub-1".into()));
        assert!(alarm["text"].as_str().unwrap().contains("Its connection has ended"), "{alarm}");

        // A station that is killed neither forgets nor doubles it.
        story.agency.kill_station().unwrap();
        story.agency.start_station().unwrap();
        let page = story.agency.watch().unwrap();
        assert_eq!(open_alarms(&story)[0]["began_at"], alarm["began_at"]);
        story.home.start_hub().unwrap();
        page.wait_until(|board| !board.contains("data-alarm")).unwrap();
        assert_eq!(open_alarms(&story), [] as [Value; 0]);
        let ended = &story.agency.get("/api/alarms").unwrap()["ended"];
        assert_eq!(
            (ended.as_array().unwrap().len(), &ended[0]["began_at"]),
            (1, &alarm["began_at"])
        );

        // The station stands still, and the connection of the hub does not end by that.
        hear(&story, Mark::default(), "receipt taken in");
        let (mark, stopped) = (story.home.hub().unwrap().mark(), StartOfTime::now());
        let station = story.agency.station().unwrap();
        signal(station, Signal::SIGSTOP);
        hear(&story, mark, "the agency cannot see this hub");
        let noticed = stopped.elapsed();
        println!("{kind:?}: a stopped station shows at home after {:.1} s", noticed.as_secs_f64());
        assert!(noticed < LIMIT + SLACK, "{noticed:?}");
        assert_eq!(agency_in_the_eyes_of_the_hub(&story), "cannot-see-this-hub");
        signal(station, Signal::SIGCONT);
        hear(&story, mark, "the agency sees this hub again");
        assert_eq!(agency_in_the_eyes_of_the_hub(&story), "sees-this-hub");

        // Nobody answers for a daemon that does not run.
        story.home.kill_hub().unwrap();
        assert!(story.home.list(&["status"]).unwrap()[0]["live"].is_null());
    }
}
