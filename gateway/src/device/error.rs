//! Why bytes could not be decoded.

use rust_decimal::Decimal;
use thiserror::Error;

/// Why bytes are no value.
///
/// The bytes are never used then; they are kept as they came. The same bytes fail the same way
/// every time, so that there is nothing to try again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before a field that their flags promise.
    #[error("{len_bytes} bytes end before {field}")]
    Truncated {
        /// The first field that is not there.
        field: &'static str,
        /// How many bytes came.
        len_bytes: usize,
    },
    /// Bytes are left over after the last field that the flags promise.
    #[error("{len_bytes} bytes are {n_trailing} more than the flags promise")]
    Trailing {
        /// How many are left over.
        n_trailing: usize,
        /// How many bytes came.
        len_bytes: usize,
    },
    /// A number that no instrument of this kind can show.
    #[error("{field} of {value} is out of range")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        value: Decimal,
    },
    /// Two numbers that no instrument of this kind can show together.
    #[error("{field} of {value} is not above {below}")]
    NotAbove {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u16,
        /// What it should be above.
        below: u16,
    },
    /// A power of ten that no measurement has.
    #[error("{field} has an absurd exponent of {exponent}")]
    Exponent {
        /// The field.
        field: &'static str,
        /// The power of ten.
        exponent: i32,
    },
    /// The checksum does not fit the bytes.
    #[error("checksum is {found:#04x}, but the bytes give {computed:#04x}")]
    Checksum {
        /// What the frame says.
        found: u8,
        /// What its bytes give.
        computed: u8,
    },
    /// A frame says that it has another length than it has.
    #[error("declared length of {declared} does not fit {len_bytes} bytes")]
    Length {
        /// What the frame says, counted as its format counts.
        declared: usize,
        /// How many bytes came.
        len_bytes: usize,
    },
    /// A place of the device's memory that holds no record.
    #[error("the slot is empty")]
    EmptySlot,
    /// A device does not let the hub in as one of its users.
    #[error(
        "the device refused the user of request {request} with answer {code}: is the consent right?"
    )]
    UserRefused {
        /// Op code of the request.
        request: u8,
        /// How it went: 3 invalid parameter, 4 operation failed, 5 user not authorized.
        code: u8,
    },
    /// The bytes are encrypted, and their key is not known.
    #[error("key and address of the device are needed to read this")]
    KeyNeeded,
    /// The bytes are encrypted with another key, or they are damaged.
    #[error("the bytes do not fit the key and the address")]
    Sealed,
    /// A bit that is fixed by the format has the other value.
    #[error("{field} of {value:#04x} breaks the frame")]
    Framing {
        /// The byte.
        field: &'static str,
        /// Its value.
        value: u8,
    },
    /// A packet ended before its last frame.
    #[error("packet ended after {n_frames} of {n_frames_expected} frames")]
    ShortPacket {
        /// How many frames came.
        n_frames: usize,
        /// How many a packet has.
        n_frames_expected: usize,
    },
    /// Many bytes went by and no frame was among them: wrong speed, wrong format, or noise.
    #[error("no frame in {len_bytes} bytes")]
    NoFrame {
        /// How many bytes went by.
        len_bytes: usize,
    },
    /// A line went on without an end.
    #[error("line is longer than {len_bytes_max} bytes")]
    LineTooLong {
        /// The longest line that the format can have, with room to spare.
        len_bytes_max: usize,
    },
    /// A line has another shape than its format.
    #[error("line is not of the form {expected}")]
    Line {
        /// The form.
        expected: &'static str,
    },
    /// A unit that is none of body weight.
    #[error("unit {unit:?} is none of body weight")]
    Unit {
        /// The unit as it came.
        unit: String,
    },
    /// A text is not in the encoding of its format.
    #[error("{field} is not text")]
    Text {
        /// The field.
        field: &'static str,
    },
    /// The device says that the value was made to show or to test something.
    #[error("{origin} is not about a patient")]
    NotPatientData {
        /// What it says it is.
        origin: &'static str,
    },
    /// A record in the form of a glucose is a ketone by what the device says about it.
    #[error("record {sequence} is a ketone, not a glucose")]
    Ketone {
        /// Number of the record in the meter.
        sequence: u16,
    },
    /// The device does not send the records that it was asked for.
    #[error("the device answers request {request} for its records with code {code}")]
    RecordsWithheld {
        /// Op code of the request.
        request: u8,
        /// Code of the answer; see `record_access`.
        code: u8,
    },
    /// Nothing is known of the characteristic or port where the bytes came from.
    #[error("{origin} is not decoded for this device")]
    UnexpectedSource {
        /// Where they came from.
        origin: String,
    },
}
