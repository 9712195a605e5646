//! Workflows on the ledger: the published version rules, whatever a department's file says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::case::WorkflowPublication;
use crate::ids::{DepartmentId, Slug};

use super::catalog::reviewer;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// The longest document, in bytes of its JSON text.
const DOCUMENT_BYTES_MAX: usize = 56 * 1024;
/// Nobody publishes more versions of one workflow.
const VERSION_MAX: u32 = 9_999;

/// One version as it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedWorkflow {
    /// The whole workflow.
    pub document: Value,
    /// Who published it.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub index: u64,
}

impl State {
    pub(super) fn publish_workflow(
        &mut self,
        by: &Context<'_>,
        publication: WorkflowPublication,
    ) -> Result<(), Refusal> {
        reviewer(by)?;
        let WorkflowPublication { name, version, document } = publication;
        if document.get("name").and_then(Value::as_str) != Some(name.as_str()) {
            return Err(Refusal::Invalid("the document bears another name".into()));
        }
        if document.to_string().len() > DOCUMENT_BYTES_MAX {
            return Err(Refusal::Invalid(format!("the document is longer than {DOCUMENT_BYTES_MAX} bytes")));
        }
        if has_fraction(&document) {
            return Err(Refusal::Invalid("a workflow holds whole numbers only".into()));
        }
        let next = self.workflow(by.department, &name).map_or(1, |(latest, _)| latest.saturating_add(1));
        if version != next || next > VERSION_MAX {
            return Err(Refusal::Conflict(format!("the next version of {name} is {next}")));
        }
        let published = PublishedWorkflow { document, by: by.actor.clone(), at: by.at, index: by.index };
        self.workflows.insert((by.department.clone(), name, version), published);
        Ok(())
    }

    /// The version of a department's workflow that is in force.
    pub fn workflow(&self, department: &DepartmentId, name: &Slug) -> Option<(u32, &PublishedWorkflow)> {
        let versions = (department.clone(), name.clone(), 0)..=(department.clone(), name.clone(), u32::MAX);
        self.workflows.range(versions).next_back().map(|((.., version), published)| (*version, published))
    }

    /// One version of a department's workflow.
    pub fn workflow_version(&self, department: &DepartmentId, name: &Slug, version: u32) -> Option<&PublishedWorkflow> {
        self.workflows.get(&(department.clone(), name.clone(), version))
    }
}

/// Numbers with fractions do not come back exactly from JSON, and no workflow needs one.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}
