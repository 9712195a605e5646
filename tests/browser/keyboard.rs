//! Without a mouse: every page can be walked through by Tab, one sees where one is, and forms are filled in and sent.

use serde_json::Value;

use crate::browser::Browser;
use crate::harness::{City, Examples};
use crate::tab::Tab;

/// More than any form of the portal has fields.
const STEPS_MAX: usize = 400;

/// What has the focus: name, id or text; and whether it can be seen that it has.
fn focused(tab: &Tab<'_>) -> (String, bool) {
    let line = "(() => { const one = document.activeElement; const style = getComputedStyle(one); const box = one.getBoundingClientRect(); \
        return [one === document.body ? 'body' : one.name || one.id || one.textContent.trim().slice(0, 40), \
        style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 1 && box.bottom > 0 && box.top < innerHeight]; })()";
    let told = tab.ask(line).unwrap_or_default();
    (told[0].as_str().unwrap_or_default().to_owned(), told[1] == Value::Bool(true))
}

/// Presses Tab until a field has the focus; fails when it never gets it.
#[track_caller]
fn tab_to(tab: &Tab<'_>, name: &str) {
    for _ in 0..STEPS_MAX {
        tab.key("Tab");
        if focused(tab).0 == name {
            return;
        }
    }
    panic!("Tab does not lead to {name} at {}", tab.path());
}

#[test]
fn a_clerk_signs_in_and_queries_by_the_keyboard_alone() {
    let (city, browser) = (City::shared(), Browser::start());
    let tab = browser.tab(city, "planning-resources");
    tab.open("/sign-in?lang=en");
    tab.key("Tab");
    assert_eq!(
        focused(&tab),
        ("Skip to the main content".to_owned(), true),
        "the first stop leads past the navigation"
    );
    tab.key("Enter");
    assert_eq!(focused(&tab).0, "main");
    tab_to(&tab, "user");
    tab.keys("clerk1");
    tab_to(&tab, "password");
    tab.keys(city.password("planning-resources", "clerk1"));
    tab.key("Enter");
    tab.sees("Welcome, clerk1");

    tab.open("/query?entry=public-security/household-registration");
    tab_to(&tab, "param-id_number");
    tab.keys(&Examples::get().seller_id_number);
    tab_to(&tab, "purpose");
    tab.keys("real-estate-transfer");
    tab_to(&tab, "cause");
    tab.keys("keyboard story");
    tab.key("Enter");
    tab.sees("Allowed");
    tab.is_quiet();
}

#[test]
fn nothing_holds_the_focus_and_nothing_hides_it() {
    let (city, browser) = (City::shared(), Browser::start());
    let tab = browser.tab(city, "planning-resources");
    tab.sign_in(city, "planning-resources", "clerk1");
    for path in [
        "/",
        "/catalog",
        "/drafts/new",
        "/grants/new?entry=transport/parking-bay-status",
        "/cases/new?workflow=real-estate-transfer",
    ] {
        tab.open(path);
        let mut seen = Vec::new();
        while seen.len() < STEPS_MAX {
            tab.key("Tab");
            let (name, is_visible) = focused(&tab);
            if name == "body" || (seen.len() > 3 && seen.first() == Some(&name)) {
                break;
            }
            assert!(is_visible, "{path}: one does not see that {name} has the focus, after {seen:?}");
            seen.push(name);
        }
        assert!((8..STEPS_MAX).contains(&seen.len()), "{path}: the walk by Tab ends nowhere: {seen:?}");
    }
}
