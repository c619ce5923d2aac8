//! One line of a vector file: pure. The keys are those of `tests/vectors/README.md`.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Identity, Utterance};
use crate::device::catalogue::short_uuid;

/// Where bytes came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A value that was read.
    Read {
        /// Its service.
        service: Uuid,
        /// Its characteristic.
        characteristic: Uuid,
    },
    /// A value that the device sent by itself.
    Sent {
        /// Its service.
        service: Uuid,
        /// Its characteristic.
        characteristic: Uuid,
    },
    /// A serial line with those settings, such as `9600 8N1`.
    Line(String),
}

/// One line of a vector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector(Value);

impl Vector {
    /// The vector of what a device said as number `number`; `None` where nothing but identity was
    /// in it.
    #[must_use]
    pub fn new(number: usize, said: &Utterance, identity: &Identity) -> Option<Self> {
        let (transport, protocol, characteristic, how) = match &said.origin {
            Origin::Read { service, characteristic } => {
                let how = format!("read, service {}", uuid_text(*service));
                ("ble", uuid_text(*characteristic), Some(*characteristic), how)
            }
            Origin::Sent { service, characteristic } => {
                let how = format!("sent, service {}", uuid_text(*service));
                ("ble", uuid_text(*characteristic), Some(*characteristic), how)
            }
            Origin::Line(settings) => ("serial", format!("serial {settings}"), None, "line".into()),
        };
        let bytes = identity.removed_from(characteristic, &said.bytes)?;
        let remark = if bytes == said.bytes { "" } else { "; identity overwritten" };
        Some(Self(json!({
            "id": format!("recorded-{number}"),
            "transport": transport,
            "protocol": protocol,
            "hex": hex::encode(bytes),
            "expected": {},
            "source": "vitalgate device record",
            "kind": "capture",
            "basis": "derived",
            "checked": "no",
            "note": format!("{how}, after {} ms{remark}", said.after.as_millis()),
        })))
    }

    /// The line.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.0.to_string()
    }
}

/// Four digits where the Bluetooth SIG assigned the UUID, else all of it.
pub(super) fn uuid_text(uuid: Uuid) -> String {
    short_uuid(uuid).map_or_else(|| uuid.to_string(), |short| format!("{short:04X}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::catalogue::sig_uuid;

    fn sent(characteristic: Uuid, bytes: &[u8]) -> Utterance {
        let origin = Origin::Sent { service: sig_uuid(0x1810), characteristic };
        Utterance { origin, bytes: bytes.to_vec(), after: Duration::from_millis(1234) }
    }

    #[test]
    fn a_value_is_a_line_of_the_vector_file() {
        let said = sent(sig_uuid(0x2A35), &[0x16, 0x78]);
        let vector = Vector::new(3, &said, &Identity::default()).unwrap();
        let line: Value = serde_json::from_str(&vector.to_line()).unwrap();
        assert_eq!((&line["protocol"], &line["hex"]), (&"2A35".into(), &"1678".into()));
        assert_eq!((&line["transport"], &line["kind"]), (&"ble".into(), &"capture".into()));
        assert_eq!(line["id"], "recorded-3");
        assert_eq!(line["note"], "sent, service 1810, after 1234 ms");
    }

    #[test]
    fn a_line_says_that_something_was_overwritten() {
        let mut identity = Identity::default();
        identity.text("5160700123");
        let said = sent(Uuid::from_u128(7), b"5160700123");
        let line = Vector::new(1, &said, &identity).unwrap().to_line();
        assert!(line.contains("78787878787878787878") && line.contains("overwritten"), "{line}");
        assert_eq!(Vector::new(1, &sent(sig_uuid(0x2A25), b"5160700123"), &identity), None);
    }

    #[test]
    fn a_serial_line_names_its_settings() {
        let origin = Origin::Line("9600 8N1".to_owned());
        let said = Utterance { origin, bytes: vec![1], after: Duration::ZERO };
        let line = Vector::new(1, &said, &Identity::default()).unwrap().to_line();
        assert!(line.contains("\"protocol\":\"serial 9600 8N1\""), "{line}");
    }
}
