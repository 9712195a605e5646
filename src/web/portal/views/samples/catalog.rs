//! The catalog and its drafts.

use super::{ENTRY, EVIL, ID, choices, page, s, two};
use crate::web::portal::views::catalog::{
    Catalog, CatalogResults, ChangeRow, ClassRow, Classes, DiffPage, Ending, EntryBody, EntryPage, EntryRow, FacetLink,
    FacetRow, ItemRow, ParameterRow, Part, PlaceRow, RelatedRow, UserRow, VersionRow,
};
use crate::web::portal::views::drafts::{DraftFields, DraftForm, DraftPage, DraftRow, Drafts, ImportPage, ImportRow};
use crate::web::portal::views::{Fault, Faults};
use crate::web::portal::words::{Lang, Words};

pub fn catalog(lang: Lang) -> Catalog {
    let row = |title: String, id: &str, state: &str, sharing: &str, grade| EntryRow {
        id: s(id),
        title: vec![Part { text: title, hit: false }, Part { text: s(EVIL), hit: true }],
        summary: vec![Part {
            text: two(
                lang,
                "户籍人口的姓名、身份号码、户籍地址和户别，用于核验申请人身份和家庭关系。",
                "Name, ID number, address and household type of registered residents, to verify applicants.",
            ),
            hit: false,
        }],
        provider: two(lang, "公安局", "Public Security"),
        version: s("1.0"),
        state: s(state),
        sharing: s(sharing),
        level: s("interface"),
        grade,
        updated: s("2026-11-20"),
    };
    let rows = vec![
        row(two(lang, "户籍登记信息", "Household registration"), ENTRY, "published", "conditional", 3),
        row(
            two(lang, "停车泊位状态", "Parking bay status"),
            "transport/parking-bay-status",
            "published",
            "unconditional",
            1,
        ),
        row(s(EVIL), "health/medical-record-summary", "deprecated", "not_shared", 4),
    ];
    Catalog {
        page: page(lang, "/catalog?q=%E6%88%B7%E7%B1%8D"),
        t: Words::of(lang),
        q: two(lang, "户籍", "household"),
        providers: choices(lang),
        sharing: s("conditional"),
        state: s(""),
        level: s(""),
        classes: vec![("class", s(EVIL), s(EVIL))],
        results: CatalogResults {
            t: Words::of(lang),
            rows,
            total: Some(3),
            facets: vec![FacetRow {
                label: "sharing",
                values: vec![FacetLink {
                    label: s(EVIL),
                    entries: 2,
                    href: s("/catalog?sharing=conditional"),
                    chosen: true,
                }],
            }],
            ledger_index: 1284,
            first_href: None,
            next_href: Some(s("/catalog?cursor=a&q=b")),
        },
    }
}

fn place(level: &str) -> PlaceRow {
    PlaceRow { id: s(ENTRY), title: s(EVIL), level: s(level), state: s("published") }
}

fn changes() -> Vec<ChangeRow> {
    let row = |kind: &str, breaking: &str| ChangeRow {
        label: s(EVIL),
        pointer: s("/items/name/length"),
        kind: s(kind),
        before: s(EVIL),
        after: s("40"),
        breaking: s(breaking),
    };
    vec![row("changed", "item_widened"), row("added", "")]
}

pub fn diff(lang: Lang) -> DiffPage {
    DiffPage {
        page: page(lang, "/catalog/public-security/household-registration/diff?to=2.0"),
        t: Words::of(lang),
        id: s(ENTRY),
        title: s(EVIL),
        from: s("1.0"),
        to: s("2.0"),
        versions: vec![s("2.0"), s("1.0")],
        breaking: true,
        rows: changes(),
    }
}

pub fn classes(lang: Lang) -> Classes {
    Classes {
        page: page(lang, "/catalog/classes?class=a"),
        t: Words::of(lang),
        above: vec![(s(EVIL), s("/catalog/classes"))],
        name: s(EVIL),
        entries_href: s("/catalog?class=a"),
        groups: vec![ClassRow { name: s(EVIL), href: s("/catalog/classes?class=a&category=b"), entries: 3 }],
    }
}

fn body(lang: Lang) -> EntryBody {
    let item = |name: &str, zh: &str, en: &str, grade, masking: &str| ItemRow {
        name: s(name),
        title: two(lang, zh, en),
        kind: s("string"),
        length: 40,
        sensitive: grade > 2,
        grade,
        masking: s(masking),
        code_table: s(""),
        range: s(EVIL),
        sharing: s(if grade > 2 { "not_shared" } else { "" }),
        sharing_condition: s(EVIL),
    };
    EntryBody {
        id: s(ENTRY),
        title: two(lang, "户籍登记信息", "Household registration"),
        summary: s(EVIL),
        version: s("1.0"),
        state: s("published"),
        level: s("interface"),
        code: s("1010010001/000001"),
        classification: two(
            lang,
            "基础信息资源 / 人口 / 户籍 / 户籍登记",
            "Base / population / household / registration",
        ),
        provider: two(lang, "公安局", "Public Security"),
        provider_code: s("11110000000021135M"),
        duty: two(lang, "《户口登记条例》第三条", "Household Registration Regulations, article 3"),
        format: s("database / sqlite"),
        sharing: s("conditional"),
        sharing_condition: two(lang, "用于依申请办理的政务服务事项", "For public services on application"),
        means: s("platform"),
        open: false,
        open_condition: s(EVIL),
        update_cycle: s("real_time"),
        issue_date: s("2026-01-31"),
        related: vec![
            RelatedRow { code: s("1010010002/000003"), entry: Some(place("duty")) },
            RelatedRow { code: s("1010010002/000004"), entry: None },
        ],
        above: vec![place("duty"), place("data")],
        below: vec![place("interface")],
        subject: s("id_number"),
        items: vec![
            item("name", "姓名", "Name", 3, "name"),
            item("id_number", "公民身份号码", "ID number", 3, "id_number"),
            item("address", "户籍地址", "Registered address", 2, "address"),
            item("household_type", "户别", "Household type", 1, "none"),
        ],
        parameters: vec![ParameterRow {
            name: s("id_number"),
            description: two(lang, "公民身份号码", "ID number"),
            kind: s("id_number"),
            required: true,
        }],
        request_schema: s("{\n  \"type\": \"object\"\n}"),
        response_schema: s("{\n  \"type\": \"object\"\n}"),
    }
}

pub fn entry(lang: Lang) -> EntryPage {
    let version = |version: &str, shown| VersionRow {
        version: s(version),
        at: s("2026-11-20 16:02:11"),
        drafted_by: s("zhang.wei"),
        approved_by: s("wang.fang"),
        transaction: s(ID),
        index: 14,
        shown,
        comparable: shown,
    };
    EntryPage {
        page: page(lang, "/catalog/public-security/household-registration"),
        t: Words::of(lang),
        entry: body(lang),
        ending: Some(Ending { reason: s(EVIL), successor: Some(s(ENTRY)), at: s("2026-11-21 10:00:00") }),
        versions: vec![version("1.0", true), version("0.9", false)],
        users: vec![UserRow {
            grant: s(ID),
            consumer: two(lang, "民政局", "Civil Affairs"),
            purpose: s("marriage-registration"),
            purpose_name: two(lang, "婚姻登记", "Marriage registration"),
            items: s(EVIL),
            until: s("2027-12-31"),
        }],
        more_users: true,
        may_request: true,
        may_query: true,
        may_change: true,
        may_end: true,
    }
}

fn draft_row(lang: Lang) -> DraftRow {
    DraftRow {
        name: s("marriage-registration"),
        title: two(lang, "婚姻登记信息", "Marriage registration"),
        version: s("1.1"),
        state: s("under_review"),
        drafted_by: s("zhang.wei"),
        updated: s("2026-11-21 09:12:40"),
        note: s(EVIL),
        may_edit: true,
        may_submit: true,
        may_review: true,
    }
}

pub fn drafts(lang: Lang) -> Drafts {
    let rows = vec![draft_row(lang)];
    Drafts {
        page: page(lang, "/drafts"),
        t: Words::of(lang),
        rows,
        any: true,
        q: s(EVIL),
        state: s("under_review"),
        first_href: Some(s("/drafts?q=x")),
        next_href: Some(s("/drafts?q=x&cursor=30")),
        may_create: true,
        may_submit: true,
        may_review: true,
    }
}

pub fn import(lang: Lang) -> ImportPage {
    let row = |fate, faults: &[&str]| ImportRow {
        name: s(EVIL),
        row: 2,
        fate,
        faults: faults.iter().map(|fault| s(fault)).collect(),
    };
    ImportPage {
        page: page(lang, "/drafts"),
        t: Words::of(lang),
        rows: vec![row("created", &[]), row("failed", &[EVIL])],
        failed: 1,
        marked: Some(s("data:application/x;base64,AAAA")),
    }
}

pub fn draft(lang: Lang) -> DraftPage {
    DraftPage {
        page: page(lang, "/drafts/marriage-registration"),
        t: Words::of(lang),
        draft: draft_row(lang),
        entry: body(lang),
        changes: changes(),
        unknown_codes: vec![s(EVIL)],
        own: true,
    }
}

pub fn draft_form(lang: Lang) -> DraftForm {
    let pairs = [
        ("name", "marriage-registration"),
        ("title_zh", EVIL),
        ("item-0-name", "name"),
        ("item-0-grade", "3"),
        ("item-0-masking", "name"),
        ("param-0-name", "id_number"),
    ];
    let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (s(key), s(value))).collect();
    DraftForm {
        page: page(lang, "/drafts/new"),
        t: Words::of(lang),
        action: s("/drafts"),
        new: true,
        categories: choices(lang),
        types: choices(lang),
        tables: choices(lang),
        draft: DraftFields::read(&pairs).with_more_rows(),
        faults: Faults(vec![Fault { field: s("version"), message: Words::of(lang).fault("version", "bad_version") }]),
    }
}
