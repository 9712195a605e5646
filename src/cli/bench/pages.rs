//! Times the portal's pages on a node with a large catalog: real nodes, spoken to over HTTP as a clerk's browser does.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::runtime;
use crate::clock::{Clock as _, SystemClock};
use crate::crypto::tls::install_provider;
use crate::domain::catalog::Entry;
use crate::domain::command::{Command, EntryPublication, Payload};
use crate::domain::department_files::department::Part;
use crate::domain::{Actor, Role, Text};
use crate::ids::TxId;
use crate::ledger::transaction::Transaction;
use crate::service::departments::load as folders;

use super::city::{BenchCity, Member};
use super::ledger::http::Connection;
use super::search::{milliseconds, worded};
use super::setting::{Setting, members};

/// Entries handed in at once: what fits into one request.
const BATCH: u64 = 100;
/// Whoever is not up to date after this has stopped.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Starts a city of three nodes in a folder of their own, publishes a large catalog through the ledger, and asks for the
/// portal's main pages, one at a time, as a clerk, a reviewer and an auditor.
#[derive(Args)]
pub struct Pages {
    /// Entries of the catalog
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=900_000))]
    entries: u64,
    /// Times that each page is asked for
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    times: u64,
    #[command(flatten)]
    setting: Setting,
}

impl Pages {
    pub(super) fn run(self) -> Result<(), CliError> {
        install_provider();
        let (folder, departments) = self.setting.folders()?;
        let lines = runtime()?.block_on(async {
            let city = self.start(&folder.0.join("city"), &departments).await?;
            let measured = self.measure(&city, &departments).await;
            // Whatever happened, no process stays behind.
            city.stop().await;
            measured
        })?;
        let told = |line: &Value| {
            let page = line["page"].as_str().unwrap_or_default();
            format!("\n{page:<40} p50 {} ms, p95 {} ms, max {} ms", line["p50_ms"], line["p95_ms"], line["max_ms"])
        };
        let report: String = lines.iter().map(told).collect();
        let report = format!("{} entries, each page {} times{report}", self.entries, self.times);
        self.setting.tell(report, json!({"entries": self.entries, "times": self.times, "pages": lines}));
        Ok(())
    }

    async fn start(&self, dir: &Path, departments: &Path) -> Result<BenchCity, CliError> {
        let shape = self.setting.shape(members(departments, 1)?, 3);
        BenchCity::start(dir, departments, &shape, None).await
    }

    async fn measure(&self, city: &BenchCity, departments: &Path) -> Result<Vec<Value>, CliError> {
        let folders = folders(departments)?.departments;
        let find = |member: &&Member| {
            folders.iter().any(|one| one.file.id == member.entrance.department && one.file.part == Part::Member)
        };
        let provider =
            city.members.iter().find(find).ok_or_else(|| CliError::failed("no department provides anything"))?;
        let model = folders.iter().find(|one| one.file.id == provider.entrance.department);
        let model =
            model.and_then(|folder| folder.entries.first()).ok_or_else(|| CliError::failed("nothing to copy"))?;
        let mut connection = Connection::open(&provider.entrance.address).await.map_err(CliError::failed)?;
        let mut made = 0;
        while made < self.entries {
            let until = (made + BATCH).min(self.entries);
            fill(&mut connection, &city.chain, provider, model, made..until).await?;
            made = until;
        }
        let deadline = Instant::now() + PATIENCE;
        while city.lag(true).await? > 0 && Instant::now() < deadline {}
        let entry = format!("/catalog/{}", named(model, self.entries / 2)?.name);
        let mut lines = Vec::new();
        for (role, path) in [
            (Role::Clerk, "/"),
            (Role::Clerk, "/catalog"),
            (Role::Clerk, "/catalog?q=%E5%A9%9A%E5%A7%BB"),
            (Role::Clerk, "/catalog?q=%E4%BF%A1%E6%81%AF&sharing=conditional"),
            (Role::Clerk, "/catalog/classes"),
            (Role::Clerk, entry.as_str()),
            (Role::Clerk, "/grants"),
            (Role::Clerk, "/drafts"),
            (Role::Clerk, "/ledger"),
            (Role::Auditor, "/audit"),
            (Role::Auditor, "/audit/numbers"),
        ] {
            lines.push(self.time(city, provider, role, path).await?);
        }
        Ok(lines)
    }

    /// Signs in as somebody of a role and asks for a page again and again.
    async fn time(&self, city: &BenchCity, provider: &Member, role: Role, path: &str) -> Result<Value, CliError> {
        let has =
            |node: &&crate::cli::demo::manifest::NodeEntry| node.accounts.iter().any(|one| one.roles.contains(&role));
        let own = city.manifest.nodes.iter().find(|node| node.department == provider.entrance.department);
        let node = own.filter(has).or_else(|| city.manifest.nodes.iter().find(has));
        let node = node.ok_or_else(|| CliError::failed(format_args!("nobody is {role:?}")))?;
        let account = node.accounts.iter().find(|one| one.roles.contains(&role));
        let account = account.ok_or_else(|| CliError::failed("no account"))?;
        let address = node.url.trim_start_matches("http://");
        let mut connection = Connection::open(address).await.map_err(CliError::failed)?;
        let body = json!({"user": account.user, "password": account.password}).to_string();
        let head = format!("POST /api/v1/sessions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
        let opened = connection.send(&head, body.as_bytes()).await.map_err(CliError::failed)?;
        let opened: Value = serde_json::from_slice(opened.body).map_err(CliError::failed)?;
        let token = opened["token"].as_str().ok_or_else(|| CliError::failed(format_args!("no session: {opened}")))?;
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: mulu_session_{}={token}\r\n", node.department);
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..self.times {
            let begun = Instant::now();
            let answer = connection.send(&head, b"").await.map_err(CliError::failed)?;
            times.push(begun.elapsed());
            bytes = answer.body.len();
            if answer.status != 200 {
                return Err(CliError::failed(format_args!("{path} answers {}", answer.status)));
            }
        }
        times.sort_unstable();
        let percentile = |part: usize| milliseconds(times.get(times.len() * part / 1_000).or(times.last()).copied());
        Ok(json!({
            "page": path, "bytes": bytes, "p50_ms": percentile(500), "p95_ms": percentile(950),
            "max_ms": milliseconds(times.last().copied()),
        }))
    }
}

/// The n-th entry: the model under another name and code, worded as the n-th of the made-up catalog.
fn named(model: &Entry, n: u64) -> Result<Entry, CliError> {
    let mut entry = model.clone();
    entry.name = format!("{}/made-up-{n}", model.name.provider).parse().map_err(CliError::failed)?;
    let (prefix, _) = model.code.split_once('/').unwrap_or((&model.code, ""));
    // The model's own number and those of its neighbours are taken.
    entry.code = format!("{prefix}/{:06}", 100_000 + n);
    let (title, summary): (Text, Text) = worded(n);
    (entry.title, entry.summary, entry.parent) = (title, summary, None);
    entry.related_codes.clear();
    Ok(entry)
}

async fn fill(
    connection: &mut Connection,
    chain: &str,
    provider: &Member,
    model: &Entry,
    which: std::ops::Range<u64>,
) -> Result<(), CliError> {
    let entrance = &provider.entrance;
    let mut body = Vec::new();
    let count = which.end - which.start;
    for n in which {
        let drafted_by = Actor { user: "bench-clerk".into(), role: Role::Clerk };
        let command = Command::PublishEntry(EntryPublication { entry: named(model, n)?, drafted_by });
        let actor = Actor { user: "bench".into(), role: Role::Reviewer };
        let payload =
            Payload { id: TxId::new(SystemClock.now()), department: entrance.department.clone(), actor, command };
        let tx = Transaction::sign(chain, payload.encode().map_err(CliError::failed)?.as_bytes(), &entrance.key)?;
        body.extend_from_slice(&u32::try_from(tx.as_bytes().len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(tx.as_bytes());
    }
    let head = format!(
        "POST /api/v1/ledger/transactions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/octet-stream\r\n",
        entrance.address, entrance.token
    );
    let answer = connection.send(&head, &body).await.map_err(CliError::failed)?;
    let text = String::from_utf8_lossy(answer.body);
    let done = u64::try_from(text.matches("\"outcome\":\"done\"").count()).unwrap_or(0);
    if done < count {
        let said: String = text.chars().take(400).collect();
        return Err(CliError::failed(format_args!("{done} of {count} entries were published: {said}")));
    }
    Ok(())
}
