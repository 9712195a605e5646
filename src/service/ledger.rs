//! The ledger as its readers see it: checkpoint, blocks, transactions, receipts, proofs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::crypto::digest::Hash;
use crate::ids::TxId;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::receipt::Receipt;
use crate::ledger::transaction::Transaction;
use crate::readmodel::transactions::{BlockView, TransactionFilter, TransactionView};
use crate::readmodel::{Page, PageRequest, ReadModel};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;

/// How long a receipt waits for an anchored checkpoint.
const RECEIPT_WAIT: Duration = Duration::from_secs(2);

fn not_cosigned() -> ServiceError {
    ServiceError::Unavailable {
        code: "not_cosigned_yet",
        detail: "no department has cosigned this part of the ledger yet: try again in a moment".into(),
        retry_after_s: 1,
    }
}

/// A transaction, by its id or by its place in the ledger: one that nobody can read has a place alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its id.
    Id(TxId),
    /// By its index.
    Index(u64),
}

impl From<TxId> for Which {
    fn from(id: TxId) -> Self {
        Self::Id(id)
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self::Index).or_else(|_| text.parse().map(Self::Id).map_err(|_| "no id and no index".into()))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Index(index) => index.fmt(f),
        }
    }
}

/// A transaction with what it says.
#[derive(Clone, Debug, Serialize)]
pub struct TransactionDetail {
    /// Where it stands and what became of it.
    #[serde(flatten)]
    pub transaction: TransactionView,
    /// The payload that was signed, parsed.
    pub payload: Value,
    /// Which key signed.
    pub key: String,
    /// The leaf in the tree.
    pub leaf: Hash,
    /// `committed` or `anchored`.
    pub state: &'static str,
}

impl Node {
    /// The newest checkpoint that enough departments cosigned; where none is yet, this node's own.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] in the first moments of a node, before it has cosigned anything.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, ServiceError> {
        let anchored = self.consensus.anchored().borrow().clone();
        anchored.map_or_else(|| self.newest_checkpoint(), |anchored| Ok(anchored.note.clone()))
    }

    /// The newest checkpoint that this node cosigned itself, anchored or not.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] in the first moments of a node, before it has cosigned anything.
    pub fn newest_checkpoint(&self) -> Result<SignedCheckpoint, ServiceError> {
        self.consensus.own_checkpoint().ok_or_else(not_cosigned)
    }

    /// The checkpoint under which this node serves tiles: the newest anchored one that it cosigned itself, or else its
    /// own newest, with the signature of a log (C2SP tlog-tiles).
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] in the first moments of a node, before it has cosigned anything.
    pub fn log_checkpoint(&self) -> Result<SignedCheckpoint, ServiceError> {
        let anchored = self.consensus.anchored().borrow().clone();
        let signed = anchored.filter(|known| known.cosigners.iter().any(|who| who.department == self.department));
        let mut note = signed.map_or_else(|| self.newest_checkpoint(), |anchored| Ok(anchored.note.clone()))?;
        note.sign_as_log(&self.keys.get().signing);
        Ok(note)
    }

    /// Blocks, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn blocks(&self, page: PageRequest) -> Result<Page<BlockView>, ServiceError> {
        self.reading(move |model| model.blocks(&page)).await
    }

    /// Transactions, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn transactions(&self, filter: TransactionFilter) -> Result<Page<TransactionView>, ServiceError> {
        self.reading(move |model| model.transactions(&filter)).await
    }

    /// One transaction.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn transaction(&self, which: impl Into<Which>) -> Result<TransactionDetail, ServiceError> {
        let view = self.transaction_view(which.into()).await?;
        let tx = self.transaction_at(view.ledger_index).await?;
        let payload = serde_json::from_str(tx.payload()).unwrap_or_default();
        Ok(TransactionDetail {
            state: self.state_of(view.ledger_index),
            transaction: view,
            payload,
            key: tx.key().to_string(),
            leaf: tx.leaf(self.hash_algorithm()),
        })
    }

    /// A receipt: the transaction, its inclusion proof and a cosigned checkpoint, to be verified offline. Waits a moment
    /// for an anchored one; then it is the one that most departments cosigned.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Unavailable`] when nobody cosigned anything that covers it yet.
    pub async fn receipt(&self, which: impl Into<Which>) -> Result<Receipt, ServiceError> {
        let view = self.transaction_view(which.into()).await?;
        let index = view.ledger_index;
        let tx = self.transaction_at(index).await?;
        let note = match self.consensus.anchored_beyond(index, RECEIPT_WAIT).await {
            Some(anchored) => anchored.note.clone(),
            None => self.consensus.covering(index).ok_or_else(not_cosigned)?,
        };
        let (chain, size) = (self.chain.clone(), note.checkpoint().size);
        let inclusion = blocking(move || Ok::<_, ServiceError>(chain.inclusion(index, size))).await?;
        let inclusion = inclusion.ok_or_else(|| ServiceError::Internal("no inclusion proof".into()))?;
        Ok(Receipt::new(&tx, index, inclusion, &note))
    }

    /// Proof that a ledger of size `from` is the beginning of the one of size `to` (RFC 6962, 2.1.2).
    ///
    /// # Errors
    /// [`ServiceError::Malformed`] when the sizes are not in order or not reached.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ServiceError> {
        let proof = self.chain.consistency(from, to);
        let size = self.chain.size();
        proof.ok_or_else(|| ServiceError::Malformed(format!("sizes must be in order, from 1 to {size}")))
    }

    pub(super) async fn transaction_view(&self, which: Which) -> Result<TransactionView, ServiceError> {
        let read = move |model: &ReadModel| match which {
            Which::Id(id) => model.transaction(id),
            Which::Index(index) => model.transaction_at(index),
        };
        self.reading(read).await?.ok_or_else(|| ServiceError::missing(format_args!("transaction {which}")))
    }

    pub(super) async fn transaction_at(&self, index: u64) -> Result<Transaction, ServiceError> {
        let chain = self.chain.clone();
        let read =
            move || Ok::<_, ServiceError>(chain.at(index).and_then(|(block, at)| block.transactions.get(at).cloned()));
        let found = blocking(read).await?;
        found.ok_or_else(|| match self.chain.archived_at(index) {
            Some(file) => ServiceError::archived(&file),
            // After a start the listings, which are on disk, may be ahead of the ledger, which is still being applied.
            None if index >= self.chain.size() => ServiceError::Unavailable {
                code: "not_yet_projected",
                detail: "the ledger is still being applied: try again".into(),
                retry_after_s: 1,
            },
            None => ServiceError::Internal(format!("transaction {index} cannot be read from the ledger")),
        })
    }
}
