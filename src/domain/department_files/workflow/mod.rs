//! `workflows/<name>.toml`: a case that several departments handle together.

mod check;
mod form;
mod order;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::case::{SignOffStep, StepKind};
use crate::domain::case_rules::{Operand, Rule};
use crate::domain::schema::Fault;
use crate::domain::{Role, Text};
use crate::ids::{DepartmentId, EntryName, ItemName, Slug};

use super::FileError;

pub use form::{Choice, FormField, Kind};

/// A workflow: what the clerk fills in, what is fetched, what must hold, who signs off, what it ends in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowFile {
    /// Its name; the file bears the same.
    pub name: Slug,
    /// Its title.
    pub title: Text,
    /// What it does.
    pub summary: Text,
    /// Purpose code of every query.
    pub purpose: String,
    /// Cause of every query.
    pub cause: String,
    /// Working days for the whole case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u8>,
    /// JSON Schema 2020-12 of what the clerk fills in; its properties stand in the order of the page.
    pub form: Value,
    /// What the case fetches.
    #[serde(rename = "pull", default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<Pull>,
    /// What must hold of it.
    #[serde(rename = "rule", default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Who must agree.
    #[serde(rename = "sign_off")]
    pub sign_offs: Vec<Step>,
    /// The e-licence at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<WorkflowCertificate>,
    /// What the applicant is told at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

/// One query of the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Its name within the workflow.
    pub name: Slug,
    /// Its title.
    pub title: Text,
    /// The entry.
    pub entry: EntryName,
    /// Items asked for.
    pub items: Vec<ItemName>,
    /// Parameter of the entry, and the field of the form that it takes.
    pub params: BTreeMap<ItemName, ItemName>,
    /// With fewer rows the case cannot go on.
    #[serde(default)]
    pub rows_min: u32,
    /// Only when this field of the form is filled in, or true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ItemName>,
}

/// One department's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub step: Slug,
    /// Whose it is; else `department_from` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// The field of the form that names the department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_from: Option<Operand>,
    /// What is to be checked or done.
    pub title: Text,
    /// How it is done.
    #[serde(default, skip_serializing_if = "StepKind::is_sign_off")]
    pub kind: StepKind,
    /// Who may do it; a reviewer may do a clerk's step too.
    #[serde(default = "reviewer", skip_serializing_if = "is_reviewer")]
    pub role: Role,
    /// Steps that must be agreed before; with none it runs beside the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Slug>,
    /// Working days for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u8>,
}

/// The e-licence of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowCertificate {
    /// Its type, of `certificates/<type>.toml`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Slug>,
    /// Without a type: USCC of the authority that defines it, and three digits (GB/T 36903).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_code: Option<String>,
    /// Without a type: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<Text>,
    /// Where the holder's number stands.
    pub holder: Operand,
    /// Where the holder's name stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_name: Option<Operand>,
    /// Fields of the e-licence, and where each stands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<ItemName, Operand>,
    /// Without a type: years of validity, none for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_years: Option<u16>,
}

/// What the applicant is told at the end. `{form.x}` and `{certificate}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The text.
    pub text: Text,
}

impl Pull {
    /// Whether a filled-in form asks for it.
    pub fn is_wanted(&self, form: &Map<String, Value>) -> bool {
        self.when.as_ref().is_none_or(|field| match form.get(field.as_str()) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        })
    }

    /// The parameters of its query, from a filled-in form.
    pub fn params_of(&self, form: &Map<String, Value>) -> Map<String, Value> {
        let value = |(to, from): (&ItemName, &ItemName)| Some((to.to_string(), form.get(from.as_str())?.clone()));
        self.params.iter().filter_map(value).collect()
    }
}

impl Step {
    /// The department that a filled-in form gives it to; none when the form names none.
    pub fn department_in(&self, form: &Map<String, Value>) -> Option<DepartmentId> {
        match &self.department_from {
            Some(Operand::Form(field)) => form.get(field.as_str())?.as_str()?.parse().ok(),
            Some(_) => None,
            None => self.department.clone(),
        }
    }

    /// The step as it stands on the ledger.
    pub fn on_ledger(&self, department: DepartmentId) -> SignOffStep {
        SignOffStep {
            role: Some(self.role).filter(|role| *role != Role::Reviewer),
            kind: Some(self.kind).filter(|kind| !kind.is_sign_off()),
            after: Some(self.after.clone()).filter(|after| !after.is_empty()),
            days: self.days,
            ..SignOffStep::plain(self.step.clone(), department, self.title.clone())
        }
    }
}

impl WorkflowFile {
    /// The fields of its form, in the order of the page.
    pub fn fields(&self) -> Vec<FormField> {
        form::fields(&self.form)
    }

    /// The fields that can be corrected while a case is open: not those that name a step's department, which is given
    /// to another one instead.
    pub fn correctable_fields(&self) -> Vec<FormField> {
        let names_department = |field: &FormField| {
            let from = Operand::Form(field.name.clone());
            self.sign_offs.iter().any(|step| step.department_from.as_ref() == Some(&from))
        };
        self.fields().into_iter().filter(|field| !names_department(field)).collect()
    }

    /// A pull by its name.
    pub fn pull(&self, name: &Slug) -> Option<&Pull> {
        self.pulls.iter().find(|pull| &pull.name == name)
    }

    /// Checks what a clerk filled in, up to the faults of one schema check.
    pub fn check_form(&self, values: &Map<String, Value>) -> Vec<Fault> {
        match crate::domain::schema::Schema::compile(&self.form) {
            Ok(schema) => schema.check(&Value::Object(values.clone())),
            Err(why) => vec![Fault::new("", why)],
        }
    }

    /// Reads a workflow from its document, as it stands on the ledger or in a file.
    ///
    /// # Errors
    /// What is wrong, by place.
    pub fn from_document(document: Value) -> Result<Self, Vec<Fault>> {
        let schema = crate::domain::schema::department_file("workflow");
        let faults = schema.map_or_else(|| vec![Fault::new("", "no schema")], |schema| schema.check(&document));
        if !faults.is_empty() {
            return Err(faults);
        }
        let workflow: Self = serde_json::from_value(document).map_err(|e| vec![Fault::new("", e.to_string())])?;
        let faults = check::faults(&workflow);
        if faults.is_empty() { Ok(workflow) } else { Err(faults) }
    }

    /// The document that is published: the same text whoever writes it.
    ///
    /// # Errors
    /// None is expected.
    pub fn document(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

fn reviewer() -> Role {
    Role::Reviewer
}

fn is_reviewer(role: &Role) -> bool {
    *role == Role::Reviewer
}

/// Reads the workflow `name`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str, name: &Slug) -> Result<WorkflowFile, FileError> {
    let mut document = super::document(file, text)?;
    order::as_written(text, &mut document);
    let failed = |faults| FileError { file: file.to_owned(), faults };
    let workflow = WorkflowFile::from_document(document).map_err(failed)?;
    if &workflow.name != name {
        return Err(FileError::new(file, "/name", format!("is not the name of its file, `{name}`")));
    }
    Ok(workflow)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
