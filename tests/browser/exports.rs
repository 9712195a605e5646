//! The auditor's numbers and files: what one citizen's trace holds, taken out as a workbook and as CSV.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{City, Examples, eventually};

const ENTRY: &str = "public-security/household-registration";

#[test]
fn an_auditor_traces_one_citizen_and_takes_the_trace_out() {
    let (city, browser) = (City::shared(), Browser::start());
    let buyer = &Examples::get().buyer_id_number;
    let cause = "=1+1 导出用例";
    let call = json!({"purpose": "marriage-registration", "cause": cause, "params": {"id_number": buyer}});
    city.query("civil-affairs", ENTRY, &call).problem(403, "no_grant");

    let tab = browser.tab(city, "audit");
    tab.sign_in(city, "audit", "auditor1");
    let trace = format!("/audit?subject={buyer}&consumer=civil-affairs&decision=refused");
    eventually("the access comes to the auditor", || {
        tab.open(&trace);
        tab.text().contains("导出用例")
    });
    tab.sees("Who looked at this subject's data");
    tab.sees("Civil Affairs");
    let csv = tab.download(&tab.first_link("/audit/export?subject=").replace("format=xlsx", "format=csv"));
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("\u{feff}Time,"), "{csv}");
    assert!(csv.contains("'=1+1 导出用例"), "a spreadsheet would reckon with it: {csv}");
    assert!(!csv.contains(buyer.as_str()), "a subject stays sealed: {csv}");
    let book = tab.download(&tab.first_link("/audit/export?subject="));
    assert!(book.starts_with(b"PK"));

    // The same by the interface for programs; and in numbers.
    let auditor = city.person("audit", "auditor1");
    let told = auditor.get("audit/accesses.csv?consumer=civil-affairs&operator=nobody-of-this-name").text;
    assert_eq!(told.lines().count(), 1, "{told}");
    let summary = auditor.get("audit/summary").ok();
    let pairs = summary["pairs"].as_array().unwrap();
    let pair = |one: &&serde_json::Value| one["consumer"] == "civil-affairs" && one["provider"] == "public-security";
    assert!(pairs.iter().find(pair).is_some_and(|one| one["refused"].as_u64() >= Some(1)), "{summary}");
    assert!(summary["reasons"].to_string().contains("no_grant"), "{summary}");
    auditor.get("audit/summary?from=2026-11-21T00:00:00Z&to=2026-11-01T00:00:00Z").problem(400, "malformed");
    city.person("civil-affairs", "clerk1").get("audit/accesses.csv").problem(403, "role_not_allowed");

    tab.open("/audit/numbers");
    tab.sees("Why accesses were refused");
    tab.sees("no_grant");
    let pair = tab.first_link("/audit?consumer=civil-affairs&provider=public-security");
    tab.open(&pair);
    tab.sees("导出用例");
    tab.is_quiet();
}
