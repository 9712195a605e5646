//! What of this node ends by itself one day, and the warnings before.

use std::time::Duration;

use crate::clock::{DAY_MS, Millis};

use super::Node;

/// Days before an end at which warnings begin, each louder than the one before.
pub const WARNING_DAYS: [u64; 3] = [30, 7, 1];
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Something with an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// `signing_key` or `tls_certificate`.
    pub what: &'static str,
    /// From when on it is good no more.
    pub at: Millis,
    /// Milliseconds until then, 0 afterwards.
    pub left_ms: u64,
}

impl Expiry {
    fn new(what: &'static str, at: Millis, now: Millis) -> Self {
        Self { what, at, left_ms: at.since(now) }
    }

    /// Which warning is due: the days of [`WARNING_DAYS`], none while the end is far.
    pub fn warning_days(&self) -> Option<u64> {
        WARNING_DAYS.into_iter().rev().find(|days| self.left_ms <= days * DAY_MS)
    }

    /// The warning for people, when one is due.
    pub fn warning(&self) -> Option<String> {
        self.warning_days()?;
        let what = self.what.replace('_', " ");
        Some(format!(
            "the {what} ends at {}, in {} days: replace it before",
            self.at.local_text(),
            self.left_ms / DAY_MS
        ))
    }
}

impl Node {
    /// What of this node has an end: the signing key on the ledger, if one was announced, and the certificate.
    pub fn expiries(&self) -> Vec<Expiry> {
        let now = self.clock.now();
        let key = self.chain.state().department(&self.department).and_then(|own| own.signing_key_valid_until);
        let key = key.map(|at| Expiry::new("signing_key", at, now));
        let certificate = self.certificate_ends.map(|at| Expiry::new("tls_certificate", at, now));
        key.into_iter().chain(certificate).collect()
    }
}

/// Logs each warning once a day, and at once when it gets louder.
pub(super) async fn watch(node: Node) {
    let mut told: Vec<(&'static str, u64, u64)> = Vec::new();
    loop {
        let today = node.clock.now().day();
        for expiry in node.expiries() {
            let (Some(days), Some(text)) = (expiry.warning_days(), expiry.warning()) else { continue };
            let note = (expiry.what, days, today);
            if told.contains(&note) {
                continue;
            }
            told.retain(|(what, ..)| *what != expiry.what);
            told.push(note);
            if days == 1 {
                tracing::error!(what = expiry.what, "{text}");
            } else {
                tracing::warn!(what = expiry.what, "{text}");
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_begin_thirty_days_before_and_get_louder() {
        let now = Millis(1_795_000_000_000);
        let due = |days: u64, ms: u64| Expiry::new("signing_key", now.plus(days * DAY_MS + ms), now).warning_days();
        assert_eq!([due(31, 0), due(30, 1), due(30, 0), due(8, 0)], [None, None, Some(30), Some(30)]);
        assert_eq!([due(7, 0), due(1, 1), due(1, 0), due(0, 0)], [Some(7), Some(7), Some(1), Some(1)]);
        let text = Expiry::new("tls_certificate", now.plus(3 * DAY_MS), now).warning().unwrap();
        assert!(text.starts_with("the tls certificate ends at 2026-11-21") && text.contains("in 3 days"), "{text}");
    }
}
