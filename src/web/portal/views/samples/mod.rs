//! One filled view a page, for tests and for looking at.

mod account;
mod admin;
mod audit;
mod cases;
mod catalog;
mod certificates;
mod grants;
mod keys;
mod ledger;
mod policy;

use askama::Template;

use crate::domain::Role;
use crate::web::portal::views::entrance::{ErrorPage, SignIn};
use crate::web::portal::views::grants::GrantPage;
use crate::web::portal::views::home::{Home, HomeBody, Sent, Strip, Task, Waiting};
use crate::web::portal::views::{Choice, Contact, Fault, Faults, Flash, Page, User};
use crate::web::portal::words::{Lang, Words};

/// What nobody may run.
pub const EVIL: &str = "<script>alert(1)</script>\" onclick=\"x";
const ID: &str = "019aa5c2-7c1e-7d3a-9f00-2b7c1d9e4a11";
const DIGEST: &str = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
const ENTRY: &str = "public-security/household-registration";
const LICENCE: &str = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";

/// Every page, by name.
pub fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let all: Vec<(&'static str, Result<String, askama::Error>)> = vec![
        ("sign_in", sign_in(lang).render()),
        ("sign_in_code", account::code(lang).render()),
        ("account", account::account(lang).render()),
        ("account_new", account::account_new(lang).render()),
        ("second_factor", account::second_factor(lang).render()),
        ("recovery_codes", account::recovery_codes(lang).render()),
        ("admin_accounts", admin::accounts(lang).render()),
        ("admin_account", admin::account(lang).render()),
        ("admin_secret", admin::secret(lang).render()),
        ("admin_tokens", admin::tokens(lang).render()),
        ("admin_settings", admin::settings(lang).render()),
        ("admin_log", admin::log(lang).render()),
        ("error", error(lang).render()),
        ("home", home(lang).render()),
        ("catalog", catalog::catalog(lang).render()),
        ("entry", catalog::entry(lang).render()),
        ("entry_diff", catalog::diff(lang).render()),
        ("classes", catalog::classes(lang).render()),
        ("drafts", catalog::drafts(lang).render()),
        ("draft", catalog::draft(lang).render()),
        ("import", catalog::import(lang).render()),
        ("draft_form", catalog::draft_form(lang).render()),
        ("grants", grants::grants(lang).render()),
        ("grant_request", grants::grant_request(lang).render()),
        ("grant_templates", grants::templates(lang).render()),
        ("grant", grants::grant(lang).render()),
        (
            "grant_active",
            GrantPage { state: "active".into(), may_decide: false, acts: vec!["revoke"], ..grants::grant(lang) }
                .render(),
        ),
        ("cases", cases::cases(lang).render()),
        ("workflows", cases::workflows(lang).render()),
        ("case_start", cases::case_start(lang).render()),
        ("case", cases::case(lang).render()),
        ("case_slip", cases::slip(lang).render()),
        ("progress", cases::progress(lang).render()),
        ("certificates", certificates::certificates(lang).render()),
        ("certificate", certificates::certificate(lang).render()),
        ("certificate_new", certificates::certificate_form(lang).render()),
        ("certificate_prepared", certificates::prepared(lang).render()),
        ("certificate_types", certificates::types(lang).render()),
        ("verify", certificates::verify(lang).render()),
        ("query", grants::query(lang).render()),
        ("audit", audit::audit(lang).render()),
        ("audit_numbers", audit::numbers(lang).render()),
        ("access", audit::access(lang).render()),
        ("policy", policy::policy(lang).render()),
        ("policy_explain", policy::explain(lang).render()),
        ("findings", audit::findings(lang).render()),
        ("finding", audit::finding(lang).render()),
        ("ledger", ledger::ledger(lang).render()),
        ("ledger_young", ledger::ledger_young(lang).render()),
        ("blocks", ledger::blocks(lang).render()),
        ("block", ledger::block(lang).render()),
        ("transactions", ledger::transactions(lang).render()),
        ("transaction", ledger::transaction(lang).render()),
        ("verification", ledger::verification(lang).render()),
        ("verification_failed", ledger::verification_failed(lang).render()),
        ("cluster", audit::cluster(lang).render()),
        ("keys", keys::keys(lang).render()),
    ];
    all.into_iter().map(|(name, html)| (name, html.unwrap())).collect()
}

fn s(text: &str) -> String {
    text.to_owned()
}

fn two(lang: Lang, zh: &str, en: &str) -> String {
    s(match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}

fn page(lang: Lang, path: &str) -> Page {
    Page {
        lang,
        department: two(lang, "民政局", "Civil Affairs"),
        city: two(lang, "滨河市", "Binhe"),
        user: Some(User { name: s("li.na"), roles: vec![Role::Clerk, Role::Reviewer, Role::Auditor] }),
        csrf: s("c5rf-t0ken"),
        path: s(path),
        flashes: Vec::new(),
        notice: Some(s(EVIL)),
        contact: Some(Contact { desk: s(EVIL), telephone: s(EVIL), hours: s(EVIL) }),
    }
}

fn sign_in(lang: Lang) -> SignIn {
    let faults = Faults(vec![Fault { field: s("user"), message: Words::of(lang).word("problem", "wrong_password") }]);
    SignIn {
        page: Page { user: None, ..page(lang, "/sign-in") },
        t: Words::of(lang),
        user: s(EVIL),
        next: s("/"),
        faults,
    }
}

fn error(lang: Lang) -> ErrorPage {
    ErrorPage {
        page: page(lang, "/grants/x"),
        t: Words::of(lang),
        status: 403,
        code: s("refused"),
        title: s(EVIL),
        detail: s(EVIL),
        reasons: vec![s("own_request")],
        request_id: s(ID),
    }
}

fn home(lang: Lang) -> Home {
    let chip = |kind, count: &str, current| Waiting { kind, count: s(count), href: format!("/?show={kind}"), current };
    let task = |kind, zh, en, detail: &str, href: &str| Task {
        kind,
        title: two(lang, zh, en),
        detail: s(detail),
        time: s("2026-11-21 09:12:40"),
        lasts: Words::of(lang).say_count("lasts-days", "count", 3),
        href: s(href),
        since: 0,
    };
    let body = HomeBody {
        t: Words::of(lang),
        findings: 2,
        may_audit: true,
        waiting: vec![chip("all", "3", true), chip("drafts", "1", false), chip("grants", "200+", false)],
        tasks: vec![
            task("grants", "住建局申请“婚姻登记信息”", "Housing asks for Marriage registration", EVIL, "/grants/x"),
            task(
                "drafts",
                "婚姻登记信息 1.1",
                "Marriage registration 1.1",
                "zhang.wei",
                "/drafts/marriage-registration",
            ),
            task("sign_offs", "不动产转移登记", "Real estate transfer", "planning-resources", "/cases/x"),
        ],
        more: 4,
        sent: vec![Sent {
            kind: "grant",
            state: s("overdue"),
            title: two(lang, "户籍登记信息", "Household registration"),
            detail: s(EVIL),
            lasts: Words::of(lang).say("lasts-today"),
            href: s("/grants/y"),
            since: 0,
        }],
        strip: Strip { proposed: 0, committed: 1284, projected: 1284, time: s("2026-11-21 10:15:30") },
    };
    Home {
        page: Page {
            flashes: vec![Flash {
                kind: "done",
                text: Words::of(lang).word("flash", "grant_requested"),
                transaction: Some(s(ID)),
            }],
            ..page(lang, "/")
        },
        t: Words::of(lang),
        begin: vec![("/cases", "begin-case")],
        body,
    }
}

fn choices(lang: Lang) -> Vec<Choice> {
    vec![
        Choice { value: s("public-security"), label: two(lang, "公安局", "Public Security"), chosen: true },
        Choice { value: s("civil-affairs"), label: two(lang, "民政局", "Civil Affairs"), chosen: false },
    ]
}
