//! `mulu keys`: a department's keys on the ledger, through its running node.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::clock::{Clock as _, DAY_MS, Millis, SystemClock};
use crate::crypto::keyring::Keyring;
use crate::crypto::secret::Secret;
use crate::crypto::sign::KeyId;
use crate::domain::keys::{KeyTerms, NewSigningKey};
use crate::ids::DepartmentId;

use super::demo::client::{Session, http};
use super::error::CliError;

/// Longest file or password read here, in bytes.
const INPUT_BYTES_MAX: u64 = 64 * 1024;

/// Work with keys on the ledger.
#[derive(Subcommand)]
pub enum Keys {
    /// Show the keys that a department has and had
    List(List),
    /// Take new keys; the old signing key ends ten minutes later
    Rotate(Rotate),
    /// End one of the department's own keys at once
    Revoke(Revoke),
    /// Vouch for the key of a department that lost its own
    Endorse(Endorse),
    /// Show new keys, made by `mulu keygen`, to the departments that are to vouch for them: writes what `endorse` reads
    Present(Present),
}

/// At which node, and who.
#[derive(Args)]
pub(super) struct Who {
    /// The node's portal, such as `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL")]
    node: String,
    /// An administrator's account; its password is read from standard input
    #[arg(long)]
    user: String,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    who: Who,
    /// Whose keys
    #[arg(long)]
    department: DepartmentId,
}

#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    who: Who,
    /// Days that the new signing key is good for; without an end when left out
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
    valid_days: Option<u64>,
}

#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    who: Who,
    /// The key's id, 16 hexadecimal digits
    #[arg(value_parser = |text: &str| KeyId::try_from(text.to_owned()))]
    key: KeyId,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct Endorse {
    #[command(flatten)]
    who: Who,
    /// What `mulu keys present` wrote. Make sure that it is really from that department
    file: PathBuf,
    /// How you know, and why it is needed
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct Present {
    /// Folder with the new keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The secret file under which they are encrypted, as `mulu keygen` made it
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The chain's id
    #[arg(long)]
    chain: String,
    /// Whose keys they shall be
    #[arg(long)]
    department: DepartmentId,
    /// Days that the new signing key is good for; without an end when left out
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
    valid_days: Option<u64>,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), CliError> {
        let said = match self {
            Self::List(List { who, department }) => who.call(&format!("/departments/{department}/keys"), None)?,
            Self::Rotate(Rotate { who, valid_days }) => {
                let end = valid_days.map(|days| ("valid_until".to_owned(), json!(end(days))));
                who.call("/keys/rotate", Some(Value::Object(Map::from_iter(end))))?
            }
            Self::Revoke(Revoke { who, key, reason }) => {
                who.call(&format!("/keys/{key}/revoke"), Some(json!({ "reason": reason })))?
            }
            Self::Endorse(Endorse { who, file, reason }) => {
                let mut word = read(&file)?;
                word.insert("reason".to_owned(), json!(reason));
                who.call("/keys/endorsements", Some(Value::Object(word)))?
            }
            Self::Present(present) => present.run()?,
        };
        println!("{said:#}");
        Ok(())
    }
}

impl Who {
    pub(super) fn call(&self, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        let account = self.open()?;
        match body {
            None => account.get(path),
            Some(body) => account.post(path, &body),
        }
    }

    /// Signs in, with the password from standard input.
    pub(super) fn open(&self) -> Result<SignedIn, CliError> {
        let mut password = String::new();
        std::io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut password).map_err(CliError::failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::failed)?;
        let url = self.node.trim_end_matches('/');
        let session =
            runtime.block_on(async { Session::open(&http()?, url, &self.user, password.trim_end()).await })?;
        Ok(SignedIn { runtime, session })
    }
}

/// An account that is signed in.
pub(super) struct SignedIn {
    runtime: tokio::runtime::Runtime,
    session: Session,
}

impl SignedIn {
    pub(super) fn get(&self, path: &str) -> Result<Value, CliError> {
        self.runtime.block_on(self.session.get(path))?.ok(path)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.runtime.block_on(self.session.post(path, body))?.ok(path)
    }
}

impl Present {
    fn run(self) -> Result<Value, CliError> {
        let secret = self.key_file.as_deref().map(Secret::key_file).transpose()?;
        let keys = Keyring::load(&self.keys, secret.as_ref())?;
        let sealing_key = keys.sealing.public().to_string();
        let terms = KeyTerms {
            chain: &self.chain,
            department: &self.department,
            valid_until: self.valid_days.map(end),
            sealing_key: Some(&sealing_key),
        };
        let signing = NewSigningKey::present(&keys.signing, &terms);
        Ok(json!({ "department": self.department, "signing": signing, "sealing_key": sealing_key }))
    }
}

fn end(days: u64) -> Millis {
    SystemClock.now().plus(days * DAY_MS)
}

fn read(path: &Path) -> Result<Map<String, Value>, CliError> {
    let wrong = |why: String| CliError::failed(format_args!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    serde_json::from_reader(file.take(INPUT_BYTES_MAX)).map_err(|e| wrong(e.to_string()))
}
