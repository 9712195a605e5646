//! Audit: who looked at whose data, when, why and under which rule.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::clock::{DAY_MS, Millis};
use crate::crypto::digest::Hash;
use crate::crypto::keys::Held;
use crate::domain::Role;
use crate::domain::access::{AccessRecord, subject_context};
use crate::ids::AccessId;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::Page;
use crate::readmodel::accesses::{AccessFilter, AccessView};
use crate::readmodel::findings::{FindingFilter, FindingView};
use crate::readmodel::local::ActKind;

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;

/// Findings of this age are warned of, in milliseconds.
const RECENT_MS: u64 = 30 * DAY_MS;

/// What an auditor may filter by; the subject is a person's or enterprise's number in the clear.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Whose data: an ID number or USCC. Only the auditor's node can find by it.
    pub subject: Option<String>,
    /// Everything else.
    pub filter: AccessFilter,
}

/// An access with its proof's place.
#[derive(Clone, Debug, Serialize)]
pub struct AccessDetail {
    /// The record as it is listed.
    #[serde(flatten)]
    pub access: AccessView,
    /// Where its receipt is to be had.
    pub receipt: String,
    /// Size of the ledger when this was answered.
    pub ledger_size: u64,
}

impl Node {
    /// Access records, newest first. The auditor's department sees all, others those that concern them.
    ///
    /// # Errors
    /// The policy's refusal; [`ServiceError::Malformed`] when a subject is asked for where it cannot be found.
    pub async fn accesses(&self, who: &Principal, audit: AuditFilter) -> Result<Page<AccessView>, ServiceError> {
        self.authorise(who, self.audit_facts(Action::ReadAudit))?;
        let mut filter = audit.filter;
        if let Some(subject) = audit.subject {
            filter.subject_key = Some(self.subject_key(who, &subject)?);
        }
        self.reading(move |model| model.accesses(&filter)).await
    }

    /// What accesses are found by that concern a subject.
    pub(super) fn subject_key(&self, who: &Principal, subject: &str) -> Result<Hash, ServiceError> {
        self.authorise(who, self.audit_facts(Action::OpenSubject))?;
        let audit = self.audit.as_ref();
        let audit = audit.ok_or_else(|| ServiceError::Malformed("only the auditor's node finds by subject".into()))?;
        Ok(audit.subject_key(subject))
    }

    /// One access record.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn access(&self, who: &Principal, id: AccessId) -> Result<AccessDetail, ServiceError> {
        self.authorise(who, self.audit_facts(Action::ReadAudit))?;
        let access = self.reading(move |model| model.access(id)).await?;
        let access = access.ok_or_else(|| ServiceError::missing(format_args!("access {id}")))?;
        let receipt = format!("/api/v1/ledger/transactions/{}/receipt", access.transaction_id);
        Ok(AccessDetail { access, receipt, ledger_size: self.chain.size() })
    }

    /// Opens the sealed subject of an access. Only an auditor of the auditing department can.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`] when the record names no subject.
    pub async fn open_subject(&self, who: &Principal, id: AccessId) -> Result<String, ServiceError> {
        self.authorise(who, self.audit_facts(Action::OpenSubject))?;
        let detail = self.access(who, id).await?;
        let subject = self.open_sealed_subject(&detail.access.record);
        self.note(who, ActKind::SubjectOpened, &id.to_string(), "").await;
        subject.ok_or_else(|| ServiceError::missing(format_args!("a subject of access {id}")))
    }

    /// Opens a record's subject with this node's key, if it was sealed to it.
    pub(super) fn open_sealed_subject(&self, record: &AccessRecord) -> Option<String> {
        open_subject(&self.keys.get(), record)
    }

    /// Broken promises and made-up records, newest first. The auditor's department sees all, others those that concern them.
    ///
    /// # Errors
    /// The policy's refusal.
    pub async fn findings(&self, who: &Principal, filter: FindingFilter) -> Result<Page<FindingView>, ServiceError> {
        self.authorise(who, self.audit_facts(Action::ReadAudit))?;
        self.reading(move |model| model.findings(&filter)).await
    }

    /// What was found about one access, the oldest first.
    ///
    /// # Errors
    /// The policy's refusal.
    pub async fn findings_of(&self, who: &Principal, id: AccessId) -> Result<Vec<FindingView>, ServiceError> {
        self.authorise(who, self.audit_facts(Action::ReadAudit))?;
        self.reading(move |model| model.findings_of(id)).await
    }

    /// How many of this department's own findings of the last thirty days are not settled: everybody here may know.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_findings(&self) -> Result<u64, ServiceError> {
        let department = self.department.clone();
        let from = Millis(self.clock.now().0.saturating_sub(RECENT_MS));
        self.reading(move |model| model.open_findings(&department, from)).await
    }

    pub(super) fn audit_facts(&self, action: Action) -> impl Fn(Role) -> Facts + use<> {
        let is_auditor = self.chain.state().genesis().is_some_and(|genesis| genesis.auditor == self.department);
        let relation = if is_auditor { Relation::AuditorDept } else { Relation::Own };
        move |role| Facts::new(action, role, relation)
    }
}

/// Opens a record's subject with the keys that the department has or had.
pub(super) fn open_subject(keys: &Held, record: &AccessRecord) -> Option<String> {
    let sealed = BASE64.decode(record.subject.as_ref()?).ok()?;
    let opened = keys.open(&subject_context(record.access_id), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}
