//! How fast the parts are: a commit, the way up, the agency's intake, each beside what the machine
//! can do without us. `cargo bench --package system-tests` prints the figures; `VITALGATE_HUB` names a
//! hub as it ships, which is smaller than the demo that plays it else.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench speaks to a person")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use fastrand::Rng;
use firmware_sim::device::{Device, and_scale};
use gateway::store::{Lane, Store};
use harness::agency::AGENCY;
use harness::audit::Books;
use harness::backlog;
use harness::broker::Kind;
use harness::clock::StartOfTime;
use harness::home::{HUB, HomeDevice};
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use rust_decimal::Decimal;
use station::core::{self, Settings, Station};
use station::inbound::Delivery;
use vitals::wire::canonical;
use vitals::wire::primitive::Time;
use vitals::wire::topic::{AgencyTopics, Channel};
use vitals::wire::v1::{Envelope, Receipt};
use vitals::{Epoch, HubId, LocalInstant, SequenceRanges};

/// Commits that are measured.
const COMMITS: usize = 2_000;

/// Records of the way up.
const RECORDS: u32 = 1_000_000;

/// Records of the intake.
const TAKEN_IN: usize = 50_000;

/// Records that one receipt of the bare agency follows.
const RECEIPT_EVERY: u64 = 64;

/// Records of one transaction of the agency.
const BATCH: usize = 512;

const WAIT_MAX: Duration = Duration::from_secs(600);

fn main() {
    let story = ledger_after_an_outage();
    let books = Books::of_hub(&story.home.ledger_path()).unwrap();
    let readings = books.records.values().filter(|it| it.lane == harness::audit::Lane::Reading);
    let payloads: Vec<_> = readings.map(|it| it.payload.clone()).collect();
    commits(&payloads);
    intake(&payloads[..TAKEN_IN]);
    way_up(story, &payloads);
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

fn rate(n: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(n).unwrap()) / took.as_secs_f64()
}

/// A home whose hub has [`RECORDS`] readings that nobody holds.
fn ledger_after_an_outage() -> Story {
    let scale =
        HomeDevice::serial(Device::serial_replay("scale", "scale"), "and-uc-321", "scale", CLIENT);
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let program = match std::env::var_os("VITALGATE_HUB") {
        Some(hub) => program.with_hub(hub),
        None => program,
    };
    let mut story = Story::set(&program, Kind::Mosquitto, &[scale]).unwrap();
    story.home.start_hub().unwrap();
    let scale = story.home.simulator().device("scale").unwrap();
    let line = and_scale::line("ST", Decimal::from(60), "kg").unwrap().into_bytes();
    story.home.perform(scale.wait_until(|it| it.connected)).unwrap();
    story.home.perform(scale.replay(vec![line])).unwrap();
    let hub = story.home.hub().unwrap();
    assert!(hub.says(Mark::default(), &["reading recorded"], WAIT_MAX));
    story.home.stop_hub().unwrap();
    backlog::make(&story.home.ledger_path(), RECORDS, Rng::with_seed(1)).unwrap();
    story
}

/// The commit of one reading beside one `fdatasync` of as many bytes on the same disk.
fn commits(payloads: &[Vec<u8>]) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("ledger.db")).unwrap();
    let bare = File::create(directory.path().join("bare")).unwrap();
    let page = vec![1; 4096];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (nth, payload) in (0..).zip(payloads.iter().cycle().take(COMMITS)) {
        let start = StartOfTime::now();
        let mut ledger = store.begin().unwrap();
        ledger.append(Lane::Reading, payload).unwrap();
        ledger.commit().unwrap();
        ours.push(start.elapsed());
        let start = StartOfTime::now();
        bare.write_all_at(&page, nth * 4096).unwrap();
        bare.sync_data().unwrap();
        theirs.push(start.elapsed());
    }
    let (ours_50, theirs_50) = (percentile(&mut ours, 50), percentile(&mut theirs, 50));
    println!(
        "commit of one reading: p50 {ours_50:?}, p99 {:?}; one write of 4 KiB with fdatasync: p50 \
         {theirs_50:?}, p99 {:?}; ratio {:.2}",
        percentile(&mut ours, 99),
        percentile(&mut theirs, 99),
        ours_50.as_secs_f64() / theirs_50.as_secs_f64(),
    );
}

fn topics() -> AgencyTopics {
    AgencyTopics::new("vitalgate/v1", AGENCY.parse().unwrap()).unwrap()
}

/// The agency's core with its database.
fn intake(payloads: &[Vec<u8>]) {
    let directory = tempfile::tempdir().unwrap();
    let store = station::store::Store::open(&directory.path().join("station.db")).unwrap();
    let settings = Settings {
        topics: topics(),
        key: SigningKey::from_bytes(&[7; 32]),
        repeat_after: Duration::from_secs(15),
        expires_after: Duration::from_secs(86_400),
        watch: core::Watch::default(),
        plans: Vec::new(),
    };
    let now = station::clock::now();
    let mut station = Station::open(now, settings, store).unwrap();
    let topic = topics().of(&HUB.parse().unwrap(), Channel::Reading);
    let start = StartOfTime::now();
    for batch in payloads.chunks(BATCH) {
        let delivery = |payload: &Vec<u8>| Delivery {
            topic: topic.clone(),
            payload: payload.clone(),
            is_retained: false,
        };
        let deliveries = batch.iter().map(delivery).collect();
        station.step(now, &core::Event::Delivered(deliveries)).unwrap();
    }
    let took = start.elapsed();
    println!(
        "intake of the agency in batches of {BATCH}: {:.0} readings a second",
        rate(payloads.len(), took)
    );
}

fn options(id: &str, port: u16) -> MqttOptions {
    let mut options = MqttOptions::new(id, "127.0.0.1", port);
    options.set_max_packet_size(Some(64 * 1024));
    options.set_outgoing_inflight_upper_limit(100);
    options
}

/// An agency without a database: it takes everything of `hub` and answers with receipts. Tells when
/// it has `n` records.
fn bare_agency(port: u16, hub: &'static str, n: u64) -> mpsc::Receiver<()> {
    let name = format!("agency-of-{hub}");
    let (client, mut connection) = Client::new(options(&name, port), 1000);
    let (ready, is_ready) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    let hub: HubId = hub.parse().unwrap();
    for channel in [Channel::Reading, Channel::Alert, Channel::Event] {
        client.try_subscribe(topics().of(&hub, channel), QoS::AtLeastOnce).unwrap();
    }
    let receipts = topics().of(&hub, Channel::Receipt);
    thread::spawn(move || {
        let mut held = SequenceRanges::new();
        let mut n_taken = 0;
        for event in connection.iter().map_while(Result::ok) {
            let it = match event {
                Event::Incoming(Packet::Publish(it)) => it,
                Event::Incoming(Packet::SubAck(_)) => {
                    ready.send(()).unwrap_or_default();
                    continue;
                }
                Event::Incoming(_) | Event::Outgoing(_) => continue,
            };
            let envelope: Envelope = canonical::decode(&it.payload).unwrap();
            held.insert(envelope.seq..=envelope.seq);
            n_taken += 1;
            let is_all = n <= held.iter().map(|it| it.end() - it.start() + 1).sum();
            if n_taken % RECEIPT_EVERY == 0 || is_all {
                let epoch = Epoch(envelope.epoch.0.try_into().unwrap());
                let at = Time(LocalInstant::utc(station::clock::now()));
                let receipt = Receipt::new(&hub, epoch, &held, at);
                let receipt = canonical::encode(&receipt).unwrap();
                client.try_publish(&receipts, QoS::AtLeastOnce, false, receipt).unwrap();
            }
            if is_all {
                // The other side may have ended.
                done.send(()).unwrap_or_default();
            }
        }
    });
    (0..3).for_each(|_channel| is_ready.recv_timeout(WAIT_MAX).unwrap());
    is_done
}

/// The way of the backlog to an agency that costs nothing, beside the one of a bare client that has
/// the same bytes in memory. The bare client is done when the broker has acknowledged everything,
/// also what it drops then because the agency is slower; the hub when the agency has it.
fn way_up(mut story: Story, payloads: &[Vec<u8>]) {
    let port = story.broker.port();
    let _never_done = bare_agency(port, "bare", u64::MAX);
    let (client, mut connection) = Client::new(options("bare", port), 256);
    let topic = topics().of(&"bare".parse().unwrap(), Channel::Reading);
    let mine = payloads.to_vec();
    let start = StartOfTime::now();
    thread::spawn(move || {
        for payload in mine {
            client.publish(&topic, QoS::AtLeastOnce, false, payload).unwrap();
        }
    });
    let acknowledged = connection
        .iter()
        .filter(|it| matches!(it, Ok(Event::Incoming(Packet::PubAck(_)))))
        .take(payloads.len());
    assert_eq!(acknowledged.count(), payloads.len());
    let bare = rate(payloads.len(), start.elapsed());

    let n = Store::open(&story.home.ledger_path()).unwrap().last_seq();
    let done = bare_agency(port, HUB, n + 1);
    let mut launcher = Command::new("env");
    launcher.arg("VITALGATE_LOG=info");
    story.home.start_hub_under(launcher).unwrap();
    let hub = story.home.hub().unwrap();
    hub.wait_for_line("agency connection up", WAIT_MAX).unwrap();
    let start = StartOfTime::now();
    done.recv_timeout(WAIT_MAX).unwrap();
    let drained = rate(payloads.len(), start.elapsed());
    let hub = story.home.hub().unwrap();
    println!(
        "way up of {} records to an agency that costs nothing: {drained:.0} a second, the hub at \
         most {} KiB; a bare client: {bare:.0}; ratio {:.2}",
        payloads.len(),
        hub.peak_kib().unwrap(),
        drained / bare
    );
    story.home.stop_hub().unwrap();
}
