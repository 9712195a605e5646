//! What parties do on the page of a case: retry, sign off, return, bring again, assign, end, withdraw.

use actix_web::web::Path;

use crate::domain::case::{CaseState, StepKind};
use crate::ids::{CaseId, Slug};
use crate::service::ServiceError;
use crate::service::cases::{AssignWord, ResubmitWord, ReturnWord, SignOffWord};
use crate::web::problem::Problem;

use super::case_form;
use super::case_page::{Sent, page};
use super::case_step::{fact_of, missing_fact};
use super::desk::Visitor;
use super::form::Posted;
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::Faults;

fn at(id: CaseId) -> String {
    format!("/cases/{id}")
}

/// Pulls what is missing.
pub async fn retry(Posted { visitor, .. }: Posted, id: Path<CaseId>) -> Answer {
    let progress = visitor.node.retry_case(&visitor.who, *id).await?;
    let flash = if progress.state == CaseState::Waiting { "case_waits" } else { "case_goes_on" };
    visitor.done(&at(*id), flash, None)
}

/// Gives the department's word.
pub async fn sign_off(Posted { visitor, form }: Posted, path: Path<(CaseId, Slug)>) -> Answer {
    let (id, step) = path.into_inner();
    let (agreed, note) = (form.get("agreed"), form.get("note"));
    let kind = kind_of(&visitor, id, &step);
    let fact = fact_of(kind, &form).filter(|_| agreed == "yes");
    let mut faults = Faults::default();
    if !matches!(agreed, "yes" | "no") {
        faults.add(visitor.t, &format!("agreed-{step}"), "case-word", "required");
    }
    if agreed == "no" && note.is_empty() {
        faults.add(visitor.t, &format!("note-{step}"), "case-note", "required");
    }
    if agreed == "yes" {
        missing_fact(&visitor, kind, step.as_str(), &form, &mut faults);
    }
    if faults.is_empty() {
        let word = SignOffWord { agreed: agreed == "yes", note: note.to_owned(), fact };
        match visitor.node.sign_off(&visitor.who, id, step.clone(), word).await {
            Ok(committed) => return visitor.done(&at(id), "case_signed", Some(committed.transaction_id)),
            Err(ServiceError::Invalid(found)) => {
                let (field, label) = (format!("note-{step}"), visitor.t.say("case-note"));
                found.iter().for_each(|one| faults.tell(visitor.t, &field, &label, &told(visitor.t, one, |_| None)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.case(&visitor.who, id).await?;
    page(&visitor, FAULTY, &detail, Sent::Word(&step, &form), faults)
}

fn kind_of(visitor: &Visitor, id: CaseId, step: &Slug) -> StepKind {
    let state = visitor.node.chain.state();
    state.case(id).and_then(|case| case.step(step)).map(|step| step.kind()).unwrap_or_default()
}

/// Gives the case back to its owner.
pub async fn give_back(Posted { visitor, form }: Posted, path: Path<(CaseId, Slug)>) -> Answer {
    let (id, step) = path.into_inner();
    let word = ReturnWord { reason: form.reason()? };
    let committed = visitor.node.return_case(&visitor.who, id, step, word).await?;
    visitor.done(&at(id), "case_returned", Some(committed.transaction_id))
}

/// Brings a returned case again, or one that waits for data, with what was corrected in its form.
pub async fn resubmit(Posted { visitor, form: sent }: Posted, id: Path<CaseId>) -> Answer {
    let (workflow, before) = visitor.node.case_form(&visitor.who, *id).await?;
    let fields = workflow.correctable_fields();
    let corrects = sent.get("corrects") == "yes";
    let mut faults = Faults::default();
    if sent.get("note").is_empty() {
        faults.add(visitor.t, "resubmit-note", "case-resubmit-note", "required");
    }
    if corrects {
        case_form::missing(&visitor, &fields, &sent, &mut faults);
    }
    if faults.is_empty() {
        let mut params = before.clone();
        params.retain(|name, _| fields.iter().all(|field| field.name.as_str() != name));
        params.extend(case_form::values(&fields, &sent));
        let params = Some(params).filter(|params| corrects && params != &before);
        let flash = if params.is_some() { "case_corrected" } else { "case_resubmitted" };
        let word = ResubmitWord { note: sent.get("note").to_owned(), params };
        match visitor.node.resubmit_case(&visitor.who, *id, word).await {
            Ok(done) => {
                let flash = if done.progress.state == CaseState::Waiting { "case_waits" } else { flash };
                return visitor.done(&at(*id), flash, Some(done.committed.transaction_id));
            }
            Err(ServiceError::Invalid(found)) => case_form::wrong(visitor.t, &fields, &found, &mut faults),
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.case(&visitor.who, *id).await?;
    page(&visitor, FAULTY, &detail, Sent::Correction(&sent), faults)
}

/// Gives a step to another department or to a person.
pub async fn assign(Posted { visitor, form }: Posted, path: Path<(CaseId, Slug)>) -> Answer {
    let (id, step) = path.into_inner();
    let (department, user) = (form.get("department"), form.get("user"));
    let word = AssignWord {
        department: if department.is_empty() {
            None
        } else {
            Some(department.parse().map_err(|_| Problem::new("invalid"))?)
        },
        user: Some(user.to_owned()).filter(|user| !user.is_empty()),
        reason: form.reason()?,
    };
    let committed = visitor.node.assign_case(&visitor.who, id, step, word).await?;
    visitor.done(&at(id), "case_assigned", Some(committed.transaction_id))
}

/// Gives the case up.
pub async fn withdraw(Posted { visitor, form }: Posted, id: Path<CaseId>) -> Answer {
    let committed = visitor.node.withdraw_case(&visitor.who, *id, form.reason()?).await?;
    visitor.done(&at(*id), "case_withdrawn", Some(committed.transaction_id))
}

/// Ends the case, or notes that its applicant is told.
pub async fn complete(Posted { visitor, .. }: Posted, id: Path<CaseId>) -> Answer {
    let committed = visitor.node.complete_case(&visitor.who, *id).await?;
    visitor.done(&at(*id), "case_completed", Some(committed.transaction_id))
}

/// Issues the certificate in which the case ends.
pub async fn issue(Posted { visitor, .. }: Posted, id: Path<CaseId>) -> Answer {
    let issued = visitor.node.issue_certificate(&visitor.who, *id).await?;
    let href = format!("/certificates/{}", issued.identifier);
    visitor.done(&href, "certificate_issued", Some(issued.committed.transaction_id))
}
