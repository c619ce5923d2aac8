//! When everything in a story happens, round after round; values vary gently and by seed.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;

use super::{Action, Repeat, Scenario, Step};
use crate::device::Measurement;
use crate::device::blood_pressure::Values;
use crate::device::body_composition::Found;

/// How far a pressure, a pulse rate and a saturation go from what is written, in units of the last
/// digit. Small enough that a story which keeps some distance from a limit does not cross it.
const PRESSURE_SPREAD: i64 = 3;
const PULSE_SPREAD: i64 = 3;
const SPO2_SPREAD: i64 = 1;
const WEIGHT_SPREAD: i64 = 2;
const GLUCOSE_SPREAD: i64 = 2;
const TEMPERATURE_SPREAD: i64 = 1;

/// How many rounds of a repeated story are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rounds {
    /// As many as this; the first is the story as it is written.
    Only(u32),
    /// All of them: a story with `[repeat]` never ends.
    Endless,
}

/// One thing that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// When, after the beginning of the story, in simulated time.
    pub at: Duration,
    /// In which round, from 0.
    pub round: u32,
    /// The device that it happened to; none for what happened to the hub's Bluetooth.
    pub device: Option<String>,
    /// What happened.
    pub action: Action,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = self.device.as_deref().unwrap_or("bluetooth");
        write!(f, "{:9.1} s  {device}: {}", self.at.as_secs_f32(), self.action)
    }
}

impl Scenario {
    /// Returns everything that happens, in order; the same seed gives the same values.
    pub fn timeline(&self, seed: u64, rounds: Rounds) -> impl Iterator<Item = Event> + '_ {
        let n_rounds = match (rounds, self.repeat) {
            (Rounds::Only(n_rounds), Some(_)) => n_rounds,
            (Rounds::Only(n_rounds), None) => n_rounds.min(1),
            (Rounds::Endless, Some(_)) => u32::MAX,
            (Rounds::Endless, None) => 1,
        };
        let repeat = self.repeat.unwrap_or_default();
        let mut random = fastrand::Rng::with_seed(seed);
        (0..n_rounds).flat_map(move |round| {
            let steps = self.steps.iter().filter(move |step| round == 0 || repeat.from <= step.at);
            let events: Vec<Event> =
                steps.map(|step| told(step, round, repeat, &mut random)).collect();
            events
        })
    }
}

impl Default for Repeat {
    fn default() -> Self {
        Self { from: Duration::ZERO, every: Duration::ZERO, is_varied: false }
    }
}

/// Moves a step into its round.
fn told(step: &Step, round: u32, repeat: Repeat, random: &mut fastrand::Rng) -> Event {
    let mut action = step.action.clone();
    if let Action::Measure(measured) = &mut action
        && 0 < round
        && repeat.is_varied
    {
        vary(measured, random);
    }
    let at = step.at.saturating_add(repeat.every.saturating_mul(round));
    Event { at, round, device: step.device.clone(), action }
}

fn vary(measured: &mut Measurement, random: &mut fastrand::Rng) {
    let mut gently = |value: Decimal, spread: i64| {
        let offset = Decimal::new(random.i64(-spread..=spread), value.scale());
        value.checked_add(offset).unwrap_or(value).max(Decimal::ZERO)
    };
    match measured {
        Measurement::BloodPressure(taken) => {
            taken.values = taken.values.map(|values| Values {
                systolic: gently(values.systolic, PRESSURE_SPREAD),
                diastolic: gently(values.diastolic, PRESSURE_SPREAD),
                mean: values.mean.map(|mean| gently(mean, PRESSURE_SPREAD)),
                pulse_bpm: values.pulse_bpm.map(|pulse| gently(pulse, PULSE_SPREAD)),
            });
        }
        Measurement::Oximetry(oximetry) => {
            let most = Decimal::ONE_HUNDRED;
            oximetry.spo2_percent =
                oximetry.spo2_percent.map(|spo2| gently(spo2, SPO2_SPREAD).min(most));
            oximetry.pulse_bpm = oximetry.pulse_bpm.map(|pulse| gently(pulse, PULSE_SPREAD));
        }
        Measurement::Weight(weight) => {
            weight.value = weight.value.map(|value| gently(value, WEIGHT_SPREAD));
        }
        Measurement::BodyComposition(taken) => {
            taken.found = taken.found.map(|found| Found {
                weight_kg: found.weight_kg.map(|weight| gently(weight, WEIGHT_SPREAD)),
                ..found
            });
        }
        Measurement::Glucose(glucose) => {
            glucose.concentration =
                glucose.concentration.map(|shown| gently(shown, GLUCOSE_SPREAD));
        }
        Measurement::Temperature(temperature) => {
            temperature.celsius =
                temperature.celsius.map(|celsius| gently(celsius, TEMPERATURE_SPREAD));
        }
        Measurement::HeartRate(heart_rate) => {
            heart_rate.bpm = heart_rate.bpm.saturating_add(random.u16(0..=4)).saturating_sub(2);
        }
    }
}
