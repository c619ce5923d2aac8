//! `vitalgate status`: what the ledger holds, what of it the agency has and whether it sees the hub,
//! and how full and sound the ledger is.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ConfigArguments, Failure, ledger};
use crate::local;
use crate::store::{Scrubbed, Store};

const DAY_S: u64 = 24 * 60 * 60;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let store = ledger::open(&config)?;
    let last_seq = store.last_seq();
    let mut settled = store.held().context("failed to read what the agency holds")?;
    store.absent().iter().for_each(|it| settled.insert(it));
    let waiting = settled.gaps(last_seq).flatten().count();
    let open_alerts = store.open_alerts().context("failed to read the open alerts")?.len();
    let clock = ledger::clock_report(&config, Some(&store))?;
    let size_bytes = store.size_bytes().context("failed to read the size")?;
    let storage = Storage::of(&store, config.upkeep.max_bytes, waiting)?;
    let live = local::state(&config.socket_path())?;
    if arguments.json {
        let status = json!({
            "hub": config.hub.as_str(),
            "epoch": store.epoch().to_string(),
            "records": last_seq,
            "waiting": waiting,
            "open_alerts": open_alerts,
            "database_bytes": size_bytes,
            "time_known": clock.is_known,
            "time_reason": clock.reason,
            "used_bytes": storage.used_bytes,
            "max_bytes": storage.max_bytes,
            "oldest_at": storage.oldest_at.map(|it| it.to_string()),
            "days_left": storage.days_left,
            "scrubbed_at": storage.scrubbed.finished_at.map(|it| it.to_string()),
            "damaged": storage.scrubbed.n_damaged,
            "live": live,
        });
        say!("{status}");
    } else {
        say!("hub {}, epoch {}", config.hub, store.epoch());
        say!("{last_seq} record(s), {waiting} not yet confirmed by the agency");
        say!("{open_alerts} open alert(s)");
        say!("{clock}");
        say!("ledger {}, {} KiB", store.path().display(), size_bytes / 1024);
        storage.print();
        say!("{}", sentence(live.as_ref()));
        if let Some(remedies) = remedies(live.as_ref()) {
            say!("{remedies}");
        }
        exercising(live.as_ref()).iter().for_each(|it| say!("{it}"));
        let is_read_only = store.disk().is_ok_and(|it| it.is_read_only);
        if let Some(warning) = warning(live.as_ref(), is_read_only) {
            say!("{warning}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the daemon runs, and whether the agency can see it.
fn sentence(live: Option<&Value>) -> String {
    let Some(live) = live else { return "the daemon does not run".to_owned() };
    let text = |key: &str| live.get(key).and_then(Value::as_str).unwrap_or("an unknown time");
    match live.get("agency").and_then(Value::as_str) {
        Some("sees-this-hub") => format!("the agency sees this hub, heard {}", text("heard_at")),
        Some("cannot-see-this-hub") => {
            format!("THE AGENCY CANNOT SEE THIS HUB since {}", text("silent_since"))
        }
        Some(_) | None => "the daemon runs, the agency was not heard yet".to_owned(),
    }
}

/// What was done about a Bluetooth radio that heard nothing, where that was needed.
fn remedies(live: Option<&Value>) -> Option<String> {
    let radio = live?.get("radio_remedies")?;
    let count = |key: &str| radio.get(key).and_then(Value::as_u64).unwrap_or(0);
    let (scans, cycles, deaf) = (count("scans"), count("power_cycles"), count("deaf"));
    (0 < scans).then(|| {
        format!(
            "the Bluetooth radio heard nothing for long: {scans} scan(s) begun anew, {cycles} time(s) \
             switched off and on, {deaf} time(s) told to be deaf"
        )
    })
}

/// Who exercises, a line each.
fn exercising(live: Option<&Value>) -> Vec<String> {
    let list = live.and_then(|it| it.get("exercising")).and_then(Value::as_array);
    let text = |it: &Value, key: &str| {
        it.get(key).and_then(Value::as_str).unwrap_or("an unknown time").to_owned()
    };
    let line = |it: &Value| {
        let (subject, since, until) = (text(it, "subject"), text(it, "since"), text(it, "until"));
        format!("{subject} exercises since {since}, ends by itself at {until}")
    };
    list.map(|it| it.iter().map(line).collect()).unwrap_or_default()
}

/// What is not in the ledger, where it cannot be written.
fn warning(live: Option<&Value>, is_read_only: bool) -> Option<String> {
    const LOST: &str = "are in memory only, and lost with the power of this hub";
    let Some(live) = live else {
        // Where the socket cannot be made either, a daemon may run and not be heard.
        let text = format!("THE DISK IS READ-ONLY: new records of a daemon that runs {LOST}");
        return is_read_only.then_some(text);
    };
    let since = live.get("in_memory_since").and_then(Value::as_str)?;
    Some(format!("THE LEDGER CANNOT BE WRITTEN since {since}: new records {LOST}"))
}

/// How full and how sound the ledger is.
#[derive(Debug)]
struct Storage {
    used_bytes: u64,
    max_bytes: u64,
    oldest_at: Option<Timestamp>,
    /// How long the budget lasts without the agency, as fast as it fills now; not there while the
    /// ledger is less than a day old.
    days_left: Option<u64>,
    scrubbed: Scrubbed,
}

impl Storage {
    fn of(store: &Store, max_bytes: u64, n_waiting: usize) -> anyhow::Result<Self> {
        let used_bytes = store.usage().context("failed to read what is used")?.used_bytes;
        let oldest = store.oldest().context("failed to read the oldest record")?;
        let newest = store.newest().context("failed to read the newest record")?;
        let scrubbed = store.scrubbed().context("failed to read what the scrub found")?;
        let oldest_at = oldest.and_then(|it| it.recorded_at);
        let span_s = oldest_at
            .zip(newest.and_then(|it| it.recorded_at))
            .and_then(|(first, last)| u64::try_from(last.duration_since(first).as_secs()).ok());
        let n_kept = oldest.zip(newest).map_or(0, |(first, last)| last.seq - first.seq + 1);
        let days_left = span_s
            .filter(|it| DAY_S <= *it)
            .and_then(|span_s| days_left(max_bytes, used_bytes, n_kept, n_waiting, span_s));
        Ok(Self { used_bytes, max_bytes, oldest_at, days_left, scrubbed })
    }

    fn print(&self) {
        let percent = self.used_bytes.saturating_mul(100).checked_div(self.max_bytes).unwrap_or(0);
        let (used, max) = (self.used_bytes / 1024, self.max_bytes / 1024);
        say!("{used} of {max} KiB used, {percent} %");
        if let Some(oldest_at) = self.oldest_at {
            say!("oldest record {oldest_at:.0}");
        }
        if let Some(days) = self.days_left {
            say!("room for {days} more day(s) without the agency");
        }
        match self.scrubbed.finished_at {
            Some(at) => say!("verified {at:.0}, {} damaged record(s)", self.scrubbed.n_damaged),
            None => say!("not yet verified, {} damaged record(s)", self.scrubbed.n_damaged),
        }
    }
}

/// What the agency holds makes room; the rest grows as it did in `span_s` seconds.
fn days_left(max: u64, used: u64, n_kept: u64, n_waiting: usize, span_s: u64) -> Option<u64> {
    let n_waiting = u64::try_from(n_waiting).unwrap_or(u64::MAX).min(n_kept);
    let waiting_bytes = used.checked_div(n_kept)?.saturating_mul(n_waiting);
    let bytes_a_day = used.saturating_mul(DAY_S).checked_div(span_s)?;
    max.saturating_sub(waiting_bytes).checked_div(bytes_a_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_that_cannot_be_written_is_said_loudly() {
        let live = json!({ "in_memory_since": "2026-03-02T09:00:00+01:00" });
        let told = warning(Some(&live), false).unwrap();
        assert!(told.contains("since 2026-03-02T09:00:00+01:00: new records are in memory only"));
        assert_eq!(warning(Some(&json!({ "in_memory_since": null })), false), None);
        assert!(warning(None, true).unwrap().contains("READ-ONLY"));
        assert_eq!(warning(None, false), None);
    }

    #[test]
    fn the_days_that_are_left_count_what_waits_only() {
        // 10 records in 10 days, 100 bytes each: 100 bytes a day, room for 10,000.
        let check = |n_waiting, expected| {
            assert_eq!(days_left(10_000, 1000, 10, n_waiting, 10 * DAY_S), expected);
        };
        check(0, Some(100));
        check(10, Some(90));
        assert_eq!(days_left(10_000, 0, 0, 0, DAY_S), None);
    }
}
