//! The demo's folder: a city made at the first start, found again at later ones.

use std::path::{Path, PathBuf};

use crate::cli::city::{self, Plan, files, ports};
use crate::cli::error::CliError;
use crate::cli::init::Shape;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::Text;
use crate::domain::department::Genesis;
use crate::ledger::chain::chain_id;
use crate::service::config::{NodeConfig, read_genesis};
use crate::service::departments::load;

const HOST: &str = "127.0.0.1";

/// A city on disk.
pub struct DemoCity {
    /// Its folder.
    pub dir: PathBuf,
    /// The chain's id.
    pub chain: String,
    /// How the chain began.
    pub genesis: Genesis,
    /// Its nodes, in the order of their numbers.
    pub nodes: Vec<DemoNode>,
}

/// One node's folder.
#[derive(Clone)]
pub struct DemoNode {
    /// The folder.
    pub folder: PathBuf,
    /// Its `node.toml`.
    pub config_path: PathBuf,
    /// What that says.
    pub config: NodeConfig,
}

/// Makes a city in `dir` unless there is one. Ports that are taken are an error where a base is given; otherwise free
/// ones are taken instead of the usual ones.
///
/// # Errors
/// What stands against making it.
pub fn make_unless_there(dir: &Path, departments_dir: &Path, shape: &Shape) -> Result<(), CliError> {
    if dir.join(files::GENESIS_FILE).exists() {
        let is_asked = shape.voters.is_some() || shape.base_port.is_some() || !shape.only.is_empty();
        if is_asked || shape.algorithms.is_made() {
            eprintln!(
                "{} holds a city already: --only, --voters, --base-port, --suite and --hash are not looked at",
                dir.display()
            );
        }
        return Ok(());
    }
    let all = load(departments_dir)?.departments.into_iter().map(|folder| folder.file).collect();
    let chosen = city::choose(all, &shape.only)?;
    let ports = match shape.base_port {
        Some(0) => ports::free(HOST, chosen.len())?,
        Some(base) => {
            let wanted = ports::from_base(base, chosen.len())?;
            if let Some(port) = ports::taken(HOST, &wanted) {
                return Err(CliError::usage(format_args!("port {port} is taken: choose another --base-port, or 0")));
            }
            wanted
        }
        None => {
            let usual = ports::from_base(ports::BASE_DEFAULT, chosen.len())?;
            if ports::taken(HOST, &usual).is_none() { usual } else { ports::free(HOST, chosen.len())? }
        }
    };
    let plan =
        Plan::new(chosen, shape.voters, HOST, ports, shape.algorithms.algorithms())?.anchored_by(shape.cosignatures)?;
    let name = Text { zh: "示范市".into(), en: "Model City".into() };
    files::make(&plan, name, departments_dir, dir, SystemClock.now())?;
    Ok(())
}

impl DemoCity {
    /// Reads the city of a folder.
    ///
    /// # Errors
    /// Files that are missing or wrong.
    pub fn open(dir: &Path) -> Result<Self, CliError> {
        let path = dir.join(files::GENESIS_FILE);
        let wrong = |why: String| CliError::Failed(format!("{}: {why}", path.display()));
        let (tx, genesis) = read_genesis(&path).map_err(wrong)?;
        let mut nodes = Vec::with_capacity(genesis.departments.len());
        for department in &genesis.departments {
            let folder = dir.join(department.id.as_str());
            let config_path = folder.join(files::CONFIG_FILE);
            let config = NodeConfig::load(&config_path)?;
            config.check()?;
            nodes.push(DemoNode { folder, config_path, config });
        }
        Ok(Self { dir: dir.to_owned(), chain: chain_id(tx.payload()), genesis, nodes })
    }

    /// Every port must be free before the first node starts.
    ///
    /// # Errors
    /// The first port that is taken, and for whom it was meant.
    pub fn check_ports(&self) -> Result<(), CliError> {
        for node in &self.nodes {
            let config = &node.config;
            for listen in [config.web.listen, config.peer.listen, config.raft.listen] {
                if !ports::is_free(&listen.ip().to_string(), listen.port()) {
                    return Err(CliError::usage(format_args!(
                        "port {} of {} is taken: is this city running already? Otherwise stop what listens there, or \
                         choose another folder with another --base-port",
                        listen.port(),
                        config.department
                    )));
                }
            }
        }
        Ok(())
    }
}

/// A folder for a city that nobody named; it is made together with the city.
///
/// # Errors
/// No randomness.
pub fn temporary() -> Result<PathBuf, CliError> {
    let mut random = [0u8; 4];
    getrandom::fill(&mut random).map_err(|_| CliError::failed("no randomness from the operating system"))?;
    Ok(std::env::temp_dir().join(format!("mulu-demo-{}", hex::encode(random))))
}
