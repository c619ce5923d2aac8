//! Which readings are believed, and for what.

use vitals::{Flag, LocalInstant, Moment, Phase, Reading, TimeQuality};

/// When `reading` was measured, but never later than when it was received: no device sees the future.
pub(crate) fn measured_at(reading: &Reading) -> LocalInstant {
    reading.measured_at.min(reading.received_at)
}

/// When `reading` was measured, by the clocks of the hub that recorded it: setting the wall clock
/// changes nothing in the order of what was measured.
pub(crate) fn measured(reading: &Reading) -> Moment {
    reading.recorded.when(measured_at(reading))
}

/// Whether `reading` is good enough to say that a condition has gone.
///
/// A doubtful reading still raises: what looks bad is believed sooner than what looks well.
pub(crate) fn can_clear(reading: &Reading) -> bool {
    is_trusted(reading) && is_at_rest(reading.context.phase)
}

/// Whether `reading` is of a known client at a known time and without a doubt, in whatever phase.
pub(crate) fn is_trusted(reading: &Reading) -> bool {
    reading.subject.is_some()
        && is_time_known(reading)
        && !reading.flags.iter().copied().any(is_doubt)
}

/// Whether the order of `reading` among others can be told.
pub(crate) fn is_time_known(reading: &Reading) -> bool {
    match reading.time_quality {
        TimeQuality::Synced | TimeQuality::Corrected => true,
        TimeQuality::Estimated => !reading.flags.contains(&Flag::FromStorage),
        TimeQuality::Fault => false,
    }
}

/// Whether a value of `phase` can be compared with a value at rest.
pub(crate) const fn is_at_rest(phase: Phase) -> bool {
    match phase {
        Phase::Resting | Phase::BeforeExercise => true,
        Phase::DuringExercise | Phase::AfterExercise => false,
    }
}

/// Whether `flag` casts doubt on the value itself.
///
/// An irregular pulse does not: it is a property of many clients, whose alerts could never clear.
pub(crate) const fn is_doubt(flag: Flag) -> bool {
    match flag {
        Flag::BodyMovement
        | Flag::CuffLoose
        | Flag::PulseRateAboveRange
        | Flag::PulseRateBelowRange
        | Flag::ImproperPosition
        | Flag::LowPerfusion
        | Flag::PoorSignal
        | Flag::Questionable
        | Flag::EarlyEstimate
        | Flag::SensorContactLost
        | Flag::EquipmentMalfunction => true,
        Flag::IrregularPulse
        | Flag::FullyQualified
        | Flag::FromStorage
        | Flag::DeviceClockNotSet
        | Flag::BatteryLow => false,
    }
}

/// What is to be said of the quality of `reading` beside a value of it, with a space before it.
pub(crate) fn doubts(reading: &Reading) -> String {
    let doubts = reading.flags.iter().filter(|&&flag| is_doubt(flag)).map(|it| it.as_str());
    let time = (!is_time_known(reading)).then_some("time not known");
    let told: Vec<&str> = doubts.chain(time).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}
