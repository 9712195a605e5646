//! The document of a certificate: a credential without receipt and proof, with the record of GB/T 36903 in it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::Text;
use crate::domain::credential::{CONTEXT, TYPE, issuer_id};
use crate::readmodel::local::certificates::CertificateDocument;
use crate::service::Node;
use crate::service::error::ServiceError;

use super::Grounds;
use super::paper::{Face, Part};

/// The longest name of a holder, in characters.
pub const NAME_CHARS_MAX: usize = 200;
const SALT_BYTES: usize = 16;

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Citizen ID number or USCC, as the type says.
    pub code: String,
    /// The name.
    pub name: String,
}

impl Node {
    pub(super) fn certificate_document(
        &self,
        identifier: &str,
        grounds: &Grounds,
    ) -> Result<CertificateDocument, ServiceError> {
        let issuer = self.own_department()?;
        let now = self.clock.now();
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| ServiceError::Internal("no randomness for a salt".into()))?;
        let Grounds { kind, holder, fields, .. } = grounds;
        let (valid_from, valid_to) = (now.date(), kind.validity.last_day(now, fields));
        let url = self.config.web.public_url();
        let page = format!("{url}/verify/{identifier}");
        let department = &self.department;
        let mut licence = json!({
            "identifier": identifier,
            "number": grounds.serial,
            "version": format!("{:03}", grounds.version),
            "type": { "name": kind.title, "code": kind.type_code, "document": kind.name, "version": kind.version },
            "issuer": { "name": issuer.name, "code": issuer.uscc, "department": department },
            "defining_authority": kind.defining_authority,
            // A USCC bears the area of who registered its holder (GB 32100).
            "area_code": issuer.uscc.get(2..8),
            "issue_date": now.date(),
            "valid_from": valid_from,
            "valid_to": valid_to,
            "operation": grounds.operation,
            "predecessor": grounds.predecessor,
            "case": grounds.case,
            "legal_note": kind.legal_note,
            "salt": hex::encode(&salt),
        });
        if let Some(licence) = licence.as_object_mut() {
            licence.retain(|_, value| !value.is_null());
        }
        let mut document = json!({
            "@context": [CONTEXT, { "@vocab": "urn:mulu:licence#" }],
            "id": page,
            "type": ["VerifiableCredential", TYPE],
            "name": in_both(&kind.title),
            "issuer": { "id": issuer_id(self.chain_id(), department.as_str()), "name": in_both(&issuer.name) },
            "validFrom": format!("{valid_from}T00:00:00+08:00"),
            "credentialSubject": {
                "holder": { "code": holder.code, "name": holder.name, "code_type": kind.holder_kind,
                    "code_title": kind.holder_kind.title() },
                "fields": fields,
            },
            "face": face_of_type(grounds),
            "credentialStatus": { "id": page, "type": "LedgerStatusPage" },
            "credentialSchema": {
                "id": format!("{url}/api/v1/certificate-types/{department}/{}/{}/schema", kind.name, kind.version),
                "type": "JsonSchema",
            },
            "licence": licence,
        });
        if let (Some(last), Some(document)) = (valid_to, document.as_object_mut()) {
            document.insert("validUntil".into(), format!("{last}T23:59:59+08:00").into());
        }
        Ok(CertificateDocument { document, salt, stored_at: now })
    }
}

/// A text with the languages of its parts (VC Data Model 2.0, 11.1).
fn in_both(text: &Text) -> Value {
    json!([{ "@value": text.zh, "@language": "zh" }, { "@value": text.en, "@language": "en" }])
}

/// The sections of a type with the titles of their fields, so that a copy can be read without its type.
fn face_of_type(grounds: &Grounds) -> Value {
    let row = |field: &str| Some(json!({ "field": field, "title": grounds.kind.field_title(field)? }));
    let sections = grounds.kind.sections.iter().map(|section| {
        let rows = section.fields.iter().filter(|field| grounds.fields.contains_key(field.as_str()));
        json!({ "title": section.title, "rows": rows.filter_map(|field| row(field.as_str())).collect::<Vec<_>>() })
    });
    sections.collect::<Vec<_>>().into()
}

/// The holder's code in a document, of this form or of an older one.
pub fn holder_code(document: &Value) -> Option<&str> {
    let subject = document.get("credentialSubject").unwrap_or(document);
    subject.get("holder")?.get("code")?.as_str()
}

/// What stands on the face of a document of this form; none for older ones.
pub fn face(document: &Map<String, Value>) -> Option<Face> {
    let licence = document.get("licence")?;
    let said = |name: &str| licence.get(name).and_then(Value::as_str).map(str::to_owned);
    let text = |value: Option<&Value>| serde_json::from_value::<Text>(value?.clone()).ok();
    let subject = document.get("credentialSubject")?;
    let holder = subject.get("holder")?;
    let of_holder = |name: &str| holder.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = |zh: &str, en: &str| Text { zh: zh.into(), en: en.into() };
    let own =
        vec![(words("姓名或名称", "Name"), of_holder("name")), (text(holder.get("code_title"))?, of_holder("code"))];
    let mut sections = vec![Part { title: words("持证主体", "Holder"), rows: own }];
    for section in document.get("face").and_then(Value::as_array).into_iter().flatten() {
        let rows = section.get("rows").and_then(Value::as_array).into_iter().flatten().filter_map(|row| {
            let value = subject.get("fields")?.get(row.get("field")?.as_str()?)?;
            Some((text(row.get("title"))?, shown(value)))
        });
        let rows: Vec<(Text, String)> = rows.collect();
        if !rows.is_empty() {
            sections.push(Part { title: text(section.get("title"))?, rows });
        }
    }
    Some(Face {
        title: text(licence.get("type")?.get("name"))?,
        identifier: said("identifier")?,
        number: said("number")?,
        issuer: text(licence.get("issuer")?.get("name"))?,
        issued_on: said("issue_date")?,
        valid_from: said("valid_from")?,
        valid_to: said("valid_to"),
        sections,
        legal_note: text(licence.get("legal_note"))?,
        verify_url: document.get("id").and_then(Value::as_str)?.to_owned(),
        digest: String::new(),
        ledger_index: 0,
        made_at: [0; 6],
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "是 yes".into(),
        Value::Bool(false) => "否 no".into(),
        other => other.to_string(),
    }
}
