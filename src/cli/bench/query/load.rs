//! The load: clients that ask one after the other, or at planned moments.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cli::sample::Rng;

use super::client::Connection;
use super::service::ROW_BYTES;

/// How many of a thousand answers have how many rows of 1 kB.
pub type Mixture = &'static [(i64, usize)];
/// One row.
pub const SMALL: Mixture = &[(1_000, 1)];
/// 2 kB, 10 kB, 100 kB, 2 MB and 10 MB.
pub const MIXED: Mixture = &[(300, 2), (600, 10), (90, 100), (9, 2_000), (1, 10_000)];
/// What fits a page; more comes as lines of JSON, page after page.
const PAGE_ROWS: usize = 1_000;

/// Whom the clients ask.
#[derive(Clone)]
pub enum Target {
    /// The consumer's node.
    Node {
        /// `host:port`.
        address: String,
        /// A system's token.
        token: String,
        /// `provider/name`.
        entry: String,
    },
    /// The provider's service itself.
    Service {
        /// `host:port`.
        address: String,
    },
}

impl Target {
    fn address(&self) -> &str {
        match self {
            Self::Node { address, .. } | Self::Service { address } => address,
        }
    }

    /// The request for so many rows.
    pub fn request(&self, rows: usize) -> Vec<u8> {
        match self {
            Self::Service { address } => {
                format!("GET /records?id_number={SUBJECT}&rows={rows} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes()
            }
            Self::Node { address, token, entry } => {
                let accept = if rows > PAGE_ROWS { "application/x-ndjson" } else { "application/json" };
                post(address, token, entry, accept, &format!("\"params\":{}", params(rows)))
            }
        }
    }

    /// The request for so many rows about each of several subjects; a service is asked about one.
    fn batch(&self, rows: usize, subjects: usize) -> Vec<u8> {
        let Self::Node { address, token, entry } = self else { return self.request(rows) };
        let about = format!("\"subjects\":[{}]", vec![params(rows); subjects].join(","));
        post(address, token, &format!("{entry}/batch"), "application/json", &about)
    }
}

fn params(rows: usize) -> String {
    format!("{{\"id_number\":\"{SUBJECT}\",\"rows\":{rows}}}")
}

fn post(address: &str, token: &str, path: &str, accept: &str, about: &str) -> Vec<u8> {
    let body = format!("{{\"purpose\":\"{PURPOSE}\",\"cause\":\"bench\",{about}}}");
    format!(
        "POST /api/v1/query/{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         accept: {accept}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// For what the queries are made.
pub const PURPOSE: &str = "statistics";
/// About whom.
const SUBJECT: &str = "110101199003070134";

/// One kind of load.
#[derive(Clone, Copy)]
pub struct Load {
    /// Clients at once.
    pub clients: u32,
    /// Queries a second that are planned; as many as can be done when left out.
    pub rate: Option<u32>,
    /// For how long.
    pub time: Duration,
    /// What is asked for.
    pub mixture: Mixture,
    /// Subjects of one call, each a query of its own; more than one go as a batch.
    pub subjects: usize,
}

/// What clients saw.
#[derive(Default)]
pub struct Seen {
    /// Time of each call whose queries were all answered, from its planned moment if there was one.
    pub done: Vec<Duration>,
    /// Bytes of these answers' bodies.
    pub bytes: usize,
    /// Calls that went wrong.
    pub failed: usize,
    /// What was answered to the first of these.
    pub failure: Option<String>,
}

impl Seen {
    fn merge(&mut self, other: Self) {
        self.done.extend(other.done);
        self.bytes += other.bytes;
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }
}

/// Runs a load to its end.
///
/// # Errors
/// A connection that cannot be opened, or that breaks.
pub async fn run(target: &Target, load: Load) -> io::Result<Seen> {
    let request = |rows| if load.subjects > 1 { target.batch(rows, load.subjects) } else { target.request(rows) };
    let requests: Arc<[(i64, usize, Vec<u8>)]> =
        load.mixture.iter().map(|(share, rows)| (*share, *rows, request(*rows))).collect();
    let mut running = JoinSet::new();
    let begun = Instant::now();
    for number in 0..load.clients {
        running.spawn(client(target.address().to_owned(), requests.clone(), load, number, begun));
    }
    let mut seen = Seen::default();
    while let Some(ended) = running.join_next().await {
        seen.merge(ended.map_err(io::Error::other)??);
    }
    Ok(seen)
}

async fn client(
    address: String,
    requests: Arc<[(i64, usize, Vec<u8>)]>,
    load: Load,
    number: u32,
    begun: Instant,
) -> io::Result<Seen> {
    let mut connection = Connection::open(&address, load.subjects > 1).await?;
    let mut rng = Rng::new(u64::from(number), "queries");
    let mut seen = Seen::default();
    let mut turn = 0u32;
    loop {
        let planned = load.rate.map(|rate| {
            let place = f64::from(turn) * f64::from(load.clients) + f64::from(number);
            begun + Duration::from_secs_f64(place / f64::from(rate.max(1)))
        });
        let from = planned.unwrap_or_else(Instant::now);
        if from >= begun + load.time {
            return Ok(seen);
        }
        tokio::time::sleep_until(from.into()).await;
        let Some((rows, request)) = pick(&requests, rng.between(1, 1_000)) else { return Ok(seen) };
        let answer = connection.send(request).await?;
        let is_complete = if load.subjects > 1 {
            answer.answered == load.subjects
        } else {
            answer.bytes >= rows * ROW_BYTES / 2 && is_whole(rows, &answer.end)
        };
        if answer.status == 200 && is_complete {
            seen.done.push(from.elapsed());
            seen.bytes += answer.bytes;
        } else {
            seen.failed += 1;
            let text = || format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.end));
            seen.failure.get_or_insert_with(text);
        }
        turn += 1;
    }
}

fn pick(requests: &[(i64, usize, Vec<u8>)], thrown: i64) -> Option<(usize, &[u8])> {
    let mut upto = 0;
    let found = requests.iter().find(|(share, ..)| {
        upto += share;
        thrown <= upto
    });
    found.map(|(_, rows, request)| (*rows, request.as_slice()))
}

/// Lines of JSON that were cut off lack their last line.
fn is_whole(rows: usize, end: &[u8]) -> bool {
    rows <= PAGE_ROWS || end.ends_with(b"}\n") || end.ends_with(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_is_picked_by_its_shares() {
        assert_eq!(MIXED.iter().map(|(share, _)| share).sum::<i64>(), 1_000);
        let requests: Vec<_> = MIXED.iter().map(|(share, rows)| (*share, *rows, vec![])).collect();
        let rows = |thrown| pick(&requests, thrown).unwrap().0;
        assert_eq!([1, 300, 301, 900, 990, 991, 999, 1_000].map(rows), [2, 2, 10, 10, 100, 2_000, 2_000, 10_000]);
    }

    #[test]
    fn more_than_a_page_is_asked_for_in_lines() {
        let target = Target::Node { address: "h:1".into(), token: "t".into(), entry: "tax/x".into() };
        let text = |rows| String::from_utf8(target.request(rows)).unwrap();
        let batch = String::from_utf8(target.batch(1, 3)).unwrap();
        assert!(batch.starts_with("POST /api/v1/query/tax/x/batch ") && batch.matches(SUBJECT).count() == 3, "{batch}");
        assert!(text(1_000).contains("accept: application/json\r\n") && text(1_001).contains("x-ndjson"));
        assert!(is_whole(2_000, b"{\"end\":{}}\n") && !is_whole(2_000, b"{\"row\":{\"na") && is_whole(1, b"x"));
    }
}
