//! What a case's owner keeps of it: what the clerk filled in, and the answers it rests on.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::Text;
use crate::ids::{AccessId, CaseId, EntryName, Slug};
use crate::readmodel::columns::{column, from_json, number};
use crate::readmodel::error::ReadError;

use super::case_forms::CaseForm;
use super::schema::case_records;
use super::{Local, paper};

/// Cases that go on after one restart, at most.
const RUNNING_MAX: i64 = 10_000;

/// An answer that a case rests on. The ledger has its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseMaterial {
    /// Its name within the workflow.
    pub name: Slug,
    /// Its title for people.
    pub title: Text,
    /// Where it came from.
    pub entry: EntryName,
    /// The access that fetched it.
    pub access_id: AccessId,
    /// SM3 of the rows, as on the ledger.
    pub digest: Hash,
    /// The rows.
    pub rows: Value,
}

/// What its owner keeps of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseRecord {
    /// What the clerk filled in.
    pub params: Map<String, Value>,
    /// The answers it rests on, in the workflow's order.
    pub materials: Vec<CaseMaterial>,
    /// When it was kept.
    pub kept_at: Millis,
    /// Of the form's digest, hex; none before edition 4.
    pub salt: Option<String>,
    /// What the applicant is told.
    pub notice: Option<Value>,
    /// The form before it was corrected last.
    pub former: Option<Map<String, Value>>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = case_records)]
struct CaseRow {
    case_id: String,
    params: String,
    materials: String,
    kept_at: i64,
    salt: Option<String>,
    running: i32,
    notice: Option<String>,
    corrections: Option<String>,
    former: Option<String>,
}

impl Local {
    /// Keeps what a clerk filled in, before its case is opened; what was kept under the same id stays.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when there is too much of it.
    pub fn begin_case(
        &self,
        case: CaseId,
        params: &Map<String, Value>,
        salt: &str,
        now: Millis,
    ) -> Result<CaseRecord, ReadError> {
        let row = CaseRow {
            case_id: case.to_string(),
            params: paper(params)?,
            materials: "[]".to_owned(),
            kept_at: column(now.0),
            salt: Some(salt.to_owned()),
            running: 1,
            notice: None,
            corrections: None,
            former: None,
        };
        self.with(|connection| {
            diesel::insert_or_ignore_into(case_records::table).values(row).execute(connection)?;
            Ok(())
        })?;
        self.case_record(case)?.ok_or_else(|| ReadError::Corrupt(format!("the record of case {case} is lost")))
    }

    /// Notes whether a case's pulls are being made, so that they go on after a restart.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn set_running(&self, case: CaseId, running: bool) -> Result<(), ReadError> {
        self.with(|connection| {
            let row = case_records::table.find(case.to_string());
            diesel::update(row).set(case_records::running.eq(i32::from(running))).execute(connection)?;
            Ok(())
        })
    }

    /// Cases whose pulls were being made when the node stopped.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn running_cases(&self) -> Result<Vec<CaseId>, ReadError> {
        let running = case_records::table.filter(case_records::running.eq(1)).select(case_records::case_id);
        let ids: Vec<String> = self.with(|connection| Ok(running.limit(RUNNING_MAX).load(connection)?))?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Keeps what the applicant is told.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when it is too long.
    pub fn keep_notice(&self, case: CaseId, notice: &Value) -> Result<(), ReadError> {
        let text = paper(notice)?;
        self.with(|connection| {
            let row = case_records::table.find(case.to_string());
            diesel::update(row).set(case_records::notice.eq(Some(text))).execute(connection)?;
            Ok(())
        })
    }

    /// The record of a case, when this node keeps it.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn case_record(&self, case: CaseId) -> Result<Option<CaseRecord>, ReadError> {
        let row: Option<CaseRow> = self.with(|connection| {
            let found = case_records::table.find(case.to_string()).select(CaseRow::as_select());
            Ok(found.first(connection).optional()?)
        })?;
        let Some(row) = row else { return Ok(None) };
        let mut materials: Vec<CaseMaterial> = from_json(&row.materials)?;
        materials.extend(self.pull_attempts(case)?.into_iter().filter_map(|attempt| attempt.material));
        let former: Option<Vec<CaseForm>> = row.former.map(|text| from_json(&text)).transpose()?;
        Ok(Some(CaseRecord {
            former: former.and_then(|forms| Some(forms.into_iter().next_back()?.params)),
            params: from_json(&row.params)?,
            materials,
            kept_at: Millis(number(row.kept_at)),
            salt: row.salt,
            notice: row.notice.map(|text| from_json(&text)).transpose()?,
        }))
    }

    /// The materials of a case; empty when this node keeps none.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn case_materials(&self, case: CaseId) -> Result<Vec<CaseMaterial>, ReadError> {
        Ok(self.case_record(case)?.map(|record| record.materials).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn a_case_is_begun_once_and_known_until_it_has_run() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        assert_eq!(local.case_record(case), Ok(None));
        let params = Map::from_iter([("unit_number".to_owned(), json!("310101")), ("area".to_owned(), json!(89))]);
        local.begin_case(case, &params, "aa", NOW).unwrap();
        let again = local.begin_case(case, &Map::new(), "bb", NOW.plus(1)).unwrap();
        assert_eq!((again.params, again.salt, again.kept_at), (params, Some("aa".into()), NOW), "the first stays");
        let local = Local::open(dir.path()).unwrap();
        assert_eq!(local.running_cases(), Ok(vec![case]));
        local.set_running(case, false).unwrap();
        assert_eq!(local.running_cases(), Ok(vec![]));
        local.keep_notice(case, &json!({"zh": "办结"})).unwrap();
        assert_eq!(local.case_record(case).unwrap().unwrap().notice, Some(json!({"zh": "办结"})));
        let long = Map::from_iter([("x".to_owned(), json!("x".repeat(super::super::PAPER_BYTES_MAX)))]);
        assert!(matches!(local.begin_case(CaseId::new(NOW), &long, "aa", NOW), Err(ReadError::Invalid(_))));
    }
}
