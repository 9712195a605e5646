//! The part of an audit that any number of cores can share: leaf hashes and signatures.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parking_lot::Mutex;

use crate::cli::error::CliError;
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::{Check, KeyId, PublicKey, verify_all};
use crate::ledger::transaction::Transaction;

use super::replay::Replay;
use super::source::{Group, Leaf, Source};

/// Groups that wait for a core or for their turn, for each thread.
const AHEAD: usize = 2;

/// What is needed to look into a group.
#[derive(Clone)]
pub struct Ground {
    /// The chain's id.
    pub chain: Arc<str>,
    /// Digest of the tree.
    pub algorithm: HashAlgorithm,
    /// The keys known when the group was read. A key's id names one key for ever, so an old list is never wrong.
    pub keys: Arc<BTreeMap<KeyId, PublicKey>>,
    /// The signatures of leaves before this one were checked in an earlier audit.
    pub trusted: u64,
}

/// A group whose leaves are hashed and whose signatures are checked.
pub struct Checked {
    /// The group.
    pub group: Group,
    /// Of each leaf, whether its signature fits the key of that id; `None` when the key was not known.
    pub fits: Vec<Option<bool>>,
}

struct Job {
    group: Group,
    first: u64,
    ground: Ground,
    answer: SyncSender<Checked>,
}

impl Ground {
    /// Looks into a group whose first leaf has an index.
    pub fn check(&self, group: Group, first: u64) -> Checked {
        for leaf in &group.leaves {
            // Hashed here, where other cores can help; it is kept in the transaction.
            leaf.transaction.leaf(self.algorithm);
        }
        let mut fits = Vec::with_capacity(group.leaves.len());
        let mut signed: Vec<(usize, &PublicKey, &Transaction, Vec<u8>)> = Vec::with_capacity(group.leaves.len());
        for ((index, at), Leaf { transaction, .. }) in (first..).zip(0..).zip(&group.leaves) {
            let key = self.keys.get(&transaction.key());
            fits.push(if index < self.trusted { Some(true) } else { None });
            if let Some(key) = key.filter(|_| index >= self.trusted) {
                signed.push((at, key, transaction, transaction.message(&self.chain)));
            }
        }
        let is_sound = signed.iter().all(|(_, key, tx, _)| key.algorithm() == tx.algorithm());
        let checks: Vec<Check<'_>> =
            signed.iter().map(|(_, key, tx, message)| Check { key, message, signature: tx.signature() }).collect();
        let all_fit = is_sound && verify_all(&checks);
        for (at, key, tx, _) in &signed {
            if let Some(place) = fits.get_mut(*at) {
                *place = Some(all_fit || tx.verify(&self.chain, key).is_ok());
            }
        }
        drop(signed);
        Checked { group, fits }
    }
}

/// Reads a whole ledger, lets `threads` threads look into it, and applies it in order.
///
/// # Errors
/// The first thing that is wrong, in the ledger's order.
pub fn run(
    source: &mut dyn Source,
    replay: &mut Replay,
    threads: usize,
    mut told: impl FnMut(&Replay) -> Result<(), CliError>,
) -> Result<(), CliError> {
    std::thread::scope(|scope| {
        let (jobs, queue) = sync_channel::<Job>(threads * AHEAD);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = queue.clone();
            scope.spawn(move || work(&queue));
        }
        let mut pending: VecDeque<Receiver<Checked>> = VecDeque::new();
        let mut read = replay.size();
        let mut apply = |pending: &mut VecDeque<Receiver<Checked>>, replay: &mut Replay, most: usize| {
            while pending.len() > most {
                let Some(checked) = pending.pop_front() else { break };
                replay.apply(checked.recv().map_err(CliError::failed)?)?;
                told(replay)?;
            }
            Ok(())
        };
        // The genesis names the keys of all others: nothing can be checked together with it.
        let mut begun = false;
        while let Some(mut group) = read_on(source, &mut pending, replay, &mut apply)? {
            if !begun {
                let rest = group.leaves.split_off(group.leaves.len().min(1));
                let first = Group { leaves: std::mem::replace(&mut group.leaves, rest), tiles: Vec::new() };
                read += first.leaves.len() as u64;
                let fits = vec![None; first.leaves.len()];
                replay.apply(Checked { group: first, fits })?;
                begun = true;
            }
            let (answer, checked) = sync_channel(1);
            let count = group.leaves.len() as u64;
            let job = Job { group, first: read, ground: replay.ground(), answer };
            jobs.send(job).map_err(|_| CliError::failed("the threads of the audit ended early"))?;
            read += count;
            pending.push_back(checked);
            apply(&mut pending, replay, threads * AHEAD)?;
        }
        apply(&mut pending, replay, 0)
    })
}

/// The next group. What was read before a fault is applied first, so that the first fault is the one that is told.
fn read_on(
    source: &mut dyn Source,
    pending: &mut VecDeque<Receiver<Checked>>,
    replay: &mut Replay,
    apply: &mut impl FnMut(&mut VecDeque<Receiver<Checked>>, &mut Replay, usize) -> Result<(), CliError>,
) -> Result<Option<Group>, CliError> {
    match source.next() {
        Ok(group) => Ok(group),
        Err(fault) => apply(pending, replay, 0).and(Err(fault)),
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().recv();
        let Ok(Job { group, first, ground, answer }) = job else { return };
        // Whoever reads may have found a fault and gone.
        let _ = answer.send(ground.check(group, first));
    }
}
