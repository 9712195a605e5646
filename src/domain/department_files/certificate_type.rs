//! `certificates/<name>.toml`: a type of certificates that the department issues.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::certificate_type::{CertificateType, Validity};
use crate::domain::identifiers::uscc;
use crate::domain::schema::{Fault, Schema};
use crate::ids::Slug;

use super::FileError;

/// Reads the type `name`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str, name: &Slug) -> Result<CertificateType, FileError> {
    let kind: CertificateType = super::read(file, "certificate", text)?;
    let mut faults = faults(&kind);
    if &kind.name != name {
        faults.push(Fault::new("/name", format!("is not the name of its file, `{name}`")));
    }
    FileError::unless_empty(file, faults)?;
    Ok(kind)
}

/// What does not fit in a type whose form is right: codes, the schema of its fields, and its face.
pub fn faults(kind: &CertificateType) -> Vec<Fault> {
    let mut faults = Vec::new();
    let authority = &kind.defining_authority.code;
    if !kind.type_code.starts_with(authority.as_str()) || uscc::validate(authority).is_err() {
        faults.push(Fault::new("/type_code", "does not begin with the valid code of the defining authority"));
    }
    if let Err(why) = Schema::compile(&kind.fields) {
        faults.push(Fault::new("/fields", why));
    }
    if has_fraction(&kind.fields) {
        faults.push(Fault::new("/fields", "has a number with a fraction: write it as a string"));
    }
    let fields = kind.fields.get("properties").and_then(Value::as_object);
    let known: BTreeSet<&str> = fields.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let mut placed = BTreeSet::new();
    for (at, section) in kind.sections.iter().enumerate() {
        for (place, field) in section.fields.iter().enumerate() {
            let pointer = format!("/section/{at}/fields/{place}");
            if !known.contains(field.as_str()) {
                faults.push(Fault::new(pointer, format!("`{field}` is not among the fields")));
            } else if !placed.insert(field.as_str()) {
                faults.push(Fault::new(pointer, format!("`{field}` is placed twice")));
            }
        }
    }
    for field in known.difference(&placed) {
        faults.push(Fault::new("/section", format!("has no place for `{field}`")));
    }
    if let Validity::Until { field } = &kind.validity {
        let schema = fields.and_then(|fields| fields.get(field.as_str()));
        let is_date = schema.and_then(|schema| schema.get("format")).and_then(Value::as_str) == Some("date");
        let required = kind.fields.get("required").and_then(Value::as_array);
        let is_there = required.is_some_and(|names| names.iter().any(|name| name == field.as_str()));
        if !is_date || !is_there {
            faults.push(Fault::new("/validity/field", "is not a required field of the format date"));
        }
    }
    faults
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../departments/planning-resources/certificates/real-estate-title.toml");

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let name: Slug = "real-estate-title".parse().unwrap();
        let kind = parse("c.toml", FILE, &name).unwrap();
        assert_eq!(kind.field_title("unit_number").map(|title| title.zh).as_deref(), Some("不动产单元号"));
        for (from, to, said) in [
            ("name = \"real-estate-title\"", "name = \"title\"", "/name: is not the name"),
            ("11110000Y90000043B001", "11110000Y90000043C001", "/type_code"),
            ("{ rule = \"none\" }", "{ rule = \"until\", field = \"use\" }", "/validity/field"),
            ("{ rule = \"none\" }", "{ rule = \"years\" }", "/validity"),
            ("maxLength = 200", "maxLength = 200.5", "/fields"),
            ("fields = [\"unit_number\", ", "fields = [\"unit_number\", \"colour\", ", "`colour` is not among"),
            ("fields = [\"unit_number\", ", "fields = [", "no place for `unit_number`"),
        ] {
            assert!(FILE.contains(from), "{from}");
            let error = parse("c.toml", &FILE.replace(from, to), &name).unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
