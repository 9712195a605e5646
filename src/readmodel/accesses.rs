//! Accesses to data as the audit lists them, newest first.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Text};
use diesel::upsert::excluded;
use serde::Serialize;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::command::AccessBatch;
use crate::ids::{AccessId, DepartmentId, EntryName, GrantId, TxId};

use super::ReadModel;
use super::audit_counts::Tally;
use super::columns::{column, count, from_json, from_text, key, number, to_json};
use super::database::{Database, MultiBackend, insert_rows};
use super::error::ReadError;
use super::follower::Options;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::{access_days, accesses};

/// Places in one batch: a row's position is its ledger index times this, plus its place.
const PLACES: i64 = 1024;
/// Records of one [`RecordedPage`].
const RECORDED_MAX: i64 = 1_000;

/// An access with the transaction that anchors it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessView {
    /// The record as it stands on the ledger.
    #[serde(flatten)]
    pub record: AccessRecord,
    /// Whose data it was.
    pub provider: DepartmentId,
    /// The batch's transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// Place of the record in its batch, from 0.
    pub place: u64,
    /// The block.
    pub block_height: u64,
}

/// A record as one that watches promises reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands among all records of the ledger; grows with them.
    pub place: u64,
    /// Index of its transaction.
    pub ledger_index: u64,
    /// The access.
    pub access_id: AccessId,
    /// Whose data it was.
    pub provider: DepartmentId,
    /// When the provider says that it decided.
    pub time: Millis,
    /// SM3 of the record's JSON.
    pub digest: Hash,
}

/// The next records of a reader who reads all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPage {
    /// In the ledger's order.
    pub records: Vec<Recorded>,
    /// The place to go on after.
    pub read_to: u64,
    /// Whether there are no more for now.
    pub is_last: bool,
}

/// Which accesses to list. All of the filters that are set must fit.
#[derive(Clone, Debug, Default)]
pub struct AccessFilter {
    /// About this person or enterprise: the digest that [`super::follower::Audit::subject_key`] gives.
    pub subject_key: Option<Hash>,
    /// By this department.
    pub consumer: Option<DepartmentId>,
    /// On data of this department.
    pub provider: Option<DepartmentId>,
    /// On this entry.
    pub entry: Option<EntryName>,
    /// Under this grant.
    pub grant: Option<GrantId>,
    /// In this case.
    pub case_id: Option<String>,
    /// By this person or system of the consumer.
    pub actor: Option<String>,
    /// Allowed or refused.
    pub decision: Option<AccessDecision>,
    /// Decided at or after.
    pub from: Option<Millis>,
    /// Decided before.
    pub to: Option<Millis>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accesses, treat_none_as_default_value = false)]
struct AccessRow {
    pos: i64,
    access_id: String,
    time: i64,
    consumer: String,
    provider: String,
    entry: String,
    grant_id: Option<String>,
    case_id: Option<String>,
    decision: String,
    subject_key: Option<Vec<u8>>,
    tx_id: String,
    height: i64,
    doc: String,
    actor: String,
}

pub(super) fn record(
    connection: &mut Database,
    options: &Options,
    origin: &Origin<'_>,
    batch: &AccessBatch,
) -> Result<(), ReadError> {
    let (mut days, mut tally) = (BTreeMap::<(u64, &str), i64>::new(), Tally::default());
    let mut rows = Vec::new();
    for (place, record) in batch.records.iter().enumerate().filter(|(_, record)| options.concerns(record)) {
        rows.push(AccessRow {
            pos: column(origin.index).saturating_mul(PLACES).saturating_add(count(place)),
            access_id: record.access_id.to_string(),
            time: column(record.time.0),
            consumer: record.consumer.to_string(),
            provider: record.entry.provider.to_string(),
            entry: record.entry.to_string(),
            grant_id: record.grant.map(|grant| grant.to_string()),
            case_id: record.case_id.as_deref().map(key),
            decision: record.decision.as_str().to_owned(),
            subject_key: options.subject_key_of(record).map(|key| key.0.to_vec()),
            tx_id: origin.id.to_string(),
            height: column(origin.height),
            doc: to_json(record)?,
            actor: key(&record.actor.user),
        });
        *days.entry((record.time.day(), record.decision.as_str())).or_default() += 1;
        tally.add(record);
    }
    insert_rows!(connection, accesses::table, rows, |insert| insert.on_conflict_do_nothing());
    tally.write(connection)?;
    use access_days::dsl;
    let row = |((day, decision), more)| (dsl::day.eq(column(day)), dsl::decision.eq(decision), dsl::accesses.eq(more));
    let rows: Vec<_> = days.into_iter().map(row).collect();
    insert_rows!(connection, access_days::table, &rows, |insert| insert
        .on_conflict((dsl::day, dsl::decision))
        .do_update()
        .set(dsl::accesses.eq(dsl::accesses + excluded(dsl::accesses))));
    Ok(())
}

/// A condition on one column: the first set leads through its index; the others get SQLite's unary
/// plus, which keeps its planner, who knows no statistics here, from leading through a poorer one.
/// A server's planner knows better, and its texts have no plus.
macro_rules! narrow {
    ($query:ident, $led:ident, $by_server:ident, $column:ident, $kind:ty, $value:expr) => {
        if let Some(value) = $value {
            $query = if $led && !$by_server {
                $query.filter(sql::<Bool>(concat!("+", stringify!($column), " = ")).bind::<$kind, _>(value))
            } else {
                $query.filter(accesses::$column.eq(value))
            };
            $led = true;
        }
    };
}

type AccessQuery<'a> = accesses::BoxedQuery<'a, MultiBackend>;

/// The filters in the order of how much each narrows.
fn narrowed(filter: &AccessFilter, by_server: bool) -> AccessQuery<'static> {
    let mut query = accesses::table.into_boxed();
    let mut led = false;
    narrow!(query, led, by_server, subject_key, Binary, filter.subject_key.map(|key| key.0.to_vec()));
    narrow!(query, led, by_server, case_id, Text, filter.case_id.as_deref().map(key));
    narrow!(query, led, by_server, grant_id, Text, filter.grant.map(|grant| grant.to_string()));
    narrow!(query, led, by_server, actor, Text, filter.actor.as_deref().map(key));
    narrow!(query, led, by_server, entry, Text, filter.entry.as_ref().map(ToString::to_string));
    narrow!(query, led, by_server, consumer, Text, filter.consumer.as_ref().map(ToString::to_string));
    narrow!(query, led, by_server, provider, Text, filter.provider.as_ref().map(ToString::to_string));
    narrow!(query, led, by_server, decision, Text, filter.decision.map(|decision| decision.as_str().to_owned()));
    let _ = led;
    if let Some(from) = filter.from {
        query = query.filter(accesses::time.ge(column(from.0)));
    }
    if let Some(to) = filter.to {
        query = query.filter(accesses::time.lt(column(to.0)));
    }
    query
}

fn listing(filter: &AccessFilter, by_server: bool) -> Result<AccessQuery<'static>, ReadError> {
    let mut query = narrowed(filter, by_server);
    if let Some((time, pos)) = filter.page.after::<(u64, u64)>('a')? {
        let (time, pos) = (column(time), column(pos));
        // Written so that the index's time bounds the scan; `pos` decides among equals only.
        query = query.filter(accesses::time.le(time)).filter(accesses::time.lt(time).or(accesses::pos.lt(pos)));
    }
    Ok(query.order((accesses::time.desc(), accesses::pos.desc())).limit(filter.page.limit()?))
}

impl ReadModel {
    /// Accesses, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn accesses(&self, filter: &AccessFilter) -> Result<Page<AccessView>, ReadError> {
        let query = listing(filter, self.server().is_some())?;
        self.read(|connection| {
            let rows = query.select(AccessRow::as_select()).load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('a', rows, index, |row: &AccessRow| (number(row.time), number(row.pos)), view)
        })
    }

    /// One access. A repeated id shows its first record.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn access(&self, id: AccessId) -> Result<Option<AccessView>, ReadError> {
        self.read(|connection| {
            accesses::table
                .filter(accesses::access_id.eq(id.to_string()))
                .order(accesses::pos.asc())
                .select(AccessRow::as_select())
                .first(connection)
                .optional()?
                .map(view)
                .transpose()
        })
    }
}

impl ReadModel {
    /// Records that name a department as consumer, in the ledger's order, after a place; 0 begins.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn recorded(&self, consumer: &DepartmentId, after: u64) -> Result<RecordedPage, ReadError> {
        let mut query = accesses::table.filter(accesses::pos.gt(column(after))).into_boxed();
        query = if self.server().is_some() {
            query.filter(accesses::consumer.eq(consumer.as_str()))
        } else {
            // The plus keeps the planner on the order of places.
            query.filter(sql::<Bool>("+consumer = ").bind::<Text, _>(consumer.as_str()))
        };
        self.read(|connection| {
            let rows: Vec<RecordedRow> = query
                .order(accesses::pos.asc())
                .limit(RECORDED_MAX)
                .select((accesses::pos, accesses::access_id, accesses::provider, accesses::time, accesses::doc))
                .load(connection)?;
            let is_last = count(rows.len()) < RECORDED_MAX;
            let whole = column(projected(connection)?.size).saturating_mul(PLACES).saturating_sub(1);
            let read_to = if is_last { Some(whole) } else { rows.last().map(|row| row.0) };
            let read_to = number(read_to.unwrap_or(0)).max(after);
            Ok(RecordedPage { records: rows.into_iter().map(recorded).collect::<Result<_, _>>()?, read_to, is_last })
        })
    }

    /// The first record of an access between two departments.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn first_record(
        &self,
        access: AccessId,
        consumer: &DepartmentId,
        provider: &DepartmentId,
    ) -> Result<Option<Recorded>, ReadError> {
        self.read(|connection| {
            accesses::table
                .filter(accesses::access_id.eq(access.to_string()))
                .filter(accesses::consumer.eq(consumer.as_str()).and(accesses::provider.eq(provider.as_str())))
                .order(accesses::pos.asc())
                .select((accesses::pos, accesses::access_id, accesses::provider, accesses::time, accesses::doc))
                .first(connection)
                .optional()?
                .map(recorded)
                .transpose()
        })
    }
}

type RecordedRow = (i64, String, String, i64, String);

fn recorded((pos, access_id, provider, time, doc): RecordedRow) -> Result<Recorded, ReadError> {
    Ok(Recorded {
        place: number(pos),
        ledger_index: number(pos / PLACES),
        access_id: from_text(&access_id)?,
        provider: from_text(&provider)?,
        time: Millis(number(time)),
        // The column holds the record's JSON as this program writes it, which is what promises digest.
        digest: sm3(&[doc.as_bytes()]),
    })
}

fn view(row: AccessRow) -> Result<AccessView, ReadError> {
    Ok(AccessView {
        record: from_json(&row.doc)?,
        provider: from_text(&row.provider)?,
        transaction_id: from_text(&row.tx_id)?,
        ledger_index: number(row.pos / PLACES),
        place: number(row.pos % PLACES),
        block_height: number(row.height),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use parking_lot::Mutex;

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// SQLite's plan of a listing with one cursor.
    fn plan(connection: &mut Database, filter: &AccessFilter) -> String {
        let said = Arc::new(Mutex::new(String::new()));
        let heard = said.clone();
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                *heard.lock() = query.to_string();
            }
        });
        listing(filter, false).unwrap().select(AccessRow::as_select()).load(connection).unwrap();
        let text = said.lock().split(" -- binds").next().unwrap().to_owned();
        let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(connection).unwrap();
        steps.iter().map(|step| step.detail.as_str()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_filter_leads_through_its_index_without_sorting() {
        let dir = tempfile::tempdir().unwrap();
        let model = ReadModel::open(dir.path()).unwrap();
        let mut connection = model.connect().unwrap().0;
        connection.batch_execute("PRAGMA optimize").unwrap();
        let department: DepartmentId = "tax".parse().unwrap();
        let decision = Some(AccessDecision::Allowed);
        let page = PageRequest { cursor: Some("YTUsNg".into()), size: None };
        let all = AccessFilter { from: Some(Millis(1)), page, decision, ..Default::default() };
        let consumer = AccessFilter { consumer: Some(department.clone()), ..all.clone() };
        let case = Some("a case".to_owned());
        for (filter, index) in [
            (AccessFilter { decision: None, ..all.clone() }, "accesses_time"),
            (all.clone(), "accesses_decision"),
            (consumer.clone(), "accesses_consumer"),
            (AccessFilter { provider: Some(department), ..all.clone() }, "accesses_provider"),
            (AccessFilter { entry: "tax/deed".parse().ok(), ..consumer.clone() }, "accesses_entry"),
            (AccessFilter { actor: Some("li.na".into()), ..consumer.clone() }, "accesses_actor"),
            (AccessFilter { grant: Some(GrantId::new(Millis(1))), ..consumer.clone() }, "accesses_grant"),
            (AccessFilter { case_id: case.clone(), ..consumer.clone() }, "accesses_case"),
            (AccessFilter { subject_key: Some(Hash([1; 32])), case_id: case, ..consumer }, "accesses_subject"),
        ] {
            let plan = plan(&mut connection, &filter);
            assert!(plan.contains(&format!("USING INDEX {index} ")), "{index}: {plan}");
            assert!(plan.contains("time<?") && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
        }
    }
}
