//! Times the audit of a made-up ledger: nine in ten transactions record an access, one opens a case.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::ledger::audit;
use crate::clock::Millis;
use crate::crypto::digest::{HashAlgorithm, sm3};
use crate::crypto::sign::SigningKey;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::case::{CaseOpening, SignOffStep};
use crate::domain::command::{AccessBatch, Command, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, GrantId, IdError, TxId};
use crate::ledger::block::Block;
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;

use super::Folder;
use super::usage::processor_time;

/// Transactions of a block.
const BLOCK: u64 = 40;
/// When the made-up ledger begins.
const BEGIN: Millis = Millis(1_795_000_000_000);

#[derive(Args)]
pub struct Audit {
    /// Transactions of the ledger
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    transactions: u64,
    /// Cores to use
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=256))]
    threads: u64,
    /// Where to put the ledger for the time of the measurement [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<std::path::PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), CliError> {
        let folder = Folder::new(self.dir.clone());
        City::new()?.write(&folder.0, self.transactions)?;
        let (begun, before) = (Instant::now(), processor_time(std::process::id()));
        let size = audit(&folder.0, usize::try_from(self.threads).unwrap_or(1))?;
        let (wall, cpu) = (begun.elapsed(), processor_time(std::process::id()).saturating_sub(before));
        #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
        let speed = |time: Duration| (size as f64 / time.as_secs_f64().max(0.001)).round();
        if self.json {
            let shown = json!({
                "transactions": size, "threads": self.threads,
                "per_second": speed(wall), "per_second_of_processor_time": speed(cpu),
            });
            println!("{shown}");
        } else {
            println!("{size} transactions, {} threads", self.threads);
            println!("{} a second, {} a second of processor time", speed(wall), speed(cpu));
        }
        Ok(())
    }
}

/// A city of three departments.
struct City {
    chain: String,
    genesis: Transaction,
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

fn name(n: u8) -> String {
    format!("department-{n}")
}

fn faulty(error: IdError) -> CliError {
    CliError::failed(error)
}

impl City {
    fn new() -> Result<Self, CliError> {
        let mut departments = Vec::new();
        for n in 1..=3 {
            departments.push(Department {
                id: name(n).parse().map_err(faulty)?,
                name: text("部门", "Department"),
                uscc: "11110000000021135M".into(),
                signing_key: key(n).public(),
                signing_key_valid_until: None,
                sealing_key: String::new(),
                voter: true,
                node_id: n.into(),
            });
        }
        let genesis = Command::Genesis(Genesis {
            city: text("城市", "City"),
            hash: HashAlgorithm::Sm3,
            authority: name(1).parse().map_err(faulty)?,
            auditor: name(2).parse().map_err(faulty)?,
            cosignatures_min: None,
            endorsements_min: None,
            edition: None,
            departments,
            policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
        });
        let payload = payload(1, BEGIN, genesis)?;
        let chain = chain_id(&payload);
        let genesis = Transaction::sign(&chain, payload.as_bytes(), &key(1))?;
        Ok(Self { chain, genesis })
    }

    /// Writes a node's folder with the ledger.
    fn write(&self, dir: &Path, transactions: u64) -> Result<(), CliError> {
        let log = LedgerLog::open(&dir.join("ledger"))?;
        let mut rest = transactions.saturating_sub(1);
        let (mut height, mut block) = (0, vec![self.genesis.clone()]);
        while !block.is_empty() {
            let time = BEGIN.plus(height);
            let data = Block { height, time, transactions: std::mem::take(&mut block) }.encode();
            log.append(&[RecordRef { index: height + 1, term: 1, kind: 0, data: &data }])?;
            height += 1;
            for n in 0..rest.min(BLOCK) {
                block.push(self.transaction(height * BLOCK + n, BEGIN.plus(height))?);
            }
            rest -= rest.min(BLOCK);
        }
        log.sync()?;
        Ok(())
    }

    fn transaction(&self, n: u64, time: Millis) -> Result<Transaction, CliError> {
        let who = u8::try_from(n % 3).unwrap_or_default() + 1;
        let command = if n.is_multiple_of(10) { opening()? } else { access(who, n, time)? };
        Ok(Transaction::sign(&self.chain, payload(who, time, command)?.as_bytes(), &key(who))?)
    }
}

fn payload(who: u8, time: Millis, command: Command) -> Result<String, CliError> {
    let actor = Actor { user: "li.na".into(), role: Role::Clerk };
    let payload = Payload { id: TxId::new(time), department: name(who).parse().map_err(faulty)?, actor, command };
    payload.encode().map_err(CliError::failed)
}

fn opening() -> Result<Command, CliError> {
    let (step, department) = ("tax".parse().map_err(faulty)?, name(2).parse().map_err(faulty)?);
    let step = SignOffStep::plain(step, department, text("完税核验", "Tax check"));
    let workflow = "real-estate-transfer".parse().map_err(faulty)?;
    let title = text("不动产转移登记", "Real-estate transfer");
    Ok(Command::OpenCase(CaseOpening::plain(workflow, title, Vec::new(), vec![step])))
}

fn access(who: u8, n: u64, time: Millis) -> Result<Command, CliError> {
    let digest = sm3(&[&n.to_be_bytes()]);
    let record = AccessRecord {
        access_id: AccessId::new(time),
        time,
        consumer: name(who % 3 + 1).parse().map_err(faulty)?,
        actor: Actor { user: "window-7".into(), role: Role::System },
        entry: format!("{}/household-registration", name(who)).parse().map_err(faulty)?,
        entry_version: None,
        grant: Some(GrantId::new(time)),
        decision: AccessDecision::Allowed,
        rule: "conditional-needs-active-grant".into(),
        reasons: Vec::new(),
        purpose: "marriage-registration".into(),
        cause: "婚姻登记窗口核验".into(),
        case_id: None,
        items: vec!["name".parse().map_err(faulty)?, "address".parse().map_err(faulty)?],
        rows: 1,
        subject: Some(digest.to_string().repeat(2)),
        request_digest: digest,
        answer_digest: Some(digest),
        basis: n,
        facts: None,
    };
    Ok(Command::RecordAccesses(AccessBatch { records: vec![record] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_ledger_is_valid_and_accepted_by_the_rules() {
        let dir = tempfile::tempdir().unwrap();
        City::new().unwrap().write(dir.path(), 95).unwrap();
        assert_eq!(audit(dir.path(), 2).unwrap(), 95);
        Audit { transactions: 50, threads: 1, dir: Some(dir.path().join("more")), json: true }.run().unwrap();
    }
}
