//! What a node's process has used so far: processor time by part, memory, bytes on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What a thread's name says of its work; the first that fits counts.
const THREADS: &[(&str, &str)] = &[
    ("verify", "verify"),
    ("apply", "apply"),
    ("raft", "raft"),
    ("peers", "transport"),
    ("actix", "http"),
    ("tokio", "http"),
    ("follower", "projection"),
    ("cosign", "cosign"),
    ("service", "service"),
];
/// Parts of the threads above that the node counts itself, and whose thread they are.
const COUNTED: &[(&str, &str)] = &[("verify_blocks", "apply"), ("hash", "apply"), ("log", "raft"), ("flush", "raft")];

/// Processor time in microseconds, by part.
pub type Parts = BTreeMap<String, u64>;

/// Processor time of a process by the names of its threads, from proc(5).
pub fn threads(pid: u32) -> Parts {
    let mut parts = Parts::new();
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return parts };
    for task in tasks.flatten() {
        // The first figure is the time on a processor in nanoseconds; `stat` counts in hundredths of a second only.
        let spent = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = spent.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let part = THREADS.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or("other", |(_, part)| part);
        *parts.entry(part.to_owned()).or_default() += nanoseconds / 1_000;
    }
    parts
}

/// Processor time of a process so far, user and system; 0 where the system does not tell.
pub fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default().split_whitespace();
    // In hundredths of a second (proc(5), fields 14 and 15).
    Duration::from_millis(fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// Takes what the node counted itself out of the threads that did it. `metrics` is the text of `/metrics`.
pub fn refine(mut parts: Parts, metrics: &str) -> Parts {
    for (counted, thread) in COUNTED {
        let label = format!("mulu_ledger_cpu_seconds_total{{part=\"{counted}\"}} ");
        let seconds = metrics.lines().find_map(|line| line.strip_prefix(label.as_str())?.parse::<f64>().ok());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since the process began")]
        let spent = (seconds.unwrap_or_default() * 1e6) as u64;
        let rest = parts.entry((*thread).to_owned()).or_default();
        *rest = rest.saturating_sub(spent);
        let name = if *counted == "verify_blocks" { "verify" } else { counted };
        *parts.entry(name.to_owned()).or_default() += spent;
    }
    parts
}

/// What was used between two looks.
pub fn between(before: &Parts, after: &Parts) -> Parts {
    let used = |(part, spent): (&String, &u64)| {
        (part.clone(), spent.saturating_sub(before.get(part).copied().unwrap_or_default()))
    };
    after.iter().map(used).collect()
}

/// Memory that a process holds, in bytes.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// Bytes of all files below a folder.
pub fn bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_counts_is_taken_out_of_its_threads() {
        let parts = Parts::from([("apply".to_owned(), 5_000_000), ("verify".to_owned(), 1_000_000)]);
        let metrics = "# TYPE x\nmulu_ledger_cpu_seconds_total{part=\"verify_blocks\"} 2.5\n\
                       mulu_ledger_cpu_seconds_total{part=\"hash\"} 0.5\n";
        let refined = refine(parts.clone(), metrics);
        assert_eq!((refined["apply"], refined["verify"], refined["hash"]), (2_000_000, 3_500_000, 500_000));
        assert_eq!(between(&parts, &refined)["verify"], 2_500_000);
    }

    #[test]
    fn this_very_process_has_used_something() {
        assert!(threads(std::process::id()).values().sum::<u64>() > 0 && resident(std::process::id()) > 1 << 20);
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/b"), [0; 300]).unwrap();
        assert_eq!(bytes(dir.path()), 300);
    }
}
