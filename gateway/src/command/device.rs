//! `vitalgate device`: the catalogue, the devices of the home and of the neighbourhood, and a decoder
//! to try bytes with.

mod choose;
mod forget;
mod pair;
mod place;
mod record;
mod scan;
mod trial;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vitals::wire::v1::Reading;

use super::{ConfigArguments, Failure, decode, ledger};
use crate::config::Config;
use crate::device::catalogue::{self, Model};
use crate::local;
use crate::store::Lane;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the devices of the home, or every model that is understood
    List(ListArguments),
    /// Show which health devices are on the air
    Scan(scan::Arguments),
    /// Make a bond with a device
    Pair(pair::Arguments),
    /// Drop the bond with a device
    Forget(forget::Arguments),
    /// Wait for one reading of a device of the home, which proves that all of it works
    Test(trial::Arguments),
    /// Write down what an unknown device says, as test vectors without identity
    Record(record::Arguments),
    /// Decode bytes as a device sent them
    Decode(decode::DecodeArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Every model that is understood, not the devices of the home
    #[arg(long)]
    catalogue: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(arguments) if arguments.catalogue => {
            catalogue::models().iter().for_each(|model| print_model(model, arguments.json));
            Ok(ExitCode::SUCCESS)
        }
        Command::List(arguments) => list(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Pair(arguments) => pair::run(arguments),
        Command::Forget(arguments) => forget::run(&arguments),
        Command::Test(arguments) => trial::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Decode(arguments) => Ok(decode::run(&arguments)?),
    }
}

fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let live = local::state(&config.socket_path())?;
    let readings = last_readings(&config)?;
    for device in &config.devices {
        let (id, model) = (device.id.as_str(), device.model);
        let history = live.as_ref().and_then(|it| it.get("devices")?.get(id));
        let reading_at = readings.get(id);
        if arguments.json {
            let kind = model.kind.as_str();
            let row = json!({
                "id": id,
                "model": model.key,
                "kind": kind,
                "reading_at": reading_at,
                "history": history,
            });
            say!("{row}");
        } else {
            say!("{id:<24} {:<24} {}", model.key, model.name);
            let told = told(history, live.is_some(), reading_at);
            told.iter().for_each(|line| say!("    {line}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// When the last recorded reading of each device came; without a ledger there is none.
fn last_readings(config: &Config) -> anyhow::Result<BTreeMap<String, String>> {
    let mut last = BTreeMap::new();
    if !config.ledger_path().exists() {
        return Ok(last);
    }
    let store = ledger::open(config)?;
    ledger::visit(&store, Lane::Reading, |reading: Reading| {
        last.insert(reading.device.id, reading.received_at.0.to_string());
        Ok(())
    })?;
    Ok(last)
}

/// What happened to a device, a line each.
fn told(history: Option<&Value>, is_running: bool, reading_at: Option<&String>) -> Vec<String> {
    let text = |key: &str| history.and_then(|it| it.get(key)?.as_str());
    let mut lines = Vec::new();
    lines.push(match (text("seen_at"), is_running) {
        (Some(seen), _) => {
            let connected = text("connected_at").unwrap_or("not since the daemon started");
            format!("heard {seen}, connected {connected}")
        }
        (None, true) => "not heard since the daemon started".to_owned(),
        (None, false) => "the daemon does not run".to_owned(),
    });
    if text("seen_at").is_some() {
        lines.push(match text("value_at") {
            Some(at) => format!("last values came {at}"),
            None => "it has said nothing since the daemon started".to_owned(),
        });
    }
    lines.push(match reading_at {
        Some(at) => format!("last reading received {at}"),
        None => "no reading is recorded".to_owned(),
    });
    if let (Some(at), Some(why)) = (text("failed_at"), text("failure")) {
        lines.push(format!("last failure {at}: {why}"));
    }
    lines
}

fn print_model(model: &Model, is_json: bool) {
    if is_json {
        say!("{}", model.to_json());
    } else {
        let (link, kind) = (model.transport.link(), model.kind.as_str());
        say!("{:<24} {link:<10} {kind:<24} {}", model.key, model.name);
        model.lines().iter().for_each(|line| say!("    {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_with_its_last_times_and_its_last_error() {
        let history = json!({
            "seen_at": "2026-03-02T09:00:00+01:00",
            "connected_at": null,
            "failed_at": "2026-03-02T08:00:00+01:00",
            "failure": "the device hung up before it was subscribed to",
        });
        let lines = told(Some(&history), true, Some(&"2026-03-01T09:00:00+01:00".to_owned()));
        assert_eq!(
            lines,
            [
                "heard 2026-03-02T09:00:00+01:00, connected not since the daemon started",
                "it has said nothing since the daemon started",
                "last reading received 2026-03-01T09:00:00+01:00",
                "last failure 2026-03-02T08:00:00+01:00: the device hung up before it was \
                 subscribed to",
            ]
        );
        let silent = ["not heard since the daemon started", "no reading is recorded"];
        assert_eq!(told(None, true, None), silent);
        assert_eq!(told(None, false, None), ["the daemon does not run", "no reading is recorded"]);
    }
}
