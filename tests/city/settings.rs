//! What an administrator sets: in force at once, told in the log, kept over restarts and in backups, never lost unseen.

use std::path::Path;

use mulu::readmodel::local::Local;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, City, mulu, mulu_told};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn put(who: &Caller, settings: &Value) -> Answer {
    who.send(Method::PUT, "settings", |request| request.json(settings))
}

/// The settings in force as a body, with some of them other.
fn body(admin: &Caller, other: &Value) -> Value {
    let mut shown = admin.get("settings").ok();
    let members = shown.as_object_mut().unwrap();
    members.remove("changed_at");
    members.remove("changed_by");
    members.extend(other.as_object().unwrap().clone());
    shown
}

#[test]
fn settings_are_changed_while_the_node_runs() {
    let city = City::of_three("civil-affairs");
    let admin = city.person("civil-affairs", "admin1");
    only_administrators_see_and_change_them(&city, &admin);
    what_does_not_fit_is_named_by_its_place(&admin);
    everybody_sees_what_was_set(&city, &admin);
    nobody_overwrites_what_they_did_not_read(&admin);
    they_are_in_the_backup_and_there_after_a_restart(&city, &admin);
    what_is_tightened_holds_at_once(&city, &admin);
}

fn only_administrators_see_and_change_them(city: &City, admin: &Caller) {
    let shown = admin.get("settings").ok();
    let defaults = json!({"version": 0, "changed_at": null, "changed_by": null, "second_factor": "offered",
        "idle_minutes": 30, "age_minutes": 480, "contact": null, "notice": null, "language": "zh"});
    assert_eq!(shown, defaults, "what held before anybody set anything");
    let body = body(admin, &json!({"idle_minutes": 20}));
    for user in ["clerk1", "reviewer1"] {
        let other = city.person("civil-affairs", user);
        other.get("settings").problem(403, "role_not_allowed");
        put(&other, &body).problem(403, "role_not_allowed");
    }
    put(&city.anonymous("civil-affairs"), &body).problem(401, "not_authenticated");
    put(&city.system("civil-affairs"), &body).problem(403, "role_not_allowed");
    assert_eq!(admin.get("settings").ok(), defaults);
}

fn what_does_not_fit_is_named_by_its_place(admin: &Caller) {
    let text = json!({"zh": "公告", "en": "Notice"});
    for (other, pointer) in [
        (json!({"idle_minutes": 31}), "/idle_minutes"),
        (json!({"age_minutes": 481}), "/age_minutes"),
        (json!({"second_factor": "none"}), "/second_factor"),
        (json!({"language": "fr"}), "/language"),
        (json!({"more": 1}), "/more"),
        (json!({"contact": {"desk": text, "telephone": "", "hours": null}}), "/contact/telephone"),
        (json!({"notice": {"text": {"zh": "长".repeat(501), "en": "x"}, "until": null}}), "/notice/text/zh"),
        (json!({"notice": {"text": text, "until": "2020-01-01"}}), "/notice/until"),
        (json!({"notice": {"text": text, "until": "soon"}}), "/notice/until"),
    ] {
        let refused = put(admin, &body(admin, &other)).problem(422, "unprocessable");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{other}");
    }
    assert_eq!(admin.get("settings").ok()["version"], 0);
}

fn everybody_sees_what_was_set(city: &City, admin: &Caller) {
    let set = json!({
        "contact": {"desk": {"zh": "数据共享服务台", "en": "Data <desk>"}, "telephone": "010-5555 0100", "hours": null},
        "notice": {"text": {"zh": "周六维护", "en": "Closed & quiet on Saturday"}, "until": null},
        "language": "en",
        "idle_minutes": 20,
    });
    let kept = put(admin, &body(admin, &set)).ok();
    assert_eq!((&kept["version"], &kept["changed_by"]), (&json!(1), &json!("admin1")));
    assert_eq!(admin.get("settings").ok(), kept);
    let nobody = city.anonymous("civil-affairs");
    for page in ["/sign-in", "/verify", "/progress"] {
        let shown = nobody.get(page).text;
        for part in ["Closed &#38; quiet on Saturday", "Data &#60;desk&#62;", "010-5555 0100", "<html lang=\"en\""] {
            assert!(shown.contains(part), "{page} without {part}: {shown}");
        }
        let chinese = nobody.with("accept-language", "zh").get(page).text;
        assert!(chinese.contains("周六维护") && chinese.contains("数据共享服务台"), "{page}: {chinese}");
    }
    let elsewhere = city.anonymous("audit").get("/sign-in").text;
    assert!(!elsewhere.contains("周六维护") && elsewhere.contains("<html lang=\"zh-CN\""), "a department's own notice");
    let lines = admin.get("admin/log?kind=settings_changed").ok();
    let told: Vec<(&str, &str)> = lines["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["subject"].as_str().unwrap(), line["detail"].as_str().unwrap()))
        .collect();
    for line in [("idle_minutes", "30 → 20"), ("language", "zh → en"), ("notice/text/zh", "– → 周六维护")] {
        assert!(told.contains(&line), "no {line:?} in {told:?}");
    }
}

fn nobody_overwrites_what_they_did_not_read(admin: &Caller) {
    let (one, other) = (body(admin, &json!({"idle_minutes": 15})), body(admin, &json!({"idle_minutes": 10})));
    assert_eq!(put(admin, &one).ok()["version"], 2);
    put(admin, &other).problem(409, "conflict");
    assert_eq!(admin.get("settings").ok()["idle_minutes"], 15);
}

fn they_are_in_the_backup_and_there_after_a_restart(city: &City, admin: &Caller) {
    let before = admin.get("settings").ok();
    let (config, dir) = (city.config("civil-affairs"), city.dir());
    let (file, into) = (dir.join("settings.mulu-backup"), dir.join("from-backup"));
    let arguments = ["backup", "--config", text(&config), "--user", "admin1", "--out", text(&file)];
    mulu_told(&arguments, city.password("civil-affairs", "admin1")).ok();
    mulu(&["restore", text(&file), "--into", text(&into)]).ok();
    let restored = Local::open(&into.join("data/model")).unwrap().settings();
    assert_eq!((json!(restored.version), restored.settings.idle_minutes), (before["version"].clone(), 15));

    city.stop("civil-affairs");
    city.start("civil-affairs");
    city.wait_ready("civil-affairs");
    assert_eq!(admin.get("settings").ok(), before);
    assert!(city.anonymous("civil-affairs").get("/sign-in").text.contains("010-5555 0100"));
}

fn what_is_tightened_holds_at_once(city: &City, admin: &Caller) {
    let reviewer = city.person("civil-affairs", "reviewer1");
    reviewer.get("catalog/entries").ok();
    put(admin, &body(admin, &json!({"second_factor": "required"}))).ok();
    reviewer.get("catalog/entries").problem(403, "second_factor_needed");
    admin.get("settings").problem(403, "second_factor_needed");
    city.person("civil-affairs", "clerk1").get("catalog/entries").ok();
    city.system("civil-affairs").get("catalog/entries").ok();
}
