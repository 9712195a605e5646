//! `mulu receipt`: proofs that somebody holds, checked without any node.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::ledger::receipt::{Proven, Receipt as Proof, ReceiptFault};
use crate::ledger::trust::TrustPolicy;

use super::error::CliError;

/// Longest file read here, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Exit code for a policy file that is not one; a receipt's own faults have the codes before it.
const POLICY_FAULTY: u8 = 16;

/// Audit a receipt, offline.
#[derive(Subcommand)]
pub enum Receipt {
    /// Check that a receipt's transaction stands in the ledger that trusted departments cosigned
    #[command(
        after_help = "Exit codes: 0 valid; 1 a file cannot be read; 2 wrong use; 10 malformed; 11 of another chain; \
        12 the transaction's signature does not fit; 13 the inclusion path does not lead to the root; \
        14 a cosignature does not fit; 15 too few cosignatures; 16 the policy file is faulty."
    )]
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    /// The receipt, JSON
    file: PathBuf,
    /// Whom to trust, TOML: `chain`, `[departments]` with each one's public key or keys, and either `signatures_min`
    /// or `quorum` with `[groups.<name>] at_least, of`
    #[arg(long, value_name = "FILE", alias = "keys")]
    policy: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Receipt {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Verify(verify) = self;
        let verdict = verify.run();
        if verify.json {
            let told = match &verdict {
                Ok(proven) => valid(proven),
                Err(CliError::Proof { exit, code, why }) => {
                    json!({ "valid": false, "code": code, "exit": exit, "message": why })
                }
                Err(error) => json!({ "valid": false, "code": "failed", "message": error.to_string() }),
            };
            println!("{told}");
        } else if let Ok(proven) = &verdict {
            print(proven);
        }
        verdict.map(|_| ())
    }
}

impl Verify {
    fn run(&self) -> Result<Proven, CliError> {
        let trust = policy(&self.policy)?;
        let fault = |fault: ReceiptFault| CliError::Proof {
            exit: exit_code(&fault),
            code: fault.code(),
            why: fault.to_string(),
        };
        let text = read(&self.file)?;
        Proof::parse(&text).map_err(ReceiptFault::from).and_then(|receipt| receipt.verify(&trust)).map_err(fault)
    }
}

/// Reads a policy file.
pub(super) fn policy(path: &Path) -> Result<TrustPolicy, CliError> {
    toml::from_str(&read(path)?).map_err(|error| CliError::Proof {
        exit: POLICY_FAULTY,
        code: "policy_faulty",
        why: format!("the policy file {}: {error}", path.display()),
    })
}

pub(super) fn exit_code(fault: &ReceiptFault) -> u8 {
    match fault {
        ReceiptFault::Malformed(_) => 10,
        ReceiptFault::OtherChain(_) => 11,
        ReceiptFault::TransactionSignature(_) => 12,
        ReceiptFault::Inclusion => 13,
        ReceiptFault::Cosignature(_) => 14,
        ReceiptFault::TooFew(_) => 15,
    }
}

fn valid(proven: &Proven) -> Value {
    let cosigners = proven.cosigners.iter();
    let cosigners: Vec<Value> =
        cosigners.map(|cosigner| json!({ "department": cosigner.department, "time_s": cosigner.time_s })).collect();
    json!({
        "valid": true,
        "index": proven.index,
        "signer": proven.signer,
        "key": proven.transaction.key(),
        "size": proven.size,
        "root": proven.root,
        "state": proven.state,
        "cosigners": cosigners,
        "payload": serde_json::from_str::<Value>(proven.transaction.payload()).unwrap_or_default(),
    })
}

fn print(proven: &Proven) {
    let cosigners: Vec<&str> = proven.cosigners.iter().map(|cosigner| cosigner.department.as_str()).collect();
    println!("VALID: this is transaction {} of the ledger", proven.index);
    match &proven.signer {
        Some(signer) => println!("signed by   {signer}, key {}", proven.transaction.key()),
        None => println!("signed by   key {}, which the policy does not know", proven.transaction.key()),
    }
    println!("checkpoint  size {}, root {}", proven.size, proven.root);
    println!("cosigned by {}", cosigners.join(", "));
    println!("payload     {}", proven.transaction.payload());
    println!("It is proven that the transaction stands in the ledger, not that the ledger's rules accepted it.");
}

pub(super) fn read(path: &Path) -> Result<String, CliError> {
    let length = std::fs::metadata(path).map_err(|e| CliError::io(path, &e))?.len();
    if length > FILE_BYTES_MAX {
        return Err(CliError::usage(format_args!("{} is longer than 1 MiB", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|e| CliError::io(path, &e))?;
    // What is not text is malformed where it is parsed.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
