//! The two status fields of the Pulse Oximeter Profile.
//!
//! ```text
//! measurement status, 16 bits    device and sensor status, 24 bits
//! bit                            bit
//! 0-4   reserved                 0   extended display update
//! 5     measurement ongoing      1   equipment malfunction
//! 6     early estimate           2   signal processing irregularity
//! 7     validated                3   inadequate signal
//! 8     fully qualified          4   poor signal
//! 9     from storage             5   low perfusion
//! 10    demonstration data       6   erratic signal
//! 11    test data                7   non-pulsatile signal
//! 12    calibration ongoing      8   questionable pulse
//! 13    unavailable              9   signal analysis ongoing
//! 14    questionable             10  sensor interference
//! 15    invalid                  11  sensor unconnected to user
//!                                12  unknown sensor
//!                                13  sensor displaced
//!                                14  sensor malfunctioning
//!                                15  sensor disconnected
//!                                16-23 reserved
//! ```

use std::collections::BTreeSet;

use vitals::Flag;

use crate::device::item::FailureReason;

/// Measurement status as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasurementStatus(pub u16);

/// Device and sensor status as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceStatus(pub u32);

impl MeasurementStatus {
    const fn is(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    /// What the values were made for, where it was not for a patient.
    pub(super) fn fake_origin(self) -> Option<&'static str> {
        let demonstration = self.is(1 << 10).then_some("demonstration data");
        demonstration.or_else(|| self.is(1 << 11).then_some("test data"))
    }

    /// Why the values are not to be used.
    pub(super) fn failure(self) -> Option<FailureReason> {
        let unavailable = self.is(1 << 13).then_some(FailureReason::Unavailable);
        unavailable.or_else(|| self.is(1 << 15).then_some(FailureReason::Invalid))
    }

    /// What it says in words.
    #[must_use]
    pub fn flags(self) -> BTreeSet<Flag> {
        const WORDS: [(u16, Flag); 5] = [
            (1 << 6, Flag::EarlyEstimate),
            (1 << 8, Flag::FullyQualified),
            (1 << 9, Flag::FromStorage),
            (1 << 12, Flag::Questionable),
            (1 << 14, Flag::Questionable),
        ];
        WORDS.into_iter().filter(|(bit, _flag)| self.is(*bit)).map(|(_bit, flag)| flag).collect()
    }
}

impl DeviceStatus {
    const fn is(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Why the values are not to be used.
    pub(super) fn failure(self) -> Option<FailureReason> {
        const NOT_ON_THE_BODY: u32 = (1 << 11) | (1 << 13) | (1 << 15);
        self.is(NOT_ON_THE_BODY).then_some(FailureReason::SensorOff)
    }

    /// What it says in words.
    #[must_use]
    pub fn flags(self) -> BTreeSet<Flag> {
        const WORDS: [(u32, Flag); 14] = [
            (1 << 1, Flag::EquipmentMalfunction),
            (1 << 2, Flag::PoorSignal),
            (1 << 3, Flag::PoorSignal),
            (1 << 4, Flag::PoorSignal),
            (1 << 5, Flag::LowPerfusion),
            (1 << 6, Flag::PoorSignal),
            (1 << 7, Flag::Questionable),
            (1 << 8, Flag::Questionable),
            (1 << 10, Flag::PoorSignal),
            (1 << 11, Flag::SensorContactLost),
            (1 << 12, Flag::Questionable),
            (1 << 13, Flag::SensorContactLost),
            (1 << 14, Flag::EquipmentMalfunction),
            (1 << 15, Flag::SensorContactLost),
        ];
        WORDS.into_iter().filter(|(bit, _flag)| self.is(*bit)).map(|(_bit, flag)| flag).collect()
    }
}
