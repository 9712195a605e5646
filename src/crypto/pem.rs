//! Key and certificate files: PKCS#8 version 1 in PEM (RFC 8410), which OpenSSL reads, mode 0600.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::CryptoError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// No key or certificate file is longer.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Which curve a private key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Signatures.
    Ed25519,
    /// Key agreement.
    X25519,
}

impl KeyKind {
    /// DER up to the key itself: version 0, OID 1.3.101.112 or 1.3.101.110, octet string in octet string.
    fn prefix(self) -> [u8; 16] {
        let oid_end = match self {
            Self::Ed25519 => 0x70,
            Self::X25519 => 0x6e,
        };
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, oid_end, 0x04, 0x22, 0x04, 0x20]
    }
}

/// The PEM text of a private key.
pub fn encode(kind: KeyKind, key: &[u8; 32]) -> Zeroizing<String> {
    let mut der = Zeroizing::new([0u8; 48]);
    der[..16].copy_from_slice(&kind.prefix());
    der[16..].copy_from_slice(key);
    let body = Zeroizing::new(BASE64.encode(der.as_ref()));
    Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", body.as_str()))
}

/// Reads a private key of the given kind.
///
/// # Errors
/// [`CryptoError::Key`] when the text is something else.
pub fn decode(kind: KeyKind, text: &str) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let wrong = || CryptoError::Key(format!("not a PKCS#8 PEM file with an {kind:?} key"));
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or_else(wrong)?;
    let body = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    let der = Zeroizing::new(BASE64.decode(body.as_bytes()).map_err(|_| wrong())?);
    let key = der.strip_prefix(&kind.prefix()).ok_or_else(wrong)?;
    let key: &[u8; 32] = key.try_into().map_err(|_| wrong())?;
    Ok(Zeroizing::new(*key))
}

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
    fn a_key_survives_its_file_and_is_not_taken_for_another_kind() {
        let text = encode(KeyKind::Ed25519, &[7; 32]);
        assert_eq!(*decode(KeyKind::Ed25519, &text).unwrap(), [7; 32]);
        assert!(decode(KeyKind::X25519, &text).is_err());
        assert!(decode(KeyKind::Ed25519, &text.replace("BwcH", "")).is_err());
        assert!(decode(KeyKind::Ed25519, "").is_err());
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/key.pem");
        write_secret(&path, "one").unwrap();
        assert!(write_secret(&path, "two").is_err());
        assert_eq!(read(&path).unwrap().as_str(), "one");
    }
}
