//! Documents of certificates: the issuer keeps them, the ledger has their digests.

use diesel::prelude::*;
use serde_json::Value;

use crate::clock::Millis;
use crate::readmodel::columns::{column, from_json, number};
use crate::readmodel::error::ReadError;

use super::schema::certificate_documents;
use super::{Local, paper};

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
#[diesel(table_name = certificate_documents)]
struct DocumentRow {
    identifier: String,
    document: String,
    salt: Vec<u8>,
    stored_at: i64,
}

impl Local {
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
