//! Omron cuffs and scales with a memory: they send nothing unasked, and a central reads what they
//! kept.
//!
//! ```text
//! service ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b
//! key       b305b680                               write, notify      see `talk`
//! requests  db5b55e0 e0b8a060 0ae12b00 10e1ba60    write              channels 0 to 3, see `frame`
//! answers   49123040 4d0bf320 5128ce60 560f1420    notify             channels 0 to 3
//!
//! model      users at             places   bytes   record
//! HEM-6232T  02E8 0860            100      14      big-endian, year of six bits, flags changed over
//! HEM-7322T  02AC 0824            100      14      big-endian, year of eight bits
//! HEM-7361T  0098 06D8            100      16      little-endian
//! HEM-7530T  02E8                  90      14      big-endian, year of six bits
//! HBF-702T   02C0 0890 0E60 1430   30      48      of a body
//! ```
//!
//! Advertised as `BLEsmart_`, 0000 for a cuff or 0001 for a scale, the four digits of the model and
//! the address; manufacturer data of company 020E.

mod composition;
mod frame;
mod image;
mod pressure;
mod talk;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use self::pressure::PressureLayout;
pub(crate) use self::talk::Unit;
use super::kind::Surroundings;
use super::measurement::{MeasureError, Measurement};
use super::number::NotRepresentable;
use crate::gatt::{Address, Characteristic, Content, Service};

/// What a central shows to be let in: any sixteen bytes that were programmed before.
pub type Key = [u8; 16];

/// Omron Healthcare, in manufacturer data.
pub(super) const COMPANY: u16 = 0x020E;

const FORMAT: &str = "the memory of an Omron";

const SERVICE: Uuid = Uuid::from_u128(0xECBE_3980_C9A2_11E1_B1BD_0002_A5D5_C51B);
const KEY: Uuid = Uuid::from_u128(0xB305_B680_AEE7_11E1_A730_0002_A5D5_C51B);
const REQUESTS: [Uuid; frame::N_CHANNELS] = [
    Uuid::from_u128(0xDB5B_55E0_AEE7_11E1_965E_0002_A5D5_C51B),
    Uuid::from_u128(0xE0B8_A060_AEE7_11E1_92F4_0002_A5D5_C51B),
    Uuid::from_u128(0x0AE1_2B00_AEE8_11E1_A192_0002_A5D5_C51B),
    Uuid::from_u128(0x10E1_BA60_AEE8_11E1_89E5_0002_A5D5_C51B),
];
pub(crate) const ANSWERS: [Uuid; frame::N_CHANNELS] = [
    Uuid::from_u128(0x4912_3040_AEE8_11E1_A74D_0002_A5D5_C51B),
    Uuid::from_u128(0x4D0B_F320_AEE8_11E1_A0D9_0002_A5D5_C51B),
    Uuid::from_u128(0x5128_CE60_AEE8_11E1_B84B_0002_A5D5_C51B),
    Uuid::from_u128(0x560F_1420_AEE8_11E1_8184_0002_A5D5_C51B),
];

/// A model with a memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OmronModel {
    /// RS7, a cuff for the wrist with two users, whose two flags have changed places.
    Hem6232t,
    /// M700, a cuff with two users.
    Hem7322t,
    /// M7, a cuff with two users and little-endian records.
    Hem7361t,
    /// Complete, a cuff with one user.
    Hem7530t,
    /// A body composition scale with four users.
    Hbf702t,
}

impl OmronModel {
    /// Whether it is a scale; the others are cuffs.
    pub(crate) fn is_scale(self) -> bool {
        match self {
            Self::Hem6232t | Self::Hem7322t | Self::Hem7361t | Self::Hem7530t => false,
            Self::Hbf702t => true,
        }
    }

    /// Where the records of each user begin.
    fn bases(self) -> &'static [u16] {
        match self {
            Self::Hem6232t => &[0x02E8, 0x0860],
            Self::Hem7322t => &[0x02AC, 0x0824],
            Self::Hem7361t => &[0x0098, 0x06D8],
            Self::Hem7530t => &[0x02E8],
            Self::Hbf702t => &[0x02C0, 0x0890, 0x0E60, 0x1430],
        }
    }

    /// How many records of a user there is room for.
    fn n_places(self) -> u16 {
        match self {
            Self::Hem6232t | Self::Hem7322t | Self::Hem7361t => 100,
            Self::Hem7530t => 90,
            Self::Hbf702t => 30,
        }
    }

    /// The model in its advertised name. Only those of HEM-6232T and HBF-702T are public.
    fn digits(self) -> &'static str {
        match self {
            Self::Hem6232t => "0244",
            Self::Hem7322t => "7322",
            Self::Hem7361t => "7361",
            Self::Hem7530t => "7530",
            Self::Hbf702t => "000C",
        }
    }

    /// The name that it advertises.
    pub(super) fn name(self, address: Address) -> String {
        let group = if self.is_scale() { "0001" } else { "0000" };
        let address = address.to_string().replace(':', "");
        format!("BLEsmart_{group}{}{address}", self.digits())
    }

    /// Writes a measurement that is taken now as the record that is kept of it; none is kept of one
    /// that failed.
    ///
    /// # Errors
    ///
    /// Fails where the model cannot measure it, has no such user, or has no room for a value.
    pub(super) fn record(
        self,
        measurement: &Measurement,
        surroundings: Surroundings,
    ) -> Result<Option<Vec<u8>>, MeasureError> {
        let Surroundings { clock, battery_percent, sequence: _ } = surroundings;
        let layout = match self {
            Self::Hem6232t => PressureLayout::FlagsChanged,
            Self::Hem7322t => PressureLayout::LongYear,
            Self::Hem7361t => PressureLayout::LittleEndian,
            Self::Hem7530t => PressureLayout::ShortYear,
            Self::Hbf702t => return self.body(measurement, clock),
        };
        let Measurement::BloodPressure(taken) = measurement else {
            return Err(MeasureError::Unsuitable { device: "cuff", asked: measurement.word() });
        };
        self.base(taken.user)?;
        Ok(pressure::encode(taken, layout, clock, battery_percent)?)
    }

    fn body(
        self,
        measurement: &Measurement,
        clock: DateTime,
    ) -> Result<Option<Vec<u8>>, MeasureError> {
        let Measurement::BodyComposition(taken) = measurement else {
            let device = "body composition scale";
            return Err(MeasureError::Unsuitable { device, asked: measurement.word() });
        };
        self.base(taken.user)?;
        Ok(composition::encode(taken, clock)?)
    }

    /// Where the records of a user begin; the first user is 1.
    fn base(self, user: u8) -> Result<u16, NotRepresentable> {
        let index = usize::from(user).checked_sub(1);
        let base = index.and_then(|it| self.bases().get(it)).copied();
        base.ok_or(NotRepresentable { value: Decimal::from(user), format: FORMAT })
    }
}

/// In which order the pieces of an answer leave.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PieceOrder {
    /// That of the channels.
    #[default]
    Forwards,
    /// The last channel first.
    Backwards,
}

/// A model, and how one of its units is before the simulation starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Omron {
    pub(crate) model: OmronModel,
    /// The key that was programmed.
    pub(crate) key: Option<Key>,
    pub(crate) order: PieceOrder,
}

impl Omron {
    pub(crate) fn new(model: OmronModel) -> Self {
        Self { model, key: None, order: PieceOrder::Forwards }
    }
}

/// The services besides those that every device has.
pub(super) fn services() -> Vec<Service> {
    let key = Characteristic { uuid: KEY, flags: vec!["write", "notify"], content: Content::Key };
    let request = |(channel, uuid)| {
        let content = Content::Request { channel };
        Characteristic { uuid, flags: vec!["write"], content }
    };
    let requests = REQUESTS.into_iter().enumerate().map(request);
    let answers = ANSWERS.into_iter().map(Characteristic::notify);
    let characteristics = [key].into_iter().chain(requests).chain(answers).collect();
    vec![Service { uuid: SERVICE, characteristics }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_kind_the_model_and_the_address() {
        let address = Address([0x00, 0x80, 0xE1, 0xA2, 0xB3, 0xC4]);
        assert_eq!(OmronModel::Hbf702t.name(address), "BLEsmart_0001000C0080E1A2B3C4");
        assert_eq!(OmronModel::Hem6232t.name(address), "BLEsmart_000002440080E1A2B3C4");
    }

    #[test]
    fn a_model_measures_what_it_is_made_for_for_the_users_that_it_has() {
        let surroundings =
            Surroundings { clock: DateTime::ZERO, battery_percent: 100, sequence: 1 };
        let record = |model: OmronModel, it: Measurement| model.record(&it, surroundings);
        let pressure = Measurement::blood_pressure(131, 82, 70);
        let body = Measurement::body_composition(20, 70);
        assert!(record(OmronModel::Hbf702t, pressure.clone()).is_err());
        assert!(record(OmronModel::Hem7530t, body.clone()).is_err());
        for (user, is_there) in [(0, false), (1, true), (2, false)] {
            let pressure = pressure.clone().by_user(user);
            assert_eq!(record(OmronModel::Hem7530t, pressure).is_ok(), is_there, "{user}");
        }
        assert!(record(OmronModel::Hem7322t, pressure.by_user(2)).is_ok());
        assert!(record(OmronModel::Hbf702t, body.clone().by_user(4)).is_ok());
        assert!(record(OmronModel::Hbf702t, body.by_user(5)).is_err());
    }
}
