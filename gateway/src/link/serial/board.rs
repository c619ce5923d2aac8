//! Which ports are open: what turns into `Up` and `Lost` of the whole link.

use std::collections::BTreeMap;

use vitals::DeviceId;

/// What is known of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not tried yet.
    Untried,
    Open,
    Closed,
}

/// The ports of the link, by device.
#[derive(Debug)]
pub(super) struct Board(BTreeMap<DeviceId, State>);

impl Board {
    /// Every port is still to be tried.
    pub(super) fn new(devices: impl IntoIterator<Item = DeviceId>) -> Self {
        Self(devices.into_iter().map(|device| (device, State::Untried)).collect())
    }

    /// Notes that a port is open; tells whether now all are.
    pub(super) fn opened(&mut self, device: &DeviceId) -> bool {
        let before = self.0.insert(device.clone(), State::Open);
        before != Some(State::Open) && self.0.values().all(|state| *state == State::Open)
    }

    /// Notes that a port is not open; tells whether that is news.
    pub(super) fn closed(&mut self, device: &DeviceId) -> bool {
        self.0.insert(device.clone(), State::Closed) != Some(State::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceId {
        name.parse().unwrap()
    }

    #[test]
    fn the_link_is_up_when_the_last_port_is_open() {
        let mut board = Board::new([device("scale"), device("oximeter")]);
        assert!(!board.opened(&device("scale")));
        assert!(board.opened(&device("oximeter")));
    }

    #[test]
    fn an_outage_is_told_once() {
        let mut board = Board::new([device("scale")]);
        assert!(board.closed(&device("scale")));
        assert!(!board.closed(&device("scale")));
        assert!(board.opened(&device("scale")));
        assert!(board.closed(&device("scale")));
    }
}
