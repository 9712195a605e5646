//! The follower: a thread that projects the ledger's blocks as they are applied.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::consensus::{Applied, Chain};
use crate::crypto::digest::Hash;
use crate::crypto::secret_digest;
use crate::domain::access::AccessRecord;
use crate::ids::DepartmentId;
use crate::state::applied::AppliedBlock;
use crate::storage::disk::Disk;

use super::database::Database;
use super::error::ReadError;
use super::position::{PositionRow, Projected, block_digest};
use super::search::Search;
use super::{ReadModel, projector};

/// Raised when the same ledger makes other rows than before: old projections are then rebuilt.
const PROJECTION_FORMAT: u32 = 4;
/// Bounds of one transaction, so that readers see progress and memory stays small.
const BATCH_BLOCKS_MAX: u64 = 200;
const BATCH_TIME_MAX: Duration = Duration::from_millis(250);
/// The follower's priority, 0 being the usual and 19 the lowest,
const NICE: i32 = 15;
/// once it has caught up, or has tried for so long: a node that starts is not ready before, and has little else to do.
const HURRY_MAX: Duration = Duration::from_secs(10);
/// How long to wait after a failure, such as a full disk, and at most for a signal.
const PAUSE: Duration = Duration::from_secs(1);

/// Where blocks come from: the chain of consensus, or a test's list.
pub trait BlockSource: Send + Sync + 'static {
    /// What the source tells with its signal; the follower only wants to know that it changed.
    type Mark: Send + Sync + 'static;
    /// Id of the chain, empty before its first block.
    fn chain_id(&self) -> String;
    /// An applied block, none when it is not applied yet.
    fn block(&self, height: u64) -> Option<AppliedBlock>;
    /// Changes each time a block was applied.
    fn applied(&self) -> watch::Receiver<Self::Mark>;
}

impl BlockSource for Chain {
    type Mark = Applied;

    fn chain_id(&self) -> String {
        self.id().to_owned()
    }

    fn block(&self, height: u64) -> Option<AppliedBlock> {
        // Payloads are read while they are projected.
        self.block_unread(height)
    }

    fn applied(&self) -> watch::Receiver<Applied> {
        Self::applied(self)
    }
}

/// Opens the sealed subject of a record; none when it is not for this node or cannot be opened.
pub type SubjectOpener = Arc<dyn Fn(&AccessRecord) -> Option<String> + Send + Sync>;

/// What makes a node the auditor's: it sees every access and finds those about a person.
#[derive(Clone)]
pub struct Audit {
    opener: SubjectOpener,
    index_key: Arc<Zeroizing<Vec<u8>>>,
}

impl Audit {
    /// `index_key` must be secret, of at least 32 bytes, and the same at every start.
    pub fn new(opener: SubjectOpener, index_key: Zeroizing<Vec<u8>>) -> Self {
        Self { opener, index_key: Arc::new(index_key) }
    }

    /// What the projection stores in place of a subject: an HMAC-SM3, so that the file alone tells
    /// nothing, although ID numbers could be guessed through.
    pub fn subject_key(&self, subject: &str) -> Hash {
        secret_digest(&self.index_key, subject.trim().to_uppercase().as_bytes())
    }
}

/// What a node projects.
#[derive(Clone)]
pub struct Options {
    /// The node's department.
    pub department: DepartmentId,
    /// On the auditor's node.
    pub audit: Option<Audit>,
    /// Projecting waits while it is full.
    pub disk: Arc<Disk>,
}

impl Options {
    /// Whether this node projects a record.
    pub(super) fn concerns(&self, record: &AccessRecord) -> bool {
        self.concerns_both(&record.consumer, &record.entry.provider)
    }

    /// Whether this node projects what stands between a consumer and a provider.
    pub(super) fn concerns_both(&self, consumer: &DepartmentId, provider: &DepartmentId) -> bool {
        self.audit.is_some() || [consumer, provider].contains(&&self.department)
    }

    pub(super) fn subject_key_of(&self, record: &AccessRecord) -> Option<Hash> {
        let audit = self.audit.as_ref()?;
        record.subject.as_ref()?;
        (audit.opener)(record).map(|subject| audit.subject_key(&subject))
    }

    /// Names what is projected and how; a projection with another name is rebuilt.
    fn scope(&self) -> String {
        let audit = self.audit.as_ref().map(|audit| audit.subject_key("scope").to_string());
        let key = audit.as_ref().and_then(|digest| digest.get(..16)).unwrap_or("own");
        format!("{PROJECTION_FORMAT} {} {key}", self.department)
    }
}

/// A running follower; dropping it stops its thread.
pub struct Follower {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread ends.
    ended: Receiver<()>,
    model: ReadModel,
}

impl Follower {
    /// Stops the thread and waits for its last batch, which is short; not for a server that does not answer, which throws
    /// away what was not committed.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.stop.send_replace(true);
        let Some(thread) = self.thread.take() else { return };
        while self.ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            if self.model.is_silent() {
                tracing::warn!("the follower of the read model is left waiting for its server");
                return;
            }
        }
        if thread.join().is_err() {
            tracing::error!("the follower of the read model panicked");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Starts to project blocks, from where the projection stands.
///
/// # Errors
/// [`ReadError::Database`] when the thread cannot be started.
pub fn start<S: BlockSource>(source: Arc<S>, model: ReadModel, options: Options) -> Result<Follower, ReadError> {
    let (stop, stopped) = watch::channel(false);
    let failed = |e: std::io::Error| ReadError::Database(format!("the follower cannot start: {e}"));
    // Only to wait on the two signals; the work itself is plain blocking code.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let (ending, ended) = std::sync::mpsc::channel();
    let followed = model.clone();
    let worker = Worker { source, model, scope: options.scope(), options, waiting: None, seat: None };
    let thread = std::thread::Builder::new()
        .name("follower".into())
        .spawn(move || {
            worker.run(&runtime, stopped);
            drop::<std::sync::mpsc::Sender<()>>(ending);
        })
        .map_err(failed)?;
    Ok(Follower { stop, thread: Some(thread), ended, model: followed })
}

/// The ledger comes first: when there is more to do than time, listings lag and catch up afterwards. Linux knows a
/// priority of each thread.
fn give_way() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the follower keeps the priority of the process");
    }
}

struct Worker<S> {
    source: Arc<S>,
    model: ReadModel,
    options: Options,
    scope: String,
    /// Open while it cannot be told yet whether the stored position belongs to this ledger.
    waiting: Option<(Database, bool)>,
    /// Open while the stored position is known to belong to this ledger.
    seat: Option<Seat>,
}

/// Listings go on where the search index cannot: it is tried again with the next batch.
fn follow_search(search: &Search, connection: &mut Database, chain: &str) {
    if let Err(error) = search.follow(connection, chain) {
        tracing::error!(%error, "the search index waits");
    }
}

struct Seat {
    connection: Database,
    chain: String,
    next_height: u64,
}

impl<S: BlockSource> Worker<S> {
    fn run(mut self, runtime: &tokio::runtime::Runtime, mut stopped: watch::Receiver<bool>) {
        let mut applied = self.source.applied();
        let (began, mut hurries) = (Instant::now(), true);
        while !*stopped.borrow() {
            // Seen before looking, so that no signal is lost between looking and waiting.
            applied.mark_unchanged();
            let step = self.step();
            self.model.note_answered();
            let caught_up = self.seat.is_some() && matches!(step, Ok(0));
            if step.is_ok() && (self.seat.is_some() || self.waiting.is_some()) {
                self.model.note(None);
            }
            if hurries && (caught_up || began.elapsed() > HURRY_MAX) {
                give_way();
                hurries = false;
            }
            let source_open = match step {
                Ok(0) => runtime.block_on(async {
                    tokio::select! {
                        changed = applied.changed() => changed.is_ok(),
                        _ = stopped.changed() => true,
                        () = tokio::time::sleep(PAUSE) => true,
                    }
                }),
                Ok(_) => true,
                Err(error) => {
                    self.recover(&error);
                    runtime.block_on(async {
                        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
                    });
                    true
                }
            };
            if !source_open {
                return;
            }
        }
    }

    /// Projects the next blocks; says how many.
    fn step(&mut self) -> Result<u64, ReadError> {
        if !self.options.disk.takes_work() {
            return Ok(0);
        }
        if self.model.is_damaged() {
            return Err(ReadError::Corrupt("a reader met damage".into()));
        }
        self.model.note_asked();
        if self.seat.is_none() {
            self.seat = self.take_seat()?;
        }
        let Some(seat) = &mut self.seat else { return Ok(0) };
        let (source, options, scope, chain) = (&self.source, &self.options, &self.scope, &seat.chain);
        let (model, search) = (&self.model, &self.model.shared.search);
        if search.needs_care() {
            // It may take minutes, without the database.
            model.note_answered();
            follow_search(search, &mut seat.connection, chain);
            model.note_asked();
        }
        let Some(first) = source.block(seat.next_height) else {
            // Readers are told of a server that went away, also when there is nothing to write.
            seat.connection.ping()?;
            return Ok(0);
        };
        let began = Instant::now();
        let last = seat.connection.write(|connection| {
            let mut block = first;
            for done in 1.. {
                projector::project(connection, options, &block)?;
                model.note_asked();
                let next = (done < BATCH_BLOCKS_MAX && began.elapsed() < BATCH_TIME_MAX)
                    .then(|| source.block(block.height + 1))
                    .flatten();
                match next {
                    Some(next) => block = next,
                    None => break,
                }
            }
            let position = PositionRow::after(&block, chain, scope);
            position.save(connection)?;
            Ok(position.projected())
        })?;
        model.note_answered();
        // Before anybody is told that the batch is there: who waits for an entry finds it.
        follow_search(search, &mut seat.connection, chain);
        let blocks = last.next_height() - seat.next_height;
        seat.next_height = last.next_height();
        self.model.shared.projected.send_replace(last);
        Ok(blocks)
    }

    /// Opens the file and checks that its position belongs to this chain, this scope and this very
    /// ledger; begins anew when not. None while the source does not know yet.
    fn take_seat(&mut self) -> Result<Option<Seat>, ReadError> {
        let chain = self.source.chain_id();
        if chain.is_empty() {
            return Ok(None);
        }
        let waiting = self.waiting.take();
        let (mut connection, mut is_new) = waiting.map_or_else(|| self.model.connect(), Ok)?;
        let mut projected = Projected::default();
        if let Some(row) = PositionRow::load(&mut connection)? {
            projected = row.projected();
            let same_kind = row.chain == chain && row.scope == self.scope;
            // A chain that replays its log after a start comes to this block sooner or later.
            let same_ledger = match self.source.block(projected.height) {
                None if same_kind => {
                    self.waiting = Some((connection, is_new));
                    return Ok(None);
                }
                block => block.is_some_and(|block| block_digest(&block).0.as_slice() == row.digest),
            };
            if !(same_kind && same_ledger) {
                tracing::warn!(chain, was = row.chain, "the projection is of another ledger or scope: beginning anew");
                drop(connection);
                self.model.restart(None)?;
                (connection, is_new) = self.model.connect()?;
                projected = Projected::default();
            }
        }
        if is_new {
            // Rows that were there before are in the index still.
            self.model.shared.search.begin_anew()?;
        }
        // A server that was away when the node started tells it now.
        self.model.shared.projected.send_replace(projected);
        Ok(Some(Seat { connection, chain, next_height: projected.next_height() }))
    }

    fn recover(&mut self, error: &ReadError) {
        (self.seat, self.waiting) = (None, None);
        match error {
            ReadError::Corrupt(cause) => {
                self.model.note_asked();
                let begun = self.model.restart(Some(cause));
                self.model.note_answered();
                self.model.note(begun.err().as_ref());
            }
            error => self.model.note(Some(error)),
        }
    }
}
