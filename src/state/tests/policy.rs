//! Rules by two signatures: of the authority, and of the auditing department.

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::edition::EditionChange;
use crate::domain::policy::{PolicyConfirmation, PolicyProposal, PolicyRejection};

const AUTHORITY: (&str, &str, Role) = ("data-bureau", "root", Role::Admin);
const AUDITOR: (&str, &str, Role) = ("audit", "root", Role::Admin);
const RULES: &str = include_str!("../../policy/default/rules.csv");

fn document(version: u64, rules: &str) -> PolicyDocument {
    PolicyDocument { version, model: include_str!("../../policy/default/model.conf").into(), rules: rules.into() }
}

fn of(document: PolicyDocument) -> Command {
    Command::ProposePolicy(PolicyProposal { document, note: "more of the same".into() })
}

pub(super) fn proposal(version: u64) -> Command {
    of(document(version, &format!("# {version}\n{RULES}")))
}

pub(super) fn confirmation(state: &State, proposal: TxId) -> Command {
    let digest = state.waiting_policy().map_or(Hash([0; 32]), |waiting| waiting.document.digest());
    Command::ConfirmPolicy(PolicyConfirmation { proposal, digest })
}

pub(super) fn rejection(proposal: TxId) -> Command {
    Command::RejectPolicy(PolicyRejection { proposal, reason: "not now".into() })
}

#[test]
fn rules_need_the_authority_and_the_auditing_department() {
    let mut city = City::new();
    let alone = Command::SetPolicy(document(2, RULES));
    assert!(matches!(city.does(AUTHORITY, alone), Err(Refusal::NotAllowed(_))), "one signature is not enough");
    for stranger in [AUDITOR, ("civil-affairs", "root", Role::Admin), ("data-bureau", "clerk1", Role::Clerk)] {
        assert!(matches!(city.does(stranger, proposal(2)), Err(Refusal::NotAllowed(_))), "{stranger:?}");
    }
    assert!(matches!(city.does(AUTHORITY, proposal(3)), Err(Refusal::Conflict(_))), "versions follow one another");
    let first = city.does(AUTHORITY, proposal(2)).unwrap();
    assert_eq!(city.state.policy().unwrap().version, 1, "not in force yet");
    for stranger in [AUTHORITY, ("civil-affairs", "root", Role::Admin), ("audit", "auditor1", Role::Auditor)] {
        let confirmation = confirmation(&city.state, first);
        assert!(matches!(city.does(stranger, confirmation), Err(Refusal::NotAllowed(_))), "{stranger:?}");
    }
    let blind = Command::ConfirmPolicy(PolicyConfirmation { proposal: first, digest: Hash([1; 32]) });
    assert!(matches!(city.does(AUDITOR, blind), Err(Refusal::Conflict(_))), "what was not seen is not confirmed");

    let second = city.does(AUTHORITY, proposal(2)).unwrap();
    let late = confirmation(&city.state, first);
    assert!(matches!(city.does(AUDITOR, late), Err(Refusal::Conflict(_))), "another proposal took its place");
    let confirmation = confirmation(&city.state, second);
    city.does(AUDITOR, confirmation.clone()).unwrap();
    assert_eq!((city.state.policy().unwrap().version, city.state.waiting_policy()), (2, None));
    assert!(matches!(city.does(AUDITOR, confirmation), Err(Refusal::Conflict(_))), "once only");
    let same = of(PolicyDocument { version: 3, ..city.state.policy().unwrap().clone() });
    assert!(matches!(city.does(AUTHORITY, same), Err(Refusal::Conflict(_))), "nothing to change");

    let all = city.state.policies();
    assert_eq!(all.iter().map(|record| record.document.version).collect::<Vec<_>>(), [1, 2]);
    let words = [&all[1].proposed, &all[1].confirmed].map(|word| word.as_ref().unwrap().department.to_string());
    assert_eq!(words, ["data-bureau", "audit"]);
    assert_eq!((all[0].document.rules.as_str(), &all[0].confirmed), ("r", &None));
}

#[test]
fn what_no_node_could_use_or_no_city_may_have_is_refused_by_every_node() {
    let mut city = City::new();
    let open = RULES.replace("query-not-shared,        query,", "query-not-shared,        grant.request,");
    let shut = RULES.replace("policy,                  policy.set,", "policy,                  key.manage,");
    assert!(open != RULES && shut != RULES);
    for (rules, why) in [
        ("only, query, clark, *, *, *, *, *, *, *, *, *, *, allow, -", "clark"),
        ("", "missing"),
        (open.replace("*,          unconditional, *,     *,", "*,          *, *,     *,").as_str(), "never-not-shared"),
        (shut.as_str(), "authority-sets-rules"),
        (format!("{RULES}{}", "# x\n".repeat(4_000)).as_str(), "characters"),
    ] {
        let refusal = city.does(AUTHORITY, of(document(2, rules))).unwrap_err();
        assert!(matches!(&refusal, Refusal::Invalid(said) if said.contains(why)), "{why}: {refusal}");
    }
    let model = PolicyDocument { model: "[matchers]\nm = true".into(), ..document(2, RULES) };
    assert!(matches!(city.does(AUTHORITY, of(model)), Err(Refusal::Invalid(_))));
    assert_eq!(city.state.waiting_policy(), None);
}

#[test]
fn a_proposal_can_be_withdrawn_or_refused() {
    let mut city = City::new();
    for by in [AUTHORITY, AUDITOR] {
        let proposed = city.does(AUTHORITY, proposal(2)).unwrap();
        let stranger = ("civil-affairs", "root", Role::Admin);
        assert!(matches!(city.does(stranger, rejection(proposed)), Err(Refusal::NotAllowed(_))));
        city.does(by, rejection(proposed)).unwrap();
        let confirmation = confirmation(&city.state, proposed);
        assert!(matches!(city.does(AUDITOR, confirmation), Err(Refusal::Conflict(_))));
    }
    assert_eq!(city.state.policies().len(), 1);
}

#[test]
fn before_edition_3_one_signature_sets_rules_and_what_it_set_is_kept_later() {
    let mut city = City::of_edition(Some(2));
    city.does(AUTHORITY, Command::SetPolicy(document(2, "r2"))).unwrap();
    assert_eq!(city.does(AUTHORITY, proposal(3)).unwrap_err().code(), "payload_unreadable");
    city.does(AUTHORITY, Command::SetEdition(EditionChange { edition: 3 })).unwrap();
    let proposed = city.does(AUTHORITY, proposal(3)).unwrap();
    let confirmation = confirmation(&city.state, proposed);
    city.does(AUDITOR, confirmation).unwrap();
    let rules: Vec<String> = city.state.policies().into_iter().map(|record| record.document.rules).collect();
    assert_eq!((rules.len(), rules[0].as_str(), rules[1].as_str()), (3, "r", "r2"));
    assert_eq!(city.state.digest(), city.state.digest_recomputed());
}
