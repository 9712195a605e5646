//! For which times the book can say that a call was never sent: not before it began, not what a crash may have torn out.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// Crashes that are told apart; the oldest beyond move the beginning.
const GAPS_MAX: usize = 32;

/// Beginning and gaps of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coverage {
    /// Of calls before this moment the book may not have all.
    since: Millis,
    /// Neither of those between two moments, oldest first.
    gaps: Vec<(Millis, Millis)>,
}

impl Coverage {
    /// A book that begins now.
    pub(super) fn begin(now: Millis) -> Self {
        Self { since: now, gaps: Vec::new() }
    }

    /// Whether a call of that moment, had there been one, stands or stood in the book.
    pub(super) fn holds(&self, at: Millis) -> bool {
        at > self.since && !self.gaps.iter().any(|(from, to)| (*from..=*to).contains(&at))
    }

    /// Calls between the two moments may be lost.
    pub(super) fn tear(&mut self, from: Millis, to: Millis) {
        self.gaps.push((from, to));
        if self.gaps.len() > GAPS_MAX {
            let (_, to) = self.gaps.remove(0);
            self.forget(to);
        }
    }

    /// Calls up to a moment are dropped.
    pub(super) fn forget(&mut self, until: Millis) {
        self.since = self.since.max(until);
        let since = self.since;
        self.gaps.retain(|(_, to)| *to > since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_vouches_for_what_it_saw_whole() {
        let mut coverage = Coverage::begin(Millis(100));
        coverage.tear(Millis(200), Millis(300));
        let held = |coverage: &Coverage| [100, 101, 199, 200, 300, 301].map(|at| coverage.holds(Millis(at)));
        assert_eq!(held(&coverage), [false, true, true, false, false, true]);
        coverage.forget(Millis(150));
        coverage.forget(Millis(120));
        assert_eq!(held(&coverage), [false, false, true, false, false, true]);
        for n in 0..GAPS_MAX as u64 {
            coverage.tear(Millis(1_000 + 10 * n), Millis(1_001 + 10 * n));
        }
        assert_eq!(held(&coverage), [false, false, false, false, false, true], "the oldest gap became the beginning");
    }
}
