//! What the hub makes of bytes, in the form in which it is shown.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vitals::{Flag, Measurement};

use crate::device::{FailedMeasurement, FailureReason, Item, Observation};

pub(super) fn to_json(item: &Item) -> Value {
    match item {
        Item::Observation(it) => json!({
            "item": "observation",
            "kind": it.kind.as_str(),
            "values": it.values.iter().map(value).collect::<Vec<_>>(),
            "flags": words(&it.flags),
            "device_time": it.device_time.map(|it| it.to_string()),
            "user_slot": it.user_slot,
            "content_identity": it.content_identity().map(hex::encode),
            "is_live_stream": it.is_live_stream,
        }),
        Item::Failed(it) => json!({
            "item": "failed",
            "kind": it.kind.as_str(),
            "reasons": reasons(it),
            "flags": words(&it.flags),
            "device_time": it.device_time.map(|it| it.to_string()),
            "user_slot": it.user_slot,
            "coaching": it.coaching(),
        }),
        Item::Refused(it) => json!({ "item": "refused", "reason": it.error.to_string() }),
        Item::CuffPressure(it) => json!({
            "item": "cuff-pressure",
            "value": it.value().to_string(),
            "unit": it.unit().ucum(),
        }),
        Item::Battery(percent) => json!({ "item": "battery", "percent": percent }),
        Item::Clock(shown) => json!({ "item": "clock", "device_time": shown.to_string() }),
        Item::Information { subject, text } => {
            json!({ "item": "information", "subject": subject.as_str(), "text": text })
        }
    }
}

pub(super) fn to_text(item: &Item) -> String {
    match item {
        Item::Observation(it) => {
            format!("reading: {} {}{}", it.kind, values(it), remarks(&it.flags))
        }
        Item::Failed(it) => {
            let reasons = reasons(it).join(" ");
            format!("failed measurement: {} {reasons}: {}", it.kind, it.coaching())
        }
        Item::Refused(it) => format!("refused: {}", it.error),
        Item::CuffPressure(it) => format!("in progress: cuff at {it}"),
        Item::Battery(percent) => format!("about the device: battery at {percent} %"),
        Item::Clock(shown) => format!("about the device: its clock shows {shown}"),
        Item::Information { subject, text } => {
            format!("about the device: {} {text}", subject.as_str())
        }
    }
}

fn value(it: &Measurement) -> Value {
    json!({
        "vital": it.vital.as_str(),
        "value": it.quantity.value().to_string(),
        "unit": it.quantity.unit().ucum(),
    })
}

fn values(it: &Observation) -> String {
    let values: Vec<_> =
        it.values.iter().map(|it| format!("{} {}", it.vital.label(), it.quantity)).collect();
    values.join(", ")
}

fn words(flags: &BTreeSet<Flag>) -> Vec<&'static str> {
    flags.iter().map(|it| it.as_str()).collect()
}

fn remarks(flags: &BTreeSet<Flag>) -> String {
    if flags.is_empty() { String::new() } else { format!(" ({})", words(flags).join(" ")) }
}

fn reasons(it: &FailedMeasurement) -> Vec<&'static str> {
    it.reasons.iter().copied().map(FailureReason::as_str).collect()
}
