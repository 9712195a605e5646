//! The rules of access as a document on the ledger: what it says, what must hold of it, and how it comes into force by
//! two signatures. `policy/` decides by it.

pub mod difference;
pub mod facts;
pub mod model;
pub mod principles;
pub mod reason;
mod region;
pub mod rules;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::ids::{DepartmentId, TxId};

use super::Actor;

/// A model and its rules, as the policy engine reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Number of this document, from 1, one more each time.
    pub version: u64,
    /// The model: which facts there are and how a rule matches them.
    pub model: String,
    /// The rules, one a line, first match decides.
    pub rules: String,
}

/// Why a policy document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The model is not of the accepted form.
    #[error("model: {0}")]
    Model(String),
    /// A rule is wrong.
    #[error("rules, line {line}: {why}")]
    Rule {
        /// Line of the rules, from 1; 0 for all.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A rule decides otherwise than every policy must.
    #[error("principle {principle}: {rule} would {verdict} {facts}")]
    Principle {
        /// The principle's id, in `principles.csv`.
        principle: String,
        /// The rule that breaks it; `default-deny` where none speaks.
        rule: String,
        /// What it would do: `allow` or `deny`.
        verdict: &'static str,
        /// A call for which it would, as `attribute=word` with the words that matter.
        facts: String,
    },
    /// Checking all combinations would take too long.
    #[error("the rules exclude one another in too many ways to be checked: write fewer lists of words")]
    Tangled,
}

/// Checks all that every node must find right before a document may be in force: model, words, and the principles for
/// every combination of facts. The same on every node: it depends on the text alone.
///
/// # Errors
/// [`PolicyError`] with the place and the reason.
pub fn check(document: &PolicyDocument) -> Result<Vec<rules::Rule>, PolicyError> {
    model::Model::parse(&document.model)?;
    let rules = rules::parse(&document.rules)?;
    principles::hold(&rules)?;
    Ok(rules)
}

impl PolicyDocument {
    /// What the second signature names:
    /// `SM3("mulu-policy-v1\n" || version || "\n" || SM3(model) || "\n" || SM3(rules) || "\n")`, digests in hexadecimal.
    pub fn digest(&self) -> Hash {
        let (model, rules) = (sm3(&[self.model.as_bytes()]), sm3(&[self.rules.as_bytes()]));
        sm3(&[format!("mulu-policy-v1\n{}\n{model}\n{rules}\n", self.version).as_bytes()])
    }

    /// Whether another document says the same, whatever its number.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.model, &self.rules) == (&other.model, &other.rules)
    }
}

/// The authority proposes a document; it is in force when the auditing department has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyProposal {
    /// The document, numbered one more than the one in force.
    pub document: PolicyDocument,
    /// What changes and why, for those who must live with it.
    pub note: String,
}

/// The second signature: the auditing department has looked at a proposal and puts it into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfirmation {
    /// The proposing transaction.
    pub proposal: TxId,
    /// [`PolicyDocument::digest`] of what was looked at.
    pub digest: Hash,
}

/// A proposal is withdrawn by the authority or refused by the auditing department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRejection {
    /// The proposing transaction.
    pub proposal: TxId,
    /// Why.
    pub reason: String,
}

/// One of the two words that a document needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyWord {
    /// Whose signature it is.
    pub department: DepartmentId,
    /// Which person of it.
    pub actor: Actor,
    /// The transaction.
    pub transaction: TxId,
    /// Its index.
    pub index: u64,
    /// Block time.
    pub at: Millis,
}

/// A proposal that waits for its second signature. Its id is that of its transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPolicy {
    /// The document.
    pub document: PolicyDocument,
    /// What changes and why.
    pub note: String,
    /// Who proposed it.
    pub proposed: PolicyWord,
}

/// A document that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The document.
    pub document: PolicyDocument,
    /// What changed and why; empty for the rules with which the chain began.
    pub note: String,
    /// Who proposed it; none for what came before edition 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<PolicyWord>,
    /// Who put it into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<PolicyWord>,
}
