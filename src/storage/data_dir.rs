//! Directories that one process owns, and whose names survive a crash.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use super::StorageError;

/// Ownership of a directory for as long as this value lives.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates the directory when it is absent and takes it for this process.
    pub(super) fn acquire(dir: &Path) -> Result<Self, StorageError> {
        create_directory(dir)?;
        let path = dir.join("LOCK");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StorageError::io(&path, "opening the lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked { path: dir.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(StorageError::io(&path, "locking")(cause)),
        }
    }
}

/// Whether a process owns a directory, as far as can be seen.
pub fn is_in_use(dir: &Path) -> bool {
    let file = File::open(dir.join("LOCK"));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Creates a directory, and those above it, so that their names survive a crash. One that is there stays as it is.
///
/// # Errors
/// [`StorageError::Io`].
pub fn create_directory(dir: &Path) -> Result<(), StorageError> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_directory(above)?;
    match fs::create_dir(dir) {
        // Somebody else was faster, and may not have synced it yet.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made.map_err(StorageError::io(dir, "creating the directory"))?,
    }
    sync_directory(above)
}

/// Makes the names in a directory durable: a synced file is lost if its name is not.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StorageError> {
    let handle = File::open(dir).map_err(StorageError::io(dir, "opening the directory"))?;
    handle.sync_all().map_err(StorageError::io(dir, "syncing the directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(dir.path()).unwrap();
        let refused = DirectoryLock::acquire(dir.path()).unwrap_err();
        assert!(refused.to_string().contains("in use by another process"), "{refused}");
        assert!(is_in_use(dir.path()));
        drop(first);
        assert!(!is_in_use(dir.path()) && !is_in_use(&dir.path().join("none")));
        assert!(DirectoryLock::acquire(dir.path()).is_ok());
    }
}
