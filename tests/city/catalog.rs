//! `/api/v1/catalog`: an entry's way from a clerk's draft to the city's catalog, and to its end.

use serde_json::{Value, json};

use crate::harness::{City, Examples, SOON, Wish, eventually, until};

/// An entry of civil-affairs that the demo does not have.
fn low_income(version: &str) -> Value {
    let text = |zh: &str, en: &str| json!({"zh": zh, "en": en});
    json!({
        "name": "civil-affairs/low-income",
        "version": version,
        "level": "interface",
        "code": "101009001/000007",
        "title": text("低保对象认定信息", "Low-income allowance"),
        "summary": text("最低生活保障对象的认定结果，按公民身份号码查询。", "Who is entitled to the allowance, asked by ID number."),
        "provider_code": "11110000Y90000035G",
        "duty": text("社会救助对象的认定（《社会救助暂行办法》）。", "Determines who is entitled to social assistance."),
        "classification": {
            "class": text("主题信息资源", "Thematic data"),
            "category": text("社会救助", "Social assistance"),
            "topic": text("低保", "Allowance"),
            "detail": text("低保认定", "Entitlement"),
        },
        "format": {"category": "database", "type": "sqlite"},
        "sharing": "conditional",
        "sharing_condition": text("仅用于履行法定职责的具体事项。", "Only for a matter within statutory duties."),
        "open": false,
        "update_cycle": "monthly",
        "issue_date": "2026-11-02",
        "related_codes": [],
        "subject": "id_number",
        "items": [
            {"name": "id_number", "title": text("公民身份号码", "ID number"), "type": "string", "length": 18,
             "sensitive": true, "grade": 3, "masking": "id_number"},
            {"name": "entitled", "title": text("是否低保", "Entitled"), "type": "boolean", "length": 1,
             "sensitive": true, "grade": 3, "masking": "none"},
        ],
        "request_schema": {
            "type": "object",
            "properties": {"id_number": {"type": "string", "format": "id_number", "maxLength": 18}},
            "required": ["id_number"],
            "additionalProperties": false,
        },
        "response_schema": {
            "type": "object",
            "properties": {"id_number": {"type": "string", "maxLength": 18}, "entitled": {"type": "boolean"}},
            "additionalProperties": false,
        },
    })
}

#[test]
fn an_entry_needs_a_second_person_and_then_every_node_shows_it() {
    let city = City::shared();
    let name = "civil-affairs/low-income";
    let path = |step: &str| format!("catalog/entries/{name}/{step}");
    let both = city.person("civil-affairs", "reviewer2");
    let reviewer = city.person("civil-affairs", "reviewer1");

    // Who may not draft it, and what may not be drafted.
    city.person("tax", "clerk1").post("catalog/entries", &low_income("1.0")).problem(403, "foreign_department");
    reviewer.post("catalog/entries", &low_income("1.0")).problem(403, "role_not_allowed");
    let mut wrong = low_income("1.0");
    wrong["sharing"] = json!("sometimes");
    wrong["color"] = json!("red");
    let faults = both.post("catalog/entries", &wrong).problem(422, "unprocessable")["errors"].to_string();
    assert!(faults.contains("/sharing") && faults.contains("color"), "{faults}");

    let draft = both.post("catalog/entries", &low_income("1.0")).ok();
    assert_eq!((&draft["id"], &draft["state"]), (&json!(name), &json!("draft")));
    reviewer.post(&path("approve"), &json!({})).problem(409, "draft_not_submitted");
    both.post(&path("submit"), &json!({})).ok();

    // A draft is the provider's own matter: nobody else sees it, nobody can query it.
    let call = json!({"purpose": "social-assistance", "cause": "核验", "params": {"id_number": Examples::get().seller_id_number}});
    city.query("tax", name, &call).problem(404, "unknown_entry");
    city.system("tax").get(&format!("catalog/entries/{name}")).problem(404, "not_found");

    let refused = both.post(&path("approve"), &json!({}));
    assert_eq!(refused.reasons(), ["own_request"]);
    refused.problem(403, "own_request");
    reviewer.post(&path("reject"), &json!({"reason": "请补充更新周期说明"})).ok();
    let sent_back = both.get(&format!("catalog/drafts/{name}")).ok();
    assert_eq!(sent_back["rejected_reason"], "请补充更新周期说明");
    both.post("catalog/entries", &low_income("1.0")).ok();
    both.post(&path("submit"), &json!({})).ok();
    let published = reviewer.post(&path("approve"), &json!({})).ok();
    assert_eq!(published["id"], name);
    assert!(published["receipt"]["checkpoint"].is_string(), "{published}");

    for node in city.nodes() {
        let system = city.system(&node.department);
        until(&format!("{} shows the new entry", node.department), SOON, || {
            let listed = system.get("catalog/entries?q=低保").ok();
            let items = listed["items"].as_array()?;
            items.iter().any(|item| item["id"] == name).then(|| assert_eq!(items.len(), 1, "{listed}"))
        });
        let shown = system.get(&format!("catalog/entries/{name}")).ok();
        assert_eq!((&shown["version"], &shown["state"]), (&json!("1.0"), &json!("published")));
        assert_eq!(shown["publication"]["drafted_by"]["user"], "reviewer2");
        assert_eq!(shown["publication"]["approved_by"]["user"], "reviewer1");
    }
    both.post("catalog/entries", &low_income("1.0")).problem(409, "version_not_higher");
}

/// A published entry as its author would write it down for a new version.
fn next_version(shown: &Value, version: &str) -> Value {
    let mut document = json!({"name": shown["id"], "version": version});
    for member in [
        "title",
        "level",
        "code",
        "summary",
        "provider_code",
        "duty",
        "classification",
        "format",
        "sharing",
        "sharing_condition",
        "open",
        "update_cycle",
        "issue_date",
        "related_codes",
        "subject",
        "items",
        "request_schema",
        "response_schema",
    ] {
        document[member] = shown[member].clone();
    }
    document
}

#[test]
fn versions_follow_one_another_and_a_withdrawn_entry_is_refused_to_all() {
    let city = City::shared();
    let name = "planning-resources/real-estate-title";
    let path = |step: &str| format!("catalog/entries/{name}/{step}");
    let clerk = city.person("planning-resources", "clerk1");
    let reviewer = city.person("planning-resources", "reviewer1");
    let wish = Wish {
        consumer: "tax",
        entry: name,
        purpose: "tax-collection",
        items: &["unit_number", "use"],
        ..Wish::default()
    };
    city.grant(&wish, &json!({}));
    let call = |version: &str| {
        let params = json!({"unit_number": Examples::get().unit_number});
        let call = json!({"version": version, "purpose": "tax-collection", "cause": "核定计税面积", "params": params});
        city.query("tax", name, &call)
    };
    assert_eq!(call("1.0").ok()["rows"][0]["unit_number"], Examples::get().unit_number);

    let shown = clerk.get(&format!("catalog/entries/{name}")).ok();
    clerk.post("catalog/entries", &next_version(&shown, "1.1")).ok();
    clerk.post(&path("submit"), &json!({})).ok();
    let published = reviewer.post(&path("approve"), &json!({})).ok();
    let seen = format!("catalog/entries/{name}?min_index={}", published["ledger_index"]);
    let now = city.system("tax").get(&seen).ok();
    assert_eq!((&now["version"], now["history"].as_array().map(Vec::len)), (&json!("1.1"), Some(2)));
    let before = city.system("tax").get(&format!("catalog/entries/{name}?version=1.0")).ok();
    assert_eq!((&before["version"], &before["current_version"]), (&json!("1.0"), &json!("1.1")));
    city.system("tax").get(&format!("catalog/entries/{name}?version=9.9")).problem(404, "not_found");
    call("1.0").problem(409, "version_conflict");
    call("1.1").ok();

    let ending = json!({"reason": "由新接口替代", "successor": "planning-resources/real-estate-title"});
    clerk.post(&path("deprecate"), &ending).problem(403, "role_not_allowed");
    city.person("tax", "reviewer1").post(&path("withdraw"), &ending).problem(403, "foreign_department");
    let ending = json!({"reason": "由新接口替代"});
    reviewer.post(&path("deprecate"), &ending).ok();
    call("1.1").ok();
    eventually("a deprecated entry takes no new requests", || {
        let asked = city.system("transport").post("grants", &Wish { consumer: "transport", ..wish.clone() }.body());
        asked.code() == "entry_deprecated"
    });

    let withdrawn = reviewer.post(&path("withdraw"), &json!({"reason": "数据源停用"})).ok();
    let refused = call("1.1");
    assert_eq!(refused.reasons(), ["entry_withdrawn"]);
    refused.problem(403, "entry_withdrawn");
    // A tombstone stays.
    let seen = format!("catalog/entries/{name}?min_index={}", withdrawn["ledger_index"]);
    let gone = city.system("transport").get(&seen).ok();
    assert_eq!((&gone["state"], &gone["ending"]["reason"]), (&json!("withdrawn"), &json!("数据源停用")));
    clerk.post("catalog/entries", &next_version(&shown, "1.2")).problem(403, "entry_withdrawn");
}

#[test]
fn the_catalog_is_searched_filtered_and_paged() {
    let city = City::shared();
    let system = city.system("tax");
    let ids = |filter: &str| -> Vec<String> {
        let page = system.get(&format!("catalog/entries?{filter}")).ok();
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("q=泊位"), ["transport/parking-bay-status"]);
    assert_eq!(ids("q=parking"), ["transport/parking-bay-status"]);
    assert_eq!(ids("q=没有这样的条目"), [""; 0]);
    assert_eq!(
        ids("provider=housing"),
        ["housing/lease-record", "housing/rental-filing-certificate", "housing/sale-contract"]
    );
    assert_eq!(ids("sharing=not_shared"), ["public-security/case-investigation"]);
    assert_eq!(ids("sharing=unconditional&provider=transport"), ["transport/parking-bay-status"]);
    // Pages hold each entry once.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = system.get(&format!("catalog/entries?page_size=2&cursor={cursor}")).ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2 && page["ledger_index"].is_u64(), "{page}");
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert!(distinct.len() == seen.len() && seen.len() >= 7, "{seen:?}");
}

#[test]
fn levels_codes_and_breaking_versions_are_told_to_those_who_use_an_entry() {
    let city = City::of_three("tax");
    let (clerk, reviewer) = (city.person("tax", "clerk1"), city.person("tax", "reviewer1"));
    let publish = |document: &Value| {
        let name = document["name"].as_str().unwrap();
        let draft = clerk.post("catalog/entries", document).ok();
        clerk.post(&format!("catalog/entries/{name}/submit"), &json!({})).ok();
        let done = reviewer.post(&format!("catalog/entries/{name}/approve"), &json!({})).ok();
        let seen = format!("catalog/entries/{name}?min_index={}", done["ledger_index"]);
        (draft, clerk.get(&seen).ok())
    };
    let uscc = clerk.get("catalog/entries/tax/deed-tax-payment").ok()["provider_code"].clone();
    let own = |name: &str, level: &str, parent: Option<&str>| {
        let mut document = low_income("1.0");
        (document["name"], document["level"], document["code"]) = (json!(name), json!(level), json!("101009001"));
        document["provider_code"] = uscc.clone();
        if let Some(parent) = parent {
            document["parent"] = json!(parent);
        }
        document
    };

    // Three levels, each with the next free code of its class.
    let wrong = own("tax/relief", "interface", Some("tax/deed-tax-payment"));
    clerk.post("catalog/entries", &wrong).problem(422, "unprocessable");
    let (draft, _) = publish(&own("tax/relief-duty", "duty", None));
    assert_eq!(draft["entry"]["code"], "101009001/000001");
    let mut data = own("tax/relief-data", "data", Some("tax/relief-duty"));
    data["code"] = json!("");
    let (_, shown) = publish(&data);
    assert_eq!((&shown["code"], &shown["above"][0]["id"]), (&json!("101009001/000002"), &json!("tax/relief-duty")));
    let (_, shown) = publish(&own("tax/relief", "interface", Some("tax/relief-data")));
    let above: Vec<_> = shown["above"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(above, ["tax/relief-duty", "tax/relief-data"]);
    let duty = clerk.get("catalog/entries/tax/relief-duty").ok();
    assert_eq!(duty["below"][0]["id"], "tax/relief-data");
    let mut taken = own("tax/other", "interface", None);
    taken["code"] = json!("101009001/000001");
    clerk.post("catalog/entries", &taken).problem(409, "code_taken");
    let classes = clerk.get("catalog/classes?class=主题信息资源").ok();
    let relief = json!({"name": {"zh": "社会救助", "en": "Social assistance"}, "entries": 3});
    assert!(classes["items"].as_array().unwrap().contains(&relief), "{classes}");
    assert_eq!(
        clerk.get("catalog/entries?class=主题信息资源&category=社会救助").ok()["items"].as_array().unwrap().len(),
        3
    );

    // A version that breaks its users says so by its major number, and they are told.
    let consumer =
        city.nodes().iter().map(|node| node.department.clone()).find(|id| id != "tax" && id != "audit").unwrap();
    let wish = Wish { consumer: &consumer, entry: "tax/relief", items: &["entitled"], ..Wish::marriage() };
    city.grant(&wish, &json!({}));
    let mut next = own("tax/relief", "interface", Some("tax/relief-data"));
    next["items"].as_array_mut().unwrap().remove(0);
    next["response_schema"]["properties"].as_object_mut().unwrap().shift_remove("id_number");
    next["version"] = json!("1.1");
    let refused = clerk.post("catalog/entries", &next).problem(422, "unprocessable");
    assert_eq!(refused["errors"][0]["pointer"], "/response_schema/properties/id_number");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("2.0"), "{refused}");
    next["version"] = json!("2.0");
    publish(&next);
    let difference = clerk.get("catalog/entries/tax/relief/diff?from=1.0&to=2.0").ok();
    assert_eq!(difference["breaking"], true);
    assert!(difference["changes"].as_array().unwrap().iter().any(|change| change["breaking"] == "item_removed"));
    clerk.get("catalog/entries/tax/relief/diff?from=1.0&to=7.0").problem(404, "not_found");
    let told = city.system(&consumer);
    eventually("the consumer is told", || {
        let notices = told.get("catalog/notices").ok();
        notices["items"][0]["kind"] == "new_major_version" && notices["items"][0]["current_version"] == "2.0"
    });

    // What is withdrawn is told to those who keep copies.
    let ending = json!({"reason": "停用", "successor": "tax/relief-data"});
    let done = reviewer.post("catalog/entries/tax/relief/withdraw", &ending).ok();
    let gone = told.get(&format!("catalog/tombstones?min_index={}", done["ledger_index"])).ok();
    assert_eq!((&gone["items"][0]["id"], &gone["items"][0]["successor"]), (&json!("tax/relief"), &ending["successor"]));
    let since = done["ledger_index"].as_u64().unwrap() + 1;
    assert_eq!(told.get(&format!("catalog/tombstones?since={since}")).ok()["items"], json!([]));
}

#[test]
fn a_search_tells_where_its_words_stand_and_what_was_found() {
    let city = City::shared();
    let system = city.system("tax");
    let found = system.get("catalog/entries?q=泊位&facets=true").ok();
    assert_eq!(found["items"][0]["id"], "transport/parking-bay-status");
    assert_eq!(found["facets"]["total"], 1);
    assert_eq!(found["facets"]["sharing"], json!([{"value": "unconditional", "entries": 1}]));
    let title = found["items"][0]["title"]["zh"].as_str().unwrap();
    let at = u32::try_from(title.chars().take_while(|c| *c != '泊').count()).unwrap();
    assert_eq!(found["items"][0]["highlight"]["title"]["zh"], json!([[at, at + 2]]));
    let all = system.get("catalog/entries?facets=true&page_size=1").ok();
    assert!(all["facets"]["total"].as_u64().unwrap() >= 7, "{all}");
    system.get("catalog/entries?grade=x").problem(400, "invalid_parameter");
}

#[test]
fn a_file_becomes_drafts_once_and_comes_back_as_it_was() {
    let city = City::of_three("water");
    let (clerk, reviewer) = (city.person("water", "clerk1"), city.person("water", "reviewer1"));
    let take = |bytes: Vec<u8>| clerk.post_raw("catalog/import", "application/octet-stream", bytes);
    let table = |version: &str, sharing: &str| {
        let head = "name,version,level,code,title_zh,title_en,summary_zh,class_zh,category_zh,topic_zh,detail_zh,duty_zh,format_category,format_type,sharing,condition_zh,open,update_cycle,issue_date,subject,parameters,item_name,item_title_zh,item_kind,item_length,item_sensitive,item_grade,item_masking";
        let row = |name: &str, item: &str| {
            format!(
                "{name},{version},库表（接口）目录,777001001,用水定额,Water quota,定额,部门信息资源,水务,用水,定额,管理用水,database,sqlite,{sharing},依职责,不向社会开放,每月,2026-11-21,,uscc:uscc:是:代码,{item},余额,数值型,10,否,2,不脱敏"
            )
        };
        format!("{head}\n{}\n{}\n{}\n", row("quota", "amount"), row("quota", "rest"), row("meter", "count"))
            .into_bytes()
    };
    let first = take(table("1.0", "有条件共享")).ok();
    assert_eq!((&first["created"], &first["failed"]), (&json!(2), &json!(0)), "{first}");
    let again = take(table("1.0", "有条件共享")).ok();
    assert_eq!((&again["unchanged"], &again["created"]), (&json!(2), &json!(0)), "{again}");
    let wrong = take(table("1.0", "3")).ok();
    assert_eq!(wrong["failed"], 2);
    assert_eq!(wrong["entries"][0]["errors"][0]["column"], "sharing");
    let told = clerk
        .post_raw("catalog/import?sharing_codes=3:conditional", "application/octet-stream", table("1.0", "3"))
        .ok();
    assert_eq!(told["unchanged"], 2, "{told}");
    take(b"PK\x03\x04rubbish".to_vec()).problem(400, "malformed");

    let names = json!({"names": ["water/quota", "water/meter", "water/none"]});
    let submitted = clerk.post("catalog/drafts/submit", &names).ok();
    let done: Vec<_> = submitted["items"].as_array().unwrap().iter().map(|one| one["done"].clone()).collect();
    assert_eq!(done, [true, true, false]);
    let approved = reviewer.post("catalog/drafts/approve", &names).ok();
    assert!(approved["items"][1]["ledger_index"].is_u64() && approved["items"][2]["code"] == "not_found", "{approved}");
    let seen = format!("catalog/entries/water/meter?min_index={}", approved["items"][1]["ledger_index"]);
    assert_eq!(clerk.get(&seen).ok()["code"], "777001001/000002");

    let harvested = clerk.get("catalog/export?format=dcat&provider=water").ok();
    assert_eq!(harvested["dcat:dataset"].as_array().map(Vec::len), Some(3), "{harvested}");
    assert_eq!(harvested["dcat:dataset"][0]["dct:title"][0]["@language"], "zh");

    // What is exported is taken in again without effect.
    let exported = clerk.get("catalog/export?provider=water").ok();
    assert_eq!(exported["entries"].as_array().unwrap().len(), 3);
    let back = take(exported.to_string().into_bytes()).ok();
    assert_eq!((&back["unchanged"], &back["failed"]), (&json!(3), &json!(0)), "{back}");
}
