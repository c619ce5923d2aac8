//! Simulated devices: what each is, what it measures and how it behaves on its link.

pub mod and_scale;
pub mod blood_pressure;
pub mod body_composition;
pub mod cuff_line;
pub mod date_time;
pub mod glucose;
pub mod heart_rate;
mod kind;
mod line_setting;
mod measurement;
mod nonin_3230;
pub mod nonin_ascii;
pub mod nonin_df2;
pub mod number;
pub mod omron;
pub mod oximeter_line;
pub mod oximetry;
pub mod plx;
mod radio;
pub(crate) mod taidoc;
pub mod temperature;
pub(crate) mod transtek;
pub mod vendor;
pub mod weight;
pub mod xiaomi;

use std::time::Duration;

use uuid::Uuid;

use self::blood_pressure::CuffStyle;
use self::body_composition::BodyCompositionStyle;
use self::cuff_line::CuffLine;
use self::glucose::MeterStyle;
pub use self::kind::Record;
pub(crate) use self::kind::{Hearing, Kind, Surroundings};
pub(crate) use self::line_setting::{LineSetting, Parity};
pub use self::measurement::{MeasureError, Measurement};
use self::omron::{Key, Omron, OmronModel, PieceOrder};
use self::oximeter_line::OximeterLine;
use self::plx::OximeterStyle;
pub use self::radio::{Bluetooth, Security, Timing, Wake};
use self::temperature::ThermometerStyle;
use self::vendor::{VendorCuff, VendorOximeter};
use self::weight::ScaleStyle;
use self::xiaomi::XiaomiScale;
use crate::gatt::{Address, Characteristic, Service};
use crate::serial::SerialPort;

/// A device to simulate.
#[derive(Clone, Debug)]
pub struct Device {
    /// The name that tests and scenarios call it by.
    pub name: String,
    pub(crate) kind: Kind,
    /// How it is connected to the hub.
    pub link: Link,
}

/// How a device is connected to the hub.
#[derive(Clone, Debug)]
pub enum Link {
    /// By Bluetooth LE.
    Bluetooth(Box<Bluetooth>),
    /// By a serial port.
    Serial(SerialPort),
}

impl Device {
    /// A blood-pressure cuff as A&D builds them: it wakes after a measurement, needs a bond,
    /// indicates what it stored, oldest first, and hangs up.
    #[must_use]
    pub fn cuff(name: &str, address: Address) -> Self {
        Self::cuff_in_style(name, address, CuffStyle::And)
    }

    /// As [`Device::cuff`], with the measurements of another maker.
    #[must_use]
    pub fn cuff_in_style(name: &str, address: Address, style: CuffStyle) -> Self {
        let services = blood_pressure::services(style);
        let radio = Bluetooth::new(address, style.model(), services).bonding();
        Self::on_air(name, Kind::Cuff(style), radio)
    }

    /// A pulse oximeter with the standard service: it wakes when a finger is in, or when a spot
    /// check is done.
    #[must_use]
    pub fn oximeter(name: &str, address: Address, style: OximeterStyle) -> Self {
        let radio = Bluetooth::new(address, style.model(), plx::services(style)).bonding();
        Self::on_air(name, Kind::Oximeter(style), radio)
    }

    /// A scale with the standard service, which wakes when somebody stood on it.
    #[must_use]
    pub fn scale(name: &str, address: Address, style: ScaleStyle) -> Self {
        let radio = Bluetooth::new(address, "Scale", weight::services(style)).bonding();
        Self::on_air(name, Kind::Scale(style), radio)
    }

    /// A scale with the standard body composition service, which wakes when somebody stood on it.
    #[must_use]
    pub fn body_composition_scale(
        name: &str,
        address: Address,
        style: BodyCompositionStyle,
    ) -> Self {
        let radio =
            Bluetooth::new(address, "Body scale", body_composition::services(style)).bonding();
        Self::on_air(name, Kind::BodyCompositionScale(style), radio)
    }

    /// A glucose meter with the standard service, which wakes after a measurement, keeps all that it
    /// measured and sends it whenever it is asked to.
    #[must_use]
    pub fn glucose_meter(name: &str, address: Address, style: MeterStyle) -> Self {
        let radio = Bluetooth::new(address, "Meter", glucose::services()).bonding();
        Self::on_air(name, Kind::GlucoseMeter(style), radio)
    }

    /// A thermometer with the standard service, which wakes after a measurement.
    #[must_use]
    pub fn thermometer(name: &str, address: Address, style: ThermometerStyle) -> Self {
        let radio = Bluetooth::new(address, "Thermometer", temperature::services()).bonding();
        Self::on_air(name, Kind::Thermometer(style), radio)
    }

    /// A heart rate belt, which wakes while it is worn and needs no bond.
    #[must_use]
    pub fn heart_rate_belt(name: &str, address: Address) -> Self {
        let radio = Bluetooth::new(address, "Belt", heart_rate::services());
        Self::on_air(name, Kind::HeartRateBelt, Bluetooth { hangs_up: true, ..radio })
    }

    /// An oximeter that speaks a format of its vendor while a finger is in.
    #[must_use]
    pub fn vendor_oximeter(name: &str, address: Address, style: VendorOximeter) -> Self {
        let radio = Bluetooth::new(address, style.model(), style.services());
        Self::on_air(name, Kind::VendorOximeter(style), radio)
    }

    /// A cuff that speaks a format of its vendor.
    #[must_use]
    pub fn vendor_cuff(name: &str, address: Address, style: VendorCuff) -> Self {
        let radio = Bluetooth::new(address, style.model(), style.services());
        Self::on_air(name, Kind::VendorCuff(style), radio)
    }

    /// A scale that says what it weighs in its advertisements.
    #[must_use]
    pub fn xiaomi_scale(name: &str, address: Address, style: XiaomiScale) -> Self {
        let mut radio = Bluetooth::new(address, style.model(), Vec::new());
        radio.advertised = style.advertised();
        Self::on_air(name, Kind::XiaomiScale(style), radio)
    }

    /// A Nonin module that sends Data Format 2 while a finger is in.
    #[must_use]
    pub fn nonin_df2(name: &str, port: &str) -> Self {
        Self::on_port(name, Kind::NoninDf2, port)
    }

    /// A Nonin 8500 that sends a line of text a second while a finger is in.
    #[must_use]
    pub fn nonin_ascii(name: &str, port: &str) -> Self {
        Self::on_port(name, Kind::NoninAscii, port)
    }

    /// An oximeter that sends what it finds while a finger is in, in one of many formats.
    #[must_use]
    pub fn oximeter_line(name: &str, port: &str, line: OximeterLine) -> Self {
        Self::on_port(name, Kind::OximeterLine(line), port)
    }

    /// A cuff that sends each measurement once, in one of several formats.
    #[must_use]
    pub fn cuff_line(name: &str, port: &str, line: CuffLine) -> Self {
        Self::on_port(name, Kind::CuffLine(line), port)
    }

    /// A `TaiDoc` meter that keeps what it measured and answers who asks for it.
    #[must_use]
    pub fn taidoc(name: &str, port: &str) -> Self {
        Self::on_port(name, Kind::TaiDoc, port)
    }

    /// A `TaiDoc` meter with Bluetooth, which wakes after a measurement and answers who asks for it.
    #[must_use]
    pub fn taidoc_on_air(name: &str, address: Address) -> Self {
        let radio = Bluetooth::new(address, "TAIDOC TD3128", taidoc::services());
        Self::on_air(name, Kind::TaiDocOnAir, radio)
    }

    /// A scale of Transtek, which wakes when somebody stood on it and waits to be told the time.
    #[must_use]
    pub fn transtek_scale(name: &str, address: Address) -> Self {
        let radio = Bluetooth::new(address, "0203B", transtek::services());
        Self::on_air(name, Kind::TranstekScale, radio)
    }

    /// An Omron with a memory, which wakes after a measurement, needs a bond and then its key, and
    /// sends nothing that it is not asked for.
    #[must_use]
    pub fn omron(name: &str, address: Address, model: OmronModel) -> Self {
        let mut radio = Bluetooth::new(address, &model.name(address), omron::services()).bonding();
        radio.manufacturer_data.insert(omron::COMPANY, Vec::new());
        Self::on_air(name, Kind::Omron(Omron::new(model)), radio)
    }

    /// An A&D scale that sends lines of text while somebody stands on it.
    #[must_use]
    pub fn and_scale(name: &str, port: &str) -> Self {
        Self::on_port(name, Kind::AndScale, port)
    }

    /// A device that sends given bytes as they are out of any characteristic of any service, as
    /// indications or notifications. The bytes wait in the device for a subscriber.
    #[must_use]
    pub fn replay(
        name: &str,
        address: Address,
        service: Uuid,
        characteristic: Uuid,
        indicate: bool,
    ) -> Self {
        let stream = if indicate {
            Characteristic::indicate(characteristic)
        } else {
            Characteristic::notify(characteristic)
        };
        let services = vec![Service { uuid: service, characteristics: vec![stream] }];
        let radio = Bluetooth::new(address, name, services);
        Self::on_air(name, Kind::Replay { characteristic }, radio)
    }

    /// A serial device that sends given bytes as they are, on a port of the given name.
    #[must_use]
    pub fn serial_replay(name: &str, port: &str) -> Self {
        Self::on_port(name, Kind::SerialReplay, port)
    }

    fn on_air(name: &str, kind: Kind, radio: Bluetooth) -> Self {
        Self { name: name.to_owned(), kind, link: Link::Bluetooth(Box::new(radio)) }
    }

    fn on_port(name: &str, kind: Kind, port: &str) -> Self {
        let port = SerialPort { port: port.to_owned(), pace: Duration::ZERO, plugged: true };
        Self { name: name.to_owned(), kind, link: Link::Serial(port) }
    }

    fn change_omron(mut self, change: impl FnOnce(&mut Omron)) -> Self {
        if let Kind::Omron(omron) = &mut self.kind {
            change(omron);
        }
        self
    }

    /// Programs the key of an Omron with a memory; other devices have none.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        self.change_omron(|omron| omron.key = Some(key))
    }

    /// Sets in which order the pieces of an answer leave an Omron with a memory.
    #[must_use]
    pub fn piece_order(self, order: PieceOrder) -> Self {
        self.change_omron(|omron| omron.order = order)
    }

    fn change_bluetooth(mut self, change: impl FnOnce(&mut Bluetooth)) -> Self {
        match &mut self.link {
            Link::Bluetooth(bluetooth) => change(bluetooth),
            Link::Serial(_) => {}
        }
        self
    }

    /// Sets the name that a Bluetooth device advertises and the model that it tells.
    #[must_use]
    pub fn model(self, model: &str) -> Self {
        self.change_bluetooth(|bluetooth| bluetooth.set_model(model))
    }

    /// Makes the device one that was paired with this hub and used before.
    #[must_use]
    pub fn bonded(self) -> Self {
        self.change_bluetooth(|bluetooth| bluetooth.bonded = true)
    }

    /// Sets what the device asks for before it lets a central subscribe.
    #[must_use]
    pub fn security(self, security: Security) -> Self {
        self.change_bluetooth(|bluetooth| bluetooth.security = security)
    }

    /// Sets how long things take.
    #[must_use]
    pub fn timing(self, timing: Timing) -> Self {
        self.change_bluetooth(|bluetooth| bluetooth.timing = timing)
    }
}
