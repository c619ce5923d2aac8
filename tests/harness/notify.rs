//! The service manager's end of the socket on which a daemon says that it is ready, alive or ending.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clock::StartOfTime;

/// Longest message of a daemon, in bytes.
const MESSAGE_LEN_BYTES_MAX: usize = 4096;

/// Who listens to a daemon.
#[derive(Debug)]
pub struct Manager {
    messages: Receiver<String>,
    path: PathBuf,
}

impl Manager {
    /// Listens at `path`, which is a new file.
    ///
    /// # Errors
    ///
    /// Fails where the socket cannot be made.
    pub fn listen(path: &Path) -> anyhow::Result<Self> {
        let socket = UnixDatagram::bind(path).context("failed to make the notify socket")?;
        let (sender, messages) = mpsc::channel();
        // A socket that nobody reads makes the daemon wait. It is read until nobody asks any more.
        thread::spawn(move || {
            let mut message = [0; MESSAGE_LEN_BYTES_MAX];
            while let Ok(n) = socket.recv(&mut message) {
                let said = message.get(..n).unwrap_or_default();
                if sender.send(String::from_utf8_lossy(said).into_owned()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { messages, path: path.to_owned() })
    }

    /// A command that runs another one, whose name and arguments follow, as systemd would.
    #[must_use]
    pub fn launcher(&self, watchdog: Option<Duration>) -> Command {
        let mut command = Command::new("env");
        command.args(["-u", "WATCHDOG_PID", "-u", "WATCHDOG_USEC"]);
        command.arg(format!("NOTIFY_SOCKET={}", self.path.display()));
        if let Some(limit) = watchdog {
            command.arg(format!("WATCHDOG_USEC={}", limit.as_micros()));
        }
        command
    }

    /// Forgets what was said so far.
    pub fn forget(&self) {
        self.messages.try_iter().for_each(drop);
    }

    /// Waits until the daemon says `text`, and tells how long that took.
    ///
    /// # Errors
    ///
    /// Fails where it does not within `limit`.
    pub fn wait_for(&self, text: &str, limit: Duration) -> anyhow::Result<Duration> {
        let start = StartOfTime::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            match self.messages.recv_timeout(left) {
                Ok(message) if message.lines().any(|it| it == text) => return Ok(start.elapsed()),
                Ok(_other) => {}
                Err(_elapsed) => bail!("{text} was not said within {limit:?}"),
            }
        }
    }
}
