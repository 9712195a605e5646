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

use super::schema::case_records;
use super::{Local, paper};

/// Materials of one case, as on the ledger.
pub const MATERIALS_MAX: usize = 50;

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
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = case_records)]
struct CaseRow {
    case_id: String,
    params: String,
    materials: String,
    kept_at: i64,
}

impl Local {
    /// Keeps a case's record; the same case again replaces it.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when there is too much of it.
    pub fn keep_case(
        &self,
        case: CaseId,
        params: &Map<String, Value>,
        materials: &[CaseMaterial],
        now: Millis,
    ) -> Result<(), ReadError> {
        if materials.len() > MATERIALS_MAX {
            return Err(ReadError::Invalid(format!("a case has at most {MATERIALS_MAX} materials")));
        }
        let row = CaseRow {
            case_id: case.to_string(),
            params: paper(params)?,
            materials: paper(&materials)?,
            kept_at: column(now.0),
        };
        self.with(|connection| {
            diesel::replace_into(case_records::table).values(row).execute(connection)?;
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
        let record = |row: CaseRow| {
            Ok(CaseRecord {
                params: from_json(&row.params)?,
                materials: from_json(&row.materials)?,
                kept_at: Millis(number(row.kept_at)),
            })
        };
        row.map(record).transpose()
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

    fn material(n: u64) -> CaseMaterial {
        CaseMaterial {
            name: "tax-paid".parse().unwrap(),
            title: Text { zh: "契税".into(), en: "Deed tax".into() },
            entry: "tax/deed-tax-payment".parse().unwrap(),
            access_id: AccessId::new(NOW.plus(n)),
            digest: Hash([7; 32]),
            rows: json!([{ "amount": n }]),
        }
    }

    #[test]
    fn a_case_keeps_its_materials_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        assert_eq!(local.case_record(case), Ok(None));
        let params = Map::from_iter([("unit_number".to_owned(), json!("310101")), ("area".to_owned(), json!(89))]);
        let materials: Vec<_> = (0..MATERIALS_MAX as u64).rev().map(material).collect();
        local.keep_case(case, &params, &materials[..1], NOW).unwrap();
        local.keep_case(case, &params, &materials, NOW).unwrap();
        let kept = Local::open(dir.path()).unwrap().case_record(case).unwrap().unwrap();
        assert_eq!((kept.params, &kept.materials), (params.clone(), &materials));
        assert_eq!(local.case_materials(case).unwrap(), materials);
        let many = [materials, vec![material(50)]].concat();
        assert!(matches!(local.keep_case(case, &params, &many, NOW), Err(ReadError::Invalid(_))));
        let long = CaseMaterial { rows: json!("x".repeat(super::super::PAPER_BYTES_MAX)), ..material(1) };
        assert!(matches!(local.keep_case(case, &params, &[long], NOW), Err(ReadError::Invalid(_))));
    }
}
