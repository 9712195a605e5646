//! A department's JSON service: asked with its secrets, within its time, and never believed beyond its bounds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Map, Value};

use crate::crypto::tls::install_provider;

use super::http_config::{HttpConfig, Method};
use super::http_rows::{Asked, page};
use super::http_template::plain;
use super::page::Page;
use super::sql::shown;
use super::{ConnectorConfig, ConnectorError};

/// Wait before a question that failed on its way is asked once more.
const PAUSE: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// One service.
pub(super) struct Service {
    config: Arc<ConnectorConfig>,
    source: HttpConfig,
    base: PathBuf,
    client: Mutex<Option<Client>>,
}

/// One question, ready to be sent.
struct Question {
    url: Url,
    body: Option<Value>,
    headers: HeaderMap,
}

impl Service {
    /// A service that is asked when somebody asks.
    pub(super) fn new(config: Arc<ConnectorConfig>, source: HttpConfig, base: PathBuf) -> Self {
        Self { config, source, base, client: Mutex::new(None) }
    }

    /// Asks for one page. Dropping it ends the question.
    pub(super) async fn ask(
        self: &Arc<Self>,
        params: &Map<String, Value>,
        cursor: Option<&str>,
    ) -> Result<Page, ConnectorError> {
        let asked = Asked::new(self.source.paging.as_ref(), self.config.row_max, cursor)?;
        let (url, body) = self.place(params, &asked)?;
        let (client, headers) = self.prepared().await?;
        let question = Question { url, body, headers };
        let mut answer = self.send(&client, &question).await;
        if self.source.may_repeat() && matches!(answer, Err(ConnectorError::Unreachable(_))) {
            tokio::time::sleep(PAUSE).await;
            answer = self.send(&client, &question).await;
        }
        match answer? {
            Some(bytes) => page(&self.config, &self.source, &asked, &bytes),
            None => Ok(Page::default()),
        }
    }

    /// The client, and the headers with the secrets as they are now: files are read off the async workers.
    async fn prepared(self: &Arc<Self>) -> Result<(Client, HeaderMap), ConnectorError> {
        let known = self.client.lock().clone();
        if let (Some(client), true) = (known, self.source.headers.is_empty()) {
            return Ok((client, self.headers()?));
        }
        let service = self.clone();
        let prepared = tokio::task::spawn_blocking(move || Ok((service.client()?, service.headers()?)));
        prepared.await.map_err(|_| ConnectorError::Unreachable("interrupted".into()))?
    }

    /// Puts each parameter into its place.
    fn place(&self, params: &Map<String, Value>, asked: &Asked<'_>) -> Result<(Url, Option<Value>), ConnectorError> {
        let mut url = self.source.url.fill(params)?;
        let mut fields = Map::new();
        for (name, value) in params.iter().filter(|(name, _)| !self.source.url.takes(name)) {
            let named = name.parse().ok().and_then(|name| self.config.params.get(&name));
            let named = named.ok_or_else(|| ConnectorError::UnknownParameter(shown(name)))?;
            plain(value).ok_or_else(|| ConnectorError::Parameter(shown(name)))?;
            fields.insert(named.clone(), value.clone());
        }
        fields.extend(asked.fields());
        match self.source.method {
            Method::Post => Ok((url, Some(Value::Object(fields)))),
            Method::Get => {
                if !fields.is_empty() {
                    let pairs = fields.iter().filter_map(|(name, value)| Some((name, plain(value)?)));
                    url.query_pairs_mut().extend_pairs(pairs);
                }
                Ok((url, None))
            }
        }
    }

    /// Sends the question and reads the answer; none when the service says that there is nothing.
    async fn send(&self, client: &Client, question: &Question) -> Result<Option<Vec<u8>>, ConnectorError> {
        let request = match &question.body {
            None => client.get(question.url.clone()),
            Some(body) => client.post(question.url.clone()).json(body),
        };
        let sent = request.headers(question.headers.clone()).send().await;
        let response = sent.map_err(|cause| self.failed(cause))?;
        let status = response.status();
        let broken = || ConnectorError::Broken(format!("the service answered with status {}", status.as_u16()));
        match status {
            _ if status.is_success() => self.read(response).await.map(Some),
            StatusCode::NOT_FOUND if self.source.empty_on_404 => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => Err(ConnectorError::Overloaded),
            _ if status.is_server_error() => {
                Err(ConnectorError::Unreachable(format!("the service answered with status {}", status.as_u16())))
            }
            // A redirect is not followed: it could lead secrets and parameters anywhere.
            _ => Err(broken()),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ConnectorError> {
        let too_long = || ConnectorError::Broken(format!("the answer is longer than {} bytes", self.source.bytes_max));
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut bytes = Vec::with_capacity(length.unwrap_or_default().min(self.source.bytes_max));
        while let Some(chunk) = response.chunk().await.map_err(|cause| self.failed(cause))? {
            if bytes.len() + chunk.len() > self.source.bytes_max {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn failed(&self, cause: reqwest::Error) -> ConnectorError {
        // The URL holds parameters, and those are personal.
        tracing::warn!(entry = %self.config.entry, cause = ?cause.without_url(), "the department's service did not answer");
        ConnectorError::Unreachable("its service does not answer".into())
    }

    fn headers(&self) -> Result<HeaderMap, ConnectorError> {
        let unfit = || ConnectorError::Broken("a secret holds what no header may hold".into());
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        for (name, place) in &self.source.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            let mut value = HeaderValue::from_str(&place.read(&self.base)?).map_err(|_| unfit())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn client(&self) -> Result<Client, ConnectorError> {
        let mut held = self.client.lock();
        if let Some(client) = &*held {
            return Ok(client.clone());
        }
        let unusable = |what: &str| ConnectorError::Broken(format!("{what} cannot be used"));
        install_provider();
        let mut client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(self.config.timeout_ms));
        match &self.source.ca {
            Some(path) => {
                let pem = std::fs::read(self.base.join(path)).map_err(|_| unusable("the file `ca`"))?;
                let known = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| unusable("the file `ca`"))?;
                client = client.tls_certs_only(known);
            }
            None if !self.source.url.is_https() => client = client.tls_certs_only(std::iter::empty()),
            None => {}
        }
        let client = client.build().map_err(|_| unusable("TLS"))?;
        *held = Some(client.clone());
        Ok(client)
    }
}
