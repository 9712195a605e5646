//! `workflows/<name>.toml`: a case that several departments handle together.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::Text;
use crate::domain::case::SignOffStep;
use crate::domain::schema::Fault;
use crate::ids::{EntryName, ItemName, Slug};

use super::FileError;

/// A workflow: what the clerk fills in, what is fetched, who signs off, what it ends in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What the clerk fills in.
    #[serde(rename = "param")]
    pub params: Vec<WorkflowParam>,
    /// What the case fetches.
    #[serde(rename = "pull")]
    pub pulls: Vec<Pull>,
    /// Who must agree, in any order.
    #[serde(rename = "sign_off")]
    pub sign_offs: Vec<SignOffStep>,
    /// The e-licence at the end.
    pub certificate: WorkflowCertificate,
}

/// A field of the case's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowParam {
    /// Its name.
    pub name: ItemName,
    /// Its label.
    pub title: Text,
    /// Its format, one of [`crate::domain::formats::FORMATS`].
    pub format: String,
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
    /// Parameter of the entry, and the parameter of the case that it takes.
    pub params: BTreeMap<ItemName, ItemName>,
    /// With fewer rows the case cannot go on.
    #[serde(default)]
    pub rows_min: u32,
}

/// The e-licence of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowCertificate {
    /// USCC of the authority that defines the type, and three digits (GB/T 36903).
    pub type_code: String,
    /// Name of the type.
    pub type_name: Text,
    /// The parameter that names the holder.
    pub holder: ItemName,
    /// Years of validity, none for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_years: Option<u16>,
}

/// Reads the workflow `name`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str, name: &Slug) -> Result<WorkflowFile, FileError> {
    let workflow: WorkflowFile = super::read(file, "workflow", text)?;
    let mut faults = Vec::new();
    if &workflow.name != name {
        faults.push(Fault::new("/name", format!("is not the name of its file, `{name}`")));
    }
    let params: BTreeSet<&ItemName> = workflow.params.iter().map(|param| &param.name).collect();
    let mut pulls = BTreeSet::new();
    for (at, pull) in workflow.pulls.iter().enumerate() {
        if !pulls.insert(&pull.name) {
            faults.push(Fault::new(format!("/pull/{at}/name"), "is named twice"));
        }
        for (of_entry, of_case) in pull.params.iter().filter(|(_, of_case)| !params.contains(of_case)) {
            let why = format!("`{of_case}` is not a param of the workflow");
            faults.push(Fault::new(format!("/pull/{at}/params/{of_entry}"), why));
        }
    }
    let mut steps = BTreeSet::new();
    for (at, step) in workflow.sign_offs.iter().enumerate() {
        if !steps.insert(&step.step) {
            faults.push(Fault::new(format!("/sign_off/{at}/step"), "is named twice"));
        }
    }
    if !params.contains(&workflow.certificate.holder) {
        faults.push(Fault::new("/certificate/holder", "is not a param of the workflow"));
    }
    FileError::unless_empty(file, faults)?;
    Ok(workflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../departments/planning-resources/workflows/real-estate-transfer.toml");

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let name: Slug = "real-estate-transfer".parse().unwrap();
        assert_eq!(parse("w.toml", FILE, &name).map(|w| w.sign_offs.len()), Ok(2));
        for (from, to, said) in [
            ("= \"seller_id_number\" }", "= \"tenant\" }", "/pull/0/params/id_number: `tenant`"),
            ("holder = \"buyer_id_number\"", "holder = \"heir\"", "/certificate/holder"),
            ("\"tax-review\"", "\"contract-review\"", "/sign_off/1/step"),
            ("name = \"real-estate-transfer\"", "name = \"transfer\"", "/name: is not the name"),
        ] {
            let error = parse("w.toml", &FILE.replace(from, to), &name).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
