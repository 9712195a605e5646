//! `node.toml`: everything that one department's node is told.

mod check;
mod database;
mod keys;
mod sign_in;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::crypto::CryptoError;
use crate::crypto::tls::TlsFiles;
use crate::exchange::OUTBOX_AGE_MS_MAX;
use crate::ids::DepartmentId;

pub use check::read_genesis;
pub use keys::{KeysConfig, PASSPHRASE_VARIABLE};
pub use sign_in::SignInConfig;

/// The longest configuration file, in bytes: 500 nodes need about 100 KiB.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Why a node cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not TOML of the expected form.
    #[error("{path}: {why}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        why: String,
    },
    /// The values do not fit one another or the machine: every fault, each naming its key.
    #[error("the configuration is wrong:{}", list(.0))]
    Faults(Vec<String>),
}

fn list(faults: &[String]) -> String {
    faults.iter().map(|fault| format!("\n  - {fault}")).collect()
}

/// One node's configuration. Relative paths lie below the file's own folder; unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// The file that it was read from.
    #[serde(skip)]
    pub file: PathBuf,
    /// Form of the file: 1.
    pub version: u32,
    /// The department whose node this is.
    pub department: DepartmentId,
    /// Where the node keeps ledger, store and read model. Created when absent. Default `data`.
    #[serde(default = "defaults::data_dir")]
    pub data_dir: PathBuf,
    /// The chain's first transaction, its exact bytes: the same file on every node. Default `genesis.tx`.
    #[serde(default = "defaults::genesis")]
    pub genesis: PathBuf,
    /// Folder with `signing.pem` and `sealing.pem`. Default `keys`.
    #[serde(default = "defaults::keys_dir")]
    pub keys_dir: PathBuf,
    /// What opens these files and the key of TLS.
    #[serde(default)]
    pub keys: KeysConfig,
    /// Folder with one folder a department, this one's connector and workflows among them. Default `departments`.
    #[serde(default = "defaults::departments_dir")]
    pub departments_dir: PathBuf,
    /// Below it lie the databases that `connector.toml` names. Default `provider`.
    #[serde(default = "defaults::provider_dir")]
    pub provider_dir: PathBuf,
    /// The PostgreSQL database that keeps the read model, `postgresql://ROLE@HOST:PORT/DATABASE`. Default: a SQLite file
    /// below `data_dir`. A host is 127.0.0.1, ::1, or the folder of the server's socket.
    #[serde(default)]
    pub database_url: Option<String>,
    /// A file with the role's password; with none, the environment's `MULU_DATABASE_PASSWORD`, if it is set.
    #[serde(default)]
    pub database_password_file: Option<PathBuf>,
    /// Network zone in which this department works, such as `government-extranet`; stated in its queries, and
    /// compared with the zone that a grant asks for. Default none.
    #[serde(default)]
    pub zone: Option<String>,
    /// Portal and API.
    pub web: WebConfig,
    /// How this department's people sign in.
    #[serde(default)]
    pub sign_in: SignInConfig,
    /// The API for systems that show a certificate. Default none.
    #[serde(default)]
    pub systems: Option<SystemsConfig>,
    /// Exchange with other nodes, over mutual TLS.
    pub peer: ListenConfig,
    /// Consensus with other nodes, over mutual TLS.
    pub raft: ListenConfig,
    /// Certificates of the node.
    #[serde(default)]
    pub tls: TlsConfig,
    /// Every node of the city, this one included.
    pub nodes: Vec<NodeAddress>,
    /// What is logged, and how.
    #[serde(default)]
    pub log: LogConfig,
    /// Bounds that an operator may move.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where old parts of the ledger lie.
    #[serde(default)]
    pub ledger: LedgerConfig,
}

/// Where old parts of the ledger lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerConfig {
    /// Folder to which `mulu ledger archive` moves old segment files. Default none.
    pub archive: Option<PathBuf>,
}

/// The API over mutual TLS 1.3, for systems that `mulu token add --certificate` let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemsConfig {
    /// Address and port to listen at.
    pub listen: SocketAddr,
    /// The server's certificate, PEM, with its chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority that certifies the department's systems.
    pub client_ca: PathBuf,
}

/// Portal and API of a node: HTTP, to be put behind the department's own HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// Address and port to listen at.
    pub listen: SocketAddr,
    /// How browsers reach it, without a slash at the end. Default `http://<listen>`.
    pub public_url: Option<String>,
    /// Whether session cookies are for HTTPS only. Default: unless `listen` is the loopback.
    pub cookie_secure: Option<bool>,
}

impl WebConfig {
    /// How browsers reach the portal, without a slash at the end.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Whether session cookies are for HTTPS only.
    pub fn cookie_secure(&self) -> bool {
        self.cookie_secure.unwrap_or(!self.listen.ip().is_loopback())
    }
}

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// The node's certificate, its key, and the authority's certificate. Default `tls/node.pem`, `tls/node-key.pem`, `tls/ca.pem`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The city authority's certificate.
    pub ca: PathBuf,
    /// The node's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for TlsConfig {
    fn default() -> Self {
        let TlsFiles { ca, cert, key, .. } = TlsFiles::in_dir(Path::new("tls"));
        Self { ca, cert, key }
    }
}

/// One node of the city, as others reach it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeAddress {
    /// Its department.
    pub department: DepartmentId,
    /// Its number in consensus, as the genesis gives it.
    pub node_id: u64,
    /// `host:port` of its consensus.
    pub raft: String,
    /// `host:port` of its exchange.
    pub peer: String,
    /// URL of its portal and API.
    pub web: String,
}

/// What is logged, to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// JSON for machines, text for people. Default `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,mulu::consensus=debug`. Default `info`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: "info".into() }
    }
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Bounds that an operator may move.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// How long a query waits for the provider, in milliseconds. Default 10000.
    pub query_timeout_ms: u64,
    /// How long a write waits for the ledger, in milliseconds. Default 10000.
    pub submit_timeout_ms: u64,
    /// How long this node gives itself, as a provider, to record on the ledger an access that it answers, in
    /// milliseconds; older records waiting close the exchange. Default and most 600000.
    pub promise_ms: u64,
    /// Free room on the disk, in MiB, below which this node takes no new work until there is more. Default 512.
    pub disk_reserve_mb: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            query_timeout_ms: 10_000,
            submit_timeout_ms: 10_000,
            promise_ms: OUTBOX_AGE_MS_MAX,
            disk_reserve_mb: 512,
        }
    }
}

mod defaults {
    use std::path::PathBuf;

    pub(super) fn data_dir() -> PathBuf {
        "data".into()
    }
    pub(super) fn genesis() -> PathBuf {
        "genesis.tx".into()
    }
    pub(super) fn keys_dir() -> PathBuf {
        "keys".into()
    }
    pub(super) fn departments_dir() -> PathBuf {
        "departments".into()
    }
    pub(super) fn provider_dir() -> PathBuf {
        "provider".into()
    }
}

impl NodeConfig {
    /// Reads a file and makes its paths absolute. Whether its values are right, [`NodeConfig::check`] says.
    ///
    /// # Errors
    /// [`ConfigError::Read`] or [`ConfigError::Form`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |cause| ConfigError::Read { path: path.to_owned(), cause };
        let form = |why: String| ConfigError::Form { path: path.to_owned(), why };
        if std::fs::metadata(path).map_err(read)?.len() > CONFIG_BYTES_MAX {
            return Err(form("longer than 1 MiB".into()));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let absolute = std::path::absolute(path).map_err(read)?;
        let config = Self::parse(&text, absolute.parent().unwrap_or(Path::new("/"))).map_err(form)?;
        Ok(Self { file: absolute, ..config })
    }

    /// Reads a text whose relative paths lie below `base`.
    ///
    /// # Errors
    /// What is wrong with the text, for the operator.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if config.version != 1 {
            return Err(format!("version {} is not known; write version = 1", config.version));
        }
        let KeysConfig { key_file, passphrase_file } = &mut config.keys;
        let database = &mut config.database_password_file;
        for path in [key_file, passphrase_file, database, &mut config.ledger.archive].into_iter().flatten() {
            *path = base.join(&*path);
        }
        if let Some(SystemsConfig { cert, key, client_ca, .. }) = &mut config.systems {
            for path in [cert, key, client_ca] {
                *path = base.join(&*path);
            }
        }
        let paths = [
            &mut config.data_dir,
            &mut config.genesis,
            &mut config.keys_dir,
            &mut config.departments_dir,
            &mut config.provider_dir,
            &mut config.tls.ca,
            &mut config.tls.cert,
            &mut config.tls.key,
        ];
        for path in paths {
            *path = base.join(&*path);
        }
        Ok(config)
    }

    /// This node's own line among all nodes.
    pub fn own(&self) -> Option<&NodeAddress> {
        self.node(&self.department)
    }

    /// A department's node.
    pub fn node(&self, department: &DepartmentId) -> Option<&NodeAddress> {
        self.nodes.iter().find(|node| &node.department == department)
    }

    /// The files for TLS, with what opens the key.
    ///
    /// # Errors
    /// [`CryptoError`] when the secret of the keys cannot be read.
    pub fn tls_files(&self) -> Result<TlsFiles, CryptoError> {
        let secret = self.keys.secret()?;
        Ok(TlsFiles { ca: self.tls.ca.clone(), cert: self.tls.cert.clone(), key: self.tls.key.clone(), secret })
    }

    /// What the listener for systems needs, if there is one.
    ///
    /// # Errors
    /// [`CryptoError`] when the secret of the keys cannot be read.
    pub fn systems_tls(&self) -> Result<Option<(SocketAddr, TlsFiles)>, CryptoError> {
        let Some(systems) = &self.systems else { return Ok(None) };
        let SystemsConfig { listen, cert, key, client_ca } = systems.clone();
        Ok(Some((listen, TlsFiles { ca: client_ca, cert, key, secret: self.keys.secret()? })))
    }

    /// Segment files of the ledger.
    pub fn ledger_dir(&self) -> PathBuf {
        self.data_dir.join("ledger")
    }

    /// The newest anchored checkpoint, for other programs to read.
    pub fn checkpoint_file(&self) -> PathBuf {
        self.ledger_dir().join("checkpoint")
    }

    /// Evidence that the ledger, or what others say of it, contradicts itself.
    pub fn evidence_dir(&self) -> PathBuf {
        self.data_dir.join("evidence")
    }

    /// The node's keyed store.
    pub fn store_dir(&self) -> PathBuf {
        self.data_dir.join("store")
    }

    /// Folders whose disks must have room; they may be mounted one by one.
    pub fn disk_folders(&self) -> Vec<PathBuf> {
        vec![self.data_dir.clone(), self.ledger_dir(), self.store_dir(), self.model_dir()]
    }

    /// Folder of the two SQLite files and the search index.
    pub fn model_dir(&self) -> PathBuf {
        self.data_dir.join("model")
    }

    /// This department's own folder: catalog, connector, workflows.
    pub fn department_dir(&self) -> PathBuf {
        self.departments_dir.join(self.department.as_str())
    }

    /// Where this department's data lies; a department that provides nothing has no such file.
    pub fn connector_file(&self) -> PathBuf {
        self.department_dir().join("connector.toml")
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
