//! The format of a workflow's file: what fits, and how what does not is named.

use serde_json::json;

use super::*;

const FILE: &str = include_str!("../../../../departments/planning-resources/workflows/real-estate-transfer.toml");

fn read(text: &str) -> Result<WorkflowFile, FileError> {
    parse("w.toml", text, &"real-estate-transfer".parse().unwrap())
}

#[test]
fn the_shipped_file_is_read_and_survives_its_document() {
    let workflow = read(FILE).unwrap();
    let sizes = (workflow.pulls.len(), workflow.rules.len(), workflow.sign_offs.len());
    assert_eq!((sizes, workflow.days), ((7, 11, 2), Some(30)));
    let names: Vec<String> = workflow.fields().iter().map(|field| field.name.to_string()).collect();
    assert_eq!(names, ["seller_id_number", "buyer_id_number", "unit_number"], "as written, not by name");
    let document = workflow.document().unwrap();
    assert_eq!(WorkflowFile::from_document(document.clone()), Ok(workflow.clone()));
    let text = document.to_string();
    assert_eq!(
        WorkflowFile::from_document(serde_json::from_str(&text).unwrap()).unwrap().document().unwrap().to_string(),
        text
    );
}

#[test]
fn parts_that_do_not_fit_are_named() {
    for (from, to, said) in [
        ("= \"seller_id_number\" }", "= \"tenant\" }", "/pull/0/params/id_number: `tenant`"),
        ("holder = \"form.buyer_id_number\"", "holder = \"form.heir\"", "/certificate/holder: `heir`"),
        ("holder_name = \"buyer-household.name\"", "holder_name = \"buyer-household.sex\"", "/certificate/holder_name"),
        ("\"tax-review\"", "\"contract-review\"", "/sign_off/1/step: is named twice"),
        ("department = \"tax\"", "", "/sign_off/1: needs either department"),
        ("department = \"tax\"", "department_from = \"form.office\"", "/sign_off/1/department_from: `office`"),
        ("step = \"tax-review\"", "step = \"tax-review\"\nafter = [\"last\"]", "/sign_off/1/after/0: `last`"),
        ("name = \"real-estate-transfer\"", "name = \"transfer\"", "/name: is not the name"),
        ("left = \"deed-tax.status\"", "left = \"deed-tax.colour\"", "/rule/7/left: the pull `deed-tax`"),
        ("left = \"deed-tax.status\"", "left = \"stamp-duty.status\"", "/rule/7/left: there is no pull"),
        ("left = \"deed-tax.status\"", "left = \"status\"", "/rule/7/left"),
        ("value = \"已完税\"", "", "/rule/7: needs either right or value"),
        ("value = \"已完税\"", "values = [\"已完税\"]", "/rule/7: needs either right or value"),
        ("value = 18", "value = \"18\"", "/rule/2: age_at_least needs years"),
        ("\"tax-of-contract\"", "\"tax-paid\"", "/rule/8/name: is named twice"),
        ("{certificate}。", "{heir}。", "/notice/text/zh: only"),
        ("format = \"unit_number\"", "format = \"shoe_size\"", "/form: "),
        ("format = \"unit_number\"", "", "/form/properties/unit_number: needs maxLength"),
        ("\"unit_number\"]\nadditional", "\"unit\"]\nadditional", "/form/required/2: `unit`"),
        ("additionalProperties = false", "additionalProperties = true", "/form/additionalProperties"),
        ("days = 30", "days = 300", "/days"),
        ("type = \"real-estate-title\"", "", "/certificate: needs a type"),
        ("rows_min = 1", "rows_min = 1\nwhen = \"married\"", "/pull/0/when: `married`"),
    ] {
        let changed = FILE.replace(from, to);
        assert_ne!(changed, FILE, "the file has no {from}");
        let error = read(&changed).unwrap_err().to_string();
        assert!(error.contains(said), "{said} is not in: {error}");
    }
}

#[test]
fn a_form_has_its_fields_with_choices_and_values_by_type() {
    let form = json!({
        "type": "object", "additionalProperties": false, "required": ["kind"],
        "properties": {
            "kind": {"type": "string", "enum": ["gas", "water"], "x-title": {"zh": "种类", "en": "Kind"},
                     "x-labels": {"gas": {"zh": "燃气", "en": "Gas"}}},
            "persons": {"type": "integer", "minimum": 1, "x-title": {"zh": "人数", "en": "Persons"}},
            "urgent": {"type": "boolean", "x-title": {"zh": "加急", "en": "Urgent"}},
        }
    });
    let fields = form::fields(&form);
    assert_eq!(fields[0].choices[0].title.en, "Gas");
    assert_eq!(fields[0].choices[1].title.en, "water");
    assert!(fields[0].required && !fields[1].required);
    let value = |at: usize, text| fields[at].value_of(text);
    assert_eq!((value(0, " gas "), value(0, "  ")), (Some(json!("gas")), None));
    assert_eq!((value(1, "3"), value(1, "three")), (Some(json!(3)), Some(json!("three"))));
    assert_eq!(
        (value(2, "yes"), value(2, "no"), value(2, "x")),
        (Some(json!(true)), Some(json!(false)), Some(json!("x")))
    );
}

#[test]
fn a_pull_runs_when_its_field_is_given_and_a_step_goes_where_the_form_says() {
    let workflow = read(FILE).unwrap();
    let pull = Pull { when: Some("spouse".parse().unwrap()), ..workflow.pulls[0].clone() };
    let wanted = |form: serde_json::Value| pull.is_wanted(form.as_object().unwrap());
    assert!(wanted(json!({"spouse": "x"})) && wanted(json!({"spouse": true})) && wanted(json!({"spouse": 0})));
    assert!(!wanted(json!({})) && !wanted(json!({"spouse": ""})) && !wanted(json!({"spouse": false})));
    let step =
        Step { department: None, department_from: Some("form.lead".parse().unwrap()), ..workflow.sign_offs[0].clone() };
    let form = json!({"lead": "water"});
    assert_eq!(step.department_in(form.as_object().unwrap()), "water".parse().ok());
    assert_eq!(step.department_in(&Map::new()), None);
    assert_eq!(workflow.sign_offs[0].department_in(&Map::new()), "housing".parse().ok());
}
