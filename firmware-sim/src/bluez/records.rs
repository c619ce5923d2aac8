//! The records that a device keeps, and what its Record Access Control Point (0x2A52) does with them.
//!
//! ```text
//! request                   answer
//! 01 01  report all         every record, oldest first, then 06 00 01 01; 06 00 01 06 without any
//! anything else             06 00 op 02: not supported
//! ```
//!
//! Records stay: a device sends the same ones again whenever it is asked.

use super::peripheral::Peripheral;
use crate::device::{Record, taidoc};
use crate::gatt::{ClockLayout, Content, Handle, short};

/// User Control Point.
const USER_CONTROL: uuid::Uuid = short(0x2A9F);

/// The request for every record.
const REPORT_ALL: [u8; 2] = [0x01, 0x01];
const RESPONSE: u8 = 0x06;
const SUCCESS: u8 = 0x01;
const NOT_SUPPORTED: u8 = 0x02;
const NO_RECORDS: u8 = 0x06;

const IN_PROGRESS: &str = "Operation failed with ATT error: 0x80";
const NOT_SUBSCRIBED: &str = "Operation failed with ATT error: 0x81";

impl Peripheral {
    /// Takes a request at the control point `handle`: the answer waits in the store afterwards.
    ///
    /// # Errors
    ///
    /// Returns the text of the daemon if the device refuses the request itself.
    pub(super) fn request_records(
        &mut self,
        handle: Handle,
        request: &[u8],
    ) -> Result<(), &'static str> {
        if !self.enabled.contains(&handle) {
            return Err(NOT_SUBSCRIBED);
        }
        if !self.store.is_empty() {
            return Err(IN_PROGRESS);
        }
        let Some(point) = self.table.record_access() else { return Ok(()) };
        let (op_code, is_all) = (request.first().copied().unwrap_or(0), request == REPORT_ALL);
        let code = match (is_all, self.memory.is_empty()) {
            (false, _) => NOT_SUPPORTED,
            (true, true) => NO_RECORDS,
            (true, false) => SUCCESS,
        };
        let answer = Record::stored(point.characteristic.uuid, vec![RESPONSE, 0, op_code, code]);
        if is_all {
            self.store.extend(self.memory.iter().cloned());
        }
        self.store.push_back(answer);
        Ok(())
    }
}

impl Peripheral {
    /// Takes a request at the User Control Point `handle`: its answer goes before anything else.
    ///
    /// ```text
    /// 02 user consent   20 02 01 where the code is right, else 20 02 05: not authorized
    /// anything else     20 op 02: not supported
    /// ```
    pub(super) fn request_user(&mut self, handle: Handle, request: &[u8], consent: u16) {
        let [low, high] = consent.to_le_bytes();
        let (op_code, code) = match *request {
            [0x02, _user, l, h] if [l, h] == [low, high] => (0x02, 0x01),
            [0x02, ..] => (0x02, 0x05),
            [op_code, ..] => (op_code, 0x02),
            [] => (0x00, 0x02),
        };
        self.is_let_in |= code == 0x01;
        let point = self.table.shown_characteristic(handle);
        if let Some(uuid) = point.map(|placed| placed.characteristic.uuid) {
            self.store.push_front(Record::stored(uuid, vec![0x20, op_code, code]));
        }
    }

    /// Takes a question to a meter at `handle`: the answer leaves by the same characteristic.
    pub(super) fn ask_meter(&mut self, handle: Handle, question: &[u8]) {
        let Some(point) = self.table.shown_characteristic(handle) else { return };
        let answer = taidoc::answer(question, &self.meter);
        self.store.extend(answer.map(|it| Record::stored(point.characteristic.uuid, it)));
    }

    /// Whether the device wants a user's consent, or the time, that it does not have in this session.
    pub(super) fn is_shut(&self) -> bool {
        let asks = |content: &Content| match content {
            Content::UserControl { .. } | Content::Clock(ClockLayout::Transtek) => true,
            Content::Clock(ClockLayout::DateTime | ClockLayout::CurrentTime)
            | Content::Fixed(_)
            | Content::Stream
            | Content::BatteryLevel
            | Content::Sink
            | Content::RecordAccess
            | Content::Meter
            | Content::Key
            | Content::Request { .. } => false,
        };
        let services = self.table.services().iter();
        let mut placed = services.flat_map(|it| &it.characteristics);
        placed.any(|it| asks(&it.characteristic.content)) && !self.is_let_in
    }

    /// Whether a record is an answer of the User Control Point.
    pub(super) fn is_answer(record: &Record) -> bool {
        record.characteristic == USER_CONTROL
    }
}

#[cfg(test)]
mod tests {
    use super::super::home::{ADDRESS, Home};
    use super::super::order::DeviceOrder;
    use super::*;
    use crate::device::glucose::{self, MeterStyle};
    use crate::device::plx::OximeterStyle;
    use crate::device::{Device, Link, Measurement};
    use crate::gatt::Address;

    /// A meter that knows the hub and keeps so many records, and its control point.
    fn meter(n_records: u8) -> (Peripheral, Handle) {
        let device = Device::glucose_meter("meter", Address([0; 6]), MeterStyle::Milligrams);
        let Device { name, kind, link: Link::Bluetooth(radio) } = device.bonded() else {
            panic!("a meter is on the air");
        };
        let mut meter = Peripheral::new(name, kind, *radio, 1);
        meter
            .memory
            .extend((0..n_records).map(|it| Record::stored(glucose::MEASUREMENT, vec![it])));
        let handle = meter.table.record_access().unwrap().handle;
        (meter, handle)
    }

    #[track_caller]
    fn check(n_records: u8, request: &[u8], expected: &[&[u8]]) {
        let (mut meter, handle) = meter(n_records);
        meter.request_records(handle, request).unwrap();
        let waiting: Vec<_> = meter.store.iter().map(|it| it.payload.as_slice()).collect();
        assert_eq!(waiting, expected);
        assert_eq!(meter.memory.len(), usize::from(n_records));
    }

    #[test]
    fn all_records_come_and_then_the_answer() {
        check(2, &[1, 1], &[&[0], &[1], &[6, 0, 1, 1]]);
        check(0, &[1, 1], &[&[6, 0, 1, 6]]);
    }

    #[test]
    fn nothing_else_is_understood_and_nothing_is_deleted() {
        check(1, &[2, 1], &[&[6, 0, 2, 2]]);
        check(1, &[1, 3, 1, 0, 0], &[&[6, 0, 1, 2]]);
        check(1, &[], &[&[6, 0, 0, 2]]);
    }

    #[test]
    fn a_request_waits_for_a_subscription_and_for_the_end_of_another() {
        let (mut meter, handle) = meter(1);
        meter.enabled.clear();
        assert_eq!(meter.request_records(handle, &REPORT_ALL), Err(NOT_SUBSCRIBED));
        meter.enabled.insert(handle);
        assert_eq!(meter.request_records(handle, &REPORT_ALL), Ok(()));
        assert_eq!(meter.request_records(handle, &REPORT_ALL), Err(IN_PROGRESS));
    }

    #[test]
    fn an_oximeter_tells_each_second_keeps_its_spot_check_and_hangs_up_without_a_finger() {
        let device = Device::oximeter("oximeter", ADDRESS, OximeterStyle::Nonin3230);
        let mut home = Home::new(device);
        home.order(DeviceOrder::Measure(Measurement::oximetry(97, 72)));
        home.connect();
        let no_records = home.write(&Content::RecordAccess, "0101");
        assert_eq!(no_records, ["06000106"]);
        home.values();
        home.wait(17_000);
        let seconds = home.values();
        assert_eq!((seconds.len(), seconds[0].as_str()), (17, "0a501e00c80001610048"));
        assert_eq!(seconds[16], "0a541e00c80011610048");
        let kept = home.write(&Content::RecordAccess, "0101");
        assert_eq!(kept, ["0761004800ea07060e172d020001000000", "06000101"]);
        home.wait(2_970);
        assert_eq!((home.values().len(), home.counters().connected), (3, true));
        home.wait(60);
        assert_eq!((home.counters().hang_ups, home.counters().values_unheard), (1, 0));
    }
}
