//! Checkpoints (C2SP tlog-checkpoint v1.0.0): size, root and state of the ledger, cosigned by departments.

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
/// Begins the one extension line.
const STATE_MARK: &str = "state ";

/// The keys that count for each department: the present one, and others that it had.
pub type Keys = BTreeMap<DepartmentId, Vec<PublicKey>>;

/// The ledger's tree and what its transactions came to, at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain's id; with ` sm3` after it for a tree of SM3.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Digest of the state after them.
    pub state: Hash,
}

impl Checkpoint {
    /// The checkpoint of a chain at a size.
    pub fn new(chain: &str, algorithm: HashAlgorithm, size: u64, root: Hash, state: Hash) -> Self {
        let origin = match algorithm {
            HashAlgorithm::Sm3 => format!("{chain}{SM3_MARK}"),
            HashAlgorithm::Sha256 => chain.to_owned(),
        };
        Self { origin, size, root, state }
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
        let (root, state) = (BASE64.encode(self.root.0), BASE64.encode(self.state.0));
        format!("{}\n{}\n{root}\n{STATE_MARK}{state}\n", self.origin, self.size)
    }

    /// The checkpoint without signatures yet.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] when the origin is not one line.
    pub fn unsigned(&self) -> Result<SignedCheckpoint, LedgerError> {
        Ok(SignedCheckpoint { checkpoint: self.clone(), note: SignedNote::new(self.text())? })
    }

    /// The checkpoint with one department's cosignature, made at a time in seconds since 1970.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] when the origin is not one line.
    pub fn cosign(
        &self,
        department: &DepartmentId,
        key: &SigningKey,
        time_s: u64,
    ) -> Result<SignedCheckpoint, LedgerError> {
        let mut signed = self.unsigned()?;
        signed.cosign(department, key, time_s);
        Ok(signed)
    }

    /// Reads the text that is signed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let state = lines.next()?.strip_prefix(STATE_MARK)?;
        if lines.next().is_some() || origin.is_empty() {
            return None;
        }
        let number: u64 = size.parse().ok()?;
        let hash = |text: &str| Some(Hash(BASE64.decode(text).ok()?.try_into().ok()?));
        let checkpoint = Self { origin: origin.to_owned(), size: number, root: hash(root)?, state: hash(state)? };
        // One text a checkpoint: no leading zeros, no other way to write the same.
        (checkpoint.text() == text).then_some(checkpoint)
    }
}

/// A department's word on a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Who.
    pub department: DepartmentId,
    /// When, by its own clock, in seconds since 1970.
    pub time_s: u64,
}

/// A checkpoint with signatures; who cosigned is known only after [`SignedCheckpoint::cosigners`].
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

    /// Adds a department's cosignature, made at a time in seconds since 1970.
    pub fn cosign(&mut self, department: &DepartmentId, key: &SigningKey, time_s: u64) {
        self.note.cosign(&key_name(self.checkpoint.chain(), department), key, time_s);
    }

    /// Adds the signature that C2SP tlog-tiles wants of a log; its key name is the chain's id. It says less than a
    /// cosignature and counts for nothing in a receipt.
    pub fn sign_as_log(&mut self, key: &SigningKey) {
        self.note.sign(self.checkpoint.chain(), key);
    }

    /// Takes over the signatures of another note of the same checkpoint that this one lacks.
    pub fn merge(&mut self, other: &Self) {
        self.note.merge(&other.note);
    }

    /// The same checkpoint under one department's cosignatures alone.
    #[must_use]
    pub fn only(&self, department: &DepartmentId) -> Self {
        let name = key_name(self.checkpoint.chain(), department);
        Self { checkpoint: self.checkpoint.clone(), note: self.note.only(&name) }
    }

    /// The departments that the note's lines name, whether or not their signatures fit.
    pub fn named(&self) -> Vec<DepartmentId> {
        let prefix = format!("{}/", self.checkpoint.chain());
        let names = self.note.names().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
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
            .ok_or_else(|| LedgerError::malformed("checkpoint", "not four lines of origin, size, root and state"))?;
        Ok(Self { checkpoint, note })
    }

    /// Claims that every signature is of a known department's key, as cosigner or as the log, and fits: then no byte of
    /// the note can be another.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] naming the one that is not.
    pub fn check_every_line(&self, known: &Keys) -> Result<(), LedgerError> {
        let chain = self.checkpoint.chain();
        let names: BTreeMap<&DepartmentId, String> = known.keys().map(|id| (id, key_name(chain, id))).collect();
        let keys = known.iter().flat_map(|(id, keys)| keys.iter().map(move |key| (id, key)));
        let mut makers = Vec::new();
        for (id, key) in keys {
            self.note.signed_by(chain, key)?;
            makers.push((chain, key));
            makers.extend(names.get(id).map(|name| (name.as_str(), key)));
        }
        self.cosigners(known)?;
        self.note.stranger(&makers).map_or(Ok(()), |name| Err(LedgerError::Signature(name.to_owned())))
    }

    /// Which of the known departments cosigned, in order of their names. Signatures of others are ignored.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when a cosignature under a known key does not fit.
    pub fn cosigners(&self, known: &Keys) -> Result<Vec<Cosigner>, LedgerError> {
        let mut cosigners = Vec::new();
        for (department, keys) in known {
            let name = key_name(self.checkpoint.chain(), department);
            let mut latest = None;
            for key in keys {
                latest = latest.max(self.note.cosigned_by(&name, key)?);
            }
            cosigners.extend(latest.map(|time_s| Cosigner { department: department.clone(), time_s }));
        }
        Ok(cosigners)
    }
}

fn key_name(chain: &str, department: &DepartmentId) -> String {
    format!("{chain}/{department}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(seeds: &[(&str, &[u8])]) -> Keys {
        let key = |seed: &u8| SigningKey::from_seed(&[*seed; 32]).public();
        seeds.iter().map(|(name, seeds)| (name.parse().unwrap(), seeds.iter().map(key).collect())).collect()
    }

    fn checkpoint(algorithm: HashAlgorithm) -> Checkpoint {
        Checkpoint::new("mulu-1", algorithm, 7, algorithm.digest(&[b"root"]), algorithm.digest(&[b"state"]))
    }

    #[test]
    fn cosigned_checkpoints_name_their_cosigners() {
        for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
            let checkpoint = checkpoint(algorithm);
            let mut signed = checkpoint.cosign(&"tax".parse().unwrap(), &SigningKey::from_seed(&[1; 32]), 5).unwrap();
            signed.cosign(&"audit".parse().unwrap(), &SigningKey::from_seed(&[2; 32]), 6);
            signed.sign_as_log(&SigningKey::from_seed(&[3; 32]));
            let parsed = SignedCheckpoint::parse(&signed.encode()).unwrap();
            assert_eq!(parsed.checkpoint(), &checkpoint);
            assert_eq!((parsed.checkpoint().chain(), parsed.checkpoint().algorithm()), ("mulu-1", algorithm));
            let all = known(&[("tax", &[9, 1]), ("audit", &[2]), ("water", &[3])]);
            let cosigners = parsed.cosigners(&all).unwrap();
            let told: Vec<_> = cosigners.iter().map(|c| (c.department.as_str(), c.time_s)).collect();
            assert_eq!(told, [("audit", 6), ("tax", 5)]);
            assert_eq!(parsed.cosigners(&known(&[("tax", &[3])])), Ok(vec![]));
            assert_eq!(parsed.check_every_line(&all), Ok(()));
            assert!(parsed.check_every_line(&known(&[("tax", &[1]), ("water", &[3])])).is_err());
            let text = signed.encode();
            for at in 0..text.len() {
                let mut flipped = text.clone().into_bytes();
                flipped[at] ^= 1;
                let read = String::from_utf8(flipped).ok().and_then(|text| SignedCheckpoint::parse(&text).ok());
                assert!(read.is_none_or(|read| read.check_every_line(&all).is_err()), "byte {at}");
            }
            let other = SignedCheckpoint::parse(&signed.encode().replacen("\n7\n", "\n8\n", 1)).unwrap();
            assert!(other.cosigners(&all).is_err());
            assert_eq!(parsed.only(&"tax".parse().unwrap()).cosigners(&all).unwrap().len(), 1);
            assert_eq!(parsed.named().iter().map(DepartmentId::as_str).collect::<Vec<_>>(), ["audit", "tax"]);
        }
    }

    #[test]
    fn the_text_is_that_of_the_specification_with_one_extension_line() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        let text = format!("example.com/behind-the-sofa\n20852163\n{root}\nstate {root}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!((checkpoint.size, checkpoint.algorithm()), (20_852_163, HashAlgorithm::Sha256));
        assert_eq!(checkpoint.text(), text);
        for wrong in [
            format!("o\n07\n{root}\nstate {root}\n"),
            format!("o\n+7\n{root}\nstate {root}\n"),
            format!("o\n7\nAAAA\nstate {root}\n"),
            format!("o\n7\n{root}\nstate AAAA\n"),
            format!("o\n7\n{root}\n{root}\n"),
            format!("o\n7\n{root}\n"),
            "o\n7\n".to_owned(),
            format!("\n7\n{root}\nstate {root}\n"),
            format!("o\n7\n{root}\nstate {root}\nmore\n"),
        ] {
            assert_eq!(Checkpoint::parse(&wrong), None, "{wrong:?} passed");
        }
    }
}
