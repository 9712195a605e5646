//! Digests of documents that stay with their department: proof, later, that a file is the one of that day.

use serde::{Deserialize, Serialize};

use crate::crypto::digest::Hash;

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 200;

/// A document's digest. The document itself never leaves its department, and no personal data belongs into the label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestRecord {
    /// Digest of the document's bytes, 32 bytes: SM3 (GB/T 32905) or SHA-256 (FIPS 180-4), as the department chose.
    pub digest: Hash,
    /// What the department calls the document, such as its file number.
    pub label: String,
    /// What sort of document it is: a code of a-z, 0-9 and -, such as `case-papers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}
