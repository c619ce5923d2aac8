//! SQLite on simulated disks: each folder is one, and every database of this process opens there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

use crate::disk::{Disk, FileId};

/// Length of a piece of the index of the log, which lives in memory.
const REGION_LEN: usize = 32_768;

/// A disk with what the kernel keeps in memory beside it.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) disk: Disk,
    index: BTreeMap<u32, Region>,
}

/// A piece of the index of the log, and how often it was changed.
#[derive(Debug)]
struct Region {
    bytes: Box<[u8; REGION_LEN]>,
    version: u64,
}

/// A mounted disk.
#[derive(Debug, Clone)]
pub(crate) struct Mounted(Arc<Mutex<Mount>>);

static MOUNTS: LazyLock<Mutex<BTreeMap<String, Mounted>>> = LazyLock::new(Mutex::default);

/// Where every database is opened that names no other system of files.
const NAME: &str = "simulated-disk";

impl Mounted {
    /// Mounts a disk on a folder, in the place of the one that was there.
    pub(crate) fn on(folder: &str, disk: Disk) -> Self {
        static REGISTERED: LazyLock<bool> =
            LazyLock::new(|| sqlite_vfs::register(NAME, Disks, true).is_ok());
        assert!(*REGISTERED, "SQLite takes a system of files");
        let mounted = Self(Arc::new(Mutex::new(Mount { disk, index: BTreeMap::new() })));
        lock(&MOUNTS).insert(folder.to_owned(), mounted.clone());
        mounted
    }

    /// Forgets the disk of a folder; what is open on it stays.
    pub(crate) fn unmount(folder: &str) {
        lock(&MOUNTS).remove(folder);
    }

    /// Whoever panicked with a disk has failed; what others find on it they check themselves.
    pub(crate) fn look(&self) -> MutexGuard<'_, Mount> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mount {
    /// The power went, and came back.
    pub(crate) fn cut(&mut self, random: &mut fastrand::Rng) {
        self.disk.cut(random);
        self.index.clear();
    }
}

/// The disk that `path` is on, and its name there.
fn find(path: &str) -> io::Result<(Mounted, &str)> {
    let (folder, name) = path.rsplit_once('/').ok_or(io::ErrorKind::NotFound)?;
    let mounted = lock(&MOUNTS).get(folder).cloned();
    mounted.map(|it| (it, name)).ok_or_else(|| io::ErrorKind::NotFound.into())
}

struct Disks;

impl Vfs for Disks {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> io::Result<Handle> {
        let makes = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        let (mounted, name) = find(path)?;
        let file = mounted.look().disk.open(name, makes)?;
        Ok(Handle { mounted, file, lock: LockKind::None })
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let (mounted, name) = find(path)?;
        mounted.look().disk.remove(name)
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        let (mounted, name) = find(path)?;
        mounted.look().disk.exists(name)
    }

    /// The ledger needs no temporary file: opening one fails.
    fn temporary_name(&self) -> String {
        "temporary".to_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        buffer.fill(1);
    }

    /// Nobody waits: there is one connection at a time.
    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }

    fn full_pathname<'a>(&self, path: &'a str) -> io::Result<Cow<'a, str>> {
        Ok(path.into())
    }
}

struct Handle {
    mounted: Mounted,
    file: FileId,
    lock: LockKind,
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).expect("a simulated file fits into memory")
}

impl DatabaseHandle for Handle {
    type WalIndex = Index;

    fn size(&self) -> io::Result<u64> {
        let len = self.mounted.look().disk.len(self.file)?;
        u64::try_from(len).map_err(io::Error::other)
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let n = self.mounted.look().disk.read(self.file, position(offset), buffer)?;
        if n == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn write_all_at(&mut self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.mounted.look().disk.write(self.file, position(offset), buffer)
    }

    fn sync(&mut self, _data_only: bool) -> io::Result<()> {
        self.mounted.look().disk.flush(self.file)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.mounted.look().disk.set_len(self.file, position(len))
    }

    fn lock(&mut self, lock: LockKind) -> io::Result<bool> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> io::Result<bool> {
        Ok(!matches!(self.lock, LockKind::None | LockKind::Shared))
    }

    fn current_lock(&self) -> io::Result<LockKind> {
        Ok(self.lock)
    }

    fn wal_index(&self, _is_read_only: bool) -> io::Result<Index> {
        Ok(Index { mounted: self.mounted.clone(), seen: BTreeMap::new() })
    }
}

/// The index of the log in shared memory, as one connection knows it.
struct Index {
    mounted: Mounted,
    /// The versions of the pieces that it has.
    seen: BTreeMap<u32, u64>,
}

impl WalIndex for Index {
    fn map(&mut self, region: u32) -> io::Result<[u8; REGION_LEN]> {
        let mut bytes = [0; REGION_LEN];
        self.seen.remove(&region);
        self.pull(region, &mut bytes)?;
        Ok(bytes)
    }

    fn lock(&mut self, _locks: Range<u8>, _lock: WalIndexLock) -> io::Result<bool> {
        Ok(true)
    }

    fn delete(self) -> io::Result<()> {
        self.mounted.look().index.clear();
        Ok(())
    }

    fn pull(&mut self, region: u32, into: &mut [u8; REGION_LEN]) -> io::Result<()> {
        let mount = self.mounted.look();
        if let Some(shared) = mount.index.get(&region)
            && self.seen.insert(region, shared.version) != Some(shared.version)
        {
            *into = *shared.bytes;
        }
        Ok(())
    }

    fn push(&mut self, region: u32, from: &[u8; REGION_LEN]) -> io::Result<()> {
        let mut mount = self.mounted.look();
        let blank = || Region { bytes: Box::new([0; REGION_LEN]), version: 0 };
        let shared = mount.index.entry(region).or_insert_with(blank);
        *shared.bytes = *from;
        shared.version += 1;
        self.seen.insert(region, shared.version);
        Ok(())
    }
}
