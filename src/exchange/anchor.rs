//! From the outbox to the ledger: batches of access records, each under one transaction id until its fate is known.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::domain::command::{AccessBatch, Command};

use super::outbox::{Batch, Outbox};
use super::submit::{Fate, RETRY_MIN, Submitter, pause};

/// Batches on their way at a time: the next ones gather while the first reach a majority.
const UNDER_WAY_MAX: usize = 4;

/// What the task needs.
pub(super) struct Anchorer {
    pub outbox: Arc<Outbox>,
    pub submitter: Submitter,
}

/// Runs until `stop` says so; `left` are the batches of an earlier run.
pub(super) async fn run(anchorer: Arc<Anchorer>, left: Vec<Batch>, mut stop: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    for batch in left {
        under_way.spawn(anchorer.clone().settle(batch));
    }
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            Some(_) = under_way.join_next() => {}
            () = anchorer.outbox.ripe(), if under_way.len() < UNDER_WAY_MAX => {
                if let Some((first, last)) = anchorer.outbox.take() {
                    under_way.spawn(anchorer.clone().begin(first, last));
                }
            }
        }
    }
}

impl Anchorer {
    async fn begin(self: Arc<Self>, first: u64, last: u64) {
        let batch = Batch { first, last, id: self.submitter.id() };
        self.keep(&[batch], None).await;
        self.settle(batch).await;
    }

    /// Brings one batch to its end: the same batch again and again until its fate is known.
    async fn settle(self: Arc<Self>, mut batch: Batch) {
        let mut wait = RETRY_MIN;
        loop {
            match self.submit(&batch).await {
                Fate::Committed if self.outbox.anchored(&batch).await.is_ok() => return,
                Fate::Committed | Fate::Unknown => pause(&mut wait).await,
                Fate::TooOld => {
                    let renewed = Batch { id: self.submitter.id(), ..batch };
                    self.keep(&[renewed], Some(&batch)).await;
                    batch = renewed;
                }
                Fate::Refused(refusal) => {
                    let (first, last) = (batch.first, batch.last);
                    tracing::error!(%refusal, first, last, "the ledger refused access records");
                    return self.refused(batch).await;
                }
            }
        }
    }

    async fn submit(&self, batch: &Batch) -> Fate {
        let records = self.outbox.records(batch).into_iter().map(|(_, record)| record).collect();
        self.submitter.submit(batch.id, Command::RecordAccesses(AccessBatch { records })).await
    }

    /// One bad record must not keep the others from the ledger: each goes alone, and the bad one aside.
    async fn refused(self: Arc<Self>, batch: Batch) {
        if batch.first == batch.last {
            let mut wait = RETRY_MIN;
            while self.outbox.park(&batch).await.is_err() {
                pause(&mut wait).await;
            }
            return;
        }
        let numbers = self.outbox.records(&batch).into_iter().map(|(number, _)| number);
        let alone: Vec<Batch> = numbers.map(|n| Batch { first: n, last: n, id: self.submitter.id() }).collect();
        self.keep(&alone, Some(&batch)).await;
        for batch in alone {
            Box::pin(self.clone().settle(batch)).await;
        }
    }

    async fn keep(&self, batches: &[Batch], instead: Option<&Batch>) {
        let mut wait = RETRY_MIN;
        while self.outbox.keep(batches, instead).await.is_err() {
            pause(&mut wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::AccessRecord;
    use crate::domain::policy::PolicyDocument;
    use crate::exchange::journal::{Journal, Memory};
    use crate::exchange::outbox::{OUTBOX_AGE_MS_MAX, Written};
    use crate::exchange::submit::{CLOCK_MARGIN_MS, ID_WINDOW_MS};
    use crate::exchange::testing::{City, START, department, keyring, record};
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    fn city() -> Arc<City> {
        City::new(PolicyDocument { version: 1, model: "m".into(), rules: "r".into() })
    }

    struct Node {
        outbox: Arc<Outbox>,
        stop: watch::Sender<bool>,
        task: tokio::task::JoinHandle<()>,
    }

    fn start(city: &Arc<City>, store: &Arc<Memory>) -> Node {
        let journal = Arc::new(Journal::start(store.clone()).unwrap());
        let (outbox, left) = Outbox::load(journal, OUTBOX_AGE_MS_MAX).unwrap();
        let anchorer = Anchorer {
            outbox: outbox.clone(),
            submitter: Submitter {
                department: department("public-security"),
                keys: keyring("public-security").into(),
                ledger: city.clone(),
                clock: city.clock.clone(),
            },
        };
        let (stop, stopped) = watch::channel(false);
        Node { outbox, stop, task: tokio::spawn(run(Arc::new(anchorer), left, stopped)) }
    }

    impl Node {
        async fn push(&self, record: AccessRecord) {
            let place = self.outbox.reserve(record.time).unwrap();
            self.outbox.push(place, Written::new(record).unwrap(), vec![]).durable().await.unwrap();
        }

        async fn drained(&self) {
            for _ in 0..2_000 {
                if self.outbox.is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{} records still wait", self.outbox.len());
        }

        async fn end(self) {
            self.stop.send(true).unwrap();
            self.task.await.unwrap();
        }
    }

    fn is_each_once(city: &City, count: u64) {
        let mut times: Vec<u64> = city.accesses().iter().map(|record| record.time.since(START)).collect();
        times.sort_unstable();
        assert_eq!(times, (0..count).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn records_reach_the_ledger_once_through_losses_and_lost_answers() {
        let (city, store) = (city(), Arc::new(Memory::default()));
        city.lost.store(2, Ordering::SeqCst);
        city.unanswered.store(2, Ordering::SeqCst);
        let node = start(&city, &store);
        for n in 0..250 {
            node.push(record(START.plus(n))).await;
        }
        node.drained().await;
        is_each_once(&city, 250);
        node.end().await;
    }

    #[tokio::test]
    async fn a_batch_on_its_way_at_a_crash_comes_once() {
        let (city, store) = (city(), Arc::new(Memory::default()));
        // The ledger has the batch, but the node dies before it hears of it.
        city.unanswered.store(1, Ordering::SeqCst);
        let node = start(&city, &store);
        for n in 0..5 {
            node.push(record(START.plus(n))).await;
        }
        while city.accesses().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.task.abort();
        let _ = node.task.await;
        drop(node.outbox);
        let node = start(&city, &store);
        node.drained().await;
        is_each_once(&city, 5);
        node.end().await;
    }

    #[tokio::test]
    async fn an_id_that_became_too_old_is_replaced_only_when_it_never_arrived() {
        let (city, store) = (city(), Arc::new(Memory::default()));
        city.lost.store(usize::MAX, Ordering::SeqCst);
        let node = start(&city, &store);
        node.push(record(START)).await;
        // The batch has been sent under its first id, and its answer was lost.
        tokio::time::timeout(Duration::from_secs(20), async {
            while city.lost.load(Ordering::SeqCst) == usize::MAX {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        city.advance(ID_WINDOW_MS + CLOCK_MARGIN_MS + 1_000);
        city.lost.store(0, Ordering::SeqCst);
        node.drained().await;
        is_each_once(&city, 1);
        node.end().await;
    }

    #[tokio::test]
    async fn one_record_that_the_ledger_refuses_does_not_hold_up_the_others() {
        let (city, store) = (city(), Arc::new(Memory::default()));
        let node = start(&city, &store);
        for n in 0..3 {
            node.push(record(START.plus(n))).await;
        }
        node.push(AccessRecord { cause: "x".repeat(300), ..record(START.plus(9)) }).await;
        node.drained().await;
        is_each_once(&city, 3);
        assert_eq!(node.outbox.parked(), 1);
        node.end().await;
    }
}
