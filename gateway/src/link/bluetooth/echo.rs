//! Telling a device's values from the echoes of our own reads: pure.
//!
//! BlueZ signals every value that it reads, to whoever is subscribed to the characteristic. So a
//! value that was read comes twice: as the answer and as a value, in either order.

use uuid::Uuid;

/// Reads of a session whose echo may still come.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// The characteristic being read, and its values that came meanwhile.
    reading: Option<(Uuid, Vec<Vec<u8>>)>,
    /// Answers whose echo has not come.
    expected: Vec<(Uuid, Vec<u8>)>,
}

impl Echoes {
    /// A read begins.
    pub(super) fn begin(&mut self, uuid: Uuid) {
        self.reading = Some((uuid, Vec::new()));
    }

    /// A value came; tells whether it is the echo of an answer.
    pub(super) fn is_echo(&mut self, uuid: Uuid, bytes: &[u8]) -> bool {
        let is_it = |(read, answer): &(Uuid, Vec<u8>)| *read == uuid && answer == bytes;
        if let Some(place) = self.expected.iter().position(is_it) {
            self.expected.swap_remove(place);
            return true;
        }
        if let Some((read, values)) = &mut self.reading
            && *read == uuid
        {
            values.push(bytes.to_vec());
        }
        false
    }

    /// The answer of a read came; tells whether it is new, and not yet known by its echo.
    pub(super) fn end(&mut self, uuid: Uuid, answer: &[u8]) -> bool {
        let came = self.reading.take();
        if came.is_some_and(|(read, values)| {
            read == uuid && values.iter().any(|value| value == answer)
        }) {
            return false;
        }
        self.expected.push((uuid, answer.to_vec()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATTERY: Uuid = Uuid::from_u128(0x2A19);
    const PRESSURE: Uuid = Uuid::from_u128(0x2A35);

    #[test]
    fn an_echo_behind_the_answer_is_swallowed_once() {
        let mut echoes = Echoes::default();
        echoes.begin(BATTERY);
        assert!(echoes.end(BATTERY, &[90]));
        assert!(echoes.is_echo(BATTERY, &[90]));
        assert!(!echoes.is_echo(BATTERY, &[90]), "the same charge again is a value");
    }

    #[test]
    fn an_answer_behind_its_echo_is_not_new() {
        let mut echoes = Echoes::default();
        echoes.begin(BATTERY);
        assert!(!echoes.is_echo(BATTERY, &[90]));
        assert!(!echoes.end(BATTERY, &[90]));
    }

    #[test]
    fn what_a_device_says_meanwhile_is_kept() {
        let mut echoes = Echoes::default();
        echoes.begin(BATTERY);
        assert!(!echoes.is_echo(PRESSURE, &[1, 2, 3]));
        assert!(!echoes.is_echo(BATTERY, &[89]));
        assert!(echoes.end(BATTERY, &[90]));
    }
}
