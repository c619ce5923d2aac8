//! A file of version 1 is brought to the latest version, and nothing in it is lost.

use super::*;
use crate::store::checksum::of_record;

/// A ledger as version 1 wrote it, but for the rows of `alert`, whose checksums are computed.
const VERSION_1: &str = "
    PRAGMA page_size = 1024;
    PRAGMA journal_mode = WAL;
    PRAGMA application_id = 1987338604;
    CREATE TABLE identity (epoch BLOB NOT NULL CHECK (length(epoch) = 8)) STRICT;
    CREATE TABLE reading (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE alert (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE event (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL,
        checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE open_alert (alert INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
    CREATE TABLE content (identity BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE held (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
    CREATE TABLE command (id TEXT PRIMARY KEY, expires_at_s INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
    INSERT INTO identity VALUES (x'0123456789abcdef');
    INSERT INTO open_alert VALUES (2, 4), (5, 5);
    INSERT INTO content VALUES (x'6375666600ff', 1);
    INSERT INTO held VALUES (1, 1);
    INSERT INTO command VALUES ('c-1', 1790000000);
    PRAGMA user_version = 1;
";

fn version_1(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = Connection::open(path).unwrap();
    file.execute_batch(VERSION_1).unwrap();
    let records: [(&str, u64, &[u8]); 5] = [
        ("reading", 1, b"weight"),
        ("alert", 2, b"raised"),
        ("event", 3, b"started"),
        ("alert", 4, b"repeated"),
        ("alert", 5, b"other"),
    ];
    for (table, seq, payload) in records {
        let sql = format!("INSERT INTO {table} VALUES (?1, ?2, ?3)");
        let row = (i64::try_from(seq).unwrap(), payload, of_record(seq, payload));
        file.execute(&sql, row).unwrap();
    }
}

#[test]
fn a_file_of_version_1_is_found_again_whole() {
    let (_directory, path) = temporary();
    version_1(&path);
    assert!(matches!(Store::open_read_only(&path), Err(StoreError::TooOld { found: 1, .. })));
    for _ in 0..2 {
        let mut store = Store::open(&path).unwrap();
        let epoch = Epoch([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        assert_eq!((store.epoch(), store.last_seq(), store.last_number()), (epoch, 5, 5));
        let held = store.held().unwrap();
        assert_eq!(held.iter().collect::<Vec<_>>(), [1..=1]);
        let alerts = store.pending(Lane::Alert, 0, &held, 9).unwrap();
        assert_eq!(seqs(&alerts), [2, 4, 5]);
        assert_eq!(store.record(3).unwrap().unwrap().payload, b"started");
        let open = |number, payload: &[u8]| OpenAlert {
            id: LedgerKey { epoch, number },
            payload: Some(payload.to_vec()),
        };
        assert_eq!(store.open_alerts().unwrap(), [open(2, b"repeated"), open(5, b"other")]);
        let ledger = store.begin().unwrap();
        assert!(ledger.knows_content(b"cuff\0\xff").unwrap());
        assert!(ledger.knows_command("c-1").unwrap());
        drop(ledger);
        assert_eq!(store.incidents().unwrap(), []);
    }
    assert!(Store::open_read_only(&path).is_ok());
}

#[test]
fn a_damaged_open_alert_of_version_1_does_not_stop_the_start() {
    let (_directory, path) = temporary();
    version_1(&path);
    let file = Connection::open(&path).unwrap();
    file.execute("UPDATE alert SET payload = x'00' WHERE seq = 4", ()).unwrap();
    drop(file);
    let store = Store::open(&path).unwrap();
    let is_readable: Vec<_> = store
        .open_alerts()
        .unwrap()
        .iter()
        .map(|it| (it.id.number, it.payload.is_some()))
        .collect();
    assert_eq!(is_readable, [(2, false), (5, true)]);
    assert!(store.has_noticed_damage());
}
