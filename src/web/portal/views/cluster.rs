//! The cluster: who leads, and how far each node has come.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /cluster`.
#[derive(Template)]
#[template(path = "cluster.html")]
pub struct Cluster {
    pub page: Page,
    pub t: Words,
    pub body: ClusterBody,
}

/// `GET /cluster` with `HX-Request`: asked for every two seconds.
#[derive(Template)]
#[template(path = "cluster_partial.html")]
pub struct ClusterBody {
    pub t: Words,
    /// Name of the leader's department; empty when there is none.
    pub leader: String,
    pub term: u64,
    pub commit: u64,
    pub applied: u64,
    pub projected: u64,
    pub quorum: bool,
    /// Access records that wait for the ledger.
    pub outbox: u64,
    pub outbox_max: u64,
    pub nodes: Vec<NodeRow>,
    /// What does not hold on this node, or warns: the code and what was seen.
    pub troubles: Vec<(String, String)>,
    pub time: String,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct NodeRow {
    pub name: String,
    pub department: String,
    /// `leader`, `voter`, `learner` or `unreachable`.
    pub role: String,
    /// This and the following: none for a node that was not heard.
    pub term: Option<u64>,
    pub commit: Option<u64>,
    pub applied: Option<u64>,
    pub projected: Option<u64>,
    /// Entries behind the commit that this node knows.
    pub lag: Option<u64>,
    /// How far its clock is ahead of this one's, when that is more than two clocks under NTP differ; empty otherwise.
    pub clock: String,
    /// What does not hold there, or warns: codes of `check-` texts.
    pub troubles: Vec<String>,
    /// This node.
    pub here: bool,
}
