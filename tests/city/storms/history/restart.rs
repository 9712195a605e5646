//! A provider that was killed knows less than it knew until the others have told it: on that, it serves nobody.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{City, SOON, Wish, pause, until};

use super::super::chance::Chance;
use super::super::proxy::{Network, Passage};
use super::clients::{ENTRY, PROVIDER, call};

const PURPOSE: &str = "social-assistance";

#[test]
fn a_provider_that_starts_again_serves_nobody_on_a_grant_that_it_revoked() {
    let mut chance = Chance::of("restart");
    let city = City::at_rest("public-security");
    let network = Network::between(&city, &mut chance);
    city.start_all();
    let reviewer = city.person(PROVIDER, "reviewer1");
    for round in 0..2 {
        let grant = city.grant(&Wish { consumer: "audit", purpose: PURPOSE, ..Wish::default() }, &json!({}));
        let query = || city.system("audit").try_post(&format!("query/{ENTRY}"), &call(PURPOSE));
        // Stopped in order, it knows the grant from its start on.
        city.stop(PROVIDER);
        city.start(PROVIDER);
        city.wait_ready(PROVIDER);
        until("a query is served", SOON, || query().filter(|answer| answer.status == 200));
        reviewer.post(&format!("grants/{grant}/revoke"), &json!({"reason": "over"})).ok();
        city.kill(PROVIDER);
        // It cannot hear what the others know of the end of its own ledger.
        network.isolate(PROVIDER, Passage::Closed);
        city.start(PROVIDER);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            let answer = query().expect("the consumer's node answers");
            assert_ne!(answer.status, 200, "round {round}, {:?} after the start: {answer}", begun.elapsed());
            pause();
        }
        network.heal();
        let refused = until("it knows again", SOON, || query().filter(|answer| answer.status == 403));
        assert_eq!(refused.reasons(), ["grant_revoked"], "{refused}");
    }
}
