//! `templates.toml`: common matters, each with the grants that it takes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::Text;
use crate::domain::grant::GrantMode;
use crate::ids::{EntryName, ItemName, Slug};

use super::FileError;

/// A common matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTemplate {
    /// Its name in addresses.
    pub code: Slug,
    /// Its name for people.
    pub title: Text,
    /// Purpose code.
    pub purpose: String,
    /// The purpose in words.
    #[serde(default)]
    pub purpose_text: Option<String>,
    /// The law.
    pub legal_basis: String,
    /// Its clause.
    #[serde(default)]
    pub legal_clause: Option<String>,
    /// 事项.
    pub matter: String,
    /// Days from the request.
    pub valid_days: u32,
    /// What it takes of each entry.
    #[serde(rename = "grant")]
    pub grants: Vec<TemplateGrant>,
}

/// What a matter takes of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateGrant {
    /// The entry, in whatever version is current.
    pub entry: EntryName,
    /// Items.
    pub items: Vec<ItemName>,
    /// Fields, or yes/no only.
    #[serde(default)]
    pub mode: GrantMode,
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplatesFile {
    template: Vec<GrantTemplate>,
}

/// Reads `templates.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str) -> Result<Vec<GrantTemplate>, FileError> {
    let templates = super::read::<TemplatesFile>(file, "templates", text)?.template;
    let mut codes = BTreeSet::new();
    for (at, template) in templates.iter().enumerate() {
        if !codes.insert(&template.code) {
            return Err(FileError::new(file, format!("/template/{at}/code"), "is named twice"));
        }
        let mut entries = BTreeSet::new();
        if let Some(again) = template.grants.iter().position(|grant| !entries.insert(&grant.entry)) {
            return Err(FileError::new(file, format!("/template/{at}/grant/{again}/entry"), "is named twice"));
        }
    }
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_an_entry_stand_once() {
        let text = include_str!("../../../departments/templates.toml");
        assert!(parse("t", text).unwrap().iter().all(|template| template.grants.len() > 1));
        for (from, to) in [
            ("code = \"enterprise-licensing\"", "code = \"social-assistance\""),
            ("civil-affairs/marriage-registration", "public-security/household-registration"),
        ] {
            let wrong = parse("t", &text.replace(from, to)).unwrap_err().to_string();
            assert!(wrong.contains("named twice"), "{wrong}");
        }
    }
}
