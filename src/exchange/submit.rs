//! Brings one transaction of the node itself to the ledger: the same bytes under one id until their fate is known.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::crypto::keys::Keys;
use crate::domain::command::{Command, Payload};
use crate::domain::{Actor, Role};
use crate::ids::{DepartmentId, TxId};
use crate::ledger::transaction::Transaction;
use crate::state::{Outcome, Refusal};

use super::ExchangeError;
use super::ledger::Ledger;

/// The first pause before the same is tried again.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// After this age the ledger does not admit an id any more.
pub(super) const ID_WINDOW_MS: u64 = 600_000;
pub(super) const CLOCK_MARGIN_MS: u64 = 120_000;

/// Who submits, and where.
#[derive(Clone)]
pub(super) struct Submitter {
    pub department: DepartmentId,
    pub keys: Keys,
    pub ledger: Arc<dyn Ledger>,
    pub clock: SharedClock,
}

/// What became of a transaction.
pub(super) enum Fate {
    Committed,
    Refused(Refusal),
    /// Its id has become too old without being on the ledger: it can never come there now.
    TooOld,
    Unknown,
}

impl Submitter {
    /// A fresh id.
    pub(super) fn id(&self) -> TxId {
        TxId::new(self.clock.now())
    }

    /// Submits a command once. The same command and id give the same bytes each time, while the key stays.
    pub(super) async fn submit(&self, id: TxId, command: Command) -> Fate {
        let tx = match self.sign(id, command) {
            Ok(tx) => tx,
            Err(cause) => {
                tracing::error!(%cause, "the node's own transaction cannot be signed; trying again");
                return Fate::Unknown;
            }
        };
        let refusal = match self.ledger.submit(tx).await {
            Ok(Outcome { result: Ok(()), .. }) => return Fate::Committed,
            Ok(Outcome { result: Err(refusal), .. }) => Some(refusal),
            // An id that is too old is not even proposed.
            Err(_) if self.is_too_old(id) => None,
            Err(cause) => {
                tracing::debug!(cause, "the node's own transaction waits for the ledger");
                return Fate::Unknown;
            }
        };
        // The id may stand there since an earlier attempt whose answer was lost.
        match (refusal, self.ledger.committed(id).await) {
            (_, Some(true)) => Fate::Committed,
            (None | Some(Refusal::IdTime), Some(false)) if self.is_too_old(id) => Fate::TooOld,
            // A clock ahead of the ledger's: the same id becomes acceptable with time.
            (None | Some(Refusal::IdTime), _) | (_, None) => Fate::Unknown,
            // Signed just before the department's key changed: the next attempt is signed with the present one.
            (Some(Refusal::KeyRevoked { .. } | Refusal::KeyExpired { .. }), _) => Fate::Unknown,
            (Some(refusal), Some(false)) => Fate::Refused(refusal),
        }
    }

    /// Whether the ledger will never admit the id any more: by its own time, or, when nothing moves it, by this node's
    /// clock and some margin for a leader whose clock is behind.
    fn is_too_old(&self, id: TxId) -> bool {
        let ledger_time = self.ledger.state().time();
        ledger_time.since(id.time()) > ID_WINDOW_MS
            || self.clock.now().since(id.time()) > ID_WINDOW_MS + CLOCK_MARGIN_MS
    }

    fn sign(&self, id: TxId, command: Command) -> Result<Transaction, ExchangeError> {
        let actor = Actor { user: "node".into(), role: Role::System };
        let payload = Payload { id, department: self.department.clone(), actor, command };
        let text = payload.encode().map_err(|e| ExchangeError::Form(e.to_string()))?;
        let chain = self.ledger.state().chain().to_owned();
        Transaction::sign(&chain, text.as_bytes(), &self.keys.get().signing)
            .map_err(|e| ExchangeError::Form(e.to_string()))
    }
}

/// Waits before the next attempt, longer each time.
pub(super) async fn pause(wait: &mut Duration) {
    tokio::time::sleep(*wait).await;
    *wait = (*wait * 2).min(RETRY_MAX);
}
