//! One home: a real hub over real files, its clock, its devices, and its way to the broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use gateway::clock::{BootId, Stamp};
use gateway::hub::{Hub, HubSettings};
use gateway::store::Store;
use jiff::SignedDuration;
use rusqlite::Connection as Database;
use vitals::Epoch;

use crate::beside::BesideHub;
use crate::books::Archive;
use crate::connection::Connection;
use crate::cuff::Cuff;
use crate::setting;

/// A home.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) settings: HubSettings,
    directory: PathBuf,
    pub(crate) hub: Option<Hub>,
    pub(crate) beside: Option<BesideHub>,
    pub(crate) archive: Archive,
    pub(crate) cuff: Cuff,
    pub(crate) clock: HomeClock,
    pub(crate) connection: Option<Connection>,
    pub(crate) n_connections: u32,
    /// Packets of connections up to this one are lost on the way.
    pub(crate) cut_upto: u32,
    pub(crate) n_attempts: u32,
    /// Counts processes: what was meant for an earlier one is void.
    pub(crate) life: u32,
    /// Cards that the hub has had.
    pub(crate) n_cards: usize,
    pub(crate) due_at: Option<Duration>,
    /// Somebody will look whether everything has arrived.
    pub(crate) is_watched: bool,
    pub(crate) down_until: Duration,
    pub(crate) link_down_until: Duration,
    pub(crate) clock_wrong_until: Duration,
    pub(crate) disk_fails_until: Duration,
    /// The disk is in the state of failing.
    pub(crate) has_failing_disk: bool,
    /// When something was last in the way between the devices and the broker.
    pub(crate) disturbed_at: Duration,
}

/// The clock of a home's machine.
#[derive(Debug, Default)]
pub(crate) struct HomeClock {
    boot: u8,
    is_off: bool,
    booted_at: Duration,
    offset: SignedDuration,
}

impl HomeClock {
    pub(crate) fn stamp(&self, now: Duration) -> anyhow::Result<Stamp> {
        let wall = setting::true_time(now)?.checked_add(self.offset)?;
        Ok(Stamp { wall, boot: BootId([self.boot; 16]), since_boot: self.since_boot(now) })
    }

    pub(crate) fn since_boot(&self, now: Duration) -> Duration {
        now.saturating_sub(self.booted_at)
    }

    /// The moment of the world that is `since_boot`.
    pub(crate) fn moment(&self, since_boot: Duration) -> Duration {
        self.booted_at.saturating_add(since_boot)
    }

    /// The machine is off; it boots with the next start of the hub.
    pub(crate) fn shut_down(&mut self) {
        self.is_off = true;
    }

    fn start(&mut self, now: Duration) {
        if std::mem::take(&mut self.is_off) {
            self.boot = self.boot.wrapping_add(1);
            self.booted_at = now;
        }
    }

    pub(crate) fn step(&mut self, by: SignedDuration) {
        self.offset = self.offset.saturating_add(by);
    }

    /// A machine without a battery for its clock starts it somewhere.
    pub(crate) fn start_at(&mut self, offset: SignedDuration) {
        self.offset = offset;
    }

    pub(crate) fn is_right(&self) -> bool {
        self.offset.is_zero()
    }
}

impl Home {
    pub(crate) fn new(home: usize, directory: &Path) -> anyhow::Result<Self> {
        let directory = directory.join(format!("home-{home}"));
        fs::create_dir_all(&directory)?;
        Ok(Self {
            settings: setting::hub(home)?,
            directory,
            hub: None,
            beside: None,
            archive: Archive::default(),
            cuff: Cuff::default(),
            clock: HomeClock::default(),
            connection: None,
            n_connections: 0,
            cut_upto: 0,
            n_attempts: 0,
            life: 0,
            n_cards: 0,
            due_at: None,
            is_watched: false,
            down_until: Duration::ZERO,
            link_down_until: Duration::ZERO,
            clock_wrong_until: Duration::ZERO,
            disk_fails_until: Duration::ZERO,
            has_failing_disk: false,
            disturbed_at: Duration::ZERO,
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("ledger.db")
    }

    /// Puts in an empty card. Its epoch is drawn here, so that a seed tells one story.
    pub(crate) fn insert_card(&mut self, epoch: Epoch) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            fs::remove_file(entry?.path())?;
        }
        drop(Store::open(&self.path())?);
        let database = Database::open(self.path())?;
        let first: u64 = 1;
        let checksum = crc32fast::hash(&[first.to_be_bytes(), epoch.0].concat());
        database.execute("UPDATE epoch SET epoch = ?1, checksum = ?2", (epoch.0, checksum))?;
        self.archive.begin(epoch);
        self.n_cards += 1;
        Ok(())
    }

    /// Opens the ledger and begins a hub over it.
    pub(crate) fn begin_hub(&mut self, now: Duration) -> anyhow::Result<()> {
        self.clock.start(now);
        let mut store = Store::open(&self.path()).context("the ledger cannot be opened")?;
        store.keep_within(setting::upkeep())?;
        let books = self.archive.current()?;
        let (found, committed) = (store.last_seq(), books.last_seq());
        anyhow::ensure!(found == committed, "the ledger ends at {found}, not at {committed}");
        let hub = Hub::new(self.settings.clone(), store, self.clock.stamp(now)?)?;
        self.hub = Some(hub);
        self.beside = Some(BesideHub::open(&self.path())?);
        self.due_at = None;
        Ok(())
    }

    /// The process is gone; its files are as they are.
    pub(crate) fn end_hub(&mut self) -> Option<Connection> {
        // The reader goes last: a reader copies no log back.
        self.hub = None;
        self.beside = None;
        self.life += 1;
        self.connection.take()
    }

    pub(crate) fn hub(&mut self) -> anyhow::Result<&mut Hub> {
        self.hub.as_mut().context("the hub does not run")
    }
}
