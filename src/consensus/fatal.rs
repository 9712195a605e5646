//! The end of the process when consensus cannot go on: a node that looks alive with a dead thread
//! would be worse than none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use super::ConsensusError;

/// Exit code of a process whose consensus failed (sysexits: internal software error).
const EXIT_CODE: i32 = 70;

/// Ends the process because something failed without which the node cannot go on, and says what.
pub fn end(thread: &str, error: &dyn std::fmt::Display) -> ! {
    tracing::error!(thread, %error, "the node cannot go on");
    std::process::exit(EXIT_CODE)
}

/// Runs a thread whose error or panic ends the process.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() -> Result<(), ConsensusError> + Send + 'static,
) -> Result<JoinHandle<()>, ConsensusError> {
    let thread = name.to_owned();
    let run = move || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => end(&thread, &error),
        Err(_) => {
            tracing::error!(thread, "a thread panicked; the node cannot go on");
            std::process::exit(EXIT_CODE);
        }
    };
    Ok(Builder::new().name(name.to_owned()).spawn(run)?)
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a network task panicked; the node cannot go on");
            std::process::exit(EXIT_CODE);
        }
    }
}

/// Runs a task whose panic ends the process, instead of silently ending the task.
pub(super) async fn guard(work: impl Future<Output = ()>) {
    let _guard = Guard;
    work.await;
}
