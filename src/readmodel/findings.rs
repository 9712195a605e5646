//! Findings as the audit lists them, newest first: broken promises, and what became of them.

use diesel::dsl::{count_star, exists, select};
use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::crypto::digest::sm3;
use crate::domain::access::AccessRecord;
use crate::domain::command::AccessBatch;
use crate::domain::finding::{Finding, FindingReport, Mismatch};
use crate::ids::{AccessId, DepartmentId, TxId};

use super::ReadModel;
use super::columns::{column, count, from_json, from_text, number, to_json};
use super::database::{Database, on_each};
use super::error::ReadError;
use super::follower::Options;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::{accesses, findings};

/// Places in one report: a row's position is its ledger index times this, plus its place.
const PLACES: i64 = 1024;
/// Findings of one access that are shown; each consumer has at most one of each kind.
const OF_ACCESS_MAX: i64 = 16;

/// A finding with the transaction that reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingView {
    /// As it stands on the ledger.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who found it: the department that sent, or did not send, the call.
    pub consumer: DepartmentId,
    /// Block time of the report.
    pub reported_at: Millis,
    /// The report's transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// Index of the transaction whose record settles it; none while something is owed.
    pub resolved_index: Option<u64>,
}

/// Which findings to list. All of the filters that are set must fit.
#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    /// Found by this department.
    pub consumer: Option<DepartmentId>,
    /// About this department.
    pub provider: Option<DepartmentId>,
    /// Of this kind.
    pub problem: Option<Mismatch>,
    /// Settled, or not.
    pub resolved: Option<bool>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = findings, treat_none_as_default_value = false)]
struct FindingRow {
    pos: i64,
    access_id: String,
    consumer: String,
    provider: String,
    problem: String,
    time: i64,
    promised: Option<String>,
    resolved_index: Option<i64>,
    doc: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Doc {
    finding: Finding,
    transaction_id: TxId,
}

pub(super) fn report(
    connection: &mut Database,
    options: &Options,
    origin: &Origin<'_>,
    report: FindingReport,
) -> Result<(), ReadError> {
    for (place, finding) in report.findings.into_iter().enumerate() {
        if !options.concerns_both(origin.department, &finding.provider) {
            continue;
        }
        let promised = finding.promise.as_ref().and_then(|signed| signed.read()).map(|promise| promise.record_digest);
        let promised = promised.map(|digest| digest.to_string());
        let mut row = FindingRow {
            pos: column(origin.index).saturating_mul(PLACES).saturating_add(count(place)),
            access_id: finding.access_id.to_string(),
            consumer: origin.department.to_string(),
            provider: finding.provider.to_string(),
            problem: finding.problem.as_str().to_owned(),
            time: column(origin.at.0),
            // Where only the answer was lost, the record that stands there settles it.
            resolved_index: finding
                .record_index
                .filter(|_| finding.problem == Mismatch::RecordWithoutPromise)
                .map(column),
            doc: to_json(&Doc { finding, transaction_id: origin.id })?,
            promised,
        };
        if row.promised.is_some() {
            // The record may have come while the report was on its way.
            row.resolved_index = kept_by(connection, &row)?;
        }
        // The first report of a finding stands.
        on_each!(connection, |each| diesel::insert_into(findings::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(each))?;
    }
    Ok(())
}

/// Index of the first record on the ledger that keeps a finding's promise.
fn kept_by(connection: &mut Database, row: &FindingRow) -> Result<Option<i64>, ReadError> {
    let records: Vec<(i64, String)> = accesses::table
        .filter(accesses::access_id.eq(&row.access_id).and(accesses::provider.eq(&row.provider)))
        .order(accesses::pos.asc())
        .limit(OF_ACCESS_MAX)
        .select((accesses::pos, accesses::doc))
        .load(connection)?;
    let kept = records.into_iter().find(|(_, doc)| Some(sm3(&[doc.as_bytes()]).to_string()) == row.promised);
    Ok(kept.map(|(pos, _)| pos / PLACES))
}

/// Settles the findings whose promised records come, late, in a batch.
pub(super) fn resolve(connection: &mut Database, origin: &Origin<'_>, batch: &AccessBatch) -> Result<(), ReadError> {
    // Nothing is owed, as a rule: one look then does for the whole batch.
    let owed = findings::table.filter(findings::resolved_index.is_null().and(findings::promised.is_not_null()));
    if !select(exists(owed)).get_result::<bool>(connection)? {
        return Ok(());
    }
    batch.records.iter().try_for_each(|record| resolve_one(connection, origin, record))
}

fn resolve_one(connection: &mut Database, origin: &Origin<'_>, record: &AccessRecord) -> Result<(), ReadError> {
    let digest = sm3(&[to_json(record)?.as_bytes()]).to_string();
    diesel::update(findings::table)
        .filter(findings::access_id.eq(record.access_id.to_string()))
        .filter(findings::provider.eq(record.entry.provider.as_str()))
        .filter(findings::promised.eq(digest).and(findings::resolved_index.is_null()))
        .set(findings::resolved_index.eq(column(origin.index)))
        .execute(connection)?;
    Ok(())
}

impl ReadModel {
    /// Findings, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn findings(&self, filter: &FindingFilter) -> Result<Page<FindingView>, ReadError> {
        let (limit, below) = (filter.page.limit()?, filter.page.below('f')?);
        let mut query = findings::table.filter(findings::pos.lt(below)).into_boxed();
        if let Some(consumer) = &filter.consumer {
            query = query.filter(findings::consumer.eq(consumer.as_str()));
        }
        if let Some(provider) = &filter.provider {
            query = query.filter(findings::provider.eq(provider.as_str()));
        }
        if let Some(problem) = filter.problem {
            query = query.filter(findings::problem.eq(problem.as_str()));
        }
        match filter.resolved {
            Some(true) => query = query.filter(findings::resolved_index.is_not_null()),
            Some(false) => query = query.filter(findings::resolved_index.is_null()),
            None => {}
        }
        self.read(|connection| {
            let rows =
                query.order(findings::pos.desc()).limit(limit).select(FindingRow::as_select()).load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('f', rows, index, |row| number(row.pos), view)
        })
    }

    /// What was found about one access, the oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn findings_of(&self, access: AccessId) -> Result<Vec<FindingView>, ReadError> {
        self.read(|connection| {
            let rows: Vec<FindingRow> = findings::table
                .filter(findings::access_id.eq(access.to_string()))
                .order(findings::pos.asc())
                .limit(OF_ACCESS_MAX)
                .select(FindingRow::as_select())
                .load(connection)?;
            rows.into_iter().map(view).collect()
        })
    }

    /// How many of a department's findings since `from` are not settled.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open_findings(&self, consumer: &DepartmentId, from: Millis) -> Result<u64, ReadError> {
        self.read(|connection| {
            let open = findings::table
                .filter(findings::consumer.eq(consumer.as_str()).and(findings::resolved_index.is_null()))
                .filter(findings::time.ge(column(from.0)));
            Ok(number(open.select(count_star()).first(connection)?))
        })
    }
}

fn view(row: FindingRow) -> Result<FindingView, ReadError> {
    let doc: Doc = from_json(&row.doc)?;
    Ok(FindingView {
        finding: doc.finding,
        consumer: from_text(&row.consumer)?,
        reported_at: Millis(number(row.time)),
        transaction_id: doc.transaction_id,
        ledger_index: number(row.pos / PLACES),
        resolved_index: row.resolved_index.map(number),
    })
}
