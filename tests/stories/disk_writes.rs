//! One flush and at most 10 KB to the disk for a lone reading.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::time::Duration;

use firmware_sim::device::{Device, Measurement, Timing, and_scale};
use harness::home::{Home, HomeDevice};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers};
use harness::trace::{Trace, Writes};
use rust_decimal::Decimal;

/// Most bytes that a lone reading may cost, and most on average with all that comes later.
const LEN_BYTES_MAX: u64 = 10 * 1024;

/// Readings before the one that is looked at.
const WARM_UP: usize = 10;

/// Readings in a row: enough for the write-ahead log to be copied into the database.
const IN_A_ROW: usize = 300;

const CUFF: &str = "C0:FF:EE:00:00:01";

/// How long one reading may take to be held by the agency.
const READING_MAX: Duration = Duration::from_secs(30);

/// What the hub says when the agency holds everything.
const AT_REST: &str = " unconfirmed=0";

fn devices() -> [HomeDevice; 2] {
    let cuff = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let scale = Device::serial_replay("scale", "scale");
    [
        HomeDevice::bluetooth(cuff, "and-ua-651ble", CUFF, CLIENT),
        HomeDevice::serial(scale, "and-uc-321", "scale", CLIENT),
    ]
}

/// A weight that is not near the one before, so that it is a weighing of its own.
fn weigh(home: &Home, n: usize) {
    let weight = Decimal::from(60 + n % 50);
    let line = and_scale::line("ST", weight, "kg").unwrap().into_bytes();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.replay(vec![line])).unwrap();
}

/// Measures a blood pressure, whose records are known again by their content.
fn measure(home: &Home, n: usize) {
    let cuff = home.simulator().device("cuff").unwrap();
    let systolic = 100 + u16::try_from(n).unwrap();
    home.perform(cuff.measure(Measurement::blood_pressure(systolic, 70, 60))).unwrap();
    home.perform(cuff.wait_until(|it| it.records_pending == 0 && !it.connected)).unwrap();
}

/// Lets the hub take one reading and come to rest.
fn alone(home: &Home, take: impl FnOnce(&Home)) {
    let mark = home.hub().unwrap().mark();
    take(home);
    home.hub().unwrap().wait_for_lines(mark, AT_REST, 1, READING_MAX).unwrap();
}

/// Bytes that the kernel counts as written to disks by process `id`.
fn write_bytes(id: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{id}/io")).unwrap();
    let line = io.lines().find_map(|it| it.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

#[test]
fn a_lone_reading_costs_one_flush_and_at_most_10_kb() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let Some(kind) = brokers().first().copied() else { return };
    let mut story = Story::set(&program, kind, &devices()).unwrap();
    let Some((trace, launcher)) = Trace::launcher(&story.directory().join("trace")) else { return };
    story.agency.start_station().unwrap();
    story.home.start_hub_under(launcher).unwrap();
    let home = &story.home;
    home.hub().unwrap().wait_for_line(AT_REST, READING_MAX).unwrap();
    let scale = home.simulator().device("scale").unwrap();
    home.perform(scale.wait_until(|it| it.connected)).unwrap();

    for n in 0..WARM_UP {
        alone(home, |home| weigh(home, n));
        alone(home, |home| measure(home, n));
    }
    let before = write_bytes(home.hub().unwrap().id());
    alone(home, |home| weigh(home, WARM_UP));
    let between = write_bytes(home.hub().unwrap().id());
    alone(home, |home| measure(home, WARM_UP));
    let after = write_bytes(home.hub().unwrap().id());
    for n in 0..IN_A_ROW {
        alone(home, |home| weigh(home, n));
    }
    // A command beside the running hub sees at once that nothing waits.
    assert_eq!(home.list(&["status"]).unwrap()[0]["waiting"], 0);
    story.home.stop_hub().unwrap();

    let spans = trace.writes("ledger.db", AT_REST).unwrap();
    // The hub's own start comes first.
    let lone = &spans[1..];
    let weight = lone[2 * WARM_UP];
    let pressure = lone[2 * WARM_UP + 1];
    let row = &lone[2 * WARM_UP + 2..];
    assert_eq!(row.len(), IN_A_ROW);
    println!("a lone weight: {weight:?}, write_bytes {}", between - before);
    println!("a lone blood pressure: {pressure:?}, write_bytes {}", after - between);
    for lone in [weight, pressure] {
        assert_eq!((lone.n_fdatasync, lone.n_fsync), (1, 0), "{lone:?}");
        assert!(lone.len_bytes <= LEN_BYTES_MAX, "{lone:?}");
    }
    let sum = |of: fn(&Writes) -> u64| row.iter().map(of).sum::<u64>();
    let n_flushes = sum(|it| (it.n_fdatasync + it.n_fsync).try_into().unwrap());
    let len_bytes = sum(|it| it.len_bytes);
    let n = u64::try_from(IN_A_ROW).unwrap();
    println!("{n} weights, one after another: {n_flushes} flushes, {len_bytes} bytes");
    println!("on average {} bytes", len_bytes / n);
    assert!(len_bytes / n <= LEN_BYTES_MAX, "{len_bytes} bytes for {n} readings");
}
