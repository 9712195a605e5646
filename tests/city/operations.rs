//! What an operator relies on: health, metrics, the description, the cluster, logs, configuration, rebuilds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{City, Examples, SOON, Wish, mulu, until};

#[test]
fn every_node_says_that_it_is_well_and_ready() {
    let city = City::shared();
    for node in city.nodes() {
        let anyone = city.anonymous(&node.department);
        assert_eq!(anyone.get("/healthz").status, 200);
        let ready = anyone.get("/readyz").ok();
        assert_eq!(ready["ready"], true);
        let names: BTreeSet<&str> =
            ready["checks"].as_array().unwrap().iter().filter_map(|check| check["name"].as_str()).collect();
        assert!(["quorum", "projection", "outbox"].iter().all(|name| names.contains(name)), "{ready}");
    }
}

#[test]
fn the_cluster_shows_leader_term_and_progress_of_each_node() {
    let city = City::shared();
    for at in ["tax", "transport"] {
        let shown = until("every node was heard", SOON, || {
            let shown = city.system(at).get("cluster").ok();
            let nodes = shown["nodes"].as_array()?;
            nodes.iter().all(|node| node["reachable"] == true && node["projected"].is_u64()).then_some(shown)
        });
        let nodes = shown["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), city.nodes().len());
        let role = |name: &str| nodes.iter().filter(|node| node["role"] == name).count();
        assert_eq!((role("leader"), role("voter"), role("learner")), (1, 4, 3), "{shown}");
        assert_eq!((&shown["has_quorum"], &shown["chain"]), (&json!(true), &json!(city.chain())));
        assert!(shown["leader"].is_string() && shown["term"].as_u64().is_some_and(|term| term >= 1), "{shown}");
        for node in nodes {
            for number in ["node_id", "term", "commit", "applied", "projected", "lag"] {
                assert!(node[number].is_u64(), "{number} of {node}");
            }
            assert!(node["lag"].as_u64().is_some_and(|lag| lag < 100), "{node}");
            let known = city.node(node["department"].as_str().unwrap());
            assert!(node["role"] == known.raft || node["role"] == "leader" && known.raft == "voter", "{node}");
        }
    }
    let departments = city.system("tax").get("departments").ok();
    assert_eq!(departments["items"].as_array().map(Vec::len), Some(city.nodes().len()));
}

#[test]
fn metrics_are_in_the_prometheus_text_format() {
    let city = City::shared();
    city.system("civil-affairs").get("catalog/entries").ok();
    let answer = city.anonymous("civil-affairs").get("/metrics");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let (mut kinds, mut values) = (BTreeMap::new(), BTreeMap::new());
    for line in answer.text.lines().filter(|line| !line.is_empty() && !line.starts_with("# HELP ")) {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name, kind).is_none(), "{name} is described twice");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        assert!(kinds.contains_key(name) || family.is_some_and(|family| kinds.contains_key(family)), "{line}");
        assert!(values.insert(series, value).is_none(), "{series} stands twice");
    }
    assert!(values["mulu_ledger_size"] > 10.0 && values["mulu_raft_has_quorum"] > 0.0, "{}", answer.text);
    let counted = values.iter().any(|(series, value)| {
        series.starts_with("mulu_http_requests_total{") && series.contains("/catalog/entries") && *value >= 1.0
    });
    assert!(counted, "{}", answer.text);
    assert!(!answer.text.contains(&Examples::get().seller_id_number));
}

/// What API.md promises, by method and path below `/api/v1`, or at the root.
const PROMISED: &[(&str, &str)] = &[
    ("get", "/api/v1/catalog/entries"),
    ("post", "/api/v1/catalog/entries"),
    ("get", "/api/v1/catalog/entries/{provider}/{name}"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/submit"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/approve"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/reject"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/deprecate"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/withdraw"),
    ("get", "/api/v1/grants"),
    ("post", "/api/v1/grants"),
    ("get", "/api/v1/grants/{id}"),
    ("post", "/api/v1/grants/{id}/approve"),
    ("post", "/api/v1/grants/{id}/deny"),
    ("post", "/api/v1/grants/{id}/revoke"),
    ("post", "/api/v1/query/{provider}/{name}"),
    ("post", "/api/v1/decisions/explain"),
    ("get", "/api/v1/audit/accesses"),
    ("get", "/api/v1/audit/accesses/{access_id}"),
    ("get", "/api/v1/ledger/checkpoint"),
    ("get", "/api/v1/ledger/blocks"),
    ("get", "/api/v1/ledger/transactions/{id}"),
    ("get", "/api/v1/ledger/transactions/{id}/receipt"),
    ("get", "/api/v1/ledger/consistency"),
    ("post", "/api/v1/cases"),
    ("get", "/api/v1/cases/{id}"),
    ("post", "/api/v1/cases/{id}/steps/{step}/sign-off"),
    ("get", "/api/v1/certificates/{identifier}"),
    ("post", "/api/v1/certificates/{identifier}/status"),
    ("get", "/api/v1/verify/{identifier}"),
    ("get", "/api/v1/departments"),
    ("get", "/api/v1/cluster"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/openapi.json"),
];

#[test]
fn the_description_is_openapi_3_1_and_lists_what_was_promised() {
    let city = City::shared();
    let described = city.anonymous("tax").get("/openapi.json").ok();
    assert!(described["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    for (method, path) in PROMISED {
        let operation = &described["paths"][*path][*method];
        assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()), "{method} {path} is missing");
        assert!(operation["operationId"].is_string(), "{method} {path}");
    }
    let mut references = Vec::new();
    gather(&described, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let place = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
        assert!(described.pointer(place).is_some(), "{reference} leads nowhere");
    }
}

/// All `$ref`s of a document.
fn gather<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| gather(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        _ => {}
    }
}

#[test]
fn logs_are_json_with_the_requests_id_and_without_personal_data() {
    let city = City::shared();
    let seller = &Examples::get().seller_id_number;
    let call = json!({"purpose": "statistics", "cause": "核验", "params": {"id_number": seller}});
    let system = city.system("audit").with("x-request-id", "story-operations-0001");
    let answer = system.post("query/public-security/household-registration", &call);
    assert_eq!(answer.header("x-request-id"), Some("story-operations-0001"));
    answer.problem(403, "no_grant");
    let line = until("the request in the node's log", SOON, || {
        let log = city.log("audit");
        log.lines().find(|line| line.contains("story-operations-0001")).map(str::to_owned)
    });
    let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    for node in city.nodes() {
        let log = city.log(&node.department);
        assert!(!log.contains(seller.as_str()), "{} logs whom a query was about", node.department);
        assert!(!log.contains("panicked"), "{}: {log}", node.department);
    }
}

#[test]
fn a_configuration_is_checked_with_every_fault_named() {
    let city = City::shared();
    let good = city.config("tax");
    let check = |path: &Path| mulu(&["check-config", path.to_str().unwrap()]);
    check(&good).ok();
    let text = std::fs::read_to_string(&good).unwrap();
    let folder = good.parent().unwrap();
    let fault = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        let path = folder.join(name);
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        check(&path).failed(2)
    };
    assert!(fault("key.toml", "data_dir", "dat_dir").contains("dat_dir"));
    assert!(fault("version.toml", "version = 1", "version = 7").contains("version"));
    assert!(fault("keys.toml", "keys_dir = \"keys\"", "keys_dir = \"no-such-keys\"").contains("no-such-keys"));
    assert!(fault("form.toml", "[web]", "[web").contains("form.toml"));
    mulu(&["check-config", "/no/such/file.toml"]).failed(2);
}

#[test]
fn the_demo_ends_with_ctrl_c_and_goes_on_in_the_same_folder() {
    let mut city = City::of_demo("transport");
    let (chain, password) = (city.chain().to_owned(), city.password("transport", "clerk1").to_owned());
    let clerk = city.person("transport", "clerk1");
    let call =
        json!({"purpose": "parking-guidance", "cause": "停车诱导", "params": {"bay_id": Examples::get().bay_id}});
    let access = city.query("data-bureau", "transport/parking-bay-status", &call).ok()["access_id"].clone();
    let before = clerk.get("catalog/entries").ok();
    city.interrupt();
    assert!(clerk.try_get("catalog/entries").is_none(), "something still answers");
    city.again();
    // The same chain, accounts, tokens and sessions; nothing is published twice, and what was promised is on record.
    assert_eq!((city.chain(), city.password("transport", "clerk1")), (chain.as_str(), password.as_str()));
    assert_eq!(clerk.get("catalog/entries").ok()["items"], before["items"]);
    city.query("data-bureau", "transport/parking-bay-status", &call).ok();
    let auditor = city.person("audit", "auditor1");
    until("the access of the first run is on record", SOON, || {
        let page = auditor.get("audit/accesses").ok();
        page["items"].as_array()?.iter().any(|record| record["access_id"] == access).then_some(())
    });
}

#[test]
fn a_rebuilt_read_model_shows_what_the_old_one_showed() {
    let city = City::of_three("public-security");
    let wish = Wish { consumer: "data-bureau", items: &["name"], ..Wish::default() };
    city.grant(&wish, &json!({}));
    city.ask(&Wish { consumer: "audit", ..wish });
    let params = json!({"id_number": Examples::get().seller_id_number});
    let call = json!({"purpose": "social-assistance", "cause": "核验", "params": params});
    city.query("data-bureau", "public-security/household-registration", &call).ok();
    let auditor = city.person("audit", "auditor1");
    until("the access is on the ledger", SOON, || {
        auditor.get("audit/accesses").ok()["items"].as_array().filter(|items| items.len() == 1).map(|_| ())
    });
    let lists = || -> Vec<Value> {
        let of = |path: &str| auditor.get(&format!("{path}?page_size=200")).ok()["items"].clone();
        ["catalog/entries", "grants", "audit/accesses", "ledger/transactions", "ledger/blocks"].map(of).to_vec()
    };
    let before = lists();
    // The others may add to the ledger meanwhile; what is new stands first.
    let is_full = |lists: &[Value]| {
        let ends = |(now, then): (&Value, &Value)| now.as_array().unwrap().ends_with(then.as_array().unwrap());
        lists.iter().zip(&before).all(ends)
    };
    city.stop("audit");
    let config = city.config("audit");
    mulu(&["projection", "rebuild", "--config", config.to_str().unwrap()]).ok();
    city.start("audit");
    city.wait_ready("audit");
    let subject = format!("audit/accesses?subject={}", Examples::get().seller_id_number);
    until("the read model is full again", SOON, || is_full(&lists()).then_some(()));
    assert_eq!(auditor.get(&subject).ok()["items"].as_array().map(Vec::len), Some(1));
    // A node that runs keeps its read model.
    mulu(&["projection", "rebuild", "--config", config.to_str().unwrap()]).failed(1);
}

#[test]
fn the_edition_is_shown_and_raised_by_the_authority_alone_and_not_beyond_what_every_node_knows() {
    let city = City::shared();
    let shown = until("every node has said what it knows", SOON, || {
        Some(city.system("tax").get("ledger/edition").ok()).filter(|shown| shown["waiting_for"] == json!([]))
    });
    let newest = shown["newest"].as_u64().unwrap();
    assert_eq!((&shown["edition"], &shown["ready"]), (&json!(newest), &json!(newest)), "a new city begins with it");
    let raise = json!({"edition": newest + 1});
    let admin = |department: &str| city.person(department, "admin1");
    let early = admin("data-bureau").post("ledger/edition", &raise);
    assert_eq!((early.status, early.code()), (409, "upgrade_first"), "{early}");
    let other = admin("tax").post("ledger/edition", &raise);
    assert_eq!((other.status, other.code()), (403, "not_the_authority"), "{other}");
    assert_eq!(admin("data-bureau").post("ledger/edition", &json!({"edition": 1})).status, 422);
}
