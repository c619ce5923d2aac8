//! Record Access Control Point (0x2A52) of glucose meters, oximeters and others.
//!
//! ```text
//! offset  size  field
//! 0       1     op code   1 report, 2 delete, 3 abort, 4 report the number, 7 report combined
//!                         answers: 5 number of records, 6 response, 8 combined report done
//! 1       1     operator  0 none, 1 all, 2 up to, 3 from, 4 within, 5 first, 6 last
//! ------------  a request by operators 2 to 4 goes on
//! 2       1     filter    1 sequence number, 2 user facing time
//! 3       2|7   a limit, or the lower one: LE16, or Date Time
//! +0      2|7   operator 4: the upper limit
//! ------------  op codes 5 and 8 go on
//! 2       1-4   number of records, little-endian; two bytes by the profile
//! ------------  op code 6 goes on
//! 2       1     op code of the request
//! 3       1     1 success, 2 op code not supported, 3 invalid operator, 4 operator not supported,
//!               5 invalid operand, 6 no records found, 7 abort unsuccessful,
//!               8 procedure not completed, 9 operand not supported
//! ```
//!
//! The hub asks for all records and deletes none: a device that is read twice is no harm, a record
//! that is lost is.

use rust_decimal::Decimal;
use vitals::DeviceTime;

use super::date_time;
use super::error::DecodeError;
use super::payload::Payload;

/// The request for every record that is stored.
pub const REPORT_ALL: [u8; 2] = [0x01, 0x01];

/// The device has done what it was asked for.
const SUCCESS: u8 = 1;
/// There are none of the records that were asked for.
const NO_RECORDS: u8 = 6;

/// A decoded request or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAccess {
    /// A request to the device.
    Request {
        /// What to do.
        procedure: Procedure,
        /// For which records: the operator, as the code came.
        operator: u8,
        /// Between which limits.
        filter: Option<Filter>,
    },
    /// How many records there are.
    Count {
        /// Whether a combined report is done, and so many records were sent.
        is_combined: bool,
        /// The number.
        n_records: u32,
    },
    /// How a request went.
    Response {
        /// Op code of the request, as it came.
        request: u8,
        /// How it went, as the code came.
        code: u8,
    },
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Procedure {
    /// To send records.
    Report,
    /// To delete records.
    Delete,
    /// To stop what it does.
    Abort,
    /// To say how many records there are.
    ReportNumber,
    /// To send records and to say how many they were.
    CombinedReport,
}

/// Limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Sequence numbers.
    Sequence(Limits<u16>),
    /// User facing times.
    Time(Limits<DeviceTime>),
}

/// The records that a filter lets through; both limits belong to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits<T> {
    /// The lowest.
    pub lowest: Option<T>,
    /// The highest.
    pub highest: Option<T>,
}

/// Decodes what is written to or indicated by a Record Access Control Point.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not that of the
/// op code and operator, and [`DecodeError::OutOfRange`] for codes that do not belong there.
pub fn decode(bytes: &[u8]) -> Result<RecordAccess, DecodeError> {
    let mut payload = Payload::new(bytes);
    let op_code = payload.byte("op code")?;
    let operator = payload.byte("operator")?;
    let access = match op_code {
        1 => request(&mut payload, Procedure::Report, operator)?,
        2 => request(&mut payload, Procedure::Delete, operator)?,
        3 => abort(operator)?,
        4 => request(&mut payload, Procedure::ReportNumber, operator)?,
        5 => count(&mut payload, false, operator)?,
        6 => response(&mut payload, operator)?,
        7 => request(&mut payload, Procedure::CombinedReport, operator)?,
        8 => count(&mut payload, true, operator)?,
        _reserved => return Err(out_of_range("op code", op_code)),
    };
    payload.end()?;
    Ok(access)
}

impl RecordAccess {
    /// Whether the device has done what it was asked for; that it has no records is no failure.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::RecordsWithheld`] if it has not.
    pub const fn outcome(self) -> Result<(), DecodeError> {
        match self {
            Self::Response { code: SUCCESS | NO_RECORDS, .. }
            | Self::Request { .. }
            | Self::Count { .. } => Ok(()),
            Self::Response { request, code } => Err(DecodeError::RecordsWithheld { request, code }),
        }
    }
}

fn request(
    payload: &mut Payload<'_>,
    procedure: Procedure,
    operator: u8,
) -> Result<RecordAccess, DecodeError> {
    let (has_lowest, has_highest) = match operator {
        1 | 5 | 6 => (false, false),
        2 => (false, true),
        3 => (true, false),
        4 => (true, true),
        _none => return Err(out_of_range("operator", operator)),
    };
    if !has_lowest && !has_highest {
        return Ok(RecordAccess::Request { procedure, operator, filter: None });
    }
    let filter = match payload.byte("filter type")? {
        1 => {
            let mut limit = || payload.u16_le("sequence number");
            let lowest = has_lowest.then(&mut limit).transpose()?;
            let highest = has_highest.then(&mut limit).transpose()?;
            Filter::Sequence(Limits { lowest, highest })
        }
        2 => {
            let mut limit = || date_time::field(payload).and_then(date_time::shown);
            let lowest = has_lowest.then(&mut limit).transpose()?;
            let highest = has_highest.then(&mut limit).transpose()?;
            Filter::Time(Limits { lowest, highest })
        }
        reserved => return Err(out_of_range("filter type", reserved)),
    };
    Ok(RecordAccess::Request { procedure, operator, filter: Some(filter) })
}

fn abort(operator: u8) -> Result<RecordAccess, DecodeError> {
    none(operator)?;
    Ok(RecordAccess::Request { procedure: Procedure::Abort, operator, filter: None })
}

/// Meters are known that say the number in one byte or four.
fn count(
    payload: &mut Payload<'_>,
    is_combined: bool,
    operator: u8,
) -> Result<RecordAccess, DecodeError> {
    none(operator)?;
    let mut bytes = [payload.byte("number of records")?, 0, 0, 0];
    for byte in bytes.iter_mut().skip(1) {
        if !payload.is_empty() {
            *byte = payload.byte("number of records")?;
        }
    }
    Ok(RecordAccess::Count { is_combined, n_records: u32::from_le_bytes(bytes) })
}

fn response(payload: &mut Payload<'_>, operator: u8) -> Result<RecordAccess, DecodeError> {
    none(operator)?;
    let request = payload.byte("op code of the request")?;
    let code = payload.byte("response code")?;
    Ok(RecordAccess::Response { request, code })
}

fn none(operator: u8) -> Result<(), DecodeError> {
    if operator == 0 { Ok(()) } else { Err(out_of_range("operator", operator)) }
}

fn out_of_range(field: &'static str, value: u8) -> DecodeError {
    DecodeError::OutOfRange { field, value: Decimal::from(value) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, expected: RecordAccess) {
        assert_eq!(decode(&bytes(hex)), Ok(expected));
    }

    #[track_caller]
    fn refuse(hex: &str, field: &'static str) {
        let refused = decode(&bytes(hex));
        let is_field = |it: &DecodeError| matches!(it, DecodeError::OutOfRange { field: of, .. } if *of == field);
        assert!(refused.as_ref().is_err_and(is_field), "{refused:?}");
    }

    const fn all(procedure: Procedure) -> RecordAccess {
        RecordAccess::Request { procedure, operator: 1, filter: None }
    }

    #[test]
    fn the_hub_asks_for_every_record() {
        assert_eq!(decode(&REPORT_ALL), Ok(all(Procedure::Report)));
        check("0401", all(Procedure::ReportNumber));
        check("0701", all(Procedure::CombinedReport));
    }

    #[test]
    fn a_request_may_have_limits() {
        let limits = Limits { lowest: Some(0x0201), highest: None };
        let (procedure, filter) = (Procedure::Report, Some(Filter::Sequence(limits)));
        check("0103010102", RecordAccess::Request { procedure, operator: 3, filter });
        let limits = Limits { lowest: Some(1), highest: Some(9) };
        let filter = Some(Filter::Sequence(limits));
        check("01040101000900", RecordAccess::Request { procedure, operator: 4, filter });
        let time = date_time::decode(&bytes("e40701020a1530")).unwrap();
        let filter = Some(Filter::Time(Limits { lowest: None, highest: Some(time) }));
        let procedure = Procedure::Delete;
        check("020202e40701020a1530", RecordAccess::Request { procedure, operator: 2, filter });
    }

    #[test]
    fn answers_count_and_judge() {
        check("06000101", RecordAccess::Response { request: 1, code: 1 });
        check("06000106", RecordAccess::Response { request: 1, code: 6 });
        check("06000c02", RecordAccess::Response { request: 12, code: 2 });
        let count = |n_records| RecordAccess::Count { is_combined: false, n_records };
        check("050001", count(1));
        check("05000102", count(0x0201));
        check("050004030201", count(0x0102_0304));
        check("08000300", RecordAccess::Count { is_combined: true, n_records: 3 });
    }

    #[test]
    fn no_records_are_no_failure() {
        let outcome = |hex: &str| decode(&bytes(hex)).unwrap().outcome();
        assert_eq!(outcome("06000101"), Ok(()));
        assert_eq!(outcome("06000106"), Ok(()));
        let withheld = DecodeError::RecordsWithheld { request: 1, code: 8 };
        assert_eq!(outcome("06000108"), Err(withheld));
        assert_eq!(outcome("05000000"), Ok(()));
    }

    #[test]
    fn codes_out_of_place_are_refused() {
        refuse("060101", "operator");
        refuse("05010100", "operator");
        refuse("0100", "operator");
        refuse("0107", "operator");
        refuse("0301", "operator");
        refuse("0001", "op code");
        refuse("0900", "op code");
        refuse("0103030000", "filter type");
        refuse("010302ffffffffffffff", "year");
    }

    #[test]
    fn every_cut_and_every_surplus_is_refused() {
        for whole in ["06000101", "01040101000900", "010302e40701020a1530"] {
            for prefix in prefixes(whole) {
                let refused = decode(&prefix);
                assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
            }
            let longer = decode(&bytes(&format!("{whole}00")));
            assert!(matches!(longer, Err(DecodeError::Trailing { n_trailing: 1, .. })), "{whole}");
        }
        assert!(matches!(decode(&bytes("0500")), Err(DecodeError::Truncated { .. })));
        let longer = decode(&bytes("05000102030405"));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 7 }));
        assert!(matches!(decode(&bytes("010100")), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _access = decode(&bytes);
        }
    }
}
