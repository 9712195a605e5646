//! The form of a case: fields of a workflow's schema as a page shows them, and back.

use serde_json::{Map, Value};

use crate::domain::department_files::workflow::{FormField, Kind};
use crate::domain::schema::Fault;

use super::desk::Desk;
use super::form::Fields;
use super::told::told;
use super::views::cases::CaseField;
use super::views::{Choice, Faults};
use super::words::Words;

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

/// Tells at each field why it does not fit, by the field's own label.
pub fn wrong(t: Words, fields: &[FormField], found: &[Fault], faults: &mut Faults) {
    let field = |name: &str| fields.iter().find(|field| field.name.as_str() == name);
    for fault in found {
        let place = fault.place();
        let name = place.strip_prefix("/params/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let choices = || field(name).into_iter().flat_map(|field| &field.choices);
        let known = |word: &str| match field(word) {
            Some(field) => Some(t.pick(&field.title).to_owned()),
            None => choices().find(|one| one.value == word).map(|one| t.pick(&one.title).to_owned()),
        };
        let label = field(name).map_or(name, |field| t.pick(&field.title));
        faults.tell(t, &format!("param-{name}"), label, &told(t, fault, known));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::department_files::workflow::WorkflowFile;
    use crate::web::portal::told::tests::is_english;
    use crate::web::portal::words::Lang;

    #[test]
    fn a_wrong_form_is_told_in_the_readers_language_at_its_fields() {
        let title = json!({"zh": "停车证", "en": "Parking permit"});
        let own = |zh: &str, en: &str| json!({"zh": zh, "en": en});
        let workflow = WorkflowFile::from_document(json!({
            "name": "parking-permit", "title": title, "summary": title, "purpose": "parking-permit", "cause": "停车证",
            "form": {"type": "object", "required": ["plate"], "additionalProperties": false, "properties": {
                "plate": {"type": "string", "format": "plate", "x-title": own("号牌", "Plate")},
                "spaces": {"type": "integer", "minimum": 1, "maximum": 3, "x-title": own("车位数", "Spaces")},
                "kind": {"type": "string", "enum": ["small", "large"], "x-title": own("车型", "Size"),
                         "x-labels": {"small": own("小型", "Small"), "large": own("大型", "Large")}},
                "remark": {"type": "string", "maxLength": 5, "x-title": own("备注", "Remark")},
            }},
            "sign_off": [{"step": "check", "department": "transport", "title": title}],
        }))
        .unwrap();
        let wrong_form =
            json!({"plate": "1", "spaces": 4, "kind": "huge", "remark": "太长的备注内容", "colour": "red"});
        let found: Vec<Fault> = workflow
            .check_form(wrong_form.as_object().unwrap())
            .into_iter()
            .map(|fault| fault.within("/params"))
            .collect();
        let told = |t: Words| {
            let mut faults = Faults::default();
            wrong(t, &workflow.fields(), &found, &mut faults);
            let mut told: Vec<(String, String)> =
                faults.all().iter().map(|one| (one.field.clone(), one.message.clone())).collect();
            told.sort();
            told
        };
        let chinese = told(Words::of(Lang::Zh));
        let texts: Vec<&str> = chinese.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "colour：不是可以填写的项目。",
                "车型：只能填写以下之一：小型、大型。",
                "号牌：不是有效的机动车号牌：长度不符。",
                "备注：最多 5 个字符。",
                "车位数：不能大于 3。",
            ]
        );
        assert!(texts.iter().all(|text| !is_english(text)));
        let english = told(Words::of(Lang::En));
        assert_eq!(english[1], ("param-kind".to_owned(), "Size: must be one of: Small, Large.".to_owned()));
    }
}
