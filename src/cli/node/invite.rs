//! `mulu node invite`: the folder of a node that is to join, made by the city's authority as `mulu init` makes the first
//! ones; or a certificate anew.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::city::node_toml::{NodeText, node_address, text};
use crate::cli::city::{files, ports};
use crate::cli::departments;
use crate::cli::error::CliError;
use crate::clock::{Clock as _, SystemClock};
use crate::crypto::ca::CityAuthority;
use crate::crypto::secret::Secret;
use crate::crypto::sign::{Algorithm, PublicKey};
use crate::domain::Text;
use crate::domain::department::Genesis;
use crate::ids::DepartmentId;
use crate::service::config::{NodeAddress, NodeConfig, read_genesis};
use crate::service::departments::load;
use crate::service::membership::Card;

use super::card::CARD_FILE;

/// Makes a folder with keys, certificate, node.toml, genesis.tx and the public card that `mulu node admit` reads. Needs the
/// city's authority key, so it runs where that lies. Give the department its folder over a way that you would trust with
/// a seal, and keep nothing of it but the card.
#[derive(Args)]
pub struct Invite {
    /// The city's folder, as `mulu init` made it: authority/ and genesis.tx
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Whose node joins; the departments' folder describes it
    #[arg(long)]
    department: DepartmentId,
    /// Folder with one folder a department; default: ./departments
    #[arg(long, value_name = "DIR")]
    departments: Option<PathBuf>,
    /// Where others reach the node: an address or a name
    #[arg(long)]
    host: String,
    /// Address at which it listens, such as 0.0.0.0; default: the host
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// The node listens at P (web), P+100 (exchange) and P+200 (consensus); 0 takes free ports
    #[arg(long, value_name = "P", default_value_t = ports::BASE_DEFAULT)]
    base_port: u16,
    /// A node.toml whose [[nodes]] name the present nodes; default: that of the authority's node in the city's folder
    #[arg(long, value_name = "FILE")]
    like: Option<PathBuf>,
    /// The node's number, which no node has or had; default: the one after all in node.toml, genesis and the cards in the
    /// city's folder
    #[arg(long, value_name = "N")]
    node_id: Option<u64>,
    /// The department's keys: Ed25519 with X25519, or SM2
    #[arg(long, value_enum, default_value_t = KeyChoice::Ed25519)]
    algorithm: KeyChoice,
    /// Where to make the folder; must not exist or be empty. Default: beside the others in the city's folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only issue a new certificate with a new key, for a node that has a folder: writes ca.pem, node.pem and node-key.pem
    #[arg(long)]
    certificate_only: bool,
    /// With --certificate-only: the secret under which that node's key is encrypted; without it the key is not encrypted
    #[arg(long, value_name = "FILE", requires = "certificate_only")]
    key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyChoice {
    Ed25519,
    Sm2,
}

impl Invite {
    pub(super) fn run(self) -> Result<(), CliError> {
        let out = self.out.clone().unwrap_or_else(|| {
            let name =
                if self.certificate_only { format!("{}-tls", self.department) } else { self.department.to_string() };
            self.city.join(name)
        });
        if std::fs::read_dir(&out).is_ok_and(|mut found| found.next().is_some()) {
            return Err(CliError::usage(format_args!(
                "{} is not empty: choose another folder with --out",
                out.display()
            )));
        }
        let authority = CityAuthority::load(&self.city.join(files::AUTHORITY_DIR))?;
        if self.certificate_only { self.certify(&authority, &out) } else { self.invite(&authority, &out) }
    }

    fn certify(&self, authority: &CityAuthority, out: &Path) -> Result<(), CliError> {
        let certificate = authority.issue(&self.department, std::slice::from_ref(&self.host), SystemClock.now())?;
        let certificate = match &self.key_file {
            Some(file) => certificate.locked(&Secret::key_file(file)?)?,
            None => certificate,
        };
        files::private_dir(out)?;
        certificate.save(out)?;
        println!(
            "a certificate of {} in {}: put its files into the node's tls/, and start it again",
            self.department,
            out.display()
        );
        if self.key_file.is_none() {
            eprintln!("node-key.pem is not encrypted: its folder is to be handed over like a key");
        }
        Ok(())
    }

    fn invite(&self, authority: &CityAuthority, out: &Path) -> Result<(), CliError> {
        let genesis_file = self.city.join(files::GENESIS_FILE);
        let wrong = |why: String| CliError::usage(format_args!("{}: {why}", genesis_file.display()));
        let (tx, genesis) = read_genesis(&genesis_file).map_err(wrong)?;
        if genesis.departments.iter().any(|known| known.id == self.department) {
            let why = "is in the genesis and has keys: for a new node of it see `mulu node replace`, for a certificate --certificate-only";
            return Err(CliError::usage(format_args!("{} {why}", self.department)));
        }
        let departments_dir = departments::find(self.departments.as_deref())?;
        let described = load(&departments_dir)?;
        let described = described.department(&self.department).map(|folder| folder.file.clone());
        let missing =
            || CliError::usage(format_args!("{} has no folder in {}", self.department, departments_dir.display()));
        let described = described.ok_or_else(missing)?;
        let mut nodes = self.present(&genesis)?;
        let node_id = self.number(&genesis, &nodes)?;
        let ports = match self.base_port {
            0 => ports::free(&self.listening(), 1)?,
            base => ports::from_base(base, 1)?,
        };
        let ports = ports.first().copied().ok_or_else(|| CliError::failed("no free ports"))?;
        let own = node_address(&self.department, node_id, &self.host, ports);
        nodes.push(own.clone());
        let keys = match self.algorithm {
            KeyChoice::Ed25519 => Algorithm::Ed25519,
            KeyChoice::Sm2 => Algorithm::Sm2,
        };
        let keyring = files::furnish(out, authority, (&self.department, &self.host), keys, SystemClock.now())?;
        let node = NodeText {
            department: &self.department,
            name: &described.name,
            host: &self.host,
            listen: &self.listening(),
            ports,
            departments_dir: &departments_dir,
            nodes: &nodes,
        };
        files::write(&out.join(files::CONFIG_FILE), text(&node).as_bytes())?;
        files::write(&out.join(files::GENESIS_FILE), tx.as_bytes())?;
        let (signing_key, sealing_key) = (keyring.signing.public(), keyring.sealing.public().to_string());
        self.write_card(out, (described.name, described.uscc), (signing_key, sealing_key), own)
    }

    fn write_card(
        &self,
        out: &Path,
        (name, uscc): (Text, String),
        (signing_key, sealing_key): (PublicKey, String),
        own: NodeAddress,
    ) -> Result<(), CliError> {
        let NodeAddress { department: id, node_id, raft, peer, .. } = own;
        let card = Card { id, name, uscc, signing_key, sealing_key, node_id, raft, peer };
        let path = out.join(CARD_FILE);
        let text = serde_json::to_string_pretty(&card).map_err(CliError::failed)?;
        files::write(&path, text.as_bytes())?;
        println!("node {node_id} of {} in {}", self.department, out.display());
        println!("admit it with: mulu node admit --node <the authority's portal> --user <admin> {}", path.display());
        println!("then start it with: mulu node join --config {}", out.join(files::CONFIG_FILE).display());
        Ok(())
    }

    fn listening(&self) -> String {
        self.listen.map_or_else(|| self.host.clone(), |ip| ip.to_string())
    }

    /// The nodes that are there already.
    fn present(&self, genesis: &Genesis) -> Result<Vec<NodeAddress>, CliError> {
        let usual = || self.city.join(genesis.authority.as_str()).join(files::CONFIG_FILE);
        let file = self.like.clone().unwrap_or_else(usual);
        let nodes = NodeConfig::load(&file)?.nodes;
        Ok(nodes.into_iter().filter(|node| node.department != self.department).collect())
    }

    /// Numbers on the cards of those who were invited before and may not be in any node.toml yet.
    fn invited(&self) -> impl Iterator<Item = u64> {
        let folders = std::fs::read_dir(&self.city).into_iter().flatten().flatten();
        let cards = folders.filter_map(|folder| std::fs::read(folder.path().join(CARD_FILE)).ok());
        cards.filter_map(|card| serde_json::from_slice::<Card>(&card).ok()).map(|card| card.node_id)
    }

    fn number(&self, genesis: &Genesis, nodes: &[NodeAddress]) -> Result<u64, CliError> {
        let known: Vec<u64> = genesis
            .departments
            .iter()
            .map(|department| department.node_id)
            .chain(nodes.iter().map(|node| node.node_id))
            .chain(self.invited())
            .collect();
        match self.node_id {
            Some(node_id) if node_id == 0 || known.contains(&node_id) => {
                Err(CliError::usage(format_args!("node number {node_id} was used already: take a new one")))
            }
            Some(node_id) => Ok(node_id),
            None => Ok(known.iter().max().copied().unwrap_or(0).saturating_add(1)),
        }
    }
}
