//! Departments of the city and the document with which a chain begins.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::PublicKey;
use crate::ids::DepartmentId;

use super::Text;
use super::policy::PolicyDocument;

/// A department as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// Its short name.
    pub id: DepartmentId,
    /// Its names for people.
    pub name: Text,
    /// Unified social credit code (GB 32100).
    pub uscc: String,
    /// The key that signs its transactions.
    pub signing_key: PublicKey,
    /// From when on that key signs no more; without an end when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key_valid_until: Option<Millis>,
    /// The key to which answers and subjects are sealed, as [`crate::crypto::seal::SealingPublicKey`] writes it.
    pub sealing_key: String,
    /// Whether it votes in consensus; the others learn.
    pub voter: bool,
    /// Number of its node in consensus, from 1.
    pub node_id: u64,
}

/// The first transaction of a chain, the same on every node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The city's name.
    pub city: Text,
    /// Digest of the tree.
    pub hash: HashAlgorithm,
    /// Who may register departments and set rules.
    pub authority: DepartmentId,
    /// To whom the subject of every access is sealed.
    pub auditor: DepartmentId,
    /// How many departments must cosign a checkpoint to anchor it; a majority when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosignatures_min: Option<u32>,
    /// How many other departments must endorse a key before it becomes a department's; a majority of
    /// all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsements_min: Option<u32>,
    /// The edition with which the chain begins ([`super::edition`]); the first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<u32>,
    /// All departments.
    pub departments: Vec<Department>,
    /// The rules in force from the beginning.
    pub policy: PolicyDocument,
}
