//! What runs in the machine: checks what the cut left of the ledger, then writes until the next.
//!
//! Each commit writes one record, so that the whole ledger follows from its last number.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use gateway::store::{Lane, Record, Store};
use rusqlite::Connection;
use vitals::{Sequence, SequenceRanges};

use crate::Writer;

/// The ledger was checked: it is whole up to the number that follows.
pub(crate) const FOUND: &str = "found ";

/// The record with the number that follows was committed; the line ends with a full stop.
pub(crate) const COMMITTED: &str = "committed ";

/// The ledger is not as it has to be.
pub(crate) const WRONG: &str = "wrong: ";

/// The disk was taken away in order.
pub(crate) const UNMOUNTED: &str = "unmounted";

/// A record of each ten raises an alert, one goes on with it, and most of the alerts end.
const RAISED: u64 = 3;
const REPEATED: u64 = 5;
const ENDED: u64 = 8;

/// Every so many alerts one stays open.
const ALERTS_OF_AN_OPEN_ONE: u64 = 20;

pub(crate) fn run(
    folder: &Path,
    seed: u64,
    writer: Writer,
    check_only: bool,
) -> anyhow::Result<()> {
    let done = match writer {
        Writer::Hub => write_as_hub(folder, seed, check_only),
        Writer::Control => write_lazily(folder, seed, check_only),
    };
    done.or_else(|error| tell(&format!("{WRONG}{error:#}")))
}

fn tell(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

fn lane(seq: Sequence) -> Lane {
    match seq % 10 {
        RAISED | REPEATED | ENDED => Lane::Alert,
        9 => Lane::Event,
        _reading => Lane::Reading,
    }
}

fn message(seed: u64, seq: Sequence) -> Vec<u8> {
    let mut random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(seq));
    let mut noise = vec![0; random.usize(150..700)];
    random.fill(&mut noise);
    let mut message = format!("record {seq}: ").into_bytes();
    message.append(&mut noise);
    message
}

/// The alert that record `seq` is about.
fn alert(seq: Sequence) -> Sequence {
    seq - seq % 10 + RAISED
}

fn stays_open(alert: Sequence) -> bool {
    (alert / 10).is_multiple_of(ALERTS_OF_AN_OPEN_ONE)
}

/// Open alerts with their last transitions.
fn open_at(last_seq: Sequence) -> BTreeMap<Sequence, Sequence> {
    let mut open = BTreeMap::new();
    for seq in 1..=last_seq {
        match seq % 10 {
            RAISED | REPEATED => drop(open.insert(alert(seq), seq)),
            ENDED if !stays_open(alert(seq)) => drop(open.remove(&alert(seq))),
            _other => {}
        }
    }
    open
}

/// What the agency is said to hold: ever more of it.
fn held_at(last_seq: Sequence) -> SequenceRanges {
    let mut held = SequenceRanges::new();
    if 1 < last_seq {
        held.insert(1..=last_seq / 2);
    }
    held
}

fn write_as_hub(folder: &Path, seed: u64, check_only: bool) -> anyhow::Result<()> {
    let mut store = Store::open(&folder.join("ledger.db"))?;
    check(&store, seed)?;
    tell(&format!("{FOUND}{}", store.last_seq()))?;
    if check_only {
        return Ok(());
    }
    loop {
        let mut ledger = store.begin()?;
        let seq = ledger.next_seq();
        let message = message(seed, seq);
        ledger.append(lane(seq), &message)?;
        ledger.remember_content(&seq.to_be_bytes(), seq)?;
        match seq % 10 {
            RAISED | REPEATED => ledger.keep_open(ledger.key(alert(seq)), &message)?,
            ENDED if !stays_open(alert(seq)) => ledger.end_alert(ledger.key(alert(seq)))?,
            _other => {}
        }
        ledger.commit()?;
        tell(&format!("{COMMITTED}{seq}."))?;
        if seq.is_multiple_of(3) {
            store.note_held(&held_at(seq))?;
        }
    }
}

/// Everything that the ledger says is what was written to it.
fn check(store: &Store, seed: u64) -> anyhow::Result<()> {
    let last_seq = store.last_seq();
    let mut records = Vec::new();
    for lane in Lane::ALL {
        records.append(&mut store.pending(lane, 0, &SequenceRanges::new(), usize::MAX)?);
    }
    records.sort_by_key(|it| it.seq);
    let written =
        (1..=last_seq).map(|seq| Record { seq, lane: lane(seq), payload: message(seed, seq) });
    ensure!(records.into_iter().eq(written), "the records are not those that were written");
    let open = store.open_alerts()?;
    let expected = open_at(last_seq);
    let last = |(alert, last): (&Sequence, &Sequence)| (*alert, Some(message(seed, *last)));
    ensure!(
        open.iter().map(|it| (it.id.number, it.payload.clone())).eq(expected.iter().map(last)),
        "{} alerts are open, not {}",
        open.len(),
        expected.len()
    );
    let held = store.held()?;
    let upto = held.max().unwrap_or(0);
    let is_a_state = upto <= last_seq / 2 && held.gaps(upto).count() == 0;
    ensure!(is_a_state, "held is {held:?}, and the last number {last_seq}");
    Ok(())
}

/// The control: the same records, by SQLite that does not flush each commit.
fn write_lazily(folder: &Path, seed: u64, check_only: bool) -> anyhow::Result<()> {
    let connection = Connection::open(folder.join("control.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY, payload)")?;
    let last: Option<i64> =
        connection.query_row("SELECT max(seq) FROM record", (), |row| row.get(0))?;
    let last = last.unwrap_or(0);
    tell(&format!("{FOUND}{last}"))?;
    for seq in last + 1.. {
        if check_only {
            break;
        }
        let payload = message(seed, seq.try_into()?);
        let sql = "INSERT INTO record (seq, payload) VALUES (?1, ?2)";
        connection.execute(sql, (seq, payload)).context("the control cannot write")?;
        tell(&format!("{COMMITTED}{seq}."))?;
    }
    Ok(())
}
