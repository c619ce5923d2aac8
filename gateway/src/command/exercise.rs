//! `vitalgate exercise`: a client begins to exercise, or ends.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use vitals::SubjectId;

use super::{ConfigArguments, Failure, print_kept};
use crate::local;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What the client measures from now on is measured during exercise; it ends by itself after 2 h
    Start(Arguments),
    /// The exercise ends; for 10 min more the client recovers
    End(Arguments),
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Who exercises
    client: SubjectId,
}

pub(super) fn run(command: &Command) -> Result<ExitCode, Failure> {
    let (arguments, begins, said) = match command {
        Command::Start(arguments) => (arguments, true, "exercise started"),
        Command::End(arguments) => (arguments, false, "exercise ended"),
    };
    let config = arguments.config.load()?;
    let kept = local::exercise(&config.socket_path(), &arguments.client, begins)?;
    print_kept(said, kept);
    Ok(ExitCode::SUCCESS)
}
