//! What a node gives to others that lost their ledger, or never had it: committed entries, and what proves them.

use serde::{Deserialize, Serialize};

use crate::ids::DepartmentId;
use crate::service::blocking::blocking;
use crate::service::{Node, ServiceError};
use crate::storage::encode_records;

/// Answers made at the same time: copying must not disturb the node's own work.
pub(in crate::service) const LOANS_MAX: usize = 2;
/// Bytes of entries in one answer, unless the first alone is longer.
pub const LOAN_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Entries in one answer.
const LOAN_ENTRIES_MAX: u64 = 100_000;
const RETRY_AFTER_S: u64 = 1;

/// What a node can give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The form's number: 1.
    pub version: u32,
    /// The chain's id.
    pub chain: String,
    /// Entries of consensus' log that are committed and applied here.
    pub entries: u64,
    /// The newest anchored checkpoint, which proves the entries up to its size.
    pub checkpoint: Option<String>,
    /// The newest that the asking department is known to have cosigned.
    pub word: Option<String>,
    /// The number that the asking department's node has on the ledger, if it has one.
    pub number: Option<u64>,
}

impl Node {
    /// What this node can give to another department's.
    ///
    /// # Errors
    /// [`ServiceError::NotAllowed`] for a department that is not on the ledger.
    pub fn offer(&self, to: &DepartmentId) -> Result<Offer, ServiceError> {
        self.check_borrower(to)?;
        let checkpoint = self.consensus.anchored().borrow().as_ref().map(|anchored| anchored.note.encode());
        Ok(Offer {
            version: 1,
            chain: self.chain_id().to_owned(),
            entries: self.chain.progress().raft_index,
            checkpoint,
            word: self.consensus.word_of(to).map(|note| note.encode()),
            number: self.chain.state().member(to).map(|member| member.node_id),
        })
    }

    /// Committed entries from one on, as many as an answer holds; none after the last.
    ///
    /// # Errors
    /// [`ServiceError::NotAllowed`] for a department that is not on the ledger; [`ServiceError::Unavailable`] while
    /// others are being served.
    pub async fn lend(&self, to: &DepartmentId, from: u64) -> Result<Vec<u8>, ServiceError> {
        self.check_borrower(to)?;
        let busy = |_| ServiceError::Unavailable {
            code: "busy",
            detail: "this node gives its ledger to others at the moment: ask again".into(),
            retry_after_s: RETRY_AFTER_S,
        };
        let place = self.loans.clone().try_acquire_owned().map_err(busy)?;
        let chain = self.chain.clone();
        blocking(move || {
            let _place = place;
            let end = chain.progress().raft_index.saturating_add(1).min(from.saturating_add(LOAN_ENTRIES_MAX));
            if from == 0 || from >= end {
                return Ok::<_, ServiceError>(Vec::new());
            }
            let records = chain.log().entries(from, end, LOAN_BYTES_MAX);
            Ok(encode_records(&records.map_err(|e| ServiceError::Internal(e.to_string()))?))
        })
        .await
    }

    fn check_borrower(&self, to: &DepartmentId) -> Result<(), ServiceError> {
        if self.chain.state().department(to).is_some() {
            return Ok(());
        }
        let detail = format!("{to} is not on this ledger");
        Err(ServiceError::NotAllowed { code: "not_allowed", detail })
    }
}
