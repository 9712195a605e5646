//! Begins a node with the ledger of others: fetched from whoever gives it, believed because enough departments cosigned
//! it, and in its place only when it is proven.
//!
//! What is not in the tree (terms, and changes of consensus' members) is believed as it is believed from a leader.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::consensus::{Consensus, Copied};
use crate::ids::DepartmentId;
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::service::config::{NodeConfig, read_genesis};
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;
use crate::storage::{Record, whole_file};

use super::CopyError;
use super::lender::Lender;
use super::track::Track;
use super::witness::Care;

pub use super::lender::{Source, sources};

/// How often a newer checkpoint is asked for when the last one is reached.
const ROUNDS_MAX: usize = 4;

/// How far the copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Transactions that are here.
    pub size: u64,
    /// Transactions that there are to come.
    pub of: u64,
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Entries of consensus' log.
    pub entries: u64,
    /// Transactions, all of them proven.
    pub size: u64,
    /// Who cosigned them.
    pub cosigners: Vec<DepartmentId>,
    /// Who gave them.
    pub from: Vec<DepartmentId>,
    /// The number that this department's node has on the copied ledger.
    pub number: Option<u64>,
}

/// Fills an empty data folder with the ledger of other nodes, proven against a checkpoint that enough departments
/// cosigned, so that consensus goes on from there. A copy that was interrupted goes on where it was.
///
/// # Errors
/// [`CopyError::Usage`] when the folder holds a ledger; [`CopyError::Unavailable`] when nobody gives one that can be
/// proven, with each node's reason; others when files fail.
pub async fn pull(
    config: &NodeConfig,
    peers: &[Source],
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Pulled, CopyError> {
    check_empty(config)?;
    let (genesis, _) = read_genesis(&config.genesis).map_err(CopyError::Usage)?;
    let mut lenders = offers(config, peers, &genesis).await;
    let mut reasons = std::mem::take(&mut lenders.reasons);
    let mut copy: Option<Copy> = None;
    let mut from: Vec<DepartmentId> = Vec::new();
    for (lender, target, _) in &lenders.found {
        let mut present = match copy.take() {
            Some(copy) => copy,
            None => Copy::resume(config).await?,
        };
        from.push(lender.department.clone());
        match present.fill(lender, target.clone(), &mut progress).await {
            Ok(cosigners) => return present.install(config, genesis, cosigners, from, &lenders).await,
            // Another may go on from here.
            Err(why @ CopyError::Unavailable(_)) => {
                reasons.push(why.to_string());
                copy = Some(present);
            }
            // Whose it was cannot be told: nothing of it is kept.
            Err(why @ CopyError::NotValid(_)) => {
                reasons.push(format!("{}: {why}", lender.department));
                present.discard()?;
                from.clear();
            }
            Err(why) => return Err(why),
        }
    }
    Err(CopyError::Unavailable(format!("no node gives its ledger: {}", reasons.join("; "))))
}

/// Who gives how much, the most first.
#[derive(Default)]
struct Lenders {
    found: Vec<(Lender, SignedCheckpoint, u64)>,
    words: Vec<SignedCheckpoint>,
    reasons: Vec<String>,
}

async fn offers(config: &NodeConfig, peers: &[Source], genesis: &Transaction) -> Lenders {
    let chain = chain_id(genesis.payload());
    let mut all = Lenders::default();
    let asked = peers.iter().map(|peer| async {
        let lender = Lender::new(config, peer).await?;
        let offer = lender.offer().await?;
        Ok::<_, CopyError>((lender, offer))
    });
    for answer in futures_util::future::join_all(asked).await {
        let (lender, offer) = match answer {
            Ok(answer) => answer,
            Err(why) => {
                all.reasons.push(why.to_string());
                continue;
            }
        };
        let note = offer.checkpoint.as_deref().and_then(|text| SignedCheckpoint::parse(text).ok());
        match note.filter(|note| offer.version == 1 && offer.chain == chain && note.checkpoint().chain() == chain) {
            Some(note) => {
                all.words.extend(offer.word.as_deref().and_then(|text| SignedCheckpoint::parse(text).ok()));
                let size = note.checkpoint().size;
                all.found.push((lender, note, size));
            }
            None => all.reasons.push(format!("{}: it has no cosigned checkpoint of this chain", lender.department)),
        }
    }
    all.found.sort_by_key(|(_, _, size)| std::cmp::Reverse(*size));
    all
}

fn pulling(config: &NodeConfig, what: &str) -> PathBuf {
    config.data_dir.join(format!("{what}.pulling"))
}

/// Whether a node's folder has no ledger yet, so that it may begin with a copy.
pub fn is_empty(config: &NodeConfig) -> bool {
    check_empty(config).is_ok()
}

/// A folder that holds a ledger or a store is a node's, unless this very work was interrupted at its end.
fn check_empty(config: &NodeConfig) -> Result<(), CopyError> {
    let is_ours = pulling(config, "ledger").exists();
    let holds = |dir: PathBuf| fs::read_dir(dir).is_ok_and(|mut listing| listing.next().is_some());
    if holds(config.ledger_dir()) || (holds(config.store_dir()) && !is_ours) {
        let dir = config.data_dir.display();
        return Err(CopyError::Usage(format!(
            "{dir} holds a ledger or a store already: a copy begins with neither; move both aside first if they are lost"
        )));
    }
    Ok(())
}

/// The copy so far.
struct Copy {
    dir: PathBuf,
    log: Arc<LedgerLog>,
    track: Track,
    /// What proves it, in the end.
    proof: Option<SignedCheckpoint>,
}

impl Copy {
    /// Goes on with what an interrupted copy left.
    async fn resume(config: &NodeConfig) -> Result<Self, CopyError> {
        let dir = pulling(config, "ledger");
        let log = Arc::new(LedgerLog::open(&dir)?);
        let kept = log.clone();
        match blocking(move || Track::of(&kept, Care::Weighty)).await {
            Ok(track) => Ok(Self { dir, log, track, proof: None }),
            Err(CopyError::NotValid(_)) => {
                drop(log);
                fs::remove_dir_all(&dir).map_err(CopyError::io(&dir))?;
                let log = Arc::new(LedgerLog::open(&dir)?);
                let track = Track::new(&dir, Care::Weighty);
                Ok(Self { dir, log, track, proof: None })
            }
            Err(why) => Err(why),
        }
    }

    fn discard(self) -> Result<(), CopyError> {
        drop(self.log);
        fs::remove_dir_all(&self.dir).map_err(CopyError::io(&self.dir))
    }

    /// Fetches from a node until its newest checkpoint is reached and proven; answers who cosigned that.
    async fn fill(
        &mut self,
        lender: &Lender,
        mut target: SignedCheckpoint,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Vec<DepartmentId>, CopyError> {
        if target.checkpoint().size < self.size() {
            return Err(CopyError::Unavailable(format!("{}: it has less than is here", lender.department)));
        }
        for _ in 1..ROUNDS_MAX {
            self.reach(lender, &target, progress).await?;
            let newer = lender.offer().await.ok().and_then(|offer| SignedCheckpoint::parse(&offer.checkpoint?).ok());
            match newer.filter(|newer| newer.checkpoint().size > self.size()) {
                Some(newer) => target = newer,
                None => break,
            }
        }
        self.reach(lender, &target, progress).await?;
        self.prove(target).await
    }

    async fn reach(
        &mut self,
        lender: &Lender,
        target: &SignedCheckpoint,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), CopyError> {
        let of = target.checkpoint().size;
        if self.size() >= of {
            return Ok(());
        }
        let mut records = lender.entries(self.log.last_index() + 1).await?;
        while let Some(last) = records.last() {
            // The next ones come while these are followed.
            let next = last.index + 1;
            let (taken, following) = tokio::join!(self.take(records, of), lender.entries(next));
            taken?;
            progress(Progress { size: self.size(), of });
            if self.size() >= of {
                return Ok(());
            }
            records = following?;
        }
        Err(CopyError::Unavailable(format!("{}: it has fewer entries than its checkpoint says", lender.department)))
    }

    /// Transactions that are here.
    fn size(&self) -> u64 {
        self.track.witness.size()
    }

    /// Takes entries up to the block that fills the size.
    async fn take(&mut self, records: Vec<Record>, size: u64) -> Result<(), CopyError> {
        let mut track = std::mem::replace(&mut self.track, Track::new(&self.dir, Care::Weighty));
        let log = self.log.clone();
        self.track = blocking(move || {
            track.take(&log, &records, size)?;
            Ok(track)
        })
        .await?;
        Ok(())
    }

    /// Holds what is here against a checkpoint. A ledger in which a transaction has a bad signature takes a second look.
    async fn prove(&mut self, target: SignedCheckpoint) -> Result<Vec<DepartmentId>, CopyError> {
        if !self.track.witness.is_as(target.checkpoint()) {
            let log = self.log.clone();
            self.track = blocking(move || Track::of(&log, Care::All)).await?;
        }
        let cosigners = self.track.witness.proven_by(&target)?;
        self.proof = Some(target);
        Ok(cosigners)
    }

    /// Puts ledger and store in their places.
    async fn install(
        self,
        config: &NodeConfig,
        genesis: Transaction,
        cosigners: Vec<DepartmentId>,
        from: Vec<DepartmentId>,
        lenders: &Lenders,
    ) -> Result<Pulled, CopyError> {
        let state = self.track.witness.state();
        let keys = state.cosigner_keys();
        let own = keys.get(&config.department).map(|keys| (config.department.clone(), keys.clone()));
        let own = own.into_iter().collect();
        let signed = lenders.words.iter().filter(|note| note.cosigners(&own).is_ok_and(|by| !by.is_empty()));
        let word = signed.max_by_key(|note| note.checkpoint().size).cloned();
        let number = state.member(&config.department).map(|member| member.node_id);
        let (entries, size) = (self.log.last_index(), self.size());
        let (config, dir, log, proof, track) = (config.clone(), self.dir, self.log, self.proof, self.track);
        blocking(move || {
            let store_dir = pulling(&config, "store");
            if store_dir.exists() {
                fs::remove_dir_all(&store_dir).map_err(CopyError::io(&store_dir))?;
            }
            let store = Arc::new(NodeStore::open(&store_dir)?);
            let followed = track.end()?;
            let copied = Copied::FromPeers { word, all_valid: followed.all_valid };
            Consensus::install_copy(&log, &store, &genesis, copied)?;
            Consensus::write_snapshot(&log, config.own().map_or(0, |own| own.node_id), followed)?;
            drop((store, log));
            if config.store_dir().exists() {
                // Left by the same work, interrupted between the two names, or empty.
                fs::remove_dir_all(config.store_dir()).map_err(CopyError::io(&config.store_dir()))?;
            }
            if config.ledger_dir().exists() {
                fs::remove_dir(config.ledger_dir()).map_err(CopyError::io(&config.ledger_dir()))?;
            }
            if let Some(proof) = proof {
                // For whoever audits the folder, as a running node writes it.
                whole_file::replace(&dir.join("checkpoint"), proof.encode().as_bytes())?;
            }
            whole_file::sync_all(&store_dir)?;
            whole_file::sync_all(&dir)?;
            whole_file::rename(&store_dir, &config.store_dir())?;
            whole_file::rename(&dir, &config.ledger_dir())?;
            Ok(())
        })
        .await?;
        Ok(Pulled { entries, size, cosigners, from, number })
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    let ended = |why| CopyError::Unavailable(format!("the work ended early: {why}"));
    tokio::task::spawn_blocking(work).await.map_err(ended)?
}
