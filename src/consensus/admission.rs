//! What a transaction must be before it is proposed. The state machine checks the same again;
//! here it saves the ledger from what every node would refuse.

use crate::clock::Millis;
use crate::crypto::sign::PublicKey;
use crate::domain::command::{Command, Payload};
use crate::domain::edition::NEWEST;
use crate::ledger::transaction::Transaction;
use crate::state::Refusal;

use super::chain::Chain;

/// How far the time in a transaction's id may lie from this node's clock: as the state machine
/// measures it against block time.
const ID_WINDOW_MS: u64 = 600_000;

/// Why a transaction is not proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotAdmitted {
    /// Every node would refuse it.
    Invalid(String),
    /// Its signer is unknown to this node, which has not applied all that is committed: later, perhaps.
    TooEarly,
}

/// Checks payload, time and signature. The signature is checked strictly and alone: a batch may
/// pass what the strict check refuses, and validity must not depend on who else is in the batch.
pub(super) fn admit(chain: &Chain, tx: &Transaction, now: Millis, is_behind: bool) -> Result<(), NotAdmitted> {
    let invalid = |why: &str| Err(NotAdmitted::Invalid(why.to_owned()));
    let payload = Payload::decode(tx.payload()).map_err(NotAdmitted::Invalid)?;
    let time = payload.id.time();
    if time.since(now) > ID_WINDOW_MS || now.since(time) > ID_WINDOW_MS {
        return invalid("the id's time is more than ten minutes from this node's clock");
    }
    if let Command::SetEdition(change) = &payload.command
        && change.edition > NEWEST
    {
        return invalid(&format!("this program knows editions up to {NEWEST}: it would not follow"));
    }
    let (known, signer): (_, Result<(bool, PublicKey), Refusal>) = {
        let state = chain.state();
        let key = state.signing_key(tx.key());
        let signer = key.map(|known| (known.department == payload.department, known.key.clone()));
        (state.check_edition(&payload.command), signer)
    };
    if let Err(refusal) = known {
        return if is_behind { Err(NotAdmitted::TooEarly) } else { invalid(&refusal.to_string()) };
    }
    match signer {
        Err(Refusal::Signature) if is_behind => Err(NotAdmitted::TooEarly),
        Err(Refusal::Signature) => invalid("no department has the key that signed it"),
        Err(refusal) => invalid(&refusal.to_string()),
        Ok((false, _)) => invalid("the key that signed it belongs to another department"),
        Ok((true, key)) if tx.verify(chain.id(), &key).is_err() => invalid("its signature does not fit"),
        Ok((true, _)) => Ok(()),
    }
}
