//! Consensus: which transactions stand in the ledger, in which order, agreed by a majority of voters.
//!
//! A transaction's way: [`Consensus::submit`] registers a waiter and queues it; a verify thread
//! checks it (`admission`, `intake`) and routes it to the leader (`router`), over the network
//! (`transport`, `frame`) where needed; the leader's verify threads check it again and put it in
//! the pool; the driver thread packs blocks, proposes them, and syncs the log before it answers
//! others (`driver`, `ready`, `members`); the apply thread takes what is committed (`handoff`), verifies every
//! signature, applies it to the state (`chain`) and answers whoever waits.
//!
//! Who takes part stands on the ledger. Every node knows who may speak and where others are (`membership`, `directory`);
//! the leader's steward (`steward`, `members`) brings raft's own configuration to what the ledger says, step by step.

mod admission;
mod apply;
mod archive;
mod chain;
mod copied;
mod cosign;
mod directory;
mod driver;
mod evidence;
mod fatal;
mod frame;
#[cfg(test)]
mod frame_fuzz;
mod genesis;
mod handoff;
mod inbound;
mod intake;
mod keeper;
mod leaves;
mod log_view;
mod mailbox;
mod members;
mod membership;
mod misfit;
mod node;
mod opening;
mod pool;
mod ports;
mod reads;
mod ready;
mod router;
mod settings;
#[cfg(test)]
mod simulation;
mod snapshot;
mod stable;
mod start;
mod status;
mod steward;
mod transport;
mod waiters;

pub use archive::{Until, archive};
pub use chain::{Applied, Chain, Reached};
pub use copied::{Annals, Copied, Followed};
pub use cosign::{Anchored, Cosigning, DepartmentWord};
pub use evidence::{ACCEPTED_DIR, Halted};
pub use fatal::end;
pub use membership::{Standing, Wanted};
pub use node::{Consensus, REPORT_AGE_MS_MAX};
pub use settings::{Limits, Peer, Settings, SnapshotPace, Timing};
pub use snapshot::{SnapshotHead, snapshot_head};
pub use status::{NodeReport, NodeRole, PeerStatus, Queues, Status};
pub use steward::{CAUGHT_UP_ENTRIES, Configuration, Step, Waits};

use crate::domain::edition::NEWEST;
use crate::storage::StorageError;

/// What to do with a node that lost what it acknowledged.
const RETURN_ADVICE: &str = "under its present number it must not vote again; have the authority give this department's \
    node a new one (`mulu node replace`), and rebuild it from the other nodes (`mulu node rebuild --set-aside`)";

/// Why consensus cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ConsensusError {
    /// A file failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The raft library refused.
    #[error("consensus: {0}")]
    Raft(#[from] raft::Error),
    /// The directory holds no ledger yet.
    #[error("there is no ledger here yet: install the city's genesis first")]
    NotInitialised,
    /// The directory holds another ledger.
    #[error("another ledger is here already: choose an empty data directory")]
    OtherLedger,
    /// The genesis transaction is not one.
    #[error("the genesis transaction is not valid: {0}")]
    Genesis(String),
    /// The ledger went on to an edition that this program does not know.
    #[error(
        "the ledger is in edition {edition}, and this program knows {NEWEST}: install a newer version, and start the node again"
    )]
    Edition {
        /// The ledger's.
        edition: u32,
    },
    /// What lies on disk does not fit together.
    #[error("the node's files do not fit together: {0}")]
    Inconsistent(String),
    /// The ledger's end, which this node had acknowledged, is gone.
    #[error("this node's ledger ends at entry {last}, and it had acknowledged {committed} entries: {}", RETURN_ADVICE)]
    TailLost {
        /// The last entry that is left.
        last: u64,
        /// The last one known to be acknowledged.
        committed: u64,
    },
    /// The keyed store is gone, and with it what this node promised.
    #[error(
        "the store beside this ledger of {last} entries is gone, and with it what this node voted and cosigned: {}",
        RETURN_ADVICE
    )]
    StoreLost {
        /// The ledger's last entry.
        last: u64,
    },
    /// The ledger of this node and that of the leader differ where both are final.
    #[error(
        "entry {index} is final here and another one is at the leader: this node, or the one that leads, was put back to \
         an older state; stop it, keep its files, and see docs/operating.md, Backup and restore"
    )]
    Parted {
        /// The first entry that differs.
        index: u64,
    },
    /// The system refused threads or sockets.
    #[error("starting consensus: {0}")]
    System(#[from] std::io::Error),
}

/// Why a submission has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// A queue is full; nothing was proposed. Try again later.
    #[error("the ledger is busy: try again later")]
    Busy,
    /// It would be refused by every node, so it was not proposed.
    #[error("the transaction is not valid: {0}")]
    Invalid(String),
    /// No leader was known until the deadline: too few voters can be reached.
    #[error("the ledger has no leader: too few of the voting departments can be reached")]
    NoLeader,
    /// No outcome came until the deadline. The transaction may stand in the ledger all the same;
    /// submitting the very same one again is harmless.
    #[error("no outcome in time: the transaction may stand in the ledger all the same")]
    Timeout,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
    /// The node's disk is full or cannot be written; nothing was proposed.
    #[error("the disk of this node is full or cannot be written: make room")]
    DiskFull,
    /// The node met a contradiction and serves nothing until an operator has looked at it.
    #[error("the node stands still: it has evidence ({0}) that an operator must look at")]
    Halted(String),
}

/// Why a read cannot be shown to be fresh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No leader confirmed its lead until the deadline.
    #[error("freshness could not be confirmed in time: too few of the voting departments answer")]
    Timeout,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}

#[cfg(test)]
mod tests;
