//! The task behind a serial device: it writes frames at their pace and watches the other side.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, info};

use super::ear::Ear;
use super::port::Port;
use super::{SerialPort, wire};
use crate::bluez::{Command, Counters, DeviceOrder, Order, OrderError};
use crate::clock::Clock;
use crate::device::{Kind, LineSetting, Surroundings};
use crate::fault::{self, Spoiler};

/// How often the other side of the port is looked at, in real time.
///
/// A pseudo-terminal does not tell when it is opened.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long a plug takes that is pulled in the middle of a frame: what is in the port goes with it.
const PULL: Duration = Duration::from_millis(50);

/// A program must have had the port open at this many looks before it counts as a listener: it
/// discards what it finds right after it opened the port.
const LOOKS_TO_SETTLE: u32 = 3;

/// A frame that is being written.
#[derive(Debug)]
struct Writing {
    bytes: Vec<u8>,
    n_written: usize,
    /// Pull the plug after this many bytes.
    unplug_after: Option<usize>,
}

/// A serial device with its port.
#[derive(Debug)]
pub(super) struct Line {
    name: String,
    kind: Kind,
    settings: SerialPort,
    path: PathBuf,
    clock: Clock,
    orders: mpsc::Receiver<Command>,
    port: Option<Port>,
    n_looks_open: u32,
    /// Frames to write, with the simulated time when each is due.
    frames: VecDeque<(Duration, Vec<u8>)>,
    /// Before this there is no room for more frames.
    free_at: Duration,
    /// What is written in place of the frame that was due last.
    spoiled: VecDeque<Vec<u8>>,
    writing: Option<Writing>,
    spoiler: Spoiler,
    ear: Ear,
    battery_percent: u8,
    unplug_in_frame: bool,
    /// Half a frame was written: the port goes then, once the other side has read it.
    pulled_at: Option<Duration>,
    counters: Counters,
    watcher: watch::Sender<Counters>,
}

impl Line {
    pub(super) fn start(
        name: &str,
        kind: Kind,
        settings: SerialPort,
        path: PathBuf,
        clock: Clock,
        seed: u64,
        orders: mpsc::Receiver<Command>,
    ) -> Result<Self, OrderError> {
        let ear = Ear::of(&kind);
        let mut line = Self {
            name: name.to_owned(),
            kind,
            ear,
            settings,
            path,
            clock,
            orders,
            port: None,
            n_looks_open: 0,
            frames: VecDeque::new(),
            free_at: Duration::ZERO,
            spoiled: VecDeque::new(),
            writing: None,
            spoiler: Spoiler::new(seed, name),
            battery_percent: 100,
            unplug_in_frame: false,
            pulled_at: None,
            counters: Counters::default(),
            watcher: watch::Sender::new(Counters::default()),
        };
        if line.settings.plugged {
            line.plug()?;
        }
        line.publish();
        Ok(line)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Counters> {
        self.watcher.subscribe()
    }

    /// Runs until nobody can give orders any more.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                command = self.orders.recv() => match command {
                    Some(Command { order, done }) => self.obey(order, done),
                    None => return,
                },
                () = self.clock.pause(LOOK_EVERY) => {}
            }
            if self.pulled_at.is_some_and(|it| it <= self.clock.now()) {
                self.unplug();
            }
            self.look();
            self.write_due();
            self.publish();
        }
    }

    fn obey(&mut self, order: Order, done: oneshot::Sender<Result<(), OrderError>>) {
        let outcome = match order {
            Order::Device(_, order) => self.obey_device(order),
            Order::Bluez(_) => Err(self.wrong_link()),
        };
        self.publish();
        // Nobody waits any more when the caller gave up.
        done.send(outcome).ok();
    }

    fn obey_device(&mut self, order: DeviceOrder) -> Result<(), OrderError> {
        match order {
            DeviceOrder::Measure(measurement) => {
                let clock = self.clock.local_time();
                if self.ear.keep(&measurement, clock)? {
                    self.counters.measurements = self.counters.measurements.saturating_add(1);
                    return Ok(());
                }
                // No serial device numbers its records.
                let (battery_percent, sequence) = (self.battery_percent, 0);
                let surroundings = Surroundings { clock, battery_percent, sequence };
                let records = self.kind.records(&measurement, surroundings)?;
                self.counters.measurements = self.counters.measurements.saturating_add(1);
                self.plan(records.into_iter().map(|record| (record.after, record.payload)));
            }
            DeviceOrder::Replay(frames) => self.replay(frames),
            DeviceOrder::Flood { frame, per_second, lasting } => {
                let times = fault::flood_times(per_second, lasting);
                self.plan(times.map(|after| (after, frame.clone())));
            }
            DeviceOrder::Spoil(fault, extent) => self.spoiler.add(fault, extent),
            DeviceOrder::Heal => self.spoiler.heal(),
            DeviceOrder::Battery(percent) => self.battery_percent = percent,
            DeviceOrder::Plug => self.plug()?,
            DeviceOrder::Unplug => self.unplug(),
            DeviceOrder::UnplugInFrame => self.unplug_in_frame = true,
            DeviceOrder::Wake
            | DeviceOrder::Sleep
            | DeviceOrder::HangUp
            | DeviceOrder::DropLink
            | DeviceOrder::NextLink(_)
            | DeviceOrder::NextPairing(_)
            | DeviceOrder::ForgetBond
            | DeviceOrder::PairingMode(_)
            | DeviceOrder::TypePasskey(_)
            | DeviceOrder::ClockError(_)
            | DeviceOrder::ClockSet(_)
            | DeviceOrder::MissWake => return Err(self.wrong_link()),
        }
        Ok(())
    }

    /// Plans frames, each some time after all that is planned already.
    fn plan(&mut self, frames: impl Iterator<Item = (Duration, Vec<u8>)>) {
        let begin = self.clock.now().max(self.free_at);
        for (after, bytes) in frames {
            self.free_at = begin.saturating_add(after);
            self.frames.push_back((self.free_at, bytes));
        }
    }

    fn replay(&mut self, frames: Vec<Vec<u8>>) {
        let pace = self.settings.pace;
        let times = std::iter::successors(Some(Duration::ZERO), |after| after.checked_add(pace));
        self.plan(times.zip(frames));
        self.free_at = self.free_at.saturating_add(pace);
    }

    fn wrong_link(&self) -> OrderError {
        OrderError::WrongLink { device: self.name.clone() }
    }

    fn plug(&mut self) -> Result<(), OrderError> {
        if self.port.is_none() {
            let port = Port::plug(&self.path, self.kind.line_setting())
                .map_err(|source| OrderError::Port { device: self.name.clone(), source })?;
            self.port = Some(port);
            self.counters.advertisements = self.counters.advertisements.saturating_add(1);
            info!(device = self.name, "plugged in");
        }
        Ok(())
    }

    fn unplug(&mut self) {
        self.pulled_at = None;
        if self.port.take().is_some() {
            self.frames.clear();
            self.spoiled.clear();
            self.free_at = Duration::ZERO;
            self.writing = None;
            self.closed();
            info!(device = self.name, "unplugged");
        }
    }

    fn closed(&mut self) {
        if self.n_looks_open >= LOOKS_TO_SETTLE {
            self.counters.disconnections = self.counters.disconnections.saturating_add(1);
        }
        self.n_looks_open = 0;
    }

    /// Looks whether a program has the port open, and what it wrote.
    fn look(&mut self) {
        let Some(port) = &self.port else { return };
        if !port.is_open() {
            return self.closed();
        }
        let heard = port.read();
        let received = u64::try_from(heard.len()).unwrap_or(u64::MAX);
        self.counters.serial_bytes_received =
            self.counters.serial_bytes_received.saturating_add(received);
        let heard = match self.settings() {
            Some((device, host)) => wire::taken(&heard, host, device),
            None => heard,
        };
        let now = self.clock.now();
        for answer in self.ear.hear(&heard, now).into_iter().rev() {
            self.frames.push_front((now, answer));
        }
        self.n_looks_open = self.n_looks_open.saturating_add(1);
        if self.n_looks_open == LOOKS_TO_SETTLE {
            self.counters.connections = self.counters.connections.saturating_add(1);
            info!(device = self.name, "port opened");
        }
    }

    /// How the device and the other side set their ends of the line, where that makes a difference.
    fn settings(&self) -> Option<(LineSetting, LineSetting)> {
        let (device, port) = (self.kind.line_setting()?, self.port.as_ref()?);
        match port.setting(device) {
            Ok(host) => Some((device, host)),
            Err(error) => {
                debug!(device = self.name, %error, "port does not tell how it is set");
                None
            }
        }
    }

    fn is_heard(&self) -> bool {
        self.port.is_some() && self.n_looks_open >= LOOKS_TO_SETTLE
    }

    /// Writes what is due and what the port takes.
    fn write_due(&mut self) {
        loop {
            if self.pulled_at.is_some() || self.writing.is_none() && !self.begin_frame() {
                return;
            }
            if !self.is_heard() || !self.ear.is_talking(self.clock.now()) {
                self.writing = None;
                self.counters.serial_frames_unheard =
                    self.counters.serial_frames_unheard.saturating_add(1);
                continue;
            }
            if !self.go_on_writing() {
                return;
            }
        }
    }

    /// Takes the next frame when its time has come.
    fn begin_frame(&mut self) -> bool {
        while self.spoiled.is_empty() {
            let Some((due, _bytes)) = self.frames.front() else { return false };
            if self.clock.now() < *due {
                return false;
            }
            if 1 < self.frames.len() && self.spoiler.reorders() {
                self.swap_frames();
            }
            let next = self.frames.pop_front().map(|(_due, bytes)| self.spoiler.spoil(bytes));
            self.spoiled.extend(next.into_iter().flatten());
        }
        let Some(sent) = self.spoiled.pop_front() else { return false };
        let bytes = match self.settings() {
            Some((device, host)) => wire::taken(&sent, device, host),
            None => sent.clone(),
        };
        let n_garbled = u64::from(bytes != sent);
        self.counters.serial_frames_garbled =
            self.counters.serial_frames_garbled.saturating_add(n_garbled);
        let unplug_after = std::mem::take(&mut self.unplug_in_frame).then_some(bytes.len() / 2);
        self.writing = Some(Writing { bytes, n_written: 0, unplug_after });
        true
    }

    /// Lets the next two frames change places, each in the other's time.
    fn swap_frames(&mut self) {
        if let [(_, first), (_, second), ..] = self.frames.make_contiguous() {
            std::mem::swap(first, second);
        }
    }

    /// Writes more of the frame; returns whether it is finished.
    fn go_on_writing(&mut self) -> bool {
        let (Some(port), Some(writing)) = (&self.port, &mut self.writing) else { return true };
        let end = writing.unplug_after.unwrap_or(writing.bytes.len());
        let rest = writing.bytes.get(writing.n_written..end).unwrap_or_default();
        let n_bytes = match port.write(rest) {
            Ok(n_bytes) => n_bytes,
            Err(error) => {
                debug!(device = self.name, %error, "port took no bytes");
                0
            }
        };
        writing.n_written = writing.n_written.saturating_add(n_bytes);
        self.counters.serial_bytes =
            self.counters.serial_bytes.saturating_add(u64::try_from(n_bytes).unwrap_or(u64::MAX));
        if writing.n_written < end {
            return false;
        }
        let unplugs = writing.unplug_after.is_some();
        self.writing = None;
        if unplugs {
            self.pulled_at = Some(self.clock.now().saturating_add(PULL));
        } else {
            self.counters.serial_frames = self.counters.serial_frames.saturating_add(1);
        }
        true
    }

    fn publish(&mut self) {
        let n_writing = self.spoiled.len() + usize::from(self.writing.is_some());
        let n_waiting = self.frames.len() + n_writing;
        self.counters.spoiled = self.spoiler.n_spoiled;
        self.counters.records_pending = u64::try_from(n_waiting).unwrap_or(u64::MAX);
        self.counters.advertising = self.port.is_some();
        self.counters.connected = self.is_heard();
        self.counters.subscribed = self.is_heard();
        let counters = self.counters;
        self.watcher.send_if_modified(|known| std::mem::replace(known, counters) != counters);
    }
}
