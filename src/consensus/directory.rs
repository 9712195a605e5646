//! Where the other nodes are: the ledger's addresses first, then what a node said itself, then `node.toml`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use crate::domain::node::check_address;
use crate::ids::DepartmentId;

use super::fatal;
use super::inbound::Inbound;
use super::membership::Membership;
use super::settings::Peer;
use super::transport::Links;

/// A node and the addresses at which it may be, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) department: DepartmentId,
    pub(super) addresses: Vec<String>,
}

/// The other nodes, as far as this one knows.
pub(super) struct Directory {
    own: u64,
    membership: Arc<Membership>,
    configured: Vec<Peer>,
    /// What a department's node said of itself: one a department. It counts where the ledger is silent.
    said: Mutex<BTreeMap<DepartmentId, (u64, String)>>,
    news: Notify,
}

impl Directory {
    pub(super) fn new(own: u64, membership: Arc<Membership>, configured: Vec<Peer>) -> Self {
        Self { own, membership, configured, said: Mutex::default(), news: Notify::new() }
    }

    /// The number under which a department's node is known, if it is.
    pub(super) fn number_of(&self, department: &DepartmentId) -> Option<u64> {
        let member = self.membership.wanted().of_department(department).map(|member| member.node_id);
        let configured = || self.configured.iter().find(|peer| &peer.department == department);
        member.or_else(|| configured().map(|peer| peer.node_id))
    }

    /// Notes where an authenticated node says that it is.
    pub(super) fn said(&self, department: &DepartmentId, node_id: u64, address: &str) {
        let is_known =
            self.said.lock().get(department).is_some_and(|(id, at)| (*id, at.as_str()) == (node_id, address));
        if !is_known && check_address(address).is_ok() {
            self.said.lock().insert(department.clone(), (node_id, address.to_owned()));
            self.news.notify_one();
        }
    }

    /// All other nodes by number.
    pub(super) fn routes(&self) -> BTreeMap<u64, Route> {
        let (wanted, said) = (self.membership.wanted(), self.said.lock().clone());
        let mut routes: BTreeMap<u64, Route> = BTreeMap::new();
        let mut add = |node_id: u64, department: &DepartmentId, address: Option<&String>| {
            let route = routes
                .entry(node_id)
                .or_insert_with(|| Route { department: department.clone(), addresses: Vec::new() });
            let known = address.filter(|address| !route.addresses.contains(address));
            route.addresses.extend(known.cloned());
        };
        for member in wanted.members.values() {
            add(member.node_id, &member.department, member.place.as_ref().map(|place| &place.raft));
        }
        for (department, (node_id, address)) in &said {
            if self.membership.hears(department, *node_id) {
                add(*node_id, department, Some(address));
            }
        }
        for peer in &self.configured {
            // The ledger wins: a node that it replaced or removed is called no more than it is heard.
            if self.membership.hears(&peer.department, peer.node_id) {
                add(peer.node_id, &peer.department, Some(&peer.address));
            }
            if let Some(member) = wanted.of_department(&peer.department) {
                add(member.node_id, &peer.department, Some(&peer.address));
            }
        }
        for (node_id, place) in &wanted.leaving {
            if let Some(department) = wanted.old.get(node_id).filter(|id| self.membership.hears(id, *node_id)) {
                add(*node_id, department, place.as_ref().map(|place| &place.raft));
            }
        }
        routes.retain(|node_id, route| *node_id != self.own && !route.addresses.is_empty());
        routes
    }

    /// Keeps connections to exactly these nodes, for ever.
    pub(super) async fn keep(self: Arc<Self>, links: Arc<Links>, connector: TlsConnector, inbound: Arc<Inbound>) {
        let mut wanted = self.membership.follow_wanted();
        let mut configuration = self.membership.follow_configuration();
        loop {
            for outbox in links.set(&self.routes()) {
                tokio::spawn(fatal::guard(outbox.keep(connector.clone(), inbound.clone())));
            }
            let ended = tokio::select! {
                changed = wanted.changed() => changed.is_err(),
                changed = configuration.changed() => changed.is_err(),
                () = self.news.notified() => false,
            };
            if ended {
                return;
            }
        }
    }
}
