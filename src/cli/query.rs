//! `mulu query`: asks another department for data, as a departmental system does, through the own department's node.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};

use crate::clock::{Clock as _, SystemClock};
use crate::crypto::tls::install_provider;
use crate::ids::{EntryName, ItemName, TxId};

use super::error::CliError;

/// Longer than the node itself waits for a provider.
const PATIENCE: Duration = Duration::from_secs(30);
const PARAMS_BYTES_MAX: u64 = 64 * 1024;
const TOKEN_BYTES_MAX: u64 = 4 * 1024;

/// Ask another department for data.
#[derive(Args)]
#[command(after_help = "\
Rows go to standard output, one JSON document a line; what was recorded of the call goes to standard error. A refusal
says why and what to do, and ends with exit code 1.

  mulu query public-security/household-registration --node http://127.0.0.1:8401 --token-file token \\
      --purpose marriage-registration --cause \"marriage of two applicants\" --param id_number=34052419800101001X

The same with --explain says how the rules would decide, and asks nobody for data.")]
pub struct Query {
    /// The entry, `provider/name`
    entry: EntryName,
    /// The own department's node, such as `http://127.0.0.1:8401`; MULU_NODE when left out
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// File with the system's token; MULU_TOKEN_FILE when left out
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Purpose code, the same as the grant's
    #[arg(long, value_name = "CODE")]
    purpose: String,
    /// Why this call is made, for the record
    #[arg(long, value_name = "TEXT")]
    cause: String,
    /// The case for which it is made
    #[arg(long, value_name = "ID")]
    case: Option<String>,
    /// A parameter of the entry; several may be given. Their values are texts
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    params: Vec<(ItemName, String)>,
    /// File with all parameters as a JSON object; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "params")]
    params_file: Option<PathBuf>,
    /// An item wanted; all that the grant gives when none is named
    #[arg(long = "item", value_name = "NAME")]
    items: Vec<ItemName>,
    /// Pages to fetch, each a call of its own on the record; the first one tells when there are more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages: u32,
    /// Say how the rules would decide, without making the call
    #[arg(long)]
    explain: bool,
    /// Print whole answers, with promise and record, instead of rows
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(ItemName, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.parse::<ItemName>().map_err(|e| e.to_string())?, value.to_owned()))
}

impl Query {
    pub(super) fn run(self) -> Result<(), CliError> {
        let node = Node::of(self.node.as_deref(), self.token_file.as_deref())?;
        let mut call = self.call()?;
        if self.explain {
            call.insert("entry".into(), json!(self.entry));
            return self.explained(&node.post("/decisions/explain", &Value::Object(call))?);
        }
        let path = format!("/query/{}", self.entry);
        for page in 1..=self.pages {
            let answer = node.post(&path, &Value::Object(call.clone()))?;
            self.print(&answer)?;
            let Some(cursor) = answer.get("next_cursor").filter(|cursor| cursor.is_string()) else { break };
            if page == self.pages {
                eprintln!("there are more rows: --pages {} fetches the next page too", page.saturating_add(1));
            }
            call.insert("cursor".into(), cursor.clone());
        }
        Ok(())
    }

    fn call(&self) -> Result<Map<String, Value>, CliError> {
        let params = match &self.params_file {
            None => self.params.iter().map(|(name, value)| (name.to_string(), json!(value))).collect(),
            Some(file) => {
                let text = if file == Path::new("-") {
                    read(std::io::stdin(), PARAMS_BYTES_MAX).map_err(CliError::failed)?
                } else {
                    from_file(file, PARAMS_BYTES_MAX)?
                };
                serde_json::from_str::<Map<String, Value>>(&text)
                    .map_err(|e| CliError::usage(format_args!("{}: not a JSON object: {e}", file.display())))?
            }
        };
        let mut call = Map::new();
        call.insert("purpose".into(), json!(self.purpose));
        call.insert("cause".into(), json!(self.cause));
        call.insert("case_id".into(), json!(self.case));
        call.insert("params".into(), Value::Object(params));
        call.insert("items".into(), json!(self.items));
        Ok(call)
    }

    fn print(&self, answer: &Value) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        let rows = answer.get("rows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let written =
            if self.json { writeln!(out, "{answer}") } else { rows.iter().try_for_each(|row| writeln!(out, "{row}")) };
        written.map_err(CliError::failed)?;
        let of = |key| answer.get(key).and_then(Value::as_str).unwrap_or("none");
        eprintln!("{} rows; access {}, grant {}, rule {}", rows.len(), of("access_id"), of("grant_id"), of("rule"));
        Ok(())
    }

    fn explained(&self, answer: &Value) -> Result<(), CliError> {
        if self.json {
            println!("{answer}");
        }
        let of = |key| answer.get(key).and_then(Value::as_str).unwrap_or("none");
        let (rule, grant) = (of("rule"), of("grant_id"));
        if answer.get("allowed") == Some(&json!(true)) {
            eprintln!("allowed by the rule {rule}, grant {grant}");
            return Ok(());
        }
        let reasons = answer.get("reasons").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut why: Vec<String> = reasons.iter().map(reason).collect();
        let list = |key| answer.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        why.extend(list("needs").iter().map(need));
        why.extend(list("items").iter().filter(|item| item.get("standing") != Some(&json!("granted"))).map(item));
        Err(CliError::failed(format_args!("refused by the rule {rule}, grant {grant}\n{}", why.join("\n"))))
    }
}

fn reason(reason: &Value) -> String {
    let of = |key| reason.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("  {}: {}", of("code"), of("message"))
}

fn need(need: &Value) -> String {
    let of = |key| need.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("  {} is {}, and would have to be {}", of("attribute"), of("is"), of("needs"))
}

fn item(item: &Value) -> String {
    let of = |key| item.get(key).and_then(Value::as_str).unwrap_or_default();
    let standing = match of("standing") {
        "ended" => "its term is over",
        "left_out" => "it was asked for and not granted",
        _ => "it was never asked for",
    };
    format!("  item {}: {standing}", of("name"))
}

/// The own department's node, as a system calls it.
struct Node {
    api: String,
    token: String,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    fn of(url: Option<&str>, token_file: Option<&Path>) -> Result<Self, CliError> {
        let url = match url {
            Some(url) => url.to_owned(),
            None => {
                std::env::var("MULU_NODE").map_err(|_| CliError::usage("name the node with --node or MULU_NODE"))?
            }
        };
        let file = match token_file {
            Some(file) => file.to_owned(),
            None => std::env::var_os("MULU_TOKEN_FILE")
                .map(PathBuf::from)
                .ok_or_else(|| CliError::usage("name the token's file with --token-file or MULU_TOKEN_FILE"))?,
        };
        let token = from_file(&file, TOKEN_BYTES_MAX)?.trim().to_owned();
        install_provider();
        let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let client = builder.build().map_err(|e| CliError::failed(format_args!("setting up HTTP: {e}")))?;
        Ok(Self { api: format!("{}/api/v1", url.trim_end_matches('/')), token, client, runtime: super::runtime()? })
    }

    /// One call, made once: whether it is repeated is for the caller to decide, who pays for it with the quota.
    fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        let request = self.client.request(Method::POST, format!("{}{path}", self.api)).bearer_auth(&self.token);
        let request = request.header("idempotency-key", TxId::new(SystemClock.now()).to_string()).json(body);
        self.runtime.block_on(async {
            let response = request.send().await.map_err(|e| CliError::failed(format_args!("{}: {e}", self.api)))?;
            let (status, retry) = (response.status(), response.headers().get("retry-after").cloned());
            let answer: Value =
                response.json().await.map_err(|e| CliError::failed(format_args!("{status}: no JSON: {e}")))?;
            if status.is_success() {
                return Ok(answer);
            }
            let of = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default();
            let mut lines = vec![format!("{} {}: {}", status.as_u16(), of("code"), of("detail"))];
            lines.extend(answer.get("reasons").and_then(Value::as_array).into_iter().flatten().map(reason));
            for fault in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
                let of = |key| fault.get(key).and_then(Value::as_str).unwrap_or_default();
                lines.push(format!("  {}: {}", of("pointer"), of("message")));
            }
            if let Some(seconds) = retry.as_ref().and_then(|value| value.to_str().ok()) {
                lines.push(format!("  try again in {seconds} s"));
            }
            if answer.get("access_id").is_some_and(Value::is_string) {
                lines.push(format!("  on the record as access {}", of("access_id")));
            }
            Err(CliError::failed(lines.join("\n")))
        })
    }
}

fn from_file(path: &Path, bytes_max: u64) -> Result<String, CliError> {
    let file = std::fs::File::open(path).map_err(|e| CliError::io(path, &e))?;
    read(file, bytes_max).map_err(|e| CliError::failed(format_args!("{}: {e}", path.display())))
}

fn read(from: impl std::io::Read, bytes_max: u64) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = from.take(bytes_max + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > bytes_max {
        return Err(std::io::Error::other(format!("longer than {bytes_max} bytes")));
    }
    Ok(text)
}
