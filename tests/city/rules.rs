//! The city's rules: two departments sign them, both see what would change, and every past decision can be made again.

use serde_json::{Value, json};

use crate::harness::{Caller, City, Examples, SOON, Wish, until};

const ENTRY: &str = "tax/deed-tax-payment";

fn call() -> Value {
    json!({"purpose": "real-estate-transfer", "cause": "不动产转移登记", "items": ["unit_number"],
        "params": {"id_number": Examples::get().seller_id_number}})
}

/// The replay of an access, once its record is on the ledger.
fn replayed(at: &Caller, access: &str) -> Value {
    let path = format!("audit/accesses/{access}/replay");
    until("the access can be replayed", SOON, || Some(at.get(&path)).filter(|answer| answer.status != 404)).ok()
}

/// Has the auditing department confirm what waits; answers what it was shown.
fn confirm(city: &City) -> Value {
    let auditor = city.person("audit", "admin1");
    let waiting = until("the proposal is known", SOON, || {
        auditor.get("policy/proposals").ok()["items"].as_array().and_then(|items| items.first().cloned())
    });
    let (id, digest) = (waiting["id"].as_str().unwrap(), &waiting["digest"]);
    let blind = json!({"digest": "00".repeat(32)});
    auditor.post(&format!("policy/proposals/{id}/confirm"), &blind).problem(409, "conflict");
    let alone = city
        .person("data-bureau", "admin1")
        .post(&format!("policy/proposals/{id}/confirm"), &json!({"digest": digest}));
    alone.problem(403, "not_the_auditor");
    auditor.post(&format!("policy/proposals/{id}/confirm"), &json!({"digest": digest})).ok();
    waiting
}

fn version_at(city: &City, department: &str, version: u64) {
    let known = || city.system(department).get("policy").ok()["version"] == json!(version);
    crate::harness::eventually("the rules are in force", known);
}

#[test]
fn rules_take_two_signatures_and_every_decision_can_be_made_again() {
    let city = City::of_three("tax");
    let (authority, tax) = (city.person("data-bureau", "admin1"), city.person("tax", "admin1"));
    let query = || city.query("data-bureau", ENTRY, &call());

    let refused = query();
    let without = refused.body["access_id"].as_str().unwrap().to_owned();
    refused.problem(403, "no_grant");
    let explained = city
        .system("data-bureau")
        .post("decisions/explain", &json!({"entry": ENTRY, "purpose": "real-estate-transfer"}));
    let explained = explained.ok();
    assert_eq!((&explained["allowed"], &explained["rule"]), (&json!(false), &json!("query-without-grant")));
    assert!(explained["rule_says"].as_str().unwrap().contains("grant=none"), "{explained}");
    let needs: Vec<&str> =
        explained["needs"].as_array().unwrap().iter().filter_map(|n| n["attribute"].as_str()).collect();
    assert!(needs.contains(&"grant"), "{explained}");

    let wish = Wish {
        consumer: "data-bureau",
        entry: ENTRY,
        purpose: "real-estate-transfer",
        items: &["unit_number"],
        ..Wish::default()
    };
    let grant = city.grant(&wish, &json!({}));
    let allowed = query().ok()["access_id"].as_str().unwrap().to_owned();
    city.person("tax", "reviewer1").post(&format!("grants/{grant}/revoke"), &json!({"reason": "办结"})).ok();
    let after = query();
    let after_revocation = after.body["access_id"].as_str().unwrap().to_owned();
    after.problem(403, "grant_revoked");

    // Other rules: systems may no longer query by a grant.
    let rules = authority.get("policy").ok()["rules"].as_str().unwrap().to_owned();
    let model = authority.get("policy").ok()["model"].clone();
    let line = rules.lines().find(|line| line.starts_with("query-with-active-grant")).unwrap();
    let narrower = rules.replace(line, &line.replacen("*,", "clerk,", 1));
    let open = rules.replace("query-not-shared,        query,", "query-not-shared,        catalog.read,");
    let wrong =
        authority.post("policy/check", &json!({"model": model, "rules": rules.replace("clerk|system", "clark")}));
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("/rules")), "{wrong}");
    let opened =
        authority.post("policy/check", &json!({"model": model, "rules": open.replace("unconditional, *", "*, *")}));
    assert!(opened.status == 422 && opened.text.contains("principle"), "{opened}");
    let proposal = json!({"model": model, "rules": narrower, "note": "persons only"});
    tax.post("policy/proposals", &proposal).problem(403, "authority_only");
    until("the audit has all records", SOON, || {
        let known = city.person("audit", "auditor1").get("audit/accesses").ok();
        (known["items"].as_array().unwrap().len() >= 3).then_some(())
    });
    authority.post("policy/proposals", &proposal).ok();
    assert_eq!(authority.get("policy").ok()["version"], 1, "one signature changes nothing");
    let shown = confirm(&city);
    let effect = &shown["effect"];
    assert_eq!(
        (&effect["changes"][0]["id"], &effect["changes"][0]["change"]),
        (&json!("query-with-active-grant"), &json!("changed"))
    );
    assert_eq!(effect["shadow"]["newly_refused"], 1, "{effect}");
    assert_eq!(effect["shadow"]["examples"][0]["access_id"], json!(allowed));
    version_at(&city, "tax", 2);

    // What was decided then is decided so again, whatever came later.
    let auditor = city.person("audit", "auditor1");
    for (access, allowed, rule) in [
        (&without, false, "query-without-grant"),
        (&allowed, true, "query-with-active-grant"),
        (&after_revocation, false, "query-grant-revoked"),
    ] {
        let replay = replayed(&auditor, access);
        assert_eq!((&replay["same"], &replay["policy_version"]), (&json!(true), &json!(1)), "{replay}");
        assert_eq!(
            (&replay["replayed"]["allowed"], &replay["replayed"]["rule"]),
            (&json!(allowed), &json!(rule)),
            "{replay}"
        );
        assert_eq!(replay["facts"][1], json!({"attribute": "role", "stated": "system", "found": "system"}));
    }

    // Back, by one command and two signatures.
    authority.post("policy/rollback", &json!({})).ok();
    let shown = confirm(&city);
    assert_eq!(shown["effect"]["shadow"]["newly_allowed"], 1, "{shown}");
    version_at(&city, "tax", 3);
    let versions = tax.get("policy/versions").ok();
    let listed: Vec<&Value> = versions["items"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(listed, [&json!(3), &json!(2), &json!(1)]);
    assert_eq!(versions["items"][0]["confirmed"]["department"], "audit");
    assert_eq!(tax.get("policy").ok()["rules"], json!(rules));
}
