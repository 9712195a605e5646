//! Receipts: proof, without any node, that a transaction stands in the ledger.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::PublicKey;
use crate::ids::DepartmentId;

use super::LedgerError;
use super::checkpoint::SignedCheckpoint;
use super::merkle::verify_inclusion;
use super::transaction::Transaction;

/// Longest text of a receipt: a transaction in base64, a path and a cosigned checkpoint.
const RECEIPT_BYTES_MAX: usize = 256 * 1024;
/// A path in a tree of at most 2^64 leaves.
const PATH_MAX: usize = 64;

/// A receipt as it is handed out, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    v: u32,
    chain: String,
    hash: HashAlgorithm,
    index: u64,
    /// The transaction's bytes, base64.
    transaction: String,
    inclusion: Vec<Hash>,
    /// A signed note.
    checkpoint: String,
}

/// Whom the holder of a receipt trusts: that many of these departments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    /// The chain's id.
    pub chain: String,
    /// How many departments must have signed the checkpoint.
    pub signatures_min: usize,
    /// The departments' signing keys.
    pub departments: BTreeMap<DepartmentId, PublicKey>,
}

/// What a verified receipt shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The transaction.
    pub transaction: Transaction,
    /// The department whose key signed it, when the policy knows that key.
    pub signer: Option<DepartmentId>,
    /// Its index in the ledger.
    pub index: u64,
    /// Size of the ledger at the checkpoint.
    pub size: u64,
    /// Root of the ledger at the checkpoint.
    pub root: Hash,
    /// Who signed the checkpoint.
    pub cosigners: Vec<DepartmentId>,
}

impl Receipt {
    /// A receipt for the transaction at an index, with its path in the checkpoint's tree.
    pub fn new(transaction: &Transaction, index: u64, inclusion: Vec<Hash>, checkpoint: &SignedCheckpoint) -> Self {
        Self {
            v: 1,
            chain: checkpoint.checkpoint().chain().to_owned(),
            hash: checkpoint.checkpoint().algorithm(),
            index,
            transaction: BASE64.encode(transaction.as_bytes()),
            inclusion,
            checkpoint: checkpoint.encode(),
        }
    }

    /// Reads a receipt; proves nothing yet.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(LedgerError::malformed("receipt", "longer than 256 KiB"));
        }
        let receipt: Self = serde_json::from_str(text).map_err(|e| LedgerError::malformed("receipt", e.to_string()))?;
        if receipt.v != 1 {
            return Err(LedgerError::malformed("receipt", format!("unknown version {}", receipt.v)));
        }
        Ok(receipt)
    }

    /// Checks that the transaction stands in the ledger that the trusted departments signed.
    ///
    /// # Errors
    /// What is wrong: form, chain, path, a signature, or too few of them.
    pub fn verify(&self, trust: &TrustPolicy) -> Result<Proven, LedgerError> {
        let wrong = |why: &str| LedgerError::malformed("receipt", why);
        let signed = SignedCheckpoint::parse(&self.checkpoint)?;
        let checkpoint = signed.checkpoint();
        if checkpoint.chain() != trust.chain || self.chain != trust.chain {
            return Err(wrong("of another chain"));
        }
        if checkpoint.algorithm() != self.hash || self.inclusion.len() > PATH_MAX {
            return Err(wrong("its parts do not belong together"));
        }
        let cosigners = signed.signers(&trust.departments)?;
        if cosigners.len() < trust.signatures_min.max(1) {
            let why = format!("{} of {} signatures needed", cosigners.len(), trust.signatures_min.max(1));
            return Err(LedgerError::malformed("receipt", why));
        }
        let bytes = BASE64.decode(&self.transaction).map_err(|_| wrong("the transaction is not base64"))?;
        let transaction = Transaction::decode(&bytes)?;
        let leaf = transaction.leaf(self.hash);
        verify_inclusion(self.hash, leaf, self.index, checkpoint.size, &self.inclusion, checkpoint.root)?;
        let signer = trust.departments.iter().find(|(_, key)| key.id() == transaction.key());
        if let Some((_, key)) = signer {
            transaction.verify(&self.chain, key)?;
        }
        Ok(Proven {
            signer: signer.map(|(department, _)| department.clone()),
            transaction,
            index: self.index,
            size: checkpoint.size,
            root: checkpoint.root,
            cosigners,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sign::SigningKey;
    use crate::ledger::checkpoint::Checkpoint;
    use crate::ledger::merkle::Tree;

    const CHAIN: &str = "mulu-1";

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn trust(signatures_min: usize) -> TrustPolicy {
        let departments = [("tax", 1), ("audit", 2)].map(|(name, n)| (name.parse().unwrap(), key(n).public()));
        TrustPolicy { chain: CHAIN.into(), signatures_min, departments: departments.into() }
    }

    fn receipt(algorithm: HashAlgorithm) -> Receipt {
        let mut tree = Tree::new(algorithm);
        let sign = |n: u8| Transaction::sign(CHAIN, format!("{{\"n\":{n}}}").as_bytes(), &key(1)).unwrap();
        let transactions: Vec<Transaction> = (0..11).map(sign).collect();
        transactions.iter().for_each(|tx| _ = tree.push(tx.leaf(algorithm)));
        let checkpoint = Checkpoint::new(CHAIN, algorithm, 11, tree.root());
        let mut signed = checkpoint.sign(&"tax".parse().unwrap(), &key(1)).unwrap();
        signed.cosign(&"audit".parse().unwrap(), &key(2));
        Receipt::new(&transactions[6], 6, tree.inclusion(6, 11).unwrap(), &signed)
    }

    #[test]
    fn a_receipt_is_verified_from_its_text_alone() {
        for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
            let text = serde_json::to_string(&receipt(algorithm)).unwrap();
            let proven = Receipt::parse(&text).unwrap().verify(&trust(2)).unwrap();
            assert_eq!((proven.index, proven.size, proven.cosigners.len()), (6, 11, 2));
            assert_eq!(proven.transaction.payload(), "{\"n\":6}");
            assert_eq!(proven.signer.as_ref().map(DepartmentId::as_str), Some("tax"));
        }
    }

    #[test]
    fn whatever_is_changed_in_a_receipt_breaks_it() {
        let good = receipt(HashAlgorithm::Sm3);
        let refused = |change: &dyn Fn(&mut Receipt)| {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(changed.verify(&trust(2)).is_err(), "{changed:?}");
        };
        refused(&|r| r.index = 5);
        refused(&|r| r.chain = "mulu-2".into());
        refused(&|r| r.hash = HashAlgorithm::Sha256);
        refused(&|r| r.inclusion[0].0[0] ^= 1);
        refused(&|r| r.inclusion.clear());
        refused(&|r| r.transaction = receipt(HashAlgorithm::Sha256).transaction.replace('A', "B"));
        refused(&|r| r.checkpoint = r.checkpoint.replacen("\n11\n", "\n12\n", 1));
        assert!(good.verify(&TrustPolicy { chain: "mulu-2".into(), ..trust(2) }).is_err());
    }

    #[test]
    fn too_few_or_unknown_signatures_are_not_enough() {
        let good = receipt(HashAlgorithm::Sm3);
        assert!(good.verify(&trust(3)).is_err());
        let nobody = TrustPolicy { departments: BTreeMap::new(), ..trust(0) };
        assert!(good.verify(&nobody).is_err());
        assert!(Receipt::parse("{}").is_err());
        let text = serde_json::to_string(&good).unwrap();
        assert!(Receipt::parse(&text.replacen("\"v\":1", "\"v\":2", 1)).is_err());
        assert!(Receipt::parse(&text.replacen("\"v\":1", "\"v\":1,\"w\":1", 1)).is_err());
    }
}
