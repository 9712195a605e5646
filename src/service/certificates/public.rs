//! What anybody may know of a certificate: how it stands, and nothing of its holder.

use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::Text;
use crate::domain::certificate::CertificateStatus;
use crate::domain::copy_check::{self, Checked, CopyFault};
use crate::domain::identifiers::certificate_identifier;
use crate::ids::DepartmentId;
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;

use super::pdf;

/// Whose copy is being checked.
static TURN: Mutex<()> = Mutex::new(());
const TURN_WAIT: Duration = Duration::from_secs(2);

/// What anybody may know of a certificate: nothing of its holder.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The identifier asked about.
    pub identifier: String,
    /// Whether such a certificate was issued and is in force today.
    pub valid: bool,
    /// Its status today.
    pub status: CertificateStatus,
    /// The status' code in GB/T 36903.
    pub status_code: &'static str,
    /// Name of its type.
    pub type_name: Text,
    /// Who issued it.
    pub issuer: DepartmentId,
    /// The issuer's name.
    pub issuer_name: Text,
    /// First day.
    pub valid_from: String,
    /// Last day.
    pub valid_to: Option<String>,
    /// When it was issued.
    pub issued_at: Millis,
    /// The version that took its place.
    pub successor: Option<String>,
    /// Annotations that are to be shown today.
    pub annotations: Vec<String>,
    /// SM3 of the document: compare it with the copy at hand.
    pub document_digest: Hash,
    /// Size of the ledger on which this answer rests.
    pub ledger_size: u64,
}

impl Node {
    /// Says in public whether a certificate is in force.
    ///
    /// # Errors
    /// [`ServiceError::Malformed`] for what is no identifier, [`ServiceError::NotFound`] when none was issued.
    pub fn verify_certificate(&self, identifier: &str) -> Result<Verification, ServiceError> {
        certificate_identifier::validate(identifier)
            .map_err(|e| ServiceError::Malformed(format!("the identifier {e}")))?;
        let state = self.chain.state();
        let found = state.certificate(identifier);
        let found = found.ok_or_else(|| ServiceError::missing("a certificate of this identifier"))?;
        let today = self.clock.now().date();
        let status = found.status.on(&today, found.issue.valid_to.as_deref());
        let issuer_name = state.department(&found.issuer).map(|issuer| issuer.name.clone()).unwrap_or_default();
        let shown = found.annotations.iter().filter(|made| made.expires.as_ref().is_none_or(|last| &today <= last));
        Ok(Verification {
            identifier: identifier.to_owned(),
            valid: found.issue.valid_from <= today && status == CertificateStatus::Valid,
            status,
            status_code: status.code(),
            type_name: found.issue.type_name.clone(),
            issuer: found.issuer.clone(),
            issuer_name,
            valid_from: found.issue.valid_from.clone(),
            valid_to: found.issue.valid_to.clone(),
            issued_at: found.issued_at,
            successor: found.successor.clone(),
            annotations: shown.map(|made| made.cause.clone()).collect(),
            document_digest: found.issue.document_digest,
            ledger_size: state.size(),
        })
    }

    /// Checks a copy that anybody brought, JSON or PDF, by the keys and cosigners of this ledger. The file is forgotten.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when too many are checked at once; what is wrong with the file is the inner answer.
    pub async fn check_copy(&self, file: Vec<u8>) -> Result<Result<Checked, CopyFault>, ServiceError> {
        let trust = self.trust_policy()?;
        blocking(move || {
            // One at a time: what anybody may send must not take the whole machine.
            let Some(_turn) = TURN.try_lock_for(TURN_WAIT) else {
                return Err(ServiceError::Unavailable {
                    code: "busy",
                    detail: "other copies are being checked: try again".into(),
                    retry_after_s: 5,
                });
            };
            let copy = pdf::copy_in(file).map_err(CopyFault::Malformed);
            Ok::<_, ServiceError>(copy.and_then(|copy| copy_check::check(&copy, Some(&trust))))
        })
        .await
    }
}
