//! Cases since edition 4: each party does its own part, in its turn, and nothing grows without end.

use super::*;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::case::{
    CaseAssignment, CaseCheck, CaseCompletion, CaseCorrection, CasePull, CaseResubmission, CaseReturn, CaseState,
    CaseWithdrawal, Fact, Material, RuleResult, StepKind, WorkflowPublication,
};
use crate::ids::{AccessId, CaseId};

type Who = (&'static str, &'static str, Role);

const BUREAU: Who = ("data-bureau", "reviewer1", Role::Reviewer);
const BUREAU_CLERK: Who = ("data-bureau", "clerk1", Role::Clerk);

/// A version of civil affairs' workflow.
pub(super) fn publication(version: u32) -> Command {
    let document = json!({"name": "parking-permit", "cause": "x"});
    Command::PublishWorkflow(WorkflowPublication { name: "parking-permit".parse().unwrap(), version, document })
}

fn step(name: &str, department: &str) -> SignOffStep {
    SignOffStep::plain(name.parse().unwrap(), department.parse().unwrap(), text(name))
}

fn plan() -> CaseOpening {
    let fee = SignOffStep { kind: Some(StepKind::Payment), role: Some(Role::Clerk), ..step("fee", "data-bureau") };
    let fee = SignOffStep { after: Some(vec!["household".parse().unwrap()]), days: Some(3), ..fee };
    let steps = vec![step("household", "public-security"), fee];
    CaseOpening {
        version: Some(1),
        form_digest: Some(sm3(&[b"form"])),
        pulls: Some(vec!["people".parse().unwrap(), "cars".parse().unwrap()]),
        days: Some(10),
        certificate: Some(false),
        ..CaseOpening::plain("parking-permit".parse().unwrap(), text("停车证"), vec![], steps)
    }
}

/// A case with two pulls and two steps, the second after the first and done by a payment.
pub(super) fn opening(version: u32) -> Command {
    Command::OpenCase(CaseOpening { version: Some(version), ..plan() })
}

fn pull(case: CaseId, name: &str) -> Command {
    let (access_id, digest) = (AccessId::new(START), sm3(&[name.as_bytes()]));
    let material = Material { entry: "public-security/household-registration".parse().unwrap(), access_id, digest };
    Command::RecordPull(CasePull { case, pull: name.parse().unwrap(), material })
}

fn check(case: CaseId, held: bool) -> Command {
    let results = vec![RuleResult { rule: "of-age".parse().unwrap(), held }];
    Command::RecordCheck(CaseCheck { case, results })
}

fn sign(case: CaseId, name: &str, fact: Option<StepKind>) -> Command {
    let fact = fact.map(|kind| Fact { kind, digest: Hash([5; 32]) });
    let (step, note) = (name.parse().unwrap(), String::new());
    Command::SignOffCase(SignOff { case, step, agreed: true, note, fact })
}

fn give_back(case: CaseId, name: &str) -> Command {
    Command::ReturnCase(CaseReturn { case, step: name.parse().unwrap(), reason: "地址不全".into() })
}

fn resubmit(case: CaseId) -> Command {
    Command::ResubmitCase(CaseResubmission { case, note: "已补正".into(), correction: None })
}

fn assign(case: CaseId, name: &str, department: Option<&str>, user: Option<&str>) -> Command {
    let department = department.map(|id| id.parse().unwrap());
    let (step, user) = (name.parse().unwrap(), user.map(str::to_owned));
    Command::AssignCase(CaseAssignment { case, step, department, user, reason: "职责调整".into() })
}

fn complete(case: CaseId) -> Command {
    Command::CompleteCase(CaseCompletion { case, notice_digest: Some(Hash([7; 32])) })
}

pub(super) fn withdrawal(case: CaseId) -> Command {
    Command::WithdrawCase(CaseWithdrawal { case, reason: "申请人撤回".into() })
}

/// Everything that happens in a case that ends well.
pub(super) fn life(case: CaseId) -> Vec<(Who, Command)> {
    vec![
        (CA_CLERK, pull(case, "people")),
        (CA_CLERK, pull(case, "cars")),
        (CA_CLERK, check(case, true)),
        (PS_REVIEWER, assign(case, "household", None, Some("reviewer1"))),
        (PS_REVIEWER, give_back(case, "household")),
        (CA_CLERK, resubmit(case)),
        (PS_REVIEWER, sign(case, "household", None)),
        (BUREAU_CLERK, sign(case, "fee", Some(StepKind::Payment))),
        (CA_CLERK, complete(case)),
    ]
}

/// A city with a case that stands where its life has it after so many things.
fn after(things: usize) -> (City, CaseId) {
    let mut city = City::new();
    city.does(CA_REVIEWER, publication(1)).unwrap();
    let case = CaseId::from(city.does(CA_CLERK, opening(1)).unwrap());
    for (who, command) in life(case).into_iter().take(things) {
        city.does(who, command).unwrap();
    }
    (city, case)
}

fn state(city: &City, case: CaseId) -> CaseState {
    city.state.case(case).unwrap().state()
}

#[test]
fn a_case_goes_from_its_pulls_to_its_end() {
    use CaseState::{Agreed, Completed, InProgress, Returned, Waiting};
    let states =
        [Waiting, Waiting, Waiting, InProgress, InProgress, Returned, InProgress, InProgress, Agreed, Completed];
    for (things, expected) in states.into_iter().enumerate() {
        let (city, case) = after(things);
        assert_eq!(state(&city, case), expected, "after {things}");
    }
    let (city, case) = after(9);
    let done = city.state.case(case).unwrap();
    assert_eq!((done.events, done.notice), (9, Some(Hash([7; 32]))));
}

#[test]
fn every_act_is_its_party_s_in_its_turn() {
    for things in 0..=9 {
        let (mut city, case) = after(things);
        let next = life(case).get(things).map(|(_, command)| command.clone());
        let acts = [
            pull(case, "people"),
            pull(case, "cars"),
            check(case, true),
            give_back(case, "household"),
            resubmit(case),
            sign(case, "household", None),
            sign(case, "fee", Some(StepKind::Payment)),
            complete(case),
        ];
        let strangers = [("audit", "reviewer1", Role::Reviewer), ("audit", "clerk1", Role::Clerk)];
        for act in acts.into_iter().chain([withdrawal(case), assign(case, "fee", Some("audit"), None)]) {
            for stranger in strangers {
                assert!(matches!(city.does(stranger, act.clone()), Err(Refusal::NotAllowed(_))), "{}", act.kind());
            }
        }
        // Done again, or out of turn: refused, and nothing changes.
        let before = city.state.case(case).unwrap().clone();
        for (who, act) in life(case).into_iter().take(things).filter(|(_, act)| !matches!(act, Command::AssignCase(_)))
        {
            let is_next = next.as_ref() == Some(&act);
            // A step that was returned and brought again is signed; whatever else was done is done.
            let again = matches!(act, Command::ReturnCase(_)) && things == 6;
            if !is_next && !again {
                assert!(city.does(who, act.clone()).is_err(), "{} again after {things}", act.kind());
            }
        }
        assert_eq!(city.state.case(case).unwrap(), &before);
    }
    let (mut city, case) = after(3);
    assert!(
        matches!(city.does(BUREAU, sign(case, "fee", Some(StepKind::Payment))), Err(Refusal::Conflict(_))),
        "its turn"
    );
    assert!(city.does(BUREAU, give_back(case, "fee")).is_err(), "returned before its turn");
    assert!(city.does(PS_CLERK, sign(case, "household", None)).is_err(), "a clerk in a reviewer's step");
    assert!(city.does(PS_REVIEWER, sign(case, "household", Some(StepKind::Payment))).is_err(), "a fact for a word");
    city.does(PS_REVIEWER, sign(case, "household", None)).unwrap();
    assert!(city.does(BUREAU, sign(case, "fee", None)).is_err(), "no fact");
    assert!(city.does(BUREAU, sign(case, "fee", Some(StepKind::Document))).is_err(), "another fact");
    city.does(BUREAU, sign(case, "fee", Some(StepKind::Payment))).unwrap();
    assert!(matches!(city.does(CA_CLERK, pull(case, "people")), Err(Refusal::Conflict(_))), "pulled when agreed");
}

#[test]
fn data_that_disagree_may_be_pulled_again_and_no_other() {
    let (mut city, case) = after(1);
    assert!(matches!(city.does(CA_CLERK, pull(case, "people")), Err(Refusal::Conflict(_))), "twice");
    assert!(matches!(city.does(CA_CLERK, check(case, true)), Err(Refusal::Conflict(_))), "one is missing");
    assert!(matches!(city.does(CA_CLERK, pull(case, "dogs")), Err(Refusal::Unknown(_))));
    city.does(CA_CLERK, pull(case, "cars")).unwrap();
    city.does(CA_CLERK, check(case, false)).unwrap();
    assert_eq!(state(&city, case), CaseState::Waiting);
    assert!(city.does(PS_REVIEWER, sign(case, "household", None)).is_err(), "signed while data disagree");
    city.does(CA_CLERK, pull(case, "people")).unwrap();
    assert!(city.does(CA_CLERK, pull(case, "people")).is_err(), "and again");
    city.does(CA_CLERK, pull(case, "cars")).unwrap();
    city.does(CA_CLERK, check(case, true)).unwrap();
    assert_eq!(state(&city, case), CaseState::InProgress);
}

/// The form of the opening, corrected: so many digests later, with what is pulled for it and what of that stays.
fn correct(case: CaseId, [from, to]: [&[u8]; 2], pulls: &[&str], kept: &[&str]) -> Command {
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let (pulls, kept) = (names(pulls), names(kept));
    let correction = Some(CaseCorrection { corrects: sm3(&[from]), form_digest: sm3(&[to]), pulls, kept });
    Command::ResubmitCase(CaseResubmission { case, note: "更正车牌".into(), correction })
}

#[test]
fn a_corrected_form_is_pulled_compared_and_signed_again_and_nobody_pays_twice() {
    let both = &["people", "cars"][..];
    let (mut city, case) = after(4);
    city.does(PS_REVIEWER, sign(case, "household", None)).unwrap();
    city.does(BUREAU, give_back(case, "fee")).unwrap();
    let good = correct(case, [b"form", b"corrected"], both, &both[..1]);
    for (who, command, why) in [
        (PS_REVIEWER, good.clone(), "another department"),
        (CA_CLERK, correct(case, [b"other", b"corrected"], both, &[]), "a form that is not in force"),
        (CA_CLERK, correct(case, [b"form", b"form"], both, &[]), "the same form"),
        (CA_CLERK, correct(case, [b"form", b"corrected"], both, &["dogs"]), "keeps what is not pulled"),
        (CA_CLERK, correct(case, [b"form", b"corrected"], &["cars", "cars"], &[]), "a pull twice"),
    ] {
        assert!(city.does(who, command).is_err(), "{why}");
    }
    city.does(CA_CLERK, good.clone()).unwrap();
    let now = city.state.case(case).unwrap();
    assert_eq!((now.state(), now.form_digest()), (CaseState::Waiting, Some(sm3(&[b"corrected"]))));
    assert!(now.sign_offs.is_empty() && now.returned.is_empty() && now.checked.is_none());
    assert_eq!(now.pulled.keys().map(ToString::to_string).collect::<Vec<_>>(), ["people"]);
    assert!(city.does(CA_CLERK, good).is_err(), "twice");
    assert!(city.does(CA_CLERK, pull(case, "people")).is_err(), "what stays is not pulled again");
    for (who, command) in [
        (CA_CLERK, pull(case, "cars")),
        (CA_CLERK, check(case, true)),
        (PS_REVIEWER, sign(case, "household", None)),
        (BUREAU_CLERK, sign(case, "fee", Some(StepKind::Payment))),
    ] {
        city.does(who, command).unwrap();
    }
    assert_eq!(state(&city, case), CaseState::Agreed);
    assert!(city.does(CA_CLERK, correct(case, [b"corrected", b"x"], both, both)).is_err(), "when all agreed");

    // The payment is there already when the other step is returned; a pull that the form asks for no more is gone.
    let (mut city, case) = paid_first();
    city.does(CA_CLERK, correct(case, [b"form", b"corrected"], &both[..1], &both[..1])).unwrap();
    let paid: Vec<_> = city.state.case(case).unwrap().sign_offs.keys().map(ToString::to_string).collect();
    assert_eq!(paid, ["fee"]);
    city.does(CA_CLERK, check(case, true)).unwrap();
    city.does(PS_REVIEWER, sign(case, "household", None)).unwrap();
    assert_eq!(state(&city, case), CaseState::Agreed);
}

/// A case whose two steps run side by side: the fee is paid, the household step returned.
fn paid_first() -> (City, CaseId) {
    let mut city = City::new();
    city.does(CA_REVIEWER, publication(1)).unwrap();
    let mut plan = plan();
    plan.steps.iter_mut().for_each(|step| step.after = None);
    let case = CaseId::from(city.does(CA_CLERK, Command::OpenCase(plan)).unwrap());
    for (who, command) in life(case).into_iter().take(3) {
        city.does(who, command).unwrap();
    }
    city.does(BUREAU_CLERK, sign(case, "fee", Some(StepKind::Payment))).unwrap();
    city.does(PS_REVIEWER, give_back(case, "household")).unwrap();
    (city, case)
}

#[test]
fn a_case_that_waits_for_data_can_be_corrected_from_edition_5_on() {
    let (mut city, case) = after(1);
    city.does(CA_CLERK, pull(case, "cars")).unwrap();
    city.does(CA_CLERK, check(case, false)).unwrap();
    assert!(city.does(CA_CLERK, resubmit(case)).is_err(), "nothing was returned");
    let correction = correct(case, [b"form", b"corrected"], &["people", "cars"], &["people", "cars"]);
    assert_eq!(crate::domain::edition::of(&correction), 5);
    assert_eq!(crate::domain::edition::of(&resubmit(case)), 4);
    city.does(CA_CLERK, correction).unwrap();
    city.does(CA_CLERK, check(case, true)).unwrap();
    assert_eq!(state(&city, case), CaseState::InProgress);
}

#[test]
fn a_step_goes_to_another_department_or_to_one_person() {
    let (mut city, case) = after(3);
    for (who, command, why) in [
        (PS_CLERK, assign(case, "household", Some("audit"), None), "a clerk"),
        (CA_REVIEWER, assign(case, "household", None, Some("wang")), "a person of another department"),
        (PS_REVIEWER, assign(case, "household", Some("nobody"), None), "no such department"),
        (PS_REVIEWER, assign(case, "household", Some("audit"), Some("wang")), "both"),
        (PS_REVIEWER, assign(case, "household", None, None), "neither"),
        (PS_REVIEWER, assign(case, "household", None, Some(&"x".repeat(65))), "a long name"),
        (PS_REVIEWER, assign(case, "fee", Some("audit"), None), "another's step"),
    ] {
        assert!(city.does(who, command).is_err(), "{why} passed");
    }
    city.does(PS_REVIEWER, assign(case, "household", None, Some("reviewer2"))).unwrap();
    assert!(city.does(PS_REVIEWER, sign(case, "household", None)).is_err(), "another person");
    city.does(CA_REVIEWER, assign(case, "household", Some("audit"), None)).unwrap();
    assert!(city.does(("public-security", "reviewer2", Role::Reviewer), sign(case, "household", None)).is_err());
    city.does(("audit", "reviewer9", Role::Reviewer), sign(case, "household", None)).unwrap();
    assert!(city.does(CA_REVIEWER, assign(case, "household", Some("audit"), None)).is_err(), "signed");
    assert!(city.state.case(case).unwrap().involves(&"public-security".parse().unwrap()));
}

#[test]
fn a_case_is_withdrawn_by_its_owner_until_its_end() {
    for things in [0, 3, 5, 8] {
        let (mut city, case) = after(things);
        assert!(city.does(PS_REVIEWER, withdrawal(case)).is_err());
        city.does(CA_CLERK, withdrawal(case)).unwrap();
        assert_eq!(state(&city, case), CaseState::Withdrawn);
        for (who, command) in life(case) {
            assert!(city.does(who, command.clone()).is_err(), "{} after the end", command.kind());
        }
    }
    let (mut city, case) = after(9);
    assert!(city.does(CA_CLERK, withdrawal(case)).is_err());
}

#[test]
fn a_case_follows_the_workflow_in_force_and_its_parts_fit() {
    let mut city = City::new();
    assert!(matches!(city.does(CA_CLERK, opening(1)), Err(Refusal::Unknown(_))), "nothing is published");
    assert!(matches!(city.does(CA_CLERK, publication(1)), Err(Refusal::NotAllowed(_))), "a clerk publishes");
    assert!(matches!(city.does(CA_REVIEWER, publication(2)), Err(Refusal::Conflict(_))), "the second comes first");
    city.does(CA_REVIEWER, publication(1)).unwrap();
    assert!(matches!(city.does(PS_CLERK, opening(1)), Err(Refusal::Unknown(_))), "another department's");
    let slug = |name: &str| -> crate::ids::Slug { name.parse().unwrap() };
    let with = |change: &dyn Fn(&mut CaseOpening)| {
        let mut opening = plan();
        change(&mut opening);
        Command::OpenCase(opening)
    };
    let material = Material {
        entry: "public-security/household-registration".parse().unwrap(),
        access_id: AccessId::new(START),
        digest: Hash([1; 32]),
    };
    for (command, why) in [
        (with(&|opening| opening.version = None), "parts of edition 4 without a version"),
        (with(&|opening| opening.version = Some(2)), "a version that is none"),
        (with(&|opening| opening.form_digest = None), "no form"),
        (with(&|opening| opening.pulls = None), "no pulls"),
        (with(&|opening| opening.pulls = Some(vec![slug("people"), slug("people")])), "a pull twice"),
        (with(&|opening| opening.pulls = Some((0..51).map(|n| slug(&format!("pull-{n}"))).collect())), "many pulls"),
        (with(&|opening| opening.materials = vec![material.clone()]), "materials before"),
        (with(&|opening| opening.steps.reverse()), "a step after a later one"),
        (with(&|opening| opening.steps[0].after = Some(vec![slug("household")])), "a step after itself"),
        (with(&|opening| opening.steps[0].role = Some(Role::Admin)), "a step for administrators"),
        (with(&|opening| opening.steps[0].days = Some(0)), "no day"),
        (with(&|opening| opening.days = Some(251)), "too many days"),
    ] {
        assert!(city.does(CA_CLERK, command).is_err(), "{why} passed");
    }
    city.does(CA_REVIEWER, publication(2)).unwrap();
    assert!(matches!(city.does(CA_CLERK, opening(1)), Err(Refusal::Conflict(_))), "an old version");
    city.does(CA_CLERK, opening(2)).unwrap();
    for document in [
        json!({"name": "parking"}),
        json!([]),
        json!({"name": "parking-permit", "days": 1.5}),
        json!({"name": "parking-permit", "cause": "x".repeat(57 * 1024)}),
    ] {
        let publication = WorkflowPublication { name: slug("parking-permit"), version: 3, document };
        assert!(matches!(city.does(CA_REVIEWER, Command::PublishWorkflow(publication)), Err(Refusal::Invalid(_))));
    }
    let known =
        |version| city.state.workflow_version(&"civil-affairs".parse().unwrap(), &slug("parking-permit"), version);
    assert!(known(1).is_some() && known(2).is_some() && known(3).is_none());
    assert_eq!(city.state.workflow(&"civil-affairs".parse().unwrap(), &slug("parking-permit")).unwrap().0, 2);
    assert!(city.state.workflow(&"civil-affairs".parse().unwrap(), &slug("parking-permi")).is_none());
}

#[test]
fn a_case_does_not_grow_without_end() {
    let (mut city, case) = after(3);
    for n in 3..500 {
        city.now = city.now.plus(1);
        city.does(PS_REVIEWER, assign(case, "household", None, Some(&format!("reviewer{n}")))).unwrap();
    }
    assert!(matches!(city.does(PS_REVIEWER, assign(case, "household", None, Some("x"))), Err(Refusal::Conflict(_))));
}

#[test]
fn a_case_from_before_goes_its_old_way() {
    let mut city = City::of_edition(Some(3));
    assert!(matches!(city.does(CA_REVIEWER, publication(1)), Err(Refusal::Payload(_))), "not known yet");
    let old = CaseOpening::plain(
        "parking-permit".parse().unwrap(),
        text("停车证"),
        vec![],
        vec![step("duty", "data-bureau")],
    );
    let case = CaseId::from(city.does(CA_CLERK, Command::OpenCase(old)).unwrap());
    assert_eq!(state(&city, case), CaseState::InProgress);
    let raise = Command::SetEdition(crate::domain::edition::EditionChange { edition: 4 });
    city.does(("data-bureau", "root", Role::Admin), raise).unwrap();
    for (who, command) in [
        (CA_CLERK, withdrawal(case)),
        (CA_CLERK, complete(case)),
        (BUREAU, give_back(case, "duty")),
        (BUREAU, assign(case, "duty", Some("audit"), None)),
    ] {
        assert!(matches!(city.does(who, command), Err(Refusal::Conflict(_))));
    }
    city.does(BUREAU, sign(case, "duty", None)).unwrap();
    assert_eq!((state(&city, case), city.state.case(case).unwrap().events), (CaseState::Agreed, 0));
}
