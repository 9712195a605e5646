//! A network between real nodes that can be made bad. For every ordered pair of nodes it listens in the place of the
//! second: it presents that node's certificate to the first, and the first's to that node. Nodes cannot tell.

mod link;
mod weather;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use mulu::crypto::tls;
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
        for from in &all {
            let file = city.config(from.department.as_str());
            let mut text = fs::read_to_string(&file).unwrap();
            for to in all.iter().filter(|to| to.department != from.department) {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let named = |address: &dyn std::fmt::Display| format!("raft = \"{address}\"");
                let (own, ours) = (named(&to.raft.listen), named(&listener.local_addr().unwrap()));
                assert!(text.contains(&own), "{text}");
                text = text.replace(&own, &ours);
                let link = Arc::new(Link::new(from, to, chance.fork()));
                runtime.spawn(link.clone().serve(listener));
                links.insert((from.department.to_string(), to.department.to_string()), link);
            }
            // A write at a node that is cut off shall not keep a story waiting.
            text.push_str("\n[limits]\nsubmit_timeout_ms = 3000\n");
            fs::write(&file, text).unwrap();
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
