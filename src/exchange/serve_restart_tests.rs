//! What the provider's node knows after a restart of a query whose answer never left, and of one that did.

use std::sync::atomic::Ordering::SeqCst;

use crate::clock::Clock as _;
use crate::ids::AccessId;

use super::serve_tests::{Story, exchange};
use super::*;

#[tokio::test]
async fn a_query_of_which_nothing_left_is_counted_until_the_restart() {
    let story = Story::begin();
    let grant = story.city.grant(|request| request.daily_max = 3);
    let id = AccessId::new(story.city.clock.now());
    let again = |call: &mut QueryCall| call.access_id = Some(id);
    story.provider_store.broken.store(true, SeqCst);
    assert_eq!(story.code(again).await, "outbox_full", "without its record an answer does not leave");
    assert_eq!(story.provider.quota_used(grant), 1, "the source was asked");
    assert_eq!(story.code(again).await, "replayed_request");
    story.provider_store.broken.store(false, SeqCst);
    let restarted = exchange(&story.city, "public-security", &story.provider_store, story.dir.path());
    let story = Story { provider: restarted, ..story };
    assert_eq!(story.provider.quota_used(grant), 0);
    assert_eq!(story.code(again).await, "ok", "nobody ever got an answer to this id");
    story.wait(0).await;
    let restarted = exchange(&story.city, "public-security", &story.provider_store, story.dir.path());
    let story = Story { provider: restarted, ..story };
    assert_eq!(story.provider.quota_used(grant), 1, "an answer that left is counted for good");
    assert_eq!(story.code(again).await, "replayed_request");
    story.records(1).await;
}
