//! An entry as its page and its draft's page show it.

use serde_json::Value;

use crate::domain::catalog::{Entry, Item};

use super::codes;
use super::desk::Desk;
use super::views::catalog::{EntryBody, ItemRow, ParameterRow};

/// Everything about one version, under the state of the entry or of its draft.
pub fn body(desk: &Desk, entry: &Entry, state: &str) -> EntryBody {
    let t = desk.t;
    let class = &entry.classification;
    let classes = [&class.class, &class.category, &class.topic, &class.detail].map(|text| t.pick(text));
    EntryBody {
        id: entry.name.to_string(),
        title: t.pick(&entry.title).to_owned(),
        summary: t.pick(&entry.summary).to_owned(),
        version: entry.version.to_string(),
        state: state.to_owned(),
        level: codes::word(&entry.level),
        code: entry.code.clone(),
        classification: classes.join(" › "),
        provider: desk.department(&entry.name.provider),
        provider_code: entry.provider_code.clone(),
        duty: t.pick(&entry.duty).to_owned(),
        format: format!("{} · {}", entry.format.category, entry.format.kind),
        sharing: entry.sharing.as_str().to_owned(),
        sharing_condition: entry.sharing_condition.as_ref().map(|text| t.pick(text).to_owned()).unwrap_or_default(),
        open: entry.open,
        update_cycle: codes::word(&entry.update_cycle),
        issue_date: entry.issue_date.clone(),
        related_codes: entry.related_codes.clone(),
        subject: entry.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        items: entry.items.iter().map(|item| item_row(desk, item)).collect(),
        parameters: parameters(&entry.request_schema),
        request_schema: indented(&entry.request_schema),
        response_schema: indented(&entry.response_schema),
    }
}

fn item_row(desk: &Desk, item: &Item) -> ItemRow {
    ItemRow {
        name: item.name.to_string(),
        title: desk.t.pick(&item.title).to_owned(),
        kind: codes::word(&item.kind),
        length: item.length,
        sensitive: item.sensitive,
        grade: item.grade,
        masking: codes::word(&item.masking),
        code_table: item.code_table.clone().unwrap_or_default(),
    }
}

/// The parameters that a request schema describes, in its order.
pub fn parameters(schema: &Value) -> Vec<ParameterRow> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let text = |property: &Value, key: &str| property.get(key).and_then(Value::as_str).map(str::to_owned);
    let properties = schema.get("properties").and_then(Value::as_object);
    let row = |(name, property): (&String, &Value)| ParameterRow {
        name: name.clone(),
        description: text(property, "title").or_else(|| text(property, "description")).unwrap_or_default(),
        kind: text(property, "format").or_else(|| text(property, "type")).unwrap_or_default(),
        required: is_required(name),
    };
    properties.into_iter().flatten().map(row).collect()
}

/// JSON for people.
pub fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_come_from_the_schema() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["id_number"], "properties": {
            "id_number": {"title": "公民身份号码", "type": "string", "format": "id_number"},
            "year": {"type": "integer"},
        }});
        let rows = parameters(&schema);
        let seen: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.kind.as_str(), row.required)).collect();
        assert_eq!(seen, [("id_number", "id_number", true), ("year", "integer", false)]);
        assert_eq!(rows[0].description, "公民身份号码");
        assert!(parameters(&json!(true)).is_empty());
    }
}
