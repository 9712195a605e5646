//! Evidence: what a node keeps when the ledger, or what others say of it, contradicts itself; and what it proves.
//!
//! A file holds everything that is needed to check it again without any node. Consensus' own messages are not signed,
//! so a block in a file shows that the node had it, not who led; each finding says what it does not prove.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::{HashAlgorithm, sm3};
use crate::crypto::sign::PublicKey;
use crate::ids::DepartmentId;

use super::block::Block;
use super::checkpoint::{Checkpoint, Keys, SignedCheckpoint};

/// The longest file, in bytes: two blocks in base64 and some notes.
pub const EVIDENCE_BYTES_MAX: usize = 1024 * 1024;

/// A file of evidence, JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    v: u32,
    /// The chain's id.
    pub chain: String,
    /// Digest of the tree.
    pub hash: HashAlgorithm,
    /// Whose node found it.
    pub found_by: DepartmentId,
    /// When, by that node's clock.
    pub found_ms: Millis,
    /// What was found.
    pub finding: Finding,
    /// Text of the checkpoint that the node had reached.
    pub own: String,
    /// The newest anchored note that the node knew.
    pub anchored: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Finding {
    /// A committed block holds a transaction whose signature does not fit its department's key.
    InvalidSignature {
        /// Index in consensus' log.
        raft_index: u64,
        /// Consensus' term.
        term: u64,
        /// The block, base64.
        block: String,
        /// Which transaction of the block, from 0.
        position: usize,
        /// Whose key it names.
        department: DepartmentId,
        /// That key.
        key: PublicKey,
    },
    /// A committed entry is no block.
    NoBlock {
        /// Index in consensus' log.
        raft_index: u64,
        /// Consensus' term.
        term: u64,
        /// The entry, base64.
        block: String,
    },
    /// A committed block's height does not follow that of the block before it.
    BlockHeight {
        /// Index in consensus' log.
        raft_index: u64,
        /// Consensus' term.
        term: u64,
        /// The block, base64.
        block: String,
        /// The block before it, base64.
        previous: String,
    },
    /// A committed block is older than the block before it.
    BlockTime {
        /// Index in consensus' log.
        raft_index: u64,
        /// Consensus' term.
        term: u64,
        /// The block, base64.
        block: String,
        /// The block before it, base64.
        previous: String,
    },
    /// Enough departments cosigned another ledger, or another state, than the node holds.
    OtherLedger {
        /// Text of the node's own checkpoint of that size.
        own: String,
        /// The note that they cosigned.
        cosigned: String,
        /// The departments' keys as the node knew them.
        keys: Keys,
        /// How many are enough.
        needed: usize,
    },
    /// A department cosigned two checkpoints of one size.
    TwoRoots {
        /// Which.
        department: DepartmentId,
        /// Its keys as the node knew them.
        keys: Vec<PublicKey>,
        /// The one note.
        one: String,
        /// The other note.
        other: String,
    },
    /// The node's ledger is not what the node itself cosigned.
    OwnHistory {
        /// Whose node.
        department: DepartmentId,
        /// Its keys.
        keys: Vec<PublicKey>,
        /// The note that it cosigned.
        cosigned: String,
        /// Text of the checkpoint that it holds now.
        own: String,
    },
}

/// What a file shows, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What was checked and holds.
    pub proven: Vec<String>,
    /// What rests on the node's word alone.
    pub unproven: Vec<String>,
}

impl Evidence {
    /// Evidence of a node.
    pub fn new(chain: &str, hash: HashAlgorithm, found_by: &DepartmentId, found_ms: Millis, finding: Finding) -> Self {
        Self {
            v: 1,
            chain: chain.to_owned(),
            hash,
            found_by: found_by.clone(),
            found_ms,
            finding,
            own: String::new(),
            anchored: None,
        }
    }

    /// Reads a file; checks nothing but its form.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > EVIDENCE_BYTES_MAX {
            return Err("longer than 1 MiB".into());
        }
        let evidence: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if evidence.v == 1 { Ok(evidence) } else { Err(format!("unknown version {}", evidence.v)) }
    }
}

impl Finding {
    /// Stable name, as in the file's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidSignature { .. } => "invalid_signature",
            Self::NoBlock { .. } => "no_block",
            Self::BlockHeight { .. } => "block_height",
            Self::BlockTime { .. } => "block_time",
            Self::OtherLedger { .. } => "other_ledger",
            Self::TwoRoots { .. } => "two_roots",
            Self::OwnHistory { .. } => "own_history",
        }
    }

    /// What it is about: the same matter, met again after a restart or with other cosigners, has the same.
    pub fn subject(&self) -> String {
        let text =
            |note: &str| SignedCheckpoint::parse(note).map_or_else(|_| note.to_owned(), |n| n.checkpoint().text());
        let parts = match self {
            Self::InvalidSignature { raft_index, block, .. }
            | Self::NoBlock { raft_index, block, .. }
            | Self::BlockHeight { raft_index, block, .. }
            | Self::BlockTime { raft_index, block, .. } => [raft_index.to_string(), block.clone()],
            Self::OtherLedger { own, cosigned, .. } => [own.clone(), text(cosigned)],
            Self::TwoRoots { department, one, other, .. } => {
                let mut texts = [text(one), text(other)];
                texts.sort();
                [department.to_string(), texts.concat()]
            }
            Self::OwnHistory { cosigned, own, .. } => [text(cosigned), own.clone()],
        };
        let [one, other] = parts;
        format!("{} {}", self.kind(), sm3(&[one.as_bytes(), b"\n", other.as_bytes()]))
    }

    /// What happened, what it means and what to do, in plain words.
    pub fn explain(&self) -> String {
        match self {
            Self::InvalidSignature { raft_index, term, position, department, .. } => format!(
                "Log entry {raft_index}, committed in term {term}, holds a transaction (number {position} in its block) in the \
                name of {department} that was not signed with that department's key. No honest leader proposes such a \
                block: the node that led in term {term} lies or was broken into."
            ),
            Self::NoBlock { raft_index, term, .. } => format!(
                "Log entry {raft_index}, committed in term {term}, is no block. No honest leader proposes one: the node that led \
                in term {term} lies, was broken into, or runs another program."
            ),
            Self::BlockHeight { raft_index, term, .. } => format!(
                "The block in log entry {raft_index}, committed in term {term}, does not bear the number that follows the block \
                before it: the node that led in term {term} left out, repeated or invented blocks."
            ),
            Self::BlockTime { raft_index, term, .. } => format!(
                "The block in log entry {raft_index}, committed in term {term}, claims to be older than the block before it: the \
                node that led in term {term} dated it back."
            ),
            Self::OtherLedger { .. } => "Enough departments to anchor a checkpoint cosigned another ledger, or other results of the \
                same ledger, than this node holds. Either this node's files or program were changed, or it was shown a fork, or \
                those departments agreed on a falsehood. Compare `mulu ledger verify` on this node and on one of theirs."
                .to_owned(),
            Self::TwoRoots { department, .. } => format!(
                "{department} cosigned two different ledgers of one size. An honest node never does: its key was used by a \
                second program, its disk was set back, or it shows different histories to different nodes."
            ),
            Self::OwnHistory { .. } => "This node cosigned a checkpoint that its own ledger does not contain any more: its files were \
                changed or set back. Do not repair them: keep them, and set the node up anew from the others."
                .to_owned(),
        }
    }

    /// Checks everything that can be checked from the file alone, and says what cannot. The keys are the node's own
    /// unless trusted ones are given.
    ///
    /// # Errors
    /// Why the file does not show what it claims.
    pub fn verify(&self, chain: &str, trusted: Option<&Keys>) -> Result<Shown, String> {
        match self {
            Self::InvalidSignature { block, position, department, key, .. } => {
                invalid_signature(chain, block, *position, (department, key), trusted)
            }
            Self::NoBlock { block, .. } => match Block::decode(&decoded(block)?) {
                Ok(_) => Err("the entry is a block".into()),
                Err(error) => Ok(in_log(vec![format!("the entry is no block: {error}")])),
            },
            Self::BlockHeight { block, previous, .. } => {
                let (before, after) = (self::block(previous)?, self::block(block)?);
                if after.height == before.height.saturating_add(1) {
                    return Err(format!("block {} follows block {}", after.height, before.height));
                }
                Ok(in_log(vec![format!("after block {} comes one that says {}", before.height, after.height)]))
            }
            Self::BlockTime { block, previous, .. } => {
                let (before, after) = (self::block(previous)?, self::block(block)?);
                if after.time >= before.time {
                    return Err("the block is not older than the one before it".into());
                }
                Ok(in_log(vec![format!("after a block of {} comes one of {}", before.time, after.time)]))
            }
            Self::OtherLedger { own, cosigned, keys, needed } => {
                other_ledger(chain, own, cosigned, trusted.unwrap_or(keys), *needed)
            }
            Self::TwoRoots { department, keys, one, other } => {
                let keys = trusted_or(trusted, department, keys)?;
                let (one, other) = (note(chain, one)?, note(chain, other)?);
                differ(one.checkpoint(), other.checkpoint())?;
                signed(&one, &keys)?;
                signed(&other, &keys)?;
                Ok(Shown {
                    proven: vec![
                        format!("{department} cosigned {}", line(one.checkpoint())),
                        format!("{department} cosigned {}", line(other.checkpoint())),
                        "both signatures fit: whoever holds this file can show it to anybody".into(),
                    ],
                    unproven: vec!["whether the department did it itself, or somebody who has its key".into()],
                })
            }
            Self::OwnHistory { department, keys, cosigned, own } => {
                let keys = trusted_or(trusted, department, keys)?;
                let (cosigned, own) = (note(chain, cosigned)?, plain(chain, own)?);
                signed(&cosigned, &keys)?;
                if cosigned.checkpoint() == &own {
                    return Err("the ledger is what was cosigned".into());
                }
                Ok(Shown {
                    proven: vec![format!("{department} cosigned {}", line(cosigned.checkpoint()))],
                    unproven: vec![format!("that its ledger now has {}", line(&own))],
                })
            }
        }
    }
}

/// A finding about a block rests on the node's word that the block was committed.
fn in_log(proven: Vec<String>) -> Shown {
    let unproven = "that the block was committed, and who led then: consensus' messages are not signed. Every \
        honest node has the same entry in its log and can confirm it (`mulu ledger verify --dir`)";
    Shown { proven, unproven: vec![unproven.to_owned()] }
}

fn invalid_signature(
    chain: &str,
    block: &str,
    position: usize,
    (department, key): (&DepartmentId, &PublicKey),
    trusted: Option<&Keys>,
) -> Result<Shown, String> {
    let block = self::block(block)?;
    let tx = block.transactions.get(position).ok_or("the block has no such transaction")?;
    if let Some(trusted) = trusted {
        let known = trusted.get(department).is_some_and(|keys| keys.contains(key));
        known
            .then_some(())
            .ok_or_else(|| format!("the policy does not know the key that the file gives {department}"))?;
    }
    if tx.verify(chain, key).is_ok() {
        return Err("the transaction's signature fits".into());
    }
    let fits = "the transaction in its name does not bear a signature that fits";
    Ok(in_log(vec![format!("the key of {department} is {key}"), fits.to_owned()]))
}

fn other_ledger(chain: &str, own: &str, cosigned: &str, keys: &Keys, needed: usize) -> Result<Shown, String> {
    let (own, cosigned) = (plain(chain, own)?, note(chain, cosigned)?);
    differ(&own, cosigned.checkpoint())?;
    let cosigners = cosigned.cosigners(keys).map_err(|e| e.to_string())?;
    if cosigners.len() < needed {
        return Err(format!("{} of {needed} cosignatures that it speaks of fit", cosigners.len()));
    }
    let names: Vec<&str> = cosigners.iter().map(|cosigner| cosigner.department.as_str()).collect();
    Ok(Shown {
        proven: vec![format!("{} cosigned {}", names.join(", "), line(cosigned.checkpoint()))],
        unproven: vec![format!("that the node's ledger has {}", line(&own))],
    })
}

fn trusted_or(trusted: Option<&Keys>, department: &DepartmentId, keys: &[PublicKey]) -> Result<Keys, String> {
    let known = match trusted {
        Some(trusted) => {
            trusted.get(department).ok_or_else(|| format!("the policy does not know {department}"))?.clone()
        }
        None => keys.to_vec(),
    };
    Ok(Keys::from([(department.clone(), known)]))
}

fn decoded(base64: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(base64).map_err(|_| "a block is not base64".to_owned())
}

fn block(base64: &str) -> Result<Block, String> {
    Block::decode(&decoded(base64)?).map_err(|e| e.to_string())
}

fn note(chain: &str, text: &str) -> Result<SignedCheckpoint, String> {
    let note = SignedCheckpoint::parse(text).map_err(|e| e.to_string())?;
    if note.checkpoint().chain() == chain { Ok(note) } else { Err("a note is of another chain".into()) }
}

fn plain(chain: &str, text: &str) -> Result<Checkpoint, String> {
    let checkpoint = Checkpoint::parse(text).ok_or("the node's own checkpoint is not one")?;
    if checkpoint.chain() == chain { Ok(checkpoint) } else { Err("the node's checkpoint is of another chain".into()) }
}

fn differ(one: &Checkpoint, other: &Checkpoint) -> Result<(), String> {
    match (one.size == other.size, (one.root, one.state) == (other.root, other.state)) {
        (false, _) => Err("the checkpoints are of different sizes".into()),
        (true, true) => Err("the checkpoints say the same".into()),
        (true, false) => Ok(()),
    }
}

fn signed(note: &SignedCheckpoint, keys: &Keys) -> Result<(), String> {
    let cosigners = note.cosigners(keys).map_err(|e| e.to_string())?;
    if cosigners.is_empty() { Err("a note is not cosigned with the department's key".into()) } else { Ok(()) }
}

fn line(checkpoint: &Checkpoint) -> String {
    format!("size {}, root {}, state {}", checkpoint.size, checkpoint.root, checkpoint.state)
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
