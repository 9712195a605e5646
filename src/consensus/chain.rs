//! The applied ledger as every reader sees it: state, tree, blocks and outcomes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::watch;

use crate::clock::{Millis, Spent};
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::domain::command::Payload;
use crate::domain::edition::NEWEST;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::merkle::Nodes as _;
use crate::ledger::transaction::Transaction;
use crate::state::State;
use crate::state::applied::AppliedBlock;
use crate::state::outcome::{Outcome, Refusal};
use crate::storage::StorageError;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::tree_store::{TreeStore, TreeView};

use super::ConsensusError;
use super::snapshot::{Capture, Snapshot, SnapshotHead};

/// How far this node has applied the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Number of the last applied block.
    pub height: u64,
    /// Transactions applied.
    pub size: u64,
    /// Block time of the last applied block.
    pub time: Millis,
    /// Index of the last applied entry of consensus' log; entries without transactions count too.
    pub raft_index: u64,
}

/// The ledger as a block left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) height: u64,
    pub(super) time: Millis,
    pub(super) size: u64,
    pub(super) root: Hash,
    /// Digest of the state.
    pub(super) state: Hash,
}

/// The ledger as a block left it, and where that block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The entry of consensus' log that holds the block.
    pub raft_index: u64,
    /// Transactions.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Digest of the state.
    pub state: Hash,
}

/// Where a block stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BlockSlot {
    pub(super) raft_index: u64,
    pub(super) first_index: u64,
    pub(super) time: Millis,
}

struct History {
    tree: TreeStore,
    /// The block of height `h` is at `h`.
    blocks: Vec<BlockSlot>,
    /// Done is the rule; only refusals are kept.
    refusals: BTreeMap<u64, Refusal>,
}

impl History {
    fn head(&self, state: &State) -> Head {
        Head {
            height: self.blocks.len().saturating_sub(1) as u64,
            time: self.blocks.last().map_or(Millis(0), |block| block.time),
            size: self.tree.size(),
            root: self.tree.root(),
            state: state.digest(),
        }
    }
}

/// The applied ledger. All methods answer from what this node has applied.
pub struct Chain {
    id: String,
    algorithm: HashAlgorithm,
    log: Arc<LedgerLog>,
    // Taken in this order where both are: state, history.
    state: RwLock<State>,
    history: RwLock<History>,
    applied: watch::Sender<Applied>,
    /// Processor time of checking blocks' signatures, and of hashing leaves and tree.
    pub(super) spent: (Spent, Spent),
}

/// What a snapshot needs besides what the chain knows.
pub(super) struct Mark {
    /// The last block's time as its leader wrote it.
    pub(super) time: Millis,
    /// Whether this node found all signatures so far valid.
    pub(super) all_valid: bool,
    /// The last heads, oldest first, the present one included.
    pub(super) heads: Vec<Head>,
}

/// What applying a block did.
pub(super) struct Effect {
    pub(super) leaves: Vec<Hash>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) head: Head,
}

/// The genesis block of a log, and the state after it.
fn genesis_of(log: &LedgerLog) -> Result<(Block, State), ConsensusError> {
    if log.last_index() == 0 {
        return Err(ConsensusError::NotInitialised);
    }
    let wrong = |why: String| ConsensusError::Genesis(why);
    let block = Block::decode(&log.entry(1)?.data).map_err(|e| wrong(e.to_string()))?;
    let mut state = State::new();
    for tx in &block.transactions {
        state.apply(tx, block.time, true).result.map_err(|refusal| wrong(refusal.to_string()))?;
    }
    if state.genesis().is_none() {
        return Err(wrong("it is empty".into()));
    }
    Ok((block, state))
}

impl Chain {
    /// Opens the ledger of a log, with its genesis block applied and nothing else.
    pub(super) fn open(log: Arc<LedgerLog>) -> Result<Self, ConsensusError> {
        let (block, state) = genesis_of(&log)?;
        let algorithm = state.genesis().map(|genesis| genesis.hash).unwrap_or_default();
        let leaves: Vec<Hash> = block.transactions.iter().map(|tx| tx.leaf(algorithm)).collect();
        let dir = log.dir().join("tree");
        let mut tree = TreeStore::open(&dir, algorithm)?;
        // Every node is compared with the ledger from here on.
        TreeStore::mended(&dir)?;
        tree.append(&leaves)?;
        let blocks = vec![BlockSlot { raft_index: 1, first_index: 0, time: state.time() }];
        Ok(Self::of(log, state, History { tree, blocks, refusals: BTreeMap::new() }, 1))
    }

    /// The id of the chain of which a log holds the genesis.
    pub(super) fn open_id(log: &LedgerLog) -> Result<String, ConsensusError> {
        Ok(genesis_of(log)?.1.chain().to_owned())
    }

    /// The ledger as a snapshot has it, with its tree opened at that size.
    pub(super) fn resume(log: Arc<LedgerLog>, snapshot: Snapshot, tree: TreeStore) -> Self {
        let Snapshot { head, blocks, refusals, state, .. } = snapshot;
        Self::of(log, state, History { tree, blocks, refusals }, head.raft_index)
    }

    /// The ledger at the end of a copied log.
    pub(super) fn of_copy(
        log: Arc<LedgerLog>,
        (state, tree): (State, TreeStore),
        blocks: Vec<BlockSlot>,
        refusals: BTreeMap<u64, Refusal>,
    ) -> Self {
        let raft_index = log.last_index();
        Self::of(log, state, History { tree, blocks, refusals }, raft_index)
    }

    fn of(log: Arc<LedgerLog>, state: State, history: History, raft_index: u64) -> Self {
        let head = history.head(&state);
        let applied = Applied { height: head.height, size: head.size, time: head.time, raft_index };
        Self {
            id: state.chain().to_owned(),
            algorithm: history.tree.view().algorithm(),
            log,
            state: RwLock::new(state),
            history: RwLock::new(history),
            applied: watch::Sender::new(applied),
            spent: Default::default(),
        }
    }

    /// This moment of the ledger, without a copy of it: `time` is the last block's own. Only the thread that applies may
    /// call this, when `raft_index` was applied last.
    pub(super) fn capture(self: &Arc<Self>, node_id: u64, raft_index: u64, mark: Mark) -> Capture {
        let state = self.state.read().clone();
        let history = self.history.read();
        let Head { size, root, state: digest, .. } = history.head(&state);
        let term = self.log.term(raft_index).unwrap_or_default();
        let (chain, algorithm) = (self.id.clone(), self.algorithm);
        let Mark { time, all_valid, heads } = mark;
        Capture {
            head: SnapshotHead { chain, algorithm, node_id, raft_index, term, size, root, state: digest },
            time,
            all_valid,
            tree: history.tree.view(),
            heads,
            blocks: history.blocks.len(),
            state,
            chain: self.clone(),
        }
    }

    /// Some blocks from a height on, at most `max`.
    pub(super) fn slots(&self, from: usize, max: usize) -> Vec<BlockSlot> {
        let history = self.history.read();
        history.blocks.iter().skip(from).take(max).cloned().collect()
    }

    /// Some refusals of `[from, end)`, at most `max`.
    pub(super) fn refusals(&self, from: u64, end: u64, max: usize) -> Vec<(u64, Refusal)> {
        let history = self.history.read();
        let refusals = history.refusals.range(from.min(end)..end).take(max);
        refusals.map(|(index, refusal)| (*index, refusal.clone())).collect()
    }

    /// Index of the first transaction of the last block.
    pub(super) fn last_begins(&self) -> u64 {
        self.history.read().blocks.last().map_or(0, |block| block.first_index)
    }

    /// Applies the next block. `verified` says of each transaction whether its signature fits, or
    /// `None` when its signer was unknown before this block. An error of the tree's files is fatal to the process, and so
    /// is an edition that this program does not know.
    pub(super) fn apply(
        &self,
        raft_index: u64,
        block: &Block,
        verified: &[Option<bool>],
    ) -> Result<Effect, ConsensusError> {
        let leaf = |tx: &Transaction| tx.leaf(self.algorithm);
        let leaves: Vec<Hash> = self.spent.1.count(|| block.transactions.iter().map(leaf).collect());
        let mut state = self.state.write();
        let first_index = state.size();
        let time = block.time.max(state.time());
        let mut outcomes = Vec::with_capacity(leaves.len());
        for (at, tx) in block.transactions.iter().enumerate() {
            let verified = match verified.get(at).copied().flatten() {
                Some(verified) => verified,
                // A key that came with this very block may sign in it already.
                None => state.key(tx.key()).is_some_and(|known| tx.verify(&self.id, &known.key).is_ok()),
            };
            outcomes.push(state.apply(tx, time, verified));
        }
        let edition = state.edition();
        if edition > NEWEST {
            // What follows may mean something that this program would misread: it goes no further, and cosigns nothing of it.
            return Err(ConsensusError::Edition { edition });
        }
        let mut history = self.history.write();
        self.spent.1.count(|| history.tree.append(&leaves))?;
        for outcome in &outcomes {
            if let Err(refusal) = &outcome.result {
                history.refusals.insert(outcome.index, refusal.clone());
            }
        }
        history.blocks.push(BlockSlot { raft_index, first_index, time });
        let head = history.head(&state);
        Ok(Effect { leaves, outcomes, head })
    }

    /// Tells everyone that the log is applied up to an entry.
    pub(super) fn publish(&self, raft_index: u64) {
        let (height, size, time) = {
            let history = self.history.read();
            let last = history.blocks.last();
            let height = history.blocks.len().saturating_sub(1) as u64;
            (height, history.tree.size(), last.map_or(Millis(0), |block| block.time))
        };
        self.applied.send_replace(Applied { height, size, time, raft_index });
    }

    /// The outcome that counts for whoever submitted: of a repeated transaction, its first one.
    pub(super) fn first_outcome(&self, outcome: Outcome) -> Outcome {
        let Err(Refusal::Repeated { first }) = outcome.result else { return outcome };
        let result = self.refusal(first).map_or(Ok(()), Err);
        Outcome { index: first, id: outcome.id, result }
    }

    /// Processor time of this node's work on the ledger, by part.
    pub fn spent(&self) -> [(&'static str, Duration); 4] {
        let (log, flush) = self.log.spent();
        [("verify_blocks", self.spent.0.total()), ("hash", self.spent.1.total()), ("log", log), ("flush", flush)]
    }

    /// The chain's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Digest of the tree.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The state. Hold the guard briefly and never two at once in one thread: blocks wait for it,
    /// and a second one would wait behind them.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    /// Transactions applied.
    pub fn size(&self) -> u64 {
        self.history.read().tree.size()
    }

    /// Number of the last applied block.
    pub fn height(&self) -> u64 {
        self.history.read().blocks.len().saturating_sub(1) as u64
    }

    /// Root of the tree over everything applied.
    pub fn root(&self) -> Hash {
        self.history.read().tree.root()
    }

    /// Size and root together, as a checkpoint states them.
    pub fn head(&self) -> (u64, Hash) {
        let history = self.history.read();
        (history.tree.size(), history.tree.root())
    }

    /// The ledger as its last block left it.
    pub(super) fn tip(&self) -> Head {
        let state = self.state.read();
        self.history.read().head(&state)
    }

    /// The ledger as its last applied block left it.
    pub fn reached(&self) -> Reached {
        let state = self.state.read();
        let history = self.history.read();
        let Head { size, root, state, .. } = history.head(&state);
        Reached { raft_index: history.blocks.last().map_or(0, |block| block.raft_index), size, root, state }
    }

    /// The log that holds the ledger.
    pub fn log(&self) -> &Arc<LedgerLog> {
        &self.log
    }

    /// What is to be signed of a head.
    pub(super) fn checkpoint_of(&self, head: &Head) -> Checkpoint {
        Checkpoint::new(&self.id, self.algorithm, head.size, head.root, head.state)
    }

    /// Block time of a transaction.
    pub fn time_of(&self, index: u64) -> Option<Millis> {
        let history = self.history.read();
        let at = history.blocks.partition_point(|block| block.first_index <= index).checked_sub(1)?;
        history.blocks.get(at).filter(|_| index < history.tree.size()).map(|block| block.time)
    }

    /// Reads from the tree as it is now, without holding up its growth.
    fn read_tree<T>(&self, read: impl FnOnce(&TreeView) -> Result<Option<T>, StorageError>) -> Option<T> {
        read(&self.tree()).unwrap_or_else(|error| {
            tracing::error!(%error, "a proof cannot be made");
            None
        })
    }

    /// The tree as it is now.
    pub fn tree(&self) -> TreeView {
        self.history.read().tree.view()
    }

    /// Root of the tree when it had `size` leaves; `None` when it never had. Here and in the next three, also when the
    /// tree's files cannot be read, which is reported in the node's log.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.read_tree(|tree| tree.root_at(size))
    }

    /// Leaf of a transaction.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.read_tree(|tree| Ok(tree.inclusion(index, tree.size())?.map(|(leaf, _)| leaf)))
    }

    /// Proof that a leaf stands in the tree of a size (RFC 6962, 2.1.1).
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        self.read_tree(|tree| Ok(tree.inclusion(index, size)?.map(|(_, path)| path)))
    }

    /// Proof that one tree is the beginning of another (RFC 6962, 2.1.2).
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        self.read_tree(|tree| tree.consistency(from, to))
    }

    /// Why a transaction was refused; `None` when it was not, or does not exist.
    pub fn refusal(&self, index: u64) -> Option<Refusal> {
        self.history.read().refusals.get(&index).cloned()
    }

    /// How far this node has applied the ledger.
    pub fn progress(&self) -> Applied {
        *self.applied.borrow()
    }

    /// Follows how far this node has applied the ledger.
    pub fn applied(&self) -> watch::Receiver<Applied> {
        self.applied.subscribe()
    }

    /// Where the file with a block should be, when it was moved to an archive that is not at hand.
    pub fn archived_block(&self, height: u64) -> Option<PathBuf> {
        let raft_index = self.history.read().blocks.get(usize::try_from(height).ok()?)?.raft_index;
        self.log.out_of_reach(raft_index)
    }

    /// The same of a transaction.
    pub fn archived_at(&self, index: u64) -> Option<PathBuf> {
        let raft_index = {
            let history = self.history.read();
            let at = history.blocks.partition_point(|block| block.first_index <= index).checked_sub(1)?;
            history.blocks.get(at)?.raft_index
        };
        self.log.out_of_reach(raft_index)
    }

    /// The block that holds a transaction, and the transaction's place in it.
    pub fn at(&self, index: u64) -> Option<(AppliedBlock, usize)> {
        let height = {
            let history = self.history.read();
            if index >= history.tree.size() {
                return None;
            }
            history.blocks.partition_point(|block| block.first_index <= index).checked_sub(1)?
        };
        let block = self.block(height as u64)?;
        let offset = usize::try_from(index.checked_sub(block.first_index)?).ok()?;
        (offset < block.transactions.len()).then_some((block, offset))
    }

    /// A block with its outcomes, read from the log. `None` when it is not applied yet; a block
    /// that cannot be read is reported in the node's log.
    pub fn block(&self, height: u64) -> Option<AppliedBlock> {
        let mut block = self.block_unread(height)?;
        for (tx, outcome) in block.transactions.iter().zip(&mut block.outcomes) {
            outcome.id = Payload::decode(tx.payload()).ok().map(|payload| payload.id);
        }
        Some(block)
    }

    /// The same for who reads the payloads anyway: its outcomes name no ids.
    pub fn block_unread(&self, height: u64) -> Option<AppliedBlock> {
        let at = usize::try_from(height).ok()?;
        let (raft_index, first_index, time) = {
            let history = self.history.read();
            let slot = history.blocks.get(at)?;
            (slot.raft_index, slot.first_index, slot.time)
        };
        let transactions = match self.log.entry(raft_index) {
            Ok(record) => Block::decode(&record.data).map(|block| block.transactions).ok()?,
            Err(error) => {
                tracing::error!(height, %error, "a block cannot be read");
                return None;
            }
        };
        let outcomes = self.outcomes(first_index, transactions.len());
        Some(AppliedBlock { height, time, first_index, transactions, outcomes })
    }

    fn outcomes(&self, first_index: u64, count: usize) -> Vec<Outcome> {
        let history = self.history.read();
        let indexed = (first_index..).take(count);
        indexed
            .map(|index| {
                let result = history.refusals.get(&index).cloned().map_or(Ok(()), Err);
                Outcome { index, id: None, result }
            })
            .collect()
    }
}
