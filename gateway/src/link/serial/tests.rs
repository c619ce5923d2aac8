//! The serial link on pseudo-terminals of the kernel.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{ControlFlags, tcgetattr};
use nix::unistd::ttyname;

use super::*;

/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A plugged-in device: the far end of a pseudo-terminal whose near end is at a stable path.
struct Plug {
    far: File,
    near: Option<std::os::fd::OwnedFd>,
}

impl Plug {
    fn into(path: &Path) -> Self {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        if path.symlink_metadata().is_ok() {
            std::fs::remove_file(path).unwrap();
        }
        symlink(ttyname(&slave).unwrap(), path).unwrap();
        Self { far: File::from(master), near: Some(slave) }
    }

    /// Lets the link's own handle be the only one at the near end.
    fn hand_over(&mut self) {
        drop(self.near.take());
    }
}

fn port(name: &str, path: &Path) -> SerialPort {
    let line = PortLine {
        baud: 9600,
        data_bits: DataBits::Eight,
        parity: Parity::None,
        stop_bits: StopBits::One,
        writes: Vec::new(),
        recognise: None,
    };
    SerialPort { device: name.parse().unwrap(), path: path.to_owned(), line, others: Vec::new() }
}

async fn next(events: &mut mpsc::Receiver<LinkEvent>) -> LinkEvent {
    timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
}

async fn begun(events: &mut mpsc::Receiver<LinkEvent>) {
    while !matches!(next(events).await, LinkEvent::Begun(..)) {}
}

async fn bytes(events: &mut mpsc::Receiver<LinkEvent>, len_bytes: usize) -> Vec<u8> {
    let mut taken = Vec::new();
    while taken.len() < len_bytes {
        let event = next(events).await;
        let LinkEvent::Frame(frame) = event else {
            panic!("{event:?} instead of bytes");
        };
        taken.extend(frame.bytes);
    }
    taken
}

#[tokio::test]
async fn a_replugged_device_is_read_again_at_its_stable_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usb-oximeter");
    let mut plug = Plug::into(&path);
    let (sender, mut events) = mpsc::channel(16);
    let mut tasks = Supervisor::new();
    tasks.spawn("link", run(vec![port("oximeter", &path)], Clock::start().unwrap(), sender));

    assert_eq!(next(&mut events).await, LinkEvent::Up(LinkName::Serial));
    begun(&mut events).await;
    plug.hand_over();
    plug.far.write_all(b"half a fra").unwrap();
    assert_eq!(bytes(&mut events, 10).await, b"half a fra");

    drop(plug);
    assert!(matches!(next(&mut events).await, LinkEvent::Ended(_, SessionEnd::Failed(_), _)));
    assert!(matches!(next(&mut events).await, LinkEvent::Lost(LinkName::Serial, _)));

    let mut plug = Plug::into(&path);
    assert_eq!(next(&mut events).await, LinkEvent::Up(LinkName::Serial));
    begun(&mut events).await;
    plug.hand_over();
    plug.far.write_all(b"a whole frame").unwrap();
    assert_eq!(bytes(&mut events, 13).await, b"a whole frame");
}

#[tokio::test]
async fn a_missing_port_does_not_keep_another_from_being_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usb-scale");
    let mut plug = Plug::into(&path);
    let absent = port("absent", &directory.path().join("nothing"));
    let (sender, mut events) = mpsc::channel(16);
    let mut tasks = Supervisor::new();
    tasks.spawn("link", run(vec![absent, port("scale", &path)], Clock::start().unwrap(), sender));

    begun(&mut events).await;
    plug.hand_over();
    plug.far.write_all(b"72.4").unwrap();
    let mut taken = Vec::new();
    while taken.len() < 4 {
        if let LinkEvent::Frame(frame) = next(&mut events).await {
            taken.extend(frame.bytes);
        }
    }
    assert_eq!(taken, b"72.4");
}

/// A device that is known by the third `ok` in a row.
fn recognise(bytes: &[u8]) -> Option<usize> {
    bytes.windows(6).position(|it| it == b"okokok")
}

#[tokio::test]
async fn a_device_is_recognised_on_the_line_that_it_speaks_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usb-oximeter");
    let mut plug = Plug::into(&path);
    let mut port = port("oximeter", &path);
    port.line.recognise = Some(recognise);
    let (parity, writes) = (Parity::Odd, vec![Write::once(b"talk")]);
    port.others = vec![PortLine { parity, writes, ..port.line.clone() }];
    let (sender, mut events) = mpsc::channel(16);
    let mut tasks = Supervisor::new();
    tasks.spawn("link", run(vec![port], Clock::start().unwrap(), sender));
    begun(&mut events).await;
    plug.hand_over();

    // Of a parity a pseudo-terminal keeps that it is odd.
    let is_odd = |far: &File| tcgetattr(far).unwrap().control_flags.contains(ControlFlags::PARODD);
    assert!(!is_odd(&plug.far));
    plug.far.write_all(b"garbage").unwrap();
    let mut far = plug.far.try_clone().unwrap();
    let told = tokio::task::spawn_blocking(move || {
        let mut told = [0; 4];
        far.read_exact(&mut told).map(|()| told)
    });
    assert_eq!(timeout(PATIENCE, told).await.unwrap().unwrap().unwrap(), *b"talk");
    assert!(is_odd(&plug.far));
    plug.far.write_all(b"ages okokok").unwrap();
    plug.far.write_all(b" and more").unwrap();
    assert_eq!(bytes(&mut events, 15).await, b"okokok and more");
}

#[tokio::test]
async fn a_slow_hub_makes_the_port_wait_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usb-oximeter");
    let mut plug = Plug::into(&path);
    let (sender, mut events) = mpsc::channel(1);
    let mut tasks = Supervisor::new();
    tasks.spawn("link", run(vec![port("oximeter", &path)], Clock::start().unwrap(), sender));
    begun(&mut events).await;
    plug.hand_over();

    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(64 * 1024).collect();
    let mut far = plug.far.try_clone().unwrap();
    let all = sent.clone();
    let writer = tokio::task::spawn_blocking(move || far.write_all(&all));
    assert_eq!(bytes(&mut events, sent.len()).await, sent);
    writer.await.unwrap().unwrap();
}
