//! What a row of the catalogue says, in words and as data.

use ::uuid::Uuid;
use serde_json::{Value, json};

use super::{Bonding, GattFormat, Line, Model, SerialFormat, TimeWrite, Transport, short_uuid};

impl Model {
    /// The row as one JSON object: what a program has to know to choose, pair and connect the device.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { key, name, kind, transport, pairing, notes } = self;
        let link = match transport {
            Transport::Bluetooth {
                names,
                services,
                advertised,
                subscriptions,
                reads: _,
                time_write,
                bonding,
                settle,
                format: _,
                requests: _,
            } => json!({
                "names": names,
                "services": uuids(services),
                "advertised": uuids(advertised),
                "subscriptions": uuids(subscriptions),
                "settle_ms": u64::try_from(settle.as_millis()).unwrap_or(u64::MAX),
                "bonding": bonding.as_str(),
                "clock": time_write.map(TimeWrite::as_str),
            }),
            Transport::Serial { lines } => {
                // Whoever knows of one line alone gets the one that is tried first.
                let first = lines.first();
                json!({
                    "baud": first.map(|it| it.baud),
                    "line": first.map(Line::shape),
                    "lines": lines.iter().map(Line::to_json).collect::<Vec<_>>(),
                })
            }
        };
        let mut row = json!({
            "key": key,
            "name": name,
            "kind": kind.as_str(),
            "link": transport.link(),
            "protocol": transport.protocol(),
            "quiet_s": transport.quiet().map(|it| it.as_secs()),
            "pairing": pairing,
            "notes": notes,
        });
        if let (Some(row), Value::Object(link)) = (row.as_object_mut(), link) {
            row.extend(link);
        }
        row
    }

    /// The row in lines that a person reads.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = match &self.transport {
            Transport::Bluetooth { names, services, advertised, time_write, bonding, .. } => {
                let known: Vec<_> = names
                    .iter()
                    .map(|it| format!("name {it}..."))
                    .chain(uuids(services).into_iter().map(|it| format!("service {it}")))
                    .chain(uuids(advertised).into_iter().map(|it| format!("data of service {it}")))
                    .collect();
                let known = if known.is_empty() {
                    "its address alone".to_owned()
                } else {
                    known.join(", ")
                };
                let clock = time_write.map_or("is never set", TimeWrite::as_str);
                vec![
                    format!("known by   {known}"),
                    format!("clock      {clock}"),
                    format!("bond       {}", bonding.sentence()),
                ]
            }
            Transport::Serial { lines } => {
                let line = |it: &Line| format!("line       {} baud, {}", it.baud, it.shape());
                lines.iter().map(line).collect()
            }
        };
        lines.insert(0, format!("protocol   {}", self.transport.protocol()));
        lines.push(format!("ends       {}", self.transport.ending()));
        lines.extend(self.pairing.iter().map(|step| format!("pairing    {step}")));
        lines.extend(
            Some(self.notes).filter(|it| !it.is_empty()).map(|it| format!("notes      {it}")),
        );
        lines
    }
}

impl Transport {
    /// The word for its link.
    #[must_use]
    pub const fn link(&self) -> &'static str {
        match self {
            Self::Bluetooth { .. } => "bluetooth",
            Self::Serial { .. } => "serial",
        }
    }

    /// What it speaks.
    #[must_use]
    pub fn protocol(&self) -> String {
        match self {
            Self::Bluetooth { format, .. } => format.as_str().to_owned(),
            Self::Serial { lines } => {
                let formats: Vec<_> = lines.iter().map(|it| it.format.as_str()).collect();
                formats.join("; or ")
            }
        }
    }

    /// How a session with it ends, one sentence without its stop.
    fn ending(&self) -> String {
        match (self, self.quiet()) {
            (Self::Serial { .. }, _) => {
                "never: the line stays open, and is opened again after an unplug".to_owned()
            }
            (Self::Bluetooth { .. }, None) => "never: it is not connected".to_owned(),
            (Self::Bluetooth { .. }, Some(quiet)) => format!(
                "when it hangs up, which is how it says that it is done, or after {} s without a value",
                quiet.as_secs()
            ),
        }
    }
}

impl Line {
    fn to_json(&self) -> Value {
        json!({ "baud": self.baud, "line": self.shape(), "protocol": self.format.as_str() })
    }
}

impl Bonding {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "none",
            Self::JustWorks => "just-works",
            Self::Passkey => "passkey",
            Self::AsAsked => "as-asked",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Never => "none that is known of",
            Self::JustWorks => "once, without a PIN (Just Works)",
            Self::Passkey => "once, with the PIN that it shows or has on its label",
            Self::AsAsked => "as the device asks for it",
        }
    }
}

impl TimeWrite {
    /// What is written, and when.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DateTime => {
                "Date Time (0x2A08) of the measurement service, read and set in each session"
            }
            Self::CurrentTime => {
                "Current Time (0x2A2B), read and set in each session where it has it"
            }
            Self::Microlife => "set by a frame of Microlife in each session",
            Self::Transtek => "set by a command of Transtek in each session",
        }
    }
}

impl GattFormat {
    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Bluetooth SIG",
            Self::Berry => "Berry or BCI",
            Self::Biolight => "Biolight",
            Self::Cms50dBt => "Contec CMS50D-BT",
            Self::Detecto => "Bluetooth SIG, with a flag of Detecto",
            Self::Jks50f => "JKS50F",
            Self::Jumper => "Jumper JPD-500F",
            Self::JumperHa120 => "Jumper JPD-HA120",
            Self::Microlife => "Microlife",
            Self::Nonin3230 => "Bluetooth SIG, and Nonin's own values each second",
            Self::OmronMemory(_) => "Omron, blocks of a memory",
            Self::Pc60fw => "Viatom PC-60FW",
            Self::TaiDoc => "TaiDoc",
            Self::Transtek => "Transtek",
            Self::Viatom => "Viatom, requests that begin with AA",
            Self::XiaomiS400 => "Xiaomi MiBeacon 5, encrypted",
            Self::XiaomiScale1 => "Xiaomi scale, version 1",
            Self::XiaomiScale2 => "Xiaomi scale, version 2",
            Self::Yonker => "Yonker",
        }
    }
}

impl SerialFormat {
    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoninDataFormat2 => "Nonin Data Format 2",
            Self::NoninAscii => "Nonin 8500 text",
            Self::AndScale => "A&D standard text",
            Self::ContecFiveByte => "Contec, 5 bytes a frame",
            Self::ContecNineByte => "Contec, 9 bytes a frame",
            Self::MasimoAscii => "Masimo ASCII 1",
            Self::NoninDataFormat1 => "Nonin Data Format 1",
            Self::NoninDataFormat7 => "Nonin Data Format 7",
            Self::NoninDataFormat8 => "Nonin Data Format 8",
            Self::NoninDataFormat13 => "Nonin Data Format 13",
            Self::OmronHbp9030 => "Omron HBP-9030 output format 5",
            Self::SunTech => "SunTech NIBP",
            Self::TaiDoc => "TaiDoc",
        }
    }
}

/// 16 bits where they are all that differs, else all of it.
fn uuids(all: &[Uuid]) -> Vec<String> {
    let name =
        |it: &Uuid| short_uuid(*it).map_or_else(|| it.to_string(), |it| format!("0x{it:04X}"));
    all.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::device::catalogue::{model, models};

    #[test]
    fn a_row_is_told_with_its_rules() {
        let lines = |key| model(key).unwrap().lines().join("\n");
        assert_eq!(
            lines("and-ua-651ble"),
            "protocol   Bluetooth SIG\n\
             known by   name A&D_UA-651BLE..., service 0x1810\n\
             clock      Date Time (0x2A08) of the measurement service, read and set in each session\n\
             bond       once, without a PIN (Just Works)\n\
             ends       when it hangs up, which is how it says that it is done, or after 5 s without a \
             value\n\
             pairing    Hold START until \"Pr\" shows.\n\
             notes      It stores failed measurements, too, and sends all it has stored."
        );
        assert!(lines("contec-5byte").contains("line       19200 baud, 8O1"));
        assert_eq!(
            lines("contec-cms50").split_once("\nends").unwrap().0,
            "protocol   Contec, 5 bytes a frame; or Contec, 9 bytes a frame\n\
             line       19200 baud, 8O1\n\
             line       115200 baud, 8N1"
        );
        assert!(lines("xiaomi-s400").contains("ends       never: it is not connected"));
        assert!(lines("contec-cms50d-bt").contains("known by   its address alone"));
    }

    #[test]
    fn a_program_gets_the_same() {
        #[track_caller]
        fn check(key: &str, expected: &[(&str, Value)]) {
            let row = model(key).unwrap().to_json();
            for (name, value) in expected {
                assert_eq!(row.get(name), Some(value), "{name} of {row}");
            }
        }
        check(
            "beurer-bm85",
            &[
                ("services", json!(["0x1810"])),
                ("bonding", json!("passkey")),
                ("settle_ms", json!(500)),
                ("quiet_s", json!(5)),
            ],
        );
        check("viatom-o2ring", &[("quiet_s", json!(30)), ("clock", Value::Null)]);
        check("and-uc-321", &[("line", json!("7E1")), ("quiet_s", Value::Null)]);
        let line = |baud: u32, line: &str, protocol: &str| json!({ "baud": baud, "line": line, "protocol": protocol });
        let five = line(19_200, "8O1", "Contec, 5 bytes a frame");
        let nine = line(115_200, "8N1", "Contec, 9 bytes a frame");
        check("contec-cms50", &[("baud", json!(19_200)), ("lines", json!([five, nine]))]);
    }

    #[test]
    fn every_row_says_how_the_device_gets_to_the_hub() {
        assert!(models().iter().all(|it| !it.pairing.is_empty()));
        assert!(models().iter().flat_map(|it| it.pairing).all(|it| it.ends_with('.')));
    }
}
