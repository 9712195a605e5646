//! The ledger: where it stands, and which department vouches for how much of it.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use super::explorer::{BlockRow, TransactionRow};
use crate::web::portal::words::Words;

/// `GET /ledger`.
#[derive(Template)]
#[template(path = "ledger.html")]
pub struct Ledger {
    pub page: Page,
    pub t: Words,
    pub body: LedgerBody,
    pub keys: Vec<KeyRow>,
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
    pub time: String,
    /// The newest anchored checkpoint; before there is one, the node's own.
    pub checkpoint: Option<CheckpointView>,
    /// Departments that must cosign.
    pub needed: usize,
    /// Transactions that are not anchored.
    pub lag: u64,
    /// Seconds since the block time of the oldest of them.
    pub lag_s: u64,
    pub departments: Vec<DepartmentRow>,
    pub blocks: Vec<BlockRow>,
    pub transactions: Vec<TransactionRow>,
}

/// A checkpoint in plain words.
#[derive(Clone, Debug, Default)]
pub struct CheckpointView {
    pub anchored: bool,
    pub size: u64,
    pub root: String,
    pub state: String,
    /// Block time of the last transaction that it covers.
    pub time: String,
    /// How many departments cosigned it.
    pub cosigned: usize,
    /// The signed note.
    pub text: String,
}

/// A department's newest cosignature.
#[derive(Clone, Debug, Default)]
pub struct DepartmentRow {
    pub name: String,
    pub id: String,
    /// Transactions that it vouches for; none when it was not heard since this node started.
    pub size: Option<u64>,
    /// When it signed, by its own clock; empty when it was not heard.
    pub time: String,
    /// Transactions that it does not vouch for yet.
    pub behind: Option<u64>,
    /// `current`, `behind` the newest anchored checkpoint, or `silent`.
    pub state: &'static str,
    pub here: bool,
}

/// A key of a department.
#[derive(Clone, Debug, Default)]
pub struct KeyRow {
    pub department: String,
    pub key: String,
    pub state: &'static str,
    /// Index of the transaction that brought it.
    pub index: u64,
    pub since: String,
    /// Empty when it has no end.
    pub until: String,
}
