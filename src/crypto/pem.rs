//! Key and certificate files on disk: private ones have mode 0600, and none is ever overwritten.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::CryptoError;

/// No key or certificate file is longer.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Writes a new file that only its owner can read, and flushes it. An existing file stays as it is.
///
/// # Errors
/// [`CryptoError::File`], also when the file exists.
pub fn write_secret(path: &Path, text: &str) -> Result<(), CryptoError> {
    write(path, text, 0o600)
}

/// Writes a new file that everybody can read.
///
/// # Errors
/// [`CryptoError::File`], also when the file exists.
pub fn write_public(path: &Path, text: &str) -> Result<(), CryptoError> {
    write(path, text, 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CryptoError> {
    let create = || -> io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    create().map_err(|e| file_error(path, &e))
}

/// Reads a key or certificate file.
///
/// # Errors
/// [`CryptoError::File`].
pub fn read(path: &Path) -> Result<Zeroizing<String>, CryptoError> {
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).map_err(|e| file_error(path, &e))?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|e| file_error(path, &e))?;
    Ok(text)
}

fn file_error(path: &Path, cause: &io::Error) -> CryptoError {
    CryptoError::File { path: path.display().to_string(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/key.pem");
        write_secret(&path, "one").unwrap();
        assert!(write_secret(&path, "two").is_err());
        assert_eq!(read(&path).unwrap().as_str(), "one");
    }
}
