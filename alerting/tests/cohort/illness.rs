//! Illness episodes with a known truth: when each begins and ends, and which vitals it moves.
//!
//! How often is of this project; the courses are those that the rules are made for (§1.3, §1.4).

use fastrand::Rng;
use vitals::Vital;

use crate::client::Vitals;
use crate::preset::Preset;

/// Minutes of a day.
pub(crate) const DAY_MIN: i64 = 24 * 60;

/// How long after its end an alert still belongs to an episode: of this project.
const AFTERWARDS_MIN: i64 = 2 * DAY_MIN;

/// Days between two episodes of a client, at the least: of this project.
const WELL_DAYS: i64 = 21;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Water is kept: 0.3 to 1 kg a day for 4 to 10 days, and gone as slowly.
    Decompensation,
    /// The oxygen saturation falls over 3 to 6 days, by 4 to 9 % in all.
    Exacerbation,
    /// The blood pressure is 45 to 75 mmHg higher for 3 to 8 hours.
    Crisis,
    /// Fever of 1.5 to 3 °C, with pulse and respiratory rate, for 3 to 6 days.
    Infection,
}

/// One episode; times in minutes since the beginning of the cohort.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Illness {
    pub(crate) kind: Kind,
    pub(crate) onset: i64,
    /// When it is at its worst.
    peak: i64,
    /// When it is over.
    pub(crate) end: i64,
    /// What it adds at its peak.
    most: Vitals,
}

impl Illness {
    /// The episodes of a client in so many days.
    pub(crate) fn of(preset: Preset, days: i64, rng: &mut Rng) -> Vec<Self> {
        // Episodes in 1,000 days: a year has 2, 2, 1, 1 and 1 of them.
        let (kind, in_1000_days) = match preset {
            Preset::Hypertension => (Kind::Crisis, 6),
            Preset::HeartFailure => (Kind::Decompensation, 6),
            Preset::Copd => (Kind::Exacerbation, 6),
            Preset::PostSurgical => (Kind::Infection, 4),
            Preset::Rehabilitation => (Kind::Exacerbation, 3),
        };
        let mut episodes: Vec<Self> = Vec::new();
        // A week to learn what is usual comes before the first one.
        for day in 7..days {
            let is_well =
                episodes.last().is_none_or(|it| it.end + WELL_DAYS * DAY_MIN < day * DAY_MIN);
            if is_well && rng.i64(0..1000) < in_1000_days {
                episodes.push(Self::begin(kind, day * DAY_MIN + rng.i64(0..DAY_MIN), rng));
            }
        }
        episodes
    }

    fn begin(kind: Kind, onset: i64, rng: &mut Rng) -> Self {
        let none = Vitals::default();
        let (rises_min, falls_min, most) = match kind {
            Kind::Decompensation => {
                let days = rng.i64(4..=10);
                let weight = days * rng.i64(30..=100);
                let most = Vitals { weight, pulse: rng.i64(0..=1500), ..none };
                (days * DAY_MIN, days * DAY_MIN, most)
            }
            Kind::Exacerbation => {
                let (oxygen, pulse) = (-rng.i64(400..=900), rng.i64(500..=2000));
                let respiration = rng.i64(200..=800);
                let most = Vitals { oxygen, pulse, respiration, ..none };
                (rng.i64(3..=6) * DAY_MIN, 5 * DAY_MIN, most)
            }
            Kind::Crisis => {
                let (systolic, diastolic) = (rng.i64(4500..=7500), rng.i64(2000..=4000));
                let most = Vitals { systolic, diastolic, pulse: rng.i64(0..=2000), ..none };
                (30, rng.i64(180..=480), most)
            }
            Kind::Infection => {
                let (temperature, pulse) = (rng.i64(150..=300), rng.i64(1500..=4000));
                let (respiration, oxygen) = (rng.i64(300..=1000), -rng.i64(0..=400));
                let most = Vitals { temperature, pulse, respiration, oxygen, ..none };
                (DAY_MIN, rng.i64(2..=5) * DAY_MIN, most)
            }
        };
        let peak = onset + rises_min;
        Self { kind, onset, peak, end: peak + falls_min, most }
    }

    /// What it adds at `minute`: it rises in proportion, and falls so after its peak.
    pub(crate) fn adds(&self, minute: i64) -> Vitals {
        let (part, whole) = match minute {
            it if it < self.onset || self.end <= it => (0, 1),
            it if it < self.peak => (it - self.onset, self.peak - self.onset),
            // A crisis stays high for its hours.
            _ if self.kind == Kind::Crisis => (1, 1),
            it => (self.end - it, self.end - self.peak),
        };
        self.most.map(|it| it * part / whole)
    }

    /// Whether an alert on `vital`, raised at `minute`, belongs to it; a score is about everything.
    pub(crate) fn owns(&self, vital: Option<Vital>, minute: i64) -> bool {
        self.is_watched(minute) && vital.is_none_or(|it| self.moves(it))
    }

    /// Whether `minute` is in it, or shortly after.
    pub(crate) const fn is_watched(&self, minute: i64) -> bool {
        self.onset <= minute && minute < self.end + AFTERWARDS_MIN
    }

    pub(crate) fn moves(&self, vital: Vital) -> bool {
        let vitals: &[Vital] = match self.kind {
            Kind::Decompensation => &[Vital::BodyWeight, Vital::PulseRate],
            Kind::Exacerbation => {
                &[Vital::OxygenSaturation, Vital::PulseRate, Vital::RespiratoryRate]
            }
            Kind::Crisis => &[Vital::SystolicPressure, Vital::DiastolicPressure, Vital::PulseRate],
            Kind::Infection => &[
                Vital::BodyTemperature,
                Vital::PulseRate,
                Vital::RespiratoryRate,
                Vital::OxygenSaturation,
            ],
        };
        vitals.contains(&vital)
    }
}
