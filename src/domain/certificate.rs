//! E-licences (电子证照, GB/T 36901 to 36906) as the ledger knows them: no personal data.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{CaseId, DepartmentId, Slug};

use super::{Actor, Text, edition};

/// What the ledger holds of an issued certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateIssue {
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// Name of its type, such as 不动产权证书.
    pub type_name: Text,
    /// First day of validity, `2026-01-31`.
    pub valid_from: String,
    /// Last day of validity, none for certificates without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// SM3 of the whole document, which the issuer keeps.
    pub document_digest: Hash,
    /// SM3 of salt and holder code; the salt stands in the document, so a holder can prove to be the one.
    pub holder_commitment: Hash,
    /// The case in which it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Its type on the ledger, and how it came to be. Edition 4.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "edition::present")]
    pub details: Option<IssueDetails>,
}

/// What edition 4 says of an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueDetails {
    /// The type in a published version.
    #[serde(rename = "type")]
    pub kind: TypeRef,
    /// How it came to be.
    pub operation: Operation,
    /// The certificate that this one continues; of every operation but `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// Who prepared it, where no case did: the transaction's actor issues it and is someone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_by: Option<Actor>,
}

/// A version of a type, of the issuer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRef {
    /// Its name.
    pub name: Slug,
    /// Its version, from 1.
    pub version: u32,
}

/// 证照操作 (GB/T 36905), as far as it brings a certificate about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// 制作.
    New,
    /// 延续: the same facts for a longer time.
    Extend,
    /// 变更: other facts.
    Change,
    /// 转入: continues another issuer's certificate.
    TransferIn,
}

impl Operation {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Extend => "extend",
            Self::Change => "change",
            Self::TransferIn => "transfer_in",
        }
    }

    /// Whether the predecessor is the issuer's own and ends with it.
    pub fn replaces(self) -> bool {
        matches!(self, Self::Extend | Self::Change)
    }
}

/// An annotation (批注): what readers of a certificate should know, without personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateAnnotation {
    /// The certificate.
    pub identifier: String,
    /// What it is about.
    pub cause: String,
    /// Last day on which it is to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// An annotation as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotated {
    /// What it is about.
    pub cause: String,
    /// Last day on which it is to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Who made it.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
}

/// A change of a certificate's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateStatusChange {
    /// The certificate.
    pub identifier: String,
    /// Its new status.
    pub status: CertificateStatus,
    /// Why.
    pub reason: String,
}

/// 证照状态.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateStatus {
    /// 01 有效.
    Valid,
    /// 02 暂扣.
    Suspended,
    /// 03 撤销.
    Revoked,
    /// 04 注销.
    Cancelled,
    /// 05 失效.
    Lapsed,
    /// 06 转出. Edition 4.
    TransferredOut,
    /// 07 吊销. Edition 4.
    Withdrawn,
    /// 99 其他. Edition 4.
    Other,
}

impl CertificateStatus {
    /// Every status, in the order of the standard's codes.
    pub const ALL: [Self; 8] = [
        Self::Valid,
        Self::Suspended,
        Self::Revoked,
        Self::Cancelled,
        Self::Lapsed,
        Self::TransferredOut,
        Self::Withdrawn,
        Self::Other,
    ];

    /// Whether only edition 4 knows it.
    pub fn needs_edition_4(self) -> bool {
        matches!(self, Self::TransferredOut | Self::Withdrawn | Self::Other)
    }

    /// The status that readers see on a day: without a word of the issuer a certificate lapses when its time is over.
    pub fn on(self, today: &str, valid_to: Option<&str>) -> Self {
        let over = valid_to.is_some_and(|last| last < today);
        if over && matches!(self, Self::Valid | Self::Suspended) { Self::Lapsed } else { self }
    }

    /// The code of the standard.
    pub fn code(self) -> &'static str {
        match self {
            Self::Valid => "01",
            Self::Suspended => "02",
            Self::Revoked => "03",
            Self::Cancelled => "04",
            Self::Lapsed => "05",
            Self::TransferredOut => "06",
            Self::Withdrawn => "07",
            Self::Other => "99",
        }
    }

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::TransferredOut => "transferred_out",
            Self::Withdrawn => "withdrawn",
            Self::Other => "other",
        }
    }

    /// Whether this may follow `before`: an ended certificate stays ended, a suspended one can be released.
    pub fn may_follow(self, before: Self) -> bool {
        match before {
            Self::Valid => self != Self::Valid,
            Self::Suspended => self != Self::Suspended,
            _ => false,
        }
    }
}

/// A certificate in the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Who issued it.
    pub issuer: DepartmentId,
    /// Which person.
    pub issued_by: Actor,
    /// Block time.
    pub issued_at: Millis,
    /// What the ledger holds.
    pub issue: CertificateIssue,
    /// Its status now.
    pub status: CertificateStatus,
    /// Reason of the last change.
    pub status_reason: Option<String>,
    /// The certificate that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// Annotations, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotated>,
}
