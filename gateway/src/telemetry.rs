//! Logs: to standard error, without clients, values or secrets above DEBUG.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging; `VITALGATE_LOG` filters it (default `info`).
pub fn start() {
    let filter =
        EnvFilter::try_from_env("VITALGATE_LOG").unwrap_or_else(|_unset| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start in one process keeps the first subscriber.
    drop(subscriber.try_init());
}
