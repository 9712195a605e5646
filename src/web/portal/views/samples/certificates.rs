//! E-licences: the list, one, a form, what waits, types, and the public check.

use super::{DIGEST, EVIL, ID, LICENCE, page, s, two};
use crate::web::portal::views::certificate::{
    AnnotationRow, CertificateCard, CertificateForm, CertificatePage, CertificateRow, Certificates, CopyVerdict,
    PreparationRow, PreparedPage, StatusRow, TypeRow, TypesPage, Verified, VerifyPage,
};
use crate::web::portal::views::{Choice, Fault, Faults, Field, Page};
use crate::web::portal::words::{Lang, Words};

fn card(lang: Lang) -> CertificateCard {
    CertificateCard {
        identifier: s(LICENCE),
        type_name: two(lang, "不动产权证书", "Real estate title certificate"),
        issuer: two(lang, "规划和自然资源局", "Planning and Resources"),
        issued_at: s("2026-11-21 10:12:00"),
        valid_from: s("2026-11-21"),
        valid_to: s(""),
        status: s("valid"),
        fields: vec![
            (two(lang, "权利人", "Holder"), s("张*")),
            (two(lang, "坐落", "Location"), s(EVIL)),
            (two(lang, "不动产单元号", "Unit number"), s("110105001002GB00123F00010001")),
        ],
        document_digest: s(DIGEST),
        transaction: s(ID),
        index: 1283,
    }
}

pub fn certificate(lang: Lang) -> CertificatePage {
    CertificatePage {
        page: page(lang, "/certificates/x"),
        t: Words::of(lang),
        certificate: card(lang),
        case: Some(s(ID)),
        history: vec![StatusRow {
            status: s("valid"),
            reason: s(EVIL),
            by: s("li.na"),
            at: s("2026-11-21 10:12:00"),
            transaction: s(ID),
        }],
        predecessor: Some(s(LICENCE)),
        successor: Some(s(LICENCE)),
        annotations: vec![AnnotationRow {
            cause: s(EVIL),
            by: s("li.na"),
            at: s("2026-11-21 10:12:00"),
            expires: s(""),
        }],
        may_annotate: true,
        may_prepare: true,
        has_copies: true,
        next_statuses: vec![s("suspended"), s("revoked"), s("cancelled")],
        may_change: true,
        faults: Faults::default(),
    }
}

pub fn verify(lang: Lang) -> VerifyPage {
    let answer = Verified {
        verdict: "valid",
        certificate: Some(card(lang)),
        ledger_index: 1284,
        annotations: vec![s(EVIL)],
        successor: Some(s(LICENCE)),
        asked_at: s("2026-11-21 10:15:30"),
    };
    VerifyPage {
        page: Page { user: None, ..page(lang, "/verify") },
        t: Words::of(lang),
        identifier: s(EVIL),
        answer: Some(answer),
        copy: Some(CopyVerdict { code: s("copy_digest"), why: s(EVIL) }),
    }
}

fn preparation(lang: Lang) -> PreparationRow {
    PreparationRow {
        id: s(ID),
        type_name: two(lang, "居住证", "Residence permit"),
        operation: s("change"),
        holder: s(EVIL),
        prepared_by: s("li.na"),
        prepared_at: s("2026-11-21 10:12:00"),
    }
}

pub fn certificates(lang: Lang) -> Certificates {
    let kind = |chosen| Choice { value: s("residence"), label: two(lang, "居住证", "Residence permit"), chosen };
    let row = |status: &str| CertificateRow {
        identifier: s(LICENCE),
        type_name: two(lang, "不动产权证书", "Real estate title certificate"),
        issuer: two(lang, "规划和自然资源局", "Planning and Resources"),
        issued_at: s("2026-11-21 10:12:00"),
        valid_to: s(""),
        status: s(status),
    };
    Certificates {
        page: page(lang, "/certificates"),
        t: Words::of(lang),
        rows: ["valid", "suspended", "revoked", "cancelled", "lapsed", "transferred_out", "withdrawn", "other"]
            .map(row)
            .to_vec(),
        kinds: vec![kind(true)],
        statuses: vec![Choice { value: s("valid"), label: two(lang, "有效", "Valid"), chosen: true }],
        holder: s(EVIL),
        may_read: true,
        by_hand: vec![kind(false)],
        waiting: vec![preparation(lang)],
        first_href: None,
        next_href: None,
    }
}

pub fn certificate_form(lang: Lang) -> CertificateForm {
    CertificateForm {
        page: page(lang, "/certificates/new"),
        t: Words::of(lang),
        kind: s("residence"),
        type_name: two(lang, "居住证", "Residence permit"),
        operation: s("change"),
        predecessor: s(LICENCE),
        code_title: two(lang, "公民身份号码", "Citizen ID number"),
        holder_code: s(EVIL),
        holder_name: s(EVIL),
        fields: vec![Field {
            name: s("address"),
            label: two(lang, "住址", "Address"),
            hint: s(""),
            value: s(EVIL),
            required: true,
        }],
        faults: Faults(vec![Fault { field: s("holder_code"), message: s("x") }]),
    }
}

pub fn prepared(lang: Lang) -> PreparedPage {
    PreparedPage {
        page: page(lang, "/certificates/prepared/x"),
        t: Words::of(lang),
        row: preparation(lang),
        state: s("prepared"),
        predecessor: Some(s(LICENCE)),
        fields: vec![(two(lang, "住址", "Address"), s(EVIL))],
        identifier: Some(s(LICENCE)),
        may_issue: true,
        own: true,
    }
}

pub fn types(lang: Lang) -> TypesPage {
    let row = |version: &str, waiting: &str| TypeRow {
        name: s("residence"),
        title: two(lang, "居住证", "Residence permit"),
        department: two(lang, "公安局", "Public Security"),
        type_code: s("11110000000021135M001"),
        version: s(version),
        waiting: s(waiting),
        may_publish: !waiting.is_empty(),
    };
    TypesPage { page: page(lang, "/certificates/types"), t: Words::of(lang), rows: vec![row("1", ""), row("", "1")] }
}
