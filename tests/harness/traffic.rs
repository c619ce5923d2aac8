//! Measurements without end: a cuff and a scale in use all the time, no measurement like another.
//!
//! The cuff stores what it measured until BlueZ has confirmed it, sends some of it again though it
//! was confirmed, as real cuffs do, and measures a crisis now and then. The scale writes to its line
//! whether or not the hub has what it wrote.

use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use firmware_sim::bluez::{Counters, Delivery};
use firmware_sim::device::blood_pressure::{self, BloodPressure, CuffStyle};
use firmware_sim::device::{Device, Link, Timing, and_scale};
use firmware_sim::simulator::{DeviceHandle, Simulator};
use rust_decimal::Decimal;
use tokio::sync::watch;

use crate::clock;
use crate::home::HomeDevice;
use crate::story::CLIENT;

/// Name of the cuff.
pub const CUFF: &str = "cuff";

/// Name of the scale.
pub const SCALE: &str = "scale";

/// Address of the cuff.
const ADDRESS: &str = "C0:FF:EE:00:00:01";

/// From one record of the cuff to the next.
const CUFF_PACE: Duration = Duration::from_millis(15);

/// From one line of the scale to the next.
const SCALE_PACE: Duration = Duration::from_millis(20);

/// Records that may wait in the cuff before it is used again.
const WAITING_MAX: u64 = 3;

/// Every so many measurements one is a crisis.
const CRISIS_EVERY: u16 = 15;

/// Every so many measurements the last ones are sent once more.
const REPLAY_EVERY: u16 = 15;

/// How many are sent once more.
const REPLAYED: usize = 5;

/// Every so many measurements the cuff is left alone until it hangs up.
const REST_EVERY: u16 = 25;

/// Lines that the scale is given at once.
const LINES: u32 = 8;

/// How long the hub may take to fetch what is in the cuff.
const DELIVERY_MAX: Duration = Duration::from_secs(90);

/// The devices of a home with traffic.
///
/// # Panics
///
/// Never: the address is written above.
#[must_use]
pub fn devices() -> [HomeDevice; 2] {
    let address = ADDRESS.parse().expect("the address above is one");
    let timing = Timing { gap: CUFF_PACE, ..Timing::brisk() };
    let cuff = Device::cuff(CUFF, address).bonded().timing(timing);
    let mut scale = Device::serial_replay(SCALE, SCALE);
    if let Link::Serial(port) = &mut scale.link {
        port.pace = SCALE_PACE;
    }
    [
        HomeDevice::bluetooth(cuff, "and-ua-651ble", ADDRESS, CLIENT),
        HomeDevice::serial(scale, "and-uc-321", SCALE, CLIENT),
    ]
}

/// What was measured, in that order. A hub that has committed the last of each has seen all.
#[derive(Debug, Default)]
pub struct Taken {
    /// What the cuff stored: the bytes of each measurement.
    pub cuff: Vec<Vec<u8>>,
    /// What left the cuff, in that order.
    pub delivered: Vec<Delivery>,
    /// Measurements that the cuff sent once more.
    pub n_replayed: usize,
    /// Lines of the scale without their ends, heard or not.
    pub scale: Vec<Vec<u8>>,
}

/// Devices in use.
#[derive(Debug)]
pub struct Traffic {
    stop: watch::Sender<bool>,
    thread: JoinHandle<anyhow::Result<Taken>>,
}

impl Traffic {
    /// Begins to measure.
    ///
    /// # Errors
    ///
    /// Fails where the home does not have [`devices`].
    pub fn begin(simulator: &Simulator) -> anyhow::Result<Self> {
        let (cuff, scale) = (simulator.device(CUFF)?, simulator.device(SCALE)?);
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .context("failed to start a runtime")?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let in_use = CuffInUse::default().run(&cuff, stopped.clone());
                let scale = ScaleInUse::default().run(&scale, stopped);
                let (CuffInUse { taken, n_replayed, .. }, scale) = tokio::try_join!(in_use, scale)?;
                let delivered = cuff.delivered();
                Ok(Taken { cuff: taken, delivered, n_replayed, scale: scale.taken })
            })
        });
        Ok(Self { stop, thread })
    }

    /// Ends when the hub has fetched what is in the cuff, which needs a running hub.
    ///
    /// # Errors
    ///
    /// Fails where the hub does not fetch it in time.
    pub fn end(self) -> anyhow::Result<Taken> {
        self.stop.send_replace(true);
        self.thread.join().map_err(|_panic| anyhow!("the traffic has panicked"))?
    }
}

/// Waits for a condition of the device, or for the end.
async fn until(
    device: &DeviceHandle,
    stopped: &mut watch::Receiver<bool>,
    condition: impl FnMut(&Counters) -> bool,
) -> anyhow::Result<()> {
    tokio::select! {
        reached = device.wait_until(condition) => drop(reached?),
        stop = stopped.wait_for(|it| *it) => drop(stop?),
    }
    Ok(())
}

/// Waits until nothing is in the device. One that hung up with records, because a hub that was killed
/// had the link and no other hub subscribed on it, sleeps until somebody wakes it.
async fn empty(device: &DeviceHandle) -> anyhow::Result<()> {
    loop {
        let is_asleep = |it: &Counters| !it.advertising && !it.connected;
        let seen = device.wait_until(|it| it.records_pending == 0 || is_asleep(it)).await?;
        if seen.records_pending == 0 {
            return Ok(());
        }
        device.wake().await?;
    }
}

/// The cuff in use.
#[derive(Debug, Default)]
struct CuffInUse {
    n: u16,
    taken: Vec<Vec<u8>>,
    n_replayed: usize,
}

impl CuffInUse {
    async fn run(
        mut self,
        device: &DeviceHandle,
        mut stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        while !*stopped.borrow() {
            self.measure(device).await?;
            let is_rest = self.n.is_multiple_of(REST_EVERY);
            let condition = |it: &Counters| {
                it.records_pending < WAITING_MAX
                    && !(is_rest && (it.connected || 0 < it.records_pending))
            };
            until(device, &mut stopped, condition).await?;
        }
        self.measure(device).await?;
        let emptied = tokio::time::timeout(DELIVERY_MAX, empty(device)).await;
        emptied.with_context(|| format!("the cuff is not emptied: {:?}", device.counters()))??;
        Ok(self)
    }

    async fn measure(&mut self, device: &DeviceHandle) -> anyhow::Result<()> {
        let clock = clock::local_time()?;
        let record = blood_pressure::encode(&pressure(self.n), CuffStyle::And, clock)?;
        self.taken.push(record.clone());
        device.replay(vec![record]).await?;
        if self.n.is_multiple_of(REPLAY_EVERY) {
            let oldest = self.taken.len().saturating_sub(REPLAYED);
            let again = self.taken.get(oldest..).unwrap_or_default().to_vec();
            self.n_replayed = self.n_replayed.saturating_add(again.len());
            device.replay(again).await?;
        }
        self.n = self.n.wrapping_add(1);
        Ok(())
    }
}

/// The `n`-th blood pressure; all are different, and every [`CRISIS_EVERY`]th is a crisis.
fn pressure(n: u16) -> BloodPressure {
    let is_crisis = n % CRISIS_EVERY == CRISIS_EVERY - 1;
    let systolic = n % 60 + if is_crisis { 180 } else { 100 };
    let diastolic = 50 + n / 60 % 40;
    BloodPressure::mmhg(systolic, diastolic, 50 + n / 2400)
}

/// The scale in use.
#[derive(Debug, Default)]
struct ScaleInUse {
    n: u32,
    taken: Vec<Vec<u8>>,
}

impl ScaleInUse {
    async fn run(
        mut self,
        device: &DeviceHandle,
        mut stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        while !*stopped.borrow() {
            until(device, &mut stopped, |it| it.connected).await?;
            self.weigh(device, LINES).await?;
            until(device, &mut stopped, |it| it.records_pending == 0).await?;
        }
        let heard = async {
            device.wait_until(|it| it.connected && it.records_pending == 0).await?;
            self.weigh(device, 1).await?;
            device.wait_until(|it| it.records_pending == 0).await?;
            anyhow::Ok(())
        };
        tokio::time::timeout(DELIVERY_MAX, heard).await.context("nobody reads the scale")??;
        Ok(self)
    }

    async fn weigh(&mut self, device: &DeviceHandle, n_lines: u32) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for _line in 0..n_lines {
            let line = and_scale::line("ST", weight(self.n), "kg")?.into_bytes();
            self.taken.push(line.trim_ascii_end().to_vec());
            lines.push(line);
            self.n = self.n.wrapping_add(1);
        }
        device.replay(lines).await?;
        Ok(())
    }
}

/// The `n`-th weight in kilograms; all of the first 100,003 are different, and none is near the one
/// before: a hub takes weights that are near for one weighing.
fn weight(n: u32) -> Decimal {
    let grams = 40_000 + u64::from(n) * 7_919 % 100_003;
    Decimal::from_i128_with_scale(i128::from(grams), 3)
}
