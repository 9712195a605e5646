//! Transactions that a system of the department signed itself, one or many at once; and digests of documents.

use std::time::Duration;

use crate::consensus::SubmitError;
use crate::domain::Role;
use crate::domain::command::{Command, Payload};
use crate::domain::digest_record::DigestRecord;
use crate::ids::TxId;
use crate::ledger::transaction::Transaction;
use crate::policy::facts::{Action, Facts, Relation};
use crate::state::Refusal;

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// The longest submission, in bytes.
pub const SUBMISSION_BYTES_MAX: usize = 1024 * 1024;
/// The most transactions of one submission.
pub const SUBMISSION_TRANSACTIONS_MAX: usize = 1_000;

/// What became of one transaction of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id, if its payload can be read.
    pub transaction_id: Option<TxId>,
    /// Its index in the ledger, if it stands there.
    pub ledger_index: Option<u64>,
    /// Done; or why the ledger refused it, or why it did not come there: a code, and what it means.
    pub outcome: Result<(), (&'static str, String)>,
}

impl Submitted {
    fn not_taken(tx: Option<&Transaction>, code: &'static str, why: String) -> Self {
        let payload = tx.and_then(|tx| Payload::decode(tx.payload()).ok());
        let transaction_id = payload.map(|payload| payload.id);
        Self { transaction_id, ledger_index: None, outcome: Err((code, why)) }
    }
}

impl Node {
    /// Hands in transactions that were signed elsewhere with this department's key: a transaction's bytes, or up to
    /// 1,000 of them, each behind its length (4 bytes, big endian). Each has its own answer, in their order; a
    /// transaction that was handed in before is told its first outcome.
    ///
    /// # Errors
    /// Who may not, what cannot be taken apart, or no room: then nothing was taken.
    pub async fn submit(&self, who: &Principal, body: &[u8]) -> Result<Vec<Submitted>, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::SubmitTransactions, role, Relation::Own))?;
        if !who.submits && !who.has(Role::Admin) {
            let detail = "this system's token was not issued for it: see `mulu token add --submits`".to_owned();
            return Err(ServiceError::NotAllowed { code: "not_allowed", detail });
        }
        let mut answers = Vec::new();
        let (mut taken, mut places) = (Vec::new(), Vec::new());
        for bytes in split(body)? {
            match self.own_transaction(bytes) {
                Ok(tx) => {
                    places.push(answers.len());
                    taken.push(tx);
                    answers.push(None);
                }
                Err(refused) => answers.push(Some(refused)),
            }
        }
        let limit = Duration::from_millis(self.config.limits.submit_timeout_ms);
        let outcomes = self.consensus.submit_all(taken.clone(), limit).await?;
        let is_lost = |outcome: &Result<_, SubmitError>| matches!(outcome, Err(error) if !is_final(error));
        if let Some(Err(error)) = outcomes.first().filter(|_| outcomes.iter().all(is_lost)) {
            // Nothing came to the ledger: one answer says it, and when to try again.
            return Err(error.clone().into());
        }
        for ((outcome, tx), place) in outcomes.into_iter().zip(&taken).zip(places) {
            if let Some(answer) = answers.get_mut(place) {
                *answer = Some(answered(outcome, tx));
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// A transaction of the department that this node is for.
    fn own_transaction(&self, bytes: &[u8]) -> Result<Transaction, Submitted> {
        let tx = Transaction::decode(bytes).map_err(|e| Submitted::not_taken(None, "malformed", e.to_string()))?;
        let state = self.chain.state();
        let refused = match state.signing_key(tx.key()) {
            Ok(known) if known.department == self.department => return Ok(tx),
            Ok(known) => {
                let why = format!("its key is one of {}: hand it in at that department's node", known.department);
                ("foreign_department", why)
            }
            Err(refusal) => (refusal.code(), refusal.to_string()),
        };
        drop(state);
        Err(Submitted::not_taken(Some(&tx), refused.0, refused.1))
    }

    /// Puts the digest of a document that stays with the department on the ledger. Clerks, reviewers and systems may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn record_digest(&self, who: &Principal, record: DigestRecord) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::RecordDigest, role, Relation::Own))?;
        self.write(who, actor, Command::RecordDigest(record)).await
    }
}

/// Whether sending the same transaction again would change nothing.
fn is_final(error: &SubmitError) -> bool {
    matches!(error, SubmitError::Invalid(_))
}

fn answered(outcome: Result<crate::state::Outcome, SubmitError>, tx: &Transaction) -> Submitted {
    match outcome {
        Ok(outcome) => Submitted {
            transaction_id: outcome.id,
            ledger_index: Some(outcome.index),
            outcome: outcome.result.map_err(|refusal: Refusal| (refusal.code(), refusal.to_string())),
        },
        Err(SubmitError::Invalid(why)) => Submitted::not_taken(Some(tx), "invalid", why),
        Err(error) => {
            let code = if error == SubmitError::Busy { "ledger_busy" } else { "no_quorum" };
            Submitted::not_taken(Some(tx), code, error.to_string())
        }
    }
}

/// Takes a submission apart: one transaction, or several behind their lengths. No transaction begins with a zero byte,
/// and every length does, for a transaction is shorter than 16 MiB.
fn split(body: &[u8]) -> Result<Vec<&[u8]>, ServiceError> {
    if body.first().is_some_and(|first| *first != 0) {
        return Ok(vec![body]);
    }
    let wrong = |why: &str| ServiceError::Malformed(format!("the submission {why}"));
    let (mut parts, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(|| wrong("ends within a length"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (part, tail) = tail.split_at_checked(length).ok_or_else(|| wrong("ends within a transaction"))?;
        if parts.len() == SUBMISSION_TRANSACTIONS_MAX {
            return Err(wrong("has more than 1,000 transactions"));
        }
        parts.push(part);
        rest = tail;
    }
    if parts.is_empty() { Err(wrong("is empty")) } else { Ok(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_one_transaction_or_many_behind_their_lengths() {
        assert_eq!(split(b"MTX1 and so on").unwrap(), [b"MTX1 and so on"]);
        let many = [&[0, 0, 0, 2][..], b"ab", &[0, 0, 0, 0], &[0, 0, 0, 1], b"c"].concat();
        assert_eq!(split(&many).unwrap(), [&b"ab"[..], b"", b"c"]);
        for end in [0, 1, 3, 5, 8, many.len() - 1] {
            assert!(split(&many[..end]).is_err(), "{end}");
        }
        let most = [0, 0, 0, 0].repeat(SUBMISSION_TRANSACTIONS_MAX);
        assert_eq!(split(&most).unwrap().len(), SUBMISSION_TRANSACTIONS_MAX);
        assert!(split(&[most, vec![0; 4]].concat()).is_err());
    }
}
