//! `mulu keygen`: a department's private keys.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::crypto::keyring::Keyring;
use crate::crypto::secret::Secret;
use crate::crypto::sign::Algorithm;

use super::error::CliError;

/// Writes `signing.pem` and `sealing.pem` (PKCS#8, which OpenSSL reads), readable by their owner alone, and prints the
/// public keys. They are encrypted under a key file; without an option that is `DIR.secret`, made when it is not there.
#[derive(Args)]
pub struct Keygen {
    /// Folder for the two files; files that exist are not overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Ed25519 with X25519, or SM2 for both keys
    #[arg(long, value_enum, default_value_t = KeyAlgorithm::Ed25519)]
    algorithm: KeyAlgorithm,
    #[command(flatten)]
    lock: Lock,
}

/// What the keys are encrypted under.
#[derive(Args)]
#[group(multiple = false)]
struct Lock {
    /// A file of 32 random bytes or more, as text; made when it is not there
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file whose one line is a passphrase of 12 bytes or more
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Do not encrypt
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyAlgorithm {
    Ed25519,
    Sm2,
}

impl Keygen {
    pub(super) fn run(self) -> Result<(), CliError> {
        let keyring = Keyring::generate(match self.algorithm {
            KeyAlgorithm::Ed25519 => Algorithm::Ed25519,
            KeyAlgorithm::Sm2 => Algorithm::Sm2,
        })?;
        let secret = self.lock.secret(&self.out)?;
        keyring.save(&self.out, secret.as_ref())?;
        println!("signing_key = \"{}\"", keyring.signing.public());
        println!("sealing_key = \"{}\"", keyring.sealing.public());
        Ok(())
    }
}

impl Lock {
    /// The secret; says on standard error where it is and how `node.toml` names it.
    fn secret(&self, out: &Path) -> Result<Option<Secret>, CliError> {
        if self.plain {
            eprintln!("the keys in {} are not encrypted", out.display());
            return Ok(None);
        }
        if let Some(file) = &self.passphrase_file {
            let secret = Secret::passphrase_file(file)?;
            tell("passphrase_file", file);
            return Ok(Some(secret));
        }
        let file = match &self.key_file {
            Some(file) => file.clone(),
            None => beside(out)?,
        };
        let secret = if file.exists() { Secret::key_file(&file)? } else { Secret::create_key_file(&file)? };
        tell("key_file", &file);
        Ok(Some(secret))
    }
}

fn tell(setting: &str, file: &Path) {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    eprintln!("encrypted under {}; keep it apart from the keys, and write in node.toml:", file.display());
    eprintln!("[keys]\n{setting} = {}", toml::Value::String(absolute.display().to_string()));
}

/// `DIR.secret`: not in the folder, because who copies that would have both.
fn beside(out: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(out).map_err(|e| CliError::io(out, &e))?;
    let mut name = absolute.file_name().map(ToOwned::to_owned).ok_or_else(|| CliError::usage("--out is no folder"))?;
    name.push(".secret");
    Ok(absolute.with_file_name(name))
}
