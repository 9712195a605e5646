//! All chance of a simulation, from one number (splitmix64).

/// A sequence of chances.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One number of several.
pub(super) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |sum, part| scramble(sum ^ part.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(scramble(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// A number below `end`, or 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Yes in so many of a thousand cases.
    pub(super) fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1000) < of_thousand
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// A place among so many.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap()
    }

    /// A sequence of its own, which what happens elsewhere does not disturb.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
