//! The radio side of a Bluetooth device: what it shows, when it wakes and how long things take.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::gatt::{
    Address, BATTERY_LEVEL, BATTERY_SERVICE, Characteristic, Content, Service, short,
};

/// Model Number String.
const MODEL_NUMBER: Uuid = short(0x2A24);

/// What a Bluetooth device asks for before it lets a central subscribe.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Security {
    /// Nothing.
    #[default]
    Open,
    /// A bond, made without anything to type.
    JustWorks,
    /// A bond, made with the six digits that the device shows, typed at the central.
    Passkey(u32),
    /// A bond, made with six digits that the central shows, typed at the device.
    Keypad,
    /// A bond, made by a person who finds the same six digits on both sides.
    Comparison(u32),
}

/// When a Bluetooth device lets itself be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wake {
    /// After each measurement or replay, until the window ends or all is delivered.
    AfterMeasurement {
        /// How long the device can be found.
        window: Duration,
    },
    /// Whenever it is not connected.
    Always,
}

/// How long things take, in simulated time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Between two advertisements that the daemon reports.
    pub advertising_interval: Duration,
    /// From the request to the link.
    pub connect: Duration,
    /// From the link to the first early indication of a bonded device.
    pub settle: Duration,
    /// From the link to known services.
    pub resolve: Duration,
    /// Between two records.
    pub gap: Duration,
    /// From the last record to the device's hang-up.
    pub hang_up: Duration,
    /// How long the device stays connected with nothing to say.
    pub patience: Duration,
    /// The key exchange of a pairing.
    pub pairing: Duration,
}

impl Default for Timing {
    /// Times as real cuffs take them.
    fn default() -> Self {
        Self {
            advertising_interval: Duration::from_secs(1),
            connect: Duration::from_millis(150),
            settle: Duration::from_millis(80),
            resolve: Duration::from_millis(400),
            gap: Duration::from_millis(60),
            hang_up: Duration::from_secs(2),
            patience: Duration::from_secs(30),
            pairing: Duration::from_millis(1100),
        }
    }
}

impl Timing {
    /// Times for tests: the same order of things, in milliseconds.
    #[must_use]
    pub fn brisk() -> Self {
        Self {
            advertising_interval: Duration::from_millis(20),
            connect: Duration::from_millis(2),
            settle: Duration::from_millis(1),
            resolve: Duration::from_millis(4),
            gap: Duration::from_millis(1),
            hang_up: Duration::from_millis(60),
            patience: Duration::from_secs(30),
            pairing: Duration::from_millis(5),
        }
    }
}

/// The radio side of a Bluetooth device.
#[derive(Clone, Debug)]
pub struct Bluetooth {
    /// Its address.
    pub address: Address,
    /// Whether the address is random instead of public.
    pub random_address: bool,
    /// The name that it advertises.
    pub local_name: String,
    /// The services that it advertises.
    pub advertised: Vec<Uuid>,
    /// Manufacturer data in its advertisement, by company.
    pub manufacturer_data: BTreeMap<u16, Vec<u8>>,
    /// Service data in its advertisement.
    pub service_data: BTreeMap<Uuid, Vec<u8>>,
    /// Its services.
    pub services: Vec<Service>,
    /// What it asks for before it lets a central subscribe.
    pub security: Security,
    /// Paired with this hub and used before the simulation starts.
    pub bonded: bool,
    /// When it lets itself be found.
    pub wake: Wake,
    /// Ends the session by itself after the last record.
    pub hangs_up: bool,
    /// How long things take.
    pub timing: Timing,
}

impl Bluetooth {
    /// A device with the given measurement services and, besides, device information and battery.
    #[must_use]
    pub fn new(address: Address, local_name: &str, mut services: Vec<Service>) -> Self {
        let advertised = services.first().map(|service| service.uuid).into_iter().collect();
        services.push(device_information(local_name));
        services.push(Service {
            uuid: BATTERY_SERVICE,
            characteristics: vec![Characteristic {
                uuid: BATTERY_LEVEL,
                flags: vec!["read", "notify"],
                content: Content::BatteryLevel,
            }],
        });
        Self {
            address,
            random_address: false,
            local_name: local_name.to_owned(),
            advertised,
            manufacturer_data: BTreeMap::new(),
            service_data: BTreeMap::new(),
            services,
            security: Security::Open,
            bonded: false,
            wake: Wake::AfterMeasurement { window: Duration::from_secs(60) },
            hangs_up: false,
            timing: Timing::default(),
        }
    }

    /// Makes it a device that needs a bond and hangs up when all is said.
    pub(super) fn bonding(self) -> Self {
        Self { security: Security::JustWorks, hangs_up: true, ..self }
    }

    /// Sets the name that the device advertises and the model that it tells.
    pub(crate) fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.local_name);
        for service in &mut self.services {
            for characteristic in &mut service.characteristics {
                if characteristic.uuid == MODEL_NUMBER {
                    characteristic.content = Content::Fixed(model.into());
                }
            }
        }
    }
}

fn device_information(model: &str) -> Service {
    Service {
        uuid: short(0x180A),
        characteristics: vec![
            Characteristic::fixed(short(0x2A29), "Simulated"),
            Characteristic::fixed(MODEL_NUMBER, model),
            Characteristic::fixed(short(0x2A26), "1.0"),
        ],
    }
}
