//! `vitalstation serve`.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::runtime;

use super::{ConfigPath, Failure};
use crate::config::Config;
use crate::{plans, serve, telemetry};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    /// Write the page's address to this file once the station is ready
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = Config::load(&arguments.path.config)?;
    let plans =
        plans::load(&config.plans).map_err(|problems| Failure::Usage(problems.join("\n")))?;
    telemetry::start();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a provider of cryptography was chosen before");
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    Ok(runtime.block_on(serve::run(config, plans, arguments.address_file))?)
}
