//! Certificates as listings show them.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::certificate::{
    Annotated, CertificateAnnotation, CertificateIssue, CertificateStatus, CertificateStatusChange, IssueDetails,
};
use crate::ids::{CaseId, DepartmentId, Slug, TxId};

use super::ReadModel;
use super::columns::{column, from_json, key, number, to_json};
use super::database::{Database, save_row};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::certificates;

/// A certificate as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// What was issued: identifier, type, validity, digests, case.
    pub issue: CertificateIssue,
    /// Who issued it.
    pub issuer: DepartmentId,
    /// Which person.
    pub issued_by: Actor,
    /// Block time.
    pub issued_at: Millis,
    /// The issuing transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// Its status on the ledger; see [`CertificateView::status_on`].
    pub status: CertificateStatus,
    /// The last change of its status, none while it is as issued.
    pub change: Option<StatusChangeView>,
    /// The certificate that took its place.
    #[serde(default)]
    pub successor: Option<String>,
    /// Annotations, oldest first.
    #[serde(default)]
    pub annotations: Vec<Annotated>,
}

impl CertificateView {
    /// Its status on a day: lapsed when its time is over.
    pub fn status_on(&self, today: &str) -> CertificateStatus {
        self.status.on(today, self.issue.valid_to.as_deref())
    }

    /// Annotations that are to be shown on a day.
    pub fn annotations_on(&self, today: &str) -> impl Iterator<Item = &Annotated> {
        self.annotations.iter().filter(move |made| made.expires.as_deref().is_none_or(|last| today <= last))
    }
}

/// A change of a certificate's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChangeView {
    /// Why.
    pub reason: String,
    /// The person.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// Which certificates to list.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Issued by this department.
    pub issuer: Option<DepartmentId>,
    /// Of this status on that day.
    pub status: Option<(CertificateStatus, String)>,
    /// Of this type.
    pub kind: Option<Slug>,
    /// One of these.
    pub identifiers: Option<Vec<String>>,
    /// Issued in this case.
    pub case: Option<CaseId>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = certificates, primary_key(identifier))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
struct CertificateRow {
    identifier: String,
    issued_index: i64,
    issuer: String,
    status: String,
    case_id: Option<String>,
    kind: Option<String>,
    valid_to: Option<String>,
    doc: String,
}

pub(super) fn issue(connection: &mut Database, origin: &Origin<'_>, issue: CertificateIssue) -> Result<(), ReadError> {
    if let Some(details) = issue.details.as_ref().filter(|details| details.operation.replaces()) {
        replaced(connection, origin, details, &issue.identifier)?;
    }
    let view = CertificateView {
        issue,
        issuer: origin.department.clone(),
        issued_by: origin.actor.clone(),
        issued_at: origin.at,
        transaction_id: origin.id,
        ledger_index: origin.index,
        status: CertificateStatus::Valid,
        change: None,
        successor: None,
        annotations: Vec::new(),
    };
    save(connection, &view)
}

/// The predecessor ends with its successor's issue.
fn replaced(
    connection: &mut Database,
    origin: &Origin<'_>,
    details: &IssueDetails,
    successor: &str,
) -> Result<(), ReadError> {
    let Some(predecessor) = &details.predecessor else { return Ok(()) };
    let mut view = known(connection, predecessor)?;
    view.status = CertificateStatus::Lapsed;
    view.successor = Some(successor.to_owned());
    view.change = Some(StatusChangeView {
        reason: details.operation.as_str().to_owned(),
        by: origin.actor.clone(),
        at: origin.at,
        ledger_index: origin.index,
    });
    save(connection, &view)
}

pub(super) fn annotate(
    connection: &mut Database,
    origin: &Origin<'_>,
    annotation: CertificateAnnotation,
) -> Result<(), ReadError> {
    let CertificateAnnotation { identifier, cause, expires } = annotation;
    let mut view = known(connection, &identifier)?;
    view.annotations.push(Annotated { cause, expires, by: origin.actor.clone(), at: origin.at });
    save(connection, &view)
}

fn known(connection: &mut Database, identifier: &str) -> Result<CertificateView, ReadError> {
    let missing = || ReadError::Corrupt("a certificate is missing in the projection".into());
    load(connection, identifier)?.ok_or_else(missing)
}

pub(super) fn set_status(
    connection: &mut Database,
    origin: &Origin<'_>,
    change: CertificateStatusChange,
) -> Result<(), ReadError> {
    let mut view = known(connection, &change.identifier)?;
    view.status = change.status;
    view.change = Some(StatusChangeView {
        reason: change.reason,
        by: origin.actor.clone(),
        at: origin.at,
        ledger_index: origin.index,
    });
    save(connection, &view)
}

fn load(connection: &mut Database, identifier: &str) -> Result<Option<CertificateView>, ReadError> {
    let doc: Option<String> =
        certificates::table.find(key(identifier)).select(certificates::doc).first(connection).optional()?;
    doc.map(|doc| from_json(&doc)).transpose()
}

fn save(connection: &mut Database, view: &CertificateView) -> Result<(), ReadError> {
    let row = CertificateRow {
        identifier: key(&view.issue.identifier),
        issued_index: column(view.ledger_index),
        issuer: view.issuer.to_string(),
        status: view.status.as_str().to_owned(),
        case_id: view.issue.case.map(|case| case.to_string()),
        kind: view.issue.details.as_ref().map(|details| details.kind.name.to_string()),
        valid_to: view.issue.valid_to.as_deref().map(key),
        doc: to_json(view)?,
    };
    save_row!(connection, certificates::table, certificates::identifier, &row)?;
    Ok(())
}

impl ReadModel {
    /// Certificates, the newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn certificates(&self, filter: &CertificateFilter) -> Result<Page<CertificateView>, ReadError> {
        let (limit, below) = (filter.page.limit()?, filter.page.below('i')?);
        let mut query = certificates::table.filter(certificates::issued_index.lt(below)).into_boxed();
        if let Some(issuer) = &filter.issuer {
            query = query.filter(certificates::issuer.eq(issuer.as_str()));
        }
        if let Some((status, today)) = &filter.status {
            let said = certificates::status.eq(status.as_str());
            let open = certificates::status.eq_any(["valid", "suspended"]);
            let over = certificates::valid_to.is_not_null().and(certificates::valid_to.lt(today));
            query = match status {
                CertificateStatus::Lapsed => query.filter(said.or(open.and(over))),
                CertificateStatus::Valid | CertificateStatus::Suspended => query.filter(
                    said.and(certificates::valid_to.is_null().or(certificates::valid_to.ge(today)).assume_not_null()),
                ),
                _ => query.filter(said),
            };
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(certificates::kind.eq(kind.as_str()));
        }
        if let Some(identifiers) = &filter.identifiers {
            query = query
                .filter(certificates::identifier.eq_any(identifiers.iter().map(|one| key(one)).collect::<Vec<_>>()));
        }
        if let Some(case) = filter.case {
            query = query.filter(certificates::case_id.eq(case.to_string()));
        }
        self.read(|connection| {
            let rows: Vec<(i64, String)> = query
                .order(certificates::issued_index.desc())
                .limit(limit)
                .select((certificates::issued_index, certificates::doc))
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('i', rows, index, |row| number(row.0), |row| from_json(&row.1))
        })
    }

    /// One certificate.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn certificate(&self, identifier: &str) -> Result<Option<CertificateView>, ReadError> {
        self.read(|connection| load(connection, identifier))
    }
}

#[cfg(test)]
#[path = "certificates_tests.rs"]
mod tests;
