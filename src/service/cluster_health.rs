//! What the other nodes' reports say about this one: whether its clock is right, and whether it keeps up.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::consensus::{CAUGHT_UP_ENTRIES, NodeReport, REPORT_AGE_MS_MAX, Status};

use super::health::Check;

/// From here on a clock is told about: two honest clocks under NTP differ by milliseconds.
const CLOCK_WARNING_MS: u64 = 2_000;
/// From here on a node is not ready. Peers refuse its queries at five minutes, the ledger its transactions at ten.
const CLOCK_MAX_MS: u64 = 60_000;
/// A node that is this many log entries behind what any node knows to be committed answers from the past.
const LAG_MAX: u64 = 10_000;

fn heard(status: &Status) -> impl Iterator<Item = &NodeReport> {
    let own = status.node_id;
    status.reports.iter().filter(move |report| report.node_id != own && report.age_ms <= REPORT_AGE_MS_MAX)
}

/// By how many milliseconds this node's clock is ahead of the middle one of the others'; none when nobody was heard.
/// The middle one: a single node with a wrong clock must not make all others doubt theirs.
pub(super) fn clock_ahead_ms(status: &Status) -> Option<i64> {
    let mut behind: Vec<i64> = heard(status).filter_map(|report| report.clock_ahead_ms).collect();
    behind.sort_unstable();
    // Of an even number the one nearer to zero: between two nodes that differ, neither can tell who is wrong.
    let middle = behind.len() / 2;
    let candidates = behind.get(middle.saturating_sub(usize::from(behind.len().is_multiple_of(2)))..=middle)?;
    candidates.iter().min_by_key(|ms| ms.unsigned_abs()).map(|ms| -ms)
}

/// Whether this node's clock agrees with the others'.
pub(super) fn clock_check(status: &Status) -> Check {
    let Some(ahead) = clock_ahead_ms(status) else {
        return Check::new("clock", true, "no other node was heard to compare with");
    };
    let off = ahead.unsigned_abs();
    let side = if ahead < 0 { "behind" } else { "ahead of" };
    let detail = match off {
        CLOCK_WARNING_MS.. => format!(
            "this machine's clock is {}.{:03} s {side} the other nodes': let NTP set it",
            off / 1_000,
            off % 1_000
        ),
        _ => format!("{off} ms {side} the other nodes'"),
    };
    let code = if ahead < 0 { "clock_behind" } else { "clock_ahead" };
    let check = Check::new("clock", off < CLOCK_MAX_MS, detail).warning(off >= CLOCK_WARNING_MS);
    check.seen(code, format!("{}.{}", off / 1_000, off % 1_000 / 100))
}

/// Whether this node has applied what the city has committed. One that starts must have been near that once, which is
/// noted in `caught_up`: an entry holds many transactions.
pub(super) fn lag_check(status: &Status, caught_up: &AtomicBool) -> Check {
    let known = heard(status).map(|report| report.commit).max().unwrap_or_default().max(status.commit);
    let lag = known.saturating_sub(status.applied_raft_index);
    let has_caught_up = caught_up.fetch_or(lag <= CAUGHT_UP_ENTRIES, Ordering::Relaxed) || lag <= CAUGHT_UP_ENTRIES;
    let detail = match lag {
        0 => "everything that is known to be committed is applied".to_owned(),
        LAG_MAX.. => format!(
            "{lag} log entries behind the city: wait while it catches up; if it does not, look at disk and network"
        ),
        _ if !has_caught_up => format!("{lag} log entries are still to be applied since the start"),
        _ => format!("{lag} log entries behind"),
    };
    let code = if lag < LAG_MAX && !has_caught_up { "starting" } else { "lag" };
    Check::new("lag", has_caught_up && lag < LAG_MAX, detail).seen(code, lag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::{Configuration, NodeRole, Queues, Standing, Step};

    fn status(others: &[(i64, u64)], applied: u64) -> Status {
        let report = |(node_id, (ahead, age_ms)): (u64, &(i64, u64))| NodeReport {
            node_id,
            term: 1,
            commit: 50_000,
            applied: 0,
            size: 0,
            projected: 0,
            version: String::new(),
            edition: 2,
            clock: None,
            troubles: Vec::new(),
            clock_ahead_ms: Some(*ahead),
            address: String::new(),
            age_ms: *age_ms,
            lag: 0,
        };
        Status {
            node_id: 1,
            role: NodeRole::Follower,
            leader: Some(2),
            term: 1,
            commit: 49_000,
            applied_raft_index: applied,
            last_index: 50_000,
            height: 0,
            size: 0,
            has_quorum: true,
            leader_contact_ms: None,
            queues: Queues::default(),
            peers: Vec::new(),
            reports: (2..).zip(others).map(report).collect(),
            configuration: Configuration::default(),
            standing: Standing::Member,
            step: Step::Settled,
        }
    }

    #[test]
    fn one_wrong_clock_among_others_is_not_this_node_s() {
        assert_eq!(clock_ahead_ms(&status(&[(90_000, 0), (-3, 0), (5, 0)], 0)), Some(-5));
        assert_eq!(clock_ahead_ms(&status(&[(90_000, 0), (-3, 0)], 0)), Some(3));
        assert_eq!(clock_ahead_ms(&status(&[(90_000, 0), (90_010, 0)], 0)), Some(-90_000));
        assert_eq!(clock_ahead_ms(&status(&[(90_000, REPORT_AGE_MS_MAX + 1)], 0)), None, "too old to compare");
        assert!(clock_check(&status(&[(-59_999, 0)], 0)).ok);
        let wrong = clock_check(&status(&[(-61_500, 0), (-61_400, 0)], 0));
        assert!(!wrong.ok && wrong.detail.contains("61.400 s ahead of"), "{}", wrong.detail);
        assert_eq!(wrong.seen, ("clock_ahead", "61.4".to_owned()));
    }

    #[test]
    fn a_node_behind_what_others_know_is_not_ready() {
        let caught_up = AtomicBool::default();
        let lag_check = |status: &Status| lag_check(status, &caught_up);
        let starting = lag_check(&status(&[(0, 0)], 49_000));
        assert!(!starting.ok && starting.detail.ends_with("since the start"), "{}", starting.detail);
        assert!(lag_check(&status(&[(0, 0)], 49_999)).ok);
        assert!(lag_check(&status(&[(0, 0)], 49_000)).ok, "late, and on its way");
        let late = lag_check(&status(&[(0, 0)], 40_000));
        assert!(!late.ok && late.detail.starts_with("10000 log entries behind"), "{}", late.detail);
        assert_eq!((starting.seen.0, late.seen), ("starting", ("lag", "10000".to_owned())));
        assert!(lag_check(&status(&[(0, REPORT_AGE_MS_MAX + 1)], 40_000)).ok, "what is long past does not count");
    }
}
