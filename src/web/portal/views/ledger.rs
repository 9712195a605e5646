//! The ledger: where it stands, its blocks, one transaction.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /ledger`, `GET /ledger?block={height}`.
#[derive(Template)]
#[template(path = "ledger.html")]
pub struct Ledger {
    pub page: Page,
    pub t: Words,
    /// The block whose transactions are shown; otherwise the latest are.
    pub block: Option<u64>,
    pub body: LedgerBody,
}

/// `GET /ledger` with `HX-Request`.
#[derive(Template)]
#[template(path = "ledger_partial.html")]
pub struct LedgerBody {
    pub t: Words,
    pub chain: String,
    /// Digest of the tree, `sm3` or `sha256`.
    pub hash: String,
    pub size: u64,
    pub height: u64,
    pub root: String,
    pub time: String,
    /// Transactions that are anchored.
    pub anchored: u64,
    /// Names of the departments that cosigned the checkpoint.
    pub cosigners: Vec<String>,
    /// The checkpoint as text.
    pub checkpoint: String,
    pub blocks: Vec<BlockRow>,
    pub transactions: Vec<TransactionRow>,
}

/// A block.
#[derive(Clone, Debug, Default)]
pub struct BlockRow {
    pub height: u64,
    pub time: String,
    pub count: u64,
    pub first_index: u64,
}

/// A transaction in a list.
#[derive(Clone, Debug, Default)]
pub struct TransactionRow {
    pub index: u64,
    pub id: String,
    /// `grant.request`.
    pub kind: String,
    pub department: String,
    pub actor: String,
    pub time: String,
    /// `done` or the code of the refusal.
    pub outcome: String,
}

/// `GET /ledger/transactions/{id}`.
#[derive(Template)]
#[template(path = "transaction.html")]
pub struct TransactionPage {
    pub page: Page,
    pub t: Words,
    pub transaction: TransactionRow,
    pub height: u64,
    /// `committed`, `anchored` or `projected`.
    pub state: String,
    /// What the refusal says; empty when done.
    pub refusal: String,
    /// `ed25519` or `sm2`.
    pub algorithm: String,
    pub key: String,
    pub signature: String,
    pub leaf: String,
    /// Indented JSON.
    pub payload: String,
}
