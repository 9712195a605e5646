//! Numbers for operators in the Prometheus text format.

mod node;
mod page;
mod process;

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::service::Node;

pub use page::TextPage;

/// Media type of the text format.
pub const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 10.0];

/// What the web counts itself. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl Metrics {
    /// Fresh counters.
    ///
    /// # Errors
    /// Prometheus' own, when a name is not one; none is expected.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("mulu_http_requests_total", "HTTP requests by method, route and status"),
            &["method", "route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new("mulu_http_request_duration_seconds", "Duration of HTTP requests by method and route")
                .buckets(BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        Ok(Self { shared: Arc::new(Shared { registry, requests, durations }) })
    }

    /// Counts a request. The route is the pattern, never the path: their number must stay small.
    pub fn http(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = match method {
            "GET" | "HEAD" | "POST" | "DELETE" | "PUT" | "OPTIONS" | "PATCH" => method,
            _ => "other",
        };
        self.shared.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.shared.durations.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Everything, as text.
    pub fn text(&self, node: &Node) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.shared.registry.gather(), &mut bytes) {
            tracing::error!(%error, "the counters cannot be written");
        }
        let mut text = String::from_utf8(bytes).unwrap_or_default();
        node::write(&mut text, node);
        process::write(&mut text);
        text
    }
}

/// One number with its help, `# TYPE` and labels.
fn sample(text: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    samples(text, name, kind, help, [(String::new(), value)]);
}

/// A family of numbers; the labels are written already, such as `{decision="allowed"}`.
pub fn samples<V: std::fmt::Display>(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    values: impl IntoIterator<Item = (String, V)>,
) {
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    for (labels, value) in values {
        text.push_str(&format!("{name}{labels} {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route() {
        let metrics = Metrics::new().unwrap();
        metrics.http("GET", "/api/v1/grants/{id}", 200, Duration::from_millis(3));
        metrics.http("GET", "/api/v1/grants/{id}", 200, Duration::from_millis(30));
        metrics.http("BREW", "unmatched", 405, Duration::from_millis(1));
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&metrics.shared.registry.gather(), &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(r#"mulu_http_requests_total{method="GET",route="/api/v1/grants/{id}",status="200"} 2"#));
        assert!(text.contains(r#"method="other",route="unmatched",status="405""#));
        assert!(text.contains(
            r#"mulu_http_request_duration_seconds_bucket{method="GET",route="/api/v1/grants/{id}",le="0.005"} 1"#
        ));
    }

    #[test]
    fn a_sample_is_whole() {
        let mut text = String::new();
        sample(&mut text, "mulu_ledger_size", "gauge", "Transactions applied", 7);
        assert_eq!(
            text,
            "# HELP mulu_ledger_size Transactions applied\n# TYPE mulu_ledger_size gauge\nmulu_ledger_size 7\n"
        );
    }
}
