//! A node checks its own receipt, step by step, as `mulu receipt verify` does elsewhere.

use std::collections::BTreeSet;

use crate::crypto::sign::KeyId;
use crate::domain::keys::KeyRecord;
use crate::ids::DepartmentId;
use crate::ledger::LedgerError;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::receipt::{Proven, Receipt, ReceiptFault};
use crate::ledger::trust::{KEYS_MAX, TrustPolicy};
use crate::readmodel::transactions::TransactionView;

use super::Node;
use super::error::ServiceError;
use super::ledger::Which;

/// What a department's line under a checkpoint is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It fits; made at this time, in seconds since 1970.
    Given(u64),
    /// There is none.
    None,
    /// There is one, and it does not fit.
    Bad,
}

/// What the check of a receipt showed.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The transaction, as this node lists it.
    pub transaction: TransactionView,
    /// The key that signed it.
    pub key: Option<KeyId>,
    /// What the cosigners vouch for.
    pub checkpoint: Checkpoint,
    /// What the receipt proves, or the first thing that does not fit.
    pub verdict: Result<Proven, ReceiptFault>,
    /// Each department of the policy, and its word.
    pub words: Vec<(DepartmentId, Word)>,
    /// How many of them must cosign.
    pub needed: usize,
}

impl Verification {
    /// How many departments' cosignatures fit.
    pub fn cosigned(&self) -> usize {
        self.words.iter().filter(|(_, word)| matches!(word, Word::Given(_))).count()
    }
}

impl Node {
    /// Whom this ledger's holder trusts unless told otherwise: all departments with their present and earlier keys, as
    /// many of them as anchor a checkpoint. Revoked keys are not among them.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when the ledger's departments make no policy.
    pub fn trust_policy(&self) -> Result<TrustPolicy, ServiceError> {
        let state = self.chain.state();
        let mut keys = state.cosigner_keys();
        keys.retain(|_, keys| {
            keys.truncate(KEYS_MAX);
            !keys.is_empty()
        });
        TrustPolicy::any(state.chain(), keys, state.cosignatures_min()).map_err(ServiceError::Internal)
    }

    /// Every key that a department of this ledger ever had, newest first.
    pub fn keys_of(&self, department: &DepartmentId) -> Vec<KeyRecord> {
        self.chain.state().keys_of(department).rev().cloned().collect()
    }

    /// Checks this node's own receipt, from the text that it hands out, against the ledger's policy.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Unavailable`] when nobody cosigned anything that covers it yet.
    pub async fn verify_receipt(&self, which: Which) -> Result<Verification, ServiceError> {
        let internal = |why: String| ServiceError::Internal(why);
        let transaction = self.transaction_view(which).await?;
        let receipt = self.receipt(which).await?;
        let text = serde_json::to_string(&receipt).map_err(|e| internal(e.to_string()))?;
        let receipt = Receipt::parse(&text).map_err(|e| internal(e.to_string()))?;
        let note = receipt.note().map_err(|e| internal(e.to_string()))?;
        let policy = self.trust_policy()?;
        let index = transaction.ledger_index;
        let key = self.transaction_at(index).await.ok().map(|tx| tx.key());
        Ok(Verification {
            transaction,
            key,
            checkpoint: note.checkpoint().clone(),
            verdict: receipt.verify(&policy),
            words: words(&note, &policy),
            needed: self.chain.state().cosignatures_min(),
        })
    }
}

/// Department by department, so that one false line does not hide the others.
fn words(note: &SignedCheckpoint, policy: &TrustPolicy) -> Vec<(DepartmentId, Word)> {
    let named: BTreeSet<DepartmentId> = note.named().into_iter().collect();
    let word = |(id, keys): (&DepartmentId, &Vec<_>)| {
        let alone = [(id.clone(), keys.clone())].into();
        let word = match note.cosigners(&alone) {
            Ok(given) => given.first().map_or(Word::None, |cosigner| Word::Given(cosigner.time_s)),
            Err(LedgerError::Signature(_)) if named.contains(id) => Word::Bad,
            Err(_) => Word::None,
        };
        (id.clone(), word)
    };
    policy.departments().iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::{Hash, HashAlgorithm};
    use crate::crypto::sign::SigningKey;

    #[test]
    fn each_department_has_its_own_word() {
        let key = |n: u8| SigningKey::from_seed(&[n; 32]);
        let id = |name: &str| name.parse::<DepartmentId>().unwrap();
        let of_size = |size| Checkpoint::new("mulu-1", HashAlgorithm::Sm3, size, Hash([1; 32]), Hash([2; 32]));
        let mut note = of_size(7).cosign(&id("tax"), &key(1), 5).unwrap();
        // The audit office's line comes from a checkpoint of another size.
        let other = of_size(8).cosign(&id("audit"), &key(2), 6).unwrap().encode();
        let line = other.lines().last().unwrap();
        note = SignedCheckpoint::parse(&format!("{}{line}\n", note.encode())).unwrap();
        let names = [("tax", 1), ("audit", 2), ("water", 3)];
        let keys = names.map(|(name, n)| (id(name), vec![key(n).public()])).into();
        let policy = TrustPolicy::any("mulu-1", keys, 2).unwrap();
        let told = words(&note, &policy);
        assert_eq!(told, [(id("audit"), Word::Bad), (id("tax"), Word::Given(5)), (id("water"), Word::None)]);
    }
}
