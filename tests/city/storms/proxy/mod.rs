//! A network between real nodes that can be made bad. It listens in the place of every node, presents that node's
//! certificate to whoever calls, and calls that node with the caller's. Nodes cannot tell.

mod link;
mod weather;

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use mulu::crypto::tls;
use mulu::ids::DepartmentId;
use mulu::service::config::NodeConfig;

use crate::harness::City;

use super::chance::Chance;
use link::Link;
pub use weather::{Passage, Weather};

/// The network of a city.
pub struct Network {
    links: BTreeMap<(String, String), Arc<Link>>,
    _runtime: Runtime,
}

impl Network {
    /// Lays the network between the nodes of a city at rest, whose configurations then name it. Calls to the nodes'
    /// own portals and exchanges do not pass it.
    pub fn between(city: &City, chance: &mut Chance) -> Self {
        tls::install_provider();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = |department: &str| NodeConfig::load(&city.config(department)).unwrap();
        let all: Vec<NodeConfig> = city.nodes().iter().map(|node| config(&node.department)).collect();
        let mut links = BTreeMap::new();
        let mut texts: Vec<String> =
            all.iter().map(|node| fs::read_to_string(city.config(node.department.as_str())).unwrap()).collect();
        for to in &all {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            // Every node's file, its own too: what a node says of its address goes before what others are configured with.
            let named = |address: SocketAddr| format!("raft = \"{address}\"");
            let (own, ours) = (named(to.raft.listen), named(listener.local_addr().unwrap()));
            assert!(texts.iter().all(|text| text.contains(&own)), "{own} is not in {texts:?}");
            texts.iter_mut().for_each(|text| *text = text.replace(&own, &ours));
            let link = |from: &NodeConfig| (from.department.clone(), Arc::new(Link::new(from, to, chance.fork())));
            let callers: BTreeMap<DepartmentId, Arc<Link>> =
                all.iter().filter(|from| from.department != to.department).map(link).collect();
            for (from, link) in &callers {
                links.insert((from.to_string(), to.department.to_string()), link.clone());
            }
            runtime.spawn(link::serve(listener, tls::server_config(&to.tls_files().unwrap()).unwrap(), callers));
        }
        for (node, mut text) in all.iter().zip(texts) {
            // A write at a node that is cut off shall not keep a story waiting.
            text.push_str("\n[limits]\nsubmit_timeout_ms = 3000\n");
            fs::write(city.config(node.department.as_str()), text).unwrap();
        }
        Self { links, _runtime: runtime }
    }

    /// Makes the weather of all links that a node sends over.
    pub fn set_from(&self, from: &str, weather: &Weather) {
        self.links.iter().filter(|((one, _), _)| one == from).for_each(|(_, link)| link.set(weather.clone()));
    }

    /// Makes the weather of all links over which a node is sent to.
    pub fn set_to(&self, to: &str, weather: &Weather) {
        self.links.iter().filter(|((_, other), _)| other == to).for_each(|(_, link)| link.set(weather.clone()));
    }

    /// Cuts a node off.
    pub fn isolate(&self, node: &str, how: Passage) {
        self.set_from(node, &Weather::of(how));
        self.set_to(node, &Weather::of(how));
    }

    /// Makes the weather everywhere.
    pub fn set_all(&self, weather: &Weather) {
        self.links.values().for_each(|link| link.set(weather.clone()));
    }

    /// Makes it fair everywhere.
    pub fn heal(&self) {
        self.set_all(&Weather::default());
    }

    /// Connections that one node has made to another so far.
    pub fn connections(&self, from: &str, to: &str) -> u64 {
        self.links[&(from.to_owned(), to.to_owned())].connections()
    }

    /// Frames lost, doubled and delivered so far, on all links.
    pub fn counted(&self) -> [u64; 3] {
        let counts = self.links.values().map(|link| link.counted());
        counts.fold([0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]])
    }
}
