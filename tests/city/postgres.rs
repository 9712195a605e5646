//! A node whose listings are on PostgreSQL: it answers like one with a file, and outlives its server and its own end.

use serde_json::Value;

use crate::harness::{Archive, City, Paper, PostgresServer, SOON, eventually, mulu, until};

/// What portal and API list, but for who asks.
const LISTINGS: [&str; 6] = [
    "catalog/entries?page_size=200",
    "catalog/entries?q=%E4%BF%A1%E6%81%AF&page_size=20",
    "catalog/entries?page_size=3&provider=tax",
    "ledger/transactions?page_size=200",
    "ledger/transactions?kind=digest.record",
    "ledger/blocks?page_size=100",
];

/// The node's own answers to all of them, without how far its listings are.
fn listed(city: &City, department: &str) -> Option<Vec<Value>> {
    let ask = |path: &&str| {
        let mut answer = city.system(department).try_get(path).filter(|answer| answer.status == 200)?.body;
        answer.as_object_mut()?.remove("ledger_index");
        // What fits a search equally well comes in any order.
        answer["items"].as_array_mut()?.sort_by_key(|item| item["id"].to_string());
        Some(answer)
    };
    LISTINGS.iter().map(ask).collect()
}

#[track_caller]
fn agree(city: &City) -> Vec<Value> {
    until("the two nodes list the same", SOON, || {
        let lists = listed(city, "audit")?;
        (listed(city, "data-bureau")? == lists && listed(city, "audit")? == lists).then_some(lists)
    })
}

/// Whether the records of these papers are listed, each once.
#[track_caller]
fn lists_once(city: &City, papers: &[Paper]) {
    let lists = agree(city);
    let listed = lists[4]["items"].as_array().unwrap();
    for paper in papers {
        let found = listed.iter().filter(|item| item["reference"] == paper.digest.as_str()).count();
        assert_eq!(found, 1, "{}: {listed:?}", paper.digest);
    }
}

fn is_ready(city: &City) -> bool {
    city.anonymous("audit").try_get("/readyz").is_some_and(|answer| answer.status == 200)
}

#[test]
fn listings_on_postgresql_are_the_same_and_come_back_after_every_end() {
    let mut server = PostgresServer::start();
    let city = City::at_rest("tax");
    let config = city.config("audit");
    city.put_on_postgresql("audit", &server);
    let told = mulu(&["check-config", config.to_str().unwrap()]).ok();
    assert!(told.contains("answers; schema mulu_audit_"), "{told}");
    city.start_all();
    let begun = agree(&city);
    for list in &begun[..4] {
        assert!(list["items"].as_array().is_some_and(|items| !items.is_empty()), "{begun:?}");
    }
    assert!(!city.node("audit").data_dir.join("model/projection.db").exists());

    // The server goes away: listings say so at once, the ledger goes on.
    server.stop();
    let said = "the database cannot be reached";
    eventually("the node says what is away", || {
        let ready = city.anonymous("audit").try_get("/readyz");
        ready.is_some_and(|answer| answer.status == 503 && answer.text.contains(said))
    });
    let asked = city.system("audit").get("catalog/entries");
    assert!(asked.header("retry-after").is_some(), "{asked}");
    let problem = asked.problem(503, "database_unreachable");
    assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    let metrics = city.anonymous("audit").get("/metrics").text;
    assert!(metrics.contains("mulu_check_ok{check=\"projection\"} 0"), "{metrics}");
    city.system("audit").get("ledger/checkpoint").ok();
    let archive = Archive::of(&city, "data-bureau");
    let papers: Vec<_> = (0..3).map(|n| archive.sign(&format!("paper {n}"), "a paper")).collect();
    archive.hand_in(&papers).unwrap().ok();

    // It comes back: what was written meanwhile is there, once.
    server.start_again();
    eventually("the node is ready again", || is_ready(&city));
    lists_once(&city, &papers);

    // It stands still: who asked is told, who asks later at once, and all goes on when it does.
    server.freeze();
    city.system("audit").get("catalog/entries").problem(503, "database_unreachable");
    let ready = city.anonymous("audit").get("/readyz");
    assert!(ready.status == 503 && ready.text.contains("does not answer"), "{ready}");
    city.system("audit").get("ledger/checkpoint").ok();
    server.thaw();
    eventually("the node is ready again", || is_ready(&city));
    lists_once(&city, &papers);

    // The node's own end, as a crash and in order with its read model thrown away.
    city.kill("audit");
    city.start("audit");
    city.wait_ready("audit");
    lists_once(&city, &papers);
    city.stop("audit");
    let rebuilt = mulu(&["projection", "rebuild", "--config", config.to_str().unwrap()]).ok();
    assert!(rebuilt.contains("is removed"), "{rebuilt}");
    let schemas = "SELECT CAST(count(*) AS TEXT) FROM information_schema.schemata WHERE schema_name LIKE 'mulu%'";
    assert_eq!(server.ask(schemas), "0");
    city.start("audit");
    city.wait_ready("audit");
    lists_once(&city, &papers);
    assert_eq!(server.ask(schemas), "1");
}
