//! Judging what a ledger shows to somebody who believes nobody: two checkpoints agree, one extends the other, or a lie is told.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::crypto::digest::Hash;

use super::LedgerError;
use super::checkpoint::{Checkpoint, Cosigner, SignedCheckpoint};
use super::merkle::verify_consistency;
use super::trust::TrustPolicy;

/// Why a watcher raises an alarm, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two ledgers under one name: neither is the beginning of the other.
    Fork,
    /// One ledger, and two accounts of what it came to.
    StateDivergence,
    /// Transactions that were there are gone.
    Rollback,
    /// A cosignature under a key of the policy does not fit.
    BadSignature,
    /// The ledger of another chain.
    OtherChain,
    /// What is there fits, and is not enough for the policy.
    #[serde(rename = "too_few_cosignatures")]
    TooFew,
    /// Nobody shows that the new ledger goes on where the trusted one ended.
    Unproven,
    /// Nothing that can be verified, or nothing as new as what others show, for too long.
    Silence,
    /// Everything fits, but enough departments have vouched for nothing new for too long.
    Stalled,
}

impl Kind {
    /// All of them, gravest first.
    pub const ALL: [Self; 9] = [
        Self::Fork,
        Self::StateDivergence,
        Self::Rollback,
        Self::BadSignature,
        Self::OtherChain,
        Self::TooFew,
        Self::Unproven,
        Self::Silence,
        Self::Stalled,
    ];

    /// Stable name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::StateDivergence => "state_divergence",
            Self::Rollback => "rollback",
            Self::BadSignature => "bad_signature",
            Self::OtherChain => "other_chain",
            Self::TooFew => "too_few_cosignatures",
            Self::Unproven => "unproven",
            Self::Silence => "silence",
            Self::Stalled => "stalled",
        }
    }

    /// Whether the past was changed: nothing newer is trusted before a person has looked into it.
    pub fn is_grave(self) -> bool {
        matches!(self, Self::Fork | Self::StateDivergence | Self::Rollback)
    }
}

/// Why a note is not to be trusted, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It is no checkpoint.
    #[error("{0}")]
    Malformed(String),
    /// It is a checkpoint of another chain.
    #[error("a checkpoint of chain {0}")]
    OtherChain(String),
    /// A cosignature under a key of the policy does not fit.
    #[error("the cosignature of {0} does not fit: the checkpoint was changed")]
    BadSignature(String),
    /// What is there fits, and is not enough.
    #[error("too few cosignatures: {0}")]
    TooFew(String),
}

impl Distrust {
    /// The alarm to raise; none for what is no checkpoint, which is as good as no answer.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Malformed(_) => None,
            Self::OtherChain(_) => Some(Kind::OtherChain),
            Self::BadSignature(_) => Some(Kind::BadSignature),
            Self::TooFew(_) => Some(Kind::TooFew),
        }
    }
}

/// A checkpoint that enough departments vouch for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    note: SignedCheckpoint,
    cosigners: Vec<Cosigner>,
    since_s: u64,
}

impl Vouched {
    /// Reads a signed note and holds it against a policy.
    ///
    /// # Errors
    /// The first [`Distrust`].
    pub fn check(note: &str, policy: &TrustPolicy) -> Result<Self, Distrust> {
        let note = SignedCheckpoint::parse(note).map_err(|e| Distrust::Malformed(e.to_string()))?;
        if note.checkpoint().chain() != policy.chain() {
            return Err(Distrust::OtherChain(note.checkpoint().chain().to_owned()));
        }
        let cosigners = note.cosigners(policy.departments()).map_err(|error| match error {
            LedgerError::Signature(whose) => Distrust::BadSignature(whose),
            other => Distrust::Malformed(other.to_string()),
        })?;
        let enough = |since_s: u64| {
            let late_enough = cosigners.iter().filter(|cosigner| cosigner.time_s >= since_s);
            policy.fulfilled(&late_enough.map(|cosigner| cosigner.department.clone()).collect())
        };
        enough(0).map_err(Distrust::TooFew)?;
        // No single department's clock can make a checkpoint look fresh.
        let times = cosigners.iter().map(|cosigner| cosigner.time_s);
        let since_s = times.filter(|time_s| enough(*time_s).is_ok()).max().unwrap_or(0);
        Ok(Self { note, cosigners, since_s })
    }

    /// What is vouched for.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.note.checkpoint()
    }

    /// The signed note.
    pub fn note(&self) -> String {
        self.note.encode()
    }

    /// Who vouches.
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }

    /// The latest time, in seconds since 1970, from which on enough departments for the policy cosigned.
    pub fn since_s(&self) -> u64 {
        self.since_s
    }
}

/// What a checkpoint is to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Same,
    /// It goes on where the other ends.
    Extends,
    /// It is a beginning of the other.
    Precedes,
    /// It contradicts the other; why.
    Fork(&'static str),
    /// The same transactions, but another account of what they came to.
    StateDiverges,
    /// Nothing shows how they belong together.
    Unproven,
}

/// Which sizes a proof must connect before two checkpoints can be judged; none when they can be judged as they are.
pub fn proof_needed(one: &Checkpoint, other: &Checkpoint) -> Option<(u64, u64)> {
    let (older, newer) = (one.size.min(other.size), one.size.max(other.size));
    (one.origin == other.origin && older != newer && older > 0).then_some((older, newer))
}

/// What `seen` is to `known`, both vouched for, by a proof from wherever (RFC 6962, 2.1.2).
pub fn judge(known: &Checkpoint, seen: &Checkpoint, proof: Option<&[Hash]>) -> Verdict {
    if known.origin != seen.origin {
        return Verdict::Fork("one chain with trees of two digests");
    }
    let (older, newer, fits) = match seen.size.cmp(&known.size) {
        Ordering::Equal if seen.root != known.root => return Verdict::Fork("two roots of one size"),
        Ordering::Equal if seen.state != known.state => return Verdict::StateDiverges,
        Ordering::Equal => return Verdict::Same,
        Ordering::Greater => (known, seen, Verdict::Extends),
        Ordering::Less => (seen, known, Verdict::Precedes),
    };
    let proof = match proof {
        Some(proof) => proof,
        None if older.size == 0 => &[],
        None => return Verdict::Unproven,
    };
    let (from, to) = ((older.size, older.root), (newer.size, newer.root));
    match verify_consistency(known.algorithm(), from, to, proof) {
        Ok(()) => fits,
        Err(_) => Verdict::Fork("the consistency proof does not lead from one to the other"),
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
pub(crate) mod tests;
