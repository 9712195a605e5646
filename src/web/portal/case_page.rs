//! One case: its progress, its papers, the departments' words, and its certificate.

use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::domain::Role;
use crate::domain::case::{CaseState, Material};
use crate::ids::{CaseId, Slug};
use crate::readmodel::cases::{CaseStepView, CaseView};
use crate::readmodel::local::CaseMaterial;
use crate::service::ServiceError;
use crate::service::cases::{CaseDetail, SignOffWord};

use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::render::{Answer, FAULTY};
use super::rows::table;
use super::views::Faults;
use super::views::cases::{CasePage, Mark, MaterialView, StepView};

/// The case.
pub async fn show(visitor: Visitor, id: Path<CaseId>) -> Answer {
    let detail = visitor.node.case(&visitor.who, *id).await?;
    page(&visitor, StatusCode::OK, &detail, Faults::default())
}

fn page(desk: &Desk, status: StatusCode, detail: &CaseDetail, faults: Faults) -> Answer {
    let case = &detail.case;
    let workflow = desk.node.workflows().iter().find(|known| known.name == case.workflow);
    let title = desk.t.pick(&case.title).to_owned();
    let issuer = desk.is_own(&case.owner) && desk.is(Role::Reviewer) && !desk.is_user(&case.opened_by.user);
    let view = CasePage {
        page: desk.page_at(&format!("/cases/{}", case.id)),
        t: desk.t,
        id: case.id.to_string(),
        workflow_title: workflow.map_or_else(|| title.clone(), |workflow| desk.t.pick(&workflow.title).to_owned()),
        title,
        owner: desk.department(&case.owner),
        opened_by: case.opened_by.user.clone(),
        opened_at: case.opened_at.local_text(),
        state: case.state.as_str().to_owned(),
        progress: progress(desk, case),
        papers_missing: detail.papers_missing.clone().unwrap_or_default(),
        materials: case.materials.iter().map(|material| paper(desk, material, &detail.papers)).collect(),
        steps: case.steps.iter().map(|step| step_view(desk, case, step)).collect(),
        certificate: case.certificate.clone(),
        may_issue: issuer && case.state == CaseState::Agreed,
        faults,
    };
    desk.show_as(status, &view)
}

/// Data, sign-offs, certificate: where the case stands at a glance.
fn progress(desk: &Desk, case: &CaseView) -> Vec<Mark> {
    let pulled = case.materials.len();
    let mut marks =
        vec![Mark { label: desk.t.say("case-materials"), state: "done", detail: format!("{pulled} / {pulled}") }];
    let open = case.state == CaseState::InProgress;
    marks.extend(case.steps.iter().map(|step| Mark {
        label: desk.t.pick(&step.title).to_owned(),
        state: match &step.word {
            Some(word) if word.agreed => "done",
            Some(_) => "failed",
            None if open => "current",
            None => "waiting",
        },
        detail: desk.department(&step.department),
    }));
    let issued = match case.state {
        CaseState::Completed => "done",
        CaseState::Agreed => "current",
        CaseState::InProgress | CaseState::Rejected => "waiting",
    };
    marks.push(Mark { label: desk.t.say("certificate"), state: issued, detail: desk.department(&case.owner) });
    marks
}

fn paper(desk: &Desk, material: &Material, papers: &[CaseMaterial]) -> MaterialView {
    let held = papers.iter().find(|paper| paper.access_id == material.access_id);
    let entry = desk.node.chain.state().entry(&material.entry).map(|history| history.current().entry.clone());
    let rows = held.and_then(|paper| paper.rows.as_array()).map(Vec::as_slice).unwrap_or_default();
    let (columns, rows) = table(desk.t, entry.as_ref(), rows);
    MaterialView {
        entry: material.entry.to_string(),
        title: held.map_or_else(|| desk.entry_title(&material.entry), |paper| desk.t.pick(&paper.title).to_owned()),
        provider: desk.department(&material.entry.provider),
        access_id: material.access_id.to_string(),
        digest: material.digest.to_string(),
        held: held.is_some(),
        columns,
        rows,
    }
}

fn step_view(desk: &Desk, case: &CaseView, step: &CaseStepView) -> StepView {
    let word = step.word.as_ref();
    let state = match word {
        None => "waiting",
        Some(word) if word.agreed => "agreed",
        Some(_) => "disagreed",
    };
    let ours = desk.is_own(&step.department) && desk.is(Role::Reviewer);
    StepView {
        step: step.step.to_string(),
        title: desk.t.pick(&step.title).to_owned(),
        department: desk.department(&step.department),
        state: state.to_owned(),
        by: word.map(|word| word.by.user.clone()).unwrap_or_default(),
        at: word.map(|word| word.at.local_text()).unwrap_or_default(),
        note: word.map(|word| word.note.clone()).unwrap_or_default(),
        index: word.map(|word| word.ledger_index),
        may_sign: ours && word.is_none() && case.state == CaseState::InProgress,
    }
}

/// Gives the department's word.
pub async fn sign_off(Posted { visitor, form }: Posted, path: Path<(CaseId, Slug)>) -> Answer {
    let (id, step) = path.into_inner();
    let (agreed, note) = (form.get("agreed"), form.get("note"));
    let mut faults = Faults::default();
    if !matches!(agreed, "yes" | "no") {
        faults.add(visitor.t, &format!("agreed-{step}"), "case-word", "required");
    }
    if agreed == "no" && note.is_empty() {
        faults.add(visitor.t, &format!("note-{step}"), "case-note", "required");
    }
    if faults.is_empty() {
        let word = SignOffWord { agreed: agreed == "yes", note: note.to_owned() };
        match visitor.node.sign_off(&visitor.who, id, step.clone(), word).await {
            Ok(committed) => {
                return visitor.done(&format!("/cases/{id}"), "case_signed", Some(committed.transaction_id));
            }
            Err(ServiceError::Invalid(_)) => {
                faults.add(visitor.t, &format!("note-{step}"), "case-note", "too_long");
            }
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.case(&visitor.who, id).await?;
    page(&visitor, FAULTY, &detail, faults)
}

/// Issues the certificate in which the case ends.
pub async fn issue(Posted { visitor, .. }: Posted, id: Path<CaseId>) -> Answer {
    let issued = visitor.node.issue_certificate(&visitor.who, *id).await?;
    let href = format!("/certificates/{}", issued.identifier);
    visitor.done(&href, "certificate_issued", Some(issued.committed.transaction_id))
}
