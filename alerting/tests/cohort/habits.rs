//! What a client measures and when: what is due by its plan, as far as it keeps to it.

use fastrand::Rng;
use vitals::Phase;

use crate::body::Body;
use crate::client::Client;
use crate::illness::{self, DAY_MIN};
use crate::preset::Preset;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pressure,
    Oximetry,
    /// Oximetry while walking.
    Exercise,
    Weight,
    Temperature,
    /// A visitor counts breaths and enters what else the score needs.
    Visit,
}

/// A measurement that will be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    /// Minutes since the beginning of the cohort.
    pub(crate) minute: i64,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    /// The second of a sitting and a standing pressure.
    pub(crate) is_standing: bool,
    /// How often it was asked for before.
    pub(crate) n_asked: u32,
}

impl Planned {
    const fn at_rest(minute: i64, kind: Kind) -> Self {
        Self { minute, kind, phase: Phase::Resting, is_standing: false, n_asked: 0 }
    }

    /// The repeat that the client makes when it is asked to: 2 to 8 minutes later, at most twice.
    pub(crate) fn repeat(&self, client: &Client, rng: &mut Rng) -> Option<Self> {
        let is_made = self.n_asked < 2 && rng.u32(0..100) < client.repeats_percent;
        let minute = self.minute + rng.i64(2..=8);
        is_made.then_some(Self { minute, n_asked: self.n_asked + 1, ..*self })
    }
}

/// What the client measures on `day`; in the order of time.
pub(crate) fn of_day(client: &Client, body: &Body, day: i64, rng: &mut Rng) -> Vec<Planned> {
    let mut planned = Vec::new();
    for (usually_at, spread, sitting) in sittings(client.preset, day) {
        let jitter = rng.i64(-spread..=spread);
        // A visitor comes, whatever the client's habits are.
        let is_visit = sitting.iter().any(|it| it.kind == Kind::Visit);
        if is_visit || rng.u32(0..100) < client.adherence_percent {
            let start = day * DAY_MIN + usually_at + jitter;
            planned.extend(sitting.iter().map(|it| Planned { minute: start + it.minute, ..*it }));
        }
    }
    for ill in &body.illnesses {
        // Half of those in a crisis feel it, and measure: of this project.
        let is_felt = ill.kind == illness::Kind::Crisis && ill.onset / DAY_MIN == day;
        if is_felt && rng.bool() {
            let minute = ill.onset + rng.i64(30..=120);
            planned.push(Planned::at_rest(minute, Kind::Pressure));
        }
    }
    planned.sort_by_key(|it| it.minute);
    planned
}

/// The sittings of a day: minute of the day, how far it varies, and what is measured in it.
fn sittings(preset: Preset, day: i64) -> Vec<(i64, i64, Vec<Planned>)> {
    let at = Planned::at_rest;
    let standing = |minute| Planned { is_standing: true, ..at(minute, Kind::Pressure) };
    let walking = |minute| Planned { phase: Phase::DuringExercise, ..at(minute, Kind::Exercise) };
    match preset {
        // Two pressures in the morning and two in the evening, a minute or more apart (NICE, §1.2).
        Preset::Hypertension => {
            let pair = vec![at(0, Kind::Pressure), at(2, Kind::Pressure)];
            vec![(450, 45, pair.clone()), (1170, 60, pair)]
        }
        // The window of the plan is 06:00 to 10:00.
        Preset::HeartFailure => {
            vec![(450, 60, vec![at(0, Kind::Weight), at(5, Kind::Pressure)])]
        }
        Preset::Copd => {
            let oximetry = vec![at(0, Kind::Oximetry)];
            vec![(540, 60, oximetry.clone()), (1080, 60, oximetry)]
        }
        Preset::PostSurgical => {
            let morning = [at(0, Kind::Temperature), at(3, Kind::Oximetry), at(6, Kind::Pressure)];
            let morning = morning.into_iter().chain([standing(8)]).collect();
            let evening = vec![at(0, Kind::Temperature), at(3, Kind::Oximetry)];
            let visit = vec![at(0, Kind::Pressure), at(3, Kind::Oximetry), at(6, Kind::Visit)];
            let mut sittings = vec![(510, 45, morning), (1140, 60, evening)];
            // Every third day.
            if day % 3 == 1 {
                sittings.push((720, 60, visit));
            }
            sittings
        }
        // Three times a week with the therapist, and each morning alone.
        Preset::Rehabilitation => {
            let mut sittings = vec![(540, 60, vec![at(0, Kind::Oximetry)])];
            if matches!(day % 7, 0 | 2 | 4) {
                let after = Planned { phase: Phase::AfterExercise, ..walking(25) };
                let session = [at(0, Kind::Pressure), at(2, Kind::Oximetry), walking(10)];
                let session = session.into_iter().chain([walking(20), after]).collect();
                sittings.push((900, 30, session));
            }
            sittings
        }
    }
}
