//! A ledger as it is after 30 days without the agency, written by the hub's own store.

use std::path::Path;

use anyhow::Context as _;
use fastrand::Rng;
use gateway::store::{Lane, Store};
use jiff::SignedDuration;
use vitals::LocalInstant;
use vitals::wire::canonical;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::v1::Reading;

use crate::audit::Books;

/// The outage.
const OUTAGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Records of one transaction.
const BATCH: usize = 2_000;

/// Appends `n` readings like the last one of the ledger at `path`, spread over the outage.
///
/// # Errors
///
/// Fails where the ledger has no reading or cannot be written.
pub fn make(path: &Path, n: u32, mut random: Rng) -> anyhow::Result<()> {
    let readings = Books::of_hub(path)?.readings()?;
    let like = readings.into_values().next_back().context("no reading to take after")?;
    let mut store = Store::open(path)?;
    for first in (0..n).step_by(BATCH) {
        let mut ledger = store.begin()?;
        for nth in first..n.min(first.saturating_add(u32::try_from(BATCH)?)) {
            let payload =
                canonical::encode(&nth_of(&like, nth, n, ledger.next_seq(), &mut random)?)?;
            ledger.append(Lane::Reading, &payload)?;
        }
        ledger.commit()?;
    }
    Ok(())
}

/// The `nth` of `n` readings, the last of which is as late as `like`.
fn nth_of(like: &Reading, nth: u32, n: u32, seq: u64, random: &mut Rng) -> anyhow::Result<Reading> {
    let ago = OUTAGE.saturating_mul(i32::try_from(n.saturating_sub(nth))?) / i32::try_from(n)?;
    let at = Time(LocalInstant::utc(like.recorded_at.0.at.saturating_sub(ago)?));
    Ok(Reading {
        seq,
        id: format!("{}-{seq}", hex::encode(&like.epoch.0)),
        recorded_at: at,
        measured_at: at,
        received_at: at,
        raw: Bytes(format!("{nth} {}", random.u64(..)).into_bytes()),
        ..like.clone()
    })
}
