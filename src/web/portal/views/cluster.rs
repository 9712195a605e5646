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
    /// For an administrator of the authority: whom to give a vote, a place, or an end. Empty for everybody else.
    pub members: Vec<MemberRow>,
}

/// A department, as the forms name it.
#[derive(Clone, Debug, Default)]
pub struct MemberRow {
    pub department: String,
    pub name: String,
    pub votes: bool,
    pub has_node: bool,
}

/// What a change of members waits for.
#[derive(Clone, Debug, Default)]
pub struct AwaitedRow {
    /// Code of `awaited-` texts.
    pub code: &'static str,
    /// Whose node; empty when it is nobody's in particular.
    pub name: String,
    pub lag: Option<u64>,
}

/// `GET /cluster` with `HX-Request`: asked for when something changed.
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
    /// What a change of members waits for, while one is under way.
    pub awaited: Option<AwaitedRow>,
    /// What does not hold on this node, or warns: the code and what was seen.
    pub troubles: Vec<(String, String)>,
    pub time: String,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct NodeRow {
    pub name: String,
    pub department: String,
    /// `leader`, `voter`, `learner`, `none` or `unreachable`.
    pub role: String,
    /// What it shall be, when that is something else.
    pub wanted: String,
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
