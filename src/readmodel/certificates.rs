//! Certificates as listings show them.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::certificate::{CertificateIssue, CertificateStatus, CertificateStatusChange};
use crate::ids::{CaseId, DepartmentId, TxId};

use super::ReadModel;
use super::columns::{column, from_json, number, to_json};
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
    /// Its status now.
    pub status: CertificateStatus,
    /// The last change of its status, none while it is as issued.
    pub change: Option<StatusChangeView>,
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
    /// Of this status.
    pub status: Option<CertificateStatus>,
    /// Issued in this case.
    pub case: Option<CaseId>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = certificates)]
struct CertificateRow {
    identifier: String,
    issued_index: i64,
    issuer: String,
    status: String,
    case_id: Option<String>,
    doc: String,
}

pub(super) fn issue(
    connection: &mut SqliteConnection,
    origin: &Origin<'_>,
    issue: CertificateIssue,
) -> Result<(), ReadError> {
    let view = CertificateView {
        issue,
        issuer: origin.department.clone(),
        issued_by: origin.actor.clone(),
        issued_at: origin.at,
        transaction_id: origin.id,
        ledger_index: origin.index,
        status: CertificateStatus::Valid,
        change: None,
    };
    save(connection, &view)
}

pub(super) fn set_status(
    connection: &mut SqliteConnection,
    origin: &Origin<'_>,
    change: CertificateStatusChange,
) -> Result<(), ReadError> {
    let missing = || ReadError::Corrupt("a certificate is missing in the projection".into());
    let mut view = load(connection, &change.identifier)?.ok_or_else(missing)?;
    view.status = change.status;
    view.change = Some(StatusChangeView {
        reason: change.reason,
        by: origin.actor.clone(),
        at: origin.at,
        ledger_index: origin.index,
    });
    save(connection, &view)
}

fn load(connection: &mut SqliteConnection, identifier: &str) -> Result<Option<CertificateView>, ReadError> {
    let doc: Option<String> =
        certificates::table.find(identifier).select(certificates::doc).first(connection).optional()?;
    doc.map(|doc| from_json(&doc)).transpose()
}

fn save(connection: &mut SqliteConnection, view: &CertificateView) -> Result<(), ReadError> {
    let row = CertificateRow {
        identifier: view.issue.identifier.clone(),
        issued_index: column(view.ledger_index),
        issuer: view.issuer.to_string(),
        status: view.status.as_str().to_owned(),
        case_id: view.issue.case.map(|case| case.to_string()),
        doc: to_json(view)?,
    };
    diesel::replace_into(certificates::table).values(row).execute(connection)?;
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
        if let Some(status) = filter.status {
            query = query.filter(certificates::status.eq(status.as_str()));
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
