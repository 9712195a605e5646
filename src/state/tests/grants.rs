//! Grants on the ledger beyond asking and deciding.

use super::*;
use crate::domain::grant::Details;
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::life::AppealRuling;

fn bounds(value: serde_json::Value) -> Option<Box<Bounds>> {
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

#[test]
fn an_item_ends_before_its_grant_and_never_later_than_asked() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let terms = |city: &City, of: &[(&str, u64)]| {
        let term = |(item, days): &(&str, u64)| json!({"item": item, "valid_until": city.now.plus(days * DAY).0});
        bounds(json!({"item_terms": of.iter().map(term).collect::<Vec<_>>()}))
    };
    let wish = |city: &City, of: &[(&str, u64)]| {
        asked(city.request(&["name", "address"], 10, 30), |request| request.bounds = terms(city, of))
    };
    for (wrong, why) in [
        (&[][..], "none"),
        (&[("name", 31)], "after the grant"),
        (&[("name", 0)], "over"),
        (&[("wages", 3)], "no item"),
        (&[("name", 3), ("name", 4)], "twice"),
    ] {
        let request = wish(&city, wrong);
        assert!(matches!(city.does(CA_CLERK, request), Err(Refusal::Invalid(_))), "{why}");
    }
    let request = wish(&city, &[("name", 20)]);
    let grant = GrantId::from(city.does(CA_CLERK, request).unwrap());
    let narrowed = |city: &City, items: &[&str], of: &[(&str, u64)]| {
        allowed(city.approval(grant, items, 10, 30), |approval| approval.bounds = terms(city, of))
    };
    for (items, wrong) in [(&["name"][..], &[("name", 21)][..]), (&["name"], &[("address", 9)])] {
        let command = narrowed(&city, items, wrong);
        assert!(matches!(city.does(PS_REVIEWER, command), Err(Refusal::Invalid(_))), "{wrong:?}");
    }
    let command = narrowed(&city, &["name", "address"], &[("address", 10)]);
    city.does(PS_REVIEWER, command).unwrap();
    let (name, address) = ("name".parse().unwrap(), "address".parse().unwrap());
    let after = |days: u64| {
        let (known, at) = (city.state.grant(grant).unwrap(), city.now.plus(days * DAY));
        (known.gives(&name, at), known.gives(&address, at))
    };
    assert_eq!([after(9), after(10), after(20)], [(true, true), (true, false), (false, false)]);
    let mut bytes = Vec::new();
    city.state.write(&mut bytes).unwrap();
    assert_eq!(State::read(&mut bytes.as_slice()).unwrap().digest(), city.state.digest());

    let mut older = City::of_edition(Some(4));
    older.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let request = wish(&older, &[("name", 20)]);
    assert!(matches!(older.does(CA_CLERK, request), Err(Refusal::Payload(_))), "it waits for edition 5");
    let grant = GrantId::from(older.does(CA_CLERK, older.request(&["name"], 10, 30)).unwrap());
    let command = allowed(older.approval(grant, &["name"], 10, 30), |one| one.bounds = terms(&older, &[("name", 3)]));
    assert!(matches!(older.does(PS_REVIEWER, command), Err(Refusal::Payload(_))));
}

#[test]
fn departments_that_share_a_grant_have_it_each_and_others_do_not() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let shared = |city: &City, members: &[&str]| {
        let members = members.iter().map(|member| member.parse().unwrap()).collect();
        asked(city.request(&["name"], 10, 30), |request| request.members = Some(members))
    };
    for wrong in [&[][..], &["civil-affairs"], &["public-security"], &["audit", "audit"], &["nobody-here"]] {
        let request = shared(&city, wrong);
        assert!(city.does(CA_CLERK, request).is_err(), "{wrong:?}");
    }
    let mut grants = Vec::new();
    for (who, members) in [(AUDIT_CLERK, &[][..]), (CA_CLERK, &["audit", "data-bureau"]), (AUDIT_CLERK, &[])] {
        city.now = city.now.plus(1);
        let request = if members.is_empty() { city.request(&["name"], 10, 30) } else { shared(&city, members) };
        let grant = GrantId::from(city.does(who, request).unwrap());
        city.does(PS_REVIEWER, city.approval(grant, &["name"], 10, 30)).unwrap();
        grants.push(grant);
    }
    let mut bytes = Vec::new();
    city.state.write(&mut bytes).unwrap();
    let again = State::read(&mut bytes.as_slice()).unwrap();
    assert_eq!(again.digest(), city.state.digest());
    let entry = "public-security/household-registration".parse().unwrap();
    for state in [&city.state, &again] {
        let of = |who: &str, purpose: &str| {
            state.grants_for(&who.parse().unwrap(), &entry, purpose).map(|grant| grant.id).collect::<Vec<_>>()
        };
        assert_eq!(of("audit", "social-assistance"), [grants[2], grants[1], grants[0]], "newest first");
        assert_eq!(of("data-bureau", "social-assistance"), [grants[1]]);
        assert_eq!(of("civil-affairs", "social-assistance"), [grants[1]]);
        assert!(of("public-security", "social-assistance").is_empty() && of("audit", "statistics").is_empty());
    }
    let end = GrantEnding { grant: grants[1], reason: "closed".into() };
    assert!(city.does(AUDIT_REVIEWER, Command::RevokeGrant(end.clone())).is_err(), "not for the others");
    city.does(CA_REVIEWER, Command::RevokeGrant(end)).unwrap();

    let mut older = City::of_edition(Some(3));
    older.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let request = shared(&older, &["audit"]);
    assert!(matches!(older.does(CA_CLERK, request), Err(Refusal::Payload(_))), "it waits for edition 4");
}

const AUDIT_CLERK: (&str, &str, Role) = ("audit", "clerk1", Role::Clerk);
const AUDIT_REVIEWER: (&str, &str, Role) = ("audit", "reviewer1", Role::Reviewer);
const PS_SECOND: (&str, &str, Role) = ("public-security", "reviewer2", Role::Reviewer);
const BUREAU: (&str, &str, Role) = ("data-bureau", "reviewer1", Role::Reviewer);

fn word(of: fn(GrantEnding) -> Command, grant: GrantId, reason: &str) -> Command {
    of(GrantEnding { grant, reason: reason.into() })
}

impl City {
    /// A grant in force for thirty days.
    fn granted(&mut self) -> GrantId {
        let grant = GrantId::from(self.does(CA_CLERK, self.request(&["name", "address"], 10, 30)).unwrap());
        self.does(PS_REVIEWER, self.approval(grant, &["name"], 5, 30)).unwrap();
        grant
    }

    fn grant_state(&self, grant: GrantId) -> GrantState {
        self.state.grant(grant).unwrap().state(self.now)
    }
}

#[test]
fn a_grant_is_suspended_and_resumed_by_its_provider_or_the_authority() {
    use Command::{ResumeGrant as Resume, RevokeGrant as Revoke, SuspendGrant as Suspend};
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let grant = city.granted();
    for (who, why) in
        [(CA_REVIEWER, "the consumer"), (PS_CLERK, "a clerk"), (("audit", "x", Role::Reviewer), "a stranger")]
    {
        assert!(city.does(who, word(Suspend, grant, "r")).is_err(), "{why} suspends");
    }
    assert!(city.does(PS_REVIEWER, word(Suspend, grant, " \t ")).is_err(), "a blank reason");
    assert!(city.does(PS_REVIEWER, word(Resume, grant, "r")).is_err(), "not suspended");
    city.does(PS_REVIEWER, word(Suspend, grant, "a leak is examined")).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Suspended);
    assert!(city.does(PS_REVIEWER, word(Suspend, grant, "r")).is_err(), "twice");
    city.does(PS_SECOND, word(Resume, grant, "no leak")).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Active);
    city.does(BUREAU, word(Suspend, grant, "audit finding")).unwrap();
    assert!(matches!(city.does(PS_REVIEWER, word(Resume, grant, "r")), Err(Refusal::NotAllowed(_))));
    // Nor does a renewal get round the authority's word.
    assert!(city.does(CA_CLERK, asked(city.request(&["name"], 5, 60), |it| it.replaces = Some(grant))).is_err());
    city.does(BUREAU, word(Resume, grant, "settled")).unwrap();
    city.does(BUREAU, word(Suspend, grant, "again")).unwrap();
    city.does(CA_REVIEWER, word(Revoke, grant, "matter closed")).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Revoked, "a suspended grant can be ended");
    let grant = city.granted();
    city.does(PS_REVIEWER, word(Suspend, grant, "r")).unwrap();
    city.now = city.now.plus(31 * DAY);
    assert_eq!(city.grant_state(grant), GrantState::Expired, "a pause does not lengthen the term");
    assert_eq!(city.state.digest(), city.state.digest_recomputed());
}

#[test]
fn a_renewed_or_changed_grant_takes_the_place_of_the_old_one_when_it_is_approved() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let old = city.granted();
    let again = asked(city.request(&["name"], 5, 90), |request| request.replaces = Some(old));
    let new = GrantId::from(city.does(CA_CLERK, again.clone()).unwrap());
    assert_eq!((city.grant_state(old), city.grant_state(new)), (GrantState::Active, GrantState::Requested));
    city.does(PS_REVIEWER, city.approval(new, &["name"], 5, 90)).unwrap();
    assert_eq!((city.grant_state(old), city.grant_state(new)), (GrantState::Replaced, GrantState::Active));
    assert!(city.does(CA_CLERK, again).is_err(), "what is replaced is replaced once");
    let denied = asked(city.request(&["name"], 5, 90), |request| request.replaces = Some(new));
    let denied = GrantId::from(city.does(CA_CLERK, denied).unwrap());
    city.does(PS_REVIEWER, word(Command::DenyGrant, denied, "no need")).unwrap();
    assert_eq!(city.grant_state(new), GrantState::Active, "a refused change changes nothing");
    city.now = city.now.plus(91 * DAY);
    let late = asked(city.request(&["name"], 5, 90), |request| request.replaces = Some(new));
    assert!(matches!(city.does(CA_CLERK, late), Err(Refusal::Conflict(_))), "after expiry");
}

#[test]
fn a_refusal_is_appealed_against_once_and_the_authority_sends_it_back_or_not() {
    use Command::{AppealGrant as Appeal, DenyGrant as Deny, ExtendGrant as Extend};
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    city.does(PS_REVIEWER, word(Extend, grant, "the matter is examined")).unwrap();
    assert!(matches!(city.does(PS_REVIEWER, word(Extend, grant, "more")), Err(Refusal::Conflict(_))), "once");
    assert!(city.does(CA_CLERK, word(Appeal, grant, "r")).is_err(), "nothing is refused yet");
    city.does(PS_REVIEWER, word(Deny, grant, "no legal basis")).unwrap();
    assert!(city.does(("audit", "x", Role::Clerk), word(Appeal, grant, "r")).is_err(), "a stranger appeals");
    city.does(CA_CLERK, word(Appeal, grant, "the basis is article 11")).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Appealed);
    let decide_by = Some(city.now.plus(7 * DAY));
    let rule = |upheld, decide_by| {
        Command::RuleOnAppeal(AppealRuling { grant, upheld, reason: "article 11 holds".into(), decide_by })
    };
    assert!(city.does(PS_REVIEWER, rule(false, None)).is_err(), "the provider rules");
    assert!(city.does(("data-bureau", "c", Role::Clerk), rule(false, None)).is_err(), "a clerk rules");
    assert!(city.does(BUREAU, rule(true, None)).is_err(), "no end");
    assert!(city.does(BUREAU, rule(true, Some(city.now.plus(91 * DAY)))).is_err(), "a far end");
    assert!(city.does(BUREAU, rule(false, decide_by)).is_err(), "nothing to decide");
    city.does(BUREAU, rule(true, decide_by)).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Requested);
    city.does(PS_SECOND, word(Deny, grant, "the items are not needed")).unwrap();
    assert!(matches!(city.does(CA_CLERK, word(Appeal, grant, "r")), Err(Refusal::Conflict(_))), "once");
    let other = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    city.does(PS_REVIEWER, word(Deny, other, "no")).unwrap();
    city.does(CA_REVIEWER, word(Appeal, other, "why")).unwrap();
    let dismissed = AppealRuling { grant: other, upheld: false, reason: "rightly refused".into(), decide_by: None };
    city.does(BUREAU, Command::RuleOnAppeal(dismissed)).unwrap();
    assert_eq!(city.grant_state(other), GrantState::Denied);
    assert_eq!(city.state.digest(), city.state.digest_recomputed());
}

#[test]
fn an_entry_of_grade_4_needs_two_approvers() {
    let first = |command| {
        let Command::ApproveGrant(approval) = command else { panic!("not an approval") };
        Command::PreapproveGrant(approval)
    };
    let mut city = City::new();
    city.publish_graded(PS_REVIEWER, "1.0", 4).unwrap();
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name", "address"], 10, 30)).unwrap());
    assert!(
        matches!(city.does(PS_REVIEWER, city.approval(grant, &["name"], 5, 30)), Err(Refusal::Conflict(_))),
        "alone"
    );
    assert!(city.does(PS_REVIEWER, first(city.approval(grant, &["name"], 11, 30))).is_err(), "wider");
    let narrowed = allowed(city.approval(grant, &["name"], 5, 20), |approval| approval.hours = Some((8, 18)));
    city.does(PS_REVIEWER, first(narrowed)).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Requested);
    let second = |city: &City, items: &[&str], daily: u32| {
        allowed(city.approval(grant, items, daily, 20), |approval| approval.hours = Some((9, 17)))
    };
    assert_eq!(city.does(PS_REVIEWER, second(&city, &["name"], 5)), Err(Refusal::OwnRequest));
    assert!(city.does(PS_SECOND, first(city.approval(grant, &["name"], 5, 20))).is_err(), "a second first");
    for (wider, why) in [
        (second(&city, &["name", "address"], 5), "another item"),
        (second(&city, &["name"], 6), "more queries"),
        (city.approval(grant, &["name"], 5, 20), "the hours left out"),
    ] {
        assert!(matches!(city.does(PS_SECOND, wider), Err(Refusal::Invalid(_))), "{why}");
    }
    city.does(PS_SECOND, second(&city, &["name"], 4)).unwrap();
    // A term of the first approver's stays.
    let other = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    let until =
        |days: u64| bounds(json!({"item_terms": [{"item": "name", "valid_until": city.now.plus(days * DAY).0}]}));
    let terms = [until(5), until(6), until(4)];
    let ended = |city: &City, bounds: &Option<Box<Bounds>>| {
        allowed(city.approval(other, &["name"], 5, 20), |approval| approval.bounds = bounds.clone())
    };
    city.does(PS_REVIEWER, first(ended(&city, &terms[0]))).unwrap();
    for wider in [&None, &terms[1]] {
        assert!(matches!(city.does(PS_SECOND, ended(&city, wider)), Err(Refusal::Invalid(_))), "{wider:?}");
    }
    city.does(PS_SECOND, ended(&city, &terms[2])).unwrap();
    assert_eq!(city.grant_state(grant), GrantState::Active);
    // Below edition 3 nothing changes for a chain.
    let mut city = City::of_edition(Some(2));
    city.publish_graded(PS_REVIEWER, "1.0", 4).unwrap();
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    assert!(matches!(city.does(PS_REVIEWER, first(city.approval(grant, &["name"], 5, 30))), Err(Refusal::Payload(_))));
    city.does(PS_REVIEWER, city.approval(grant, &["name"], 5, 30)).unwrap();
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name"], 10, 30)).unwrap());
    assert!(matches!(city.does(PS_REVIEWER, first(city.approval(grant, &["name"], 5, 30))), Err(Refusal::Conflict(_))));
}
