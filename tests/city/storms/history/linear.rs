//! Whether a history of calls could have come of one copy of an object, each call done in one moment between its start
//! and its end: the search of Wing and Gong, with the memory of Lowe ("Testing for linearizability", 2017).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// An object as it would be if there were one copy of it.
pub trait Object {
    /// All that a later answer can depend on.
    type State: Clone + Eq + Hash + Debug;
    /// A call together with its answer.
    type Op: Clone + Debug;

    /// Before any call.
    fn first() -> Self::State;

    /// The state after a call, if its answer is possible in this one.
    fn after(state: &Self::State, op: &Self::Op) -> Option<Self::State>;
}

/// One call, in nanoseconds of one clock.
#[derive(Clone, Debug)]
pub struct Call<Op> {
    /// When it was made.
    pub start: u64,
    /// When it was answered; none when no answer came: it may have been done at any time since, or never.
    pub end: Option<u64>,
    /// What was called, and answered.
    pub op: Op,
}

/// Where the search stands: which calls are done, and what came of them.
type Place<S> = (Vec<u64>, S);

/// Claims that a history is linearizable.
///
/// # Errors
/// The greatest number of answered calls that fit together, and the ones that stand in the way.
pub fn check<O: Object>(calls: &[Call<O::Op>]) -> Result<(), String> {
    let mut calls = calls.to_vec();
    calls.sort_by_key(|call| call.start);
    let answered = calls.iter().filter(|call| call.end.is_some()).count();
    let begin: Place<O::State> = (vec![0; calls.len().div_ceil(64)], O::first());
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = vec![begin];
    let mut best = (0, String::new());
    while let Some((done, state)) = open.pop() {
        let undone: Vec<usize> = (0..calls.len()).filter(|at| done[at / 64] >> (at % 64) & 1 == 0).collect();
        let left: Vec<&Call<O::Op>> = undone.iter().map(|at| &calls[*at]).filter(|call| call.end.is_some()).collect();
        // Whoever began after another had ended cannot come before it.
        let Some(bound) = left.iter().filter_map(|call| call.end).min() else { return Ok(()) };
        let fitting = answered - left.len();
        if fitting >= best.0 {
            let next: Vec<_> = left.iter().filter(|call| call.start <= bound).collect();
            best = (fitting, format!("{fitting} of {answered} calls fit; then, in {state:?}, one of {next:#?}"));
        }
        // The last one put down is tried first: the one that began first.
        for at in undone.into_iter().rev().filter(|at| calls[*at].start <= bound) {
            let Some(state) = O::after(&state, &calls[at].op) else { continue };
            let mut done = done.clone();
            done[at / 64] |= 1 << (at % 64);
            if seen.insert((done.clone(), state.clone())) {
                open.push((done, state));
            }
        }
    }
    Err(best.1)
}
