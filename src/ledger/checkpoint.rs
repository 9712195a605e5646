//! Checkpoints (C2SP tlog-checkpoint): size and root of the ledger's tree, signed by departments.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{PublicKey, SigningKey};
use crate::ids::DepartmentId;

use super::LedgerError;
use super::note::SignedNote;

/// Ends the origin line of a chain whose tree is of SM3: C2SP knows SHA-256 alone.
const SM3_MARK: &str = " sm3";

/// The ledger's tree at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain's id; with ` sm3` after it for a tree of SM3.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The checkpoint of a chain at a size.
    pub fn new(chain: &str, algorithm: HashAlgorithm, size: u64, root: Hash) -> Self {
        let origin = match algorithm {
            HashAlgorithm::Sm3 => format!("{chain}{SM3_MARK}"),
            HashAlgorithm::Sha256 => chain.to_owned(),
        };
        Self { origin, size, root }
    }

    /// The chain's id.
    pub fn chain(&self) -> &str {
        self.origin.strip_suffix(SM3_MARK).unwrap_or(&self.origin)
    }

    /// The tree's digest.
    pub fn algorithm(&self) -> HashAlgorithm {
        if self.origin.ends_with(SM3_MARK) { HashAlgorithm::Sm3 } else { HashAlgorithm::Sha256 }
    }

    /// The text that is signed. It never begins like a transaction's message, so that no signature serves twice.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.0))
    }

    /// The checkpoint with one department's signature.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] when the origin is not one line.
    pub fn sign(&self, department: &DepartmentId, key: &SigningKey) -> Result<SignedCheckpoint, LedgerError> {
        let mut note = SignedNote::new(self.text())?;
        note.sign(&key_name(self.chain(), department), key);
        Ok(SignedCheckpoint { checkpoint: self.clone(), note })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // Extension lines are optional in C2SP; no chain of ours writes any.
        if lines.next().is_some() || origin.is_empty() {
            return None;
        }
        let number: u64 = size.parse().ok()?;
        let root: [u8; 32] = BASE64.decode(root).ok()?.try_into().ok()?;
        (number.to_string() == size).then(|| Self { origin: origin.to_owned(), size: number, root: Hash(root) })
    }
}

/// A checkpoint with signatures; who signed is known only after [`SignedCheckpoint::signers`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl SignedCheckpoint {
    /// What was signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Adds another department's signature.
    pub fn cosign(&mut self, department: &DepartmentId, key: &SigningKey) {
        self.note.sign(&key_name(self.checkpoint.chain(), department), key);
    }

    /// The signed note's text.
    pub fn encode(&self) -> String {
        self.note.encode()
    }

    /// Reads a signed note; says nothing of its signatures.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let note = SignedNote::parse(text)?;
        let checkpoint = Checkpoint::parse(note.text())
            .ok_or_else(|| LedgerError::malformed("checkpoint", "not three lines of origin, size and root"))?;
        Ok(Self { checkpoint, note })
    }

    /// Which of the known departments signed, in order of their names. Signatures of others are ignored.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when a known department's signature does not fit.
    pub fn signers(&self, known: &BTreeMap<DepartmentId, PublicKey>) -> Result<Vec<DepartmentId>, LedgerError> {
        let mut signers = Vec::new();
        for (department, key) in known {
            if self.note.signed_by(&key_name(self.checkpoint.chain(), department), key)? {
                signers.push(department.clone());
            }
        }
        Ok(signers)
    }
}

fn key_name(chain: &str, department: &DepartmentId) -> String {
    format!("{chain}/{department}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(seeds: &[(&str, u8)]) -> BTreeMap<DepartmentId, PublicKey> {
        let key = |seed: u8| SigningKey::from_seed(&[seed; 32]).public();
        seeds.iter().map(|(name, seed)| (name.parse().unwrap(), key(*seed))).collect()
    }

    #[test]
    fn cosigned_checkpoints_name_their_signers() {
        for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
            let checkpoint = Checkpoint::new("mulu-1", algorithm, 7, algorithm.digest(&[b"root"]));
            let mut signed = checkpoint.sign(&"tax".parse().unwrap(), &SigningKey::from_seed(&[1; 32])).unwrap();
            signed.cosign(&"audit".parse().unwrap(), &SigningKey::from_seed(&[2; 32]));
            let parsed = SignedCheckpoint::parse(&signed.encode()).unwrap();
            assert_eq!(parsed.checkpoint(), &checkpoint);
            assert_eq!((parsed.checkpoint().chain(), parsed.checkpoint().algorithm()), ("mulu-1", algorithm));
            let signers = parsed.signers(&known(&[("tax", 1), ("audit", 2), ("water", 3)])).unwrap();
            assert_eq!(signers.iter().map(DepartmentId::as_str).collect::<Vec<_>>(), ["audit", "tax"]);
            assert_eq!(parsed.signers(&known(&[("tax", 3)])), Ok(vec![]));
            let other = SignedCheckpoint::parse(&signed.encode().replacen("\n7\n", "\n8\n", 1)).unwrap();
            assert!(other.signers(&known(&[("tax", 1)])).is_err());
        }
    }

    #[test]
    fn the_text_is_that_of_the_specification() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!((checkpoint.size, checkpoint.algorithm()), (20_852_163, HashAlgorithm::Sha256));
        assert_eq!(checkpoint.text(), text);
        for wrong in [
            "o\n07\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "o\n7\nAAAA\n",
            "o\n7\n",
            "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n",
        ] {
            assert_eq!(Checkpoint::parse(wrong), None, "{wrong:?} passed");
        }
    }
}
