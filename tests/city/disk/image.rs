//! A disk as a power cut may leave it: what was synced is there; of all else any part is lost or torn.
//!
//! The model: a write is kept or lost sector by sector (512 bytes), whatever came before or after it; so are a file's
//! cuts and extensions. The names of one directory are journaled by the file system: of those that were not synced, the
//! first ones are kept and the others lost. A file's own sync says nothing of its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::journal::Change;
use crate::storms::chance::Chance;

const SECTOR: u64 = 512;

#[derive(Clone, Debug)]
enum Unsynced {
    Write { offset: u64, data: Vec<u8> },
    Truncate { length: u64 },
}

#[derive(Clone, Debug, Default)]
struct File {
    synced: Vec<u8>,
    unsynced: Vec<Unsynced>,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    File(usize),
    Directory,
}

#[derive(Clone, Debug)]
enum Naming {
    Put(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl Naming {
    /// The directory whose sync makes it last.
    fn directory(&self) -> &Path {
        let (Self::Put(path, _) | Self::Remove(path) | Self::Rename(_, path)) = self;
        path.parent().unwrap()
    }
}

/// A disk while changes come in.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The file that an inode is now: numbers are used again.
    inodes: BTreeMap<u64, usize>,
    names: BTreeMap<PathBuf, Node>,
    unsynced_names: Vec<Naming>,
}

/// How much of what was not synced a cut leaves.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// How many of a hundred sectors and lengths are kept.
    pub sectors: u64,
    /// How many of a hundred directories keep all their names; others keep the first ones.
    pub names: u64,
}

impl Loss {
    /// A cut's manner: everything lost, nothing lost, or something between.
    pub fn any(chance: &mut Chance) -> Self {
        const LIKELY: [u64; 6] = [0, 10, 50, 90, 97, 100];
        let mut choose = || *chance.pick(&LIKELY);
        Self { sectors: choose(), names: choose() }
    }
}

impl Disk {
    /// A disk with a folder on it that was synced long ago, or without it when there is none yet.
    pub fn with(dir: &Path) -> Self {
        let mut disk = Self::default();
        if dir.exists() {
            disk.names.insert(dir.to_owned(), Node::Directory);
            disk.take(dir);
        }
        disk
    }

    fn take(&mut self, dir: &Path) {
        use std::os::unix::fs::MetadataExt as _;
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let found = std::fs::metadata(&path).unwrap();
            let node = if found.is_dir() {
                self.take(&path);
                Node::Directory
            } else {
                self.inodes.insert(found.ino(), self.files.len());
                self.files.push(File { synced: std::fs::read(&path).unwrap(), unsynced: Vec::new() });
                Node::File(self.files.len() - 1)
            };
            self.names.insert(path, node);
        }
    }

    /// Makes a change.
    pub fn change(&mut self, change: &Change) {
        match change {
            Change::Create { path, inode } => {
                self.inodes.insert(*inode, self.files.len());
                self.unsynced_names.push(Naming::Put(path.clone(), Node::File(self.files.len())));
                self.files.push(File::default());
            }
            Change::Write { inode, offset, data } => {
                self.unsynced(*inode, Unsynced::Write { offset: *offset, data: data.clone() });
            }
            Change::Truncate { inode, length } => self.unsynced(*inode, Unsynced::Truncate { length: *length }),
            Change::Sync { inode } => {
                let Some(file) = self.inodes.get(inode).map(|at| &mut self.files[*at]) else { return };
                for change in std::mem::take(&mut file.unsynced) {
                    make(&mut file.synced, &change, |_| true);
                }
            }
            Change::SyncDirectory { path } => {
                let (last, other): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.unsynced_names).into_iter().partition(|naming| naming.directory() == path);
                last.iter().for_each(|naming| name(&mut self.names, naming));
                self.unsynced_names = other;
            }
            Change::Rename { from, to } => self.unsynced_names.push(Naming::Rename(from.clone(), to.clone())),
            Change::Unlink { path } | Change::RemoveDirectory { path } => {
                self.unsynced_names.push(Naming::Remove(path.clone()));
            }
            Change::MakeDirectory { path } => self.unsynced_names.push(Naming::Put(path.clone(), Node::Directory)),
        }
    }

    fn unsynced(&mut self, inode: u64, change: Unsynced) {
        // A file that was opened before its folder was looked at is none of ours.
        if let Some(at) = self.inodes.get(&inode) {
            self.files[*at].unsynced.push(change);
        }
    }

    /// Writes down what a power cut leaves of a folder, into another place.
    pub fn cut(&self, dir: &Path, loss: Loss, chance: &mut Chance, into: &Path) {
        let mut names = self.names.clone();
        let mut kept: BTreeMap<&Path, bool> = BTreeMap::new();
        for naming in &self.unsynced_names {
            let directory = kept.entry(naming.directory()).or_insert(true);
            *directory = *directory && chance.percent(loss.names);
            if *directory {
                name(&mut names, naming);
            }
        }
        for (path, node) in &names {
            // A file whose directory was lost is lost with it.
            let is_there = path
                .ancestors()
                .skip(1)
                .take_while(|above| above.starts_with(dir))
                .all(|above| names.contains_key(above));
            let Some(place) = path.strip_prefix(dir).ok().filter(|_| is_there) else { continue };
            let place = into.join(place);
            match node {
                Node::Directory => std::fs::create_dir_all(&place).unwrap(),
                Node::File(at) => {
                    let file = &self.files[*at];
                    let mut bytes = file.synced.clone();
                    for change in &file.unsynced {
                        make(&mut bytes, change, |_| chance.percent(loss.sectors));
                    }
                    std::fs::write(&place, bytes).unwrap();
                }
            }
        }
    }
}

/// Makes those parts of a change that are kept.
fn make(bytes: &mut Vec<u8>, change: &Unsynced, mut is_kept: impl FnMut(u64) -> bool) {
    match change {
        Unsynced::Truncate { length } => {
            if is_kept(*length) {
                bytes.resize(usize::try_from(*length).unwrap(), 0);
            }
        }
        Unsynced::Write { offset, data } => {
            let end = offset + data.len() as u64;
            let mut at = *offset;
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if is_kept(at) {
                    let (from, to) = (usize::try_from(at).unwrap(), usize::try_from(next).unwrap());
                    if bytes.len() < to {
                        bytes.resize(to, 0);
                    }
                    let start = usize::try_from(at - offset).unwrap();
                    bytes[from..to].copy_from_slice(&data[start..start + (to - from)]);
                }
                at = next;
            }
        }
    }
}

fn name(names: &mut BTreeMap<PathBuf, Node>, naming: &Naming) {
    match naming {
        Naming::Put(path, node) => drop(names.insert(path.clone(), *node)),
        Naming::Remove(path) => drop(names.remove(path)),
        Naming::Rename(from, to) => {
            let below: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
            for path in below {
                let node = names.remove(&path).unwrap();
                names.insert(to.join(path.strip_prefix(from).unwrap()), node);
            }
        }
    }
}

#[test]
fn a_cut_keeps_what_was_synced_and_any_part_of_the_rest() {
    let (dir, into) = (Path::new("/d"), tempfile::tempdir().unwrap());
    let mut disk = Disk::default();
    let path = dir.join("file");
    let write = |offset, byte: u8| Change::Write { inode: 7, offset, data: vec![byte; 1024] };
    for change in [
        Change::MakeDirectory { path: dir.to_owned() },
        Change::SyncDirectory { path: "/".into() },
        Change::Create { path: path.clone(), inode: 7 },
        write(0, 1),
        Change::Sync { inode: 7 },
    ] {
        disk.change(&change);
    }
    let cut = |disk: &Disk, sectors, names, name: &str| {
        let place = into.path().join(name);
        disk.cut(dir, Loss { sectors, names }, &mut Chance::by(3), &place);
        std::fs::read(place.join("file")).ok()
    };
    assert_eq!(cut(&disk, 100, 0, "nameless"), None, "its name was not synced");
    disk.change(&Change::SyncDirectory { path: dir.to_owned() });
    disk.change(&write(512, 2));
    assert_eq!(cut(&disk, 0, 0, "lost"), Some(vec![1; 1024]));
    let whole = cut(&disk, 100, 100, "whole").unwrap();
    assert_eq!((whole.len(), whole[511], whole[512], whole[1535]), (1536, 1, 2, 2));
    let torn: Vec<Vec<u8>> = (0..20)
        .map(|seed| {
            let place = into.path().join(format!("torn-{seed}"));
            disk.cut(dir, Loss { sectors: 50, names: 50 }, &mut Chance::by(seed), &place);
            std::fs::read(place.join("file")).unwrap()
        })
        .collect();
    // The second sector without the first: a hole is zeros, what was synced stays.
    assert!(torn.iter().any(|bytes| bytes.len() == 1536 && bytes[512] == 1 && bytes[1024] == 2));
    assert!(torn.iter().any(|bytes| bytes.len() == 1024 && bytes[512] == 2));
    disk.change(&Change::Rename { from: path.clone(), to: dir.join("other") });
    assert!(cut(&disk, 0, 0, "old name").is_some() && cut(&disk, 0, 100, "new name").is_none());
}
