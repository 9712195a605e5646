//! Every page of the portal as its reader meets it: nothing for axe-core to find, in any language, light or width.
//!
//! The list below is held against the portal's own list of routes: a page that nobody looks at fails a test.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::eyes::LOOKS;
use crate::harness::{Caller, City, Examples, eventually};

/// The portal's list.
pub const ROUTES: &str = include_str!("../../src/web/portal/routes.rs");

/// Nobody signed in.
pub const NOBODY: &str = "";

/// Route, department, user, and an address of it; `{}` stands for what [`things`] made for the route.
pub const VISITS: &[(&str, &str, &str, &str)] = &[
    ("/sign-in", "tax", NOBODY, "/sign-in"),
    ("/verify", "tax", NOBODY, "/verify"),
    ("/progress", "tax", NOBODY, "/progress"),
    ("/account", "planning-resources", "reviewer1", "/account"),
    ("/admin", "data-bureau", "admin1", "/admin"),
    ("/admin/accounts/{user}", "data-bureau", "admin1", "/admin/accounts/clerk1"),
    ("/admin/tokens", "data-bureau", "admin1", "/admin/tokens"),
    ("/admin/settings", "data-bureau", "admin1", "/admin/settings"),
    ("/admin/log", "data-bureau", "admin1", "/admin/log"),
    ("/verify/{identifier}", "tax", NOBODY, "{}"),
    ("/", "planning-resources", "reviewer1", "/"),
    ("/", "planning-resources", "clerk1", "/"),
    ("/catalog", "planning-resources", "clerk1", "/catalog"),
    ("/catalog", "planning-resources", "clerk1", "/catalog?q=%E6%88%B7%E7%B1%8D"),
    ("/catalog/classes", "planning-resources", "clerk1", "/catalog/classes"),
    ("/catalog/{provider}/{name}", "planning-resources", "clerk1", "/catalog/public-security/household-registration"),
    (
        "/catalog/{provider}/{name}/diff",
        "planning-resources",
        "clerk1",
        "/catalog/housing/sale-contract/diff?from=1.0&to=1.0",
    ),
    ("/drafts", "housing", "clerk1", "/drafts"),
    ("/drafts/new", "housing", "clerk1", "/drafts/new"),
    ("/drafts/{name}", "housing", "clerk1", "/drafts/sale-contract"),
    ("/drafts/{name}/edit", "housing", "clerk1", "/drafts/sale-contract/edit"),
    ("/grants", "planning-resources", "clerk1", "/grants"),
    ("/grants/new", "planning-resources", "clerk1", "/grants/new?entry=transport/parking-bay-status"),
    ("/grants/templates", "planning-resources", "clerk1", "/grants/templates"),
    ("/grants/{id}", "planning-resources", "reviewer1", "{}"),
    ("/query", "planning-resources", "clerk1", "/query?entry=public-security/household-registration"),
    ("/cases", "planning-resources", "clerk1", "/cases"),
    ("/cases/new", "planning-resources", "clerk1", "/cases/new?workflow=real-estate-transfer"),
    ("/cases/{id}", "planning-resources", "clerk1", "{}"),
    ("/cases/{id}", "housing", "reviewer1", "{open}"),
    ("/cases/{id}/slip", "planning-resources", "clerk1", "{}"),
    ("/workflows", "planning-resources", "reviewer1", "/workflows"),
    ("/certificates/{identifier}", "planning-resources", "reviewer1", "{}"),
    ("/audit", "audit", "auditor1", "/audit"),
    ("/audit", "audit", "auditor1", "/audit?subject=34052419800101001X"),
    ("/audit/numbers", "audit", "auditor1", "/audit/numbers"),
    ("/certificates", "housing", "clerk1", "/certificates"),
    ("/certificates/types", "housing", "reviewer1", "/certificates/types"),
    ("/certificates/new", "housing", "clerk1", "/certificates/new?type=rental-filing"),
    ("/certificates/prepared/{id}", "housing", "reviewer1", "{}"),
    ("/audit/findings", "audit", "auditor1", "/audit/findings"),
    ("/audit/{access_id}", "audit", "auditor1", "{}"),
    ("/ledger", "audit", "auditor1", "/ledger"),
    ("/ledger/blocks", "audit", "auditor1", "/ledger/blocks"),
    ("/ledger/blocks/{height}", "audit", "auditor1", "/ledger/blocks/1"),
    ("/ledger/transactions", "audit", "auditor1", "/ledger/transactions"),
    ("/ledger/transactions/{which}", "audit", "auditor1", "/ledger/transactions/1"),
    ("/ledger/transactions/{which}/verify", "audit", "auditor1", "/ledger/transactions/1/verify"),
    ("/cluster", "data-bureau", "admin1", "/cluster"),
    ("/policy", "data-bureau", "admin1", "/policy"),
    ("/policy/explain", "data-bureau", "admin1", "/policy/explain"),
    (
        "/policy/explain",
        "planning-resources",
        "clerk1",
        "/policy/explain?entry=tax/taxpayer-registration&purpose=statistics&role=clerk",
    ),
    ("/keys", "data-bureau", "admin1", "/keys"),
];

/// What answers with a file, or leads elsewhere.
const NO_PAGES: &[&str] = &[
    "/events",
    "/audit/export",
    "/sign-in/code",
    "/account/second-factor",
    "/admin/log/export",
    "/ledger/find",
    "/ledger/checkpoint",
    "/ledger/trust",
    "/ledger/transactions/{which}/receipt",
    "/certificates/{identifier}/credential",
    "/certificates/{identifier}/paper",
    "/verify/{identifier}/receipt",
];

/// The address of a visit.
pub fn address<'a>(things: &'a BTreeMap<&str, String>, visit: &'a (&str, &str, &str, &str)) -> &'a str {
    match visit.3 {
        "{}" => &things[visit.0],
        named if named.starts_with('{') => &things[named],
        address => address,
    }
}

/// What a draft takes over of an entry in force.
const ENTRY: &[&str] = &[
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
    "sharing_reason",
    "open",
    "update_cycle",
    "issue_date",
    "related_codes",
    "subject",
    "items",
    "request_schema",
    "response_schema",
];

#[test]
fn no_page_is_left_out() {
    let of = |line: &'static str| line.trim().strip_prefix(".route(\"")?.split_once('"');
    let routes = ROUTES.lines().filter_map(of).filter(|(_, rest)| rest.contains("web::get()"));
    let routes: BTreeSet<&str> = routes.map(|(path, _)| path).collect();
    let known: BTreeSet<&str> = VISITS.iter().map(|visit| visit.0).chain(NO_PAGES.iter().copied()).collect();
    assert!(routes.len() > 30);
    assert_eq!(routes.difference(&known).collect::<Vec<_>>(), [&""; 0], "pages that nobody looks at");
    assert_eq!(known.difference(&routes).collect::<Vec<_>>(), [&""; 0], "pages that are gone");
}

/// An entry in force as the draft of another version.
pub fn draft_of(clerk: &Caller, entry: &str, version: &str) -> Value {
    let shown = clerk.get(&format!("catalog/entries/{entry}")).ok();
    let mut draft = json!({"name": entry, "version": version});
    for member in ENTRY {
        if !shown[*member].is_null() {
            draft[*member] = shown[*member].clone();
        }
    }
    draft
}

/// A draft, a grant, a case, a licence and an access, so that there is something to see; addresses by their routes.
pub fn things(city: &City) -> BTreeMap<&'static str, String> {
    let clerk = city.person("housing", "clerk1");
    clerk.post("catalog/entries", &draft_of(&clerk, "housing/sale-contract", "1.7")).ok();

    let entry = "public-security/household-registration";
    let examples = Examples::get();
    let call = json!({"purpose": "marriage-registration", "cause": "页面检查", "params": {"id_number": examples.seller_id_number}});
    city.query("civil-affairs", entry, &call).problem(403, "no_grant");
    let access = || {
        let page = city.person("audit", "auditor1").get("audit/accesses?decision=refused").ok();
        page["items"][0]["access_id"].as_str().map(str::to_owned)
    };
    eventually("the access comes to the auditor", || access().is_some());

    let grants = city.person("planning-resources", "reviewer1").get("grants").ok();
    let (case, open) = (case(city), case(city));
    let seen = format!("cases/{}?min_index={}", open["id"].as_str().unwrap(), open["ledger_index"]);
    city.person("housing", "reviewer1").get(&seen).ok();
    let licence = licence(city, &case);
    let fields = json!({"address": "西城区百万庄北里14号", "landlord": "周明远", "lease_from": "2026-12-01", "lease_until": "2027-11-30"});
    let holder = json!({"code": examples.buyer_id_number, "name": "沈若溪"});
    let preparing = json!({"type": "rental-filing", "operation": "new", "holder": holder, "fields": fields});
    let prepared = clerk.post("certificate-preparations", &preparing).ok();
    BTreeMap::from([
        ("/grants/{id}", format!("/grants/{}", grants["items"][0]["id"].as_str().unwrap())),
        ("/audit/{access_id}", format!("/audit/{}", access().unwrap())),
        ("/cases/{id}", format!("/cases/{}", case["id"].as_str().unwrap())),
        ("/cases/{id}/slip", format!("/cases/{}/slip", case["id"].as_str().unwrap())),
        ("{open}", format!("/cases/{}", open["id"].as_str().unwrap())),
        ("/certificates/{identifier}", format!("/certificates/{licence}")),
        ("/certificates/prepared/{id}", format!("/certificates/prepared/{}", prepared["id"].as_str().unwrap())),
        ("/verify/{identifier}", format!("/verify/{licence}")),
    ])
}

fn case(city: &City) -> Value {
    let examples = Examples::get();
    let params = json!({
        "seller_id_number": examples.seller_id_number,
        "buyer_id_number": examples.buyer_id_number,
        "unit_number": examples.unit_number,
    });
    let body = json!({"workflow": "real-estate-transfer", "params": params});
    city.person("planning-resources", "clerk1").post("cases", &body).ok()
}

/// A case that every department agreed to, whose licence is still to be issued; answers its id.
pub fn agreed_case(city: &City) -> String {
    let case = case(city);
    signed_off(city, &case);
    case["id"].as_str().unwrap().to_owned()
}

/// Signs the case off and issues its licence; answers the identifier.
fn licence(city: &City, case: &Value) -> String {
    let id = case["id"].as_str().unwrap();
    signed_off(city, case);
    let issued =
        city.person("planning-resources", "reviewer1").post(&format!("cases/{id}/certificate"), &json!({})).ok();
    let identifier = issued["identifier"].as_str().unwrap();
    let seen = format!("certificates/{identifier}?min_index={}", issued["ledger_index"]);
    city.system("tax").get(&seen).ok();
    identifier.to_owned()
}

/// Signs the case off, and waits until its owner knows.
fn signed_off(city: &City, case: &Value) {
    let id = case["id"].as_str().unwrap();
    let mut index = case["ledger_index"].clone();
    for (department, step) in [("housing", "contract-review"), ("tax", "tax-review")] {
        let reviewer = city.person(department, "reviewer1");
        reviewer.get(&format!("cases/{id}?min_index={index}")).ok();
        let word = json!({"agreed": true, "note": "已核对"});
        index = reviewer.post(&format!("cases/{id}/steps/{step}/sign-off"), &word).ok()["ledger_index"].clone();
    }
    city.person("planning-resources", "reviewer1").get(&format!("cases/{id}?min_index={index}")).ok();
}

#[test]
fn every_page_is_for_everybody() {
    let city = City::shared();
    let things = things(city);
    let readers: BTreeSet<(&str, &str)> = VISITS.iter().map(|visit| (visit.1, visit.2)).collect();
    let mut faults = Vec::new();
    for (department, user) in readers {
        let browser = Browser::start();
        let tab = browser.tab(city, department).with_axe();
        if user != NOBODY {
            tab.sign_in(city, department, user);
        }
        for visit in VISITS.iter().filter(|visit| (visit.1, visit.2) == (department, user)) {
            let (route, address) = (visit.0, address(&things, visit));
            for look in LOOKS {
                let found = tab.faults(address, look);
                assert_eq!(
                    tab.path().split(['?', '&']).next(),
                    address.split('?').next(),
                    "{route}: another page came"
                );
                faults.extend(found.into_iter().map(|fault| format!("{route} as {user}, {look:?}: {fault}")));
            }
        }
        tab.is_quiet();
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
