//! The room on the disk below a node's data, watched so that work is refused before a write can fail.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use parking_lot::RwLock;
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::StorageError;

/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every so many looks the probe is synced too: a disk that takes bytes and cannot keep them is seen then.
const SYNC_EVERY: u32 = 15;
/// Files that must be possible besides those that exist.
const FILES_MIN: u64 = 16;
/// Name of the file that is written at each look, in the node's data directory.
const PROBE_FILE: &str = "disk-probe";

/// What a node may do with its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is room.
    Enough,
    /// There is room for now: less than twice the reserve is left.
    Low,
    /// Less than the reserve is left: no new work is taken, what was begun can be ended.
    Full,
    /// The disk takes no writes at all, as one that was mounted read-only.
    Unwritable,
}

/// What was seen at the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What follows from it.
    pub verdict: Verdict,
    /// Bytes that the node may still write; the least of all its folders.
    pub free: u64,
    /// Bytes that it does not touch for new work.
    pub reserve: u64,
    /// Why the disk is full or not writable, where free bytes do not tell.
    pub why: Option<String>,
}

impl Room {
    /// Whether new work may begin.
    pub fn takes_work(&self) -> bool {
        matches!(self.verdict, Verdict::Enough | Verdict::Low)
    }

    /// Whole mebibytes that the node may still write.
    pub fn free_mebibytes(&self) -> u64 {
        mebibytes(self.free)
    }

    /// The room in a few words, with its figures.
    pub fn detail(&self) -> String {
        let (free, reserve) = (mebibytes(self.free), mebibytes(self.reserve));
        match (self.verdict, &self.why) {
            (Verdict::Enough, _) => format!("{free} MiB are free, {reserve} MiB are the reserve"),
            (Verdict::Low, _) => {
                format!("warning: {free} MiB are free, and below {reserve} MiB nothing is written any more: make room")
            }
            (Verdict::Full, None) => format!("{free} MiB are free, less than the reserve of {reserve} MiB: make room"),
            (Verdict::Full, Some(why)) => format!("the disk is full ({why}): make room"),
            (Verdict::Unwritable, why) => {
                format!("the disk cannot be written ({}): mend it", why.as_deref().unwrap_or("no reason is known"))
            }
        }
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

/// One look: free bytes, or why there is no room although bytes are free, or why nothing can be written.
enum Look {
    Bytes(u64),
    NoRoom(u64, String),
    NoWrites(u64, String),
}

/// Watches a node's folders from a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Disk {
    folders: Vec<PathBuf>,
    probe: PathBuf,
    room: RwLock<Room>,
}

impl Disk {
    /// Looks once and begins to watch. `folders` may lie on different file systems; a probe is written to the first.
    ///
    /// # Errors
    /// [`StorageError::Io`] when the system gives no thread or the first folder cannot be made.
    pub fn watch(folders: Vec<PathBuf>, reserve: u64) -> Result<Arc<Self>, StorageError> {
        let first = folders.first().cloned().unwrap_or_default();
        super::create_directory(&first)?;
        let disk = Arc::new(Self { folders, probe: first.join(PROBE_FILE), room: RwLock::new(unseen(reserve)) });
        disk.look(true);
        let watched = Arc::downgrade(&disk);
        let thread = Builder::new().name("disk".into());
        thread.spawn(move || keep_looking(&watched)).map_err(StorageError::io(&first, "watching"))?;
        Ok(disk)
    }

    /// A disk that nobody watches and that has room: for tests and commands.
    pub fn unwatched() -> Arc<Self> {
        Arc::new(Self { folders: Vec::new(), probe: PathBuf::new(), room: RwLock::new(unseen(0)) })
    }

    /// What was seen last.
    pub fn room(&self) -> Room {
        self.room.read().clone()
    }

    /// Whether new work may begin.
    pub fn takes_work(&self) -> bool {
        self.room.read().takes_work()
    }

    /// Pretends that a look found this, for tests and simulations.
    #[cfg(test)]
    pub fn pretend(&self, verdict: Verdict) {
        self.room.write().verdict = verdict;
    }

    fn look(&self, synced: bool) {
        let seen = self.measure(synced);
        let mut room = self.room.write();
        let next = judge(&room, seen);
        if next.verdict != room.verdict {
            match next.verdict {
                Verdict::Enough => tracing::info!(room = next.detail(), "the disk has room"),
                Verdict::Low => tracing::warn!(room = next.detail(), "the disk fills up"),
                Verdict::Full | Verdict::Unwritable => tracing::error!(
                    room = next.detail(),
                    "nothing new is written until the disk has room; the node goes on by itself then"
                ),
            }
        }
        *room = next;
    }

    fn measure(&self, synced: bool) -> Look {
        let mut free = u64::MAX;
        for folder in self.folders.iter().filter(|folder| folder.exists()) {
            let found = match statvfs(folder) {
                Ok(found) => found,
                Err(cause) => return Look::NoWrites(free, format!("{}: {cause}", folder.display())),
            };
            free = free.min(found.f_bavail.saturating_mul(found.f_frsize));
            if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
                return Look::NoWrites(free, format!("{} is mounted read-only", folder.display()));
            }
            // Some file systems do not count files.
            if found.f_files > 0 && found.f_favail < FILES_MIN {
                return Look::NoRoom(free, format!("{} can hold no more files", folder.display()));
            }
        }
        match write_probe(&self.probe, synced) {
            Ok(()) => Look::Bytes(free),
            Err(cause) => {
                let why = format!("{}: {cause}", self.probe.display());
                let is_full = matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                if is_full { Look::NoRoom(free, why) } else { Look::NoWrites(free, why) }
            }
        }
    }
}

fn unseen(reserve: u64) -> Room {
    Room { verdict: Verdict::Enough, free: u64::MAX, reserve, why: None }
}

fn keep_looking(watched: &Weak<Disk>) {
    for count in 1u32.. {
        std::thread::sleep(LOOK_EVERY);
        let Some(disk) = watched.upgrade() else { return };
        disk.look(count.is_multiple_of(SYNC_EVERY));
    }
}

/// Work that was refused begins again only with some room to spare, or it would stop and go with each file removed.
fn judge(before: &Room, seen: Look) -> Room {
    let reserve = before.reserve;
    let needed = if before.takes_work() { reserve } else { reserve.saturating_add(reserve / 4) };
    let room = |verdict, free, why| Room { verdict, free, reserve, why };
    match seen {
        Look::NoWrites(free, why) => room(Verdict::Unwritable, free, Some(why)),
        Look::NoRoom(free, why) => room(Verdict::Full, free, Some(why)),
        Look::Bytes(free) if free < needed => room(Verdict::Full, free, None),
        Look::Bytes(free) if free < reserve.saturating_mul(2) => room(Verdict::Low, free, None),
        Look::Bytes(free) => room(Verdict::Enough, free, None),
    }
}

fn write_probe(path: &Path, synced: bool) -> io::Result<()> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.write_all_at(b"written again and again to see whether this disk can be written\n", 0)?;
    if synced { file.sync_data() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_stops_below_the_reserve_and_begins_again_with_room_to_spare() {
        let mut room = unseen(1000);
        for (free, expected) in [
            (5000, Verdict::Enough),
            (1999, Verdict::Low),
            (1000, Verdict::Low),
            (999, Verdict::Full),
            (1249, Verdict::Full),
            (1250, Verdict::Low),
            (1000, Verdict::Low),
            (2000, Verdict::Enough),
        ] {
            room = judge(&room, Look::Bytes(free));
            assert_eq!((room.verdict, room.takes_work()), (expected, expected != Verdict::Full), "{free}");
        }
        room = judge(&room, Look::NoWrites(5000, "read-only".into()));
        assert_eq!((room.verdict, room.takes_work()), (Verdict::Unwritable, false));
        assert!(room.detail().contains("read-only"), "{}", room.detail());
        assert_eq!(judge(&room, Look::Bytes(5000)), Room { free: 5000, ..unseen(1000) });
    }

    #[test]
    fn a_disk_is_seen_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let disk = Disk::watch(vec![data.clone(), data.join("ledger")], 1).unwrap();
        let room = disk.room();
        assert!(disk.takes_work() && room.free > 1 && data.join(PROBE_FILE).exists(), "{room:?}");
        let all = Disk::watch(vec![data.clone()], u64::MAX / 4).unwrap();
        assert_eq!(all.room().verdict, Verdict::Full);
        // What stands where the probe belongs: nothing can be written there.
        std::fs::remove_file(data.join(PROBE_FILE)).unwrap();
        std::fs::create_dir(data.join(PROBE_FILE)).unwrap();
        disk.look(false);
        assert_eq!(disk.room().verdict, Verdict::Unwritable);
        std::fs::remove_dir(data.join(PROBE_FILE)).unwrap();
        disk.look(true);
        assert!(disk.takes_work());
    }
}
