//! The ledger as its readers see it: checkpoint, blocks, transactions, receipts, proofs.

use serde::Serialize;
use serde_json::Value;

use crate::crypto::digest::Hash;
use crate::ids::TxId;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::receipt::Receipt;
use crate::ledger::transaction::Transaction;
use crate::readmodel::transactions::{BlockView, TransactionFilter, TransactionView};
use crate::readmodel::{Page, PageRequest};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;

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
}

impl Node {
    /// A checkpoint of the whole ledger, signed by this node (C2SP tlog-checkpoint).
    ///
    /// # Errors
    /// None is expected.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, ServiceError> {
        let (size, root) = self.chain.head();
        self.signed_checkpoint(size, root)
    }

    fn signed_checkpoint(&self, size: u64, root: Hash) -> Result<SignedCheckpoint, ServiceError> {
        let checkpoint = Checkpoint::new(self.chain_id(), self.hash_algorithm(), size, root);
        checkpoint.sign(&self.department, &self.keyring.signing).map_err(|e| ServiceError::Internal(e.to_string()))
    }

    /// Blocks, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn blocks(&self, page: PageRequest) -> Result<Page<BlockView>, ServiceError> {
        let model = self.model.clone();
        blocking(move || model.blocks(&page)).await
    }

    /// Transactions, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn transactions(&self, filter: TransactionFilter) -> Result<Page<TransactionView>, ServiceError> {
        let model = self.model.clone();
        blocking(move || model.transactions(&filter)).await
    }

    /// One transaction.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn transaction(&self, id: TxId) -> Result<TransactionDetail, ServiceError> {
        let view = self.transaction_view(id).await?;
        let tx = self.transaction_at(view.ledger_index).await?;
        let payload = serde_json::from_str(tx.payload()).unwrap_or_default();
        Ok(TransactionDetail {
            transaction: view,
            payload,
            key: tx.key().to_string(),
            leaf: tx.leaf(self.hash_algorithm()),
        })
    }

    /// A receipt: the transaction, its inclusion proof and a checkpoint, to be verified offline.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn receipt(&self, id: TxId) -> Result<Receipt, ServiceError> {
        let view = self.transaction_view(id).await?;
        let tx = self.transaction_at(view.ledger_index).await?;
        let (size, root) = self.chain.head();
        let inclusion = self.chain.inclusion(view.ledger_index, size);
        let inclusion = inclusion.ok_or_else(|| ServiceError::Internal("no inclusion proof".into()))?;
        Ok(Receipt::new(&tx, view.ledger_index, inclusion, &self.signed_checkpoint(size, root)?))
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

    async fn transaction_view(&self, id: TxId) -> Result<TransactionView, ServiceError> {
        let model = self.model.clone();
        let found = blocking(move || model.transaction(id)).await?;
        found.ok_or_else(|| ServiceError::missing(format_args!("transaction {id}")))
    }

    async fn transaction_at(&self, index: u64) -> Result<Transaction, ServiceError> {
        let chain = self.chain.clone();
        let read =
            move || Ok::<_, ServiceError>(chain.at(index).and_then(|(block, at)| block.transactions.get(at).cloned()));
        let found = blocking(read).await?;
        found.ok_or_else(|| ServiceError::Internal(format!("transaction {index} cannot be read from the ledger")))
    }
}
