//! `vitalgate observe`: what a person observes and no device measures, and what was read off a device
//! that the hub does not know.

use std::process::ExitCode;
use std::str::FromStr;

use alerting::plan::value::quantity;
use clap::Args;
use rust_decimal::Decimal;
use vitals::{Measurement, Quantity, SubjectId, Unit, Vital};

use super::{ConfigArguments, Failure, print_kept};
use crate::local;

/// Beyond these a number can only be a slip of the finger: breaths that nobody counts, a flow that no
/// device gives (those for high flow end at 60 L/min), and more than the whole.
const MAXIMA: [(Vital, i64); 3] =
    [(Vital::RespiratoryRate, 99), (Vital::OxygenFlow, 60), (Vital::OxygenSaturation, 100)];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// On whom
    #[arg(long)]
    subject: SubjectId,
    /// What, as in respiratory-rate=18 consciousness=alert oxygen=air oxygen="2 L/min"
    /// body-temperature="37.2 °C"
    #[arg(required = true, value_name = "WHAT=VALUE")]
    values: Vec<Observed>,
}

/// One value as it was typed.
#[derive(Debug, Clone, Copy)]
struct Observed(Measurement);

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let values: Vec<Measurement> = arguments.values.iter().map(|it| it.0).collect();
    for (i, value) in values.iter().enumerate() {
        if values.iter().take(i).any(|it| it.vital == value.vital) {
            let twice = anyhow::anyhow!("{} is given twice", value.vital.label());
            return Err(Failure::Failed(twice));
        }
    }
    let kept = local::observe(&config.socket_path(), &arguments.subject, &values)?;
    let said: Vec<_> = values.iter().map(said).collect();
    print_kept(&format!("observed {}", said.join(", ")), kept);
    Ok(ExitCode::SUCCESS)
}

fn said(value: &Measurement) -> String {
    let (what, quantity) = (value.vital.label(), value.quantity);
    if quantity.unit() == Unit::Acvpu {
        format!("{what} level {}", quantity.value())
    } else {
        format!("{what} {quantity}")
    }
}

impl FromStr for Observed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, value) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} has no value; write it as in respiratory-rate=18"))?;
        let (what, value) = (what.trim(), value.trim());
        let (vital, quantity) = match what {
            "consciousness" => (Vital::Consciousness, level(value)?),
            "oxygen" => (Vital::OxygenFlow, oxygen(value)?),
            _vital => {
                let vital: Vital = what.parse().map_err(|it: vitals::alert::UnknownWord| {
                    format!("{it}, oxygen; or write it as in respiratory-rate=18")
                })?;
                (vital, with_unit(vital, value)?)
            }
        };
        check(vital, quantity)?;
        Ok(Self(Measurement { vital, quantity }))
    }
}

/// A level of the ACVPU scale by its word.
fn level(word: &str) -> Result<Quantity, String> {
    let level = match word {
        "alert" => 0,
        "confusion" => 1,
        "voice" => 2,
        "pain" => 3,
        "unresponsive" => 4,
        _unknown => {
            return Err(format!(
                "{word:?} is none of alert, confusion (that is new), voice, pain, unresponsive"
            ));
        }
    };
    Quantity::new(Decimal::from(level), Unit::Acvpu).map_err(|error| error.to_string())
}

/// Air, or the flow of supplemental oxygen.
fn oxygen(text: &str) -> Result<Quantity, String> {
    match text {
        "air" => Quantity::new(Decimal::ZERO, Unit::LitrePerMinute).map_err(|it| it.to_string()),
        _flow => with_unit(Vital::OxygenFlow, text),
    }
}

/// A number with its unit, which may be left out where there is only one.
fn with_unit(vital: Vital, text: &str) -> Result<Quantity, String> {
    let mut units = Unit::ALL.into_iter().filter(|it| it.dimension() == vital.dimension());
    let only = units.next().filter(|_first| units.next().is_none());
    let quantity = match (text.parse::<Decimal>(), only) {
        (Ok(number), Some(unit)) => Quantity::new(number, unit).map_err(|it| it.to_string())?,
        (_number, _units) => quantity(text)?,
    };
    if quantity.unit().dimension() != vital.dimension() {
        return Err(format!("{} is not measured in {}", vital.label(), quantity.unit().label()));
    }
    Ok(quantity)
}

/// Refuses what can only be a slip of the finger.
fn check(vital: Vital, quantity: Quantity) -> Result<(), String> {
    let max = MAXIMA.iter().find(|it| it.0 == vital).map(|it| Decimal::from(it.1));
    if quantity.value() < Decimal::ZERO || max.is_some_and(|it| it < quantity.value()) {
        let range = max.map_or("0 or more".to_owned(), |it| format!("0 to {it}"));
        return Err(format!("{} {quantity} cannot be: it is {range}", vital.label()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = text.parse::<Observed>();
        assert_eq!(read.map_or_else(|error| error, |it| said(&it.0)), expected);
    }

    #[test]
    fn what_completes_a_score_is_read() {
        check("respiratory-rate=18", "respiratory rate 18 /min");
        check("consciousness=alert", "consciousness level 0");
        check("consciousness=unresponsive", "consciousness level 4");
        check("oxygen=air", "oxygen 0 L/min");
        check("oxygen=2", "oxygen 2 L/min");
        check("oxygen=0.5 L/min", "oxygen 0.5 L/min");
    }

    #[test]
    fn what_has_two_units_needs_one() {
        check("body-temperature=98.6 °F", "temperature 98.6 °F");
        check("body-weight=70.5 kg", "weight 70.5 kg");
        assert!("body-temperature=37".parse::<Observed>().unwrap_err().contains("has no unit"));
        check("body-weight=37 °C", "weight is not measured in °C");
    }

    #[test]
    fn slips_of_the_finger_are_refused() {
        check("respiratory-rate=180", "respiratory rate 180 /min cannot be: it is 0 to 99");
        check("oxygen-saturation=101", "SpO2 101 % cannot be: it is 0 to 100");
        check("oxygen=-1", "oxygen -1 L/min cannot be: it is 0 to 60");
        check(
            "consciousness=asleep",
            "\"asleep\" is none of alert, confusion (that is new), voice, pain, unresponsive",
        );
        check("18", "\"18\" has no value; write it as in respiratory-rate=18");
        assert!("breaths=18".parse::<Observed>().unwrap_err().contains("respiratory-rate"));
    }
}
