//! The only clock of the hub: wall time, and time since boot that no step of the wall clock moves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};
pub use vitals::BootId;

/// Before this no wall clock is right: the years to which clocks fall back that were never set
/// (1970, 2000, 2010, 2017 are seen) are all earlier than this program.
pub const EARLIEST: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// Whether the machine's clock is set by network time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Synchronization {
    /// Nothing says so: the machine's own clock is all there is.
    NotInUse,
    /// It is to be, and was not yet since the machine came up.
    Awaited,
    /// It was.
    Reached,
}

/// A moment: what the wall clock showed, and how long the machine had been running.
///
/// Two stamps of one boot are ordered by `since_boot`, whatever happened to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Wall time, as good as the machine knows it.
    pub wall: Timestamp,
    /// Which run of the machine.
    pub boot: BootId,
    /// Time since boot, suspended time included.
    pub since_boot: Duration,
}

/// Reads the clocks of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    boot: BootId,
}

impl Clock {
    /// Finds out which boot this is.
    ///
    /// # Errors
    ///
    /// Fails where the kernel does not tell its boot id.
    pub fn start() -> anyhow::Result<Self> {
        const PATH: &str = "/proc/sys/kernel/random/boot_id";
        let text = fs::read_to_string(PATH).with_context(|| format!("failed to read {PATH}"))?;
        let boot = uuid::Uuid::parse_str(text.trim())
            .with_context(|| format!("{PATH} holds no boot id"))?;
        Ok(Self { boot: BootId(*boot.as_bytes()) })
    }

    /// The present moment.
    ///
    /// # Panics
    ///
    /// Panics on a kernel without `CLOCK_BOOTTIME`, which Linux has had since 2.6.39.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Stamp {
        let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME)
            .expect("CLOCK_BOOTTIME is there since Linux 2.6.39");
        Stamp { wall: Timestamp::now(), boot: self.boot, since_boot: Duration::from(since_boot) }
    }

    /// Whether network time has set the clock: then its daemon has made `file`, whose folder is
    /// there as long as the daemon runs.
    #[must_use]
    pub fn synchronization(&self, file: &Path) -> Synchronization {
        let is_in_use = || file.parent().is_some_and(Path::is_dir);
        match file.exists() {
            true => Synchronization::Reached,
            false if is_in_use() => Synchronization::Awaited,
            false => Synchronization::NotInUse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_since_boot_never_runs_backwards() {
        let clock = Clock::start().unwrap();
        let (before, after) = (clock.now(), clock.now());
        assert_eq!(before.boot, after.boot);
        assert!(before.since_boot <= after.since_boot);
    }

    #[test]
    fn the_file_of_the_time_daemon_says_whether_it_has_set_the_clock() {
        let clock = Clock::start().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("timesync/synchronized");
        assert_eq!(clock.synchronization(&file), Synchronization::NotInUse);
        fs::create_dir(directory.path().join("timesync")).unwrap();
        assert_eq!(clock.synchronization(&file), Synchronization::Awaited);
        fs::write(&file, "").unwrap();
        assert_eq!(clock.synchronization(&file), Synchronization::Reached);
        assert_eq!(clock.synchronization(Path::new("")), Synchronization::NotInUse);
    }
}
