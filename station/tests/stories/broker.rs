//! A mosquitto of its own for each test.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::{certificate, tool};

const PROGRAM: &str = "mosquitto";

/// A broker on a port of its own; it ends with the test.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) port: u16,
    /// Port for encrypted connections of those who show a certificate.
    pub(crate) encrypted_port: Option<u16>,
    pub(crate) directory: tempfile::TempDir,
    child: Child,
}

impl Broker {
    /// A running broker; `None` where none is installed and none is required.
    pub(crate) fn start() -> Option<Self> {
        Self::start_as(false)
    }

    /// As `start`, with a port where both sides have to show a certificate.
    pub(crate) fn start_encrypted() -> Option<Self> {
        Self::start_as(true)
    }

    fn start_as(is_encrypted: bool) -> Option<Self> {
        for _attempt in 0..20 {
            let port = free_port();
            let directory = tempfile::tempdir().unwrap();
            // Where the test is root the broker stays root, else it could not read its certificates.
            let mut config = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n\
                 max_queued_messages 0\nuser root\n"
            );
            let encrypted_port = is_encrypted.then(free_port);
            if let Some(port) = encrypted_port {
                if !certificate::issue(directory.path()) {
                    return None;
                }
                let path = |name| directory.path().join(name).display().to_string();
                let listener = format!(
                    "listener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\n\
                     require_certificate true\n",
                    path("ca.pem"),
                    path("broker.pem"),
                    path("broker.key"),
                );
                config.push_str(&listener);
            }
            std::fs::write(directory.path().join("mosquitto.conf"), config).unwrap();
            match spawn(&directory) {
                Ok(Some(child)) => return Some(Self { port, encrypted_port, directory, child }),
                // Somebody else took the port meanwhile.
                Ok(None) => {}
                Err(error) => {
                    tool::skip(PROGRAM, &error);
                    return None;
                }
            }
        }
        panic!("no free port for {PROGRAM}")
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same broker on the same port.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(&self.directory).unwrap().expect("the port is still free");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until the broker listens; `None` where it could not.
fn spawn(directory: &tempfile::TempDir) -> std::io::Result<Option<Child>> {
    let search = std::env::var("PATH").unwrap_or_default();
    let mut child = Command::new(PROGRAM)
        .env("PATH", format!("{search}:/usr/sbin:/usr/local/sbin"))
        .arg("-v")
        .arg("-c")
        .arg(directory.path().join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_running = lines.by_ref().any(|it| it.is_ok_and(|it| it.ends_with(" running")));
    if is_running {
        // Nobody may have to wait because nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Some(child))
    } else {
        child.wait()?;
        Ok(None)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
