//! The `[[device]]` tables of a story.

use std::time::Duration;

use uuid::Uuid;

use super::keys::Keys;
use crate::device::blood_pressure::CuffStyle;
use crate::device::body_composition::BodyCompositionStyle;
use crate::device::cuff_line::CuffLine;
use crate::device::glucose::MeterStyle;
use crate::device::omron::OmronModel;
use crate::device::oximeter_line::OximeterLine;
use crate::device::plx::OximeterStyle;
use crate::device::temperature::ThermometerStyle;
use crate::device::vendor::{VendorCuff, VendorOximeter};
use crate::device::weight::ScaleStyle;
use crate::device::xiaomi::XiaomiScale;
use crate::device::{Bluetooth, Device, Link, Security, Timing, Wake};
use crate::gatt::{Address, short};

/// A device of a story.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) device: Device,
    /// The user slot of measurements that do not name one.
    pub(super) user: Option<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum KindWord {
    Cuff,
    Oximeter,
    Scale,
    BodyCompositionScale,
    GlucoseMeter,
    Thermometer,
    HeartRate,
    NoninDf2,
    NoninAscii,
    AndScale,
    OximeterLine(OximeterLine),
    CuffLine(CuffLine),
    Replay,
    TaiDoc,
    TaiDocOnAir,
    TranstekScale,
    Omron(OmronModel),
    VendorOximeter(VendorOximeter),
    VendorCuff(VendorCuff),
    XiaomiScale(XiaomiScale),
    XiaomiS400,
    SerialReplay,
}

const KINDS: [(&str, KindWord); 41] = [
    ("cuff", KindWord::Cuff),
    ("oximeter", KindWord::Oximeter),
    ("scale", KindWord::Scale),
    ("body-composition-scale", KindWord::BodyCompositionScale),
    ("glucose-meter", KindWord::GlucoseMeter),
    ("thermometer", KindWord::Thermometer),
    ("heart-rate", KindWord::HeartRate),
    ("nonin-df2", KindWord::NoninDf2),
    ("nonin-ascii", KindWord::NoninAscii),
    ("and-scale", KindWord::AndScale),
    ("contec-5byte", KindWord::OximeterLine(OximeterLine::ContecFiveByte)),
    ("contec-9byte", KindWord::OximeterLine(OximeterLine::ContecNineByte)),
    ("masimo-ascii-1", KindWord::OximeterLine(OximeterLine::MasimoAscii)),
    ("nonin-df1", KindWord::OximeterLine(OximeterLine::NoninDf1)),
    ("nonin-df7", KindWord::OximeterLine(OximeterLine::NoninDf7)),
    ("nonin-df8", KindWord::OximeterLine(OximeterLine::NoninDf8)),
    ("nonin-df13", KindWord::OximeterLine(OximeterLine::NoninDf13)),
    ("omron-hbp-9030", KindWord::CuffLine(CuffLine::OmronHbp9030)),
    ("suntech-nibp", KindWord::CuffLine(CuffLine::SunTech)),
    ("taidoc", KindWord::TaiDoc),
    ("taidoc-bluetooth", KindWord::TaiDocOnAir),
    ("transtek-scale", KindWord::TranstekScale),
    ("omron-hbf-702t", KindWord::Omron(OmronModel::Hbf702t)),
    ("omron-hem-6232t", KindWord::Omron(OmronModel::Hem6232t)),
    ("omron-hem-7322t", KindWord::Omron(OmronModel::Hem7322t)),
    ("omron-hem-7361t", KindWord::Omron(OmronModel::Hem7361t)),
    ("omron-hem-7530t", KindWord::Omron(OmronModel::Hem7530t)),
    ("berry", KindWord::VendorOximeter(VendorOximeter::Berry)),
    ("cms50d-bt", KindWord::VendorOximeter(VendorOximeter::Cms50dBt)),
    ("jks50f", KindWord::VendorOximeter(VendorOximeter::Jks50f)),
    ("jumper", KindWord::VendorOximeter(VendorOximeter::Jumper)),
    ("o2ring", KindWord::VendorOximeter(VendorOximeter::Viatom)),
    ("pc-60fw", KindWord::VendorOximeter(VendorOximeter::Pc60fw)),
    ("jpd-ha120", KindWord::VendorCuff(VendorCuff::JumperHa120)),
    ("microlife", KindWord::VendorCuff(VendorCuff::Microlife)),
    ("yonker", KindWord::VendorCuff(VendorCuff::Yonker)),
    ("xiaomi-s400", KindWord::XiaomiS400),
    ("xiaomi-scale", KindWord::XiaomiScale(XiaomiScale::One)),
    ("xiaomi-scale-2", KindWord::XiaomiScale(XiaomiScale::Two)),
    ("replay", KindWord::Replay),
    ("serial-replay", KindWord::SerialReplay),
];

const CUFF_STYLES: [(&str, CuffStyle); 5] = [
    ("and", CuffStyle::And),
    ("all-fields", CuffStyle::AllFields),
    ("kilopascal", CuffStyle::Kilopascal),
    ("beurer-bm85", CuffStyle::BeurerBm85),
    ("bare", CuffStyle::Bare),
];

const OXIMETER_STYLES: [(&str, OximeterStyle); 5] = [
    ("spot-check", OximeterStyle::SpotCheck),
    ("bare", OximeterStyle::Bare),
    ("continuous", OximeterStyle::Continuous),
    ("choicemmed", OximeterStyle::ChoiceMmed),
    ("nonin-3230", OximeterStyle::Nonin3230),
];

const SCALE_STYLES: [(&str, ScaleStyle); 4] = [
    ("metric", ScaleStyle::Metric),
    ("imperial", ScaleStyle::Imperial),
    ("and", ScaleStyle::And),
    ("detecto", ScaleStyle::Detecto),
];

const BODY_COMPOSITION_STYLES: [(&str, BodyCompositionStyle); 3] = [
    ("metric", BodyCompositionStyle::Metric),
    ("imperial", BodyCompositionStyle::Imperial),
    ("two-packets", BodyCompositionStyle::TwoPackets),
];

const METER_STYLES: [(&str, MeterStyle); 2] =
    [("mg-per-dl", MeterStyle::Milligrams), ("mmol-per-l", MeterStyle::Millimoles)];

const THERMOMETER_STYLES: [(&str, ThermometerStyle); 3] = [
    ("celsius", ThermometerStyle::Celsius),
    ("fahrenheit", ThermometerStyle::Fahrenheit),
    ("bare", ThermometerStyle::Bare),
];

const SECURITIES: [(&str, Security); 3] =
    [("open", Security::Open), ("just-works", Security::JustWorks), ("keypad", Security::Keypad)];

const PACES: [(&str, bool); 2] = [("real", false), ("brisk", true)];

/// Reads one device; `None` if what it is cannot be told, which was reported then.
pub(super) fn read(mut keys: Keys<'_, '_>) -> Option<Entry> {
    let name = keys.must("name", "what the steps call it").text("name");
    let kind = keys.must("kind", "what the device is").word("kind", &KINDS);
    // Without a kind nobody knows which other keys are right.
    let (name, kind) = (name?, kind?);
    let user = match kind {
        KindWord::Cuff | KindWord::Scale | KindWord::BodyCompositionScale | KindWord::Omron(_) => {
            keys.whole("user", 0..=255)
        }
        KindWord::Oximeter
        | KindWord::GlucoseMeter
        | KindWord::Thermometer
        | KindWord::HeartRate
        | KindWord::NoninDf2
        | KindWord::NoninAscii
        | KindWord::AndScale
        | KindWord::OximeterLine(_)
        | KindWord::CuffLine(_)
        | KindWord::TaiDoc
        | KindWord::TaiDocOnAir
        | KindWord::TranstekScale
        | KindWord::VendorOximeter(_)
        | KindWord::VendorCuff(_)
        | KindWord::XiaomiScale(_)
        | KindWord::XiaomiS400
        | KindWord::Replay
        | KindWord::SerialReplay => None,
    };
    let device = match kind {
        KindWord::NoninDf2 => on_port(&mut keys, |port| Device::nonin_df2(&name, port)),
        KindWord::NoninAscii => on_port(&mut keys, |port| Device::nonin_ascii(&name, port)),
        KindWord::AndScale => on_port(&mut keys, |port| Device::and_scale(&name, port)),
        KindWord::OximeterLine(line) => {
            on_port(&mut keys, |port| Device::oximeter_line(&name, port, line))
        }
        KindWord::CuffLine(line) => on_port(&mut keys, |port| Device::cuff_line(&name, port, line)),
        KindWord::TaiDoc => on_port(&mut keys, |port| Device::taidoc(&name, port)),
        KindWord::SerialReplay => on_port(&mut keys, |port| Device::serial_replay(&name, port)),
        KindWord::Cuff
        | KindWord::Oximeter
        | KindWord::Scale
        | KindWord::BodyCompositionScale
        | KindWord::GlucoseMeter
        | KindWord::Thermometer
        | KindWord::HeartRate
        | KindWord::TaiDocOnAir
        | KindWord::TranstekScale
        | KindWord::Omron(_)
        | KindWord::VendorOximeter(_)
        | KindWord::VendorCuff(_)
        | KindWord::XiaomiScale(_)
        | KindWord::XiaomiS400
        | KindWord::Replay => on_air(&mut keys, &name, kind),
    };
    keys.refuse_the_rest();
    Some(Entry { device: device?, user: user.and_then(|user| u8::try_from(user).ok()) })
}

fn on_port(keys: &mut Keys<'_, '_>, make: impl FnOnce(&str) -> Device) -> Option<Device> {
    let place = keys.place();
    let port = keys.must("port", "the name of its serial port").text("port");
    let gap_ms = keys.whole("frame_gap_ms", 0..=60_000);
    let plugged = keys.flag("plugged").unwrap_or(true);
    let port = port?;
    if port.is_empty() || port.contains(['/', '\0']) || port.starts_with('.') {
        place.problem("port", &"not the name of a file");
    }
    let mut device = make(&port);
    if let Link::Serial(settings) = &mut device.link {
        settings.pace = Duration::from_millis(u64::from(gap_ms.unwrap_or(0)));
        settings.plugged = plugged;
    }
    Some(device)
}

fn on_air(keys: &mut Keys<'_, '_>, name: &str, kind: KindWord) -> Option<Device> {
    let address: Option<Address> = keys.must("address", "its Bluetooth address").parsed("address");
    // Reading goes on without an address, so that other problems are found as well.
    let at = address.unwrap_or(Address([0; 6]));
    let device = match kind {
        KindWord::Cuff => {
            let style = keys.word("style", &CUFF_STYLES).unwrap_or_default();
            Some(Device::cuff_in_style(name, at, style))
        }
        KindWord::Oximeter => {
            let style = keys.word("style", &OXIMETER_STYLES).unwrap_or_default();
            Some(Device::oximeter(name, at, style))
        }
        KindWord::Scale => {
            let style = keys.word("style", &SCALE_STYLES).unwrap_or_default();
            Some(Device::scale(name, at, style))
        }
        KindWord::BodyCompositionScale => {
            let style = keys.word("style", &BODY_COMPOSITION_STYLES).unwrap_or_default();
            Some(Device::body_composition_scale(name, at, style))
        }
        KindWord::GlucoseMeter => {
            let style = keys.word("style", &METER_STYLES).unwrap_or_default();
            Some(Device::glucose_meter(name, at, style))
        }
        KindWord::Thermometer => {
            let style = keys.word("style", &THERMOMETER_STYLES).unwrap_or_default();
            Some(Device::thermometer(name, at, style))
        }
        KindWord::HeartRate => Some(Device::heart_rate_belt(name, at)),
        KindWord::TaiDocOnAir => Some(Device::taidoc_on_air(name, at)),
        KindWord::TranstekScale => Some(Device::transtek_scale(name, at)),
        KindWord::Omron(model) => Some(omron(keys, Device::omron(name, at, model))),
        KindWord::VendorOximeter(style) => Some(Device::vendor_oximeter(name, at, style)),
        KindWord::VendorCuff(style) => Some(Device::vendor_cuff(name, at, style)),
        KindWord::XiaomiScale(style) => Some(Device::xiaomi_scale(name, at, style)),
        KindWord::XiaomiS400 => xiaomi_s400(keys, name, at),
        KindWord::Replay => replay(keys, name, at),
        KindWord::NoninDf2
        | KindWord::NoninAscii
        | KindWord::AndScale
        | KindWord::OximeterLine(_)
        | KindWord::CuffLine(_)
        | KindWord::TaiDoc
        | KindWord::SerialReplay => None,
    };
    let settled = Settled::read(keys);
    address?;
    Some(settled.apply(device?))
}

fn replay(keys: &mut Keys<'_, '_>, name: &str, address: Address) -> Option<Device> {
    let service = keys.must("service", "its UUID, long or four digits").parsed("service");
    let characteristic =
        keys.must("characteristic", "its UUID, long or four digits").parsed("characteristic");
    let indicate = keys.flag("indicate").unwrap_or(true);
    let (WrittenUuid(service), WrittenUuid(characteristic)) = (service?, characteristic?);
    Some(Device::replay(name, address, service, characteristic, indicate))
}

fn xiaomi_s400(keys: &mut Keys<'_, '_>, name: &str, address: Address) -> Option<Device> {
    let key = sixteen_bytes(keys.must("bind_key", "32 hexadecimal digits"), "bind_key")?;
    Some(Device::xiaomi_scale(name, address, XiaomiScale::S400 { key, address }))
}

/// One without a key is as it comes from the shop.
fn omron(keys: &mut Keys<'_, '_>, device: Device) -> Device {
    match sixteen_bytes(keys, "key") {
        Some(key) => device.with_key(key),
        None => device,
    }
}

fn sixteen_bytes(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<[u8; 16]> {
    let place = keys.place();
    let text = keys.text(key)?;
    let mut bytes = [0; 16];
    if hex::decode_to_slice(&text, &mut bytes).is_err() {
        place.problem(key, &"not 32 hexadecimal digits");
        return None;
    }
    Some(bytes)
}

/// A UUID as people write it: in full, or the four digits of the Bluetooth SIG.
struct WrittenUuid(Uuid);

impl std::str::FromStr for WrittenUuid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        match u16::from_str_radix(text, 16) {
            Ok(assigned) if text.len() == 4 => Ok(Self(short(assigned))),
            Ok(_) | Err(_) => text.parse().map(Self),
        }
    }
}

/// What any Bluetooth device can be told besides what it is.
struct Settled {
    model: Option<String>,
    bonded: Option<bool>,
    security: Option<Security>,
    is_brisk: bool,
    window: Option<Duration>,
}

impl Settled {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let place = keys.place();
        let passkey = keys.whole("passkey", 0..=999_999).map(Security::Passkey);
        let security = keys.word("security", &SECURITIES);
        if passkey.is_some() && security.is_some() {
            place.problem("security", &"a device with a passkey needs no other security");
        }
        let longest = Duration::from_secs(3600);
        Self {
            model: keys.text("model"),
            bonded: keys.flag("bonded"),
            security: passkey.or(security),
            is_brisk: keys.word("pace", &PACES).unwrap_or(false),
            window: keys.seconds("wake_window_s", Duration::from_secs(1)..=longest),
        }
    }

    fn apply(self, mut device: Device) -> Device {
        if let Some(model) = &self.model {
            device = device.model(model);
        }
        if let Link::Bluetooth(radio) = &mut device.link {
            let radio: &mut Bluetooth = radio;
            radio.bonded = self.bonded.unwrap_or(radio.bonded);
            radio.security = self.security.unwrap_or(radio.security);
            if self.is_brisk {
                radio.timing = Timing::brisk();
            }
            if let Some(window) = self.window {
                radio.wake = Wake::AfterMeasurement { window };
            }
        }
        device
    }
}
