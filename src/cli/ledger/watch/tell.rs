//! How a watch tells what it sees: lines on standard output, calls to a webhook, numbers for Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::clock::Millis;
use crate::ledger::watch::{Kind, Vouched};
use crate::ledger::watcher::{Alarm, Watcher};
use crate::web::metrics::samples;

use super::look::Look;
use super::place::plain;

const CALLS_MAX: u32 = 3;
const CALL_PAUSE: Duration = Duration::from_secs(1);

/// Tells each change once.
pub struct Teller {
    json: bool,
    trusts: bool,
    standing: BTreeMap<(Kind, String), Alarm>,
}

impl Teller {
    /// Nothing told yet; JSON or text.
    pub fn new(json: bool) -> Self {
        Self { json, trusts: false, standing: BTreeMap::new() }
    }

    /// Prints what has changed since the last look, and answers the changes of alarms, for programs.
    pub fn tell(&mut self, now: Millis, look: &Look, trusted: Option<&Vouched>) -> Vec<Value> {
        let alarms = look.alarms.iter().map(|alarm| ((alarm.kind, alarm.url.clone()), alarm.clone()));
        let before = std::mem::replace(&mut self.standing, alarms.collect());
        let raised = self.standing.iter().filter(|(name, _)| !before.contains_key(*name));
        let cleared = before.iter().filter(|(name, _)| !self.standing.contains_key(*name));
        let mut changes: Vec<Value> = raised.map(|(_, alarm)| event("alarm", now, alarm)).collect();
        changes.extend(cleared.map(|(_, alarm)| event("cleared", now, alarm)));
        changes.iter().for_each(|change| self.line(change));
        if let Some(trusted) = trusted.filter(|_| !self.trusts || !changes.is_empty()) {
            self.trusts = true;
            self.line(&trust(now, trusted));
        }
        changes
    }

    fn line(&self, event: &Value) {
        if self.json {
            return println!("{event}");
        }
        let text = |key| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let at = text("at");
        match text("event") {
            "trusted" => {
                let cosigners = event.get("cosigners").and_then(Value::as_array).into_iter().flatten();
                let cosigners: Vec<&str> = cosigners.filter_map(|c| c.get("department")?.as_str()).collect();
                let size = event.get("size").cloned().unwrap_or_default();
                println!("{at} trusted size {size}, root {}, cosigned by {}", text("root"), cosigners.join(", "));
            }
            "alarm" => println!("{at} ALARM {} at {}: {}", text("kind"), text("url"), text("why")),
            _ => println!("{at} cleared {} at {}", text("kind"), text("url")),
        }
    }
}

fn event(event: &str, now: Millis, alarm: &Alarm) -> Value {
    json!({
        "event": event,
        "at": now.to_string(),
        "kind": alarm.kind.name(),
        "url": alarm.url,
        "why": alarm.why,
        "trusted": alarm.against,
        "seen": alarm.seen,
    })
}

fn trust(now: Millis, trusted: &Vouched) -> Value {
    let checkpoint = trusted.checkpoint();
    let cosigners = trusted.cosigners().iter();
    let cosigners: Vec<Value> = cosigners.map(|c| json!({ "department": c.department, "time_s": c.time_s })).collect();
    json!({
        "event": "trusted",
        "at": now.to_string(),
        "size": checkpoint.size,
        "root": checkpoint.root,
        "state": checkpoint.state,
        "cosigners": cosigners,
    })
}

/// Posts changes of alarms, in their order. When one cannot be delivered after some tries, that is said, and the rest is
/// given up too: the next look must not wait for it, and line, metric and exit code say the same.
pub async fn post(http: &Client, webhook: &Url, changes: &[Value]) {
    for change in changes {
        for call in 1..=CALLS_MAX {
            let why = match http.post(webhook.clone()).json(change).send().await {
                Ok(response) if response.status().is_success() => break,
                Ok(response) => response.status().to_string(),
                Err(error) => plain(&error),
            };
            if call == CALLS_MAX {
                eprintln!("the webhook did not take an alarm: {why}");
                return;
            }
            sleep(CALL_PAUSE * call).await;
        }
    }
}

/// The watch in the Prometheus text format.
pub fn metrics(watcher: &Watcher, look: &Look) -> String {
    let mut text = String::new();
    let stands = |kind, url: &str| look.alarms.iter().any(|alarm| alarm.kind == kind && alarm.url == url);
    let alarms = watcher.sources().iter().flat_map(|source| {
        let url = &source.url;
        Kind::ALL.map(|kind| (label(&[("kind", kind.name()), ("url", url)]), u8::from(stands(kind, url))))
    });
    samples(&mut text, "mulu_watch_alarm", "gauge", "Whether an alarm stands, by kind and url", alarms);
    let heard = watcher.sources().iter().map(|source| (label(&[("url", &source.url)]), source.heard.0 / 1_000));
    let help = "When a url last showed all that is known, seconds since 1970";
    samples(&mut text, "mulu_watch_heard_timestamp_seconds", "gauge", help, heard);
    let total = [(String::new(), look.alarms.len())];
    samples(&mut text, "mulu_watch_alarms", "gauge", "Alarms that stand, those of earlier watches too", total);
    if let Some(trusted) = watcher.trusted() {
        let size = [(String::new(), trusted.checkpoint().size)];
        samples(&mut text, "mulu_watch_trusted_size", "gauge", "Transactions in the trusted ledger", size);
        let since = [(String::new(), trusted.since_s())];
        let help = "From when on enough departments cosigned the trusted checkpoint, seconds since 1970";
        samples(&mut text, "mulu_watch_cosigned_timestamp_seconds", "gauge", help, since);
    }
    text
}

fn label(pairs: &[(&str, &str)]) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}
