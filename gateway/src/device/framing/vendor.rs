//! How the values of vendors' characteristics are put together, and what they tell.
//!
//! ```text
//! format         values                               tells
//! Jumper         whole; 80 begins a pulse wave        a sample
//! Yonker         whole; 15 bytes are a result         a measurement
//! JumperHa120    whole; FD FD FC begins a result      a measurement
//! Jks50f         69 bytes in pieces                   a sample
//! Pc60fw         AA 55 0F and a length, in pieces     a sample; function 2 is a pulse wave
//! Viatom         21 bytes in pieces                   a sample
//! Biolight       whole                                a sample
//! Cms50dBt       whole; EB 00 is a pulse wave         a sample
//! Berry          5 bytes in pieces                    a sample
//! Microlife      4D 3A and a length, in pieces        every record of its memory
//! Detecto        whole                                a measurement
//! Transtek       whole                                a measurement
//! XiaomiScale1/2 whole, again and again               a measurement, once
//! ```

use uuid::Uuid;

use crate::device::catalogue::{GattFormat, sig_uuid};
use crate::device::error::DecodeError;
use crate::device::frames::{Fault, Frames, Front, Look, fixed};
use crate::device::report::Report;
use crate::device::{
    biolight, cms50d_bt, contec_five, detecto, jks50f, jumper, microlife, pc60fw, transtek, viatom,
    xiaomi_scale,
};

/// Length of a frame of a JKS50F in bytes.
const JKS50F_LEN_BYTES: usize = 69;
/// Length of a live reply of Viatom in bytes.
const VIATOM_LEN_BYTES: usize = 21;
/// Longest frame of a PC-60FW in bytes, 4 of them before what its length counts.
const PC60FW_LEN_BYTES_MAX: usize = 36;
/// Longest frame of Microlife in bytes: a memory of some 200 records.
const MICROLIFE_LEN_BYTES_MAX: usize = 2100;

/// What a whole value says: any number of measurements, and often none.
type Read = fn(Uuid, &[u8]) -> Result<Vec<Report>, DecodeError>;

/// What a whole value says that holds a memory: each record with its own bytes.
type ReadMemory = fn(&[u8]) -> Result<Vec<Said>, DecodeError>;

/// How a whole value is read.
#[derive(Debug, Clone, Copy)]
enum Reads {
    Value(Read),
    Memory(ReadMemory),
}

/// How the values of a vendor are read.
#[derive(Debug)]
pub(crate) struct Vendor {
    /// Puts values together that come in pieces.
    pieces: Option<Frames>,
    read: Reads,
    /// Whether each report is a sample of a live stream.
    pub(crate) is_stream: bool,
    /// Whether the same bytes come again and again and say the same once.
    is_repeated: bool,
    /// The bytes before, where they may be repeated.
    last: Vec<u8>,
}

impl Vendor {
    /// How that format is read; `None` where it is not one of a vendor, or one of records
    /// or sealed.
    pub(crate) fn of(format: GattFormat) -> Option<Self> {
        let whole = |read: Read| (None, Reads::Value(read));
        let pieces = |look: Look, read: Read| (Some(Frames::new(look)), Reads::Value(read));
        let (pieces, read) = match format {
            GattFormat::Standard
            | GattFormat::Nonin3230
            | GattFormat::OmronMemory(_)
            | GattFormat::TaiDoc
            | GattFormat::XiaomiS400 => return None,
            GattFormat::Jumper => whole(jumper),
            GattFormat::Yonker => whole(yonker),
            GattFormat::JumperHa120 => whole(ha120),
            GattFormat::Biolight => {
                whole(|_at, value| Ok(vec![biolight::report(biolight::decode(value)?)?]))
            }
            GattFormat::Cms50dBt => whole(cms50d),
            GattFormat::Detecto => whole(|_at, value| Ok(vec![detecto::decode(value)?.report()?])),
            GattFormat::Transtek => whole(transtek),
            GattFormat::XiaomiScale1 => {
                whole(|_at, data| Ok(vec![xiaomi_scale::decode_v1(data)?.report()?]))
            }
            GattFormat::XiaomiScale2 => {
                whole(|_at, data| Ok(vec![xiaomi_scale::decode_v2(data)?.report()?]))
            }
            GattFormat::Jks50f => pieces(
                |it| fixed(it, JKS50F_LEN_BYTES, jks50f::decode),
                |_at, frame| Ok(vec![jks50f::decode(frame)?.report()?]),
            ),
            GattFormat::Viatom => pieces(
                |it| fixed(it, VIATOM_LEN_BYTES, viatom::decode_live),
                |_at, reply| Ok(vec![viatom::decode_live(reply)?.report()?]),
            ),
            GattFormat::Berry => pieces(contec_five::look, |_at, frame| {
                Ok(vec![contec_five::decode(frame)?.report()?])
            }),
            GattFormat::Pc60fw => pieces(look_pc60fw, pc60fw),
            GattFormat::Microlife => (Some(Frames::new(look_microlife)), Reads::Memory(microlife)),
        };
        let is_repeated = matches!(format, GattFormat::XiaomiScale1 | GattFormat::XiaomiScale2);
        Some(Self { pieces, read, is_stream: format.is_stream(), is_repeated, last: Vec::new() })
    }

    /// Takes a value of `characteristic`; gives whole ones with what they say.
    pub(crate) fn push(&mut self, characteristic: Uuid, value: &[u8]) -> Vec<Said> {
        if self.is_repeated && std::mem::replace(&mut self.last, value.to_vec()) == value {
            return Vec::new();
        }
        let whole = match &mut self.pieces {
            Some(pieces) => pieces.push(value),
            None => vec![Ok(value.to_vec())],
        };
        whole
            .into_iter()
            .flat_map(|found| match (found, self.read) {
                (Ok(raw), Reads::Value(read)) => {
                    vec![Said { reports: read(characteristic, &raw), raw }]
                }
                (Ok(raw), Reads::Memory(read)) => {
                    read(&raw).unwrap_or_else(|error| vec![Said { raw, reports: Err(error) }])
                }
                (Err(Fault { error, raw }), _) => vec![Said { raw, reports: Err(error) }],
            })
            .collect()
    }

    /// Whether it says what stands in a memory that is read anew in each session.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.read, Reads::Memory(_))
    }
}

/// A whole value and what it says.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) raw: Vec<u8>,
    pub(crate) reports: Result<Vec<Report>, DecodeError>,
}

fn jumper(_at: Uuid, value: &[u8]) -> Result<Vec<Report>, DecodeError> {
    match jumper::decode_jpd_500f(value)? {
        jumper::Oximeter::Values(values) => Ok(vec![values.report()?]),
        jumper::Oximeter::Wave(_) => Ok(Vec::new()),
    }
}

/// Pressures while it measures are shorter.
fn yonker(_at: Uuid, value: &[u8]) -> Result<Vec<Report>, DecodeError> {
    match (value.first(), value.len()) {
        (Some(0x81), 15) => Ok(vec![jumper::decode_yonker(value)?.report()?]),
        (Some(_) | None, _) => Ok(Vec::new()),
    }
}

/// Pressures while it measures begin otherwise.
fn ha120(_at: Uuid, value: &[u8]) -> Result<Vec<Report>, DecodeError> {
    if value.starts_with(&[0xFD, 0xFD, 0xFC]) {
        Ok(vec![jumper::decode_jpd_ha120(value)?.report()?])
    } else {
        Ok(Vec::new())
    }
}

fn cms50d(_at: Uuid, value: &[u8]) -> Result<Vec<Report>, DecodeError> {
    // Answers to commands begin with another byte.
    if value.first() != Some(&0xEB) {
        return Ok(Vec::new());
    }
    match cms50d_bt::decode(value)? {
        cms50d_bt::Notification::Wave(_) => Ok(Vec::new()),
        cms50d_bt::Notification::Values(values) => Ok(vec![values.report()?]),
    }
}

/// Body values and events say nothing here.
fn transtek(at: Uuid, value: &[u8]) -> Result<Vec<Report>, DecodeError> {
    if [sig_uuid(0x8A21), sig_uuid(0x8A24)].contains(&at) {
        Ok(vec![transtek::decode_weight(value)?.report()?])
    } else {
        Ok(Vec::new())
    }
}

/// A frame that begins with `start` and says how much follows in the byte at `len_at`.
fn declared(window: &[u8], start: &[u8], len_bytes: Option<usize>, longest: usize) -> Front {
    if let Some((found, expected)) = window.iter().zip(start).find(|(one, other)| one != other) {
        let field = if *expected == 0xAA || *expected == 0x4D { "start byte" } else { "start" };
        return Front::None(DecodeError::Framing { field, value: *found });
    }
    match len_bytes {
        None => Front::Part,
        Some(declared) if longest < declared => {
            Front::None(DecodeError::Length { declared, len_bytes: window.len() })
        }
        Some(whole) if window.len() < whole => Front::Part,
        Some(whole) => Front::Frame(whole),
    }
}

fn look_pc60fw(window: &[u8]) -> Front {
    let len_bytes = window.get(3).map(|it| usize::from(*it).saturating_add(4));
    let token = match window.get(2) {
        Some(&pc60fw::ABOUT_DEVICE) => pc60fw::ABOUT_DEVICE,
        Some(_) | None => pc60fw::ABOUT_PERSON,
    };
    let [first, second] = pc60fw::START;
    declared(window, &[first, second, token], len_bytes, PC60FW_LEN_BYTES_MAX)
}

fn pc60fw(_at: Uuid, frame: &[u8]) -> Result<Vec<Report>, DecodeError> {
    match pc60fw::decode(frame)? {
        pc60fw::Frame::Values(values) => Ok(vec![values.report()?]),
        pc60fw::Frame::Wave(_) | pc60fw::Frame::Other { .. } => Ok(Vec::new()),
    }
}

fn look_microlife(window: &[u8]) -> Front {
    let len_bytes = match window.get(2..4) {
        Some([high, low]) => Some(usize::from(u16::from_be_bytes([*high, *low])).saturating_add(4)),
        Some(_) | None => None,
    };
    declared(window, &[0x4D, 0x3A], len_bytes, MICROLIFE_LEN_BYTES_MAX)
}

/// A record that cannot be read hides no other.
fn microlife(frame: &[u8]) -> Result<Vec<Said>, DecodeError> {
    /// Head, a record and what surrounds them: what is shorter is an answer to something else.
    const HISTORY_LEN_BYTES_MIN: usize = 43;
    if frame.len() < HISTORY_LEN_BYTES_MIN {
        microlife::decode(frame)?;
        return Ok(Vec::new());
    }
    let said = |it: &microlife::Record| Said {
        raw: it.raw.to_vec(),
        reports: it.report().map(|report| vec![report]),
    };
    Ok(microlife::decode_history(frame)?.records.iter().map(said).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::bytes;

    const VALUE: Uuid = sig_uuid(0x8A24);

    /// How many measurements the values say, and how many of them cannot be read.
    #[track_caller]
    fn check(format: GattFormat, values: &[&str], expected: (usize, usize)) {
        let mut vendor = Vendor::of(format).unwrap();
        let said: Vec<_> =
            values.iter().flat_map(|value| vendor.push(VALUE, &bytes(value))).collect();
        let n_reports = said.iter().flat_map(|it| &it.reports).flatten().count();
        let n_unreadable = said.iter().filter(|it| it.reports.is_err()).count();
        assert_eq!((n_reports, n_unreadable), expected, "{said:?}");
    }

    #[test]
    fn waves_and_live_pressures_say_nothing() {
        check(GattFormat::Jumper, &["8010203040506070", "8148611e"], (1, 0));
        check(GattFormat::Yonker, &["817800", "81785046000000000000000000000000"], (0, 0));
        check(GattFormat::JumperHa120, &["fdfdfb7800", "fdfdfc7850460d0a"], (1, 0));
        check(GattFormat::Cms50dBt, &["eb0001020371", "9a1a", "eb010453637f0025"], (1, 0));
    }

    #[test]
    fn frames_are_put_together_out_of_pieces() {
        let live = "5500ff00000d00614800000000005a000000140100";
        let (first, last) = live.split_at(40);
        // Without a right checksum it is none.
        check(GattFormat::Viatom, &[first, last], (0, 0));
        let whole = "aa550f0801603e005000c0";
        check(GattFormat::Pc60fw, &[whole, "00"], (0, 1));
        // Values after a word about the device.
        let battery = "aa55f0030303f6";
        check(GattFormat::Pc60fw, &[battery, whole, "08"], (1, 0));
        check(GattFormat::Berry, &["8532", "0a4161"], (1, 0));
    }

    #[test]
    fn an_advertisement_that_is_repeated_says_nothing_new() {
        let weighing = "227607e607020e10293a";
        let mut vendor = Vendor::of(GattFormat::XiaomiScale1).unwrap();
        let mut n_said = || vendor.push(VALUE, &bytes(weighing)).len();
        assert_eq!((n_said(), n_said()), (1, 0));
    }

    #[test]
    fn an_answer_of_microlife_is_no_memory() {
        check(GattFormat::Microlife, &["4d3a0002810a"], (0, 0));
        check(GattFormat::Microlife, &["4d3a0002", "810a"], (0, 0));
        check(GattFormat::Microlife, &["4d3affff810a"], (0, 0));
    }

    #[test]
    fn values_without_a_format_of_a_vendor_are_not_read_here() {
        assert!(Vendor::of(GattFormat::Standard).is_none());
        assert!(Vendor::of(GattFormat::TaiDoc).is_none());
        assert!(Vendor::of(GattFormat::XiaomiS400).is_none());
    }

    const FORMATS: [GattFormat; 14] = [
        GattFormat::Berry,
        GattFormat::Biolight,
        GattFormat::Cms50dBt,
        GattFormat::Detecto,
        GattFormat::Jks50f,
        GattFormat::Jumper,
        GattFormat::JumperHa120,
        GattFormat::Microlife,
        GattFormat::Pc60fw,
        GattFormat::Transtek,
        GattFormat::Viatom,
        GattFormat::XiaomiScale1,
        GattFormat::XiaomiScale2,
        GattFormat::Yonker,
    ];

    /// Beginnings by which bytes get past the first look.
    fn begun() -> impl Strategy<Value = Vec<u8>> {
        let begin = prop::sample::select(vec![
            vec![],
            vec![0x4D, 0x3A, 0x00],
            vec![0xAA, 0x55, 0x0F],
            vec![0x55, 0x00, 0xFF, 0x00, 0x00, 0x0D, 0x00],
            vec![0xFF, 0x44, 0x01],
            vec![0xEB, 0x01],
            vec![0x81],
        ]);
        (begin, any::<Vec<u8>>()).prop_map(|(begin, rest)| [begin, rest].concat())
    }

    proptest! {
        #[test]
        fn no_values_panic_and_none_is_kept_for_long(values in prop::collection::vec(begun(), 0..8)) {
            for format in FORMATS {
                let mut vendor = Vendor::of(format).unwrap();
                for value in &values {
                    let _said = vendor.push(VALUE, value);
                }
                let said: usize = values.iter().map(Vec::len).sum();
                let held = vendor.last.len().saturating_add(
                    format!("{:?}", vendor.pieces).matches(", ").count(),
                );
                prop_assert!(held <= said.saturating_add(16));
            }
        }
    }
}
