//! A disk that keeps for certain only what was flushed.
//!
//! What was written since the last flush of a file stays with it until a cut. The cut then chooses
//! for every 512-byte sector which of its versions is left, for every file which of its lengths, and
//! for the folder how many of its last entries: what no order of writing could leave behind does not
//! happen, everything else can.

use std::collections::BTreeMap;
use std::io;

use fastrand::Rng;

/// The disk writes a sector whole or not at all.
pub(crate) const SECTOR_LEN: usize = 512;

/// How the files end that SQLite writes before it writes to the database.
const LOG: &str = "-wal";

/// Length of the head of such a file, which begins it anew.
const LOG_HEAD_LEN: usize = 32;

/// What a disk makes of the wish to flush a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushes {
    /// The file is certain when the call returns.
    Honoured,
    /// A commit does not flush the log; it is certain when it is copied into the database. That is
    /// what `synchronous=NORMAL` asks of a disk.
    NotOfCommits,
    /// The log is never flushed.
    NotOfTheLog,
    /// The disk says so, and flushes nothing.
    Never,
}

/// What a cut leaves of what was not flushed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Remains {
    Nothing,
    Everything,
    /// What was written first; the last of it may be torn between two sectors.
    First(u64),
    /// Each sector for itself is written with this probability.
    Scattered(f64),
}

/// What stands where a file grew and nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    Zeros,
    /// Bytes of something else that was there before.
    Stale,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Made(String, FileId),
    Removed(String),
}

/// Names a file as long as the disk lives, also where its entry is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(u64);

#[derive(Debug, Clone, Default)]
struct File {
    now: Vec<u8>,
    certain: Vec<u8>,
    /// What makes `now` of `certain`, each with the moment when it was asked for.
    since: Vec<(u64, Change)>,
    /// The log begins anew, and also `synchronous=NORMAL` flushes that.
    has_new_head: bool,
}

/// The disk.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    flushes: Flushes,
    names: BTreeMap<String, FileId>,
    certain_names: BTreeMap<String, FileId>,
    entries_since: Vec<(u64, Entry)>,
    files: BTreeMap<FileId, File>,
    n_files: u64,
    /// Counts what was asked of the disk.
    moment: u64,
    dies_at: Option<u64>,
}

fn dead() -> io::Error {
    io::Error::other("the power is gone")
}

impl Disk {
    pub(crate) fn new(flushes: Flushes) -> Self {
        Self {
            flushes,
            names: BTreeMap::new(),
            certain_names: BTreeMap::new(),
            entries_since: Vec::new(),
            files: BTreeMap::new(),
            n_files: 0,
            moment: 0,
            dies_at: None,
        }
    }

    /// The power goes when `n` more changes and flushes have been asked for.
    pub(crate) fn die_after(&mut self, n: u64) {
        self.dies_at = Some(self.moment + n);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dies_at.is_some_and(|at| at <= self.moment)
    }

    fn alive(&self) -> io::Result<()> {
        if self.is_dead() { Err(dead()) } else { Ok(()) }
    }

    /// Lets the power go now or counts a change.
    fn count(&mut self) -> io::Result<u64> {
        self.alive()?;
        self.moment += 1;
        // The change at which the power goes was begun, so that it may be on the disk.
        Ok(self.moment)
    }

    /// Whether what was just asked for is also answered.
    fn answered(&self) -> io::Result<()> {
        self.alive()
    }

    pub(crate) fn exists(&self, name: &str) -> io::Result<bool> {
        self.alive()?;
        Ok(self.names.contains_key(name))
    }

    pub(crate) fn open(&mut self, name: &str, makes: bool) -> io::Result<FileId> {
        self.alive()?;
        if let Some(id) = self.names.get(name) {
            return Ok(*id);
        }
        if !makes {
            return Err(io::ErrorKind::NotFound.into());
        }
        let moment = self.count()?;
        let id = FileId(self.n_files);
        self.n_files += 1;
        self.names.insert(name.to_owned(), id);
        self.entries_since.push((moment, Entry::Made(name.to_owned(), id)));
        self.files.insert(id, File::default());
        self.answered()?;
        Ok(id)
    }

    pub(crate) fn remove(&mut self, name: &str) -> io::Result<()> {
        if !self.exists(name)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        let moment = self.count()?;
        self.names.remove(name);
        self.entries_since.push((moment, Entry::Removed(name.to_owned())));
        self.answered()
    }

    /// What is in a file, if there is one of that name.
    pub(crate) fn content(&self, name: &str) -> Option<Vec<u8>> {
        let id = self.names.get(name)?;
        self.files.get(id).map(|it| it.now.clone())
    }

    pub(crate) fn len(&self, id: FileId) -> io::Result<usize> {
        self.alive()?;
        Ok(self.files[&id].now.len())
    }

    /// Fills `into` from `offset`, with zeros behind the end; returns how many bytes the file had.
    pub(crate) fn read(&self, id: FileId, offset: usize, into: &mut [u8]) -> io::Result<usize> {
        self.alive()?;
        let available = self.files[&id].now.get(offset..).unwrap_or_default();
        let n = available.len().min(into.len());
        let (head, tail) = into.split_at_mut(n);
        head.copy_from_slice(&available[..n]);
        tail.fill(0);
        Ok(n)
    }

    pub(crate) fn write(&mut self, id: FileId, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let moment = self.count()?;
        if self.flushes == Flushes::NotOfCommits {
            self.before_a_write(id, offset, bytes.len());
        }
        let file = self.files.get_mut(&id).expect("an open file is kept");
        let change = Change::Write { offset, bytes: bytes.to_vec() };
        change.apply(&mut file.now);
        file.since.push((moment, change));
        self.answered()
    }

    pub(crate) fn set_len(&mut self, id: FileId, len: usize) -> io::Result<()> {
        let moment = self.count()?;
        let file = self.files.get_mut(&id).expect("an open file is kept");
        file.now.resize(len, 0);
        file.since.push((moment, Change::Length(len)));
        self.answered()
    }

    /// Makes a file certain, with the entries of the folder up to its own.
    pub(crate) fn flush(&mut self, id: FileId) -> io::Result<()> {
        self.count()?;
        self.answered()?;
        let is_log = self.log() == Some(id);
        let is_honoured = match self.flushes {
            Flushes::Honoured => true,
            Flushes::NotOfCommits => !is_log || std::mem::take(&mut self.file(id).has_new_head),
            Flushes::NotOfTheLog => !is_log,
            Flushes::Never => false,
        };
        if is_honoured {
            self.make_certain(id);
        }
        Ok(())
    }

    fn file(&mut self, id: FileId) -> &mut File {
        self.files.get_mut(&id).expect("an open file is kept")
    }

    fn log(&self) -> Option<FileId> {
        self.names.iter().find(|(name, _id)| name.ends_with(LOG)).map(|(_name, id)| *id)
    }

    /// What `synchronous=NORMAL` flushes though no commit asks for it.
    fn before_a_write(&mut self, id: FileId, offset: usize, len: usize) {
        match self.log() {
            Some(log) if log == id => {
                self.file(id).has_new_head |= (offset, len) == (0, LOG_HEAD_LEN);
            }
            Some(log) => self.make_certain(log),
            None => {}
        }
    }

    fn make_certain(&mut self, id: FileId) {
        let file = self.file(id);
        for (_moment, change) in file.since.drain(..) {
            change.apply(&mut file.certain);
        }
        let is_own = |entry: &Entry| matches!(entry, Entry::Made(_name, made) if *made == id);
        let n =
            self.entries_since.iter().rposition(|(_moment, it)| is_own(it)).map_or(0, |at| at + 1);
        for (_moment, entry) in self.entries_since.drain(..n) {
            entry.apply(&mut self.certain_names);
        }
    }

    /// The power went: what is left is certain, and the disk works again.
    pub(crate) fn cut(&mut self, random: &mut Rng) {
        let remains = match random.u8(..10) {
            0 => Remains::Nothing,
            1 => Remains::Everything,
            2..=4 => Remains::First(self.some_moment(random)),
            5 => Remains::Scattered(0.05),
            6 => Remains::Scattered(0.95),
            _ => Remains::Scattered(random.f64()),
        };
        let fill = if random.bool() { Fill::Zeros } else { Fill::Stale };
        let n_entries = match remains {
            Remains::Nothing => 0,
            Remains::Everything => self.entries_since.len(),
            Remains::First(last) => self.entries_since.partition_point(|(at, _entry)| *at <= last),
            Remains::Scattered(_probability) => random.usize(..=self.entries_since.len()),
        };
        for (_moment, entry) in self.entries_since.drain(..).take(n_entries) {
            entry.apply(&mut self.certain_names);
        }
        self.names.clone_from(&self.certain_names);
        self.files.retain(|id, _file| self.certain_names.values().any(|it| it == id));
        for file in self.files.values_mut() {
            file.cut(remains, fill, random);
        }
        self.dies_at = None;
    }

    /// A moment since the first change that is not certain.
    fn some_moment(&self, random: &mut Rng) -> u64 {
        let of_files = self.files.values().filter_map(|it| it.since.first()).map(|(at, _it)| *at);
        let first = of_files.chain(self.entries_since.first().map(|(at, _it)| *at)).min();
        random.u64(first.unwrap_or(self.moment)..=self.moment)
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                if to.len() < *offset {
                    to.resize(*offset, 0);
                }
                let within = bytes.len().min(to.len() - offset);
                to[*offset..offset + within].copy_from_slice(&bytes[..within]);
                to.extend_from_slice(&bytes[within..]);
            }
            Self::Length(len) => to.resize(*len, 0),
        }
    }
}

impl Entry {
    fn apply(self, to: &mut BTreeMap<String, FileId>) {
        match self {
            Self::Made(name, id) => drop(to.insert(name, id)),
            Self::Removed(name) => drop(to.remove(&name)),
        }
    }
}

impl File {
    fn cut(&mut self, remains: Remains, fill: Fill, random: &mut Rng) {
        match remains {
            Remains::Nothing => {}
            Remains::Everything => self.certain.clone_from(&self.now),
            Remains::First(last) => self.keep_first(last, random),
            Remains::Scattered(probability) => self.scatter(probability, fill, random),
        }
        self.since.clear();
        self.now.clone_from(&self.certain);
        self.has_new_head = false;
    }

    fn keep_first(&mut self, last: u64, random: &mut Rng) {
        for (moment, change) in self.since.drain(..).take_while(|(moment, _it)| *moment <= last) {
            match change {
                Change::Write { offset, mut bytes } if moment == last => {
                    // Sectors that were written before the power was gone: the first ones.
                    let n_sectors = (offset % SECTOR_LEN + bytes.len()).div_ceil(SECTOR_LEN);
                    let len = random.usize(..=n_sectors) * SECTOR_LEN;
                    bytes.truncate(len.saturating_sub(offset % SECTOR_LEN));
                    if !bytes.is_empty() {
                        Change::Write { offset, bytes }.apply(&mut self.certain);
                    }
                }
                whole @ (Change::Write { .. } | Change::Length(_)) => {
                    whole.apply(&mut self.certain);
                }
            }
        }
    }

    /// Chooses a version for each sector that was written to, and one of the lengths.
    fn scatter(&mut self, probability: f64, fill: Fill, random: &mut Rng) {
        let mut image = self.certain.clone();
        let mut lengths = vec![image.len()];
        let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for (_moment, change) in self.since.drain(..) {
            change.apply(&mut image);
            lengths.push(image.len());
            let Change::Write { offset, bytes } = change else { continue };
            for sector in offset / SECTOR_LEN..(offset + bytes.len()).div_ceil(SECTOR_LEN) {
                versions.entry(sector).or_default().push(sector_of(&image, sector));
            }
        }
        let len = lengths[random.usize(..lengths.len())];
        let first_grown = self.certain.len();
        self.certain.resize(len, 0);
        if fill == Fill::Stale && first_grown < len {
            let stale = image.get(..SECTOR_LEN).unwrap_or(&image).to_vec();
            let grown = self.certain[first_grown..].iter_mut();
            grown.zip(stale.iter().cycle()).for_each(|(byte, old)| *byte = *old);
        }
        for (sector, mut versions) in versions {
            if random.f64() < probability {
                let chosen = versions.swap_remove(random.usize(..versions.len()));
                let start = sector * SECTOR_LEN;
                let space = self.certain.get_mut(start..).unwrap_or_default();
                let n = space.len().min(chosen.len());
                space[..n].copy_from_slice(&chosen[..n]);
            }
        }
    }
}

fn sector_of(image: &[u8], sector: usize) -> Vec<u8> {
    let start = sector * SECTOR_LEN;
    image[start..image.len().min(start + SECTOR_LEN)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: [u8; 4 * SECTOR_LEN] = [7; 4 * SECTOR_LEN];

    fn contents(disk: &Disk, name: &str) -> Option<Vec<u8>> {
        disk.names.get(name).map(|id| disk.files[id].now.clone())
    }

    /// What many cuts of the same disk leave of the file `a`.
    fn after_cuts(disk: &Disk) -> Vec<Option<Vec<u8>>> {
        let mut random = Rng::with_seed(1);
        let cut = |_n| {
            let mut disk = disk.clone();
            disk.cut(&mut random);
            contents(&disk, "a")
        };
        (0..200).map(cut).collect()
    }

    #[test]
    fn what_was_flushed_is_left_after_every_cut() {
        let mut disk = Disk::new(Flushes::Honoured);
        let a = disk.open("a", true).unwrap();
        disk.write(a, 0, &PAGE).unwrap();
        disk.flush(a).unwrap();
        assert!(after_cuts(&disk).iter().all(|it| it.as_deref() == Some(&PAGE[..])));
    }

    #[test]
    fn what_was_not_flushed_is_left_in_sectors() {
        let mut disk = Disk::new(Flushes::Honoured);
        let a = disk.open("a", true).unwrap();
        disk.flush(a).unwrap();
        disk.write(a, 0, &PAGE).unwrap();
        let left: Vec<_> = after_cuts(&disk).into_iter().flatten().collect();
        assert_eq!(left.len(), 200);
        let is_whole = |sector: &[u8]| sector.iter().all(|it| *it == sector[0]);
        assert!(left.iter().all(|it| it.chunks(SECTOR_LEN).all(is_whole)));
        let n_torn = left.iter().filter(|it| !it.is_empty() && **it != PAGE).count();
        assert!(20 < n_torn, "just {n_torn} of 200 cuts tore the page");
        assert!(left.contains(&Vec::new()) && left.contains(&PAGE.to_vec()));
    }

    #[test]
    fn a_disk_that_lies_keeps_nothing_for_certain() {
        let mut disk = Disk::new(Flushes::Never);
        let a = disk.open("a", true).unwrap();
        disk.write(a, 0, &PAGE).unwrap();
        disk.flush(a).unwrap();
        assert!(after_cuts(&disk).contains(&None));
    }

    #[test]
    fn a_file_that_was_removed_may_be_there_again_until_the_folder_is_certain() {
        let mut disk = Disk::new(Flushes::Honoured);
        let a = disk.open("a", true).unwrap();
        disk.flush(a).unwrap();
        disk.remove("a").unwrap();
        let left = after_cuts(&disk);
        assert!(left.contains(&None) && left.contains(&Some(Vec::new())));
        let b = disk.open("b", true).unwrap();
        disk.flush(b).unwrap();
        assert!(after_cuts(&disk).iter().all(Option::is_none));
    }

    #[test]
    fn a_dead_disk_answers_nothing_until_it_was_cut() {
        let mut disk = Disk::new(Flushes::Honoured);
        let a = disk.open("a", true).unwrap();
        disk.flush(a).unwrap();
        disk.die_after(1);
        assert!(disk.write(a, 0, &PAGE).is_err());
        assert!(disk.len(a).is_err() && disk.exists("a").is_err() && disk.flush(a).is_err());
        disk.cut(&mut Rng::with_seed(1));
        assert!(disk.exists("a").unwrap());
    }
}
