//! Damage to the write-ahead log of a hub that was killed.

use std::fs;

use super::*;

const FRAME: usize = 24 + 1024;

/// What a killed hub leaves: a database and a log with `n` commits of a record each, and with what
/// the agency held behind each of them.
fn killed(n: u64) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let (directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    store.connection.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    for n in 1..=n {
        append(&mut store, Lane::Reading, format!("reading {n}").as_bytes());
        let mut held = SequenceRanges::new();
        held.insert(1..=n / 2 + 1);
        store.note_held(&held).unwrap();
    }
    let (directory, path) = leave(directory, &path);
    let log = fs::read(log_of(&path)).unwrap();
    drop(store);
    (directory, path, log)
}

/// Copies the files as they are now into another folder.
fn leave(directory: tempfile::TempDir, path: &Path) -> (tempfile::TempDir, PathBuf) {
    let home = directory.path().join("killed");
    fs::create_dir(&home).unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(path.with_file_name(name), home.join(name)).unwrap();
    }
    (directory, home.join("ledger.db"))
}

fn log_of(path: &Path) -> PathBuf {
    path.with_file_name("ledger.db-wal")
}

fn payloads(store: &Store) -> Vec<Vec<u8>> {
    let nothing = SequenceRanges::new();
    let records = store.pending(Lane::Reading, 0, &nothing, 9999).unwrap();
    records.into_iter().map(|it| it.payload).collect()
}

/// Opens the ledger with this log; its payloads, and whether it is a new one of which was told.
fn opened(path: &Path, log: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("ledger.db");
    fs::copy(path, &copy).unwrap();
    fs::write(log_of(&copy), log).unwrap();
    let store = Store::open(&copy).unwrap();
    let names = fs::read_dir(directory.path()).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let is_kept = names.iter().any(|it| it == "ledger.db.damaged-1-wal");
    assert!(!names.iter().any(|it| it.contains("mended")), "{names:?}");
    assert_eq!(is_kept, !store.incidents().unwrap().is_empty());
    (payloads(&store), is_kept)
}

/// The place of each frame that ends a commit.
fn ends(log: &[u8]) -> Vec<usize> {
    let frames = (log.len() - 32) / FRAME;
    (0..frames).map(|nth| 32 + nth * FRAME).filter(|it| log[it + 4..it + 8] != [0; 4]).collect()
}

#[test]
fn a_flipped_bit_before_the_last_commits_is_told_and_costs_at_most_one_record() {
    let (_directory, path, log) = killed(12);
    let whole = opened(&path, &log);
    assert_eq!((whole.0.len(), whole.1), (12, false));
    let ends = ends(&log);
    // The last commit with a record, and what was noted behind it.
    let last = ends[ends.len() - 3] + FRAME;
    for at in (0..last).step_by(211) {
        let mut damaged = log.clone();
        damaged[at] ^= 0x04;
        let (found, is_told) = opened(&path, &damaged);
        assert!(is_told, "byte {at} of {last}");
        // The agency holds seven.
        assert!(found.iter().all(|it| whole.0.contains(it)), "byte {at}");
        assert!(4 <= found.len(), "byte {at}: {} are left", found.len());
    }
}

#[test]
fn what_a_power_cut_leaves_of_the_last_commit_is_no_damage() {
    let (_directory, path, log) = killed(12);
    let ends = ends(&log);
    let first = ends[ends.len() - 3] + FRAME;
    for at in (first..log.len()).step_by(149) {
        let mut torn = log.clone();
        torn[at..].fill(0);
        let (found, is_told) = opened(&path, &torn);
        assert!(!is_told, "from byte {at} on");
        assert!(11 <= found.len());
        // The disk wrote what comes last first.
        let mut torn = log.clone();
        let upto = (at + 512).min(torn.len());
        torn[at..upto].fill(0);
        let (found, is_told) = opened(&path, &torn);
        assert!(!is_told || found.len() == 12, "bytes {at} to {upto}");
    }
}

#[test]
fn commits_that_wait_for_no_disk_may_be_torn_in_any_order() {
    let (_directory, path, _log) = {
        let (directory, path) = temporary();
        let mut store = Store::open(&path).unwrap();
        append(&mut store, Lane::Reading, b"reading");
        for n in 1..9 {
            let mut held = SequenceRanges::new();
            held.insert(1..=n);
            store.note_held(&held).unwrap();
        }
        let (directory, path) = leave(directory, &path);
        drop(store);
        (directory, path, ())
    };
    let log = fs::read(log_of(&path)).unwrap();
    let ends = ends(&log);
    for end in &ends[ends.len() - 8..] {
        let mut torn = log.clone();
        torn[*end..end + FRAME].fill(0);
        assert_eq!(opened(&path, &torn), (vec![b"reading".to_vec()], false));
    }
}

#[test]
fn frames_of_a_log_that_was_copied_into_the_database_are_none_of_this_one() {
    let (directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    for _n in 0..20 {
        append(&mut store, Lane::Reading, b"earlier");
    }
    store.connection.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    append(&mut store, Lane::Reading, b"later");
    let (_directory, path) = leave(directory, &path);
    drop(store);
    let log = fs::read(log_of(&path)).unwrap();
    assert_eq!(opened(&path, &log).0.len(), 21);
    assert!(!opened(&path, &log).1);
}

/// Zeroes the frame at `at` of the log, as if a cut had come before it was written.
fn tear(at: usize, path: &Path) -> Vec<u8> {
    let mut log = fs::read(log_of(path)).unwrap();
    log[at..at + FRAME].fill(0);
    fs::write(log_of(path), &log).unwrap();
    log
}

#[test]
fn what_two_power_cuts_in_a_row_have_torn_is_no_damage() {
    let len_of_log = |path: &Path| fs::read(log_of(path)).unwrap().len();
    let (directory, path) = temporary();
    let mut store = Store::open(&path).unwrap();
    append(&mut store, Lane::Reading, b"flushed");
    let flushed = len_of_log(&path);
    append(&mut store, Lane::Reading, &[7; 4000]);
    let (directory, path) = leave(directory, &path);
    drop(store);
    tear(flushed, &path);

    // What the first cut left of the long record lies behind what the second one tears.
    let mut store = Store::open(&path).unwrap();
    assert_eq!(payloads(&store), [b"flushed"]);
    let begin = if len_of_log(&path) == 0 { 32 } else { flushed };
    let mut ledger = store.begin().unwrap();
    ledger.append(Lane::Reading, b"shorter").unwrap();
    ledger.append(Lane::Event, b"and in two frames").unwrap();
    ledger.commit().unwrap();
    let (_directory, path) = leave(tempfile::tempdir().unwrap(), &path);
    drop((store, directory));
    let log = tear(begin, &path);
    assert_eq!(opened(&path, &log), (vec![b"flushed".to_vec()], false));
}

#[test]
fn a_killed_hub_begins_its_log_anew_and_waits_for_no_reader() {
    let (_directory, path, log) = killed(3);
    let reader = Store::open_read_only(&path).unwrap();
    let found = payloads(&reader);
    // A statement that has not come to its end needs the log.
    let mut statement = reader.connection.prepare("SELECT seq FROM reading").unwrap();
    let mut rows = statement.query(()).unwrap();
    assert!(rows.next().unwrap().is_some());
    assert_eq!(payloads(&Store::open(&path).unwrap()), found);
    assert_eq!(fs::read(log_of(&path)).unwrap().len(), log.len());
    drop(rows);
    drop(statement);
    drop(reader);

    let (_directory, path, _log) = killed(3);
    let store = Store::open(&path).unwrap();
    assert_eq!((payloads(&store), fs::read(log_of(&path)).unwrap()), (found, Vec::new()));
}
