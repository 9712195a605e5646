//! Those who write and read while the city is in trouble, each through any node, and note what they were answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use mulu::crypto::digest::sm3;

use crate::harness::{Answer, Archive, Caller, City, Examples, Wish, pause};

use super::super::chance::Chance;
use super::Record;
use super::objects::{Grant, GrantOp, Register, RegisterOp, Stands};

/// What queries are about.
pub const ENTRY: &str = "public-security/household-registration";
/// Whose it is.
pub const PROVIDER: &str = "public-security";
/// A new register after so many calls: what was not answered makes every later call of it harder to judge.
const CALLS_A_REGISTER: u64 = 60;
const PURPOSES: [&str; 2] = ["social-assistance", "housing-assistance"];

/// All of them.
pub struct Clients<'a> {
    city: &'a City,
    archives: Vec<Archive>,
    calls: AtomicU64,
}

impl<'a> Clients<'a> {
    /// Those of a running city.
    pub fn of(city: &'a City) -> Self {
        let archives = city.nodes().iter().map(|node| Archive::of(city, &node.department)).collect();
        for node in city.nodes() {
            // Signs in while nothing is wrong.
            city.person(&node.department, "reviewer1");
        }
        Self { city, archives, calls: AtomicU64::new(0) }
    }

    /// A system at any node, for a fresh reading.
    fn reader(&self, chance: &mut Chance) -> Caller {
        self.city.system(&chance.pick(self.city.nodes()).department).with("mulu-read", "fresh")
    }

    /// Writes and reads registers until told to stop.
    pub fn use_registers(&self, record: &Record<Register>, mut chance: Chance, stop: &AtomicBool) {
        while !stop.load(SeqCst) {
            let register = format!("register {}", self.calls.fetch_add(1, SeqCst) / CALLS_A_REGISTER);
            if chance.percent(40) {
                let archive = chance.pick(&self.archives);
                let paper = archive.sign(&register, "history");
                let (start, told) = (record.now(), archive.hand_in(std::slice::from_ref(&paper)));
                let done = told.is_some_and(|answer| answer.status == 200 && answer.body[0]["outcome"] == "done");
                record.note(&register, start, RegisterOp::Wrote(paper.id), done);
            } else {
                let digest = sm3(&[register.as_bytes()]);
                let path = format!("ledger/transactions?reference={digest}&refused=false&page_size=1");
                let (reader, start) = (self.reader(&mut chance), record.now());
                // No answer, no harm: a reading changes nothing.
                if let Some(answer) = reader.try_get(&path).filter(|answer| answer.status == 200) {
                    let newest = answer.body["items"][0]["transaction_id"].as_str().map(str::to_owned);
                    record.note(&register, start, RegisterOp::Read(newest), true);
                }
            }
            thread::park_timeout(Duration::from_millis(chance.below(30)));
        }
    }

    /// A grant that was asked for, if it was.
    fn ask(&self, consumer: &str, purpose: &str) -> Option<String> {
        let wish = Wish { consumer, entry: ENTRY, purpose, ..Wish::default() };
        let asked = self.city.system(consumer).try_post("grants", &wish.body())?;
        (asked.status == 201).then(|| asked.body["id"].as_str().unwrap().to_owned())
    }

    /// Approves, denies or revokes a grant at a department's node, and notes what came of it; says whether it is settled.
    fn make(&self, record: &Record<Grant>, grant: &str, at: &str, next: Stands) -> bool {
        let (step, body) = match next {
            Stands::Active => ("approve", json!({})),
            Stands::Denied => ("deny", json!({"reason": "history"})),
            _ => ("revoke", json!({"reason": "history"})),
        };
        let (reviewer, start) = (self.city.person(at, "reviewer1"), record.now());
        let answer = reviewer.try_post(&format!("grants/{grant}/{step}"), &body);
        match answer.as_ref().map(|answer| (answer.status, answer.code())) {
            Some((200, _)) => record.note(grant, start, GrantOp::Made(next), true),
            Some((409, "conflict")) => record.note(grant, start, GrantOp::TooLate(next), true),
            // By what this node alone knew, before anything was proposed.
            Some((403 | 404, _)) => return false,
            Some((503, _)) | None => {
                record.note(grant, start, GrantOp::Made(next), false);
                return false;
            }
            Some(_) => panic!("{}", answer.unwrap()),
        }
        true
    }

    fn look(&self, record: &Record<Grant>, grant: &str, reader: &Caller) {
        let start = record.now();
        let shown = reader.try_get(&format!("grants/{grant}")).filter(|answer| answer.status == 200);
        if let Some(shown) = shown {
            record.note(grant, start, GrantOp::Seen(Stands::of(shown.body["state"].as_str().unwrap())), true);
        }
    }

    /// Approves, denies and revokes grants at provider and consumer at the same time, and reads them everywhere.
    pub fn contest_grants(&self, record: &Record<Grant>, mut chance: Chance, stop: &AtomicBool) {
        let consumer = "data-bureau";
        while !stop.load(SeqCst) {
            let Some(grant) = self.ask(consumer, PURPOSES[0]) else {
                pause();
                continue;
            };
            let grant = grant.as_str();
            thread::scope(|scope| {
                let steps = [
                    (PROVIDER, Stands::Active),
                    (PROVIDER, Stands::Denied),
                    (consumer, Stands::Revoked),
                    (PROVIDER, Stands::Revoked),
                ];
                for (at, next) in steps {
                    let mut chance = chance.fork();
                    scope.spawn(move || {
                        for _ in 0..2 {
                            thread::park_timeout(Duration::from_millis(chance.below(60)));
                            self.make(record, grant, at, next);
                        }
                    });
                }
                for _ in 0..2 {
                    let mut chance = chance.fork();
                    scope.spawn(move || {
                        for _ in 0..6 {
                            self.look(record, grant, &self.reader(&mut chance));
                        }
                    });
                }
            });
        }
    }

    /// Has grants approved, queries on their ground, and has them revoked while queries go on, all at the provider's node:
    /// it is the provider who decides, and its word binds from the moment it is given.
    pub fn query_on_grants(&self, record: &Record<Grant>, mut chance: Chance, stop: &AtomicBool) {
        let consumer = "audit";
        let reader = self.city.system(PROVIDER).with("mulu-read", "fresh");
        while !stop.load(SeqCst) {
            let Some(grant) = self.ask(consumer, PURPOSES[1]) else {
                pause();
                continue;
            };
            let grant = grant.as_str();
            thread::scope(|scope| {
                for _ in 0..2 {
                    let mut chance = chance.fork();
                    scope.spawn(move || {
                        for _ in 0..12 {
                            self.query(record, consumer);
                            thread::park_timeout(Duration::from_millis(chance.below(40)));
                        }
                    });
                }
                for next in [Stands::Active, Stands::Revoked] {
                    thread::park_timeout(Duration::from_millis(chance.below(100)));
                    // Until it is so: the next grant's queries must not rest on this one.
                    while !self.make(record, grant, PROVIDER, next) && !stop.load(SeqCst) {
                        pause();
                    }
                    self.look(record, grant, &reader);
                }
            });
        }
    }

    /// A query; served, it rests on a grant, which its answer names.
    fn query(&self, record: &Record<Grant>, consumer: &str) {
        let start = record.now();
        let answer = self.city.system(consumer).try_post(&format!("query/{ENTRY}"), &call(PURPOSES[1]));
        if let Some(grant) = answer.as_ref().and_then(served_on) {
            record.note(&grant, start, GrantOp::Served, true);
        }
    }
}

/// A query for a purpose.
pub fn call(purpose: &str) -> Value {
    json!({
        "purpose": purpose,
        "cause": "history",
        "case_id": "H-1",
        "params": {"id_number": Examples::get().seller_id_number},
        "items": ["name"],
    })
}

fn served_on(answer: &Answer) -> Option<String> {
    let grant: &Value = &answer.body["grant_id"];
    (answer.status == 200).then(|| grant.as_str().unwrap().to_owned())
}
