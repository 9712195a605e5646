//! Asking the projection from async code, for no longer than its server gives signs of life.

use std::time::{Duration, Instant};

use super::ReadModel;
use super::error::ReadError;

/// How often a caller looks whether there is still something to wait for.
const LOOK: Duration = Duration::from_secs(1);
/// How long a caller waits for a server whose other connections answer: nobody reads for so long.
const WAIT_MAX: Duration = Duration::from_secs(60);

impl ReadModel {
    /// Runs a reader on a thread meant for blocking work. The client of PostgreSQL waits for an answer without end: when
    /// its server falls silent, the caller is told, and the thread is left to come back when it can.
    ///
    /// # Errors
    /// The reader's own; [`ReadError::Unreachable`] when a server does not answer it.
    pub async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (model, began) = (self.clone(), Instant::now());
        let mut reading = tokio::task::spawn_blocking(move || read(&model));
        loop {
            match tokio::time::timeout(LOOK, &mut reading).await {
                Ok(answer) => {
                    return answer.map_err(|ended| ReadError::Database(format!("a reader ended early: {ended}")))?;
                }
                Err(_) if self.is_silent() || self.server().is_some() && began.elapsed() > WAIT_MAX => {
                    return Err(ReadError::Unreachable("it left a reader without an answer".into()));
                }
                Err(_) => {}
            }
        }
    }
}
