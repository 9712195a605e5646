//! `mulu init`: a new city.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::clock::{Clock as _, SystemClock};
use crate::domain::Text;
use crate::ids::DepartmentId;
use crate::service::departments::load;

use super::city::{self, AlgorithmChoice, Plan, files, ports};
use super::departments;
use super::error::CliError;

/// Makes a city authority, the genesis transaction, and for each department a folder with keys, certificate and
/// `node.toml`. A node's private keys are encrypted under its folder's `secret/keys.secret`. Give each department its folder, and keep `authority/` on the authority's machine alone.
#[derive(Args)]
pub struct Init {
    /// Folder with one folder a department; default: ./departments
    #[arg(long, value_name = "DIR")]
    departments: Option<PathBuf>,
    /// Where to make the city; must not exist or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    shape: Shape,
    /// Where the nodes reach one another: an address, or a name with --listen; `{department}` in it stands for each department's id
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Address at which every node listens, such as 0.0.0.0; default: the host
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// The city's Chinese name
    #[arg(long, default_value = "示范市")]
    city_zh: String,
    /// The city's English name
    #[arg(long, default_value = "Model City")]
    city_en: String,
}

/// Which nodes a city has, and which algorithms.
#[derive(Args, Clone)]
pub struct Shape {
    /// Only these departments, besides authority and auditor
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub only: Vec<DepartmentId>,
    /// How many departments vote: 1, 3, 5 or 7; default 5, or fewer when there are fewer
    #[arg(long, value_name = "N")]
    pub voters: Option<usize>,
    /// How many departments must cosign a checkpoint to anchor it; default a majority of all
    #[arg(long, value_name = "N")]
    pub cosignatures: Option<u32>,
    /// Node i listens at P+i (web), P+100+i (exchange) and P+200+i (consensus); 0 takes free ports; default 8401
    #[arg(long, value_name = "P")]
    pub base_port: Option<u16>,
    /// With what it signs, seals and hashes
    #[command(flatten)]
    pub algorithms: AlgorithmChoice,
}

impl Init {
    pub(super) fn run(self) -> Result<(), CliError> {
        let dir = departments::find(self.departments.as_deref())?;
        let all = load(&dir)?.departments.into_iter().map(|folder| folder.file).collect();
        let chosen = city::choose(all, &self.shape.only)?;
        let listen = self.listen.or_else(|| self.host.parse().ok());
        let listen = listen.ok_or_else(|| {
            CliError::usage(format_args!("{} is no address to listen at: name one with --listen", self.host))
        })?;
        let ports = match self.shape.base_port.unwrap_or(ports::BASE_DEFAULT) {
            0 => ports::free(&listen.to_string(), chosen.len())?,
            base => ports::from_base(base, chosen.len())?,
        };
        let mut plan = Plan::new(chosen, self.shape.voters, &self.host, ports, self.shape.algorithms.algorithms())?
            .anchored_by(self.shape.cosignatures)?;
        plan.listen = self.listen;
        let name = Text { zh: self.city_zh, en: self.city_en };
        let chain = files::make(&plan, name, &dir, &self.out, SystemClock.now())?;
        println!("chain {chain}: {} nodes in {}", plan.nodes.len(), self.out.display());
        for node in &plan.nodes {
            let part = if node.voter { "voter" } else { "learner" };
            let (id, host, web) = (node.file.id.as_str(), plan.host_of(node), node.ports.web);
            let keys = node.keys.name();
            println!("{id:<24}{part:<9}{keys:<9}http://{host}:{web}  {}", self.out.join(id).display());
        }
        println!(
            "each folder's keys are encrypted under its {}; keep that file out of copies of the folder",
            files::SECRET_FILE
        );
        println!("start each with: mulu node --config <folder>/{}", files::CONFIG_FILE);
        Ok(())
    }
}
