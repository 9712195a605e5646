//! Drafts of catalog entries: with the provider until a second person approves them.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::catalog::Entry;
use crate::ids::{EntryName, TxId, Version};
use crate::readmodel::columns::{column, count, from_json, from_text, number, to_json};
use crate::readmodel::error::ReadError;
use crate::readmodel::page::{Page, PageRequest};

use super::schema::drafts;
use super::{Local, bounded};

/// Drafts that are not published, of one node.
pub const DRAFTS_MAX: usize = 1_000;
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
    /// Saves a draft: a new one, or a new wording of one that is not submitted or published.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when it waits for a decision or is published, [`ReadError::Full`].
    pub fn save_draft(&self, entry: Entry, by: &Actor, now: Millis) -> Result<Draft, ReadError> {
        self.write(|connection| {
            match load(connection, &entry.name, entry.version)? {
                Some(old) => in_state(&old, &[DraftState::Draft, DraftState::Rejected])?,
                None => {
                    let published = DraftState::Published.as_str();
                    let open: i64 = drafts::table.filter(drafts::state.ne(published)).count().get_result(connection)?;
                    if open >= count(DRAFTS_MAX) {
                        return Err(ReadError::Full { what: "the list of drafts", max: DRAFTS_MAX });
                    }
                }
            }
            let draft = Draft {
                entry,
                state: DraftState::Draft,
                drafted_by: by.clone(),
                drafted_at: now,
                submitted_at: None,
                decided_by: None,
                decided_at: None,
                rejected_reason: None,
                transaction_id: None,
            };
            save(connection, &draft)?;
            Ok(draft)
        })
    }

    /// Submits a draft to a second person.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`] when it is not a draft.
    pub fn submit_draft(&self, name: &EntryName, version: Version, now: Millis) -> Result<Draft, ReadError> {
        self.change(name, version, &[DraftState::Draft, DraftState::Rejected], |draft| {
            draft.state = DraftState::Submitted;
            draft.submitted_at = Some(now);
        })
    }

    /// Sends a submitted draft back.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Conflict`] when it is not submitted, [`ReadError::Invalid`]
    /// without a reason.
    pub fn reject_draft(
        &self,
        name: &EntryName,
        version: Version,
        by: &Actor,
        reason: &str,
        now: Millis,
    ) -> Result<Draft, ReadError> {
        bounded("the reason", reason, REASON_CHARS_MAX)?;
        self.change(name, version, &[DraftState::Submitted], |draft| {
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
        version: Version,
        by: &Actor,
        transaction: TxId,
        now: Millis,
    ) -> Result<Draft, ReadError> {
        self.change(name, version, &[DraftState::Submitted], |draft| {
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
    pub fn discard_draft(&self, name: &EntryName, version: Version) -> Result<(), ReadError> {
        self.write(|connection| {
            let draft = load(connection, name, version)?.ok_or_else(|| unknown(name, version))?;
            in_state(&draft, &[DraftState::Draft, DraftState::Rejected])?;
            diesel::delete(drafts::table.find((name.to_string(), version.to_string()))).execute(connection)?;
            Ok(())
        })
    }

    /// One draft.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn draft(&self, name: &EntryName, version: Version) -> Result<Option<Draft>, ReadError> {
        self.with(|connection| load(connection, name, version))
    }

    /// The draft of an entry that was written last and is not published.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn open_draft(&self, name: &EntryName) -> Result<Option<Draft>, ReadError> {
        self.with(|connection| {
            let row: Option<DraftRow> = drafts::table
                .filter(drafts::name.eq(name.to_string()))
                .filter(drafts::state.ne(DraftState::Published.as_str()))
                .order((drafts::drafted_at.desc(), drafts::version.desc()))
                .select(DraftRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Draft::of).transpose()
        })
    }

    /// Drafts, those written last first; of one state, or all.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn drafts(&self, state: Option<DraftState>, page: &PageRequest) -> Result<Page<Draft>, ReadError> {
        // The row id grows with every wording that is saved, unlike the time, which may repeat.
        let rowid = diesel::dsl::sql::<diesel::sql_types::BigInt>("rowid");
        let (limit, below) = (page.limit()?, page.below('d')?);
        let mut query = drafts::table.filter(rowid.clone().lt(below)).into_boxed();
        if let Some(state) = state {
            query = query.filter(drafts::state.eq(state.as_str()));
        }
        let query = query.order(rowid.clone().desc()).limit(limit).select((rowid, DraftRow::as_select()));
        self.with(|connection| {
            let rows: Vec<(i64, DraftRow)> = query.load(connection)?;
            page.page('d', rows, 0, |row| number(row.0), |row| Draft::of(row.1))
        })
    }

    fn change(
        &self,
        name: &EntryName,
        version: Version,
        from: &[DraftState],
        change: impl FnOnce(&mut Draft),
    ) -> Result<Draft, ReadError> {
        self.write(|connection| {
            let mut draft = load(connection, name, version)?.ok_or_else(|| unknown(name, version))?;
            in_state(&draft, from)?;
            change(&mut draft);
            save(connection, &draft)?;
            Ok(draft)
        })
    }
}

fn load(connection: &mut SqliteConnection, name: &EntryName, version: Version) -> Result<Option<Draft>, ReadError> {
    let key = (name.to_string(), version.to_string());
    let row = drafts::table.find(key).select(DraftRow::as_select()).first(connection).optional()?;
    row.map(Draft::of).transpose()
}

fn save(connection: &mut SqliteConnection, draft: &Draft) -> Result<(), ReadError> {
    diesel::replace_into(drafts::table).values(draft.row()?).execute(connection)?;
    Ok(())
}

fn unknown(name: &EntryName, version: Version) -> ReadError {
    ReadError::Unknown(format!("the draft {name} {version}"))
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

    #[test]
    fn a_draft_goes_its_way_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let now = Millis(1_795_000_000_000);
        let clerk = Actor { user: "li.na".into(), role: Role::Clerk };
        let reviewer = Actor { user: "wang".into(), role: Role::Reviewer };
        let entry = entry("tax/deed-tax-payment", "契税缴纳信息");
        let (name, version) = (entry.name.clone(), entry.version);

        assert!(matches!(local.submit_draft(&name, version, now), Err(ReadError::Unknown(_))));
        local.save_draft(entry.clone(), &clerk, now).unwrap();
        let tx = TxId::new(now);
        assert!(matches!(local.publish_draft(&name, version, &reviewer, tx, now), Err(ReadError::Conflict(_))));
        local.submit_draft(&name, version, now).unwrap();
        assert!(matches!(local.save_draft(entry.clone(), &clerk, now), Err(ReadError::Conflict(_))));
        assert!(matches!(local.reject_draft(&name, version, &reviewer, " ", now), Err(ReadError::Invalid(_))));
        let rejected = local.reject_draft(&name, version, &reviewer, "the summary is too short", now).unwrap();
        assert_eq!(rejected.rejected_reason.as_deref(), Some("the summary is too short"));
        assert_eq!(local.open_draft(&name).unwrap().unwrap(), rejected);

        let again = local.save_draft(entry.clone(), &clerk, now.plus(1)).unwrap();
        assert_eq!((again.state, again.rejected_reason), (DraftState::Draft, None));
        local.submit_draft(&name, version, now).unwrap();
        local.publish_draft(&name, version, &reviewer, tx, now).unwrap();
        assert_eq!(local.open_draft(&name), Ok(None));
        assert!(matches!(local.discard_draft(&name, version), Err(ReadError::Conflict(_))));
        assert_eq!(local.draft(&name, version).unwrap().unwrap().transaction_id, Some(tx));
    }

    #[test]
    fn drafts_are_listed_page_by_page() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let clerk = Actor { user: "li.na".into(), role: Role::Clerk };
        for n in 0..5 {
            local.save_draft(entry(&format!("tax/entry-{n}"), "数据"), &clerk, Millis(7)).unwrap();
        }
        let mut page = PageRequest { cursor: None, size: Some(2) };
        let mut names = Vec::new();
        loop {
            let answer = local.drafts(Some(DraftState::Draft), &page).unwrap();
            names.extend(answer.items.into_iter().map(|draft| draft.entry.name.name.to_string()));
            page.cursor = answer.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        assert_eq!(names, ["entry-4", "entry-3", "entry-2", "entry-1", "entry-0"]);
        assert!(local.drafts(Some(DraftState::Published), &PageRequest::default()).unwrap().items.is_empty());
    }
}
