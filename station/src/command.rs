//! The command line `vitalstation`: one file a subcommand.

mod hub;
mod plan;
mod serve;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// Wrong usage or configuration.
const USAGE: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "vitalstation", version, about = "The agency side of Vitalgate")]
struct Arguments {
    #[command(subcommand)]
    subcommand: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Take in what the homes send and show the nurses' page
    Serve(serve::Arguments),
    /// Add a home, list the homes
    Hub {
        #[command(subcommand)]
        subcommand: hub::Task,
    },
    /// Check care plans, and try them on what the homes sent
    Plan {
        #[command(subcommand)]
        subcommand: plan::Task,
    },
}

/// Every subcommand that needs a configuration names it.
#[derive(Debug, clap::Args)]
struct ConfigPath {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/vitalstation/station.toml")]
    config: PathBuf,
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    /// The usage or the configuration is wrong.
    Usage(String),
    /// The thing asked could not be done.
    Failed(anyhow::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs the command line `args`, whose first item is the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; where nobody reads them there is nothing to do.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let outcome = match arguments.subcommand {
        Task::Serve(arguments) => serve::run(arguments),
        Task::Hub { subcommand } => hub::run(subcommand),
        Task::Plan { subcommand } => plan::run(subcommand),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            complain(&text);
            ExitCode::from(USAGE)
        }
        Err(Failure::Failed(error)) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn complain(text: &str) {
    // Where standard error is closed, the exit code still tells.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Writes what was asked for to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::Failed(anyhow::anyhow!("cannot write the answer: {error}")))
}
