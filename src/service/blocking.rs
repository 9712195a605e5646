//! Blocking work, such as SQLite and password hashing, off the web's workers.

use crate::readmodel::{ReadError, ReadModel};

use super::Node;
use super::error::ServiceError;

/// Runs blocking work on a thread meant for it.
///
/// # Errors
/// The work's own error; [`ServiceError::Internal`] when it panicked.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, ServiceError>
where
    T: Send + 'static,
    E: Into<ServiceError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(error) => Err(ServiceError::Internal(format!("blocking work ended early: {error}"))),
    }
}

impl Node {
    /// Reads what is listed, for no longer than its database gives signs of life.
    ///
    /// # Errors
    /// The reader's own; [`ServiceError::Unavailable`] when the database does not answer.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadModel) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.model.ask(read).await.map_err(Into::into)
    }
}
