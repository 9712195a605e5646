//! What the ledger is about: departments, catalog, grants, accesses, certificates, cases. Pure.

pub mod access;
pub mod case;
pub mod case_rules;
pub mod catalog;
pub mod certificate;
pub mod certificate_type;
pub mod command;
pub mod compatibility;
pub mod copy_check;
pub mod credential;
pub mod department;
pub mod department_files;
pub mod digest_record;
pub mod edition;
pub mod entry_diff;
pub mod entry_rules;
pub mod fault;
pub mod finding;
pub mod formats;
pub mod grant;
pub mod identifiers;
pub mod keys;
pub mod masking;
pub mod node;
pub mod policy;
pub mod promise;
pub mod schema;
pub mod settings;
pub mod shared;

use serde::{Deserialize, Serialize};

/// A text in the portal's two languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese, always there.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Who acted inside a department: a clerk's account or a departmental system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Account name, unique within the department.
    pub user: String,
    /// The role in which the account acted.
    pub role: Role,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Drafts and requests.
    Clerk,
    /// Approves what others drafted or requested.
    Reviewer,
    /// Accounts and the node.
    Admin,
    /// Reads every access.
    Auditor,
    /// A departmental system.
    System,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Clerk, Self::Reviewer, Self::Admin, Self::Auditor, Self::System];

    /// The name in JSON, rules and texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::System => "system",
        }
    }
}
