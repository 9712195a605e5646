//! Every form works in a browser that runs no scripts.

use crate::browser::Browser;
use crate::harness::{City, Examples};

#[test]
fn a_clerk_searches_and_queries_without_scripts() {
    let (city, browser) = (City::shared(), Browser::start());
    let clerk = browser.tab(city, "planning-resources").without_scripts();
    clerk.sign_in(city, "planning-resources", "clerk2");
    clerk.open("/catalog");
    clerk.fill("q", "户籍");
    clerk.go("Search");
    assert!(clerk.path().contains("q=%E6%88%B7%E7%B1%8D"), "{}", clerk.path());
    clerk.sees("Household registration");
    clerk.open("/query?entry=public-security/household-registration");
    clerk.fill("param-id_number", &Examples::get().seller_id_number);
    clerk.fill("purpose", "real-estate-transfer");
    clerk.fill("cause", "无脚本浏览器用例");
    clerk.go("Query");
    clerk.sees("Allowed");
    clerk.sees("周明远");
    clerk.fill("purpose", "statistics");
    clerk.go("Query");
    clerk.sees("purpose_mismatch");
    clerk.open("/");
    clerk.go("Sign out");
    clerk.sees("You are signed out.");
    clerk.open("/catalog");
    assert!(clerk.path().starts_with("/sign-in"), "{}", clerk.path());
    clerk.is_quiet();
}
