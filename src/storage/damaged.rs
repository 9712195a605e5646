//! Where damaged files are kept: nothing is deleted that might still be read by somebody who knows more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::Millis;

use super::StorageError;
use super::whole_file;

/// The folder, within a node's data.
pub const DAMAGED_DIR: &str = "damaged";

/// Moves a file or folder into a folder of that moment, below `damaged`; answers where it lies now.
///
/// # Errors
/// [`StorageError::Io`]; the file then lies where it was.
pub fn set_aside(damaged: &Path, now: Millis, path: &Path) -> Result<PathBuf, StorageError> {
    let dir = damaged.join(now.0.to_string());
    fs::create_dir_all(&dir).map_err(StorageError::io(&dir, "creating the directory"))?;
    let name = path.file_name().unwrap_or_default();
    let taken = |n: &u32| dir.join(format!("{}.{n}", name.to_string_lossy()));
    let free = std::iter::once(dir.join(name)).chain((2..u32::MAX).map(|n| taken(&n))).find(|to| !to.exists());
    let to = free.unwrap_or_else(|| dir.join(name));
    whole_file::rename(path, &to)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_one_name_and_moment_are_both_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (damaged, path) = (dir.path().join(DAMAGED_DIR), dir.path().join("local.db"));
        for text in ["one", "two", "three"] {
            fs::write(&path, text).unwrap();
            let kept = set_aside(&damaged, Millis(7), &path).unwrap();
            assert_eq!(fs::read_to_string(&kept).unwrap(), text);
            assert!(kept.starts_with(damaged.join("7")) && !path.exists());
        }
        assert!(set_aside(&damaged, Millis(7), &path).is_err());
    }
}
