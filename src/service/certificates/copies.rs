//! The holder's copies: made once when they are first wanted, and given out as they are for ever.

use serde_json::Value;

use crate::clock::Millis;
use crate::domain::credential;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::certificates::CertificateCopy;
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;

use super::{document, paper};

impl Node {
    /// The holder's copies of one of this department's certificates. Whoever may read its cases may hand them out.
    ///
    /// # Errors
    /// The policy's refusal; [`ServiceError::NotFound`]; `certificate_without_copy` for certificates of before there
    /// were copies; [`ServiceError::Unavailable`] when nobody cosigned the ledger so far yet.
    pub async fn certificate_copy(&self, who: &Principal, identifier: &str) -> Result<CertificateCopy, ServiceError> {
        let issuer = self.chain.state().certificate(identifier).map(|certificate| certificate.issuer.clone());
        let issuer = issuer.ok_or_else(|| ServiceError::missing("the certificate"))?;
        let relation = if issuer == self.department { Relation::Own } else { Relation::Foreign };
        self.authorise(who, |role| Facts::new(Action::ReadCase, role, relation))?;
        let (local, wanted) = (self.local.clone(), identifier.to_owned());
        if let Some(copy) = blocking(move || local.copy(&wanted)).await? {
            return Ok(copy);
        }
        self.make_copy(identifier).await
    }

    async fn make_copy(&self, identifier: &str) -> Result<CertificateCopy, ServiceError> {
        let (local, wanted) = (self.local.clone(), identifier.to_owned());
        let reading = self.reading(move |model| Ok((model.certificate(&wanted)?, local.document(&wanted)?)));
        let (certificate, document) = reading.await?;
        let certificate = certificate.ok_or_else(|| ServiceError::missing("the certificate"))?;
        let document = document.ok_or_else(|| ServiceError::missing("the certificate's document on this node"))?;
        let old = || {
            let detail = "this certificate is of before there were copies: change it, and its next version has one";
            ServiceError::conflict("certificate_without_copy", detail)
        };
        let Value::Object(document) = document.document else { return Err(old()) };
        let mut face = document::face(&document).ok_or_else(old)?;
        let receipt = self.receipt(certificate.transaction_id).await?;
        let receipt = serde_json::to_value(&receipt).map_err(|e| ServiceError::Internal(e.to_string()))?;
        let now = self.clock.now();
        let sealed = credential::seal(document, receipt, &self.keys.get().signing, &now.to_string());
        let sealed = sealed.map_err(|e| ServiceError::Internal(e.to_string()))?;
        face.digest = certificate.issue.document_digest.to_string();
        face.ledger_index = certificate.ledger_index;
        face.made_at = moment(now);
        let (local, wanted) = (self.local.clone(), identifier.to_owned());
        // Drawing takes a tenth of a second.
        blocking(move || {
            let internal = |why: String| ServiceError::Internal(why);
            let json = credential::canonical(&sealed).map_err(|e| internal(e.to_string()))?;
            let pdf = paper::draw(&face, json.clone()).map_err(internal)?;
            let json = String::from_utf8(json).map_err(|e| internal(e.to_string()))?;
            // Whoever was first made the copy.
            Ok::<_, ServiceError>(local.keep_copy(&wanted, CertificateCopy { json, pdf, made_at: now })?)
        })
        .await
    }
}

/// Year, month, day, hour, minute and second in UTC.
fn moment(at: Millis) -> [u16; 6] {
    let text = at.to_string();
    let mut parts = text.split(['-', 'T', ':', '.', 'Z']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_six_parts() {
        let at = Millis::parse("2026-11-21T02:03:04.567Z").unwrap();
        assert_eq!(moment(at), [2026, 11, 21, 2, 3, 4]);
    }
}
