//! Small files that are there whole or not at all, whatever happens.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::StorageError;
use super::data_dir::{create_directory, sync_directory};

/// Writes a file by way of another one beside it, so that readers and crashes find the old one or the new one. Its
/// folder is made when it is absent. Durable when this has returned.
///
/// # Errors
/// [`StorageError::Io`]; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_directory(dir)?;
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(".new");
    let next = path.with_file_name(name);
    let mut file = File::create(&next).map_err(StorageError::io(&next, "creating"))?;
    file.write_all(bytes).map_err(StorageError::io(&next, "writing"))?;
    file.sync_all().map_err(StorageError::io(&next, "syncing"))?;
    fs::rename(&next, path).map_err(StorageError::io(path, "renaming"))?;
    sync_directory(dir)
}

/// Gives a file or a folder that was written aside its name. Durable when this has returned, if its content is.
///
/// # Errors
/// [`StorageError::Io`].
pub fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).map_err(StorageError::io(to, "renaming"))?;
    sync_directory(to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Makes a folder and everything below it durable.
///
/// # Errors
/// [`StorageError::Io`].
pub fn sync_all(dir: &Path) -> Result<(), StorageError> {
    for item in fs::read_dir(dir).map_err(StorageError::io(dir, "listing"))? {
        let path = item.map_err(StorageError::io(dir, "listing"))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            let file = File::open(&path).map_err(StorageError::io(&path, "opening"))?;
            file.sync_all().map_err(StorageError::io(&path, "syncing"))?;
        }
    }
    sync_directory(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evidence/one.json");
        replace(&path, b"a longer first text").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::create_dir(dir.path().join("taken")).unwrap();
        assert!(replace(&dir.path().join("taken"), b"x").is_err());
    }
}
