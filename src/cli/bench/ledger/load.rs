//! The load: transactions signed beforehand, and clients that hand them in.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cli::error::CliError;
use crate::clock::{Clock as _, SystemClock};
use crate::crypto::digest::sm3;
use crate::crypto::sign::SigningKey;
use crate::domain::command::{Command, Payload};
use crate::domain::digest_record::DigestRecord;
use crate::domain::{Actor, Role};
use crate::ids::{DepartmentId, TxId};
use crate::ledger::transaction::Transaction;

use super::http::Connection;

/// Bytes of a payload, as the budget names them.
const PAYLOAD_BYTES: usize = 256;
const OVERLOAD_PAUSE: Duration = Duration::from_millis(100);

/// Where and as whom a client hands in.
#[derive(Clone)]
pub struct Entrance {
    /// The department whose node it is.
    pub department: DepartmentId,
    /// Its web address, `host:port`.
    pub address: String,
    /// A token of a system that may hand in.
    pub token: String,
    /// The department's key.
    pub key: SigningKey,
}

impl Entrance {
    fn head(&self) -> String {
        format!(
            "POST /api/v1/ledger/transactions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/octet-stream\r\n",
            self.address, self.token
        )
    }

    /// One transaction whose payload has the length of the budget.
    fn transaction(&self, chain: &str) -> Result<Transaction, CliError> {
        let id = TxId::new(SystemClock.now());
        let digest = sm3(&[id.to_string().as_bytes()]);
        let payload = |label: String| {
            let command = Command::RecordDigest(DigestRecord { digest, label, kind: None });
            let actor = Actor { user: "bench".into(), role: Role::System };
            Payload { id, department: self.department.clone(), actor, command }.encode().map_err(CliError::failed)
        };
        let shortest = payload("x".into())?.len();
        let text = payload("x".repeat(PAYLOAD_BYTES.saturating_sub(shortest) + 1))?;
        Ok(Transaction::sign(chain, text.as_bytes(), &self.key)?)
    }
}

/// Bodies of requests for one entrance, taken one by one.
pub struct Supply {
    entrance: Entrance,
    bodies: Vec<Vec<u8>>,
    /// Transactions in each.
    batch: usize,
    next: AtomicUsize,
}

impl Supply {
    /// Signs as many requests for an entrance; spreads the work over the cores.
    ///
    /// # Errors
    /// None is expected.
    pub fn sign(entrance: &Entrance, chain: &str, requests: usize, batch: usize) -> Result<Self, CliError> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = requests.div_ceil(threads);
        let signed = std::thread::scope(|scope| {
            let sign = |part: usize| {
                let count = share.min(requests.saturating_sub(part * share));
                scope.spawn(move || (0..count).map(|_| body(entrance, chain, batch)).collect::<Result<Vec<_>, _>>())
            };
            let parts: Vec<_> = (0..threads).map(sign).collect();
            parts.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut bodies = Vec::with_capacity(requests);
        for part in signed {
            bodies.extend(part.map_err(|_| CliError::failed("signing failed"))??);
        }
        Ok(Self { entrance: entrance.clone(), bodies, batch, next: AtomicUsize::new(0) })
    }

    fn take(&self) -> Option<&[u8]> {
        self.bodies.get(self.next.fetch_add(1, Ordering::Relaxed)).map(Vec::as_slice)
    }
}

fn body(entrance: &Entrance, chain: &str, batch: usize) -> Result<Vec<u8>, CliError> {
    if batch == 1 {
        return Ok(entrance.transaction(chain)?.as_bytes().to_vec());
    }
    let mut body = Vec::new();
    for _ in 0..batch {
        let tx = entrance.transaction(chain)?;
        body.extend_from_slice(&u32::try_from(tx.as_bytes().len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(tx.as_bytes());
    }
    Ok(body)
}

/// What clients saw.
#[derive(Default)]
pub struct Seen {
    /// Latency of each request that was done, with its transactions.
    pub done: Vec<(Duration, usize)>,
    /// Requests that were answered with 503.
    pub busy: usize,
    /// The slowest of these answers.
    pub busy_max: Duration,
    /// Transactions of requests that went wrong otherwise, or that were not done.
    pub failed: usize,
    /// What was answered to the first of these.
    pub failure: Option<String>,
}

impl Seen {
    fn merge(&mut self, other: Self) {
        self.done.extend(other.done);
        self.busy += other.busy;
        self.busy_max = self.busy_max.max(other.busy_max);
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }
}

/// Lets clients hand in until the supplies end or the time is over.
///
/// # Errors
/// A connection that cannot be opened.
pub async fn run(supplies: &[Arc<Supply>], clients: usize, end: Instant) -> io::Result<Seen> {
    let mut running = JoinSet::new();
    for number in 0..clients {
        let Some(supply) = supplies.get(number % supplies.len().max(1)).cloned() else { break };
        running.spawn(client(supply, end));
    }
    let mut seen = Seen::default();
    while let Some(ended) = running.join_next().await {
        seen.merge(ended.map_err(io::Error::other)??);
    }
    Ok(seen)
}

async fn client(supply: Arc<Supply>, end: Instant) -> io::Result<Seen> {
    let mut connection = Connection::open(&supply.entrance.address).await?;
    let head = supply.entrance.head();
    let mut seen = Seen::default();
    while Instant::now() < end {
        let Some(body) = supply.take() else { break };
        let begun = Instant::now();
        let answer = connection.send(&head, body).await?;
        let took = begun.elapsed();
        let done = count(answer.body, b"\"outcome\":\"done\"");
        if answer.status == 503 {
            (seen.busy, seen.busy_max) = (seen.busy + 1, seen.busy_max.max(took));
            tokio::time::sleep(OVERLOAD_PAUSE).await;
            continue;
        }
        if done > 0 {
            seen.done.push((took, done));
        }
        if done < supply.batch {
            seen.failed += supply.batch - done;
            let text = || String::from_utf8_lossy(answer.body).chars().take(300).collect();
            seen.failure.get_or_insert_with(text);
        }
    }
    Ok(seen)
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|window| *window == word).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_s_transactions_are_valid_and_of_the_budget_s_length() {
        for department in ["data-bureau", "tax"] {
            let key = SigningKey::from_seed(&[5; 32]);
            let entrance = Entrance {
                department: department.parse().unwrap(),
                address: String::new(),
                token: String::new(),
                key: key.clone(),
            };
            let tx = entrance.transaction("mulu-0").unwrap();
            assert_eq!(tx.payload().len(), PAYLOAD_BYTES);
            assert!(tx.verify("mulu-0", &key.public()).is_ok());
            let supply = Supply::sign(&entrance, "mulu-0", 5, 3).unwrap();
            assert_eq!((supply.bodies.len(), supply.bodies[0].len()), (5, 3 * (4 + tx.as_bytes().len())));
        }
        assert_eq!(count(b"abcabab", b"ab"), 3);
    }
}
