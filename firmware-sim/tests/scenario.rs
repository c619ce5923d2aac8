//! Stories told to a running simulation, much faster than they happen.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use firmware_sim::bus::{Broker, Bus};
use firmware_sim::scenario::{Action, Rounds, Scenario, run};
use firmware_sim::simulator::{Options, Simulator};

/// Far less than the twelve minutes that the longest story here takes by itself.
const LIMIT: Duration = Duration::from_secs(60);
const HOME: &str = include_str!("../../config/scenarios/one-home.toml");
const BAD_DAY: &str = include_str!("../../config/scenarios/bad-day.toml");

struct Home {
    sim: Simulator,
    _bus: Bus,
    _ports: tempfile::TempDir,
}

impl Home {
    async fn new(story: &Scenario, speed: u32, seed: u64) -> Self {
        let bus = Bus::start(Broker::Any).await.unwrap();
        let ports = tempfile::tempdir().unwrap();
        let mut options = Options::new(ports.path()).on_bus(bus.address());
        options.speed = speed.try_into().unwrap();
        options.seed = seed;
        let sim = Simulator::start(options, story.devices()).await.unwrap();
        Self { sim, _bus: bus, _ports: ports }
    }

    async fn tell(&self, story: &Scenario, rounds: Rounds) -> Vec<String> {
        let mut lines = Vec::new();
        let telling = run(&self.sim, story, rounds, |event| lines.push(event.to_string()));
        tokio::time::timeout(LIMIT, telling).await.expect("the story ends").unwrap();
        lines
    }
}

#[tokio::test]
async fn minutes_are_told_in_seconds_and_in_the_same_order_each_time() {
    let story = Scenario::parse(HOME).unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let home = Home::new(&story, 1000, 7).await;
        told.push(home.tell(&story, Rounds::Only(4)).await);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].len(), 12 + 3 * 6);
    assert_eq!(told[0][2], "      8.0 s  cuff: measures 184/121, pulse 96");
    let other = Home::new(&story, 1000, 8).await.tell(&story, Rounds::Only(4)).await;
    assert_ne!(told[0], other, "another seed tells other values");
    assert_eq!(told[0][..12], other[..12], "the first round is as it is written");
}

#[tokio::test]
async fn devices_measure_what_the_story_says() {
    let story = Scenario::parse(HOME).unwrap();
    let home = Home::new(&story, 1000, 1).await;
    home.tell(&story, Rounds::Only(1)).await;
    for device in home.sim.devices() {
        let n_measured = story
            .steps()
            .iter()
            .filter(|step| step.device.as_deref() == Some(device.name()))
            .filter(|step| matches!(step.action, Action::Measure(_)))
            .count();
        let counted = device.counters().measurements;
        assert_eq!(counted, u64::try_from(n_measured).unwrap(), "{}", device.name());
    }
    let cuff = home.sim.device("cuff").unwrap();
    assert_eq!(cuff.counters().records_pending, 5, "nobody has fetched them");
}

#[tokio::test]
async fn a_bad_day_can_be_told_to_its_end() {
    let story = Scenario::parse(BAD_DAY).unwrap();
    let home = Home::new(&story, 1000, 1).await;
    let told = home.tell(&story, Rounds::Endless).await;
    assert_eq!(told.len(), story.steps().len());
    assert_eq!(home.sim.device("thermometer").unwrap().counters().missed_wakes, 1);
    assert!(home.sim.bluez().counters().running);
}

#[tokio::test]
async fn a_story_of_other_devices_cannot_be_told() {
    let home = Home::new(&Scenario::parse(HOME).unwrap(), 1000, 1).await;
    let story = Scenario::parse(BAD_DAY).unwrap();
    let telling = run(&home.sim, &story, Rounds::Endless, |_event| ());
    let stopped = tokio::time::timeout(LIMIT, telling).await.expect("it ends").unwrap_err();
    assert_eq!(
        stopped.to_string(),
        "failed at 20.0 s of the story: the next value will be sent twice"
    );
}
