//! Waiting for what must come: looked for again and again until a deadline, never slept for.

use std::time::{Duration, Instant};

/// What "seconds later" means on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(40);

/// Looks until there is something to see, and answers it.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < limit, "{what}: not seen within {limit:?}");
        std::thread::park_timeout(PAUSE);
    }
}

/// Looks until something holds, for as long as [`SOON`].
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, SOON, || holds().then_some(()));
}

/// Lets the others have the machine for a moment, between two attempts.
pub fn pause() {
    std::thread::park_timeout(PAUSE);
}
