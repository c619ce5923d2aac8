mod damage;
mod log;
mod migration;

use vitals::Priority;

use super::*;

fn temporary() -> (tempfile::TempDir, PathBuf) {
    // In memory, where there is such a folder: no test here depends on a flush.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(folder).unwrap();
    let path = directory.path().join("home").join("ledger.db");
    (directory, path)
}

fn append(store: &mut Store, lane: Lane, payload: &[u8]) -> Sequence {
    let mut ledger = store.begin().unwrap();
    let seq = ledger.append(lane, payload).unwrap();
    ledger.commit().unwrap();
    seq
}

fn seqs(records: &[Record]) -> Vec<Sequence> {
    records.iter().map(|it| it.seq).collect()
}

#[test]
fn a_new_ledger_has_an_epoch_and_no_records() {
    let (_directory, path) = temporary();
    let store = Store::open(&path).unwrap();
    let epoch = store.epoch();
    assert_eq!(store.last_seq(), 0);
    drop(store);
    assert_eq!(Store::open(&path).unwrap().epoch(), epoch);
}

#[test]
fn every_commit_is_flushed_in_full() {
    let (_directory, path) = temporary();
    let store = Store::open(&path).unwrap();
    let journal: String =
        store.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!((journal.as_str(), store.pragma("synchronous").unwrap()), ("wal", 2));
}

#[test]
fn lanes_share_one_gap_free_sequence() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(append(&mut store, Lane::Reading, b"a"), 1);
    assert_eq!(append(&mut store, Lane::Alert, b"b"), 2);
    assert_eq!(append(&mut store, Lane::Event, b"c"), 3);
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(append(&mut store, Lane::Reading, b"d"), 4);
    let nothing_held = SequenceRanges::new();
    let readings = store.pending(Lane::Reading, 0, &nothing_held, 10).unwrap();
    assert_eq!(seqs(&readings), [1, 4]);
    assert_eq!(store.record(2).unwrap().unwrap().payload, b"b");
    assert_eq!(store.record(5).unwrap(), None);
}

#[test]
fn an_unfinished_transaction_leaves_nothing() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    let mut ledger = store.begin().unwrap();
    ledger.append(Lane::Reading, b"a").unwrap();
    drop(ledger);
    assert_eq!(store.last_seq(), 0);
    assert_eq!(append(&mut store, Lane::Reading, b"b"), 1);
}

#[test]
fn held_records_are_not_pending() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    for _ in 0..6 {
        append(&mut store, Lane::Reading, b"a");
    }
    let mut held = SequenceRanges::new();
    held.insert(1..=2);
    held.insert(5..=5);
    let pending = |after, limit| seqs(&store.pending(Lane::Reading, after, &held, limit).unwrap());
    assert_eq!(pending(0, 10), [3, 4, 6]);
    assert_eq!(pending(3, 10), [4, 6]);
    assert_eq!(pending(0, 2), [3, 4]);
    held.insert(6..=6);
    store.note_held(&held).unwrap();
    assert_eq!(store.pragma("synchronous").unwrap(), 2);
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.held().unwrap(), held);
    assert_eq!(store.last_seq(), 6);
}

#[test]
fn content_and_commands_are_remembered() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    let ledger = store.begin().unwrap();
    assert!(!ledger.knows_content(b"0123").unwrap());
    ledger.remember_content(b"0123", 1).unwrap();
    ledger.remember_command("old", 10, 5).unwrap();
    ledger.remember_command("expired", 10, 15).unwrap();
    assert!(ledger.knows_command("old").unwrap());
    ledger.remember_command("new", 20, 3_000_000).unwrap();
    assert!(ledger.knows_content(b"0123").unwrap());
    assert!(!ledger.knows_command("old").unwrap());
    assert!(ledger.knows_command("new").unwrap());
}

#[test]
fn open_alerts_come_back_with_their_last_transition() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    let mut ledger = store.begin().unwrap();
    let (raised, _seq) = (ledger.next_key(), ledger.append(Lane::Alert, b"raised").unwrap());
    ledger.keep_open(raised, b"raised").unwrap();
    ledger.append(Lane::Alert, b"repeated").unwrap();
    ledger.keep_open(raised, b"repeated").unwrap();
    let (other, _seq) = (ledger.next_key(), ledger.append(Lane::Alert, b"other").unwrap());
    ledger.keep_open(other, b"other").unwrap();
    ledger.end_alert(other).unwrap();
    ledger.commit().unwrap();
    let payload = Some(b"repeated".to_vec());
    assert_eq!(store.open_alerts().unwrap(), [OpenAlert { id: raised, payload }]);
}

#[test]
fn a_changed_byte_is_noticed() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    append(&mut store, Lane::Reading, b"systolic 120");
    store.connection.execute("UPDATE reading SET payload = x'00'", ()).unwrap();
    assert!(matches!(store.record(1), Err(StoreError::Damaged { seq: 1 })));
    append(&mut store, Lane::Reading, b"systolic 121");
    let nothing_held = SequenceRanges::new();
    let sendable =
        |store: &Store| seqs(&store.pending(Lane::Reading, 0, &nothing_held, 10).unwrap());
    assert_eq!(sendable(&store), [2]);
    let damaged = [(Lane::Reading, 1)];
    assert_eq!(store.take_noticed(), damaged);
    let news = News {
        rule: RECORD_DAMAGED,
        priority: Priority::High,
        text: "One record is damaged.".to_owned(),
    };
    let settle = |store: &mut Store| {
        store.settle_damaged(&damaged, |_| false, |new| (!new.is_empty()).then(|| news.clone()))
    };
    settle(&mut store).unwrap();
    settle(&mut store).unwrap();
    assert_eq!(sendable(&store), [2]);
    assert!(!store.has_noticed_damage() && store.absent().contains(1), "it is told once");
    drop(store);
    let store = Store::open(&path).unwrap();
    assert!(!store.has_noticed_damage());
    assert_eq!(store.incidents().unwrap(), [Incident { id: 1, news }]);
}

#[test]
fn a_record_that_was_damaged_while_the_hub_was_off_is_noticed_at_the_start() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    append(&mut store, Lane::Reading, b"systolic 120");
    append(&mut store, Lane::Reading, b"systolic 121");
    store.connection.execute("UPDATE reading SET payload = x'00' WHERE seq = 1", ()).unwrap();
    drop(store);
    assert!(Store::open(&path).unwrap().has_noticed_damage());
}

#[test]
fn a_number_is_never_given_twice() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    for _ in 0..3 {
        append(&mut store, Lane::Reading, b"a");
    }
    let mut held = SequenceRanges::new();
    held.insert(1..=3);
    store.note_held(&held).unwrap();
    store.connection.execute("DELETE FROM reading", ()).unwrap();
    drop(store);
    assert_eq!(append(&mut Store::open(&path).unwrap(), Lane::Reading, b"b"), 4);
}

#[test]
fn a_range_that_was_damaged_is_not_believed_to_be_held() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    let mut held = SequenceRanges::new();
    held.insert(1..=3);
    store.note_held(&held).unwrap();
    store.connection.execute("UPDATE held SET last = 67", ()).unwrap();
    assert_eq!(store.held().unwrap(), SequenceRanges::new());
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    let (_directory, path) = temporary();
    let store = Store::open(&path).unwrap();
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    store.connection.execute("UPDATE format SET version = 99", ()).unwrap();
    drop(store);
    assert!(matches!(Store::open(&path), Err(StoreError::TooNew { found: 99, .. })));
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let (_directory, path) = temporary();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE note (text TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_ledger_has_one_owner() {
    let (_directory, path) = temporary();
    let store = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Owned { .. })));
    drop(store);
    Store::open(&path).unwrap();
}

#[test]
fn a_reader_beside_the_daemon_sees_what_is_committed() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    append(&mut store, Lane::Reading, b"a");
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(reader.record(1).unwrap().unwrap().payload, b"a");
    assert!(reader.connection.execute("DELETE FROM reading", ()).is_err());
}
