//! The device models that the hub knows: one row a model, with how to talk to it.

mod blood_pressure;
mod description;
mod line;
mod omron;
mod other;
mod oximetry;
mod pairing;
mod taidoc;
mod uuid;
mod weight;

use std::sync::LazyLock;
use std::time::Duration;

use ::uuid::Uuid;
use jiff::civil;
use vitals::DeviceKind;

pub use self::line::Line;
pub use self::uuid::{characteristic, service, short_uuid, sig_uuid};
use super::nonin_3230::SpotChecks;
use super::omron_memory::{Introduction, Layout, Lock};
use super::{date_time, microlife, record_access, transtek, user_data};
use crate::link::dialogue::Script;
use crate::link::{Request, Write};

/// A device model.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name in configuration, on the wire and in the store; never changes.
    pub key: &'static str,
    /// What a person calls it.
    pub name: &'static str,
    /// What it measures.
    pub kind: DeviceKind,
    /// How it talks.
    pub transport: Transport,
    /// What a person does once so that the hub reads it, a step each, in words.
    pub pairing: &'static [&'static str],
    /// What an installer has to know about it.
    pub notes: &'static str,
}

/// How a model talks.
#[derive(Debug, PartialEq, Eq)]
pub enum Transport {
    /// Bluetooth LE.
    Bluetooth {
        /// What the names begin with by which it advertises; none where it is known by its services
        /// alone.
        names: &'static [&'static str],
        /// Services that it advertises; any of them is enough.
        services: &'static [Uuid],
        /// Services whose data in its advertisements is what it says; with any it is never connected.
        advertised: &'static [Uuid],
        /// Characteristics to subscribe to, in this order; those that it does not have are left out.
        subscriptions: &'static [Uuid],
        /// Characteristics to read once a session, after subscribing.
        reads: &'static [Uuid],
        /// How its clock is set, where it offers that.
        time_write: Option<TimeWrite>,
        /// Which bond it wants.
        bonding: Bonding,
        /// How long to wait between finding its characteristics and subscribing.
        settle: Duration,
        /// What the values are.
        format: GattFormat,
        /// What to write once it is subscribed to, besides asking for records.
        requests: &'static [Request],
    },
    /// A serial line.
    Serial {
        /// The line; where there are several, devices of one name differ, and which one it is has to be
        /// told by listening.
        lines: &'static [Line],
    },
}

/// What to write to the User Control Point (0x2A9F) so that a device delivers what it stored of the
/// user in that slot.
#[must_use]
pub fn consent(slot: u8, consent: u16) -> [u8; 4] {
    user_data::consent_request(slot, consent)
}

/// Which bond a device wants before it sends its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bonding {
    /// None that is known of: it sends its values to whoever connects or listens.
    Never,
    /// One that no PIN guards.
    JustWorks,
    /// One with a PIN that it shows or has on its label.
    Passkey,
    /// The device decides; the standard leaves it open.
    AsAsked,
}

/// How the clock of a device is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeWrite {
    /// Date Time (0x2A08) in the measurement service.
    DateTime,
    /// Current Time (0x2A2B) in the Current Time Service.
    CurrentTime,
    /// A frame of Microlife.
    Microlife,
    /// A command of Transtek, which counts the seconds since 2010. They are those of the wall clock:
    /// nothing but the hub reads them.
    Transtek,
}

impl TimeWrite {
    /// The characteristic to write.
    #[must_use]
    pub const fn characteristic(self) -> Uuid {
        match self {
            Self::DateTime => sig_uuid(characteristic::DATE_TIME),
            Self::CurrentTime => sig_uuid(characteristic::CURRENT_TIME),
            Self::Microlife => sig_uuid(0xFFF2),
            Self::Transtek => sig_uuid(0x8A81),
        }
    }

    /// Whether what is written there can be asked for, too.
    #[must_use]
    pub const fn can_be_read(self) -> bool {
        match self {
            Self::DateTime | Self::CurrentTime => true,
            Self::Microlife | Self::Transtek => false,
        }
    }

    /// What to write so that the device shows `now`, the wall clock of its client.
    #[must_use]
    pub fn value(self, now: civil::DateTime) -> Vec<u8> {
        match self {
            Self::DateTime => date_time::date_time(now).to_vec(),
            Self::CurrentTime => date_time::current_time(now).to_vec(),
            Self::Microlife => microlife::set_time(now),
            Self::Transtek => transtek::set_time(now),
        }
    }
}

impl Transport {
    /// Whether it sends values of `characteristic` by itself, or advertises data of that service.
    #[must_use]
    pub fn sends(&self, characteristic: Uuid) -> bool {
        match self {
            Self::Bluetooth { subscriptions, advertised, .. } => {
                subscriptions.contains(&characteristic) || advertised.contains(&characteristic)
            }
            Self::Serial { .. } => false,
        }
    }

    /// Whether it is understood with a key of the one device alone.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        match self {
            Self::Bluetooth { format, .. } => format.is_sealed(),
            Self::Serial { .. } => false,
        }
    }

    /// Whether it talks for as long as it is worn.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        let streams = [characteristic::PLX_CONTINUOUS, characteristic::HEART_RATE].map(sig_uuid);
        match self {
            Self::Bluetooth { format, .. } => {
                format.is_stream() || streams.into_iter().any(|it| self.sends(it))
            }
            Self::Serial { .. } => true,
        }
    }

    /// How long a connection of it may be quiet after a value before the hub ends it; `None` where
    /// there is none, or a line that stays open.
    ///
    /// A device that delivers what it stored has delivered it then, if it did not hang up before: most
    /// do, 1 to 5 s after the last value. One that talks all the time is no longer worn.
    #[must_use]
    pub fn quiet(&self) -> Option<Duration> {
        const AFTER_RECORDS: Duration = Duration::from_secs(5);
        const AFTER_STREAM: Duration = Duration::from_secs(30);
        match self {
            Self::Bluetooth { advertised: [], .. } if self.is_stream() => Some(AFTER_STREAM),
            Self::Bluetooth { advertised: [], .. } => Some(AFTER_RECORDS),
            Self::Bluetooth { .. } | Self::Serial { .. } => None,
        }
    }

    /// What to write in a session, and where, so that a device talks.
    ///
    /// A device whose Record Access Control Point (0x2A52) is subscribed to waits to be asked for
    /// what it stored. It is asked for every record, by a script where it has one, and none is ever
    /// deleted.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let Self::Bluetooth { subscriptions, requests, .. } = self else { return Vec::new() };
        let characteristic = sig_uuid(characteristic::RECORD_ACCESS);
        let write = Write::once(&record_access::REPORT_ALL);
        let records = Request { characteristic, write };
        let is_asked = subscriptions.contains(&characteristic) && self.script().is_none();
        requests.iter().copied().chain(is_asked.then_some(records)).collect()
    }

    /// How a device is asked for what it stores, where each question follows from an answer.
    #[must_use]
    pub fn script(&self) -> Option<&'static dyn Script> {
        match self {
            Self::Bluetooth { format: GattFormat::OmronMemory(layout), .. } => Some(*layout),
            Self::Bluetooth { format: GattFormat::Nonin3230, .. } => Some(&SpotChecks),
            Self::Bluetooth { .. } | Self::Serial { .. } => None,
        }
    }

    /// What a device has to be told once, on the link on which it was paired.
    #[must_use]
    pub fn introduction(&self) -> Option<&'static dyn Script> {
        match self {
            Self::Bluetooth {
                format: GattFormat::OmronMemory(Layout { lock: Lock::Key, .. }),
                ..
            } => Some(&Introduction),
            Self::Bluetooth { .. } | Self::Serial { .. } => None,
        }
    }
}

/// What the values of a Bluetooth device are, besides battery and device information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GattFormat {
    /// Those of the Bluetooth SIG.
    Standard,
    /// Berry oximeters, and those of BCI.
    Berry,
    /// Biolight temperature patches.
    Biolight,
    /// Contec CMS50D-BT.
    Cms50dBt,
    /// Detecto scales: those of the Bluetooth SIG with a flag of their own.
    Detecto,
    /// JKS50F oximeters.
    Jks50f,
    /// Jumper JPD-500F oximeters.
    Jumper,
    /// Jumper JPD-HA120 cuffs.
    JumperHa120,
    /// Microlife cuffs, asked for their memory.
    Microlife,
    /// Nonin 3230: those of the Bluetooth SIG, and its own each second, which say when there is a record.
    Nonin3230,
    /// Omron cuffs and scales whose memory is read.
    OmronMemory(&'static Layout),
    /// Viatom PC-60FW.
    Pc60fw,
    /// `TaiDoc` meters, asked for their records.
    TaiDoc,
    /// Transtek scales.
    Transtek,
    /// Viatom and Wellue oximeters, asked for live values.
    Viatom,
    /// Xiaomi S400, by its sealed advertisements.
    XiaomiS400,
    /// Xiaomi scales without impedance, by their advertisements.
    XiaomiScale1,
    /// Xiaomi scales with impedance, by their advertisements.
    XiaomiScale2,
    /// Yonker cuffs.
    Yonker,
}

impl GattFormat {
    /// Whether the values are read with a key of the one device.
    #[must_use]
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::XiaomiS400)
    }

    /// Whether the values are those of a device that is worn and talks all the time.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        match self {
            Self::Berry
            | Self::Biolight
            | Self::Cms50dBt
            | Self::Jks50f
            | Self::Jumper
            | Self::Pc60fw
            | Self::Viatom => true,
            Self::Standard
            | Self::Detecto
            | Self::JumperHa120
            | Self::Microlife
            | Self::Nonin3230
            | Self::OmronMemory(_)
            | Self::TaiDoc
            | Self::Transtek
            | Self::XiaomiS400
            | Self::XiaomiScale1
            | Self::XiaomiScale2
            | Self::Yonker => false,
        }
    }
}

/// Parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// An even number of set bits.
    Even,
    /// An odd number of set bits.
    Odd,
}

/// What the bytes of a serial line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialFormat {
    /// Nonin Data Format 2.
    NoninDataFormat2,
    /// Nonin 8500 and Avant, lines of text.
    NoninAscii,
    /// A&D standard ASCII.
    AndScale,
    /// Contec, 5 bytes a frame.
    ContecFiveByte,
    /// Contec, 9 bytes a frame.
    ContecNineByte,
    /// Masimo ASCII 1, lines of text.
    MasimoAscii,
    /// Nonin Data Format 1.
    NoninDataFormat1,
    /// Nonin Data Format 7.
    NoninDataFormat7,
    /// Nonin Data Format 8.
    NoninDataFormat8,
    /// Nonin Data Format 13.
    NoninDataFormat13,
    /// Omron HBP-9030, lines of text.
    OmronHbp9030,
    /// `SunTech` NIBP modules.
    SunTech,
    /// `TaiDoc` meters, asked for their records.
    TaiDoc,
}

/// Every model, in the order of their keys.
#[must_use]
pub fn models() -> &'static [&'static Model] {
    &MODELS
}

/// The model of that key.
#[must_use]
pub fn model(key: &str) -> Option<&'static Model> {
    let position = MODELS.binary_search_by_key(&key, |it| it.key).ok()?;
    MODELS.get(position).copied()
}

static MODELS: LazyLock<Vec<&'static Model>> = LazyLock::new(|| {
    let kinds = [blood_pressure::ROWS, omron::ROWS, oximetry::ROWS, weight::ROWS, other::ROWS];
    let mut models: Vec<&'static Model> = kinds.into_iter().flatten().collect();
    models.sort_by_key(|it| it.key);
    models
});

/// What every Bluetooth device is asked about itself.
const READS: &[Uuid] = &[
    sig_uuid(characteristic::BATTERY_LEVEL),
    sig_uuid(characteristic::MANUFACTURER),
    sig_uuid(characteristic::MODEL),
    sig_uuid(characteristic::SERIAL_NUMBER),
    sig_uuid(characteristic::FIRMWARE),
];
const AT_ONCE: Duration = Duration::ZERO;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_their_keys() {
        for it in models() {
            assert_eq!(model(it.key), Some(*it));
        }
        assert_eq!(model("and-ua-651"), None);
    }

    #[test]
    fn keys_are_in_order_and_fit_for_files_and_topics() {
        // None comes twice.
        assert!(models().is_sorted_by(|one, other| one.key < other.key));
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        assert!(models().iter().all(|it| it.key.chars().all(is_plain)));
    }

    #[test]
    fn meters_and_oximeters_are_asked_for_every_record() {
        let requests = |key: &str| model(key).unwrap().transport.requests();
        let write = Write::once(&[0x01, 0x01]);
        let all = Request { characteristic: sig_uuid(0x2A52), write };
        assert_eq!(requests("sig-glucose"), [all]);
        assert_eq!(requests("sig-pulse-oximeter"), [all]);
        assert_eq!((requests("sig-blood-pressure"), requests("nonin-df2")), (vec![], vec![]));
    }

    #[test]
    fn nothing_that_is_written_deletes_a_record_or_moves_a_cuff() {
        // TaiDoc: 43 starts a cuff, 50 switches off, 52 and 54 forget or wake; Viatom: 18 resets;
        // Record Access Control Point: 02 deletes; User Control Point: 03 and 05 delete.
        for model in models() {
            let writes: Vec<_> = match &model.transport {
                Transport::Serial { lines } => {
                    lines.iter().flat_map(|it| it.writes).copied().collect()
                }
                bluetooth @ Transport::Bluetooth { .. } => {
                    bluetooth.requests().iter().map(|it| it.write).collect()
                }
            };
            for Write { bytes, .. } in writes {
                let is_harmless = match bytes {
                    [0x51, command, ..] => [0x25, 0x26].contains(command),
                    [0xAA, command, ..] => *command == 0x17,
                    [0x7D, 0x81, command, ..] => [0xA1, 0xAF].contains(command),
                    [0x4D, 0xFF, .., last, _sum] => *last == 0xFD,
                    [0x81, 0x01] | [0x82, 0x02] | [0x9A, 0x1A] | [0x9B, _, _] => true,
                    [0x01, 0x01] => true,
                    _ => false,
                };
                assert!(is_harmless, "{}: {bytes:02X?}", model.key);
            }
        }
        assert_eq!(consent(1, 1234).first(), Some(&2));
        // What scripts ask is held to that by the property tests beside them.
        let keys = |has: fn(&Transport) -> bool| -> Vec<_> {
            models().iter().filter(|it| has(&it.transport)).map(|it| it.key).collect()
        };
        let scripted = keys(|it| it.script().is_some());
        let (omron, others): (Vec<&str>, Vec<_>) =
            scripted.into_iter().partition(|it| it.starts_with("omron-"));
        assert_eq!((omron.len(), others), (9, vec!["nonin-3230"]));
        let introduced = keys(|it| it.introduction().is_some());
        assert!(introduced.len() == 8 && !introduced.contains(&"omron-hem-7142t2"));
    }

    #[test]
    fn clocks_are_set_in_the_words_of_the_model() {
        let now = civil::date(2026, 3, 1).at(8, 0, 0, 0);
        assert_eq!(TimeWrite::DateTime.value(now).len(), 7);
        assert_eq!(TimeWrite::CurrentTime.value(now).len(), 10);
        assert_eq!(TimeWrite::DateTime.characteristic(), sig_uuid(0x2A08));
        assert_eq!(hex::encode(TimeWrite::Microlife.value(now)), "4dff00080d1a030108000087");
        assert_eq!(hex::encode(TimeWrite::Transtek.value(now)), "0200b7661e");
    }
}
