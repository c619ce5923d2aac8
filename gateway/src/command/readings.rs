//! `vitalgate readings`: what was measured, oldest first, and whose it is as people said last.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use vitals::wire::primitive::Time;
use vitals::wire::v1::{Assignment, Event, Reading};
use vitals::{HubId, LocalInstant, SubjectId, Timeline};

use super::{ConfigArguments, Failure, ledger};
use crate::store::{Lane, Store};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Only readings of this client
    #[arg(long)]
    subject: Option<SubjectId>,
    /// Only readings of which nobody knows whose they are
    #[arg(long, conflicts_with = "subject")]
    unassigned: bool,
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
    let assigned = assigned(&store)?;
    ledger::visit(&store, Lane::Reading, |recorded: Reading| {
        let corrected = corrected(&recorded, &config.hub, &timeline);
        let shown = corrected.as_ref().unwrap_or(&recorded);
        let said = assigned.get(&shown.id).map(Vec::as_slice).unwrap_or_default();
        if arguments.wants(shown, said) {
            let first = corrected.as_ref().map(|_it| recorded.measured_at);
            match arguments.json {
                true => print_json(shown, said, first),
                false => print(shown, said),
            }
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn wants(&self, reading: &Reading, said: &[Assignment]) -> bool {
        let wanted = self.subject.as_ref().map(SubjectId::as_str);
        let is_theirs = wanted.is_none() || subject(reading, said) == wanted;
        let is_nobodys = reading.subject.is_none() && said.is_empty();
        is_theirs
            && (is_nobodys || !self.unassigned)
            && self.since.is_none_or(|since| since.at <= reading.measured_at.0.at)
    }
}

/// The reading with its true times, where the hub did not know the time when it recorded it.
fn corrected(recorded: &Reading, hub: &HubId, timeline: &Timeline) -> Option<Reading> {
    let reading = recorded.to_reading().ok()?.corrected(timeline)?;
    Some(Reading::new(&reading, hub))
}

/// What people said about each reading, oldest first.
fn assigned(store: &Store) -> anyhow::Result<BTreeMap<String, Vec<Assignment>>> {
    let mut assigned: BTreeMap<String, Vec<Assignment>> = BTreeMap::new();
    ledger::visit(store, Lane::Event, |event: Event| {
        if let Some(it) = event.assignment {
            assigned.entry(it.reading.clone()).or_default().push(it);
        }
        Ok(())
    })?;
    Ok(assigned)
}

/// Whose the reading is, after what people `said`.
fn subject<'a>(reading: &'a Reading, said: &'a [Assignment]) -> Option<&'a str> {
    let last = said.last();
    last.map_or(reading.subject.as_deref(), |it| it.to.as_deref())
}

fn print(reading: &Reading, said: &[Assignment]) {
    let values: Vec<_> = reading
        .values
        .iter()
        .map(|it| format!("{} {} {}", it.vital, it.value.0, it.unit))
        .collect();
    let whose = match (subject(reading, said), said.last()) {
        (Some(subject), None) => subject.to_owned(),
        (Some(subject), Some(last)) => format!("{subject} (says {})", last.by),
        (None, Some(last)) => format!("nobody (says {})", last.by),
        (None, None) => {
            let candidates = reading.subject_candidates.join(" or ");
            format!("unassigned {} {candidates}?", reading.id)
        }
    };
    let doubt = match reading.time_quality.as_str() {
        "fault" => " (time not known)",
        _known => "",
    };
    say!(
        "{:>6}  {}{doubt}  {whose}  {}  {}  {}",
        reading.seq,
        reading.measured_at.0,
        reading.device.id,
        values.join(", "),
        reading.flags.join(" "),
    );
}

/// `first` is when it had been taken to be measured, before the hub knew the time.
fn print_json(reading: &Reading, said: &[Assignment], first: Option<Time>) {
    say!("{}", json(reading, said, first));
}

fn json(reading: &Reading, said: &[Assignment], first: Option<Time>) -> serde_json::Value {
    let assignment =
        |it: &Assignment| json!({ "from": it.from, "to": it.to, "by": it.by, "note": it.note });
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
        "subject": subject(reading, said),
        "subject_candidates": reading.subject_candidates,
        "assigned": said.iter().map(assignment).collect::<Vec<_>>(),
        "phase": reading.context.phase,
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
