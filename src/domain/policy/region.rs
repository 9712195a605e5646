//! Sets of facts, on which it can be proven what rules decide for every combination.

use super::facts::{ATTRIBUTES, Facts, vocabulary};

/// For each attribute the words that it may take, one bit a word, in the order of its vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region([u64; ATTRIBUTES.len()]);

impl Region {
    /// The facts that a rule's cells speak of; `*` stands for every word.
    pub fn of(cells: &[Vec<&'static str>]) -> Self {
        let mut region = Self([0; ATTRIBUTES.len()]);
        for ((bits, attribute), words) in region.0.iter_mut().zip(ATTRIBUTES).zip(cells) {
            let known = vocabulary(attribute).unwrap_or_default();
            let takes = |word: &&str| words.contains(word) || words.contains(&super::rules::ANY);
            *bits = known.iter().enumerate().filter(|(_, word)| takes(word)).fold(0, |bits, (at, _)| bits | 1 << at);
        }
        region
    }

    /// The facts of one call.
    pub fn of_facts(facts: &Facts) -> Self {
        Self::of(&facts.words().map(|word| vec![word]))
    }

    /// What lies in both; `None` if nothing does.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let mut both = *self;
        both.0.iter_mut().zip(other.0).for_each(|(bits, more)| *bits &= more);
        both.0.iter().all(|bits| *bits != 0).then_some(both)
    }

    /// What lies in this one and not in the other, in parts that do not overlap.
    pub fn without(&self, other: &Self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut rest = *self;
        for (at, bits) in other.0.iter().enumerate() {
            let mut part = rest;
            if let (Some(outside), Some(inside)) = (part.0.get_mut(at), rest.0.get_mut(at)) {
                *outside &= !bits;
                *inside &= bits;
                if *outside != 0 {
                    parts.push(part);
                }
                if *inside == 0 {
                    break;
                }
            }
        }
        parts
    }

    /// The same but for one attribute, which takes one word, by their positions.
    pub fn with(mut self, attribute: usize, word: usize) -> Self {
        if let Some(bits) = self.0.get_mut(attribute) {
            *bits = 1 << word;
        }
        self
    }

    /// One call that lies in it, as `attribute=word`, with those attributes alone in which it is not every call.
    pub fn example(&self) -> String {
        let mut said = Vec::new();
        for (bits, attribute) in self.0.iter().zip(ATTRIBUTES) {
            let known = vocabulary(attribute).unwrap_or_default();
            let taken = |at: &usize| bits & (1 << at) != 0;
            if (0..known.len()).all(|at| taken(&at)) {
                continue;
            }
            if let Some(word) = (0..known.len()).find(taken).and_then(|at| known.get(at)) {
                said.push(format!("{attribute}={word}"));
            }
        }
        said.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::parse;
    use super::*;

    #[test]
    fn every_vocabulary_fits_its_bits() {
        for attribute in ATTRIBUTES {
            assert!((1..=64).contains(&vocabulary(attribute).unwrap().len()), "{attribute}");
        }
    }

    #[test]
    fn parts_do_not_overlap_and_leave_nothing_out() {
        let text = "a, query|case.open, clerk|system, *, *, !none, *, *, active|none, *, *, *, *, allow, -\n\
                    b, query, *, own|foreign, *, !none, *, 1|2, active, *, *, yes, *, allow, -";
        let rules = parse(text).unwrap();
        let (a, b) = (rules[0].region(), rules[1].region());
        let parts = a.without(b);
        for (at, part) in parts.iter().enumerate() {
            assert!(part.meet(b).is_none() && part.meet(a) == Some(*part));
            assert!(parts[..at].iter().all(|earlier| earlier.meet(part).is_none()));
        }
        let size = |region: &Region| region.0.iter().map(|bits| u64::from(bits.count_ones())).product::<u64>();
        let both = a.meet(b).unwrap();
        assert_eq!(size(&both) + parts.iter().map(size).sum::<u64>(), size(a));
        assert_eq!(a.without(a), []);
    }
}
