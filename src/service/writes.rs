//! Writing to the ledger: check, sign, submit, wait for the outcome.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::domain::Actor;
use crate::domain::command::{Command, Payload};
use crate::domain::schema::{self, Fault};
use crate::ids::TxId;
use crate::ledger::transaction::Transaction;
use crate::readmodel::local::ActKind;

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;

/// How long a write waits for the node's own read model, so that its author finds it in the next list.
const PROJECTION_WAIT: Duration = Duration::from_secs(3);

/// How long a fresh reading waits for the node's own read model.
const FRESH_WAIT: Duration = Duration::from_secs(5);
/// The word of a leader that is no older says what the ledger has.
const LEADER_MS_MAX: u64 = 1_000;

/// A write that a majority of voters keeps and that this node has applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Committed {
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

impl Node {
    /// Signs a command of this department and waits until it is on the ledger and in the read model.
    ///
    /// # Errors
    /// What the schema, the state machine or consensus says against it.
    pub(crate) async fn write(
        &self,
        who: &Principal,
        actor: Actor,
        command: Command,
    ) -> Result<Committed, ServiceError> {
        let act = act_of(&command);
        let committed = self.write_as(self.next_id(who), actor, command).await?;
        if let Some((kind, subject)) = act {
            self.note(who, kind, &subject, &committed.transaction_id.to_string()).await;
        }
        Ok(committed)
    }

    /// The id of the transaction that a principal is about to cause.
    pub(crate) fn next_id(&self, who: &Principal) -> TxId {
        who.reserved.unwrap_or_else(|| TxId::new(self.clock.now()))
    }

    /// As [`Node::write`], under an id that was chosen before.
    pub(crate) async fn write_as(&self, id: TxId, actor: Actor, command: Command) -> Result<Committed, ServiceError> {
        let kind = command.kind();
        if let Err(refusal) = self.chain.state().check_edition(&command) {
            return Err(ServiceError::conflict("edition_needed", refusal.to_string()));
        }
        let payload = Payload { id, department: self.department.clone(), actor, command };
        let text = payload.encode().map_err(|e| ServiceError::Internal(e.to_string()))?;
        check(kind, &text)?;
        let keys = self.keys.get();
        // Consensus would refuse it too, but could not say so well.
        let refused = self.chain.state().signing_key(keys.signing.public().id()).err();
        refused.map_or(Ok(()), Err)?;
        let tx = Transaction::sign(self.chain_id(), text.as_bytes(), &keys.signing)
            .map_err(|e| Fault::new("", e.to_string()))?;
        let outcome = self.consensus.submit(tx).await?;
        outcome.result?;
        self.model.wait_for(outcome.index + 1, PROJECTION_WAIT).await;
        Ok(Committed { transaction_id: id, ledger_index: outcome.index })
    }
}

impl Node {
    /// How many transactions the ledger has, as far as a node that hears its leader and is not behind can tell.
    pub fn known_size(&self) -> Option<u64> {
        let status = self.consensus.status();
        let hears =
            status.leader == Some(status.node_id) || status.leader_contact_ms.is_some_and(|ms| ms <= LEADER_MS_MAX);
        (hears && status.applied_raft_index >= status.commit).then(|| self.chain.size())
    }

    /// Waits until this node's listings reflect every write that any node acknowledged before this call.
    ///
    /// # Errors
    /// `no_quorum` when no majority of voters confirmed how far that is; `not_yet_projected` when this node is behind.
    pub async fn catch_up(&self) -> Result<(), ServiceError> {
        let unavailable = |code, detail, retry_after_s| ServiceError::Unavailable { code, detail, retry_after_s };
        self.consensus.read_index().await.map_err(|why| unavailable("no_quorum", why.to_string(), 5))?;
        if self.model.wait_for(self.chain.size(), FRESH_WAIT).await {
            return Ok(());
        }
        let detail = "this node's listings are behind its ledger: try again".to_owned();
        Err(unavailable("not_yet_projected", detail, 1))
    }
}

/// The line that a command leaves in the log of settings, and about what.
fn act_of(command: &Command) -> Option<(ActKind, String)> {
    let subject = match command {
        Command::RevokeKey(revocation) => revocation.key.to_string(),
        Command::EndorseKey(word) => word.department.to_string(),
        Command::RegisterDepartment(department) => department.id.to_string(),
        Command::SetNode(setting) => setting.department.to_string(),
        Command::RemoveNode(removal) => removal.department.to_string(),
        _ => command.kind().to_owned(),
    };
    let kind = match command {
        Command::RotateKey(_) => ActKind::KeysRotated,
        Command::RevokeKey(_) => ActKind::KeyRevoked,
        Command::EndorseKey(_) => ActKind::KeyEndorsed,
        Command::RegisterDepartment(_) | Command::SetNode(_) | Command::RemoveNode(_) | Command::SetVoters(_) => {
            ActKind::MembersChanged
        }
        Command::SetPolicy(_)
        | Command::ProposePolicy(_)
        | Command::ConfirmPolicy(_)
        | Command::RejectPolicy(_)
        | Command::SetEdition(_) => ActKind::PolicyActed,
        _ => return None,
    };
    Some((kind, subject))
}

/// Checks a payload's body against `schemas/tx/`, before anything is signed.
fn check(kind: &str, text: &str) -> Result<(), ServiceError> {
    let payload: Value = serde_json::from_str(text).map_err(|e| ServiceError::Internal(e.to_string()))?;
    let schema = schema::tx_body(kind).ok_or_else(|| ServiceError::Internal(format!("no schema for {kind}")))?;
    let faults = payload.get("body").map(|body| schema.check(body)).unwrap_or_default();
    if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
}
