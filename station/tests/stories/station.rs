//! The real binary as a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use ed25519_dalek::{SigningKey, VerifyingKey};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::broker::Broker;
use crate::browser::{self, Events};
use crate::sample;

/// A running station; it ends with the test.
#[derive(Debug)]
pub(crate) struct Station {
    directory: tempfile::TempDir,
    child: Child,
    address: SocketAddr,
}

impl Station {
    /// Returns once the station is ready.
    pub(crate) fn start(broker: &Broker) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), broker)
    }

    /// The same station again, after it ended.
    pub(crate) fn restart(mut self, broker: &Broker) -> Self {
        self.kill();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        Self::start_in(directory, broker)
    }

    fn start_in(directory: tempfile::TempDir, broker: &Broker) -> Self {
        let connection = match broker.encrypted_port {
            Some(port) => {
                let path = |name| broker.directory.path().join(name).display().to_string();
                format!(
                    "port = {port}\nca_file = \"{}\"\nclient_certificate_file = \"{}\"\n\
                     client_key_file = \"{}\"\n",
                    path("ca.pem"),
                    path("station.pem"),
                    path("station.key"),
                )
            }
            None => format!("port = {}\n", broker.port),
        };
        let config = format!(
            "[agency]\nid = \"north\"\nsigning_key_file = \"agency.key\"\n\
             [broker]\n{connection}[store]\npath = \"station.db\"\n\
             [page]\nlisten = \"127.0.0.1:0\"\n[command]\nrepeat_after_s = 1\n\
             [[client]]\nsubject = \"{}\"\nname = \"Ada Byron\"\n\
             [[client]]\nsubject = \"client-2\"\nname = \"Charles Babbage\"\n\
             [[client]]\nsubject = \"client-3\"\nname = \"Mary Somerville\"\n\
             [[hub]]\nid = \"{}\"\nname = \"Mill Lane 3\"\n",
            sample::SUBJECT,
            sample::HUB,
        );
        let path = |name| directory.path().join(name);
        fs::write(path("station.toml"), config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_vitalstation"))
            .arg("serve")
            .arg("--config")
            .arg(path("station.toml"))
            .arg("--address-file")
            .arg(path("address"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let is_ready = log.by_ref().map_while(Result::ok).any(|it| {
            said.push(it.clone());
            it.contains("station ready")
        });
        assert!(is_ready, "{}", said.join("\n"));
        std::thread::spawn(move || log.for_each(drop));
        let address = fs::read_to_string(path("address")).unwrap().trim().parse().unwrap();
        Self { directory, child, address }
    }

    pub(crate) fn public_key(&self) -> VerifyingKey {
        let seed = fs::read_to_string(self.directory.path().join("agency.key")).unwrap();
        let seed = <[u8; 32]>::try_from(hex::decode(seed.trim()).unwrap()).unwrap();
        SigningKey::from_bytes(&seed).verifying_key()
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As `systemctl stop`; the station has to end by itself and without an error.
    pub(crate) fn terminate(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn page(&self, path: &str) -> String {
        let (status, body) = browser::get(self.address, path);
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.page(path)).unwrap()
    }

    /// The status of a form sent from the station's own page.
    pub(crate) fn post(&self, path: &str, form: &str) -> u16 {
        self.post_from(&format!("http://{}", self.address), path, form)
    }

    pub(crate) fn post_from(&self, origin: &str, path: &str, form: &str) -> u16 {
        browser::post(self.address, origin, path, form)
    }

    pub(crate) fn events(&self) -> Events {
        Events::open(self.address)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
