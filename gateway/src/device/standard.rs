//! The characteristics of the Bluetooth SIG: which decoder each has, and what becomes of its value.

use uuid::Uuid;

use super::body_composition::parts::Taken;
use super::catalogue::{characteristic, short_uuid};
use super::{
    Arrival, Decoder, Information, Item, blood_pressure, body_composition, date_time, glucose,
    heart_rate, information, plx, record_access, thermometer, user_data, weight,
};

impl Decoder {
    /// The value of a characteristic, whatever the model says about it.
    pub(super) fn characteristic(&mut self, arrival: Arrival<'_>, uuid: Uuid) -> Vec<Item> {
        let raw = arrival.raw;
        match short_uuid(uuid) {
            Some(characteristic::BLOOD_PRESSURE) => {
                self.measured(arrival, blood_pressure::decode(raw).and_then(|it| it.report()))
            }
            Some(characteristic::CUFF_PRESSURE) => {
                let decoded = blood_pressure::decode_cuff_pressure(raw);
                let pressure = decoded.and_then(|it| it.cuff_pressure());
                arrival.told(pressure.map(|it| it.map(Item::CuffPressure)))
            }
            Some(characteristic::PLX_SPOT_CHECK) => {
                self.measured(arrival, plx::decode_spot_check(raw).and_then(|it| it.report()))
            }
            Some(characteristic::PLX_CONTINUOUS) => {
                self.sampled(arrival, plx::decode_continuous(raw).and_then(|it| it.report()))
            }
            Some(characteristic::WEIGHT) => {
                self.measured(arrival, weight::decode(raw).and_then(|it| it.report()))
            }
            Some(characteristic::TEMPERATURE) => {
                self.measured(arrival, thermometer::decode(raw).and_then(|it| it.report()))
            }
            Some(characteristic::INTERMEDIATE_TEMPERATURE) => {
                // A thermometer at work: the value to come is the one that counts.
                arrival.told(thermometer::decode(raw).map(|_on_its_way| None))
            }
            Some(characteristic::BODY_COMPOSITION) => match body_composition::decode(raw) {
                Ok(measured) => {
                    let (received, raw) = (arrival.received, raw.to_vec());
                    let whole = self.parts.push(Taken { measured, received, raw });
                    whole.into_iter().flat_map(|it| self.composition(arrival, &it)).collect()
                }
                Err(error) => vec![Item::Refused(arrival.refused(error))],
            },
            Some(characteristic::USER_CONTROL) => {
                arrival.told(user_data::decode(raw).and_then(|it| it.outcome()).map(|()| None))
            }
            Some(characteristic::GLUCOSE) => match glucose::decode(raw) {
                Ok(glucose) => self.glucose(arrival, &glucose),
                Err(error) => vec![Item::Refused(arrival.refused(error))],
            },
            Some(characteristic::GLUCOSE_CONTEXT) => match glucose::context::decode(raw) {
                Ok(context) => self.meter.context(&context),
                Err(error) => vec![Item::Refused(arrival.refused(error))],
            },
            Some(characteristic::RECORD_ACCESS) => {
                let outcome = record_access::decode(raw).and_then(|it| it.outcome());
                let withheld = arrival.told(outcome.map(|()| None));
                self.meter.release().into_iter().chain(withheld).collect()
            }
            Some(characteristic::HEART_RATE) => {
                self.sampled(arrival, heart_rate::decode(raw).and_then(|it| it.report()))
            }
            Some(characteristic::BATTERY_LEVEL) => {
                let level = information::battery_percent(raw);
                self.battery_percent = level.as_ref().ok().copied().or(self.battery_percent);
                arrival.told(level.map(|it| Some(Item::Battery(it))))
            }
            Some(characteristic::DATE_TIME | characteristic::CURRENT_TIME) => {
                // A clock that cannot be read is as good as none, and spoils no measurement.
                arrival.told(Ok(date_time::clock(raw).ok().map(Item::Clock)))
            }
            Some(characteristic::MANUFACTURER) => arrival.text(Information::Manufacturer),
            Some(characteristic::MODEL) => arrival.text(Information::Model),
            Some(characteristic::SERIAL_NUMBER) => arrival.text(Information::SerialNumber),
            Some(characteristic::FIRMWARE) => arrival.text(Information::Firmware),
            Some(_) | None => vec![arrival.unexpected(format!("characteristic {uuid}"))],
        }
    }
}
