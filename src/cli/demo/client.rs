//! Calls a node's public API as one of its accounts.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cli::error::CliError;
use crate::clock::{Clock as _, SystemClock};
use crate::crypto::tls::install_provider;
use crate::ids::TxId;

const CALL_PATIENCE: Duration = Duration::from_secs(15);
/// How long a call is repeated while the node cannot do it.
const RETRY_PATIENCE: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// A client for the nodes on this machine: no proxy, no certificates.
///
/// # Errors
/// What the library says against it.
pub fn http() -> Result<Client, CliError> {
    // The library panics without it, whether or not TLS is spoken; every command that calls a node comes through here.
    install_provider();
    let builder = Client::builder().no_proxy().tls_certs_only(std::iter::empty()).timeout(CALL_PATIENCE);
    builder.build().map_err(|e| CliError::failed(format_args!("setting up HTTP: {e}")))
}

/// An account's session at its node.
#[derive(Clone)]
pub struct Session {
    http: Client,
    api: String,
    token: String,
}

/// A node's answer.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a 2xx answer.
    ///
    /// # Errors
    /// The problem that was answered.
    pub fn ok(self, what: &str) -> Result<Value, CliError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(CliError::failed(format_args!("{what}: {} {}", self.status, problem(&self.body))))
    }
}

/// Code, detail and faults of a problem, for people.
fn problem(body: &Value) -> String {
    let text = |key| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let errors = body.get("errors").map(|errors| format!(" {errors}")).unwrap_or_default();
    format!("{}: {}{errors}", text("code"), text("detail"))
}

impl Session {
    /// Signs in.
    ///
    /// # Errors
    /// The node's, or no answer.
    pub async fn open(http: &Client, url: &str, user: &str, password: &str) -> Result<Self, CliError> {
        let mut session = Self { http: http.clone(), api: format!("{url}/api/v1"), token: String::new() };
        let body = json!({ "user": user, "password": password });
        let opened = session.post("/sessions", &body).await?.ok(&format!("signing in as {user} at {url}"))?;
        let token = opened.get("token").and_then(Value::as_str);
        session.token = token.ok_or_else(|| CliError::failed("signing in gave no token"))?.to_owned();
        Ok(session)
    }

    /// Reads.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn get(&self, path: &str) -> Result<Answer, CliError> {
        self.call(Method::GET, path, None).await
    }

    /// Writes. What the node cannot do at the moment is asked for again, under the same key, so that it is done once.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, CliError> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, CliError> {
        let key = TxId::new(SystemClock.now()).to_string();
        let deadline = Instant::now() + RETRY_PATIENCE;
        loop {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.api));
            if !self.token.is_empty() {
                request = request.bearer_auth(&self.token);
            }
            if let Some(body) = body {
                request = request.header("idempotency-key", &key).json(body);
            }
            let why = match request.send().await {
                Ok(response) => {
                    let answer = read(response).await;
                    if !is_passing(&answer) || Instant::now() >= deadline {
                        return Ok(answer);
                    }
                    String::new()
                }
                Err(error) => error.to_string(),
            };
            if Instant::now() >= deadline {
                return Err(CliError::failed(format_args!("{}{path}: {why}", self.api)));
            }
            sleep(RETRY_PAUSE).await;
        }
    }
}

async fn read(response: Response) -> Answer {
    Answer { status: response.status().as_u16(), body: response.json().await.unwrap_or_default() }
}

/// Whether the same call may succeed in a moment.
fn is_passing(answer: &Answer) -> bool {
    let code = answer.body.get("code").and_then(Value::as_str);
    matches!(answer.status, 429 | 502..=504) || code == Some("idempotency_in_progress")
}

/// Whether a node says that it is ready.
pub async fn is_ready(http: &Client, url: &str) -> bool {
    let asked = http.get(format!("{url}/readyz")).timeout(Duration::from_secs(2)).send().await;
    asked.is_ok_and(|response| response.status().is_success())
}
