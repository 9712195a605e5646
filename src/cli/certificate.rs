//! `mulu certificate`: the holder's copy of an e-licence, checked without any node.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::clock::{Clock as _, SystemClock};
use crate::domain::copy_check::{self, Checked, CopyFault};
use crate::service::certificates::pdf::{self, PDF_BYTES_MAX};

use super::error::CliError;
use super::receipt::{self, exit_code};

/// What was shown holds without anybody's word, because no policy said whose counts.
const NOBODY_TRUSTED: u8 = 22;
/// Everything is proven, and the copy's time is not now.
const OUT_OF_TIME: u8 = 23;

/// Check an e-licence, offline.
#[derive(Subcommand)]
pub enum Certificate {
    /// Check that a department issued this copy, and that the ledger which trusted departments cosigned has its issue
    #[command(
        after_help = "Exit codes: 0 proven, and valid today by its own dates; 1 a file cannot be read; 2 wrong use; \
        10 malformed; 11 of another chain; 12 the transaction's signature does not fit; 13 the inclusion path does not \
        lead to the root; 14 a cosignature does not fit; 15 too few cosignatures; 16 the policy file is faulty; \
        17 the copy's signature does not fit; 18 not signed by a key of its issuer; 19 not the document on the ledger; \
        20 the receipt is of another certificate; 22 whole, but without --policy nobody is trusted; 23 proven, but \
        today is not within its dates. Whether it was revoked since is told by the address in it alone."
    )]
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    /// The copy: JSON, or the PDF that has it attached
    file: PathBuf,
    /// Whom to trust, TOML, as for `mulu receipt verify`
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Certificate {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Verify(verify) = self;
        let today = SystemClock.now().date();
        let checked = verify.check();
        let verdict = checked.as_ref().map_err(|_| ()).map(|checked| judge(checked, &today));
        if verify.json {
            println!("{}", told(&checked, verdict.as_ref().ok(), &today));
        } else if let Ok(checked) = &checked {
            print(checked, &today);
        }
        checked?;
        verdict.unwrap_or(Ok(()))
    }
}

impl Verify {
    fn check(&self) -> Result<Checked, CliError> {
        let trust = self.policy.as_deref().map(receipt::policy).transpose()?;
        let length = std::fs::metadata(&self.file).map_err(|e| CliError::io(&self.file, &e))?.len();
        if usize::try_from(length).map_or(true, |length| length > PDF_BYTES_MAX) {
            return Err(CliError::usage(format_args!("{} is longer than 4 MiB", self.file.display())));
        }
        let file = std::fs::read(&self.file).map_err(|e| CliError::io(&self.file, &e))?;
        let copy = pdf::copy_in(file).map_err(|why| fault(&CopyFault::Malformed(why)))?;
        copy_check::check(&copy, trust.as_ref()).map_err(|e| fault(&e))
    }
}

fn fault(fault: &CopyFault) -> CliError {
    let exit = match fault {
        CopyFault::Malformed(_) => 10,
        CopyFault::Receipt(fault) => exit_code(fault),
        CopyFault::Signature => 17,
        CopyFault::Key(_) => 18,
        CopyFault::Digest => 19,
        CopyFault::Record(_) => 20,
    };
    CliError::Proof { exit, code: fault.code(), why: fault.to_string() }
}

/// What keeps a whole copy from being good for its reader.
fn judge(checked: &Checked, today: &str) -> Result<(), CliError> {
    let but = |exit, code, why: &str| Err(CliError::Proof { exit, code, why: why.to_owned() });
    if checked.proven.is_none() {
        return but(NOBODY_TRUSTED, "nobody_trusted", "name whom to trust with --policy: anybody could have made this");
    }
    if !checked.is_in_time(today) {
        return but(OUT_OF_TIME, "out_of_time", "today is not within the dates of the certificate");
    }
    Ok(())
}

fn told(checked: &Result<Checked, CliError>, verdict: Option<&Result<(), CliError>>, today: &str) -> Value {
    let failed = |error: &CliError| match error {
        CliError::Proof { exit, code, why } => json!({ "valid": false, "code": code, "exit": exit, "message": why }),
        error => json!({ "valid": false, "code": "failed", "message": error.to_string() }),
    };
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => return failed(error),
    };
    let mut answer = match verdict {
        Some(Err(error)) => failed(error),
        _ => json!({ "valid": true }),
    };
    let cosigners = checked.proven.iter().flat_map(|proven| &proven.cosigners).map(|one| one.department.to_string());
    let facts = json!({
        "identifier": checked.identifier,
        "type_name": checked.type_name,
        "issuer": checked.issuer,
        "issuer_name": checked.issuer_name,
        "valid_from": checked.valid_from,
        "valid_to": checked.valid_to,
        "in_time": checked.is_in_time(today),
        "key": checked.key.to_string(),
        "document_digest": checked.digest,
        "transaction_id": checked.transaction,
        "ledger_index": checked.index,
        "cosigners": cosigners.collect::<Vec<_>>(),
        "status": "not known offline",
    });
    if let (Some(answer), Value::Object(facts)) = (answer.as_object_mut(), facts) {
        answer.extend(facts);
    }
    answer
}

fn print(checked: &Checked, today: &str) {
    let proven = checked.proven.as_ref();
    let head = if proven.is_some() { "PROVEN" } else { "WHOLE, but nobody is trusted" };
    println!("{head}: {} {}", checked.type_name.zh, checked.identifier);
    println!("issued by   {} ({})", checked.issuer_name.zh, checked.issuer);
    let until = checked.valid_to.as_deref().unwrap_or("no end");
    let now = if checked.is_in_time(today) { "today is within" } else { "today is NOT within" };
    println!("valid       {} to {until}: {now}", checked.valid_from);
    println!("signed by   {}", checked.key);
    println!("document    SM3 {}", checked.digest);
    println!("on ledger   at index {}, transaction {}", checked.index, checked.transaction);
    if let Some(proven) = proven {
        let cosigners: Vec<&str> = proven.cosigners.iter().map(|cosigner| cosigner.department.as_str()).collect();
        println!("checkpoint  size {}, cosigned by {}", proven.size, cosigners.join(", "));
        println!("It is proven that this department signed this text and put its issue on the ledger.");
    } else {
        println!("It is shown that nothing was changed since it was signed, not by whom.");
    }
    println!("It is not proven that it is still in force: ask the address in it, or the code on the paper.");
}
