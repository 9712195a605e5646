//! Administration.

use super::{EVIL, ID, choices, page, s, two};
use crate::domain::Role;
use crate::readmodel::local::ActKind;
use crate::web::portal::views::admin::{
    AccountPage, AccountRow, Accounts, ActRow, Log, Secret, Section, SettingRow, Settings, SettingsFields, SourceRow,
    TokenRow, Tokens,
};
use crate::web::portal::views::{Choice, Fault, Faults, Page, User};
use crate::web::portal::words::{Lang, Words};

fn admin(lang: Lang, path: &str) -> Page {
    Page { user: Some(User { name: s("admin1"), roles: vec![Role::Admin] }), ..page(lang, path) }
}

fn row() -> AccountRow {
    AccountRow {
        user: s("li.na"),
        display: s(EVIL),
        roles: s("x"),
        created: s("2026-11-21 09:00:00"),
        state: "locked",
        when: s("2026-11-21 10:15:30"),
        has_second_factor: true,
        own: false,
    }
}

fn roles(lang: Lang) -> Vec<Choice> {
    let label = Words::of(lang).word("role", "clerk");
    vec![Choice { value: s("clerk"), label, chosen: true }]
}

fn acts() -> Vec<ActRow> {
    let one = ActRow {
        id: 7,
        at: s("2026-11-21 10:15:30"),
        kind: s("sign_in_failed"),
        user: s(EVIL),
        from: s("10.1.2.3"),
        subject: s("zhao"),
        detail: s(EVIL),
        is_transaction: false,
    };
    vec![ActRow { kind: s("keys_rotated"), detail: s(ID), is_transaction: true, from: s(""), ..one.clone() }, one]
}

pub fn accounts(lang: Lang) -> Accounts {
    let own = AccountRow { user: s("admin1"), state: "active", own: true, ..row() };
    Accounts {
        page: admin(lang, "/admin"),
        t: Words::of(lang),
        rows: vec![own, row()],
        roles: roles(lang),
        user: s(EVIL),
        display: s(EVIL),
        faults: Faults(vec![Fault { field: s("user"), message: Words::of(lang).fault("user", "user_taken") }]),
    }
}

pub fn account(lang: Lang) -> AccountPage {
    let page = admin(lang, "/admin/accounts/li.na");
    AccountPage { page, t: Words::of(lang), account: row(), roles: roles(lang), acts: acts() }
}

pub fn secret(lang: Lang) -> Secret {
    let page = admin(lang, "/admin");
    Secret { page, t: Words::of(lang), kind: "password", of: s(EVIL), secret: s("kT9xWq2mZr7pNv4c"), back: "/admin" }
}

pub fn tokens(lang: Lang) -> Tokens {
    let token = TokenRow {
        id: 3,
        system: s(EVIL),
        state: "active",
        created: s("2026-11-21 09:00:00"),
        expires: s("2027-11-21 09:00:00"),
        entries: vec![s("tax/deed-tax-payment")],
        sources: vec![s("10.1.2.3")],
        submits: true,
        used: s("2026-11-21 10:15:30 · 10.1.2.3"),
        alarm: s("2026-11-21 10:15:30 · 10.9.9.9"),
        newest: true,
    };
    let older = TokenRow { id: 2, state: "expired", newest: false, entries: vec![], used: s(""), ..token.clone() };
    Tokens {
        page: admin(lang, "/admin/tokens"),
        t: Words::of(lang),
        rows: vec![token, older],
        entries: choices(lang),
        system: s(EVIL),
        days: s(""),
        chosen_entries: s(EVIL),
        sources: s(EVIL),
        faults: Faults(vec![Fault { field: s("sources"), message: Words::of(lang).fault("actions", "bad_address") }]),
    }
}

pub fn settings(lang: Lang) -> Settings {
    let row = SettingRow { code: "second_factor", value: Words::of(lang).word("factor", "required") };
    let source = SourceRow {
        entry: s("tax/deed-tax-payment"),
        title: two(lang, "契税缴纳信息", "Deed tax"),
        sort: "sqlite",
        state: "resting",
        failures: 5,
        answered: s(""),
    };
    Settings {
        page: admin(lang, "/admin/settings"),
        t: Words::of(lang),
        fields: SettingsFields {
            version: s("3"),
            second_factor: s("required"),
            rules: vec!["required"],
            idle: s(EVIL),
            age: s("480"),
            language: s("zh"),
            desk_zh: s(EVIL),
            telephone: s(EVIL),
            notice_zh: s(EVIL),
            notice_en: s(EVIL),
            notice_until: s("2026-12-31"),
            ..SettingsFields::default()
        },
        changed_at: s("2026-11-21 10:15:30"),
        changed_by: s(EVIL),
        faults: Faults(vec![Fault {
            field: s("notice_zh"),
            message: Words::of(lang).fault("setting-notice_zh", "too_long"),
        }]),
        sections: vec![Section { code: "sign_in", file: s(EVIL), rows: vec![row] }],
        sources: vec![source],
    }
}

pub fn log(lang: Lang) -> Log {
    Log {
        page: admin(lang, "/admin/log"),
        t: Words::of(lang),
        kinds: ActKind::WORDS,
        kind: s("signed_in"),
        about: s(EVIL),
        from: s("2026-11-01"),
        to: s(""),
        rows: acts(),
        csv_href: s("/admin/log/export"),
        first_href: None,
        next_href: Some(s("/admin/log?cursor=x")),
    }
}
