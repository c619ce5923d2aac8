//! What is on the air, and which rows of the catalogue fit it: pure.

use btleplug::api::BDAddr;
use uuid::Uuid;
use zbus::Variant;

use crate::device::catalogue::{self, Model, Transport};
use crate::link::bluetooth::signal::{Properties, flag, place};

/// Bit of the advertising flags: limited discoverable (Core, Volume 3, Part C, 9.2.3).
const LIMITED_DISCOVERABLE: u8 = 0x01;

/// A device as BlueZ shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address, or its identity where a bond tells that.
    pub address: BDAddr,
    /// The name that it advertises.
    pub name: Option<String>,
    /// Strength of its signal in dBm; `None` where it was not heard in this scan.
    pub rssi_dbm: Option<i16>,
    /// Services that it advertises or is known to have.
    pub services: Vec<Uuid>,
    /// BlueZ keeps a bond with it.
    pub is_paired: bool,
    /// The link is up.
    pub is_connected: bool,
    /// It says that it can be paired now; `None` where it says nothing about that.
    pub is_in_pairing_mode: Option<bool>,
}

impl Found {
    /// Reads the device at `path` of `adapter`; `None` where another object is there.
    pub(super) fn read(adapter: &str, path: &str, properties: &Properties<'_>) -> Option<Self> {
        let (at, address) = place(path)?;
        if at != adapter {
            return None;
        }
        let name = match properties.get("Name") {
            Some(Variant::Str(name)) => Some(name.to_string()),
            Some(_) | None => None,
        };
        let rssi_dbm = match properties.get("RSSI") {
            Some(Variant::I16(rssi)) => Some(*rssi),
            Some(_) | None => None,
        };
        let texts = |name: &str| {
            let value = properties.get(name)?.try_to_owned().ok()?;
            <Vec<String>>::try_from(value).ok()
        };
        let services = texts("UUIDs").unwrap_or_default();
        let advertising_flags = properties
            .get("AdvertisingFlags")
            .and_then(|it| <Vec<u8>>::try_from(it.try_to_owned().ok()?).ok())
            .and_then(|it| it.first().copied());
        Some(Self {
            address: address?,
            name,
            rssi_dbm,
            services: services.iter().filter_map(|it| it.parse().ok()).collect(),
            is_paired: flag(properties, "Paired").unwrap_or(false),
            is_connected: flag(properties, "Connected").unwrap_or(false),
            is_in_pairing_mode: advertising_flags.map(|it| it & LIMITED_DISCOVERABLE != 0),
        })
    }

    /// The rows of the catalogue that fit, the best one first: one whose name it bears, then those
    /// of any model with the standard service, then the others with its service, and last those whose
    /// name it bears while it offers other services: makers give one name to several families.
    #[must_use]
    pub fn rows(&self) -> Vec<&'static Model> {
        let mut rows: Vec<_> =
            catalogue::models().iter().copied().filter(|it| self.rank(it).is_some()).collect();
        rows.sort_by_key(|it| self.rank(it));
        rows
    }

    /// The rows that fit best: more than one where the air does not tell which model it is.
    #[must_use]
    pub fn best_rows(&self) -> Vec<&'static Model> {
        let mut rows = self.rows();
        let best = rows.first().and_then(|it| self.rank(it));
        rows.retain(|it| self.rank(it) == best);
        rows
    }

    fn rank(&self, model: &Model) -> Option<u8> {
        let Transport::Bluetooth { names, services, .. } = &model.transport else { return None };
        let has_service = services.iter().any(|it| self.services.contains(it));
        let is_named = self
            .name
            .as_deref()
            .is_some_and(|name| names.iter().any(|beginning| starts_with(name, beginning)));
        let is_by_name = services.is_empty() || self.services.is_empty();
        match (is_named, has_service) {
            (true, true) => Some(0),
            (true, false) if is_by_name => Some(0),
            (false, true) if model.key.starts_with("sig-") => Some(1),
            (false, true) => Some(2),
            (true, false) => Some(3),
            (false, false) => None,
        }
    }

    /// Whether a person means this device: its address, or its name, or how that begins.
    #[must_use]
    pub fn is_called(&self, wanted: &str) -> bool {
        wanted.parse::<BDAddr>().is_ok_and(|it| it == self.address)
            || self.name.as_deref().is_some_and(|name| starts_with(name, wanted))
    }
}

/// Those that were heard and that some row fits, the strongest signal first.
#[must_use]
pub fn health_devices(mut found: Vec<Found>) -> Vec<Found> {
    found.retain(|it| it.rssi_dbm.is_some() && !it.rows().is_empty());
    by_strength(found)
}

/// The strongest signal first; those of the same strength by address.
#[must_use]
pub fn by_strength(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|it| (std::cmp::Reverse(it.rssi_dbm), it.address));
    found
}

fn starts_with(name: &str, beginning: &str) -> bool {
    !beginning.is_empty()
        && name.get(..beginning.len()).is_some_and(|it| it.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::device::catalogue::{service, sig_uuid};

    const PATH: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02";

    fn found(name: &str, rssi_dbm: Option<i16>, services: &[u16]) -> Found {
        Found {
            address: BDAddr::from([0, 9, 0x1F, 0x8A, 1, 2]),
            name: Some(name.to_owned()),
            rssi_dbm,
            services: services.iter().copied().map(sig_uuid).collect(),
            is_paired: false,
            is_connected: false,
            is_in_pairing_mode: None,
        }
    }

    fn keys(found: &Found) -> Vec<&'static str> {
        found.rows().iter().map(|it| it.key).collect()
    }

    #[test]
    fn a_device_is_read_from_its_properties() {
        let uuid = sig_uuid(service::BLOOD_PRESSURE).to_string();
        let properties = BTreeMap::from([
            ("Name".to_owned(), Variant::from("A&D_UA-651BLE_8A0102".to_owned())),
            ("RSSI".to_owned(), Variant::I16(-61)),
            ("UUIDs".to_owned(), Variant::from(vec![uuid, "no uuid".to_owned()])),
            ("Paired".to_owned(), Variant::Bool(true)),
            ("AdvertisingFlags".to_owned(), Variant::from(vec![0x05_u8])),
        ]);
        let read = Found::read("hci0", PATH, &properties).unwrap();
        let expected = Found {
            is_paired: true,
            is_in_pairing_mode: Some(true),
            ..found("A&D_UA-651BLE_8A0102", Some(-61), &[service::BLOOD_PRESSURE])
        };
        assert_eq!(read, expected);
        assert_eq!(Found::read("hci1", PATH, &properties), None);
        assert_eq!(Found::read("hci0", &format!("{PATH}/service0010"), &properties), None);
    }

    #[test]
    fn a_row_with_its_name_fits_best_and_then_the_standard_one() {
        let and = found("A&D_UA-651BLE_8A0102", None, &[service::BLOOD_PRESSURE]);
        assert_eq!(keys(&and).first(), Some(&"and-ua-651ble"));
        let other = found("BP-7", None, &[service::BLOOD_PRESSURE]);
        assert_eq!(keys(&other).first(), Some(&"sig-blood-pressure"));
        assert_eq!(keys(&found("Lamp", None, &[0x180F])), [""; 0]);
    }

    #[test]
    fn a_name_that_several_families_bear_counts_with_the_service_alone() {
        let name = "BLEsmart_0000011AF1E2D3C4B5A6";
        let standard = found(name, None, &[service::BLOOD_PRESSURE]);
        assert_eq!(keys(&standard).first(), Some(&"sig-blood-pressure"));
        let modern: Vec<_> =
            found(name, None, &[0xFE4A]).best_rows().iter().map(|it| it.key).collect();
        assert_eq!(modern, ["omron-hem-7142t2"]);
        let transport = &catalogue::model("omron-hem-7322t").unwrap().transport;
        let Transport::Bluetooth { services, .. } = transport else { unreachable!() };
        let services = services.to_vec();
        let old = Found { services, ..found(name, None, &[]) }.best_rows();
        assert!(old.len() == 7 && old.iter().all(|it| it.key.starts_with("omron-hem-")));
    }

    #[test]
    fn a_scan_shows_health_devices_that_were_heard_the_strongest_first() {
        let shown = health_devices(vec![
            found("far", Some(-80), &[service::WEIGHT_SCALE]),
            found("silent", None, &[service::WEIGHT_SCALE]),
            found("lamp", Some(-30), &[0x180F]),
            found("near", Some(-40), &[service::PULSE_OXIMETER]),
        ]);
        let names: Vec<_> = shown.iter().filter_map(|it| it.name.as_deref()).collect();
        assert_eq!(names, ["near", "far"]);
    }

    #[test]
    fn a_person_calls_a_device_by_address_or_name() {
        let cuff = found("A&D_UA-651BLE_8A0102", None, &[]);
        for wanted in ["00:09:1F:8A:01:02", "00:09:1f:8a:01:02", "a&d_ua-651"] {
            assert!(cuff.is_called(wanted), "{wanted}");
        }
        for wanted in ["", "00:09:1F:8A:01:03", "UA-651", "ü"] {
            assert!(!cuff.is_called(wanted), "{wanted}");
        }
    }
}
