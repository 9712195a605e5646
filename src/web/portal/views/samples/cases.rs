//! Cases.

use super::{DIGEST, ENTRY, EVIL, ID, LICENCE, page, s, two};
use crate::web::portal::views::cases::{
    CaseField, CasePage, CaseRow, CaseStart, Cases, EventView, FormRow, Mark, MaterialView, ProblemView, RuleView,
    StepView, WorkflowRow, Workflows,
};
use crate::web::portal::views::progress::{Awaited, Progress, ProgressPage, ProgressRow, SlipPage};
use crate::web::portal::views::{Choice, Fault, Faults};
use crate::web::portal::words::{Lang, Words};

pub fn cases(lang: Lang) -> Cases {
    let row = |state: &str, waits_for_us| CaseRow {
        id: s(ID),
        title: two(lang, "不动产转移登记 2026-118", "Real estate transfer 2026-118"),
        number: s("20261121-0007"),
        owner: two(lang, "规划和自然资源局", "Planning and Resources"),
        opened_by: s(EVIL),
        opened_at: s("2026-11-21 09:00:00"),
        state: s(state),
        sign_offs: s("1 / 2"),
        waits_for_us,
        due: s("2026-12-31"),
        late: waits_for_us,
    };
    Cases {
        page: page(lang, "/cases"),
        t: Words::of(lang),
        rows: vec![row("in_progress", true), row("completed", false), row("rejected", false)],
        workflows: vec![Choice {
            value: s("real-estate-transfer"),
            label: two(lang, "不动产转移登记", "real estate transfer"),
            chosen: false,
        }],
        every_workflow: vec![Choice { value: s("real-estate-transfer"), label: s(EVIL), chosen: true }],
        which: s("waiting"),
        state: s("in_progress"),
        late: true,
        number: s(EVIL),
        first_href: None,
        next_href: None,
    }
}

pub fn workflows(lang: Lang) -> Workflows {
    let row = |version: Option<u32>, differs| WorkflowRow {
        name: s("real-estate-transfer"),
        title: s(EVIL),
        version,
        by: s("chen.jie"),
        at: s("2026-11-21 09:00:00"),
        differs,
    };
    Workflows {
        page: page(lang, "/workflows"),
        t: Words::of(lang),
        rows: vec![row(Some(2), false), row(Some(1), true), row(None, true)],
        may_publish: true,
    }
}

pub fn case_start(lang: Lang) -> CaseStart {
    let field = |name: &str, zh: &str, en: &str, value: &str| CaseField {
        name: s(name),
        label: two(lang, zh, en),
        value: s(value),
        required: true,
        kind: "text",
        ..CaseField::default()
    };
    let choice = Choice { value: s("yes"), label: s(EVIL), chosen: true };
    CaseStart {
        page: page(lang, "/cases/new"),
        t: Words::of(lang),
        workflow: s("real-estate-transfer"),
        workflow_title: two(lang, "不动产转移登记", "Real estate transfer"),
        summary: two(
            lang,
            "买卖双方一次申请，数据由部门间共享调取。",
            "One application of both parties; departments share the data.",
        ),
        fields: vec![
            field("seller", "转让方身份号码", "Seller's ID number", "34052419800101001X"),
            field("buyer", "受让方身份号码", "Buyer's ID number", ""),
            field("unit_number", "不动产单元号", "Real estate unit number", EVIL),
            CaseField { kind: "select", options: vec![choice], ..field("urgent", "加急", "Urgent", "yes") },
            CaseField { kind: "area", hint: s(EVIL), ..field("note", "说明", "Note", EVIL) },
        ],
        sources: vec![
            Choice { value: s(ENTRY), label: two(lang, "户籍登记信息", "Household registration"), chosen: true },
            Choice {
                value: s("tax/deed-tax-payment"),
                label: two(lang, "契税缴纳信息", "Deed tax payment"),
                chosen: false,
            },
        ],
        signers: vec![two(lang, "住房和城乡建设局", "Housing"), two(lang, "税务局", "Tax")],
        faults: Faults(vec![Fault { field: s("param-buyer"), message: Words::of(lang).fault("subject", "bad_value") }]),
    }
}

pub fn case(lang: Lang) -> CasePage {
    let mark = |zh: &str, en: &str, state, detail: &str| Mark { label: two(lang, zh, en), state, detail: s(detail) };
    let step = |step: &str, zh: &str, en: &str, state: &'static str, may_sign| StepView {
        step: s(step),
        title: two(lang, zh, en),
        department: two(lang, "住房和城乡建设局", "Housing"),
        kind: if may_sign { "payment" } else { "sign_off" },
        state,
        user: s(EVIL),
        after: s(EVIL),
        by: s(if may_sign { "" } else { "chen.jie" }),
        at: s(if may_sign { "" } else { "2026-11-21 09:40:00" }),
        took: s("40 min"),
        due: s("2026-11-26"),
        late: may_sign,
        note: s(if may_sign { "" } else { EVIL }),
        index: (!may_sign).then_some(1201),
        fact: vec![(s("amount_yuan"), s(EVIL))],
        fact_digest: s(DIGEST),
        fact_fits: !may_sign,
        fact_missing: s(if may_sign { "" } else { EVIL }),
        fact_fields: vec![
            CaseField { name: s("amount_yuan"), label: s("yuan"), kind: "number", ..CaseField::default() },
            CaseField { name: s("text"), label: s("text"), kind: "area", ..CaseField::default() },
        ],
        agreed: s(if may_sign { "no" } else { "" }),
        said: s(EVIL),
        may_sign,
        may_assign: may_sign,
        may_delegate: true,
    };
    let material = |zh: &str, en: &str, held| MaterialView {
        entry: s(ENTRY),
        title: two(lang, zh, en),
        provider: two(lang, "公安局", "Public Security"),
        access_id: s(ID),
        digest: s(DIGEST),
        took: s("1.2 s"),
        held,
        columns: vec![
            two(lang, "姓名", "Name"),
            two(lang, "公民身份号码", "ID number"),
            two(lang, "户籍地址", "Address"),
        ],
        rows: vec![vec![s("张*"), s("340524********001X"), s(EVIL)]],
    };
    CasePage {
        page: page(lang, "/cases/x"),
        t: Words::of(lang),
        id: s(ID),
        number: s("20261121-0001"),
        title: two(lang, "不动产转移登记 2026-118", "Real estate transfer 2026-118"),
        workflow_title: two(lang, "不动产转移登记", "Real estate transfer"),
        owner: two(lang, "规划和自然资源局", "Planning and Resources"),
        opened_by: s("li.na"),
        opened_at: s("2026-11-21 09:00:00"),
        version: Some(1),
        state: s("in_progress"),
        took: s("40 min"),
        due: s("2026-12-31"),
        late: true,
        form: vec![FormRow { label: s(EVIL), value: s(EVIL), was: Some(s(EVIL)) }],
        fields: ["text", "select", "area"]
            .map(|kind| CaseField { name: s(kind), label: s(EVIL), value: s(EVIL), kind, ..CaseField::default() })
            .into(),
        problems: vec![ProblemView {
            pull: s("deed-tax"),
            title: s(EVIL),
            provider: two(lang, "税务局", "Tax"),
            code: s("no_grant"),
            reason: s(EVIL),
            grant_href: s("/grants/new?entry=tax/deed-tax-payment"),
        }],
        rules: vec![
            RuleView { title: s(EVIL), state: "held" },
            RuleView { title: s(EVIL), state: "broken" },
            RuleView { title: s(EVIL), state: "open" },
        ],
        progress: vec![
            mark("调取数据", "Data pulled", "done", "4 / 4"),
            mark("住建会签", "Housing signs", "done", "chen.jie"),
            mark("税务会签", "Tax signs", "current", ""),
            mark("签发证照", "E-licence", "waiting", ""),
        ],
        papers_missing: s(EVIL),
        materials: vec![
            material("户籍登记信息", "Household registration", true),
            material("契税缴纳信息", "Deed tax payment", false),
        ],
        steps: vec![
            step("contract", "核对网签合同", "Check the contract", "agreed", false),
            step("tax", "核对完税情况", "Check the tax", "waiting", true),
        ],
        departments: vec![Choice { value: s("tax"), label: s(EVIL), chosen: false }],
        ends_in_certificate: true,
        certificate: None,
        notice: s(EVIL),
        notice_digest: s(DIGEST),
        events: vec![EventView {
            kind: s("case.return"),
            about: s(EVIL),
            text: s(EVIL),
            department: two(lang, "税务局", "Tax"),
            by: s("chen.jie"),
            at: s("2026-11-21 09:40:00"),
            took: s("40 min"),
            index: 1201,
        }],
        may_retry: true,
        may_resubmit: true,
        note: String::new(),
        may_issue: true,
        may_complete: true,
        may_withdraw: true,
        faults: Faults::default(),
    }
}

pub fn slip(lang: Lang) -> SlipPage {
    SlipPage {
        page: page(lang, "/cases/x/slip"),
        t: Words::of(lang),
        id: s(ID),
        matter: s(EVIL),
        department: two(lang, "规划和自然资源局", "Planning and Resources"),
        accepted_at: s("2026-11-21 09:00:00"),
        accepted_by: s("li.na"),
        due: s("2026-12-31"),
        fetched: vec![(s(EVIL), two(lang, "税务局", "Tax"))],
        number: s("20261121-0001"),
        code: s("k3jq-9x2a-77mp"),
        url: s("http://127.0.0.1:8400/progress?number=20261121-0001"),
        picture: s("<svg viewBox=\"0 0 1 1\"></svg>"),
    }
}

pub fn progress(lang: Lang) -> ProgressPage {
    let row = |state, at: &str| ProgressRow { state, label: s(EVIL), department: s(EVIL), at: s(at) };
    let kinds = ["data", "clarity", "step", "payment", "correction", "refused", "end"];
    let awaited = |kind| Awaited { kind, department: s(EVIL), text: s(EVIL), due: s("2026-11-26") };
    ProgressPage {
        page: page(lang, "/progress"),
        t: Words::of(lang),
        number: s(EVIL),
        found: Some(Progress {
            number: s("20261121-0001"),
            matter: s(EVIL),
            department: s(EVIL),
            state: s("in_progress"),
            accepted_at: s("2026-11-21 09:00:00"),
            due: s("2026-12-31"),
            awaited: kinds.map(awaited).into(),
            rows: vec![row("done", "2026-11-21 09:00:01"), row("current", ""), row("waiting", ""), row("failed", "")],
            certificate: Some(s(LICENCE)),
            asked_at: s("2026-11-21 09:00:00"),
        }),
        faults: Faults(vec![Fault {
            field: s("code"),
            message: Words::of(lang).fault("progress-code", "not_of_slip"),
        }]),
    }
}
