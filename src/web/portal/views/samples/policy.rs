//! The city's rules.

use super::{DIGEST, ENTRY, EVIL, ID, choices, page, s, two};
use crate::web::portal::views::Faults;
use crate::web::portal::views::grants::Side;
use crate::web::portal::views::policy::{
    Explain, Policy, PolicyRuleRow, PolicyVersionRow, RuleChangeRow, ShadowExampleRow, ShadowRow, Standing, Verdict,
    WaitingRow,
};
use crate::web::portal::words::{Lang, Words};

pub fn policy(lang: Lang) -> Policy {
    let change =
        RuleChangeRow { id: s("query-role"), change: "changed", before: s(EVIL), after: s("action=query deny") };
    let example = ShadowExampleRow {
        access_id: s(ID),
        consumer: two(lang, "民政局", "Civil Affairs"),
        entry: s(ENTRY),
        before: s("query-with-active-grant"),
        decision: "refused",
        after: s("query-role"),
    };
    Policy {
        page: page(lang, "/policy"),
        t: Words::of(lang),
        version: 2,
        in_force: true,
        fault: s(EVIL),
        rules: vec![PolicyRuleRow {
            id: s("query-role"),
            when: vec![(s("action"), s("query")), (s("role"), s("!clerk|system"))],
            decision: "refused",
            reason: s("role_not_allowed"),
        }],
        changed: vec![change.clone()],
        history: vec![PolicyVersionRow { version: 1, note: s(EVIL), ..PolicyVersionRow::default() }],
        waiting: Some(WaitingRow {
            id: s(ID),
            digest: s(DIGEST),
            note: s(EVIL),
            by: s("root"),
            time: s("2026-11-21 10:15:30"),
            changes: vec![change],
            idle: vec![s("query-role")],
            shadow: Some(ShadowRow { looked_at: 9, newly_refused: 1, examples: vec![example], ..ShadowRow::default() }),
        }),
        may_propose: true,
        may_confirm: true,
        note: s(EVIL),
        rules_text: s(EVIL),
        model_text: s(EVIL),
        faults: Faults::default(),
    }
}

pub fn explain(lang: Lang) -> Explain {
    Explain {
        page: page(lang, "/policy/explain"),
        t: Words::of(lang),
        entries: choices(lang),
        purposes: choices(lang),
        roles: choices(lang),
        items: s(EVIL),
        faults: Faults::default(),
        answer: Some(Verdict {
            decision: "refused",
            rule: s("query-needs-grant"),
            says: s(EVIL),
            reasons: vec![s("no_grant")],
            grant: s(ID),
            facts: vec![("grant", "none")],
            needs: vec![("grant", s("none"), s("active"))],
            standings: vec![Standing { name: s("name"), title: s(EVIL), standing: "ended", until: s("2026-12-01") }],
            limits: vec![Side { label: Words::of(lang).say("daily-max"), asked: s(""), allowed: s(EVIL) }],
            grant_href: s("/grants/new?entry=x/y"),
            version: 2,
            ledger_index: 131,
        }),
    }
}
