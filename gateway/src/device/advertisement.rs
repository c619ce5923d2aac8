//! Advertising reports of a Bluetooth controller, and the scales that say their weight in them.
//!
//! ```text
//! report                                    element of an advertisement
//! 0     0x04    event                       0     length of what follows
//! 1     0x3E    of Bluetooth LE             1     type     0x16 = service, 0xFF = manufacturer
//! 2     length of what follows              2..   data
//! 3     0x02    advertising report
//! 4     1       number of reports           Xiaogui, manufacturer, 15 bytes
//! 5     type of the advertisement           0     0xC0
//! 6     type of the address                 1     counter
//! 7-12  address, backwards                  2-3   weight, big-endian
//! 13    length of the advertisement         4-5   impedance, 0.1 ohm, big-endian; 0 is none
//! 14..  advertisement                       6-7   not known
//! last  signal strength, dBm, signed        8     0x20 = 0.1 kg, 0x24 = 0.01 kg; bit 0: stabilized
//!                                           9-14  address
//! Laica, manufacturer, 14 bytes
//! 0-1   0xAC 0xA0                           Senssun, manufacturer, 19 bytes
//! 2-7   address, backwards                  0-4   not known
//! 8-11  exclusive or with 0xA0, big-endian; 5-10  address
//!       bits 0-17: weight, 0.001 kg         11    decimals
//!       or first two bytes: impedance       12-13 weight, 0.01 kg, big-endian
//! 12    0x0D = weight, 0x06 = impedance     14-15 impedance, ohm, big-endian
//! 13    not known                           16    bits 5 and 7: stabilized
//!                                           17    not known
//!                                           18    checksum   sum of the bytes from 11 to 17
//! ```

use rust_decimal::Decimal;

use super::error::DecodeError;
use super::payload::{Payload, sum};

/// Type of an element with the data of a service.
pub const SERVICE: u8 = 0x16;
/// Type of an element with the data of a manufacturer.
pub const MANUFACTURER: u8 = 0xFF;

/// One advertising report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement<'a> {
    /// Address, as it is written.
    pub address: [u8; 6],
    /// Signal strength in dBm.
    pub rssi_dbm: i8,
    /// Type and data of each element.
    pub elements: Vec<(u8, &'a [u8])>,
}

/// What a scale says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighing {
    /// Weight in kg, where this report says one.
    pub weight: Option<Decimal>,
    /// Impedance in ohm, where it was measured.
    pub impedance: Option<Decimal>,
    /// Whether the load does not move any more, where the scale says it.
    pub is_stabilized: Option<bool>,
}

/// Decodes one advertising report.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another event, [`DecodeError::Truncated`],
/// [`DecodeError::Trailing`], and [`DecodeError::Length`] where a length does not fit.
pub fn decode(bytes: &[u8]) -> Result<Advertisement<'_>, DecodeError> {
    let mut payload = Payload::new(bytes);
    let len_bytes = bytes.len();
    payload.fixed("event", 0x04)?;
    payload.fixed("event", 0x3E)?;
    let declared = usize::from(payload.byte("length")?);
    if declared != payload.rest().len() {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    payload.fixed("kind of report", 0x02)?;
    payload.fixed("number of reports", 0x01)?;
    let _types = payload.array::<2>("types")?;
    let mut address = payload.array::<6>("address")?;
    address.reverse();
    let declared = usize::from(payload.byte("length of the advertisement")?);
    let Some((rssi, advertisement)) = payload.rest().split_last() else {
        return Err(DecodeError::Truncated { field: "signal strength", len_bytes });
    };
    if declared != advertisement.len() {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    let rssi_dbm = i8::from_be_bytes([*rssi]);
    Ok(Advertisement { address, rssi_dbm, elements: elements(advertisement)? })
}

fn elements(mut rest: &[u8]) -> Result<Vec<(u8, &[u8])>, DecodeError> {
    let mut elements = Vec::new();
    // A length of zero fills the rest.
    while let Some((&len, after)) = rest.split_first().filter(|(len, _after)| **len != 0) {
        let declared = usize::from(len);
        let (element, after) = after
            .split_at_checked(declared)
            .ok_or(DecodeError::Length { declared, len_bytes: after.len() })?;
        if let Some((kind, data)) = element.split_first() {
            elements.push((*kind, data));
        }
        rest = after;
    }
    Ok(elements)
}

impl Advertisement<'_> {
    /// The data of the service with that 16-bit UUID.
    #[must_use]
    pub fn service(&self, short: u16) -> Option<&[u8]> {
        let of_service =
            |(kind, data): &(u8, &[u8])| *kind == SERVICE && data.starts_with(&short.to_le_bytes());
        self.elements.iter().find(|it| of_service(it)).and_then(|(_kind, data)| data.get(2..))
    }

    /// The data of the manufacturer.
    fn manufacturer(&self) -> Result<&[u8], DecodeError> {
        let element = self.elements.iter().find(|(kind, _data)| *kind == MANUFACTURER);
        let missing = DecodeError::Truncated { field: "data of the manufacturer", len_bytes: 0 };
        element.map(|(_kind, data)| *data).ok_or(missing)
    }

    /// Refuses data that names another device than the one that sent it.
    fn own(&self, address: [u8; 6]) -> Result<(), DecodeError> {
        let other = self.address.into_iter().zip(address).find(|(own, said)| own != said);
        other.map_or(Ok(()), |(_own, value)| Err(DecodeError::Framing { field: "address", value }))
    }

    /// What a Xiaogui scale says.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Framing`] for data of something else.
    pub fn xiaogui(&self) -> Result<Weighing, DecodeError> {
        let mut payload = Payload::new(self.manufacturer()?);
        payload.fixed("manufacturer", 0xC0)?;
        let _counter = payload.byte("counter")?;
        let weight = payload.u16_be("weight")?;
        let impedance = payload.u16_be("impedance")?;
        let _unknown = payload.array::<2>("unknown")?;
        let state = payload.byte("state")?;
        self.own(payload.array("address")?)?;
        payload.end()?;
        let n_decimals = match state {
            0x20 | 0x21 => 1,
            0x24 | 0x25 => 2,
            value => return Err(DecodeError::Framing { field: "state", value }),
        };
        let is_stabilized = state & 1 != 0;
        Ok(Weighing {
            weight: Some(Decimal::new(weight.into(), n_decimals)),
            impedance: (is_stabilized && impedance != 0).then(|| Decimal::new(impedance.into(), 1)),
            is_stabilized: Some(is_stabilized),
        })
    }

    /// What a Laica scale says; it shows tenths of a kilogram.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Framing`] for data of something else.
    pub fn laica(&self) -> Result<Weighing, DecodeError> {
        let mut payload = Payload::new(self.manufacturer()?);
        payload.fixed("manufacturer", 0xAC)?;
        payload.fixed("manufacturer", 0xA0)?;
        let mut address = payload.array::<6>("address")?;
        address.reverse();
        self.own(address)?;
        let [value_0, value_1, value_2, value_3] = payload.array::<4>("value")?.map(|it| it ^ 0xA0);
        let kind = payload.byte("kind")?;
        let _unknown = payload.byte("unknown")?;
        payload.end()?;
        match kind {
            0x0D => {
                let grams = u32::from_be_bytes([value_0, value_1, value_2, value_3]) & 0x3_FFFF;
                let weight = Decimal::new(grams.into(), 3).round_dp(1);
                Ok(Weighing { weight: Some(weight), impedance: None, is_stabilized: None })
            }
            0x06 => {
                let impedance = Decimal::from(u16::from_be_bytes([value_0, value_1]));
                Ok(Weighing { weight: None, impedance: Some(impedance), is_stabilized: None })
            }
            value => Err(DecodeError::Framing { field: "kind", value }),
        }
    }

    /// What a Senssun scale says.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Framing`] for data of something else, and [`DecodeError::Checksum`].
    pub fn senssun(&self) -> Result<Weighing, DecodeError> {
        let mut payload = Payload::new(self.manufacturer()?);
        let _unknown = payload.array::<5>("head")?;
        self.own(payload.array("address")?)?;
        let summed = payload.array::<7>("values")?;
        let found = payload.byte("checksum")?;
        payload.end()?;
        let computed = sum(&summed);
        if found != computed {
            return Err(DecodeError::Checksum { found, computed });
        }
        let [_decimals, weight_0, weight_1, impedance_0, impedance_1, state, _unknown] = summed;
        let impedance = u16::from_be_bytes([impedance_0, impedance_1]);
        Ok(Weighing {
            weight: Some(Decimal::new(u16::from_be_bytes([weight_0, weight_1]).into(), 2)),
            impedance: (impedance != 0).then(|| impedance.into()),
            is_stabilized: Some(state & 0xA0 == 0xA0),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const XIAOGUI: &str = "043e1d0201030094e0e5295a5f1110ffc0a30276138b0002215f5a29e5e094bd";
    const LAICA: &str = "043e2b02010300a02bbe5e91a01f0201040303b0ff0fffaca0a02bbe5e91a0a02c92140dbf\
                         0709414141303032d9";
    const SENSSUN: &str = "043e2b0201030033b3c1937a181f020106060949465f423714ff0001020311187a93c1b\
                           333021a4500b4a1ab61c5";
    const XIAOMI: &str =
        "043e2402010001ef148244dedf1802010603021b1810161b180226b20705040f0201ac018642be";

    #[test]
    fn a_report_has_an_address_and_elements() {
        let report = bytes(XIAOMI);
        let advertisement = decode(&report).unwrap();
        assert_eq!(hex::encode(advertisement.address), "dfde448214ef");
        assert_eq!((advertisement.rssi_dbm, advertisement.elements.len()), (-66, 3));
        assert_eq!(advertisement.service(0x181B).map(<[u8]>::len), Some(13));
        assert_eq!(advertisement.service(0x181D), None);
    }

    #[test]
    fn a_report_is_cut_or_too_long() {
        for prefix in prefixes(XIAOMI) {
            assert!(decode(&prefix).is_err(), "{prefix:?}");
        }
        let long = bytes(&format!("{XIAOMI}00"));
        assert!(matches!(decode(&long), Err(DecodeError::Length { .. })));
    }

    #[test]
    fn scales_say_their_weight() {
        let (xiaogui, laica, senssun) = (bytes(XIAOGUI), bytes(LAICA), bytes(SENSSUN));
        let weighing = decode(&xiaogui).unwrap().xiaogui().unwrap();
        assert_eq!(weighing.weight, Some(Decimal::new(630, 1)));
        assert_eq!(weighing.impedance, Some(Decimal::new(5003, 1)));
        let weighing = decode(&laica).unwrap().laica().unwrap();
        assert_eq!(weighing.weight, Some(Decimal::new(130, 1)));
        let weighing = decode(&senssun).unwrap().senssun().unwrap();
        assert_eq!(weighing.weight, Some(Decimal::new(6725, 2)));
        assert_eq!(weighing.is_stabilized, Some(true));
    }

    #[test]
    fn one_scale_is_not_another() {
        let (xiaogui, laica, xiaomi) = (bytes(XIAOGUI), bytes(LAICA), bytes(XIAOMI));
        assert!(matches!(decode(&xiaogui).unwrap().laica(), Err(DecodeError::Framing { .. })));
        assert!(matches!(decode(&laica).unwrap().xiaogui(), Err(DecodeError::Framing { .. })));
        assert!(decode(&laica).unwrap().senssun().is_err());
        assert!(matches!(decode(&xiaomi).unwrap().laica(), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn checksum_state_and_address_are_verified() {
        let other = |text: &str, from: &str, to: &str| bytes(&text.replacen(from, to, 1));
        let damaged = other(SENSSUN, "1a4500b4", "1a4600b4");
        let refused = decode(&damaged).unwrap().senssun();
        assert_eq!(refused, Err(DecodeError::Checksum { found: 0x61, computed: 0x62 }));
        let damaged = other(XIAOGUI, "0002215f", "0002225f");
        let refused = decode(&damaged).unwrap().xiaogui();
        assert_eq!(refused, Err(DecodeError::Framing { field: "state", value: 0x22 }));
        let damaged = other(XIAOGUI, "5f5a29e5e094bd", "5f5a29e5e095bd");
        let refused = decode(&damaged).unwrap().xiaogui();
        assert_eq!(refused, Err(DecodeError::Framing { field: "address", value: 0x95 }));
    }

    #[test]
    fn a_moving_load_has_no_impedance() {
        let moving = bytes("043e1d0201030094e0e5295a5f1110ffc05d008c00000002205f5a29e5e094bf");
        let weighing = decode(&moving).unwrap().xiaogui().unwrap();
        assert_eq!((weighing.impedance, weighing.is_stabilized), (None, Some(false)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, data in proptest::collection::vec(0_u8.., 0..40)) {
            let _report = decode(&bytes);
            let advertisement = Advertisement {
                address: [0; 6],
                rssi_dbm: 0,
                elements: vec![(MANUFACTURER, &data), (SERVICE, &data)],
            };
            let _weighings =
                (advertisement.xiaogui(), advertisement.laica(), advertisement.senssun());
        }
    }
}
