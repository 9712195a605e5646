//! `mulu ledger evidence`: what a node's or a watch's evidence says, whether it holds, and the operator's word that it was seen.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::receipt::{policy, read};
use crate::consensus::ACCEPTED_DIR;
use crate::ledger::evidence::{Evidence, Shown};
use crate::ledger::sighting::Sighting;
use crate::ledger::trust::TrustPolicy;

const MALFORMED: u8 = 20;
const SHOWS_NOTHING: u8 = 21;
const OTHER_CHAIN: u8 = 11;

/// Explains a file of evidence in plain words and checks what can be checked without any node.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 the evidence holds; 1 a file cannot be read or moved; 2 wrong use; 11 of another chain than \
    the policy's; 16 the policy file is faulty; 20 malformed; 21 it does not show what it claims."
)]
pub struct Explain {
    /// The file, in a node's data/evidence, or in a watch's STATE.evidence
    file: PathBuf,
    /// Whose keys to trust (TOML, as for receipts); otherwise the keys that the node knew and wrote into the file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Say, as this node's operator, that you have seen it: the file moves to evidence/accepted, and the node serves
    /// again when it is started again. A watch goes on by itself
    #[arg(long)]
    accept: bool,
}

impl Explain {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let trust = self.policy.as_deref().map(policy).transpose()?;
        let checked = self.check(trust.as_ref());
        match &checked {
            Ok((found, shown)) => print(found, shown, trust.is_some()),
            // What does not hold can be accepted all the same: the node stands still because of it.
            Err(error) if self.accept => eprintln!("mulu: {error}"),
            Err(_) => {}
        }
        if self.accept {
            let moved = accept(&self.file)?;
            let next = if matches!(checked, Ok((Found::ByWatch(_), _))) { "" } else { "; start the node again" };
            println!("accepted: moved to {}{next}", moved.display());
            return Ok(());
        }
        checked.map(|_| ())
    }

    fn check(&self, trust: Option<&TrustPolicy>) -> Result<(Found, Shown), CliError> {
        let fault = |exit, code, why: String| CliError::Proof { exit, code, why };
        let found = Found::parse(&read(&self.file)?).map_err(|why| fault(MALFORMED, "malformed", why))?;
        if let Some(trust) = trust.filter(|trust| trust.chain() != found.chain()) {
            let why = format!("the evidence is of chain {}, the policy of {}", found.chain(), trust.chain());
            return Err(fault(OTHER_CHAIN, "other_chain", why));
        }
        let keys = trust.map(TrustPolicy::departments);
        let shown = match &found {
            Found::ByNode(evidence) => evidence.finding.verify(&evidence.chain, keys),
            Found::ByWatch(sighting) => sighting.verify(keys),
        };
        let shown = shown.map_err(|why| fault(SHOWS_NOTHING, "shows_nothing", why))?;
        Ok((found, shown))
    }
}

/// Who found it.
enum Found {
    ByNode(Evidence),
    ByWatch(Sighting),
}

impl Found {
    fn parse(text: &str) -> Result<Self, String> {
        Sighting::parse(text).map(Self::ByWatch).or_else(|_| Evidence::parse(text).map(Self::ByNode))
    }

    fn chain(&self) -> &str {
        match self {
            Self::ByNode(evidence) => &evidence.chain,
            Self::ByWatch(sighting) => &sighting.chain,
        }
    }
}

fn print(found: &Found, shown: &Shown, is_trusted: bool) {
    let explained = match found {
        Found::ByNode(evidence) => {
            let kind = evidence.finding.kind();
            println!("{kind}: found by the node of {} at {}", evidence.found_by, evidence.found_ms);
            evidence.finding.explain()
        }
        Found::ByWatch(sighting) => {
            println!("{}: shown to a watch by {} at {}", sighting.kind.name(), sighting.url, sighting.seen_ms);
            sighting.explain()
        }
    };
    println!("chain {}", found.chain());
    println!();
    println!("{explained}");
    println!();
    println!("Checked, and holds:");
    shown.proven.iter().for_each(|line| println!("  - {line}"));
    if !is_trusted {
        println!("  (with the keys that the file names; give --policy to use keys that you trust)");
    }
    println!("Not proven by this file:");
    shown.unproven.iter().for_each(|line| println!("  - {line}"));
}

/// Moves the file, so that the node finds it among those that were seen.
fn accept(file: &Path) -> Result<PathBuf, CliError> {
    let name = file.file_name().ok_or_else(|| CliError::usage("this is no file"))?;
    let dir = file.parent().unwrap_or(Path::new("")).join(ACCEPTED_DIR);
    fs::create_dir_all(&dir).map_err(|e| CliError::io(&dir, &e))?;
    let moved = dir.join(name);
    fs::rename(file, &moved).map_err(|e| CliError::io(file, &e))?;
    Ok(moved)
}
