//! Ports of the nodes: counted from a base, or free ones.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use crate::cli::error::CliError;

/// First port of the portals unless told otherwise.
pub const BASE_DEFAULT: u16 = 8401;
/// Distance between the ports of web, exchange and consensus of one node.
const STRIDE: u16 = 100;
/// Free ports are looked for here: below those that Linux gives to outgoing connections.
const FREE: std::ops::Range<u16> = 12_000..32_000;

/// Where one node listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Portal and API.
    pub web: u16,
    /// Exchange.
    pub peer: u16,
    /// Consensus.
    pub raft: u16,
}

/// Node `i` gets `base + i`, `base + 100 + i` and `base + 200 + i`.
///
/// # Errors
/// A base beyond which there are not enough ports, or more nodes than the distance allows.
pub fn from_base(base: u16, nodes: usize) -> Result<Vec<Ports>, CliError> {
    let wrong = || CliError::usage(format_args!("--base-port {base} leaves no room for {nodes} nodes"));
    let nodes = u16::try_from(nodes).ok().filter(|nodes| *nodes <= STRIDE).ok_or_else(wrong)?;
    let last = base.checked_add(2 * STRIDE + nodes).ok_or_else(wrong)?;
    if base == 0 || last == u16::MAX {
        return Err(wrong());
    }
    Ok((0..nodes).map(|i| Ports { web: base + i, peer: base + STRIDE + i, raft: base + 2 * STRIDE + i }).collect())
}

/// Free ports for a number of nodes. Another process may still take one before its node does.
///
/// # Errors
/// Too few ports are free.
pub fn free(host: &str, nodes: usize) -> Result<Vec<Ports>, CliError> {
    let mut random = [0u8; 2];
    getrandom::fill(&mut random).map_err(|_| CliError::failed("no randomness from the operating system"))?;
    // Cities that start at the same time begin to look at different places.
    let begin = FREE.start + u16::from_be_bytes(random) % (FREE.end - FREE.start);
    let candidates = (begin..FREE.end).chain(FREE.start..begin);
    let mut found = candidates.filter(|port| is_free(host, *port)).take(nodes * 3);
    let mut all = Vec::with_capacity(nodes);
    while let (Some(web), Some(peer), Some(raft)) = (found.next(), found.next(), found.next()) {
        all.push(Ports { web, peer, raft });
    }
    if all.len() == nodes { Ok(all) } else { Err(CliError::failed(format_args!("{host} has too few free ports"))) }
}

/// Whether nothing listens at a port.
pub fn is_free(host: &str, port: u16) -> bool {
    let addresses = (host, port).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>);
    addresses.is_ok_and(|addresses| TcpListener::bind(addresses.as_slice()).is_ok())
}

/// The first of all ports that is taken.
pub fn taken(host: &str, all: &[Ports]) -> Option<u16> {
    all.iter().flat_map(|ports| [ports.web, ports.peer, ports.raft]).find(|port| !is_free(host, *port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_counted_from_the_base() {
        let ports = from_base(8401, 13).unwrap();
        assert_eq!(ports[12], Ports { web: 8413, peer: 8513, raft: 8613 });
        for (base, nodes) in [(0, 1), (65_400, 13), (8401, 101)] {
            assert!(from_base(base, nodes).is_err());
        }
    }

    #[test]
    fn a_port_that_is_taken_is_named_and_never_chosen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(taken("127.0.0.1", &[Ports { web: port, peer: 1, raft: 2 }]), Some(port));
        let free = free("127.0.0.1", 4).unwrap();
        let all: std::collections::BTreeSet<u16> = free.iter().flat_map(|p| [p.web, p.peer, p.raft]).collect();
        assert_eq!((free.len(), all.len(), taken("127.0.0.1", &free)), (4, 12, None));
    }
}
