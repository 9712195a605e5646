//! One case: its progress, its papers and rules, the departments' parts, its end, and what happened.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::case::{CaseState, Material};
use crate::domain::department_files::workflow::{FormField, Pull};
use crate::ids::{CaseId, Slug};
use crate::readmodel::cases::{CaseEventView, CaseView};
use crate::readmodel::local::CaseMaterial;
use crate::service::cases::{CaseDetail, PullStanding, RuleStanding};

use super::case_form;
use super::case_step::step_view;
use super::desk::{Desk, Visitor};
use super::form::Fields;
use super::href::href;
use super::listing::departments;
use super::render::Answer;
use super::rows::table;
use super::span::span;
use super::views::Faults;
use super::views::cases::{CaseField, CasePage, EventView, FormRow, Mark, MaterialView, ProblemView, RuleView};

/// Refusals that a grant, or another one, would lift.
const GRANT_HELPS: &[&str] = &[
    "no_grant",
    "grant_expired",
    "grant_revoked",
    "grant_denied",
    "grant_suspended",
    "grant_replaced",
    "purpose_mismatch",
    "item_not_granted",
    "outside_scope",
];

/// The edition of the ledger that knows corrections.
const CORRECTED_SINCE: u32 = 5;

/// What was sent by a form that has faults, to stand in it again.
#[derive(Clone, Copy)]
pub enum Sent<'a> {
    /// Nothing was.
    Nothing,
    /// A correction of the case's own form.
    Correction(&'a Fields),
    /// A department's word on a step.
    Word(&'a Slug, &'a Fields),
}

/// The case.
pub async fn show(visitor: Visitor, id: Path<CaseId>) -> Answer {
    let detail = visitor.node.case(&visitor.who, *id).await?;
    page(&visitor, StatusCode::OK, &detail, Sent::Nothing, Faults::default())
}

/// Its page, with what was wrong with a form.
pub fn page(desk: &Desk, status: StatusCode, detail: &CaseDetail, sent: Sent<'_>, faults: Faults) -> Answer {
    let case = &detail.case;
    let title = desk.t.pick(&case.title).to_owned();
    let ours = desk.is_own(&case.owner) && (desk.is(Role::Clerk) || desk.is(Role::Reviewer));
    let issuer = desk.is_own(&case.owner) && desk.is(Role::Reviewer) && !desk.is_user(&case.opened_by.user);
    let state = case.state;
    let since_4 = case.version.is_some();
    let tells = case.certificate.is_some() && case.notice_digest.is_none() && detail.notice.is_some();
    let ends = !case.ends_in_certificate && state == CaseState::Agreed;
    let until = case.ended_at.unwrap_or_else(|| desk.node.clock.now());
    let correction = if let Sent::Correction(fields) = sent { Some(fields) } else { None };
    let view = CasePage {
        page: desk.page_at(&format!("/cases/{}", case.id)),
        t: desk.t,
        id: case.id.to_string(),
        number: detail.number.clone().unwrap_or_default(),
        workflow_title: detail
            .workflow
            .as_ref()
            .map_or_else(|| title.clone(), |one| desk.t.pick(&one.title).to_owned()),
        version: case.version,
        title,
        owner: desk.department(&case.owner),
        opened_by: case.opened_by.user.clone(),
        opened_at: case.opened_at.local_text(),
        state: state.as_str().to_owned(),
        took: span(desk.t, until.since(case.opened_at)),
        due: detail.timing.due.map(Millis::date).unwrap_or_default(),
        late: detail.timing.overdue,
        progress: progress(desk, detail),
        form: form(desk, detail),
        fields: if ours && matches!(state, CaseState::Waiting | CaseState::Returned) {
            correctable(desk, detail, correction)
        } else {
            Vec::new()
        },
        papers_missing: detail.papers_missing.clone().unwrap_or_default(),
        problems: detail.pulls.iter().filter_map(|pull| problem(desk, detail, pull)).collect(),
        materials: case.materials.iter().map(|material| paper(desk, case, material, &detail.papers)).collect(),
        rules: detail.rules.iter().map(|rule| rule_view(desk, rule)).collect(),
        steps: case.steps.iter().map(|step| step_view(desk, detail, step, sent)).collect(),
        departments: departments(desk, ""),
        ends_in_certificate: case.ends_in_certificate,
        certificate: case.certificate.clone(),
        notice: detail.notice.as_ref().map(|text| desk.t.pick(text).to_owned()).unwrap_or_default(),
        notice_digest: case.notice_digest.map(|digest| digest.to_string()).unwrap_or_default(),
        events: detail.events.iter().map(|event| event_view(desk, detail, event)).collect(),
        may_retry: ours && state == CaseState::Waiting,
        may_resubmit: ours && state == CaseState::Returned,
        note: correction.map(|sent| sent.get("note").to_owned()).unwrap_or_default(),
        may_issue: issuer && case.ends_in_certificate && state == CaseState::Agreed,
        may_complete: ours && since_4 && (tells || ends),
        may_withdraw: ours && since_4 && !state.is_end(),
        faults,
    };
    desk.show_as(status, &view)
}

/// Data, rules, sign-offs, end: where the case stands at a glance.
fn progress(desk: &Desk, detail: &CaseDetail) -> Vec<Mark> {
    let case = &detail.case;
    let (wanted, pulled) = (case.pulls.len().max(case.materials.len()), case.materials.len());
    let failed = detail.pulls.iter().any(|pull| pull.state == "failed");
    let data = if pulled == wanted && !failed {
        "done"
    } else if failed {
        "failed"
    } else {
        "current"
    };
    let mut marks =
        vec![Mark { label: desk.t.say("case-materials"), state: data, detail: format!("{pulled} / {wanted}") }];
    if !detail.rules.is_empty() {
        let held = detail.rules.iter().filter(|rule| rule.held == Some(true)).count();
        let state = match &case.check {
            Some(check) if check.results.iter().all(|result| result.held) => "done",
            Some(_) => "failed",
            None => "waiting",
        };
        let detail = format!("{held} / {}", detail.rules.len());
        marks.push(Mark { label: desk.t.say("case-rules"), state, detail });
    }
    marks.extend(case.steps.iter().map(|step| Mark {
        label: desk.t.pick(&step.title).to_owned(),
        state: match &step.word {
            Some(word) if word.agreed => "done",
            Some(_) => "failed",
            None if step.returned.is_some() => "failed",
            None if case.is_due(step) => "current",
            None => "waiting",
        },
        detail: desk.department(&step.department),
    }));
    let ended = match case.state {
        CaseState::Completed => "done",
        CaseState::Agreed => "current",
        CaseState::Withdrawn => "failed",
        _ => "waiting",
    };
    let label = desk.t.say(if case.ends_in_certificate { "certificate" } else { "case-end" });
    marks.push(Mark { label, state: ended, detail: desk.department(&case.owner) });
    marks
}

fn form(desk: &Desk, detail: &CaseDetail) -> Vec<FormRow> {
    let Some(values) = &detail.form else { return Vec::new() };
    let fields = detail.workflow.as_ref().map(|workflow| workflow.fields()).unwrap_or_default();
    let row = |field: &FormField| {
        let name = field.name.as_str();
        let (now, former) = (values.get(name), detail.former.as_ref().map(|former| former.get(name)));
        let former = former.filter(|former| *former != now);
        (now.is_some() || former.is_some()).then(|| FormRow {
            label: desk.t.pick(&field.title).to_owned(),
            value: now.map(|value| said(desk, field, value)).unwrap_or_default(),
            was: former.map(|former| former.map_or_else(|| "—".to_owned(), |value| said(desk, field, value))),
        })
    };
    fields.iter().filter_map(row).collect()
}

fn said(desk: &Desk, field: &FormField, value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(yes) => desk.t.yes(yes),
        other => other.to_string(),
    };
    let choice = field.choices.iter().find(|choice| choice.value == text);
    match (choice, field.format.as_deref(), text.parse()) {
        (Some(choice), ..) => desk.t.pick(&choice.title).to_owned(),
        (None, Some("department"), Ok(id)) => desk.department(&id),
        _ => text,
    }
}

/// The form to correct: with what was sent, or what stands there.
fn correctable(desk: &Desk, detail: &CaseDetail, sent: Option<&Fields>) -> Vec<CaseField> {
    let (Some(workflow), Some(form)) = (&detail.workflow, &detail.form) else { return Vec::new() };
    if desk.node.chain.state().edition() < CORRECTED_SINCE {
        return Vec::new();
    }
    let fields = workflow.correctable_fields();
    let stands = case_form::as_sent(&fields, form);
    fields.iter().map(|field| case_form::shown(desk, field, sent.unwrap_or(&stands))).collect()
}

fn problem(desk: &Desk, detail: &CaseDetail, pull: &PullStanding) -> Option<ProblemView> {
    let problem = pull.problem.as_ref()?;
    let known = detail.workflow.as_ref().and_then(|workflow| workflow.pull(&pull.pull));
    let helps = GRANT_HELPS.contains(&problem.code.as_str());
    Some(ProblemView {
        pull: pull.pull.to_string(),
        title: desk.t.pick(&pull.title).to_owned(),
        provider: pull.entry.as_ref().map(|entry| desk.department(&entry.provider)).unwrap_or_default(),
        code: problem.code.clone(),
        reason: desk.t.pick(&problem.text).to_owned(),
        grant_href: known.filter(|_| helps).map(|known| grant_form(detail, known)).unwrap_or_default(),
    })
}

/// The form to ask for a grant, with all that the workflow asks for in this entry.
fn grant_form(detail: &CaseDetail, pull: &Pull) -> String {
    let Some(workflow) = &detail.workflow else { return String::new() };
    let of_entry = workflow.pulls.iter().filter(|other| other.entry == pull.entry);
    let items: BTreeSet<&str> = of_entry.flat_map(|other| other.items.iter().map(|item| item.as_str())).collect();
    let entry = pull.entry.to_string();
    let mut fields =
        vec![("entry", entry.as_str()), ("purpose", &workflow.purpose), ("matter", workflow.title.zh.as_str())];
    fields.extend(items.into_iter().map(|item| ("item", item)));
    href("/grants/new", &fields)
}

fn rule_view(desk: &Desk, rule: &RuleStanding) -> RuleView {
    let state = match rule.held {
        Some(true) => "held",
        Some(false) => "broken",
        None => "open",
    };
    RuleView { title: desk.t.pick(&rule.title).to_owned(), state }
}

fn paper(desk: &Desk, case: &CaseView, material: &Material, papers: &[CaseMaterial]) -> MaterialView {
    let held = papers.iter().find(|paper| paper.access_id == material.access_id);
    let entry = desk.node.chain.state().entry(&material.entry).map(|history| history.current().entry.clone());
    let rows = held.and_then(|paper| paper.rows.as_array()).map(Vec::as_slice).unwrap_or_default();
    let (columns, rows) = table(desk.t, entry.as_ref(), rows);
    let is_this = |pull: &&crate::readmodel::cases::CasePullView| {
        pull.material.as_ref().is_some_and(|one| one.access_id == material.access_id)
    };
    let came = case.pulls.iter().find(is_this).and_then(|pull| pull.at);
    MaterialView {
        entry: material.entry.to_string(),
        title: held.map_or_else(|| desk.entry_title(&material.entry), |paper| desk.t.pick(&paper.title).to_owned()),
        provider: desk.department(&material.entry.provider),
        access_id: material.access_id.to_string(),
        digest: material.digest.to_string(),
        took: came.map(|came| span(desk.t, came.since(case.opened_at))).unwrap_or_default(),
        held: held.is_some(),
        columns,
        rows,
    }
}

fn event_view(desk: &Desk, detail: &CaseDetail, event: &CaseEventView) -> EventView {
    let about = event.about.clone().unwrap_or_default();
    let step = detail.case.steps.iter().find(|step| step.step.as_str() == about).map(|step| &step.title);
    let pull = detail.pulls.iter().find(|pull| pull.pull.as_str() == about).map(|pull| &pull.title);
    // A pull and a step may have the same name.
    let title = if event.kind == "case.pull" { pull.or(step) } else { step.or(pull) };
    let is_form = event.kind == "case.resubmit" && about == CaseEventView::FORM;
    let about = if is_form { desk.t.say("case-corrected") } else { about };
    EventView {
        kind: event.kind.clone(),
        about: title.map_or(about, |title| desk.t.pick(title).to_owned()),
        text: event.text.clone().unwrap_or_default(),
        department: desk.department(&event.department),
        by: event.by.user.clone(),
        at: event.at.local_text(),
        took: span(desk.t, event.at.since(detail.case.opened_at)),
        index: event.ledger_index,
    }
}
