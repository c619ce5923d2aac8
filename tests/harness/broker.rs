//! The MQTT broker between home and agency: Debian's mosquitto, or the embedded one.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::process::Process;
use crate::program::Program;
use crate::tool;

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// mosquitto with Debian's persistence.
    Mosquitto,
    /// rumqttd, which is part of the demo.
    Embedded,
}

/// How long a broker may take to listen.
const START_MAX: Duration = Duration::from_secs(20);

/// A broker on this machine.
#[derive(Debug)]
pub struct Broker {
    kind: Kind,
    port: u16,
    directory: PathBuf,
    program: Program,
    process: Option<Process>,
}

impl Broker {
    /// Starts a broker that keeps its store in `directory`.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started or does not listen in time.
    pub fn start(kind: Kind, directory: &Path, program: &Program) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).context("failed to make the broker's folder")?;
        let mut broker = Self {
            kind,
            port: free_port()?,
            directory: directory.to_owned(),
            program: program.clone(),
            process: None,
        };
        broker.resume()?;
        Ok(broker)
    }

    /// Port on the loopback interface.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Kills it without a word.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Kills it and deletes what its store kept.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be waited for or the store cannot be deleted.
    pub fn lose(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        fs::remove_dir_all(&self.directory).context("failed to delete the broker's store")?;
        fs::create_dir_all(&self.directory).context("failed to make the broker's folder")
    }

    /// Starts it again on the same port, with what its store kept.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started or does not listen in time.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        let (mut command, ready) = match self.kind {
            Kind::Mosquitto => (self.mosquitto()?, "running"),
            Kind::Embedded => {
                let mut command = self.program.role("broker");
                command.arg(self.port.to_string());
                (command, "broker listening")
            }
        };
        let process = Process::start("broker", &mut command)?;
        process.wait_for_line(ready, START_MAX)?;
        self.process = Some(process);
        Ok(())
    }

    /// Debian's settings but for the port, the folder, and who may connect.
    fn mosquitto(&self) -> anyhow::Result<Command> {
        let path = self.directory.join("mosquitto.conf");
        let settings = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {}/\nlog_dest stderr\n",
            self.port,
            self.directory.display(),
        );
        fs::write(&path, settings).context("failed to write the broker's settings")?;
        let program = tool::find("mosquitto").context("mosquitto is not installed")?;
        let mut command = Command::new(program);
        command.arg("-c").arg(path);
        // Started by root it would become another user, who may not write to the folder.
        if nix::unistd::geteuid().is_root() {
            let settings = fs::read_to_string(self.directory.join("mosquitto.conf"))?;
            fs::write(self.directory.join("mosquitto.conf"), settings + "user root\n")?;
        }
        Ok(command)
    }
}

/// A port that is free at this moment.
///
/// # Errors
///
/// Fails where the loopback interface has none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr().context("no local address")?.port())
}
