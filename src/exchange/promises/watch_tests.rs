//! The watch over promises, with a ledger beside it: what is found, what goes on the ledger, and what does not.

use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::crypto::digest::sm3;
use crate::domain::Role;
use crate::domain::access::AccessRecord;
use crate::domain::command::{AccessBatch, Command};
use crate::domain::promise::Promise;
use crate::exchange::journal::Memory;
use crate::exchange::testing::{City, START, department, keyring, record};

fn provider() -> DepartmentId {
    department("public-security")
}

struct Story {
    city: Arc<City>,
    store: Arc<Memory>,
    watch: Promises,
}

fn open(city: &Arc<City>, store: &Arc<Memory>) -> Promises {
    let submitter = Submitter {
        department: department("civil-affairs"),
        keys: keyring("civil-affairs").into(),
        ledger: city.clone(),
        clock: city.clock.clone(),
    };
    Promises::open(Arc::new(Journal::start(store.clone()).unwrap()), submitter).unwrap()
}

impl Story {
    fn begin() -> Self {
        let (city, store) = (City::new(crate::policy::default_document()), Arc::new(Memory::default()));
        let watch = open(&city, &store);
        city.advance(1_000);
        Self { watch, store, city }
    }

    fn now(&self) -> Millis {
        self.watch.submitter.clock.now()
    }

    /// A call and the record that its provider makes of it.
    fn call(&self) -> AccessRecord {
        let record = record(self.now());
        self.watch.sent(record.access_id, &provider());
        record
    }

    fn promise(&self, record: &AccessRecord) {
        let record_digest = sm3(&[&serde_json::to_vec(record).unwrap()]);
        let promise = Promise { access_id: record.access_id, record_digest, by: self.now().plus(600_000) };
        let chain = self.watch.submitter.ledger.state().chain().to_owned();
        let signed = SignedPromise::sign(&promise, &chain, &keyring("public-security").signing);
        self.watch.promised(record.access_id, &provider(), &signed);
    }

    fn records(&self, records: Vec<AccessRecord>) {
        self.city.does("public-security", "node", Role::System, Command::RecordAccesses(AccessBatch { records }));
    }

    async fn look_after(&self, ms: u64) {
        self.city.advance(ms);
        self.watch.look(self.now()).await;
    }

    fn found(&self) -> Vec<(AccessId, Mismatch)> {
        self.city.findings().into_iter().map(|it| (it.access_id, it.problem)).collect()
    }

    /// Ends the node as a power cut would, after its last writing, and starts it again.
    async fn crash(&mut self) {
        self.watch.write(false).await;
        self.watch = open(&self.city, &self.store);
    }
}

#[tokio::test]
async fn a_silent_provider_is_found_once_and_only_when_its_time_is_over() {
    let mut story = Story::begin();
    let (kept, silent) = (story.call(), story.call());
    story.promise(&kept);
    story.promise(&silent);
    story.records(vec![kept]);
    story.look_after(600_000).await;
    assert_eq!((story.found(), story.watch.open_promises()), (vec![], 1));
    story.look_after(31_000).await;
    assert_eq!(story.found(), [(silent.access_id, Mismatch::PromiseWithoutRecord)]);
    let proof = story.city.findings().remove(0).promise.unwrap();
    assert!(proof.read().is_some_and(|promise| promise.access_id == silent.access_id));
    story.crash().await;
    story.look_after(60_000).await;
    assert_eq!((story.found().len(), story.watch.broken()), (1, 0), "not a second time");
    // The record comes late, and is not the promised one.
    story.records(vec![AccessRecord { rows: 9, ..silent.clone() }]);
    story.look_after(1).await;
    assert_eq!(story.found().last(), Some(&(silent.access_id, Mismatch::RecordDiffers)));
}

#[tokio::test]
async fn records_that_nobody_called_for_are_found_and_repeated_ones_are_not() {
    let story = Story::begin();
    let honest = story.call();
    story.promise(&honest);
    let invented = record(story.now());
    story.records(vec![honest.clone(), invented.clone()]);
    story.look_after(1).await;
    let expected = [(invented.access_id, Mismatch::RecordWithoutCall)];
    assert_eq!(story.found(), expected);
    // The same record again says nothing new, before or after the call has left the book.
    story.records(vec![honest.clone()]);
    story.look_after(1).await;
    assert_eq!(story.found(), expected);
    // A second record of one call, with other words, is one of no call.
    story.records(vec![AccessRecord { rows: 7, ..honest.clone() }]);
    story.look_after(1).await;
    assert_eq!(story.found()[1..], [(honest.access_id, Mismatch::RecordWithoutCall)]);
    // What is older than the book cannot be judged.
    story.records(vec![record(START)]);
    story.look_after(1).await;
    assert_eq!(story.found().len(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_listed_and_accuses_nobody() {
    let story = Story::begin();
    let (lost, differing) = (story.call(), story.call());
    story.records(vec![lost.clone(), differing.clone()]);
    story.look_after(1).await;
    story.promise(&AccessRecord { rows: 3, ..differing.clone() });
    story.look_after(1).await;
    assert_eq!(story.found(), [(differing.access_id, Mismatch::RecordDiffers)], "the promise came after the record");
    story.look_after(120_000).await;
    assert_eq!(story.found()[1..], [(lost.access_id, Mismatch::RecordWithoutPromise)]);
    assert_eq!(story.watch.broken(), 1);
}

#[tokio::test]
async fn a_report_whose_answer_is_lost_comes_once_even_after_a_crash() {
    let mut story = Story::begin();
    for _ in 0..3 {
        let silent = story.call();
        story.promise(&silent);
    }
    // The ledger has the report, but the node dies before it hears of it.
    story.city.unanswered.store(1, SeqCst);
    story.look_after(631_000).await;
    assert_eq!(story.found().len(), 3);
    story.crash().await;
    story.city.lost.store(1, SeqCst);
    story.look_after(1_000).await;
    story.look_after(1_000).await;
    assert_eq!(story.found().len(), 3);
    assert_eq!(story.watch.book.pages.lock().untold().count(), 0);
}

#[tokio::test]
async fn a_finding_that_the_ledger_refuses_holds_up_no_other_and_is_not_sent_for_ever() {
    let story = Story::begin();
    let (good, bad) = (story.call(), story.call());
    story.promise(&good);
    // Signed by somebody else: the query path would not have believed it.
    let promise = Promise { access_id: bad.access_id, record_digest: sm3(&[b"x"]), by: story.now() };
    story.watch.promised(bad.access_id, &provider(), &SignedPromise::sign(&promise, "city", &keyring("audit").signing));
    story.look_after(631_000).await;
    assert_eq!(story.found(), [(good.access_id, Mismatch::PromiseWithoutRecord)]);
    for _ in 0..10 {
        story.look_after(60_001).await;
    }
    let refused = story.city.outcomes.lock().iter().filter(|(_, outcome)| outcome.result.is_err()).count();
    assert_eq!(refused, 5, "together, then alone, then given up");
}
