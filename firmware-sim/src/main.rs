//! `firmware-sim`: simulated devices from a scenario, for people and scripts.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use firmware_sim::command::{self, Arguments};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    let Err(failure) = command::run(Arguments::parse(), io::stdout()).await else {
        return ExitCode::SUCCESS;
    };
    // Nowhere is left to say that standard error is closed.
    writeln!(io::stderr(), "{failure}").ok();
    ExitCode::from(failure.exit_code())
}
