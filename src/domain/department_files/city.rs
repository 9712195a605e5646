//! Files beside the departments' folders: purposes, and the examples that README and tests ask about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Text;
use crate::ids::{DepartmentId, Slug};

use super::FileError;

/// A purpose that grants and queries may state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposesFile {
    purpose: Vec<Purpose>,
}

/// The family, enterprise and bay of the worked example: invented, and the same in every department's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Seed of the sample data.
    pub seed: u64,
    /// Owns the unit and sells it.
    pub seller_id_number: String,
    /// Married to the seller, owns the unit with them.
    pub spouse_id_number: String,
    /// Buys the unit and has paid deed tax.
    pub buyer_id_number: String,
    /// The unit.
    pub unit_number: String,
    /// The filed contract.
    pub contract_number: String,
    /// A roadside bay.
    pub bay_id: String,
    /// An enterprise whose legal representative is the seller.
    pub uscc: String,
    /// What a clerk fills in for a case of each workflow.
    #[serde(rename = "case", default)]
    pub cases: Vec<ExampleCase>,
    /// Licences that the demo issues at its first start, so that there is something to look up.
    #[serde(rename = "licence", default)]
    pub licences: Vec<ExampleLicence>,
}

/// A licence that is issued by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleLicence {
    /// Whose type it is.
    pub department: DepartmentId,
    /// The type.
    #[serde(rename = "type")]
    pub kind: Slug,
    /// The holder's number.
    pub holder_code: String,
    /// The holder's name.
    pub holder_name: String,
    /// The fields of the type.
    pub fields: BTreeMap<String, Value>,
}

/// A form of a workflow, filled in: one that runs to its end, or one that a rule refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleCase {
    /// Whose workflow it is.
    pub department: DepartmentId,
    /// The workflow.
    pub workflow: Slug,
    /// The rule that does not hold, when one does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Slug>,
    /// The form's fields.
    pub form: BTreeMap<String, Value>,
}

/// Reads `purposes.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse_purposes(file: &str, text: &str) -> Result<Vec<Purpose>, FileError> {
    let purposes = super::read::<PurposesFile>(file, "purposes", text)?.purpose;
    let mut seen = std::collections::BTreeSet::new();
    match purposes.iter().position(|purpose| !seen.insert(&purpose.code)) {
        Some(at) => Err(FileError::new(file, format!("/purpose/{at}/code"), "is named twice")),
        None => Ok(purposes),
    }
}

/// Reads `examples.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse_examples(file: &str, text: &str) -> Result<Examples, FileError> {
    super::read(file, "examples", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_has_one_meaning() {
        let text = include_str!("../../../departments/purposes.toml");
        assert!(parse_purposes("p", text).unwrap().iter().any(|purpose| purpose.code == "real-estate-transfer"));
        let twice = text.replace("\"audit\"", "\"statistics\"");
        assert!(parse_purposes("p", &twice).unwrap_err().to_string().contains("named twice"));
    }
}
