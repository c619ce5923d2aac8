//! Serial devices as a program sees them that opens their port by its stable name.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use firmware_sim::bluez::{Counters, OrderError};
use firmware_sim::device::oximeter_line::OximeterLine;
use firmware_sim::device::{Device, Measurement};
use firmware_sim::fault::{ByteFault, Extent, Fault};
use firmware_sim::simulator::{DeviceHandle, Options, Simulator};
use rustix::termios::{ControlModes, InputModes, OptionalActions, tcgetattr, tcsetattr};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(20);
const PORT: &str = "usb-Simulated_Scale-port0";

async fn start(directory: &Path) -> (Simulator, DeviceHandle) {
    let devices = vec![Device::serial_replay("scale", PORT)];
    let sim = Simulator::start(Options::new(directory), devices).await.unwrap();
    let scale = sim.device("scale").unwrap();
    (sim, scale)
}

async fn until(device: &DeviceHandle, what: impl FnMut(&Counters) -> bool) -> Counters {
    tokio::time::timeout(LIMIT, device.wait_until(what)).await.expect("it happens").unwrap()
}

async fn open(sim: &Simulator, device: &DeviceHandle) -> File {
    let path = sim.ports().get(device.name()).unwrap();
    let file = File::options().read(true).write(true).open(path).await.unwrap();
    until(device, |seen| seen.connected).await;
    file
}

async fn read(file: &mut File, len_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; len_bytes];
    let reading = file.read_exact(&mut bytes);
    tokio::time::timeout(LIMIT, reading).await.expect("bytes arrive").unwrap();
    bytes
}

#[tokio::test]
async fn bytes_arrive_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let mut port = open(&sim, &scale).await;
    let frames = vec![b"ST,+00070.5 kg\r\n".to_vec(), vec![0x00, 0x03, 0x04, 0x11, 0x13, 0xFF]];
    scale.replay(frames.clone()).await.unwrap();
    assert_eq!(read(&mut port, 22).await, frames.concat());
    assert_eq!(until(&scale, |seen| seen.serial_frames == 2).await.serial_bytes, 22);
}

#[tokio::test]
async fn bytes_that_nobody_listens_to_are_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    scale.replay(vec![b"lost".to_vec()]).await.unwrap();
    until(&scale, |seen| seen.serial_frames_unheard == 1).await;
    let mut port = open(&sim, &scale).await;
    scale.replay(vec![b"kept".to_vec()]).await.unwrap();
    assert_eq!(read(&mut port, 4).await, b"kept");
}

#[tokio::test]
async fn a_port_comes_back_under_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let mut port = open(&sim, &scale).await;
    scale.unplug().await.unwrap();
    let gone = port.read(&mut [0; 1]).await;
    assert!(gone.is_err() || gone.is_ok_and(|n_bytes| n_bytes == 0));
    drop(port);
    let missing = File::open(directory.path().join(PORT)).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);

    scale.plug().await.unwrap();
    let mut port = open(&sim, &scale).await;
    scale.replay(vec![b"back".to_vec()]).await.unwrap();
    assert_eq!(read(&mut port, 4).await, b"back");
}

#[tokio::test]
async fn a_port_can_go_in_the_middle_of_a_frame() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let _port = open(&sim, &scale).await;
    scale.unplug_in_next_frame().await.unwrap();
    scale.replay(vec![b"first half".to_vec()]).await.unwrap();
    let seen = until(&scale, |seen| !seen.advertising).await;
    assert_eq!((seen.serial_bytes, seen.serial_frames), (5, 0));
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let mut port = open(&sim, &scale).await;
    let frames: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte; 125]).collect();
    scale.replay(frames.clone()).await.unwrap();
    assert_eq!(read(&mut port, 256 * 125).await, frames.concat());
}

async fn start_with(directory: &Path, device: Device, speed: u32) -> (Simulator, DeviceHandle) {
    let name = device.name.clone();
    let mut options = Options::new(directory);
    options.speed = speed.try_into().unwrap();
    let sim = Simulator::start(options, vec![device]).await.unwrap();
    let handle = sim.device(&name).unwrap();
    (sim, handle)
}

#[tokio::test]
async fn a_scale_sends_lines_while_somebody_steps_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start_with(directory.path(), Device::and_scale("scale", PORT), 100).await;
    let mut port = open(&sim, &scale).await;
    scale.measure(Measurement::weight_kg(70)).await.unwrap();
    let lines = String::from_utf8(read(&mut port, 7 * 17).await).unwrap();
    assert!(lines.starts_with("US,+00000027 kg\r\n"), "{lines}");
    assert!(lines.ends_with("ST,+00000070 kg\r\n"), "{lines}");
}

#[tokio::test]
async fn an_oximeter_sends_75_frames_a_second_while_a_finger_is_in() {
    let directory = tempfile::tempdir().unwrap();
    let device = Device::nonin_df2("oximeter", PORT);
    let (sim, oximeter) = start_with(directory.path(), device, 20).await;
    let mut port = open(&sim, &oximeter).await;
    let worn = Duration::from_secs(6);
    oximeter.measure(Measurement::oximetry(97, 130).lasting(worn)).await.unwrap();
    // Two seconds of search, six of values, two with the finger out.
    let bytes = read(&mut port, 10 * 75 * 5).await;
    for frame in bytes.as_chunks::<5>().0 {
        let [start, status, pleth, part, sum] = *frame;
        let expected = [start, status, pleth, part].into_iter().fold(0, u8::wrapping_add);
        assert_eq!((start, sum), (0x01, expected));
    }
    assert_eq!(until(&oximeter, |seen| seen.records_pending == 0).await.serial_frames, 750);
}

#[tokio::test]
async fn two_stays_of_a_finger_follow_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let device = Device::nonin_ascii("oximeter", PORT);
    let (sim, oximeter) = start_with(directory.path(), device, 100).await;
    let mut port = open(&sim, &oximeter).await;
    for pulse in [64, 130] {
        let worn = Duration::from_secs(1);
        oximeter.measure(Measurement::oximetry(97, pulse).lasting(worn)).await.unwrap();
    }
    let text = String::from_utf8(read(&mut port, 10 * 17).await).unwrap();
    let none = "SPO2=--- HR=---\r\n".repeat(2);
    let stay = |pulse: &str| format!("{none}SPO2=097 HR={pulse}\r\n{none}");
    assert_eq!(text, stay("064") + &stay("130"));
}

#[tokio::test]
async fn spoiled_frames_are_spoiled_as_told_and_the_rest_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let mut port = open(&sim, &scale).await;
    for fault in [ByteFault::Reorder, ByteFault::Drop] {
        let extent = Extent::Next(1);
        scale.fault(Fault::Bytes { fault, extent }).await.unwrap();
    }
    let frames = [b"a", b"b", b"c"].map(|frame| frame.to_vec()).to_vec();
    scale.replay(frames).await.unwrap();
    // The first two change places, then the first is lost.
    assert_eq!(read(&mut port, 2).await, b"ac");
    assert_eq!(until(&scale, |seen| seen.serial_frames == 2).await.spoiled, 2);
}

#[tokio::test]
async fn a_fault_of_the_radio_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (_sim, scale) = start(directory.path()).await;
    for fault in [Fault::BondLoss, Fault::MissedWake, Fault::LinkLoss] {
        assert!(matches!(scale.fault(fault).await, Err(OrderError::WrongLink { .. })));
    }
}

#[tokio::test]
async fn a_flood_on_a_port_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (sim, scale) = start(directory.path()).await;
    let mut port = open(&sim, &scale).await;
    let per_second = 1000.try_into().unwrap();
    let lasting = Duration::from_millis(200);
    scale.fault(Fault::Flood { frame: vec![0x55], per_second, lasting }).await.unwrap();
    assert_eq!(read(&mut port, 200).await, [0x55; 200]);
    assert_eq!(until(&scale, |seen| seen.records_pending == 0).await.serial_bytes, 200);
}

/// Sets a port to a speed, with an odd parity or none.
fn set(port: &File, baud: u32, is_odd: bool) {
    let mut termios = tcgetattr(port).unwrap();
    termios.set_speed(baud).unwrap();
    termios.input_modes.set(InputModes::INPCK, is_odd);
    termios.control_modes.set(ControlModes::PARENB | ControlModes::PARODD, is_odd);
    tcsetattr(port, OptionalActions::Now, &termios).unwrap();
}

#[tokio::test]
async fn a_port_at_another_speed_or_parity_brings_garbage() {
    let directory = tempfile::tempdir().unwrap();
    let device = Device::oximeter_line("oximeter", PORT, OximeterLine::ContecFiveByte);
    let (sim, oximeter) = start_with(directory.path(), device, 1).await;
    let mut port = open(&sim, &oximeter).await;
    let frame = [0x85, 0x32, 0x0A, 0x41, 0x61];
    for (baud, is_odd) in [(115_200, true), (19_200, false)] {
        let before = oximeter.counters();
        set(&port, baud, is_odd);
        oximeter.replay(vec![frame.to_vec()]).await.unwrap();
        let n_before = before.serial_frames_garbled;
        let after = until(&oximeter, |seen| n_before < seen.serial_frames_garbled).await;
        let len_bytes = after.serial_bytes - before.serial_bytes;
        assert_ne!(read(&mut port, usize::try_from(len_bytes).unwrap()).await, frame);
    }
    set(&port, 19_200, true);
    oximeter.replay(vec![frame.to_vec()]).await.unwrap();
    assert_eq!(read(&mut port, 5).await, frame);
}

#[tokio::test]
async fn what_is_written_at_another_speed_is_not_understood() {
    let directory = tempfile::tempdir().unwrap();
    let device = Device::oximeter_line("oximeter", PORT, OximeterLine::ContecNineByte);
    let (sim, oximeter) = start_with(directory.path(), device, 1).await;
    let mut port = open(&sim, &oximeter).await;
    let start = [0x7D, 0x81, 0xA1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
    let frame = vec![0x01, 0xE0, 0x85, 0xB3, 0x96, 0xC1, 0xE1, 0xFF, 0xFF];
    for (n_told, baud) in [(9, 19_200), (18, 115_200)] {
        set(&port, baud, false);
        port.write_all(&start).await.unwrap();
        port.flush().await.unwrap();
        until(&oximeter, |seen| seen.serial_bytes_received == n_told).await;
        oximeter.replay(vec![frame.clone()]).await.unwrap();
        until(&oximeter, |seen| 0 < seen.serial_frames + seen.serial_frames_unheard).await;
    }
    assert_eq!(read(&mut port, 9).await, frame);
    assert_eq!(oximeter.counters().serial_frames_unheard, 1);
}
