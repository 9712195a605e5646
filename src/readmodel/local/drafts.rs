//! Drafts of catalog entries: with the provider until a second person approves them.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::catalog::Entry;
use crate::ids::{EntryName, TxId};
use crate::readmodel::columns::{column, count, from_json, from_text, number, to_json};
use crate::readmodel::error::ReadError;

use super::schema::drafts;
use super::{Local, bounded};

/// Open drafts of one node.
pub const DRAFTS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 1_000;

/// Where a draft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftState {
    /// Being written.
    Draft,
    /// Waits for a second person.
    Submitted,
    /// Sent back with a reason.
    Rejected,
    /// On the ledger.
    Published,
}

impl DraftState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Submitted, Self::Rejected, Self::Published];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Rejected => "rejected",
            Self::Published => "published",
        }
    }
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// The entry as it would be published; its name and version name the draft.
    pub entry: Entry,
    /// Where it stands.
    pub state: DraftState,
    /// Who wrote it last: the one who may not approve it.
    pub drafted_by: Actor,
    /// When.
    pub drafted_at: Millis,
    /// When it was submitted.
    pub submitted_at: Option<Millis>,
    /// Who approved or rejected it.
    pub decided_by: Option<Actor>,
    /// When.
    pub decided_at: Option<Millis>,
    /// Why it was sent back.
    pub rejected_reason: Option<String>,
    /// The transaction that published it.
    pub transaction_id: Option<TxId>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = drafts)]
struct DraftRow {
    name: String,
    version: String,
    state: String,
    entry: String,
    drafted_by: String,
    drafted_at: i64,
    submitted_at: Option<i64>,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    rejected_reason: Option<String>,
    transaction_id: Option<String>,
}

impl Draft {
    fn row(&self) -> Result<DraftRow, ReadError> {
        Ok(DraftRow {
            name: self.entry.name.to_string(),
            version: self.entry.version.to_string(),
            state: self.state.as_str().to_owned(),
            entry: to_json(&self.entry)?,
            drafted_by: to_json(&self.drafted_by)?,
            drafted_at: column(self.drafted_at.0),
            submitted_at: self.submitted_at.map(|at| column(at.0)),
            decided_by: self.decided_by.as_ref().map(to_json).transpose()?,
            decided_at: self.decided_at.map(|at| column(at.0)),
            rejected_reason: self.rejected_reason.clone(),
            transaction_id: self.transaction_id.map(|id| id.to_string()),
        })
    }

    fn of(row: DraftRow) -> Result<Self, ReadError> {
        let state = DraftState::ALL.into_iter().find(|state| state.as_str() == row.state);
        let time = |at: Option<i64>| at.map(|at| Millis(number(at)));
        Ok(Self {
            entry: from_json(&row.entry)?,
            state: state.ok_or_else(|| ReadError::Corrupt("a draft's state".into()))?,
            drafted_by: from_json(&row.drafted_by)?,
            drafted_at: Millis(number(row.drafted_at)),
            submitted_at: time(row.submitted_at),
            decided_by: row.decided_by.as_deref().map(from_json).transpose()?,
            decided_at: time(row.decided_at),
            rejected_reason: row.rejected_reason,
            transaction_id: row.transaction_id.as_deref().map(from_text).transpose()?,
        })
    }
}

impl Local {
    /// Saves a draft: a new one, or a new wording of the entry's open one. An entry has one open draft at
    /// a time; another version in it replaces the version before.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when it waits for a decision or this version is published,
    /// [`ReadError::Full`].
    pub fn save_draft(&self, entry: &Entry, by: &Actor, now: Millis) -> Result<Draft, ReadError> {
        let draft = Draft {
            entry: entry.clone(),
            state: DraftState::Draft,
            drafted_by: by.clone(),
            drafted_at: now,
            submitted_at: None,
            decided_by: None,
            decided_at: None,
            rejected_reason: None,
            transaction_id: None,
        };
        self.write(|connection| {
            let same: Option<String> = drafts::table
                .find((entry.name.to_string(), entry.version.to_string()))
                .select(drafts::state)
                .first(connection)
                .optional()?;
            if same.as_deref() == Some(DraftState::Published.as_str()) {
                return Err(ReadError::Conflict(format!("version {} is published: raise the version", entry.version)));
            }
            match load(connection, &entry.name)? {
                Some(open) if open.state != DraftState::Published => {
                    in_state(&open, &[DraftState::Draft, DraftState::Rejected])?;
                    remove(connection, &open)?;
                }
                _ => {
                    let published = DraftState::Published.as_str();
                    let open: i64 = drafts::table.filter(drafts::state.ne(published)).count().get_result(connection)?;
                    if open >= count(DRAFTS_MAX) {
                        return Err(ReadError::Full { what: "the list of drafts", max: DRAFTS_MAX });
                    }
                }
            }
            save(connection, &draft)
        })?;
        self.tell();
        Ok(draft)
    }

    /// Submits a draft to a second person.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`] when it is not a draft.
    pub fn submit_draft(&self, name: &EntryName, now: Millis) -> Result<Draft, ReadError> {
        self.change(name, &[DraftState::Draft, DraftState::Rejected], |draft| {
            draft.state = DraftState::Submitted;
            draft.submitted_at = Some(now);
        })
    }

    /// Sends a submitted draft back.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`] when it is not submitted, [`ReadError::Invalid`]
    /// without a reason.
    pub fn reject_draft(&self, name: &EntryName, by: &Actor, reason: &str, now: Millis) -> Result<Draft, ReadError> {
        bounded("the reason", reason, REASON_CHARS_MAX)?;
        self.change(name, &[DraftState::Submitted], |draft| {
            draft.state = DraftState::Rejected;
            draft.decided_by = Some(by.clone());
            draft.decided_at = Some(now);
            draft.rejected_reason = Some(reason.to_owned());
        })
    }

    /// Notes that a submitted draft is on the ledger.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`] when it is not submitted.
    pub fn publish_draft(
        &self,
        name: &EntryName,
        by: &Actor,
        transaction: TxId,
        now: Millis,
    ) -> Result<Draft, ReadError> {
        self.change(name, &[DraftState::Submitted], |draft| {
            draft.state = DraftState::Published;
            draft.decided_by = Some(by.clone());
            draft.decided_at = Some(now);
            draft.transaction_id = Some(transaction);
        })
    }

    /// Throws away a draft that is not submitted or published.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`].
    pub fn discard_draft(&self, name: &EntryName) -> Result<(), ReadError> {
        self.write(|connection| {
            let draft = load(connection, name)?.ok_or_else(|| unknown(name))?;
            in_state(&draft, &[DraftState::Draft, DraftState::Rejected])?;
            remove(connection, &draft)
        })
    }

    /// The entry's open draft, else the one published last from here.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn draft(&self, name: &EntryName) -> Result<Option<Draft>, ReadError> {
        self.with(|connection| load(connection, name))
    }

    /// All open drafts, those touched last first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn drafts(&self) -> Result<Vec<Draft>, ReadError> {
        let rows: Vec<DraftRow> = self.with(|connection| {
            Ok(drafts::table
                .filter(drafts::state.ne(DraftState::Published.as_str()))
                .order(touched().desc())
                .limit(count(DRAFTS_MAX))
                .select(DraftRow::as_select())
                .load(connection)?)
        })?;
        rows.into_iter().map(Draft::of).collect()
    }

    fn change(
        &self,
        name: &EntryName,
        from: &[DraftState],
        change: impl FnOnce(&mut Draft),
    ) -> Result<Draft, ReadError> {
        let changed = self.write(|connection| {
            let mut draft = load(connection, name)?.ok_or_else(|| unknown(name))?;
            in_state(&draft, from)?;
            change(&mut draft);
            save(connection, &draft)?;
            Ok(draft)
        });
        self.tell();
        changed
    }
}

/// The row id: it grows with every change that is saved, unlike the time, which may repeat.
fn touched() -> diesel::expression::SqlLiteral<diesel::sql_types::BigInt> {
    diesel::dsl::sql("rowid")
}

fn load(connection: &mut SqliteConnection, name: &EntryName) -> Result<Option<Draft>, ReadError> {
    let row: Option<DraftRow> = drafts::table
        .filter(drafts::name.eq(name.to_string()))
        .order(touched().desc())
        .select(DraftRow::as_select())
        .first(connection)
        .optional()?;
    row.map(Draft::of).transpose()
}

fn save(connection: &mut SqliteConnection, draft: &Draft) -> Result<(), ReadError> {
    diesel::replace_into(drafts::table).values(draft.row()?).execute(connection)?;
    Ok(())
}

fn remove(connection: &mut SqliteConnection, draft: &Draft) -> Result<(), ReadError> {
    let key = (draft.entry.name.to_string(), draft.entry.version.to_string());
    diesel::delete(drafts::table.find(key)).execute(connection)?;
    Ok(())
}

fn unknown(name: &EntryName) -> ReadError {
    ReadError::Unknown(format!("a draft of {name}"))
}

fn in_state(draft: &Draft, allowed: &[DraftState]) -> Result<(), ReadError> {
    if allowed.contains(&draft.state) {
        return Ok(());
    }
    Err(ReadError::Conflict(format!("the draft is {}", draft.state.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::readmodel::testing::entry;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn clerk() -> Actor {
        Actor { user: "li.na".into(), role: Role::Clerk }
    }

    #[test]
    fn a_draft_goes_its_way_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let reviewer = Actor { user: "wang".into(), role: Role::Reviewer };
        let entry = entry("tax/deed-tax-payment", "契税缴纳信息");
        let name = &entry.name;

        assert!(matches!(local.submit_draft(name, NOW), Err(ReadError::Unknown(_))));
        local.save_draft(&entry, &clerk(), NOW).unwrap();
        let tx = TxId::new(NOW);
        assert!(matches!(local.publish_draft(name, &reviewer, tx, NOW), Err(ReadError::Conflict(_))));
        local.submit_draft(name, NOW).unwrap();
        assert!(matches!(local.save_draft(&entry, &clerk(), NOW), Err(ReadError::Conflict(_))));
        assert!(matches!(local.discard_draft(name), Err(ReadError::Conflict(_))));
        assert!(matches!(local.reject_draft(name, &reviewer, " ", NOW), Err(ReadError::Invalid(_))));
        let rejected = local.reject_draft(name, &reviewer, "the summary is too short", NOW).unwrap();
        assert_eq!(rejected.rejected_reason.as_deref(), Some("the summary is too short"));
        assert_eq!(local.draft(name).unwrap().unwrap(), rejected);

        let again = local.save_draft(&entry, &clerk(), NOW.plus(1)).unwrap();
        assert_eq!((again.state, again.rejected_reason), (DraftState::Draft, None));
        local.submit_draft(name, NOW).unwrap();
        local.publish_draft(name, &reviewer, tx, NOW).unwrap();
        assert_eq!(local.draft(name).unwrap().unwrap().transaction_id, Some(tx));
        assert!(local.drafts().unwrap().is_empty());
        assert!(matches!(local.save_draft(&entry, &clerk(), NOW), Err(ReadError::Conflict(_))));
    }

    #[test]
    fn an_entry_has_one_open_draft() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let mut first = entry("tax/deed-tax-payment", "契税缴纳信息");
        local.save_draft(&first, &clerk(), NOW).unwrap();
        local.save_draft(&entry("tax/other", "其他"), &clerk(), NOW).unwrap();
        first.version = "1.1".parse().unwrap();
        local.save_draft(&first, &clerk(), NOW).unwrap();
        let open: Vec<_> = local.drafts().unwrap().into_iter().map(|d| (d.entry.name, d.entry.version)).collect();
        assert_eq!(open.len(), 2);
        assert_eq!(open[0], (first.name.clone(), first.version));
        local.discard_draft(&first.name).unwrap();
        assert_eq!(local.draft(&first.name), Ok(None));
    }
}
