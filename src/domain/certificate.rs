//! E-licences (电子证照, GB/T 36901 to 36906) as the ledger knows them: no personal data.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{CaseId, DepartmentId};

use super::{Actor, Text};

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
}

impl CertificateStatus {
    /// The code of the standard.
    pub fn code(self) -> &'static str {
        match self {
            Self::Valid => "01",
            Self::Suspended => "02",
            Self::Revoked => "03",
            Self::Cancelled => "04",
            Self::Lapsed => "05",
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
        }
    }

    /// Whether this may follow `before`: an ended certificate stays ended, a suspended one can be released.
    pub fn may_follow(self, before: Self) -> bool {
        match before {
            Self::Valid => self != Self::Valid,
            Self::Suspended => self != Self::Suspended,
            Self::Revoked | Self::Cancelled | Self::Lapsed => false,
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
}
