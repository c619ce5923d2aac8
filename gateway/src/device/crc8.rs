//! The two cyclic checksums of eight bits that devices here use.

/// Polynomial 0x07, most significant bit first, from 0: Viatom and Lepu.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ byte,
            |crc: u8, _bit| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 },
        )
    })
}

/// CRC-8/MAXIM, polynomial 0x31, least significant bit first, from 0: PC-60FW.
pub(crate) fn crc8_maxim(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8)
            .fold(crc ^ byte, |crc: u8, _bit| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8C })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_give_the_check_value_of_the_catalogue_of_checksums() {
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(crc8_maxim(b"123456789"), 0xA1);
        assert_eq!((crc8(&[]), crc8_maxim(&[])), (0, 0));
    }
}
