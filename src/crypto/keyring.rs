//! A department's private keys and their files.

use std::path::Path;

use super::CryptoError;
use super::pem::{self, KeyKind};
use super::seal::SealingKey;
use super::sign::{Algorithm, SigningKey};

const SIGNING_FILE: &str = "signing.pem";
const SEALING_FILE: &str = "sealing.pem";

/// The key that signs and the key to which others seal.
#[derive(Clone)]
pub struct Keyring {
    /// Signs transactions, requests and checkpoints.
    pub signing: SigningKey,
    /// Opens what others sealed to the department.
    pub sealing: SealingKey,
}

impl Keyring {
    /// New keys from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        Ok(Self {
            signing: SigningKey::generate(Algorithm::Ed25519)?,
            sealing: SealingKey::generate(Algorithm::Ed25519.into())?,
        })
    }

    /// Writes `signing.pem` and `sealing.pem` into a directory, each readable by the owner alone.
    ///
    /// # Errors
    /// [`CryptoError::File`]; files that exist are not overwritten.
    pub fn save(&self, dir: &Path) -> Result<(), CryptoError> {
        pem::write_secret(&dir.join(SIGNING_FILE), &pem::encode(KeyKind::Ed25519, &self.signing.secret()))?;
        pem::write_secret(&dir.join(SEALING_FILE), &pem::encode(KeyKind::X25519, &self.sealing.secret()))
    }

    /// Reads the keys of a directory.
    ///
    /// # Errors
    /// [`CryptoError::File`] or [`CryptoError::Key`].
    pub fn load(dir: &Path) -> Result<Self, CryptoError> {
        let key = |name, kind| pem::decode(kind, &pem::read(&dir.join(name))?);
        Ok(Self {
            signing: SigningKey::from_seed(&*key(SIGNING_FILE, KeyKind::Ed25519)?),
            sealing: SealingKey::from_bytes(&*key(SEALING_FILE, KeyKind::X25519)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::crypto::seal;

    fn saved() -> (Keyring, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keyring::generate().unwrap();
        keys.save(dir.path()).unwrap();
        (keys, dir)
    }

    /// Output of the system's OpenSSL; `None` without the program.
    fn openssl(dir: &Path, args: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new("openssl").args(args).current_dir(dir).stdin(Stdio::null()).output().ok()?;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    }

    #[test]
    fn keys_survive_their_files_and_only_the_owner_reads_them() {
        let (keys, dir) = saved();
        let loaded = Keyring::load(dir.path()).unwrap();
        assert_eq!(loaded.signing.public(), keys.signing.public());
        assert_eq!(loaded.sealing.public(), keys.sealing.public());
        for file in [SIGNING_FILE, SEALING_FILE] {
            let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(keys.save(dir.path()).is_err());
        assert!(Keyring::load(&dir.path().join("elsewhere")).is_err());
    }

    #[test]
    fn openssl_reads_the_signing_key_and_accepts_its_signatures() {
        let (keys, dir) = saved();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        write("message", b"hello");
        write("signature", &keys.signing.sign(b"hello"));
        let run = |args: &[&str]| openssl(dir.path(), args);
        let Some(public) = run(&["pkey", "-in", SIGNING_FILE, "-pubout", "-outform", "DER"]) else { return };
        assert_eq!(&public[public.len() - 32..], keys.signing.public().as_bytes());
        run(&["pkeyutl", "-verify", "-inkey", SIGNING_FILE, "-rawin", "-in", "message", "-sigfile", "signature"]);
    }

    /// Key agreement, derivation and decryption done by OpenSSL alone (its version 3.0 has SM4-CTR, which
    /// SM4-GCM is made of: the first block of text is counter 2).
    #[test]
    fn openssl_opens_what_we_sealed() {
        let (keys, dir) = saved();
        let sealed = seal::seal(&keys.sealing.public(), b"context", b"to be read").unwrap();
        let (ephemeral, nonce, text) = (&sealed[1..33], &sealed[33..45], &sealed[45..sealed.len() - 16]);
        let spki = [&hex::decode("302a300506032b656e032100").unwrap(), ephemeral].concat();
        std::fs::write(dir.path().join("peer.der"), spki).unwrap();
        std::fs::write(dir.path().join("text"), text).unwrap();
        let run = |args: &[&str]| openssl(dir.path(), args);
        let derive = ["pkeyutl", "-derive", "-inkey", SEALING_FILE, "-peerkey", "peer.der", "-peerform", "DER"];
        let Some(shared) = run(&derive) else { return };
        let option = |name: &str, bytes: &[u8]| format!("{name}:{}", hex::encode(bytes));
        let recipient = run(&["pkey", "-in", SEALING_FILE, "-pubout", "-outform", "DER"]).unwrap();
        let salt = [ephemeral, &recipient[recipient.len() - 32..]].concat();
        let key = run(&[
            "kdf",
            "-binary",
            "-keylen",
            "16",
            "-kdfopt",
            "digest:SM3",
            "-kdfopt",
            &option("hexkey", &shared),
            "-kdfopt",
            &option("hexsalt", &salt),
            "-kdfopt",
            &option("hexinfo", b"mulu-seal-v1\ncontext"),
            "HKDF",
        ])
        .unwrap();
        let counter = hex::encode([nonce, &[0, 0, 0, 2]].concat());
        let plain = run(&["enc", "-d", "-sm4-ctr", "-in", "text", "-K", &hex::encode(key), "-iv", &counter]).unwrap();
        assert_eq!(plain, b"to be read");
    }
}
