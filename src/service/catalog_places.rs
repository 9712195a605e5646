//! Where an entry stands in the catalog: its code, what is above, below and beside it, and what its users must know.

use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Text;
use crate::domain::catalog::{Classification, Entry, EntryState, Level};
use crate::domain::compatibility;
use crate::domain::entry_diff::{Change, differences};
use crate::domain::grant::GrantState;
use crate::domain::identifiers::resource_code;
use crate::domain::schema::FaultCode;
use crate::ids::{EntryName, GrantId, Version};
use crate::readmodel::classes::ClassGroup;
use crate::readmodel::tombstones::Tombstone;
use crate::readmodel::{Page, PageRequest};
use crate::state::State;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;

/// Entries that one place shows below an entry, and notices for one department, at most.
pub const PLACES_MAX: usize = 200;

/// When a draft's place is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Its parent may be a draft yet.
    Saved,
    /// Its parent must be in the catalog.
    Submitted,
}

/// An entry as others name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `provider/name`.
    pub id: EntryName,
    /// Name for people.
    pub title: Text,
    /// Its level.
    pub level: Level,
    /// Where it stands.
    pub state: EntryState,
}

/// What stands around an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// From the top down to the one directly above.
    pub above: Vec<Place>,
    /// Directly below, by name.
    pub below: Vec<Place>,
    /// Its related codes, each with the entry that bears it, if one does.
    pub related: Vec<(String, Option<Place>)>,
}

/// What differs between two versions of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The entry.
    pub id: EntryName,
    /// The older version.
    pub from: Version,
    /// The newer version.
    pub to: Version,
    /// Place by place.
    pub changes: Vec<Change>,
}

/// Why a department that may use an entry must look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A version with another major number is in force: it breaks who relies on the old one.
    NewMajorVersion,
    /// It is deprecated.
    Deprecated,
    /// It is withdrawn.
    Withdrawn,
}

impl NoticeKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewMajorVersion => "new_major_version",
            Self::Deprecated => "deprecated",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Word to a department about an entry that it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The entry.
    pub entry: EntryName,
    /// Its name for people.
    pub title: Text,
    /// The grant by which it is used.
    pub grant: GrantId,
    /// The version that was granted.
    pub granted_version: Version,
    /// The version in force.
    pub current_version: Version,
    /// What to use instead, if the provider says so.
    pub successor: Option<EntryName>,
    /// When it happened, in block time.
    pub at: Millis,
}

impl Node {
    /// Gives a draft the code that its author left out: the next number below the prefix that it names or, where it
    /// names none, below that of the other entries of its classification.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when there is no such prefix, or no number is left.
    pub async fn with_code(&self, mut document: Value) -> Result<Value, ServiceError> {
        let written = document.get("code").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        if resource_code::sequence(&written).is_some() {
            return Ok(document);
        }
        let name: Option<EntryName> = document.get("name").and_then(Value::as_str).and_then(|name| name.parse().ok());
        let wanted = written.trim_end_matches('/').to_owned();
        let code = match name
            .as_ref()
            .and_then(|name| self.code_of(name))
            .filter(|code| wanted.is_empty() || resource_code::prefix(code) == wanted)
        {
            Some(code) => code,
            None => self.next_code(name, wanted, &document).await?,
        };
        if let Some(fields) = document.as_object_mut() {
            fields.insert("code".into(), code.into());
        }
        Ok(document)
    }

    fn code_of(&self, name: &EntryName) -> Option<String> {
        self.chain.state().entry(name).map(|history| history.current().entry.code.clone())
    }

    async fn next_code(
        &self,
        name: Option<EntryName>,
        wanted: String,
        document: &Value,
    ) -> Result<String, ServiceError> {
        let prefix = if wanted.is_empty() { self.prefix_of_class(document).await? } else { wanted };
        if resource_code::check_prefix(&prefix).is_err() {
            let why = "write the code, or its digits before the slash: class 1, item 2, topic 3, detail up to 12";
            return Err(ServiceError::invalid(FaultCode::BadCode, "/code", why));
        }
        let local = self.local.clone();
        let drafts = blocking(move || local.drafts()).await?;
        let (own, others): (Vec<_>, Vec<_>) =
            drafts.into_iter().partition(|draft| name.as_ref() == Some(&draft.entry.name));
        let below = |code: &String| resource_code::prefix(code) == prefix;
        if let Some(kept) = own.into_iter().map(|draft| draft.entry.code).find(below) {
            return Ok(kept);
        }
        let drafted = others.into_iter().map(|draft| draft.entry.code).filter(below);
        let drafted = drafted.filter_map(|code| resource_code::sequence(&code)).max().unwrap_or(0);
        let last = self.chain.state().last_code(&prefix).max(drafted);
        let why = "no number is left below this prefix: choose another detail";
        let full = || ServiceError::invalid(FaultCode::NoNumberLeft, "/code", why);
        resource_code::numbered(&prefix, last.saturating_add(1)).ok_or_else(full)
    }

    async fn prefix_of_class(&self, document: &Value) -> Result<String, ServiceError> {
        let class = document.get("classification").cloned().unwrap_or_default();
        let Ok(class) = serde_json::from_value::<Classification>(class) else { return Ok(String::new()) };
        let code = self.reading(move |model| model.code_in_class(&class)).await?;
        Ok(code.map(|code| resource_code::prefix(&code).to_owned()).unwrap_or_default())
    }

    /// Whether an entry's place is free: its code is nobody else's, its parent is there, and a version that breaks users
    /// says so by its major number. The ledger checks code and parent again.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`], [`ServiceError::Invalid`] with each place at fault.
    pub(super) fn check_place(&self, entry: &Entry, moment: Moment) -> Result<(), ServiceError> {
        let state = self.chain.state();
        if let Some(other) = state.entry_of_code(&entry.code).filter(|other| *other != &entry.name) {
            let detail = format!("code {} is that of {other}: leave the code out, and a free one is given", entry.code);
            return Err(ServiceError::conflict("code_taken", detail));
        }
        if let Some(parent) = &entry.parent {
            let level = state.entry(parent).map(|above| above.current().entry.level);
            let waits = moment == Moment::Saved && level.is_none();
            if !waits && (level.is_none() || level != entry.level.above()) {
                let (code, why) = match (level, entry.level.above()) {
                    (None, _) => (FaultCode::BadParent, format!("{parent} is not in the catalog")),
                    (_, Some(above)) => {
                        (FaultCode::BadParent, format!("name an entry of the level {}", above.as_str()))
                    }
                    (_, None) => {
                        (FaultCode::DutyHasParent, "a duty stands at the top: leave its parent out".to_owned())
                    }
                };
                return Err(ServiceError::invalid(code, "/parent", why));
            }
        }
        let before = state.entry(&entry.name).map(|history| &history.current().entry);
        let faults = before.map(|before| compatibility::unannounced(before, entry)).unwrap_or_default();
        if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
    }

    /// What stands above, below and beside an entry.
    pub fn surroundings(&self, entry: &Entry) -> Surroundings {
        let state = self.chain.state();
        let mut above = Vec::new();
        let mut next = entry.parent.clone();
        // Three levels: two steps lead to the top.
        while let Some(name) = next.take().filter(|_| above.len() < 2) {
            next = state.entry(&name).and_then(|history| history.current().entry.parent.clone());
            above.extend(place(&state, &name));
        }
        above.reverse();
        let below = state.children(&entry.name).filter_map(|name| place(&state, name)).take(PLACES_MAX).collect();
        let of_code = |code: &String| (code.clone(), state.entry_of_code(code).and_then(|name| place(&state, name)));
        Surroundings { above, below, related: entry.related_codes.iter().map(of_code).collect() }
    }

    /// Related codes of an entry that no entry of the city bears. No fault: departments that name each other have to begin
    /// somewhere, and only then can one say of a code that it stays unknown; author and reviewer see it beside the draft.
    pub fn unknown_related(&self, entry: &Entry) -> Vec<String> {
        let state = self.chain.state();
        entry.related_codes.iter().filter(|code| state.entry_of_code(code).is_none()).cloned().collect()
    }

    /// What differs between two versions; between the one in force and the one before it, where none is named.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn difference(
        &self,
        name: &EntryName,
        from: Option<Version>,
        to: Option<Version>,
    ) -> Result<Difference, ServiceError> {
        let state = self.chain.state();
        let history = state.entry(name).ok_or_else(|| ServiceError::missing(format_args!("entry {name}")))?;
        let find = |version: Version| {
            let found = history.versions().find(|known| known.entry.version == version);
            found.ok_or_else(|| ServiceError::missing(format_args!("version {version} of {name}")))
        };
        let to = to.map_or(Ok(history.current()), find)?;
        let before = || {
            let earlier = history.versions().rev().find(|known| known.entry.version < to.entry.version);
            earlier
                .ok_or_else(|| ServiceError::missing(format_args!("a version of {name} before {}", to.entry.version)))
        };
        let from = from.map_or_else(before, find)?;
        let changes = differences(&from.entry, &to.entry);
        Ok(Difference { id: name.clone(), from: from.entry.version, to: to.entry.version, changes })
    }

    /// What this department must know of entries that it was granted: new major versions and ends, newest first.
    pub fn notices(&self) -> Vec<Notice> {
        let state = self.chain.state();
        let mut notices: Vec<Notice> = state
            .grants_of_consumer(&self.department)
            .filter(|grant| grant.state(state.time()) == GrantState::Active)
            .filter_map(|grant| {
                let history = state.entry(&grant.request.entry)?;
                let current = history.current();
                let ended = history.ending.as_ref().map(|ending| (ending.at, ending.successor.clone()));
                let kind = match history.state {
                    EntryState::Withdrawn => NoticeKind::Withdrawn,
                    EntryState::Deprecated => NoticeKind::Deprecated,
                    EntryState::Published if current.entry.version.major > grant.request.version.major => {
                        NoticeKind::NewMajorVersion
                    }
                    EntryState::Published => return None,
                };
                let (at, successor) = ended.unwrap_or((current.at, None));
                Some(Notice {
                    kind,
                    entry: grant.request.entry.clone(),
                    title: current.entry.title.clone(),
                    grant: grant.id,
                    granted_version: grant.request.version,
                    current_version: current.entry.version,
                    successor,
                    at,
                })
            })
            .collect();
        notices.sort_by(|one, other| (other.at, &one.entry).cmp(&(one.at, &other.entry)));
        notices.truncate(PLACES_MAX);
        notices
    }

    /// The groups below a place of the classification.
    ///
    /// # Errors
    /// The database's.
    pub async fn classes(&self, place: Vec<String>) -> Result<Vec<ClassGroup>, ServiceError> {
        self.reading(move |model| model.classes(&place)).await
    }

    /// What places of the classification are called, in both languages. A place where nothing stands is called as it is
    /// asked for.
    ///
    /// # Errors
    /// The database's.
    pub async fn class_names(&self, places: Vec<Vec<String>>) -> Result<Vec<Text>, ServiceError> {
        self.reading(move |model| {
            let name = |place: &Vec<String>| {
                let asked = || Text { zh: place.last().cloned().unwrap_or_default(), en: String::new() };
                model.class_name(place).map(|found| found.unwrap_or_else(asked))
            };
            places.iter().map(name).collect()
        })
        .await
    }

    /// Withdrawn entries, oldest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn tombstones(&self, since: u64, page: PageRequest) -> Result<Page<Tombstone>, ServiceError> {
        self.reading(move |model| model.tombstones(since, &page)).await
    }
}

fn place(state: &State, name: &EntryName) -> Option<Place> {
    let history = state.entry(name)?;
    let entry = &history.current().entry;
    Some(Place { id: name.clone(), title: entry.title.clone(), level: entry.level, state: history.state })
}
