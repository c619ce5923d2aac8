//! What goes wrong between a body and its reading: technique, persons, units, clocks.
//!
//! Of the false alerts of one agency 54 % came from technique (§2.2). How often each is done is of this
//! project, how far it puts a value off is what textbooks say of it, and the flags are those of §4.

use fastrand::Rng;
use vitals::Flag;

use crate::client::Vitals;
use crate::habits::Kind;

/// What is wrong with a device for as long as it is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Right,
    /// The hub knows by how much, and corrects it.
    Off,
    /// Its battery was changed and nobody set it: the hub cannot use its times.
    Reset,
}

/// How a measurement was made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Technique {
    /// What it adds to the values.
    pub(crate) adds: Vitals,
    pub(crate) flag: Option<Flag>,
    /// The whole weight is that of somebody else, in hundredths of a kilogram.
    pub(crate) weight_of_another: Option<i64>,
    /// Pounds are taken for kilograms.
    pub(crate) is_in_pounds: bool,
}

impl Clock {
    /// 6 % of devices are off and 2 % reset.
    pub(crate) fn of(rng: &mut Rng) -> Self {
        match rng.u32(0..100) {
            0..6 => Self::Off,
            6..8 => Self::Reset,
            _right => Self::Right,
        }
    }
}

/// Whether the hub is away today, so that what is measured waits in the device: 2 % of days.
pub(crate) fn is_hub_away(rng: &mut Rng) -> bool {
    rng.u32(0..100) < 2
}

/// Whether a device that tells stored readings tells them twice.
pub(crate) fn tells_twice(rng: &mut Rng) -> bool {
    rng.u32(0..100) < 50
}

/// The technique of one measurement; one that was asked for is made with half of the faults.
pub(crate) fn technique(kind: Kind, is_repeat: bool, rng: &mut Rng) -> Technique {
    let per_mille = rng.i64(0..1000) * if is_repeat { 2 } else { 1 };
    match kind {
        Kind::Pressure => cuff(per_mille, rng),
        Kind::Oximetry | Kind::Exercise => finger(per_mille, rng),
        Kind::Weight => scale(per_mille, rng),
        Kind::Temperature | Kind::Visit => Technique::default(),
    }
}

fn cuff(per_mille: i64, rng: &mut Rng) -> Technique {
    let by = |systolic: i64| Vitals { systolic, diastolic: systolic / 2, ..Vitals::default() };
    match per_mille {
        // Over clothes: no device notices.
        0..30 => Technique { adds: by(rng.i64(1000..=4000)), ..Technique::default() },
        30..40 => Technique { adds: by(rng.i64(-2000..=3000)), ..Technique::default() },
        40..60 => Technique {
            adds: by(rng.i64(-2000..=3000)),
            flag: Some(Flag::BodyMovement),
            ..Technique::default()
        },
        60..70 => Technique {
            adds: by(rng.i64(-2500..=0)),
            flag: Some(Flag::CuffLoose),
            ..Technique::default()
        },
        // An extra beat, or movement, that passes for an irregular pulse.
        70..90 => Technique { flag: Some(Flag::IrregularPulse), ..Technique::default() },
        _good => Technique::default(),
    }
}

fn finger(per_mille: i64, rng: &mut Rng) -> Technique {
    let falls = |most: i64| Vitals { oxygen: -most, ..Vitals::default() };
    match per_mille {
        0..30 => Technique {
            adds: falls(rng.i64(300..=1200)),
            flag: Some(Flag::LowPerfusion),
            ..Technique::default()
        },
        30..45 => Technique { adds: falls(rng.i64(200..=800)), ..Technique::default() },
        _good => Technique::default(),
    }
}

fn scale(per_mille: i64, rng: &mut Rng) -> Technique {
    match per_mille {
        0..15 => {
            Technique { weight_of_another: Some(rng.i64(5000..=10500)), ..Technique::default() }
        }
        15..18 => Technique { is_in_pounds: true, ..Technique::default() },
        // With shoes and coat.
        18..38 => Technique {
            adds: Vitals { weight: rng.i64(80..=250), ..Vitals::default() },
            ..Technique::default()
        },
        _good => Technique::default(),
    }
}
