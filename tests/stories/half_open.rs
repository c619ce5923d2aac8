//! A connection that has died without a word is noticed within 35 seconds, and nothing is lost.
//!
//! The keep-alive of these stories is 5 s; the default of 15 s takes up to 30 s.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::time::Duration;

use firmware_sim::device::{Device, Measurement, Timing};
use harness::agency::LivePage;
use harness::broker::Kind;
use harness::clock::StartOfTime;
use harness::home::HomeDevice;
use harness::process::{Mark, Process};
use harness::program::Program;
use harness::proxy::Proxy;
use harness::story::{CLIENT, Story, brokers};

/// The promise.
const NOTICED_MAX: Duration = Duration::from_secs(35);

const CUFF: &str = "C0:FF:EE:00:00:01";

/// A home and an agency with a cuff; `part` reaches the broker by a proxy.
fn begin(part: &str) -> (Story, Proxy, LivePage) {
    let cuff = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let device = HomeDevice::bluetooth(cuff, "and-ua-651ble", CUFF, CLIENT);
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let kind = brokers().first().copied().unwrap_or(Kind::Embedded);
    let mut story = Story::set(&program, kind, &[device]).unwrap();
    let proxy = Proxy::start(story.broker.port()).unwrap();
    let path = story.directory().join(part);
    let config = fs::read_to_string(&path).unwrap();
    let port = |port: u16| format!("port = {port}\n");
    let config = config.replace(&port(story.broker.port()), &port(proxy.port()));
    fs::write(path, config).unwrap();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();
    measure(&story, 120);
    page.wait_until(|board| board.contains("120")).unwrap();
    (story, proxy, page)
}

fn measure(story: &Story, systolic: u16) {
    let cuff = story.home.simulator().device("cuff").unwrap();
    let pressure = Measurement::blood_pressure(systolic, 70, 60);
    story.home.perform(cuff.measure(pressure)).unwrap();
    story.home.perform(cuff.wait_until(|it| it.records_pending == 0)).unwrap();
}

#[track_caller]
#[expect(clippy::print_stdout, reason = "a figure for docs/reliability.md")]
fn check_noticed(who: &str, program: &Process, mark: Mark, text: &str, silent: StartOfTime) {
    program.wait_for_lines(mark, text, 1, NOTICED_MAX * 2).unwrap();
    let noticed = silent.elapsed();
    println!("{who} notices the silence after {:.1} s", noticed.as_secs_f64());
    assert!(noticed < NOTICED_MAX, "{noticed:?}");
}

#[test]
fn a_hub_whose_connection_died_silently_notices_and_so_does_the_agency() {
    let (story, proxy, page) = begin("home/gateway.toml");
    let hub = story.home.hub().unwrap();
    let (mark, silent) = (hub.mark(), StartOfTime::now());
    proxy.fall_silent();
    measure(&story, 131);
    check_noticed("the hub", hub, mark, "agency connection lost", silent);
    let is_offline =
        |_board: &str| story.agency.get("/api/hubs").unwrap()["hubs"][0]["presence"] == "offline";
    page.wait_until(is_offline).unwrap();
    println!("the agency sees the hub offline after {:.1} s", silent.elapsed().as_secs_f64());
    assert!(silent.elapsed() < NOTICED_MAX, "{:?}", silent.elapsed());

    let heard = StartOfTime::now();
    proxy.be_heard();
    // A hub says that it is there before it sends what waits.
    page.wait_until(|board| board.contains("131")).unwrap();
    println!("the reading arrives {:.1} s after the end of it", heard.elapsed().as_secs_f64());
    assert_eq!(story.agency.readings().unwrap().len(), 2);
    assert_eq!(story.agency.get("/api/hubs").unwrap()["hubs"][0]["presence"], "online");
}

#[test]
fn a_station_whose_connection_died_silently_notices_and_gets_all_of_it_later() {
    let (story, proxy, page) = begin("agency/station.toml");
    let station = story.agency.station().unwrap();
    let (mark, silent) = (station.mark(), StartOfTime::now());
    proxy.fall_silent();
    measure(&story, 131);
    check_noticed("the station", station, mark, "broker connection lost", silent);
    let is_shown =
        |_board: &str| story.agency.get("/api/hubs").unwrap()["broker"]["connected"] == false;
    page.wait_until(is_shown).unwrap();

    let heard = StartOfTime::now();
    proxy.be_heard();
    page.wait_until(|board| board.contains("131")).unwrap();
    println!("the reading arrives {:.1} s after the end of it", heard.elapsed().as_secs_f64());
    assert_eq!(story.agency.readings().unwrap().len(), 2);
}
