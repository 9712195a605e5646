//! Chance that can be repeated: all choices of a storm follow from its seed.

use std::env;

/// A stream of choices (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Choices by `MULU_SEED`, or by a new seed. Which one is printed, so that a failing story can be repeated.
    pub fn of(story: &str) -> Self {
        let given = env::var("MULU_SEED").ok().map(|seed| seed.parse().expect("MULU_SEED is a number"));
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).expect("randomness");
            u64::from(u32::from_le_bytes(bytes))
        });
        eprintln!("{story}: MULU_SEED={seed}");
        Self(seed)
    }

    /// Choices by a seed that is known.
    pub fn by(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream, which does not hang on how much of this one is used.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Whether something of so many per cent happens.
    pub fn percent(&mut self, likely: u64) -> bool {
        self.below(100) < likely
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(u64::try_from(of.len()).unwrap())).unwrap();
        &of[at]
    }
}

/// How much of something: what a variable says for the long form, or the short form's.
pub fn amount(variable: &str, short: u64) -> u64 {
    env::var(variable).ok().map_or(short, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}
