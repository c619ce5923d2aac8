//! The gateway's links in a child process: libdbus reads the bus address once a process, and fd
//! and memory counts are worth something only for a process that does nothing else.
//!
//! The test program runs itself again with [`SETTINGS`] set; the child prints one JSON line an
//! event of the link.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use btleplug::api::BDAddr;
use gateway::clock::{Clock, Stamp};
use gateway::link::bluetooth::{BluetoothDevice, BluetoothSettings, ClockWrite, Limits};
use gateway::link::serial::{PortLine, SerialPort};
use gateway::link::{LinkEvent, SessionEnd, Source, bluetooth, serial};
use gateway::supervise::Supervisor;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Longest wait for an event that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const SETTINGS: &str = "LINK_CHILD_SETTINGS";

/// What the child's link is to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) devices: Vec<DeviceSettings>,
    pub(crate) ports: Vec<PortSettings>,
    pub(crate) radio_silence_ms: Option<u64>,
    pub(crate) connect_ms: Option<u64>,
    pub(crate) resolve_ms: Option<u64>,
    pub(crate) call_ms: Option<u64>,
    pub(crate) retry_longest_ms: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeviceSettings {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) services: Vec<Uuid>,
    pub(crate) subscriptions: Vec<Uuid>,
    pub(crate) reads: Vec<Uuid>,
    pub(crate) clock: Option<Uuid>,
    pub(crate) first_value_ms: u64,
    pub(crate) quiet_ms: u64,
    pub(crate) rest_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PortSettings {
    pub(crate) id: String,
    pub(crate) path: std::path::PathBuf,
}

/// An event of the link as the child tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Told {
    Up {
        link: String,
    },
    Lost {
        link: String,
        why: String,
    },
    Seen {
        device: String,
    },
    Begun {
        device: String,
    },
    /// `failed` says why; without it `by` is `device` or `hub`.
    Ended {
        device: String,
        by: String,
        failed: Option<String>,
    },
    Frame {
        device: String,
        source: Option<Uuid>,
        bytes: Vec<u8>,
    },
    /// The link's task ended.
    Over {
        error: Option<String>,
    },
}

impl From<LinkEvent> for Told {
    fn from(event: LinkEvent) -> Self {
        match event {
            LinkEvent::Up(link) => Self::Up { link: link.as_str().to_owned() },
            LinkEvent::Lost(link, why) => Self::Lost { link: link.as_str().to_owned(), why },
            LinkEvent::Seen(device, _at) => Self::Seen { device: device.to_string() },
            LinkEvent::Begun(device, _at) => Self::Begun { device: device.to_string() },
            LinkEvent::Ended(device, end, _at) => {
                let (by, failed) = match end {
                    SessionEnd::ByDevice => ("device", None),
                    SessionEnd::ByHub => ("hub", None),
                    SessionEnd::Failed(why) => ("failure", Some(why)),
                };
                Self::Ended { device: device.to_string(), by: by.to_owned(), failed }
            }
            LinkEvent::Frame(frame) => {
                let source = match frame.source {
                    Source::Characteristic(uuid) => Some(uuid),
                    Source::Serial => None,
                };
                Self::Frame { device: frame.device.to_string(), source, bytes: frame.bytes }
            }
        }
    }
}

/// A running child.
#[derive(Debug)]
pub(crate) struct Link {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What the child writes to its standard error.
    complaints: tempfile::NamedTempFile,
    /// All that was told.
    pub(crate) told: Vec<Told>,
}

impl Link {
    /// Starts this program again as a child that runs `test`, which has to call [`serve`].
    pub(crate) fn start(test: &str, settings: &Settings, bus: Option<&str>) -> Self {
        let complaints = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", test, "--nocapture"])
            .env(SETTINGS, serde_json::to_string(settings).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints.reopen().unwrap())
            .kill_on_drop(true);
        if let Some(bus) = bus {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, complaints, told: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the child was not waited for")
    }

    /// Ends the child as a crash would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// How many file descriptors the child has open.
    pub(crate) fn n_fds(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            let Ok(line) = tokio::time::timeout(PATIENCE, self.lines.next_line()).await else {
                panic!("silent after {:#?}\n{}", self.recent(), self.complaints());
            };
            let Some(line) = line.unwrap() else {
                panic!("gone after {:#?}\n{}", self.recent(), self.complaints());
            };
            if line.starts_with('{') {
                let told: Told = serde_json::from_str(&line).unwrap();
                self.told.push(told.clone());
                return told;
            }
        }
    }

    /// Waits for an event and returns it.
    pub(crate) async fn until(&mut self, mut is_it: impl FnMut(&Told) -> bool) -> Told {
        loop {
            let told = self.next().await;
            if is_it(&told) {
                return told;
            }
        }
    }

    /// Waits until the link can be used.
    pub(crate) async fn up(&mut self) {
        self.until(|told| matches!(told, Told::Up { .. })).await;
    }

    /// Waits until the link cannot be used and returns why.
    pub(crate) async fn lost(&mut self) -> String {
        let told = self.until(|told| matches!(told, Told::Lost { .. })).await;
        let Told::Lost { why, .. } = told else { unreachable!("it was waited for") };
        why
    }

    /// Waits until a session ends and returns who ended it, or why it failed.
    pub(crate) async fn ended(&mut self, id: &str) -> String {
        let is_it = |told: &Told| matches!(told, Told::Ended { device, .. } if device == id);
        let Told::Ended { by, failed, .. } = self.until(is_it).await else {
            unreachable!("it was waited for")
        };
        failed.unwrap_or(by)
    }

    /// What the child wrote to its standard error, such as panics of tasks.
    pub(crate) fn complaints(&self) -> String {
        std::fs::read_to_string(self.complaints.path()).unwrap()
    }

    fn recent(&self) -> &[Told] {
        let n_recent = self.told.len().min(20);
        &self.told[self.told.len() - n_recent..]
    }
}

/// Runs the links and tells what they say, if this is a child process; else does nothing.
pub(crate) async fn serve() {
    let Ok(text) = std::env::var(SETTINGS) else {
        return;
    };
    let settings: Settings = serde_json::from_str(&text).unwrap();
    let clock = Clock::start().unwrap();
    let (events, mut told) = mpsc::channel(16);
    let mut tasks = Supervisor::new();
    if settings.ports.is_empty() {
        tasks.spawn("bluetooth", bluetooth::run(bluetooth_settings(&settings), clock, events));
    } else {
        tasks.spawn("serial", serial::run(serial_ports(&settings), clock, events));
    }
    // The test program's own words may stand in an open line.
    say("");
    loop {
        tokio::select! {
            biased;
            Some(event) = told.recv() => say(&serde_json::to_string(&Told::from(event)).unwrap()),
            Some((_name, end)) = tasks.next_end() => {
                let error = end.err().map(|error| format!("{error:#}"));
                say(&serde_json::to_string(&Told::Over { error }).unwrap());
                return;
            }
        }
    }
}

/// One line, also when nobody reads any more.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::abort();
    }
}

fn bluetooth_settings(settings: &Settings) -> BluetoothSettings {
    let defaults = Limits::default();
    let limits = Limits {
        radio_silence: settings.radio_silence_ms.map(Duration::from_millis),
        connect: settings.connect_ms.map_or(defaults.connect, Duration::from_millis),
        resolve: settings.resolve_ms.map_or(defaults.resolve, Duration::from_millis),
        call: settings.call_ms.map_or(defaults.call, Duration::from_millis),
        retry_first: Duration::from_millis(50),
        retry_longest: Duration::from_millis(settings.retry_longest_ms.unwrap_or(500)),
    };
    let zone = watch::Sender::new(TimeZone::UTC).subscribe();
    let devices = settings.devices.iter().map(bluetooth_device).collect();
    let remedies = watch::Sender::default();
    let (_nobody, quiet_until) = watch::channel(Duration::ZERO);
    let now = Clock::start().unwrap().now();
    let (_nobody, booted_at) = watch::channel(now.wall.checked_sub(now.since_boot).ok());
    BluetoothSettings {
        adapter: None,
        devices,
        scan_services: Vec::new(),
        zone,
        booted_at,
        quiet_until,
        remedies,
        limits,
    }
}

fn bluetooth_device(device: &DeviceSettings) -> BluetoothDevice {
    let address: BDAddr = device.address.parse().unwrap();
    BluetoothDevice {
        id: device.id.parse().unwrap(),
        address,
        services: device.services.clone(),
        subscriptions: device.subscriptions.clone(),
        reads: device.reads.clone(),
        clock: device.clock.map(|characteristic| ClockWrite { characteristic, encode: date_time }),
        advertised: Vec::new(),
        consents: Vec::new(),
        requests: Vec::new(),
        script: None,
        settle: Duration::ZERO,
        first_value: Duration::from_millis(device.first_value_ms),
        quiet: Duration::from_millis(device.quiet_ms),
        rest: Duration::from_millis(device.rest_ms),
    }
}

/// Date Time (0x2A08): year, little-endian, month, day, hours, minutes, seconds.
fn date_time(now: Stamp, zone: &TimeZone) -> Vec<u8> {
    let local = now.wall.to_zoned(zone.clone()).datetime();
    let [low, high] = local.year().to_le_bytes();
    let rest = [local.month(), local.day(), local.hour(), local.minute(), local.second()];
    [low, high].into_iter().chain(rest.map(i8::cast_unsigned)).collect()
}

fn serial_ports(settings: &Settings) -> Vec<SerialPort> {
    let port = |port: &PortSettings| SerialPort {
        device: port.id.parse().unwrap(),
        path: port.path.clone(),
        line: PortLine {
            baud: 9600,
            data_bits: tokio_serial::DataBits::Eight,
            parity: tokio_serial::Parity::None,
            stop_bits: tokio_serial::StopBits::One,
            writes: Vec::new(),
            recognise: None,
        },
        others: Vec::new(),
    };
    settings.ports.iter().map(port).collect()
}
