//! What parties do in a case: give a word or a fact, return, bring again, assign, withdraw, complete.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::crypto::digest::{Hash, sm3};
use crate::domain::case::{
    Case, CaseAssignment, CaseCompletion, CaseReturn, CaseState, CaseWithdrawal, Fact, SignOff, SignOffStep, StepKind,
};
use crate::domain::command::Command;
use crate::domain::schema::FaultCode;
use crate::domain::{Actor, Role};
use crate::ids::{CaseId, DepartmentId, Slug};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::CaseFact;
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::writes::Committed;

use super::fields::notice;
use super::fresh_salt;

/// What a fact says: texts by name, such as `amount_yuan`, `number`, `text`.
pub type FactContent = Map<String, Value>;

/// A department's word.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOffWord {
    /// Whether it agrees.
    pub agreed: bool,
    /// A note, required when it does not.
    #[serde(default)]
    pub note: String,
    /// For a step that is done by recording something: what. It stays at this node, its digest goes to the ledger.
    #[serde(default)]
    pub fact: Option<FactContent>,
}

/// Why a department gives a case back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnWord {
    /// What is missing or wrong.
    pub reason: String,
}

/// What the owner did about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResubmitWord {
    /// What.
    pub note: String,
    /// The form as it shall be, whole; what stood there stays when it is left out.
    #[serde(default)]
    pub params: Option<Map<String, Value>>,
}

/// Who shall have a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignWord {
    /// Another department; or
    #[serde(default)]
    pub department: Option<DepartmentId>,
    /// one person of the step's department.
    #[serde(default)]
    pub user: Option<String>,
    /// Why.
    pub reason: String,
}

impl Node {
    /// Gives this department's word on its step. Reviewers may; clerks where the workflow gives them the step.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal; [`ServiceError::Invalid`] for a fact that is missing.
    pub async fn sign_off(
        &self,
        who: &Principal,
        id: CaseId,
        step: Slug,
        word: SignOffWord,
    ) -> Result<Committed, ServiceError> {
        let (case, known) = self.case_step(id, &step)?;
        let actor = self.authorise_step(who, &case, &known)?;
        let SignOffWord { agreed, note, fact } = word;
        let fact = match (known.kind(), fact) {
            (StepKind::SignOff, None) => None,
            (StepKind::SignOff, Some(_)) => {
                let why = "this step is done by a word alone";
                return Err(ServiceError::invalid(FaultCode::Forbidden, "/fact", why));
            }
            (_, _) if !agreed => None,
            (kind, None) => {
                let why = format!("this step is done by recording a {}", kind.as_str());
                return Err(ServiceError::invalid(FaultCode::Required, "/fact", why));
            }
            (kind, Some(content)) => Some(self.keep_fact(id, &step, kind, content).await?),
        };
        self.write(who, actor, Command::SignOffCase(SignOff { case: id, step, agreed, note, fact })).await
    }

    /// Keeps a fact here before its digest goes to the ledger.
    async fn keep_fact(
        &self,
        case: CaseId,
        step: &Slug,
        kind: StepKind,
        content: FactContent,
    ) -> Result<Fact, ServiceError> {
        let empty = content.values().all(|value| value.as_str().is_none_or(|text| text.trim().is_empty()));
        if empty {
            return Err(ServiceError::invalid(FaultCode::Required, "/fact", "says nothing"));
        }
        let (salt, content) = (fresh_salt()?, Value::Object(content));
        let digest = fact_digest(&salt, &content);
        let fact = CaseFact { step: step.clone(), kind, content, salt, digest };
        let (local, now) = (self.local.clone(), self.clock.now());
        blocking(move || local.keep_fact(case, &fact, now)).await?;
        Ok(Fact { kind, digest })
    }

    /// Gives a case back to its owner, with what is missing.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn return_case(
        &self,
        who: &Principal,
        id: CaseId,
        step: Slug,
        word: ReturnWord,
    ) -> Result<Committed, ServiceError> {
        let (case, known) = self.case_step(id, &step)?;
        let actor = self.authorise_step(who, &case, &known)?;
        self.write(who, actor, Command::ReturnCase(CaseReturn { case: id, step, reason: word.reason })).await
    }

    /// Gives a step to another department or to one person. Reviewers of its department may; those of the case's owner
    /// may give it to another department.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn assign_case(
        &self,
        who: &Principal,
        id: CaseId,
        step: Slug,
        word: AssignWord,
    ) -> Result<Committed, ServiceError> {
        let (case, known) = self.case_step(id, &step)?;
        let ours = [case.department_of(&known), &case.owner].contains(&&self.department);
        let relation = if ours { Relation::Own } else { Relation::Foreign };
        let actor = self.authorise(who, |role| Facts::new(Action::SignOffCase, role, relation))?;
        let AssignWord { department, user, reason } = word;
        self.write(who, actor, Command::AssignCase(CaseAssignment { case: id, step, department, user, reason })).await
    }

    /// Gives a case up.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn withdraw_case(&self, who: &Principal, id: CaseId, reason: String) -> Result<Committed, ServiceError> {
        let actor = self.authorise_owner(who, id)?;
        self.write(who, actor, Command::WithdrawCase(CaseWithdrawal { case: id, reason })).await
    }

    /// Ends a case on which everybody agreed; for one that a certificate ended, notes that the applicant is told. What the
    /// applicant is told stays here, its digest goes to the ledger.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn complete_case(&self, who: &Principal, id: CaseId) -> Result<Committed, ServiceError> {
        let actor = self.authorise_owner(who, id)?;
        let case = self.ledger_case(id)?;
        let workflow = self.workflow_of(&case)?;
        let record = self.papers_of(id).await?;
        let ready = matches!(case.state(), CaseState::Agreed | CaseState::Completed);
        let told = match notice(&workflow, &record, case.certificate.as_deref()).filter(|_| ready) {
            Some(text) => {
                let told = serde_json::json!({ "text": text, "salt": fresh_salt()? });
                let digest = sm3(&[told.to_string().as_bytes()]);
                let local = self.local.clone();
                blocking(move || local.keep_notice(id, &told)).await?;
                Some(digest)
            }
            None => None,
        };
        self.write(who, actor, Command::CompleteCase(CaseCompletion { case: id, notice_digest: told })).await
    }

    pub(super) fn authorise_owner(&self, who: &Principal, id: CaseId) -> Result<Actor, ServiceError> {
        let relation = self.relation_to_case(&self.ledger_case(id)?);
        self.authorise(who, |role| Facts::new(Action::OpenCase, role, relation))
    }

    /// A step for clerks asks for no more than opening a case does.
    fn authorise_step(&self, who: &Principal, case: &Case, step: &SignOffStep) -> Result<Actor, ServiceError> {
        let ours = case.department_of(step) == &self.department;
        let relation = if ours { Relation::Own } else { Relation::Foreign };
        let action = if step.role == Some(Role::Clerk) { Action::OpenCase } else { Action::SignOffCase };
        self.authorise(who, |role| Facts::new(action, role, relation))
    }

    fn case_step(&self, id: CaseId, step: &Slug) -> Result<(Case, SignOffStep), ServiceError> {
        let case = self.ledger_case(id)?;
        let known = case.step(step).cloned();
        let known = known.ok_or_else(|| ServiceError::missing(format_args!("this step of case {id}")))?;
        Ok((case, known))
    }
}

/// SM3 of the salt and of what a fact says.
pub(super) fn fact_digest(salt: &str, content: &Value) -> Hash {
    sm3(&[salt.as_bytes(), content.to_string().as_bytes()])
}
