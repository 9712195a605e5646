//! The form of a case: fields of a workflow's schema as a page shows them, and back.

use serde_json::{Map, Value};

use crate::domain::department_files::workflow::{FormField, Kind};
use crate::domain::schema;

use super::desk::Desk;
use super::form::Fields;
use super::views::cases::CaseField;
use super::views::{Choice, Faults};

/// Longer texts get more than a line.
const LINE_CHARS: u64 = 120;

fn id(field: &FormField) -> String {
    format!("param-{}", field.name)
}

/// A field with what was sent for it.
pub fn shown(desk: &Desk, field: &FormField, sent: &Fields) -> CaseField {
    let value = sent.get(&id(field)).to_owned();
    let choice = |key: &str, label: String| Choice { value: key.to_owned(), label, chosen: key == value };
    let is_department = field.format.as_deref() == Some("department");
    let options: Vec<Choice> = match field.kind {
        Kind::Boolean => [true, false].map(|yes| choice(if yes { "yes" } else { "no" }, desk.t.yes(&yes))).into(),
        _ if is_department => {
            let state = desk.node.chain.state();
            state.departments().map(|known| choice(known.id.as_str(), desk.t.pick(&known.name).to_owned())).collect()
        }
        _ => field.choices.iter().map(|one| choice(&one.value, desk.t.pick(&one.title).to_owned())).collect(),
    };
    let kind = match (field.kind, field.format.as_deref()) {
        _ if !options.is_empty() => "select",
        (Kind::Integer, _) => "number",
        (_, Some("date")) => "date",
        _ if field.chars_max.is_some_and(|chars| chars > LINE_CHARS) => "area",
        _ => "text",
    };
    let hint = match (&field.hint, &field.format) {
        (Some(hint), _) => desk.t.pick(hint).to_owned(),
        (None, Some(format)) => desk.t.word_or("fill", format, ""),
        (None, None) => String::new(),
    };
    CaseField {
        name: field.name.to_string(),
        label: desk.t.pick(&field.title).to_owned(),
        hint,
        value,
        required: field.required,
        if_agreed: false,
        kind,
        options,
    }
}

/// What was sent, by the fields' types; empty ones are left out.
pub fn values(fields: &[FormField], sent: &Fields) -> Map<String, Value> {
    let value = |field: &FormField| Some((field.name.to_string(), field.value_of(sent.get(&id(field)))?));
    fields.iter().filter_map(value).collect()
}

/// What a form says, as if it were sent.
pub fn as_sent(fields: &[FormField], form: &Map<String, Value>) -> Fields {
    let pair = |field: &FormField| {
        let text = match form.get(field.name.as_str())? {
            Value::String(text) => text.clone(),
            Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            other => other.to_string(),
        };
        Some((id(field), text))
    };
    Fields::of(fields.iter().filter_map(pair).collect())
}

/// Names the fields that must be filled in and are not.
pub fn missing(desk: &Desk, fields: &[FormField], sent: &Fields, faults: &mut Faults) {
    for field in fields.iter().filter(|field| field.required && sent.get(&id(field)).is_empty()) {
        faults.add_named(desk.t, &id(field), desk.t.pick(&field.title), "required");
    }
}

/// Names the fields that do not fit.
pub fn wrong(desk: &Desk, fields: &[FormField], found: &[schema::Fault], faults: &mut Faults) {
    for fault in found {
        let name = fault.pointer.strip_prefix("/params/").unwrap_or_default();
        let label =
            fields.iter().find(|field| field.name.as_str() == name).map_or(name, |field| desk.t.pick(&field.title));
        faults.add_named(desk.t, &format!("param-{name}"), label, "bad_value");
    }
}
