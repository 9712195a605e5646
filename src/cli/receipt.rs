//! `mulu receipt`: proofs that somebody holds, checked without any node.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::ledger::receipt::{Receipt as Proof, TrustPolicy};

use super::error::CliError;

/// Longest file read here, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Audit a receipt, offline.
#[derive(Subcommand)]
pub enum Receipt {
    /// Check that a receipt's transaction stands in the ledger that trusted departments signed
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    /// The receipt, JSON
    file: PathBuf,
    /// Whom to trust, TOML: `chain`, `signatures_min`, `[departments]` with each one's public key
    #[arg(long, value_name = "FILE", alias = "keys")]
    policy: PathBuf,
}

impl Receipt {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Verify(Verify { file, policy }) = self;
        let trust: TrustPolicy =
            toml::from_str(&read(&policy)?).map_err(|e| CliError::usage(format_args!("{}: {e}", policy.display())))?;
        let not_valid = |why: crate::ledger::LedgerError| CliError::NotValid(why.to_string());
        let proven = Proof::parse(&read(&file)?).and_then(|receipt| receipt.verify(&trust)).map_err(not_valid)?;
        let cosigners: Vec<&str> = proven.cosigners.iter().map(|department| department.as_str()).collect();
        println!("VALID: transaction {} of {}", proven.index, trust.chain);
        match &proven.signer {
            Some(signer) => println!("signed by   {signer}"),
            None => println!("signed by   a key that the policy does not know"),
        }
        println!("checkpoint  size {}, root {}", proven.size, proven.root);
        println!("cosigned by {}", cosigners.join(", "));
        println!("payload     {}", proven.transaction.payload());
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    let length = std::fs::metadata(path).map_err(|e| CliError::io(path, &e))?.len();
    if length > FILE_BYTES_MAX {
        return Err(CliError::usage(format_args!("{} is longer than 1 MiB", path.display())));
    }
    std::fs::read_to_string(path).map_err(|e| CliError::io(path, &e))
}
