//! How often one address may ask the public check: a bucket for each, in bounded memory.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use parking_lot::Mutex;

use crate::web::problem::Problem;

/// Questions that an address may ask at once; it gets one more each second.
const BURST: u32 = 60;
const REFILL: Duration = Duration::from_secs(1);
/// Addresses that are remembered. Beyond them strangers share one bucket.
const ADDRESSES_MAX: usize = 10_000;

/// Somebody without account whose address did not ask too often.
#[derive(Debug)]
pub struct Passed;

static GATE: LazyLock<Gate> = LazyLock::new(Gate::default);

#[derive(Default)]
struct Gate {
    /// For each address when its bucket will be full again.
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Gate {
    /// Takes one question out of an address's bucket, or says how long to wait for one.
    fn pass(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.full_at.lock();
        let mut key = block(address);
        if !buckets.contains_key(&key) && buckets.len() >= ADDRESSES_MAX {
            // What is full again need not be remembered.
            buckets.retain(|_, full_at| *full_at > now);
            if buckets.len() >= ADDRESSES_MAX {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let full_at = buckets.entry(key).or_insert(now);
        // Who asks from this machine may be a proxy that names nobody: many share its allowance.
        let cost = if address.is_loopback() { REFILL / 10 } else { REFILL };
        let next = (*full_at).max(now) + cost;
        let missing = next.saturating_duration_since(now);
        if missing > REFILL * BURST {
            return Err(missing - REFILL * BURST);
        }
        *full_at = next;
        Ok(())
    }
}

/// One household has a whole block of version 6.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// The address of who asks: the connection's, or behind the department's own HTTPS on this machine the last one that
/// it added to `X-Forwarded-For`.
fn address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    if !peer.is_loopback() {
        return peer;
    }
    let named = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    named.and_then(|names| names.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}

impl FromRequest for Passed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let passed = GATE.pass(address(request), Instant::now());
        ready(passed.map(|()| Self).map_err(|wait| {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Problem::new("too_many_questions").retry_after(seconds)
        }))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_address_has_its_burst_and_then_one_each_second() {
        let (gate, now) = (Gate::default(), Instant::now());
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..BURST {
            assert_eq!(gate.pass(one, now), Ok(()));
        }
        assert_eq!(gate.pass(one, now), Err(REFILL));
        assert_eq!(gate.pass(one, now), Err(REFILL), "who asks in vain does not wait longer");
        assert_eq!(gate.pass("192.0.2.2".parse().unwrap(), now), Ok(()), "another address");
        assert_eq!(gate.pass(one, now + REFILL), Ok(()));
        assert!(gate.pass(one, now + REFILL).is_err());
        let own: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!((0..1_000).filter(|_| gate.pass(own, now).is_ok()).count(), 600);
        let later = now + REFILL * (BURST + 1);
        assert_eq!((0..100).filter(|_| gate.pass(one, later).is_ok()).count(), 60);
    }

    #[test]
    fn a_block_of_version_6_is_one_address() {
        let (gate, now) = (Gate::default(), Instant::now());
        let of = |n: u32| format!("2001:db8:1:2::{n:x}").parse().unwrap();
        assert_eq!((0..100).filter(|n| gate.pass(of(*n), now).is_ok()).count(), 60);
        assert_eq!(gate.pass("2001:db8:1:3::1".parse().unwrap(), now), Ok(()));
        assert_eq!(block("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn memory_is_bounded_and_strangers_share_what_is_left() {
        let (gate, now) = (Gate::default(), Instant::now());
        let of = |n: u32| IpAddr::from(n.to_be_bytes());
        let passed = (0..20_000).filter(|n| gate.pass(of(*n), now).is_ok()).count();
        assert_eq!(passed, ADDRESSES_MAX + 60);
        assert!(gate.full_at.lock().len() <= ADDRESSES_MAX + 1);
        assert_eq!(gate.pass(of(99_999_999), now + REFILL * 2), Ok(()), "old buckets made room");
        assert_eq!(gate.full_at.lock().len(), 2, "the shared one is not full yet");
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let from = |peer: &str, forwarded: &str| {
            let request = TestRequest::get().peer_addr(format!("{peer}:9").parse().unwrap());
            address(&request.insert_header(("x-forwarded-for", forwarded)).to_http_request()).to_string()
        };
        assert_eq!(from("127.0.0.1", "198.51.100.7, 192.0.2.9"), "192.0.2.9");
        assert_eq!(from("192.0.2.1", "198.51.100.7"), "192.0.2.1");
        assert_eq!(from("127.0.0.1", "nonsense"), "127.0.0.1");
    }
}
