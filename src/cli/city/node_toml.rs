//! The text of a new node's configuration.

use std::fmt::Write as _;
use std::path::Path;

use crate::domain::Text;
use crate::ids::DepartmentId;
use crate::service::config::NodeAddress;

use super::files::SECRET_FILE;
use super::ports::Ports;

/// What a node's configuration says.
pub struct NodeText<'a> {
    /// Its department.
    pub department: &'a DepartmentId,
    /// The department's name.
    pub name: &'a Text,
    /// Where others reach it.
    pub host: &'a str,
    /// Where it listens.
    pub listen: &'a str,
    /// At which ports.
    pub ports: Ports,
    /// Folder with one folder a department.
    pub departments_dir: &'a Path,
    /// All nodes, this one included.
    pub nodes: &'a [NodeAddress],
}

/// The addresses at which others reach a node.
pub fn node_address(department: &DepartmentId, node_id: u64, host: &str, ports: Ports) -> NodeAddress {
    NodeAddress {
        department: department.clone(),
        node_id,
        raft: address(host, ports.raft),
        peer: address(host, ports.peer),
        web: format!("http://{}", address(host, ports.web)),
    }
}

/// `node.toml` of one node; what it does not say has the defaults of [`crate::service::config`].
pub fn text(node: &NodeText<'_>) -> String {
    let NodeText { host, listen, ports, .. } = node;
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# {zh} ({en}): configuration of its node. Paths are relative to this file.\n\
         version = 1\n\
         department = \"{id}\"\n\
         data_dir = \"data\"\n\
         # The chain's first transaction: the same file on every node.\n\
         genesis = \"genesis.tx\"\n\
         keys_dir = \"keys\"\n\
         # Connector, workflows and purposes.\n\
         departments_dir = {departments}\n\
         # The databases that connector.toml names lie here.\n\
         provider_dir = \"provider\"\n\
         # The network zone that grants may ask for.\n\
         zone = \"government-extranet\"\n\n\
         # What opens the private keys: this file, or passphrase_file, or the variable MULU_KEY_PASSPHRASE.\n\
         # It may lie elsewhere, such as below /run/credentials of systemd.\n\
         [keys]\nkey_file = \"{secret}\"\n\n\
         # Portal and API. Behind HTTPS, set public_url and cookie_secure = true.\n\
         [web]\nlisten = \"{web}\"\npublic_url = \"http://{public}\"\n\n\
         # Exchange with other departments, over mutual TLS.\n\
         [peer]\nlisten = \"{peer}\"\n\n\
         # Consensus, over mutual TLS.\n\
         [raft]\nlisten = \"{raft}\"\n\n\
         [tls]\nca = \"tls/ca.pem\"\ncert = \"tls/node.pem\"\nkey = \"tls/node-key.pem\"\n\n\
         [log]\nformat = \"json\"\nlevel = \"info\"\n",
        zh = node.name.zh,
        en = node.name.en,
        id = node.department,
        secret = SECRET_FILE,
        departments = quoted(&node.departments_dir.display().to_string()),
        public = address(host, ports.web),
        web = address(listen, ports.web),
        peer = address(listen, ports.peer),
        raft = address(listen, ports.raft),
    );
    for other in node.nodes {
        let NodeAddress { department, node_id, raft, peer, web } = other;
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n[[nodes]]\ndepartment = \"{department}\"\nnode_id = {node_id}\nraft = \"{raft}\"\npeer = \"{peer}\"\nweb = \"{web}\"\n",
        );
    }
    text
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
