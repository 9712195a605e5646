//! Papers that stay with their owner: materials of cases and documents of certificates.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::clock::Millis;
use crate::ids::{AccessId, CaseId, EntryName};
use crate::readmodel::columns::{column, count, from_json, from_text, number, to_json};
use crate::readmodel::error::ReadError;

use super::Local;
use super::schema::{case_materials, certificate_documents};

/// Materials of one case, as on the ledger.
pub const MATERIALS_MAX: usize = 50;
/// The longest paper, in bytes of JSON.
pub const PAPER_BYTES_MAX: usize = 1024 * 1024;

/// Rows that a case rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseMaterial {
    /// Where they came from.
    pub entry: EntryName,
    /// The access that fetched them.
    pub access_id: AccessId,
    /// The rows.
    pub rows: Value,
    /// When they were stored.
    pub stored_at: Millis,
}

/// The whole document of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDocument {
    /// The document.
    pub document: Value,
    /// The salt of the holder's commitment.
    pub salt: Vec<u8>,
    /// When it was stored.
    pub stored_at: Millis,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = case_materials)]
struct MaterialRow {
    case_id: String,
    access_id: String,
    entry: String,
    rows_json: String,
    stored_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = certificate_documents)]
struct DocumentRow {
    identifier: String,
    document: String,
    salt: Vec<u8>,
    stored_at: i64,
}

fn paper(value: &Value) -> Result<String, ReadError> {
    let text = to_json(value)?;
    if text.len() > PAPER_BYTES_MAX {
        return Err(ReadError::Invalid(format!("a paper is at most {PAPER_BYTES_MAX} bytes")));
    }
    Ok(text)
}

impl Local {
    /// Keeps the rows of one access for a case; the same access again replaces them.
    ///
    /// # Errors
    /// [`ReadError::Full`], [`ReadError::Invalid`] when the rows are too long.
    pub fn put_material(&self, case: CaseId, material: &CaseMaterial) -> Result<(), ReadError> {
        let row = MaterialRow {
            case_id: case.to_string(),
            access_id: material.access_id.to_string(),
            entry: material.entry.to_string(),
            rows_json: paper(&material.rows)?,
            stored_at: column(material.stored_at.0),
        };
        self.write(|connection| {
            let others: i64 = case_materials::table
                .filter(case_materials::case_id.eq(&row.case_id).and(case_materials::access_id.ne(&row.access_id)))
                .count()
                .get_result(connection)?;
            if others >= count(MATERIALS_MAX) {
                return Err(ReadError::Full { what: "the case's list of materials", max: MATERIALS_MAX });
            }
            diesel::replace_into(case_materials::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// The materials of a case that this node holds, in the order of their access.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn materials(&self, case: CaseId) -> Result<Vec<CaseMaterial>, ReadError> {
        let rows: Vec<MaterialRow> = self.with(|connection| {
            Ok(case_materials::table
                .filter(case_materials::case_id.eq(case.to_string()))
                .order(case_materials::access_id.asc())
                .select(MaterialRow::as_select())
                .load(connection)?)
        })?;
        let material = |row: MaterialRow| {
            Ok(CaseMaterial {
                entry: from_text(&row.entry)?,
                access_id: from_text(&row.access_id)?,
                rows: from_json(&row.rows_json)?,
                stored_at: Millis(number(row.stored_at)),
            })
        };
        rows.into_iter().map(material).collect()
    }

    /// Keeps a certificate's document. It is never replaced: its digest stands on the ledger.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when another document of this identifier is there.
    pub fn put_document(&self, identifier: &str, document: &CertificateDocument) -> Result<(), ReadError> {
        let row = DocumentRow {
            identifier: identifier.to_owned(),
            document: paper(&document.document)?,
            salt: document.salt.clone(),
            stored_at: column(document.stored_at.0),
        };
        self.write(|connection| {
            match DocumentRow::load(connection, identifier)? {
                Some(old) if old.document == row.document && old.salt == row.salt => return Ok(()),
                Some(_) => return Err(ReadError::Conflict("another document of this identifier is kept".into())),
                None => {}
            }
            diesel::insert_into(certificate_documents::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// A certificate's document, when this node holds it.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn document(&self, identifier: &str) -> Result<Option<CertificateDocument>, ReadError> {
        let row = self.with(|connection| DocumentRow::load(connection, identifier))?;
        let document = |row: DocumentRow| {
            Ok(CertificateDocument {
                document: from_json(&row.document)?,
                salt: row.salt,
                stored_at: Millis(number(row.stored_at)),
            })
        };
        row.map(document).transpose()
    }
}

impl DocumentRow {
    fn load(connection: &mut SqliteConnection, identifier: &str) -> Result<Option<Self>, ReadError> {
        Ok(certificate_documents::table.find(identifier).select(Self::as_select()).first(connection).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn a_case_keeps_its_materials() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        let material = |n: u32| CaseMaterial {
            entry: "tax/deed-tax-payment".parse().unwrap(),
            access_id: AccessId::new(NOW.plus(u64::from(n))),
            rows: json!([{ "amount": n }]),
            stored_at: NOW,
        };
        let all: Vec<_> = (0..50).map(material).collect();
        for material in &all {
            local.put_material(case, material).unwrap();
        }
        local.put_material(case, &all[3]).unwrap();
        assert_eq!(local.materials(case).unwrap(), all);
        assert!(matches!(local.put_material(case, &material(50)), Err(ReadError::Full { .. })));
        let long = CaseMaterial { rows: json!("x".repeat(PAPER_BYTES_MAX)), ..material(51) };
        assert!(matches!(local.put_material(CaseId::new(NOW), &long), Err(ReadError::Invalid(_))));
    }

    #[test]
    fn a_document_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let document = CertificateDocument { document: json!({"holder": "李娜"}), salt: vec![1; 16], stored_at: NOW };
        local.put_document("1.2.156", &document).unwrap();
        local.put_document("1.2.156", &document).unwrap();
        let other = CertificateDocument { salt: vec![2; 16], ..document.clone() };
        assert!(matches!(local.put_document("1.2.156", &other), Err(ReadError::Conflict(_))));
        assert_eq!(local.document("1.2.156"), Ok(Some(document)));
        assert_eq!(local.document("1.2.157"), Ok(None));
    }
}
