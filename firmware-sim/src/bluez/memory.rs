//! A memory that a central reads: what is written to it, and how long the device waits for more.

use std::time::Duration;

use super::peripheral::Peripheral;
use crate::device::Record;
use crate::gatt::Handle;

impl Peripheral {
    /// Takes a key at `handle`: the answer leaves by the same characteristic.
    pub(super) fn show_key(&mut self, handle: Handle, written: &[u8]) {
        let Some(point) = self.table.shown_characteristic(handle) else { return };
        let Some(unit) = &mut self.omron else { return };
        let answer = unit.take_key(written, self.pairing_mode);
        self.store.extend(answer.map(|it| Record::stored(point.characteristic.uuid, it)));
    }

    /// Takes a piece of a request: once it is whole, its answer waits in the store.
    pub(super) fn ask_memory(&mut self, channel: usize, piece: &[u8]) {
        let Some(unit) = &mut self.omron else { return };
        self.store.extend(unit.take_piece(channel, piece));
    }

    /// Returns how long after its last word the device hangs up: one whose memory is read waits for
    /// the end of that.
    pub(super) fn until_hang_up(&self) -> Duration {
        match &self.omron {
            Some(unit) if !unit.is_over() => self.timing().patience,
            Some(_) | None => self.timing().hang_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::effect::DeviceMethod;
    use super::super::home::{ADDRESS, Home};
    use super::super::order::DeviceOrder;
    use super::super::path::Node;
    use crate::device::omron::OmronModel;
    use crate::device::{Device, Measurement};
    use crate::fault::{ByteFault, Extent};
    use crate::gatt::Content;

    const KEY: [u8; 16] = [0x5A; 16];

    /// A cuff that measured once, connected.
    fn cuff() -> Home {
        let device = Device::omron("cuff", ADDRESS, OmronModel::Hem7530t).with_key(KEY);
        let mut home = Home::new(device);
        home.order(DeviceOrder::Measure(Measurement::blood_pressure(145, 91, 72)));
        home.connect();
        home
    }

    fn ask(home: &mut Home, request: &str) -> Vec<String> {
        home.write(&Content::Request { channel: 0 }, request)
    }

    /// Shows the key and opens the memory.
    fn open(home: &mut Home) {
        let key = format!("01{}", hex::encode(KEY));
        assert!(home.write(&Content::Key, &key)[0].starts_with("8100"));
        assert_eq!(ask(home, "0800000000100018").len(), 2);
    }

    const READ: &str = "08010002e81000f3";
    const ANSWER: [&str; 2] =
        ["18810002e8105b789a4819d71b420000", "00000000ffff00050000000000000000"];

    #[test]
    fn a_link_stays_while_it_is_asked_and_ends_after_the_end() {
        let mut home = cuff();
        home.wait(1000);
        open(&mut home);
        for _ in 0..5 {
            home.wait(20_000);
            assert_eq!(ask(&mut home, READ), ANSWER);
        }
        assert_eq!(ask(&mut home, "080f000000000007").len(), 1);
        assert!(home.counters().connected);
        home.wait(60);
        let seen = home.counters();
        assert_eq!((seen.hang_ups, seen.connected, seen.advertising), (1, false, false));
        assert_eq!((seen.measurements, seen.memory_writes, seen.indications), (1, 0, 14));
    }

    #[test]
    fn who_says_nothing_is_left_when_patience_ends() {
        let mut home = cuff();
        open(&mut home);
        home.wait(29_000);
        assert!(home.counters().connected);
        home.wait(1_000);
        assert_eq!(home.counters().hang_ups, 1);
    }

    #[test]
    fn what_was_not_read_to_the_end_can_be_read_on_the_next_link() {
        let mut home = cuff();
        open(&mut home);
        home.say(&Content::Request { channel: 0 }, READ);
        home.values();
        home.order(DeviceOrder::DropLink);
        assert!(home.counters().advertising);
        home.connect();
        assert!(home.values().is_empty(), "the answer went with the link that it was for");
        assert_eq!(
            ask(&mut home, READ),
            ["088f0000000002850000000000000000"],
            "it wants its key again"
        );
        open(&mut home);
        assert_eq!(ask(&mut home, READ), ANSWER);
        ask(&mut home, "080f000000000007");
        home.call(Node::Device(ADDRESS), DeviceMethod::Disconnect);
        assert!(!home.counters().advertising);
    }

    #[test]
    fn a_fault_meets_one_piece_of_an_answer() {
        let mut home = cuff();
        open(&mut home);
        home.order(DeviceOrder::Spoil(ByteFault::Drop, Extent::Next(1)));
        assert_eq!(ask(&mut home, READ), ANSWER[1..]);
        home.order(DeviceOrder::Spoil(ByteFault::Reorder, Extent::Next(1)));
        assert_eq!(ask(&mut home, READ), [ANSWER[1], ANSWER[0]]);
        assert_eq!(home.counters().spoiled, 2);
        assert_eq!(ask(&mut home, READ), ANSWER);
    }

    #[test]
    fn a_write_shows_in_the_counters() {
        let mut home = cuff();
        open(&mut home);
        ask(&mut home, "0a01c0010202aabb00db");
        assert_eq!(home.counters().memory_writes, 1);
    }

    #[test]
    fn a_key_is_programmed_only_in_pairing_mode() {
        let mut home = cuff();
        let prepare = "02".to_owned() + &"00".repeat(16);
        assert!(home.write(&Content::Key, &prepare)[0].starts_with("8200"));
        home.order(DeviceOrder::PairingMode(false));
        assert!(home.write(&Content::Key, &prepare)[0].starts_with("8201"));
    }
}
