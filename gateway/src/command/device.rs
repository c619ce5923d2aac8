//! `vitalgate device`: the catalogue, the devices of the home and of the neighbourhood, and a decoder
//! to try bytes with.

mod forget;
mod pair;
mod place;
mod record;
mod scan;
mod trial;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{ConfigArguments, Failure, decode};
use crate::device::catalogue::{self, Model, Transport};

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

#[expect(clippy::print_stdout, reason = "the answer of the command")]
fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    for device in &config.devices {
        let (id, model) = (device.id.as_str(), device.model);
        if arguments.json {
            let kind = model.kind.as_str();
            println!("{}", json!({ "id": id, "model": model.key, "kind": kind }));
        } else {
            println!("{id:<24} {:<24} {}", model.key, model.name);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
fn print_model(model: &Model, is_json: bool) {
    let link = match model.transport {
        Transport::Bluetooth { .. } => "bluetooth",
        Transport::Serial { .. } => "serial",
    };
    if is_json {
        let kind = model.kind.as_str();
        let row = json!({ "key": model.key, "name": model.name, "kind": kind, "link": link });
        println!("{row}");
    } else {
        println!("{:<24} {link:<10} {:<24} {}", model.key, model.kind.as_str(), model.name);
    }
}
