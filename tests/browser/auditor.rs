//! The auditor's story: who looked at whose data, and whose it was.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{City, Examples, eventually};

const ENTRY: &str = "public-security/household-registration";

#[test]
fn an_auditor_finds_an_access_by_its_subject_and_opens_it_and_nobody_else_can() {
    let (city, browser) = (City::shared(), Browser::start());
    let examples = Examples::get();
    let call = json!({
        "purpose": "marriage-registration",
        "cause": "审计浏览器用例",
        "params": {"id_number": examples.seller_id_number},
    });
    city.query("civil-affairs", ENTRY, &call).problem(403, "no_grant");

    let auditor = browser.tab(city, "audit");
    auditor.sign_in(city, "audit", "auditor1");
    let filtered = format!("/audit?subject={}&decision=refused&consumer=civil-affairs", examples.seller_id_number);
    eventually("the access comes to the auditor", || {
        auditor.open(&filtered);
        auditor.text().contains("审计浏览器用例")
    });
    auditor.sees("No grant");
    auditor.fill("subject", &examples.buyer_id_number);
    auditor.press("Search");
    eventually("another subject's list", || !auditor.text().contains("审计浏览器用例"));
    auditor.open(&filtered);
    let record = auditor.first_link("/audit/01");
    auditor.open(&record);
    auditor.sees("The subject is sealed to the auditor's key.");
    auditor.sees_no(&examples.seller_id_number);
    auditor.go("Open the sealed subject");
    auditor.sees(&examples.seller_id_number);
    auditor.is_quiet();

    let clerk = browser.tab(city, "civil-affairs");
    clerk.sign_in(city, "civil-affairs", "clerk1");
    clerk.sees_no("Access audit");
    clerk.open(&record);
    clerk.sees("Your role may not do this.");
    clerk.sees_no(&examples.seller_id_number);
}

#[test]
fn an_operator_sees_the_cluster_renew_itself() {
    let (city, browser) = (City::shared(), Browser::start());
    let tab = browser.tab(city, "civil-affairs");
    tab.sign_in(city, "civil-affairs", "admin1");
    tab.open("/cluster");
    tab.sees("Leader");
    let hint = || tab.text().split_once("Updated ").map(|(_, rest)| rest.chars().take(19).collect::<String>());
    let first = hint().expect("a time");
    eventually("the page renews its part", || hint().is_some_and(|now| now != first));
    tab.open("/ledger");
    tab.sees("Checkpoint");
    tab.open("/catalog");
    tab.fill("q", "户籍");
    tab.press("Search");
    tab.sees("Household registration");
    eventually("the address keeps the search", || tab.path().contains("q=%E6%88%B7%E7%B1%8D"));
    tab.is_quiet();
}
