//! From a case to its certificate: what the workflow takes from the form and from what was pulled.

use serde_json::Value;

use crate::domain::certificate::Operation;
use crate::domain::certificate_type::CertificateType;
use crate::domain::department_files::workflow::{WorkflowCertificate, WorkflowFile};
use crate::ids::CaseId;
use crate::readmodel::local::CaseRecord;
use crate::service::Node;
use crate::service::cases::fields::{CertificateFields, certificate_fields};
use crate::service::error::ServiceError;

use super::{Grounds, Holder, serial};

impl Node {
    pub(super) fn grounds_of_case(
        &self,
        workflow: &WorkflowFile,
        case: CaseId,
        record: &CaseRecord,
    ) -> Result<Grounds, ServiceError> {
        let wanted = workflow.certificate.as_ref();
        let wanted = wanted.ok_or_else(|| ServiceError::missing("a certificate at the end of this workflow"))?;
        let kind = self.type_of_workflow(wanted)?;
        let CertificateFields { holder_code, holder_name, fields } = certificate_fields(workflow, record);
        let fields = fields.into_iter().map(|(name, value)| {
            let value = fitting(&kind, &name, value);
            (name, value)
        });
        Ok(Grounds {
            operation: Operation::New,
            predecessor: None,
            case: Some(case),
            prepared_by: None,
            holder: Holder { code: holder_code, name: holder_name },
            fields: fields.collect(),
            serial: serial(case.time(), case.as_bytes()),
            version: 1,
            kind,
        })
    }

    /// By its name, or else by its code.
    fn type_of_workflow(&self, wanted: &WorkflowCertificate) -> Result<CertificateType, ServiceError> {
        let state = self.chain.state();
        let published = match (&wanted.kind, &wanted.type_code) {
            (Some(name), _) => state.certificate_type_newest(&self.department, name),
            (None, Some(code)) => state.certificate_type_of_code(&self.department, code),
            (None, None) => None,
        };
        published.map(|known| known.document.clone()).ok_or_else(|| {
            let detail = "the type of this certificate is not published: a reviewer publishes it first";
            ServiceError::conflict("certificate_type_unpublished", detail)
        })
    }
}

/// A value as the type's schema wants it: a source may have a number where the face has a text.
fn fitting(kind: &CertificateType, name: &str, value: Value) -> Value {
    let schema = kind.fields.get("properties").and_then(|properties| properties.get(name)?.get("type")?.as_str());
    match value {
        Value::Number(number) if schema == Some("string") => number.to_string().into(),
        value => value,
    }
}
