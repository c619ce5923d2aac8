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

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let Arguments { device, seconds, .. } = arguments;
    let configured = config.devices.iter().find(|it| it.id == *device);
    let configured = configured.with_context(|| format!("no device is configured as {device}"))?;
    local::state(&config.socket_path())?
        .context("the daemon does not run: start it, for it has to record what the device says")?;
    println!("take a measurement with {device} ({}) now", configured.model.name);
    let reading = wait(&config, device, Duration::from_secs(*seconds))?;
    let values: Vec<_> = reading
        .values
        .iter()
        .map(|it| format!("{} {} {}", it.vital, it.value.0, it.unit))
        .collect();
    println!("{device} works: record {}, {}", reading.seq, values.join(", "));
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
            bail!(silence(device, limit));
        }
        park_timeout(LOOK_INTERVAL);
    }
}

fn silence(device: &DeviceId, limit: Duration) -> anyhow::Error {
    anyhow!(
        "nothing of {device} was recorded within {} s: if it showed a value, look at the log of the \
         daemon, bring it closer, and pair it again if that does not help",
        limit.as_secs()
    )
}
