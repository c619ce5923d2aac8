//! What the listing commands share: the ledger beside a running daemon, read in pages.

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use vitals::wire::canonical;
use vitals::wire::v1::Recorded;
use vitals::{SequenceRanges, Timeline};

use crate::clock::{Clock, EARLIEST};
use crate::config::Config;
use crate::hub::ClockReport;
use crate::store::{Lane, Store};

/// Records read at once.
const PAGE: usize = 512;

/// Opens the ledger of a hub, which may be running.
pub(super) fn open(config: &Config) -> anyhow::Result<Store> {
    let path = config.ledger_path();
    if !path.exists() {
        bail!("the hub has not run yet: there is no ledger at {}", path.display());
    }
    Store::open_read_only(&path)
        .with_context(|| format!("the ledger cannot be read at {}", path.display()))
}

/// What the hub would think of its clock if it started now.
pub(super) fn clock_report(config: &Config, store: Option<&Store>) -> anyhow::Result<ClockReport> {
    let clock = Clock::start()?;
    let synchronization = clock.synchronization(&config.synchronized_file);
    Ok(ClockReport::new(clock.now(), store, EARLIEST, synchronization))
}

/// When the hub knew the time: the true times of what it recorded before it did follow from that.
pub(super) fn timeline(store: &Store) -> anyhow::Result<Timeline> {
    let mut timeline = Timeline::default();
    for lane in Lane::ALL {
        visit(store, lane, |recorded: Recorded| {
            timeline.note(&recorded.moment());
            Ok(())
        })?;
    }
    Ok(timeline)
}

/// Hands every message of a lane to `visit`, ascending.
pub(super) fn visit<T: DeserializeOwned>(
    store: &Store,
    lane: Lane,
    visit: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    visit_after(store, lane, 0, visit)
}

/// Hands every message of a lane behind number `after` to `visit`, ascending.
pub(super) fn visit_after<T: DeserializeOwned>(
    store: &Store,
    lane: Lane,
    mut after: u64,
    mut visit: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let everything = SequenceRanges::new();
    loop {
        let page = store.pending(lane, after, &everything, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for record in page {
            let message = canonical::decode(&record.payload)
                .with_context(|| format!("record {} cannot be read", record.seq))?;
            visit(message)?;
        }
    }
}
