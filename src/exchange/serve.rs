//! The provider's side of a query: decide, count, ask the source, record, and only then answer.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::crypto::digest::sm3;
use crate::crypto::keys::Held;
use crate::domain::access::{AccessDecision, AccessRecord, subject_context};
use crate::domain::entry_rules;
use crate::domain::promise::{Promise, SignedPromise};
use crate::ids::{DepartmentId, ItemName, Version};

use super::answer::{Answer, AnswerError, Explanation};
use super::connector::ConnectorError;
use super::envelope::{Kind, Request, Route, enclose};
use super::ground::{Call, Ground, Served};
use super::journal::Edit;
use super::meter::Fate;
use super::outbox::{Place, Written};
use super::quota::{Quota, Taken};
use super::receive::Received;
use super::{Exchange, ExchangeError, Inner, SHORT_BYTES, connector, cursor, quota, rows, turn};

/// Pages of a source that are looked through for a yes or no.
const VERIFY_PAGES_MAX: usize = 10;

/// A page that the consumer gets.
#[derive(Default)]
struct Page {
    rows: Vec<Value>,
    next_cursor: Option<String>,
}

impl Page {
    /// Whether it is the answer that a record exists.
    fn says_yes(&self) -> bool {
        self.rows.first().and_then(|row| row.get("exists")) == Some(&Value::Bool(true))
    }
}

/// What was decided about a request, and on what ground.
struct Judged {
    received: Received,
    explanation: Explanation,
    /// None for the papers of a case.
    ground: Option<Arc<Ground>>,
}

impl Exchange {
    /// Answers a sealed request that came over a connection whose certificate names `peer`. What leaves is sealed to
    /// the peer, or, when no access was decided, a plain JSON object with an error's code.
    pub async fn serve(&self, peer: DepartmentId, sealed: Vec<u8>) -> Vec<u8> {
        let begun = Instant::now();
        let (bytes, fate) = match self.inner.answer(peer, sealed).await {
            Ok(answered) => answered,
            Err(error) => (serde_json::to_vec(&error).unwrap_or_default(), Fate::Failed),
        };
        self.inner.served.count(fate, begun.elapsed());
        bytes
    }
}

impl Inner {
    async fn answer(self: &Arc<Self>, peer: DepartmentId, sealed: Vec<u8>) -> Result<(Vec<u8>, Fate), AnswerError> {
        let busy = || AnswerError::new("busy", "more calls than this node can take");
        if !self.journal.has_room() {
            return Err(AnswerError::new("outbox_full", "this node's disk is full: accesses cannot be recorded now"));
        }
        let place = self.outbox.reserve(self.clock.now());
        let place = place.ok_or_else(|| AnswerError::new("outbox_full", "accesses cannot be recorded now"))?;
        let _turn = turn(&self.serving).await.ok_or_else(busy)?;
        if !self.is_current().await {
            return Err(AnswerError::new(
                "busy",
                "this node has just started and does not know yet how its ledger ends",
            ));
        }
        let judged = self
            .step(sealed.len() <= SHORT_BYTES, move |inner| inner.steps.judge.count(|| inner.judge(&peer, &sealed)))
            .await
            .ok_or_else(busy)?;
        let mut judged = judged?;
        let edits = std::mem::take(&mut judged.received.edits);
        let judged = Arc::new(judged);
        let mut taken = None;
        let found =
            if judged.explanation.allowed { self.fetch(&judged, &mut taken).await } else { Ok(Page::default()) };
        let (found, error) = match found {
            Ok(page) => (page, None),
            Err(error) => (Page::default(), Some(error)),
        };
        self.finish(judged, found, error, taken, place, edits).await
    }

    /// Opens the request and asks the rules.
    fn judge(&self, peer: &DepartmentId, sealed: &[u8]) -> Result<Judged, AnswerError> {
        let received = self.receive(peer, sealed)?;
        let request = &received.request;
        if request.is_for_materials() {
            let explanation = self.may_read_materials(request);
            return Ok(Judged { received, explanation, ground: None });
        }
        let call = Call {
            consumer: peer,
            role: request.actor.role,
            entry: &request.entry,
            purpose: &request.purpose,
            items: &request.items,
            params: Some(&request.params),
            zone: request.zone.as_deref(),
            now: received.now,
        };
        let unable = |cause: String| {
            tracing::error!(cause, "this node cannot decide");
            AnswerError::new("policy_unavailable", "the provider's node cannot decide now")
        };
        let ground = self.compiled.ground(&*self.ledger, &call).map_err(unable)?;
        let explanation = ground.decide();
        Ok(Judged { received, explanation, ground: Some(Arc::new(ground)) })
    }

    /// Counts the query, which `taken` tells, and asks the source. Nothing is durable yet: if this node dies, nothing has
    /// left it, and the query was none.
    async fn fetch(self: &Arc<Self>, judged: &Arc<Judged>, taken: &mut Option<Taken>) -> Result<Page, AnswerError> {
        let request = &judged.received.request;
        let Some(ground) = &judged.ground else {
            let unreadable = || AnswerError::new("provider_data_unavailable", "the materials cannot be read");
            let judged = judged.clone();
            let papers = self.blocking(move |inner| inner.read_materials(&judged.received.request)).await;
            let rows = papers.unwrap_or_else(|| Err(unreadable()))?;
            return Ok(Page { rows, next_cursor: None });
        };
        let Some(served) = &ground.served else { return Ok(Page::default()) };
        let errors = served.request.check(&Value::Object(request.params.clone()));
        if !errors.is_empty() {
            let wrong = AnswerError::new("unprocessable", "the parameters do not fit the entry's schema");
            return Err(AnswerError { errors: errors.into_iter().map(Into::into).collect(), ..wrong });
        }
        let cursor = match request.cursor.as_deref().map(|sealed| cursor::open(&self.keys, request, sealed)) {
            Some(None) => return Err(source_error(request, &ConnectorError::Cursor)),
            cursor => cursor.flatten(),
        };
        if let Some(quota) = ground.grant.as_ref().and_then(|grant| Quota::of(grant, &request.from)) {
            let over = |exceeded: quota::Exceeded| AnswerError {
                retry_after_s: Some(exceeded.retry_after_s),
                ..AnswerError::new(exceeded.code(), "the grant allows no more queries now")
            };
            *taken = Some(self.quotas.take(&quota, judged.received.now).map_err(over)?);
        }
        let mut cursor = cursor;
        for _ in 0..VERIFY_PAGES_MAX {
            let found = self.connectors.fetch(&request.entry, &request.params, cursor.as_deref()).await;
            let found = found.map_err(|cause| source_error(request, &cause))?;
            // Of a page whose rows the grant does not reach nothing follows: yes or no may stand on the next one.
            let next = found.next_cursor.clone().filter(|_| ground.verifies_only());
            let (judged, served, ground) = (judged.clone(), served.clone(), ground.clone());
            let short = rows::are_short(found.rows.iter().flat_map(Map::values));
            let prepare = move |inner: &Self| inner.prepare(&judged.received.request, &served, &ground, found);
            let prepared = self.step(short, move |inner| inner.steps.prepare.count(|| prepare(inner))).await;
            let page = prepared.ok_or_else(|| AnswerError::new("busy", "the call was interrupted"))??;
            match next {
                Some(next) if !page.says_yes() => cursor = Some(next),
                _ => return Ok(page),
            }
        }
        Err(AnswerError::new("provider_data_unavailable", "too many records to look through for a yes or no"))
    }

    /// Records the access, and what was counted with it; the answer leaves when both are on disk, by one flush.
    async fn finish(
        self: &Arc<Self>,
        judged: Arc<Judged>,
        page: Page,
        error: Option<AnswerError>,
        taken: Option<Taken>,
        place: Place,
        edits: Vec<Edit>,
    ) -> Result<(Vec<u8>, Fate), AnswerError> {
        let fate = match &error {
            None if judged.explanation.allowed => Fate::Allowed,
            Some(error) if !quota::CODES.contains(&error.code.as_str()) => Fate::Failed,
            _ => Fate::Refused,
        };
        let short = rows::are_short(page.rows.iter());
        let write = move |inner: &Self| inner.write(&judged, page, error);
        let written = self.step(short, move |inner| inner.steps.write.count(|| write(inner))).await;
        let (record, bytes) = match written {
            Some(Ok(written)) => written,
            Some(Err(cause)) => return Err(unstored(&cause)),
            None => return Err(AnswerError::new("busy", "the call was interrupted")),
        };
        let push = |edits| self.outbox.push(place, record, edits);
        let recording = match taken {
            Some(taken) => self.quotas.write(&taken, edits, push),
            None => push(edits),
        };
        recording.durable().await.map_err(|cause| unstored(&cause))?;
        Ok((bytes, fate))
    }

    /// Writes record and answer; an answer that is too long becomes an error, recorded as one.
    fn write(
        &self,
        judged: &Judged,
        page: Page,
        error: Option<AnswerError>,
    ) -> Result<(Written, Vec<u8>), ExchangeError> {
        match self.write_once(judged, page, error) {
            Err(ExchangeError::Form(_)) => {
                let long = AnswerError::new("provider_answer_invalid", "the answer is longer than 8 MiB: ask for less");
                self.write_once(judged, Page::default(), Some(long))
            }
            written => written,
        }
    }

    fn write_once(
        &self,
        judged: &Judged,
        page: Page,
        error: Option<AnswerError>,
    ) -> Result<(Written, Vec<u8>), ExchangeError> {
        let Received { request, chain, now, reader, digest, .. } = &judged.received;
        let form = |cause: serde_json::Error| ExchangeError::Form(cause.to_string());
        let count = page.rows.len();
        let rows = serde_json::value::to_raw_value(&page.rows).map_err(form)?;
        // A long page takes several times its text.
        drop(page.rows);
        let keys = self.keys.get();
        let mut record = self.record(judged, error.as_ref(), &keys)?;
        if record.decision == AccessDecision::Allowed {
            record.rows = u32::try_from(count).unwrap_or(u32::MAX);
            record.answer_digest = Some(sm3(&[rows.get().as_bytes()]));
        }
        let decision = record.decision;
        let record = Written::new(record)?;
        let promise =
            Promise { access_id: request.access_id, record_digest: record.digest(), by: now.plus(self.promise_ms) };
        let answer = Answer {
            v: 1,
            access_id: request.access_id,
            from: self.department.clone(),
            to: request.from.clone(),
            request_digest: *digest,
            decision,
            explanation: judged.explanation.clone(),
            error,
            rows,
            next_cursor: page.next_cursor,
            promise: SignedPromise::sign(&promise, chain, &keys.signing),
        };
        let payload = serde_json::to_vec(&answer).map_err(form)?;
        let route = Route { chain, from: &self.department, to: &request.from };
        Ok((record, enclose(Kind::Answer, route, &payload, &keys, reader)?))
    }

    /// The source's rows as the consumer gets them.
    fn prepare(
        &self,
        request: &Request,
        served: &Served,
        ground: &Ground,
        found: connector::Page,
    ) -> Result<Page, AnswerError> {
        let own = request.from == self.department;
        let rows = rows::prepare(served, ground, own, found.rows).map_err(|rows::OutsideSchema| {
            AnswerError::new("provider_answer_invalid", "the provider's data does not fit the entry's schema")
        })?;
        // A yes or no is one page.
        let next = found.next_cursor.filter(|_| !ground.verifies_only());
        let next_cursor = next.map(|next| cursor::close(&self.keys, request, &next)).transpose().map_err(|cause| {
            tracing::error!(%cause, "the place of the next page cannot be sealed");
            AnswerError::new("provider_data_unavailable", "the provider's node cannot page now")
        })?;
        Ok(Page { rows, next_cursor })
    }

    fn record(&self, judged: &Judged, error: Option<&AnswerError>, keys: &Held) -> Result<AccessRecord, ExchangeError> {
        let Received { request, digest, now, .. } = &judged.received;
        let allowed = judged.explanation.allowed && error.is_none();
        let reasons = match error {
            Some(error) => vec![error.code.clone()],
            None => judged.explanation.reasons.iter().map(|reason| reason.code.clone()).collect(),
        };
        Ok(AccessRecord {
            access_id: request.access_id,
            time: *now,
            consumer: request.from.clone(),
            actor: request.actor.clone(),
            entry: request.entry.clone(),
            entry_version: judged.entry_version(),
            grant: judged.explanation.grant,
            decision: if allowed { AccessDecision::Allowed } else { AccessDecision::Refused },
            rule: judged.explanation.rule.clone(),
            reasons,
            purpose: request.purpose.clone(),
            cause: request.cause.clone(),
            case_id: request.case_id.clone(),
            items: judged.items().to_vec(),
            rows: 0,
            subject: judged.sealed_subject(keys)?,
            request_digest: *digest,
            answer_digest: None,
            basis: judged.explanation.ledger_index,
            facts: judged.ground.as_ref().filter(|ground| ground.records_facts).map(|ground| ground.facts.stated()),
        })
    }
}

impl Judged {
    fn served(&self) -> Option<&Served> {
        self.ground.as_deref().and_then(|ground| ground.served.as_deref())
    }

    fn entry_version(&self) -> Option<Version> {
        self.served().map(|served| served.entry.version)
    }

    fn items(&self) -> &[ItemName] {
        self.ground.as_ref().map_or(&[], |ground| &ground.items)
    }

    /// Whom the call asks about, readable for the auditor alone.
    fn sealed_subject(&self, keys: &Held) -> Result<Option<String>, ExchangeError> {
        let Received { request, auditor, .. } = &self.received;
        let subject = match self.served().and_then(|served| entry_rules::subject(&served.entry, &request.params)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Ok(None),
        };
        // Longer texts name nobody, and a record must stay small.
        let subject: String = subject.chars().take(64).collect();
        let sealed = keys.seal(auditor, &subject_context(request.access_id), &[subject.as_bytes()])?;
        Ok(Some(BASE64.encode(sealed)))
    }
}

fn unstored(cause: &ExchangeError) -> AnswerError {
    tracing::error!(%cause, "an access could not be recorded; it is not answered");
    AnswerError::new("outbox_full", "accesses cannot be recorded now")
}

fn source_error(request: &Request, cause: &ConnectorError) -> AnswerError {
    tracing::warn!(entry = %request.entry, access_id = %request.access_id, %cause, "the source gave no rows");
    let unfit = |pointer: String| AnswerError {
        errors: vec![super::FaultText { pointer, message: cause.to_string() }],
        ..AnswerError::new("unprocessable", "the provider's source cannot be asked this way")
    };
    match cause {
        ConnectorError::Cursor => unfit("/cursor".into()),
        ConnectorError::Parameter(name) => unfit(format!("/params/{name}")),
        ConnectorError::Late(_) => AnswerError::new("provider_data_late", "the provider's data source is too slow now"),
        ConnectorError::Unreachable(_) => {
            AnswerError::new("provider_data_unavailable", "the provider's data source does not answer now")
        }
        ConnectorError::Overloaded => AnswerError {
            retry_after_s: Some(1),
            ..AnswerError::new("provider_data_overloaded", "the provider's data source has too much to do now")
        },
        ConnectorError::Resting(seconds) => AnswerError {
            retry_after_s: Some(*seconds),
            ..AnswerError::new(
                "provider_data_resting",
                "the provider's data source failed repeatedly and is left alone",
            )
        },
        ConnectorError::Missing(_) | ConnectorError::UnknownParameter(_) | ConnectorError::Broken(_) => {
            AnswerError::new("provider_connector_broken", "the provider's connector does not fit its data source")
        }
    }
}
