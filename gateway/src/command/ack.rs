//! `vitalgate ack`: a person at the home takes an alert on.

use std::process::ExitCode;

use clap::Args;
use vitals::AlertId;

use super::{ConfigArguments, Failure, print_kept};
use crate::local;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The alert, as `vitalgate alerts` names it
    alert: AlertId,
    /// Who takes it on
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What the nurses should know
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let Arguments { alert, by, note, .. } = arguments;
    let kept = local::acknowledge(&config.socket_path(), *alert, by, note.as_deref())?;
    print_kept("acknowledged", kept);
    Ok(ExitCode::SUCCESS)
}
