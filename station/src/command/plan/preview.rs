//! `vitalstation plan preview`: what a draft plan would have made of what the homes sent.

use std::path::PathBuf;

use alerting::Trial;
use alerting::history::REACH;
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use super::super::{ConfigPath, Failure, print};
use crate::config::Config;
use crate::store::Archive;
use crate::{clock, plans};

/// Days that are looked at where nothing else is asked for.
const DAYS: u16 = 90;

const DAY_H: i64 = 24;

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    /// The care plan to try
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// How many days to look back
    #[arg(long, value_name = "N", default_value_t = DAYS,
          value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(in crate::command) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(&arguments.path.config)?;
    let plan = plans::read(&arguments.plan).map_err(|it| Failure::Usage(it.join("\n")))?;
    let archive = Archive::open(&config.store.path).with_context(|| {
        format!("there is nothing to look back on at {}", config.store.path.display())
    })?;
    let before = |at: Timestamp, by| at.saturating_sub(by).unwrap_or(Timestamp::MIN);
    let days = SignedDuration::from_hours(DAY_H.saturating_mul(arguments.days.into()));
    let since = before(clock::now(), days);
    let subject = plan.subject().clone();
    let history = archive
        .history(&subject, before(since, REACH))
        .context("cannot read what the homes sent")?;
    let mut trial = Trial::new(plan, config.plans.zone_of(&subject), since);
    let mut readings = history.readings;
    if readings.iter().any(|(hub, _reading)| readings.first().is_some_and(|it| it.0 != *hub)) {
        // The hubs of one client have no order but that of their clocks.
        readings.sort_by_key(|(_hub, reading)| reading.received_at.at);
    }
    readings.iter().for_each(|(_hub, reading)| trial.read(reading));
    history.alerts.into_iter().for_each(|it| trial.hear(it));
    let summary = trial.summary();
    let answer = if arguments.json {
        serde_json::to_string(&summary).context("cannot write the answer")?
    } else {
        summary.to_string()
    };
    print(&format!("{answer}\n"))
}
