//! Files of a department's folder, from text to checked structs. Reads no disk.

pub mod calendar;
pub mod certificate_type;
pub mod city;
pub mod code_lists;
pub mod department;
pub mod entry;
pub mod grants;
pub mod templates;
pub mod workflow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::{Fault, department_file};

/// A file that cannot be used, with the keys at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct FileError {
    /// The file's name, as the reader knows it.
    pub file: String,
    /// What is wrong in it, by JSON Pointer of the key.
    pub faults: Vec<Fault>,
}

impl FileError {
    /// An error about the file as a whole or one key of it.
    pub fn new(file: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), faults: vec![Fault::new(pointer, message)] }
    }

    fn unless_empty(file: &str, faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self { file: file.to_owned(), faults }) }
    }
}

/// TOML as a JSON document.
fn document(file: &str, text: &str) -> Result<Value, FileError> {
    // The parser's message names line and column.
    toml::from_str(text).map_err(|e: toml::de::Error| FileError::new(file, "", e.to_string().trim_end()))
}

/// Checks a document against the schema of its kind of file.
fn check(file: &str, kind: &str, document: &Value) -> Result<(), FileError> {
    let schema = department_file(kind).ok_or_else(|| FileError::new(file, "", format!("no schema `{kind}`")))?;
    FileError::unless_empty(file, schema.check(document))
}

fn typed<T: DeserializeOwned>(file: &str, document: Value) -> Result<T, FileError> {
    serde_json::from_value(document).map_err(|e| FileError::new(file, "", e.to_string()))
}

fn read<T: DeserializeOwned>(file: &str, kind: &str, text: &str) -> Result<T, FileError> {
    let document = document(file, text)?;
    check(file, kind, &document)?;
    typed(file, document)
}

/// Checks a file's text against the schema of its kind alone; for kinds whose structs live on a higher floor.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn check_text(file: &str, kind: &str, text: &str) -> Result<(), FileError> {
    check(file, kind, &document(file, text)?)
}
