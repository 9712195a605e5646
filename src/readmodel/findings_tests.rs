//! Findings as consumer, provider and auditor list them, and how a late record settles one.

use super::*;
use crate::crypto::digest::sm3;
use crate::crypto::sign::SigningKey;
use crate::domain::finding::{Finding, FindingReport, Mismatch};
use crate::domain::promise::{Promise, SignedPromise};
use crate::readmodel::findings::{FindingFilter, FindingView};

on_both!(
    a_late_record_settles_a_broken_promise_and_another_one_does_not,
    those_whom_a_finding_concerns_see_it_and_the_auditor_sees_all
);

fn digest(record: &AccessRecord) -> Hash {
    sm3(&[&serde_json::to_vec(record).unwrap()])
}

fn silent(record: &AccessRecord) -> Finding {
    let promise = Promise { access_id: record.access_id, record_digest: digest(record), by: BEGIN };
    Finding {
        access_id: record.access_id,
        provider: "public-security".parse().unwrap(),
        problem: Mismatch::PromiseWithoutRecord,
        promise: Some(SignedPromise::sign(&promise, "city", &SigningKey::from_seed(&[7; 32]))),
        record_index: None,
    }
}

fn find(ledger: &TestLedger, findings: Vec<Finding>) {
    ledger.add(vec![("civil-affairs", Command::ReportFindings(FindingReport { findings }))]);
}

fn listed(model: &ReadModel, filter: FindingFilter) -> Vec<FindingView> {
    model.findings(&filter).unwrap().items
}

fn a_late_record_settles_a_broken_promise_and_another_one_does_not(home: MakeHome) {
    let ledger = Arc::new(TestLedger::new("city"));
    let (late, wrong, crossed) = (access(HOUSEHOLD, BEGIN), access(HOUSEHOLD, BEGIN), access(HOUSEHOLD, BEGIN));
    ledger.record(vec![crossed.clone()]);
    find(&ledger, vec![silent(&late), silent(&wrong), silent(&crossed)]);
    // The same report again changes nothing.
    find(&ledger, vec![silent(&late)]);
    ledger.record(vec![late.clone(), AccessRecord { rows: 9, ..wrong.clone() }]);
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("civil-affairs"));
    let all = listed(&model, FindingFilter::default());
    let settled: Vec<(_, _)> = all.iter().map(|view| (view.finding.access_id, view.resolved_index)).collect();
    assert_eq!(settled, [(crossed.access_id, Some(0)), (wrong.access_id, None), (late.access_id, Some(3))]);
    let open = listed(&model, FindingFilter { resolved: Some(false), ..FindingFilter::default() });
    assert_eq!(open.len(), 1);
    assert_eq!(model.findings_of(wrong.access_id).unwrap(), open);
    let count = |from| model.open_findings(&"civil-affairs".parse().unwrap(), from).unwrap();
    assert_eq!((count(BEGIN), count(BEGIN.plus(60_000))), (1, 0));
}

fn those_whom_a_finding_concerns_see_it_and_the_auditor_sees_all(home: MakeHome) {
    let ledger = Arc::new(TestLedger::new("city"));
    let record = access(HOUSEHOLD, BEGIN);
    ledger.record(vec![record.clone(), access(HOUSEHOLD, BEGIN)]);
    let of =
        |problem, access_id| Finding { access_id, problem, promise: None, record_index: Some(0), ..silent(&record) };
    let unknown = crate::ids::AccessId::new(BEGIN);
    let found = vec![of(Mismatch::RecordWithoutPromise, record.access_id), of(Mismatch::RecordWithoutCall, unknown)];
    find(&ledger, found);
    for (options, seen) in [(own("civil-affairs"), 2), (own("public-security"), 2), (auditor(), 2), (own("tax"), 0)] {
        let home = home();
        let model = home.open();
        follow(&ledger, &model, options);
        assert_eq!(listed(&model, FindingFilter::default()).len(), seen);
        // A lost answer owes nothing; a record of a call that never was stays open.
        let open = FindingFilter { resolved: Some(false), ..FindingFilter::default() };
        let open: Vec<_> = listed(&model, open).into_iter().map(|view| view.finding.problem).collect();
        assert_eq!(open, [Mismatch::RecordWithoutCall][..seen.min(1)]);
        let foreign = FindingFilter { consumer: "tax".parse().ok(), ..FindingFilter::default() };
        assert_eq!(listed(&model, foreign), []);
        let problem = FindingFilter { problem: Some(Mismatch::RecordWithoutPromise), ..FindingFilter::default() };
        assert_eq!(listed(&model, problem).len(), seen.min(1));
    }
}
