//! Every form of every page, in a browser that runs no scripts: it can be read, filled in and sent.
//!
//! What a form promises is held against the portal's own list of routes, both ways: no form leads nowhere, and no route
//! waits for a form that nobody ever sees.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{City, Wish};
use crate::pages::{NOBODY, ROUTES, VISITS, address, agreed_case, draft_of, things};
use crate::tab::Tab;

/// Looks at every form of a page as a person without scripts does.
const FORMS: &str = r#"(() => {
    const named = (field) => field.labels?.length > 0 && [...field.labels].some((label) => label.textContent.trim())
        || field.getAttribute('aria-label')?.trim()
        || field.getAttribute('aria-labelledby')?.split(' ').some((id) => document.getElementById(id)?.textContent.trim());
    const forms = [...document.forms].map((form) => {
        const all = [...form.elements].filter((one) => one.tagName !== 'FIELDSET' && one.tagName !== 'OUTPUT');
        const fields = all.filter((one) => one.tagName !== 'BUTTON' && one.type !== 'hidden');
        const faults = [];
        const add = (fault, of) => faults.push(`${fault} (${of.map((one) => one.name || one.type).join(', ')})`);
        const unnamed = fields.filter((one) => !named(one));
        if (unnamed.length) add('fields without a label', unnamed);
        const nameless = fields.filter((one) => !one.name);
        if (nameless.length) add('fields without a name', nameless);
        const off = all.filter((one) => one.disabled || one.readOnly);
        if (off.length) add('fields that wait for a script', off);
        const submits = all.filter((one) => one.type === 'submit' && (one.textContent.trim() || one.value));
        if (!submits.length) faults.push('no button that sends it');
        if (all.some((one) => one.type === 'button')) faults.push('a button that only a script answers');
        if (fields.some((one) => one.type === 'file') && form.enctype !== 'multipart/form-data') faults.push('its file is not sent');
        const post = form.getAttribute('method')?.toLowerCase() === 'post';
        if (post && !form.querySelector('input[name=csrf][type=hidden]')?.value) faults.push('no token against forgery');
        if (!post && form.querySelector('input[name=csrf]')) faults.push('its token would stand in the address');
        const action = form.getAttribute('action') ?? '';
        for (const [by, method] of [['hx-post', true], ['hx-get', false]]) {
            const address = form.getAttribute(by);
            if (address !== null && (method !== post || address !== action)) faults.push(`${by} goes elsewhere`);
        }
        return { method: post ? 'post' : 'get', action, faults };
    });
    const stray = [...document.querySelectorAll('button, input, select, textarea')].filter((one) => !one.form);
    const dead = [...document.querySelectorAll('a')].filter((one) => !one.getAttribute('href') || /^(#$|javascript:)/.test(one.getAttribute('href')));
    const asked = stray.concat(dead).map((one) => one.outerHTML.slice(0, 80));
    return { forms, stray: asked };
})()"#;

/// Forms of moments that a city at rest does not have: a code that is asked for, a case that waits for data, rules that
/// wait for their second signature, files that differ from the ledger. Stories of their own fill them in.
const ELSEWHERE: &[&str] = &[
    "/account/second-factor/confirm",
    "/account/second-factor/remove",
    "/admin/accounts/{user}/second-factor",
    "/cases/{id}/resubmit",
    "/cases/{id}/retry",
    "/certificates/types/{name}/publish",
    "/policy/proposals/{id}/confirm",
    "/policy/proposals/{id}/reject",
    "/policy/rollback",
    "/sign-in/code",
    "/workflows/{name}/publish",
];

#[derive(Deserialize)]
struct Form {
    method: String,
    action: String,
    faults: Vec<String>,
}

#[derive(Deserialize)]
struct Seen {
    forms: Vec<Form>,
    stray: Vec<String>,
}

/// Method and path of every route.
fn routes() -> BTreeSet<(&'static str, &'static str)> {
    let of = |line: &'static str| {
        let (path, rest) = line.trim().strip_prefix(".route(\"")?.split_once('"')?;
        Some((if rest.contains("web::post()") { "post" } else { "get" }, path))
    };
    ROUTES.lines().filter_map(of).collect()
}

/// The route that answers a form.
fn route(method: &str, action: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = action.split(['?', '#']).next()?.split('/').collect();
    let fits = |path: &str| {
        let wanted: Vec<&str> = path.split('/').collect();
        let same = |(want, have): (&&str, &&str)| if want.starts_with('{') { !have.is_empty() } else { want == have };
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(same)
    };
    // An address without a parameter is preferred, as the server does.
    let mut found: Vec<_> = routes().into_iter().filter(|(of, path)| *of == method && fits(path)).collect();
    found.sort_by_key(|(_, path)| path.matches('{').count());
    found.first().copied()
}

fn look(tab: &Tab<'_>) -> Seen {
    tab.ask(FORMS).and_then(|seen| serde_json::from_value(seen).ok()).expect("a page with its forms")
}

/// Says something on a grant, at a node that knows what was said before.
fn say(city: &City, (department, user): (&str, &str), grant: &mut Value, act: &str, body: &Value) {
    let (who, id) = (city.person(department, user), grant["id"].as_str().unwrap().to_owned());
    who.get(&format!("grants/{id}?min_index={}", grant["ledger_index"])).ok();
    let said = who.post(&format!("grants/{id}/{act}"), body).ok();
    grant["ledger_index"] = said["ledger_index"].clone();
}

/// A grant in each state in which somebody may say something on it: by whom it is read, and its address.
fn grants(city: &City) -> Vec<Visit> {
    let entry = "tax/deed-tax-payment";
    let items = city.system("transport").get(&format!("catalog/entries/{entry}")).ok()["items"].clone();
    let wish = Wish { consumer: "transport", entry, purpose: "data-quality", items: &[], ..Wish::default() };
    let (provider, consumer, authority) = (("tax", "reviewer1"), ("transport", "clerk1"), ("data-bureau", "reviewer1"));
    let because = json!({"reason": "表单检查"});
    let made = |matter: &str, steps: &[(&str, (&str, &str))], reader: (&'static str, &'static str)| {
        let mut body = wish.body();
        body["items"] = json!([items[0]["name"]]);
        body["matter"] = json!(matter);
        let mut grant = city.person("transport", "clerk1").post("grants", &body).ok();
        for (act, who) in steps {
            let said = if *act == "approve" { json!({}) } else { because.clone() };
            say(city, *who, &mut grant, act, &said);
        }
        let id = grant["id"].as_str().unwrap();
        city.person(reader.0, reader.1).get(&format!("grants/{id}?min_index={}", grant["ledger_index"])).ok();
        (reader.0, reader.1, format!("/grants/{id}"))
    };
    vec![
        made("待审批", &[], provider),
        made("被拒绝", &[("deny", provider)], consumer),
        made("已申诉", &[("deny", provider), ("appeal", consumer)], authority),
        made("已生效", &[("approve", provider)], provider),
        made("待续期", &[("approve", provider)], consumer),
        made("已暂停", &[("approve", provider), ("suspend", provider)], provider),
    ]
}

/// Department, reader and address.
type Visit = (&'static str, &'static str, String);

/// Pages in states that the list of pages does not have.
fn states(city: &City) -> Vec<Visit> {
    let tax = city.person("tax", "clerk1");
    tax.post("catalog/entries", &draft_of(&tax, "tax/deed-tax-payment", "1.7")).ok();
    tax.post("catalog/entries/tax/deed-tax-payment/submit", &json!({})).ok();
    let admin = city.person("tax", "admin1");
    for user in ["form.resting", "form.locked"] {
        admin.post("accounts", &json!({"user": user, "roles": ["clerk"]})).ok();
    }
    admin.post("accounts/form.resting/disable", &json!({})).ok();
    let wrong = json!({"user": "form.locked", "password": "wrong"});
    let is_locked = (0..20).any(|_| city.anonymous("tax").post("sessions", &wrong).status == 429);
    assert!(is_locked, "failures lock an account");
    let agreed = format!("/cases/{}", agreed_case(city));
    let mut visits = grants(city);
    visits.extend([
        ("tax", "reviewer1", "/drafts/deed-tax-payment".to_owned()),
        ("tax", "reviewer1", "/catalog/tax/deed-tax-payment".to_owned()),
        ("tax", "admin1", "/admin/accounts/form.resting".to_owned()),
        ("tax", "admin1", "/admin/accounts/form.locked".to_owned()),
        ("planning-resources", "reviewer1", agreed.clone()),
        ("planning-resources", "clerk1", agreed),
    ]);
    visits
}

#[test]
fn every_form_of_every_page_works_without_scripts() {
    let city = City::shared();
    let things = things(city);
    let mut visits: Vec<Visit> = states(city);
    visits.extend(VISITS.iter().map(|visit| (visit.1, visit.2, address(&things, visit).to_owned())));
    let readers: BTreeSet<(&str, &str)> = visits.iter().map(|visit| (visit.0, visit.1)).collect();
    let (mut faults, mut met) = (Vec::new(), BTreeMap::<_, usize>::new());
    for (department, user) in readers {
        let browser = Browser::start();
        let tab = browser.tab(city, department).without_scripts();
        if user != NOBODY {
            tab.sign_in(city, department, user);
        }
        for (_, _, at) in visits.iter().filter(|visit| (visit.0, visit.1) == (department, user)) {
            for lang in ["zh", "en"] {
                tab.open(&format!("{at}{}lang={lang}", if at.contains('?') { '&' } else { '?' }));
                let seen = look(&tab);
                faults.extend(seen.stray.iter().map(|one| format!("{at}: outside of forms: {one}")));
                for form in seen.forms {
                    let of = format!("{at} ({lang}): {} {}", form.method, form.action);
                    faults.extend(form.faults.iter().map(|fault| format!("{of}: {fault}")));
                    match route(&form.method, &form.action) {
                        Some(known) => *met.entry(known).or_default() += 1,
                        None => faults.push(format!("{of}: no route answers it")),
                    }
                }
            }
        }
        tab.is_quiet();
    }
    let posts = routes().into_iter().filter(|(method, _)| *method == "post");
    let unmet: BTreeSet<&str> = posts.filter(|known| !met.contains_key(known)).map(|(_, path)| path).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().copied().collect();
    faults.extend(unmet.difference(&elsewhere).map(|path| format!("{path}: no page has a form for it")));
    faults.extend(elsewhere.difference(&unmet).map(|path| format!("{path}: its form is here after all")));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(met.len() > 30, "only {} forms were met", met.len());
}

#[test]
fn forms_are_held_against_the_routes() {
    assert_eq!(route("post", "/grants/0190/approve"), Some(("post", "/grants/{id}/approve")));
    assert_eq!(route("get", "/catalog/classes?class=x"), Some(("get", "/catalog/classes")));
    assert_eq!(route("post", "/grants/0190/forget"), None);
    assert_eq!(route("post", "/grants//approve"), None);
}
