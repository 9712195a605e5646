//! Workflows of this department: the published version rules, the file is what can be published next.

use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::case::WorkflowPublication;
use crate::domain::command::Command;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::ids::{DepartmentId, Slug};
use crate::policy::facts::{Action, Facts, Relation};

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// A workflow as it is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// Its version.
    pub version: u32,
    /// What it says.
    pub workflow: WorkflowFile,
    /// Who published it.
    pub by: Actor,
    /// When.
    pub at: Millis,
}

/// A workflow of this department, published or not.
#[derive(Clone, Debug)]
pub struct WorkflowStanding {
    /// The version in force.
    pub in_force: Option<InForce>,
    /// The file, when there is one.
    pub file: Option<WorkflowFile>,
    /// Whether the file says something else than the version in force, or nothing is in force.
    pub differs: bool,
}

impl WorkflowStanding {
    /// What it says: the version in force, else the file.
    pub fn workflow(&self) -> Option<&WorkflowFile> {
        self.in_force.as_ref().map(|one| &one.workflow).or(self.file.as_ref())
    }
}

impl Node {
    /// The files of this department's workflows.
    pub fn workflows(&self) -> &[WorkflowFile] {
        &self.workflows
    }

    /// The workflow of a name as it is in force.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or `workflow_not_published`.
    pub fn workflow_in_force(&self, name: &Slug) -> Result<InForce, ServiceError> {
        let published =
            self.chain.state().workflow(&self.department, name).map(|(version, one)| (version, one.clone()));
        match published {
            Some((version, one)) => {
                let workflow = read(name, one.document)?;
                Ok(InForce { version, workflow, by: one.by, at: one.at })
            }
            None if self.workflows.iter().any(|file| &file.name == name) => {
                let detail = "a reviewer of this department must publish the workflow first".to_owned();
                Err(ServiceError::conflict("workflow_not_published", detail))
            }
            None => Err(ServiceError::missing(format_args!("workflow {name}"))),
        }
    }

    /// A version of any department's workflow.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn workflow_version(
        &self,
        department: &DepartmentId,
        name: &Slug,
        version: u32,
    ) -> Result<WorkflowFile, ServiceError> {
        let known = self.chain.state().workflow_version(department, name, version).map(|one| one.document.clone());
        let document = known.ok_or_else(|| ServiceError::missing(format_args!("version {version} of {name}")))?;
        read(name, document)
    }

    /// Every workflow that has a file here.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] for what the ledger holds and this program cannot read.
    pub fn workflow_standings(&self) -> Result<Vec<WorkflowStanding>, ServiceError> {
        let standing = |file: &WorkflowFile| {
            let in_force = match self.workflow_in_force(&file.name) {
                Ok(in_force) => Some(in_force),
                Err(ServiceError::Conflict { .. }) => None,
                Err(other) => return Err(other),
            };
            let differs = in_force.as_ref().is_none_or(|one| &one.workflow != file);
            Ok(WorkflowStanding { in_force, file: Some(file.clone()), differs })
        };
        self.workflows.iter().map(standing).collect()
    }

    /// Puts the file of a workflow into force as its next version. Reviewers may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal; `conflict` when the version in force says the same.
    pub async fn publish_workflow(&self, who: &Principal, name: &Slug) -> Result<(u32, Committed), ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ApproveEntry, role, Relation::Own))?;
        let file = self.workflows.iter().find(|file| &file.name == name);
        let file = file.ok_or_else(|| ServiceError::missing(format_args!("a file of workflow {name}")))?;
        let document = file.document().map_err(|e| ServiceError::Internal(e.to_string()))?;
        let known = self.chain.state().workflow(&self.department, name).map(|(at, one)| (at, one.document == document));
        if let Some((version, true)) = known {
            let detail = format!("version {version} says the same: change the file, and restart the node");
            return Err(ServiceError::conflict("conflict", detail));
        }
        let version = known.map_or(1, |(version, _)| version.saturating_add(1));
        let publication = WorkflowPublication { name: name.clone(), version, document };
        let committed = self.write(who, actor, Command::PublishWorkflow(publication)).await?;
        Ok((version, committed))
    }
}

fn read(name: &Slug, document: Value) -> Result<WorkflowFile, ServiceError> {
    WorkflowFile::from_document(document)
        .map_err(|faults| ServiceError::Internal(format!("workflow {name} on the ledger: {faults:?}")))
}
