//! People and what they may do: the second factor, the administrator's work, four eyes, and a page that keeps itself up
//! to date.

use std::sync::LazyLock;

use mulu::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::browser::Browser;
use crate::harness::{Caller, City, Wish, mulu_told};
use crate::tab::Tab;

const PASSWORD: &str = "correct horse";

/// An account that no other story uses.
fn account(city: &City, department: &str, user: &str, roles: &[&str]) {
    let config = city.config(department);
    let mut arguments =
        vec!["account", "add", "--config", config.to_str().unwrap(), "--user", user, "--password-stdin"];
    roles.iter().for_each(|role| arguments.extend(["--role", role]));
    mulu_told(&arguments, &format!("{PASSWORD}\n")).ok();
}

fn sign_in(tab: &Tab<'_>, user: &str, password: &str) {
    tab.open("/sign-in?lang=en");
    tab.fill("user", user);
    tab.fill("password", password);
    tab.go("Sign in");
}

/// A session of the API.
fn session(city: &City, department: &str, user: &str) -> Caller {
    let opened = city.anonymous(department).post("sessions", &json!({"user": user, "password": PASSWORD})).ok();
    Caller::bearer(&city.node(department).url, opened["token"].as_str().unwrap())
}

/// The code of so many steps from now.
fn code(secret: &str, steps: u64) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(SystemClock.now().0 / 1000 + 30 * steps).to_string()
}

#[test]
fn a_reviewer_sets_a_second_factor_up_and_signs_in_with_it() {
    let (city, browser) = (City::shared(), Browser::start());
    account(city, "housing", "careful", &["reviewer"]);
    let tab = browser.tab(city, "housing");
    sign_in(&tab, "careful", PASSWORD);
    tab.open("/account");
    tab.fill("begin-password", PASSWORD);
    tab.go("Set it up");
    tab.sees("Scan this with your authenticator");
    let text = tab.text();
    let secret = text.split("type the secret:").nth(1).unwrap().trim_start().get(..39).unwrap().to_owned();
    tab.fill("code", "000000");
    tab.go("Confirm");
    tab.sees("The code is wrong or was used");
    tab.fill("code", &code(&secret, 0));
    tab.go("Confirm");
    tab.sees("The second factor is set up");
    tab.go("I have kept them");
    tab.sees("Recovery codes left: 10");
    tab.go("Sign out");
    sign_in(&tab, "careful", PASSWORD);
    tab.sees("Enter the code");
    tab.fill("code", &code(&secret, 1));
    tab.go("Sign in");
    tab.sees("Welcome, careful");
    tab.is_quiet();
}

#[test]
fn a_reviewer_cannot_approve_what_is_their_own() {
    let (city, browser) = (City::shared(), Browser::start());
    account(city, "housing", "both.hats", &["clerk", "reviewer"]);
    let own = session(city, "housing", "both.hats");
    let shown = own.get("catalog/entries/housing/sale-contract").ok();
    let mut draft = json!({"name": "housing/own-work", "version": "1.0"});
    for (member, value) in shown.as_object().unwrap() {
        let is_text = ["title", "level", "summary", "provider_code", "duty", "classification", "format", "sharing"];
        let is_more = [
            "sharing_condition",
            "open",
            "update_cycle",
            "issue_date",
            "subject",
            "items",
            "request_schema",
            "response_schema",
        ];
        if (is_text.contains(&member.as_str()) || is_more.contains(&member.as_str())) && !value.is_null() {
            draft[member] = value.clone();
        }
    }
    draft["title"] = json!({"zh": "本人编制的条目", "en": "Own work"});
    own.post("catalog/entries", &draft).ok();
    own.post("catalog/entries/housing/own-work/submit", &json!({})).ok();
    own.post("catalog/entries/housing/own-work/approve", &json!({})).problem(403, "own_request");

    let tab = browser.tab(city, "housing");
    sign_in(&tab, "both.hats", PASSWORD);
    tab.sees("Sent by you");
    tab.go("Own work");
    assert_eq!(tab.path(), "/drafts/own-work", "what one sent stands on the first page");
    tab.sees_no("Approve and publish");

    let theirs = city.system("housing").get("catalog/entries/tax/deed-tax-payment").ok();
    let wish = Wish { consumer: "housing", entry: "tax/deed-tax-payment", items: &[], ..Wish::default() };
    let mut body = wish.body();
    body["items"] = json!([theirs["items"][0]["name"]]);
    let asked = own.post("grants", &body).ok();
    let id = asked["id"].as_str().unwrap();
    assert_eq!(own.post(&format!("grants/{id}/approve"), &json!({})).status, 403);
    tab.open(&format!("/grants/{id}"));
    tab.sees("You asked for this grant. A reviewer of the provider must decide.");
    tab.sees_no("Approve");
    tab.is_quiet();
}

#[test]
fn an_administrator_makes_an_account_and_puts_it_to_rest() {
    let (city, browser, other) = (City::shared(), Browser::start(), Browser::start());
    let admin = browser.tab(city, "tax");
    admin.sign_in(city, "tax", "admin1");
    admin.open("/admin");
    admin.fill("user", "new.person");
    admin.fill("display", "新来的同事");
    admin.tick("roles", "clerk");
    admin.go("Make an account");
    admin.sees("Password for one sign-in");
    let text = admin.text();
    let once = text.split("Password for one sign-in").last().unwrap().trim().split(' ').next().unwrap().to_owned();

    let person = other.tab(city, "tax");
    sign_in(&person, "new.person", &once);
    person.sees("Somebody else chose your password");
    person.fill("old", &once);
    person.fill("new", PASSWORD);
    person.fill("again", PASSWORD);
    person.go("Change the password");
    person.sees("The password is changed.");
    person.open("/");
    person.sees("Welcome, new.person");
    person.sees("Kept up to date");

    admin.open("/admin/accounts/new.person");
    admin.go("Disable the account");
    admin.sees("The account is changed.");
    // The open page notices by itself.
    person.sees("Sign in to your department's node");
    sign_in(&person, "new.person", PASSWORD);
    person.sees("This account rests");
    admin.open("/admin/log?about=new.person");
    admin.sees("Account disabled");
    admin.is_quiet();
}

#[test]
fn my_work_keeps_itself_up_to_date() {
    static MATTER: LazyLock<String> = LazyLock::new(|| format!("实时更新用例 {}", SystemClock.now().0));
    let (city, browser) = (City::shared(), Browser::start());
    let reviewer = browser.tab(city, "housing");
    reviewer.sign_in(city, "housing", "reviewer1");
    reviewer.sees("Kept up to date");
    reviewer.sees_no(&MATTER);
    let clerk = city.person("tax", "clerk1");
    let entry = clerk.get("catalog/entries/housing/sale-contract").ok();
    let wish = Wish { consumer: "tax", entry: "housing/sale-contract", items: &[], ..Wish::default() };
    let mut body: Value = wish.body();
    body["items"] = json!([entry["items"][0]["name"]]);
    body["matter"] = MATTER.as_str().into();
    clerk.post("grants", &body).ok();
    reviewer.sees(&MATTER);
    reviewer.is_quiet();
}
