//! `mulu backup`: takes a backup of a running node.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Response;
use tokio::io::AsyncWriteExt as _;

use crate::crypto::tls::install_provider;
use crate::service::config::NodeConfig;
use crate::service::copy::archive::Manifest;
use crate::service::copy::restore;
use crate::storage::whole_file;

use super::error::CliError;
use super::health::reachable;
use super::runtime;

/// A node that sends nothing for so long is not going to.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Longest password or refusal read here, in bytes.
const INPUT_BYTES_MAX: u64 = 64 * 1024;

/// Everything that a node has, as one file: its ledger, what is local to it, its keys (encrypted as they lie in its folder)
/// and its configuration. Not in it: `secret/`, the databases and folders that `node.toml` names besides, and the read
/// model, which the ledger fills again. The node goes on serving. The file is read back before it gets its name.
#[derive(Args)]
pub struct Backup {
    /// The node's `node.toml`: asks where its portal listens
    #[arg(long, value_name = "FILE", required_unless_present = "node")]
    config: Option<PathBuf>,
    /// The node's portal, such as `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    node: Option<String>,
    /// An administrator's account; its password is read from standard input
    #[arg(long)]
    user: String,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), CliError> {
        let url = match (&self.node, &self.config) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(file)) => format!("http://{}", reachable(NodeConfig::load(file)?.web.listen)),
            (None, None) => return Err(CliError::usage("name the node with --config or --node")),
        };
        if self.out.exists() {
            return Err(CliError::usage(format_args!("{} is there already: choose another name", self.out.display())));
        }
        let mut password = String::new();
        std::io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut password).map_err(CliError::failed)?;
        let part = Part::beside(&self.out);
        runtime()?.block_on(async {
            let answer = ask(&url, &self.user, password.trim_end()).await?;
            fetch(answer, &part.0).await
        })?;
        let manifest = restore::check_files(&part.0)?;
        whole_file::rename(&part.0, &self.out)?;
        report(&manifest, &self.out);
        Ok(())
    }
}

/// A file that is removed unless it was given its name.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        Self(path.with_file_name(name))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It has its name, or is worth nothing.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn ask(url: &str, user: &str, password: &str) -> Result<Response, CliError> {
    install_provider();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(std::iter::empty())
        .connect_timeout(CONNECT_PATIENCE)
        .read_timeout(SILENCE_MAX);
    let client = client.build().map_err(|e| CliError::failed(format_args!("setting up HTTP: {e}")))?;
    let asked = client.get(format!("{url}/api/v1/backup")).basic_auth(user, Some(password)).send().await;
    let answer = asked.map_err(|e| CliError::failed(format_args!("{url}: no answer: {e}")))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let problem: serde_json::Value = answer.json().await.unwrap_or_default();
    let text = |key: &str| problem.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Err(CliError::failed(format_args!("{url}: {status} {}: {}", text("code"), text("detail"))))
}

async fn fetch(mut answer: Response, path: &Path) -> Result<(), CliError> {
    let io = |cause: std::io::Error| CliError::io(path, &cause);
    // It holds keys: nobody else may read it.
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
    let mut file = tokio::io::BufWriter::with_capacity(1024 * 1024, tokio::fs::File::from_std(file));
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} received, {bytes_per_sec}") {
        bar.set_style(style);
    }
    while let Some(chunk) =
        answer.chunk().await.map_err(|e| CliError::failed(format_args!("the node broke off: {e}; its log says why")))?
    {
        file.write_all(&chunk).await.map_err(io)?;
        bar.inc(u64::try_from(chunk.len()).unwrap_or_default());
    }
    file.flush().await.map_err(io)?;
    file.get_ref().sync_all().await.map_err(io)?;
    bar.finish_and_clear();
    Ok(())
}

fn report(manifest: &Manifest, out: &Path) {
    println!("backup      {}", out.display());
    println!("of          {}, node {} of {}", manifest.department, manifest.number, manifest.chain);
    println!("begun       {}", manifest.time);
    println!("ledger      {} transactions in {} entries", manifest.ledger.size, manifest.ledger.entries);
    if !manifest.keys_encrypted {
        eprintln!(
            "warning: the private keys in it are NOT encrypted, because the node's are not: keep it as safe as them"
        );
    }
    println!("not in it   what opens the keys (secret/), the departments' folder, the provider's databases");
}
