//! Grants and queries.

use super::{ENTRY, EVIL, ID, page, s, two};
use crate::web::portal::views::grant_templates::{GrantTemplates, Part, TemplateCard, TemplateResult};
use crate::web::portal::views::grants::{
    ApprovalFields, Approved, AskedItem, BoundsFields, Decided, GrantFields, GrantItem, GrantPage, GrantRequestForm,
    GrantRow, GrantStep, Grants, Side, Weekday,
};
use crate::web::portal::views::query::{QueryForm, QueryPage, QueryResult};
use crate::web::portal::views::{Choice, Fault, Faults, Field};
use crate::web::portal::words::{Lang, Words};

pub fn grants(lang: Lang) -> Grants {
    let row = |state: &str, expires_soon| GrantRow {
        id: s(ID),
        entry: s(ENTRY),
        entry_title: two(lang, "户籍登记信息", "Household registration"),
        partner: two(lang, "公安局", "Public Security"),
        purpose: s("marriage-registration"),
        purpose_name: two(lang, "婚姻登记", "Marriage registration"),
        matter: s(EVIL),
        state: s(state),
        requested_at: s("2026-11-20 15:00:00"),
        valid_until: s("2026-12-31"),
        expires_soon,
        decide_by: s("2026-12-04"),
        overdue: state == "requested",
    };
    Grants {
        page: page(lang, "/grants"),
        t: Words::of(lang),
        side: s("asked_by_us"),
        authority: true,
        state: s(""),
        rows: vec![
            row("requested", false),
            row("active", true),
            row("denied", false),
            row("revoked", false),
            row("expired", false),
        ],
        ledger_index: 1284,
        first_href: Some(s("/grants")),
        next_href: Some(s("/grants?cursor=x")),
    }
}

fn asked(lang: Lang) -> Vec<AskedItem> {
    let item = |name: &str, zh: &str, en: &str, grade, masking: &str| AskedItem {
        name: s(name),
        title: two(lang, zh, en),
        grade,
        sensitive: grade > 2,
        masking: s(masking),
        until: if grade > 1 { s("2026-12-01") } else { s("") },
        chosen: grade > 1,
    };
    vec![
        item("name", "姓名", "Name", 3, "name"),
        item("id_number", "公民身份号码", "ID number", 3, "id_number"),
        item("household_type", "户别", "Household type", 1, "none"),
    ]
}

pub fn grant_request(lang: Lang) -> GrantRequestForm {
    GrantRequestForm {
        page: page(lang, "/grants/new"),
        t: Words::of(lang),
        entry: s(ENTRY),
        version: s("1.0"),
        entry_title: two(lang, "户籍登记信息", "Household registration"),
        provider: two(lang, "公安局", "Public Security"),
        sharing: s("conditional"),
        sharing_condition: s(EVIL),
        items: asked(lang),
        purposes: purposes(lang),
        asked: GrantFields {
            purpose: s("marriage-registration"),
            mode: s("query"),
            daily_max: s("500"),
            valid_until: s("2026-12-31"),
            bounds: bounds(),
            ..GrantFields::default()
        },
        members: vec![
            Choice { value: s("tax"), label: s(EVIL), chosen: true },
            Choice { value: s("housing"), label: two(lang, "住房城乡建设委", "Housing"), chosen: false },
        ],
        replaces: s(ID),
        faults: Faults(vec![Fault {
            field: s("legal_basis"),
            message: Words::of(lang).fault("legal-basis", "required"),
        }]),
    }
}

pub fn grant(lang: Lang) -> GrantPage {
    let item = |name: &str, zh: &str, en: &str, allowed: Option<&str>| GrantItem {
        name: s(name),
        title: two(lang, zh, en),
        grade: 3,
        sensitive: true,
        asked: true,
        asked_until: s("2026-12-31"),
        allowed: allowed.map(s),
        allowed_until: s("2026-12-01"),
    };
    GrantPage {
        page: page(lang, "/grants/x"),
        t: Words::of(lang),
        id: s(ID),
        entry: s(ENTRY),
        entry_title: two(lang, "户籍登记信息", "Household registration"),
        version: s("1.0"),
        consumer: two(lang, "民政局", "Civil Affairs"),
        provider: two(lang, "公安局", "Public Security"),
        members: vec![s(EVIL), two(lang, "税务局", "Tax")],
        state: s("requested"),
        requested_by: s("li.na"),
        requested_at: s("2026-11-20 15:00:00"),
        purpose: s("marriage-registration"),
        purpose_name: two(lang, "婚姻登记", "Marriage registration"),
        legal_basis: two(lang, "《婚姻登记条例》第七条", "Marriage Registration Regulations, article 7"),
        matter: s(EVIL),
        mode: s("query"),
        purpose_text: s(EVIL),
        legal_clause: two(lang, "第二款", "paragraph 2"),
        letter: "ab".repeat(32),
        assessment: s("PIA-2026-17"),
        system: s(EVIL),
        sides: vec![Side { label: Words::of(lang).say("network-zone"), asked: s("gov-extranet"), allowed: s(EVIL) }],
        items: vec![
            item("name", "姓名", "Name", Some("name")),
            item("address", "户籍地址", "Registered address", None),
        ],
        daily_max: 500,
        valid_until: s("2026-12-31"),
        approved: Some(Approved { daily_max: 300, valid_until: s("2026-12-31") }),
        decision: Some(Decided { by: s("wang.fang"), at: s("2026-11-20 17:00:00"), reason: s(EVIL), index: 1190 }),
        first: Some(Decided { by: s(EVIL), at: s("2026-11-20 16:00:00"), reason: s(""), index: 1189 }),
        decide_by: s("2026-12-04 23:59:59"),
        overdue: true,
        replaces: s(ID),
        replaced_by: s(ID),
        steps: vec![GrantStep {
            kind: s("grant.extend"),
            by: s("wang.fang"),
            department: two(lang, "公安局", "Public Security"),
            at: s("2026-11-20 15:30:00"),
            reason: s(EVIL),
            index: 1188,
        }],
        may_decide: true,
        own: true,
        own_first: true,
        may_renew: true,
        acts: vec!["extend", "deny", "suspend", "resume", "revoke", "appeal", "uphold", "dismiss"],
        approval: ApprovalFields {
            items: asked(lang),
            daily_max: s("500"),
            valid_until: s("2026-12-31"),
            bounds: bounds(),
        },
        faults: Faults::default(),
    }
}

pub fn templates(lang: Lang) -> GrantTemplates {
    let part = Part {
        entry: s(ENTRY),
        title: two(lang, "户籍登记信息", "Household registration"),
        items: s("id_number, name"),
        mode: s("query"),
        daily_max: 500,
    };
    GrantTemplates {
        page: page(lang, "/grants/templates"),
        t: Words::of(lang),
        may_ask: true,
        cards: vec![TemplateCard {
            code: s("social-assistance"),
            title: two(lang, "社会救助审核", "Social assistance review"),
            purpose: s("social-assistance"),
            purpose_text: s(EVIL),
            legal_basis: two(lang, "《社会救助暂行办法》", "Interim Measures for Social Assistance"),
            matter: s(EVIL),
            valid_until: s("2027-05-20"),
            parts: vec![part],
        }],
        results: vec![
            TemplateResult { title: s(EVIL), id: s(ID), why: s("") },
            TemplateResult { title: s(EVIL), id: s(""), why: s(EVIL) },
        ],
        faults: Faults::default(),
    }
}

pub fn query(lang: Lang) -> QueryPage {
    let result = QueryResult {
        t: Words::of(lang),
        decision: s("refused"),
        reasons: vec![s("purpose_mismatch"), s("item_not_granted")],
        detail: s(EVIL),
        rule: s("conditional-needs-active-grant"),
        grant_id: s(ID),
        access_id: s(ID),
        ledger_index: 1284,
        entry: s(ENTRY),
        ..QueryResult::default()
    };
    let form = QueryForm {
        entry: s(ENTRY),
        entry_title: two(lang, "户籍登记信息", "Household registration"),
        sharing: s("conditional"),
        purposes: purposes(lang),
        purpose: s("loans"),
        cause: s(EVIL),
        case_id: s(""),
        params: vec![Field {
            name: s("id_number"),
            label: two(lang, "公民身份号码", "ID number"),
            hint: s(""),
            value: s("34052419800101001X"),
            required: true,
        }],
        items: vec![
            Choice { value: s("name"), label: two(lang, "姓名", "Name"), chosen: true },
            Choice { value: s("address"), label: two(lang, "户籍地址", "Registered address"), chosen: true },
        ],
    };
    QueryPage {
        page: page(lang, "/query"),
        t: Words::of(lang),
        entries: vec![Choice {
            value: s(ENTRY),
            label: two(lang, "户籍登记信息", "Household registration"),
            chosen: true,
        }],
        form: Some(form),
        faults: Faults::default(),
        result: Some(result),
    }
}

fn bounds() -> BoundsFields {
    let day = |number: u8| Weekday { number: number.to_string(), chosen: number < 6 };
    BoundsFields { weekdays: (1..8).map(day).collect(), scope: s(EVIL), ..BoundsFields::default() }
}

fn purposes(lang: Lang) -> Vec<Choice> {
    vec![Choice {
        value: s("marriage-registration"),
        label: two(lang, "婚姻登记", "Marriage registration"),
        chosen: false,
    }]
}
