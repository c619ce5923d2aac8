//! Telling a story to a running simulation: each step at its time, in simulated time.

use std::time::Duration;

use thiserror::Error;

use super::{Action, Event, Rounds, Scenario};
use crate::bluez::OrderError;
use crate::simulator::Simulator;

/// A step that could not be carried out; the steps before it were, those after it were not.
#[derive(Debug, Error)]
#[error("failed at {:.1} s of the story: {}", at.as_secs_f32(), what)]
pub struct RunError {
    /// When it should have happened, in simulated time.
    pub at: Duration,
    /// What should have happened.
    pub what: String,
    /// Why it did not.
    pub source: OrderError,
}

/// Tells a story, and reports each thing when it has happened.
///
/// Time counts from the call; the simulation's speed divides it and its seed varies the values.
/// Returns after the last step, when a device may still be sending what it measured.
///
/// # Errors
///
/// Returns [`RunError`] at the first step that cannot be carried out, for example because the
/// simulation was started with other devices.
pub async fn run(
    simulator: &Simulator,
    scenario: &Scenario,
    rounds: Rounds,
    mut report: impl FnMut(&Event),
) -> Result<(), RunError> {
    let clock = simulator.clock();
    let beginning = clock.now();
    for event in scenario.timeline(simulator.seed(), rounds) {
        clock.sleep_until(Some(beginning.saturating_add(event.at))).await;
        perform(simulator, &event).await.map_err(|source| RunError {
            at: event.at,
            what: event.action.to_string(),
            source,
        })?;
        report(&event);
    }
    Ok(())
}

async fn perform(simulator: &Simulator, event: &Event) -> Result<(), OrderError> {
    let device = || simulator.device(event.device.as_deref().unwrap_or_default());
    let bluez = simulator.bluez();
    match &event.action {
        Action::Measure(measurement) => device()?.measure(measurement.clone()).await,
        Action::Replay(frames) => device()?.replay(frames.clone()).await,
        Action::Fault(fault) => device()?.fault(fault.clone()).await,
        Action::Plug => device()?.plug().await,
        Action::Unplug => device()?.unplug().await,
        Action::AdapterOff => bluez.unplug_adapter().await,
        Action::AdapterOn => bluez.plug_adapter().await,
        Action::RestartBluetoothd => {
            bluez.exit().await?;
            bluez.start().await
        }
    }
}
