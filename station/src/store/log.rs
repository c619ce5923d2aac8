//! The write-ahead log of a station that was killed: looked at before SQLite reads it, and copied
//! where it is damaged.
//!
//! [`vitals::write_ahead`] says which damage can be told from a power cut. Each commit of the station
//! is flushed, and each start begins the log anew.
//!
//! ```text
//! station.db.damaged-N       the database as it was; N is the first free number
//! station.db.damaged-N-wal   its log, which is copied first: the two are complete with the database
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use vitals::write_ahead::Log;

use super::schema::PAGE_LEN_BYTES;

/// Keeps copies of the database at `path` and of its log where that is damaged.
pub(super) fn keep_damaged(path: &Path) -> io::Result<()> {
    let log = beside(path, "-wal");
    let bytes = match fs::read(&log) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    let damage = Log::parse(&bytes, PAGE_LEN_BYTES).and_then(|it| it.damage(&mut |_page| true));
    let Some(damage) = damage else { return Ok(()) };
    let is_there = |name: &Path| fs::symlink_metadata(name).is_ok();
    let mut names = (1_u32..).map(|n| beside(path, &format!(".damaged-{n}")));
    let kept = names.find(|it| !is_there(it) && !is_there(&beside(it, "-wal")));
    let kept = kept.unwrap_or_else(|| beside(path, ".damaged"));
    copy(&log, &beside(&kept, "-wal"))?;
    copy(path, &kept)?;
    tracing::error!(%damage, kept = %kept.display(), "database is damaged, copies are kept");
    Ok(())
}

/// Whether copies lie beside the database at `path`.
pub(super) fn has_copies(path: &Path) -> bool {
    let mut start = path.file_name().unwrap_or_default().to_owned();
    start.push(".damaged");
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))) else { return false };
    let is_copy = |name: OsString| name.as_encoded_bytes().starts_with(start.as_encoded_bytes());
    entries.flatten().any(|it| is_copy(it.file_name()))
}

/// Copies what a killed station left in the log into the database, so that the log begins anew, with
/// other salts: what one cut tore is not mistaken after the next one.
pub(super) fn begin_anew(connection: &Connection) -> rusqlite::Result<()> {
    match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0)) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            tracing::warn!(%error, "the log goes on where it ended");
            Ok(())
        }
        done => done.map(drop),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

/// `path` with `suffix` behind its last name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use vitals::wire::topic::Channel;

    use super::*;
    use crate::inbound::{self, Delivery};
    use crate::sample;
    use crate::store::Store;

    /// Bytes of a frame in the log.
    const FRAME: usize = 24 + 4096;

    /// What a killed station leaves: twelve readings, each a commit, all in its log.
    fn killed() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("station.db");
        let mut store = Store::open(&path).unwrap();
        for seq in 1..=12 {
            let topic = sample::topics().of(&sample::HUB.parse().unwrap(), Channel::Reading);
            let payload = sample::weight(seq, "80");
            let delivery = Delivery { topic, payload, is_retained: false };
            let now = jiff::Timestamp::from_second(1_780_000_000).unwrap();
            store.file(now, &[inbound::read(&sample::topics(), &delivery)], &[]).unwrap();
        }
        let log = fs::read(beside(&path, "-wal")).unwrap();
        let home = tempfile::tempdir().unwrap();
        let killed = home.path().join("station.db");
        fs::copy(&path, &killed).unwrap();
        drop(store);
        (home, killed, log)
    }

    /// How many readings a station finds with this log, and whether copies are kept.
    fn opened(path: &Path, log: &[u8]) -> (usize, bool) {
        let home = tempfile::tempdir().unwrap();
        let copy = home.path().join("station.db");
        fs::copy(path, &copy).unwrap();
        fs::write(beside(&copy, "-wal"), log).unwrap();
        let store = Store::open(&copy).unwrap();
        let found = store.connection.query_row("SELECT count(*) FROM record", (), |it| it.get(0));
        let kept = beside(&copy, ".damaged-1-wal");
        if store.has_damaged_copies() {
            assert_eq!(fs::read(&kept).unwrap(), log);
            assert_eq!(fs::read(beside(&copy, ".damaged-1")).unwrap(), fs::read(path).unwrap());
        }
        (usize::try_from(found.unwrap_or(0_i64)).unwrap(), store.has_damaged_copies())
    }

    #[test]
    fn a_flipped_bit_before_the_last_commits_is_noticed_and_copies_are_kept() {
        let (_home, path, log) = killed();
        assert_eq!(opened(&path, &log), (12, false));
        let ends = ends(&log);
        let last = ends[ends.len() - 3] + FRAME;
        for at in (0..last).step_by(4099) {
            let mut damaged = log.clone();
            damaged[at] ^= 0x04;
            let (n_found, is_told) = opened(&path, &damaged);
            assert!(is_told && n_found < 12, "byte {at} of {last}: {n_found} are left");
        }
    }

    #[test]
    fn what_a_power_cut_leaves_of_the_last_commit_is_no_damage() {
        let (_home, path, log) = killed();
        let ends = ends(&log);
        for at in (ends[ends.len() - 2] + FRAME..log.len()).step_by(2048) {
            let mut torn = log.clone();
            torn[at..].fill(0);
            assert_eq!(opened(&path, &torn), (11, false), "from byte {at} on");
            let mut torn = log.clone();
            torn[at..(at + 512).min(log.len())].fill(0);
            assert!(!opened(&path, &torn).1, "512 bytes from {at} on");
        }
    }

    /// The place of each frame that ends a commit.
    fn ends(log: &[u8]) -> Vec<usize> {
        let frames = (0..(log.len() - 32) / FRAME).map(|nth| 32 + nth * FRAME);
        frames.filter(|it| log[it + 4..it + 8] != [0; 4]).collect()
    }
}
