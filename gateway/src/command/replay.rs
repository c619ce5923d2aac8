//! `vitalgate replay`: what a care plan would have made of the readings that the hub has recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use alerting::{Alert, Disposition, Plan, Replay};
use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use vitals::wire::v1;
use vitals::{LocalInstant, Priority, Timeline};

use super::{ConfigArguments, Failure, ledger};
use crate::config::ConfigError;
use crate::hub::recall;
use crate::store::{Lane, Store};

/// How much sooner or later an alert on the same vital may be to be the same episode.
const NEAR: SignedDuration = SignedDuration::from_hours(1);

const DAY_S: i64 = 24 * 60 * 60;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The care plan to try
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Only alerts from this time on, like 2026-03-29T08:00:00+02:00; rules look back on what was
    /// before it all the same
    #[arg(long, value_name = "TIME", value_parser = LocalInstant::parse)]
    since: Option<LocalInstant>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let text = fs::read_to_string(&arguments.plan)
        .map_err(|cause| ConfigError::Read { path: arguments.plan.clone(), cause })?;
    let plan = Plan::parse(&text)
        .map_err(|problems| ConfigError::Problems { path: arguments.plan.clone(), problems })?;
    let store = ledger::open(&config)?;
    let timeline = ledger::timeline(&store)?;
    let since = arguments.since.map_or(Timestamp::MIN, |it| it.at);
    let (assignments, exercise) =
        recall::people(&store).context("failed to read what people said")?;
    let mut replay = Replay::new(plan.clone(), config.zone);
    let mut period = Period::default();
    ledger::visit(&store, Lane::Reading, |recorded: v1::Reading| {
        let reading = recorded.to_reading().context("a reading of the ledger cannot be read")?;
        let reading =
            assignments.applied(reading.corrected(&timeline).unwrap_or(reading), &exercise);
        let (subject, may_be) = (plan.subject(), &reading.subject_candidates);
        if reading.subject.as_ref() == Some(subject) || may_be.contains(subject) {
            replay.read(&reading);
            period.count(reading.received_at.at, since);
        }
        Ok(())
    })?;
    let episodes: Vec<&Alert> = replay.episodes().filter(|it| since <= it.raised_at.at).collect();
    let known = known(&store, &plan, &timeline, since)?;
    let missed: Vec<&Known> = known.iter().filter(|it| !it.is_found(&episodes)).collect();
    let outcome = Outcome { plan: &plan, period, episodes: &episodes, known: &known, missed };
    match arguments.json {
        true => println!("{}", outcome.to_json()),
        false => outcome.print(),
    }
    Ok(ExitCode::SUCCESS)
}

/// The readings that were looked at.
#[derive(Debug, Default)]
struct Period {
    n_readings: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Period {
    fn count(&mut self, at: Timestamp, since: Timestamp) {
        if since <= at {
            self.n_readings = self.n_readings.saturating_add(1);
            self.first = Some(self.first.map_or(at, |it| it.min(at)));
            self.last = Some(self.last.map_or(at, |it| it.max(at)));
        }
    }

    /// How long it was in days, at least one.
    fn days(&self) -> Decimal {
        let span = self.first.zip(self.last).map(|(first, last)| last.duration_since(first));
        let days = Decimal::from(span.map_or(0, |it| it.as_secs())) / Decimal::from(DAY_S);
        days.max(Decimal::ONE).round_dp(1)
    }
}

/// An alert that was there in truth, and that nobody found to be a mistake.
#[derive(Debug)]
struct Known {
    id: String,
    priority: String,
    why: String,
    vital: Option<String>,
    readings: BTreeSet<String>,
    raised: LocalInstant,
    ended: Timestamp,
}

impl Known {
    fn is_found(&self, episodes: &[&Alert]) -> bool {
        episodes.iter().any(|it| {
            let shares = it.readings.iter().any(|id| self.readings.contains(&id.to_string()));
            let is_of_it = it.vital.map(|it| it.as_str()) == self.vital.as_deref();
            let from = self.raised.at.saturating_sub(NEAR).unwrap_or(Timestamp::MIN);
            let until = self.ended.saturating_add(NEAR).unwrap_or(Timestamp::MAX);
            shares || is_of_it && from <= it.raised_at.at && it.raised_at.at <= until
        })
    }
}

/// The alerts about the client of `plan` that the hub raised, in the order in which it did.
fn known(
    store: &Store,
    plan: &Plan,
    timeline: &Timeline,
    since: Timestamp,
) -> anyhow::Result<Vec<Known>> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut mistakes: BTreeSet<String> = BTreeSet::new();
    ledger::visit(store, Lane::Alert, |recorded: v1::Alert| {
        let alert = recorded.corrected(timeline).unwrap_or(recorded);
        let is_clinical = alert.category == "clinical";
        if alert.subject.as_deref() != Some(plan.subject().as_str()) || !is_clinical {
            return Ok(());
        }
        if alert.disposition.as_deref().is_some_and(is_mistake) {
            mistakes.insert(alert.alert_id.clone());
        }
        let recorded_at = alert.recorded_at.0;
        if let Some(before) = known.get_mut(&alert.alert_id) {
            before.readings.extend(alert.readings);
            before.ended = recorded_at.at;
            before.priority = alert.priority;
        } else if alert.standing != "pending" && alert.standing != "done" {
            let v1::Alert { alert_id: id, priority, why, vital, readings, .. } = alert;
            let (readings, raised) = (readings.into_iter().collect(), recorded_at);
            let it = Known { id, priority, why, vital, readings, raised, ended: raised.at };
            known.insert(it.id.clone(), it);
        }
        Ok(())
    })?;
    let mut known: Vec<Known> = known
        .into_values()
        .filter(|it| since <= it.raised.at && !mistakes.contains(&it.id))
        .collect();
    known.sort_by_key(|it| it.raised.at);
    Ok(known)
}

fn is_mistake(word: &str) -> bool {
    word.parse().is_ok_and(|it| match it {
        Disposition::TrueActioned | Disposition::TrueExpected => false,
        Disposition::FalseTechnique
        | Disposition::FalseDevice
        | Disposition::Duplicate
        | Disposition::WrongPerson
        | Disposition::Test => true,
    })
}

/// What came of it.
#[derive(Debug)]
struct Outcome<'a> {
    plan: &'a Plan,
    period: Period,
    episodes: &'a [&'a Alert],
    known: &'a [Known],
    missed: Vec<&'a Known>,
}

impl Outcome<'_> {
    /// How many episodes each rule had, by their highest priority, the most urgent first.
    fn rules(&self) -> BTreeMap<(Priority, &str), usize> {
        let mut rules: BTreeMap<(Priority, &str), usize> = BTreeMap::new();
        for it in self.episodes {
            *rules.entry((it.priority, it.rule.as_str())).or_default() += 1;
        }
        rules
    }

    fn per_day(&self, n: usize) -> Decimal {
        (Decimal::from(n) / self.period.days()).round_dp(2)
    }

    #[expect(clippy::print_stdout, reason = "the answer of the command")]
    fn print(&self) {
        let Period { n_readings, .. } = self.period;
        let (n, n_known, n_missed) = (self.episodes.len(), self.known.len(), self.missed.len());
        println!(
            "plan {} version {}: {n_readings} reading(s) in {} day(s)",
            self.plan.name(),
            self.plan.version(),
            self.period.days()
        );
        println!("{n} alert(s), {} a day", self.per_day(n));
        for ((priority, rule), n) in self.rules() {
            println!("  {:<6}  {rule:<28}  {n:>5}  {} a day", priority.as_str(), self.per_day(n));
        }
        println!(
            "{n_known} alert(s) of the hub in that time, of which this plan misses {n_missed}"
        );
        for Known { id, priority, why, raised, .. } in &self.missed {
            println!("  {priority:<6}  {raised}  {id}  {why}");
        }
    }

    fn to_json(&self) -> Value {
        let rules = self.rules().into_iter().map(|((priority, rule), n)| {
            json!({
                "rule": rule,
                "priority": priority.as_str(),
                "alerts": n,
                "per_day": self.per_day(n).to_string(),
            })
        });
        let missed = self.missed.iter().map(|it| {
            json!({
                "alert_id": it.id,
                "priority": it.priority,
                "raised_at": it.raised.to_string(),
                "why": it.why,
            })
        });
        json!({
            "plan": self.plan.name(),
            "version": self.plan.version(),
            "readings": self.period.n_readings,
            "days": self.period.days().to_string(),
            "alerts": self.episodes.len(),
            "rules": rules.collect::<Vec<_>>(),
            "known": self.known.len(),
            "missed": missed.collect::<Vec<_>>(),
        })
    }
}
