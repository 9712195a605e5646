//! Every form works in a browser that runs no scripts.

use crate::browser::Browser;
use crate::harness::{City, Examples};

#[test]
fn the_rules_are_tried_without_scripts_and_nothing_is_recorded() {
    let (city, browser) = (City::shared(), Browser::start());
    let clerk = browser.tab(city, "civil-affairs").without_scripts();
    clerk.sign_in(city, "civil-affairs", "clerk1");
    clerk.open("/policy/explain");
    clerk.fill("entry", "public-security/vehicle-registration");
    clerk.fill("purpose", "school-enrolment");
    clerk.go("Try");
    clerk.sees("Refused");
    clerk.sees("Your department has no grant for this entry.");
    clerk.sees("It would be allowed if grant: none → active Ask for the grant");
    clerk.fill("role", "auditor");
    clerk.go("Try");
    clerk.sees("role_not_allowed");
    clerk.go("中文");
    clerk.sees("规则所依据的事实");
    clerk.fill("items", "No Item");
    clerk.go("试判");
    clerk.sees("信息项：");
    // Who may use an entry stands on its page, for everybody.
    clerk.open("/catalog/public-security/household-registration?lang=en");
    clerk.sees("Who may use it");
    clerk.sees("Planning and Natural Resources Commission Real-estate transfer registration");
    clerk.is_quiet();
}

/// Whether the ID number is marked as wrong, and by which words.
const DESCRIBED: &str = r#"(() => {
    const field = document.getElementById('param-id_number');
    const words = field.getAttribute('aria-describedby').split(' ').filter((id) => id.endsWith('-fault'));
    return [field.getAttribute('aria-invalid'), document.getElementById(words[0]).textContent];
})()"#;

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
    // The key of a group of the classification is Chinese, its name on an English page is not.
    clerk.open("/catalog");
    clerk.sees("Base data");
    clerk.open("/catalog?class=%E5%9F%BA%E7%A1%80%E4%BF%A1%E6%81%AF%E8%B5%84%E6%BA%90");
    clerk.sees("Classification: Base data");
    // A typing error is told at its field, in the clerk's own language.
    clerk.open("/query?entry=public-security/household-registration&lang=zh");
    let good = &Examples::get().seller_id_number;
    let mistyped = format!("{}{}", &good[..17], if good.ends_with('X') { '9' } else { 'X' });
    clerk.fill("param-id_number", &mistyped);
    clerk.fill("purpose", "real-estate-transfer");
    clerk.fill("cause", "无脚本浏览器用例");
    clerk.go("查询");
    clerk.sees("公民身份号码：不是有效的公民身份号码：校验码不符，请与原件核对。");
    let described = clerk.ask(DESCRIBED).expect("the field and what describes it");
    assert_eq!(
        described,
        serde_json::json!(["true", "公民身份号码：不是有效的公民身份号码：校验码不符，请与原件核对。"])
    );
    clerk.open("/query?entry=public-security/household-registration&lang=en");
    clerk.fill("param-id_number", good);
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
