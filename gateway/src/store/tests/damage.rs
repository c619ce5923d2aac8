//! Damaged files: whatever happened to the bytes, no record is altered and no loss is silent.

use std::collections::BTreeMap;
use std::fs;

use vitals::LocalInstant;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::{canonical, v1};

use super::*;

const RECORDS: u64 = 240;
const HELD: u64 = 100;
const PAGE: usize = 1024;

/// An event that carries the key that it is stored under.
fn event(key: LedgerKey) -> Vec<u8> {
    let event = v1::Event {
        v: 1,
        epoch: Bytes(key.epoch.0.to_vec()),
        seq: key.number,
        hub: "hub-1".to_owned(),
        recorded_at: Time(LocalInstant::parse("2026-03-02T08:15:05Z").unwrap()),
        clock: None,
        kind: "link-lost".to_owned(),
        device: None,
        subject: None,
        text: format!("Number {} is as it was written.", key.number),
        source: None,
        raw: Some(Bytes(vec![0x55; usize::try_from(key.number % 300).unwrap()])),
        assignment: None,
        command_id: None,
    };
    canonical::encode(&event).unwrap()
}

/// Every record of a ledger by its key, in the file at `path`, with the first ones held.
fn written(path: &Path) -> BTreeMap<LedgerKey, Vec<u8>> {
    let mut store = Store::open(path).unwrap();
    let mut written = BTreeMap::new();
    let mut ledger = store.begin().unwrap();
    for n in 0..RECORDS {
        let lane = if n % 3 == 0 { Lane::Event } else { Lane::Reading };
        let (key, payload) = (ledger.next_key(), event(ledger.next_key()));
        ledger.remember_content(&n.to_be_bytes(), ledger.next_seq()).unwrap();
        ledger.append(lane, &payload).unwrap();
        written.insert(key, payload);
    }
    ledger.commit().unwrap();
    let mut held = SequenceRanges::new();
    held.insert(1..=HELD);
    store.note_held(&held).unwrap();
    let raised = LedgerKey { epoch: store.epoch(), number: 7 };
    let ledger = store.begin().unwrap();
    ledger.keep_open(raised, b"an alert").unwrap();
    ledger.commit().unwrap();
    written
}

/// What a ledger would send, by its key.
fn sendable(store: &Store) -> BTreeMap<LedgerKey, Vec<u8>> {
    let held = store.held().unwrap();
    let lanes = Lane::ALL.into_iter().flat_map(|it| store.pending(it, 0, &held, 9999).unwrap());
    lanes.map(|it| (store.key(it.seq), it.payload)).collect()
}

/// Damages the file, opens it, and holds what comes out against what was written; whether the
/// ledger was salvaged.
#[track_caller]
fn check(written: &BTreeMap<LedgerKey, Vec<u8>>, path: &Path) -> bool {
    let epoch = written.first_key_value().unwrap().0.epoch;
    let mut store = Store::open(path).unwrap();
    let sendable = sendable(&store);
    for (key, payload) in &sendable {
        assert_eq!(written.get(key), Some(payload), "altered, or never written");
    }
    let waiting = written.keys().filter(|it| HELD < it.number);
    let n_missing = waiting.filter(|it| !sendable.contains_key(it)).count();
    let incidents = store.incidents().unwrap();
    let is_told = !incidents.is_empty() || store.has_noticed_damage();
    assert!(n_missing == 0 || is_told, "{n_missing} lost in silence");
    let is_new = store.epoch() != epoch;
    assert!(!is_new || !incidents.is_empty(), "salvaged in silence");
    // The next number is nobody's, and the ledger works.
    let key = store.next_key();
    assert!(is_new || RECORDS < key.number, "{key:?}");
    let mut ledger = store.begin().unwrap();
    ledger.append(Lane::Reading, b"next").unwrap();
    ledger.commit().unwrap();
    drop(store);
    let again = Store::open(path).unwrap();
    assert_eq!(again.incidents().unwrap(), incidents, "nothing new at the next start");
    is_new
}

/// The file at `path` with `change`, opened and checked.
fn check_changed(change: impl FnOnce(&mut Vec<u8>)) -> bool {
    let (_directory, path) = temporary();
    let written = written(&path);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    check(&written, &path)
}

#[test]
fn flipped_bits_are_noticed_or_harmless() {
    let (_directory, path) = temporary();
    let written = written(&path);
    let sound = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut n_salvaged, mut n_altered) = (0, 0);
    for round in 0..150 {
        let home = path.with_file_name(format!("{round}"));
        fs::create_dir(&home).unwrap();
        let path = home.join("ledger.db");
        let mut bytes = sound.clone();
        bytes[random.usize(..sound.len())] ^= 1 << random.u8(..8);
        fs::write(&path, &bytes).unwrap();
        n_altered += usize::from(plain_sqlite_shows_something_else(&written, &path));
        n_salvaged += usize::from(check(&written, &path));
        fs::remove_dir_all(home).unwrap();
    }
    assert!(0 < n_salvaged, "{n_salvaged}");
    assert!(15 < n_altered, "the control must fail: {n_altered}");
}

/// The control: what a program would show that asks SQLite and believes it.
fn plain_sqlite_shows_something_else(written: &BTreeMap<LedgerKey, Vec<u8>>, path: &Path) -> bool {
    let copy = path.with_file_name("copy.db");
    fs::copy(path, &copy).unwrap();
    let file = Connection::open(&copy).unwrap();
    let payloads = || -> rusqlite::Result<Vec<Vec<u8>>> {
        let mut statement = file.prepare("SELECT payload FROM reading")?;
        statement.query_map((), |row| row.get(0))?.collect()
    };
    let known: BTreeSet<_> = written.values().collect();
    payloads().is_ok_and(|it| it.iter().any(|payload| !known.contains(payload)))
}

#[test]
fn garbage_in_any_page_costs_at_most_that_page() {
    let (_directory, path) = temporary();
    let written = written(&path);
    let sound = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    for page in (1..sound.len() / PAGE).step_by(3) {
        let home = path.with_file_name(format!("{page}"));
        fs::create_dir(&home).unwrap();
        let path = home.join("ledger.db");
        let mut bytes = sound.clone();
        bytes[page * PAGE..(page + 1) * PAGE].iter_mut().for_each(|it| *it = random.u8(..));
        fs::write(&path, &bytes).unwrap();
        check(&written, &path);
        fs::remove_dir_all(home).unwrap();
    }
}

#[test]
fn rows_behind_a_lost_page_are_saved() {
    let (_directory, path) = temporary();
    let written = written(&path);
    let mut bytes = fs::read(&path).unwrap();
    // Leaf pages of tables in the middle of the file.
    let leaves: Vec<_> = (bytes.len() / PAGE / 3..bytes.len() / PAGE)
        .filter(|page| bytes[page * PAGE] == 0x0d)
        .collect();
    for page in leaves.iter().step_by(9).take(3) {
        bytes[page * PAGE..(page + 1) * PAGE].fill(0xa5);
    }
    fs::write(&path, bytes).unwrap();
    assert!(check(&written, &path));
    let n_saved = sendable(&Store::open(&path).unwrap()).len();
    assert!(RECORDS - HELD - 40 < u64::try_from(n_saved).unwrap(), "{n_saved}");
}

#[test]
fn a_cut_file_is_salvaged() {
    for tenths in [1, 5, 9] {
        assert!(check_changed(|it| it.truncate(it.len() / PAGE * tenths / 10 * PAGE)));
    }
    check_changed(|it| it.truncate(it.len() - 100));
}

#[test]
fn an_empty_file_is_told_and_not_taken_for_a_new_home() {
    assert!(check_changed(Vec::clear));
}

#[test]
fn a_file_that_is_no_database_is_kept_and_told() {
    let text = "not a database, but long enough to be mistaken for one".repeat(40);
    let (_directory, path) = temporary();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for n in 1..3 {
        fs::write(&path, &text).unwrap();
        let store = Store::open(&path).unwrap();
        let [incident] = store.incidents().unwrap().try_into().unwrap();
        assert_eq!(incident.news.rule, LEDGER_DAMAGED);
        let name = format!("ledger.db.damaged-{n}");
        assert!(incident.news.text.contains(&name), "{}", incident.news.text);
        assert_eq!(fs::read_to_string(path.with_file_name(name)).unwrap(), text);
    }
}

#[test]
fn a_wrong_head_does_not_hide_what_stands_behind_it() {
    // The version and the mark of the program in the head of the file.
    assert!(check_changed(|it| it[63] ^= 0x10));
    assert!(check_changed(|it| it[68] ^= 0x01));
}

#[test]
fn a_log_without_its_database_is_kept_and_told() {
    let (_directory, path) = temporary();
    drop(Store::open(&path).unwrap());
    fs::remove_file(&path).unwrap();
    fs::write(path.with_file_name("ledger.db-wal"), b"committed records").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.incidents().unwrap().len(), 1);
    let kept = path.with_file_name("ledger.db.damaged-1-wal");
    assert_eq!(fs::read(kept).unwrap(), b"committed records");
}

#[test]
fn what_the_log_holds_is_salvaged_too() {
    let (_directory, path) = temporary();
    let written = written(&path);
    let mut store = Store::open(&path).unwrap();
    let key = store.next_key();
    append(&mut store, Lane::Reading, &event(key));
    // The daemon is killed: nobody copies the log into the database.
    let home = path.with_file_name("killed");
    fs::create_dir(&home).unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(path.with_file_name(name), home.join(name)).unwrap();
    }
    let killed = home.join("ledger.db");
    let mut bytes = fs::read(&killed).unwrap();
    let leaf = (9..).find(|page| bytes[page * PAGE] == 0x0d).unwrap();
    bytes[leaf * PAGE..(leaf + 1) * PAGE].fill(0xa5);
    fs::write(&killed, bytes).unwrap();
    let salvaged = Store::open(&killed).unwrap();
    assert_ne!(salvaged.epoch(), written.first_key_value().unwrap().0.epoch);
    assert_eq!(sendable(&salvaged).get(&key), Some(&event(key)));
}

#[test]
fn a_crash_at_any_step_of_a_salvage_loses_nothing() {
    for n_steps in 0..6 {
        let (_directory, path) = temporary();
        let written = written(&path);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() / PAGE - 1;
        bytes[last * PAGE..].fill(0xa5);
        fs::write(&path, &bytes).unwrap();
        fs::write(path.with_file_name("ledger.db-wal"), b"").unwrap();
        salvage::build(&path, "a test").unwrap();
        quarantine::crash_after(n_steps, &path);
        assert!(check(&written, &path), "after {n_steps} steps");
        let store = Store::open(&path).unwrap();
        assert!(RECORDS - HELD - 20 < u64::try_from(sendable(&store).len()).unwrap());
        assert_eq!(store.open_alerts().unwrap().len(), 1);
        assert!(store.begin_and_know(&3_u64.to_be_bytes()));
        assert_eq!(fs::read(path.with_file_name("ledger.db.damaged-1")).unwrap(), bytes);
        assert!(!path.with_file_name("ledger.db.damaged-2").exists());
        let left: Vec<_> = fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter(|it| it.contains("partial") || it.contains("salvaged"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Store {
    fn begin_and_know(mut self, identity: &[u8]) -> bool {
        self.begin().unwrap().knows_content(identity).unwrap()
    }
}
