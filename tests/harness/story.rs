//! What most stories begin with: one home and one agency, everything running.

use std::path::Path;

use crate::agency::Agency;
use crate::broker::{Broker, Kind};
use crate::home::{Home, HomeDevice, Setting, TIME_ZONE};
use crate::program::Program;
use crate::tool;

/// The client of every story.
pub const CLIENT: &str = "client-1";

/// What the nurses call that client.
pub const CLIENT_NAME: &str = "Ada Byron";

/// The client's care plan.
pub const PLAN: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "systolic-crisis"
vital = "systolic-pressure"
priority = "high"
at_or_above = "180 mmHg"
clear_at_or_below = "175 mmHg"

[[threshold]]
id = "spo2-low"
vital = "oxygen-saturation"
priority = "high"
at_or_below = "88 %"
clear_at_or_above = "90 %"
"#;

/// A care plan of the same client that watches the weight, with limits in kg.
#[must_use]
pub fn weight_plan(at_or_above: u32, clear_at_or_below: u32) -> String {
    format!(
        "name = \"heart-failure\"\nversion = 1\nsubject = \"{CLIENT}\"\nlate_after_min = 60\n\
         [[threshold]]\nid = \"weight-high\"\nvital = \"body-weight\"\npriority = \"high\"\n\
         at_or_above = \"{at_or_above} kg\"\nclear_at_or_below = \"{clear_at_or_below} kg\"\n"
    )
}

/// A home and an agency with a broker between them.
#[derive(Debug)]
pub struct Story {
    /// The home. Dropped before what it needs.
    pub home: Home,
    /// The agency.
    pub agency: Agency,
    /// The broker.
    pub broker: Broker,
    /// Where everything of this story is kept; it goes with the story.
    pub directory: tempfile::TempDir,
}

impl Story {
    /// Sets the scene, with nothing running yet but the broker and the devices.
    ///
    /// # Errors
    ///
    /// Fails where a part cannot be made.
    pub fn set(program: &Program, kind: Kind, devices: &[HomeDevice]) -> anyhow::Result<Self> {
        let setting = Setting { zone: TIME_ZONE.to_owned(), plan: PLAN.to_owned() };
        Self::set_in(program, kind, devices, &setting)
    }

    /// Sets the scene in another place or with another care plan.
    ///
    /// # Errors
    ///
    /// Fails where a part cannot be made.
    pub fn set_in(
        program: &Program,
        kind: Kind,
        devices: &[HomeDevice],
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let part = |name: &str| directory.path().join(name);
        let broker = Broker::start(kind, &part("broker"), program)?;
        let agency = Agency::new(&part("agency"), program, &broker, &[(CLIENT, CLIENT_NAME)])?;
        agency.judge_by(&setting.plan, None)?;
        let home = Home::new(&part("home"), program, &broker, &agency, devices, setting)?;
        Ok(Self { home, agency, broker, directory })
    }

    /// Sets the scene and starts station and hub.
    ///
    /// # Errors
    ///
    /// Fails where a part cannot be made or started.
    pub fn begin(program: &Program, kind: Kind, devices: &[HomeDevice]) -> anyhow::Result<Self> {
        let mut story = Self::set(program, kind, devices)?;
        story.agency.start_station()?;
        story.home.start_hub()?;
        Ok(story)
    }

    /// Where everything of this story is kept.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// The brokers that this machine has; where mosquitto is missing, the story says so.
#[must_use]
pub fn brokers() -> Vec<Kind> {
    let mosquitto = tool::find_or_skip("mosquitto").map(|_path| Kind::Mosquitto);
    mosquitto.into_iter().chain([Kind::Embedded]).collect()
}
