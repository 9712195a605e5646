//! Types of certificates: what the department's files say, and what is published of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::certificate_type::{CertificateType, PublishedType, TypePublication};
use crate::domain::command::Command;
use crate::ids::{DepartmentId, Slug};
use crate::policy::facts::{Action, Facts, Relation};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::departments;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::writes::Committed;

/// A type of a department.
#[derive(Clone, Debug, Serialize)]
pub struct TypeView {
    /// Whose.
    pub department: DepartmentId,
    /// The type, in its newest version on the ledger, or else as the department's file says.
    pub document: CertificateType,
    /// The version on the ledger; none while it is not published.
    pub version: Option<u32>,
    /// What the department's own file says, where it differs: it waits to be published.
    pub waiting: Option<CertificateType>,
}

impl Node {
    /// The types of the city in their newest versions, and those of this department's files that wait.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when the department's folder cannot be read.
    pub async fn certificate_types(&self) -> Result<Vec<TypeView>, ServiceError> {
        let files = self.type_files().await?;
        let state = self.chain.state();
        let mut newest: BTreeMap<(DepartmentId, Slug), TypeView> = BTreeMap::new();
        // They come with their versions rising.
        for (department, PublishedType { document, .. }) in state.certificate_types() {
            let view = TypeView {
                department: department.clone(),
                document: document.clone(),
                version: Some(document.version),
                waiting: None,
            };
            newest.insert((department.clone(), document.name.clone()), view);
        }
        for file in files {
            match newest.entry((self.department.clone(), file.name.clone())) {
                Entry::Occupied(mut known) if known.get().document != file => known.get_mut().waiting = Some(file),
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => {
                    let (department, waiting) = (self.department.clone(), Some(file.clone()));
                    place.insert(TypeView { department, document: file, version: None, waiting });
                }
            }
        }
        Ok(newest.into_values().collect())
    }

    /// One type in its newest version.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn certificate_type(&self, department: &DepartmentId, name: &Slug) -> Result<TypeView, ServiceError> {
        let of_type = |view: &TypeView| &view.department == department && &view.document.name == name;
        let found = self.certificate_types().await?.into_iter().find(of_type);
        found.ok_or_else(|| ServiceError::missing(format_args!("the type {department}/{name}")))
    }

    /// The JSON Schema of copies of a version of a type (VC JSON Schema, `JsonSchema`).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn certificate_schema(
        &self,
        department: &DepartmentId,
        name: &Slug,
        version: u32,
    ) -> Result<Value, ServiceError> {
        let state = self.chain.state();
        let found = state.certificate_type(department, name, version);
        let found = found.ok_or_else(|| ServiceError::missing(format_args!("the type {department}/{name}")))?;
        Ok(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": found.document.title.en,
            "type": "object",
            "properties": { "credentialSubject": {
                "type": "object",
                "properties": { "fields": found.document.fields },
                "required": ["holder", "fields"],
            } },
            "required": ["credentialSubject"],
        }))
    }

    /// Publishes what this department's file says of a type. A reviewer of the department may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal; [`ServiceError::NotFound`] when there is no such file.
    pub async fn publish_certificate_type(&self, who: &Principal, name: &Slug) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ApproveEntry, role, Relation::Own))?;
        let file = self.type_files().await?.into_iter().find(|file| &file.name == name);
        let document = file.ok_or_else(|| ServiceError::missing(format_args!("the file of the type {name}")))?;
        self.write(who, actor, Command::PublishCertificateType(TypePublication { document })).await
    }

    /// Read anew each time, so that a changed file needs no restart.
    async fn type_files(&self) -> Result<Vec<CertificateType>, ServiceError> {
        let folder = self.config.department_dir();
        let read = move || departments::load_certificate_types(&folder);
        blocking(move || read().map_err(|e| ServiceError::Internal(e.to_string()))).await
    }
}
