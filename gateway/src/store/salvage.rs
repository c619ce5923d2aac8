//! Saving what can be read of a damaged ledger into a new one, which goes on in a new epoch.
//!
//! What the agency holds is left behind, in the damaged file, which is kept. A checksum decides on
//! every record; what SQLite cannot read is walked around. Losing what the agency holds costs a
//! transfer, losing content identities can record a replay twice, and both are better than a record
//! that is lost.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row, Transaction};
use tracing::warn;
use vitals::wire::canonical;
use vitals::wire::v1::{self, Envelope};
use vitals::{AlertId, Epoch, Priority, Sequence, SequenceRanges};

use super::checksum::{column, fits, of_alert, of_epoch, of_record, of_span};
use super::incident::{self, News};
use super::ledger::span;
use super::query::{row_id, sequence};
use super::walk::{Found, walk};
use super::{Lane, LedgerKey, StoreError, failed, log, quarantine, schema};

/// What became of the records that the agency does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    saved: u64,
    /// Read, and not what was written.
    damaged: u64,
    /// Open alerts whose last transition is lost.
    alerts_lost: u64,
}

/// Salvages the file at `path` and puts the new ledger in its place.
pub(super) fn replace(path: &Path, damage: &str) -> Result<(), StoreError> {
    let kept = build(path, damage)?;
    quarantine::replace(path, &kept)
}

/// Makes the new ledger, and says the name that the damaged file will have.
pub(super) fn build(path: &Path, damage: &str) -> Result<PathBuf, StoreError> {
    let replacing = |source| StoreError::Replace { path: path.to_owned(), source };
    let (partial, kept) = (quarantine::partial(path), quarantine::kept_as(path));
    quarantine::remove(&partial).map_err(replacing)?;
    let mended = quarantine::mended(path);
    let source = open_mended(path, &mended).or_else(|| open_damaged(path));
    let mut target = Connection::open(&partial)
        .map_err(|source| StoreError::Open { path: partial.clone(), source })?;
    let epoch = schema::random_epoch()?;
    let name = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let make = |target: &mut Connection| -> rusqlite::Result<()> {
        target.pragma_update(None, "page_size", schema::PAGE_LEN_BYTES)?;
        schema::make(target, |into| {
            let mut salvage = Salvage::new(source.as_ref(), into);
            let tally = salvage.run(epoch)?;
            let text = salvage.text(tally, damage, &name);
            let rule = incident::LEDGER_DAMAGED;
            incident::note(into, &News { rule, priority: Priority::High, text })
        })
    };
    make(&mut target).map_err(failed("salvage the ledger"))?;
    drop((source, target));
    quarantine::remove(&mended).map_err(replacing)?;
    File::open(&partial).and_then(|it| it.sync_all()).map_err(replacing)?;
    Ok(kept)
}

/// Opens the damaged file by the name `mended` where its log is damaged, with one that SQLite reads
/// to its end, and writes nothing to it.
fn open_mended(path: &Path, mended: &Path) -> Option<Connection> {
    log::sound(path).err()?;
    let open = || -> Result<Connection, Box<dyn std::error::Error>> {
        quarantine::remove(mended)?;
        fs::hard_link(path, mended)?;
        fs::write(quarantine::beside(mended, "-wal"), log::mended(path).unwrap_or_default())?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let source = Connection::open_with_flags(mended, flags)?;
        source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(source)
    };
    open().inspect_err(|error| warn!(%error, "the damaged log cannot be mended")).ok()
}

/// Opens what is damaged, and writes nothing to it.
fn open_damaged(path: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags).ok()?;
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok()?;
    Some(source)
}

struct Salvage<'a> {
    source: Option<&'a Connection>,
    into: &'a Transaction<'a>,
    by_first: BTreeMap<Sequence, Epoch>,
    held: SequenceRanges,
    absent: SequenceRanges,
    saved: SequenceRanges,
    last_seq: Sequence,
    /// Whether every row of the records could be read.
    is_complete: bool,
    /// The latest transition of each alert that a record tells of.
    told: BTreeMap<LedgerKey, (v1::Alert, Vec<u8>)>,
}

impl<'a> Salvage<'a> {
    fn new(source: Option<&'a Connection>, into: &'a Transaction<'a>) -> Self {
        Self {
            source,
            into,
            by_first: BTreeMap::new(),
            held: SequenceRanges::new(),
            absent: SequenceRanges::new(),
            saved: SequenceRanges::new(),
            last_seq: 0,
            is_complete: false,
            told: BTreeMap::new(),
        }
    }

    fn run(&mut self, epoch: Epoch) -> rusqlite::Result<Tally> {
        let mut tally = Tally::default();
        if let Some(source) = self.source {
            let is_latest = matches!(schema::format(source), Ok(Some(_)));
            self.held = spans(source, "held", is_latest);
            self.absent = spans(source, "absent", is_latest);
            self.read_epochs(source, is_latest);
            self.is_complete = true;
            for lane in Lane::ALL {
                let unreadable =
                    walk(source, lane, |found| self.take_record(lane, found, &mut tally))?;
                self.is_complete &= unreadable == SequenceRanges::new();
            }
            tally.alerts_lost = self.save_open_alerts(source, is_latest)?;
            self.copy_memory(source)?;
        }
        let known = [self.held.max(), self.absent.max(), self.by_first.keys().last().copied()];
        let last = known.into_iter().flatten().fold(self.last_seq, Sequence::max);
        for (&first, &earlier) in &self.by_first {
            schema::note_epoch(self.into, first, earlier)?;
        }
        schema::note_epoch(self.into, last.saturating_add(1), epoch)?;
        self.note_spans(last)?;
        Ok(tally)
    }

    /// A record that the agency does not hold is saved as it is.
    fn take_record(&mut self, lane: Lane, found: Found, tally: &mut Tally) -> rusqlite::Result<()> {
        let Found { seq, payload, is_sound } = found;
        if !is_sound {
            tally.damaged = tally
                .damaged
                .saturating_add(u64::from(!self.held.contains(seq) && !self.absent.contains(seq)));
            return Ok(());
        }
        self.last_seq = self.last_seq.max(seq);
        self.learn_epoch(seq, &payload);
        if lane == Lane::Alert {
            self.learn_alert(&payload);
        }
        if self.held.contains(seq) || self.saved.contains(seq) {
            return Ok(());
        }
        let sql = match lane {
            Lane::Alert => "INSERT INTO alert (seq, payload, checksum) VALUES (?1, ?2, ?3)",
            Lane::Reading => "INSERT INTO reading (seq, payload, checksum) VALUES (?1, ?2, ?3)",
            Lane::Event => "INSERT INTO event (seq, payload, checksum) VALUES (?1, ?2, ?3)",
        };
        let checksum = of_record(seq, &payload);
        self.into.prepare_cached(sql)?.execute((row_id(seq), payload, checksum))?;
        self.saved.insert(seq..=seq);
        tally.saved = tally.saved.saturating_add(1);
        Ok(())
    }

    /// A message names its epoch and number: where its epoch begins follows from its place.
    fn learn_epoch(&mut self, seq: Sequence, payload: &[u8]) {
        let Ok(envelope) = canonical::decode::<Envelope>(payload) else { return };
        let first = seq.checked_sub(envelope.seq.saturating_sub(1));
        if let (Ok(epoch), Some(first)) = (envelope.epoch(), first) {
            self.by_first.insert(first, epoch);
        }
    }

    fn learn_alert(&mut self, payload: &[u8]) {
        let Ok(alert) = canonical::decode::<v1::Alert>(payload) else { return };
        let Ok(AlertId { epoch, seq }) = alert.alert_id.parse() else { return };
        let id = LedgerKey { epoch, number: seq };
        if self.told.get(&id).is_none_or(|(known, _payload)| known.rev < alert.rev) {
            self.told.insert(id, (alert, payload.to_vec()));
        }
    }

    fn read_epochs(&mut self, source: &Connection, is_latest: bool) {
        let sql = match is_latest {
            true => "SELECT first, epoch, checksum FROM epoch",
            false => "SELECT 1, epoch, 0 FROM identity",
        };
        let (found, _is_complete) = readable(source, sql, |row| {
            let (first, epoch) = (sequence(column(row, 0)), Epoch(column(row, 1)));
            Ok((first, epoch, fits(row, 2, of_epoch(first, epoch))))
        });
        let sound = found.into_iter().filter(|(_first, _epoch, is_sound)| *is_sound || !is_latest);
        self.by_first.extend(sound.map(|(first, epoch, _is_sound)| (first, epoch)));
    }

    /// Saves the open alerts by what the table says and, where it is damaged, by what the records
    /// say; in doubt an alert is open. Returns how many are known to be lost.
    fn save_open_alerts(&self, source: &Connection, is_latest: bool) -> rusqlite::Result<u64> {
        let (listed, is_complete) = match is_latest {
            true => {
                readable(source, "SELECT epoch, number, payload, checksum FROM open_alert", |row| {
                    Ok(open(row))
                })
            }
            false => match schema::open_alerts_of_version_1(source) {
                Ok(listed) => {
                    let epoch = self.by_first.get(&1).copied().unwrap_or(Epoch([0; 8]));
                    let key = |number| LedgerKey { epoch, number };
                    (listed.into_iter().map(|it| (key(it.number), it.payload)).collect(), true)
                }
                Err(_unreadable) => (Vec::new(), false),
            },
        };
        let mut open: BTreeMap<LedgerKey, Option<Vec<u8>>> = listed.into_iter().collect();
        for (id, (alert, payload)) in &self.told {
            let is_open = alert.standing != "done";
            match open.get_mut(id) {
                Some(known) if known.is_none() => *known = Some(payload.clone()),
                None if !is_complete && is_open => {
                    open.insert(*id, Some(payload.clone()));
                }
                Some(_) | None => {}
            }
        }
        let mut n_lost: u64 = 0;
        for (LedgerKey { epoch, number }, payload) in open {
            let Some(payload) = payload else {
                n_lost = n_lost.saturating_add(1);
                continue;
            };
            let sql = "INSERT OR REPLACE INTO open_alert (epoch, number, payload, checksum)
                       VALUES (?1, ?2, ?3, ?4)";
            let checksum = of_alert(epoch, number, &payload);
            self.into.execute(sql, (epoch.0, row_id(number), payload, checksum))?;
        }
        Ok(n_lost)
    }

    /// Content identities, commands, incidents that nobody was told of: as far as they can be read.
    fn copy_memory(&self, source: &Connection) -> rusqlite::Result<()> {
        for order in ["ASC", "DESC"] {
            let sql = format!("SELECT identity, seq FROM content ORDER BY identity {order}");
            let (contents, is_complete) = readable(source, &sql, |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
            });
            let sql = "INSERT OR IGNORE INTO content (identity, seq) VALUES (?1, ?2)";
            let mut statement = self.into.prepare_cached(sql)?;
            contents.into_iter().try_for_each(|it| statement.execute(it).map(drop))?;
            if is_complete {
                break;
            }
        }
        let (commands, _is_complete) =
            readable(source, "SELECT id, expires_at_s FROM command", |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            });
        for command in commands {
            let sql = "INSERT OR IGNORE INTO command (id, expires_at_s) VALUES (?1, ?2)";
            self.into.execute(sql, command)?;
        }
        let incidents = incident::all(source).unwrap_or_default();
        incidents.iter().try_for_each(|it| incident::note(self.into, &it.news))?;
        let (damaged, _is_complete) =
            readable(source, "SELECT seq FROM damaged", |row| row.get::<_, i64>(0));
        for seq in damaged {
            self.into.execute("INSERT OR IGNORE INTO damaged (seq) VALUES (?1)", [seq])?;
        }
        Ok(())
    }

    fn note_spans(&mut self, last: Sequence) -> rusqlite::Result<()> {
        let mut there = self.held.clone();
        self.saved.iter().for_each(|it| there.insert(it));
        self.absent.iter().for_each(|it| there.insert(it));
        let newly: Vec<_> = there.gaps(last).collect();
        newly.into_iter().for_each(|it| self.absent.insert(it));
        for it in self.held.iter() {
            let sql = "INSERT INTO held (first, last, checksum) VALUES (?1, ?2, ?3)";
            self.into.execute(sql, span(&it))?;
        }
        for it in self.absent.iter() {
            let sql = "INSERT INTO absent (first, last, checksum) VALUES (?1, ?2, ?3)";
            self.into.execute(sql, span(&it))?;
        }
        Ok(())
    }

    fn text(&self, tally: Tally, damage: &str, kept: &str) -> String {
        let Tally { saved, damaged, alerts_lost } = tally;
        warn!(saved, damaged, alerts_lost, "ledger salvaged");
        let completeness = match (self.is_complete, self.last_seq) {
            (true, 1..) => "every table could be read",
            (false, 1..) => "not every table could be read, and more may be lost",
            (_, 0) => "nothing could be read, and what it held is not known",
        };
        format!(
            "The ledger of the hub was damaged ({damage}): of the records that the agency does not \
             hold, {saved} were saved and {damaged} are damaged, {alerts_lost} open alerts are lost; \
             {completeness}. The damaged file is kept as {kept}."
        )
    }
}

fn open(row: &Row<'_>) -> (LedgerKey, Option<Vec<u8>>) {
    let (epoch, number) = (Epoch(column(row, 0)), sequence(column(row, 1)));
    let payload: Vec<u8> = column(row, 2);
    let is_sound = fits(row, 3, of_alert(epoch, number, &payload));
    (LedgerKey { epoch, number }, is_sound.then_some(payload))
}

/// The rows up to the first that cannot be read, and whether there is none.
fn readable<T>(
    source: &Connection,
    sql: &str,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> (Vec<T>, bool) {
    let mut found = Vec::new();
    let mut all = || -> rusqlite::Result<()> {
        let mut statement = source.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(())
    };
    let is_complete = all().is_ok();
    (found, is_complete)
}

/// The ranges of `table` that can be believed.
fn spans(source: &Connection, table: &str, is_latest: bool) -> SequenceRanges {
    let checksum = if is_latest { "checksum" } else { "0" };
    let sql = format!("SELECT first, last, {checksum} FROM {table}");
    let (found, _is_complete) = readable(source, &sql, |row| {
        let (first, last) = (sequence(column(row, 0)), sequence(column(row, 1)));
        Ok((first, last, fits(row, 2, of_span(first, last))))
    });
    let mut spans = SequenceRanges::new();
    let believed = found.into_iter().filter(|(_first, _last, is_sound)| *is_sound || !is_latest);
    believed.for_each(|(first, last, _is_sound)| spans.insert(first..=last));
    spans
}
