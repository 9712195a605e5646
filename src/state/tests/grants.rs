//! Grants on the ledger beyond asking and deciding.

use super::*;
use crate::domain::grant::Details;
use crate::domain::grant::bounds::Bounds;

fn bounds(value: serde_json::Value) -> Option<Bounds> {
    serde_json::from_value(value).unwrap()
}

fn asked(command: Command, change: impl FnOnce(&mut GrantRequest)) -> Command {
    let Command::RequestGrant(mut request) = command else { panic!("not a request") };
    change(&mut request);
    Command::RequestGrant(request)
}

fn allowed(command: Command, change: impl FnOnce(&mut Approval)) -> Command {
    let Command::ApproveGrant(mut approval) = command else { panic!("not an approval") };
    change(&mut approval);
    Command::ApproveGrant(approval)
}

#[test]
fn bounds_are_checked_when_asked_for_and_narrowed_when_allowed() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    for wrong in [
        json!({"weekdays": [5, 1]}),
        json!({"weekdays": [8]}),
        json!({"rate": {}}),
        json!({"rate": {"per_second": 0}}),
        json!({"scope": [{"field": "wages", "values": ["1"]}]}),
        json!({"scope": [{"field": "name", "values": []}]}),
        json!({"scope": [{"field": "name", "values": ["a"]}, {"field": "name", "values": ["b"]}]}),
    ] {
        let request = asked(city.request(&["name"], 10, 30), |request| request.bounds = bounds(wrong.clone()));
        assert!(matches!(city.does(CA_CLERK, request), Err(Refusal::Invalid(_))), "{wrong}");
    }
    let wish =
        json!({"weekdays": [1, 2], "rate": {"per_minute": 60}, "scope": [{"field": "name", "values": ["a", "b"]}]});
    let request = asked(city.request(&["name"], 10, 30), |request| {
        request.bounds = bounds(wish);
        request.hours = Some((8, 18));
        request.network_zone = Some("gov-extranet".into());
        request.details = Details { purpose_text: Some("过户".into()), ..Details::default() }.stated();
    });
    let grant = GrantId::from(city.does(CA_CLERK, request).unwrap());
    let approval = |city: &City| city.approval(grant, &["name"], 10, 30);
    for wider in [
        json!({"weekdays": [3]}),
        json!({"rate": {"per_minute": 61}}),
        json!({"scope": [{"field": "name", "values": ["c"]}]}),
    ] {
        let command = allowed(approval(&city), |approval| approval.bounds = bounds(wider.clone()));
        assert!(matches!(city.does(PS_REVIEWER, command), Err(Refusal::Invalid(_))), "{wider}");
    }
    let earlier = allowed(approval(&city), |approval| approval.hours = Some((7, 12)));
    assert!(city.does(PS_REVIEWER, earlier).is_err(), "earlier hours");
    let elsewhere = allowed(approval(&city), |approval| approval.network_zone = Some("internet".into()));
    assert!(city.does(PS_REVIEWER, elsewhere).is_err(), "another zone");
    let narrower = allowed(approval(&city), |approval| {
        approval.hours = Some((9, 17));
        approval.bounds = bounds(json!({"rate": {"per_second": 1}, "scope": [{"field": "name", "values": ["a"]}]}));
    });
    city.does(PS_REVIEWER, narrower).unwrap();
    let grant = city.state.grant(grant).unwrap();
    assert_eq!(
        (grant.hours(), grant.weekdays(), grant.network_zone()),
        (Some((9, 17)), Some(&[1, 2][..]), Some("gov-extranet"))
    );
    let rate = grant.rate().unwrap();
    assert_eq!((rate.per_second, rate.per_minute), (Some(1), Some(60)), "both hold");
    assert_eq!(grant.scope()[0].values, ["a"]);
}

#[test]
fn the_fuller_application_waits_for_edition_3() {
    let mut city = City::of_edition(Some(2));
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let request = asked(city.request(&["name"], 10, 30), |request| request.bounds = bounds(json!({"weekdays": [1]})));
    assert!(matches!(city.does(CA_CLERK, request), Err(Refusal::Payload(_))));
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    let narrowed = allowed(city.approval(grant, &["name"], 10, 30), |approval| approval.hours = Some((8, 9)));
    assert!(matches!(city.does(PS_REVIEWER, narrowed), Err(Refusal::Payload(_))));
    city.does(PS_REVIEWER, city.approval(grant, &["name"], 10, 30)).unwrap();
}
