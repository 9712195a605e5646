//! The exchange: one query from the consumer's node to the provider's, recorded before it is answered.

mod anchor;
mod answer;
pub mod connector;
mod envelope;
mod error;
mod journal;
mod ledger;
mod outbox;
pub mod provider_database;
mod quota;
mod seen;
#[cfg(test)]
mod testing;

pub use answer::{AnswerError, Explanation, FaultText, Promise, ReasonText, SignedPromise};
pub use envelope::{ANSWER_BYTES_MAX, REQUEST_BYTES_MAX};
pub use error::{ExchangeError, QueryError};
pub use journal::{Durable, Edit};
pub use ledger::{Ledger, Pending};
pub use outbox::{OUTBOX_AGE_MS_MAX, OUTBOX_MAX, Outbox};
