//! Cases in the browser: a home changes hands while a provider is down for a while, and two departments answer a citizen.

use serde_json::Value;

use crate::browser::Browser;
use crate::harness::{City, Examples, eventually};
use crate::tab::Tab;

/// Signs somebody in, in Chinese.
fn chinese<'a>(browser: &'a Browser, city: &City, department: &str, user: &str) -> Tab<'a> {
    let tab = browser.tab(city, department);
    tab.open("/sign-in?lang=zh");
    tab.fill("user", user);
    tab.fill("password", city.password(department, user));
    tab.go("登录");
    tab.sees(&format!("{user}，您好"));
    tab
}

/// Opens a case at another node, as soon as that knows it.
fn follow(tab: &Tab<'_>, case: &str, text: &str) {
    eventually("another node shows the case", || {
        tab.open(case);
        tab.text().contains(text)
    });
}

/// The accesses by which a case's data came, by pull.
fn accesses(city: &City, case: &str) -> Vec<(String, Value)> {
    let id = case.trim_start_matches("/cases/");
    let shown = city.person("planning-resources", "clerk2").get(&format!("cases/{id}")).ok();
    let papers = shown["papers"].as_array().unwrap();
    papers.iter().map(|paper| (paper["name"].to_string(), paper["access_id"].clone())).collect()
}

#[test]
fn a_home_changes_hands_in_chinese_while_tax_is_down_for_a_while() {
    let city = City::at_rest_with("public-security,civil-affairs,planning-resources,housing,tax", 3);
    city.start_all();
    let (browser, other) = (Browser::start(), Browser::start());
    let examples = Examples::get();
    let clerk = chinese(&browser, &city, "planning-resources", "clerk1");
    city.stop("tax");

    clerk.open("/cases");
    clerk.go("新办：不动产转移登记");
    clerk.fill("param-seller_id_number", &examples.seller_id_number);
    clerk.fill("param-buyer_id_number", &examples.buyer_id_number);
    clerk.fill("param-unit_number", &examples.unit_number);
    clerk.go("受理并调取数据");
    clerk.sees("部分数据尚未调取");
    let case = clerk.path();
    for text in ["等待数据", "契税完税", "提供方节点暂时无法连接", "重新调取"] {
        clerk.sees(text);
    }
    let before = accesses(&city, &case);
    assert_eq!(before.len(), 6, "all but the deed tax: {before:?}");
    clerk.go("重新调取");
    clerk.sees("提供方节点暂时无法连接");

    city.start("tax");
    city.wait_ready("tax");
    eventually("the case goes on", || {
        clerk.open(&case);
        if clerk.text().contains("重新调取") {
            clerk.go("重新调取");
        }
        clerk.text().contains("会签中")
    });
    let after = accesses(&city, &case);
    assert_eq!(after.len(), 7);
    assert!(before.iter().all(|access| after.contains(access)), "nothing was asked twice: {before:?} {after:?}");
    clerk.is_quiet();

    for (department, step) in [("housing", "核对合同备案"), ("tax", "核对契税完税")] {
        let signer = chinese(&browser, &city, department, "reviewer1");
        follow(&signer, &case, step);
        signer.tick("agreed", "yes");
        signer.go("提交会签意见");
        signer.sees("会签意见已提交");
        signer.is_quiet();
    }
    let reviewer = chinese(&other, &city, "planning-resources", "reviewer1");
    follow(&reviewer, &case, "会签完成");
    reviewer.go("签发电子证照");
    reviewer.sees("电子证照已签发");
    reviewer.is_quiet();

    follow(&clerk, &case, "总用时");
    for text in ["已办结", "用时", "办理过程", "受理后", "告知申请人", &examples.unit_number] {
        clerk.sees(text);
    }
    clerk.go("已告知申请人");
    clerk.sees("已登记");
    clerk.is_quiet();
}

#[test]
fn two_departments_answer_a_citizen_in_english() {
    let city = City::of_demo("government-services,transport,urban-management");
    let (browser, other) = (Browser::start(), Browser::start());
    let clerk = browser.tab(&city, "government-services");
    clerk.sign_in(&city, "government-services", "clerk1");
    clerk.open("/cases");
    clerk.go("Start: Hotline request 12345");
    clerk.fill("param-id_number", &Examples::get().seller_id_number);
    clerk.fill("param-request_number", "H2026-900000");
    clerk.fill("param-first_department", "transport");
    clerk.fill("param-second_department", "urban-management");
    clerk.go("Open the case and pull the data");
    clerk.sees("The case is open and its data pulled.");
    let case = clerk.path();

    let answers = [("transport", "Patrols begin tonight at ten."), ("urban-management", "Collection moves to six.")];
    for (department, answer) in answers {
        let signer = browser.tab(&city, department);
        signer.sign_in(&city, department, "reviewer1");
        follow(&signer, &case, "Sign off");
        signer.tick("agreed", "yes");
        signer.fill("fact-text", answer);
        signer.go("Sign off");
        signer.sees("Your department's word is given.");
        signer.is_quiet();
    }
    let desk = other.tab(&city, "government-services");
    desk.sign_in(&city, "government-services", "reviewer1");
    follow(&desk, &case, answers[1].1);
    desk.sees(answers[0].1);
    desk.tick("agreed", "yes");
    desk.fill("fact-text", "Both departments act as of tonight.");
    desk.go("Sign off");
    desk.sees("Your department's word is given.");

    follow(&clerk, &case, "End the case");
    clerk.go("End the case");
    clerk.sees("Thank you for calling.");
    clerk.sees("Completed");
    clerk.is_quiet();
}

#[test]
fn a_slip_of_the_pen_is_corrected_and_the_applicant_follows_the_case_without_account() {
    let city = City::shared();
    let (browser, other) = (Browser::start(), Browser::start());
    let examples = Examples::get();
    let clerk = browser.tab(city, "planning-resources");
    clerk.sign_in(city, "planning-resources", "clerk1");
    clerk.open("/cases/new?workflow=real-estate-transfer");
    clerk.fill("param-seller_id_number", "34052419800101001X");
    clerk.fill("param-buyer_id_number", &examples.buyer_id_number);
    clerk.fill("param-unit_number", &examples.unit_number);
    clerk.go("Open the case and pull the data");
    clerk.sees("Waiting for data");
    let case = clerk.path();

    clerk.press("Correct the application");
    clerk.fill("param-seller_id_number", "340524198001010010");
    clerk.fill("resubmit-note", "The seller's number was mistyped");
    clerk.go("Correct it and pull again");
    clerk.sees("Please correct the following");
    clerk.fill("param-seller_id_number", &examples.seller_id_number);
    clerk.go("Correct it and pull again");
    clerk.sees("The application is corrected and its data pulled again.");
    clerk.sees("(before: 34052419800101001X)");
    clerk.sees("In progress");

    clerk.go("Print the acceptance slip");
    clerk.sees("Acceptance slip");
    let slip = city.person("planning-resources", "clerk1").get(&format!("{}/slip", case.trim_start_matches('/'))).ok();
    let (number, code) = (slip["number"].as_str().unwrap(), slip["code"].as_str().unwrap());
    clerk.sees(number);
    clerk.sees(code);
    clerk.is_quiet();

    let applicant = other.tab(city, "planning-resources");
    applicant.open(&format!("/progress?number={number}&lang=en"));
    applicant.fill("code", "aaaa-aaaa-aaaa");
    applicant.go("Show");
    applicant.sees("does not belong to this number");
    applicant.fill("code", code);
    applicant.go("Show");
    for text in ["In progress", "Check the filed contract", "What is awaited"] {
        applicant.sees(text);
    }
    applicant.sees_no(&examples.buyer_id_number);
    applicant.is_quiet();

    // The applicant is at the window again: the number leads to the case.
    clerk.open("/cases");
    clerk.fill("number", number);
    clerk.go("Filter");
    assert_eq!(clerk.path(), case);
    clerk.is_quiet();
}
