//! The reference `dbus-daemon` as a child process with its own configuration.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::BusError;

/// Match rules per connection are left at the daemon's default of 512, as on a system bus.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=@SOCKET@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A running `dbus-daemon`, killed when dropped.
#[derive(Debug)]
pub(super) struct DaemonBus {
    child: Child,
    /// Held open: the daemon must not get SIGPIPE when it prints.
    _stdout: BufReader<ChildStdout>,
}

/// Tells whether `dbus-daemon` is in the search path.
pub(super) fn is_installed() -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("dbus-daemon").is_file())
    })
}

impl DaemonBus {
    /// Starts the daemon and returns once it listens on `socket`.
    pub(super) async fn start(socket: &Path) -> Result<Self, BusError> {
        let failed = |source| BusError::Spawn { socket: socket.to_owned(), source };
        let configuration = socket.with_extension("conf");
        let text = CONFIGURATION.replace("@SOCKET@", &socket.display().to_string());
        std::fs::write(&configuration, text).map_err(failed)?;

        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let refused = || BusError::Refused { socket: socket.to_owned() };
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(refused)?);
        let mut address = String::new();
        match stdout.read_line(&mut address).await.map_err(failed)? {
            0 => Err(refused()),
            _ => Ok(Self { child, _stdout: stdout }),
        }
    }

    /// Kills the daemon and waits until it is gone.
    pub(super) async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "dbus-daemon did not die");
        }
    }
}
