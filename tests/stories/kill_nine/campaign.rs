//! A home and an agency of which a part is killed again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use firmware_sim::bluez::Delivery;
use harness::agency::{Agency, LivePage};
use harness::audit::{self, Books, Lane};
use harness::broker::{Broker, Kind};
use harness::clock::{StartOfTime, pass};
use harness::delivery;
use harness::home::{HUB, Home};
use harness::process::{Mark, Process};
use harness::program::Program;
use harness::story::Story;
use harness::traffic::{self, CUFF, SCALE, Taken, Traffic};
use serde_json::Value;
use tempfile::TempDir;

use crate::by_id;
use crate::outcome::Outcome;

/// How long the hub may take to commit some readings, or to hear from the agency again.
const PROGRESS_MAX: Duration = Duration::from_secs(60);

/// Most readings between two kills, and while something is dead.
const READINGS_MAX: usize = 12;

/// Longest random wait behind the last of those readings: some commits and some round trips.
const SPIN_MAX_US: u64 = 40_000;

/// Longest life of a program that is killed while it starts.
const START_US: u64 = 150_000;

/// What the hub says when a reading is in the ledger.
const RECORDED: &str = "reading recorded";

/// What the hub says when the agency told what it holds.
const RECEIPT: &str = "receipt taken in";

#[derive(Debug, Clone, Copy)]
enum Victim {
    Hub,
    Station,
    Broker,
}

impl Victim {
    const ALL: [Self; 3] = [Self::Hub, Self::Station, Self::Broker];
}

/// A running round.
pub(crate) struct Campaign {
    traffic: Traffic,
    home: Home,
    agency: Agency,
    broker: Broker,
    directory: TempDir,
    random: Rng,
    start: StartOfTime,
    outcome: Outcome,
    /// Who acknowledged which alert, as the station agreed.
    acknowledged: BTreeMap<String, String>,
}

impl Campaign {
    /// Sets the scene; hub and station are killed once already while they make their databases.
    pub(crate) fn begin(program: &Program, kind: Kind, seed: u64) -> anyhow::Result<Self> {
        let start = StartOfTime::now();
        let mut random = Rng::with_seed(seed);
        let Story { mut home, mut agency, broker, directory } =
            Story::set(program, kind, &traffic::devices())?;
        agency.begin_station()?;
        home.begin_hub()?;
        pass(Duration::from_micros(random.u64(0..START_US)));
        agency.kill_station()?;
        home.kill_hub()?;
        agency.start_station()?;
        home.start_hub()?;
        let traffic = Traffic::begin(home.simulator())?;
        let outcome = Outcome { n_starting: 2, ..Outcome::default() };
        let acknowledged = BTreeMap::new();
        Ok(Self { traffic, home, agency, broker, directory, random, start, outcome, acknowledged })
    }

    /// Kills something `cycles` times, and checks in the end what became of everything.
    pub(crate) fn run(mut self, cycles: u32) -> anyhow::Result<Outcome> {
        for cycle in 1..=cycles {
            self.cycle().with_context(|| format!("in cycle {cycle}"))?;
        }
        self.finish()
    }

    /// Kills one of them, now and then another one while the first is dead, and starts them again.
    fn cycle(&mut self) -> anyhow::Result<()> {
        let mut victims = Victim::ALL;
        self.random.shuffle(&mut victims);
        let n_victims = match self.random.u8(0..8) {
            0 => 3,
            1 | 2 => 2,
            _more => 1,
        };
        let victims = victims.get_mut(..n_victims).unwrap_or_default();
        let mark = self.hub()?.mark();
        if self.random.bool() {
            self.acknowledge_something()?;
        }
        for victim in victims.iter() {
            self.let_readings_come(mark)?;
            self.kill(*victim)?;
            if self.random.u8(0..8) == 0 {
                self.kill_at_start(*victim)?;
            }
        }
        let mark = self.home.hub().map(Process::mark).unwrap_or_default();
        self.let_readings_come(mark)?;
        self.random.shuffle(victims);
        for victim in victims.iter() {
            self.restart(*victim)?;
        }
        // Now and then the next kill comes before things are as they were.
        if self.random.u8(0..4) != 0 {
            self.hub()?.wait_for_lines(mark, RECEIPT, 1, PROGRESS_MAX)?;
        }
        Ok(())
    }

    /// Waits for some readings after `mark`, unless the hub is dead, and for a moment behind them.
    fn let_readings_come(&mut self, mark: Mark) -> anyhow::Result<()> {
        let n_readings = self.random.usize(0..=READINGS_MAX);
        let spin = Duration::from_micros(self.random.u64(0..SPIN_MAX_US));
        if let Some(hub) = self.home.hub() {
            hub.wait_for_lines(mark, RECORDED, n_readings, PROGRESS_MAX)?;
        }
        pass(spin);
        Ok(())
    }

    fn hub(&self) -> anyhow::Result<&Process> {
        self.home.hub().context("the hub does not run")
    }

    fn kill(&mut self, victim: Victim) -> anyhow::Result<()> {
        match victim {
            Victim::Hub => {
                self.outcome.n_hub += 1;
                self.home.kill_hub()
            }
            Victim::Station => {
                self.outcome.n_station += 1;
                self.agency.kill_station()
            }
            Victim::Broker => {
                self.outcome.n_broker += 1;
                self.broker.kill()
            }
        }
    }

    /// Starts a program and kills it again before it is ready, or just then.
    fn kill_at_start(&mut self, victim: Victim) -> anyhow::Result<()> {
        let life = Duration::from_micros(self.random.u64(0..START_US));
        match victim {
            Victim::Hub => {
                self.home.begin_hub()?;
                pass(life);
                self.home.kill_hub()?;
            }
            Victim::Station => {
                self.agency.begin_station()?;
                pass(life);
                self.agency.kill_station()?;
            }
            Victim::Broker => {
                self.broker.resume()?;
                pass(life);
                self.broker.kill()?;
            }
        }
        self.outcome.n_starting += 1;
        Ok(())
    }

    fn restart(&mut self, victim: Victim) -> anyhow::Result<()> {
        match victim {
            Victim::Hub => self.home.start_hub(),
            Victim::Station => self.agency.start_station(),
            Victim::Broker => self.broker.resume(),
        }
    }

    /// A nurse takes on the first alert that waits for one.
    fn acknowledge_something(&mut self) -> anyhow::Result<()> {
        let alerts = self.agency.alerts()?;
        let waits = |it: &&Value| {
            let is_waiting = it["standing"] == "active" || it["standing"] == "latched";
            is_waiting && it["order"]["progress"] != "on-its-way"
        };
        let Some(alert) = alerts.iter().find(waits) else { return Ok(()) };
        let id = alert["alert"].as_str().context("an alert without an id")?;
        let by = format!("Nurse {}", self.acknowledged.len() + 1);
        self.agency.acknowledge(HUB, id, &by)?;
        let before = self.acknowledged.insert(id.to_owned(), by);
        ensure!(before.is_none(), "alert {id} was acknowledged by {before:?} and waits again");
        Ok(())
    }

    /// Lets everything come to rest, and compares.
    fn finish(mut self) -> anyhow::Result<Outcome> {
        let taken = self.traffic.end()?;
        // What does not come to rest is compared all the same: that says what is missing.
        let rest = come_to_rest(&mut self.home, &self.agency, &taken);
        let listings = Listings {
            readings: (self.home.list(&["readings"])?, self.agency.readings()?),
            alerts: (self.home.list(&["alerts"])?, self.agency.alerts()?),
            hubs: self.agency.get("/api/hubs")?,
        };
        self.home.stop_hub()?;
        self.agency.stop_station()?;
        let status = self.home.list(&["status"])?;
        let hub = Books::of_hub(&self.home.ledger_path())?;
        let station = Books::of_station(&self.agency.database_path(), HUB)?;

        let mut outcome = self.outcome;
        outcome.problems.extend(rest.err().map(|error| format!("{error:#}")));
        outcome.problems.extend(audit::differences(&hub, &station));
        outcome.problems.extend(listings.problems(&self.acknowledged));
        if status.first().is_none_or(|it| it["waiting"] != 0) {
            outcome.problems.push(format!("the hub ends with records that wait: {status:?}"));
        }
        outcome.n_acknowledged = self.acknowledged.len();
        outcome.account_for(&taken, &hub)?;
        outcome.took = self.start.elapsed();
        if !outcome.problems.is_empty() {
            let kept = self.directory.keep();
            std::fs::write(kept.join("delivered.txt"), delivered_lines(&taken.delivered))?;
            outcome.problems.push(format!("both databases are kept in {}", kept.display()));
        }
        Ok(outcome)
    }
}

/// What left the cuff, a value a line.
fn delivered_lines(delivered: &[Delivery]) -> String {
    let line = |it: &Delivery| {
        format!("{} {:?} {}\n", hex::encode(&it.bytes), it.generation, it.is_expected)
    };
    delivered.iter().map(line).collect()
}

impl Outcome {
    /// Compares what was committed with what was measured.
    fn account_for(&mut self, taken: &Taken, hub: &Books) -> anyhow::Result<()> {
        let (readings, starts) = (hub.readings()?, hub.starts()?);
        let Taken { cuff, delivered, n_replayed, scale } = taken;
        let missing = delivery::missing(CUFF, cuff, delivered, &readings, &starts);
        self.problems.extend(missing.lost);
        for (device, measured) in [(CUFF, cuff), (SCALE, scale)] {
            for bytes in delivery::invented(device, measured, &readings) {
                self.problems.push(format!("nobody measured {}", hex::encode(bytes)));
            }
        }
        self.problems.extend(audit::shown_twice(&readings));
        self.n_readings = readings.len();
        self.n_transitions = hub.count(Lane::Alert);
        self.n_cuff = cuff.len();
        self.n_replayed = *n_replayed;
        self.n_confirmed_before_commit = missing.n_excused;
        self.n_lines = scale.len();
        // The scale keeps nothing, and what the kernel keeps of its line the next life may hear.
        self.n_lines_lost = delivery::unrecorded(SCALE, scale, &readings);
        Ok(())
    }
}

/// What hub and station say.
struct Listings {
    readings: (Vec<Value>, Vec<Value>),
    alerts: (Vec<Value>, Vec<Value>),
    hubs: Value,
}

impl Listings {
    fn problems(&self, acknowledged: &BTreeMap<String, String>) -> Vec<String> {
        let mut found = audit::listed_differently(&self.readings.0, &self.readings.1);
        found.extend(audit::stand_differently(&self.alerts.0, &self.alerts.1));
        for counter in ["quarantined", "unread", "damaged"] {
            if self.hubs[counter] != 0 {
                found.push(format!("the station counts {} {counter}", self.hubs[counter]));
            }
        }
        let alerts = by_id(&self.alerts.0);
        for (id, by) in acknowledged {
            let stands = alerts.get(id).is_some_and(|alert| {
                let is_taken = alert["standing"] == "acknowledged" || alert["standing"] == "done";
                is_taken && alert["by"] == by.as_str()
            });
            if !stands {
                found.push(format!("{by} acknowledged {id}, which is now {:?}", alerts.get(id)));
            }
        }
        found
    }
}

/// Waits until the agency holds everything, and the hub knows it.
fn come_to_rest(home: &mut Home, agency: &Agency, taken: &Taken) -> anyhow::Result<()> {
    let page = agency.watch()?;
    wait_until(&page, || is_at_rest(taken, home, agency))?;
    // A last kill: the hub learns anew what the agency holds, and writes it down when it ends.
    home.kill_hub()?;
    home.start_hub()?;
    home.hub().context("the hub does not run")?.wait_for_line(" unconfirmed=0", PROGRESS_MAX)?;
    wait_until(&page, || is_all_held(home, agency))
}

/// Looks again whenever the page shows something new.
fn wait_until(
    page: &LivePage,
    mut condition: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut failed = None;
    page.wait_until(|_board| condition().map_err(|error| failed = Some(error)).unwrap_or(true))
        .context("things do not come to rest")?;
    failed.map_or(Ok(()), Err)
}

/// Whether the hub has committed the last of what was measured, and the agency holds it all.
pub(crate) fn is_at_rest(taken: &Taken, home: &Home, agency: &Agency) -> anyhow::Result<bool> {
    let readings = home.list(&["readings"])?;
    let is_committed = |measured: &[Vec<u8>]| {
        let raw = measured.last().map(hex::encode);
        readings.iter().rev().any(|it| it["raw"].as_str() == raw.as_deref())
    };
    let is_over = is_committed(&taken.cuff) && is_committed(&taken.scale);
    Ok(is_over && is_all_held(home, agency)?)
}

/// Whether the agency holds every record of the hub's ledger, and every order has had its effect.
pub(crate) fn is_all_held(home: &Home, agency: &Agency) -> anyhow::Result<bool> {
    let status = home.list(&["status"])?;
    let status = status.first().context("no status")?;
    let hubs = agency.get("/api/hubs")?;
    let of_hub = hubs["hubs"].as_array().into_iter().flatten().find(|it| it["hub"] == HUB);
    let ledgers = of_hub.and_then(|it| it["ledgers"].as_array()).into_iter().flatten();
    let is_held = ledgers
        .into_iter()
        .any(|it| it["epoch"] == status["epoch"] && it["held"] == status["records"]);
    let is_done = |it: &Value| it["order"]["progress"] != "on-its-way";
    Ok(is_held && agency.alerts()?.iter().all(is_done))
}
