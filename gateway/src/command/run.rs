//! `vitalgate run`: the daemon.

use std::process::ExitCode;

use anyhow::Context as _;

use super::{ConfigArguments, Failure};
use crate::{daemon, telemetry};

pub(super) fn run(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    telemetry::start();
    // The TLS library asks for its provider once a process; a second answer changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let end = runtime.block_on(daemon::run(config));
    // An adapter in trouble may hold a thread for long: the hub has ended without it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    end?;
    Ok(ExitCode::SUCCESS)
}
