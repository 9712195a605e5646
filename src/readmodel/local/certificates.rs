//! Documents of certificates, which the issuer keeps while the ledger has their digests; and the holders' copies.

use diesel::prelude::*;
use serde_json::Value;

use crate::clock::Millis;
use crate::readmodel::columns::{column, from_json, number};
use crate::readmodel::error::ReadError;

use super::schema::{certificate_copies, certificate_documents};
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

/// The holder's copies of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateCopy {
    /// The credential with receipt and proof.
    pub json: String,
    /// The paper, with the credential attached.
    pub pdf: Vec<u8>,
    /// When they were made.
    pub made_at: Millis,
}

/// Certificates of one holder that are found at a time.
const OF_HOLDER_MAX: i64 = 500;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = certificate_copies)]
struct CopyRow {
    identifier: String,
    json: String,
    pdf: Vec<u8>,
    made_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = certificate_documents)]
struct DocumentRow {
    identifier: String,
    document: String,
    salt: Vec<u8>,
    stored_at: i64,
    holder: Option<String>,
}

impl Local {
    /// Keeps a certificate's document. It is not replaced, for its digest stands on the ledger; unless it is `stale`: one
    /// that never came there.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when another document of this identifier is there.
    pub fn put_document(&self, identifier: &str, document: &CertificateDocument, stale: bool) -> Result<(), ReadError> {
        let row = DocumentRow {
            identifier: identifier.to_owned(),
            document: paper(&document.document)?,
            salt: document.salt.clone(),
            stored_at: column(document.stored_at.0),
            holder: holder(&document.document),
        };
        self.write(|connection| {
            match DocumentRow::load(connection, identifier)? {
                Some(old) if old.document == row.document && old.salt == row.salt => return Ok(()),
                Some(_) if !stale => {
                    return Err(ReadError::Conflict("another document of this identifier is kept".into()));
                }
                _ => {}
            }
            diesel::replace_into(certificate_documents::table).values(row).execute(connection)?;
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

/// The holder's code in a document, of whatever form.
fn holder(document: &Value) -> Option<String> {
    let subject = document.get("credentialSubject").unwrap_or(document);
    Some(subject.get("holder")?.get("code")?.as_str()?.to_owned())
}

impl Local {
    /// Identifiers of the certificates that a holder has of this department, the newest first.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn documents_of(&self, holder: &str) -> Result<Vec<String>, ReadError> {
        self.with(|connection| {
            let own = certificate_documents::table.filter(certificate_documents::holder.eq(holder));
            let newest = own.order(certificate_documents::stored_at.desc()).limit(OF_HOLDER_MAX);
            Ok(newest.select(certificate_documents::identifier).load(connection)?)
        })
    }

    /// The holder's copies of a certificate, when they were made.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn copy(&self, identifier: &str) -> Result<Option<CertificateCopy>, ReadError> {
        self.with(|connection| CopyRow::load(connection, identifier))
    }

    /// Keeps copies, and answers with those that are kept: the first ones.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn keep_copy(&self, identifier: &str, copy: CertificateCopy) -> Result<CertificateCopy, ReadError> {
        self.write(|connection| {
            if let Some(kept) = CopyRow::load(connection, identifier)? {
                return Ok(kept);
            }
            let CertificateCopy { json, pdf, made_at } = copy.clone();
            let row = CopyRow { identifier: identifier.to_owned(), json, pdf, made_at: column(made_at.0) };
            diesel::insert_into(certificate_copies::table).values(row).execute(connection)?;
            Ok(copy)
        })
    }
}

impl CopyRow {
    fn load(connection: &mut SqliteConnection, identifier: &str) -> Result<Option<CertificateCopy>, ReadError> {
        let row = certificate_copies::table.find(identifier).select(Self::as_select()).first(connection).optional()?;
        Ok(row.map(|Self { json, pdf, made_at, .. }| CertificateCopy { json, pdf, made_at: Millis(number(made_at)) }))
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
        local.put_document("1.2.156", &document, false).unwrap();
        local.put_document("1.2.156", &document, false).unwrap();
        let other = CertificateDocument { salt: vec![2; 16], ..document.clone() };
        assert!(matches!(local.put_document("1.2.156", &other, false), Err(ReadError::Conflict(_))));
        assert_eq!(local.document("1.2.156"), Ok(Some(document)));
        assert_eq!(local.document("1.2.157"), Ok(None));
    }

    #[test]
    fn a_holder_s_certificates_are_found_and_the_first_copy_stays() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        for (at, (identifier, document)) in [
            ("1.2.1", json!({"holder": {"code": "3405"}})),
            ("1.2.2", json!({"credentialSubject": {"holder": {"code": "3405"}}})),
            ("1.2.3", json!({"credentialSubject": {"holder": {"code": "1101"}}})),
        ]
        .into_iter()
        .enumerate()
        {
            let stored_at = NOW.plus(at as u64);
            local
                .put_document(identifier, &CertificateDocument { document, salt: vec![1; 16], stored_at }, false)
                .unwrap();
        }
        assert_eq!(local.documents_of("3405"), Ok(vec!["1.2.2".to_owned(), "1.2.1".to_owned()]));
        let copy = CertificateCopy { json: "{}".into(), pdf: vec![1], made_at: NOW };
        assert_eq!(local.copy("1.2.1"), Ok(None));
        assert_eq!(local.keep_copy("1.2.1", copy.clone()), Ok(copy.clone()));
        let later = CertificateCopy { pdf: vec![2], ..copy.clone() };
        assert_eq!(local.keep_copy("1.2.1", later), Ok(copy.clone()));
        assert_eq!(local.copy("1.2.1"), Ok(Some(copy)));
    }
}
