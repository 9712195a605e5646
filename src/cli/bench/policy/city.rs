//! A made-up city with many grants in force, as its state machine holds them after their transactions.

use serde_json::{Map, Value, json};

use crate::cli::bench::search::{ACTS, SUBJECTS};
use crate::cli::error::CliError;
use crate::cli::sample::Rng;
use crate::clock::{DAY_MS, Millis};
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::SigningKey;
use crate::domain::catalog::Masking;
use crate::domain::command::{Command, EntryPublication, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::edition;
use crate::domain::grant::{Approval, Details, GrantMode, GrantRequest, GrantedItem};
use crate::domain::{Actor, Role, Text};
use crate::ids::{DepartmentId, EntryName, GrantId, IdError, ItemName, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;
use crate::policy::default_document;
use crate::state::State;

const BEGIN: Millis = Millis(1_795_000_000_000);
/// Between two transactions, so that the ids of ten minutes stay few.
const STEP_MS: u64 = 10;
const TERM_MS: u64 = 365 * DAY_MS;
/// Departments that provide, and the city's districts, which ask.
const BUREAUS: usize = 80;
const DISTRICTS: usize = 16;
const ENTRIES_EACH: usize = 40;
const ITEMS: [&str; 8] =
    ["name", "id_number", "address", "phone", "registered_on", "status", "certificate_number", "valid_until"];

/// The city, and what its departments may ask for.
pub struct City {
    /// What its ledger says.
    pub state: State,
    /// Every grant.
    pub grants: Vec<GrantId>,
    /// The moment after the last transaction.
    pub now: Millis,
    /// Consumers, each as often as it is likely to ask.
    consumers: Vec<DepartmentId>,
    /// The most wanted first.
    entries: Vec<EntryName>,
    rng: Rng,
}

/// One call that may be asked of the city.
pub struct Question {
    /// Who asks.
    pub consumer: DepartmentId,
    /// For what.
    pub entry: EntryName,
    /// Purpose code.
    pub purpose: String,
    /// Items.
    pub items: Vec<ItemName>,
    /// Parameters.
    pub params: Map<String, Value>,
}

fn faulty(error: IdError) -> CliError {
    CliError::failed(error)
}

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

fn bureau(n: usize) -> String {
    format!("municipal-bureau-{n}")
}

fn names() -> impl Iterator<Item = String> {
    (0..BUREAUS).map(bureau).chain((0..DISTRICTS).map(|n| format!("district-{n}-government")))
}

fn key(name: &str) -> SigningKey {
    let mut seed = [7; 32];
    seed.iter_mut().zip(name.bytes()).for_each(|(seed, byte)| *seed = byte);
    SigningKey::from_seed(&seed)
}

/// Subject and act number `n`: what for.
fn matter(n: usize) -> ((&'static str, &'static str), (&'static str, &'static str)) {
    let one = |list: &[(&'static str, &'static str)], n: usize| list.get(n % list.len().max(1)).copied();
    (one(&SUBJECTS, n).unwrap_or_default(), one(&ACTS, n / SUBJECTS.len()).unwrap_or_default())
}

fn purpose(n: usize) -> String {
    let (subject, act) = matter(n);
    format!("{}-{}", subject.1.replace(' ', "-"), act.1)
}

impl City {
    /// A city with a catalog and no grants yet.
    ///
    /// # Errors
    /// None is expected.
    pub fn new() -> Result<Self, CliError> {
        let mut city = Self {
            state: State::new(),
            grants: Vec::new(),
            now: BEGIN,
            consumers: Vec::new(),
            entries: Vec::new(),
            rng: Rng::new(1, "grants"),
        };
        let mut departments = Vec::new();
        for (n, name) in names().enumerate() {
            let id: DepartmentId = name.parse().map_err(faulty)?;
            // A district asks as much as four bureaus do.
            city.consumers.extend(vec![id.clone(); if n < BUREAUS { 1 } else { 4 }]);
            departments.push(Department {
                id,
                name: text("部门", "Department"),
                uscc: "11110000000021135M".into(),
                signing_key: key(&name).public(),
                signing_key_valid_until: None,
                sealing_key: String::new(),
                voter: n < 3,
                node_id: u64::try_from(n).unwrap_or_default() + 1,
            });
        }
        let genesis = Command::Genesis(Genesis {
            city: text("城市", "City"),
            hash: HashAlgorithm::Sm3,
            authority: bureau(0).parse().map_err(faulty)?,
            auditor: bureau(1).parse().map_err(faulty)?,
            cosignatures_min: None,
            endorsements_min: None,
            edition: Some(edition::NEWEST),
            departments,
            policy: default_document(),
        });
        city.apply(&bureau(0), ("root", Role::Admin), genesis)?;
        for n in 0..BUREAUS * ENTRIES_EACH {
            city.publish(n)?;
        }
        Ok(city)
    }

    /// Adds a grant that is asked for and approved.
    ///
    /// # Errors
    /// None is expected.
    pub fn grant(&mut self) -> Result<(), CliError> {
        let (consumer, entry) = self.pair();
        let (what, valid_until) = (self.upto(SUBJECTS.len() * ACTS.len()), self.now.plus(TERM_MS));
        let (subject, act) = matter(what);
        let first = self.upto(ITEMS.len() - 2);
        let count = 2 + self.upto(5);
        let items = ITEMS.iter().cycle().skip(first).take(count).map(|name| name.parse());
        let items: Vec<ItemName> = items.collect::<Result<_, _>>().map_err(faulty)?;
        let masking = |name: &ItemName| if name.as_str() == "phone" { Masking::Phone } else { Masking::None };
        let granted = items.iter().map(|name| GrantedItem { name: name.clone(), masking: masking(name) }).collect();
        let purpose_text = format!("办理{}{}时核验申请人提交的信息", subject.0, act.0);
        let details = Details { purpose_text: Some(purpose_text.into()), ..Details::default() };
        let request = GrantRequest {
            entry: entry.clone(),
            version: "1.0".parse().map_err(faulty)?,
            purpose: purpose(what).into(),
            legal_basis: "政务数据共享条例第二十一条".into(),
            matter: format!("{}{}", subject.0, act.0).into(),
            items: items.into(),
            mode: GrantMode::Query,
            daily_max: 5_000,
            valid_until,
            network_zone: None,
            hours: self.rng.chance(20).then_some((0, 24)),
            details: if self.rng.chance(50) { details.stated() } else { None },
            bounds: None,
            replaces: None,
            members: None,
        };
        let asked = self.apply(consumer.as_str(), ("li.na", Role::Clerk), Command::RequestGrant(request))?;
        let grant = GrantId::from(asked);
        let (network_zone, hours, bounds) = (None, None, None);
        let approval = Approval { grant, items: granted, daily_max: 5_000, valid_until, network_zone, hours, bounds };
        self.apply(entry.provider.as_str(), ("wang.fang", Role::Reviewer), Command::ApproveGrant(approval))?;
        self.grants.push(grant);
        Ok(())
    }

    /// One of twenty calls: sixteen within a grant, two for another purpose, one for an item too many, one of anybody
    /// for anything.
    pub fn question(&mut self, n: usize) -> Option<Question> {
        let place = self.upto(self.grants.len());
        let grant = self.grants.get(place).and_then(|id| self.state.grant(*id))?;
        let items = &grant.approval()?.items;
        let mut question = Question {
            consumer: grant.consumer.clone(),
            entry: grant.request.entry.clone(),
            purpose: grant.request.purpose.to_string(),
            items: items.iter().take(2).map(|item| item.name.clone()).collect(),
            params: Map::from_iter([("id_number".to_owned(), json!("110101199003070134"))]),
        };
        match n % 20 {
            0..16 => {}
            16 | 17 => question.purpose = purpose(self.upto(SUBJECTS.len() * ACTS.len())),
            18 => question.items.extend(ITEMS.iter().filter_map(|name| name.parse().ok())),
            _ => (question.consumer, question.entry) = self.pair(),
        }
        Some(question)
    }

    fn upto(&mut self, end: usize) -> usize {
        usize::try_from(self.rng.between(0, i64::try_from(end).unwrap_or(i64::MAX) - 1)).unwrap_or_default()
    }

    /// A consumer and an entry of another department; the smaller of two numbers, so that few entries are wanted by most.
    fn pair(&mut self) -> (DepartmentId, EntryName) {
        loop {
            let who = self.upto(self.consumers.len());
            let (one, other) = (self.upto(self.entries.len()), self.upto(self.entries.len()));
            if let (Some(who), Some(entry)) =
                (self.consumers.get(who), self.entries.get(one * other / self.entries.len()))
                && &entry.provider != who
            {
                return (who.clone(), entry.clone());
            }
        }
    }

    fn publish(&mut self, n: usize) -> Result<(), CliError> {
        let provider = bureau(n % BUREAUS);
        let (subject, act) = matter(n);
        let name = format!("{provider}/{}-{n}", purpose(n));
        let title = format!("{}{}信息{n}", subject.0, act.0);
        let same = |zh: &str| json!({ "zh": zh, "en": zh });
        let items: Vec<Value> = ITEMS
            .iter()
            .map(|name| json!({"name": name, "title": same(name), "type": "string", "length": 80, "sensitive": true, "grade": 3}))
            .collect();
        let entry = json!({
            "name": name, "version": "1.0", "level": "interface", "code": format!("306060101/{:06}", n + 1),
            "title": same(&title), "summary": same(&title), "duty": same(subject.0),
            "classification": {"class": same("部门"), "category": same(subject.0), "topic": same(act.0), "detail": same(act.0)},
            "provider_code": "11110000000021135M", "format": {"category": "database", "type": "sqlite"},
            "sharing": "conditional", "open": false, "update_cycle": "daily", "issue_date": "2026-01-01",
            "items": items, "request_schema": {}, "response_schema": {},
        });
        let entry = serde_json::from_value(entry).map_err(CliError::failed)?;
        let drafted_by = Actor { user: "li.na".into(), role: Role::Clerk };
        let publication = Command::PublishEntry(EntryPublication { entry, drafted_by });
        self.apply(&provider, ("wang.fang", Role::Reviewer), publication)?;
        self.entries.push(name.parse().map_err(faulty)?);
        Ok(())
    }

    /// Applies a transaction as every node does.
    fn apply(&mut self, who: &str, (user, role): (&str, Role), command: Command) -> Result<TxId, CliError> {
        self.now = self.now.plus(STEP_MS);
        let (id, actor) = (TxId::new(self.now), Actor { user: user.into(), role });
        let payload = Payload { id, department: who.parse().map_err(faulty)?, actor, command };
        let payload = payload.encode().map_err(CliError::failed)?;
        let chain = if self.state.size() == 0 { chain_id(&payload) } else { self.state.chain().to_owned() };
        let tx = Transaction::sign(&chain, payload.as_bytes(), &key(who))?;
        self.state.apply(&tx, self.now, true).result.map_err(CliError::failed)?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_grants_of_a_made_up_city_are_in_force() {
        let mut city = City::new().unwrap();
        (0..40).for_each(|_| city.grant().unwrap());
        for id in &city.grants {
            let grant = city.state.grant(*id).unwrap();
            assert_eq!(grant.state(city.now).as_str(), "active");
            assert_ne!(grant.provider(), &grant.consumer);
        }
        assert!((0..20).all(|n| city.question(n).is_some()));
    }
}
