//! An agency: the station as a real process, and the people in front of its page.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::broker::Broker;
use crate::clock::StartOfTime;
use crate::process::Process;
use crate::program::Program;

/// Name of the agency in every story.
pub const AGENCY: &str = "north";

/// How long a station may take to serve its page.
const START_MAX: Duration = Duration::from_secs(30);

/// How long a page may take to show what a story waits for.
const PAGE_MAX: Duration = Duration::from_secs(60);

/// An agency.
#[derive(Debug)]
pub struct Agency {
    directory: PathBuf,
    /// The configuration without care plans.
    config: String,
    program: Program,
    station: Option<Process>,
    address: Option<String>,
}

impl Agency {
    /// Moves in: the station is configured and not started.
    ///
    /// # Errors
    ///
    /// Fails where the configuration cannot be written.
    pub fn new(
        directory: &Path,
        program: &Program,
        broker: &Broker,
        clients: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).context("failed to make the agency's folder")?;
        let clients: String = clients
            .iter()
            .map(|(subject, name)| {
                format!("[[client]]\nsubject = \"{subject}\"\nname = \"{name}\"\n")
            })
            .collect();
        let config = format!(
            "[agency]\nid = \"{AGENCY}\"\nsigning_key_file = \"agency.key\"\n\
             [broker]\nhost = \"127.0.0.1\"\nport = {}\nkeep_alive_s = 5\n\
             [store]\npath = \"station.db\"\n\
             [page]\nlisten = \"127.0.0.1:0\"\n\
             [command]\nrepeat_after_s = 2\n\
             {clients}\
             [[hub]]\nid = \"{}\"\nname = \"Mill Lane 3\"\n",
            broker.port(),
            crate::home::HUB,
        );
        fs::write(directory.join("station.toml"), &config)
            .context("failed to write the station's configuration")?;
        Ok(Self {
            directory: directory.to_owned(),
            config,
            program: program.clone(),
            station: None,
            address: None,
        })
    }

    /// Has the station judge the readings by `plan` as well, from its next start on; the alert of a home
    /// may take so many seconds to arrive, or as many as by default.
    ///
    /// # Errors
    ///
    /// Fails where the plan or the configuration cannot be written.
    pub fn judge_by(&self, plan: &str, alert_within_s: Option<u32>) -> anyhow::Result<()> {
        let plans = self.directory.join("plans");
        fs::create_dir_all(&plans).context("failed to make the folder of the plans")?;
        fs::write(plans.join("plan.toml"), plan).context("failed to write the plan")?;
        let config = &self.config;
        let zone = crate::home::TIME_ZONE;
        let more = format!("[plans]\ndirectory = \"plans\"\ntime_zone = \"{zone}\"\n");
        let watch = alert_within_s.map(|it| format!("[watch]\nalert_within_s = {it}\n"));
        fs::write(self.config_path(), format!("{config}{more}{}", watch.unwrap_or_default()))
            .context("failed to write the station's configuration")
    }

    /// What a command of the station's command line says, with its configuration.
    ///
    /// # Errors
    ///
    /// Fails where the command does, with what it said.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.program.role("vitalstation");
        command.args(arguments).arg("--config").arg(self.config_path());
        let output = command.output().context("failed to run vitalstation")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "vitalstation {arguments:?}: {}: {said}", output.status);
        String::from_utf8(output.stdout).context("vitalstation did not print text")
    }

    /// The public key with which hubs verify this agency, made where there is none yet.
    ///
    /// # Errors
    ///
    /// Fails where the station does not tell it.
    pub fn public_key(&self) -> anyhow::Result<String> {
        let said = self.command(&["hub", "add", "A new home"])?;
        let snippet: toml::Table = said.parse().context("vitalstation did not print TOML")?;
        let key = snippet["agency"]["keys"].get(0).and_then(toml::Value::as_str);
        Ok(key.context("no key in the snippet")?.to_owned())
    }

    /// Starts the station and waits until it serves its page.
    ///
    /// # Errors
    ///
    /// Fails where it does not in time.
    pub fn start_station(&mut self) -> anyhow::Result<()> {
        self.begin_station()?.wait_for_line("station ready", START_MAX)?;
        let address = fs::read_to_string(self.address_path()).context("no address of the page")?;
        self.address = Some(address.trim().to_owned());
        Ok(())
    }

    /// Starts the station and does not wait for anything.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started.
    pub fn begin_station(&mut self) -> anyhow::Result<&Process> {
        self.launch_station(self.program.role("vitalstation"))
    }

    /// Starts the station by another program, and does not wait for anything.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started.
    pub fn begin_station_under(&mut self, mut launcher: Command) -> anyhow::Result<&Process> {
        let station = self.program.role("vitalstation");
        launcher.arg(station.get_program()).args(station.get_args());
        self.launch_station(launcher)
    }

    fn launch_station(&mut self, mut command: Command) -> anyhow::Result<&Process> {
        let address_file = self.address_path();
        drop(fs::remove_file(&address_file));
        command.args(["serve", "--config"]).arg(self.config_path());
        command.arg("--address-file").arg(&address_file);
        Ok(self.station.insert(Process::start("station", &mut command)?))
    }

    /// Kills the station as a power cut would.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for.
    pub fn kill_station(&mut self) -> anyhow::Result<()> {
        self.station.take().map_or(Ok(()), Process::kill)
    }

    /// Asks the station to end, and waits until it has, well.
    ///
    /// # Errors
    ///
    /// Fails where it ends badly.
    pub fn stop_station(&mut self) -> anyhow::Result<()> {
        let Some(station) = self.station.take() else { return Ok(()) };
        let status = station.stop()?;
        ensure!(crate::process::is_clean(status), "the station ended with {status}");
        Ok(())
    }

    /// Whether the station was started and has not ended since.
    pub fn station_runs(&mut self) -> bool {
        self.station.as_mut().is_some_and(Process::is_running)
    }

    /// The running station.
    #[must_use]
    pub const fn station(&self) -> Option<&Process> {
        self.station.as_ref()
    }

    /// Address of a page of the station.
    ///
    /// # Errors
    ///
    /// Fails where the station was never started.
    pub fn url(&self, path: &str) -> anyhow::Result<String> {
        let address = self.address.as_ref().context("the station was not started")?;
        Ok(format!("http://{address}{path}"))
    }

    /// Every reading that the station holds, in the order in which it came to hold them.
    ///
    /// # Errors
    ///
    /// Fails where the station does not answer.
    pub fn readings(&self) -> anyhow::Result<Vec<Value>> {
        let mut readings = Vec::new();
        let mut after = Some(0);
        while let Some(position) = after {
            let mut page = self.get(&format!("/api/readings?limit=5000&after={position}"))?;
            after = page["next"].as_i64();
            let Some(Value::Array(list)) = page.get_mut("readings").map(Value::take) else {
                bail!("no list of readings");
            };
            readings.extend(list);
        }
        Ok(readings)
    }

    /// Every alert that the station shows, open ones and those that ended last.
    ///
    /// # Errors
    ///
    /// Fails where the station does not answer.
    pub fn alerts(&self) -> anyhow::Result<Vec<Value>> {
        let mut page = self.get("/api/alerts?state=all")?;
        match page.get_mut("alerts").map(Value::take) {
            Some(Value::Array(alerts)) => Ok(alerts),
            _none => bail!("no list of alerts"),
        }
    }

    /// A JSON answer of the station.
    ///
    /// # Errors
    ///
    /// Fails where the station does not answer.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = self.url(path)?;
        let mut response = ureq::get(&url).call().with_context(|| format!("GET {url}"))?;
        let text = response.body_mut().read_to_string().context("no text")?;
        serde_json::from_str(&text).with_context(|| format!("no JSON from {url}: {text}"))
    }

    /// A nurse acknowledges an alert on the page.
    ///
    /// # Errors
    ///
    /// Fails where the page refuses.
    pub fn acknowledge(&self, hub: &str, alert: &str, by: &str) -> anyhow::Result<()> {
        self.post(&format!("/alerts/{hub}/{alert}/acknowledge"), &[("by", by), ("note", "")])
    }

    /// A nurse sends a form of the page.
    ///
    /// # Errors
    ///
    /// Fails where the page refuses, with its answer.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<()> {
        let url = self.url(path)?;
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let mut response = agent
            .post(&url)
            .header("Origin", self.url("")?)
            .send_form(form.iter().copied())
            .with_context(|| format!("POST {url}"))?;
        let status = response.status();
        let said = response.body_mut().read_to_string().unwrap_or_default();
        ensure!(status.as_u16() < 400, "POST {url}: {status}: {said}");
        Ok(())
    }

    /// Opens the live page: each board is looked at as it comes.
    ///
    /// # Errors
    ///
    /// Fails where the station does not answer.
    pub fn watch(&self) -> anyhow::Result<LivePage> {
        let url = self.url("/events")?;
        let response = ureq::get(&url).call().with_context(|| format!("GET {url}"))?;
        let (sender, boards) = mpsc::channel();
        let reader = BufReader::new(response.into_body().into_reader());
        std::thread::spawn(move || {
            let mut board = String::new();
            for line in reader.lines().map_while(Result::ok) {
                match line.strip_prefix("data:") {
                    Some(data) => {
                        board.push_str(data);
                        board.push('\n');
                    }
                    None if line.is_empty() && !board.is_empty() => {
                        // Nobody looks any more: the reader ends with the connection.
                        drop(sender.send(std::mem::take(&mut board)));
                    }
                    None => {}
                }
            }
        });
        Ok(LivePage { boards })
    }

    /// File of the station's database.
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        self.directory.join("station.db")
    }

    fn address_path(&self) -> PathBuf {
        self.directory.join("address")
    }

    fn config_path(&self) -> PathBuf {
        self.directory.join("station.toml")
    }
}

/// The page as a browser sees it that is kept up to date.
#[derive(Debug)]
pub struct LivePage {
    boards: mpsc::Receiver<String>,
}

impl LivePage {
    /// Waits for a board on which `is_shown` is true.
    ///
    /// # Errors
    ///
    /// Fails where none comes in time.
    pub fn wait_until(&self, mut is_shown: impl FnMut(&str) -> bool) -> anyhow::Result<String> {
        let start = StartOfTime::now();
        loop {
            let left = PAGE_MAX.saturating_sub(start.elapsed());
            let board = self.boards.recv_timeout(left).context("the page does not show it")?;
            if is_shown(&board) {
                return Ok(board);
            }
        }
    }
}
