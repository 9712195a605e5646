//! A draft's form and the catalog entry that it describes, each made from the other.

use serde_json::{Map, Value, json};

use crate::domain::catalog::Entry;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::DepartmentId;

use super::codes;
use super::entry_body::parameters;
use super::told::told;
use super::views::drafts::{DraftFields, ItemFields, ParameterFields};
use super::words::Words;

const SCHEMA: &str = "https://json-schema.org/draft/2020-12/schema";
const TEXT_LENGTH: u64 = 200;

/// The entry that a form describes, as JSON. What its earlier version said more precisely about a parameter or an item
/// of the same kind stays.
pub fn document(fields: &DraftFields, provider: &DepartmentId, provider_code: &str, before: Option<&Entry>) -> Value {
    let items: Vec<&ItemFields> = fields.items.iter().filter(|item| !item.name.is_empty()).collect();
    let mut entry = json!({
        "name": format!("{provider}/{}", fields.name),
        "version": fields.version,
        "level": fields.level,
        "code": fields.code,
        "title": text(&fields.title_zh, &fields.title_en),
        "summary": text(&fields.summary_zh, &fields.summary_en),
        "classification": {
            "class": text(&fields.class_zh, &fields.class_en),
            "category": text(&fields.category_zh, &fields.category_en),
            "topic": text(&fields.topic_zh, &fields.topic_en),
            "detail": text(&fields.detail_zh, &fields.detail_en),
        },
        "provider_code": provider_code,
        "duty": text(&fields.duty_zh, &fields.duty_en),
        "format": { "category": fields.format_category, "type": fields.format_type },
        "sharing": fields.sharing,
        "open": fields.open == "yes",
        "update_cycle": fields.update_cycle,
        "issue_date": fields.issue_date,
        "related_codes": fields.related_codes.split_whitespace().collect::<Vec<_>>(),
        "items": items.iter().map(|item| item_document(item)).collect::<Vec<_>>(),
        "request_schema": request_schema(&fields.parameters, before.map(|entry| &entry.request_schema)),
        "response_schema": response_schema(&items, before.map(|entry| &entry.response_schema)),
    });
    if let Some(entry) = entry.as_object_mut() {
        if !fields.condition_zh.is_empty() {
            entry.insert("sharing_condition".into(), text(&fields.condition_zh, &fields.condition_en));
        }
        if !fields.parent.is_empty() {
            entry.insert("parent".into(), fields.parent.as_str().into());
        }
        if !fields.means.is_empty() {
            entry.insert("sharing_means".into(), fields.means.as_str().into());
        }
        if !fields.open_condition_zh.is_empty() {
            entry.insert("open_condition".into(), text(&fields.open_condition_zh, &fields.open_condition_en));
        }
        if !fields.subject.is_empty() {
            entry.insert("subject".into(), fields.subject.as_str().into());
        }
    }
    entry
}

fn text(zh: &str, en: &str) -> Value {
    json!({ "zh": zh, "en": en })
}

/// A whole number, or what no schema takes for one.
fn number(text: &str) -> Value {
    text.parse::<u32>().map_or(Value::Null, Value::from)
}

fn item_document(item: &ItemFields) -> Value {
    let mut document = json!({
        "name": item.name,
        "title": text(&item.title_zh, &item.title_en),
        "type": item.kind,
        "length": number(&item.length),
        "sensitive": item.sensitive == "yes",
        "grade": number(&item.grade),
        "masking": item.masking,
    });
    if let Some(document) = document.as_object_mut() {
        for (member, value) in [("code_table", &item.code_table), ("range", &item.range), ("sharing", &item.sharing)] {
            if !value.is_empty() {
                document.insert(member.into(), value.as_str().into());
            }
        }
        if !item.condition_zh.is_empty() {
            document.insert("sharing_condition".into(), text(&item.condition_zh, &item.condition_en));
        }
    }
    document
}

fn schema(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({ "$schema": SCHEMA, "type": "object", "properties": properties });
    if let Some(schema) = schema.as_object_mut() {
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
        schema.insert("additionalProperties".into(), false.into());
    }
    schema
}

fn request_schema(rows: &[ParameterFields], before: Option<&Value>) -> Value {
    let rows: Vec<&ParameterFields> = rows.iter().filter(|row| !row.name.is_empty()).collect();
    let property = |row: &&ParameterFields| {
        let mut property = parameter_property(&row.format);
        keep_precision(&mut property, before, &row.name);
        titled(&mut property, &row.title);
        (row.name.clone(), property)
    };
    let required: Vec<&str> = rows.iter().filter(|row| row.required != "no").map(|row| row.name.as_str()).collect();
    schema(rows.iter().map(property).collect(), &required)
}

fn parameter_property(format: &str) -> Value {
    match format {
        "id_number" | "uscc" => json!({ "type": "string", "format": format, "minLength": 18, "maxLength": 18 }),
        "unit_number" => json!({ "type": "string", "format": format, "minLength": 28, "maxLength": 28 }),
        "bay_id" => json!({ "type": "string", "format": format, "maxLength": 15 }),
        "date" => json!({ "type": "string", "format": "date", "maxLength": 10 }),
        _ => json!({ "type": "string", "minLength": 1, "maxLength": TEXT_LENGTH }),
    }
}

/// Nothing is required of a row: it carries the granted items only.
fn response_schema(items: &[&ItemFields], before: Option<&Value>) -> Value {
    let property = |item: &&ItemFields| {
        let mut property = item_property(item);
        keep_precision(&mut property, before, &item.name);
        titled(&mut property, &item.title_zh);
        (item.name.clone(), property)
    };
    schema(items.iter().map(property).collect(), &[])
}

fn item_property(item: &ItemFields) -> Value {
    match item.kind.as_str() {
        "date" => json!({ "type": "string", "format": "date", "maxLength": 10 }),
        "string" => json!({ "type": "string", "maxLength": number(&item.length) }),
        kind => json!({ "type": kind }),
    }
}

/// Takes an earlier property where type and format are the same; its length follows the form.
fn keep_precision(property: &mut Value, before: Option<&Value>, name: &str) {
    let earlier = before.and_then(|schema| schema.get("properties")).and_then(|properties| properties.get(name));
    let Some(earlier) = earlier else { return };
    let dated = |value: &Value| value.get("format").is_some_and(|format| format == "date");
    let format_fits = match property.get("format") {
        Some(format) => earlier.get("format") == Some(format),
        None => dated(property) == dated(earlier),
    };
    if earlier.get("type") == property.get("type") && format_fits {
        let length = property.get("maxLength").cloned();
        *property = earlier.clone();
        if let (Some(object), Some(length)) = (property.as_object_mut(), length)
            && object.get("maxLength").is_some_and(|had| had != &length)
        {
            object.insert("maxLength".into(), length);
        }
    }
}

fn titled(property: &mut Value, title: &str) {
    if let Some(object) = property.as_object_mut().filter(|_| !title.is_empty()) {
        object.insert("title".into(), title.into());
    }
}

/// The form of an entry.
pub fn fields(entry: &Entry) -> DraftFields {
    let class = &entry.classification;
    let condition = entry.sharing_condition.clone().unwrap_or_default();
    let open_condition = entry.open_condition.clone().unwrap_or_default();
    DraftFields {
        name: entry.name.name.to_string(),
        version: entry.version.to_string(),
        level: codes::word(&entry.level),
        parent: entry.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        code: entry.code.clone(),
        title_zh: entry.title.zh.clone(),
        title_en: entry.title.en.clone(),
        summary_zh: entry.summary.zh.clone(),
        summary_en: entry.summary.en.clone(),
        class_zh: class.class.zh.clone(),
        class_en: class.class.en.clone(),
        category_zh: class.category.zh.clone(),
        category_en: class.category.en.clone(),
        topic_zh: class.topic.zh.clone(),
        topic_en: class.topic.en.clone(),
        detail_zh: class.detail.zh.clone(),
        detail_en: class.detail.en.clone(),
        duty_zh: entry.duty.zh.clone(),
        duty_en: entry.duty.en.clone(),
        format_category: entry.format.category.clone(),
        format_type: entry.format.kind.clone(),
        sharing: entry.sharing.as_str().to_owned(),
        condition_zh: condition.zh,
        condition_en: condition.en,
        means: entry.sharing_means.as_ref().map(codes::word).unwrap_or_default(),
        open: yes(entry.open),
        open_condition_zh: open_condition.zh,
        open_condition_en: open_condition.en,
        update_cycle: codes::word(&entry.update_cycle),
        issue_date: entry.issue_date.clone(),
        related_codes: entry.related_codes.join("\n"),
        subject: entry.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        parameters: parameter_fields(&entry.request_schema),
        items: entry.items.iter().map(item_fields).collect(),
    }
    .with_more_rows()
}

fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn parameter_fields(schema: &Value) -> Vec<ParameterFields> {
    let known = ["id_number", "uscc", "unit_number", "bay_id", "date"];
    let row = |row: super::views::catalog::ParameterRow| ParameterFields {
        name: row.name,
        format: if known.contains(&row.kind.as_str()) { row.kind } else { "text".to_owned() },
        required: yes(row.required),
        title: row.description,
    };
    parameters(schema).into_iter().map(row).collect()
}

fn item_fields(item: &crate::domain::catalog::Item) -> ItemFields {
    let condition = item.sharing_condition.clone().unwrap_or_default();
    ItemFields {
        name: item.name.to_string(),
        title_zh: item.title.zh.clone(),
        title_en: item.title.en.clone(),
        kind: codes::word(&item.kind),
        length: item.length.to_string(),
        sensitive: yes(item.sensitive),
        grade: item.grade.to_string(),
        masking: codes::word(&item.masking),
        masking_first: String::new(),
        masking_last: String::new(),
        masking_sign: String::new(),
        code_table: item.code_table.clone().unwrap_or_default(),
        range: item.range.clone().unwrap_or_default(),
        sharing: item.sharing.map(|sharing| sharing.as_str().to_owned()).unwrap_or_default(),
        condition_zh: condition.zh,
        condition_en: condition.en,
    }
}

/// The field of the form that a fault of the document concerns, what the form calls it, and what to tell there.
pub fn told_at(t: Words, fault: &Fault, fields: &DraftFields) -> (String, String, String) {
    let (field, label, form) = place(&fault.place(), fields);
    let said = match fault.code {
        // How it is written, in words instead of a regular expression.
        FaultCode::Pattern | FaultCode::Format | FaultCode::Type | FaultCode::AnyOf if !form.is_empty() => {
            t.word("fault", form)
        }
        _ => told(t, fault, |option| word_of(t, &field, option)),
    };
    (field, t.say(&label), said)
}

/// Which field of the form a place of the document is: its id, the key of its label, and how it is to be written.
fn place(pointer: &str, fields: &DraftFields) -> (String, String, &'static str) {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let plain = |field: &str, label: &str, form| (field.to_owned(), label.to_owned(), form);
    match parts.as_slice() {
        ["version"] => plain("version", "version", "bad_version"),
        ["code"] => plain("code", "meta-code", "bad_code"),
        ["parent"] => plain("parent", "meta-parent", "bad_parent"),
        ["level"] => plain("level", "level", ""),
        ["sharing"] => plain("sharing", "sharing", ""),
        ["update_cycle"] => plain("update_cycle", "meta-cycle", ""),
        ["open_condition", ..] => plain("open_condition_zh", "meta-open", ""),
        ["sharing_means"] => plain("means", "meta-means", ""),
        [part @ ("title" | "summary" | "duty"), lang] | ["classification", part, lang] => {
            (format!("{part}_{lang}"), format!("{part}-{lang}"), "")
        }
        ["sharing_condition", "en"] => plain("condition_en", "condition-en", ""),
        ["sharing_condition", ..] => plain("condition_zh", "condition-zh", ""),
        ["format", part] => (format!("format_{part}"), format!("format-{part}"), ""),
        ["issue_date"] => plain("issue_date", "meta-issue-date", "bad_date"),
        ["related_codes", ..] => plain("related_codes", "meta-related", "bad_code"),
        ["subject"] => plain("subject", "draft-subject", "bad_name"),
        ["items", at, rest @ ..] => item_place(at, rest, fields),
        ["items"] | ["response_schema", ..] => plain("items", "entry-items", ""),
        ["request_schema", ..] => plain("param-0-name", "entry-parameters", ""),
        _ => plain("name", "draft-name", "bad_name"),
    }
}

/// Rows without a name are not in the document, so its third item may stand in the fifth row.
fn item_place(at: &str, rest: &[&str], fields: &DraftFields) -> (String, String, &'static str) {
    let named = fields.items.iter().enumerate().filter(|(_, item)| !item.name.is_empty());
    let row = at.parse().ok().and_then(|at| named.map(|(row, _)| row).nth(at)).unwrap_or_default();
    let (column, label, form) = match rest {
        ["title", "en"] => ("title_en", "title-en", ""),
        ["title", ..] => ("title_zh", "title-zh", ""),
        ["length"] => ("length", "item-length", "bad_number"),
        ["sensitive"] => ("sensitive", "item-sensitive", ""),
        ["grade"] => ("grade", "item-grade", "bad_number"),
        ["masking"] => ("masking", "item-masking", "one_of"),
        ["type"] => ("kind", "item-kind", ""),
        ["code_table"] => ("code_table", "item-code-table", ""),
        ["range"] => ("range", "item-range", "bad_range"),
        ["sharing"] => ("sharing", "item-sharing", ""),
        ["sharing_condition", ..] => ("condition_zh", "item-condition", ""),
        _ => ("name", "item-name", "bad_name"),
    };
    (format!("item-{row}-{column}"), label.to_owned(), form)
}

/// What forms and workbooks call an option of a field.
fn word_of(t: Words, field: &str, option: &str) -> Option<String> {
    let column = field.rsplit('-').next().unwrap_or_default();
    let family = match column {
        "level" => "level",
        "sharing" => "sharing",
        "update_cycle" => "cycle",
        "means" => "means",
        "kind" => "kind",
        "masking" => "masking",
        _ => return None,
    };
    Some(t.word(family, option))
}

#[cfg(test)]
#[path = "draft_document_tests.rs"]
mod tests;
