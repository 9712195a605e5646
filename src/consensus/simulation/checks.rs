//! What must hold at every step. Each check panics with what it found.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use raft::eraftpb::{ConfState, Message, MessageType};

use crate::crypto::digest::Hash;

use super::disk::Disk;
use super::ledger::{Ledger, Stand};
use super::node::Process;

/// What all nodes together have shown so far.
#[derive(Default)]
pub(super) struct Checks {
    /// Who led in a term.
    leaders: BTreeMap<u64, u64>,
    /// Whom a node gave its vote in a term.
    votes: BTreeMap<(u64, u64), u64>,
    /// Digest of every log up to an entry of this index and term.
    logs: HashMap<(u64, u64), u64>,
    /// Digest of the log up to each committed entry, and in which term it was known to be committed.
    committed: Vec<(u64, u64)>,
    /// State and tree at each applied entry.
    stands: Vec<Option<Stand>>,
    /// What clients were told to be in the ledger, in that order.
    pub(super) acknowledged: Vec<Hash>,
}

fn has_majority(voters: &[u64], holds: impl Fn(u64) -> bool) -> bool {
    voters.is_empty() || voters.iter().filter(|voter| holds(**voter)).count() * 2 > voters.len()
}

impl Checks {
    /// How many terms had a leader.
    pub(super) fn elections(&self) -> u64 {
        self.leaders.len() as u64
    }

    /// Index of the last entry that any node knows to be committed.
    pub(super) fn commit(&self) -> u64 {
        self.committed.len() as u64 + 1
    }

    /// Equal index and term: equal logs up to there.
    pub(super) fn written(&mut self, node: u64, disk: &Disk) {
        for (index, term, chain) in disk.take_written() {
            let known = *self.logs.entry((index, term)).or_insert(chain);
            assert!(known == chain, "log matching: node {node} has another log up to entry {index} of term {term}");
        }
    }

    /// A node votes for one candidate a term.
    pub(super) fn heard(&mut self, message: &Message) {
        if message.get_msg_type() == MessageType::MsgRequestVoteResponse && !message.reject {
            let voted = *self.votes.entry((message.from, message.term)).or_insert(message.to);
            let (node, term) = (message.from, message.term);
            assert!(voted == message.to, "one vote: node {node} voted for {voted} and {} in term {term}", message.to);
        }
    }

    /// One leader a term, who has all that was committed in earlier terms. One who learns late that it was elected need
    /// not have what a later leader committed meanwhile.
    pub(super) fn leads(&mut self, node: u64, term: u64, disk: &Disk) {
        let is_news = !self.leaders.contains_key(&term);
        let leader = *self.leaders.entry(term).or_insert(node);
        assert!(leader == node, "one leader: {leader} and {node} lead in term {term}");
        let earlier = self.committed.partition_point(|(_, known_in)| *known_in < term);
        if let Some((last, _)) = self.committed[..earlier].last().filter(|_| is_news) {
            let index = earlier as u64 + 1;
            assert!(disk.chain_at(index) == Some(*last), "complete leaders: {node} of term {term} lacks entry {index}");
        }
    }

    /// What is committed stays so, is the same everywhere, and lies durably on a majority when it is first known.
    pub(super) fn committed(
        &mut self,
        (node, term): (u64, u64),
        commit: u64,
        disks: &[Arc<Disk>],
        members: &[ConfState],
    ) {
        let disk = |node: u64| &disks[usize::try_from(node).unwrap() - 1];
        let known = self.commit().min(commit);
        if known > 1 {
            let expected = self.committed.get(usize::try_from(known - 2).unwrap()).map(|(chain, _)| *chain);
            assert!(disk(node).chain_at(known) == expected, "committed stays: node {node} has another entry {known}");
        }
        if commit <= self.commit() {
            return;
        }
        for index in self.commit() + 1..=commit {
            let chain = disk(node).chain_at(index);
            let chain = chain.unwrap_or_else(|| panic!("node {node} committed {index} and does not have it"));
            // In the order of the log terms only grow, whoever says so first.
            let known_in = self.committed.last().map_or(term, |(_, before)| term.max(*before));
            self.committed.push((chain, known_in));
        }
        let chain = self.committed[self.committed.len() - 1].0;
        let holds = |voter: u64| disk(voter).holds(commit, chain);
        let is_durable =
            |members: &ConfState| has_majority(&members.voters, holds) && has_majority(&members.voters_outgoing, holds);
        let holders = || (1..=disks.len() as u64).filter(|node| holds(*node)).collect::<Vec<_>>();
        assert!(
            members.iter().any(is_durable),
            "durable majority: node {node} calls entry {commit} committed, which only {:?} hold",
            holders()
        );
    }

    /// State and root are equal at equal index; only what is committed is applied.
    pub(super) fn applied(&mut self, node: u64, index: u64, ledger: &Ledger) {
        assert!(index <= self.commit(), "node {node} applied entry {index}, which is not committed");
        let at = usize::try_from(index).unwrap();
        if self.stands.len() <= at {
            self.stands.resize(at + 1, None);
        }
        let stand = ledger.stand();
        let known = *self.stands[at].get_or_insert(stand);
        assert!(known == stand, "equal states: node {node} at entry {index} is {stand:?}, another {known:?}");
    }

    /// A fresh read sees all that was acknowledged before it began.
    pub(super) fn read(&self, node: u64, acknowledged: usize, ledger: &Ledger) {
        let missed = self.acknowledged.iter().take(acknowledged).find(|leaf| ledger.count(leaf) == 0);
        assert!(missed.is_none(), "fresh reads: node {node} misses {missed:?}");
    }

    /// At the end every node has everything that was acknowledged, and nothing twice.
    pub(super) fn end(&self, node: u64, process: &Process, transactions: impl Iterator<Item = Hash>) {
        let ledger = &process.ledger;
        let lost = self.acknowledged.iter().find(|leaf| ledger.count(leaf) == 0);
        assert!(lost.is_none(), "acknowledged is kept: node {node} lacks {lost:?}");
        for leaf in transactions {
            assert!(ledger.count(&leaf) <= 1, "exactly once: node {node} has {leaf:?} twice");
        }
    }
}
