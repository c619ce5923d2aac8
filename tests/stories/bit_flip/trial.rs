//! One damaged copy of a ledger, opened by the hub, and what the hub makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::Context as _;
use gateway::hub::{Event, Hub, HubSettings};
use gateway::store::{ALERT_LOST, LEDGER_DAMAGED, Lane, Record, Store};
use rusqlite::Connection;
use tempfile::TempDir;
use vitals::wire::canonical;
use vitals::wire::primitive::Time;
use vitals::wire::v1::{self, Alert, EventKind, Health, OpenAlert, Receipt};
use vitals::{Epoch, LocalInstant, Sequence, SequenceRanges};

use crate::home::{Home, said, stamp};

/// Readings before the log is copied into the ledger, and those that stay in the log.
const READINGS: (u16, u16) = (150, 60);

/// When the hub starts that meets the damage: after all that happened.
const LATER_S: u64 = 1_000_000;

/// The files of a ledger.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Vec<u8>,
}

/// A sound ledger and what it says.
pub(crate) struct Original {
    settings: HubSettings,
    files: Files,
    epoch: Epoch,
    records: BTreeMap<Sequence, Record>,
    held: SequenceRanges,
    open: Vec<OpenAlert>,
    said: BTreeSet<String>,
    small_tables: Vec<usize>,
}

/// What a damage led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// Nothing differs.
    Harmless,
    /// The hub does not start, or stops when it reads; the file stays.
    Stopped,
    /// Single records are missing, each a gap that the agency sees.
    Gaps,
    /// The hub believes that the agency holds less: it sends again.
    SentAgain,
    /// What could be read went into a new ledger.
    Salvaged,
    /// What the last commit wrote is gone, as after a power cut; the next receipt shows it.
    LastCommit,
    /// The log is shorter, and the next receipt shows it: the hub goes on in a new epoch.
    Caught,
    /// Records at the end are gone without a word, and their numbers are given again.
    Shortened,
    /// A number is far too high: all between is a gap.
    Jumped,
    /// A record is taken for one of another kind, as which it cannot be read.
    OtherLane,
    /// An open alert is not open any more, or another one is.
    AlertChanged,
    /// The hub believes that the agency holds what it does not hold: it is never sent.
    BelievedHeld,
    /// The epoch is another one, and nothing was salvaged.
    EpochChanged,
    /// A record is shown or sent that nobody wrote.
    Altered,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Harmless => "harmless",
            Self::Stopped => "hub stopped",
            Self::Gaps => "gaps",
            Self::SentAgain => "sent again",
            Self::Salvaged => "salvaged",
            Self::LastCommit => "last commit gone, noticed by the next receipt",
            Self::Caught => "cut off, noticed by the next receipt",
            Self::Shortened => "shortened without a word",
            Self::Jumped => "numbers jumped",
            Self::OtherLane => "in another lane",
            Self::AlertChanged => "open alerts changed",
            Self::BelievedHeld => "believed to be held",
            Self::EpochChanged => "epoch changed",
            Self::Altered => "altered",
        })
    }
}

/// How many readings that the agency does not hold a salvage saved, of how many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Saved {
    pub(crate) n: usize,
    pub(crate) of: usize,
}

fn everything(hub: &Hub) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for lane in Lane::ALL {
        records.append(&mut hub.pending(lane, 0, &SequenceRanges::new(), usize::MAX)?);
    }
    Ok(records)
}

impl Files {
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, &self.database)?;
        if !self.log.is_empty() {
            fs::write(log_path(path), &self.log)?;
        }
        Ok(())
    }
}

fn log_path(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

impl Original {
    /// Two ledgers: one whose log is copied into it, and one whose last third is in the log.
    pub(crate) fn make() -> anyhow::Result<[Self; 2]> {
        let directory = tempfile::tempdir()?;
        let mut home = Home::new(directory.path())?;
        home.live(READINGS.0)?;
        let path = home.path().to_owned();
        let mut home = home.restart()?;
        let closed = Files { database: fs::read(&path)?, log: Vec::new() };
        let closed = Self::of(closed, home.settings())?;
        home.live(READINGS.1)?;
        let files = Files { database: fs::read(&path)?, log: fs::read(log_path(&path))? };
        Ok([closed, Self::of(files, home.settings())?])
    }

    fn of(files: Files, settings: &HubSettings) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("ledger.db");
        files.write(&path)?;
        let small_tables = small_tables(&path)?;
        let store = Store::open(&path)?;
        let (epoch, held) = (store.epoch(), store.held()?);
        let hub = Hub::new(settings.clone(), store, stamp(LATER_S)?)?;
        let open = open_alerts(&hub)?;
        let records = everything(&hub)?;
        let said = records.iter().filter_map(|it| said(&it.payload)).collect();
        let records = records.into_iter().map(|it| (it.seq, it)).collect();
        Ok(Self {
            settings: settings.clone(),
            files,
            epoch,
            records,
            held,
            open,
            said,
            small_tables,
        })
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// Pages of the tables that are small, and that a random flip would hardly ever meet.
    pub(crate) fn small_tables(&self) -> &[usize] {
        &self.small_tables
    }

    /// Lets the hub start on damaged files; where a file `is_cut`, nothing in it says so.
    pub(crate) fn try_hub(&self, files: &Files, is_cut: bool) -> anyhow::Result<(Finding, Saved)> {
        let stopped = (Finding::Stopped, Saved::default());
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("ledger.db");
        files.write(&path)?;
        let Ok(store) = Store::open(&path) else { return Ok(stopped) };
        let epoch = store.epoch();
        let Ok(mut hub) = Hub::new(self.settings.clone(), store, stamp(LATER_S)?) else {
            return Ok(stopped);
        };
        let started = hub.step(stamp(LATER_S)?, Event::Started);
        let (Ok(found), Ok(())) = (everything(&hub), started) else { return Ok(stopped) };
        if epoch == self.epoch {
            let finding = self.compare(&found, &hub)?;
            let finding = match finding == Finding::Shortened && self.receipt_catches(&mut hub)? {
                true if self.has_all_but_last_commit(&found) => Finding::LastCommit,
                true if is_cut => Finding::Caught,
                _silent => finding,
            };
            return Ok((finding, Saved::default()));
        }
        if is_kept(&directory)? {
            return self.compare_anew(&found, &hub);
        }
        Ok((Finding::EpochChanged, Saved::default()))
    }

    /// The ledger goes on under its epoch: what is there is there under its number.
    fn compare(&self, found: &[Record], hub: &Hub) -> anyhow::Result<Finding> {
        let mut worst = Finding::Harmless;
        let last_seq = self.records.keys().last().copied().context("the ledger is not empty")?;
        let is_news = |it: &Record| last_seq < it.seq && said(&it.payload).is_none();
        let mut n_there = 0;
        for record in found.iter().filter(|it| !is_news(it)) {
            let finding = match self.records.get(&record.seq) {
                Some(written) if written == record => {
                    n_there += 1;
                    Finding::Harmless
                }
                // The hub's own start took the number of a record that is gone.
                Some(_lost) if is_start(record) => Finding::Shortened,
                Some(written) if written.payload == record.payload => Finding::OtherLane,
                Some(_) | None => Finding::Altered,
            };
            worst = worst.max(finding);
        }
        if n_there < self.records.len() {
            worst = worst.max(Finding::Gaps);
        }
        let start = found.iter().filter(|it| it.lane == Lane::Event).map(|it| it.seq).max();
        match start {
            Some(seq) if last_seq + 1_000 < seq => worst = worst.max(Finding::Jumped),
            // Then alerts and receipts, too, are as they once were.
            Some(seq) if seq <= last_seq => return Ok(worst.max(Finding::Shortened)),
            Some(_) | None => {}
        }
        if !self.has_alerts(hub)? && !is_told(found, |it| it.rule == ALERT_LOST) {
            worst = worst.max(Finding::AlertChanged);
        }
        let held = hub.ledger().held;
        if held != self.held {
            worst = worst.max(Finding::SentAgain);
        }
        if !self.held.covers(&held) {
            worst = worst.max(Finding::BelievedHeld);
        }
        Ok(worst)
    }

    /// Whether the hub notices that the agency holds more than its ledger has.
    fn receipt_catches(&self, hub: &mut Hub) -> anyhow::Result<bool> {
        let mut held = SequenceRanges::new();
        held.insert(1..=self.records.keys().last().copied().context("the ledger is not empty")?);
        let now = stamp(LATER_S + 1)?;
        let issued_at = Time(LocalInstant::utc(now.wall));
        let receipt = Receipt::new(&self.settings.id, self.epoch, &held, issued_at);
        hub.step(now, Event::Receipt(canonical::encode(&receipt)?))?;
        let health: Health = canonical::decode(&hub.health(now)?)?;
        Ok(health.epoch.0 != self.epoch.0)
    }

    /// Whether everything is there but what one commit wrote last: a reading and what followed.
    fn has_all_but_last_commit(&self, found: &[Record]) -> bool {
        let of_reading = |it: &&Record| it.lane == Lane::Reading;
        let last = self.records.values().filter(of_reading).map(|it| it.seq).max();
        let mut before = self.records.values().filter(|it| Some(it.seq) < last);
        before.all(|it| found.contains(it))
    }

    /// Whether every alert that was open is open, as it stood.
    fn has_alerts(&self, hub: &Hub) -> anyhow::Result<bool> {
        let open = open_alerts(hub)?;
        Ok(self.open.iter().all(|it| open.contains(it)))
    }

    /// The ledger was made anew: what is there says what was written, whatever its number.
    fn compare_anew(&self, found: &[Record], hub: &Hub) -> anyhow::Result<(Finding, Saved)> {
        let told = found;
        let found: BTreeSet<_> = found.iter().filter_map(|it| said(&it.payload)).collect();
        let waiting = self.records.values().filter(|it| !self.held.contains(it.seq));
        let waiting: BTreeSet<_> = waiting.filter_map(|it| said(&it.payload)).collect();
        let saved = Saved { n: waiting.intersection(&found).count(), of: waiting.len() };
        let is_loss_told = |it: &Alert| {
            it.rule == LEDGER_DAMAGED && !it.why.contains(" 0 open alerts are lost; every table")
        };
        let finding = match found.is_subset(&self.said) {
            false => Finding::Altered,
            true if !self.has_alerts(hub)? && !is_told(told, is_loss_told) => Finding::AlertChanged,
            true => Finding::Salvaged,
        };
        Ok((finding, saved))
    }

    /// Whether SQLite alone finds nothing wrong with damaged files that say something else.
    pub(crate) fn passes_sqlite(&self, files: &Files) -> anyhow::Result<bool> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("ledger.db");
        files.write(&path)?;
        let read = || -> rusqlite::Result<Option<BTreeMap<i64, Vec<u8>>>> {
            let connection = Connection::open(&path)?;
            let answer: String =
                connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
            let mut statement = connection.prepare(
                "SELECT seq, payload FROM reading UNION ALL SELECT seq, payload FROM alert
                 UNION ALL SELECT seq, payload FROM event",
            )?;
            let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows = rows.collect::<rusqlite::Result<_>>()?;
            Ok((answer == "ok").then_some(rows))
        };
        let mut written = BTreeMap::new();
        for (seq, record) in &self.records {
            written.insert(i64::try_from(*seq)?, record.payload.clone());
        }
        Ok(matches!(read(), Ok(Some(rows)) if rows != written))
    }
}

/// Root pages of all tables but those that grow with each reading.
fn small_tables(path: &Path) -> anyhow::Result<Vec<usize>> {
    let connection = Connection::open(path)?;
    let sql = "SELECT rootpage FROM sqlite_schema WHERE type = 'table'
               AND name NOT IN ('reading', 'alert', 'event', 'content')";
    let mut statement = connection.prepare(sql)?;
    let pages =
        statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(pages.into_iter().map(usize::try_from).collect::<Result<_, _>>()?)
}

/// The open alerts as the hub tells the agency of them.
fn open_alerts(hub: &Hub) -> anyhow::Result<Vec<OpenAlert>> {
    let health: Health = canonical::decode(&hub.health(stamp(LATER_S)?)?)?;
    health.alerts.context("too many alerts are open")
}

/// Whether one of the alerts that are recorded is such a one.
fn is_told(found: &[Record], is_such: impl Fn(&Alert) -> bool) -> bool {
    let alerts = found.iter().filter(|it| it.lane == Lane::Alert);
    alerts.filter_map(|it| canonical::decode(&it.payload).ok()).any(|it| is_such(&it))
}

/// Whether a damaged ledger was put aside.
fn is_kept(directory: &TempDir) -> anyhow::Result<bool> {
    for entry in fs::read_dir(directory.path())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.lock"].contains(&&*name) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_start(record: &Record) -> bool {
    let event: Result<v1::Event, _> = canonical::decode(&record.payload);
    record.lane == Lane::Event && event.is_ok_and(|it| it.kind == EventKind::HubStarted.as_str())
}
