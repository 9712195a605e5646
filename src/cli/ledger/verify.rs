//! `mulu ledger verify`: checks everything that a ledger claims.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::receipt;
use crate::ids::DepartmentId;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::trust::TrustPolicy;
use crate::storage::is_in_use;
use crate::storage::tree_reader::TreeReader;

use super::From;
use super::export::read_checkpoint;
use super::progress::Progress;
use super::replay::Replay;
use super::resume::{ResumeFile, Verified};
use super::source::Place;
use super::workers;

/// Threads that anybody has use for.
const THREADS_MAX: u64 = 256;

/// Exits with 0 when everything holds, with 1 and the first leaf or file at fault otherwise. A running node's folder may
/// be read; what it writes meanwhile may be missed.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    pub(super) from: From,
    /// A signed checkpoint that the ledger must contain, beside the one that lies with it
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// The chain that it must be
    #[arg(long, value_name = "ID")]
    pub(super) chain: Option<String>,
    /// Whom to trust, as for receipts; otherwise as many of the ledger's own departments as its genesis says
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Remember in this file what was verified, and do not check those signatures again
    #[arg(long, value_name = "FILE")]
    pub(super) resume: Option<PathBuf>,
    /// Cores to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(super) threads: Option<u64>,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), CliError> {
        let place = self.from.place()?;
        let own = place.checkpoint()?;
        let brought = self.checkpoint.as_deref().map(read_checkpoint).transpose()?;
        let (mut file, earlier) = match &self.resume {
            Some(path) => ResumeFile::open(path).map(|(file, earlier)| (Some(file), earlier))?,
            None => (None, None),
        };
        let mut replay = Replay::new(stored_tree(&place));
        demand(&mut replay, own.as_ref(), brought.as_ref(), earlier.as_ref());
        let begun = Instant::now();
        let mut source = place.open(own.as_ref())?;
        let mut progress = Progress::new(own.as_ref().map(|signed| signed.checkpoint().size));
        let threads = self.threads.and_then(|threads| usize::try_from(threads).ok());
        let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let ran = workers::run(source.as_mut(), &mut replay, threads, |replay| {
            progress.tell(replay.size());
            match &mut file {
                Some(file) if file.is_due() && knows_better(earlier.as_ref(), replay) => file.write(&replay.verified()),
                _ => Ok(()),
            }
        });
        progress.clear();
        ran?;
        self.finish(&place, &mut replay, own.as_ref(), brought.as_ref())?;
        if let Some(why) = source.remark() {
            eprintln!("{why}");
        }
        if let Some(file) = &mut file {
            file.write(&replay.verified())?;
        }
        report(&replay, begun.elapsed(), threads);
        Ok(())
    }

    fn finish(
        &self,
        place: &Place,
        replay: &mut Replay,
        own: Option<&SignedCheckpoint>,
        brought: Option<&SignedCheckpoint>,
    ) -> Result<(), CliError> {
        if replay.size() == 0 && own.is_none() {
            return Err(CliError::usage("there is no ledger"));
        }
        replay.finish()?;
        let chain = replay.state().chain().to_owned();
        if let Some(expected) = self.chain.as_ref().filter(|expected| **expected != chain) {
            return Err(CliError::NotValid(format!("this is the ledger of {chain}, not of {expected}")));
        }
        own.map_or(Ok(()), |own| self.trust(replay, own, true))?;
        brought.map_or(Ok(()), |brought| self.trust(replay, brought, false))?;
        if own.is_none() {
            eprintln!("no cosigned checkpoint lies with this ledger: whether its end was cut off cannot be told");
        }
        rest_of_tree(place, replay)
    }
}

impl Verify {
    /// Claims that those whom the auditor trusts cosigned a checkpoint. One that lies with the ledger must bear nothing
    /// else than signatures of its departments.
    fn trust(&self, replay: &Replay, signed: &SignedCheckpoint, lies_with_ledger: bool) -> Result<(), CliError> {
        let (state, checkpoint) = (replay.state(), signed.checkpoint());
        let not_valid = |why: String| CliError::NotValid(format!("the checkpoint of size {}: {why}", checkpoint.size));
        if checkpoint.chain() != state.chain() {
            return Err(not_valid(format!("it is of {}, not of {}", checkpoint.chain(), state.chain())));
        }
        let keys = state.cosigner_keys();
        if lies_with_ledger {
            // A key may have been revoked since: its line counts no more, and was no lie.
            signed.check_every_line(&state.keys_ever()).map_err(|e| not_valid(e.to_string()))?;
        }
        let policy = match &self.policy {
            Some(path) => receipt::policy(path)?,
            None => {
                let needed = if lies_with_ledger { state.cosignatures_min() } else { 1 };
                TrustPolicy::any(state.chain(), keys, needed).map_err(not_valid)?
            }
        };
        if policy.chain() != state.chain() {
            return Err(not_valid(format!("the policy is for {}", policy.chain())));
        }
        let cosigners = signed.cosigners(policy.departments()).map_err(|e| not_valid(e.to_string()))?;
        let cosigners: BTreeSet<DepartmentId> = cosigners.into_iter().map(|cosigner| cosigner.department).collect();
        policy.fulfilled(&cosigners).map_err(not_valid)?;
        let names: Vec<&str> = cosigners.iter().map(DepartmentId::as_str).collect();
        println!("checkpoint  size {}, cosigned by {}: contained", checkpoint.size, names.join(", "));
        Ok(())
    }
}

/// What the ledger must show, as others saw it before.
fn demand(
    replay: &mut Replay,
    own: Option<&SignedCheckpoint>,
    brought: Option<&SignedCheckpoint>,
    earlier: Option<&Verified>,
) {
    own.into_iter().for_each(|signed| replay.demand("the checkpoint that lies with the ledger", signed.checkpoint()));
    brought.into_iter().for_each(|signed| replay.demand("the given checkpoint", signed.checkpoint()));
    earlier.into_iter().for_each(|verified| replay.resume(verified));
}

/// The tree that a node keeps beside its log.
fn stored_tree(place: &Place) -> Option<TreeReader> {
    match place {
        Place::Log(dir) => Some(TreeReader::new(&dir.join("tree"))),
        Place::Tiles(_) | Place::Remote(_) => None,
    }
}

/// A node's tree never outlives its log: one that is longer shows that the log was cut.
fn rest_of_tree(place: &Place, replay: &mut Replay) -> Result<(), CliError> {
    let Place::Log(dir) = place else { return Ok(()) };
    let Some((path, bytes)) = replay.stored().map(TreeReader::rest).transpose()?.flatten() else { return Ok(()) };
    if is_in_use(dir) {
        eprintln!("the node goes on writing: what came after the first {} transactions is not checked", replay.size());
        return Ok(());
    }
    let why =
        format!("{} has {bytes} bytes more than the ledger's leaves: the ledger's end was cut off", path.display());
    Err(CliError::NotValid(why))
}

/// Whether this audit came further than an earlier one.
fn knows_better(earlier: Option<&Verified>, replay: &Replay) -> bool {
    earlier.is_none_or(|earlier| replay.size() > earlier.size)
}

fn report(replay: &Replay, took: Duration, threads: usize) {
    println!("VALID: every transaction is signed by the department that it names, and every rule, time and hash holds");
    println!("chain       {}", replay.state().chain());
    println!("size        {} transactions at {} block times", replay.size(), replay.blocks());
    println!("root        {}", replay.root());
    println!("state       {}", replay.state().digest());
    println!("refused     {} (by the ledger's rules; they stay in the ledger with their reasons)", replay.refused());
    for (code, count) in replay.refusals() {
        println!("            {count} {code}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
    let speed = replay.size() as f64 / took.as_secs_f64().max(0.001);
    println!("read at     {speed:.0} transactions/s ({:.2} s, {threads} threads)", took.as_secs_f64());
}
