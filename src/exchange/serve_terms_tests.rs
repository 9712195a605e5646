//! Items of a grant with terms of their own, as consumer and provider meet them.

use serde_json::{Value, json};

use crate::clock::Clock as _;
use crate::domain::grant::bounds::Bounds;

use super::query::ItemStanding;
use super::serve_tests::Story;
use super::testing::DAY;
use super::*;

fn terms(of: &[(&str, crate::clock::Millis)]) -> Option<Box<Bounds>> {
    let term = |(item, until): &(&str, crate::clock::Millis)| json!({"item": item, "valid_until": until.0});
    serde_json::from_value(json!({"item_terms": of.iter().map(term).collect::<Vec<_>>()})).ok()
}

#[tokio::test]
async fn an_item_ends_before_its_grant_and_the_others_go_on() {
    let story = Story::begin();
    let now = story.city.clock.now();
    // Asked for: the name for three days. Allowed: for one, and the address for five.
    story.city.grant_within(
        |request| request.bounds = terms(&[("name", now.plus(3 * DAY))]),
        |approval| approval.bounds = terms(&[("name", now.plus(DAY)), ("address", now.plus(5 * DAY))]),
    );
    let only = |name: &'static str| move |call: &mut QueryCall| call.items = vec![name.parse().unwrap()];
    let both = json!([{"name": "王**", "address": "北京市海淀区"}]);
    assert_eq!(Value::from(story.ask(|_| ()).await.unwrap().rows), both);
    story.wait(DAY).await;
    let rest = story.ask(|_| ()).await.unwrap();
    assert_eq!(Value::from(rest.rows), json!([{"address": "北京市海淀区"}]), "what is left, when nothing is named");
    assert_eq!(story.code(only("name")).await, "item_not_granted");
    assert_eq!(story.code(only("address")).await, "ok");
    let said = async |name: &'static str| {
        let explained = story.consumer.explain(story.call(only(name))).await.unwrap();
        (explained.explanation.allowed, explained.items[0].standing, explained.items[0].until)
    };
    assert_eq!(said("name").await, (false, ItemStanding::Ended, Some(now.plus(DAY))));
    assert_eq!(said("address").await, (true, ItemStanding::Granted, Some(now.plus(5 * DAY))));
    assert_eq!(said("married").await, (false, ItemStanding::NotAsked, None));
    story.wait(4 * DAY).await;
    assert_eq!(story.code(|_| ()).await, "item_not_granted", "nothing is left, though the grant is in force");
    let reasons: Vec<Vec<String>> = story.records(5).await.into_iter().map(|record| record.reasons).collect();
    assert_eq!(reasons.iter().filter(|reasons| reasons.contains(&"item_not_granted".into())).count(), 2);
}

#[tokio::test]
async fn the_grant_that_still_gives_an_item_is_used() {
    let story = Story::begin();
    let now = story.city.clock.now();
    let lasting = story.city.grant(|_| ());
    story.wait(1_000).await;
    story.city.grant(|request| request.bounds = terms(&[("name", now.plus(DAY))]));
    story.wait(2 * DAY).await;
    let answer = story.ask(|call| call.items = vec!["name".parse().unwrap()]).await.unwrap();
    assert_eq!(answer.grant_id, Some(lasting));
}
