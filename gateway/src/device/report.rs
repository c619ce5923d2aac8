//! What a decoded payload says about one measurement, before the hub adds when it came.

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, Measurement, ReadingKind};

use super::item::FailureReason;
use super::medfloat::NoValue;

/// What one payload says about one measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was measured.
    pub kind: ReadingKind,
    /// When, as the device says it.
    pub device_time: Option<DeviceTime>,
    /// The user whom the device thinks it measured.
    pub user_slot: Option<u8>,
    /// Remarks on the quality.
    pub flags: BTreeSet<Flag>,
    /// How it came out.
    pub result: Result<Vec<Measurement>, NoResult>,
}

/// Why a measurement gave no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoResult {
    /// It failed, and a person may want to repeat it.
    Failed(Vec<FailureReason>),
    /// There is nothing to measure now; nobody needs to know.
    Absent,
}

/// Why there is no number, as a person may be told it.
pub(crate) const fn reason(no_value: NoValue) -> FailureReason {
    match no_value {
        NoValue::AboveRange => FailureReason::AboveRange,
        NoValue::BelowRange => FailureReason::BelowRange,
        NoValue::NotANumber | NoValue::NotAtThisResolution | NoValue::Reserved => {
            FailureReason::NoValue
        }
    }
}

/// User slot of a user id; 0xFF stands for an unknown user.
pub(crate) fn user_slot(user_id: Option<u8>) -> Option<u8> {
    user_id.filter(|it| *it != 0xFF)
}
