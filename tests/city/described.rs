//! The API does what its own description says, whatever is sent: schemathesis makes calls out of the description, right
//! and wrong ones, and looks at every answer. No 5xx, no status, content type or document that is not described.

use std::process::Command;

use serde_json::json;

use crate::harness::City;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Where `tests/run` puts it, unless it is somewhere else already.
fn schemathesis() -> String {
    std::env::var("MULU_SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned())
}

#[test]
fn nothing_that_is_sent_gets_an_answer_that_is_not_described() {
    let city = City::of_three("civil-affairs");
    let node = city.node("civil-affairs");
    let place = tempfile::tempdir().unwrap();
    // An administrator's own operations are few: what breaks for a clerk is looked for at length.
    for (user, phases) in [("reviewer2", "examples,coverage,fuzzing"), ("admin1", "examples,coverage")] {
        let account = json!({"user": user, "password": city.password("civil-affairs", user)});
        let token = city.anonymous("civil-affairs").post("sessions", &account).ok()["token"].clone();
        let said = Command::new(schemathesis())
            .current_dir(place.path())
            .args(["run", &format!("{}/openapi.json", node.url), "--checks", CHECKS, "--phases", phases])
            .args(["-H", &format!("Authorization: Bearer {}", token.as_str().unwrap())])
            // The caller would sign itself out.
            .args(["--exclude-operation-id", "closeSession"])
            .args(["--generation-deterministic", "--max-examples", "3", "--no-color"])
            .output()
            .expect("schemathesis runs: tests/run installs it, MULU_SCHEMATHESIS says where it is");
        let told = String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success(), "as {user}:\n{told}\n{}", String::from_utf8_lossy(&said.stderr));
    }
}
