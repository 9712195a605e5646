//! Queries as consumer, provider and auditor meet them: two nodes over one state machine, without a network.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use crate::clock::Clock as _;
use crate::crypto::seal::open;
use crate::domain::access::{AccessDecision, AccessRecord, subject_context};
use crate::domain::case::{CaseOpening, SignOffStep};
use crate::domain::command::{Command, EntryEnding, GrantEnding};
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::{GrantMode, GrantRequest};
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, CaseId};

use super::connector::{ConnectorFile, Connectors};
use super::journal::Memory;
use super::testing::{City, DAY, HOUSEHOLD, department, keyring};
use super::*;

const CONNECTORS: &str = r#"
    version = 1
    [[connector]]
    entry = "public-security/household-registration"
    kind = "sqlite"
    database = "people.db"
    table = "people"
    row_max = 2
    items = { name = "name", address = "address", married = "married" }
    params = { id_number = "id" }
    [[connector]]
    entry = "public-security/open-data"
    kind = "sqlite"
    database = "people.db"
    table = "people"
    items = { name = "name", address = "address", married = "married" }
    params = { id_number = "id" }
"#;

struct Papers;

impl CaseMaterials for Papers {
    fn load(&self, _case: CaseId) -> Option<Value> {
        Some(json!({"contract": "2026-17"}))
    }
}

pub(super) struct Story {
    pub(super) city: Arc<City>,
    pub(super) provider: Exchange,
    pub(super) consumer: Exchange,
    pub(super) provider_store: Arc<Memory>,
    pub(super) dir: tempfile::TempDir,
}

pub(super) fn exchange(city: &Arc<City>, id: &str, store: &Arc<Memory>, dir: &std::path::Path) -> Exchange {
    crate::crypto::tls::install_provider();
    let roots = rustls::RootCertStore::empty();
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Exchange::start(Settings {
        department: department(id),
        keys: keyring(id).into(),
        peers: BTreeMap::new(),
        tls: Arc::new(tls),
        peer_timeout: PEER_TIMEOUT,
        promise: Duration::from_millis(OUTBOX_AGE_MS_MAX),
        zone: Some("gov-extranet".into()),
        connectors: Connectors::new(ConnectorFile::parse(CONNECTORS).unwrap(), dir),
        materials: Arc::new(Papers),
        store: store.clone(),
        ledger: city.clone(),
        clock: city.clock.clone(),
    })
    .unwrap()
}

impl Story {
    pub(super) fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.db");
        let mut database = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let people = "CREATE TABLE people (id TEXT, name TEXT, address TEXT, married INTEGER);
            INSERT INTO people VALUES ('1', '王小明', '北京市海淀区', 1), ('2', '李', '北京市', 0),
                ('3', 'a', 'x', 0), ('3', 'b', 'x', 0), ('3', 'c', 'y', 0), ('4', NULL, 'x', 0);";
        database.batch_execute(people).unwrap();
        let city = City::new(crate::policy::default_document());
        city.publish(HOUSEHOLD, "conditional");
        let provider_store = Arc::new(Memory::default());
        let provider = exchange(&city, "public-security", &provider_store, dir.path());
        let consumer = exchange(&city, "civil-affairs", &Arc::new(Memory::default()), dir.path());
        Self { city, provider, consumer, provider_store, dir }
    }

    pub(super) fn call(&self, change: impl FnOnce(&mut QueryCall)) -> QueryCall {
        let mut call = QueryCall {
            actor: Actor { user: "welfare".into(), role: Role::System },
            entry: HOUSEHOLD.parse().unwrap(),
            version: None,
            purpose: "social-assistance".into(),
            cause: "低保审核".into(),
            case_id: Some("2026-17".into()),
            params: json!({"id_number": "1"}),
            items: Vec::new(),
            cursor: None,
            access_id: None,
        };
        change(&mut call);
        call
    }

    /// What `Exchange::query` does, with a function call in place of the network.
    pub(super) async fn ask(&self, change: impl FnOnce(&mut QueryCall)) -> Result<QueryAnswer, QueryError> {
        let (sent, sealed) = self.consumer.inner.enclose_call(self.call(change))?;
        let answer = self.provider.serve(department("civil-affairs"), sealed).await;
        self.consumer.inner.believe(&sent, &answer)
    }

    pub(super) async fn code(&self, change: impl FnOnce(&mut QueryCall)) -> String {
        self.ask(change).await.err().map_or("ok".into(), |error| error.code().to_owned())
    }

    /// Lets time pass after everything has reached the ledger.
    pub(super) async fn wait(&self, ms: u64) {
        while self.provider.outbox_len() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.city.advance(ms);
    }

    /// The records on the ledger, when there are so many.
    pub(super) async fn records(&self, count: usize) -> Vec<AccessRecord> {
        for _ in 0..500 {
            if self.city.accesses().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let records = self.city.accesses();
        assert_eq!(records.len(), count);
        records
    }
}

#[tokio::test]
async fn a_granted_query_brings_the_granted_items_masked_and_its_record_reaches_the_ledger() {
    let story = Story::begin();
    let grant = story.city.grant(|_| ());
    let answer = story.ask(|_| ()).await.unwrap();
    assert_eq!(Value::from(answer.rows), json!([{"name": "王**", "address": "北京市海淀区"}]));
    assert_eq!((answer.grant_id, answer.next_cursor), (Some(grant), None));
    let only = story.ask(|call| call.items = vec!["address".parse().unwrap()]).await.unwrap();
    assert_eq!(Value::from(only.rows), json!([{"address": "北京市海淀区"}]));
    let records = story.records(2).await;
    let record = &records[0];
    assert_eq!((record.access_id, record.decision, record.rows), (answer.access_id, AccessDecision::Allowed, 1));
    assert_eq!((record.grant, record.rule.as_str()), (Some(grant), answer.rule.as_str()));
    assert_eq!(record.answer_digest, Some(answer.rows_digest));
    assert_eq!(record.entry_version, Some("1.0".parse().unwrap()));
    // Only the auditor reads whose data it was.
    let sealed = base64::engine::general_purpose::STANDARD.decode(record.subject.as_ref().unwrap()).unwrap();
    let context = subject_context(record.access_id);
    assert_eq!(open(&keyring("audit").sealing, &context, &sealed).unwrap().as_slice(), b"1");
    assert!(open(&keyring("public-security").sealing, &context, &sealed).is_err());
    // The promise names the very record that stands on the ledger.
    let promise = answer.promise.verify(story.city.state().chain(), &keyring("public-security").signing.public());
    let digest = crate::crypto::digest::sm3(&[&serde_json::to_vec(record).unwrap()]);
    assert_eq!(promise.map(|promise| promise.record_digest), Some(digest));
}

#[tokio::test]
async fn what_is_not_granted_is_refused_with_its_reason_and_recorded() {
    let story = Story::begin();
    assert_eq!(story.code(|_| ()).await, "no_grant");
    let requested = story.city.request(|_| ());
    assert_eq!(story.code(|_| ()).await, "grant_requested");
    let denial = Command::DenyGrant(GrantEnding { grant: requested, reason: "no basis".into() });
    story.city.does("public-security", "reviewer", Role::Reviewer, denial);
    assert_eq!(story.code(|_| ()).await, "grant_denied");
    // The newer of two grants speaks, and these would else be of one moment.
    story.wait(1_000).await;
    let grant = story.city.grant(|_| ());
    assert_eq!(story.code(|call| call.purpose = "curiosity".into()).await, "purpose_mismatch");
    assert_eq!(story.code(|call| call.items = vec!["married".parse().unwrap()]).await, "item_not_granted");
    assert_eq!(story.code(|_| ()).await, "ok");
    let revoke = Command::RevokeGrant(GrantEnding { grant, reason: "matter closed".into() });
    story.city.does("public-security", "reviewer", Role::Reviewer, revoke);
    assert_eq!(story.code(|_| ()).await, "grant_revoked");
    let records = story.records(7).await;
    let reasons: Vec<&str> = records.iter().map(|record| record.reasons.first().map_or("", String::as_str)).collect();
    assert_eq!(
        reasons,
        ["no_grant", "grant_requested", "grant_denied", "purpose_mismatch", "item_not_granted", "", "grant_revoked"]
    );
    assert_eq!(records[6].grant, Some(grant));
    assert!(records.iter().all(|record| record.subject.is_some() && (record.rows == 1) == record.reasons.is_empty()));
}

#[tokio::test]
async fn the_grant_that_fits_is_used_among_many() {
    let story = Story::begin();
    let right = story.city.grant(|_| ());
    story.city.grant(|request| request.purpose = "other-matter".into());
    story.city.grant(|request| request.items = vec!["address".parse().unwrap()].into());
    let answer = story.ask(|call| call.items = vec!["name".parse().unwrap()]).await.unwrap();
    assert_eq!(answer.grant_id, Some(right));
    story.wait(31 * DAY).await;
    story.city.grant(|request| request.purpose = "other-matter".into());
    assert_eq!(story.code(|_| ()).await, "grant_expired");
}

#[tokio::test]
async fn sharing_types_and_the_own_department() {
    let story = Story::begin();
    story.city.publish("public-security/open-data", "unconditional");
    story.city.publish("public-security/secret-data", "not_shared");
    let open = |call: &mut QueryCall| call.entry = "public-security/open-data".parse().unwrap();
    let answer = story.ask(open).await.unwrap();
    assert_eq!(Value::from(answer.rows), json!([{"name": "王**", "address": "北京市海淀区", "married": true}]));
    let secret = |call: &mut QueryCall| {
        call.entry = "public-security/secret-data".parse().unwrap();
        call.params = json!({});
    };
    assert_eq!(story.code(secret).await, "not_shared");
    // The department's own people see their own data unmasked, and are recorded all the same.
    let own = story.provider.query(story.call(|_| ())).await.unwrap();
    assert_eq!(own.rows[0]["name"], "王小明");
    assert_eq!(story.records(3).await[2].consumer, department("public-security"));
}

#[tokio::test]
async fn a_quota_ends_the_day_s_queries_and_is_recorded() {
    let story = Story::begin();
    let grant = story.city.grant(|request| request.daily_max = 2);
    for _ in 0..2 {
        story.ask(|_| ()).await.unwrap();
    }
    // 1,795,000,000 s: 19 h 6 min 40 s after midnight in Beijing.
    let refused = story.ask(|_| ()).await.unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), ("quota_exceeded", Some(86_400 - 68_800)));
    assert_eq!(story.provider.quota_used(grant), 2);
    let records = story.records(3).await;
    assert_eq!((records[2].decision, records[2].reasons[0].as_str()), (AccessDecision::Refused, "quota_exceeded"));
    // A restart of the provider's node does not give the day back.
    let again = exchange(&story.city, "public-security", &story.provider_store, story.dir.path());
    let story = Story { provider: again, ..story };
    assert_eq!(story.code(|_| ()).await, "quota_exceeded");
    story.wait(DAY).await;
    assert_eq!(story.code(|_| ()).await, "ok");
}

#[tokio::test]
async fn a_grant_reaches_its_rows_only_on_its_days_and_at_its_pace() {
    let story = Story::begin();
    let bounds = |bounds: Value| move |request: &mut GrantRequest| request.bounds = serde_json::from_value(bounds).ok();
    let about = |id: &'static str| move |call: &mut QueryCall| call.params = json!({"id_number": id});
    // A parameter with a fixed value: another one is refused, and so is a call without it.
    story.city.grant(bounds(json!({"scope": [{"field": "id_number", "values": ["1", "2"]}]})));
    assert_eq!(story.code(about("1")).await, "ok");
    let refused = story.ask(about("3")).await.unwrap_err();
    let QueryError::Refused { explanation, .. } = &refused else { panic!("{refused}") };
    assert_eq!((refused.code(), explanation.rule.as_str()), ("outside_scope", "grant-scope"));
    assert_eq!(story.records(2).await[1].reasons, ["outside_scope"]);
    // An item with a fixed value: other rows are as if they were not there. The one of person 3 is on the second page.
    let verify = |request: &mut GrantRequest| {
        request.purpose = "check".into();
        request.mode = GrantMode::Verify;
        request.bounds =
            serde_json::from_value(json!({"scope": [{"field": "address", "values": ["北京市", "y"]}]})).ok();
    };
    story.city.grant(verify);
    for (id, exists) in [("2", true), ("1", false), ("3", true)] {
        let change = |call: &mut QueryCall| {
            call.purpose = "check".into();
            call.params = json!({"id_number": id});
        };
        assert_eq!(Value::from(story.ask(change).await.unwrap().rows), json!([{"exists": exists}]), "{id}");
    }
    // It is Wednesday in Beijing. The pace is the provider's own limit.
    let story = Story::begin();
    story.city.grant(bounds(json!({"weekdays": [1, 2, 4, 5]})));
    assert_eq!(story.code(|_| ()).await, "outside_hours");
    story.wait(DAY).await;
    assert_eq!(story.code(|_| ()).await, "ok", "Thursday");
    let story = Story::begin();
    let rate: Option<Box<Bounds>> = serde_json::from_value(json!({"rate": {"per_second": 1, "per_minute": 2}})).ok();
    story.city.grant_within(|_| (), |approval| approval.bounds = rate);
    assert_eq!(story.code(|_| ()).await, "ok");
    let refused = story.ask(|_| ()).await.unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), ("rate_exceeded", Some(1)));
    story.wait(1_000).await;
    assert_eq!(story.code(|_| ()).await, "ok");
    story.wait(1_000).await;
    assert_eq!(story.ask(|_| ()).await.unwrap_err().retry_after(), Some(18), "until the minute is over");
}

#[tokio::test]
async fn a_copied_old_or_foreign_request_is_not_served() {
    let story = Story::begin();
    story.city.grant(|_| ());
    let (sent, sealed) = story.consumer.inner.enclose_call(story.call(|_| ())).unwrap();
    let consumer = &story.consumer.inner;
    let code = |answer: Vec<u8>| consumer.believe(&sent, &answer).err().map_or("ok".into(), |e| e.code().to_owned());
    let stranger = story.provider.serve(department("audit"), sealed.clone()).await;
    assert_eq!(code(stranger), "envelope_invalid");
    let mut changed = sealed.clone();
    changed[60] ^= 1;
    assert_eq!(code(story.provider.serve(department("civil-affairs"), changed).await), "envelope_invalid");
    assert_eq!(code(story.provider.serve(department("civil-affairs"), sealed.clone()).await), "ok");
    assert_eq!(code(story.provider.serve(department("civil-affairs"), sealed.clone()).await), "replayed_request");
    let (sent, sealed) = consumer.enclose_call(story.call(|_| ())).unwrap();
    story.city.advance(301_000);
    let late = story.provider.serve(department("civil-affairs"), sealed).await;
    assert_eq!(consumer.believe(&sent, &late).unwrap_err(), QueryError::ClockSkew);
    story.records(1).await;
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_done_and_counted_once() {
    let story = Story::begin();
    let grant = story.city.grant(|_| ());
    let id = AccessId::new(story.city.clock.now());
    let again = |call: &mut QueryCall| call.access_id = Some(id);
    assert_eq!(story.ask(again).await.unwrap().access_id, id);
    assert_eq!(story.code(again).await, "replayed_request");
    story.wait(400_000).await;
    assert_eq!(story.code(again).await, "replayed_request", "the request is fresh, its id is not");
    story.wait(400_000).await;
    assert_eq!(story.code(again).await, "replayed_request", "nobody would remember the id by now");
    assert_eq!(story.provider.quota_used(grant), 1);
    story.records(1).await;
}

#[tokio::test]
async fn an_answer_to_another_request_is_not_believed() {
    let story = Story::begin();
    story.city.grant(|_| ());
    let peer = department("civil-affairs");
    let (first, sealed) = story.consumer.inner.enclose_call(story.call(|_| ())).unwrap();
    let answer = story.provider.serve(peer.clone(), sealed).await;
    let (second, _) = story.consumer.inner.enclose_call(story.call(|_| ())).unwrap();
    assert_eq!(story.consumer.inner.believe(&second, &answer).unwrap_err().code(), "provider_answer_invalid");
    assert_eq!(story.consumer.inner.believe(&first, &answer[..90]).unwrap_err().code(), "provider_answer_invalid");
    assert!(story.consumer.inner.believe(&first, &answer).is_ok());
}

#[tokio::test]
async fn pages_verification_and_rows_outside_the_schema() {
    let story = Story::begin();
    story.city.grant(|request| request.daily_max = 9);
    let three = |cursor: Option<String>| {
        move |call: &mut QueryCall| {
            call.params = json!({"id_number": "3"});
            call.cursor = cursor;
        }
    };
    let first = story.ask(three(None)).await.unwrap();
    let second = story.ask(three(first.next_cursor.clone())).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next_cursor), (2, 1, None));
    assert_eq!(story.code(three(Some("1 OR 1".into()))).await, "unprocessable");
    // A place is good for its own question, and not to be looked at or made up.
    let sealed = first.next_cursor.clone().unwrap();
    assert!(!sealed.contains('['), "{sealed}");
    let other =
        |call: &mut QueryCall| (call.params, call.cursor) = (json!({"id_number": "1"}), first.next_cursor.clone());
    assert_eq!(story.code(other).await, "unprocessable");
    let mut changed = sealed.into_bytes();
    changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
    assert_eq!(story.code(three(String::from_utf8(changed).ok())).await, "unprocessable");
    // The schema wants a name, and person 4 has none.
    let invalid = story.code(|call| call.params = json!({"id_number": "4"})).await;
    assert_eq!(invalid, "provider_answer_invalid");
    let records = story.records(6).await;
    assert_eq!(records[5].reasons, ["provider_answer_invalid"]);
    let yes_or_no = |request: &mut GrantRequest| {
        request.purpose = "check".into();
        request.mode = GrantMode::Verify;
    };
    story.city.grant(yes_or_no);
    for (id, exists) in [("3", true), ("9", false)] {
        let change = |call: &mut QueryCall| {
            call.purpose = "check".into();
            call.params = json!({"id_number": id});
        };
        let answer = story.ask(change).await.unwrap();
        assert_eq!((Value::from(answer.rows), answer.next_cursor), (json!([{"exists": exists}]), None));
    }
}

#[tokio::test]
async fn mistakes_are_answered_before_anything_is_sent() {
    let story = Story::begin();
    let faults = |error: QueryError| match error {
        QueryError::Unprocessable(faults) => faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let unknown = |call: &mut QueryCall| call.entry = "public-security/no-such-entry".parse().unwrap();
    assert_eq!(story.code(unknown).await, "unknown_entry");
    assert_eq!(story.code(|call| call.version = Some("2.0".parse().unwrap())).await, "version_conflict");
    let wrong = |call: &mut QueryCall| {
        call.params = json!({"id_number": 7, "extra": 1});
        call.cause = String::new();
        call.items = vec!["wages".parse().unwrap()];
    };
    let pointers = faults(story.ask(wrong).await.unwrap_err());
    assert!(pointers.contains(&"/cause".to_owned()) && pointers.contains(&"/items/0".to_owned()), "{pointers:?}");
    assert!(pointers.contains(&"/params/id_number".to_owned()), "{pointers:?}");
    assert!(story.city.accesses().is_empty());
}

#[tokio::test]
async fn without_a_record_there_is_no_answer() {
    let story = Story::begin();
    story.city.grant(|_| ());
    story.provider_store.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = story.ask(|_| ()).await.unwrap_err();
    assert_eq!((refused.code(), refused.retry_after().is_some()), ("outbox_full", true));
    story.provider_store.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    story.provider_store.full.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(story.code(|_| ()).await, "outbox_full", "a full disk takes no records");
    story.provider_store.full.store(false, std::sync::atomic::Ordering::SeqCst);
    // No quorum: queries go on until the oldest record is ten minutes old.
    story.city.lost.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(story.code(|_| ()).await, "ok");
    story.city.advance(OUTBOX_AGE_MS_MAX);
    assert!(story.provider.outbox_full());
    assert_eq!(story.code(|_| ()).await, "outbox_full");
}

#[tokio::test]
async fn a_withdrawn_entry_is_refused_by_its_provider() {
    let story = Story::begin();
    story.city.grant(|_| ());
    let ending = EntryEnding {
        entry: HOUSEHOLD.parse().unwrap(),
        version: "1.0".parse().unwrap(),
        reason: "duty moved".into(),
        successor: None,
    };
    story.city.does("public-security", "reviewer", Role::Reviewer, Command::WithdrawEntry(ending));
    assert_eq!(story.code(|_| ()).await, "entry_withdrawn");
    let explained = story.consumer.explain(story.call(|_| ())).await.unwrap();
    assert_eq!(
        (explained.explanation.allowed, explained.explanation.reasons[0].code.as_str()),
        (false, "entry_withdrawn")
    );
    story.records(1).await;
}

#[tokio::test]
async fn papers_of_a_case_are_for_its_departments_only() {
    let story = Story::begin();
    let step = SignOffStep::plain("check".parse().unwrap(), department("civil-affairs"), Text::default());
    let open = |steps: Vec<SignOffStep>| {
        let title = Text { zh: "转移登记".into(), en: "transfer".into() };
        let opening = CaseOpening::plain("real-estate-transfer".parse().unwrap(), title, Vec::new(), steps);
        CaseId::from(story.city.does("public-security", "clerk", Role::Clerk, Command::OpenCase(opening)))
    };
    let case = open(vec![SignOffStep { title: Text { zh: "核对".into(), en: "check".into() }, ..step.clone() }]);
    let other = open(vec![SignOffStep {
        department: department("audit"),
        title: Text { zh: "核对".into(), en: "check".into() },
        ..step
    }]);
    let read = async |case: CaseId| {
        let call = story.call(|call| {
            call.entry = "public-security/case-materials".parse().unwrap();
            call.case_id = Some(case.to_string());
            call.params = json!({});
        });
        let (sent, sealed) = story.consumer.inner.enclose_call(call).unwrap();
        let answer = story.provider.serve(department("civil-affairs"), sealed).await;
        story.consumer.inner.believe(&sent, &answer)
    };
    assert_eq!(read(case).await.unwrap().rows, [json!({"contract": "2026-17"})]);
    assert_eq!(read(other).await.unwrap_err().code(), "not_in_case");
    let actor = Actor { user: "clerk".into(), role: Role::Clerk };
    assert_eq!(
        story
            .provider
            .case_materials(actor, other, department("public-security"), "own case")
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    let records = story.records(3).await;
    assert_eq!((records[0].rule.as_str(), records[0].rows), ("case-participant", 1));
    assert_eq!(records[1].reasons, ["not_in_case"]);
}
