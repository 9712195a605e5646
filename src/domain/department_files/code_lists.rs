//! `code-lists.toml`: the formats and code tables that entries of the catalog may name, as the city's operator keeps them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::Text;
use crate::domain::catalog::Entry;
use crate::domain::schema::{Fault, FaultCode};

use super::FileError;

/// The lists of a city.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeLists {
    /// 信息资源格式: categories with their types.
    #[serde(default)]
    pub format: Vec<FormatList>,
    /// 代码表.
    #[serde(default)]
    pub table: Vec<CodeTable>,
}

/// A category of formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatList {
    /// Such as `database`.
    pub category: String,
    /// Its name.
    pub name: Text,
    /// Such as `sqlite`.
    pub types: Vec<String>,
}

/// A table of codes, such as that of a national standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeTable {
    /// What items call it, such as `GB/T 2261.1`.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// Its codes; none where the table is kept elsewhere.
    #[serde(default)]
    pub codes: Vec<Code>,
}

/// A code and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code.
    pub code: String,
    /// What it means.
    pub name: Text,
}

impl CodeLists {
    /// What an entry names that is in no list. A kind of list that is empty allows everything.
    pub fn check(&self, entry: &Entry) -> Vec<Fault> {
        let mut faults = Vec::new();
        let unknown = |pointer: String, why: &str| Fault::of(FaultCode::NotOffered, pointer, why);
        if !self.format.is_empty() {
            let category = self.format.iter().find(|list| list.category == entry.format.category);
            match category {
                None => faults.push(unknown("/format/category".to_owned(), "is not among the city's formats")),
                Some(list) if !list.types.contains(&entry.format.kind) => {
                    faults.push(unknown("/format/type".to_owned(), "is not among the types of its category"));
                }
                Some(_) => {}
            }
        }
        let known: BTreeSet<&str> = self.table.iter().map(|table| table.name.as_str()).collect();
        for (at, item) in entry.items.iter().enumerate().filter(|_| !known.is_empty()) {
            if item.code_table.as_deref().is_some_and(|name| !known.contains(name)) {
                faults.push(unknown(format!("/items/{at}/code_table"), "is not among the city's code tables"));
            }
        }
        faults
    }
}

/// Reads `code-lists.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str) -> Result<CodeLists, FileError> {
    let lists: CodeLists = super::read(file, "code-lists", text)?;
    let mut names = BTreeSet::new();
    for (at, table) in lists.table.iter().enumerate() {
        let mut codes = BTreeSet::new();
        if !names.insert(&table.name) {
            return Err(FileError::new(file, format!("/table/{at}/name"), "is named twice"));
        }
        if let Some(twice) = table.codes.iter().position(|code| !codes.insert(&code.code)) {
            return Err(FileError::new(file, format!("/table/{at}/codes/{twice}/code"), "is there twice"));
        }
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compatibility::tests::entry;
    use serde_json::json;

    #[test]
    fn the_citys_own_lists_are_whole_and_checked_against() {
        let text = include_str!("../../../departments/code-lists.toml");
        let lists = parse("c", text).unwrap();
        assert!(lists.table.iter().any(|table| table.name == "GB/T 2260" && !table.codes.is_empty()));
        let faults = |change: &dyn Fn(&mut serde_json::Value)| -> Vec<String> {
            lists.check(&entry(change)).into_iter().map(|fault| fault.pointer).collect()
        };
        let plain = |e: &mut serde_json::Value| e["items"][1]["code_table"] = json!("GB/T 2261.1");
        assert_eq!(faults(&plain), Vec::<String>::new());
        assert_eq!(faults(&|_| ()), ["/items/1/code_table"]);
        assert_eq!(faults(&|e| (plain(e), e["format"]["type"] = json!("papyrus")).1), ["/format/type"]);
        assert_eq!(faults(&|e| (plain(e), e["format"]["category"] = json!("stone")).1), ["/format/category"]);
        assert_eq!(CodeLists::default().check(&entry(|_| ())), [], "no lists allow everything");
        let twice = text.replace("name = \"GB/T 2261.1\"", "name = \"GB/T 2260\"");
        assert!(parse("c", &twice).unwrap_err().to_string().contains("named twice"));
    }
}
