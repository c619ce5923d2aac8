//! A home with a scale, its agency, and one fault at a time in one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use firmware_sim::device::{Device, and_scale};
use harness::agency::Agency;
use harness::audit::{self, Books, Lane};
use harness::broker::{Broker, Kind};
use harness::clock::StartOfTime;
use harness::fault::{Point, Thread, Watch};
use harness::home::{HUB, Home, HomeDevice, Setting, TIME_ZONE};
use harness::process::{Mark, Process};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers, weight_plan};
use rust_decimal::Decimal;
use tempfile::TempDir;

/// The rule of that plan.
const RULE: &str = "weight-high";

/// Name of the scale.
const SCALE: &str = "scale";

/// What the hub says when a reading is in the ledger.
const RECORDED: &str = "reading recorded";

/// What the hub says when the agency holds everything.
const AT_REST: &str = " unconfirmed=0";

/// What the station says when it can be used.
const READY: &str = "station ready";

/// Longest wait for an effect; a lost connection or a failed commit is tried again in less.
const EFFECT_MAX: Duration = Duration::from_secs(40);

/// How often it is looked whether a program has ended by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lines of a program that a problem is reported with.
const N_LINES: usize = 12;

/// Size of the ledger's pages, and of most of what is written to its log at once.
pub(crate) const PAGE_LEN_BYTES: u32 = 1024;

/// Which program meets the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    Hub,
    Station,
}

/// When it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// While one reading makes its way.
    Running,
    /// While it starts.
    Starting,
}

/// What became of one point.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether the program came to it.
    pub(crate) was_reached: bool,
    /// What is not as it should be afterwards.
    pub(crate) problems: Vec<String>,
}

/// The home, the agency, and what has to be true of them.
pub(crate) struct Rig {
    home: Home,
    agency: Agency,
    _broker: Broker,
    directory: TempDir,
    n_reports: u32,
    n_weighed: u32,
    /// Each line that the scale sent, and whether it is an alert.
    weighed: BTreeMap<Vec<u8>, bool>,
    /// The readings of which the hub said that they are in the ledger: epoch and number.
    committed: BTreeSet<(String, u64)>,
    /// Everything that was in the ledger after any point.
    ever: Books,
    n_ended_by_itself: u32,
    longest: Duration,
}

impl Rig {
    /// A home and an agency at rest.
    pub(crate) fn begin(program: &Program) -> anyhow::Result<Self> {
        let scale =
            HomeDevice::serial(Device::serial_replay(SCALE, SCALE), "and-uc-321", SCALE, CLIENT);
        let setting = Setting { zone: TIME_ZONE.to_owned(), plan: weight_plan(110, 100) };
        let kind = brokers().first().copied().unwrap_or(Kind::Embedded);
        let Story { home, mut agency, broker, directory } =
            Story::set_in(program, kind, &[scale], &setting)?;
        agency.start_station()?;
        let mut rig = Self {
            home,
            agency,
            _broker: broker,
            directory,
            n_reports: 0,
            n_weighed: 0,
            weighed: BTreeMap::new(),
            committed: BTreeSet::new(),
            ever: Books::default(),
            n_ended_by_itself: 0,
            longest: Duration::ZERO,
        };
        rig.start_hub()?;
        rig.weigh_and_rest()?;
        let problems = rig.audit()?;
        ensure!(problems.is_empty(), "wrong before any fault: {problems:?}");
        Ok(rig)
    }

    /// How often `victim` makes each call in an undisturbed run, by the thread that makes most.
    pub(crate) fn count(
        &mut self,
        victim: Victim,
        when: When,
        thread: Thread,
    ) -> anyhow::Result<BTreeMap<String, usize>> {
        let report = self.new_report();
        let watch = match when {
            When::Running => {
                let watch = Watch::count(self.process(victim)?.id(), thread, &report)?;
                self.weigh_and_rest()?;
                watch
            }
            When::Starting => self.start_watched(victim, None)?,
        };
        let counts = watch.end()?.counts();
        self.go_on(victim, when)?;
        Ok(counts)
    }

    /// Meets one point, goes on as usual, and looks what is wrong.
    pub(crate) fn meet(
        &mut self,
        victim: Victim,
        when: When,
        point: &Point,
    ) -> anyhow::Result<Outcome> {
        let start = StartOfTime::now();
        let watch = match when {
            When::Running => {
                let report = self.new_report();
                let watch = Watch::lie_in_wait(self.process(victim)?.id(), point, &report)?;
                let mark = self.hub()?.mark();
                self.weigh()?;
                self.await_rest_or_end(mark);
                watch
            }
            When::Starting => self.start_watched(victim, Some(point))?,
        };
        let was_reached = watch.end()?.was_reached();
        let rest = self.go_on(victim, when).and_then(|()| self.weigh_and_rest());
        let mut problems: Vec<_> = rest.err().map(|it| format!("{it:#}")).into_iter().collect();
        problems.extend(self.audit().unwrap_or_else(|it| vec![format!("{it:#}")]));
        self.longest = self.longest.max(start.elapsed());
        Ok(Outcome { was_reached, problems })
    }

    /// Meets a point that does not end the hub, then kills the hub, and looks what is wrong.
    pub(crate) fn meet_and_kill(&mut self, point: &Point) -> anyhow::Result<Vec<String>> {
        let report = self.new_report();
        let watch = Watch::lie_in_wait(self.hub()?.id(), point, &report)?;
        let mark = self.hub()?.mark();
        self.weigh()?;
        let is_recorded = self.hub()?.says(mark, &[RECORDED], EFFECT_MAX);
        ensure!(is_recorded, "the hub does not record");
        self.note_committed();
        self.home.kill_hub()?;
        drop(watch.end()?);
        let mut books = self.ever.clone();
        match Books::of_hub_ever(&self.home.ledger_path()) {
            Ok(ledger) => drop(books.add(ledger)),
            Err(error) => return Ok(vec![format!("{error:#}")]),
        }
        Ok(self.missing_in(&books))
    }

    /// A line about what the sweep went through.
    pub(crate) fn figures(&self) -> String {
        format!(
            "{} weighings, {} readings committed, {} ends with an error; longest point {:.1} s",
            self.n_weighed,
            self.committed.len(),
            self.n_ended_by_itself,
            self.longest.as_secs_f64(),
        )
    }

    fn new_report(&mut self) -> PathBuf {
        self.n_reports += 1;
        self.directory.path().join(format!("report-{}", self.n_reports))
    }

    fn hub(&self) -> anyhow::Result<&Process> {
        self.home.hub().context("the hub does not run")
    }

    fn process(&self, victim: Victim) -> anyhow::Result<&Process> {
        match victim {
            Victim::Hub => self.hub(),
            Victim::Station => self.agency.station().context("the station does not run"),
        }
    }

    /// Starts `victim` anew by `strace`, and waits until it is at rest or has ended.
    fn start_watched(&mut self, victim: Victim, point: Option<&Point>) -> anyhow::Result<Watch> {
        let report = self.new_report();
        let (watch, launcher) = Watch::launcher(point, &report)?;
        match victim {
            Victim::Hub => {
                self.note_committed();
                self.home.kill_hub()?;
                self.home.begin_hub_under(launcher)?;
                self.await_rest_or_end(Mark::default());
            }
            Victim::Station => {
                self.agency.kill_station()?;
                self.agency.begin_station_under(launcher)?;
                self.until(|it| it.agency.station().is_some_and(|it| says(it, READY)));
            }
        }
        Ok(watch)
    }

    fn await_rest_or_end(&mut self, mark: Mark) {
        self.until(|it| it.home.hub().is_some_and(|it| it.says(mark, &[AT_REST], LOOK_EVERY)));
    }

    /// Waits until `is_done`, or until a program has ended.
    fn until(&mut self, is_done: impl Fn(&Self) -> bool) {
        let start = StartOfTime::now();
        while !is_done(self)
            && self.home.hub_runs()
            && self.agency.station_runs()
            && start.elapsed() < EFFECT_MAX
        {}
    }

    /// Starts what has ended, or what was started under observation, once more and as usual.
    fn go_on(&mut self, victim: Victim, when: When) -> anyhow::Result<()> {
        self.note_committed();
        self.note_end();
        match (when, victim) {
            (When::Running, _) => {}
            (When::Starting, Victim::Station) => self.agency.kill_station()?,
            (When::Starting, Victim::Hub) => self.home.kill_hub()?,
        }
        self.restart_ended().map(drop)
    }

    /// Counts an end of the hub that it made itself.
    fn note_end(&mut self) {
        let says_why = self.home.hub().is_some_and(|it| it.output().contains("Error"));
        self.n_ended_by_itself += u32::from(!self.home.hub_runs() && says_why);
    }

    /// Starts what has ended, as systemd would; whether anything had.
    fn restart_ended(&mut self) -> anyhow::Result<bool> {
        self.note_committed();
        let has_station_ended = !self.agency.station_runs();
        if has_station_ended {
            self.agency.kill_station()?;
            self.agency.start_station()?;
        }
        let has_hub_ended = !self.home.hub_runs();
        if has_hub_ended {
            self.home.kill_hub()?;
            self.start_hub()?;
        }
        Ok(has_station_ended || has_hub_ended)
    }

    fn start_hub(&mut self) -> anyhow::Result<()> {
        self.home.start_hub()?;
        ensure!(
            self.hub()?.says(Mark::default(), &[AT_REST], EFFECT_MAX),
            "the hub's start does not reach the agency; hub and station said last:\n{}\n{}",
            last_lines(self.hub()?),
            last_lines(self.process(Victim::Station)?),
        );
        Ok(())
    }

    /// A weight, by turns one that is an alert and one that ends it.
    fn weigh(&mut self) -> anyhow::Result<()> {
        let n = self.n_weighed;
        self.n_weighed += 1;
        let is_alert = n.is_multiple_of(2);
        let grams = if is_alert { 120_000 } else { 60_000 } + i64::from(n) * 7 % 9_000;
        let line = and_scale::line("ST", Decimal::new(grams, 3), "kg")?.into_bytes();
        self.weighed.insert(line.trim_ascii_end().to_vec(), is_alert);
        let scale = self.home.simulator().device(SCALE)?;
        self.home.perform(scale.wait_until(|it| it.connected))?;
        self.home.perform(scale.replay(vec![line]))?;
        Ok(())
    }

    /// Weighs, and once more where a program then ended by itself: what failed before may end it late.
    fn weigh_and_rest(&mut self) -> anyhow::Result<()> {
        let mut mark = self.hub()?.mark();
        self.weigh()?;
        self.until(|it| it.has_come_to_rest(mark));
        if self.restart_ended()? {
            mark = self.hub()?.mark();
            self.weigh()?;
            self.until(|it| it.has_come_to_rest(mark));
        }
        ensure!(
            self.has_come_to_rest(mark),
            "the next reading does not come to rest; hub and station said last:\n{}\n{}",
            last_lines(self.hub()?),
            last_lines(self.process(Victim::Station)?),
        );
        Ok(())
    }

    fn has_come_to_rest(&self, mark: Mark) -> bool {
        self.home.hub().is_some_and(|it| it.says(mark, &[RECORDED, AT_REST], LOOK_EVERY))
    }

    /// Takes down what the hub says that it has committed.
    fn note_committed(&mut self) {
        let Some(hub) = self.home.hub() else { return };
        let output = hub.output();
        let said = output.lines().filter(|it| it.contains(RECORDED));
        let place = |line: &str| {
            let (_before, it) = line.rsplit_once("epoch=")?;
            let (epoch, seq) = it.split_once(" seq=")?;
            Some((epoch.to_owned(), seq.parse().ok()?))
        };
        self.committed.extend(said.filter_map(place));
    }

    /// Everything that is not as it should be.
    fn audit(&mut self) -> anyhow::Result<Vec<String>> {
        self.note_committed();
        let hub = Books::of_hub_ever(&self.home.ledger_path())?;
        let station = Books::of_station(&self.agency.database_path(), HUB)?;
        // What the hub removed to make room is compared as it was.
        let mut problems = self.ever.add(hub);
        problems.extend(audit::differences(&self.ever, &station));
        problems.extend(self.missing_in(&self.ever));
        let readings = self.ever.readings()?;
        problems.extend(audit::shown_twice(&readings));
        for reading in readings.values().filter(|it| !self.weighed.contains_key(&it.raw.0)) {
            problems.push(format!("nobody weighed {}", hex::encode(&reading.raw.0)));
        }
        let (at_home, at_agency) = (self.home.list(&["alerts"])?, self.agency.alerts()?);
        problems.extend(audit::stand_differently(&at_home, &at_agency));
        let of_weight = at_home.iter().filter(|it| it["rule"] == RULE);
        let is_active = of_weight.into_iter().any(|it| it["standing"] == "active");
        let last = readings.values().next_back().context("no reading")?;
        if self.weighed.get(&last.raw.0) != Some(&is_active) {
            problems.push(format!("the last weight does not fit the alerts: {at_home:?}"));
        }
        Ok(problems)
    }

    /// The readings of which the hub said that they are committed, and that are not in `books`.
    fn missing_in(&self, books: &Books) -> Vec<String> {
        let readings = books.records.iter().filter(|(_place, it)| it.lane == Lane::Reading);
        let readings: BTreeSet<_> =
            readings.map(|((epoch, seq), _it)| (hex::encode(epoch), *seq)).collect();
        let missing = self.committed.difference(&readings);
        missing.map(|(_epoch, seq)| format!("reading {seq} was committed and is gone")).collect()
    }
}

fn says(process: &Process, text: &str) -> bool {
    process.says(Mark::default(), &[text], LOOK_EVERY)
}

/// The end of what a program said.
fn last_lines(process: &Process) -> String {
    let output = process.output();
    let lines: Vec<_> = output.lines().collect();
    lines.get(lines.len().saturating_sub(N_LINES)..).unwrap_or_default().join("\n")
}
