//! What the home wrote down and what the agency holds of it, compared record by record.
//!
//! Both databases are read as they lie on the disk, past hub and station: what is compared here is
//! what a power cut would leave. The listings of both are compared, too: what people would see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use vitals::wire::canonical;
use vitals::wire::v1::{Envelope, Event, EventKind, Reading};

/// What a record is about: the last word of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// `up/reading`
    Reading,
    /// `up/alert`
    Alert,
    /// `up/event`
    Event,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading => "reading",
            Self::Alert => "alert",
            Self::Event => "event",
        })
    }
}

/// A record as it lies in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub lane: Lane,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Every record of one database, by the epoch and the number that the hub gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// The records.
    pub records: BTreeMap<Place, Record>,
    /// Of a hub: its records in the order in which they were committed.
    order: BTreeMap<u64, Place>,
}

/// Epoch of a hub's ledger, in bytes.
pub type Epoch = Vec<u8>;

/// Epoch and number of a record.
pub type Place = (Epoch, u64);

/// The tables of a hub's ledger that have records.
const LANES: [(Lane, &str); 3] =
    [(Lane::Reading, "reading"), (Lane::Alert, "alert"), (Lane::Event, "event")];

impl Books {
    /// Reads the ledger of a hub.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be read, or where SQLite finds it damaged.
    pub fn of_hub(path: &Path) -> anyhow::Result<Self> {
        let connection = open(path)?;
        let mut books = Self::default();
        for (lane, table) in LANES {
            // A record is of the last epoch that begins at or before its place.
            let sql = format!(
                "SELECT {table}.seq, epoch.epoch, {table}.seq - epoch.first + 1, payload FROM {table}
                 JOIN epoch ON epoch.first =
                     (SELECT max(first) FROM epoch WHERE first <= {table}.seq)"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let place: Place = (row.get(1)?, row.get::<_, i64>(2)?.try_into()?);
                books.order.insert(row.get::<_, i64>(0)?.try_into()?, place.clone());
                let twice = books.records.insert(place, Record { lane, payload: row.get(3)? });
                ensure!(twice.is_none(), "the ledger gave one number to two records");
            }
        }
        Ok(books)
    }

    /// Reads the ledger of a hub and each damaged one that it keeps beside it: what the agency held
    /// stays behind there when the rest is salvaged.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read or a kept one contradicts it.
    pub fn of_hub_ever(path: &Path) -> anyhow::Result<Self> {
        let mut books = Self::of_hub(path)?;
        for n in 1.. {
            let kept = beside(path, &format!(".damaged-{n}"));
            if !kept.exists() {
                break;
            }
            let before =
                Self::kept(&kept).with_context(|| format!("failed to read {}", kept.display()))?;
            let contradictions = books.add(before);
            ensure!(contradictions.is_empty(), "{}: {contradictions:?}", kept.display());
        }
        Ok(books)
    }

    /// Takes in what another database of the same hub has, and says where they contradict each other.
    pub fn add(&mut self, other: Self) -> Vec<String> {
        let mut found = Vec::new();
        for (place, record) in other.records {
            let known = self.records.entry(place).or_insert_with(|| record.clone());
            if *known != record {
                found.push(format!("{} is another one: {known:?}", record.lane));
            }
        }
        for (seq, place) in other.order {
            let known = self.order.entry(seq).or_insert_with(|| place.clone());
            if *known != place {
                found.push(format!("record {seq} is {place:?} and {known:?}"));
            }
        }
        found
    }

    /// What can be read of a damaged ledger, which names its place itself and stays untouched.
    fn kept(path: &Path) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let copy = directory.path().join("ledger.db");
        fs::copy(path, &copy)?;
        let log = beside(path, "-wal");
        if log.exists() {
            fs::copy(log, beside(&copy, "-wal"))?;
        }
        let connection = Connection::open(&copy)?;
        let mut books = Self::default();
        for (lane, table) in LANES {
            let Ok(mut statement) =
                connection.prepare(&format!("SELECT seq, payload FROM {table}"))
            else {
                continue;
            };
            let mut rows = statement.query(())?;
            while let Ok(Some(row)) = rows.next() {
                let (seq, payload): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let Ok(envelope) = canonical::decode::<Envelope>(&payload) else { continue };
                let place = (envelope.epoch.0, envelope.seq);
                books.order.insert(seq.try_into()?, place.clone());
                books.records.insert(place, Record { lane, payload });
            }
        }
        Ok(books)
    }

    /// Reads what a station holds of the hub `hub`.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be read, or where SQLite finds it damaged.
    pub fn of_station(path: &Path, hub: &str) -> anyhow::Result<Self> {
        let connection = open(path)?;
        let mut books = Self::default();
        let mut statement = connection.prepare(
            "SELECT ledger.epoch, record.seq, record.kind, record.payload
             FROM record JOIN ledger ON ledger.id = record.ledger_id
             JOIN hub ON hub.id = ledger.hub_id WHERE hub.name = ?1",
        )?;
        let mut rows = statement.query([hub])?;
        while let Some(row) = rows.next()? {
            let lane = match row.get(2)? {
                1_u8 => Lane::Reading,
                2 => Lane::Alert,
                _event => Lane::Event,
            };
            let place = (row.get(0)?, row.get::<_, i64>(1)?.try_into()?);
            let twice = books.records.insert(place, Record { lane, payload: row.get(3)? });
            ensure!(twice.is_none(), "the station holds two records in one place");
        }
        Ok(books)
    }

    /// How many records of a lane there are.
    #[must_use]
    pub fn count(&self, lane: Lane) -> usize {
        self.records.values().filter(|it| it.lane == lane).count()
    }

    /// The records of a hub's ledger in the order in which they were committed, which they are
    /// numbered by in all epochs together.
    fn in_order(&self, lane: Lane) -> impl Iterator<Item = (u64, &Record)> {
        let records = self.order.iter().filter_map(|(seq, it)| Some((*seq, self.records.get(it)?)));
        records.filter(move |(_seq, it)| it.lane == lane)
    }

    /// The readings of a hub's ledger, decoded, in their order.
    ///
    /// # Errors
    ///
    /// Fails where one cannot be decoded.
    pub fn readings(&self) -> anyhow::Result<BTreeMap<u64, Reading>> {
        self.in_order(Lane::Reading)
            .map(|(seq, it)| {
                let reading = canonical::decode(&it.payload);
                Ok((seq, reading.with_context(|| format!("reading {seq} cannot be read"))?))
            })
            .collect()
    }

    /// Where among its records the hub said that it starts.
    ///
    /// # Errors
    ///
    /// Fails where an event cannot be decoded.
    pub fn starts(&self) -> anyhow::Result<Vec<u64>> {
        self.said(EventKind::HubStarted)
    }

    /// Where among its records the hub has an event of that kind.
    ///
    /// # Errors
    ///
    /// Fails where an event cannot be decoded.
    pub fn said(&self, kind: EventKind) -> anyhow::Result<Vec<u64>> {
        let mut places = Vec::new();
        for (seq, it) in self.in_order(Lane::Event) {
            let event: Event = canonical::decode(&it.payload)
                .with_context(|| format!("event {seq} cannot be read"))?;
            if event.kind == kind.as_str() {
                places.push(seq);
            }
        }
        Ok(places)
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(path, flags)
        .with_context(|| format!("failed to open {}", path.display()))?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))
        .with_context(|| format!("failed to check {}", path.display()))?;
    ensure!(verdict == "ok", "{} is damaged: {verdict}", path.display());
    Ok(connection)
}

/// Everything in which the agency's books differ from what the hub committed; empty where they say
/// the same.
#[must_use]
pub fn differences(hub: &Books, station: &Books) -> Vec<String> {
    let mut found = Vec::new();
    let mut next: BTreeMap<&Epoch, u64> = BTreeMap::new();
    for (epoch, seq) in hub.records.keys() {
        let next = next.entry(epoch).or_insert(1);
        if *next < *seq {
            found.push(format!("the ledger has no records {next} to {}", seq.saturating_sub(1)));
        }
        *next = seq.saturating_add(1);
    }
    for (place @ (_epoch, seq), committed) in &hub.records {
        match station.records.get(place) {
            None => found.push(format!("{} {seq} was lost on the way", committed.lane)),
            Some(held) if held != committed => {
                found.push(format!("{} {seq} is not the same at the agency", committed.lane));
            }
            Some(_same) => {}
        }
    }
    for (place, held) in &station.records {
        if !hub.records.contains_key(place) {
            let (epoch, seq) = (hex::encode(&place.0), place.1);
            let lane = held.lane;
            found.push(format!("the agency holds {lane} {seq} of {epoch}, which no hub committed"));
        }
    }
    found
}

/// Readings that say of one device the same bytes: one measurement that is shown twice.
///
/// Meant for homes in which no measurement has the bytes of another.
#[must_use]
pub fn shown_twice(readings: &BTreeMap<u64, Reading>) -> Vec<String> {
    let mut first: BTreeMap<(&str, &[u8]), u64> = BTreeMap::new();
    let mut found = Vec::new();
    for (&seq, reading) in readings {
        let content = (reading.device.id.as_str(), reading.raw.0.as_slice());
        if let Some(first) = first.insert(content, seq) {
            found.push(format!("readings {first} and {seq} are one measurement"));
        }
    }
    found
}

/// Everything in which the station's list of readings differs from the hub's.
///
/// `at_home` is what `vitalgate readings --json` lists, `at_agency` what `/api/readings` answers.
#[must_use]
pub fn listed_differently(at_home: &[Value], at_agency: &[Value]) -> Vec<String> {
    let values = |reading: &Value| -> Vec<String> {
        let all = reading["values"].as_array().into_iter().flatten();
        all.map(|it| format!("{} {} {}", it["vital"], it["value"], it["unit"])).collect()
    };
    let face = |reading: &Value, device: &Value| {
        let keys = ["subject", "kind", "measured_at", "received_at", "time_quality"];
        let said: Vec<_> = keys.iter().map(|it| reading[it].to_string()).collect();
        (reading["id"].to_string(), (device.to_string(), said, values(reading)))
    };
    let at_home: Vec<_> = at_home.iter().map(|it| face(it, &it["device"])).collect();
    let at_agency: Vec<_> = at_agency.iter().map(|it| face(it, &it["device"]["id"])).collect();
    let mut found = Vec::new();
    for (whose, list) in [("the hub", &at_home), ("the station", &at_agency)] {
        let ids: BTreeSet<_> = list.iter().map(|(id, _face)| id).collect();
        if ids.len() < list.len() {
            found.push(format!("{whose} lists {} readings twice", list.len() - ids.len()));
        }
    }
    let (home, agency) = (BTreeMap::from_iter(at_home), BTreeMap::from_iter(at_agency));
    for (id, face) in &home {
        match agency.get(id) {
            None => found.push(format!("reading {id} is not listed at the agency")),
            Some(other) if other != face => found.push(format!("reading {id} is listed otherwise")),
            Some(_same) => {}
        }
    }
    for id in agency.keys().filter(|it| !home.contains_key(*it)) {
        found.push(format!("reading {id} is listed at the agency alone"));
    }
    found
}

/// Everything in which the alerts of the station stand otherwise than those of the hub.
///
/// `at_home` is what `vitalgate alerts --json` lists, `at_agency` what `/api/alerts?state=all`
/// answers: the open ones, and of those that are over only the latest.
#[must_use]
pub fn stand_differently(at_home: &[Value], at_agency: &[Value]) -> Vec<String> {
    let stand = |alert: &Value| {
        let keys = ["rev", "state", "standing", "priority", "rule", "count", "by"];
        keys.map(|it| alert[it].to_string())
    };
    let by = |key: &'static str| move |it: &Value| (it[key].to_string(), stand(it));
    let home: BTreeMap<_, _> = at_home.iter().map(by("alert_id")).collect();
    let agency: BTreeMap<_, _> = at_agency.iter().map(by("alert")).collect();
    let mut found = Vec::new();
    for alert in at_home.iter().filter(|it| it["standing"] != "done") {
        let id = alert["alert_id"].to_string();
        if !agency.contains_key(&id) {
            found.push(format!("alert {id} is open at home and not known at the agency"));
        }
    }
    for (id, stand) in &agency {
        if home.get(id) != Some(stand) {
            found.push(format!("alert {id} stands otherwise at the agency: {stand:?}"));
        }
    }
    found
}
