//! Receipts: proof, without any node, that a transaction stands in the ledger.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ids::DepartmentId;

use super::LedgerError;
use super::checkpoint::{Cosigner, SignedCheckpoint};
use super::merkle::verify_inclusion;
use super::transaction::Transaction;
use super::trust::TrustPolicy;

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
    /// Against damage, not against lies: a cosignature line that was hit would else only count for nobody.
    digest: Hash,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Its parts do not have their form, or do not belong together.
    #[error("{0}")]
    Malformed(String),
    /// It is of another chain than the policy's.
    #[error("the receipt is of chain {0}, the policy of another")]
    OtherChain(String),
    /// The transaction's signature does not fit.
    #[error("the signature of {0} under the transaction does not fit: the transaction was changed")]
    TransactionSignature(DepartmentId),
    /// The path does not lead from the transaction to the checkpoint's root.
    #[error("the inclusion path does not lead from the transaction to the checkpoint's root")]
    Inclusion,
    /// A cosignature under a key of the policy does not fit.
    #[error("the cosignature of {0} does not fit the checkpoint: the checkpoint was changed")]
    Cosignature(String),
    /// All that is there fits, and it is not enough.
    #[error("too few cosignatures: {0}")]
    TooFew(String),
}

impl ReceiptFault {
    /// Stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::OtherChain(_) => "other_chain",
            Self::TransactionSignature(_) => "transaction_signature",
            Self::Inclusion => "inclusion",
            Self::Cosignature(_) => "cosignature",
            Self::TooFew(_) => "too_few_cosignatures",
        }
    }
}

impl From<LedgerError> for ReceiptFault {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Signature(whose) => Self::Cosignature(whose),
            LedgerError::Proof => Self::Inclusion,
            malformed @ LedgerError::Malformed { .. } => Self::Malformed(malformed.to_string()),
        }
    }
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
    /// Digest of the state at the checkpoint.
    pub state: Hash,
    /// Who cosigned the checkpoint, and when.
    pub cosigners: Vec<Cosigner>,
}

impl Receipt {
    /// A receipt for the transaction at an index, with its path in the checkpoint's tree.
    pub fn new(transaction: &Transaction, index: u64, inclusion: Vec<Hash>, checkpoint: &SignedCheckpoint) -> Self {
        let mut receipt = Self {
            v: 1,
            chain: checkpoint.checkpoint().chain().to_owned(),
            hash: checkpoint.checkpoint().algorithm(),
            index,
            transaction: BASE64.encode(transaction.as_bytes()),
            inclusion,
            checkpoint: checkpoint.encode(),
            digest: Hash([0; 32]),
        };
        receipt.digest = receipt.digest_of_parts();
        receipt
    }

    /// `H` of the lines `mulu-receipt-v1`, chain, hash, index, transaction, each hash of the path, an empty one, and
    /// of the checkpoint's note after them; texts as they stand in the JSON, `H` the chain's digest.
    fn digest_of_parts(&self) -> Hash {
        let hash = match self.hash {
            HashAlgorithm::Sm3 => "sm3",
            HashAlgorithm::Sha256 => "sha256",
        };
        let path: String = self.inclusion.iter().map(|hash| format!("{hash}\n")).collect();
        let Self { chain, index, transaction, checkpoint, .. } = self;
        let text = format!("mulu-receipt-v1\n{chain}\n{hash}\n{index}\n{transaction}\n{path}\n{checkpoint}");
        self.hash.digest(&[text.as_bytes()])
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

    /// The index that it states.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The transaction that it brings; proves nothing yet.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn transaction(&self) -> Result<Transaction, LedgerError> {
        let bytes = BASE64.decode(&self.transaction);
        let bytes = bytes.map_err(|_| LedgerError::malformed("receipt", "the transaction is not base64"))?;
        Transaction::decode(&bytes)
    }

    /// The signed note that the receipt brings; says nothing of its signatures.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn note(&self) -> Result<SignedCheckpoint, LedgerError> {
        SignedCheckpoint::parse(&self.checkpoint)
    }

    /// Checks that the transaction stands in the ledger that the trusted departments cosigned. Only cosignatures
    /// count; that the ledger's rules accepted the transaction is not said.
    ///
    /// # Errors
    /// The first [`ReceiptFault`], from the transaction outwards to the cosignatures.
    pub fn verify(&self, trust: &TrustPolicy) -> Result<Proven, ReceiptFault> {
        let wrong = |why: &str| ReceiptFault::Malformed(format!("malformed receipt: {why}"));
        let signed = self.note()?;
        let checkpoint = signed.checkpoint();
        if self.chain != trust.chain() || checkpoint.chain() != trust.chain() {
            let other = if self.chain == trust.chain() { checkpoint.chain() } else { &self.chain };
            return Err(ReceiptFault::OtherChain(other.to_owned()));
        }
        if checkpoint.algorithm() != self.hash || self.inclusion.len() > PATH_MAX {
            return Err(wrong("its parts do not belong together"));
        }
        let transaction = self.transaction()?;
        let mut keys =
            trust.departments().iter().flat_map(|(department, keys)| keys.iter().map(move |k| (department, k)));
        let signer = keys.find(|(_, key)| key.id() == transaction.key());
        if let Some((department, key)) = signer {
            let fits = transaction.verify(&self.chain, key);
            fits.map_err(|_| ReceiptFault::TransactionSignature(department.clone()))?;
        }
        let leaf = transaction.leaf(self.hash);
        verify_inclusion(self.hash, leaf, self.index, checkpoint.size, &self.inclusion, checkpoint.root)?;
        let cosigners = signed.cosigners(trust.departments())?;
        let names = cosigners.iter().map(|cosigner| cosigner.department.clone()).collect();
        trust.fulfilled(&names).map_err(ReceiptFault::TooFew)?;
        // Last, so that whatever else is wrong is called by its name.
        if self.digest != self.digest_of_parts() {
            return Err(wrong("it was damaged: its digest does not fit its parts"));
        }
        Ok(Proven {
            signer: signer.map(|(department, _)| department.clone()),
            transaction,
            index: self.index,
            size: checkpoint.size,
            root: checkpoint.root,
            state: checkpoint.state,
            cosigners,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sign::SigningKey;
    use crate::ledger::checkpoint::{Checkpoint, Keys};
    use crate::ledger::merkle::Tree;

    const CHAIN: &str = "mulu-1";

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn departments() -> Keys {
        // The tax office had another key before.
        [("tax", vec![9, 1]), ("audit", vec![2]), ("water", vec![3])]
            .map(|(name, seeds)| (name.parse().unwrap(), seeds.into_iter().map(|n| key(n).public()).collect()))
            .into()
    }

    fn trust(signatures_min: usize) -> TrustPolicy {
        TrustPolicy::any(CHAIN, departments(), signatures_min).unwrap()
    }

    fn receipt(algorithm: HashAlgorithm) -> Receipt {
        let mut tree = Tree::new(algorithm);
        let sign = |n: u8| Transaction::sign(CHAIN, format!("{{\"n\":{n}}}").as_bytes(), &key(1)).unwrap();
        let transactions: Vec<Transaction> = (0..11).map(sign).collect();
        transactions.iter().for_each(|tx| _ = tree.push(tx.leaf(algorithm)));
        let checkpoint = Checkpoint::new(CHAIN, algorithm, 11, tree.root(), Hash([7; 32]));
        let mut signed = checkpoint.cosign(&"tax".parse().unwrap(), &key(1), 1_800_000_000).unwrap();
        signed.cosign(&"audit".parse().unwrap(), &key(2), 1_800_000_001);
        signed.sign_as_log(&key(3));
        Receipt::new(&transactions[6], 6, tree.inclusion(6, 11).unwrap(), &signed)
    }

    fn fault(receipt: &Receipt) -> &'static str {
        receipt.verify(&trust(2)).map_or_else(|fault| fault.code(), |_| "none")
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
    fn whatever_is_changed_in_a_receipt_breaks_it_and_is_named() {
        let good = receipt(HashAlgorithm::Sm3);
        let named = |change: &dyn Fn(&mut Receipt)| {
            let mut changed = good.clone();
            change(&mut changed);
            fault(&changed)
        };
        assert_eq!(named(&|_| ()), "none");
        assert_eq!(named(&|r| r.index = 5), "inclusion");
        assert_eq!(named(&|r| r.inclusion[0].0[0] ^= 1), "inclusion");
        assert_eq!(named(&|r| r.inclusion.clear()), "inclusion");
        assert_eq!(named(&|r| r.chain = "mulu-2".into()), "other_chain");
        assert_eq!(named(&|r| r.hash = HashAlgorithm::Sha256), "malformed");
        assert_eq!(named(&|r| r.checkpoint = r.checkpoint.replacen("state ", "sate ", 1)), "malformed");
        let mut bytes = BASE64.decode(&good.transaction).unwrap();
        *bytes.last_mut().unwrap() = b' ';
        assert_eq!(named(&|r| r.transaction = BASE64.encode(&bytes)), "transaction_signature");
        let state = BASE64.encode([8; 32]);
        let other_state = |r: &mut Receipt| r.checkpoint = r.checkpoint.replacen(&BASE64.encode([7; 32]), &state, 1);
        assert_eq!(named(&other_state), "cosignature");
        let without = |r: &mut Receipt| {
            r.checkpoint =
                r.checkpoint.lines().filter(|line| !line.contains("/audit ")).map(|line| format!("{line}\n")).collect();
        };
        assert_eq!(named(&without), "too_few_cosignatures");
        // Nothing rests on audit's line where one is enough, but it was there.
        let mut hit = good.clone();
        hit.checkpoint = hit.checkpoint.replacen("/audit ", "/audio ", 1);
        assert!(matches!(hit.verify(&trust(1)), Err(ReceiptFault::Malformed(_))));
        let other = TrustPolicy::any("mulu-2", departments(), 1).unwrap();
        assert!(matches!(good.verify(&other), Err(ReceiptFault::OtherChain(_))));
    }

    #[test]
    fn too_few_unknown_or_other_signatures_are_not_enough() {
        let good = receipt(HashAlgorithm::Sm3);
        // Water signed as a log, which is no cosignature.
        assert!(matches!(good.verify(&trust(3)), Err(ReceiptFault::TooFew(_))));
        let only: Keys = [("water".parse().unwrap(), vec![key(3).public()])].into();
        assert!(matches!(good.verify(&TrustPolicy::any(CHAIN, only, 1).unwrap()), Err(ReceiptFault::TooFew(_))));
        assert!(Receipt::parse("{}").is_err());
        let text = serde_json::to_string(&good).unwrap();
        assert!(Receipt::parse(&text.replacen("\"v\":1", "\"v\":2", 1)).is_err());
        assert!(Receipt::parse(&text.replacen("\"v\":1", "\"v\":1,\"w\":1", 1)).is_err());
    }
}
