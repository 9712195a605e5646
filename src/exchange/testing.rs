//! A small city in memory for the exchange's tests: real keys, real signed transactions, a state machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use serde_json::json;

use crate::clock::{Clock, Millis};
use crate::crypto::digest::{Hash, HashAlgorithm, sm3};
use crate::crypto::keyring::Keyring;
use crate::crypto::seal::{Scheme, SealingKey};
use crate::crypto::sign::SigningKey;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::catalog::Masking;
use crate::domain::command::{Command, EntryPublication, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::finding::Finding;
use crate::domain::grant::{Approval, GrantMode, GrantRequest, GrantedItem};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, DepartmentId, EntryName, GrantId, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;
use crate::readmodel::accesses::{Recorded, RecordedPage};
use crate::state::{Outcome, State};

use super::ledger::{Ledger, Pending};

pub(super) const START: Millis = Millis(1_795_000_000_000);
pub(super) use crate::clock::DAY_MS as DAY;
pub(super) const HOUSEHOLD: &str = "public-security/household-registration";

pub(super) fn department(id: &str) -> DepartmentId {
    id.parse().unwrap()
}

pub(super) fn keyring(id: &str) -> Keyring {
    let mut seed = [7; 32];
    for (to, from) in seed.iter_mut().zip(id.bytes()) {
        *to = from;
    }
    Keyring { signing: SigningKey::from_seed(&seed), sealing: SealingKey::from_secret(Scheme::X25519, &seed).unwrap() }
}

/// A clock that stands still until it is set.
pub(super) struct Hands(Mutex<Millis>);

impl Clock for Hands {
    fn now(&self) -> Millis {
        *self.0.lock()
    }
}

/// The ledger of one node, in memory.
pub(super) struct City {
    state: RwLock<State>,
    pub clock: Arc<Hands>,
    /// Outcomes of all transactions, in order.
    pub outcomes: Mutex<Vec<(Transaction, Outcome)>>,
    /// So many submissions are lost before anything happens, and so many answers afterwards.
    pub lost: AtomicUsize,
    pub unanswered: AtomicUsize,
}

fn text(zh: &str) -> Text {
    Text { zh: zh.into(), en: zh.into() }
}

impl City {
    pub(super) fn new(policy: PolicyDocument) -> Arc<Self> {
        let ids = ["data-bureau", "audit", "civil-affairs", "public-security"];
        let admit = |(n, id): (u64, &str)| Department {
            id: department(id),
            name: text(id),
            uscc: "11110000000021135M".into(),
            signing_key: keyring(id).signing.public(),
            signing_key_valid_until: None,
            sealing_key: keyring(id).sealing.public().to_string(),
            voter: true,
            node_id: n,
        };
        let genesis = Genesis {
            city: text("city"),
            hash: HashAlgorithm::Sm3,
            authority: department("data-bureau"),
            auditor: department("audit"),
            cosignatures_min: None,
            endorsements_min: None,
            edition: Some(crate::domain::edition::NEWEST),
            departments: (1..).zip(ids).map(admit).collect(),
            policy,
        };
        let city = Self {
            state: RwLock::new(State::new()),
            clock: Arc::new(Hands(Mutex::new(START))),
            outcomes: Mutex::default(),
            lost: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        };
        let payload = city.payload("data-bureau", "init", Role::Admin, Command::Genesis(genesis)).encode().unwrap();
        let key = keyring("data-bureau").signing;
        let tx = Transaction::sign(&chain_id(&payload), payload.as_bytes(), &key).unwrap();
        assert_eq!(city.state.write().apply(&tx, START, false).result, Ok(()));
        Arc::new(city)
    }

    fn payload(&self, of: &str, user: &str, role: Role, command: Command) -> Payload {
        let actor = Actor { user: user.into(), role };
        Payload { id: TxId::new(self.clock.now()), department: department(of), actor, command }
    }

    pub(super) fn advance(&self, ms: u64) {
        let mut now = self.clock.0.lock();
        *now = now.plus(ms);
    }

    fn apply(&self, tx: &Transaction) -> Outcome {
        let mut state = self.state.write();
        let chain = state.chain().to_owned();
        let verified = state.signer(tx.key()).is_some_and(|(_, key)| tx.verify(&chain, key).is_ok());
        let outcome = state.apply(tx, self.clock.now(), verified);
        self.outcomes.lock().push((tx.clone(), outcome.clone()));
        outcome
    }

    pub(super) fn does(&self, of: &str, user: &str, role: Role, command: Command) -> TxId {
        let payload = self.payload(of, user, role, command);
        let chain = self.state.read().chain().to_owned();
        let tx = Transaction::sign(&chain, payload.encode().unwrap().as_bytes(), &keyring(of).signing).unwrap();
        assert_eq!(self.apply(&tx).result, Ok(()));
        payload.id
    }

    /// Publishes an entry of public-security with a name, an address and a count.
    pub(super) fn publish(&self, name: &str, sharing: &str) {
        let item = |name: &str, kind: &str, masking: &str| json!({"name": name, "title": text(name), "type": kind, "length": 40, "sensitive": true, "grade": 3, "masking": masking});
        // A code is one entry's alone.
        let serial = self.state.read().entries().count() + 1;
        let entry = json!({
            "name": name, "version": "1.0", "level": "interface",
            "code": format!("1010101/{serial:06}"), "title": text("户籍"), "summary": text("户籍"), "duty": text("户籍"),
            "classification": {"class": text("基础"), "category": text("人口"), "topic": text("户籍"), "detail": text("登记")},
            "provider_code": "11110000000021135M", "format": {"category": "database", "type": "sqlite"},
            "sharing": sharing, "sharing_condition": text("条件"), "open": false, "update_cycle": "daily",
            "issue_date": "2026-01-01", "subject": "id_number",
            "items": [item("name", "string", "name"), item("address", "string", "none"), item("married", "boolean", "none")],
            "request_schema": {"type": "object", "required": ["id_number"], "additionalProperties": false,
                "properties": {"id_number": {"type": "string", "maxLength": 18}}},
            "response_schema": {"type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {"name": {"type": "string"}, "address": {"type": "string"}, "married": {"type": "boolean"}}},
        });
        let entry = serde_json::from_value(entry).unwrap();
        let drafted_by = Actor { user: "clerk".into(), role: Role::Clerk };
        let publish = Command::PublishEntry(EntryPublication { entry, drafted_by });
        self.does("public-security", "reviewer", Role::Reviewer, publish);
    }

    pub(super) fn request(&self, change: impl FnOnce(&mut GrantRequest)) -> GrantId {
        let mut request = GrantRequest {
            entry: HOUSEHOLD.parse().unwrap(),
            version: "1.0".parse().unwrap(),
            purpose: "social-assistance".into(),
            legal_basis: "社会救助暂行办法 第十一条".into(),
            matter: "低保审核".into(),
            items: vec!["name".parse().unwrap(), "address".parse().unwrap()].into(),
            mode: GrantMode::Query,
            daily_max: 3,
            valid_until: self.clock.now().plus(30 * DAY),
            network_zone: None,
            hours: None,
            details: None,
            bounds: None,
            replaces: None,
            members: None,
        };
        change(&mut request);
        self.does("civil-affairs", "clerk", Role::Clerk, Command::RequestGrant(request)).into()
    }

    pub(super) fn grant(&self, change: impl FnOnce(&mut GrantRequest)) -> GrantId {
        self.grant_within(change, |_| ())
    }

    /// A grant that the provider narrows.
    pub(super) fn grant_within(
        &self,
        change: impl FnOnce(&mut GrantRequest),
        narrow: impl FnOnce(&mut Approval),
    ) -> GrantId {
        let grant = self.request(change);
        let request = self.state.read().grant(grant).unwrap().request.clone();
        let masking = |name: &str| if name == "name" { Masking::Name } else { Masking::None };
        let mut approval = request.ceiling(grant);
        let masked = |item: &GrantedItem| GrantedItem { masking: masking(item.name.as_str()), ..item.clone() };
        approval.items = approval.items.iter().map(masked).collect();
        narrow(&mut approval);
        let approval = Command::ApproveGrant(approval);
        self.does("public-security", "reviewer", Role::Reviewer, approval);
        grant
    }

    /// Access records as the watch over promises reads them, each with its consumer.
    fn recorded(&self) -> Vec<(Recorded, DepartmentId)> {
        let outcomes = self.outcomes.lock();
        let mut all = Vec::new();
        for (tx, outcome) in outcomes.iter().filter(|(_, outcome)| outcome.result.is_ok()) {
            let Command::RecordAccesses(batch) = Payload::decode(tx.payload()).unwrap().command else { continue };
            all.extend((0..).zip(batch.records).map(|(place, record)| {
                let recorded = Recorded {
                    place: outcome.index * 1024 + place,
                    ledger_index: outcome.index,
                    access_id: record.access_id,
                    provider: record.entry.provider.clone(),
                    time: record.time,
                    digest: sm3(&[&serde_json::to_vec(&record).unwrap()]),
                };
                (recorded, record.consumer)
            }));
        }
        all
    }

    /// Findings on the ledger, in order.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let outcomes = self.outcomes.lock();
        let done = outcomes.iter().filter(|(_, outcome)| outcome.result.is_ok());
        done.filter_map(|(tx, _)| match Payload::decode(tx.payload()).unwrap().command {
            Command::ReportFindings(report) => Some(report.findings),
            _ => None,
        })
        .flatten()
        .collect()
    }

    /// Access records on the ledger, in order.
    pub(super) fn accesses(&self) -> Vec<AccessRecord> {
        let outcomes = self.outcomes.lock();
        let done = outcomes.iter().filter(|(_, outcome)| outcome.result.is_ok());
        done.filter_map(|(tx, _)| match Payload::decode(tx.payload()).unwrap().command {
            Command::RecordAccesses(batch) => Some(batch.records),
            _ => None,
        })
        .flatten()
        .collect()
    }
}

fn use_up(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Ledger for City {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    fn submit(&self, tx: Transaction) -> Pending<'_, Result<Outcome, String>> {
        Box::pin(async move {
            if use_up(&self.lost) {
                return Err("no leader".to_owned());
            }
            let id = Payload::decode(tx.payload()).unwrap().id;
            if self.clock.now().since(id.time()) > 600_000 {
                return Err("the id is too old to be proposed".to_owned());
            }
            let outcome = self.apply(&tx);
            if use_up(&self.unanswered) { Err("no answer".to_owned()) } else { Ok(outcome) }
        })
    }

    fn committed(&self, id: TxId) -> Pending<'_, Option<bool>> {
        let outcomes = self.outcomes.lock();
        let found = outcomes.iter().any(|(_, outcome)| outcome.id == Some(id) && outcome.result.is_ok());
        Box::pin(async move { Some(found) })
    }

    fn records(&self, consumer: &DepartmentId, after: u64) -> Pending<'_, Option<RecordedPage>> {
        let records = self.recorded().into_iter().filter(|(it, of)| of == consumer && it.place > after);
        let records = records.map(|(it, _)| it).collect();
        let read_to = self.state.read().size() * 1024 - 1;
        Box::pin(async move { Some(RecordedPage { records, read_to, is_last: true }) })
    }

    fn first_record(
        &self,
        access: AccessId,
        consumer: &DepartmentId,
        provider: &DepartmentId,
    ) -> Pending<'_, Option<Option<Recorded>>> {
        let mut records = self.recorded().into_iter();
        let found = records.find(|(it, of)| it.access_id == access && of == consumer && it.provider == *provider);
        Box::pin(async move { Some(found.map(|(it, _)| it)) })
    }

    fn caught_up(&self) -> Pending<'_, bool> {
        Box::pin(async { true })
    }
}

/// A record of about 600 bytes.
pub(super) fn record(time: Millis) -> AccessRecord {
    AccessRecord {
        access_id: AccessId::new(time),
        time,
        consumer: department("civil-affairs"),
        actor: Actor { user: "system".into(), role: Role::System },
        entry: HOUSEHOLD.parse::<EntryName>().unwrap(),
        entry_version: Some("1.0".parse().unwrap()),
        grant: Some(GrantId::new(time)),
        decision: AccessDecision::Allowed,
        rule: "conditional-needs-active-grant".into(),
        reasons: Vec::new(),
        purpose: "social-assistance".into(),
        cause: "低保审核".into(),
        case_id: None,
        items: vec!["name".parse().unwrap()],
        rows: 1,
        subject: Some("A".repeat(108)),
        request_digest: Hash([1; 32]),
        answer_digest: Some(Hash([2; 32])),
        basis: 7,
        facts: None,
    }
}
