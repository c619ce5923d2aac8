//! Names of services and characteristics.

use uuid::Uuid;

/// Service of oximeters of Jumper and of cuffs of Yonker, which are told apart by their values alone.
pub(super) const JUMPER_AND_YONKER: Uuid = Uuid::from_u128(0xCDEACB80_5235_4C07_8846_93A37EE6B86D);
/// Its characteristic that notifies.
pub(super) const JUMPER_AND_YONKER_VALUES: Uuid =
    Uuid::from_u128(0xCDEACB81_5235_4C07_8846_93A37EE6B86D);

/// Characteristics of the Bluetooth SIG, by their 16-bit UUIDs.
pub mod characteristic {
    /// Date Time.
    pub const DATE_TIME: u16 = 0x2A08;
    /// Glucose Measurement.
    pub const GLUCOSE: u16 = 0x2A18;
    /// Battery Level.
    pub const BATTERY_LEVEL: u16 = 0x2A19;
    /// Temperature Measurement.
    pub const TEMPERATURE: u16 = 0x2A1C;
    /// Intermediate Temperature.
    pub const INTERMEDIATE_TEMPERATURE: u16 = 0x2A1E;
    /// Model Number String.
    pub const MODEL: u16 = 0x2A24;
    /// Serial Number String.
    pub const SERIAL_NUMBER: u16 = 0x2A25;
    /// Firmware Revision String.
    pub const FIRMWARE: u16 = 0x2A26;
    /// Manufacturer Name String.
    pub const MANUFACTURER: u16 = 0x2A29;
    /// Current Time.
    pub const CURRENT_TIME: u16 = 0x2A2B;
    /// Glucose Measurement Context.
    pub const GLUCOSE_CONTEXT: u16 = 0x2A34;
    /// Blood Pressure Measurement.
    pub const BLOOD_PRESSURE: u16 = 0x2A35;
    /// Intermediate Cuff Pressure.
    pub const CUFF_PRESSURE: u16 = 0x2A36;
    /// Heart Rate Measurement.
    pub const HEART_RATE: u16 = 0x2A37;
    /// Record Access Control Point.
    pub const RECORD_ACCESS: u16 = 0x2A52;
    /// PLX Spot-check Measurement.
    pub const PLX_SPOT_CHECK: u16 = 0x2A5E;
    /// PLX Continuous Measurement.
    pub const PLX_CONTINUOUS: u16 = 0x2A5F;
    /// Body Composition Measurement.
    pub const BODY_COMPOSITION: u16 = 0x2A9C;
    /// User Control Point.
    pub const USER_CONTROL: u16 = 0x2A9F;
    /// Weight Measurement.
    pub const WEIGHT: u16 = 0x2A9D;
}

/// Services of the Bluetooth SIG, by their 16-bit UUIDs.
pub mod service {
    /// Glucose.
    pub const GLUCOSE: u16 = 0x1808;
    /// Health Thermometer.
    pub const HEALTH_THERMOMETER: u16 = 0x1809;
    /// Heart Rate.
    pub const HEART_RATE: u16 = 0x180D;
    /// Blood Pressure.
    pub const BLOOD_PRESSURE: u16 = 0x1810;
    /// Body Composition.
    pub const BODY_COMPOSITION: u16 = 0x181B;
    /// Weight Scale.
    pub const WEIGHT_SCALE: u16 = 0x181D;
    /// Pulse Oximeter.
    pub const PULSE_OXIMETER: u16 = 0x1822;
}

/// The full UUID of a 16-bit one, which goes into the Bluetooth base UUID.
#[must_use]
pub const fn sig_uuid(short: u16) -> Uuid {
    let [high, low] = short.to_be_bytes();
    Uuid::from_bytes([0, 0, high, low, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5F, 0x9B, 0x34, 0xFB])
}

/// The 16-bit UUID of a full one, where it has one.
#[must_use]
pub fn short_uuid(uuid: Uuid) -> Option<u16> {
    let short = u16::try_from(uuid.as_u128() >> 96).ok()?;
    (sig_uuid(short) == uuid).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_uuids_go_into_the_base_and_come_back() {
        let uuid = sig_uuid(0x2A35);
        assert_eq!(uuid.to_string(), "00002a35-0000-1000-8000-00805f9b34fb");
        assert_eq!(short_uuid(uuid), Some(0x2A35));
        assert_eq!(short_uuid(Uuid::from_u128(uuid.as_u128() ^ 1)), None);
        assert_eq!(short_uuid(Uuid::from_u128(u128::MAX)), None);
    }
}
