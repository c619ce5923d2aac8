//! `vitalgate readings`: what was measured, oldest first.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use vitals::wire::primitive::Time;
use vitals::wire::v1::Reading;
use vitals::{HubId, LocalInstant, SubjectId, Timeline};

use super::{ConfigArguments, Failure, ledger};
use crate::store::Lane;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Only readings of this client
    #[arg(long)]
    subject: Option<SubjectId>,
    /// Only readings measured at or after this time, like 2026-03-29T08:00:00+02:00
    #[arg(long, value_name = "TIME", value_parser = LocalInstant::parse)]
    since: Option<LocalInstant>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let store = ledger::open(&config)?;
    let timeline = ledger::timeline(&store)?;
    ledger::visit(&store, Lane::Reading, |recorded: Reading| {
        let corrected = corrected(&recorded, &config.hub, &timeline);
        let shown = corrected.as_ref().unwrap_or(&recorded);
        if arguments.wants(shown) {
            let first = corrected.as_ref().map(|_it| recorded.measured_at);
            print(shown, first, arguments.json);
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn wants(&self, reading: &Reading) -> bool {
        let subject = self.subject.as_ref().map(SubjectId::as_str);
        (subject.is_none() || reading.subject.as_deref() == subject)
            && self.since.is_none_or(|since| since.at <= reading.measured_at.0.at)
    }
}

/// The reading with its true times, where the hub did not know the time when it recorded it.
fn corrected(recorded: &Reading, hub: &HubId, timeline: &Timeline) -> Option<Reading> {
    let reading = recorded.to_reading().ok()?.corrected(timeline)?;
    Some(Reading::new(&reading, hub))
}

/// `first` is when it had been taken to be measured, before the hub knew the time.
#[expect(clippy::print_stdout, reason = "the answer of the command")]
fn print(reading: &Reading, first: Option<Time>, is_json: bool) {
    if is_json {
        println!("{}", json(reading, first));
        return;
    }
    let values: Vec<_> = reading
        .values
        .iter()
        .map(|it| format!("{} {} {}", it.vital, it.value.0, it.unit))
        .collect();
    println!(
        "{:>6}  {}  {}  {}  {}",
        reading.seq,
        reading.measured_at.0,
        reading.subject.as_deref().unwrap_or("unassigned"),
        values.join(", "),
        reading.flags.join(" "),
    );
}

fn json(reading: &Reading, first: Option<Time>) -> serde_json::Value {
    let value = |it: &vitals::wire::v1::Value| {
        json!({
            "vital": it.vital,
            "value": it.value.0.to_string(),
            "unit": it.unit,
            "code": it.code,
        })
    };
    json!({
        "id": reading.id,
        "seq": reading.seq,
        "subject": reading.subject,
        "device": reading.device.id,
        "kind": reading.kind,
        "measured_at": reading.measured_at.0.to_string(),
        "measured_at_first": first.map(|it| it.0.to_string()),
        "received_at": reading.received_at.0.to_string(),
        "time_quality": reading.time_quality,
        "device_time": reading.device_time,
        "values": reading.values.iter().map(value).collect::<Vec<_>>(),
        "flags": reading.flags,
        "raw": hex::encode(&reading.raw.0),
    })
}
