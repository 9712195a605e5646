//! A form becomes an entry that its schema takes, and comes back whole.

use super::*;
use crate::domain::{entry_rules, schema};
use crate::web::portal::told::tests::is_english;
use crate::web::portal::words::Lang;

fn form() -> DraftFields {
    let pairs = [
        ("name", "heating-account"),
        ("version", "1.0"),
        ("level", "interface"),
        ("parent", "urban-management/heating"),
        ("means", "platform"),
        ("open_condition_zh", "经脱敏"),
        ("code", "303001001/000009"),
        ("title_zh", "供热账户"),
        ("title_en", "Heating account"),
        ("summary_zh", "供热账户信息"),
        ("class_zh", "部门信息资源"),
        ("category_zh", "城市管理"),
        ("topic_zh", "供热"),
        ("detail_zh", "账户"),
        ("duty_zh", "管理供热"),
        ("format_category", "database"),
        ("format_type", "sqlite"),
        ("sharing", "conditional"),
        ("condition_zh", "履行法定职责"),
        ("open", "no"),
        ("update_cycle", "daily"),
        ("issue_date", "2026-11-21"),
        ("related_codes", "101002001/000001\n101002001/000002"),
        ("subject", "id_number"),
        ("param-1-name", "id_number"),
        ("param-1-format", "id_number"),
        ("param-1-required", "yes"),
        ("param-1-title", "公民身份号码"),
        ("item-0-title_zh", "a row without a name"),
        ("item-2-name", "account_number"),
        ("item-2-title_zh", "户号"),
        ("item-2-kind", "string"),
        ("item-2-length", "20"),
        ("item-2-sensitive", "yes"),
        ("item-2-grade", "3"),
        ("item-2-masking", "keep"),
        ("item-2-masking_first", "2"),
        ("item-2-masking_last", "4"),
        ("item-3-name", "opened_on"),
        ("item-3-title_zh", "开户日期"),
        ("item-3-kind", "date"),
        ("item-3-length", "10"),
        ("item-3-sensitive", "no"),
        ("item-3-grade", "2"),
        ("item-3-range", "2000-01-01.."),
        ("item-3-sharing", "not_shared"),
        ("item-3-condition_zh", "国家秘密"),
        ("item-3-masking", "none"),
    ];
    let pairs: Vec<(String, String)> = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    DraftFields::read(&pairs)
}

fn entry(fields: &DraftFields, before: Option<&Entry>) -> Entry {
    let provider = "urban-management".parse().unwrap();
    serde_json::from_value(document(fields, &provider, "11110000Y90000027M", before)).unwrap()
}

#[test]
fn a_form_becomes_a_whole_entry_and_comes_back() {
    let entry = entry(&form(), None);
    assert_eq!(entry_rules::check(&entry), []);
    assert_eq!(entry.items.len(), 2);
    assert_eq!(entry.items[0].masking.to_string(), "keep_2_4");
    assert_eq!(entry.items[1].range.as_deref(), Some("2000-01-01.."));
    assert!(entry.needs_edition_3());
    assert_eq!(entry.request_schema["required"], json!(["id_number"]));
    assert_eq!(entry.response_schema["properties"]["opened_on"]["format"], "date");
    let back = fields(&entry);
    let again = self::entry(&back, None);
    assert_eq!(again, entry);
    assert_eq!(back.parameters[0].format, "id_number");
}

#[test]
fn a_new_version_keeps_what_the_form_cannot_say() {
    let mut before = entry(&form(), None);
    before.response_schema["properties"]["account_number"] =
        json!({"title": "old", "type": "string", "pattern": "^[0-9]+$", "maxLength": 12});
    let mut changed = form();
    let property = entry(&changed, Some(&before)).response_schema["properties"]["account_number"].clone();
    assert_eq!(property, json!({"title": "户号", "type": "string", "pattern": "^[0-9]+$", "maxLength": 20}));
    changed.items[2].kind = "integer".to_owned();
    let property = entry(&changed, Some(&before)).response_schema["properties"]["account_number"].clone();
    assert_eq!(property, json!({"title": "户号", "type": "integer"}));
}

#[test]
fn faults_find_their_fields() {
    let fields = form();
    for (pointer, field) in [
        ("/name", "name"),
        ("/title/zh", "title_zh"),
        ("/classification/topic/en", "topic_en"),
        ("/format/type", "format_type"),
        ("/items/0/length", "item-2-length"),
        ("/items/1/name", "item-3-name"),
        ("/items/1/range", "item-3-range"),
        ("/parent", "parent"),
        ("/request_schema/properties", "param-0-name"),
        ("", "name"),
    ] {
        assert_eq!(place(pointer, &fields).0, field, "{pointer}");
    }
}

#[test]
fn what_is_wrong_with_an_entry_is_told_in_the_readers_language() {
    let fields = DraftFields { level: "duty".to_owned(), parent: "urban-management/heating".to_owned(), ..form() };
    let provider = "urban-management".parse().unwrap();
    let mut written = document(&fields, &provider, "11110000Y90000027M", None);
    written["issue_date"] = json!("21.11.2026");
    written["update_cycle"] = json!("sometimes");
    written["items"][0]["grade"] = json!(7);
    written["items"][1]["range"] = json!("2026-01-01..2000-01-01");
    written.as_object_mut().unwrap().remove("sharing_condition");
    let mut found = schema::department_file("catalog-entry").unwrap().check(&written);
    written["update_cycle"] = json!("daily");
    found.extend(entry_rules::check_parts(&serde_json::from_value(written).unwrap()));
    let told = |t: Words| {
        let told = |fault: &Fault| {
            let (field, label, said) = told_at(t, fault, &fields);
            format!("{field} {label}: {said}")
        };
        let mut told: Vec<String> = found.iter().map(told).collect();
        told.sort();
        told
    };
    let chinese = told(Words::of(Lang::Zh));
    assert_eq!(
        chinese,
        [
            "condition_zh 共享条件（中文）: 必填。",
            "issue_date 发布日期: 请按 2026-01-31 的格式填写有效日期。",
            "item-2-grade 安全级别: 不能大于 4。",
            "item-3-range 值域: 起点不能大于终点。",
            "parent 上级目录条目: 职责目录为最上级，不填写上级目录。",
            "update_cycle 更新周期: 只能填写以下之一：实时、每日、每周、每月、每季度、每年、不定期。",
        ]
    );
    assert!(chinese.iter().all(|text| !is_english(text)));
    assert!(told(Words::of(Lang::En))[3].ends_with("its first end is beyond its second."));
}
