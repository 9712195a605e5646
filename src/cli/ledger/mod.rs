//! `mulu ledger`: audits and copies of a whole ledger, and following one from outside.

mod archive;
mod evidence;
mod export;
mod progress;
mod replay;
mod resume;
mod source;
mod verify;
mod watch;
mod workers;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::error::CliError;
use source::{Place, Remote};

/// Audit a ledger, or copy it into files that any web server can serve.
#[derive(Subcommand)]
pub enum Ledger {
    /// Check everything: every hash, signature, key, rule and time, the state and the cosignatures
    Verify(verify::Verify),
    /// Write the whole ledger as static files (C2SP tlog-tiles)
    Export(export::Export),
    /// Move old segment files to an archive
    Archive(archive::Archive),
    /// Explain and check the evidence for which a node stopped, and accept it
    Evidence(evidence::Explain),
    /// Follow a running ledger and raise an alarm when somebody lies or falls silent
    Watch(watch::Watch),
}

/// Where a ledger is.
#[derive(Args)]
#[group(skip)]
struct From {
    /// A node's data directory, the folder with its segment files, or an exported folder
    #[arg(long, value_name = "DIR", required_unless_present = "url", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// The address of tiles: a node's `/tiles`, or where an exported folder is served
    #[arg(long = "from", value_name = "URL")]
    url: Option<String>,
    /// A file with a token of the node
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
}

impl From {
    fn place(&self) -> Result<Place, CliError> {
        match (&self.dir, &self.url) {
            (Some(dir), _) => Place::of_dir(dir),
            (_, Some(url)) => Ok(Place::Remote(Remote::new(url, self.token_file.as_deref())?)),
            _ => Err(CliError::usage("give --dir or --from")),
        }
    }
}

/// Audits a node's folder and answers how many transactions its ledger has.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn audit(dir: &Path, threads: usize) -> Result<u64, CliError> {
    let mut replay = replay::Replay::new(None);
    workers::run(Place::of_dir(dir)?.open(None)?.as_mut(), &mut replay, threads, |_| Ok(()))?;
    if replay.refused() > 0 {
        return Err(CliError::failed(format_args!("{} transactions were refused", replay.refused())));
    }
    Ok(replay.size())
}

impl Ledger {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Export(export) => export.run(),
            Self::Archive(archive) => archive.run(),
            Self::Evidence(explain) => explain.run(),
            Self::Watch(watch) => watch.run(),
        }
    }
}

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod flip_tests;
#[cfg(test)]
mod lies_tests;
