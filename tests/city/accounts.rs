//! Accounts and tokens over the API: made, changed and ended by an administrator, and by nobody else.

use std::time::Duration;

use mulu::clock::{Clock as _, DAY_MS, SystemClock};
use serde_json::{Value, json};

use crate::harness::{Caller, City, until};

fn admin(city: &City) -> Caller {
    city.person("transport", "admin1")
}

fn in_days(days: u64) -> String {
    SystemClock.now().plus(days * DAY_MS).to_string()
}

#[test]
fn an_administrator_makes_an_account_and_lets_it_rest() {
    let city = City::shared();
    let (admin, nobody) = (admin(city), city.anonymous("transport"));
    let made = admin.post("accounts", &json!({"user": "by.api", "display": "接口新人", "roles": ["clerk"]}));
    assert_eq!(made.status, 201, "{made}");
    let once = made.body["password"].as_str().unwrap().to_owned();
    let shown = admin.get("accounts/by.api").ok();
    assert_eq!((&shown["roles"], &shown["must_change"]), (&json!(["clerk"]), &json!(true)));
    assert!(admin.get("accounts").ok().as_array().unwrap().contains(&shown));
    // The password is good for one sign-in, at which its owner chooses another: nothing else is to be had for it.
    let session = json!({"user": "by.api", "password": once});
    let opened = nobody.post("sessions", &session).ok();
    let person = Caller::bearer(&city.node("transport").url, opened["token"].as_str().unwrap());
    person.get("catalog/entries").problem(403, "password_change_needed");

    let taken = json!({"user": "by.api", "roles": ["reviewer"]});
    admin.post("accounts", &taken).problem(409, "conflict");
    let both = admin.post("accounts/by.api/roles", &json!({"roles": ["reviewer", "clerk"]})).ok();
    assert_eq!(both["roles"].as_array().map(Vec::len), Some(2));
    assert!(admin.post("accounts/by.api/disable", &json!({})).ok()["disabled"].is_string());
    nobody.post("sessions", &session).problem(403, "account_disabled");
    assert!(admin.post("accounts/by.api/enable", &json!({})).ok()["disabled"].is_null());
    let again = admin.post("accounts/by.api/password", &json!({})).ok()["password"].clone();
    assert_ne!(again, json!(once));
    nobody.post("sessions", &session).problem(401, "wrong_password");
    for act in ["unlock", "second-factor/reset"] {
        admin.post(&format!("accounts/by.api/{act}"), &json!({})).ok();
    }
    admin.get("accounts/nobody.here").problem(404, "not_found");
    admin.post("accounts/nobody.here/disable", &json!({})).problem(404, "not_found");
    for wrong in [json!({"user": "Bad Name", "roles": ["clerk"]}), json!({"user": "x", "roles": ["system"]})] {
        admin.post("accounts", &wrong).problem(422, "unprocessable");
    }
    let log = admin.get("admin/log?about=by.api").ok();
    let kinds: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|act| &act["kind"]).collect();
    for kind in ["account_created", "roles_changed", "account_disabled", "account_enabled", "password_reset"] {
        assert!(kinds.contains(&&json!(kind)), "{kind} is not in {kinds:?}");
    }
}

#[test]
fn nobody_raises_themselves() {
    let city = City::shared();
    let raised = json!({"roles": ["admin", "reviewer"]});
    admin(city).post("accounts/admin1/roles", &raised).problem(403, "own_account");
    admin(city).post("accounts/admin1/disable", &json!({})).problem(403, "own_account");
    admin(city).post("accounts/admin1/password", &json!({})).problem(403, "own_account");
    for caller in [city.person("transport", "clerk1"), city.person("transport", "reviewer1"), city.system("transport")]
    {
        caller.get("accounts").problem(403, "role_not_allowed");
        caller.post("accounts", &json!({"user": "mine", "roles": ["admin"]})).problem(403, "role_not_allowed");
        caller.post("accounts/clerk1/roles", &raised).problem(403, "role_not_allowed");
        let token = json!({"system": "mine", "expires": in_days(1)});
        caller.post("tokens", &token).problem(403, "role_not_allowed");
        caller.post("tokens/mine/revoke", &json!({})).problem(403, "role_not_allowed");
    }
}

#[test]
fn a_system_gets_a_token_the_next_one_and_none() {
    let city = City::shared();
    let (admin, url) = (admin(city), &city.node("transport").url);
    let wish = json!({"system": "bay-board", "expires": in_days(30), "entries": ["transport/parking-bay-status"]});
    // A secret is not kept for a key: sent again, another one takes its place.
    let keyed = admin.with("idempotency-key", "token-story");
    let (lost, first) = (keyed.post("tokens", &wish), keyed.post("tokens", &wish));
    assert_eq!((lost.status, first.status, first.header("idempotent-replayed")), (201, 201, None));
    let system = |answer: &Value| Caller::bearer(url, answer["token"].as_str().unwrap());
    assert_eq!(system(&lost.body).get("catalog/entries").status, 401);
    let present = system(&first.body);
    assert_eq!(present.get("sessions/current").ok()["user"], "bay-board");
    let other = json!({"purpose": "statistics", "cause": "令牌范围", "params": {}});
    present.post("query/tax/deed-tax-payment", &other).problem(403, "token_scope");

    let next = admin.post("tokens/bay-board/rotate", &json!({"expires": in_days(60)})).ok();
    assert_eq!(system(&next).get("catalog/entries").status, 200);
    assert_eq!(present.get("catalog/entries").status, 200, "the present token goes on for a day");
    let known = admin.get("tokens").ok();
    let of_system = known.as_array().unwrap().iter().filter(|token| token["system"] == "bay-board");
    assert_eq!(of_system.count(), 2);
    assert!(!known.to_string().contains("mulu_"), "a list holds no token");

    assert_eq!(admin.post("tokens/bay-board/revoke", &json!({})).status, 204);
    for ended in [present, system(&next)] {
        until("the token has ended", Duration::from_secs(5), || {
            (ended.get("catalog/entries").status == 401).then_some(())
        });
    }
    admin.post("tokens/bay-board/revoke", &json!({})).problem(404, "not_found");
    admin.post("tokens/bay-board/rotate", &json!({"expires": in_days(1)})).problem(404, "not_found");
    admin.post("tokens", &json!({"system": "late", "expires": "2020-01-01T00:00:00Z"})).problem(400, "malformed");
    let strange = json!({"system": "late", "expires": in_days(1), "sources": ["somewhere"]});
    assert!([400, 422].contains(&admin.post("tokens", &strange).status));
}
