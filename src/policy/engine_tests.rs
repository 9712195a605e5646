//! Documents that must be refused, and what a decision says.

use super::*;
use crate::domain::Role;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::grant::GrantState;
use facts::Relation;

fn engine() -> Engine {
    Engine::new(&default_document()).unwrap()
}

fn query() -> Facts {
    Facts {
        entry: Some(EntryState::Published),
        sharing: Some(Sharing::Conditional),
        grade: 3,
        grant: Some(GrantState::Active),
        purpose: Match::Yes,
        items: Match::Yes,
        ..Facts::new(Action::Query, Role::System, Relation::Consumer)
    }
}

#[test]
fn a_decision_names_its_rule_and_every_fault_of_the_call() {
    let allowed = engine().decide(&query());
    assert_eq!((allowed.allowed, allowed.rule.as_str()), (true, "query-with-active-grant"));
    assert!(allowed.reasons.is_empty());

    let refused = engine().decide(&Facts { items: Match::No, hours: Match::No, purpose: Match::No, ..query() });
    let codes: Vec<&str> = refused.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!((refused.allowed, refused.rule.as_str()), (false, "query-other-purpose"));
    assert_eq!(codes, ["purpose_mismatch", "item_not_granted", "outside_hours"]);

    let revoked = engine().decide(&Facts { grant: Some(GrantState::Revoked), items: Match::No, ..query() });
    assert_eq!(revoked.reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), ["grant_revoked"]);
}

#[test]
fn a_refusal_knows_what_would_have_to_be_otherwise() {
    let engine = engine();
    let told = |facts: Facts| {
        let needs =
            engine.needs(&facts).into_iter().map(|need| format!("{} {}>{}", need.attribute, need.is, need.needs));
        needs.collect::<Vec<_>>()
    };
    assert_eq!(told(query()), Vec::<String>::new(), "nothing, it is allowed");
    assert_eq!(told(Facts { grant: Some(GrantState::Revoked), ..query() }), ["grant revoked>active"]);
    assert_eq!(told(Facts { purpose: Match::No, hours: Match::No, ..query() }), ["purpose no>yes", "hours no>yes"]);
    let none = Facts { grant: None, purpose: Match::NotApplicable, items: Match::NotApplicable, ..query() };
    assert_eq!(told(none), ["purpose na>yes", "items na>yes", "grant none>active"]);
    assert_eq!(told(Facts { role: Role::Auditor, ..query() }), ["role auditor>clerk"]);
    assert_eq!(told(Facts { sharing: Some(Sharing::NotShared), ..query() }), Vec::<String>::new(), "nothing helps");
}

#[test]
fn decisions_of_many_threads_do_not_mix() {
    let engine = engine();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                let (facts, rule) = match n % 2 {
                    0 => (query(), "query-with-active-grant"),
                    _ => (Facts { grant: None, ..query() }, "query-without-grant"),
                };
                (0..200).for_each(|_| assert_eq!(engine.decide(&facts).rule, rule));
            });
        }
    });
}

#[test]
fn where_no_rule_speaks_the_answer_is_no() {
    let document = PolicyDocument {
        rules: "only, catalog.read, *, *, *, *, *, *, *, *, *, *, *, allow, -".into(),
        ..default_document()
    };
    let engine = Engine::new(&document).unwrap();
    let refused = engine.decide(&query());
    assert_eq!((refused.allowed, refused.rule.as_str(), refused.reasons[0].code), (false, "default-deny", "no_rule"));
    assert!(engine.decide(&Facts::new(Action::ReadCatalog, Role::Clerk, Relation::Own)).allowed);
}

#[test]
fn a_model_that_casbin_would_choke_on_is_refused() {
    let model = default_document().model;
    for (from, to) in [
        ("priority(p.eft) || deny", "some(where (p.eft==allow))"),
        ("priority(p.eft) || deny", "some(where (p.eft == allow))"),
        ("priority(p.eft) || deny", "priority(p.eft)||deny"),
        ("r = action, role", "r = role, action"),
        ("eft, reason", "reason, eft"),
        ("p.role == \"*\" || r.role", "p.role == \"*\" || true || r.role"),
        ("r.role == p.role", "r.role == p.rol"),
        ("p.role == \"*\" || r.role == p.role", "p.grade == \"*\" || r.grade == p.grade"),
        (" \\\n && (p.grade == \"*\" || r.grade == p.grade)", ""),
        ("[matchers]", "[matcher]"),
        ("[policy_effect]\ne =", "[policy_effect]\ne2 ="),
        ("[matchers]", "[role_definition]\ng = _, _\n\n[matchers]"),
        ("[policy_effect]", "nonsense\n[policy_effect]"),
    ] {
        assert!(model.contains(from), "{from:?} is not in the model");
        let document = PolicyDocument { model: model.replacen(from, to, 1), ..default_document() };
        let refused = Engine::new(&document).err();
        assert!(matches!(refused, Some(PolicyError::Document(document::PolicyError::Model(_)))), "{to:?}: {refused:?}");
    }
    let empty = PolicyDocument { model: String::new(), ..default_document() };
    assert!(Engine::new(&empty).is_err());
}

#[test]
fn a_rule_with_an_unknown_word_is_refused_with_its_line() {
    let good = "rule, query, clerk, own, *, published, *, *, *, *, *, *, *, allow, -";
    let with = |line: &str| Engine::new(&PolicyDocument { rules: format!("# x\n{line}\n"), ..default_document() });
    assert!(with(good).is_ok());
    for (from, to) in [
        ("query", "quer"),
        ("clerk", "clark"),
        ("clerk", "Clerk"),
        ("clerk", ""),
        ("clerk", "clerk|"),
        ("clerk", "clerk|clerk"),
        ("clerk", "!clerk|reviewer|admin|auditor|system"),
        ("clerk", "clerk|*"),
        ("own", "owner"),
        ("published", "draft"),
        ("allow", "permit"),
        ("allow, -", "allow, no_grant"),
        ("allow, -", "deny, -"),
        ("allow, -", "deny, because"),
        ("allow, -", "allow"),
        ("allow, -", "allow, -, -"),
        ("rule", "a rule"),
        ("rule", ""),
    ] {
        let refused = with(&good.replacen(from, to, 1)).err();
        assert!(
            matches!(refused, Some(PolicyError::Document(document::PolicyError::Rule { line: 2, .. }))),
            "{to:?}: {refused:?}"
        );
    }
    assert!(with(&format!("{good}\n{good}")).is_err(), "an id used twice");
    assert!(with("").is_err(), "no rules at all");
}

#[test]
fn every_reason_says_what_to_do_in_both_languages() {
    for (at, reason) in reason::REASONS.iter().enumerate() {
        assert!(reason.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", reason.code);
        assert!(!reason.zh.is_ascii() && reason.en.is_ascii() && reason.en.len() > 20, "{}", reason.code);
        assert!(reason::REASONS[..at].iter().all(|earlier| earlier.code != reason.code), "{} twice", reason.code);
    }
}

/// `cargo test --release --lib policy::engine_tests -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, of use in a release build only"]
fn measure_decisions() {
    let engine = engine();
    for (name, facts) in [
        ("allowed by a grant", query()),
        ("withdrawn", Facts { entry: Some(EntryState::Withdrawn), ..query() }),
        ("item not granted", Facts { items: Match::No, ..query() }),
        ("two faults", Facts { items: Match::No, purpose: Match::No, ..query() }),
        (
            "approval",
            Facts { relation: Relation::Provider, action: Action::ApproveGrant, role: Role::Reviewer, ..query() },
        ),
    ] {
        let begin = std::time::Instant::now();
        let rounds = 20_000;
        (0..rounds).for_each(|_| _ = std::hint::black_box(engine.decide_anew(std::hint::black_box(&facts))));
        let anew = begin.elapsed();
        (0..rounds).for_each(|_| _ = std::hint::black_box(engine.decide(std::hint::black_box(&facts))));
        let microseconds = |time: std::time::Duration| time.as_secs_f64() * 1e6 / f64::from(rounds);
        println!("{name}: {:.1} us, known {:.2} us", microseconds(anew), microseconds(begin.elapsed() - anew));
    }
}
