//! The projection as its readers see it, followed from a ledger of real transactions.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::accesses::AccessFilter;
use super::cases::CaseFilter;
use super::catalog::EntryFilter;
use super::certificates::CertificateFilter;
use super::follower::{self, Audit, Options};
use super::grants::GrantFilter;
use super::page::{Page, PageRequest};
use super::testing::{BEGIN, Home, MakeHome, TestLedger, access, entry, on_both, text};
use super::transactions::TransactionFilter;
use super::{PROJECTION_FILE, ReadError, ReadModel};
use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::case::{CaseOpening, CaseState, SignOff, SignOffStep};
use crate::domain::catalog::EntryState;
use crate::domain::certificate::{CertificateIssue, CertificateStatus, CertificateStatusChange};
use crate::domain::command::{Command, EntryEnding, EntryPublication, GrantEnding};
use crate::domain::grant::{Approval, GrantMode, GrantRequest, GrantState};
use crate::ids::TxId;
use crate::state::outcome::Refusal;
use crate::storage::disk::Disk;

#[path = "findings_tests.rs"]
mod findings;

on_both!(
    the_catalog_finds_chinese_words_of_two_characters,
    an_entry_keeps_its_versions_and_tells_why_it_ended,
    a_grant_expires_by_time_and_shows_both_sides,
    a_case_waits_for_its_steps_and_ends_with_its_certificate,
    each_node_sees_its_own_accesses_and_the_auditor_all,
    accesses_page_without_gaps_or_doubles_while_others_come,
    access_filters_narrow_together,
    transactions_and_blocks_show_refusals_too,
    a_rebuilt_projection_equals_one_that_grew_with_restarts,
    another_ledger_or_another_scope_begins_anew,
);

pub(super) const HOUSEHOLD: &str = "public-security/household-registration";

pub(super) fn own(department: &str) -> Options {
    Options { department: department.parse().unwrap(), audit: None, disk: Disk::unwatched() }
}

fn audit() -> Audit {
    let opener = |record: &AccessRecord| record.subject.as_ref()?.strip_prefix("sealed:").map(str::to_owned);
    Audit::new(Arc::new(opener), Zeroizing::new(vec![9; 32]))
}

fn auditor() -> Options {
    Options { department: "audit".parse().unwrap(), audit: Some(audit()), disk: Disk::unwatched() }
}

/// Follows the ledger to its end, then stops.
pub(super) fn follow(ledger: &Arc<TestLedger>, model: &ReadModel, options: Options) {
    let follower = follower::start(ledger.clone(), model.clone(), options).unwrap();
    wait(model, ledger.size());
    follower.stop();
}

pub(super) fn wait(model: &ReadModel, size: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(model.wait_for(size, Duration::from_secs(20))), "the follower is late");
}

pub(super) fn grant_request() -> GrantRequest {
    GrantRequest {
        entry: HOUSEHOLD.parse().unwrap(),
        version: "1.0".parse().unwrap(),
        purpose: "marriage".into(),
        legal_basis: "婚姻登记条例第七条".into(),
        matter: "结婚登记".into(),
        items: vec!["id_number".parse().unwrap()].into(),
        mode: GrantMode::Query,
        daily_max: 100,
        valid_until: BEGIN.plus(90_000_000),
        network_zone: None,
        hours: Some((8, 18)),
        details: None,
        bounds: None,
        replaces: None,
        members: None,
    }
}

fn approval(grant: TxId) -> Approval {
    let (items, valid_until) = (std::iter::empty().collect(), BEGIN.plus(50_000));
    let (network_zone, hours, bounds) = (None, None, None);
    Approval { grant: grant.into(), items, daily_max: 50, valid_until, network_zone, hours, bounds }
}

/// A ledger in which something of everything has happened.
fn busy_ledger() -> (Arc<TestLedger>, TxId, TxId) {
    let ledger = TestLedger::new("mulu-test");
    ledger.publish(entry(HOUSEHOLD, "户籍登记信息"));
    ledger.publish(entry("tax/deed-tax-payment", "契税缴纳信息"));
    let refused = EntryPublication { entry: entry("tax/refused", "x"), drafted_by: super::testing::actor("wang") };
    ledger.add_with(vec![("tax", Command::PublishEntry(refused), Err(Refusal::OwnRequest))]);
    let ids = ledger.add(vec![
        ("civil-affairs", Command::RequestGrant(grant_request())),
        ("housing", Command::RequestGrant(grant_request())),
    ]);
    ledger.add(vec![("public-security", Command::ApproveGrant(approval(ids[0])))]);
    let denial = GrantEnding { grant: ids[1].into(), reason: "no basis".into() };
    ledger.add(vec![("public-security", Command::DenyGrant(denial))]);
    let step =
        |name: &str| SignOffStep::plain(format!("{name}-check").parse().unwrap(), name.parse().unwrap(), text("核验"));
    let steps = vec![step("tax"), step("housing")];
    let opening = CaseOpening::plain("transfer".parse().unwrap(), text("不动产转移登记"), Vec::new(), steps);
    let case = ledger.add(vec![("planning-resources", Command::OpenCase(opening))])[0];
    let records = (0..5).map(|n| access(HOUSEHOLD, BEGIN.plus(n))).collect();
    ledger.record(records);
    (Arc::new(ledger), ids[0], case)
}

fn sign_off(ledger: &TestLedger, case: TxId, department: &str) {
    let step = format!("{department}-check").parse().unwrap();
    let word = SignOff { case: case.into(), step, agreed: true, note: String::new(), fact: None };
    ledger.add(vec![(department, Command::SignOffCase(word))]);
}

/// All pages of a listing.
fn pages<T>(mut ask: impl FnMut(PageRequest) -> Page<T>) -> Vec<T> {
    let mut request = PageRequest { cursor: None, size: Some(2) };
    let mut all = Vec::new();
    loop {
        let page = ask(request.clone());
        all.extend(page.items);
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            return all;
        }
    }
}

fn the_catalog_finds_chinese_words_of_two_characters(home: MakeHome) {
    let (ledger, ..) = busy_ledger();
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("tax"));
    let found = |q: &str| -> Vec<String> {
        let filter = EntryFilter { q: Some(q.into()), ..Default::default() };
        model.entries(&filter).unwrap().items.into_iter().map(|entry| entry.id.to_string()).collect()
    };
    assert_eq!(found("户籍"), [HOUSEHOLD]);
    assert_eq!(found("户籍 HOUSE\u{3000}Basic"), [HOUSEHOLD]);
    assert_eq!(found("登记 契税"), Vec::<String>::new());
    assert_eq!(found("身份号码").len(), 2);
    for nothing in ["%", "\\", "'", "户登"] {
        assert!(found(nothing).is_empty(), "{nothing} found something");
    }
    assert!(matches!(
        model.entries(&EntryFilter { q: Some("户".repeat(101)), ..Default::default() }),
        Err(ReadError::Invalid(_))
    ));
    assert_eq!(pages(|page| model.entries(&EntryFilter { page, ..Default::default() }).unwrap()).len(), 2);
}

fn an_entry_keeps_its_versions_and_tells_why_it_ended(home: MakeHome) {
    let (ledger, ..) = busy_ledger();
    let home = home();
    let model = home.open();
    let mut next = entry(HOUSEHOLD, "户籍登记信息");
    next.version = "1.10".parse().unwrap();
    ledger.publish(next.clone());
    let ending = EntryEnding {
        entry: next.name.clone(),
        version: next.version,
        reason: "replaced".into(),
        successor: "tax/deed-tax-payment".parse().ok(),
    };
    ledger.add(vec![("public-security", Command::DeprecateEntry(ending))]);
    follow(&ledger, &model, own("tax"));

    let view = model.entry(&next.name, None).unwrap().unwrap();
    assert_eq!((view.state, view.current_version), (EntryState::Deprecated, next.version));
    assert_eq!(view.ending.unwrap().reason, "replaced");
    let versions: Vec<_> = view.history.iter().map(|v| v.version.to_string()).collect();
    assert_eq!(versions, ["1.10", "1.0"]);
    let first = model.entry(&next.name, "1.0".parse().ok()).unwrap().unwrap();
    assert_eq!((first.entry.version.to_string(), first.publication.ledger_index), ("1.0".into(), 0));
    assert_eq!(model.entry(&next.name, "2.0".parse().ok()), Ok(None));
    let published = EntryFilter { state: Some(EntryState::Published), ..Default::default() };
    assert_eq!(model.entries(&published).unwrap().items.len(), 1);
    assert_eq!(model.entry(&"tax/refused".parse().unwrap(), None), Ok(None), "a refused entry is shown");
}

fn a_grant_expires_by_time_and_shows_both_sides(home: MakeHome) {
    let (ledger, grant, _) = busy_ledger();
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("tax"));
    let (before, after) = (BEGIN.plus(49_999), BEGIN.plus(50_000));
    let view = model.grant(grant.into(), before).unwrap().unwrap();
    assert_eq!((view.state, view.request.daily_max), (GrantState::Active, 100));
    assert_eq!(view.approval.unwrap().daily_max, 50);
    let states = |now: Millis, state: GrantState| {
        let filter = GrantFilter { state: Some(state), ..Default::default() };
        model.grants(&filter, now).unwrap().items.len()
    };
    assert_eq!((states(before, GrantState::Active), states(before, GrantState::Expired)), (1, 0));
    assert_eq!((states(after, GrantState::Active), states(after, GrantState::Expired)), (0, 1));
    assert_eq!((states(after, GrantState::Denied), states(after, GrantState::Requested)), (1, 0));
    let involved = |name: &str| {
        let filter = GrantFilter { involved: name.parse().ok(), ..Default::default() };
        model.grants(&filter, after).unwrap().items.len()
    };
    assert_eq!((involved("housing"), involved("public-security"), involved("tax")), (1, 2, 0));
    assert_eq!(
        model.stats(after).unwrap().grants.into_iter().collect::<Vec<_>>(),
        [("denied".to_owned(), 1), ("expired".to_owned(), 1)]
    );
    let revocation = GrantEnding { grant: grant.into(), reason: "matter closed".into() };
    ledger.add(vec![("civil-affairs", Command::RevokeGrant(revocation))]);
    follow(&ledger, &model, own("tax"));
    let view = model.grant(grant.into(), after).unwrap().unwrap();
    assert_eq!((view.state, view.approval.is_some()), (GrantState::Revoked, true));
    assert_eq!(view.ending.unwrap().department.as_str(), "civil-affairs");
}

fn a_case_waits_for_its_steps_and_ends_with_its_certificate(home: MakeHome) {
    let (ledger, _, case) = busy_ledger();
    let home = home();
    let model = home.open();
    let waiting = |name: &str| {
        model.cases(&CaseFilter { waiting_for: name.parse().ok(), ..Default::default() }).unwrap().items.len()
    };
    follow(&ledger, &model, own("tax"));
    assert_eq!((waiting("tax"), waiting("housing"), waiting("water")), (1, 1, 0));
    sign_off(&ledger, case, "tax");
    follow(&ledger, &model, own("tax"));
    assert_eq!((waiting("tax"), waiting("housing")), (0, 1));
    sign_off(&ledger, case, "housing");
    follow(&ledger, &model, own("tax"));
    assert_eq!(model.case(case.into()).unwrap().unwrap().state, CaseState::Agreed);

    let issue = CertificateIssue {
        identifier: "1.2.156.3005.2.11100000000013127D00".into(),
        type_name: text("不动产权证书"),
        valid_from: "2026-11-21".into(),
        valid_to: None,
        document_digest: Hash([3; 32]),
        holder_commitment: Hash([4; 32]),
        case: Some(case.into()),
        details: None,
    };
    let status = CertificateStatusChange {
        identifier: issue.identifier.clone(),
        status: CertificateStatus::Suspended,
        reason: "dispute".into(),
    };
    ledger.add(vec![("planning-resources", Command::IssueCertificate(issue.clone()))]);
    ledger.add(vec![("planning-resources", Command::SetCertificateStatus(status))]);
    follow(&ledger, &model, own("tax"));
    let view = model.case(case.into()).unwrap().unwrap();
    assert_eq!((view.state, view.certificate.as_ref()), (CaseState::Completed, Some(&issue.identifier)));
    assert!(view.steps.iter().all(|step| step.word.as_ref().is_some_and(|word| word.agreed)));
    let involved = CaseFilter { involved: "housing".parse().ok(), ..Default::default() };
    assert_eq!(model.cases(&involved).unwrap().items.len(), 1);
    let view = model.certificate(&issue.identifier).unwrap().unwrap();
    assert_eq!((view.status, view.change.unwrap().reason.as_str()), (CertificateStatus::Suspended, "dispute"));
    let count = |status, today: &str| {
        let filter = CertificateFilter { status: Some((status, today.into())), ..Default::default() };
        model.certificates(&filter).unwrap().items.len()
    };
    assert_eq!(
        (count(CertificateStatus::Valid, "2026-11-21"), count(CertificateStatus::Suspended, "2099-01-01")),
        (0, 1)
    );
    let of_case = CertificateFilter { case: Some(case.into()), ..Default::default() };
    assert_eq!(model.certificates(&of_case).unwrap().items.len(), 1);
}

fn each_node_sees_its_own_accesses_and_the_auditor_all(home: MakeHome) {
    let (ledger, ..) = busy_ledger();
    ledger.record(vec![AccessRecord { consumer: "housing".parse().unwrap(), ..access(HOUSEHOLD, BEGIN) }]);
    let seen = |options: Options| {
        let home = home();
        let model = home.open();
        follow(&ledger, &model, options);
        let all = model.accesses(&AccessFilter::default()).unwrap().items.len();
        let files = ["projection.db", "projection.db-wal"].map(|file| std::fs::read(home.path().join(file)));
        let bytes: Vec<u8> = files.into_iter().flat_map(Result::unwrap_or_default).collect();
        let stored = [String::from_utf8_lossy(&bytes).into_owned(), home.dump().join("\n")].concat();
        (all, stored, model.stats(BEGIN).unwrap().accesses_today.get("allowed").copied().unwrap_or(0), model, home)
    };
    for (department, accesses) in [("civil-affairs", 5), ("housing", 1), ("public-security", 6), ("tax", 0)] {
        let (all, _, today, ..) = seen(own(department));
        assert_eq!((all, today), (accesses, accesses as u64), "{department}");
    }
    let (all, stored, _, model, _home) = seen(auditor());
    assert_eq!(all, 6);
    let about = |subject: &str| {
        let filter = AccessFilter { subject_key: Some(audit().subject_key(subject)), ..Default::default() };
        model.accesses(&filter).unwrap().items.len()
    };
    assert_eq!((about("31010119900101123X"), about(" 31010119900101123x"), about("310101199001011248")), (6, 6, 0));
    let clear = stored.matches("31010119900101123X").count();
    let sealed = stored.matches("sealed:31010119900101123X").count();
    assert!(sealed >= 6 && clear == sealed, "a subject stands in the clear");
}

fn accesses_page_without_gaps_or_doubles_while_others_come(home: MakeHome) {
    let ledger = TestLedger::new("mulu-test");
    // Two batches whose times interleave and repeat.
    ledger.record((0..10).map(|n| access(HOUSEHOLD, BEGIN.plus(n / 3))).collect());
    ledger.record((0..10).map(|n| access("tax/deed-tax-payment", BEGIN.plus(n / 2))).collect());
    let ledger = Arc::new(ledger);
    let home = home();
    let model = home.open();
    let follower = follower::start(ledger.clone(), model.clone(), auditor()).unwrap();
    wait(&model, 2);
    let mut asked = 0;
    let all = pages(|page| {
        asked += 1;
        ledger.record(vec![access(HOUSEHOLD, BEGIN.plus(1_000 + asked))]);
        wait(&model, 2 + asked);
        model.accesses(&AccessFilter { page, ..Default::default() }).unwrap()
    });
    follower.stop();
    let old: Vec<_> = all.iter().filter(|view| view.record.time < BEGIN.plus(1_000)).collect();
    let mut distinct: Vec<_> = old.iter().map(|view| (view.ledger_index, view.place)).collect();
    assert!(old.is_sorted_by_key(|view| std::cmp::Reverse(view.record.time)));
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((old.len(), distinct.len()), (20, 20));
}

fn access_filters_narrow_together(home: MakeHome) {
    let ledger = TestLedger::new("mulu-test");
    let grant = crate::ids::GrantId::new(BEGIN);
    let refused = AccessRecord {
        decision: AccessDecision::Refused,
        reasons: vec!["no_grant".into()],
        case_id: Some("2026-17".into()),
        ..access(HOUSEHOLD, BEGIN.plus(5))
    };
    let granted = AccessRecord { grant: Some(grant), ..access(HOUSEHOLD, BEGIN.plus(6)) };
    let id = granted.access_id;
    ledger.record(vec![access("tax/deed-tax-payment", BEGIN), refused.clone(), granted.clone()]);
    let ledger = Arc::new(ledger);
    let home = home();
    let model = home.open();
    follow(&ledger, &model, auditor());
    let count = |filter: AccessFilter| model.accesses(&filter).unwrap().items.len();
    let none = AccessFilter::default;
    let decision = Some(AccessDecision::Refused);
    let consumer: Option<crate::ids::DepartmentId> = "civil-affairs".parse().ok();
    assert_eq!(count(AccessFilter { consumer: consumer.clone(), ..none() }), 3);
    assert_eq!(count(AccessFilter { consumer: consumer.clone(), decision, ..none() }), 1);
    assert_eq!(count(AccessFilter { provider: "public-security".parse().ok(), consumer, ..none() }), 2);
    assert_eq!(count(AccessFilter { entry: HOUSEHOLD.parse().ok(), grant: Some(grant), ..none() }), 1);
    assert_eq!(count(AccessFilter { case_id: Some("2026-17".into()), decision, ..none() }), 1);
    assert_eq!(count(AccessFilter { grant: Some(grant), decision, ..none() }), 0);
    assert_eq!(count(AccessFilter { from: Some(BEGIN.plus(5)), to: Some(BEGIN.plus(6)), ..none() }), 1);
    let view = model.access(id).unwrap().unwrap();
    assert_eq!((&view.record, view.ledger_index, view.place), (&granted, 0, 2));
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!((&json["decision"], &json["provider"]), (&"allowed".into(), &"public-security".into()));
    assert_eq!(serde_json::from_value::<AccessRecord>(serde_json::to_value(&view.record).unwrap()).unwrap(), granted);
}

fn transactions_and_blocks_show_refusals_too(home: MakeHome) {
    let (ledger, grant, _) = busy_ledger();
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("tax"));
    let all = pages(|page| model.transactions(&TransactionFilter { page, ..Default::default() }).unwrap());
    let indexes: Vec<_> = all.iter().map(|tx| tx.ledger_index).collect();
    assert_eq!(indexes, (0..ledger.size()).rev().collect::<Vec<_>>());
    let refused = TransactionFilter { refused: Some(true), ..Default::default() };
    let refused = model.transactions(&refused).unwrap().items;
    assert_eq!(refused[0].refusal.as_ref().unwrap().code, "own_request");
    assert_eq!((refused.len(), refused[0].actor.as_ref().unwrap().user.as_str()), (1, "wang"));
    let about = TransactionFilter { reference: Some(grant.to_string()), ..Default::default() };
    let kinds: Vec<_> = model.transactions(&about).unwrap().items.into_iter().filter_map(|tx| tx.kind).collect();
    assert_eq!(kinds, ["grant.approve", "grant.request"]);
    assert_eq!(model.transaction(grant).unwrap().unwrap().ledger_index, 3);
    assert_eq!(model.transaction(TxId::new(BEGIN)), Ok(None));
    let blocks = pages(|page| model.blocks(&page).unwrap());
    assert_eq!(blocks.len(), 8);
    assert_eq!(model.block(2).unwrap().unwrap().refused, 1);
    let wrong = TransactionFilter {
        page: PageRequest {
            cursor: model.blocks(&PageRequest { cursor: None, size: Some(1) }).unwrap().next_cursor,
            size: None,
        },
        ..Default::default()
    };
    assert_eq!(model.transactions(&wrong), Err(ReadError::Cursor));
}

fn a_rebuilt_projection_equals_one_that_grew_with_restarts(home: MakeHome) {
    let (grown, rebuilt) = (home(), home());
    let (ledger, _, case) = busy_ledger();
    follow(&ledger, &grown.open(), auditor());
    sign_off(&ledger, case, "tax");
    follow(&ledger, &grown.open(), auditor());
    let once = grown.dump();
    // Following again from the position changes nothing.
    follow(&ledger, &grown.open(), auditor());
    assert_eq!(grown.dump(), once);
    sign_off(&ledger, case, "housing");
    follow(&ledger, &grown.open(), auditor());

    let other = Arc::new(TestLedger::new("mulu-other"));
    other.publish(entry("tax/other", "另一"));
    follow(&other, &rebuilt.open(), auditor());
    rebuilt.rebuild();
    let model = rebuilt.open();
    assert_eq!(model.projected().borrow().size, 0);
    follow(&ledger, &model, auditor());
    assert!(rebuilt.dump().len() > 30);
    assert_eq!(rebuilt.dump(), grown.dump());
}

fn another_ledger_or_another_scope_begins_anew(home: MakeHome) {
    let (ledger, ..) = busy_ledger();
    let home = home();
    follow(&ledger, &home.open(), own("tax"));
    // The node became the auditor's: accesses that it skipped must come in.
    let model = home.open();
    let follower = follower::start(ledger.clone(), model.clone(), auditor()).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while model.accesses(&AccessFilter::default()).map_or(0, |page| page.items.len()) < 5 {
        assert!(std::time::Instant::now() < deadline, "the scope's change went unnoticed");
        std::thread::yield_now();
    }
    follower.stop();
    // The same chain id with another history, such as after a restored backup.
    let (other, ..) = busy_ledger();
    let model = home.open();
    let follower = follower::start(other.clone(), model.clone(), auditor()).unwrap();
    let newest = other.size() - 1;
    let id = |model: &ReadModel| {
        let page = PageRequest { cursor: None, size: Some(1) };
        let newest = model.transactions(&TransactionFilter { page, ..Default::default() }).ok()?.items.pop()?;
        Some((newest.ledger_index, newest.transaction_id?))
    };
    let block = super::follower::BlockSource::block(&*other, 7).unwrap();
    while id(&model) != Some((newest, block.outcomes[0].id.unwrap())) {
        assert!(std::time::Instant::now() < deadline, "the other history went unnoticed");
        std::thread::yield_now();
    }
    follower.stop();
}

#[test]
fn a_damaged_projection_is_set_aside_and_filled_again() {
    let (ledger, ..) = busy_ledger();
    let home = Home::file();
    follow(&ledger, &home.open(), own("tax"));
    let whole = home.dump();
    std::fs::write(home.path().join(PROJECTION_FILE), vec![b'x'; 8192]).unwrap();
    let model = home.open();
    follow(&ledger, &model, own("tax"));
    assert_eq!(home.dump(), whole);
    let kept = std::fs::read_dir(home.path().join("damaged")).unwrap().next().unwrap().unwrap().path();
    assert!(kept.join("projection.db").exists());
}
