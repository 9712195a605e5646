//! Work for a city under test, and what its nodes gave their word for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, City, Examples, Wish};

/// Who provides what is asked for.
pub const PROVIDER: &str = "public-security";

/// How long a writer waits for a node that is away.
const PAUSE: Duration = Duration::from_millis(20);

/// What a node acknowledged.
#[derive(Clone, Debug)]
pub enum Kept {
    /// A transaction stands on the ledger; `at` answers its key again with the same answer.
    Transaction { at: String, id: String, index: u64, key: String },
    /// A provider recorded an access.
    Access { at: String, id: String },
    /// A node cosigned a ledger of this size, and will never cosign another of the same.
    Cosigned { at: String, size: u64 },
}

/// An acknowledgement, and what was noted at the moment it came.
#[derive(Clone, Debug)]
pub struct Ack<M> {
    pub moment: M,
    pub kept: Kept,
}

/// Writers that work until they are stopped.
pub struct Load<'a> {
    pub city: &'a City,
    stop: AtomicBool,
    counts: [AtomicUsize; 3],
    /// A status that is none of the node's fault in this story.
    tolerated: u16,
}

/// What kind of word a node gave.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Transaction,
    Access,
    Cosigned,
}

fn wish(consumer: &str, number: usize) -> Value {
    let mut body = Wish { consumer, ..Wish::default() }.body();
    body["matter"] = json!(format!("事项{number}"));
    body
}

/// One write to the ledger by a department's system.
pub fn write(city: &City, at: &str, number: usize) -> Option<(Answer, String)> {
    let key = format!("load-{}-{number}", crate::harness::now().0);
    let answer = city.system(at).with("idempotency-key", &key).try_post("grants", &wish(at, number))?;
    Some((answer, key))
}

impl<'a> Load<'a> {
    /// No work yet.
    pub fn on(city: &'a City) -> Self {
        Self { city, stop: AtomicBool::new(false), counts: Default::default(), tolerated: 503 }
    }

    /// Bears one more status than 503.
    pub fn tolerating(self, tolerated: u16) -> Self {
        Self { tolerated, ..self }
    }

    /// How much was acknowledged so far.
    pub fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize].load(SeqCst)
    }

    /// Works at these nodes, several writers each, until `enough` returns. `moment` is asked after each acknowledgement.
    pub fn work<M: Send>(
        &self,
        nodes: &[&str],
        moment: impl Fn() -> M + Sync,
        enough: impl FnOnce(&Self),
    ) -> Vec<Ack<M>> {
        let all = Mutex::new(Vec::new());
        let note = |kept| {
            let kind = match &kept {
                Kept::Transaction { .. } => Kind::Transaction,
                Kept::Access { .. } => Kind::Access,
                Kept::Cosigned { .. } => Kind::Cosigned,
            };
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(Ack { moment: moment(), kept });
            self.counts[kind as usize].fetch_add(1, SeqCst);
        };
        std::thread::scope(|scope| {
            for at in nodes {
                for writer in 0..3 {
                    let note = &note;
                    scope.spawn(move || {
                        (writer * 1_000_000..)
                            .take_while(|_| !self.stop.load(SeqCst))
                            .for_each(|n| self.one(at, n, note))
                    });
                }
            }
            // Also when a story fails, the writers must come to an end.
            let _stopping = Stop(&self.stop);
            enough(self);
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn one(&self, at: &str, number: usize, note: &impl Fn(Kept)) {
        let at = at.to_owned();
        if !self.city.runs(&at) {
            return std::thread::park_timeout(PAUSE);
        }
        if number % 8 == 3 {
            if let Some(size) = self.cosigned(&at) {
                note(Kept::Cosigned { at, size });
            }
        } else if number % 4 == 1 {
            if let Some(id) = self.access(&at) {
                note(Kept::Access { at: PROVIDER.to_owned(), id });
            }
        } else if let Some((answer, key)) = write(self.city, &at, number) {
            match answer.status {
                201 => {
                    let id = answer.body["transaction_id"].as_str().unwrap().to_owned();
                    let index = answer.body["ledger_index"].as_u64().unwrap();
                    note(Kept::Transaction { at, id, index, key });
                }
                // A new chain has no catalog yet.
                status => assert!([404, 503, self.tolerated].contains(&status), "{answer}"),
            }
        }
    }

    /// The size of the newest ledger that a node cosigned.
    fn cosigned(&self, at: &str) -> Option<u64> {
        let asked = self.city.system(at).with("accept", "application/json");
        let answer = asked.try_get("ledger/checkpoint?newest=true").filter(|answer| answer.status == 200)?;
        answer.body["size"].as_u64()
    }

    /// A query without a grant: its refusal must be on record with the provider before it is answered.
    fn access(&self, at: &str) -> Option<String> {
        let params = json!({"id_number": Examples::get().seller_id_number});
        let call = json!({"purpose": "statistics", "cause": "核验", "params": params});
        let answer = self.city.system(at).try_post("query/public-security/household-registration", &call)?;
        (answer.status == 403).then(|| answer.body["access_id"].as_str().unwrap().to_owned())
    }
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
