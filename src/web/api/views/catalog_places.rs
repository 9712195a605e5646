//! Answers about an entry's place in the catalog: its neighbours, its differences, its classes, its end.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::Text;
use crate::domain::catalog::{EntryState, Level};
use crate::domain::entry_diff::Change;
use crate::ids::{EntryName, GrantId, TxId, Version};
use crate::readmodel::classes::ClassGroup;
use crate::readmodel::tombstones::Tombstone;
use crate::service::catalog_places::{Difference, Notice, Place};

use super::{Time, answer};

answer! {
    /// An entry as others name it.
    PlaceAnswer from Place {
        /// `provider/name`.
        id: EntryName,
        /// Name for people.
        title: Text,
        /// Its level.
        level: Level,
        /// Where it stands.
        state: EntryState,
    }
}

/// A related code and its entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedAnswer {
    /// The code.
    pub code: String,
    /// The entry that bears it; null while none does.
    pub entry: Option<PlaceAnswer>,
}

impl From<(String, Option<Place>)> for RelatedAnswer {
    fn from((code, entry): (String, Option<Place>)) -> Self {
        Self { code, entry: entry.map(Into::into) }
    }
}

/// One difference between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeAnswer {
    /// JSON Pointer into the entry; items stand under their names.
    pub pointer: String,
    /// `added`, `removed` or `changed`.
    pub kind: &'static str,
    /// What stood there.
    pub before: Option<Value>,
    /// What stands there.
    pub after: Option<Value>,
    /// In what way this breaks users, if it does.
    pub breaking: Option<&'static str>,
}

impl From<Change> for ChangeAnswer {
    fn from(change: Change) -> Self {
        Self {
            pointer: change.pointer,
            kind: change.kind.as_str(),
            before: change.before,
            after: change.after,
            breaking: change.breaking.map(|kind| kind.as_str()),
        }
    }
}

/// What differs between two versions of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceAnswer {
    /// `provider/name`.
    pub id: EntryName,
    /// The older version.
    pub from: Version,
    /// The newer version.
    pub to: Version,
    /// Whether users of the older one must change something.
    pub breaking: bool,
    /// Place by place, 500 at most.
    pub changes: Vec<ChangeAnswer>,
}

impl From<Difference> for DifferenceAnswer {
    fn from(difference: Difference) -> Self {
        Self {
            breaking: difference.changes.iter().any(|change| change.breaking.is_some()),
            id: difference.id,
            from: difference.from,
            to: difference.to,
            changes: difference.changes.into_iter().map(Into::into).collect(),
        }
    }
}

answer! {
    /// A group of the classification.
    ClassAnswer from ClassGroup {
        /// Its name; the Chinese one is what filters take.
        name: Text,
        /// Entries in it, without withdrawn ones.
        entries: u64,
    }
}

/// Word about an entry that this department was granted.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeAnswer {
    /// `new_major_version`, `deprecated` or `withdrawn`.
    pub kind: &'static str,
    /// `provider/name`.
    pub entry: EntryName,
    /// Name for people.
    pub title: Text,
    /// The grant by which it is used.
    pub grant_id: GrantId,
    /// The version that was granted.
    pub granted_version: Version,
    /// The version in force.
    pub current_version: Version,
    /// What to use instead.
    pub successor: Option<EntryName>,
    /// When it happened, in block time.
    pub at: Time,
}

impl From<Notice> for NoticeAnswer {
    fn from(notice: Notice) -> Self {
        Self {
            kind: notice.kind.as_str(),
            entry: notice.entry,
            title: notice.title,
            grant_id: notice.grant,
            granted_version: notice.granted_version,
            current_version: notice.current_version,
            successor: notice.successor,
            at: notice.at.into(),
        }
    }
}

/// A withdrawn entry: what copies of the catalog must drop.
#[derive(Debug, Serialize, ToSchema)]
pub struct TombstoneAnswer {
    /// `provider/name`.
    pub id: EntryName,
    /// Code of the information resource.
    pub code: String,
    /// Name for people.
    pub title: Text,
    /// The last version that was in force.
    pub version: Version,
    /// Why it was withdrawn.
    pub reason: String,
    /// What to use instead.
    pub successor: Option<EntryName>,
    /// When, in block time.
    pub withdrawn_at: Time,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index: `since` takes the last one seen, plus one.
    pub ledger_index: u64,
}

impl From<Tombstone> for TombstoneAnswer {
    fn from(tombstone: Tombstone) -> Self {
        let Tombstone { entry, ending } = tombstone;
        Self {
            id: entry.id,
            code: entry.code,
            title: entry.name,
            version: entry.version,
            reason: ending.reason,
            successor: ending.successor,
            withdrawn_at: ending.at.into(),
            transaction_id: ending.transaction_id,
            ledger_index: ending.ledger_index,
        }
    }
}
