//! The formats that `device decode` knows, by the names of characteristics and protocols.

use super::fields::{self, Fields};
use crate::device::catalogue::{characteristic, sig_uuid};
use crate::device::medfloat::{float, sfloat};
use crate::device::nonin_df2::framer::Framer;
use crate::device::nonin_df2::{Frame, Packet};
use crate::device::{
    DecodeError, and_scale, blood_pressure, date_time, heart_rate, information, nonin_ascii, plx,
    thermometer, weight,
};
use crate::link::Source;

/// A format of bytes.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line and in `tests/vectors`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Gives the fields of some bytes.
    pub(super) inspect: fn(&[u8]) -> Result<Fields, DecodeError>,
    /// Where the hub gets such bytes; `None` for parts of values.
    pub(super) origin: Option<Origin>,
}

/// Where the hub gets bytes of a format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// Catalogue key of a model that sends them.
    pub(super) model: &'static str,
    pub(super) source: Source,
    /// Bytes that surround them.
    pub(super) before: &'static [u8],
    pub(super) after: &'static [u8],
}

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|it| it.name.eq_ignore_ascii_case(name))
}

const fn value_of(short: u16) -> Origin {
    let source = Source::Characteristic(sig_uuid(short));
    Origin { model: "sig-blood-pressure", source, before: &[], after: &[] }
}

const fn stream_of(model: &'static str) -> Origin {
    Origin { model, source: Source::Serial, before: &[], after: &[] }
}

/// A line may come without its end here, and is never half a line.
const fn line_of(model: &'static str) -> Origin {
    Origin { model, source: Source::Serial, before: b"\n", after: b"\n" }
}

/// Every format, in the order of `--list`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "SFLOAT-LE",
        about: "16-bit decimal number",
        inspect: |bytes| Ok(fields::number(sfloat("value", whole(bytes)?)?)),
        origin: None,
    },
    Format {
        name: "FLOAT-LE",
        about: "32-bit decimal number",
        inspect: |bytes| Ok(fields::number(float("value", whole(bytes)?)?)),
        origin: None,
    },
    Format {
        name: "2A08",
        about: "Date Time",
        inspect: |bytes| date_time::decode(bytes).map(fields::date_time),
        origin: None,
    },
    Format {
        name: "2A19",
        about: "Battery Level",
        inspect: |bytes| information::battery_percent(bytes).map(fields::battery),
        origin: Some(value_of(characteristic::BATTERY_LEVEL)),
    },
    Format {
        name: "2A1C",
        about: "Temperature Measurement",
        inspect: |bytes| thermometer::decode(bytes).map(|it| fields::temperature(&it)),
        origin: Some(value_of(characteristic::TEMPERATURE)),
    },
    Format {
        name: "2A24",
        about: "Model Number String",
        inspect: |bytes| information::text("model", bytes).map(fields::text),
        origin: Some(value_of(characteristic::MODEL)),
    },
    Format {
        name: "2A25",
        about: "Serial Number String",
        inspect: |bytes| information::text("serial-number", bytes).map(fields::text),
        origin: Some(value_of(characteristic::SERIAL_NUMBER)),
    },
    Format {
        name: "2A26",
        about: "Firmware Revision String",
        inspect: |bytes| information::text("firmware", bytes).map(fields::text),
        origin: Some(value_of(characteristic::FIRMWARE)),
    },
    Format {
        name: "2A29",
        about: "Manufacturer Name String",
        inspect: |bytes| information::text("manufacturer", bytes).map(fields::text),
        origin: Some(value_of(characteristic::MANUFACTURER)),
    },
    Format {
        name: "2A35",
        about: "Blood Pressure Measurement",
        inspect: |bytes| blood_pressure::decode(bytes).map(|it| fields::blood_pressure(&it)),
        origin: Some(value_of(characteristic::BLOOD_PRESSURE)),
    },
    Format {
        name: "2A35+quirk:beurer_be",
        about: "the same; the Beurer layout is known by its length",
        inspect: |bytes| blood_pressure::decode(bytes).map(|it| fields::blood_pressure(&it)),
        origin: Some(value_of(characteristic::BLOOD_PRESSURE)),
    },
    Format {
        name: "2A36",
        about: "Intermediate Cuff Pressure",
        inspect: |bytes| {
            blood_pressure::decode_cuff_pressure(bytes).map(|it| fields::cuff_pressure(&it))
        },
        origin: Some(value_of(characteristic::CUFF_PRESSURE)),
    },
    Format {
        name: "2A37",
        about: "Heart Rate Measurement",
        inspect: |bytes| heart_rate::decode(bytes).map(|it| fields::heart_rate(&it)),
        origin: Some(value_of(characteristic::HEART_RATE)),
    },
    Format {
        name: "2A5E",
        about: "PLX Spot-check Measurement",
        inspect: |bytes| plx::decode_spot_check(bytes).map(|it| fields::oximetry(&it)),
        origin: Some(value_of(characteristic::PLX_SPOT_CHECK)),
    },
    Format {
        name: "2A5F",
        about: "PLX Continuous Measurement",
        inspect: |bytes| plx::decode_continuous(bytes).map(|it| fields::oximetry(&it)),
        origin: Some(value_of(characteristic::PLX_CONTINUOUS)),
    },
    Format {
        name: "2A9D",
        about: "Weight Measurement",
        inspect: |bytes| weight::decode(bytes).map(|it| fields::weight(&it)),
        origin: Some(value_of(characteristic::WEIGHT)),
    },
    Format {
        name: "Nonin DF2 frame",
        about: "5 bytes of Nonin Data Format 2",
        inspect: |bytes| Frame::decode(whole(bytes)?).map(fields::nonin_frame),
        origin: None,
    },
    Format {
        name: "Nonin DF2 packet (25 frames)",
        about: "125 bytes of Nonin Data Format 2",
        inspect: |bytes| Packet::decode(bytes).map(|it| fields::nonin_packet(&it)),
        origin: Some(stream_of("nonin-df2")),
    },
    Format {
        name: "Nonin DF2 stream (30 frames, mid-packet start)",
        about: "any piece of Nonin Data Format 2",
        inspect: nonin_stream,
        origin: Some(stream_of("nonin-df2")),
    },
    Format {
        name: "Nonin 8500 ASCII",
        about: "one line of a Nonin 8500",
        inspect: |bytes| nonin_ascii::decode(line(bytes)).map(fields::nonin_line),
        origin: Some(line_of("nonin-8500")),
    },
    Format {
        name: "A&D standard ASCII",
        about: "one line of an A&D scale",
        inspect: |bytes| and_scale::decode(line(bytes)).map(|it| fields::load(&it)),
        origin: Some(line_of("and-uc-321")),
    },
];

fn whole<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    let len_bytes = bytes.len();
    let Some((&whole, rest)) = bytes.split_first_chunk::<N>() else {
        return Err(DecodeError::Truncated { field: "the end", len_bytes });
    };
    if !rest.is_empty() {
        return Err(DecodeError::Trailing { n_trailing: rest.len(), len_bytes });
    }
    Ok(whole)
}

/// A line without its end.
fn line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The last packet of a stream, and how many there were.
fn nonin_stream(bytes: &[u8]) -> Result<Fields, DecodeError> {
    let found = Framer::default().push(bytes);
    let packets: Vec<_> = found.into_iter().filter_map(Result::ok).collect();
    let last = packets.last().ok_or(DecodeError::NoFrame { len_bytes: bytes.len() })?;
    let count = ("packets", packets.len().into());
    Ok([count].into_iter().chain(fields::nonin_packet(&last.packet)).collect())
}
