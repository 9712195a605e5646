//! Somebody who calls a node: a departmental system, a person, or nobody in particular.

use std::sync::LazyLock;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::answer::Answer;

/// No call may hang a story.
const TIMEOUT: Duration = Duration::from_secs(30);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads for HTTP"));
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    mulu::crypto::tls::install_provider();
    // Connections are not kept: nodes are killed and started anew under their old addresses.
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(TIMEOUT);
    client.redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client")
});

/// Somebody at a node.
#[derive(Clone)]
pub struct Caller {
    url: String,
    headers: Vec<(String, String)>,
}

impl Caller {
    /// Nobody in particular, at a node's address.
    pub fn anonymous(url: &str) -> Self {
        Self { url: url.to_owned(), headers: Vec::new() }
    }

    /// Somebody with a bearer token.
    pub fn bearer(url: &str, token: &str) -> Self {
        Self::anonymous(url).with("authorization", &format!("Bearer {token}"))
    }

    /// The same with one more header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    /// Asks; a path without a leading slash lies under `/api/v1/`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request)
    }

    /// Posts JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(body))
    }

    /// Posts whatever it is.
    #[track_caller]
    pub fn post_raw(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, path, |request| request.header("content-type", content_type).body(body.into()))
    }

    /// Sends any request; panics when no answer comes.
    #[track_caller]
    pub fn send(&self, method: Method, path: &str, fill: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Answer {
        self.try_send(method, path, fill).unwrap_or_else(|why| panic!("no answer: {why}"))
    }

    /// Sends any request; says when no answer comes.
    pub fn try_send(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, String> {
        let slash = if path.starts_with('/') { "" } else { "/api/v1/" };
        let url = format!("{}{slash}{path}", self.url);
        let what = format!("{method} {url}");
        let mut request = CLIENT.request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = fill(request);
        RUNTIME.block_on(async {
            let response = request.send().await.map_err(|error| format!("{what}: {error:?}"))?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = response.bytes().await.map_err(|error| format!("{what}: {error:?}"))?.to_vec();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let body = serde_json::from_str(&text).unwrap_or_default();
            Ok(Answer { what, status, headers, bytes, text, body })
        })
    }

    /// Asks a node that may be away.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.try_send(Method::GET, path, |request| request).ok()
    }

    /// Posts JSON to a node that may be away.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send(Method::POST, path, |request| request.json(body)).ok()
    }
}
