//! The formats that `device decode` knows, by the names of characteristics and protocols.

use super::fields::{self, Fields, profile};
use crate::device::catalogue::{characteristic, sig_uuid};
use crate::device::glucose::context;
use crate::device::medfloat::{float, sfloat};
use crate::device::nonin_df2::framer::Framer;
use crate::device::nonin_df2::{Frame, Packet};
use crate::device::{
    DecodeError, and_scale, blood_pressure, body_composition, current_time, date_time,
    elapsed_time, feature, glucose, heart_rate, identification, information, local_time,
    nonin_ascii, personal_health, plx, record_access, thermometer, user_data, weight,
};
use crate::link::Source;

pub(super) mod vendor;

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
    // The catalogue writes the number of a characteristic as 0x2A35.
    let name = name.strip_prefix("0x").unwrap_or(name);
    formats().find(|it| it.name.eq_ignore_ascii_case(name))
}

/// Every format, in the order of `--list`.
pub fn formats() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().chain(vendor::FORMATS)
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

/// A part of a value, or a value of which the hub makes nothing.
const fn part(
    name: &'static str,
    about: &'static str,
    inspect: fn(&[u8]) -> Result<Fields, DecodeError>,
) -> Format {
    Format { name, about, inspect, origin: None }
}

/// The formats of the standards, and of the first devices.
const FORMATS: &[Format] = &[
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
    part("2A0A", "Day Date Time", |bytes| current_time::decode_day(bytes).map(profile::day)),
    part("2A0C", "Exact Time 256", |bytes| {
        current_time::decode_exact(bytes).map(profile::exact_time)
    }),
    part("2A0F", "Local Time Information", |bytes| {
        local_time::decode(bytes).map(profile::local_time)
    }),
    part("2A14", "Reference Time Information", |bytes| {
        local_time::decode_reference(bytes).map(profile::reference_time)
    }),
    Format {
        name: "2A18",
        about: "Glucose Measurement",
        inspect: |bytes| glucose::decode(bytes).map(|it| profile::glucose(&it)),
        origin: Some(value_of(characteristic::GLUCOSE)),
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
    part("2A1D", "Temperature Type", |bytes| byte(bytes).map(|it| profile::code("type", it))),
    part("2A1E", "Intermediate Temperature", |bytes| {
        thermometer::decode(bytes).map(|it| fields::temperature(&it))
    }),
    part("2A23", "System ID", |bytes| {
        identification::decode_system_id(bytes).map(profile::system_id)
    }),
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
    part("2A27", "Hardware Revision String", |bytes| {
        information::text("hardware", bytes).map(fields::text)
    }),
    part("2A28", "Software Revision String", |bytes| {
        information::text("software", bytes).map(fields::text)
    }),
    Format {
        name: "2A29",
        about: "Manufacturer Name String",
        inspect: |bytes| information::text("manufacturer", bytes).map(fields::text),
        origin: Some(value_of(characteristic::MANUFACTURER)),
    },
    part("2A2B", "Current Time", |bytes| current_time::decode(bytes).map(profile::current_time)),
    part("2A34", "Glucose Measurement Context", |bytes| {
        context::decode(bytes).map(|it| profile::glucose_context(&it))
    }),
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
    part("2A38", "Body Sensor Location", |bytes| {
        byte(bytes).map(|it| profile::code("location", it))
    }),
    part("2A49", "Blood Pressure Feature", |bytes| feature::decode(bytes).map(profile::features)),
    part("2A50", "PnP ID", |bytes| identification::decode_pnp_id(bytes).map(profile::pnp_id)),
    part("2A51", "Glucose Feature", |bytes| feature::decode(bytes).map(profile::features)),
    part("2A52", "Record Access Control Point", |bytes| {
        record_access::decode(bytes).map(profile::record_access)
    }),
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
    part("2A60", "PLX Features", |bytes| {
        feature::decode_oximeter(bytes).map(profile::oximeter_features)
    }),
    part("2A99", "Database Change Increment", |bytes| {
        user_data::decode_change_increment(bytes).map(profile::change_increment)
    }),
    part("2A9A", "User Index", |bytes| {
        user_data::decode_index(bytes).map(|it| profile::code("user_id", it))
    }),
    part("2A9B", "Body Composition Feature", |bytes| {
        feature::decode_body_composition(bytes).map(profile::body_composition_features)
    }),
    Format {
        name: "2A9C",
        about: "Body Composition Measurement",
        inspect: |bytes| body_composition::decode(bytes).map(|it| profile::body_composition(&it)),
        origin: Some(value_of(characteristic::BODY_COMPOSITION)),
    },
    Format {
        name: "2A9D",
        about: "Weight Measurement",
        inspect: |bytes| weight::decode(bytes).map(|it| fields::weight(&it)),
        origin: Some(value_of(characteristic::WEIGHT)),
    },
    part("2A9E", "Weight Scale Feature", |bytes| {
        feature::decode_scale(bytes).map(profile::scale_features)
    }),
    part("2A9F", "User Control Point", |bytes| {
        user_data::decode(bytes).map(|it| profile::user_control(&it))
    }),
    part("2BF2", "Elapsed Time", |bytes| {
        elapsed_time::decode(bytes).map(|it| profile::elapsed_time(&it))
    }),
    part(
        "IEEE 11073-20601 (HDP/USB PHDC) FLOAT BE",
        "32-bit decimal number, big-endian",
        |bytes| personal_health::decode_float(bytes).map(fields::number),
    ),
    part(
        "IEEE 11073-20601 APDU (fixed format scan report)",
        "measurements of a device of before Bluetooth LE",
        |bytes| personal_health::decode(bytes).map(|it| profile::scan_report(&it)),
    ),
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

fn byte(bytes: &[u8]) -> Result<u8, DecodeError> {
    whole(bytes).map(|[byte]| byte)
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
