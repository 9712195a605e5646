//! An entry as its page and its draft's page show it.

use serde_json::Value;

use crate::domain::catalog::{Entry, Item};
use crate::domain::entry_diff::Change;
use crate::service::catalog_places::Place;

use super::codes;
use super::desk::Desk;
use super::views::catalog::{ChangeRow, EntryBody, ItemRow, ParameterRow, PlaceRow, RelatedRow};
use super::words::Words;

/// Everything about one version, under the state of the entry or of its draft.
pub fn body(desk: &Desk, entry: &Entry, state: &str) -> EntryBody {
    let t = desk.t;
    let classes = entry.classification.parts().map(|text| t.pick(text));
    let around = desk.node.surroundings(entry);
    let text =
        |text: &Option<crate::domain::Text>| text.as_ref().map(|text| t.pick(text).to_owned()).unwrap_or_default();
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
        sharing_condition: text(&entry.sharing_condition),
        means: entry.sharing_means.as_ref().map(codes::word).unwrap_or_default(),
        open: entry.open,
        open_condition: text(&entry.open_condition),
        update_cycle: codes::word(&entry.update_cycle),
        issue_date: entry.issue_date.clone(),
        related: around.related.iter().map(|(code, entry)| related_row(t, code, entry.as_ref())).collect(),
        above: around.above.iter().map(|place| place_row(t, place)).collect(),
        below: around.below.iter().map(|place| place_row(t, place)).collect(),
        subject: entry.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        items: entry.items.iter().map(|item| item_row(desk, item)).collect(),
        parameters: parameters(&entry.request_schema),
        request_schema: indented(&entry.request_schema),
        response_schema: indented(&entry.response_schema),
    }
}

fn place_row(t: Words, place: &Place) -> PlaceRow {
    PlaceRow {
        id: place.id.to_string(),
        title: t.pick(&place.title).to_owned(),
        level: place.level.as_str().to_owned(),
        state: place.state.as_str().to_owned(),
    }
}

fn related_row(t: Words, code: &str, entry: Option<&Place>) -> RelatedRow {
    RelatedRow { code: code.to_owned(), entry: entry.map(|place| place_row(t, place)) }
}

/// Longest value that a difference shows, in characters.
const VALUE_CHARS_MAX: usize = 400;

/// A difference between two versions, as pages show it.
pub fn change_row(t: Words, change: &Change) -> ChangeRow {
    let value = |value: &Option<Value>| {
        let text = match value {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    };
    ChangeRow {
        label: place_label(t, &change.pointer),
        pointer: change.pointer.clone(),
        kind: change.kind.as_str().to_owned(),
        before: value(&change.before),
        after: value(&change.after),
        breaking: change.breaking.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
    }
}

/// What a place of an entry is called on its page.
fn place_label(t: Words, pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let key = match parts.first().copied().unwrap_or_default() {
        "title" => "meta-name",
        "level" => "level",
        "parent" => "meta-parent",
        "code" => "meta-code",
        "summary" => "meta-summary",
        "classification" => "meta-classification",
        "provider_code" => "meta-provider-code",
        "duty" => "meta-duty",
        "format" => "meta-format",
        "sharing" | "sharing_condition" => "meta-sharing",
        "sharing_means" => "meta-means",
        "open" | "open_condition" => "meta-open",
        "update_cycle" => "meta-cycle",
        "issue_date" => "meta-issue-date",
        "related_codes" => "meta-related",
        "subject" => "draft-subject",
        "items" => "entry-items",
        "request_schema" => "entry-parameters",
        _ => "entry-response-schema",
    };
    let name = match parts.as_slice() {
        ["items", name, ..] | [_, "properties", name, ..] => Some(*name),
        _ => None,
    };
    name.map_or_else(|| t.say(key), |name| format!("{} › {name}", t.say(key)))
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
        range: item.range.clone().unwrap_or_default(),
        sharing: item.sharing.map(|sharing| sharing.as_str().to_owned()).unwrap_or_default(),
        sharing_condition: item.sharing_condition.as_ref().map(|text| desk.t.pick(text).to_owned()).unwrap_or_default(),
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
