//! Cases as listings show them: where each stands, and for whose word it waits.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::case::{CaseOpening, CaseState, Material, SignOff, SignOffStep};
use crate::domain::{Actor, Text};
use crate::ids::{CaseId, DepartmentId, Slug};

use super::ReadModel;
use super::columns::{column, from_json, number, to_json};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::{case_sign_offs, cases};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// Id of the opening transaction.
    pub id: CaseId,
    /// Where it stands.
    pub state: CaseState,
    /// Who handles it.
    pub owner: DepartmentId,
    /// Who opened it.
    pub opened_by: Actor,
    /// Block time.
    pub opened_at: Millis,
    /// Index of the opening.
    pub ledger_index: u64,
    /// Name of the workflow.
    pub workflow: Slug,
    /// Title for people.
    pub title: Text,
    /// Data on which it rests.
    pub materials: Vec<Material>,
    /// Who must sign off, and what they said.
    pub steps: Vec<CaseStepView>,
    /// The certificate that ended it.
    pub certificate: Option<String>,
}

/// One department's part in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStepView {
    /// Name of the step.
    pub step: Slug,
    /// Who signs it off.
    pub department: DepartmentId,
    /// What is to be checked.
    pub title: Text,
    /// The department's word, none while it waits.
    pub word: Option<CaseWordView>,
}

/// A department's word on its step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseWordView {
    /// Whether it agrees.
    pub agreed: bool,
    /// Its note.
    pub note: String,
    /// The person.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Handled by this department.
    pub owner: Option<DepartmentId>,
    /// Handled by this department, or with a step for it.
    pub involved: Option<DepartmentId>,
    /// With a step for this department that has no word yet.
    pub waiting_for: Option<DepartmentId>,
    /// In this state.
    pub state: Option<CaseState>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = cases)]
struct CaseRow {
    id: String,
    opened_index: i64,
    owner: String,
    state: String,
    doc: String,
}

#[derive(Insertable)]
#[diesel(table_name = case_sign_offs)]
struct SignOffRow {
    case_id: String,
    step: String,
    department: String,
    agreed: Option<bool>,
}

impl CaseView {
    /// The state that follows from the words given, as in [`crate::domain::case::Case::state`].
    fn derived_state(&self) -> CaseState {
        let mut words = self.steps.iter().map(|step| step.word.as_ref().map(|word| word.agreed));
        if self.certificate.is_some() {
            CaseState::Completed
        } else if words.clone().any(|word| word == Some(false)) {
            CaseState::Rejected
        } else if words.all(|word| word == Some(true)) {
            CaseState::Agreed
        } else {
            CaseState::InProgress
        }
    }
}

pub(super) fn open(
    connection: &mut SqliteConnection,
    origin: &Origin<'_>,
    opening: CaseOpening,
) -> Result<(), ReadError> {
    let step = |step: SignOffStep| CaseStepView {
        step: step.step,
        department: step.department,
        title: step.title,
        word: None,
    };
    let view = CaseView {
        id: origin.id.into(),
        state: CaseState::InProgress,
        owner: origin.department.clone(),
        opened_by: origin.actor.clone(),
        opened_at: origin.at,
        ledger_index: origin.index,
        workflow: opening.workflow,
        title: opening.title,
        materials: opening.materials,
        steps: opening.steps.into_iter().map(step).collect(),
        certificate: None,
    };
    save(connection, view)
}

pub(super) fn sign_off(
    connection: &mut SqliteConnection,
    origin: &Origin<'_>,
    sign_off: SignOff,
) -> Result<(), ReadError> {
    let mut view = load(connection, sign_off.case)?;
    if let Some(step) = view.steps.iter_mut().find(|step| step.step == sign_off.step) {
        step.word = Some(CaseWordView {
            agreed: sign_off.agreed,
            note: sign_off.note,
            by: origin.actor.clone(),
            at: origin.at,
            ledger_index: origin.index,
        });
    }
    save(connection, view)
}

/// A certificate ends its case.
pub(super) fn complete(connection: &mut SqliteConnection, id: CaseId, certificate: &str) -> Result<(), ReadError> {
    let mut view = load(connection, id)?;
    view.certificate = Some(certificate.to_owned());
    save(connection, view)
}

fn load(connection: &mut SqliteConnection, id: CaseId) -> Result<CaseView, ReadError> {
    let doc: Option<String> = cases::table.find(id.to_string()).select(cases::doc).first(connection).optional()?;
    from_json(&doc.ok_or_else(|| ReadError::Corrupt(format!("case {id} is missing in the projection")))?)
}

fn save(connection: &mut SqliteConnection, mut view: CaseView) -> Result<(), ReadError> {
    view.state = view.derived_state();
    let row = CaseRow {
        id: view.id.to_string(),
        opened_index: column(view.ledger_index),
        owner: view.owner.to_string(),
        state: view.state.as_str().to_owned(),
        doc: to_json(&view)?,
    };
    // Not `replace_into`: it would delete the row to which the steps refer.
    diesel::insert_into(cases::table)
        .values(&row)
        .on_conflict(cases::id)
        .do_update()
        .set((cases::state.eq(&row.state), cases::doc.eq(&row.doc)))
        .execute(connection)?;
    for step in &view.steps {
        let row = SignOffRow {
            case_id: view.id.to_string(),
            step: step.step.to_string(),
            department: step.department.to_string(),
            agreed: step.word.as_ref().map(|word| word.agreed),
        };
        diesel::replace_into(case_sign_offs::table).values(row).execute(connection)?;
    }
    Ok(())
}

impl ReadModel {
    /// Cases, the newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn cases(&self, filter: &CaseFilter) -> Result<Page<CaseView>, ReadError> {
        let (limit, below) = (filter.page.limit()?, filter.page.below('c')?);
        let mut query = cases::table.filter(cases::opened_index.lt(below)).into_boxed();
        if let Some(owner) = &filter.owner {
            query = query.filter(cases::owner.eq(owner.as_str()));
        }
        if let Some(department) = &filter.involved {
            let steps = case_sign_offs::table
                .filter(case_sign_offs::department.eq(department.to_string()))
                .select(case_sign_offs::case_id);
            query = query.filter(cases::owner.eq(department.to_string()).or(cases::id.eq_any(steps)));
        }
        if let Some(department) = &filter.waiting_for {
            let steps = case_sign_offs::table
                .filter(case_sign_offs::department.eq(department.to_string()))
                .filter(case_sign_offs::agreed.is_null())
                .select(case_sign_offs::case_id);
            let in_progress = CaseState::InProgress.as_str();
            query = query.filter(cases::id.eq_any(steps)).filter(cases::state.eq(in_progress));
        }
        if let Some(state) = filter.state {
            query = query.filter(cases::state.eq(state.as_str()));
        }
        self.read(|connection| {
            let rows: Vec<(i64, String)> = query
                .order(cases::opened_index.desc())
                .limit(limit)
                .select((cases::opened_index, cases::doc))
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('c', rows, index, |row| number(row.0), |row| from_json(&row.1))
        })
    }

    /// One case.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn case(&self, id: CaseId) -> Result<Option<CaseView>, ReadError> {
        self.read(|connection| {
            let doc: Option<String> =
                cases::table.find(id.to_string()).select(cases::doc).first(connection).optional()?;
            doc.map(|doc| from_json(&doc)).transpose()
        })
    }
}
