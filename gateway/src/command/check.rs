//! `vitalgate check`: what would hinder the hub, before it runs.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};

use super::{ConfigArguments, Failure, ledger};
use crate::clock::{Clock, EARLIEST};
use crate::config::Config;
use crate::store::{Disk, Store, StoreError};

pub(super) fn run(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let path = config.ledger_path();
    let (store, found) = match path.try_exists().context("failed to look for the ledger")? {
        true => match Store::open_read_only(&path) {
            Ok(it) => {
                let found = format!("epoch {}, {} record(s)", it.epoch(), it.last_seq());
                (Some(it), found)
            }
            Err(StoreError::TooOld { found, .. }) => {
                (None, format!("of version {found}, the next start brings it to the latest one"))
            }
            Err(error) => return Err(anyhow!(error).context("failed to open the ledger").into()),
        },
        false => (None, "not there yet, the first start makes it".to_owned()),
    };
    let now = Clock::start()?.now().wall;
    if now < EARLIEST {
        let error = anyhow!("the clock shows {now}: set it, or wait for network time");
        return Err(error.into());
    }
    let clock = ledger::clock_report(&config, store.as_ref())?;
    check_disk(&config)?;
    say!("{}: good", arguments.config.display());
    say!(
        "hub {}, {} device(s), {} care plan(s)",
        config.hub,
        config.devices.len(),
        config.plans.len()
    );
    for plan in &config.plans {
        say!(
            "care plan {} version {}: {} rule(s)",
            plan.name(),
            plan.version(),
            plan.rules().count()
        );
    }
    for port in config.serial.iter().filter(|it| !it.path.exists()) {
        let (path, device) = (port.path.display(), &port.device);
        say!("serial port {path} of {device}: not there, the hub waits until it is plugged in");
    }
    say!("{clock}");
    say!("ledger {}: {found}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Whether the disk can take what the ledger may still grow by.
fn check_disk(config: &Config) -> anyhow::Result<()> {
    const MIB: u64 = 1024 * 1024;
    let path = config.ledger_path();
    let has_len = |it: &std::path::Path| std::fs::metadata(it).map_or(0, |it| it.len());
    // The first start makes the folder.
    let mut folder = path.as_path();
    while let Some(parent) = folder.parent()
        && !parent.as_os_str().is_empty()
        && !parent.exists()
    {
        folder = parent;
    }
    let disk = Disk::of(folder).context("failed to look at the disk")?;
    anyhow::ensure!(!disk.is_read_only, "the disk of {} is read-only", path.display());
    let room_mib = disk.free_bytes.saturating_add(has_len(&path)) / MIB;
    let max_mib = config.upkeep.max_bytes / MIB;
    anyhow::ensure!(
        max_mib <= room_mib,
        "the disk of {} has room for {room_mib} MiB, and store.max_mib is {max_mib}: make room or \
         lower it",
        path.display()
    );
    Ok(())
}
