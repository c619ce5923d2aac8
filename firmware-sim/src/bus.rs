//! A private D-Bus: a message bus on a socket of its own, that can be killed and brought back.
//!
//! The policy lets every client eavesdrop, as the session bus does: without it replies between
//! strangers are rejected and callers wait for ever.

mod daemon;
mod embedded;

use std::path::{Path, PathBuf};

use thiserror::Error;

use self::daemon::DaemonBus;
use self::embedded::EmbeddedBus;

/// Which broker carries the messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Broker {
    /// The installed `dbus-daemon` if there is one, else the embedded broker.
    #[default]
    Any,
    /// The reference `dbus-daemon`, which must be installed.
    DbusDaemon,
    /// The `busd` library, inside this process.
    Embedded,
}

/// Why a private bus could not be started.
#[derive(Debug, Error)]
pub enum BusError {
    /// The directory for the socket could not be made; nothing runs.
    #[error("failed to make the bus directory {}", path.display())]
    Directory {
        /// The directory in question.
        path: PathBuf,
        /// What the file system answered.
        source: std::io::Error,
    },
    /// `dbus-daemon` could not be started or watched; nothing runs.
    #[error("failed to run dbus-daemon on {}", socket.display())]
    Spawn {
        /// Where the daemon should have listened.
        socket: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// `dbus-daemon` ended before it listened.
    #[error("dbus-daemon ended before it listened on {}", socket.display())]
    Refused {
        /// Where the daemon should have listened.
        socket: PathBuf,
    },
    /// The embedded broker did not come up.
    #[error("embedded broker failed on {}: {reason}", socket.display())]
    Embedded {
        /// Where the broker should have listened.
        socket: PathBuf,
        /// What the broker said.
        reason: String,
    },
}

#[derive(Debug)]
enum Running {
    Daemon(Box<DaemonBus>),
    Embedded(EmbeddedBus),
}

/// A private message bus; it ends when this value is dropped.
#[derive(Debug)]
pub struct Bus {
    broker: Broker,
    socket: PathBuf,
    running: Option<Running>,
    /// Removes the socket's directory when the bus is dropped.
    _directory: tempfile::TempDir,
}

impl Bus {
    /// Starts a bus on a socket in a new temporary directory.
    ///
    /// # Errors
    ///
    /// Returns [`BusError`] if the directory cannot be made or the broker does not come up.
    pub async fn start(broker: Broker) -> Result<Self, BusError> {
        let directory = tempfile::Builder::new()
            .prefix("sim-bus-")
            .tempdir()
            .map_err(|source| BusError::Directory { path: std::env::temp_dir(), source })?;
        let socket = directory.path().join("bus");
        let broker = match broker {
            Broker::Any if daemon::is_installed() => Broker::DbusDaemon,
            Broker::Any => Broker::Embedded,
            forced @ (Broker::DbusDaemon | Broker::Embedded) => forced,
        };
        let mut bus = Self { broker, socket, running: None, _directory: directory };
        bus.restart().await?;
        Ok(bus)
    }

    /// Returns the broker in use, never [`Broker::Any`].
    #[must_use]
    pub fn broker(&self) -> Broker {
        self.broker
    }

    /// Returns the address for clients, fit for `DBUS_SYSTEM_BUS_ADDRESS`; the same after a restart.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// Kills the bus: every client loses its connection. Does nothing if it is already dead.
    pub async fn kill(&mut self) {
        match self.running.take() {
            Some(Running::Daemon(bus)) => bus.kill().await,
            Some(Running::Embedded(bus)) => bus.kill().await,
            None => {}
        }
    }

    /// Kills the bus if it runs, and starts it again on the same address, empty.
    ///
    /// # Errors
    ///
    /// Returns [`BusError`] if the broker does not come up; then no bus runs.
    pub async fn restart(&mut self) -> Result<(), BusError> {
        self.kill().await;
        remove_stale(&self.socket)?;
        self.running = Some(match self.broker {
            Broker::Any | Broker::DbusDaemon => {
                Running::Daemon(Box::new(DaemonBus::start(&self.socket).await?))
            }
            Broker::Embedded => Running::Embedded(EmbeddedBus::start(&self.socket).await?),
        });
        Ok(())
    }
}

/// Removes a socket that a killed broker left behind.
fn remove_stale(socket: &Path) -> Result<(), BusError> {
    match std::fs::remove_file(socket) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(BusError::Directory { path: socket.to_owned(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
