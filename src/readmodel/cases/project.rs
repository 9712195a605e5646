//! What each transaction changes in a case.

use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::domain::case::{
    CaseAssignment, CaseCheck, CaseCompletion, CaseOpening, CasePull, CaseResubmission, CaseReturn, CaseState,
    CaseWithdrawal, SignOff, SignOffStep,
};
use crate::ids::CaseId;
use crate::readmodel::columns::{column, from_json, to_json};
use crate::readmodel::database::{Database, insert_rows, on_each};
use crate::readmodel::error::ReadError;
use crate::readmodel::projector::Origin;
use crate::readmodel::schema::{case_events, case_sign_offs, cases};

use super::views::{CaseCheckView, CaseEventView, CasePullView, CaseStepView, CaseView, CaseWordView};

#[derive(Insertable)]
#[diesel(table_name = cases, treat_none_as_default_value = false)]
struct CaseRow {
    id: String,
    opened_index: i64,
    owner: String,
    state: String,
    doc: String,
    workflow: String,
    opened_at: i64,
    days: Option<i32>,
}

#[derive(Insertable)]
#[diesel(table_name = case_sign_offs, treat_none_as_default_value = false)]
struct SignOffRow {
    case_id: String,
    step: String,
    department: String,
    agreed: Option<bool>,
    due_from: Option<i64>,
    days: Option<i32>,
}

#[derive(Insertable)]
#[diesel(table_name = case_events)]
struct EventRow {
    case_id: String,
    idx: i64,
    doc: String,
}

/// One transaction about a case, and what it says for people.
struct Act<'a> {
    connection: &'a mut Database,
    origin: &'a Origin<'a>,
    kind: &'static str,
    about: Option<String>,
    text: Option<String>,
}

impl Act<'_> {
    /// Changes the case and notes the event.
    fn on(self, id: CaseId, change: impl FnOnce(&mut CaseView)) -> Result<(), ReadError> {
        let mut view = load(self.connection, id)?;
        change(&mut view);
        self.keep(view)
    }

    fn keep(self, mut view: CaseView) -> Result<(), ReadError> {
        let Self { connection, origin, kind, about, text } = self;
        view.state = view.derived_state();
        view.follow_turns(origin.at);
        if view.state.is_end() && view.ended_at.is_none() {
            view.ended_at = Some(origin.at);
        }
        let event = CaseEventView {
            kind: kind.to_owned(),
            department: origin.department.clone(),
            by: origin.actor.clone(),
            at: origin.at,
            transaction_id: origin.id,
            ledger_index: origin.index,
            about,
            text: text.filter(|text| !text.is_empty()),
        };
        let row = EventRow { case_id: view.id.to_string(), idx: column(origin.index), doc: to_json(&event)? };
        on_each!(connection, |each| diesel::insert_into(case_events::table).values(&row).execute(each))?;
        save(connection, &view)
    }
}

fn act<'a>(connection: &'a mut Database, origin: &'a Origin<'a>, kind: &'static str) -> Act<'a> {
    Act { connection, origin, kind, about: None, text: None }
}

pub(in crate::readmodel) fn open(
    connection: &mut Database,
    origin: &Origin<'_>,
    opening: CaseOpening,
) -> Result<(), ReadError> {
    let step = |step: SignOffStep| CaseStepView {
        kind: step.kind(),
        step: step.step,
        department: step.department,
        title: step.title,
        role: step.role,
        user: None,
        after: step.after.unwrap_or_default(),
        days: step.days,
        since: None,
        returned: None,
        word: None,
    };
    let pull = |pull| CasePullView { pull, material: None, at: None, ledger_index: None };
    let view = CaseView {
        id: origin.id.into(),
        state: CaseState::InProgress,
        owner: origin.department.clone(),
        opened_by: origin.actor.clone(),
        opened_at: origin.at,
        ledger_index: origin.index,
        ends_in_certificate: opening.certificate.unwrap_or(opening.version.is_none()),
        workflow: opening.workflow,
        version: opening.version,
        title: opening.title,
        materials: opening.materials,
        pulls: opening.pulls.unwrap_or_default().into_iter().map(pull).collect(),
        check: None,
        steps: opening.steps.into_iter().map(step).collect(),
        days: opening.days,
        certificate: None,
        ended_at: None,
        withdrawn: false,
        done: false,
        notice_digest: None,
    };
    act(connection, origin, "case.open").keep(view)
}

pub(in crate::readmodel) fn sign_off(
    connection: &mut Database,
    origin: &Origin<'_>,
    sign_off: SignOff,
) -> Result<(), ReadError> {
    let SignOff { case, step: name, agreed, note, fact } = sign_off;
    let (about, text) = (Some(name.to_string()), Some(note.clone()));
    Act { about, text, ..act(connection, origin, "case.sign_off") }.on(case, |view| {
        if let Some(step) = view.steps.iter_mut().find(|step| step.step == name) {
            let (by, at, ledger_index) = (origin.actor.clone(), origin.at, origin.index);
            step.word = Some(CaseWordView { agreed, note, fact, by, at, ledger_index });
        }
    })
}

pub(in crate::readmodel) fn pull(
    connection: &mut Database,
    origin: &Origin<'_>,
    pull: CasePull,
) -> Result<(), ReadError> {
    let CasePull { case, pull: name, material } = pull;
    Act { about: Some(name.to_string()), ..act(connection, origin, "case.pull") }.on(case, |view| {
        if let Some(known) = view.pulls.iter_mut().find(|known| known.pull == name) {
            known.material = Some(material);
            (known.at, known.ledger_index) = (Some(origin.at), Some(origin.index));
        }
        view.check = None;
        view.materials = view.pulls.iter().filter_map(|pull| pull.material.clone()).collect();
    })
}

pub(in crate::readmodel) fn check(
    connection: &mut Database,
    origin: &Origin<'_>,
    check: CaseCheck,
) -> Result<(), ReadError> {
    let CaseCheck { case, results } = check;
    act(connection, origin, "case.check").on(case, |view| {
        view.check = Some(CaseCheckView { results, at: origin.at, ledger_index: origin.index });
    })
}

pub(in crate::readmodel) fn give_back(
    connection: &mut Database,
    origin: &Origin<'_>,
    word: CaseReturn,
) -> Result<(), ReadError> {
    let CaseReturn { case, step: name, reason } = word;
    let (about, text) = (Some(name.to_string()), Some(reason.clone()));
    Act { about, text, ..act(connection, origin, "case.return") }.on(case, |view| {
        if let Some(step) = view.steps.iter_mut().find(|step| step.step == name) {
            step.returned = Some(reason);
        }
    })
}

pub(in crate::readmodel) fn resubmit(
    connection: &mut Database,
    origin: &Origin<'_>,
    word: CaseResubmission,
) -> Result<(), ReadError> {
    let CaseResubmission { case, note, correction } = word;
    let about = correction.as_ref().map(|_| CaseEventView::FORM.to_owned());
    Act { about, text: Some(note), ..act(connection, origin, "case.resubmit") }.on(case, |view| {
        view.steps.iter_mut().for_each(|step| step.returned = None);
        if let Some(correction) = correction {
            view.correct(correction);
        }
    })
}

pub(in crate::readmodel) fn assign(
    connection: &mut Database,
    origin: &Origin<'_>,
    word: CaseAssignment,
) -> Result<(), ReadError> {
    let CaseAssignment { case, step: name, department, user, reason } = word;
    let (about, text) = (Some(name.to_string()), Some(reason));
    Act { about, text, ..act(connection, origin, "case.assign") }.on(case, |view| {
        if let Some(step) = view.steps.iter_mut().find(|step| step.step == name) {
            step.user = user;
            if let Some(department) = department {
                step.department = department;
            }
        }
    })
}

pub(in crate::readmodel) fn withdraw(
    connection: &mut Database,
    origin: &Origin<'_>,
    word: CaseWithdrawal,
) -> Result<(), ReadError> {
    Act { text: Some(word.reason), ..act(connection, origin, "case.withdraw") }
        .on(word.case, |view| view.withdrawn = true)
}

pub(in crate::readmodel) fn finish(
    connection: &mut Database,
    origin: &Origin<'_>,
    word: CaseCompletion,
) -> Result<(), ReadError> {
    act(connection, origin, "case.complete").on(word.case, |view| {
        view.notice_digest = word.notice_digest;
        view.done = !view.ends_in_certificate;
    })
}

/// A certificate ends its case.
pub(in crate::readmodel) fn complete(
    connection: &mut Database,
    origin: &Origin<'_>,
    id: CaseId,
    certificate: &str,
) -> Result<(), ReadError> {
    Act { about: Some(certificate.to_owned()), ..act(connection, origin, "certificate.issue") }
        .on(id, |view| view.certificate = Some(certificate.to_owned()))
}

fn load(connection: &mut Database, id: CaseId) -> Result<CaseView, ReadError> {
    let doc: Option<String> = cases::table.find(id.to_string()).select(cases::doc).first(connection).optional()?;
    from_json(&doc.ok_or_else(|| ReadError::Corrupt(format!("case {id} is missing in the projection")))?)
}

fn save(connection: &mut Database, view: &CaseView) -> Result<(), ReadError> {
    let row = CaseRow {
        id: view.id.to_string(),
        opened_index: column(view.ledger_index),
        owner: view.owner.to_string(),
        state: view.state.as_str().to_owned(),
        doc: to_json(view)?,
        workflow: view.workflow.to_string(),
        opened_at: column(view.opened_at.0),
        days: view.days.filter(|_| !view.state.is_end()).map(i32::from),
    };
    on_each!(connection, |each| diesel::insert_into(cases::table)
        .values(&row)
        .on_conflict(cases::id)
        .do_update()
        .set((cases::state.eq(&row.state), cases::doc.eq(&row.doc), cases::days.eq(row.days)))
        .execute(each))?;
    let step = |step: &CaseStepView| {
        let due_from = step.since.filter(|_| view.is_due(step));
        SignOffRow {
            case_id: view.id.to_string(),
            step: step.step.to_string(),
            department: step.department.to_string(),
            agreed: step.word.as_ref().map(|word| word.agreed),
            due_from: due_from.map(|since| column(since.0)),
            days: step.days.map(i32::from),
        }
    };
    use case_sign_offs::dsl;
    let rows: Vec<SignOffRow> = view.steps.iter().map(step).collect();
    insert_rows!(connection, case_sign_offs::table, &rows, |insert| insert
        .on_conflict((dsl::case_id, dsl::step))
        .do_update()
        .set((
            dsl::department.eq(excluded(dsl::department)),
            dsl::agreed.eq(excluded(dsl::agreed)),
            dsl::due_from.eq(excluded(dsl::due_from)),
            dsl::days.eq(excluded(dsl::days)),
        )));
    Ok(())
}
