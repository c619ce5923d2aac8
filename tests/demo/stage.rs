//! What the demo shows: the home of the example scenario, its care plan, and an agency.

use anyhow::Context as _;
use firmware_sim::device::{Device, Link};
use firmware_sim::scenario::Scenario;
use harness::broker::Kind;
use harness::home::{HomeDevice, Setting};
use harness::program::Program;
use harness::story::{CLIENT, Story};
use jiff::tz::TimeZone;

const SCENARIO: &str = include_str!("../../config/scenarios/one-home.toml");

const PLAN: &str = include_str!("../../config/care-plans/hypertension.toml");

/// The client of the example plan.
const PLAN_CLIENT: &str = "client-example";

/// Model of each device of the scenario, by its name.
const MODELS: [(&str, &str); 5] = [
    ("cuff", "and-ua-651ble"),
    ("oximeter", "sig-pulse-oximeter"),
    ("scale", "sig-weight-scale"),
    ("bedside-oximeter", "nonin-df2"),
    ("bathroom-scale", "and-uc-321"),
];

/// Builds the stage: broker and devices run; station and hub are configured.
pub(crate) fn build() -> anyhow::Result<(Story, Scenario)> {
    let scenario = Scenario::parse(SCENARIO).context("the scenario cannot be read")?;
    let program = Program::at(std::env::current_exe().context("where is this program?")?);
    let devices = scenario.devices().into_iter().map(known).collect::<anyhow::Result<Vec<_>>>()?;
    let plan = PLAN.replace(PLAN_CLIENT, CLIENT);
    let zone = TimeZone::system().iana_name().unwrap_or("Etc/UTC").to_owned();
    let story = Story::set_in(&program, Kind::Embedded, &devices, &Setting { zone, plan })?;
    Ok((story, scenario))
}

fn known(device: Device) -> anyhow::Result<HomeDevice> {
    let model = MODELS.iter().find(|(name, _model)| *name == device.name);
    let (_name, model) = model.with_context(|| format!("no model for {}", device.name))?;
    Ok(match &device.link {
        Link::Bluetooth(radio) => {
            let address = radio.address.to_string();
            HomeDevice::bluetooth(device, model, &address, CLIENT)
        }
        Link::Serial(port) => {
            let port = port.port.clone();
            HomeDevice::serial(device, model, &port, CLIENT)
        }
    })
}
