//! Units, and what they measure.

use std::str::FromStr;

use crate::alert::{UnknownWord, word};

/// What a unit measures; two units of one dimension convert into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Pressure.
    Pressure,
    /// A share of a whole.
    Fraction,
    /// Events in a time.
    Rate,
    /// Mass.
    Mass,
    /// Length.
    Length,
    /// Mass on an area.
    AreaDensity,
    /// Temperature.
    Temperature,
    /// Volume in a time.
    Flow,
    /// Level of consciousness.
    Consciousness,
    /// Concentration of glucose: mass and amount convert by its molar mass.
    GlucoseConcentration,
}

/// A unit, written on the wire as its UCUM code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Millimetre of mercury.
    MillimetreOfMercury,
    /// Kilopascal.
    Kilopascal,
    /// Percent.
    Percent,
    /// Per minute.
    PerMinute,
    /// Kilogram.
    Kilogram,
    /// Pound (avoirdupois).
    Pound,
    /// Metre.
    Metre,
    /// Inch.
    Inch,
    /// Kilogram per square metre.
    KilogramPerSquareMetre,
    /// Degree Celsius.
    Celsius,
    /// Degree Fahrenheit.
    Fahrenheit,
    /// Litre per minute.
    LitrePerMinute,
    /// Level of the ACVPU scale: 0 alert, 1 new confusion, 2 responds to voice, 3 to pain,
    /// 4 unresponsive.
    Acvpu,
    /// Milligram per decilitre.
    MilligramPerDecilitre,
    /// Millimole per litre.
    MillimolePerLitre,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 15] = [
        Self::MillimetreOfMercury,
        Self::Kilopascal,
        Self::Percent,
        Self::PerMinute,
        Self::Kilogram,
        Self::Pound,
        Self::Metre,
        Self::Inch,
        Self::KilogramPerSquareMetre,
        Self::Celsius,
        Self::Fahrenheit,
        Self::LitrePerMinute,
        Self::Acvpu,
        Self::MilligramPerDecilitre,
        Self::MillimolePerLitre,
    ];

    /// The UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::MillimetreOfMercury => "mm[Hg]",
            Self::Kilopascal => "kPa",
            Self::Percent => "%",
            Self::PerMinute => "/min",
            Self::Kilogram => "kg",
            Self::Pound => "[lb_av]",
            Self::Metre => "m",
            Self::Inch => "[in_i]",
            Self::KilogramPerSquareMetre => "kg/m2",
            Self::Celsius => "Cel",
            Self::Fahrenheit => "[degF]",
            Self::LitrePerMinute => "L/min",
            // An annotation: UCUM counts levels as numbers without a unit.
            Self::Acvpu => "{ACVPU}",
            Self::MilligramPerDecilitre => "mg/dL",
            Self::MillimolePerLitre => "mmol/L",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::MillimetreOfMercury => "mmHg",
            Self::Kilopascal => "kPa",
            Self::Percent => "%",
            Self::PerMinute => "/min",
            Self::Kilogram => "kg",
            Self::Pound => "lb",
            Self::Metre => "m",
            Self::Inch => "in",
            Self::KilogramPerSquareMetre => "kg/m²",
            Self::Celsius => "°C",
            Self::Fahrenheit => "°F",
            Self::LitrePerMinute => "L/min",
            Self::Acvpu => "ACVPU",
            Self::MilligramPerDecilitre => "mg/dL",
            Self::MillimolePerLitre => "mmol/L",
        }
    }

    /// What it measures.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::MillimetreOfMercury | Self::Kilopascal => Dimension::Pressure,
            Self::Percent => Dimension::Fraction,
            Self::PerMinute => Dimension::Rate,
            Self::Kilogram | Self::Pound => Dimension::Mass,
            Self::Metre | Self::Inch => Dimension::Length,
            Self::KilogramPerSquareMetre => Dimension::AreaDensity,
            Self::Celsius | Self::Fahrenheit => Dimension::Temperature,
            Self::LitrePerMinute => Dimension::Flow,
            Self::Acvpu => Dimension::Consciousness,
            Self::MilligramPerDecilitre | Self::MillimolePerLitre => {
                Dimension::GlucoseConcentration
            }
        }
    }
}

impl FromStr for Unit {
    type Err = UnknownWord;

    /// Reads a UCUM code.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::ucum, text)
    }
}
