//! Answers about the ledger.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::Actor;
use crate::ids::{DepartmentId, TxId};
use crate::readmodel::transactions as rows;
use crate::service;
use crate::service::submission::Submitted;

use super::{Maybe, Time, answer};

answer! {
    /// Which edition of the ledger is in force, and which could be.
    EditionsAnswer from service::edition::Editions {
        /// In force on the ledger.
        edition: u32,
        /// The newest that the answering node's program knows.
        newest: u32,
        /// The newest that every node of the city is known to know: what the ledger may be raised to.
        ready: u32,
        /// The departments whose nodes hold it back: an older program, or not heard lately.
        waiting_for: Vec<DepartmentId>,
    }
}

/// A cosigned checkpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckpointAnswer {
    /// The signed note (C2SP tlog-checkpoint).
    pub checkpoint: String,
    /// First line of the note.
    pub origin: String,
    /// Transactions in the ledger.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Digest of the state.
    pub state: Hash,
    /// Departments that cosigned it.
    pub cosigners: Vec<DepartmentId>,
    /// Whether they are enough to anchor it.
    pub anchored: bool,
}

answer! {
    /// A block.
    Block from rows::BlockView {
        /// Its number.
        height: u64,
        /// Block time.
        time: Time,
        /// Index of its first transaction.
        first_index: u64,
        /// Transactions in it.
        transactions: u64,
        /// How many of them were refused.
        refused: u64,
    }
}

answer! {
    /// Why a transaction was refused.
    RefusalAnswer from rows::RefusalView {
        /// For programs.
        code: String,
        /// For people.
        text: String,
    }
}

answer! {
    /// A transaction.
    TransactionAnswer from rows::TransactionView {
        /// Its id; this and the next three are null when its payload cannot be read.
        transaction_id: Option<TxId>,
        /// Who signed.
        department: Option<DepartmentId>,
        /// Who acted.
        actor: Option<Actor>,
        /// What was to happen, such as `grant.request`.
        kind: Option<String>,
        /// Its place in the ledger.
        ledger_index: u64,
        /// Its block.
        block_height: u64,
        /// Block time.
        time: Time,
        /// Why it was refused; null when it was done.
        #[schema(value_type = Option<RefusalAnswer>)]
        refusal: Maybe<RefusalAnswer>,
        /// What it is about: an entry, grant, case, certificate or department.
        reference: Option<String>,
        /// Its length.
        bytes: u64,
    }
}

/// A transaction with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionDetail {
    /// Where it stands and what became of it.
    #[serde(flatten)]
    pub transaction: TransactionAnswer,
    /// State of the transaction: `committed` or `anchored`.
    pub state: &'static str,
    /// The payload that was signed, parsed; times in it are milliseconds, as signed.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// Which key signed.
    pub key: String,
    /// The leaf in the tree.
    pub leaf: Hash,
}

impl From<service::ledger::TransactionDetail> for TransactionDetail {
    fn from(detail: service::ledger::TransactionDetail) -> Self {
        Self {
            transaction: detail.transaction.into(),
            state: detail.state,
            payload: detail.payload,
            key: detail.key,
            leaf: detail.leaf,
        }
    }
}

/// What became of a transaction that was handed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmittedAnswer {
    /// Its id; null when its payload cannot be read.
    pub transaction_id: Option<TxId>,
    /// Its index in the ledger; null when it does not stand there.
    pub ledger_index: Option<u64>,
    /// `done`, `refused` by the ledger's rules, or `not_taken`: then it does not stand on the ledger, or may yet come there.
    pub outcome: &'static str,
    /// Why it was refused or not taken, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<Submitted> for SubmittedAnswer {
    fn from(submitted: Submitted) -> Self {
        let Submitted { transaction_id, ledger_index, outcome } = submitted;
        let (outcome, code, detail) = match (outcome, ledger_index) {
            (Ok(()), _) => ("done", None, None),
            (Err((code, detail)), Some(_)) => ("refused", Some(code), Some(detail)),
            (Err((code, detail)), None) => ("not_taken", Some(code), Some(detail)),
        };
        Self { transaction_id, ledger_index, outcome, code, detail }
    }
}

/// Proof that one ledger is the beginning of another (RFC 6962, 2.1.2).
#[derive(Debug, Serialize, ToSchema)]
pub struct Consistency {
    /// Size of the older one.
    pub from: u64,
    /// Size of the newer one.
    pub to: u64,
    /// The path.
    pub proof: Vec<Hash>,
}

/// A receipt: proof, without any node, that a transaction stands in the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptAnswer {
    /// Form of the receipt: 1.
    pub v: u32,
    /// The chain's id.
    pub chain: String,
    /// Digest of the tree, `sm3` or `sha256`.
    pub hash: String,
    /// Index of the transaction.
    pub index: u64,
    /// The transaction's bytes, base64.
    pub transaction: String,
    /// Path to the root (RFC 6962, 2.1.1).
    pub inclusion: Vec<Hash>,
    /// A signed note (C2SP tlog-checkpoint).
    pub checkpoint: String,
    /// Digest over all the rest, against damage.
    pub digest: Hash,
}
