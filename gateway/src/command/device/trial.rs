//! `vitalgate device test`: waits for one reading of a device, from the device to the ledger.
//!
//! The running hub takes the reading, because a device deletes what it has delivered: a test that
//! took it without recording it would lose it.

use std::process::ExitCode;
use std::thread::park_timeout;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::Value;
use vitals::DeviceId;
use vitals::wire::v1::Reading;

use crate::clock::Clock;
use crate::command::{ConfigArguments, Failure, ledger};
use crate::config::Config;
use crate::local;
use crate::store::Lane;

/// How often the ledger is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Its name in the configuration
    device: DeviceId,
    /// How long to wait for a reading, 1 to 3600 seconds
    #[arg(long, value_name = "S", default_value = "120",
          value_parser = RangedU64ValueParser::<u64>::new().range(1..=3600))]
    seconds: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let Arguments { device, seconds, .. } = arguments;
    let configured = config.devices.iter().find(|it| it.id == *device);
    let configured = configured.with_context(|| format!("no device is configured as {device}"))?;
    local::state(&config.socket_path())?
        .context("the daemon does not run: start it, for it has to record what the device says")?;
    say!("take a measurement with {device} ({}) now", configured.model.name);
    let reading = wait(&config, device, Duration::from_secs(*seconds))?;
    let values: Vec<_> = reading
        .values
        .iter()
        .map(|it| format!("{} {} {}", it.vital, it.value.0, it.unit))
        .collect();
    say!("{device} works: record {}, {}", reading.seq, values.join(", "));
    Ok(ExitCode::SUCCESS)
}

/// Waits for the next reading of a device to be in the ledger.
fn wait(config: &Config, device: &DeviceId, limit: Duration) -> anyhow::Result<Reading> {
    let clock = Clock::start()?;
    let deadline = clock.now().since_boot.saturating_add(limit);
    let last_seq = ledger::open(config)?.last_seq();
    loop {
        let mut found = None;
        let store = ledger::open(config)?;
        ledger::visit_after(&store, Lane::Reading, last_seq, |reading: Reading| {
            if found.is_none() && reading.device.id == device.as_str() {
                found = Some(reading);
            }
            Ok(())
        })?;
        if let Some(reading) = found {
            return Ok(reading);
        }
        if deadline <= clock.now().since_boot {
            bail!(silence(config, device, limit));
        }
        park_timeout(LOOK_INTERVAL);
    }
}

/// What the daemon knows about a device of which nothing came.
fn silence(config: &Config, device: &DeviceId, limit: Duration) -> anyhow::Error {
    let live = local::state(&config.socket_path()).ok().flatten();
    let known = live.as_ref().and_then(|it| it.get("devices")?.get(device.as_str()));
    anyhow!("nothing of {device} was recorded within {} s: {}", limit.as_secs(), advice(known))
}

/// What a person can do, by how far the device has come.
fn advice(known: Option<&Value>) -> String {
    let text = |key: &str| known.and_then(|it| it.get(key)?.as_str());
    match (text("seen_at"), text("failure"), text("value_at")) {
        (None, None, _) => {
            "it was not heard since the daemon started: bring it closer, look at its \
                       batteries or its plug, and whether its address or port is right"
                .to_owned()
        }
        (_, Some(why), _) => {
            format!("its last failure was: {why}; pair it again if it asks for that")
        }
        (Some(at), None, None) => {
            format!("it was heard {at} and said nothing: take a measurement while this waits")
        }
        (Some(_), None, Some(at)) => format!("its last values came {at} and gave no reading"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(known: &Value, expected: &str) {
        assert!(advice(Some(known)).contains(expected), "{}", advice(Some(known)));
    }

    #[test]
    fn advice_goes_by_how_far_a_device_has_come() {
        assert!(advice(None).contains("was not heard since the daemon started"));
        let (seen_at, value_at) = ("2026-03-02T09:00:00Z", "2026-03-02T09:00:01Z");
        check(&json!({ "seen_at": seen_at }), "take a measurement while this waits");
        check(&json!({ "seen_at": seen_at, "value_at": value_at }), "gave no reading");
        let failed = json!({ "seen_at": seen_at, "failure": "the device hung up" });
        check(&failed, "its last failure was: the device hung up");
        check(&json!({ "failure": "no such port" }), "its last failure was: no such port");
    }
}
