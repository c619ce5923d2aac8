//! The agency: a real station over real files, its desk, its way to the broker, and its nurses.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use station::core::{Event, Station};
use station::inbound::Delivery;
use station::order::Wish;
use station::store::Store;
use vitals::AlertId;

use crate::beside::BesideStation;
use crate::disk::Failure;
use crate::setting;

/// What waits for the desk.
#[derive(Debug)]
pub(crate) enum Signal {
    Subscribed,
    Lost,
    Delivered(Delivery),
    Asked { command: String, wish: Wish },
    Elapsed,
}

/// The station's connection to the broker.
#[derive(Debug)]
pub(crate) struct StationConnection {
    pub(crate) id: u32,
    pub(crate) last_up: Duration,
    pub(crate) last_down: Duration,
}

/// What a nurse asked for, or the station by itself, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) home: usize,
    /// Nothing where the station asked by itself.
    pub(crate) alert: Option<AlertId>,
    pub(crate) by: String,
    pub(crate) asked_at: Duration,
    /// How often it reached the hub.
    pub(crate) n_delivered: u32,
    /// How often the hub wrote something down because of it.
    pub(crate) n_effects: u32,
    /// The station lost it with its database.
    pub(crate) is_lost: bool,
}

/// The agency.
#[derive(Debug)]
pub(crate) struct Agency {
    directory: PathBuf,
    n_homes: usize,
    pub(crate) station: Option<Station>,
    pub(crate) beside: Option<BesideStation>,
    pub(crate) inbox: VecDeque<Signal>,
    /// What the database did not take, and is tried again.
    pub(crate) retry: Option<Event>,
    pub(crate) life: u32,
    pub(crate) is_desk_called: bool,
    pub(crate) due_at: Option<Duration>,
    pub(crate) connection: Option<StationConnection>,
    pub(crate) n_connections: u32,
    pub(crate) cut_upto: u32,
    pub(crate) n_attempts: u32,
    pub(crate) orders: BTreeMap<String, Order>,
    /// When the copy of the database was made.
    pub(crate) saved_at: Option<Duration>,
    pub(crate) down_until: Duration,
    pub(crate) link_down_until: Duration,
    pub(crate) disk_fails_until: Duration,
    pub(crate) has_failing_disk: bool,
    /// How the disk failed last.
    pub(crate) failure: Option<Failure>,
    pub(crate) nurses_silent_until: Duration,
    /// When something was last in the way between the broker and the nurses.
    pub(crate) disturbed_at: Duration,
}

impl Agency {
    pub(crate) fn new(n_homes: usize, directory: &Path) -> anyhow::Result<Self> {
        let directory = directory.join("agency");
        fs::create_dir_all(directory.join("copy"))?;
        Ok(Self {
            directory,
            n_homes,
            station: None,
            beside: None,
            inbox: VecDeque::new(),
            retry: None,
            life: 0,
            is_desk_called: false,
            due_at: None,
            connection: None,
            n_connections: 0,
            cut_upto: 0,
            n_attempts: 0,
            orders: BTreeMap::new(),
            saved_at: None,
            down_until: Duration::ZERO,
            link_down_until: Duration::ZERO,
            disk_fails_until: Duration::ZERO,
            has_failing_disk: false,
            failure: None,
            nurses_silent_until: Duration::ZERO,
            disturbed_at: Duration::ZERO,
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("station.db")
    }

    pub(crate) fn begin_station(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let store = Store::open(&self.path()).context("the station's database does not open")?;
        self.station = Some(Station::open(now, setting::station(self.n_homes)?, store)?);
        self.beside = Some(BesideStation::open(&self.path())?);
        self.due_at = None;
        self.is_desk_called = false;
        Ok(())
    }

    /// The process is gone with everything that waited in it; its files are as they are.
    pub(crate) fn end_station(&mut self) -> Option<StationConnection> {
        self.station = None;
        self.beside = None;
        self.life += 1;
        self.inbox.clear();
        self.retry = None;
        self.connection.take()
    }

    /// Copies the database as it lies on the disk.
    pub(crate) fn save(&mut self, now: Duration) -> anyhow::Result<()> {
        copy(&self.directory, &self.directory.join("copy"))?;
        self.saved_at = Some(now);
        Ok(())
    }

    /// Puts the copy in the place of the database; without a copy the station begins empty.
    pub(crate) fn restore(&mut self) -> anyhow::Result<()> {
        for name in FILES {
            let path = self.directory.join(name);
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        copy(&self.directory.join("copy"), &self.directory)?;
        let saved_at = self.saved_at.unwrap_or_default();
        for order in self.orders.values_mut().filter(|it| saved_at <= it.asked_at) {
            order.is_lost = true;
        }
        Ok(())
    }
}

/// A database of SQLite and its log.
const FILES: [&str; 3] = ["station.db", "station.db-wal", "station.db-shm"];

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for name in FILES.iter().filter(|it| !it.ends_with("-shm")) {
        let (from, to) = (from.join(name), to.join(name));
        if to.exists() {
            fs::remove_file(&to)?;
        }
        if from.exists() {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
