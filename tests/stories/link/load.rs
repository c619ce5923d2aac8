//! What a child process holds: file descriptors, memory, and match rules at the bus.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use zbus::Connection;

use super::child::Link;

const BUS: &str = "org.freedesktop.DBus";

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Open file descriptors.
    pub(crate) n_fds: usize,
    /// Resident memory in KiB.
    pub(crate) resident_kib: u64,
    /// Connections to the bus.
    pub(crate) n_connections: usize,
    /// Match rules over all connections; `None` where the bus has no statistics.
    pub(crate) n_match_rules: Option<u32>,
}

impl Load {
    /// Looks at a process and at what the bus keeps for it.
    pub(crate) async fn of(link: &Link, bus: &str) -> Self {
        let pid = link.pid();
        let bus = zbus::connection::Builder::address(bus).build().await.unwrap();
        let mut n_connections = 0;
        let mut n_match_rules = Some(0);
        for name in names(&bus).await {
            if process_of(&bus, &name).await != Some(pid) {
                continue;
            }
            n_connections += 1;
            let rules = match_rules_of(&bus, &name).await;
            n_match_rules = n_match_rules.zip(rules).map(|(sum, rules)| sum + rules);
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self { n_fds: link.n_fds(), resident_kib, n_connections, n_match_rules }
    }
}

async fn names(bus: &Connection) -> Vec<String> {
    let reply = bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "ListNames", &());
    let names: Vec<String> = reply.await.unwrap().body().deserialize().unwrap();
    names.into_iter().filter(|name| name.starts_with(':')).collect()
}

async fn process_of(bus: &Connection, name: &str) -> Option<u32> {
    let method = "GetConnectionUnixProcessID";
    let reply = bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), method, &name);
    reply.await.ok()?.body().deserialize().ok()
}

async fn match_rules_of(bus: &Connection, name: &str) -> Option<u32> {
    let stats = "org.freedesktop.DBus.Debug.Stats";
    let method = "GetConnectionStats";
    let reply = bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(stats), method, &name);
    let reply = reply.await.ok()?;
    let body = reply.body();
    let figures: BTreeMap<String, zbus::Variant<'_>> = body.deserialize().ok()?;
    match figures.get("MatchRules") {
        Some(zbus::Variant::U32(count)) => Some(*count),
        _ => None,
    }
}

/// A `dbus-daemon` with few match rules to give.
#[derive(Debug)]
pub(crate) struct TightBus {
    directory: tempfile::TempDir,
    _child: Child,
}

impl TightBus {
    /// Starts a bus that allows each connection so many rules; `None` without `dbus-daemon`.
    pub(crate) async fn start(n_match_rules: u32) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context='default'><allow send_destination='*' eavesdrop='true'/>\
             <allow eavesdrop='true'/><allow own='*'/></policy>\
             <limit name='max_match_rules_per_connection'>{n_match_rules}</limit></busconfig>",
            directory.path().join("bus").display()
        );
        fs::write(&configuration, text).unwrap();
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).await.unwrap();
        assert!(!address.is_empty(), "dbus-daemon listens");
        Some(Self { directory, _child: child })
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.directory.path().join("bus").display())
    }
}
