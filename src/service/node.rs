//! A department's node: everything that runs in one process, wired together once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::clock::{SharedClock, SystemClock};
use crate::consensus::{self, Chain, Consensus, ConsensusError, Timing, Wanted};
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::keys::Keys;
use crate::crypto::{CryptoError, tls};
use crate::domain::department_files::calendar::Calendar;
use crate::domain::department_files::city::Purpose;
use crate::domain::department_files::code_lists::CodeLists;
use crate::domain::department_files::templates::GrantTemplate;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::exchange::connector::{ConnectorFile, Connectors};
use crate::exchange::{self, Exchange, ExchangeError};
use crate::ids::{CaseId, DepartmentId};
use crate::ledger::transaction::Transaction;
use crate::policy::Engine;
use crate::readmodel::follower::{self, Audit, Follower};
use crate::readmodel::local::Local;
use crate::readmodel::{ReadError, ReadModel};
use crate::storage::StorageError;
use crate::storage::damaged::DAMAGED_DIR;
use crate::storage::disk::Disk;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

use super::audit::open_subject;
use super::changes::Changes;
use super::config::{ConfigError, NodeConfig};
use super::copy::lend::LOANS_MAX;
use super::copy::mend::check_local;
use super::copy::{CopyError, returned};
use super::deadlines::Waiting;
use super::departments::{self, DepartmentsError};
use super::error::ServiceError;
use super::listings::Listings;
use super::seams::{Licences, NodeLedger, Papers};
use super::sign_ins::SignIns;
use super::token_cache::TokenCache;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of the configuration cannot be used.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Keys or certificates.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The data directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Consensus.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    /// The databases.
    #[error(transparent)]
    Database(#[from] ReadError),
    /// The exchange.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The department's folder.
    #[error(transparent)]
    Departments(#[from] DepartmentsError),
    /// The node came back from a copy.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node and the ledger do not belong together.
    #[error("{0}")]
    Mismatch(String),
}

/// A running node. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    /// How it was set up.
    pub config: Arc<NodeConfig>,
    /// Whose it is.
    pub department: DepartmentId,
    /// What time it is.
    pub clock: SharedClock,
    /// The department's keys.
    pub(crate) keys: Keys,
    /// When the node's certificate ends.
    pub(crate) certificate_ends: Option<crate::clock::Millis>,
    /// Consensus.
    pub consensus: Arc<Consensus>,
    /// The applied ledger.
    pub chain: Arc<Chain>,
    /// The projection.
    pub model: ReadModel,
    /// What is local.
    pub local: Local,
    /// Queries between departments.
    pub exchange: Exchange,
    /// The room on the disk.
    pub disk: Arc<Disk>,
    /// The workflows of this department's cases.
    pub(crate) workflows: Arc<[WorkflowFile]>,
    /// The purposes that grants and queries may state.
    pub(crate) purposes: Arc<[Purpose]>,
    /// The formats and code tables that entries may name.
    pub(crate) code_lists: Arc<CodeLists>,
    /// Working days.
    pub(crate) calendar: Arc<Calendar>,
    /// Common matters.
    pub(crate) templates: Arc<[GrantTemplate]>,
    /// Requests that wait for this department.
    pub(crate) waiting: Arc<Mutex<Waiting>>,
    /// On the auditor's node.
    pub(crate) audit: Option<Audit>,
    pub(super) sign_ins: Arc<SignIns>,
    /// Tells open pages what changed.
    pub changes: Arc<Changes>,
    /// Cases that are being carried on now.
    pub(super) case_runs: Arc<Mutex<BTreeSet<CaseId>>>,
    pub(super) tokens: Arc<TokenCache>,
    pub(super) token_alarms: Arc<AtomicU64>,
    /// The node's small keyed data.
    pub(crate) store: Arc<NodeStore>,
    /// Places for other nodes that copy the ledger.
    pub(crate) loans: Arc<Semaphore>,
    /// Whether a backup is being taken.
    pub(crate) backing_up: Arc<AtomicBool>,
    pub(super) listings: Arc<Listings>,
    /// Whether the ledger was applied as far as the city has it at any time since the start.
    pub(super) caught_up: Arc<AtomicBool>,
    engine: Arc<Mutex<Option<Arc<Engine>>>>,
    follower: Arc<Mutex<Option<Follower>>>,
}

impl Node {
    /// Opens the data directory, begins the chain where there is none yet, and starts every part.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] with the part that does not start.
    pub fn start(config: NodeConfig) -> Result<Self, StartError> {
        tls::install_provider();
        let clock: SharedClock = Arc::new(SystemClock);
        let keys = Keys::load(&config.keys_dir, config.keys.secret()?.as_ref())?;
        let disk = Disk::watch(config.disk_folders(), config.limits.disk_reserve_mb.saturating_mul(1024 * 1024))?;
        let store = Arc::new(NodeStore::open(&config.store_dir())?);
        let consensus = Arc::new(start_consensus(&config, &keys, &store, &disk, &clock)?);
        let chain = consensus.chain();
        let is_auditor = check_identity(&config, &chain, &keys)?;
        let aside = config.data_dir.join(DAMAGED_DIR);
        let model = ReadModel::open_keeping(&config.model_dir(), &aside, config.database()?)?;
        check_local(&config)?;
        Local::check(&config.model_dir())?;
        let local = Local::open(&config.model_dir())?;
        let workflows: Arc<[WorkflowFile]> = departments::load_department(&config.department_dir())?.workflows.into();
        let purposes: Arc<[Purpose]> = departments::load_purposes(&config.departments_dir)?.into();
        let code_lists = Arc::new(departments::load_code_lists(&config.departments_dir)?);
        let calendar = Arc::new(departments::load_calendar(&config.departments_dir)?);
        let templates: Arc<[GrantTemplate]> = departments::load_templates(&config.departments_dir)?.into();
        let audit = is_auditor.then(|| auditor(&keys));
        let options =
            follower::Options { department: config.department.clone(), audit: audit.clone(), disk: disk.clone() };
        let follower = follower::start(chain.clone(), model.clone(), options)?;
        let ledger = NodeLedger { consensus: consensus.clone(), chain: chain.clone(), model: model.clone() };
        let exchange = Exchange::start(exchange::Settings {
            department: config.department.clone(),
            keys: keys.clone(),
            peers: exchange_addresses(&config, &consensus.wanted().borrow()),
            tls: tls::client_config(&config.tls_files()?)?,
            peer_timeout: Duration::from_millis(config.limits.query_timeout_ms),
            promise: Duration::from_millis(config.limits.promise_ms),
            zone: config.zone.clone(),
            connectors: connectors(&config)?.with_licences(Arc::new(Licences {
                local: local.clone(),
                model: model.clone(),
                clock: clock.clone(),
            })),
            materials: Arc::new(Papers { local: local.clone(), chain: chain.clone() }),
            store: Arc::new(exchange::Stored::new(store.clone(), disk.clone())),
            ledger: Arc::new(ledger),
            clock: clock.clone(),
        })?;
        let certificate_ends = Some(tls::certificate_ends(&config.tls_files()?.cert)?);
        let node = Self {
            department: config.department.clone(),
            config: Arc::new(config),
            clock,
            keys,
            certificate_ends,
            consensus,
            chain,
            model,
            local,
            exchange,
            disk,
            workflows,
            purposes,
            code_lists,
            calendar,
            templates,
            waiting: Arc::default(),
            audit,
            sign_ins: Arc::default(),
            changes: Arc::default(),
            case_runs: Arc::default(),
            tokens: Arc::default(),
            token_alarms: Arc::default(),
            store,
            loans: Arc::new(Semaphore::new(LOANS_MAX)),
            backing_up: Arc::default(),
            listings: Arc::default(),
            caught_up: Arc::default(),
            engine: Arc::default(),
            follower: Arc::new(Mutex::new(Some(follower))),
        };
        tokio::spawn(super::keys::follow(node.clone()));
        tokio::spawn(follow_addresses(node.clone()));
        tokio::spawn(super::expiry::watch(node.clone()));
        tokio::spawn(super::deadlines::watch(node.clone()));
        tokio::spawn(super::acts::watch(node.clone()));
        tokio::spawn(super::changes::watch(node.clone()));
        tokio::spawn(super::cases::go_on(node.clone()));
        tokio::spawn(super::health::tell(node.clone()));
        tokio::spawn(report_projection(node.consensus.clone(), node.model.clone()));
        Ok(node)
    }

    /// Stops every part in order; what waits goes on after the next start.
    pub async fn shutdown(&self) {
        self.exchange.shutdown().await;
        let (follower, consensus) = (self.follower.lock().take(), self.consensus.clone());
        let stopping = tokio::task::spawn_blocking(move || {
            if let Some(follower) = follower {
                follower.stop();
            }
            consensus.shutdown();
        });
        if stopping.await.is_err() {
            tracing::error!("the node did not stop in order");
        }
    }

    /// The formats and code tables that entries may name.
    pub fn code_lists(&self) -> &CodeLists {
        &self.code_lists
    }

    /// The purposes that grants and queries may state: code and name.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// The chain's id.
    pub fn chain_id(&self) -> &str {
        self.chain.id()
    }

    /// Digest of the chain's tree.
    pub fn hash_algorithm(&self) -> HashAlgorithm {
        self.chain.algorithm()
    }

    /// The rules in force on the ledger, ready to decide. Built anew when they change.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when the ledger's rules cannot be read.
    pub(crate) fn policy(&self) -> Result<Arc<Engine>, ServiceError> {
        let document = {
            let state = self.chain.state();
            let version = state.policy().map(|policy| policy.version);
            let kept = self.engine.lock();
            match kept.as_ref().filter(|engine| Some(engine.version()) == version) {
                Some(engine) => return Ok(engine.clone()),
                None => state.policy().cloned(),
            }
        };
        let document = document.ok_or_else(|| ServiceError::Internal("the ledger holds no rules".into()))?;
        let engine = Arc::new(Engine::new(&document).map_err(|e| ServiceError::Internal(e.to_string()))?);
        *self.engine.lock() = Some(engine.clone());
        Ok(engine)
    }
}

fn start_consensus(
    config: &NodeConfig,
    keys: &Keys,
    store: &Arc<NodeStore>,
    disk: &Arc<Disk>,
    clock: &SharedClock,
) -> Result<Consensus, StartError> {
    let log = Arc::new(LedgerLog::open(&config.ledger_dir())?);
    Consensus::install_genesis(&log, store, &read_genesis(config)?)?;
    let own = config.own().ok_or_else(|| StartError::Mismatch("this department is not among the nodes".into()))?;
    returned::check(&config.data_dir, own.node_id)?;
    let listener = TcpListener::bind(config.raft.listen)
        .map_err(|e| StartError::Mismatch(format!("cannot listen for consensus on {}: {e}", config.raft.listen)))?;
    let files = config.tls_files()?;
    let peer = |node: &super::config::NodeAddress| consensus::Peer {
        node_id: node.node_id,
        department: node.department.clone(),
        address: node.raft.clone(),
    };
    Ok(Consensus::start(consensus::Settings {
        node_id: own.node_id,
        department: config.department.clone(),
        keys: keys.clone(),
        checkpoint_file: config.checkpoint_file(),
        evidence_dir: config.evidence_dir(),
        peers: config.nodes.iter().map(peer).collect(),
        listener,
        tls_server: tls::server_config(&files)?,
        tls_client: tls::client_config(&files)?,
        log,
        store: store.clone(),
        disk: disk.clone(),
        clock: clock.clone(),
        limits: consensus::Limits::default(),
        timing: Timing { submit_timeout: Duration::from_millis(config.limits.submit_timeout_ms), ..Timing::default() },
    })?)
}

fn read_genesis(config: &NodeConfig) -> Result<Transaction, StartError> {
    let wrong = |why: String| StartError::File { path: config.genesis.clone(), why };
    let bytes = std::fs::read(&config.genesis).map_err(|e| wrong(e.to_string()))?;
    Transaction::decode(&bytes).map_err(|e| wrong(e.to_string()))
}

/// A node whose keys are not the department's would sign in vain: better to hear it at start. Says
/// whether the department is the auditor.
fn check_identity(config: &NodeConfig, chain: &Chain, keys: &Keys) -> Result<bool, StartError> {
    let state = chain.state();
    // So far only the genesis is applied: keys that came later are taken when their block is, and a department that
    // joined later comes then. But keys that are another department's will never be this one's.
    let own = state.department(&config.department);
    let is_held = own.is_some_and(|own| keys.adopt(&own.signing_key, &own.sealing_key));
    let known = state.key(keys.get().signing.public().id());
    if !is_held && known.is_some_and(|known| known.department != config.department) {
        let (keys, own) = (config.keys_dir.display(), &config.department);
        return Err(StartError::Mismatch(format!("the keys in {keys} are not those of {own} on the ledger")));
    }
    if let Some(owner) = config.own().and_then(|own| state.number_owner(own.node_id))
        && owner != &config.department
    {
        return Err(StartError::Mismatch(format!("this node's number is that of {owner} on the ledger")));
    }
    Ok(state.genesis().is_some_and(|genesis| genesis.auditor == config.department))
}

fn auditor(keys: &Keys) -> Audit {
    let index_key = Zeroizing::new(keys.get().first_sealing().derive("mulu subject index v1").to_vec());
    let keys = keys.clone();
    Audit::new(Arc::new(move |record| open_subject(&keys.get(), record)), index_key)
}

fn connectors(config: &NodeConfig) -> Result<Connectors, StartError> {
    let path = config.connector_file();
    let wrong = |why: String| StartError::File { path: path.clone(), why };
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => ConnectorFile::parse(&text).map_err(wrong)?,
        // A department that provides nothing needs no file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => ConnectorFile { version: 1, connectors: vec![] },
        Err(error) => return Err(wrong(error.to_string())),
    };
    Ok(Connectors::new(file, &config.provider_dir))
}

/// Where the departments' nodes answer for peers: the ledger first, then `node.toml`.
fn exchange_addresses(config: &NodeConfig, wanted: &Wanted) -> BTreeMap<DepartmentId, String> {
    let configured = config.nodes.iter().map(|node| (node.department.clone(), node.peer.clone()));
    let places = wanted.members.values().filter_map(|member| Some((&member.department, member.place.as_ref()?)));
    configured.chain(places.map(|(department, place)| (department.clone(), place.peer.clone()))).collect()
}

/// Calls peers where the ledger says that they are.
async fn follow_addresses(node: Node) {
    let mut wanted = node.consensus.wanted();
    loop {
        let addresses = exchange_addresses(&node.config, &wanted.borrow_and_update());
        node.exchange.find_peers(addresses);
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the other nodes how far this one's read model is.
async fn report_projection(consensus: Arc<Consensus>, model: ReadModel) {
    let mut projected = model.projected();
    loop {
        consensus.report_projected(projected.borrow_and_update().size);
        if projected.changed().await.is_err() {
            return;
        }
    }
}
