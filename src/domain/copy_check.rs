//! What a holder's copy proves without any node: that the issuer made it, unchanged, and that the ledger has its issue.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::crypto::digest::{Hash, sm3};
use crate::crypto::sign::PublicKey;
use crate::ids::{DepartmentId, TxId};
use crate::ledger::receipt::{Proven, Receipt, ReceiptFault};
use crate::ledger::transaction::Transaction;
use crate::ledger::trust::TrustPolicy;

use super::Text;
use super::certificate::CertificateIssue;
use super::command::{Command, Payload};
use super::credential::{self, CredentialError};
use super::identifiers::certificate_identifier;

/// Why a copy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyFault {
    /// It does not have the form of a copy.
    #[error("{0}")]
    Malformed(String),
    /// The proof's signature does not fit.
    #[error("the signature does not fit: the copy was changed after it was signed")]
    Signature,
    /// The ledger has the digest of another document.
    #[error("the copy is not the document that stands on the ledger: their digests differ")]
    Digest,
    /// Receipt and copy are of two certificates.
    #[error("the receipt does not belong to the copy: {0}")]
    Record(String),
    /// The policy knows other keys of the issuer.
    #[error("the copy is not signed by a key that the policy knows as one of {0}")]
    Key(DepartmentId),
    /// The receipt proves nothing.
    #[error("the receipt: {0}")]
    Receipt(#[from] ReceiptFault),
}

impl CopyFault {
    /// Stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Signature => "copy_signature",
            Self::Digest => "copy_digest",
            Self::Record(_) => "copy_record",
            Self::Key(_) => "copy_key",
            Self::Receipt(fault) => fault.code(),
        }
    }
}

impl From<CredentialError> for CopyFault {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Form(why) => Self::Malformed(why),
            CredentialError::Signature => Self::Signature,
        }
    }
}

/// What a copy says of itself, and what was proven of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// Who issued it.
    pub issuer: DepartmentId,
    /// The issuer's name.
    pub issuer_name: Text,
    /// Name of its type.
    pub type_name: Text,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity, none for no end.
    pub valid_to: Option<String>,
    /// The key that signed the copy.
    pub key: PublicKey,
    /// SM3 of the document, as on the ledger.
    pub digest: Hash,
    /// The transaction that issued it.
    pub transaction: TxId,
    /// Its index, as the receipt says.
    pub index: u64,
    /// What the receipt shows; none where no policy said whom to trust.
    pub proven: Option<Proven>,
}

impl Checked {
    /// Whether a day lies within its validity.
    pub fn is_in_time(&self, today: &str) -> bool {
        self.valid_from.as_str() <= today && self.valid_to.as_deref().is_none_or(|last| today <= last)
    }
}

/// What the check needs of a copy; the rest is the reader's.
#[derive(Deserialize)]
struct Licence {
    identifier: String,
    #[serde(rename = "type")]
    kind: Kind,
    issuer: Issuer,
    valid_from: String,
    valid_to: Option<String>,
    salt: String,
}

#[derive(Deserialize)]
struct Kind {
    name: Text,
}

#[derive(Deserialize)]
struct Issuer {
    name: Text,
    code: String,
    department: DepartmentId,
}

/// Checks a copy from its outermost claim inwards. Without a policy it is only shown to be whole, by a key of its own
/// naming.
///
/// # Errors
/// The first [`CopyFault`].
pub fn check(text: &[u8], trust: Option<&TrustPolicy>) -> Result<Checked, CopyFault> {
    let copy = credential::parse(text)?;
    let key = credential::check_proof(&copy)?;
    let licence = licence(&copy)?;
    let receipt = receipt(&copy)?;
    let digest = credential::digest(&copy)?;
    let (proven, transaction) = match trust {
        Some(trust) => {
            let proven = receipt.verify(trust)?;
            let signed_it = proven.signer.as_ref() == Some(&licence.issuer.department);
            let keys = trust.departments().get(&licence.issuer.department);
            if !signed_it || keys.is_none_or(|keys| !keys.contains(&key)) {
                return Err(CopyFault::Key(licence.issuer.department));
            }
            let transaction = proven.transaction.clone();
            (Some(proven), transaction)
        }
        None => (None, receipt.transaction().map_err(ReceiptFault::from)?),
    };
    let (id, issue) = issue(&transaction, &licence.issuer.department)?;
    compare(&copy, &licence, &issue)?;
    if issue.document_digest != digest {
        return Err(CopyFault::Digest);
    }
    Ok(Checked {
        identifier: licence.identifier,
        issuer: licence.issuer.department,
        issuer_name: licence.issuer.name,
        type_name: licence.kind.name,
        valid_from: licence.valid_from,
        valid_to: licence.valid_to,
        key,
        digest,
        transaction: id,
        index: receipt.index(),
        proven,
    })
}

fn malformed(why: impl Into<String>) -> CopyFault {
    CopyFault::Malformed(why.into())
}

fn licence(copy: &Map<String, Value>) -> Result<Licence, CopyFault> {
    let licence = copy.get("licence").cloned().ok_or_else(|| malformed("it has no licence"))?;
    let licence: Licence =
        serde_json::from_value(licence).map_err(|e| malformed(format!("its licence is not one: {e}")))?;
    let parts = certificate_identifier::parts(&licence.identifier);
    let parts = parts.map_err(|e| malformed(format!("its identifier {e}")))?;
    if parts.issuer != licence.issuer.code {
        return Err(malformed("its identifier is of another issuer"));
    }
    Ok(licence)
}

fn receipt(copy: &Map<String, Value>) -> Result<Receipt, CopyFault> {
    let evidence = copy.get("evidence").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [evidence] = evidence else { return Err(malformed("it does not have one evidence")) };
    let receipt = evidence.get("receipt").ok_or_else(|| malformed("its evidence is no receipt"))?;
    Receipt::parse(&receipt.to_string()).map_err(|e| CopyFault::Receipt(e.into()))
}

fn issue(transaction: &Transaction, issuer: &DepartmentId) -> Result<(TxId, CertificateIssue), CopyFault> {
    let payload = Payload::decode(transaction.payload()).map_err(CopyFault::Record)?;
    match payload.command {
        Command::IssueCertificate(issue) if &payload.department == issuer => Ok((payload.id, issue)),
        Command::IssueCertificate(_) => Err(CopyFault::Record("another department issued it".into())),
        _ => Err(CopyFault::Record("its transaction issues no certificate".into())),
    }
}

fn compare(copy: &Map<String, Value>, licence: &Licence, issue: &CertificateIssue) -> Result<(), CopyFault> {
    let differs = |what: &str| CopyFault::Record(format!("the {what} differs"));
    if issue.identifier != licence.identifier {
        return Err(differs("identifier"));
    }
    if issue.valid_from != licence.valid_from || issue.valid_to != licence.valid_to {
        return Err(differs("time of validity"));
    }
    let holder = copy.get("credentialSubject").and_then(|subject| subject.get("holder")?.get("code")?.as_str());
    let salt = hex::decode(&licence.salt).map_err(|_| malformed("its salt is not hexadecimal"))?;
    if sm3(&[&salt, holder.unwrap_or_default().as_bytes()]) != issue.holder_commitment {
        return Err(differs("holder"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "copy_check_tests.rs"]
mod tests;
