//! The consumer's side of a query: check the call, sign and seal it, send it, and believe only a proper answer.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::crypto::seal::SealingPublicKey;
use crate::crypto::sign::PublicKey;
use crate::domain::Actor;
use crate::domain::access::AccessDecision;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::grant::Grant;
use crate::domain::policy::difference::in_words;
use crate::domain::policy::rules::Need;
use crate::domain::promise::SignedPromise;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{AccessId, EntryName, GrantId, ItemName, Version};
use crate::policy::facts::Facts;

use super::answer::{Answer, AnswerError, Explanation};
use super::envelope::{Kind, Request, Route, disclose, enclose};
use super::ground::{Call, Served};
use super::limits::Texts;
use super::materials::CASE_MATERIALS;
use super::meter::Fate;
use super::outbox::OUTBOX_AGE_MS_MAX;
use super::rows::are_short;
use super::{Exchange, Inner, QueryError, SHORT_BYTES, turn};

/// How long an access's id may be sent again: providers remember ids for longer than this.
const REPEATED_WITHIN_MS: u64 = 600_000;

/// One query by a person or system of this department.
#[derive(Clone, Debug)]
pub struct QueryCall {
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub entry: EntryName,
    /// The version that the caller knows, when it matters to them.
    pub version: Option<Version>,
    /// Purpose code, the same as in the grant.
    pub purpose: String,
    /// Why now, 1 to 200 characters.
    pub cause: String,
    /// The case, if there is one.
    pub case_id: Option<String>,
    /// Parameters, as the entry's `request_schema` says.
    pub params: Value,
    /// Items wanted; none means all that the grant gives.
    pub items: Vec<ItemName>,
    /// From an earlier answer's `next_cursor`.
    pub cursor: Option<String>,
    /// The access's id, when the caller may send the same call again: a provider that has seen it does nothing twice.
    pub access_id: Option<AccessId>,
}

/// What a query brought.
#[derive(Clone, Debug)]
pub struct QueryAnswer {
    /// The rows, items by name; for a grant to verify, `[{"exists": true}]`.
    pub rows: Vec<Value>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// The recorded access.
    pub access_id: AccessId,
    /// The grant that was used.
    pub grant_id: Option<GrantId>,
    /// Size of the ledger on which the decision rests.
    pub ledger_index: u64,
    /// The provider's word to record the access on the ledger.
    pub promise: SignedPromise,
    /// Name of the rule that decided.
    pub rule: String,
    /// SM3 of the rows' JSON as the provider wrote it: the record's `answer_digest`.
    pub rows_digest: Hash,
    /// Length of that JSON, in bytes.
    pub rows_bytes: usize,
}

/// How the rules would decide, and what else a person needs to put it right.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The verdict.
    pub explanation: Explanation,
    /// What the rule that decides says; none where no rule speaks.
    pub rule_says: Option<String>,
    /// Number of the rules.
    pub policy_version: u64,
    /// What the rules were given.
    pub facts: Facts,
    /// The fewest facts that would have to be others.
    pub needs: Vec<Need>,
    /// The grant that was looked at. What else it limits (rows, rate, quota) is no fact: its provider's node enforces it.
    pub grant: Option<Grant>,
    /// Each item that the call names or, where it names none, that could be meant.
    pub items: Vec<ItemSaid>,
}

/// An item of a call, and whether it may be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSaid {
    /// The item.
    pub name: ItemName,
    /// Whether it may be had.
    pub standing: ItemStanding,
    /// Its own term in the grant, if it has one.
    pub until: Option<Millis>,
}

/// Whether an item may be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemStanding {
    /// It may.
    Granted,
    /// It was granted; its term is over.
    Ended,
    /// It was asked for, and its provider left it out.
    LeftOut,
    /// It was never asked for.
    NotAsked,
}

impl ItemStanding {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Ended => "ended",
            Self::LeftOut => "left_out",
            Self::NotAsked => "not_asked",
        }
    }
}

impl ItemSaid {
    fn of(grant: Option<&Grant>, name: &ItemName, now: Millis) -> Self {
        let given = grant.and_then(Grant::approval).is_some_and(|it| it.items.iter().any(|one| &one.name == name));
        let standing = match grant {
            None => ItemStanding::NotAsked,
            Some(grant) if grant.gives(name, now) => ItemStanding::Granted,
            Some(_) if given => ItemStanding::Ended,
            Some(grant) if grant.approval().is_some() && grant.request.items.contains(name) => ItemStanding::LeftOut,
            Some(_) => ItemStanding::NotAsked,
        };
        Self { name: name.clone(), standing, until: grant.and_then(|grant| grant.item_term(name)) }
    }
}

/// What the answer must fit.
pub(super) struct Sent {
    digest: Hash,
    request: Request,
    provider_keys: Vec<PublicKey>,
    /// None for the papers of a case.
    served: Option<Arc<Served>>,
}

impl Exchange {
    /// Asks another department, or this one, for data.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn query(&self, call: QueryCall) -> Result<QueryAnswer, QueryError> {
        if call.entry.name.as_str() == CASE_MATERIALS {
            return Err(QueryError::UnknownEntry(call.entry));
        }
        self.ask(call).await
    }

    pub(super) async fn ask(&self, call: QueryCall) -> Result<QueryAnswer, QueryError> {
        let begun = Instant::now();
        let answered = self.send(call).await;
        let fate = match &answered {
            Ok(_) => Fate::Allowed,
            Err(QueryError::Refused { .. } | QueryError::QuotaExceeded { .. } | QueryError::RateExceeded { .. }) => {
                Fate::Refused
            }
            Err(_) => Fate::Failed,
        };
        self.inner.asked.count(fate, begun.elapsed());
        answered
    }

    async fn send(&self, call: QueryCall) -> Result<QueryAnswer, QueryError> {
        if !self.inner.journal.has_room() {
            return Err(QueryError::DiskFull);
        }
        let _turn = turn(&self.inner.asking).await.ok_or(QueryError::Busy)?;
        let provider = call.entry.provider.clone();
        let short = are_short([&call.params]);
        let enclose = move |inner: &Inner| inner.steps.enclose.count(|| inner.enclose_call(call));
        let prepared = self.inner.step(short, enclose).await;
        let (sent, sealed) = prepared.ok_or(QueryError::Busy)??;
        let answer = if provider == self.inner.department {
            self.serve(provider, sealed).await
        } else {
            self.inner.promises.sent(sent.request.access_id, &provider);
            self.inner.peers.ask(&provider, sealed).await?
        };
        let short = answer.len() <= SHORT_BYTES;
        let believe = move |inner: &Inner| inner.steps.believe.count(|| inner.believe(&sent, &answer));
        self.inner.step(short, believe).await.ok_or(QueryError::Busy)?
    }

    /// Says how the rules would decide a call, by this node's own state, without making it.
    ///
    /// # Errors
    /// [`QueryError::UnknownEntry`], [`QueryError::Unavailable`].
    pub async fn explain(&self, call: QueryCall) -> Result<Explained, QueryError> {
        self.inner.blocking(move |inner| inner.explain(&call)).await.ok_or(QueryError::Busy)?
    }
}

impl Inner {
    fn explain(&self, call: &QueryCall) -> Result<Explained, QueryError> {
        let ground = self.compiled.ground(
            &*self.ledger,
            &Call {
                consumer: &self.department,
                role: call.actor.role,
                entry: &call.entry,
                purpose: &call.purpose,
                items: &call.items,
                params: call.params.as_object().filter(|params| !params.is_empty()),
                zone: self.zone.as_deref(),
                now: self.clock.now(),
            },
        );
        let ground = ground.map_err(QueryError::Unavailable)?;
        if ground.served.is_none() {
            return Err(QueryError::UnknownEntry(call.entry.clone()));
        }
        let explanation = ground.decide();
        let rule = ground.engine.rules().iter().find(|rule| rule.id == explanation.rule);
        let needs = if explanation.allowed { Vec::new() } else { ground.engine.needs(&ground.facts) };
        let (grant, now) = (ground.grant.as_ref(), self.clock.now());
        let meant = match (call.items.as_slice(), grant) {
            ([], Some(grant)) => &*grant.request.items,
            (named, _) => named,
        };
        // Where no grant is needed, there is nothing that one could say of items.
        let items = meant.iter().filter(|_| grant.is_some()).map(|name| ItemSaid::of(grant, name, now)).collect();
        Ok(Explained {
            items,
            grant: ground.grant.clone(),
            rule_says: rule.map(in_words),
            policy_version: ground.engine.version(),
            facts: ground.facts,
            needs,
            explanation,
        })
    }

    /// Checks the call by what this node knows, so that mistakes are answered here and clearly.
    fn check(&self, call: &QueryCall) -> Result<Option<Arc<Served>>, QueryError> {
        let texts = Texts {
            user: &call.actor.user,
            purpose: &call.purpose,
            cause: &call.cause,
            case_id: call.case_id.as_deref(),
            cursor: call.cursor.as_deref(),
            items: &call.items,
        };
        let mut faults = texts.faults();
        if call.entry.name.as_str() == CASE_MATERIALS {
            return if faults.is_empty() { Ok(None) } else { Err(QueryError::Unprocessable(faults)) };
        }
        let found = self.compiled.entry(&*self.ledger, &call.entry).map_err(QueryError::Unavailable)?;
        let (served, state) = found.ok_or_else(|| QueryError::UnknownEntry(call.entry.clone()))?;
        let current = served.entry.version;
        if let Some(asked) = call.version.filter(|asked| *asked != current) {
            return Err(QueryError::Conflict { entry: call.entry.clone(), asked, current });
        }
        for (at, item) in call.items.iter().enumerate().filter(|(_, item)| served.entry.item(item).is_none()) {
            let why = format!("{} has no item {item}", call.entry);
            faults.push(Fault::of(FaultCode::NotOffered, format!("/items/{at}"), why));
        }
        faults.extend(served.request.check(&call.params).into_iter().map(|fault| fault.within("/params")));
        // What is withdrawn or not shared goes to its provider all the same, for a refusal that is recorded.
        let refused_anyway = state == EntryState::Withdrawn || served.entry.sharing == Sharing::NotShared;
        if faults.is_empty() || refused_anyway { Ok(Some(served)) } else { Err(QueryError::Unprocessable(faults)) }
    }

    pub(super) fn enclose_call(&self, call: QueryCall) -> Result<(Sent, Vec<u8>), QueryError> {
        let served = self.check(&call)?;
        let now = self.clock.now();
        let access_id = call.access_id.unwrap_or_else(|| AccessId::new(now));
        if now.since(access_id.time()) > REPEATED_WITHIN_MS {
            return Err(QueryError::Replayed);
        }
        let provider = call.entry.provider.clone();
        let (chain, provider_keys, reader) = {
            let state = self.ledger.state();
            let found = state.department(&provider).cloned();
            let found = found.ok_or_else(|| QueryError::UnknownEntry(call.entry.clone()))?;
            let reader: Result<SealingPublicKey, _> = found.sealing_key.parse();
            let reader =
                reader.map_err(|_| QueryError::Unavailable("the provider's sealing key is not usable".into()))?;
            let keys = state.keys_in_force(&provider).map(|record| record.key.clone()).collect();
            (state.chain().to_owned(), keys, reader)
        };
        let Value::Object(params) = call.params else {
            let fault = Fault::of(FaultCode::Type, "/params", "is not an object").naming("object");
            return Err(QueryError::Unprocessable(vec![fault]));
        };
        let request = Request {
            v: 1,
            access_id,
            time: now,
            from: self.department.clone(),
            to: provider,
            chain,
            actor: call.actor,
            entry: call.entry,
            purpose: call.purpose,
            cause: call.cause,
            case_id: call.case_id,
            params,
            items: call.items,
            cursor: call.cursor,
            zone: self.zone.clone(),
        };
        let too_long = |_| {
            let fault = Fault::of(FaultCode::TooLong, "", "the call is longer than 60 KiB");
            QueryError::Unprocessable(vec![fault])
        };
        let payload = serde_json::to_vec(&request).map_err(|e| QueryError::Unavailable(e.to_string()))?;
        let route = Route { chain: &request.chain, from: &request.from, to: &request.to };
        let sealed = enclose(Kind::Query, route, &payload, &self.keys.get(), &reader).map_err(too_long)?;
        Ok((Sent { digest: sm3(&[&payload]), request, provider_keys, served }, sealed))
    }

    /// Opens an answer and believes it only if it is the provider's own, to this very request.
    pub(super) fn believe(&self, sent: &Sent, answer: &[u8]) -> Result<QueryAnswer, QueryError> {
        let Request { to: provider, from, chain, access_id, .. } = &sent.request;
        let wrong = |why: &str| QueryError::ProviderAnswer { provider: provider.clone(), why: why.to_owned() };
        if answer.first() == Some(&b'{') {
            let error: AnswerError = serde_json::from_slice(answer).map_err(|_| wrong("not of a known form"))?;
            return Err(QueryError::of_provider(provider, *access_id, error));
        }
        let route = Route { chain, from: provider, to: from };
        let signed = disclose(Kind::Answer, route, answer, &self.keys.get());
        let signed = signed.ok_or_else(|| wrong("it cannot be opened"))?;
        // Either those of the moment when it was asked, or those that came meanwhile.
        let mut keys = sent.provider_keys.clone();
        keys.extend(self.ledger.state().keys_in_force(provider).map(|record| record.key.clone()));
        if !signed.is_by(&keys, chain) {
            return Err(wrong("it is not signed by the provider"));
        }
        let answer: Answer = serde_json::from_slice(signed.payload()).map_err(|_| wrong("not of a known form"))?;
        if answer.v != 1 || answer.access_id != *access_id || answer.request_digest != sent.digest {
            return Err(wrong("it answers another request"));
        }
        let promise = keys.iter().find_map(|key| answer.promise.verify(chain, key));
        let latest = sent.request.time.plus(2 * OUTBOX_AGE_MS_MAX);
        match promise.filter(|promise| promise.access_id == *access_id && promise.by <= latest) {
            Some(_) if *provider != self.department => self.promises.promised(*access_id, provider, &answer.promise),
            Some(_) => {}
            None => return Err(wrong("it holds no promise to record the access in time")),
        }
        if let Some(error) = answer.error {
            return Err(QueryError::of_provider(provider, *access_id, error));
        }
        if answer.decision != AccessDecision::Allowed {
            return Err(QueryError::Refused { access_id: *access_id, explanation: answer.explanation });
        }
        let rows_digest = sm3(&[answer.rows.get().as_bytes()]);
        let rows: Vec<Value> = serde_json::from_str(answer.rows.get()).map_err(|_| wrong("its rows are not a list"))?;
        if !rows.iter().all(|row| sent.asked_for(row)) {
            return Err(wrong("it holds items that were not asked for"));
        }
        Ok(QueryAnswer {
            rows,
            next_cursor: answer.next_cursor,
            access_id: *access_id,
            grant_id: answer.explanation.grant,
            ledger_index: answer.explanation.ledger_index,
            promise: answer.promise,
            rule: answer.explanation.rule,
            rows_digest,
            rows_bytes: answer.rows.get().len(),
        })
    }
}

impl Sent {
    /// Whether a row holds nothing but what was asked for: what comes in excess must not be kept.
    fn asked_for(&self, row: &Value) -> bool {
        let Some(served) = &self.served else { return true };
        let Value::Object(row) = row else { return false };
        let only_exists = |row: &Map<String, Value>| row.len() == 1 && row.get("exists").is_some_and(Value::is_boolean);
        let wanted = |name: &str| match self.request.items.as_slice() {
            [] => served.entry.items.iter().any(|item| item.name.as_str() == name),
            items => items.iter().any(|item| item.as_str() == name),
        };
        only_exists(row) || row.keys().all(|name| wanted(name))
    }
}
