//! The order in which a file writes the fields of its form: a reader of TOML sorts them by name.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

/// Puts the properties of the form into the order of the text.
pub(super) fn as_written(text: &str, document: &mut Value) {
    let Ok(parsed) = DeTable::parse(text) else { return };
    let Some(DeValue::Table(form)) = parsed.get_ref().get("form").map(|value| value.get_ref()) else { return };
    let Some(DeValue::Table(properties)) = form.get("properties").map(|value| value.get_ref()) else { return };
    let mut names: Vec<(usize, &str)> =
        properties.iter().map(|(name, _)| (name.span().start, name.get_ref().as_ref())).collect();
    names.sort_unstable();
    let Some(Value::Object(fields)) = document.pointer_mut("/form/properties") else { return };
    for (_, name) in names {
        // Taken out and put in again, each comes after the one before.
        if let Some(field) = fields.shift_remove(name) {
            fields.insert(name.to_owned(), field);
        }
    }
}
