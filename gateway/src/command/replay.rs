//! `vitalgate replay`: what a care plan would have made of the readings that the hub has recorded.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use alerting::{Plan, Trial};
use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use vitals::LocalInstant;
use vitals::wire::v1;

use super::{ConfigArguments, Failure, ledger};
use crate::config::ConfigError;
use crate::hub::recall;
use crate::store::Lane;

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
    let mut trial = Trial::new(plan, config.zone, since);
    ledger::visit(&store, Lane::Reading, |recorded: v1::Reading| {
        let reading = recorded.to_reading().context("a reading of the ledger cannot be read")?;
        let reading = reading.corrected(&timeline).unwrap_or(reading);
        trial.read(&assignments.applied(reading, &exercise));
        Ok(())
    })?;
    ledger::visit(&store, Lane::Alert, |recorded: v1::Alert| {
        trial.hear(recorded.corrected(&timeline).unwrap_or(recorded));
        Ok(())
    })?;
    let summary = trial.summary();
    match arguments.json {
        true => say!("{}", json!(summary)),
        false => say!("{summary}"),
    }
    Ok(ExitCode::SUCCESS)
}
