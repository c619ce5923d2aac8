//! The serial link: one task a port that opens it, reads it, and opens it again after an unplug.
//!
//! ```text
//! trap                                              answer
//! unplugged port reads Ok(0) for ever               Ok(0) means gone
//! or EIO, EBADF, ENXIO                              every read error means gone
//! name of the port changes with the socket          configure a /dev/serial/by-id path; it is
//!                                                   resolved again at each open
//! DTR and RTS give ENOTTY on pseudo-terminals       tolerated
//! an open or a read hangs                           other ports have tasks of their own
//! a device says nothing until it is told to          what makes it talk is written at open, again
//!                                                   in its time, and anew after 10 s of silence:
//!                                                   it may have been switched off and on
//! devices of one name differ in speed and format    each line has its turn until a device is
//!                                                   recognised on one: see turns.rs
//! the hub is slow                                   the task waits; the kernel buffers 4 KiB, then
//!                                                   the device's flow control or loss
//! ```
//!
//! [`LinkEvent::Up`] says that every port is open, [`LinkEvent::Lost`] that one is not, and which.
//! A session lasts from open to unplug. It never ends well: whoever pulls a plug may cut a frame.

mod board;
mod talk;
mod turns;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_serial::{
    DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt as _, SerialStream,
    StopBits,
};
use vitals::DeviceId;

use self::board::Board;
use self::turns::{Step, Turns};
use super::{Frame, LinkEvent, LinkName, Recognise, SessionEnd, Source, Write};
use crate::clock::Clock;
use crate::supervise::Supervisor;

/// First wait before a port is tried again.
const RETRY_FIRST: Duration = Duration::from_millis(125);
/// Longest wait before a port is tried again: a replugged device is read within a second.
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// Longest wait for a device to take what is written to it.
const WRITE_MAX: Duration = Duration::from_secs(1);
/// Bytes taken at once: the size of the kernel's terminal buffer.
const CHUNK_LEN_BYTES: usize = 4096;

/// A serial port and the device behind it.
#[derive(Debug, Clone)]
pub struct SerialPort {
    /// The device.
    pub device: DeviceId,
    /// The port, best as `/dev/serial/by-id/…`: that name survives another USB socket.
    pub path: PathBuf,
    /// How the port is set.
    pub line: PortLine,
    /// Other settings that the device may have instead; with any it is told by listening.
    pub others: Vec<PortLine>,
}

/// Settings of a port.
#[derive(Debug, Clone)]
pub struct PortLine {
    /// Bits per second.
    pub baud: u32,
    /// Bits per character.
    pub data_bits: DataBits,
    /// Parity of a character.
    pub parity: Parity,
    /// Stop bits after a character.
    pub stop_bits: StopBits,
    /// What is written to it so that it talks.
    pub writes: Vec<Write>,
    /// What knows a device by what it says; `None` where whatever comes is one.
    pub recognise: Option<Recognise>,
}

impl PortLine {
    /// Where in the bytes that came a device is heard for sure.
    fn recognised(&self, bytes: &[u8]) -> Option<usize> {
        self.recognise.map_or(Some(0), |recognise| recognise(bytes))
    }
}

/// Reads every port for as long as the hub listens.
///
/// # Errors
///
/// Fails when a port's task dies. A port that cannot be opened is no error: it is tried again.
pub async fn run(
    ports: Vec<SerialPort>,
    clock: Clock,
    events: mpsc::Sender<LinkEvent>,
) -> anyhow::Result<()> {
    let board = Arc::new(Mutex::new(Board::new(ports.iter().map(|port| port.device.clone()))));
    let mut tasks = Supervisor::new();
    for port in ports {
        let reader = Reader { port, clock, events: events.clone(), board: Arc::clone(&board) };
        tasks.spawn("serial port", reader.run());
    }
    match tasks.next_end().await {
        // Without a port there is nothing to do, which is not a reason to end.
        None => {
            events.closed().await;
            Ok(())
        }
        Some((_name, Ok(()))) => Ok(()),
        Some((name, Err(error))) => Err(error.context(format!("{name} ended"))),
    }
}

/// The hub stopped listening.
#[derive(Debug)]
struct HubGone;

#[derive(Debug)]
struct Reader {
    port: SerialPort,
    clock: Clock,
    events: mpsc::Sender<LinkEvent>,
    board: Arc<Mutex<Board>>,
}

impl Reader {
    async fn run(self) -> anyhow::Result<()> {
        let mut wait = RETRY_FIRST;
        loop {
            let step = match self.open().await {
                Ok(stream) => {
                    wait = RETRY_FIRST;
                    self.session(stream).await
                }
                Err(error) => self.fail_to_open(&format!("{error:#}")).await,
            };
            if let Err(HubGone) = step {
                return Ok(());
            }
            sleep(wait).await;
            wait = RETRY_LONGEST.min(wait.saturating_mul(2));
        }
    }

    /// Opens the port on a thread for blocking calls: a driver in trouble can take its time.
    async fn open(&self) -> anyhow::Result<SerialStream> {
        let path =
            self.port.path.to_str().ok_or_else(|| anyhow!("its path is not UTF-8"))?.to_owned();
        let PortLine { baud, data_bits, parity, stop_bits, .. } = self.port.line;
        let builder = tokio_serial::new(path, baud)
            .data_bits(data_bits)
            .parity(parity)
            .stop_bits(stop_bits)
            .flow_control(FlowControl::None);
        let mut stream = tokio::task::spawn_blocking(move || builder.open_native_async()).await??;
        let lines = [
            ("dtr", stream.write_data_terminal_ready(true)),
            ("rts", stream.write_request_to_send(true)),
        ];
        for (line, outcome) in lines {
            if let Err(error) = outcome {
                tracing::debug!(device = %self.port.device, line, %error, "port has no such line");
            }
        }
        Ok(stream)
    }

    /// Reads until the port is gone.
    async fn session(&self, stream: SerialStream) -> Result<(), HubGone> {
        let device = &self.port.device;
        let opened = self.clock.now();
        tracing::info!(device = %device, path = %self.port.path.display(), "serial port open");
        if self.board().opened(device) {
            self.tell(LinkEvent::Up(LinkName::Serial)).await?;
        }
        self.tell(LinkEvent::Seen(device.clone(), opened)).await?;
        self.tell(LinkEvent::Begun(device.clone(), opened)).await?;

        let mut turns = Turns::new(&self.port.line, &self.port.others, self.now());
        let why = self.listen(stream, &mut turns).await?;
        let end = SessionEnd::Failed(format!("the serial port of {device} is gone: {why}"));
        self.tell(LinkEvent::Ended(device.clone(), end, self.clock.now())).await?;
        self.report_closed(&why).await.map(drop)
    }

    /// Passes on what comes until the port is gone; returns why it is.
    async fn listen(&self, mut stream: SerialStream, turns: &mut Turns) -> Result<String, HubGone> {
        let mut chunk = vec![0; CHUNK_LEN_BYTES];
        loop {
            let left = turns.next_deadline().map(|at| at.saturating_sub(self.now()));
            let read = tokio::select! {
                biased;
                read = stream.read(&mut chunk) => read,
                () = wait(left) => match self.advance(stream, turns).await {
                    Ok(same) => {
                        stream = same;
                        continue;
                    }
                    Err(error) => return Ok(error.to_string()),
                }
            };
            match read {
                Ok(0) => return Ok("it was unplugged".to_owned()),
                Ok(len_bytes) => {
                    self.hear(chunk.get(..len_bytes).unwrap_or_default(), turns).await?;
                }
                Err(error) => return Ok(error.to_string()),
            }
        }
    }

    /// Passes on what is known to be of the device.
    async fn hear(&self, bytes: &[u8], turns: &mut Turns) -> Result<(), HubGone> {
        let (received, was_heard) = (self.clock.now(), turns.is_heard());
        let bytes = turns.hear(bytes, received.since_boot);
        let device = self.port.device.clone();
        if !was_heard && turns.is_heard() {
            tracing::info!(device = %device, baud = turns.line().baud, "device recognised");
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.tell(LinkEvent::Frame(Frame { device, source: Source::Serial, bytes, received })).await
    }

    /// Does what is due.
    async fn advance(
        &self,
        mut stream: SerialStream,
        turns: &mut Turns,
    ) -> anyhow::Result<SerialStream> {
        match turns.advance(self.now()) {
            None => {}
            Some(Step::Set(line)) => {
                tracing::debug!(device = %self.port.device, baud = line.baud, "listening at another speed");
                stream = set(stream, line).await?;
            }
            Some(Step::Write(bytes)) => match timeout(WRITE_MAX, stream.write_all(bytes)).await {
                Ok(written) => written?,
                Err(_elapsed) => {
                    tracing::debug!(device = %self.port.device, "device takes no bytes");
                }
            },
        }
        Ok(stream)
    }

    fn now(&self) -> Duration {
        self.clock.now().since_boot
    }

    /// A port that cannot be opened is a failure of its device, too.
    async fn fail_to_open(&self, why: &str) -> Result<(), HubGone> {
        let device = &self.port.device;
        if self.report_closed(why).await? {
            let end = SessionEnd::Failed(format!("its serial port cannot be opened: {why}"));
            self.tell(LinkEvent::Ended(device.clone(), end, self.clock.now())).await?;
        }
        Ok(())
    }

    /// Says once per outage that the port is not open; whether this was the once.
    async fn report_closed(&self, why: &str) -> Result<bool, HubGone> {
        let device = &self.port.device;
        let is_news = self.board().closed(device);
        if is_news {
            tracing::warn!(device = %device, path = %self.port.path.display(), error = why, "serial port not open");
            let sentence = format!("the serial port of {device} cannot be used: {why}");
            self.tell(LinkEvent::Lost(LinkName::Serial, sentence)).await?;
        }
        Ok(is_news)
    }

    async fn tell(&self, event: LinkEvent) -> Result<(), HubGone> {
        self.events.send(event).await.map_err(|_closed| HubGone)
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets an open port on a thread for blocking calls, as it was opened.
async fn set(mut stream: SerialStream, line: PortLine) -> anyhow::Result<SerialStream> {
    let PortLine { baud, data_bits, parity, stop_bits, .. } = line;
    let set = move || {
        stream.set_baud_rate(baud)?;
        stream.set_data_bits(data_bits)?;
        stream.set_parity(parity)?;
        stream.set_stop_bits(stop_bits)?;
        Ok(stream)
    };
    tokio::task::spawn_blocking(set).await?
}

async fn wait(left: Option<Duration>) {
    match left {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
