//! A service's URL with places for parameters: a value, whatever it holds, never leaves its place.

use serde::Deserialize;
use serde_json::{Map, Value};

use reqwest::Url;

use crate::ids::ItemName;

use super::ConnectorError;
use super::sql::shown;

const BYTES_MAX: usize = 2_048;

/// The URL, with `{parameter}` in its path or query.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlTemplate {
    parts: Vec<(String, Option<ItemName>)>,
    /// The URL with a harmless value in each place, to compare with.
    sample: Url,
}

impl TryFrom<String> for UrlTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let rest = rest.filter(|_| text.len() <= BYTES_MAX).ok_or("url must begin with http:// or https://")?;
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        if host.contains('@') {
            return Err("url must hold neither name nor password: secrets go into headers".into());
        }
        if host.contains('{') || text.contains('#') {
            return Err("url may have parameters in its path or the query, and no fragment".into());
        }
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, left) = after.split_once('}').ok_or("a `{` in url has no end")?;
            let name: ItemName = name.parse().map_err(|_| format!("`{{{name}}}` in url names no parameter"))?;
            parts.push((before.to_owned(), Some(name)));
            rest = left;
        }
        parts.push((rest.to_owned(), None));
        let sample: String =
            parts.iter().map(|(text, name)| format!("{text}{}", name.as_ref().map_or("", |_| "x"))).collect();
        let sample = Url::parse(&sample).map_err(|why| format!("url: {why}"))?;
        Ok(Self { parts, sample })
    }
}

impl UrlTemplate {
    /// Whether a parameter has a place in it.
    pub(super) fn takes(&self, param: &str) -> bool {
        self.parts.iter().any(|(_, name)| name.as_ref().is_some_and(|name| name.as_str() == param))
    }

    /// Whether the service is asked over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.sample.scheme() == "https"
    }

    /// The URL of one question.
    ///
    /// # Errors
    /// [`ConnectorError::Parameter`] for a value that is missing or has no sound form in its place.
    pub(super) fn fill(&self, params: &Map<String, Value>) -> Result<Url, ConnectorError> {
        let mut text = String::new();
        for (literal, name) in &self.parts {
            text.push_str(literal);
            if let Some(name) = name {
                let wrong = || ConnectorError::Parameter(shown(name.as_str()));
                let value = params.get(name.as_str()).and_then(plain).filter(|value| !value.is_empty());
                encode(&value.ok_or_else(wrong)?, &mut text);
            }
        }
        let url = Url::parse(&text).ok().filter(|url| self.has_shape_of(url));
        // Only `.` and `..` can change the path's shape: parsing takes them for steps.
        let placed = self.parts.iter().find_map(|(_, name)| name.as_ref());
        url.ok_or_else(|| ConnectorError::Parameter(placed.map_or_else(String::new, |name| shown(name.as_str()))))
    }

    fn has_shape_of(&self, url: &Url) -> bool {
        let segments = |url: &Url| url.path_segments().map_or(0, Iterator::count);
        url.origin() == self.sample.origin()
            && segments(url) == segments(&self.sample)
            && url.query_pairs().count() == self.sample.query_pairs().count()
            && url.fragment().is_none()
            && url.username().is_empty()
    }
}

/// A value as a text, if it is a single one.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// RFC 3986: everything but the unreserved characters is written as `%XX`.
fn encode(value: &str, to: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(template: &str, value: Value) -> Result<String, ConnectorError> {
        let template = UrlTemplate::try_from(template.to_owned()).unwrap();
        template.fill(json!({"id": value}).as_object().unwrap()).map(String::from)
    }

    #[test]
    fn a_value_stays_in_its_place() {
        let path = "http://localhost:1/people/{id}/card?full=1";
        for (value, placed) in [
            (json!("a/../b"), "a%2F..%2Fb"),
            (json!("x?full=0&y=1#z"), "x%3Ffull%3D0%26y%3D1%23z"),
            (json!("%2e%2e"), "%252e%252e"),
            (json!("王@evil.example"), "%E7%8E%8B%40evil.example"),
            (json!("a\r\nHost: x"), "a%0D%0AHost%3A%20x"),
            (json!("a\\b;c+d"), "a%5Cb%3Bc%2Bd"),
            (json!(17), "17"),
            (json!("..."), "..."),
        ] {
            assert_eq!(fill(path, value).unwrap(), format!("http://localhost:1/people/{placed}/card?full=1"));
        }
        for value in [json!(".."), json!("."), json!(""), json!(null), json!(["a"]), json!({"a": 1})] {
            assert_eq!(fill(path, value.clone()), Err(ConnectorError::Parameter("id".into())), "{value}");
        }
        assert_eq!(fill("http://localhost/?q={id}", json!("a&b=..")).unwrap(), "http://localhost/?q=a%26b%3D..");
        let half = fill("http://localhost/a/.{id}/b", json!("."));
        assert_eq!(
            half,
            Err(ConnectorError::Parameter("id".into())),
            "the template's own dot and the value's are a step"
        );
    }
}
