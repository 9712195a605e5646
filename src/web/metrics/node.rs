//! The node's own numbers: ledger, consensus, projection, outbox, queries.

use crate::consensus::NodeRole;
use crate::exchange::{LATENCY_MS, Reading};
use crate::ids::DepartmentId;
use crate::service::Node;
use crate::service::deadlines::Waiting;
use crate::service::expiry::Expiry;

use super::{sample, samples};

/// Writes the numbers of this moment.
pub(super) fn write(text: &mut String, node: &Node) {
    consensus(text, node);
    peers(text, node);
    anchoring(text, node);
    expiries(text, node);
    decisions(text, node);
    disk(text, node);
    if let Some(taken) = node.last_backup() {
        let help = "When the newest backup of this node was begun; absent when none was";
        sample(text, "mulu_backup_timestamp_seconds", "gauge", help, taken.time.0 / 1000);
    }
    let help = "Times that a system's token was used at two places at once, or at none of its own";
    sample(text, "mulu_token_alarms_total", "counter", help, node.token_alarms());
    let part =
        |(part, spent): (&'static str, std::time::Duration)| (format!("{{part=\"{part}\"}}"), spent.as_secs_f64());
    let help = "Processor time of the ledger's work by part, beside what threads tell";
    samples(text, "mulu_ledger_cpu_seconds_total", "counter", help, node.chain.spent().map(part));
    let help =
        "Processor time of queries by step: enclose and believe as a consumer, judge, prepare and write as a provider";
    samples(text, "mulu_exchange_cpu_seconds_total", "counter", help, node.exchange.spent().map(part));
    let (asked, served) = (node.exchange.asked().read(), node.exchange.served().read());
    let directions = [("asked", &asked), ("served", &served)];
    let decisions = directions.iter().flat_map(|(direction, reading)| {
        let counts = [("allowed", reading.allowed), ("refused", reading.refused), ("failed", reading.failed)];
        counts.map(|(decision, count)| (format!(r#"{{direction="{direction}",decision="{decision}"}}"#), count))
    });
    let help = "Queries between departments by direction and decision";
    samples(text, "mulu_queries_total", "counter", help, decisions);
    text.push_str("# HELP mulu_query_duration_seconds Duration of queries between departments\n");
    text.push_str("# TYPE mulu_query_duration_seconds histogram\n");
    for (direction, reading) in directions {
        histogram(text, direction, reading);
    }
}

fn consensus(text: &mut String, node: &Node) {
    let status = node.consensus.status();
    let projected = node.model.projected().borrow().size;
    let exchange = &node.exchange;
    let flag = |holds: bool| u64::from(holds);
    for (name, help, value) in [
        ("mulu_ledger_size", "Transactions applied", status.size),
        ("mulu_ledger_height", "Number of the last block applied", status.height),
        ("mulu_raft_term", "Term of consensus", status.term),
        ("mulu_raft_commit_index", "Log index known to be committed", status.commit),
        ("mulu_raft_applied_index", "Log index applied", status.applied_raft_index),
        ("mulu_raft_leader", "Number of the leading node, 0 when none is known", status.leader.unwrap_or(0)),
        ("mulu_raft_is_leader", "Whether this node leads", flag(status.role == NodeRole::Leader)),
        ("mulu_raft_has_quorum", "Whether a leader with a majority of voters is known", flag(status.has_quorum)),
        ("mulu_projected_size", "Transactions that the read model reflects", projected),
        ("mulu_projection_lag", "Transactions applied but not projected", status.size.saturating_sub(projected)),
        ("mulu_outbox_records", "Access records not yet on the ledger", count(exchange.outbox_len())),
        ("mulu_outbox_oldest_milliseconds", "Age of the oldest of them", exchange.outbox_oldest_ms()),
        ("mulu_outbox_parked_records", "Access records that the ledger refused", count(exchange.outbox_parked())),
        ("mulu_halted", "Whether the node stands still because of a contradiction", flag(node.halted().is_some())),
        (
            "mulu_promises_open",
            "Promises of providers whose records have not come yet",
            count(exchange.promises_open()),
        ),
        ("mulu_ready", "Whether the node is ready", flag(node.health().ready)),
    ] {
        sample(text, name, "gauge", help, value);
    }
    let help = "Promises that providers broke and records that they made up";
    sample(text, "mulu_promises_broken_total", "counter", help, exchange.promises_broken());
    let help = "Calls that were too many for their promises to be watched";
    sample(text, "mulu_promises_unwatched_total", "counter", help, exchange.promises_unwatched());
}

/// What this node knows of every other one.
fn peers(text: &mut String, node: &Node) {
    let own = &node.department;
    let others: Vec<_> = node.cluster().nodes.into_iter().filter(|peer| peer.department != *own).collect();
    let label = |department: &DepartmentId| format!(r#"{{department="{department}"}}"#);
    let heard = others.iter().map(|peer| (label(&peer.department), u64::from(peer.reachable)));
    samples(text, "mulu_peer_reachable", "gauge", "Whether each department's node was heard lately", heard);
    let heard = || others.iter().filter(|peer| peer.reachable);
    let lag = heard().filter_map(|peer| Some((label(&peer.department), peer.lag?)));
    samples(text, "mulu_peer_lag_entries", "gauge", "Log entries that it is behind", lag);
    let ahead = heard().filter_map(|peer| {
        let ms = peer.clock_ahead_ms?;
        let sign = if ms < 0 { "-" } else { "" };
        Some((label(&peer.department), format!("{sign}{}", seconds(ms.unsigned_abs(), 1_000))))
    });
    samples(text, "mulu_peer_clock_ahead_seconds", "gauge", "How far its clock is ahead of this one's", ahead);
    let health = node.health();
    let check = |name: &str| format!(r#"{{check="{name}"}}"#);
    let ok = health.checks.iter().map(|known| (check(known.name), u64::from(known.ok)));
    samples(text, "mulu_check_ok", "gauge", "Whether each check of /readyz holds", ok);
    let warning = health.checks.iter().map(|known| (check(known.name), u64::from(known.warning)));
    samples(text, "mulu_check_warning", "gauge", "Whether it holds with a warning", warning);
}

fn anchoring(text: &mut String, node: &Node) {
    let anchoring = node.anchoring();
    for (name, help, value) in [
        ("mulu_anchored_size", "Transactions covered by the newest anchored checkpoint", anchoring.size.to_string()),
        ("mulu_anchored_lag", "Transactions applied but not anchored", anchoring.lag.to_string()),
        ("mulu_anchored_lag_seconds", "Age of the oldest of them by block time", seconds(anchoring.lag_ms, 1_000)),
        ("mulu_cosignatures_needed", "Departments that anchor a checkpoint", anchoring.needed.to_string()),
    ] {
        sample(text, name, "gauge", help, value);
    }
    let label = |department: &DepartmentId| format!(r#"{{department="{department}"}}"#);
    let sizes = anchoring.departments.iter().map(|word| (label(&word.department), word.size));
    samples(text, "mulu_cosigned_size", "gauge", "Size of the newest checkpoint of each department", sizes);
    let ages = anchoring.departments.iter().map(|word| (label(&word.department), word.age.as_secs()));
    samples(text, "mulu_cosignature_age_seconds", "gauge", "Seconds since each department's newest came", ages);
}

fn disk(text: &mut String, node: &Node) {
    let room = node.disk.room();
    let help = "Bytes that this node may still write on the fullest of its disks";
    sample(text, "mulu_disk_free_bytes", "gauge", help, room.free);
    let help = "Whether this node takes no new work because its disk is full or cannot be written";
    sample(text, "mulu_disk_full", "gauge", help, u64::from(!room.takes_work()));
    let parts = node.disk_use().parts().into_iter().map(|(part, bytes)| (format!(r#"{{part="{part}"}}"#), bytes));
    samples(text, "mulu_disk_bytes", "gauge", "Bytes of this node's files, by what they are", parts);
}

fn expiries(text: &mut String, node: &Node) {
    let left = |expiry: &Expiry| (format!(r#"{{key="{}"}}"#, expiry.what), expiry.left_ms / 1_000);
    let help = "Seconds until a key or certificate of this node ends";
    samples(text, "mulu_key_expiry_seconds", "gauge", help, node.expiries().iter().map(left));
}

/// Requests for grants that this department has to decide on.
fn decisions(text: &mut String, node: &Node) {
    let Waiting { requests, soon, late } = node.decisions_waiting();
    for (name, help, value) in [
        ("mulu_grant_requests_waiting", "Requests for grants that wait for this department's decision", requests),
        ("mulu_grant_requests_due_soon", "Those of them that are due within the reminder's days, or late", soon),
        ("mulu_grant_requests_overdue", "Those of them that are late by the calendar", late),
    ] {
        sample(text, name, "gauge", help, value);
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn histogram(text: &mut String, direction: &str, reading: &Reading) {
    let mut below = 0;
    let bounds = LATENCY_MS.iter().map(|ms| seconds(*ms, 1_000)).chain(["+Inf".to_owned()]);
    for (bound, calls) in bounds.zip(&reading.buckets) {
        below += calls;
        text.push_str(&format!(
            "mulu_query_duration_seconds_bucket{{direction=\"{direction}\",le=\"{bound}\"}} {below}\n"
        ));
    }
    let sum = seconds(reading.micros, 1_000_000);
    text.push_str(&format!("mulu_query_duration_seconds_sum{{direction=\"{direction}\"}} {sum}\n"));
    text.push_str(&format!("mulu_query_duration_seconds_count{{direction=\"{direction}\"}} {below}\n"));
}

/// A fraction as decimal text without rounding, `2` of `1000` as `0.002`.
fn seconds(value: u64, unit: u64) -> String {
    let digits = usize::try_from(unit.ilog10()).unwrap_or(0);
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let mut reading = Reading { micros: 1_500_000, ..Reading::default() };
        reading.buckets = vec![1; LATENCY_MS.len() + 1];
        let mut text = String::new();
        histogram(&mut text, "asked", &reading);
        assert!(text.contains("le=\"0.001\"} 1\n") && text.contains("le=\"0.002\"} 2\n"));
        assert!(text.contains("le=\"10\"} 11\n") && text.contains("le=\"+Inf\"} 12\n"));
        assert!(text.contains("_sum{direction=\"asked\"} 1.5\n") && text.ends_with("_count{direction=\"asked\"} 12\n"));
    }
}
