//! A home: devices, the bus that they are heard on, and the hub, as real processes and real ports.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use firmware_sim::bus::{self, Bus};
use firmware_sim::device::Device;
use firmware_sim::scenario::{self, Event, Rounds, Scenario};
use firmware_sim::simulator::{Options, Simulator};
use jiff::tz::TimeZone;
use tokio::runtime::Runtime;

use crate::agency::Agency;
use crate::broker::Broker;
use crate::process::Process;
use crate::program::Program;

/// How long a hub may take to run.
const START_MAX: Duration = Duration::from_secs(30);

/// How long a simulated device may take to do what a story waits for.
const DEVICE_MAX: Duration = Duration::from_secs(60);

/// Where a home is, and what its client's care plan says.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Time zone of hub and devices, an IANA name.
    pub zone: String,
    /// Text of the care plan.
    pub plan: String,
}

/// A device as both sides know it.
#[derive(Debug, Clone)]
pub struct HomeDevice {
    /// What the simulator makes of it.
    pub simulated: Device,
    /// Its table in the hub's configuration, without the name.
    pub table: String,
}

impl HomeDevice {
    /// A Bluetooth device of `subject`; the hub knows it under the name that the simulator gives it.
    #[must_use]
    pub fn bluetooth(simulated: Device, model: &str, address: &str, subject: &str) -> Self {
        let table =
            format!("model = \"{model}\"\naddress = \"{address}\"\nsubject = \"{subject}\"\n");
        Self { simulated, table }
    }

    /// A Bluetooth device that several people share, each with a user slot from 1.
    #[must_use]
    pub fn shared(simulated: Device, model: &str, address: &str, subjects: &[&str]) -> Self {
        let user = |(i, subject): (usize, &&str)| {
            format!("[[device.user]]\nslot = {}\nsubject = \"{subject}\"\n", i + 1)
        };
        let users: String = subjects.iter().enumerate().map(user).collect();
        let table = format!("model = \"{model}\"\naddress = \"{address}\"\n{users}");
        Self { simulated, table }
    }

    /// A serial device of `subject` on the simulated port `port`.
    #[must_use]
    pub fn serial(simulated: Device, model: &str, port: &str, subject: &str) -> Self {
        let table =
            format!("model = \"{model}\"\nport = \"ports/{port}\"\nsubject = \"{subject}\"\n");
        Self { simulated, table }
    }
}

/// A home with its hub.
#[derive(Debug)]
pub struct Home {
    directory: PathBuf,
    program: Program,
    runtime: Runtime,
    bus: Bus,
    simulator: Arc<Simulator>,
    hub: Option<Process>,
}

impl Home {
    /// Moves in: the simulated devices run, the hub is configured and not started.
    ///
    /// # Errors
    ///
    /// Fails where the bus, the devices or the configuration cannot be made.
    pub fn new(
        directory: &Path,
        program: &Program,
        broker: &Broker,
        agency: &Agency,
        devices: &[HomeDevice],
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).context("failed to make the home's folder")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("failed to start the simulator's runtime")?;
        let bus = runtime.block_on(Bus::start(bus::Broker::Any))?;
        let mut options = Options::new(directory.join("ports")).on_bus(bus.address());
        options.zone = TimeZone::get(&setting.zone).context("no such time zone")?;
        let simulated = devices.iter().map(|it| it.simulated.clone()).collect();
        let simulator = Arc::new(runtime.block_on(Simulator::start(options, simulated))?);
        let mut config = format!(
            "[hub]\nid = \"{HUB}\"\ntime_zone = \"{}\"\ndata_directory = \"data\"\n\
             [agency]\nid = \"{}\"\nkeys = [\"{}\"]\n\
             [broker]\nhost = \"127.0.0.1\"\nport = {}\nkeep_alive_s = 5\n\
             [plan]\nfiles = [\"plan.toml\"]\n",
            setting.zone,
            crate::agency::AGENCY,
            agency.public_key()?,
            broker.port(),
        );
        for device in devices {
            write!(config, "[[device]]\nid = \"{}\"\n{}", device.simulated.name, device.table)?;
        }
        fs::write(directory.join("gateway.toml"), config)
            .context("failed to write the hub's configuration")?;
        fs::write(directory.join("plan.toml"), &setting.plan)
            .context("failed to write the care plan")?;
        let directory = directory.to_owned();
        Ok(Self { directory, program: program.clone(), runtime, bus, simulator, hub: None })
    }

    /// The simulated devices.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Performs what the simulator does asynchronously.
    ///
    /// # Errors
    ///
    /// Fails where it is not done in time, or is refused.
    pub fn perform<T, E>(&self, order: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let within = async { tokio::time::timeout(DEVICE_MAX, order).await };
        let done = self.runtime.block_on(within).context("a simulated device takes too long")?;
        Ok(done?)
    }

    /// Lets a scenario happen from now on, round after round; `report` hears of each step.
    pub fn tell(&self, scenario: Scenario, report: impl FnMut(&Event) + Send + 'static) {
        let simulator = Arc::clone(&self.simulator);
        self.runtime.spawn(async move {
            scenario::run(&simulator, &scenario, Rounds::Endless, report).await
        });
    }

    /// The bus of the home, to kill and restart.
    pub fn with_bus<T>(&mut self, act: impl AsyncFnOnce(&mut Bus) -> T) -> T {
        self.runtime.block_on(act(&mut self.bus))
    }

    /// Starts the hub and waits until it runs.
    ///
    /// # Errors
    ///
    /// Fails where it does not run in time.
    pub fn start_hub(&mut self) -> anyhow::Result<()> {
        self.begin_hub()?.wait_for_line("hub running", START_MAX)?;
        Ok(())
    }

    /// Starts the hub by another program, and waits until it runs.
    ///
    /// # Errors
    ///
    /// Fails where it does not run in time.
    pub fn start_hub_under(&mut self, launcher: Command) -> anyhow::Result<()> {
        self.begin_hub_under(launcher)?.wait_for_line("hub running", START_MAX)?;
        Ok(())
    }

    /// Starts the hub by another program, and does not wait for anything.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started.
    pub fn begin_hub_under(&mut self, mut launcher: Command) -> anyhow::Result<&Process> {
        let hub = self.program.role("vitalgate");
        launcher.arg(hub.get_program()).args(hub.get_args());
        self.launch_hub(launcher)
    }

    /// Starts the hub and does not wait for anything.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started.
    pub fn begin_hub(&mut self) -> anyhow::Result<&Process> {
        self.launch_hub(self.program.role("vitalgate"))
    }

    fn launch_hub(&mut self, mut command: Command) -> anyhow::Result<&Process> {
        command
            .args(["run", "--config"])
            .arg(self.config_path())
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.bus.address())
            .env("VITALGATE_LOG", "debug");
        Ok(self.hub.insert(Process::start("hub", &mut command)?))
    }

    /// Kills the hub as a power cut would.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for.
    pub fn kill_hub(&mut self) -> anyhow::Result<()> {
        self.hub.take().map_or(Ok(()), Process::kill)
    }

    /// Asks the hub to end, and waits until it has, well.
    ///
    /// # Errors
    ///
    /// Fails where it ends badly.
    pub fn stop_hub(&mut self) -> anyhow::Result<()> {
        let Some(hub) = self.hub.take() else { return Ok(()) };
        let status = hub.stop()?;
        ensure!(crate::process::is_clean(status), "the hub ended with {status}");
        Ok(())
    }

    /// Whether the hub was started and has not ended since.
    pub fn hub_runs(&mut self) -> bool {
        self.hub.as_mut().is_some_and(Process::is_running)
    }

    /// The running hub.
    #[must_use]
    pub const fn hub(&self) -> Option<&Process> {
        self.hub.as_ref()
    }

    /// What a listing command of `vitalgate` says: one JSON object a line.
    ///
    /// # Errors
    ///
    /// Fails where the command does.
    pub fn list(&self, arguments: &[&str]) -> anyhow::Result<Vec<serde_json::Value>> {
        let text = self.command(&[arguments, &["--json"]].concat())?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
            .collect()
    }

    /// What a command of `vitalgate` says.
    ///
    /// # Errors
    ///
    /// Fails where the command does, with what it said.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.prepare(arguments).output().context("failed to run vitalgate")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "vitalgate {arguments:?} failed: {said}");
        String::from_utf8(output.stdout).context("vitalgate did not print text")
    }

    /// A command of `vitalgate` in this home, to run in another way.
    #[must_use]
    pub fn prepare(&self, arguments: &[&str]) -> Command {
        let mut command = self.program.role("vitalgate");
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config_path())
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.bus.address());
        command
    }

    /// File of the hub's ledger.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.directory.join("data/ledger.db")
    }

    fn config_path(&self) -> PathBuf {
        self.directory.join("gateway.toml")
    }
}

/// Where every home stands.
pub const TIME_ZONE: &str = "Europe/Berlin";

/// Name of the hub in every story.
pub const HUB: &str = "hub-1";
