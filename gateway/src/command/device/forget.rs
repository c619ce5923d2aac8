//! `vitalgate device forget`: drops the bond with a device.

use std::process::ExitCode;

use clap::Args;

use super::place::Place;
use crate::command::{ConfigArguments, Failure};
use crate::pairing::forget;

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Its address, its name on the air, or its name in the configuration
    #[arg(value_name = "ADDRESS|NAME")]
    device: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let place = Place::read(&arguments.config)?;
    let wanted = place.called(&arguments.device)?;
    let device = place.with_bluez(async |bluez| forget(bluez, &wanted).await)?;
    let name = device.name.as_deref().unwrap_or("a device without a name");
    say!("forgot {} {name}; it has to be paired again before it is read", device.address);
    Ok(ExitCode::SUCCESS)
}
