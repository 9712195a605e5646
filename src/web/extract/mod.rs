//! What handlers take out of a request: who calls, the body, the parameters. Each fails with a problem.

mod body;
mod caller;
mod certificate;
pub mod credentials;
mod gate;
mod query;

pub use body::{ApiBody, BODY_BYTES_MAX, Body, Empty, read_bytes};
pub use caller::{Caller, CallerName, OwnSession, X_CSRF_TOKEN, address, authenticate, session_cookie, session_token};
pub use certificate::identify_system;
pub use gate::Passed;
pub use query::{Filter, Wait, path_problem};

use std::future::Future;
use std::pin::Pin;

/// A future of one worker.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;
