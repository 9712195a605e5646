//! The life of a department's keys: records, and the commands that begin and end them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::CryptoError;
use crate::crypto::sign::{KeyId, PublicKey, SigningKey};
use crate::ids::DepartmentId;

const POSSESSION_CONTEXT: &str = "mulu-key-v1";

/// A signing key that is to become a department's, with the proof that the department holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSigningKey {
    /// The key.
    pub key: PublicKey,
    /// From when on it signs no more; without an end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Millis>,
    /// Signature by the new key itself over [`possession_message`], base64: nobody can take over, or
    /// put into the mouth of another department, a key that they do not hold.
    pub possession: String,
}

impl NewSigningKey {
    /// Presents a key whose private half is at hand.
    pub fn present(key: &SigningKey, terms: &KeyTerms<'_>) -> Self {
        let public = key.public();
        let possession = BASE64.encode(key.sign(&possession_message(&public, terms)));
        Self { key: public, valid_until: terms.valid_until, possession }
    }

    /// Checks that whoever made this holds the private half, for this chain, department and terms.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn check(&self, chain: &str, department: &DepartmentId, sealing_key: Option<&str>) -> Result<(), CryptoError> {
        let signature = BASE64.decode(&self.possession).map_err(|_| CryptoError::Signature)?;
        let terms = KeyTerms { chain, department, valid_until: self.valid_until, sealing_key };
        self.key.verify(&possession_message(&self.key, &terms), &signature)
    }
}

/// Under which terms a key is presented.
#[derive(Clone, Copy, Debug)]
pub struct KeyTerms<'a> {
    /// The chain's id.
    pub chain: &'a str,
    /// Whose key it becomes.
    pub department: &'a DepartmentId,
    /// From when on it signs no more.
    pub valid_until: Option<Millis>,
    /// The sealing key that comes with it.
    pub sealing_key: Option<&'a str>,
}

/// What the new key signs: `mulu-key-v1`, chain, department, key, end in milliseconds or `-`, sealing
/// key or `-`, each followed by a line feed.
pub fn possession_message(key: &PublicKey, terms: &KeyTerms<'_>) -> Vec<u8> {
    let end = terms.valid_until.map_or("-".to_owned(), |end| end.0.to_string());
    let sealing = terms.sealing_key.unwrap_or("-");
    format!("{POSSESSION_CONTEXT}\n{}\n{}\n{key}\n{end}\n{sealing}\n", terms.chain, terms.department).into_bytes()
}

/// A department takes new keys; the old signing key's signature on the transaction endorses the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// The new signing key, if that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<NewSigningKey>,
    /// The new sealing key, if that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// A department ends one of its keys at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevocation {
    /// The key.
    pub key: KeyId,
    /// Why.
    pub reason: String,
}

/// Another department's word that a key is the department's: for one that lost its key, or whose key
/// someone else holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEndorsement {
    /// Whose key it shall be.
    pub department: DepartmentId,
    /// The key.
    pub signing: NewSigningKey,
    /// The sealing key that comes with it, if that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// How the endorsing department knows, and why it is needed.
    pub reason: String,
}

/// A signing key as the ledger knows it. Never deleted: what it signed in its time stays checkable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub department: DepartmentId,
    /// Index of the transaction that brought it; it signs from the next one on.
    pub from_index: u64,
    /// Block time of that transaction.
    pub from_time: Millis,
    /// From when on it signs no more, as it was announced.
    pub valid_until: Option<Millis>,
    /// From when on it signs no more because another took its place.
    pub retired_at: Option<Millis>,
    /// How it was ended before its time.
    pub revocation: Option<Revocation>,
    /// Who vouched for it.
    pub endorsed_by: Endorser,
}

/// A key's end before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Index of the transaction; the key signs nothing after it.
    pub index: u64,
    /// Block time.
    pub at: Millis,
    /// Why.
    pub reason: String,
}

/// Who vouched for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Endorser {
    /// The genesis, or the authority when it admitted the department.
    Registration,
    /// The department's key before it.
    Predecessor {
        /// That key.
        key: KeyId,
    },
    /// Other departments.
    Departments {
        /// Which.
        departments: Vec<DepartmentId>,
    },
}

/// Where a key stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// The department's present key.
    Current,
    /// Another took its place; what was in flight still passes.
    Retiring,
    /// Another took its place.
    Retired,
    /// Its time is over.
    Expired,
    /// Ended before its time.
    Revoked,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Current, Self::Retiring, Self::Retired, Self::Expired, Self::Revoked];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl KeyRecord {
    /// From when on it signs no more, by announcement or because another took its place.
    pub fn ends_at(&self) -> Option<Millis> {
        [self.valid_until, self.retired_at].into_iter().flatten().min()
    }

    /// Where it stands at a time.
    pub fn state(&self, at: Millis) -> KeyState {
        let is_over = |end: Option<Millis>| end.is_some_and(|end| end <= at);
        if self.revocation.is_some() {
            KeyState::Revoked
        } else if is_over(self.retired_at) {
            KeyState::Retired
        } else if is_over(self.valid_until) {
            KeyState::Expired
        } else if self.retired_at.is_some() {
            KeyState::Retiring
        } else {
            KeyState::Current
        }
    }

    /// Whether it may sign what stands at an index of the ledger, in a block of a time.
    pub fn is_valid_at(&self, index: u64, at: Millis) -> bool {
        // The genesis is signed by a key that it brings.
        (self.from_index < index || index == 0)
            && self.revocation.as_ref().is_none_or(|revocation| index <= revocation.index)
            && self.ends_at().is_none_or(|end| at < end)
    }
}
