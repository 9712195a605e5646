//! Facets: how many of the entries found are of each provider, class, sharing type and so on. All of an entry's facets
//! stand in one number, so that counting a million entries reads one column once.

use serde::{Deserialize, Serialize};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::readmodel::catalog::EntrySummary;

/// Name of the column.
pub(super) const COLUMN: &str = "facets";
/// Values of one facet that an answer tells, the most frequent first.
pub const VALUES_MAX: usize = 50;

/// How many entries have a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The value, as its filter takes it.
    pub value: String,
    /// Entries found that have it.
    pub entries: u64,
}

/// What the entries found are like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// All entries found.
    pub total: u64,
    /// By provider.
    pub provider: Vec<FacetCount>,
    /// By 类, in Chinese.
    pub class: Vec<FacetCount>,
    /// By sharing type.
    pub sharing: Vec<FacetCount>,
    /// By grade.
    pub grade: Vec<FacetCount>,
    /// By update cycle.
    pub update_cycle: Vec<FacetCount>,
    /// By state.
    pub state: Vec<FacetCount>,
    /// By level.
    pub level: Vec<FacetCount>,
}

/// Bits of each facet, from the lowest: provider, class, sharing, grade, update cycle, state, level.
const BITS: [u32; 7] = [16, 12, 4, 4, 4, 4, 4];

/// The values of each facet; the number of one is its place. It is kept with the index and only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dictionary([Vec<String>; 7]);

impl Dictionary {
    /// An entry's facets as one number. Values beyond a facet's bits share the last number.
    pub fn pack(&mut self, entry: &EntrySummary) -> u64 {
        let values = values(entry);
        let mut packed = 0;
        let mut shift = 0;
        for ((known, value), bits) in self.0.iter_mut().zip(values).zip(BITS) {
            let last = (1_usize << bits) - 1;
            let place = known.iter().position(|one| *one == value).unwrap_or_else(|| {
                if known.len() < last {
                    known.push(value);
                    known.len() - 1
                } else {
                    last
                }
            });
            packed |= u64::try_from(place).unwrap_or(0) << shift;
            shift += bits;
        }
        packed
    }

    /// What counts mean.
    pub fn read(&self, counts: &Counts) -> Facets {
        let mut facets = self.0.iter().zip(&counts.0).map(|(known, counts)| {
            let found = known.iter().zip(counts).filter(|(_, count)| **count > 0);
            let mut found: Vec<_> =
                found.map(|(value, count)| FacetCount { value: value.clone(), entries: u64::from(*count) }).collect();
            found.sort_by(|one, other| (other.entries, &one.value).cmp(&(one.entries, &other.value)));
            found.truncate(VALUES_MAX);
            found
        });
        let mut next = || facets.next().unwrap_or_default();
        Facets {
            total: counts.1,
            provider: next(),
            class: next(),
            sharing: next(),
            grade: next(),
            update_cycle: next(),
            state: next(),
            level: next(),
        }
    }
}

fn values(entry: &EntrySummary) -> [String; 7] {
    [
        entry.provider.to_string(),
        entry.classification.class.zh.clone(),
        entry.sharing.as_str().to_owned(),
        entry.grade.to_string(),
        entry.update_cycle.as_str().to_owned(),
        entry.state.as_str().to_owned(),
        entry.level.as_str().to_owned(),
    ]
}

/// Terms by which filters find entries.
pub(super) fn tags(entry: &EntrySummary) -> Vec<String> {
    let class = &entry.classification;
    let names = ["provider", "class", "sharing", "grade", "update_cycle", "state", "level"];
    let mut tags: Vec<String> =
        names.iter().zip(values(entry)).map(|(name, value)| format!("{name}:{value}")).collect();
    tags.push(format!("category:{}", class.category.zh));
    tags.push(format!("topic:{}", class.topic.zh));
    tags.push(format!("detail:{}", class.detail.zh));
    tags
}

/// How often each value of each facet was met, and how many entries.
#[derive(Clone, Debug)]
pub(super) struct Counts([Vec<u32>; 7], u64);

impl Counts {
    fn new() -> Self {
        Self(BITS.map(|bits| vec![0; 1 << bits]), 0)
    }

    fn add(&mut self, packed: u64) {
        let mut rest = packed;
        for (counts, bits) in self.0.iter_mut().zip(BITS) {
            let place = usize::try_from(rest & ((1 << bits) - 1)).unwrap_or(0);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
            rest >>= bits;
        }
        self.1 += 1;
    }
}

/// Counts what a search meets.
pub(super) struct FacetCounter;

impl Collector for FacetCounter {
    type Fruit = Counts;
    type Child = SegmentCounter;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounter> {
        Ok(SegmentCounter { column: segment.fast_fields().u64(COLUMN)?, counts: Counts::new(), values: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, of_segments: Vec<Counts>) -> tantivy::Result<Counts> {
        let mut all = Counts::new();
        for one in of_segments {
            for (sum, more) in all.0.iter_mut().flatten().zip(one.0.iter().flatten()) {
                *sum += more;
            }
            all.1 += one.1;
        }
        Ok(all)
    }
}

/// Counts what a search meets in one segment.
pub(super) struct SegmentCounter {
    column: Column,
    counts: Counts,
    values: Vec<Option<u64>>,
}

impl SegmentCollector for SegmentCounter {
    type Fruit = Counts;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.counts.add(self.column.first(doc).unwrap_or(0));
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        self.values.clear();
        self.values.resize(docs.len(), None);
        self.column.first_vals(docs, &mut self.values);
        for value in &self.values {
            self.counts.add(value.unwrap_or(0));
        }
    }

    fn harvest(self) -> Counts {
        self.counts
    }
}
