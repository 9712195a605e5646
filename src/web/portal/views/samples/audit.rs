//! Accesses, findings and the cluster.

use crate::domain::finding::Mismatch;

use super::{DIGEST, ENTRY, EVIL, ID, choices, page, s, two};
use crate::web::portal::views::audit::{AccessPage, AccessRow, Audit, AuditFilter, AuditResults, ReplayRow, TraceRow};
use crate::web::portal::views::audit_numbers::{
    AuditNumbers, Chart, DayRow, MatrixCell, MatrixRow, ReasonRow, StandingRow, Tick,
};
use crate::web::portal::views::cluster::{AwaitedRow, Cluster, ClusterBody, MemberRow, NodeRow};
use crate::web::portal::views::findings::{FindingPage, FindingResults, FindingRow, Findings};
use crate::web::portal::words::{Lang, Words};

fn access_row(lang: Lang, decision: &str) -> AccessRow {
    let refused = decision == "refused";
    AccessRow {
        access_id: s(ID),
        time: s("2026-11-21 10:15:30"),
        consumer: two(lang, "民政局", "Civil Affairs"),
        actor: s("li.na"),
        entry: s(ENTRY),
        entry_title: two(lang, "户籍登记信息", "Household registration"),
        version: s("1.0"),
        decision: s(decision),
        rule: s("conditional-needs-active-grant"),
        reasons: if refused { vec![s("grant_expired")] } else { Vec::new() },
        purpose: s("marriage-registration"),
        purpose_name: two(lang, "婚姻登记", "Marriage registration"),
        cause: s(EVIL),
        case_id: s("HY-2026-0042"),
        rows: u32::from(!refused),
        state: s("committed"),
    }
}

pub fn audit(lang: Lang) -> Audit {
    let rows = vec![access_row(lang, "allowed"), access_row(lang, "refused"), access_row(lang, "allowed")];
    Audit {
        page: page(lang, "/audit"),
        t: Words::of(lang),
        filter: AuditFilter { subject: s(EVIL), ..AuditFilter::default() },
        consumers: choices(lang),
        providers: choices(lang),
        results: AuditResults {
            t: Words::of(lang),
            rows,
            trace: vec![TraceRow {
                consumer: two(lang, "民政局", "Civil Affairs"),
                entry: s(ENTRY),
                entry_title: two(lang, "户籍登记信息", "Household registration"),
                decision: s("allowed"),
                accesses: 1_284,
                last: s("2026-11-21 10:15:30"),
            }],
            xlsx_href: s("/audit/export?format=xlsx"),
            csv_href: s("/audit/export?format=csv"),
            ledger_index: 1284,
            first_href: None,
            next_href: Some(s("/audit?cursor=x")),
        },
    }
}

pub fn numbers(lang: Lang) -> AuditNumbers {
    let cell = |count, shade| MatrixCell { count, shade, href: s("/audit?consumer=civil-affairs") };
    let names = choices(lang).into_iter().map(|choice| choice.label).collect::<Vec<_>>();
    AuditNumbers {
        page: page(lang, "/audit/numbers"),
        t: Words::of(lang),
        from: s("2026-10-23"),
        to: s("2026-11-21"),
        chart: Chart {
            width: 720,
            height: 200,
            left: 56,
            allowed: s("M56 176v-99h21v99z"),
            refused: s("M56 77v-33h21v33z"),
            ticks: vec![Tick { value: 0, y: 176 }, Tick { value: 5_000, y: 10 }],
            dates: vec![(56, "start", s("2026-10-23"))],
        },
        days: vec![DayRow { date: s("2026-11-21"), allowed: 3_000, refused: 1_000 }],
        columns: names.clone(),
        matrix: names.into_iter().map(|name| MatrixRow { name, cells: vec![cell(0, 0), cell(4_000, 4)] }).collect(),
        reasons: vec![ReasonRow { code: s("no_grant"), count: 1_000, length: 128 }],
        standing_out: ["", EVIL]
            .map(|actor| StandingRow {
                date: s("2026-11-21"),
                consumer: two(lang, "民政局", "Civil Affairs"),
                actor: s(actor),
                accesses: 240,
                median: 12,
                href: s("/audit?from=2026-11-21"),
            })
            .into(),
        ledger_index: 1284,
    }
}

fn finding_row(lang: Lang, problem: &str) -> FindingRow {
    FindingRow {
        access_id: s(ID),
        problem: s(problem),
        consumer: two(lang, "民政局", "Civil Affairs"),
        provider: two(lang, "公安局", "Public Security"),
        reported: s("2026-11-21 10:25:31"),
        deadline: s("2026-11-21 10:25:00"),
        promise: s(EVIL),
        signature: s(DIGEST),
        record: (problem != "promise_without_record").then_some(1199),
        settled: (problem == "record_without_promise").then_some(1199),
        transaction: s(ID),
    }
}

pub fn findings(lang: Lang) -> Findings {
    let rows = Mismatch::ALL.map(|problem| finding_row(lang, problem.as_str())).into();
    Findings {
        page: page(lang, "/audit/findings"),
        t: Words::of(lang),
        consumers: choices(lang),
        providers: choices(lang),
        problem: s("record_differs"),
        resolved: s("no"),
        results: FindingResults {
            t: Words::of(lang),
            rows,
            ledger_index: 1284,
            first_href: None,
            next_href: Some(s("/audit/findings?cursor=x")),
        },
    }
}

pub fn finding(lang: Lang) -> FindingPage {
    let row = finding_row(lang, "promise_without_record");
    FindingPage { page: page(lang, "/audit/x"), t: Words::of(lang), access_id: s(ID), findings: vec![row] }
}

pub fn access(lang: Lang) -> AccessPage {
    AccessPage {
        page: page(lang, "/audit/x"),
        t: Words::of(lang),
        findings: vec![finding_row(lang, "record_differs")],
        access: access_row(lang, "refused"),
        provider: two(lang, "公安局", "Public Security"),
        role: s("clerk"),
        grant: s(ID),
        items: vec![two(lang, "姓名", "Name")],
        request_digest: s(DIGEST),
        answer_digest: s(""),
        basis: 1200,
        transaction: s(ID),
        index: 1203,
        height: 310,
        block_time: s("2026-11-21 10:15:31"),
        replay: Some(ReplayRow {
            decision: "refused",
            rule: s("query-grant-expired"),
            after: s("quota_exceeded"),
            policy_version: 1,
            transactions: 3,
            facts: vec![("grant", "active", "expired"), ("zone", "yes", "")],
            ..ReplayRow::default()
        }),
        replay_fault: s(EVIL),
        sealed: true,
        subject: None,
        may_open: true,
    }
}

pub fn cluster(lang: Lang) -> Cluster {
    let node = |zh: &str, en: &str, department: &str, role: &str, lag, here| NodeRow {
        name: two(lang, zh, en),
        department: s(department),
        role: s(role),
        wanted: if role == "learner" { s("voter") } else { s("") },
        term: Some(3),
        commit: Some(1320),
        applied: Some(1320 - lag),
        projected: Some(1320 - lag),
        lag: (lag < 10).then_some(lag),
        clock: if here { s("") } else { s("+3.1 s") },
        troubles: if lag == 1 { vec![s("lag"), s("keys")] } else { Vec::new() },
        here,
    };
    let body = ClusterBody {
        t: Words::of(lang),
        leader: two(lang, "政务数据局", "Data Bureau"),
        term: 3,
        commit: 1320,
        applied: 1320,
        projected: 1320,
        quorum: false,
        outbox: 0,
        outbox_max: 10_000,
        time: s("2026-11-21 10:15:30"),
        awaited: Some(AwaitedRow { code: "lagging", name: two(lang, "水务局", "Water"), lag: Some(4_012) }),
        troubles: vec![(s("clock"), s("this machine's clock is 3.120 s behind the other nodes': let NTP set it"))],
        nodes: vec![
            node("政务数据局", "Data Bureau", "data-bureau", "leader", 0, false),
            node("民政局", "Civil Affairs", "civil-affairs", "voter", 0, true),
            node("审计局", "Audit", "audit", "unreachable", 12, false),
            node("水务局", "Water", "water", "learner", 1, false),
        ],
    };
    let member =
        MemberRow { department: s("water"), name: two(lang, "水务局", "Water"), votes: true, has_node: true };
    Cluster { page: page(lang, "/cluster"), t: Words::of(lang), body, members: vec![member] }
}
