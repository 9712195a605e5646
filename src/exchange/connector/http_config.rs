//! How a department's JSON service is asked, as `connector.toml` says it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::ids::ItemName;

use super::http_template::UrlTemplate;
use super::secret::SecretPlace;

const BYTES_MAX: usize = 8 * 1024 * 1024;
const HEADERS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 128;
/// Headers that the client writes itself.
const OWN_HEADERS: &[&str] =
    &["host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "te", "upgrade"];

/// A service that answers with JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// How it is asked.
    #[serde(default)]
    pub method: Method,
    /// Where, with `{parameter}` in path or query. Other parameters go into the query, or into the body of a POST, by
    /// the names in `params`.
    pub url: UrlTemplate,
    /// Headers, each with the place where its secret is kept.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretPlace>,
    /// Certificates of the authorities to believe, PEM, relative to the data folder; the machine's own if left out.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// JSON pointer to the rows in the answer: a list, or the one row; the whole answer if left out.
    #[serde(default)]
    pub rows: String,
    /// Whether the status 404 says that there are no rows.
    #[serde(default)]
    pub empty_on_404: bool,
    /// Whether a POST changes nothing at the service, so that it may be repeated as a GET may.
    #[serde(default)]
    pub repeatable: bool,
    /// Bytes of an answer, at most.
    #[serde(default = "default_bytes")]
    pub bytes_max: usize,
    /// How the service gives its next page; without it, all rows must fit into one.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// HTTP method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the URL.
    #[default]
    Get,
    /// Parameters in a JSON body.
    Post,
}

/// How a service gives its next page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// What names a page.
    pub by: PagedBy,
    /// Name of the parameter that names the page.
    pub param: String,
    /// Name of the parameter that says how many rows a page has: `row_max` of them.
    #[serde(default)]
    pub size_param: Option<String>,
    /// For pages named by a cursor: JSON pointer to the next one; null or nothing there ends the rows.
    #[serde(default)]
    pub next: String,
    /// Number of the first page.
    #[serde(default = "default_first")]
    pub first: u64,
}

/// What names a page. By offset or number, a page with fewer rows than `row_max` is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PagedBy {
    /// The number of rows before it.
    Offset,
    /// Its number.
    Page,
    /// What the answer before it said.
    Cursor,
}

fn default_bytes() -> usize {
    4 * 1024 * 1024
}

fn default_first() -> u64 {
    1
}

impl HttpConfig {
    pub(super) fn check(
        &self,
        items: &BTreeMap<ItemName, String>,
        params: &BTreeMap<ItemName, String>,
    ) -> Result<(), String> {
        if !is_pointer(&self.rows) {
            return Err("rows is not a JSON pointer: it begins with `/`, or is empty".into());
        }
        if let Some((item, at)) = items.iter().find(|(_, at)| at.is_empty() || at.len() > NAME_BYTES_MAX) {
            return Err(format!("items/{item}: `{at}` is neither a name nor a JSON pointer"));
        }
        let paging = self.paging.iter().flat_map(|paging| [Some(&paging.param), paging.size_param.as_ref()]).flatten();
        let mut names: Vec<&String> = params.values().chain(paging).collect();
        names.sort();
        if names.iter().any(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
            return Err(format!("names of parameters have 1 to {NAME_BYTES_MAX} characters"));
        }
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("two parameters have the same name at the service".into());
        }
        if let Some(param) = params.keys().find(|param| self.url.takes(param.as_str())) {
            return Err(format!("params/{param}: it stands in url already"));
        }
        if self.headers.len() > HEADERS_MAX {
            return Err(format!("at most {HEADERS_MAX} headers"));
        }
        for (name, place) in &self.headers {
            let is_own = OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
            if is_own || reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(format!("headers/{name} is not a header that can be set here"));
            }
            place.check(&format!("headers/{name}"))?;
        }
        if !(1..=BYTES_MAX).contains(&self.bytes_max) {
            return Err(format!("bytes_max must be 1 to {BYTES_MAX}"));
        }
        match &self.paging {
            Some(paging) if paging.by == PagedBy::Cursor && (paging.next.is_empty() || !is_pointer(&paging.next)) => {
                Err("paging by cursor needs `next`, a JSON pointer".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a question that failed on its way may be asked again.
    pub(super) fn may_repeat(&self) -> bool {
        self.method == Method::Get || self.repeatable
    }
}

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}
