//! Cases as listings show them: where each stands, and for whose word it waits.

mod project;
mod views;

use diesel::prelude::*;

use crate::clock::Millis;
use crate::domain::case::CaseState;
use crate::ids::{CaseId, DepartmentId, Slug};

use super::ReadModel;
use super::columns::{column, from_json, number};
use super::database::MultiBackend;
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::schema::{case_events, case_sign_offs, cases};

pub(super) use project::{assign, check, complete, finish, give_back, open, pull, resubmit, sign_off, withdraw};
pub use views::{CaseCheckView, CaseEventView, CasePullView, CaseStepView, CaseView, CaseWordView};

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Handled by this department.
    pub owner: Option<DepartmentId>,
    /// Handled by this department, or with a step for it.
    pub involved: Option<DepartmentId>,
    /// With a step for this department whose turn has come.
    pub waiting_for: Option<DepartmentId>,
    /// In this state.
    pub state: Option<CaseState>,
    /// Of this workflow.
    pub workflow: Option<Slug>,
    /// Only those of which a step that waits, or the whole, is late: see [`ReadModel::case_terms`].
    pub overdue: Option<Vec<CaseTerm>>,
    /// Which page.
    pub page: PageRequest,
}

/// A number of working days, and the moment before which whatever has so many is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseTerm {
    /// Working days.
    pub days: u8,
    /// The moment.
    pub late_before: Millis,
}

type Condition<'a> = Box<dyn BoxableExpression<cases::table, MultiBackend, SqlType = diesel::sql_types::Bool> + 'a>;

/// The whole case is late, or a step of it, perhaps only those of one department.
fn is_late<'a>(terms: &[CaseTerm], department: Option<&DepartmentId>) -> Condition<'a> {
    let mut late: Condition<'a> = Box::new(cases::id.eq(""));
    for term in terms {
        let (days, before) = (i32::from(term.days), column(term.late_before.0));
        let steps = case_sign_offs::table
            .filter(case_sign_offs::days.eq(days))
            .filter(case_sign_offs::due_from.lt(before))
            .select(case_sign_offs::case_id);
        late = match department {
            Some(department) => {
                let own = steps.filter(case_sign_offs::department.eq(department.to_string()));
                Box::new(late.or(cases::id.eq_any(own)))
            }
            None => {
                let whole = cases::days.eq(days).and(cases::opened_at.lt(before)).assume_not_null();
                Box::new(late.or(cases::id.eq_any(steps)).or(whole))
            }
        };
    }
    late
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
                .filter(case_sign_offs::due_from.is_not_null())
                .select(case_sign_offs::case_id);
            query = query.filter(cases::id.eq_any(steps));
        }
        if let Some(state) = filter.state {
            query = query.filter(cases::state.eq(state.as_str()));
        }
        if let Some(workflow) = &filter.workflow {
            query = query.filter(cases::workflow.eq(workflow.to_string()));
        }
        if let Some(terms) = &filter.overdue {
            query = query.filter(is_late(terms, filter.waiting_for.as_ref()));
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

    /// The numbers of working days that cases and steps have which are not done: few, for they come from workflows.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn case_terms(&self) -> Result<Vec<u8>, ReadError> {
        self.read(|connection| {
            let whole = cases::table.filter(cases::days.is_not_null()).select(cases::days).distinct();
            let mut days: Vec<Option<i32>> = whole.load(connection)?;
            let steps = case_sign_offs::table
                .filter(case_sign_offs::due_from.is_not_null())
                .select(case_sign_offs::days)
                .distinct();
            days.extend(steps.load::<Option<i32>>(connection)?);
            let mut days: Vec<u8> = days.into_iter().flatten().filter_map(|days| u8::try_from(days).ok()).collect();
            days.sort_unstable();
            days.dedup();
            Ok(days)
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

    /// What happened in a case, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn case_events(&self, id: CaseId) -> Result<Vec<CaseEventView>, ReadError> {
        self.read(|connection| {
            let docs: Vec<String> = case_events::table
                .filter(case_events::case_id.eq(id.to_string()))
                .order(case_events::idx)
                .select(case_events::doc)
                .load(connection)?;
            docs.iter().map(|doc| from_json(doc)).collect()
        })
    }
}
