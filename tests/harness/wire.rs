//! Payloads checked against `docs/wire.cddl`, the formal text of the wire contract.
//!
//! The validator knows no tags, and finds a pattern anywhere in a text where RFC 8610 asks for the
//! whole of it. So contract and payload are rewritten alike before they meet: an item with tag 4
//! becomes `["#6.4", item]`, and each pattern is anchored.

use std::sync::LazyLock;

use cddl_cat::cbor::validate_cbor;
use cddl_cat::context::BasicContext;
use cddl_cat::flatten::flatten_from_str;
use ciborium::Value;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::topic::Channel;
use vitals::wire::v1::MESSAGE_LEN_BYTES_MAX;

/// The text of the contract.
pub const CONTRACT: &str = include_str!("../../docs/wire.cddl");

static RULES: LazyLock<BasicContext> = LazyLock::new(|| {
    let text = anchored(&untagged_text(CONTRACT)).replace("bstr .cbor command", "bstr");
    BasicContext::new(flatten_from_str(&text).expect("docs/wire.cddl is CDDL"))
});

/// Checks what `channel` carries: the whole payload of one MQTT message.
///
/// # Errors
///
/// Returns the first thing in which `payload` differs from the contract.
pub fn check(channel: Channel, payload: &[u8]) -> Result<(), String> {
    if MESSAGE_LEN_BYTES_MAX < payload.len() {
        return Err(format!("{} bytes are more than {MESSAGE_LEN_BYTES_MAX}", payload.len()));
    }
    match channel {
        Channel::Reading => check_item("reading", payload),
        Channel::Alert => check_item("alert", payload),
        Channel::Event => check_item("event", payload),
        Channel::Health => check_item("health", payload),
        Channel::Status => check_item("status", payload),
        Channel::Receipt => check_item("receipt", payload),
        Channel::Plan => check_item("sealed-plan", payload),
        Channel::Command => {
            check_item("sealed-command", payload)?;
            check_item("command", &sealed(payload)?)
        }
    }
}

/// Checks one item against a rule of the contract, and that its encoding is deterministic.
fn check_item(rule: &str, bytes: &[u8]) -> Result<(), String> {
    let definition = RULES.rules.get(rule).ok_or_else(|| format!("no rule {rule:?}"))?;
    let item: Value = decode(bytes).map_err(|it| it.to_string())?;
    if encode(&item).map_err(|it| it.to_string())? != bytes {
        return Err(format!("{rule}: the encoding is not deterministic"));
    }
    validate_cbor(definition, &untagged(item), &*RULES).map_err(|it| format!("{rule}: {it}"))
}

/// The payload inside a signed envelope.
fn sealed(envelope: &[u8]) -> Result<Vec<u8>, String> {
    let envelope: Value = decode(envelope).map_err(|it| it.to_string())?;
    let items = envelope.as_tag().and_then(|(_number, items)| items.as_array());
    let payload = items.and_then(|it| it.get(2)).and_then(Value::as_bytes);
    payload.cloned().ok_or_else(|| "the envelope has no payload".to_owned())
}

/// Writes each `#6.n(rule)` as `["#6.n", rule]`.
fn untagged_text(text: &str) -> String {
    let mut pieces = text.split("#6.");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |untagged, piece| {
        let (number, rest) = piece.split_once('(').expect("a tag has its rule in parentheses");
        let (rule, rest) = rest.split_once(')').expect("a tag has its rule in parentheses");
        format!("{untagged}[\"#6.{number}\", {rule}]{rest}")
    })
}

/// Lets each pattern match whole texts alone.
fn anchored(text: &str) -> String {
    let mut pieces = text.split(".regexp \"");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |anchored, piece| {
        let (pattern, rest) = piece.split_once('"').expect("a pattern ends with a quote");
        format!("{anchored}.regexp \"^(?:{pattern})$\"{rest}")
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other item holds no item")]
fn untagged(item: Value) -> Value {
    match item {
        Value::Tag(number, inner) => {
            Value::Array(vec![format!("#6.{number}").into(), untagged(*inner)])
        }
        // No array of the payload itself passes for a tag: a tag is what the validator refuses.
        Value::Array(items) if is_like_a_tag(&items) => Value::Tag(0, Box::new(Value::Null)),
        Value::Array(items) => Value::Array(items.into_iter().map(untagged).collect()),
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, it)| (key, untagged(it))).collect())
        }
        other => other,
    }
}

fn is_like_a_tag(items: &[Value]) -> bool {
    items.first().and_then(Value::as_text).is_some_and(|it| it.starts_with("#6."))
}
