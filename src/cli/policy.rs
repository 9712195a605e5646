//! `mulu policy`: the city's rules, through a running node; `check` works without one too.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::crypto::digest::Hash;
use crate::domain::policy::{PolicyDocument, check, principles};
use crate::ids::{AccessId, TxId};
use crate::policy::{Engine, default_document};

use super::error::CliError;
use super::keys::Who;

const MODEL: &str = "model.conf";
const RULES: &str = "rules.csv";
/// Longest file read here, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Work with the city's rules.
#[derive(Subcommand)]
pub enum Policy {
    /// Show the rules in force, or of an earlier version, or write their two files into a folder to be worked on
    Show(Show),
    /// Check a folder's model.conf and rules.csv as every node will; needs no node
    Check(Check),
    /// Put a folder's model.conf and rules.csv before the auditing department (authority)
    Propose(Propose),
    /// Show what waits for its second signature, and what it would change
    Proposals(Proposals),
    /// Put proposed rules into force (auditing department)
    Confirm(Confirm),
    /// Withdraw proposed rules (authority) or refuse them (auditing department)
    Reject(Reject),
    /// Propose an earlier version anew, the one before the present one unless another is named (authority)
    Rollback(Rollback),
    /// Show every version and who signed it
    History(History),
    /// Make the decision on a recorded access again, from the ledger at its index (auditor, administrator)
    Replay(Replay),
}

#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    who: Who,
    /// Which version; the one in force when left out
    #[arg(long)]
    version: Option<u64>,
    /// Write model.conf and rules.csv into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Check {
    /// Folder with model.conf and rules.csv; the rules with which a city begins when left out
    folder: Option<PathBuf>,
}

#[derive(Args)]
pub struct Propose {
    #[command(flatten)]
    who: Who,
    /// Folder with model.conf and rules.csv
    folder: PathBuf,
    /// What changes and why
    #[arg(long)]
    note: String,
}

#[derive(Args)]
pub struct Proposals {
    #[command(flatten)]
    who: Who,
}

#[derive(Args)]
pub struct Confirm {
    #[command(flatten)]
    who: Who,
    /// The proposal's id
    id: TxId,
    /// The digest that `mulu policy proposals` showed of it
    #[arg(long)]
    digest: Hash,
}

#[derive(Args)]
pub struct Reject {
    #[command(flatten)]
    who: Who,
    /// The proposal's id
    id: TxId,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct Rollback {
    #[command(flatten)]
    who: Who,
    /// The version to go back to
    #[arg(long, value_name = "VERSION")]
    to: Option<u64>,
    /// Why
    #[arg(long)]
    note: Option<String>,
}

#[derive(Args)]
pub struct History {
    #[command(flatten)]
    who: Who,
}

#[derive(Args)]
pub struct Replay {
    #[command(flatten)]
    who: Who,
    /// The access
    id: AccessId,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), CliError> {
        let said = match self {
            Self::Show(show) => return show.run(),
            Self::Check(check) => return check.run(),
            Self::Propose(Propose { who, folder, note }) => {
                let (model, rules) = texts(&folder)?;
                who.call("/policy/proposals", Some(json!({ "model": model, "rules": rules, "note": note })))?
            }
            Self::Proposals(Proposals { who }) => who.call("/policy/proposals", None)?,
            Self::Confirm(Confirm { who, id, digest }) => {
                who.call(&format!("/policy/proposals/{id}/confirm"), Some(json!({ "digest": digest })))?
            }
            Self::Reject(Reject { who, id, reason }) => {
                who.call(&format!("/policy/proposals/{id}/reject"), Some(json!({ "reason": reason })))?
            }
            Self::Rollback(Rollback { who, to, note }) => {
                let fields = [("version", to.map(Value::from)), ("note", note.map(Value::from))];
                let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
                who.call("/policy/rollback", Some(Value::Object(said.collect())))?
            }
            Self::History(History { who }) => who.call("/policy/versions", None)?,
            Self::Replay(Replay { who, id }) => {
                let said = who.call(&format!("/audit/accesses/{id}/replay"), None)?;
                println!("{said:#}");
                let is_same = said.get("same").and_then(Value::as_bool).unwrap_or_default();
                let differs = || CliError::NotValid("the ledger does not give the recorded decision".to_owned());
                return if is_same { Ok(()) } else { Err(differs()) };
            }
        };
        println!("{said:#}");
        Ok(())
    }
}

impl Show {
    fn run(self) -> Result<(), CliError> {
        let query = self.version.map(|version| format!("?version={version}")).unwrap_or_default();
        let said = self.who.call(&format!("/policy{query}"), None)?;
        let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(folder) = self.out else {
            println!("# version {}: {}", said.get("version").unwrap_or(&Value::Null), text("note"));
            println!("{}", text("rules"));
            return Ok(());
        };
        std::fs::create_dir_all(&folder).map_err(CliError::failed)?;
        for (file, name) in [(MODEL, "model"), (RULES, "rules")] {
            let path = folder.join(file);
            std::fs::write(&path, text(name)).map_err(|e| failed(&path, &e))?;
            println!("{}", path.display());
        }
        Ok(())
    }
}

impl Check {
    fn run(self) -> Result<(), CliError> {
        let document = match &self.folder {
            Some(folder) => {
                let (model, rules) = texts(folder)?;
                PolicyDocument { version: 1, model, rules }
            }
            None => default_document(),
        };
        let rules = check(&document).map_err(|wrong| CliError::NotValid(wrong.to_string()))?;
        Engine::new(&document).map_err(|wrong| CliError::NotValid(wrong.to_string()))?;
        println!("{} rules keep all {} principles", rules.len(), principles::all().len());
        for idle in principles::idle(&rules) {
            println!("line {}: {} never decides: earlier rules take all that it speaks of", idle.line, idle.id);
        }
        Ok(())
    }
}

fn texts(folder: &Path) -> Result<(String, String), CliError> {
    Ok((read(&folder.join(MODEL))?, read(&folder.join(RULES))?))
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| failed(path, &e))?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|e| failed(path, &e))?;
    Ok(text)
}

fn failed(path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format_args!("{}: {error}", path.display()))
}
