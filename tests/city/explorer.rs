//! The ledger's pages in the portal: search, blocks, transactions, "verify this", and files that verify elsewhere.

use serde_json::json;

use crate::harness::{Caller, City, SOON, Wish, mulu, until};

/// Somebody's browser without scripts, in English.
fn browser(city: &City, department: &str, user: &str) -> Caller {
    let body = json!({"user": user, "password": city.password(department, user)});
    let opened = city.anonymous(department).post("sessions", &body).ok();
    let token = opened["token"].as_str().unwrap();
    city.anonymous(department).with("cookie", &format!("mulu_session={token}; lang=en")).with("accept", "text/html")
}

fn page(browser: &Caller, path: &str) -> String {
    let answer = browser.get(path);
    assert_eq!(answer.status, 200, "{path}: {answer}");
    answer.text
}

#[test]
fn the_portal_explores_the_ledger_and_what_it_hands_out_verifies_elsewhere() {
    let city = City::shared();
    let wish = Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() };
    let asked = city.system("tax").post("grants?wait=anchored", &wish.body()).ok();
    let (id, index) = (asked["transaction_id"].as_str().unwrap(), asked["ledger_index"].as_u64().unwrap());
    let clerk = browser(city, "tax", "clerk1");

    let ledger = page(&clerk, "/ledger?lang=en");
    for shown in ["transactions are anchored", "Anchoring needs", "Digest of the state", "/ledger/trust", "Keys of the"]
    {
        assert!(ledger.contains(shown), "{shown} is missing");
    }
    for (sought, place) in [
        (format!("q={id}"), format!("/ledger/transactions/{id}")),
        (format!("q={index}&what=transaction"), format!("/ledger/transactions/{index}")),
        ("q=1&what=block".into(), "/ledger/blocks/1".into()),
    ] {
        let found = clerk.get(&format!("/ledger/find?{sought}"));
        assert_eq!((found.status, found.headers["location"].to_str().unwrap()), (303, place.as_str()), "{found}");
    }
    assert_eq!(clerk.get("/ledger/find?q=nothing").status, 400);
    assert_eq!(clerk.get("/ledger/transactions/99999999").status, 404);
    assert_eq!(clerk.get("/ledger/blocks/99999999").status, 404);
    // The newest: how many stand before block 1 depends on the other stories.
    let newest = city.system("tax").get("ledger/blocks").ok()["items"][0]["height"].as_u64().unwrap();
    let shown = page(&clerk, "/ledger/blocks");
    assert!((newest..newest + 50).any(|height| shown.contains(&format!("/ledger/blocks/{height}\""))), "{shown}");
    assert!(page(&clerk, "/ledger/transactions").contains(&format!("/ledger/transactions/{index}\"")));
    let block = page(&clerk, "/ledger/blocks/0");
    assert!(block.contains("chain.genesis") && block.contains("/ledger/blocks/1\""), "{block}");
    let transaction = page(&clerk, &format!("/ledger/transactions/{id}?lang=en"));
    for shown in ["body.purpose", "statistics", "Anchored", &format!("/ledger/transactions/{}\"", index - 1)] {
        assert!(transaction.contains(shown), "{shown} is missing: {transaction}");
    }
    assert!(page(&clerk, &format!("/grants/{id}")).contains(&format!("/ledger/transactions/{id}/verify")));

    let proven = page(&clerk, &format!("/ledger/transactions/{id}/verify?lang=en"));
    assert!(proven.contains("The receipt is valid") && !proven.contains("Does not fit"), "{proven}");
    assert!(proven.contains(&format!("mulu receipt verify receipt-{index}.json --policy trust.toml")), "{proven}");
    files_verify_elsewhere(city, &clerk, index, id);
}

fn files_verify_elsewhere(city: &City, clerk: &Caller, index: u64, id: &str) {
    let folder = tempfile::tempdir().unwrap();
    let keep = |path: &str, name: &str| {
        let answer = clerk.get(path);
        let disposition = answer.headers["content-disposition"].to_str().unwrap();
        assert!(answer.status == 200 && disposition.contains(&format!("\"{name}\"")), "{answer}");
        let file = folder.path().join(name);
        std::fs::write(&file, answer.text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let receipt = keep(&format!("/ledger/transactions/{index}/receipt"), &format!("receipt-{index}.json"));
    let policy = keep("/ledger/trust", "trust.toml");
    let said = mulu(&["receipt", "verify", &receipt, "--policy", &policy]).ok();
    assert!(said.contains("VALID") && said.contains(id), "{said}");
    let given = std::fs::read_to_string(city.dir().join("trust.toml")).unwrap();
    let told = std::fs::read_to_string(&policy).unwrap();
    let keys = |text: &str| text.lines().filter(|line| line.contains("signatures_min")).map(str::to_owned).collect();
    let (given, told): (Vec<String>, Vec<String>) = (keys(&given), keys(&told));
    assert_eq!(given, told, "the portal wants as many cosignatures as the city's own policy");
    let note =
        until("a checkpoint is anchored", SOON, || Some(clerk.get("/ledger/checkpoint")).filter(|a| a.status == 200));
    assert!(note.text.starts_with(city.chain()) && note.text.contains("\n\n\u{2014} "), "{}", note.text);
}
