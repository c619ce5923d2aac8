//! The National Early Warning Score 2 (Royal College of Physicians, 2017): seven inputs, a total from
//! 0 to 20, and a clinical risk.
//!
//! ```text
//! points             3      2       1          0           1           2           3
//! respiratory rate   <=8            9-11       12-20                   21-24       >=25    /min
//! SpO2, scale 1      <=91   92-93   94-95      >=96                                        %
//! SpO2, scale 2      <=83   84-85   86-87      88-92       93-94 O2    95-96 O2    >=97 O2 %
//!                                              >=93 on air
//! air or oxygen             oxygen             air
//! systolic pressure  <=90   91-100  101-110    111-219                             >=220   mmHg
//! pulse              <=40           41-50      51-90       91-110      111-130     >=131   /min
//! consciousness                                alert                               CVPU
//! temperature        <=35.0         35.1-36.0  36.1-38.0   38.1-39.0   >=39.1              °C
//! ```
//!
//! A missing input is [`Incomplete`] and never "normal". It does not hold for people under 16 and in
//! pregnancy. Scale 2 is for a client for whom a clinician has prescribed a target of 88 to 92 %;
//! nothing here chooses it.
//!
//! Rounding, once and before scoring: whole numbers for rates and pressure and tenths of a degree
//! Celsius for temperature, half upwards; SpO2 is rounded down, which is the cautious side where it is
//! low (the college says nothing of decimals). On scale 2 with oxygen, where a high value is the
//! danger, a decimal counts as the next whole number once the value is above the target.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use vitals::{Quantity, Unit, Vital};

/// Which limits the saturation is scored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// For everybody else.
    One,
    /// For a prescribed target of 88 to 92 %: hypercapnic respiratory failure.
    Two,
}

/// What a client breathes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breathing {
    /// Room air.
    Air,
    /// Supplemental oxygen.
    Oxygen,
}

/// Level of consciousness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consciousness {
    /// Awake.
    Alert,
    /// Newly confused.
    Confusion,
    /// Responds to a voice.
    Voice,
    /// Responds to pain.
    Pain,
    /// Does not respond.
    Unresponsive,
}

/// What is scored, each in the order of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// Respiratory rate.
    RespiratoryRate,
    /// Oxygen saturation.
    OxygenSaturation,
    /// Air or oxygen.
    Breathing,
    /// Systolic blood pressure.
    SystolicPressure,
    /// Pulse.
    Pulse,
    /// Level of consciousness.
    Consciousness,
    /// Temperature.
    Temperature,
}

/// The inputs as far as they are known, as they were measured or observed.
///
/// A value in a unit that does not measure its parameter counts as missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Breaths in a minute.
    pub respiratory_rate: Option<Quantity>,
    /// Oxygen saturation.
    pub oxygen_saturation: Option<Quantity>,
    /// Air or oxygen.
    pub breathing: Option<Breathing>,
    /// Systolic blood pressure.
    pub systolic_pressure: Option<Quantity>,
    /// Beats in a minute.
    pub pulse: Option<Quantity>,
    /// Level of consciousness.
    pub consciousness: Option<Consciousness>,
    /// Body temperature.
    pub temperature: Option<Quantity>,
}

/// There is no score: these inputs are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no NEWS2: {} missing", names(missing))]
pub struct Incomplete {
    /// What is missing, in the order of the chart; at least one.
    pub missing: Vec<Parameter>,
}

/// A score with what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    points: [(Parameter, u8); Parameter::ALL.len()],
}

/// Clinical risk, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// A total of 0 to 4 without a 3 in it.
    Low,
    /// A total of 3 or 4 with a 3 in it.
    LowMedium,
    /// A total of 5 or 6.
    Medium,
    /// A total of 7 or more.
    High,
}

impl Consciousness {
    /// The level that is written down as `number` ([`Unit::Acvpu`]).
    #[must_use]
    pub fn of_level(number: Decimal) -> Option<Self> {
        let levels = [Self::Alert, Self::Confusion, Self::Voice, Self::Pain, Self::Unresponsive];
        (0_u8..).zip(levels).find(|(level, _it)| Decimal::from(*level) == number).map(|it| it.1)
    }

    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Confusion => "new confusion",
            Self::Voice => "responds to voice",
            Self::Pain => "responds to pain",
            Self::Unresponsive => "unresponsive",
        }
    }
}

impl Breathing {
    /// What a flow of supplemental oxygen says; none where there can be no such flow.
    #[must_use]
    pub fn of_flow(number: Decimal) -> Option<Self> {
        match (number.is_zero(), number.is_sign_negative()) {
            (true, _sign) => Some(Self::Air),
            (false, false) => Some(Self::Oxygen),
            (false, true) => None,
        }
    }
}

impl Parameter {
    /// Every parameter, in the order of the chart.
    pub const ALL: [Self; 7] = [
        Self::RespiratoryRate,
        Self::OxygenSaturation,
        Self::Breathing,
        Self::SystolicPressure,
        Self::Pulse,
        Self::Consciousness,
        Self::Temperature,
    ];

    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::RespiratoryRate => "respiratory rate",
            Self::OxygenSaturation => "SpO2",
            Self::Breathing => "air or oxygen",
            Self::SystolicPressure => "systolic pressure",
            Self::Pulse => "pulse",
            Self::Consciousness => "consciousness",
            Self::Temperature => "temperature",
        }
    }

    /// The vital that says it.
    #[must_use]
    pub const fn vital(self) -> Vital {
        match self {
            Self::RespiratoryRate => Vital::RespiratoryRate,
            Self::OxygenSaturation => Vital::OxygenSaturation,
            Self::Breathing => Vital::OxygenFlow,
            Self::SystolicPressure => Vital::SystolicPressure,
            Self::Pulse => Vital::PulseRate,
            Self::Consciousness => Vital::Consciousness,
            Self::Temperature => Vital::BodyTemperature,
        }
    }
}

impl Inputs {
    /// Takes in the `value` of `vital`; one that says nothing about a parameter changes nothing.
    pub fn put(&mut self, parameter: Parameter, value: Quantity) {
        match parameter {
            Parameter::RespiratoryRate => self.respiratory_rate = Some(value),
            Parameter::OxygenSaturation => self.oxygen_saturation = Some(value),
            Parameter::Breathing => {
                self.breathing = value.value_in(Unit::LitrePerMinute).and_then(Breathing::of_flow);
            }
            Parameter::SystolicPressure => self.systolic_pressure = Some(value),
            Parameter::Pulse => self.pulse = Some(value),
            Parameter::Consciousness => {
                self.consciousness = value.value_in(Unit::Acvpu).and_then(Consciousness::of_level);
            }
            Parameter::Temperature => self.temperature = Some(value),
        }
    }

    /// The score by `scale`.
    ///
    /// # Errors
    ///
    /// Returns [`Incomplete`] with everything that is missing.
    pub fn score(&self, scale: Scale) -> Result<Score, Incomplete> {
        let mut missing = Vec::new();
        let points = Parameter::ALL.map(|it| {
            let points = self.points(it, scale);
            // The oxygen saturation of scale 2 cannot be scored where it is not known what is
            // breathed; that is missing then, and the saturation is not.
            let waits = it == Parameter::OxygenSaturation
                && self.oxygen_saturation.is_some()
                && self.breathing.is_none();
            if points.is_none() && !waits {
                missing.push(it);
            }
            (it, points.unwrap_or_default())
        });
        if missing.is_empty() { Ok(Score { points }) } else { Err(Incomplete { missing }) }
    }

    fn points(&self, parameter: Parameter, scale: Scale) -> Option<u8> {
        match parameter {
            Parameter::RespiratoryRate => {
                let rate = whole(self.respiratory_rate?, Unit::PerMinute)?;
                Some(band(rate, &[(8, 3), (11, 1), (20, 0), (24, 2)], 3))
            }
            Parameter::OxygenSaturation => self.saturation(scale),
            Parameter::Breathing => Some(match self.breathing? {
                Breathing::Air => 0,
                Breathing::Oxygen => 2,
            }),
            Parameter::SystolicPressure => {
                let pressure = whole(self.systolic_pressure?, Unit::MillimetreOfMercury)?;
                Some(band(pressure, &[(90, 3), (100, 2), (110, 1), (219, 0)], 3))
            }
            Parameter::Pulse => {
                let pulse = whole(self.pulse?, Unit::PerMinute)?;
                Some(band(pulse, &[(40, 3), (50, 1), (90, 0), (110, 1), (130, 2)], 3))
            }
            Parameter::Consciousness => Some(match self.consciousness? {
                Consciousness::Alert => 0,
                Consciousness::Confusion
                | Consciousness::Voice
                | Consciousness::Pain
                | Consciousness::Unresponsive => 3,
            }),
            Parameter::Temperature => {
                let degrees = self.temperature?.value_in(Unit::Celsius)?;
                let tenths = half_up(degrees * Decimal::TEN, 0);
                Some(band(tenths, &[(350, 3), (360, 1), (380, 0), (390, 1)], 2))
            }
        }
    }

    fn saturation(&self, scale: Scale) -> Option<u8> {
        let exact = self.oxygen_saturation?.value_in(Unit::Percent)?;
        match scale {
            Scale::One => Some(band(exact.floor(), &[(91, 3), (93, 2), (95, 1)], 0)),
            Scale::Two => {
                let low = band(exact.floor(), &[(83, 3), (85, 2), (87, 1)], 0);
                match self.breathing? {
                    Breathing::Air => Some(low),
                    Breathing::Oxygen if 0 < low => Some(low),
                    Breathing::Oxygen => Some(band(exact.ceil(), &[(92, 0), (94, 1), (96, 2)], 3)),
                }
            }
        }
    }
}

impl Score {
    /// The total, from 0 to 20.
    #[must_use]
    pub fn total(&self) -> u8 {
        self.points.iter().map(|(_parameter, points)| points).sum()
    }

    /// The points of each parameter, in the order of the chart.
    #[must_use]
    pub const fn points(&self) -> &[(Parameter, u8)] {
        &self.points
    }

    /// The first parameter that has 3 points by itself.
    #[must_use]
    pub fn single_three(&self) -> Option<Parameter> {
        self.points.iter().find(|(_parameter, points)| *points == 3).map(|it| it.0)
    }

    /// The clinical risk; a total of 5 or more outranks a single 3.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match self.total() {
            7.. => Risk::High,
            5..=6 => Risk::Medium,
            0..=4 if self.single_three().is_some() => Risk::LowMedium,
            0..=4 => Risk::Low,
        }
    }
}

impl Risk {
    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::LowMedium => "low-medium",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "scale 1",
            Self::Two => "scale 2",
        })
    }
}

/// The points of the first band whose highest value is not below `value`, or of all above.
fn band(value: Decimal, bands: &[(u16, u8)], above: u8) -> u8 {
    let band = bands.iter().find(|(highest, _points)| value <= Decimal::from(*highest));
    band.map_or(above, |(_highest, points)| *points)
}

fn whole(quantity: Quantity, unit: Unit) -> Option<Decimal> {
    Some(half_up(quantity.value_in(unit)?, 0))
}

fn half_up(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// The parameters as a person lists them.
fn names(parameters: &[Parameter]) -> String {
    let labels: Vec<&str> = parameters.iter().map(|it| it.label()).collect();
    labels.join(", ")
}

#[cfg(test)]
mod tests;
