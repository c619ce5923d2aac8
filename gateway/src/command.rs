//! The command line `vitalgate`: one file a subcommand.
//!
//! Exit 0 on success, 1 where the thing asked failed, 2 on wrong usage or configuration.

#[macro_use]
mod say;

mod ack;
mod alerts;
mod assign;
mod check;
pub mod decode;
mod device;
mod exercise;
mod ledger;
mod observe;
mod readings;
mod replay;
mod run;
mod status;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::hub::Kept;

/// The hub of Vitalgate: reads the devices of a home and forwards what they say.
#[derive(Debug, Parser)]
#[command(name = "vitalgate", version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub
    Run(ConfigArguments),
    /// Check configuration and care plans, and report every problem at once
    Check(ConfigArguments),
    /// List recorded readings
    Readings(readings::Arguments),
    /// List alerts
    Alerts(alerts::Arguments),
    /// Take an alert on, at the home
    Ack(ack::Arguments),
    /// Say whose a reading is
    Assign(assign::Arguments),
    /// Tell when a client exercises
    #[command(subcommand)]
    Exercise(exercise::Command),
    /// Record what a person observed
    Observe(observe::Arguments),
    /// Try a care plan on what the hub has recorded
    Replay(replay::Arguments),
    /// Show how the hub is doing
    Status(status::Arguments),
    /// About devices
    #[command(subcommand)]
    Device(device::Command),
}

/// Which configuration.
#[derive(Debug, Args)]
struct ConfigArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/vitalgate/gateway.toml")]
    config: PathBuf,
}

/// How a command failed.
#[derive(Debug)]
enum Failure {
    /// Wrong configuration: nothing was started.
    Config(ConfigError),
    /// The thing asked failed.
    Failed(anyhow::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl ConfigArguments {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config)
    }
}

/// Runs the command line `arguments`, the program's name first.
#[expect(clippy::print_stderr, reason = "a command line speaks to a person")]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => {
            // Help and version come this way, too; clap knows which stream and code they want.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match command_line.command.run() {
        Ok(code) => code,
        Err(Failure::Config(error)) => {
            eprintln!("{error}");
            eprintln!("vitalgate: the configuration cannot be used, nothing was started");
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("vitalgate: {}", say::reason(&error));
            ExitCode::FAILURE
        }
    }
}

/// Says what was done, and where it is kept.
fn print_kept(what: &str, kept: Kept) {
    match kept {
        Kept::OnDisk => say!("{what}; recorded"),
        Kept::InMemory => say!(
            "{what}; THE LEDGER CANNOT BE WRITTEN: it is in memory only, and lost with the power of \
             this hub"
        ),
    }
}

impl Command {
    fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Run(arguments) => run::run(&arguments),
            Self::Check(arguments) => check::run(&arguments),
            Self::Readings(arguments) => readings::run(&arguments),
            Self::Alerts(arguments) => alerts::run(&arguments),
            Self::Ack(arguments) => ack::run(&arguments),
            Self::Assign(arguments) => assign::run(&arguments),
            Self::Exercise(command) => exercise::run(&command),
            Self::Observe(arguments) => observe::run(&arguments),
            Self::Replay(arguments) => replay::run(&arguments),
            Self::Status(arguments) => status::run(&arguments),
            Self::Device(command) => device::run(command),
        }
    }
}
