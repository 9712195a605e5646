//! Departments' nodes on the ledger: which node is whose, where it is reached, and who votes.

use serde::{Deserialize, Serialize};

use crate::ids::DepartmentId;

/// The highest number of a node.
pub const NODE_ID_MAX: u64 = 65_535;
/// The longest address: a name of 253 characters (RFC 1035, 2.3.4), a colon and a port.
pub const ADDRESS_CHARS_MAX: usize = 259;
/// How many departments may vote: odd, so that one more always adds safety.
pub const VOTERS: [usize; 4] = [1, 3, 5, 7];

/// A department's node comes, moves, or is replaced by one with another number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSetting {
    /// Whose node.
    pub department: DepartmentId,
    /// Its number in consensus, which no other node has or ever had.
    pub node_id: u64,
    /// `host:port` of its consensus.
    pub raft: String,
    /// `host:port` of its exchange.
    pub peer: String,
    /// Ledger index of the last change of members that was known when this was decided, 0 for none since the genesis:
    /// after another one it is refused. Two changes, each harmless alone, could take the majority away, and who was cut
    /// off may not know of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// A department's node leaves consensus for ever; the department stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRemoval {
    /// Whose node.
    pub department: DepartmentId,
    /// As in [`NodeSetting`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// Which departments' nodes vote; all others learn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoterChoice {
    /// One, three, five or seven of them.
    pub departments: Vec<DepartmentId>,
    /// As in [`NodeSetting`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// Where others reach a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlace {
    /// `host:port` of its consensus.
    pub raft: String,
    /// `host:port` of its exchange.
    pub peer: String,
}

/// What the ledger says of a department's node since the genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its number.
    pub node_id: u64,
    /// Where it is; nothing while it is where it was at the genesis, which `node.toml` tells.
    pub place: Option<NodePlace>,
    /// Whether it left consensus for ever.
    pub removed: bool,
    /// Index of the transaction that said so.
    pub index: u64,
}

/// A node's part in consensus, as the ledger wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose node.
    pub department: DepartmentId,
    /// Its number.
    pub node_id: u64,
    /// Whether it shall vote.
    pub voter: bool,
    /// Where it is; nothing while it is where it was at the genesis, which `node.toml` tells.
    pub place: Option<NodePlace>,
}

/// Checks an address of the form `host:port`.
///
/// # Errors
/// What is wrong with it.
pub fn check_address(text: &str) -> Result<(), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("is not host:port")?;
    if text.len() > ADDRESS_CHARS_MAX {
        return Err("is too long");
    }
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-[]:".contains(&b)) {
        return Err("has no valid host");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("has no valid port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["127.0.0.1:8601", "tax.city.example:1", "[fd00::7]:8601"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        let long = format!("{}:8601", "a".repeat(ADDRESS_CHARS_MAX));
        for bad in ["", "tax", ":8601", "tax:0", "tax:65536", "tax:", "http://tax:1", "a b:1", &long] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
