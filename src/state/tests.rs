//! The state machine's rules as its users meet them: one small city, real signed transactions.

mod cases;
mod catalog;
mod certificates;
mod digest;
mod edition;
mod fuzz;
mod grants;
mod keys;
mod nodes;
mod policy;
mod snapshot;

use serde_json::json;

use crate::clock::{DAY_MS, Millis};
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::SigningKey;
use crate::domain::case::{CaseOpening, SignOff, SignOffStep};
use crate::domain::catalog::Masking;
use crate::domain::certificate::CertificateIssue;
use crate::domain::command::{Command, EntryEnding, EntryPublication, GrantEnding, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::grant::{Approval, GrantMode, GrantRequest, GrantState, GrantedItem};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::{DepartmentId, GrantId, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;

use super::{Outcome, Refusal, State};

#[path = "findings_tests.rs"]
mod findings;

const START: Millis = Millis(1_795_000_000_000);
const DAY: u64 = DAY_MS;

struct City {
    state: State,
    now: Millis,
    /// Everything applied, with its time and fate.
    history: Vec<(Transaction, Millis, Outcome)>,
}

fn key(department: &str) -> SigningKey {
    let mut seed = [0; 32];
    seed[..department.len().min(32)].copy_from_slice(&department.as_bytes()[..department.len().min(32)]);
    SigningKey::from_seed(&seed)
}

fn text(zh: &str) -> Text {
    Text { zh: zh.into(), en: zh.into() }
}

fn actor(user: &str, role: Role) -> Actor {
    Actor { user: user.into(), role }
}

fn payload(at: Millis, department: &str, user: &str, role: Role, command: Command) -> Payload {
    Payload { id: TxId::new(at), department: department.parse().unwrap(), actor: actor(user, role), command }
}

fn household(version: &str, sharing: &str) -> serde_json::Value {
    json!({
        "name": "public-security/household-registration", "version": version, "level": "interface",
        "code": "1010101/000001", "title": {"zh": "户籍登记信息", "en": "Household registration"},
        "summary": {"zh": "户籍", "en": "households"}, "duty": {"zh": "户籍", "en": "households"},
        "classification": {"class": text("基础"), "category": text("人口"), "topic": text("户籍"), "detail": text("登记")},
        "provider_code": "11110000000021135M", "format": {"category": "database", "type": "sqlite"},
        "sharing": sharing, "open": false, "update_cycle": "daily", "issue_date": "2026-01-01",
        "items": [
            {"name": "name", "title": text("姓名"), "type": "string", "length": 40, "sensitive": true, "grade": 3},
            {"name": "address", "title": text("住址"), "type": "string", "length": 80, "sensitive": true, "grade": 3},
        ],
        "request_schema": {}, "response_schema": {},
    })
}

impl City {
    fn new() -> Self {
        Self::of(HashAlgorithm::Sm3)
    }

    fn of(hash: HashAlgorithm) -> Self {
        Self::begun(hash, Some(crate::domain::edition::NEWEST))
    }

    fn of_edition(edition: Option<u32>) -> Self {
        Self::begun(HashAlgorithm::Sm3, edition)
    }

    fn begun(hash: HashAlgorithm, edition: Option<u32>) -> Self {
        let departments = ["data-bureau", "audit", "civil-affairs", "public-security"];
        let department = |(n, id): (usize, &&str)| Department {
            id: id.parse().unwrap(),
            name: text(id),
            uscc: "11110000000021135M".into(),
            signing_key: key(id).public(),
            signing_key_valid_until: None,
            sealing_key: String::new(),
            voter: true,
            node_id: n as u64 + 1,
        };
        let genesis = Genesis {
            city: text("city"),
            hash,
            authority: "data-bureau".parse().unwrap(),
            auditor: "audit".parse().unwrap(),
            cosignatures_min: None,
            endorsements_min: None,
            edition,
            departments: departments.iter().enumerate().map(department).collect(),
            policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
        };
        let begin = payload(START, "data-bureau", "init", Role::Admin, Command::Genesis(genesis)).encode().unwrap();
        let tx = Transaction::sign(&chain_id(&begin), begin.as_bytes(), &key("data-bureau")).unwrap();
        let mut city = Self { state: State::new(), now: START, history: Vec::new() };
        assert_eq!(city.apply(&tx).result, Ok(()));
        city
    }

    fn sign(&self, payload: &Payload) -> Transaction {
        let key = key(payload.department.as_str());
        Transaction::sign(self.state.chain(), payload.encode().unwrap().as_bytes(), &key).unwrap()
    }

    fn apply(&mut self, tx: &Transaction) -> Outcome {
        let known = self.state.key(tx.key());
        let verified = known.is_some_and(|known| tx.verify(self.state.chain(), &known.key).is_ok());
        let outcome = self.state.apply(tx, self.now, verified);
        self.history.push((tx.clone(), self.now, outcome.clone()));
        outcome
    }

    /// As [`Self::does`], signed with another key.
    fn does_with(&mut self, key: &SigningKey, department: &str, command: Command) -> Result<TxId, Refusal> {
        let payload = payload(self.now, department, "root", Role::Admin, command);
        let tx = Transaction::sign(self.state.chain(), payload.encode().unwrap().as_bytes(), key).unwrap();
        self.apply(&tx).result.map(|()| payload.id)
    }

    fn does(&mut self, who: (&str, &str, Role), command: Command) -> Result<TxId, Refusal> {
        let payload = payload(self.now, who.0, who.1, who.2, command);
        let tx = self.sign(&payload);
        self.apply(&tx).result.map(|()| payload.id)
    }

    fn publish(
        &mut self,
        who: (&str, &str, Role),
        drafted_by: &str,
        version: &str,
        sharing: &str,
    ) -> Result<TxId, Refusal> {
        let entry = household(version, sharing);
        self.publish_entry(who, drafted_by, entry)
    }

    fn publish_entry(
        &mut self,
        who: (&str, &str, Role),
        drafted_by: &str,
        entry: serde_json::Value,
    ) -> Result<TxId, Refusal> {
        let entry = serde_json::from_value(entry).unwrap();
        let drafted_by = actor(drafted_by, Role::Clerk);
        self.does(who, Command::PublishEntry(EntryPublication { entry, drafted_by }))
    }

    /// The same entry, shared conditionally, with its first item of a grade.
    fn publish_graded(&mut self, who: (&str, &str, Role), version: &str, grade: u8) -> Result<TxId, Refusal> {
        let mut entry = household(version, "conditional");
        entry["items"][0]["grade"] = grade.into();
        self.publish_entry(who, "clerk1", entry)
    }

    fn request(&self, items: &[&str], daily_max: u32, days: u64) -> Command {
        Command::RequestGrant(GrantRequest {
            entry: "public-security/household-registration".parse().unwrap(),
            version: "1.0".parse().unwrap(),
            purpose: "social-assistance".into(),
            legal_basis: "社会救助暂行办法 第十一条".into(),
            matter: "低保审核".into(),
            items: items.iter().map(|item| item.parse().unwrap()).collect(),
            mode: GrantMode::Query,
            daily_max,
            valid_until: self.now.plus(days * DAY),
            network_zone: None,
            hours: None,
            details: None,
            bounds: None,
            replaces: None,
            members: None,
        })
    }

    fn approval(&self, grant: GrantId, items: &[&str], daily_max: u32, days: u64) -> Command {
        let item = |name: &&str| GrantedItem { name: name.parse().unwrap(), masking: Masking::None };
        let items = items.iter().map(item).collect();
        let valid_until = self.now.plus(days * DAY);
        let (network_zone, hours, bounds) = (None, None, None);
        Command::ApproveGrant(Approval { grant, items, daily_max, valid_until, network_zone, hours, bounds })
    }
}

const PS_REVIEWER: (&str, &str, Role) = ("public-security", "reviewer1", Role::Reviewer);
const PS_CLERK: (&str, &str, Role) = ("public-security", "clerk1", Role::Clerk);
const CA_CLERK: (&str, &str, Role) = ("civil-affairs", "clerk1", Role::Clerk);
const CA_REVIEWER: (&str, &str, Role) = ("civil-affairs", "reviewer1", Role::Reviewer);

#[test]
fn an_entry_needs_four_eyes_its_own_provider_and_a_higher_version() {
    let mut city = City::new();
    assert_eq!(city.publish(PS_REVIEWER, "reviewer1", "1.0", "conditional"), Err(Refusal::OwnRequest));
    assert!(matches!(city.publish(PS_CLERK, "clerk2", "1.0", "conditional"), Err(Refusal::NotAllowed(_))));
    assert!(matches!(city.publish(CA_REVIEWER, "clerk1", "1.0", "conditional"), Err(Refusal::NotAllowed(_))));
    assert!(city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").is_ok());
    assert!(matches!(city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional"), Err(Refusal::Conflict(_))));
    assert!(city.publish(PS_REVIEWER, "clerk1", "1.1", "conditional").is_ok());
    let history = city.state.entry(&"public-security/household-registration".parse().unwrap()).unwrap();
    let versions: Vec<String> = history.versions().map(|v| v.entry.version.to_string()).collect();
    assert_eq!(versions, ["1.0", "1.1"]);
}

#[test]
fn a_grant_is_narrowed_never_widened_and_ends_by_time_or_word() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    for (command, why) in [
        (city.request(&["wages"], 10, 30), "unknown item"),
        (city.request(&["name", "name"], 10, 30), "item twice"),
        (city.request(&[], 10, 30), "no item"),
        (city.request(&["name"], 0, 30), "no quota"),
        (city.request(&["name"], 10, 0), "no term"),
        (city.request(&["name"], 10, 4_000), "endless"),
    ] {
        assert!(city.does(CA_CLERK, command).is_err(), "{why} passed");
    }
    assert!(city.does(PS_CLERK, city.request(&["name"], 10, 30)).is_err(), "own data");
    let grant = GrantId::from(city.does(CA_CLERK, city.request(&["name", "address"], 10, 30)).unwrap());
    for (who, command, why) in [
        (CA_REVIEWER, city.approval(grant, &["name"], 10, 30), "the consumer decides"),
        (PS_CLERK, city.approval(grant, &["name"], 10, 30), "a clerk decides"),
        (PS_REVIEWER, city.approval(grant, &["name"], 11, 30), "more queries"),
        (PS_REVIEWER, city.approval(grant, &["name"], 10, 31), "a longer term"),
        (PS_REVIEWER, city.approval(grant, &["name", "birth"], 10, 30), "another item"),
        (PS_REVIEWER, city.approval(grant, &[], 10, 30), "nothing"),
    ] {
        assert!(city.does(who, command).is_err(), "{why} passed");
    }
    city.does(PS_REVIEWER, city.approval(grant, &["name"], 5, 10)).unwrap();
    assert!(city.does(PS_REVIEWER, city.approval(grant, &["name"], 5, 10)).is_err(), "decided twice");
    let state = |city: &City, days: u64| city.state.grant(grant).unwrap().state(city.now.plus(days * DAY));
    assert_eq!(state(&city, 9), GrantState::Active);
    assert_eq!(state(&city, 10), GrantState::Expired);
    let revoke = || Command::RevokeGrant(GrantEnding { grant, reason: "matter closed".into() });
    assert!(city.does(("audit", "x", Role::Reviewer), revoke()).is_err(), "a stranger revokes");
    city.does(CA_REVIEWER, revoke()).unwrap();
    assert_eq!(state(&city, 0), GrantState::Revoked);
}

#[test]
fn what_is_not_shared_or_withdrawn_cannot_be_asked_for() {
    for sharing in ["not_shared", "unconditional"] {
        let mut city = City::new();
        city.publish(PS_REVIEWER, "clerk1", "1.0", sharing).unwrap();
        assert!(city.does(CA_CLERK, city.request(&["name"], 10, 30)).is_err(), "{sharing}");
    }
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let end = |version: &str| {
        Command::WithdrawEntry(EntryEnding {
            entry: "public-security/household-registration".parse().unwrap(),
            version: version.parse().unwrap(),
            reason: "duty moved".into(),
            successor: None,
        })
    };
    assert!(city.does(PS_REVIEWER, end("0.9")).is_err());
    city.does(PS_REVIEWER, end("1.0")).unwrap();
    assert!(city.does(PS_REVIEWER, end("1.0")).is_err());
    assert!(city.does(CA_CLERK, city.request(&["name"], 10, 30)).is_err());
}

#[test]
fn the_same_id_counts_once() {
    let mut city = City::new();
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    let first = payload(city.now, "civil-affairs", "clerk1", Role::Clerk, city.request(&["name"], 10, 30));
    let mut other = first.clone();
    other.command = city.request(&["name"], 11, 30);
    let (first, other) = (city.sign(&first), city.sign(&other));
    assert_eq!(city.apply(&first).result, Ok(()));
    assert_eq!(city.apply(&first).result, Err(Refusal::Repeated { first: 2 }));
    assert_eq!(city.apply(&other).result, Err(Refusal::IdReused { first: 2 }));
    assert_eq!(city.state.size(), 5, "refused ones have their place in the ledger too");
}

#[test]
fn a_transaction_is_believed_only_with_its_department_s_signature() {
    let mut city = City::new();
    let asked = payload(city.now, "public-security", "reviewer1", Role::Reviewer, city.request(&["name"], 1, 1));
    let forged =
        Transaction::sign(city.state.chain(), asked.encode().unwrap().as_bytes(), &key("civil-affairs")).unwrap();
    assert_eq!(city.apply(&forged).result, Err(Refusal::Signature));
    let foreign = Transaction::sign("mulu-other", asked.encode().unwrap().as_bytes(), &key("public-security")).unwrap();
    assert_eq!(city.apply(&foreign).result, Err(Refusal::Signature));
    let garbled = Transaction::sign(city.state.chain(), b"{\"v\":1}", &key("public-security")).unwrap();
    assert!(matches!(city.apply(&garbled).result, Err(Refusal::Payload(_))));
}

#[test]
fn a_leader_s_clock_cannot_turn_back_time() {
    let mut city = City::new();
    city.now = START.plus(5_000);
    city.publish(PS_REVIEWER, "clerk1", "1.0", "conditional").unwrap();
    city.now = START;
    city.publish(PS_REVIEWER, "clerk1", "1.1", "conditional").unwrap();
    assert_eq!(city.state.time(), START.plus(5_000));
}

#[test]
fn a_certificate_waits_for_every_department_s_word() {
    let mut city = City::new();
    let step = |step: &str, department: &str| {
        SignOffStep::plain(step.parse().unwrap(), department.parse::<DepartmentId>().unwrap(), text(step))
    };
    let steps = vec![step("household", "public-security"), step("duty", "data-bureau")];
    let opening = CaseOpening::plain("real-estate-transfer".parse().unwrap(), text("不动产转移登记"), vec![], steps);
    let case = city.does(CA_CLERK, Command::OpenCase(opening)).unwrap().into();
    let issue = || {
        Command::IssueCertificate(CertificateIssue {
            identifier: "1.2.156.3005.2.x".into(),
            type_name: text("不动产权证书"),
            valid_from: "2026-11-21".into(),
            valid_to: None,
            document_digest: crate::crypto::digest::sm3(&[b"document"]),
            holder_commitment: crate::crypto::digest::sm3(&[b"holder"]),
            case: Some(case),
            details: None,
        })
    };
    let word = |step: &str, agreed: bool| {
        Command::SignOffCase(SignOff { case, step: step.parse().unwrap(), agreed, note: String::new(), fact: None })
    };
    assert!(city.does(CA_REVIEWER, issue()).is_err(), "nobody signed");
    assert!(city.does(PS_REVIEWER, word("duty", true)).is_err(), "another department's step");
    assert!(city.does(PS_CLERK, word("household", true)).is_err(), "a clerk signs");
    assert!(city.does(PS_REVIEWER, word("household", false)).is_err(), "a refusal without a note");
    city.does(PS_REVIEWER, word("household", true)).unwrap();
    assert!(city.does(PS_REVIEWER, word("household", true)).is_err(), "signed twice");
    assert!(city.does(CA_REVIEWER, issue()).is_err(), "one word is missing");
    city.does(("data-bureau", "reviewer1", Role::Reviewer), word("duty", true)).unwrap();
    assert_eq!(city.does(("civil-affairs", "clerk1", Role::Reviewer), issue()), Err(Refusal::OwnRequest));
    city.does(CA_REVIEWER, issue()).unwrap();
    assert!(city.does(CA_REVIEWER, issue()).is_err(), "issued twice");
}
