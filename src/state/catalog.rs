//! Catalog entries on the ledger: published, deprecated, withdrawn; every version stays.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::domain::Actor;
use crate::domain::Role;
use crate::domain::catalog::{Entry, EntryState, Level};
use crate::domain::command::{EntryEnding, EntryPublication};
use crate::domain::identifiers::resource_code;
use crate::ids::EntryName;

use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// Items of one entry.
pub const ITEMS_MAX: usize = 200;
const VERSIONS_MAX: usize = 1_000;

/// An entry with all its versions, oldest first, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryHistory {
    /// The version in force.
    current: PublishedEntry,
    /// Earlier versions, oldest first.
    #[serde(skip)]
    pub earlier: Vec<PublishedEntry>,
    /// Digest over the earlier versions: a long history is not hashed again with every change.
    earlier_digest: Hash,
    /// Where the entry stands.
    pub state: EntryState,
    /// Why it is deprecated or withdrawn.
    pub ending: Option<Ending>,
}

impl EntryHistory {
    pub(super) fn begin(current: PublishedEntry) -> Self {
        let (earlier, earlier_digest) = (Vec::new(), Hash([0; 32]));
        Self { current, earlier, earlier_digest, state: EntryState::Published, ending: None }
    }

    /// Puts a version in the place of the one in force.
    pub(super) fn supersede(&mut self, next: PublishedEntry, algorithm: HashAlgorithm) {
        let before = std::mem::replace(&mut self.current, next);
        let text = serde_json::to_vec(&before).unwrap_or_default();
        self.earlier_digest = algorithm.digest(&[&self.earlier_digest.0, &text]);
        self.earlier.push(before);
        self.state = EntryState::Published;
        self.ending = None;
    }

    /// The same with its earlier versions, which are not in its text; `None` if they are not these.
    pub(super) fn with_earlier(self, earlier: Vec<PublishedEntry>, algorithm: HashAlgorithm) -> Option<Self> {
        let digest = earlier.iter().fold(Hash([0; 32]), |digest, before| {
            let text = serde_json::to_vec(before).unwrap_or_default();
            algorithm.digest(&[&digest.0, &text])
        });
        (digest == self.earlier_digest).then_some(Self { earlier, ..self })
    }

    /// The version in force.
    pub fn current(&self) -> &PublishedEntry {
        &self.current
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &PublishedEntry> {
        self.earlier.iter().chain(std::iter::once(&self.current))
    }
}

/// One version as it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedEntry {
    /// The entry.
    pub entry: Entry,
    /// Who drafted it.
    pub drafted_by: Actor,
    /// Who approved it.
    pub approved_by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub index: u64,
}

/// Why and when an entry ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why.
    pub reason: String,
    /// What to use instead.
    pub successor: Option<EntryName>,
    /// Who ended it.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
}

impl State {
    pub(super) fn publish_entry(&mut self, by: &Context<'_>, publication: EntryPublication) -> Result<(), Refusal> {
        let EntryPublication { entry, drafted_by } = publication;
        if &entry.name.provider != by.department {
            return Err(Refusal::NotAllowed("only the provider publishes its entries".into()));
        }
        reviewer(by)?;
        if drafted_by.user == by.actor.user {
            return Err(Refusal::OwnRequest);
        }
        let edition = self.edition();
        check_entry(&entry, edition)?;
        if edition >= 3 {
            self.check_place(&entry)?;
        }
        let name = entry.name.clone();
        let published = PublishedEntry { entry, drafted_by, approved_by: by.actor.clone(), at: by.at, index: by.index };
        match self.entries.get(&name) {
            None => {
                self.catalog_index.follow(None, &published.entry);
                self.entries.insert(name, EntryHistory::begin(published));
            }
            Some(history) => {
                if published.entry.version <= history.current.entry.version {
                    let current = history.current.entry.version;
                    return Err(Refusal::Conflict(format!("version {current} is published: raise the version")));
                }
                if history.earlier.len() >= VERSIONS_MAX {
                    return Err(Refusal::Conflict("the entry has too many versions".into()));
                }
                let algorithm = self.algorithm;
                self.catalog_index.follow(Some(&history.current.entry), &published.entry);
                self.entries.change(&name, |history| history.supersede(published, algorithm));
            }
        }
        Ok(())
    }

    /// An entry's place in the catalog: a code of its own, and a parent one level above.
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        if resource_code::check(&entry.code).is_err() {
            return Err(Refusal::Invalid("code is not that of an information resource".into()));
        }
        if let Some(other) = self.catalog_index.other_of_code(&entry.code, &entry.name) {
            return Err(Refusal::Conflict(format!("code {} is that of {other}", entry.code)));
        }
        let level_before = self.entries.get(&entry.name).map(|history| history.current.entry.level);
        if level_before.is_some_and(|before| before != entry.level) && self.catalog_index.has_children(&entry.name) {
            return Err(Refusal::Conflict("entries stand below this one: its level stays".into()));
        }
        let Some(parent) = &entry.parent else { return Ok(()) };
        let unknown = || Refusal::Unknown(format!("parent {parent}"));
        let above = self.entries.get(parent).ok_or_else(unknown)?;
        if above.state == EntryState::Withdrawn {
            return Err(Refusal::Conflict(format!("parent {parent} is withdrawn")));
        }
        if Some(above.current.entry.level) != entry.level.above() {
            let (own, its) = (entry.level.as_str(), above.current.entry.level.as_str());
            return Err(Refusal::Invalid(format!("a {its} entry is not the parent of a {own} entry")));
        }
        Ok(())
    }

    pub(super) fn deprecate_entry(&mut self, by: &Context<'_>, ending: EntryEnding) -> Result<(), Refusal> {
        self.end_entry(by, ending, EntryState::Deprecated)
    }

    pub(super) fn withdraw_entry(&mut self, by: &Context<'_>, ending: EntryEnding) -> Result<(), Refusal> {
        self.end_entry(by, ending, EntryState::Withdrawn)
    }

    fn end_entry(&mut self, by: &Context<'_>, ending: EntryEnding, to: EntryState) -> Result<(), Refusal> {
        if &ending.entry.provider != by.department {
            return Err(Refusal::NotAllowed("only the provider ends its entries".into()));
        }
        reviewer(by)?;
        limits::text("reason", &ending.reason, limits::TEXT_CHARS_MAX)?;
        if let Some(successor) = &ending.successor
            && (!self.entries.contains_key(successor) || successor == &ending.entry)
        {
            return Err(Refusal::Unknown(format!("successor {successor}")));
        }
        let unknown = || Refusal::Unknown(format!("entry {}", ending.entry));
        let history = self.entries.get(&ending.entry).ok_or_else(unknown)?;
        if history.current.entry.version != ending.version {
            let current = history.current.entry.version;
            return Err(Refusal::Conflict(format!("version {current} is in force, not {}", ending.version)));
        }
        if history.state == EntryState::Withdrawn || history.state == to {
            return Err(Refusal::Conflict(format!("the entry is {}", history.state.as_str())));
        }
        let EntryEnding { entry, reason, successor, .. } = ending;
        let ending = Ending { reason, successor, by: by.actor.clone(), at: by.at };
        self.entries.change(&entry, |history| {
            history.state = to;
            history.ending = Some(ending);
        });
        Ok(())
    }
}

/// Approvals are the reviewer's: checked here too, for the signing node may be doctored.
pub(super) fn reviewer(by: &Context<'_>) -> Result<(), Refusal> {
    if by.actor.role == Role::Reviewer {
        Ok(())
    } else {
        Err(Refusal::NotAllowed("this needs the role reviewer".into()))
    }
}

fn check_entry(entry: &Entry, edition: u32) -> Result<(), Refusal> {
    for (what, value, max) in [
        ("title.zh", &entry.title.zh, 100),
        ("title.en", &entry.title.en, 200),
        ("summary.zh", &entry.summary.zh, 2_000),
        ("code", &entry.code, 64),
        ("provider_code", &entry.provider_code, 18),
    ] {
        limits::text(what, value, max)?;
    }
    // A duty is the head of entries with data and needs none itself.
    let may_be_empty = edition >= 3 && entry.level == Level::Duty;
    if (entry.items.is_empty() && !may_be_empty) || entry.items.len() > ITEMS_MAX {
        return Err(Refusal::Invalid(format!("an entry has 1 to {ITEMS_MAX} items")));
    }
    let mut names: Vec<_> = entry.items.iter().map(|item| &item.name).collect();
    names.sort();
    names.dedup();
    if names.len() != entry.items.len() {
        return Err(Refusal::Invalid("two items have the same name".into()));
    }
    if entry.items.iter().any(|item| !(1..=4).contains(&item.grade)) {
        return Err(Refusal::Invalid("an item's grade is 1 to 4".into()));
    }
    if let Some(condition) = &entry.open_condition {
        limits::text("open_condition.zh", &condition.zh, 2_000)?;
    }
    for item in &entry.items {
        if let Some(condition) = &item.sharing_condition {
            limits::text("an item's sharing_condition.zh", &condition.zh, 2_000)?;
        }
        if let Some(range) = &item.range {
            limits::text("an item's range", range, 64)?;
        }
    }
    Ok(())
}
