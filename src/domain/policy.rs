//! The rules of access as a document on the ledger; `policy/` interprets them.

use serde::{Deserialize, Serialize};

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
