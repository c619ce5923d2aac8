//! `vitalgate device decode`: what bytes of a device mean, field by field.
//!
//! For people who look at a capture, a quarantined payload or a new device. It goes through the
//! same decoders as the daemon, and shows what the daemon would make of the bytes.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use self::format::Origin;
use self::format::vendor::SEALED;
pub use self::format::{Format, format, formats};
use super::say::plain;
use crate::clock::{BootId, Stamp};
use crate::device::catalogue::model;
use crate::device::xiaomi_s400::{self, Secret};
use crate::device::{DecodeError, Decoder, Item, StreamSettings};

mod fields;
mod format;
mod items;

/// What can be asked.
#[derive(Debug, Args)]
pub struct DecodeArguments {
    /// Characteristic or protocol of the bytes, one of those that `--list` names
    #[arg(long, required_unless_present = "list")]
    pub format: Option<String>,
    /// The bytes in hexadecimal; blanks, colons and dashes between them are passed over
    #[arg(value_name = "HEX", required_unless_present = "list")]
    pub hex: Vec<String>,
    /// Key of the device in hexadecimal, for encrypted bytes
    #[arg(long, value_name = "HEX", requires = "mac")]
    pub key: Option<String>,
    /// Bluetooth address of the device, for encrypted bytes
    #[arg(long, value_name = "ADDRESS", requires = "key")]
    pub mac: Option<String>,
    /// Names the formats
    #[arg(long)]
    pub list: bool,
    /// Answers in JSON; decimal numbers are strings there, so that they keep their precision
    #[arg(long)]
    pub json: bool,
}

/// What bytes mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Every field, in the order of the format.
    pub fields: Vec<(&'static str, Value)>,
    /// What the hub makes of it.
    pub items: Vec<Item>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Problem {
    #[error("no format is named {name:?}; --list names them")]
    UnknownFormat { name: String },
    #[error("{text:?} is not hexadecimal, two digits for each byte")]
    NotHexadecimal { text: String },
    #[error("a key has 16 bytes")]
    NoKey,
    #[error("an address has 6 bytes")]
    NoAddress,
    #[error("refused: {0}")]
    Refused(DecodeError),
}

/// Answers on standard output; what is wrong goes to standard error.
///
/// The code is 0 for bytes that were decoded, 1 for bytes that are refused, and 2 for wrong usage.
/// Bytes that keep their format are decoded, though the hub would not believe the value in them: the
/// answer shows both. Bytes that say that they are about no patient are refused.
///
/// # Errors
///
/// Fails where the answer cannot be written.
pub fn run(arguments: &DecodeArguments) -> anyhow::Result<ExitCode> {
    let code = answer(arguments, &mut io::stdout().lock(), &mut io::stderr().lock())?;
    Ok(ExitCode::from(code))
}

/// Decodes `bytes` of `format`, which only `secret` can read if they are encrypted.
///
/// # Errors
///
/// Returns the error of the decoder.
pub fn decode_sealed(
    format: &Format,
    bytes: &[u8],
    secret: &Secret,
) -> Result<Decoded, DecodeError> {
    if format.name != SEALED {
        return decode(format, bytes);
    }
    let weighing = xiaomi_s400::decode(secret, bytes)?;
    Ok(Decoded { fields: fields::vendor::xiaomi_s400(&weighing), items: Vec::new() })
}

/// Decodes `bytes`, which are one value or some frames of `format`.
///
/// # Errors
///
/// Returns the error of the decoder.
pub fn decode(format: &Format, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let fields = (format.inspect)(bytes)?;
    let items = items(format, bytes).unwrap_or_default();
    Ok(Decoded { fields, items })
}

/// What the hub makes of `bytes`; `None` where it gets no bytes of `format` by themselves.
#[must_use]
pub fn items(format: &Format, bytes: &[u8]) -> Option<Vec<Item>> {
    format.origin.map(|origin| items_of(origin, bytes))
}

fn items_of(origin: Origin, bytes: &[u8]) -> Vec<Item> {
    let Some(model) = model(origin.model) else {
        return Vec::new();
    };
    let mut decoder = Decoder::new(model, StreamSettings::default());
    let mut items = Vec::new();
    for piece in [origin.before, bytes, origin.after].into_iter().filter(|it| !it.is_empty()) {
        items.extend(decoder.push(NO_MOMENT, origin.source, piece));
    }
    items.extend(decoder.end());
    items
}

/// Bytes on a command line came at no moment; no answer shows it.
const NO_MOMENT: Stamp =
    Stamp { wall: Timestamp::UNIX_EPOCH, boot: BootId([0; 16]), since_boot: Duration::ZERO };

fn answer(
    arguments: &DecodeArguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if arguments.list {
        list(arguments.json, out).context("failed to write the list")?;
        return Ok(0);
    }
    let name = arguments.format.as_deref().unwrap_or_default();
    let answered = question(name, &arguments.hex).and_then(|(format, bytes)| {
        let decoded = match (&arguments.key, &arguments.mac) {
            (Some(key), Some(mac)) => decode_sealed(format, &bytes, &secret(key, mac)?),
            (Some(_) | None, _missing) => decode(format, &bytes),
        };
        Ok((format, decoded.map_err(Problem::Refused)?))
    });
    let written = match answered {
        Ok((format, decoded)) => write_decoded(format, &decoded, arguments.json, out),
        Err(problem) => write_problem(&problem, arguments.json, out, err),
    };
    written.context("failed to write the answer")
}

fn question(name: &str, hex: &[String]) -> Result<(&'static Format, Vec<u8>), Problem> {
    let format = format(name).ok_or_else(|| Problem::UnknownFormat { name: name.to_owned() })?;
    Ok((format, hexadecimal(&hex.concat())?))
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, Problem> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let digits = digits.replace(|it: char| it.is_whitespace() || it == ':' || it == '-', "");
    hex::decode(digits).map_err(|_cause| Problem::NotHexadecimal { text: text.to_owned() })
}

fn secret(key: &str, mac: &str) -> Result<Secret, Problem> {
    let key = hexadecimal(key)?.try_into().map_err(|_key| Problem::NoKey)?;
    let address = hexadecimal(mac)?.try_into().map_err(|_address| Problem::NoAddress)?;
    Ok(Secret { key, address })
}

fn list(is_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if is_json {
        let names: Vec<_> =
            formats().map(|it| json!({ "format": it.name, "about": it.about })).collect();
        return writeln!(out, "{}", Value::from(names));
    }
    for format in formats() {
        writeln!(out, "{:<46} {}", format.name, format.about)?;
    }
    Ok(())
}

fn write_decoded(
    format: &Format,
    decoded: &Decoded,
    is_json: bool,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let is_refused = decoded.items.iter().any(is_refusal);
    if is_json {
        let fields: serde_json::Map<_, _> = decoded
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let items: Vec<_> = decoded.items.iter().map(items::to_json).collect();
        writeln!(out, "{}", json!({ "format": format.name, "fields": fields, "items": items }))?;
    } else {
        for (name, value) in &decoded.fields {
            writeln!(out, "{name:<24} {}", plain(&fields::to_text(value)))?;
        }
        for item in &decoded.items {
            writeln!(out, "{}", plain(&items::to_text(item)))?;
        }
    }
    Ok(u8::from(is_refused))
}

/// Whether bytes that keep their format say that they are about no patient.
fn is_refusal(item: &Item) -> bool {
    match item {
        Item::Refused(refused) => matches!(refused.error, DecodeError::NotPatientData { .. }),
        Item::Observation(_)
        | Item::Failed(_)
        | Item::CuffPressure(_)
        | Item::Battery(_)
        | Item::Clock(_)
        | Item::Information { .. } => false,
    }
}

fn write_problem(
    problem: &Problem,
    is_json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    writeln!(err, "{problem}")?;
    match problem {
        Problem::UnknownFormat { .. }
        | Problem::NotHexadecimal { .. }
        | Problem::NoKey
        | Problem::NoAddress => Ok(2),
        Problem::Refused(error) => {
            if is_json {
                writeln!(out, "{}", json!({ "refused": error.to_string() }))?;
            }
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests;
