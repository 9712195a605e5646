//! Callers that a node does not know, or no longer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Caller, City, Wish, mulu, until};

fn url(city: &City) -> &str {
    &city.node("tax").url
}

#[track_caller]
fn unknown(caller: &Caller) {
    let refused = caller.get("catalog/entries");
    assert!(refused.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer")), "{refused}");
    refused.problem(401, "not_authenticated");
    caller.post("grants", &Wish::default().body()).problem(401, "not_authenticated");
}

#[test]
fn nobody_comes_in_without_a_token_of_this_department() {
    let city = City::shared();
    unknown(&Caller::anonymous(url(city)));
    unknown(&Caller::bearer(url(city), "no-such-token"));
    unknown(&Caller::anonymous(url(city)).with("authorization", "Bearer"));
    unknown(&Caller::anonymous(url(city)).with("authorization", "Negotiate abc"));
    unknown(&Caller::anonymous(url(city)).with("cookie", "mulu_session=abc"));
    // A token of another department, at this node.
    let transport = city.person("transport", "clerk1");
    let session = json!({"user": "clerk1", "password": city.password("transport", "clerk1")});
    let token = city.anonymous("transport").post("sessions", &session).ok()["token"].as_str().unwrap().to_owned();
    assert_eq!(transport.get("catalog/entries").status, 200);
    unknown(&Caller::bearer(url(city), &token));
    let person = BASE64.encode(format!("clerk1:{}", city.password("transport", "clerk1")));
    let basic = Caller::anonymous(url(city)).with("authorization", &format!("Basic {person}"));
    basic.get("catalog/entries").problem(401, "wrong_password");
}

/// A node looks a token up once a second: what another program did to it counts from then on.
#[track_caller]
fn ended(system: &Caller) {
    until("the token has ended", Duration::from_secs(5), || {
        (system.get("catalog/entries").status == 401).then_some(())
    });
    unknown(system);
}

#[test]
fn sessions_and_tokens_end() {
    let city = City::shared();
    let session = json!({"user": "clerk1", "password": city.password("tax", "clerk1")});
    let opened = city.anonymous("tax").post("sessions", &session);
    assert_eq!(opened.status, 201, "{opened}");
    let person = Caller::bearer(url(city), opened.body["token"].as_str().unwrap());
    assert_eq!(person.get("sessions/current").ok()["user"], "clerk1");
    assert_eq!(person.send(Method::DELETE, "sessions/current", |request| request).status, 204);
    unknown(&person);

    let config = city.config("tax");
    let config = config.to_str().unwrap();
    let issue = |system: &str| mulu(&["token", "add", "--config", config, "--system", system]).ok().trim().to_owned();
    let token = issue("story-system");
    let system = Caller::bearer(url(city), &token);
    assert_eq!(system.get("catalog/entries").status, 200);
    mulu(&["token", "revoke", "--config", config, "--system", "story-system"]).ok();
    ended(&system);

    // Time passes: what a year would do is done to the token's own record.
    let system = Caller::bearer(url(city), &issue("last-years-system"));
    assert_eq!(system.get("catalog/entries").status, 200);
    let file = city.node("tax").data_dir.join("model/local.db");
    let mut database = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let end = "UPDATE tokens SET created = 0, expires = 1 WHERE name = 'last-years-system'";
    database.batch_execute(&format!("PRAGMA busy_timeout = 5000; {end}")).unwrap();
    ended(&system);
}

#[test]
fn a_password_cannot_be_guessed() {
    let city = City::shared();
    let wrong = json!({"user": "clerk2", "password": "wrong"});
    let locked = (0..20).map(|_| city.anonymous("civil-affairs").post("sessions", &wrong)).find(|a| a.status != 401);
    let locked = locked.expect("the account is locked after some failures");
    let seconds: u64 = locked.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After");
    assert!((1..=3_600).contains(&seconds), "{locked}");
    locked.problem(429, "account_locked");
    // Not even the right password helps now.
    let right = json!({"user": "clerk2", "password": city.password("civil-affairs", "clerk2")});
    city.anonymous("civil-affairs").post("sessions", &right).problem(429, "account_locked");
    // A name that does not exist is answered like a wrong password.
    let nobody = json!({"user": "nobody", "password": "wrong"});
    city.anonymous("civil-affairs").post("sessions", &nobody).problem(401, "wrong_password");
}

#[test]
fn a_browsers_cookie_alone_changes_nothing() {
    let city = City::shared();
    let session = json!({"user": "clerk1", "password": city.password("tax", "clerk1")});
    let token = city.anonymous("tax").post("sessions", &session).ok()["token"].as_str().unwrap().to_owned();
    let browser = Caller::anonymous(url(city)).with("cookie", &format!("mulu_session={token}"));
    let myself = browser.get("sessions/current").ok();
    let wish = Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() }.body();
    browser.post("grants", &wish).problem(403, "csrf");
    browser.with("x-csrf-token", "guessed").post("grants", &wish).problem(403, "csrf");
    browser.with("x-csrf-token", myself["csrf"].as_str().unwrap()).post("grants", &wish).ok();
}
