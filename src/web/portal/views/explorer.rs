//! Blocks, transactions, and what their receipts prove.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /ledger/blocks`.
#[derive(Template)]
#[template(path = "blocks.html")]
pub struct Blocks {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<BlockRow>,
    pub ledger_index: u64,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A block.
#[derive(Clone, Debug, Default)]
pub struct BlockRow {
    pub height: u64,
    pub time: String,
    pub count: u64,
    pub refused: u64,
    pub first_index: u64,
}

/// `GET /ledger/blocks/{height}`.
#[derive(Template)]
#[template(path = "block.html")]
pub struct BlockPage {
    pub page: Page,
    pub t: Words,
    pub block: BlockRow,
    /// `committed` or `anchored`.
    pub state: &'static str,
    /// Root of the tree after it.
    pub root: String,
    pub previous: Option<u64>,
    pub next: Option<u64>,
    pub rows: Vec<TransactionRow>,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// `GET /ledger/transactions`.
#[derive(Template)]
#[template(path = "transactions.html")]
pub struct Transactions {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<TransactionRow>,
    pub ledger_index: u64,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A transaction in a list.
#[derive(Clone, Debug, Default)]
pub struct TransactionRow {
    pub index: u64,
    /// Empty when its payload cannot be read, as are the next three.
    pub id: String,
    /// `grant.request`.
    pub kind: String,
    pub department: String,
    pub actor: String,
    pub time: String,
    /// `done` or the code of the refusal.
    pub outcome: String,
}

/// `GET /ledger/transactions/{id or index}`.
#[derive(Template)]
#[template(path = "transaction.html")]
pub struct TransactionPage {
    pub page: Page,
    pub t: Words,
    pub transaction: TransactionRow,
    pub height: u64,
    pub previous: Option<u64>,
    pub next: Option<u64>,
    /// `committed`, `anchored` or `projected`.
    pub state: String,
    /// What the refusal says; empty when done.
    pub refusal: String,
    /// `ed25519` or `sm2`.
    pub algorithm: String,
    pub key: String,
    pub signature: String,
    pub leaf: String,
    /// Path and value of everything that was signed.
    pub facts: Vec<(String, String)>,
    /// Whether facts were left out, which the JSON has.
    pub cut: bool,
    /// Indented JSON.
    pub payload: String,
}

/// `GET /ledger/transactions/{id or index}/verify`.
#[derive(Template)]
#[template(path = "verification.html")]
pub struct VerificationPage {
    pub page: Page,
    pub t: Words,
    pub transaction: TransactionRow,
    /// Code of the first thing that does not fit; empty when all fits.
    pub fault: String,
    /// What the library says of it.
    pub fault_text: String,
    pub steps: Vec<ProofStep>,
    pub cosigners: Vec<CosignerRow>,
    pub size: u64,
    pub root: String,
    pub state: String,
    pub cosigned: usize,
    pub needed: usize,
}

/// A step of the check.
#[derive(Clone, Debug, Default)]
pub struct ProofStep {
    /// `form`, `signature`, `inclusion` or `checkpoint`.
    pub code: &'static str,
    /// `fits`, `false`, `open` when an earlier one failed, or `strange` when the policy does not know the key.
    pub state: &'static str,
    pub detail: String,
}

/// A department's line under the checkpoint.
#[derive(Clone, Debug, Default)]
pub struct CosignerRow {
    pub name: String,
    /// `fits`, `false` or `none`.
    pub state: &'static str,
    /// Empty without a cosignature that fits.
    pub time: String,
}
