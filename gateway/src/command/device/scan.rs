//! `vitalgate device scan`: health devices on the air, the strongest signal first.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::json;

use super::place::Place;
use crate::command::{ConfigArguments, Failure};
use crate::device::catalogue::Model;
use crate::pairing::found::{Found, by_strength, health_devices};
use crate::pairing::scan;

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// How long to listen, 1 to 300 seconds
    #[arg(long, value_name = "S", default_value = "10",
          value_parser = RangedU64ValueParser::<u64>::new().range(1..=300))]
    seconds: u64,
    /// Every device that is heard, not health devices alone
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    signal: Signal,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// How strong a signal has to be.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Signal {
    /// Leave out devices whose signal is weaker, -100 to -20: a device in the hand has some -50
    #[arg(long, value_name = "DBM", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i16).range(-100..=-20))]
    pub(super) signal: Option<i16>,
}

/// Whether a device is heard as strongly as that.
pub(super) fn is_strong(found: &Found, weakest_dbm: Option<i16>) -> bool {
    weakest_dbm.is_none_or(|weakest| found.rssi_dbm.is_some_and(|it| weakest <= it))
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let place = Place::read(&arguments.config)?;
    let duration = Duration::from_secs(arguments.seconds);
    let heard = place.with_bluez(async |bluez| scan(bluez, duration).await)?;
    let mut shown = if arguments.all {
        by_strength(heard.into_iter().filter(|it| it.rssi_dbm.is_some()).collect())
    } else {
        health_devices(heard)
    };
    shown.retain(|it| is_strong(it, arguments.signal.signal));
    shown.iter().for_each(|it| print(it, place.id_of(it.address), arguments.json));
    if shown.is_empty() && !arguments.json {
        say_nothing_heard();
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a hint, and no part of the answer")]
fn say_nothing_heard() {
    eprintln!(
        "no health device was heard: most are on the air for a minute after a measurement, or while \
         their button is held"
    );
}

fn print(found: &Found, configured: Option<&str>, is_json: bool) {
    let rows: Vec<_> = found.rows().iter().map(|it| it.key).collect();
    let best = found.best_rows();
    let steps = best.first().map(|it| it.pairing).unwrap_or_default();
    let model = if let [model] = best.as_slice() { Some(model.key) } else { None };
    if is_json {
        let row = json!({
            "address": found.address.to_string(),
            "name": found.name,
            "rssi_dbm": found.rssi_dbm,
            "model": model,
            "models": rows,
            "pairing": steps,
            "paired": found.is_paired,
            "pairing_mode": found.is_in_pairing_mode,
            "configured": configured,
        });
        say!("{row}");
        return;
    }
    say!("{}", heading(found, configured));
    if 1 < best.len() && configured.is_none() {
        say!("    {}", one_of(&best));
    }
    if !found.is_paired && configured.is_none() {
        steps.iter().for_each(|step| say!("    {step}"));
    }
}

/// What a person sees of a device in one line.
pub(super) fn heading(found: &Found, configured: Option<&str>) -> String {
    let strength = found.rssi_dbm.map_or_else(|| "?".to_owned(), |it| it.to_string());
    let name = found.name.as_deref().unwrap_or("without a name");
    let row = match found.best_rows().as_slice() {
        [] => "unknown",
        [model] => model.key,
        [_, _, ..] => "one of several",
    };
    let remarks = remarks(found, configured);
    format!("{strength:>4} dBm  {}  {row:<22} {name}{remarks}", found.address)
}

/// What a person has to choose from, where the air does not tell.
pub(super) fn one_of(models: &[&Model]) -> String {
    let keys: Vec<_> = models.iter().map(|it| it.key).collect();
    format!("its label says which of these models it is: {}", keys.join(", "))
}

fn remarks(found: &Found, configured: Option<&str>) -> String {
    let configured = configured.map(|it| format!("configured as {it}"));
    let paired = found.is_paired.then(|| "paired".to_owned());
    let ready = (found.is_in_pairing_mode == Some(true)).then(|| "in pairing mode".to_owned());
    let remarks: Vec<_> = [configured, paired, ready].into_iter().flatten().collect();
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) }
}
