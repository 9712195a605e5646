//! Whether listings keep up: under a load that leaves them no time they may lag, as long as they go on.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A projection that lags further than this is told of.
pub const LAG_MAX: u64 = 10_000;
/// So long a projection that lags may stand still.
const STILL_MAX: Duration = Duration::from_secs(10);

/// How the projection was seen to go on.
#[derive(Debug, Default)]
pub struct Listings {
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    projected: u64,
    at: Instant,
    /// Whether it was up to date at any time since the start: before that, its listings are old, not late.
    kept_up: bool,
}

impl Listings {
    /// Takes in how far the projection and the ledger are, and whether that has caught up with the city since the start;
    /// answers whether the listings may be shown.
    pub fn keep_up(&self, projected: u64, size: u64, caught_up: bool) -> bool {
        self.keep_up_at((projected, size), caught_up, Instant::now())
    }

    fn keep_up_at(&self, (projected, size): (u64, u64), caught_up: bool, now: Instant) -> bool {
        let is_near = size.saturating_sub(projected) <= LAG_MAX;
        let mut seen = self.seen.lock();
        let before = seen.unwrap_or(Seen { projected, at: now, kept_up: false });
        let at = if projected == before.projected { before.at } else { now };
        let kept_up = before.kept_up || is_near && caught_up;
        *seen = Some(Seen { projected, at, kept_up });
        is_near || kept_up && now.saturating_duration_since(at) <= STILL_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_may_lag_while_they_go_on_but_not_begin_behind_or_stand_still() {
        let (listings, start) = (Listings::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(listings.keep_up_at((0, 0), false, start), "near, as the ledger itself begins");
        assert!(!listings.keep_up_at((0, LAG_MAX + 1), true, start), "a rebuild shows nothing yet");
        assert!(!listings.keep_up_at((500, LAG_MAX + 501), true, after(1)));
        assert!(listings.keep_up_at((600, LAG_MAX + 600), true, after(2)));
        assert!(listings.keep_up_at((700, 900_000), true, after(3)), "late, and on its way");
        assert!(listings.keep_up_at((700, 990_000), true, after(13)));
        assert!(!listings.keep_up_at((700, 990_000), true, after(14)), "it stands still");
        assert!(listings.keep_up_at((701, 990_000), true, after(15)));
    }
}
