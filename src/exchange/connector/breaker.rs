//! A circuit breaker: a source that fails again and again is left alone for a while, then tried once.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures in a row after which the circuit opens.
const FAILURES_MAX: u32 = 5;
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// One source's breaker.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// Set while the circuit is open, and while it is tried.
    until: Option<Instant>,
    pause: Duration,
    trying: bool,
    answered: Option<Instant>,
}

/// How a source has done since the node began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fortune {
    /// Failures in a row.
    pub failures: u32,
    /// Seconds until it is asked again, while it is left alone.
    pub rests_s: Option<u64>,
    /// Seconds since it last answered.
    pub answered_s: Option<u64>,
}

/// One question that was let through; without an end (its caller went away) it counts as none.
pub(super) struct Trial<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Lets a question through, or says in how many seconds one may be.
    pub(super) fn enter(&self) -> Result<Trial<'_>, u64> {
        let mut state = self.0.lock();
        let Some(until) = state.until else { return Ok(Trial { breaker: self, is_probe: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() || state.trying {
            return Err(left.as_secs().saturating_add(1));
        }
        // Half open: one question tells for all.
        state.trying = true;
        Ok(Trial { breaker: self, is_probe: true })
    }

    /// How the source has done.
    pub(super) fn fortune(&self) -> Fortune {
        let state = self.0.lock();
        let left = |until: Instant| until.saturating_duration_since(Instant::now()).as_secs();
        Fortune {
            failures: state.failures,
            rests_s: state.until.map(left),
            answered_s: state.answered.map(|at| at.elapsed().as_secs()),
        }
    }
}

impl Trial<'_> {
    /// Says how the question ended.
    pub(super) fn end(self, source_failed: bool) {
        let mut state = self.breaker.0.lock();
        if !source_failed {
            *state = State { answered: Some(Instant::now()), ..State::default() };
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if self.is_probe || (state.until.is_none() && state.failures >= FAILURES_MAX) {
            state.pause = (state.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
            state.until = Some(Instant::now() + state.pause);
            tracing::warn!(pause_s = state.pause.as_secs(), "a data source fails: it is left alone for a while");
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.0.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(breaker: &Breaker) {
        breaker.0.lock().until = Some(Instant::now());
    }

    #[test]
    fn a_circuit_opens_after_failures_in_a_row_and_closes_after_one_success() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_MAX - 1 {
            breaker.enter().ok().unwrap().end(true);
        }
        breaker.enter().ok().unwrap().end(false);
        for _ in 0..FAILURES_MAX {
            breaker.enter().ok().unwrap().end(true);
        }
        assert!((1..=3).contains(&breaker.enter().err().unwrap()));
        pass(&breaker);
        let probe = breaker.enter().ok().unwrap();
        assert!(breaker.enter().is_err(), "one probe at a time");
        probe.end(true);
        assert!((3..=5).contains(&breaker.enter().err().unwrap()), "twice as long");
        pass(&breaker);
        drop(breaker.enter().ok().unwrap());
        breaker.enter().ok().unwrap().end(false);
        let fortune = breaker.fortune();
        assert_eq!((fortune.failures, fortune.rests_s), (0, None));
        assert!(fortune.answered_s.is_some_and(|seconds| seconds < 60));
        let both = [breaker.enter(), breaker.enter()];
        assert!(both.iter().all(Result::is_ok), "closed again");
    }
}
