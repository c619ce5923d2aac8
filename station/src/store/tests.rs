use std::path::PathBuf;

use jiff::Timestamp;
use vitals::wire::topic::Channel;

use super::*;
use crate::inbound::{self, Delivery};
use crate::sample;

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).unwrap()
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    (directory, path)
}

fn file(store: &mut Store, channel: Channel, payload: Vec<u8>) -> Filed {
    let topic = sample::topics().of(&sample::HUB.parse().unwrap(), channel);
    let delivery = Delivery { topic, payload, is_retained: false };
    store.file(now(), &[inbound::read(&sample::topics(), &delivery)], &[]).unwrap()[0]
}

#[test]
fn the_database_keeps_what_a_power_cut_must_not_take() {
    let (_directory, path) = fresh();
    let store = Store::open(&path).unwrap();
    let pragma = |name| {
        store
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
    };
    assert_eq!(pragma("journal_mode").unwrap(), "wal".to_owned().into());
    assert_eq!(pragma("synchronous").unwrap(), 2.into());
}

#[test]
fn the_first_bytes_of_a_place_stay() {
    let mut store = Store::in_memory().unwrap();
    assert_eq!(
        file(&mut store, Channel::Reading, sample::weight(1, "80")),
        Filed::New { position: 1, is_current: true }
    );
    assert_eq!(file(&mut store, Channel::Reading, sample::weight(1, "80")), Filed::Duplicate);
    assert_eq!(file(&mut store, Channel::Reading, sample::weight(1, "8")), Filed::Conflict);
    assert_eq!(store.holdings().unwrap().n_quarantined, 1);
}

#[test]
fn the_quarantine_keeps_the_newest_messages_only() {
    let mut store = Store::in_memory().unwrap();
    for _message in 0..1100 {
        assert_eq!(file(&mut store, Channel::Reading, vec![0xff]), Filed::Quarantined);
    }
    assert_eq!(store.holdings().unwrap().n_quarantined, 1000);
}

#[test]
fn a_damaged_row_is_noticed_and_not_shown() {
    let (_directory, path) = fresh();
    let mut store = Store::open(&path).unwrap();
    file(&mut store, Channel::Reading, sample::weight(1, "80"));
    file(&mut store, Channel::Reading, sample::weight(2, "81"));
    let other = Connection::open(&path).unwrap();
    other
        .execute("UPDATE record SET payload = CAST(replace(CAST(payload AS TEXT), 'kg', 'mg') AS BLOB) WHERE seq = 1", [])
        .unwrap();
    let holdings = store.holdings().unwrap();
    assert_eq!((holdings.n_damaged, holdings.readings.len()), (1, 1));
    let archive = Archive::open(&path).unwrap();
    let page = |after, limit| {
        let found = archive.readings(&Query { after, limit, ..Query::default() }).unwrap();
        (found.records.iter().map(|it| it.seq).collect::<Vec<_>>(), found.next)
    };
    assert_eq!(page(0, 10), (vec![2], None));
    assert_eq!(page(0, 1), (vec![], Some(1)), "the listing goes on behind a damaged row");
    assert_eq!(page(1, 1), (vec![2], Some(2)));
}

#[test]
fn the_archive_pages_and_selects() {
    let (_directory, path) = fresh();
    let mut store = Store::open(&path).unwrap();
    for seq in 1..=5 {
        file(&mut store, Channel::Reading, sample::weight(seq, "80"));
    }
    let archive = Archive::open(&path).unwrap();
    let seqs = |query: Query| -> Vec<u64> {
        archive.readings(&query).unwrap().records.iter().map(|it| it.seq).collect()
    };
    let all = Query { limit: 3, ..Query::default() };
    assert_eq!(seqs(all.clone()), [1, 2, 3]);
    assert_eq!(seqs(Query { after: 3, ..all.clone() }), [4, 5]);
    assert_eq!(seqs(Query { hub: sample::HUB.parse().ok(), ..all.clone() }), [1, 2, 3]);
    assert_eq!(seqs(Query { hub: "hub-9".parse().ok(), ..all.clone() }), [] as [u64; 0]);
    assert_eq!(seqs(Query { subject: "client-9".parse().ok(), ..all }), [] as [u64; 0]);
}

#[test]
fn only_the_newest_readings_of_each_vital_are_kept_in_memory() {
    let mut store = Store::in_memory().unwrap();
    for seq in 1..=20 {
        file(&mut store, Channel::Reading, sample::weight(seq, "80"));
    }
    let readings = store.holdings().unwrap().readings;
    assert_eq!(readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [15, 16, 17, 18, 19, 20]);
}

#[test]
fn two_stations_do_not_share_a_database() {
    let (_directory, path) = fresh();
    let first = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Locked { .. })));
    drop(first);
    Store::open(&path).unwrap();
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let (_directory, path) = fresh();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (id)").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Foreign)));
}

#[test]
fn a_database_of_a_later_station_is_left_alone() {
    let (_directory, path) = fresh();
    drop(Store::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 99, .. }), "{error}");
}

#[test]
fn a_damaged_database_is_refused_and_kept() {
    let (_directory, path) = fresh();
    let mut store = Store::open(&path).unwrap();
    for seq in 1..=200 {
        file(&mut store, Channel::Reading, sample::weight(seq, "80"));
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. } | StoreError::Open { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
