//! What a snapshot of a node holds: the state, and what else the applied ledger needs besides its log.
//!
//! Form: `MULUSNP1`; the chain's id (1 byte length, text), its digest (`0` SM3, `1` SHA-256), the writer's node number,
//! index and term of the last applied entry of consensus' log, size (8 each), root (32), the state's digest (32), the
//! last block's own time in ms (8), whether its writer found every signature so far valid (1); the tree's peaks (32
//! each, one for each bit of the size); the last heads: count (8), then height, time, size (8 each), root, state's
//! digest; the blocks: count, then differences to the one before of log index, first index, time; the refusals: length
//! (4) and the JSON text `[index,refusal]`, until a length of 0; the state (`state/snapshot`). The blocks' numbers are in
//! base 128, least significant first, with bit 7 on all but the last byte; others big endian.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ledger::frontier::Frontier;
use crate::state::State;
use crate::state::outcome::Refusal;
use crate::state::snapshot::SnapshotError;
use crate::storage::snapshots::SnapshotReader;
use crate::storage::tree_store::TreeView;

use super::chain::{BlockSlot, Chain, Head};

const MAGIC: &[u8; 8] = b"MULUSNP1";
const REFUSAL_BYTES_MAX: u32 = 1024 * 1024;
/// Blocks or refusals that are copied under the chain's lock at once.
const PIECE: usize = 4096;

/// What a snapshot says of itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The chain's id.
    pub chain: String,
    /// The chain's digest.
    pub algorithm: HashAlgorithm,
    /// Number of the node that wrote it.
    pub node_id: u64,
    /// Index of the last entry of consensus' log that it includes.
    pub raft_index: u64,
    /// Term of that entry.
    pub term: u64,
    /// Transactions that it includes.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Digest of the state after them.
    pub state: Hash,
}

/// A moment of the applied ledger, to be written while the ledger goes on.
pub(super) struct Capture {
    pub(super) head: SnapshotHead,
    pub(super) time: Millis,
    pub(super) all_valid: bool,
    pub(super) tree: TreeView,
    pub(super) heads: Vec<Head>,
    pub(super) blocks: usize,
    pub(super) state: State,
    pub(super) chain: Arc<Chain>,
}

/// A snapshot as it was read.
pub(super) struct Snapshot {
    pub(super) head: SnapshotHead,
    pub(super) time: Millis,
    pub(super) all_valid: bool,
    pub(super) frontier: Frontier,
    pub(super) heads: Vec<Head>,
    pub(super) blocks: Vec<BlockSlot>,
    pub(super) refusals: BTreeMap<u64, Refusal>,
    pub(super) state: State,
}

/// Reads what a snapshot's file says of itself, without the state.
///
/// # Errors
/// [`SnapshotError`].
pub fn snapshot_head(path: &Path) -> Result<SnapshotHead, SnapshotError> {
    SnapshotHead::read(&mut SnapshotReader::open(path)?)
}

fn malformed(why: &str) -> SnapshotError {
    SnapshotError::Malformed(why.to_owned())
}

impl SnapshotHead {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        out.write_all(&[u8::try_from(self.chain.len()).map_err(io::Error::other)?])?;
        out.write_all(self.chain.as_bytes())?;
        out.write_all(&[u8::from(self.algorithm == HashAlgorithm::Sha256)])?;
        for number in [self.node_id, self.raft_index, self.term, self.size] {
            out.write_all(&number.to_be_bytes())?;
        }
        out.write_all(&self.root.0)?;
        out.write_all(&self.state.0)
    }

    fn read(input: &mut impl Read) -> Result<Self, SnapshotError> {
        if bytes::<8>(input)? != *MAGIC {
            return Err(malformed("it does not begin with MULUSNP1"));
        }
        let mut chain = vec![0; usize::from(bytes::<1>(input)?[0])];
        input.read_exact(&mut chain)?;
        let chain = String::from_utf8(chain).map_err(|_| malformed("its chain is no text"))?;
        let algorithm = match bytes::<1>(input)? {
            [0] => HashAlgorithm::Sm3,
            [1] => HashAlgorithm::Sha256,
            _ => return Err(malformed("its digest is unknown")),
        };
        let (node_id, raft_index, term, size) = (number(input)?, number(input)?, number(input)?, number(input)?);
        let (root, state) = (Hash(bytes(input)?), Hash(bytes(input)?));
        Ok(Self { chain, algorithm, node_id, raft_index, term, size, root, state })
    }
}

impl Capture {
    /// Writes it, piece by piece, so that the ledger waits for none of it.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.head.write(out)?;
        out.write_all(&self.time.0.to_be_bytes())?;
        out.write_all(&[u8::from(self.all_valid)])?;
        self.tree.frontier().peaks().iter().try_for_each(|peak| out.write_all(&peak.0))?;
        out.write_all(&(self.heads.len() as u64).to_be_bytes())?;
        for head in &self.heads {
            for number in [head.height, head.time.0, head.size] {
                out.write_all(&number.to_be_bytes())?;
            }
            out.write_all(&head.root.0)?;
            out.write_all(&head.state.0)?;
        }
        out.write_all(&(self.blocks as u64).to_be_bytes())?;
        let (mut at, mut before) = (0, BlockSlot::default());
        while at < self.blocks {
            let slots = self.chain.slots(at, PIECE.min(self.blocks - at));
            if slots.is_empty() {
                return Err(io::Error::other("the blocks are not there any more"));
            }
            at += slots.len();
            for slot in slots {
                varint(out, slot.raft_index - before.raft_index)?;
                varint(out, slot.first_index - before.first_index)?;
                varint(out, slot.time.since(before.time))?;
                before = slot;
            }
        }
        let mut next = 0;
        while let Some(refusals) =
            Some(self.chain.refusals(next, self.head.size, PIECE)).filter(|some| !some.is_empty())
        {
            for refused in refusals {
                let text = serde_json::to_vec(&refused).map_err(io::Error::other)?;
                out.write_all(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes())?;
                out.write_all(&text)?;
                next = refused.0 + 1;
            }
        }
        out.write_all(&[0; 4])?;
        self.state.write(out)
    }
}

impl Snapshot {
    /// Reads a snapshot's file to its end.
    pub(super) fn open(path: &Path) -> Result<Self, SnapshotError> {
        let mut reader = SnapshotReader::open(path)?;
        let snapshot = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(snapshot)
    }

    /// Reads what [`Capture::write`] wrote, and makes sure that its parts fit together.
    pub(super) fn read(input: &mut impl Read) -> Result<Self, SnapshotError> {
        let head = SnapshotHead::read(input)?;
        let (time, [all_valid]) = (Millis(number(input)?), bytes(input)?);
        let peaks: io::Result<_> = (0..head.size.count_ones()).map(|_| bytes(input).map(Hash)).collect();
        let frontier = Frontier::from_peaks(head.algorithm, head.size, peaks?);
        let frontier = frontier.filter(|frontier| frontier.root() == head.root);
        let frontier = frontier.ok_or_else(|| malformed("its root is not that of its peaks"))?;
        let mut heads = Vec::new();
        for _ in 0..number(input)? {
            let (height, time, size) = (number(input)?, Millis(number(input)?), number(input)?);
            let (root, state) = (Hash(bytes(input)?), Hash(bytes(input)?));
            heads.push(Head { height, time, size, root, state });
        }
        let blocks = read_blocks(input, &head)?;
        let refusals = read_refusals(input, head.size)?;
        let state = State::read(input)?;
        // The sums were computed anew from the items: this is the state that the digest is of.
        if (state.chain(), state.size(), state.digest()) != (&head.chain, head.size, head.state) {
            return Err(malformed("its state is not what its digest says"));
        }
        let is_last = |last: &Head| (last.size, last.root, last.state) == (head.size, head.root, head.state);
        let is_sorted = heads.is_sorted_by(|one, next| one.size <= next.size && one.height < next.height);
        if !is_sorted
            || !heads.last().is_some_and(is_last)
            || state.time() < blocks.last().map_or(Millis(0), |b| b.time)
        {
            return Err(malformed("its last block is not where it ends"));
        }
        Ok(Self { head, time, all_valid: all_valid == 1, frontier, heads, blocks, refusals, state })
    }
}

fn read_blocks(input: &mut impl Read, head: &SnapshotHead) -> Result<Vec<BlockSlot>, SnapshotError> {
    let wrong = || malformed("its blocks do not follow one another");
    let (mut blocks, mut before) = (Vec::new(), BlockSlot::default());
    for at in 0..number(input)? {
        let (raft_index, first_index, time) = (read_varint(input)?, read_varint(input)?, read_varint(input)?);
        let slot = BlockSlot {
            raft_index: before.raft_index.checked_add(raft_index).filter(|_| raft_index > 0).ok_or_else(wrong)?,
            first_index: before.first_index.checked_add(first_index).ok_or_else(wrong)?,
            time: Millis(before.time.0.checked_add(time).ok_or_else(wrong)?),
        };
        let is_genesis = (slot.raft_index, slot.first_index) == (1, 0);
        if slot.raft_index > head.raft_index || slot.first_index > head.size || (at == 0) != is_genesis {
            return Err(wrong());
        }
        before = slot.clone();
        blocks.push(slot);
    }
    if blocks.is_empty() { Err(wrong()) } else { Ok(blocks) }
}

fn read_refusals(input: &mut impl Read, size: u64) -> Result<BTreeMap<u64, Refusal>, SnapshotError> {
    let mut refusals = BTreeMap::new();
    loop {
        let length = u32::from_be_bytes(bytes(input)?);
        if length == 0 {
            return Ok(refusals);
        }
        let mut text = Vec::new();
        input.by_ref().take(u64::from(length.min(REFUSAL_BYTES_MAX))).read_to_end(&mut text)?;
        let (index, refusal): (u64, Refusal) =
            serde_json::from_slice(&text).map_err(|error| malformed(&error.to_string()))?;
        if index >= size || refusals.insert(index, refusal).is_some() {
            return Err(malformed("a refusal is not where it belongs"));
        }
    }
}

fn bytes<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    bytes(input).map(u64::from_be_bytes)
}

fn varint(out: &mut impl Write, mut value: u64) -> io::Result<()> {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            return out.write_all(&[low]);
        }
        out.write_all(&[low | 0x80])?;
    }
}

fn read_varint(input: &mut impl Read) -> Result<u64, SnapshotError> {
    let mut value = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = bytes(input)?;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            break;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(malformed("a number is too long"))
}
