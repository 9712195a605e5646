//! Casbin's effect "the first matching rule decides", which also tells which rule that was. Casbin itself says only
//! yes or no, unless it logs.

use std::cell::Cell;

use casbin::{EffectKind, Effector, EffectorStream};

thread_local! {
    /// Index of the rule that decided last on this thread. Casbin drops the stream that sees it, and decides on the
    /// caller's thread from beginning to end.
    static MATCHED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs a decision and returns its answer with the index of the rule that decided.
pub(super) fn observe<T>(decide: impl FnOnce() -> T) -> (T, Option<usize>) {
    MATCHED.set(None);
    let answer = decide();
    (answer, MATCHED.take())
}

/// The effect `priority(p.eft) || deny`.
pub(super) struct FirstMatch;

impl Effector for FirstMatch {
    fn new_stream(&self, _effect: &str, _rules: usize) -> Box<dyn EffectorStream> {
        Box::new(Stream { index: 0, allowed: false })
    }
}

struct Stream {
    index: usize,
    allowed: bool,
}

impl EffectorStream for Stream {
    fn next(&self) -> bool {
        self.allowed
    }

    fn push_effect(&mut self, effect: EffectKind) -> bool {
        if effect == EffectKind::Indeterminate {
            self.index += 1;
            return false;
        }
        self.allowed = effect == EffectKind::Allow;
        MATCHED.set(Some(self.index));
        true
    }
}
