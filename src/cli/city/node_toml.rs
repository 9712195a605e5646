//! The text of a new node's configuration.

use std::fmt::Write as _;
use std::path::Path;

use super::files::SECRET_FILE;
use super::{Plan, PlannedNode};

/// `node.toml` of one node; what it does not say has the defaults of [`crate::service::config`].
pub(super) fn text(plan: &Plan, node: &PlannedNode, departments_dir: &Path) -> String {
    let host = plan.host_of(node);
    let listen = plan.listen.map_or_else(|| host.clone(), |ip| ip.to_string());
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
        zh = node.file.name.zh,
        en = node.file.name.en,
        id = node.file.id,
        secret = SECRET_FILE,
        departments = quoted(&departments_dir.display().to_string()),
        public = address(&host, node.ports.web),
        web = address(&listen, node.ports.web),
        peer = address(&listen, node.ports.peer),
        raft = address(&listen, node.ports.raft),
    );
    for other in &plan.nodes {
        let host = plan.host_of(other);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n[[nodes]]\ndepartment = \"{id}\"\nnode_id = {number}\nraft = \"{raft}\"\npeer = \"{peer}\"\nweb = \"http://{web}\"\n",
            id = other.file.id,
            number = other.file.order,
            raft = address(&host, other.ports.raft),
            peer = address(&host, other.ports.peer),
            web = address(&host, other.ports.web),
        );
    }
    text
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
