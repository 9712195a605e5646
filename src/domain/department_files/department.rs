//! `department.toml`: who the department is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::schema::Fault;
use crate::domain::{Role, Text};
use crate::ids::DepartmentId;

use super::FileError;

/// A department as its folder describes it; its keys are made by its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentFile {
    /// Its short name; the folder bears the same.
    pub id: DepartmentId,
    /// Its names for people.
    pub name: Text,
    /// Unified social credit code (GB 32100).
    pub uscc: String,
    /// Its part in the city.
    #[serde(default)]
    pub part: Part,
    /// Number of its node, from 1; the lowest numbers vote in consensus.
    pub order: u64,
    /// 职责: what law charges it with.
    pub duties: Vec<Text>,
    /// Accounts that the demo makes at the first start.
    pub accounts: Vec<Account>,
}

/// A department's part in the city.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Admits departments and sets the rules.
    Authority,
    /// Opens the subjects of accesses.
    Auditor,
    /// Provides and uses data.
    #[default]
    Member,
}

/// An account of the portal. Its password is not written anywhere in these files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name to sign in with.
    pub user: String,
    /// What the account is, for people.
    pub title: Text,
    /// What it may do.
    pub roles: Vec<Role>,
}

/// Reads `department.toml` of the folder `id`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str, id: &DepartmentId) -> Result<DepartmentFile, FileError> {
    let department: DepartmentFile = super::read(file, "department", text)?;
    let mut faults = Vec::new();
    if &department.id != id {
        faults.push(Fault::new("/id", format!("is not the name of its folder, `{id}`")));
    }
    let mut users = BTreeSet::new();
    for (at, account) in department.accounts.iter().enumerate() {
        if !users.insert(&account.user) {
            faults.push(Fault::new(format!("/accounts/{at}/user"), format!("`{}` is named twice", account.user)));
        }
        if account.roles.contains(&Role::Auditor) && department.part != Part::Auditor {
            let why = "only the department with part = \"auditor\" has auditors";
            faults.push(Fault::new(format!("/accounts/{at}/roles"), why));
        }
    }
    FileError::unless_empty(file, faults)?;
    Ok(department)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        id = "water"
        name = { zh = "市水务局", en = "Water Authority" }
        uscc = "11110000000021135M"
        order = 11
        duties = [{ zh = "城市供水", en = "Water supply" }]
        [[accounts]]
        user = "clerk1"
        title = { zh = "经办员", en = "Clerk" }
        roles = ["clerk"]
    "#;

    #[test]
    fn a_wrong_key_is_named_with_its_file() {
        let id: DepartmentId = "water".parse().unwrap();
        let parse = |from: &str, to: &str| parse("water/department.toml", &FILE.replace(from, to), &id);
        assert_eq!(parse("", "").map(|d| d.part), Ok(Part::Member));
        for (from, to, said) in [
            ("order", "oder", "'oder' was unexpected"),
            ("\"clerk\"]", "\"boss\"]", "/accounts/0/roles/0"),
            ("\"clerk\"]", "\"auditor\"]", "/accounts/0/roles: only"),
            ("\"water\"", "\"wine\"", "/id: is not the name of its folder"),
            ("21135M", "21135", "/uscc"),
            ("order = 11", "order = ", "line 5"),
        ] {
            let error = parse(from, to).unwrap_err().to_string();
            assert!(error.starts_with("water/department.toml: ") && error.contains(said), "{error}");
        }
    }
}
