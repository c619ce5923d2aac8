//! A hub whose ledger is full of what a home says: readings, alerts, answers, events, receipts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use gateway::clock::{BootId, Stamp};
use gateway::config::Config;
use gateway::hub::{Event, Hub, HubSettings};
use gateway::link::{Frame, LinkEvent, Source};
use gateway::store::{Lane, Store};
use vitals::wire::canonical;
use vitals::wire::primitive::Time;
use vitals::wire::sealed::{self, Purpose};
use vitals::wire::v1::{Alert, Command, Instruction, Reading, Receipt};
use vitals::{Epoch, LocalInstant, SequenceRanges};

/// Blood Pressure Measurement, as Bluetooth cuffs name it.
const BLOOD_PRESSURE: &str = "00002a35-0000-1000-8000-00805f9b34fb";

/// One of so many readings raises an alert, and one later clears it.
const READINGS_OF_AN_EPISODE: u16 = 8;

/// How long what happens in the home takes, in seconds.
const STEP_S: u64 = 60;

const HUB: &str = "hub-1";

const PLAN: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "systolic-crisis"
vital = "systolic-pressure"
priority = "high"
at_or_above = "180 mmHg"
clear_at_or_below = "175 mmHg"

[[threshold]]
id = "diastolic-crisis"
vital = "diastolic-pressure"
priority = "medium"
at_or_above = "120 mmHg"
clear_at_or_below = "115 mmHg"
"#;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn config() -> String {
    let public_key = hex::encode(key().verifying_key().as_bytes());
    format!(
        "[hub]\nid = \"{HUB}\"\ntime_zone = \"Etc/UTC\"\ndata_directory = \"data\"\n\
         [agency]\nid = \"agency-1\"\nkeys = [\"{public_key}\"]\n\
         [broker]\nhost = \"127.0.0.1\"\n[plan]\nfiles = [\"plan.toml\"]\n\
         [[device]]\nid = \"cuff\"\nmodel = \"and-ua-651ble\"\naddress = \"C0:FF:EE:00:00:01\"\n\
         subject = \"client-1\"\n"
    )
}

/// The moment `seconds` after the home began.
pub(crate) fn stamp(seconds: u64) -> anyhow::Result<Stamp> {
    let start: jiff::Timestamp = "2026-03-01T00:00:00Z".parse()?;
    let since_boot = Duration::from_secs(seconds);
    Ok(Stamp { wall: start + since_boot, boot: BootId([1; 16]), since_boot })
}

/// A home that measures.
pub(crate) struct Home {
    settings: HubSettings,
    path: PathBuf,
    hub: Hub,
    epoch: Epoch,
    n_steps: u64,
}

impl Home {
    /// Moves in at `directory`.
    pub(crate) fn new(directory: &Path) -> anyhow::Result<Self> {
        fs::write(directory.join("gateway.toml"), config())?;
        fs::write(directory.join("plan.toml"), PLAN)?;
        let config = Config::load(&directory.join("gateway.toml"))?;
        let (settings, path) = (config.hub_settings(), config.ledger_path());
        let store = Store::open(&path)?;
        let epoch = store.epoch();
        let hub = Hub::new(settings.clone(), store, stamp(0)?)?;
        Ok(Self { settings, path, hub, epoch, n_steps: 0 })
    }

    pub(crate) fn settings(&self) -> &HubSettings {
        &self.settings
    }

    /// The ledger's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the hub, which copies the log into the ledger, and starts it again.
    pub(crate) fn restart(self) -> anyhow::Result<Self> {
        let Self { settings, path, hub, epoch, n_steps } = self;
        drop(hub);
        let now = stamp(n_steps * STEP_S)?;
        let hub = Hub::new(settings.clone(), Store::open(&path)?, now)?;
        Ok(Self { settings, path, hub, epoch, n_steps })
    }

    fn step(&mut self, event: Event) -> anyhow::Result<()> {
        self.n_steps += 1;
        Ok(self.hub.step(stamp(self.n_steps * STEP_S)?, event)?)
    }

    /// Measures `n` times; nurses answer, and the agency says what it holds.
    pub(crate) fn live(&mut self, n: u16) -> anyhow::Result<()> {
        self.step(Event::Started)?;
        for nth in 0..n {
            self.measure(nth)?;
            if nth % READINGS_OF_AN_EPISODE == 3 {
                self.acknowledge()?;
            }
            if nth % 10 == 5 {
                self.receive()?;
            }
        }
        // Both alerts are open in the end.
        self.indicate(190, 130)
    }

    fn measure(&mut self, nth: u16) -> anyhow::Result<()> {
        match nth % READINGS_OF_AN_EPISODE {
            2 => self.indicate(184, 80),
            5 => self.indicate(120, 125),
            _between => self.indicate(100 + nth % 60, 60 + nth % 30),
        }
    }

    /// The cuff says what it measured, with the time of the step that follows.
    fn indicate(&mut self, systolic: u16, diastolic: u16) -> anyhow::Result<()> {
        let received = stamp((self.n_steps + 1) * STEP_S)?;
        let time = received.wall.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let mut bytes = vec![0x16];
        for number in [systolic, diastolic, u16::midpoint(systolic, diastolic)] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(time.year().to_le_bytes());
        for part in [time.month(), time.day(), time.hour(), time.minute(), time.second()] {
            bytes.push(part.try_into()?);
        }
        bytes.extend([64, 0, 0, 0]);
        let source = Source::Characteristic(BLOOD_PRESSURE.parse()?);
        let frame = Frame { device: "cuff".parse()?, source, bytes, received };
        self.step(Event::Link(LinkEvent::Frame(frame)))
    }

    fn acknowledge(&mut self) -> anyhow::Result<()> {
        let alerts = self.hub.pending(Lane::Alert, 0, &SequenceRanges::new(), usize::MAX)?;
        let last = alerts.last().context("an alert was raised")?;
        let alert: Alert = canonical::decode(&last.payload)?;
        let instruction = Instruction::Acknowledge {
            alert: alert.alert_id.parse()?,
            by: "Nurse N.".to_owned(),
            note: None,
            until: None,
        };
        let at = |seconds| Ok::<_, anyhow::Error>(Time(LocalInstant::utc(stamp(seconds)?.wall)));
        let now_s = self.n_steps * STEP_S;
        let id = format!("command {}", self.n_steps);
        let hub = HUB.parse()?;
        let command = Command::new(&hub, id, at(now_s)?, at(now_s + 3_600)?, instruction);
        let envelope = sealed::seal(&canonical::encode(&command)?, Purpose::Command, &key())?;
        self.step(Event::Command(envelope))
    }

    /// The agency holds a third of it, and ever more, with gaps that stay.
    fn receive(&mut self) -> anyhow::Result<()> {
        let last_seq = self.hub.ledger().last_seq;
        let mut held = SequenceRanges::new();
        held.insert(1..=last_seq / 3);
        for missing in (7..=last_seq / 3).step_by(13) {
            held.remove(missing..=missing + 1);
        }
        let issued_at = Time(LocalInstant::utc(stamp(self.n_steps * STEP_S)?.wall));
        let receipt = Receipt::new(&HUB.parse()?, self.epoch, &held, issued_at);
        self.step(Event::Receipt(canonical::encode(&receipt)?))
    }
}

/// What a reading says, without the key that it travels under.
pub(crate) fn said(payload: &[u8]) -> Option<String> {
    let reading: Reading = canonical::decode(payload).ok()?;
    Some(format!("{} {} {:?}", reading.measured_at.0, hex::encode(&reading.raw.0), reading.values))
}
