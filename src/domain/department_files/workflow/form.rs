//! The form of a workflow as a page shows it: its fields in order, each with its type, label and choices.

use serde_json::{Map, Value};

use crate::domain::Text;
use crate::ids::ItemName;

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub name: ItemName,
    /// Its label.
    pub title: Text,
    /// What to fill in.
    pub hint: Option<Text>,
    /// Its type.
    pub kind: Kind,
    /// Its format, one of [`crate::domain::formats::FORMATS`] or of JSON Schema's.
    pub format: Option<String>,
    /// The values to choose from; none when it is free.
    pub choices: Vec<Choice>,
    /// Longest text, in characters.
    pub chars_max: Option<u64>,
    /// Whether it must be filled in.
    pub required: bool,
}

/// One value of a field, and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// Its name.
    pub title: Text,
}

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Yes or no.
    Boolean,
}

impl Kind {
    /// The word in JSON Schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
        }
    }
}

impl FormField {
    /// What a person wrote as a value of the field's type. What is none stays text, so that the schema says why.
    pub fn value_of(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(match self.kind {
            Kind::Integer => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            Kind::Boolean if matches!(text, "true" | "yes") => Value::Bool(true),
            Kind::Boolean if matches!(text, "false" | "no") => Value::Bool(false),
            Kind::String | Kind::Boolean => Value::from(text),
        })
    }
}

pub(super) fn text(value: Option<&Value>) -> Option<Text> {
    value.and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// The fields of a form's schema, in its order.
pub(super) fn fields(form: &Value) -> Vec<FormField> {
    let required: Vec<&str> =
        form.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = form.get("properties").and_then(Value::as_object);
    let field = |(name, schema): (&String, &Value)| field(name, schema.as_object()?, &required);
    properties.into_iter().flatten().filter_map(field).collect()
}

fn field(name: &str, schema: &Map<String, Value>, required: &[&str]) -> Option<FormField> {
    let labels = schema.get("x-labels");
    let choice = |value: &Value| {
        let value = value.as_str()?.to_owned();
        let title = text(labels.and_then(|labels| labels.get(&value)));
        let title = title.unwrap_or_else(|| Text { zh: value.clone(), en: value.clone() });
        Some(Choice { value, title })
    };
    Some(FormField {
        name: name.parse().ok()?,
        title: text(schema.get("x-title")).unwrap_or_default(),
        hint: text(schema.get("x-hint")),
        kind: match schema.get("type").and_then(Value::as_str) {
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Boolean,
            _ => Kind::String,
        },
        format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
        choices: schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(choice).collect(),
        chars_max: schema.get("maxLength").and_then(Value::as_u64),
        required: required.contains(&name),
    })
}
