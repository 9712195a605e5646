//! Certificates by hand: a clerk prepares one, or another version of one, and a reviewer issues it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::certificate::{CertificateStatus, Operation};
use crate::domain::certificate_type::CertificateType;
use crate::domain::identifiers::certificate_identifier;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{Slug, TxId};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::preparations::{Preparation, PreparationState};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;

use super::{Grounds, Holder, Issued, check, serial};

/// What a clerk prepares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparing {
    /// The type's name.
    #[serde(rename = "type")]
    pub kind: Slug,
    /// How the certificate comes to be.
    pub operation: Operation,
    /// The certificate that it continues; of every operation but `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// Whose it is.
    pub holder: Holder,
    /// What stands on it.
    pub fields: Map<String, Value>,
}

/// A preparation with what it says.
#[derive(Clone, Debug)]
pub struct PreparationView {
    /// As it is kept.
    pub kept: Preparation,
    /// What it says.
    pub body: Preparing,
}

impl Node {
    /// Prepares a certificate. Clerks and reviewers of the issuer may.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for what does not fit the type; the policy's refusal.
    pub async fn prepare_certificate(&self, who: &Principal, body: Preparing) -> Result<PreparationView, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::OpenCase, role, Relation::Own))?;
        let id = self.next_id(who);
        let kept = Preparation {
            id,
            state: PreparationState::Prepared,
            body: serde_json::to_value(&body).map_err(|e| ServiceError::Internal(e.to_string()))?,
            prepared_by: actor,
            prepared_at: self.clock.now(),
            identifier: None,
        };
        check(&self.grounds_of(&kept, &body)?)?;
        let (local, keeping) = (self.local.clone(), kept.clone());
        blocking(move || local.prepare(&keeping)).await?;
        Ok(PreparationView { kept, body })
    }

    /// What waits for a reviewer. For who may read this department's cases.
    ///
    /// # Errors
    /// The policy's refusal.
    pub async fn certificate_preparations(&self, who: &Principal) -> Result<Vec<PreparationView>, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ReadCase, role, Relation::Own))?;
        let local = self.local.clone();
        let mut waiting = Vec::new();
        for kept in blocking(move || local.preparations()).await? {
            waiting.push(self.reconciled(view(kept)?).await?);
        }
        waiting.retain(|view| view.kept.state == PreparationState::Prepared);
        Ok(waiting)
    }

    /// One preparation.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn certificate_preparation(&self, who: &Principal, id: TxId) -> Result<PreparationView, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ReadCase, role, Relation::Own))?;
        self.preparation(id).await
    }

    async fn preparation(&self, id: TxId) -> Result<PreparationView, ServiceError> {
        let local = self.local.clone();
        let kept = blocking(move || local.preparation(id)).await?;
        self.reconciled(view(kept.ok_or_else(|| ServiceError::missing(format_args!("preparation {id}")))?)?).await
    }

    /// Ends a preparation whose certificate came to the ledger while the node did not live to write that down.
    async fn reconciled(&self, mut view: PreparationView) -> Result<PreparationView, ServiceError> {
        if view.kept.state != PreparationState::Prepared {
            return Ok(view);
        }
        let Some(identifier) = self.issued_of(&view) else { return Ok(view) };
        let (local, wanted) = (self.local.clone(), identifier.clone());
        let document = blocking(move || local.document(&wanted)).await?;
        // Two preparations may continue one certificate: the one that it says became the next version.
        let is_own = !continues(&view.body) || document.is_some_and(|kept| says(&kept.document, &view.body));
        if !is_own {
            return Ok(view);
        }
        let (local, id, ended) = (self.local.clone(), view.kept.id, identifier.clone());
        blocking(move || local.end_preparation(id, PreparationState::Issued, Some(&ended))).await?;
        (view.kept.state, view.kept.identifier) = (PreparationState::Issued, Some(identifier));
        Ok(view)
    }

    /// The certificate on the ledger that a preparation would become.
    fn issued_of(&self, view: &PreparationView) -> Option<String> {
        let (serial, version) = place_of(&view.kept, &view.body).ok()?;
        let kind = self.published_type(&view.body.kind).ok()?;
        let uscc = self.own_department().ok()?.uscc;
        let identifier = certificate_identifier::issue(&kind.type_code, &uscc, &serial, version).ok()?;
        let state = self.chain.state();
        let details = state.certificate(&identifier)?.issue.details.as_ref()?;
        (details.prepared_by.as_ref() == Some(&view.kept.prepared_by)).then_some(identifier)
    }

    /// Issues what was prepared. A reviewer of the issuer who did not prepare it may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn issue_preparation(&self, who: &Principal, id: TxId) -> Result<Issued, ServiceError> {
        let PreparationView { kept, body } = self.preparation(id).await?;
        let same_person = kept.prepared_by.user == who.user;
        let facts = |role| Facts { same_person, ..Facts::new(Action::IssueCertificate, role, Relation::Own) };
        let actor = self.authorise(who, facts)?;
        if kept.state != PreparationState::Prepared {
            return Err(ServiceError::conflict("conflict", format!("the preparation is {}", kept.state.as_str())));
        }
        let grounds = self.grounds_of(&kept, &body)?;
        let issued = self.issue(who, actor, grounds).await?;
        let (local, identifier) = (self.local.clone(), issued.identifier.clone());
        blocking(move || local.end_preparation(id, PreparationState::Issued, Some(&identifier))).await?;
        Ok(issued)
    }

    /// Puts a preparation aside. Clerks and reviewers of the issuer may.
    ///
    /// # Errors
    /// The policy's refusal; a conflict when it does not wait any more.
    pub async fn discard_preparation(&self, who: &Principal, id: TxId) -> Result<(), ServiceError> {
        self.authorise(who, |role| Facts::new(Action::OpenCase, role, Relation::Own))?;
        let state = self.preparation(id).await?.kept.state;
        let local = self.local.clone();
        if blocking(move || local.end_preparation(id, PreparationState::Discarded, None)).await? {
            return Ok(());
        }
        Err(ServiceError::conflict("conflict", format!("the preparation is {}", state.as_str())))
    }

    fn grounds_of(&self, kept: &Preparation, body: &Preparing) -> Result<Grounds, ServiceError> {
        let kind = self.published_type(&body.kind)?;
        if !body.operation.replaces() && !kind.by_hand {
            return Err(ServiceError::invalid(FaultCode::CaseOnly, "/type", "is issued in a case only"));
        }
        let (serial, version) = place_of(kept, body)?;
        if let Some(predecessor) = body.predecessor.as_ref().filter(|_| continues(body)) {
            self.check_predecessor(predecessor)?;
        }
        Ok(Grounds {
            kind,
            operation: body.operation,
            predecessor: body.predecessor.clone(),
            case: None,
            prepared_by: Some(kept.prepared_by.clone()),
            holder: body.holder.clone(),
            fields: body.fields.clone(),
            serial,
            version,
        })
    }

    pub(super) fn published_type(&self, name: &Slug) -> Result<CertificateType, ServiceError> {
        let state = self.chain.state();
        let published = state.certificate_type_newest(&self.department, name).map(|known| known.document.clone());
        published.ok_or_else(|| ServiceError::missing(format_args!("a published type {name} of this department")))
    }

    /// The ledger would refuse it too, but only when it is issued.
    fn check_predecessor(&self, predecessor: &str) -> Result<(), ServiceError> {
        let state = self.chain.state();
        let known = state.certificate(predecessor).filter(|known| known.issuer == self.department);
        let foreign =
            || ServiceError::invalid(FaultCode::ForeignCertificate, "/predecessor", "is not this department's");
        let known = known.ok_or_else(foreign)?;
        if known.status != CertificateStatus::Valid {
            let detail = format!("the predecessor is {}", known.status.as_str());
            return Err(ServiceError::conflict("conflict", detail));
        }
        Ok(())
    }
}

/// Serial and version of what a preparation becomes: its own, or the next of its predecessor.
fn place_of(kept: &Preparation, body: &Preparing) -> Result<(String, u16), ServiceError> {
    let invalid = |code, why: &str| Err(ServiceError::invalid(code, "/predecessor", why));
    let unread = |e| Err(Fault::of_format("/predecessor", "certificate_identifier", e, format!("it {e}")).into());
    match (&body.predecessor, body.operation) {
        (None, Operation::New) | (Some(_), Operation::TransferIn) => {
            if let Some(Err(e)) = body.predecessor.as_ref().map(|text| certificate_identifier::parts(text)) {
                return unread(e);
            }
            Ok((serial(kept.id.time(), kept.id.as_bytes()), 1))
        }
        (Some(_), Operation::New) => invalid(FaultCode::Forbidden, "must be left out for a new certificate"),
        (None, _) => invalid(FaultCode::Required, "is missing"),
        (Some(predecessor), _) => match certificate_identifier::parts(predecessor) {
            Ok(parts) => Ok((parts.serial.to_owned(), parts.version + 1)),
            Err(e) => unread(e),
        },
    }
}

/// Whether it becomes the next version of another one, whose serial it bears.
fn continues(body: &Preparing) -> bool {
    !matches!(body.operation, Operation::New | Operation::TransferIn)
}

/// Whether a certificate's document says what was prepared.
fn says(document: &Value, body: &Preparing) -> bool {
    let said = |path: &str| document.pointer(path);
    said("/credentialSubject/fields").and_then(Value::as_object) == Some(&body.fields)
        && said("/credentialSubject/holder/code").and_then(Value::as_str) == Some(&body.holder.code)
        && said("/credentialSubject/holder/name").and_then(Value::as_str) == Some(&body.holder.name)
}

fn view(kept: Preparation) -> Result<PreparationView, ServiceError> {
    let body = serde_json::from_value(kept.body.clone());
    let body = body.map_err(|e| ServiceError::Internal(format!("preparation {}: {e}", kept.id)))?;
    Ok(PreparationView { kept, body })
}
