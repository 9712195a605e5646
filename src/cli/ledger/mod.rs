//! `mulu ledger`: audits of a ledger's files, offline.

mod replay;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use crate::ledger::checkpoint::SignedCheckpoint;
use crate::storage::ledger_reader::LedgerReader;

use super::error::CliError;
use replay::Replay;

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(2);

/// Audit a ledger, offline.
#[derive(Subcommand)]
pub enum Ledger {
    /// Read a whole ledger, check every signature and rule again, and tell size and root
    Verify(Verify),
}

/// Exits with 0 when every transaction was signed by the department that it names and the files are whole; with 1 and
/// the first leaf at fault otherwise. A running node's ledger may be read; what it writes meanwhile may be missed.
#[derive(Args)]
pub struct Verify {
    /// A node's data directory, or the folder with its segment files
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A signed checkpoint that the ledger must contain, as `GET /api/v1/ledger/checkpoint` answers
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The chain that it must be
    #[arg(long, value_name = "ID")]
    chain: Option<String>,
}

impl Ledger {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Verify(verify) = self;
        verify.run()
    }
}

impl Verify {
    fn run(self) -> Result<(), CliError> {
        let below = self.dir.join("ledger");
        let dir = if below.is_dir() { below } else { self.dir.clone() };
        let mut reader = LedgerReader::open(&dir)?;
        let mut replay = Replay::default();
        let begun = Instant::now();
        let mut told = begun;
        while let Some(record) = reader.next_entry().map_err(|e| CliError::NotValid(e.to_string()))? {
            replay.entry(&record)?;
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                eprintln!("{} transactions …", replay.size());
            }
        }
        replay.finish()?;
        if replay.size() == 0 {
            return Err(CliError::usage(format_args!("{} holds no ledger", dir.display())));
        }
        if let Some(why) = reader.torn() {
            eprintln!("the last file ends unfinished ({why}): a crash, or a node that is writing");
        }
        self.compare(&replay)?;
        report(&replay, begun.elapsed());
        Ok(())
    }

    /// Holds the ledger against what the auditor knows of it from elsewhere.
    fn compare(&self, replay: &Replay) -> Result<(), CliError> {
        if let Some(chain) = self.chain.as_ref().filter(|chain| *chain != replay.chain()) {
            return Err(CliError::NotValid(format!("this is the ledger of {}, not of {chain}", replay.chain())));
        }
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let text = std::fs::read_to_string(path).map_err(|e| CliError::io(path, &e))?;
        let signed = SignedCheckpoint::parse(&text).map_err(|e| CliError::NotValid(e.to_string()))?;
        let cosigners = signed.cosigners(&replay.keys()).map_err(|e| CliError::NotValid(e.to_string()))?;
        let checkpoint = signed.checkpoint();
        if checkpoint.chain() != replay.chain() || cosigners.is_empty() {
            return Err(CliError::NotValid("the checkpoint is not cosigned by a department of this ledger".into()));
        }
        match replay.root_at(checkpoint.size) {
            None => {
                let why = format!("the checkpoint has {} transactions, the ledger {}", checkpoint.size, replay.size());
                Err(CliError::NotValid(why))
            }
            Some(root) if root != checkpoint.root => {
                Err(CliError::NotValid(format!("the first {} transactions have another root", checkpoint.size)))
            }
            Some(_) => {
                let names: Vec<&str> = cosigners.iter().map(|cosigner| cosigner.department.as_str()).collect();
                println!("checkpoint  size {}, cosigned by {}: contained", checkpoint.size, names.join(", "));
                Ok(())
            }
        }
    }
}

fn report(replay: &Replay, took: Duration) {
    println!("VALID: every transaction is signed by the department that it names");
    println!("chain       {}", replay.chain());
    println!("size        {} transactions in {} blocks", replay.size(), replay.blocks());
    println!("root        {}", replay.root());
    println!("refused     {} (by the ledger's rules; they stay in the ledger with their reasons)", replay.refused());
    for (code, count) in replay.refusals() {
        println!("            {count} {code}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
    let speed = replay.size() as f64 / took.as_secs_f64().max(0.001);
    println!("read at     {speed:.0} transactions/s ({:.2} s)", took.as_secs_f64());
}
