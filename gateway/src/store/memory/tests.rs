use std::path::PathBuf;

use super::*;

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    (directory, path)
}

fn append(store: &mut Store, lane: Lane, len_bytes: usize) -> Sequence {
    let mut ledger = store.begin().unwrap();
    let seq = ledger.append(lane, &vec![7; len_bytes]).unwrap();
    ledger.commit().unwrap();
    seq
}

fn waiting(store: &Store, held: &SequenceRanges) -> Vec<Sequence> {
    let of = |lane| store.pending(lane, 0, held, 10_000).unwrap();
    let mut all: Vec<_> = Lane::ALL.into_iter().flat_map(of).map(|it| it.seq).collect();
    all.sort_unstable();
    all
}

fn full() -> StoreError {
    StoreError::Full { action: "write" }
}

#[test]
fn alerts_are_taken_along_first_and_then_the_newest_readings_that_fit() {
    let (_directory, path) = temporary();
    let mut store = Store::open_or_remember(&path, 40_000).unwrap();
    for _ in 0..10 {
        append(&mut store, Lane::Alert, 1000);
        for _ in 0..5 {
            append(&mut store, Lane::Reading, 1000);
        }
    }
    let mut held = SequenceRanges::new();
    held.insert(1..=6);
    store.leave_file(&held, &[], &full()).unwrap();
    let waits = waiting(&store, &held);
    // 30,000 bytes: nine alerts, which come first, and the 21 newest readings.
    assert_eq!(waits.len(), 30);
    assert!((7..=60).step_by(6).all(|seq| waits.contains(&seq)), "{waits:?}");
    assert_eq!(waits.iter().filter(|&&it| it < 35 && it % 6 != 1).count(), 0, "{waits:?}");
    // What stays behind is not counted as waiting, and is there again later.
    assert_eq!(store.absent().iter().flatten().count(), 24);
    assert_eq!((store.last_seq(), store.last_number()), (60, 0));
    assert_eq!(append(&mut store, Lane::Reading, 10), 61);
    store.regain_file(&held, &Default::default()).unwrap();
    assert_eq!(waiting(&store, &held), (7..=61).collect::<Vec<_>>());
    assert_eq!(store.absent(), &SequenceRanges::new());
}

#[test]
fn a_start_takes_along_what_rules_look_back_on() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    for _ in 0..5 {
        append(&mut store, Lane::Reading, 10);
    }
    let mut held = SequenceRanges::new();
    held.insert(1..=4);
    store.note_held(&held).unwrap();
    drop(store);
    let lock = path.with_extension("lock");
    std::fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(path.join("nowhere"), &lock).unwrap();
    let mut store = Store::open_or_remember(&path, MEMORY_MAX_BYTES).unwrap();
    assert!(store.is_in_memory());
    let known: Vec<_> = store.readings_before(9, 9).unwrap().iter().map(|it| it.seq).collect();
    assert_eq!(known, [5, 4, 3, 2, 1]);
    assert_eq!(waiting(&store, &held), [5]);
    std::fs::remove_file(&lock).unwrap();
    store.regain_file(&held, &Default::default()).unwrap();
    assert_eq!(store.last_seq(), 5);
}

#[test]
fn what_a_log_holds_is_read_where_nothing_can_be_written_beside_it() {
    let (_directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    append(&mut store, Lane::Reading, 10);
    let reader = readable(&path).unwrap();
    assert_eq!(super::super::query::last_seq(&reader).unwrap(), 1);
    drop(reader);
    append(&mut store, Lane::Reading, 10);
    assert_eq!(store.last_seq(), 2);
}

#[test]
fn a_file_that_another_process_owns_is_no_reason_to_go_on_in_memory() {
    let (_directory, path) = temporary();
    let _store = Store::open(&path).unwrap();
    let second = Store::open_or_remember(&path, MEMORY_MAX_BYTES);
    assert!(matches!(second, Err(StoreError::Owned { .. })));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (_directory, path) = temporary();
    Connection::open(&path).unwrap().execute("CREATE TABLE photo (id INTEGER)", ()).unwrap();
    let opened = Store::open_or_remember(&path, MEMORY_MAX_BYTES);
    assert!(matches!(opened, Err(StoreError::Foreign { .. })));
}

#[test]
fn no_two_stays_share_an_epoch() {
    let (_directory, path) = temporary();
    let mut epochs = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let mut store = Store::open_or_remember(&path, MEMORY_MAX_BYTES).unwrap();
        epochs.insert(store.epoch());
        store.leave_file(&SequenceRanges::new(), &[], &full()).unwrap();
        assert!(epochs.insert(store.epoch()));
    }
    assert_eq!(epochs.len(), 4);
}
