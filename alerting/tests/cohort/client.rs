//! A client of the cohort: who it is on an ordinary day, and how well it keeps to its plan.
//!
//! The baselines are of this project: such as clients of each plan have when they are treated and well,
//! mostly inside the limits of the plan.

use fastrand::Rng;

use crate::preset::Preset;

/// What a body has at one time, each value in hundredths of its unit: mmHg, /min, %, kg, °C.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Vitals {
    pub(crate) systolic: i64,
    pub(crate) diastolic: i64,
    pub(crate) pulse: i64,
    pub(crate) oxygen: i64,
    pub(crate) weight: i64,
    pub(crate) temperature: i64,
    pub(crate) respiration: i64,
}

/// Who it is.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) preset: Preset,
    pub(crate) usual: Vitals,
    /// The noise of one measurement and of one day, in percent of what is usual; 0 makes a client whose
    /// values do not vary.
    pub(crate) noise_percent: i64,
    /// How many of 100 measurements that are due are made.
    pub(crate) adherence_percent: u32,
    /// How many of 100 repeats that are asked for are made.
    pub(crate) repeats_percent: u32,
    /// Whether it falls ill and measures badly now and then.
    pub(crate) is_of_this_world: bool,
}

impl Client {
    /// The client that `rng` makes.
    pub(crate) fn new(preset: Preset, rng: &mut Rng) -> Self {
        let usual = usual(preset, |from, to| rng.i64(from * 100..=to * 100));
        Self {
            preset,
            usual,
            noise_percent: rng.i64(70..=130),
            // 61 % of clients did not keep to their plan (McCant): the worst make 61 % of what is due.
            adherence_percent: rng.u32(61..=100),
            // Of this project.
            repeats_percent: rng.u32(50..=95),
            is_of_this_world: true,
        }
    }

    /// A client in the middle of its kind, whose values hardly vary and who measures whatever is due.
    pub(crate) fn steady(preset: Preset) -> Self {
        Self {
            preset,
            usual: usual(preset, |from, to| (from + to) * 50),
            noise_percent: 0,
            adherence_percent: 100,
            repeats_percent: 100,
            is_of_this_world: false,
        }
    }
}

fn usual(preset: Preset, mut between: impl FnMut(i64, i64) -> i64) -> Vitals {
    let (systolic, oxygen, pulse) = match preset {
        // Treated high blood pressure: the goal is below 130/80, many are above it (§1.1).
        Preset::Hypertension => ((116, 142), (95, 98), (58, 84)),
        Preset::HeartFailure => ((104, 138), (94, 98), (58, 88)),
        // The target of 88 to 92 % (BTS, §1.4).
        Preset::Copd => ((112, 138), (89, 92), (66, 92)),
        Preset::PostSurgical => ((112, 138), (96, 98), (62, 86)),
        Preset::Rehabilitation => ((112, 138), (96, 98), (60, 82)),
    };
    let systolic = between(systolic.0, systolic.1);
    Vitals {
        systolic,
        // A pulse pressure of 38 to 48 % of the systolic pressure.
        diastolic: systolic * between(52, 62) / 10_000,
        pulse: between(pulse.0, pulse.1),
        oxygen: between(oxygen.0, oxygen.1),
        weight: between(55, 110),
        temperature: between(36, 37),
        respiration: between(14, 17),
    }
}
