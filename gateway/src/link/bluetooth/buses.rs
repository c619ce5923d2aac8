//! The link on one bus after the other: what survives the death of a bus.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use btleplug::platform::Manager;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::BluetoothSettings;
use super::bus::{self, Bluez, Bus};
use super::radio::{Radio, Stop, backoff};
use super::report::Report;
use crate::clock::Clock;
use crate::link::LinkEvent;

/// Buses given up because their limits were used up, after which only a new process helps.
const N_EXHAUSTED_MAX: u32 = 8;

/// A bus that served this long was worth it: buses given up before do not count any more.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Runs the link on one bus after the other.
///
/// # Errors
///
/// Fails when the bus refuses match rules again and again.
pub(super) async fn run(
    settings: Arc<BluetoothSettings>,
    clock: Clock,
    events: mpsc::Sender<LinkEvent>,
) -> anyhow::Result<()> {
    let mut report = Report::new(events.clone());
    let backoff = backoff(&settings);
    let (mut n_failures, mut n_exhausted) = (0_u32, 0_u32);
    loop {
        let begun = clock.now().since_boot;
        match open(&settings).await {
            Ok((bus, bluez, manager)) => {
                let radio = Radio::new(&settings, clock, bus, bluez, manager);
                let stop = radio.serve(&mut report).await;
                if LONG <= clock.now().since_boot.saturating_sub(begun) {
                    n_exhausted = 0;
                }
                match stop {
                    Stop::HubGone => return Ok(()),
                    Stop::BusDead => n_failures = 0,
                    Stop::Exhausted => {
                        n_exhausted = n_exhausted.saturating_add(1);
                        n_failures = n_exhausted.saturating_sub(1);
                    }
                }
            }
            Err(error) => report.lost(&format!("{error:#}")).await,
        }
        if N_EXHAUSTED_MAX <= n_exhausted {
            bail!("the system bus refused match rules {n_exhausted} times");
        }
        n_failures = n_failures.saturating_add(1);
        tokio::select! {
            () = events.closed() => return Ok(()),
            () = sleep(backoff.pause(n_failures)) => {}
        }
    }
}

async fn open(settings: &BluetoothSettings) -> anyhow::Result<(Bus, Bluez, Manager)> {
    let limit = settings.limits.call;
    let (bus, bluez) =
        timeout(limit, bus::open()).await.context("the system bus does not answer")??;
    let manager = timeout(limit, Manager::new())
        .await
        .context("the system bus does not answer btleplug")?
        .context("the system bus refuses btleplug")?;
    Ok((bus, bluez, manager))
}
