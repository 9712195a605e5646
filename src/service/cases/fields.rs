//! What a case's papers say for its certificate and its notice.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::Text;
use crate::domain::case_rules::{Ground, Operand};
use crate::domain::department_files::workflow::WorkflowFile;
use crate::ids::Slug;
use crate::readmodel::local::CaseRecord;

/// What a certificate says of its holder and its matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFields {
    /// The holder's number; empty when the papers have none.
    pub holder_code: String,
    /// The holder's name; empty when the workflow names none.
    pub holder_name: String,
    /// Fields of the certificate's type, those that the papers have.
    pub fields: Map<String, Value>,
}

/// What the workflow's `[certificate]` takes from a case's form and papers.
pub fn certificate_fields(workflow: &WorkflowFile, record: &CaseRecord) -> CertificateFields {
    let Some(certificate) = &workflow.certificate else { return CertificateFields::default() };
    let papers = Papers::of(record);
    let value = |(name, operand): (&crate::ids::ItemName, &Operand)| Some((name.to_string(), papers.first(operand)?));
    CertificateFields {
        holder_code: papers.text(&certificate.holder),
        holder_name: certificate.holder_name.as_ref().map(|name| papers.text(name)).unwrap_or_default(),
        fields: certificate.fields.iter().filter_map(value).collect(),
    }
}

/// What the applicant is told: the workflow's text with its places filled in.
pub fn notice(workflow: &WorkflowFile, record: &CaseRecord, certificate: Option<&str>) -> Option<Text> {
    let papers = Papers::of(record);
    let fill = |text: &str| {
        let mut filled = String::new();
        let mut parts = text.split('{');
        filled.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            match name.parse::<Operand>() {
                Ok(operand) => filled.push_str(&papers.text(&operand)),
                Err(_) => filled.push_str(certificate.unwrap_or_default()),
            }
            filled.push_str(rest);
        }
        filled
    };
    workflow.notice.as_ref().map(|notice| Text { zh: fill(&notice.text.zh), en: fill(&notice.text.en) })
}

/// Form and rows of one case.
struct Papers<'a> {
    form: &'a Map<String, Value>,
    pulls: BTreeMap<Slug, Option<&'a [Value]>>,
}

impl<'a> Papers<'a> {
    fn of(record: &'a CaseRecord) -> Self {
        let rows = |rows: &'a Value| rows.as_array().map(Vec::as_slice);
        let pulls = record.materials.iter().map(|material| (material.name.clone(), rows(&material.rows))).collect();
        Self { form: &record.params, pulls }
    }

    /// The first value of an operand that is there.
    fn first(&self, operand: &Operand) -> Option<Value> {
        let ground = Ground { form: self.form, pulls: &self.pulls, today: "" };
        ground.values(operand)?.into_iter().find(|value| !value.is_null())
    }

    fn text(&self, operand: &Operand) -> String {
        match self.first(operand) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Millis;
    use crate::crypto::digest::Hash;
    use crate::ids::AccessId;
    use crate::readmodel::local::CaseMaterial;

    const FILE: &str = include_str!("../../../departments/planning-resources/workflows/real-estate-transfer.toml");

    #[test]
    fn form_and_papers_fill_certificate_and_notice() {
        let name = "real-estate-transfer".parse().unwrap();
        let workflow = crate::domain::department_files::workflow::parse("w", FILE, &name).unwrap();
        let paper = |name: &str, rows: Value| CaseMaterial {
            name: name.parse().unwrap(),
            title: Text::default(),
            entry: "tax/deed-tax-payment".parse().unwrap(),
            access_id: AccessId::new(Millis(1_795_000_000_000)),
            digest: Hash([7; 32]),
            rows,
        };
        let record = CaseRecord {
            params: json!({"buyer_id_number": "110108199203219006", "unit_number": "U1"}).as_object().unwrap().clone(),
            materials: vec![
                paper("buyer-household", json!([{"name": "沈若溪"}, {"name": "x"}])),
                paper("title", json!([{"use": null, "floor_area": 89.6}, {"use": "住宅"}])),
            ],
            kept_at: Millis(0),
            salt: None,
            notice: None,
            former: None,
        };
        let found = certificate_fields(&workflow, &record);
        assert_eq!((found.holder_code.as_str(), found.holder_name.as_str()), ("110108199203219006", "沈若溪"));
        assert_eq!(Value::Object(found.fields), json!({"floor_area": 89.6, "unit_number": "U1", "use": "住宅"}));
        let notice = notice(&workflow, &record, Some("1.2.3")).unwrap();
        assert!(notice.zh.contains("U1 转移登记已办结") && notice.zh.contains("1.2.3。"), "{}", notice.zh);
        assert!(notice.en.starts_with("The transfer of unit U1 is registered.") && !notice.en.contains('{'));
    }
}
