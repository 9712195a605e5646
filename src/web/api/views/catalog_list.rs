//! Answers of a search: entries, where the words stand in them, and what they are like.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Text;
use crate::readmodel::search::{FacetCount, Facets, places};
use crate::readmodel::{self, catalog as rows};

use super::answer;
use super::catalog::EntrySummary;

/// Entries found.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryList {
    /// The entries: those of a search with the most fitting first, else by name.
    pub items: Vec<EntryFound>,
    /// Leads to the next page; null on the last one. A search leads through 10,000 entries at most.
    pub next_cursor: Option<String>,
    /// Index of the last transaction that the page reflects.
    pub ledger_index: u64,
    /// What all entries found are like, if asked for with `facets=true`; left out while the search index is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetsAnswer>,
}

/// An entry found.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryFound {
    /// The entry.
    #[serde(flatten)]
    pub entry: EntrySummary,
    /// Where the words of the search stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlight: Option<Highlight>,
}

/// Where the words of a search stand in an entry's texts: pairs `[from, to)`, in characters.
#[derive(Debug, Serialize, ToSchema)]
pub struct Highlight {
    /// In its title.
    pub title: Places,
    /// In its summary.
    pub summary: Places,
}

/// Places in a text of two languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct Places {
    /// In the Chinese text.
    pub zh: Vec<[u32; 2]>,
    /// In the English text.
    pub en: Vec<[u32; 2]>,
}

impl Places {
    fn of(text: &Text, words: &[String]) -> Self {
        let pairs = |text: &str| places(text, words).into_iter().map(|(from, to)| [from, to]).collect();
        Self { zh: pairs(&text.zh), en: pairs(&text.en) }
    }
}

answer! {
    /// How many entries have a value.
    FacetValue from FacetCount {
        /// The value, as its filter takes it.
        value: String,
        /// Entries found that have it.
        entries: u64,
    }
}

/// What the entries found are like: the 50 most frequent values of each facet.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetsAnswer {
    /// All entries found.
    pub total: u64,
    /// By provider.
    pub provider: Vec<FacetValue>,
    /// By class, in Chinese.
    pub class: Vec<FacetValue>,
    /// By sharing type.
    pub sharing: Vec<FacetValue>,
    /// By grade.
    pub grade: Vec<FacetValue>,
    /// By update cycle.
    pub update_cycle: Vec<FacetValue>,
    /// By state.
    pub state: Vec<FacetValue>,
    /// By level.
    pub level: Vec<FacetValue>,
}

impl From<Facets> for FacetsAnswer {
    fn from(facets: Facets) -> Self {
        let values = |counts: Vec<FacetCount>| counts.into_iter().map(Into::into).collect();
        Self {
            total: facets.total,
            provider: values(facets.provider),
            class: values(facets.class),
            sharing: values(facets.sharing),
            grade: values(facets.grade),
            update_cycle: values(facets.update_cycle),
            state: values(facets.state),
            level: values(facets.level),
        }
    }
}

impl EntryList {
    /// The answer with the words of the search marked.
    pub fn of(page: readmodel::Page<rows::EntrySummary>, facets: Option<Facets>, words: &[String]) -> Self {
        let found = |row: rows::EntrySummary| {
            let highlight = (!words.is_empty())
                .then(|| Highlight { title: Places::of(&row.name, words), summary: Places::of(&row.summary, words) });
            EntryFound { entry: row.into(), highlight }
        };
        Self {
            items: page.items.into_iter().map(found).collect(),
            next_cursor: page.next_cursor,
            ledger_index: page.ledger_index,
            facets: facets.map(Into::into),
        }
    }
}
